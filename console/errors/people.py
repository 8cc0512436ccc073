"""The keys of the people whom a search may name."""

import re

from console.core.config import config
from console.core.personal_keys import key_of, secret_of
from console.core.tenancy import current_organization_id

_KINDS = ("id", "username", "email", "ip_address")
_KEY = re.compile(r"[0-9a-f]{16}")


def keys_of(text: str) -> tuple[str, ...]:
    """The keys of those who have this text as an id, a name or an address, or as their key.

    It finds people of whom nothing readable is stored.
    """
    if "*" in text or not text:
        return ()
    secret = secret_of(config().secret_key, current_organization_id() or 0)
    keys = [key_of(secret, kind, text) for kind in _KINDS]
    return (*keys, text) if _KEY.fullmatch(text) else tuple(keys)
