"""Uptime: checks of what a project depends on, and whether it answers."""
