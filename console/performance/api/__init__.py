"""Performance for scripts, as docs/api.md says."""

from console.performance.api import endpoints, statements, traces, vitals
from console.performance.api.blueprint import bp

__all__ = ["bp", "endpoints", "statements", "traces", "vitals"]
