"""Endpoints, statements, traces and vitals for scripts, as docs/api.md says."""

from flask import Blueprint

bp = Blueprint(
    "performance_api",
    __name__,
    url_prefix="/api/v1/<slug:organization>/<slug:project>/performance",
)
SCOPE = "performance:read"
