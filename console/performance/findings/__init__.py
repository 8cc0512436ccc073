"""Detectors of performance problems: pure functions of a finished segment that report findings."""
