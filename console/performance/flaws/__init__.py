"""Detectors of performance flaws: pure functions of a finished segment."""
