"""When certificates and domains expire."""

import ssl
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from console.core import clock, http
from console.core.config import EXTENSION
from console.uptime import domains, metrics, queries
from tests.fakes.peer import Peer, plain
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON


@pytest.fixture
def certified(tmp_path):
    """Make a file with a key and a certificate of 127.0.0.1 that ends in so many days."""

    def certified(days: int):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Peer")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(now - timedelta(days=100))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / "peer.pem"
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        path.write_bytes(
            key.private_bytes(pem, form, serialization.NoEncryption())
            + certificate.public_bytes(pem)
        )
        return path

    return certified


@pytest.fixture
def secured(certified, monkeypatch):
    """A server with such a certificate, which the console trusts."""
    servers = []

    def secured(days: int) -> str:
        path = certified(days)
        context = ssl.create_default_context(cafile=str(path))
        context.sslobject_class = http._Noting
        monkeypatch.setattr(http, "trust", lambda: context)
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(path)
        peer = Peer(tls=own)
        servers.append(peer)
        return peer.url()

    yield secured
    for server in servers:
        server.close()


def test_the_days_of_a_certificate_are_read_from_the_handshake(
    acme, secured, make_check, try_all, stored, results, as_vic
):
    check_id = make_check(acme, secured(30))
    try_all()
    check = stored(acme, check_id)
    assert check.certificate_days == pytest.approx(30, abs=0.01)
    assert results(acme)[0].certificate_days == pytest.approx(30, abs=0.01)
    page = as_vic.get(f"/acme/shop/uptime/{check_id}").text
    assert "Certificate expires in" in page
    assert "29 days" in page


def test_an_expired_certificate_is_down_and_its_days_are_negative(
    acme, secured, make_check, try_all, stored, inside, as_vic
):
    check_id = make_check(acme, secured(-3))
    try_all()
    assert "certificate has expired" in stored(acme, check_id).last_why
    page = as_vic.get(f"/acme/shop/uptime/{check_id}").text
    assert "Certificate expired" in page
    assert "3 days ago" in page
    with inside(acme):
        scope = queries.lately(acme, timedelta(minutes=5), until=clock.now() + timedelta(seconds=1))
        days = metrics.CERTIFICATE_DAYS.value(scope, where={"check": "shop"}).whole.number
    assert days == pytest.approx(-3, abs=0.01)


def rdap(expires: str) -> bytes:
    events = [
        {"eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z"},
        {"eventAction": "expiration", "eventDate": expires},
    ]
    return orjson.dumps({"objectClassName": "domain", "events": events})


@pytest.fixture
def service(app):
    """An RDAP service on this machine, which the console asks."""
    with closing(Peer()) as service:
        settings = app.extensions[EXTENSION]
        app.extensions[EXTENSION] = replace(settings, rdap_url=service.url())
        yield service
        app.extensions[EXTENSION] = settings


@pytest.fixture
def asked(app):
    def asked() -> str:
        with app.app_context():
            return perform("ask-domain-expiry")

    return asked


def test_the_expiry_of_a_domain_is_asked_once_a_day(
    acme, service, asked, make_check, stored, clock
):
    clock.set(NOON)
    service.answers["/domain/www.shop.example"] = plain(b"", "404 No")
    service.answers["/domain/shop.example"] = plain(rdap("2027-01-01T00:00:00Z"))
    first = make_check(acme, "https://www.shop.example/")
    second = make_check(acme, "https://www.shop.example/cart", slug="cart")
    make_check(acme, "https://192.0.2.1/", slug="address")
    assert asked() == "1 domains asked about"
    assert len(service.requests) == 2
    expected = datetime(2027, 1, 1, tzinfo=UTC)
    assert [stored(acme, each).domain_until for each in (first, second)] == [expected] * 2
    clock.move(hours=23)
    assert asked() == "0 domains asked about"
    clock.move(hours=2)
    assert asked() == "1 domains asked about"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"events": 7}', b'{"events": [{}]}', rdap("soon"), rdap("9999-01-01T00:00:00Z")],
)
def test_an_answer_that_says_nothing_is_no_expiry(
    acme, service, asked, make_check, stored, clock, body
):
    clock.set(NOON)
    service.answers["/domain/shop.example"] = plain(body)
    check_id = make_check(acme, "https://shop.example/")
    assert asked() == "1 domains asked about"
    assert stored(acme, check_id).domain_until is None


def test_the_names_that_may_be_registered():
    assert list(domains.names_of("www.Shop.example.co.uk.")) == [
        "www.shop.example.co.uk", "shop.example.co.uk", "example.co.uk", "co.uk",
    ]  # fmt: skip
    assert len(list(domains.names_of("a.b.c.d.e.f.g.h"))) == 4
