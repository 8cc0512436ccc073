"""Consoles in the tests' own process: each worker makes one for each settings and uses it again.

Making one takes 50 ms, and compiling its statements and templates as long again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from jinja2 import FileSystemBytecodeCache

from console import runtime
from console.alerting.delivery import sending
from console.app import create_app, open_stores
from console.core.config import Config
from console.core.db import db
from console.ingest import pipeline, refusals, spool
from console.telemetry import store as telemetry
from console.uptime import schedule as checks

MOST = 4
_made: dict[Config, Flask] = {}


@contextmanager
def console(settings: Config, templates: str) -> Iterator[Flask]:
    """A console that nobody has used since its instance folder was emptied; closed at the end.

    `templates` is the folder that compiled templates are kept in.
    """
    app = _made.get(settings)
    if app is None:
        app = create_app(settings)
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(templates)
        while len(_made) >= MOST:
            _made.pop(next(iter(_made)))
        _made[settings] = app
    else:
        del app.wsgi_app
        open_stores(app, settings.prepared())
    # Forms need no CSRF token (tests/accounts tests that they do).
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    yield app
    close(app)
    if runtime.TICKER in app.extensions:  # it was served: /ready goes on asking for its jobs
        _made.pop(settings, None)


def close(app: Flask) -> None:
    """Close what an app has opened: its digest, spool, telemetry and pool of connections."""
    with app.app_context():
        checks.current().stop()
        sending.current().stop()
        pipeline.current().stop()
        for store in (refusals.EXTENSION, spool.EXTENSION, telemetry.EXTENSION):
            app.extensions[store].close()
        db.engine.dispose()
