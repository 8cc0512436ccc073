"""Lets delivery compose what reports owe, and the watchdog see what does not go out."""

from flask import Flask

from console.alerting.delivery.compose import provide_composer
from console.alerting.watchdog import provide_lookout
from console.channels.message import Verb
from console.reports.messages import compose
from console.reports.watch import LOOKOUT


def init_app(app: Flask) -> None:
    """Join reports to what stands below them."""
    provide_composer(app, Verb.REPORT, compose)
    provide_lookout(app, LOOKOUT)
