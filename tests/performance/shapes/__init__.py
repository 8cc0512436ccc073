"""Requests as clients of many languages send them, and what is right to say about each."""
