"""A dashboard that is shared, and tokens that sites sign for it."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import new

from console.core import clock as now
from console.dashboards.document import Document, Section, Tab, Tile, Variable

SITE = "https://intranet.acme.test"


def greeting(title, text="Hello $customer"):
    tile = Tile(id="", kind="text", title=title, settings={"text": text})
    return Document(
        title=title,
        variables=(Variable(name="customer", default="nobody"), Variable(name="other")),
        tabs=(Tab(sections=(Section(tiles=(tile,)),)),),
    )


def b64(value):
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def token_of(name, secret, header=None, **claims):
    """A signed token as a site makes it."""
    given = {"aud": "http://localhost", "exp": now.now().timestamp() + 600, **claims}
    head = {"alg": "HS256", "typ": "JWT", "kid": name} | (header or {})
    parts = ".".join(b64(json.dumps(part).encode()) for part in (head, given))
    return f"{parts}.{b64(new(secret.encode(), parts.encode(), sha256).digest())}"
