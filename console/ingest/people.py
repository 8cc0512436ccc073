"""The key by which people are counted, made of what a client sends before it is scrubbed.

Only the key is stored. The instance's secret makes it, so nobody can try out addresses against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.core.personal_keys import key_of, secret_of
from console.ingest.addresses import has_address

AUTO = "{{auto}}"
"""What clients write for "the address that this comes from"."""
BROWSER_ADDRESS, BROWSER_USER = "client.address", "user"  # of interactions, before version 11
# Sentry counts people by the first that there is, in this order.
_FIELDS = ("id", "username", "email", "name", "ip_address")
_KINDS = {"name": "username"}
_ATTRIBUTES = {
    "id": "user.id",
    "username": "user.name",
    "email": "user.email",
    "ip_address": "user.ip_address",
}
_USERS = frozenset(_ATTRIBUTES.values())
_LENGTH = 1000  # of what a key is made of


@dataclass(frozen=True, slots=True)
class People:
    """Makes the keys of one organization's people."""

    secret: bytes = b""

    def key_of(self, user: Any) -> str:
        """16 hex digits of the best id that a user object has; "" for nobody."""
        fields = user if isinstance(user, dict) else {}
        for name in _FIELDS:
            value = _text(fields.get(name))
            if value and value != AUTO:
                return key_of(self.secret, _KINDS.get(name, name), value)
        return ""

    def key_of_attributes(self, attributes: Mapping[str, Any]) -> str:
        """The same key from a span's attributes, which have their canonical names."""
        if _USERS.isdisjoint(attributes):
            return ""
        return self.key_of({field: attributes.get(name) for field, name in _ATTRIBUTES.items()})

    def key_of_any(self, identity: Any, address: Any = "") -> str:
        """The key of an id of which the client does not say what it is; else of an address."""
        value = _text(identity)
        kind = "email" if "@" in value else "ip_address" if has_address(value) else "id"
        return self.key_of({kind: value, "ip_address": value if kind == "ip_address" else address})


def people_of(secret_key: str, organization_id: int) -> People:
    """Makes the keys of one organization, which no other organization's can be compared with."""
    return People(secret_of(secret_key, organization_id))


def _text(value: Any) -> str:
    known = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value)[:_LENGTH] if known else ""
