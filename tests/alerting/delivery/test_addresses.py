"""Links in messages lead to a console that a proxy serves under a path."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from console.alerting.delivery import links
from console.alerting.delivery.compose import compose
from console.core import clock
from tests.alerting.deliveries import add_incident, by_mail, owe


@pytest.fixture
def settings(settings):
    return replace(settings, base_url="https://acme.test/pharos")


def test_every_link_has_the_path_once(acme, inside, make_rule):
    rule_id = make_rule(acme)
    with inside(acme):
        row = owe(add_incident(acme, rule_id=rule_id), by_mail("ada@acme.test"))
        message = compose(row, clock.now())
        act, unsubscribe = links.act_url(row), links.unsubscribe_url(row)
    assert message.evidence
    urls = [message.evidence.url, message.incident_url, message.settings_url, act, unsubscribe]
    for url in map(urlsplit, urls):
        assert (url.scheme, url.netloc) == ("https", "acme.test")
        assert url.path.count("/pharos/") == 1
        assert url.path.startswith("/pharos/")
