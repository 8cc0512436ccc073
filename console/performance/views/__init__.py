"""The pages of performance: endpoints, traces, database statements, web vitals."""

from console.performance.views import endpoints, queries, trace, traces, vitals
from console.performance.views.blueprint import bp

__all__ = ["bp", "endpoints", "queries", "trace", "traces", "vitals"]
