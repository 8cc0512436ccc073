"""One Chart value: drawn on the server as SVG, and handed to Chart.js for hover and zoom."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Offer charts to templates."""
