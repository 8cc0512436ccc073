"""Performance for scripts, as docs/api.md says."""
