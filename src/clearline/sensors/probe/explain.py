"""What the operating system and TLS report of a destination, in words, and what to look at next."""

import ssl
from datetime import UTC, datetime

from clearline.sensors.probe.certificate import Certificate
from clearline.sensors.probe.locate import Endpoint

Explained = tuple[str, str]
"""What is wrong, and the next step."""

EXPIRED, NOT_YET_VALID, OTHER_NAME, OTHER_ADDRESS = 10, 9, 62, 64
"""X509_V_ERR_… of OpenSSL. The other codes speak of whom is trusted."""


def explain(error: OSError, endpoint: Endpoint) -> Explained:
    """Say what stands between this host and a server."""
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {endpoint}: {error.reason or error}", "check that the port speaks TLS 1.2 or newer"
    if isinstance(error, ConnectionRefusedError):
        said = "ICMP port unreachable" if endpoint.transport == "UDP" else "connection reset"
        return f"refused: nothing listens on {endpoint} ({said})", "start the server, or correct host and port"
    return f"{endpoint} cannot be reached: {error.strerror or error}", "check the route and the address from this host"


def explain_certificate(
    error: ssl.SSLCertVerificationError, endpoint: Endpoint, certificate: Certificate | None
) -> Explained:
    """Say why a certificate is not accepted.

    Args:
        error: as OpenSSL says it.
        endpoint: the server.
        certificate: what it showed, where it could be looked at.
    """
    said = f"the certificate of {endpoint} is not accepted: {error.verify_message}"
    look = f"look at it with: openssl s_client -connect {endpoint.address}:{endpoint.port} -showcerts"
    if certificate is None:
        return said, look
    if error.verify_code == EXPIRED:
        return f"{said} ({_day(certificate.expires_at_us)})", f"renew it; {look}"
    if error.verify_code == NOT_YET_VALID:
        moment = _day(certificate.not_before_us)
        return f"{said} (valid from {moment})", f"compare the clocks of both hosts; {look}"
    if error.verify_code in (OTHER_NAME, OTHER_ADDRESS):
        return f"{said} (it is for {certificate.for_whom()})", f"{look}, or correct the name in the target"
    return f"{said} (issued by {certificate.issuer})", f"{look}; name its authority with --ca-file"


def _day(moment_us: int) -> str:
    return f"{datetime.fromtimestamp(moment_us // 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"
