"""Traces: the waterfall and its parts, all of them pure functions of spans."""
