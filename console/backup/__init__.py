"""Backups: copies of an instance at one moment, their verification, and restoring."""
