"""The examples of docs/embedding.md do what they say: each signs an address that opens."""

import json
import re
import subprocess
from typing import Any

import pytest

from console.core.db import db
from console.dashboards import embeds
from console.dashboards.links_models import ShareLink
from tests.dashboards.sharing import SITE
from tests.support.databases import ROOT

CONSOLE = "http://localhost"
VALUES = {"customer": "Æther & Söhne"}


def example(language):
    text = (ROOT / "docs/embedding.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[0]


def by_python(name, secret, _folder):
    scope: dict[str, Any] = {}
    exec(example("python"), scope)
    return scope["embed_url"](CONSOLE, name, secret, VALUES)


def by_javascript(name, secret, folder):
    module = folder / "example.mjs"
    call = ", ".join(json.dumps(own) for own in (CONSOLE, name, secret, VALUES))
    module.write_text(f"{example('javascript')}\nconst url = embedUrl({call});\n"
                      "process.stdout.write(url);\n")  # fmt: skip
    return subprocess.run(["node", module], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("sign", [by_python, by_javascript])
def test_an_example_signs_an_address_that_opens(client, acme, inside, share, tmp_path, sign):
    _, link_id = share(origins=[SITE])
    with inside(acme):
        name, secret = embeds.new_key(db.session.get_one(ShareLink, link_id))
        db.session.commit()
    page = client.get(sign(name, secret, tmp_path).removeprefix(CONSOLE))
    assert page.status_code == 200
    assert "Hello Æther &amp; Söhne" in page.text
