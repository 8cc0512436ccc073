"""Pairs of events as clients of many platforms send them: one bug, or two."""
