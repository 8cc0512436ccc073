"""Pages of reports, and the pages that their links lead to."""

from console.reports.views import editions, links, recipients, reports
from console.reports.views.blueprint import bp

__all__ = ["bp", "editions", "links", "recipients", "reports"]
