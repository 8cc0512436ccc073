"""When a certificate expired that was refused for it: a handshake with it notes no dates."""

from __future__ import annotations

import asyncio
import ssl
from datetime import datetime

from cryptography import x509

from console.core import clock

EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED, of this certificate or of one above it."""


def has_expired(error: BaseException | None) -> bool:
    """Whether a handshake failed for a certificate that is out of date."""
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == EXPIRED


async def expiry_of(address: str, port: int, name: str) -> datetime | None:
    """When the certificate expired that an address shows; None if it says nothing of the past.

    Nothing is sent to it: whoever answers is not known. The caller waits for as long as it wants.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        _, writer = await asyncio.open_connection(
            address, port, ssl=context, server_hostname=name, limit=1_024
        )
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        until = x509.load_der_x509_certificate(shown).not_valid_after_utc
    except (OSError, ValueError, TypeError):
        return None
    return until if until < clock.now() else None
