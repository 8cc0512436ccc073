"""Whom an incident is sent to, in which order, and when."""
