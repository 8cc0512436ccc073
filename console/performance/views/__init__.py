"""The pages of performance: endpoints, traces, database statements, web vitals."""

from console.performance.views import endpoints, statements, trace, traces, vitals
from console.performance.views.blueprint import bp

__all__ = ["bp", "endpoints", "statements", "trace", "traces", "vitals"]
