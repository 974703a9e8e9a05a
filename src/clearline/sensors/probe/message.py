"""SIP messages of our own making: requests, acknowledgements and answers, as bytes."""

from dataclasses import dataclass, replace
from typing import Self

from clearline import __version__
from clearline.voice.wire import sip

USER_AGENT = f"Clearline/{__version__}"

Headers = tuple[tuple[str, str], ...]

NAMES = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
"""Header names whose usual spelling is not the capitalised one."""

PHRASES = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    405: "Method Not Allowed",
    420: "Bad Extension",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    503: "Service Unavailable",
}
"""Reason phrases of the answers we give (RFC 3261 section 21)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to be sent. Header names are long and lower case, as `SipMessage` has them."""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """Return the values of a header, in order."""
        return [value for key, value in self.headers if key == name]

    @property
    def branch(self) -> str:
        """The transaction's identifier, from the topmost Via."""
        return sip.via(self.values("via")[0]).branch

    def replacing(self, **headers: str) -> Self:
        """Return the request with the named headers' values replaced (`cseq="2 OPTIONS"`), or added at the end."""
        kept = tuple((key, headers.pop(key, value)) for key, value in self.headers)
        return replace(self, headers=kept + tuple(headers.items()))

    def with_branch(self, branch: str) -> Self:
        """Return the request as a new transaction."""
        return self.replacing(via=self.values("via")[0].replace(self.branch, branch))

    def encode(self) -> bytes:
        """Return the bytes to send, with the Content-Length of the body."""
        return _encode(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)


def _encode(start: str, headers: Headers, body: bytes) -> bytes:
    lines = [start, *(f"{NAMES.get(name, name.title())}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line end inside a header of our own message")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def via_value(transport: str, host: str, port: int, branch: str) -> str:
    """Return a Via that asks for the answer at the port it came from (RFC 3581)."""
    return f"SIP/2.0/{transport} {bracketed(host)}:{port};rport;branch={branch}"


def bracketed(host: str) -> str:
    """Return a host as it stands in a URI: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def acknowledgement(request: Request, response: sip.SipMessage) -> Request:
    """Make the ACK of a final answer above 299 (RFC 3261 section 17.1.1.3): same branch and route, the answer's To."""
    kept = tuple((key, value) for key, value in request.headers if key in ("from", "call-id", "route", "max-forwards"))
    number = request.values("cseq")[0].split()[0]
    own = (("via", request.values("via")[0]), ("to", clean(response.header("to") or "")), ("cseq", f"{number} ACK"))
    return Request("ACK", request.uri, own + kept)


def cancellation(request: Request) -> Request:
    """Make the CANCEL of a pending INVITE (RFC 3261 section 9.1)."""
    kept = tuple((key, value) for key, value in request.headers if key in ("from", "to", "call-id", "route"))
    number = request.values("cseq")[0].split()[0]
    own = (("via", request.values("via")[0]), ("max-forwards", "70"), ("cseq", f"{number} CANCEL"))
    return Request("CANCEL", request.uri, own + kept)


def answer(
    request: sip.SipMessage,
    status: int,
    *,
    source: tuple[str, int],
    to_tag: str,
    headers: Headers = (),
    body: bytes = b"",
) -> bytes:
    """Make the answer to a request (RFC 3261 section 8.2.6).

    Args:
        request: as received.
        status: one of `PHRASES`.
        source: address and port the request came from, written into the topmost Via (18.2.1, RFC 3581 section 4).
        to_tag: added to To where it has none; not for status 100.
        headers: of this answer alone.
        body: SDP, or empty.
    """
    vias = request.values("via")
    copied = [("via", clean(value)) for value in (_received(vias[0], source), *vias[1:])]
    if request.method == "INVITE":
        copied += [("record-route", clean(value)) for value in request.values("record-route")]
    to = clean(request.header("to") or "")
    if status > 100 and not sip.address(to).tag:
        to = f"{to};tag={to_tag}"
    copied += [("from", clean(request.header("from") or "")), ("to", to), ("call-id", clean(request.call_id))]
    copied.append(("cseq", clean(request.header("cseq") or "")))
    return _encode(f"SIP/2.0 {status} {PHRASES[status]}", (*copied, *headers), body)


def _received(value: str, source: tuple[str, int]) -> str:
    top = sip.via(value)
    if "rport" in top.params:
        flag = f";rport={source[1]}"
        parts = [part for part in value.split(";") if not part.strip().lower().startswith(("rport", "received"))]
        return ";".join(parts) + f"{flag};received={source[0]}"
    return value if top.host == source[0] else f"{value};received={source[0]}"


def clean(value: str) -> str:
    """Return a peer's header value fit to be sent again: a lone carriage return in it becomes a blank."""
    return value.replace("\r", " ")
