"""Puts the console together: configuration, stores, blueprints. No logic."""

import os

from flask import Flask

from console.core import config as configuration
from console.core import db
from console.core.config import Config


def create_app(settings: Config | None = None) -> Flask:
    """Return a console that answers requests; digest and jobs are started by `pharos serve`.

    Raises ConfigError when a setting cannot be used, UnsafeRoleError when the PostgreSQL role could
    read past row-level security.
    """
    settings = (settings or Config.from_environ(os.environ)).prepared()
    app = Flask(__name__)
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["SECRET_KEY_FALLBACKS"] = list(settings.secret_key_fallbacks)
    app.extensions[configuration.EXTENSION] = settings
    db.init_app(app, settings)
    return app
