"""Whether CBOR is as plain as authenticators send it: CTAP2 has no tags and no open lengths.

A full CBOR decoder turns tagged items into dates, fractions and regular expressions: 14 kB of such
items cost it 19 s of processor time.
"""

from webauthn.helpers import parse_cbor

_BYTES, _TEXT, _TAG = 2, 3, 6  # major types (RFC 8949, section 3.1)
_ARGUMENT_BYTES = {24: 1, 25: 2, 26: 4, 27: 8}
_FIXED = 32 + 1 + 4  # of authenticator data: hash of the host, flags, counter
_AAGUID = 16
_ATTESTED = 0x40


def is_plain_attestation(attestation: bytes) -> bool:
    """Whether an attestation of a new key is plain, including the data inside it."""
    if not is_plain(attestation):
        return False
    fields = parse_cbor(attestation)
    facts = fields.get("authData") if isinstance(fields, dict) else None
    return isinstance(facts, bytes) and is_plain_authenticator_data(facts)


def is_plain(cbor: bytes) -> bool:
    """Whether these items, one after the other, hold no tag and no open length."""
    at = 0
    while at < len(cbor):
        major, low = cbor[at] >> 5, cbor[at] & 31
        if major == _TAG or low > max(_ARGUMENT_BYTES):
            return False
        size = _ARGUMENT_BYTES.get(low, 0)
        argument = int.from_bytes(cbor[at + 1 : at + 1 + size]) if size else low
        at += 1 + size + (argument if major in {_BYTES, _TEXT} else 0)
    return True


def is_plain_authenticator_data(facts: bytes) -> bool:
    """Whether the key and the extensions in authenticator data are plain.

    See https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data.
    """
    at = _FIXED
    if len(facts) > at and facts[32] & _ATTESTED:
        at += _AAGUID + 2
        at += int.from_bytes(facts[at - 2 : at])
    return is_plain(facts[at:])
