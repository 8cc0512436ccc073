"""The line to a mail server: encrypted where it can be, and to the server that was meant."""

import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from console.channels import smtp as client
from console.channels.smtp import MailError, hand_over
from tests.fakes.smtp import Mailbox, free_port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of localhost that signed itself, with its key, as one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def trusting(certificate, monkeypatch):
    """The certificate is one that this machine trusts."""
    context = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(client, "_trust", lambda: context)


PASSWORDS = (b"a b/c", "größe ☂".encode())


class Vault(Mailbox):
    """A mailbox whose server wants to know who speaks; `passwords` are what it was given."""

    def __init__(self):
        super().__init__()
        self.passwords: list[tuple[bytes, bytes]] = []

    def check(self, _server, _session, _envelope, _mechanism, login):
        self.passwords.append((login.login, login.password))
        return AuthResult(success=login.password in PASSWORDS, handled=False)


@contextmanager
def encrypted(certificate, *, from_the_start):
    """A mail server with TLS, and its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    vault = Vault()
    controller = Controller(
        vault,
        hostname="localhost",
        port=free_port(),
        authenticator=vault.check,
        auth_required=not from_the_start,
        auth_require_tls=not from_the_start,  # it knows of no TLS but its own
        ssl_context=context if from_the_start else None,
        tls_context=None if from_the_start else context,
    )
    controller.start()
    try:
        yield vault, controller.port
    finally:
        controller.stop()


def mail():
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "pharos@acme.test", "ada@acme.test", "Hello"
    mail.set_content("Hello")
    return mail


@pytest.mark.parametrize(("scheme", "from_the_start"), [("smtps", True), ("smtp", False)])
def test_a_password_goes_over_tls(certificate, trusting, scheme, from_the_start):
    with encrypted(certificate, from_the_start=from_the_start) as (mailbox, port):
        url = f"{scheme}://ada%40acme.test:a%20b%2Fc@localhost:{port}"
        handover = hand_over(mail(), ["ada@acme.test"], smtp_url=url)
    assert (handover.status, handover.answer, handover.refused) == (250, "kept", {})
    assert mailbox.passwords == [(b"ada@acme.test", b"a b/c")]


def test_a_password_may_have_letters_that_are_not_ascii(certificate, trusting):
    with encrypted(certificate, from_the_start=True) as (mailbox, port):
        url = f"smtps://ada:{quote('größe ☂')}@localhost:{port}"
        hand_over(mail(), ["ada@acme.test"], smtp_url=url)
    assert mailbox.passwords == [(b"ada", "größe ☂".encode())]


def test_tls_to_a_server_that_begins_without_it_says_what_to_enter(smtp):
    url = smtp.url.replace("smtp://", "smtps://")
    with pytest.raises(MailError, match="use smtp://") as error:
        hand_over(mail(), ["ada@acme.test"], smtp_url=url)
    assert not error.value.permanent


@pytest.mark.parametrize(("scheme", "from_the_start"), [("smtps", True), ("smtp", False)])
def test_a_certificate_that_nobody_vouches_for_ends_it(certificate, scheme, from_the_start):
    with encrypted(certificate, from_the_start=from_the_start) as (mailbox, port):
        url = f"{scheme}://ada:secret-password@localhost:{port}"
        with pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED") as error:
            hand_over(mail(), ["ada@acme.test"], smtp_url=url)
    assert mailbox.passwords == []
    assert not error.value.permanent
    assert "secret-password" not in str(error.value)


def test_a_certificate_of_another_name_ends_it(certificate, trusting):
    refused = pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED")
    with encrypted(certificate, from_the_start=True) as (mailbox, port), refused:
        hand_over(mail(), ["ada@acme.test"], smtp_url=f"smtps://a:b@127.0.0.1:{port}")
    assert mailbox.passwords == []


def test_a_wrong_password_is_no_fault_of_the_mail(certificate, trusting):
    with encrypted(certificate, from_the_start=True) as (_, port):
        url = f"smtps://ada:wrong-password@localhost:{port}"
        with pytest.raises(MailError) as error:
            hand_over(mail(), ["ada@acme.test"], smtp_url=url)
    assert "535" in str(error.value)
    assert (error.value.permanent, error.value.status) == (False, 535)
    assert "wrong-password" not in str(error.value)
