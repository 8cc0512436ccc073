"""What the process that all others are forked from has done: imports, and a console made once."""

from pathlib import Path
from tempfile import TemporaryDirectory

# Imported when Sentry's SDK finds the packages, which are there for apps of the tests: 1.2 s.
import sentry_sdk.integrations.django
import sentry_sdk.integrations.fastapi
import sentry_sdk.integrations.flask
import sentry_sdk.integrations.huey
import sentry_sdk.integrations.sqlalchemy
import sentry_sdk.spotlight  # noqa: F401
from flask import Flask
from sqlalchemy.orm import configure_mappers

from console.app import create_app
from console.core import migrations
from console.core.config import Config
from tests.ingest import crash, killed  # noqa: F401
from tests.support.consoles import close
from tests.support.databases import SECRET
from tests.support.routing import KnownRule

Flask.url_rule_class = KnownRule
with TemporaryDirectory(prefix="pharos-") as folder:
    settings = Config(instance=Path(folder), secret_key=SECRET).prepared()
    migrations.upgrade(settings)
    configure_mappers()
    close(create_app(settings))
