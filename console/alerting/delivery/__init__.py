"""Channels, and how what is owed to people gets there."""
