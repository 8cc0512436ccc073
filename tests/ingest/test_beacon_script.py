"""The beacon as pages load it: small, cacheable, from any site, and with or without npm."""

import gzip
import json
from base64 import b64encode
from dataclasses import replace
from hashlib import sha384

import pytest

from console.app import create_app
from console.web.assets import STATIC
from console.web.beacon_script import LIBRARY
from tests.support import consoles

LARGEST = 8_000  # bytes on the wire
ABROAD = {"Sec-Fetch-Site": "cross-site", "Accept-Encoding": "gzip"}


@pytest.fixture
def without_npm(settings):
    app = create_app(replace(settings, assets="cdn"))
    yield app.test_client()
    consoles.close(app)


def test_the_beacon_is_small_on_the_wire(client, capsys):
    answer = client.get("/beacon.js", headers=ABROAD)
    assert answer.headers["Content-Encoding"] == "gzip"
    with capsys.disabled():
        print(f"\nbeacon: {len(answer.data):,} bytes gzip, of at most {LARGEST:,}")
    assert len(answer.data) < LARGEST
    assert b"largest-contentful-paint" in gzip.decompress(answer.data)


def test_pages_of_any_site_may_load_and_keep_it(client):
    first = client.get("/beacon.js")
    assert first.mimetype == "text/javascript"
    assert first.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert first.cache_control.public
    assert first.cache_control.max_age == 3600
    assert "Set-Cookie" not in first.headers
    again = client.get("/beacon.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_without_npm_it_loads_its_library_from_the_cdn_by_its_hash(without_npm):
    script = without_npm.get("/beacon.js").text
    assert f'library.src = "{LIBRARY.cdn_url}"' in script
    assert f'library.integrity = "{LIBRARY.integrity}"' in script
    assert "const { onCLS, onFCP, onINP, onLCP, onTTFB } = webVitals;" in script
    assert "import " not in script


def test_the_library_is_the_one_that_npm_installs():
    installed = (STATIC / "node_modules" / LIBRARY.path).read_bytes()
    assert LIBRARY.integrity == "sha384-" + b64encode(sha384(installed).digest()).decode()
    pinned = json.loads((STATIC / "package.json").read_text())["dependencies"]["web-vitals"]
    assert pinned == LIBRARY.version
