"""The gallery: an application with the page system and nothing else, in process and live."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.served import served
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
    with served(gallery) as url:
        yield f"{url}/acme/shop"
