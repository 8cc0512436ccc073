"""Receivers that hang while they are tried out leave the console's pages their threads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from console.alerting.delivery import channels
from console.channels.registry import KINDS
from console.core.db import db
from tests.fakes.peer import plain
from tests.support.factories import signed_in
from tests.support.waiting import until

SENTENCE = "Other channels are being tried out."


@pytest.fixture
def settings(settings):
    return replace(settings, private_addresses=True, web_threads=12)


@pytest.fixture
def released(peer):
    """What lets the receiver answer, which hangs until then."""
    released = Event()

    def hang(connection, request):
        released.wait(15)
        plain(b"ok")(connection, request)

    peer.answers["/hangs"] = hang
    yield released
    released.set()


def test_an_organization_tries_out_two_channels_at_once(
    app, inside, acme, globex, as_script, peer, released
):
    places = {}
    for project in (acme, globex):
        with inside(project):
            channel = channels.create(KINDS["webhook"], "hook", {"url": peer.url("/hangs")})
            db.session.commit()
            places[project.organization.slug] = channel.id
    url = f"/acme/settings/channels/{places['acme']}/test"
    script = as_script(acme, "channels:write")
    with ThreadPoolExecutor(3) as pool:
        trials = [pool.submit(signed_in(app, "alice@acme.test").post, url) for _ in range(2)]
        until(lambda: len(peer.requests) == 2, "two trials")
        refused = signed_in(app, "alice@acme.test").post(url)
        assert refused.status_code == 429
        assert SENTENCE in refused.text
        answer = script.post(f"/api/v1/acme/shop/channels/{places['acme']}/test")
        assert answer.status_code == 429
        assert SENTENCE in answer.json["detail"]
        stranger = signed_in(app, "eve@globex.test")
        path = f"/globex/settings/channels/{places['globex']}/test"
        trials.append(pool.submit(stranger.post, path))
        until(lambda: len(peer.requests) == 3, "a third trial")
        assert stranger.post(path).status_code == 429, "a quarter of the threads is taken"
        released.set()
        assert [trial.result().status_code for trial in trials] == [200, 200, 200]
    assert signed_in(app, "alice@acme.test").post(url).status_code == 200
