"""Pharos: one self-hosted console for errors, performance, product usage and alerts."""
