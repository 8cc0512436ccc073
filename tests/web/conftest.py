"""The gallery: an application with the page system and nothing else, in process and live."""

from collections.abc import Iterator
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from tests.web.gallery import NOW, create_gallery


@pytest.fixture
def gallery(clock) -> Flask:
    """Every atom of the interface, at a fixed moment."""
    clock.set(NOW)
    return create_gallery()


@pytest.fixture
def visitor(gallery: Flask) -> FlaskClient:
    """A browser without JavaScript in the gallery."""
    return gallery.test_client()


@pytest.fixture
def gallery_url(gallery: Flask) -> Iterator[str]:
    """The gallery on a free port, for Chromium."""
    server = make_server("127.0.0.1", 0, gallery, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/acme/shop"
    server.shutdown()
    thread.join()
    server.server_close()
