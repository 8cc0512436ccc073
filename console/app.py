"""Puts the console together: settings, stores, the page system, blueprints. No logic."""

import os

from flask import Flask
from flask_migrate import Migrate

from console import health_views
from console.accounts import access, single_sign_on, unwritten
from console.accounts import views as accounts
from console.alerting import api as alerting_api
from console.alerting import (
    channels_api,
    completeness,
    deliveries_api,
    incidents_api,
    policies_api,
    pulse,
    response_api,
    silences_api,
)
from console.alerting import tiles as alerting_tiles
from console.alerting import views as alerting
from console.alerting.delivery import banner, sending
from console.alerting.escalation import views as policies
from console.backup import orders as backups
from console.changes import api as changes_api
from console.changes import tiles as changes_tiles
from console.changes import views as changes
from console.core import config as configuration
from console.core import noting, readiness, tenancy
from console.core.config import Config
from console.core.db import db
from console.dashboards import annotations_api, drawn, links_api, tiles_api
from console.dashboards import api as dashboards_api
from console.dashboards import handed_out as dashboards_handed_out
from console.dashboards import tiles as dashboard_tiles
from console.dashboards import views as dashboards
from console.detection import models  # noqa: F401 - its tables are guarded from the first statement
from console.errors import api as errors_api
from console.errors import tiles as errors_tiles
from console.errors import views as errors
from console.ingest import spool
from console.ingest import views as ingest
from console.intake import api as intake_api
from console.intake import views as intake
from console.metrics import api as metrics_api
from console.metrics import known
from console.metrics import views as metrics
from console.performance import api as performance_api
from console.performance import tiles as performance_tiles
from console.performance import views as performance
from console.reports import api as reports_api
from console.reports import handed_out as reports_handed_out
from console.reports import sending as reports_sending
from console.reports import views as reports
from console.telemetry import store as telemetry
from console.telemetry.database import TelemetryDamaged, TelemetryUnavailable
from console.telemetry.tile import provide_tiles
from console.uptime import api as uptime_api
from console.uptime import heartbeats_api, maintenance_api, status_pages_api, taking_in
from console.uptime import schedule as checks
from console.uptime import tiles as uptime_tiles
from console.uptime import views as uptime
from console.web import frame
from console.web.application import Application
from console.web.errors import damaged, unavailable

BLUEPRINTS = (
    accounts.bp,
    dashboards.bp,
    dashboards.organization_bp,
    dashboards.shared.bp,
    *links_api.addresses.blueprints,
    *dashboards_api.addresses.blueprints,
    *tiles_api.addresses.blueprints,
    annotations_api.bp,
    errors.bp,
    errors_api.bp,
    errors_api.findings_bp,
    performance.bp,
    performance_api.bp,
    health_views.bp,
    intake.bp,
    intake_api.bp,
    metrics.bp,
    metrics_api.bp,
    changes.bp,
    changes_api.bp,
    reports.bp,
    reports.links.public,
    reports_api.bp,
    alerting.bp,
    policies.bp,
    alerting.deliveries.bp,
    *alerting.BESIDE_PROJECTS,
    channels_api.bp,
    deliveries_api.bp,
    alerting_api.bp,
    incidents_api.bp,
    policies_api.bp,
    response_api.bp,
    silences_api.bp,
    uptime.bp,
    uptime.beats,
    uptime.public,
    uptime_api.bp,
    heartbeats_api.bp,
    maintenance_api.bp,
    status_pages_api.bp,
    ingest.beacon_script.bp,
    ingest.connect.bp,
    ingest.dead_letters.bp,
    ingest.scrubbing.bp,
    ingest.guardrails.bp,
)
TILES = (
    *dashboard_tiles.NUMBERS,
    *errors_tiles.KINDS,
    *alerting_tiles.KINDS,
    *uptime_tiles.KINDS,
    *performance_tiles.KINDS,
    *changes_tiles.KINDS,
    *dashboard_tiles.NOTES,
)
"""Every kind of tile, in the order in which a person chooses; each feature declares its own."""


def create_app(settings: Config | None = None) -> Flask:
    """Return a console that answers requests; digest and jobs are started by `pharos serve`.

    Raises ConfigError when a setting cannot be used, UnsafeRoleError when the PostgreSQL role could
    read past row-level security.
    """
    settings = (settings or Config.from_environ(os.environ)).prepared()
    app = Application(__name__, static_folder=None)
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["SECRET_KEY_FALLBACKS"] = list(settings.secret_key_fallbacks)
    app.extensions[configuration.EXTENSION] = settings
    app.register_error_handler(TelemetryUnavailable, unavailable)
    app.register_error_handler(TelemetryDamaged, damaged)
    readiness.init_app(app)
    tenancy.init_app(app, settings)
    Migrate(app, db, directory="migrations", render_as_batch=False)  # `flask db migrate`
    frame.init_app(app)
    access.init_app(app)
    single_sign_on.init_app(app, settings)
    banner.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    provide_tiles(app, TILES)
    open_stores(app, settings)
    return app


def open_stores(app: Flask, settings: Config) -> None:
    """Give the app its stores in the instance folder, and what accepts data into them."""
    telemetry.init_app(app, settings)
    noting.init_app(app)
    unwritten.init_app(app)
    known.init_app(app)
    ingest.init_app(app, settings)
    completeness.init_app(app, app.extensions[spool.EXTENSION].oldest)
    taking_in.init_app(app, app.extensions[spool.EXTENSION].oldest)
    backups.init_app(app)
    checks.init_app(app)
    pulse.init_app(app)
    sending.init_app(app)
    drawn.init_app(app)
    dashboards_handed_out.init_app(app)
    reports_sending.init_app(app)
    reports_handed_out.init_app(app)
