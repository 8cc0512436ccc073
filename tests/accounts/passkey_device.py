"""A device that keeps passkeys, in Python: what `navigator.credentials` would hand to the page."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from flask.testing import FlaskClient
from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url

from tests.accounts.reading import found
from tests.support.factories import PASSWORD

NEW = "/account/passkeys/new"
PRESENT, VERIFIED, ATTESTED, EXTENDED = 0x01, 0x04, 0x40, 0x80  # flags of authenticator data
JSON = dict[str, Any]


@dataclass
class Device:
    """One passkey, and how the device behaves; what a test changes makes it behave badly."""

    origin: str = "http://localhost"
    host: str = "localhost"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    counts: bool = True
    extensions: bytes = b""
    credential_id: bytes = field(default_factory=lambda: token_bytes(32))
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def made(self, options: JSON) -> str:
        """What it answers to options for `create`."""
        point = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (point.x, point.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})  # EC2, ES256, P-256
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        facts = self._facts(self.flags | ATTESTED) + attested + cose + self.extensions
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": facts})
        client = self._client("webauthn.create", options["challenge"])
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def signed(self, options: JSON) -> str:
        """What it answers to options for `get`."""
        self.count += self.counts
        facts = self._facts(self.flags) + self.extensions
        client = self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(facts + sha256(client).digest(), ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=facts, signature=signature)

    def _facts(self, flags: int) -> bytes:
        host = sha256(self.host.encode()).digest()
        return host + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        name = bytes_to_base64url(self.credential_id)
        encoded = {part: bytes_to_base64url(value) for part, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": encoded})


def creation_options(client: FlaskClient) -> JSON:
    """Prove the password, and read what the page gives to the browser."""
    begun = client.post("/account/passkeys/challenge", data={"current": PASSWORD})
    assert (begun.status_code, begun.location) == (303, NEW)
    given = found(r'<script type="application/json">(.*?)</script>', client.get(NEW).text)
    options: JSON = json.loads(given)
    return options


def added(client: FlaskClient, device: Device | None = None, name: str = "Phone") -> Device:
    """Add a device's passkey to the account of who is signed in."""
    device = device or Device()
    form = {"credential": device.made(creation_options(client)), "name": name}
    answer = client.post("/account/passkeys", data=form)
    assert answer.status_code == 303, answer.text
    return device


def request_options(client: FlaskClient) -> JSON:
    """What the console asks a device to sign."""
    options: JSON = client.post("/login/passkey/challenge").get_json()
    return options


def log_in(client: FlaskClient, device: Device, then: str = "/account") -> Any:
    """Log in with the device's passkey; return the answer."""
    form = {"credential": device.signed(request_options(client)), "next": then}
    return client.post("/login/passkey", data=form)


def tampered(answer: str, part: str) -> str:
    """The answer with the last bit of one of its parts turned."""
    changed: JSON = json.loads(answer)
    value = base64url_to_bytes(changed["response"][part])
    changed["response"][part] = bytes_to_base64url(value[:-1] + bytes([value[-1] ^ 1]))
    return json.dumps(changed)
