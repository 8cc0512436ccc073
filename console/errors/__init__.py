"""Errors: grouped into issues, seen, triaged and watched."""
