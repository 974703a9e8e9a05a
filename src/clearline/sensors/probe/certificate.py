"""What a server's certificate says: for whom, by whom, until when."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

MAX_NAMES_SAID = 5


@dataclass(frozen=True, slots=True)
class Certificate:
    """The server's own certificate; its end is that of the whole chain, where that is known."""

    names: tuple[str, ...]
    """Names and addresses it is for (RFC 5922 section 7.1: the subject's name only where there are no others)."""
    issuer: str
    not_before_us: int
    """Microseconds since the epoch."""
    expires_at_us: int
    """The earliest end in the chain: from then on it is not accepted."""

    def for_whom(self) -> str:
        """The names as a person reads them, the first few."""
        more = len(self.names) - MAX_NAMES_SAID
        said = ", ".join(self.names[:MAX_NAMES_SAID]) or "nobody"
        return f"{said} and {more} more" if more > 0 else said


def read(chain: Sequence[bytes]) -> Certificate | None:
    """Read a chain of DER certificates, the server's own first; None when its own cannot be read."""
    try:
        found = [x509.load_der_x509_certificate(data) for data in chain]
        own = found[0]
        return Certificate(
            names=_names(own),
            issuer=own.issuer.rfc4514_string(),
            not_before_us=int(own.not_valid_before_utc.timestamp()) * 1_000_000,
            expires_at_us=min(int(one.not_valid_after_utc.timestamp()) for one in found) * 1_000_000,
        )
    except (ValueError, IndexError):
        return None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(one.value) for one in common)
    assert isinstance(extension.value, x509.SubjectAlternativeName)  # noqa: S101  # that identifier's type
    return tuple(str(one.value) for one in extension.value)


def certificate_of(connection: ssl.SSLObject | None) -> Certificate | None:
    """Return the certificate behind a TLS connection, of a plain one None.

    The verified chain is public from Python 3.13 on; before, the server's own certificate alone is read.
    """
    if connection is None:
        return None
    verified = getattr(connection, "get_verified_chain", None)
    own = connection.getpeercert(binary_form=True)
    chain = list(verified()) if verified is not None else [own] if own else []
    return read(chain)


async def shown_by(address: str, port: int, name: str) -> Certificate | None:
    """Fetch a server's certificate without trusting it.

    Raises:
        OSError: there is no TLS with it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=name or None)
    own = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return read([own] if own else [])
