"""SIP messages as they are sent, well-formed or nearly so (RFC 3261 sections 7, 19.1, 20 and 25).

Reading is lenient where real senders are sloppy (bare line feeds, blanks before colons, folded headers, lower case)
and strict where leniency would guess (a status that is no number, a header without a colon): there `SipError` says what
is wrong and in which line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

MAX_HEADERS: Final = 512
"""Header lines of one message; real ones have 10 to 40, a request through ten proxies about 60."""

MAX_HEAD_BYTES: Final = 65_535
"""Bytes of a message's head: as much as a UDP datagram can carry."""

MAX_STREAM_BODY_BYTES: Final = 1 << 20
"""The longest body a `Content-Length` may announce on a stream; presence and conference documents reach 100 kB."""

COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""Compact header names (RFC 3261 section 7.3.3 and the IANA registry of SIP header fields)."""

_USUAL = """
    Via From To Call-ID CSeq Contact Max-Forwards Route Record-Route Content-Type Content-Length User-Agent Server Allow
    Supported Require Expires Date Authorization Proxy-Authorization WWW-Authenticate Proxy-Authenticate Session-Expires
    Min-SE P-Asserted-Identity Privacy Reason Allow-Events Accept Subject Organization Session-ID Timestamp
"""

_NAMES: Final = {name: name.lower() for name in _USUAL.split()}
"""A header's name as nearly all senders write it → its long lower-case form: spares folding the case of every name."""

_METHODS = b"INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE"
_BEGINNINGS: Final = (b"SIP/2.0 ", *(method + b" " for method in _METHODS.split()))

_START: Final = re.compile(
    r"SIP/2\.0 +(\d{3})(?: +(.*))?$|([A-Za-z0-9.!%*_+`'~-]+) +(\S(?:.*\S)?) +SIP/2\.0$", re.IGNORECASE
)
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_URI: Final = re.compile(
    r"(?P<scheme>sips?|tel):(?:(?P<user>[^@]*)@)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:;?]*)(?::(?P<port>\d{1,5}))?"
    r"(?P<params>;[^?]*)?(?:\?(?P<headers>.*))?$",
    re.IGNORECASE,
)
_VIA: Final = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(\S+)\s+(\[[^\]]+\]|[^\s:;]+)(?:\s*:\s*(\d{1,5}))?\s*((?:;.*)?)$", re.IGNORECASE
)
_QUOTED_NAME: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*(<)(.*)$', re.DOTALL)
_CSEQ: Final = re.compile(r"(\d{1,10})\s+(\S+)$")


class SipError(ValueError):
    """The sender's fault: bytes that are no SIP message, or a header whose value cannot be read."""


@final
class SipMessage:
    """One request or response."""

    def __init__(
        self,
        method: str | None,
        uri: str | None,
        status: int | None,
        reason: str,
        headers: list[tuple[str, str]],
        body: bytes,
    ) -> None:
        self.method = method
        """Of a request, in upper case; None for a response."""
        self.uri = uri
        """The request's target as written; None for a response."""
        self.status = status
        """Of a response, 100 to 699; None for a request."""
        self.reason = reason
        """The response's phrase as written, possibly empty."""
        self.headers = headers
        """Name (long form, lower case) and value (unfolded, trimmed) in the order of the message."""
        self.body = body
        """What follows the blank line, cut to Content-Length when that is shorter."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its long lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def values(self, name: str) -> list[str]:
        """Return every value of a header that may be a list (Via, Route, Contact …), in order, commas split."""
        return [item for key, value in self.headers if key == name for item in split_list(value)]

    @property
    def call_id(self) -> str:
        """The Call-ID, empty when the message has none."""
        return self.header("call-id") or ""

    @property
    def cseq(self) -> tuple[int, str]:
        """The sequence number and its method.

        Raises:
            SipError: the header is missing or is no number and method.
        """
        value = self.header("cseq") or ""
        number, _, method = value.partition(" ")
        if number.isdecimal() and len(number) <= 10 and method.isalpha():  # as nearly all senders write it
            return int(number), method.upper()
        found = _CSEQ.match(value)
        if found is None:
            raise SipError(f"CSeq is {self.header('cseq')!r}, not a number and a method")
        return int(found[1]), found[2].upper()


def begins(data: bytes) -> bool:
    """Tell whether a message of a known method, or a response, begins here."""
    return data.lstrip(b"\r\n").startswith(_BEGINNINGS)


def parse(data: bytes) -> SipMessage:
    """Read one message: a datagram, or what `frame` cut out of a stream.

    Args:
        data: the message's bytes; text that is no UTF-8 is read with replacement characters.

    Returns:
        The message. Its headers are not interpreted: a bad CSeq is found when it is asked for.

    Raises:
        SipError: no start line, a header line without a colon, or one of the limits is passed.
    """
    lines, body = _split_head(data.lstrip(b"\r\n"))
    start = _START.match(lines[0].rstrip())
    if start is None:
        raise SipError(f"line 1 is no SIP request or status line: {lines[0].rstrip()[:80]!r}")
    headers = _headers(lines[1:])
    length = ""
    for key, value in headers:
        if key == "content-length":
            length = value
            break
    if length.isdecimal() and len(length) < 10:
        body = body[: int(length)]
    status, reason, method, uri = start.groups()
    if status is None:
        return SipMessage(method.upper(), uri, None, "", headers, body)
    return SipMessage(None, None, int(status), (reason or "").strip(), headers, body)


def _split_head(data: bytes) -> tuple[list[str], bytes]:
    """Cut off the body, and cut the head into lines; each may still end with a carriage return."""
    end = _HEAD_END.search(data, 0, MAX_HEAD_BYTES + 4)
    if end is not None:
        head, body = data[: end.start()], data[end.end() :]
    elif len(data) > MAX_HEAD_BYTES:
        raise SipError(f"the head is longer than {MAX_HEAD_BYTES} bytes")
    else:
        head, body = data.rstrip(b"\r\n"), b""  # a capture's snap length, or a sender that forgot the blank line
    return head.decode("utf-8", "replace").split("\n"), body


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 2):
        name, colon, value = line.partition(":")
        known = _NAMES.get(name)
        if known is None or not colon:
            if line.startswith((" ", "\t")) and headers:
                name, value = headers[-1]
                headers[-1] = name, f"{value} {line.strip()}".strip()
                continue
            name = name.strip().lower()
            known = COMPACT.get(name, name)
            if not colon or not name:
                raise SipError(f"line {number} is no header: {line.rstrip()[:80]!r}")
        if len(headers) == MAX_HEADERS:
            raise SipError(f"more than {MAX_HEADERS} headers")
        headers.append((known, value.strip()))
    return headers


def frame(buffer: bytes) -> tuple[bytes | None, bytes]:
    """Cut the first whole message off a stream (RFC 3261 section 18.3, RFC 5626 section 3.5.1 for keep-alives).

    Args:
        buffer: what has arrived and was not consumed yet.

    Returns:
        The message's bytes, or None when more must arrive; and the rest. Leading line ends (keep-alives) are dropped.

    Raises:
        SipError: the stream cannot be followed any more: a limit is passed or Content-Length is no number.
    """
    buffer = buffer.lstrip(b"\r\n")
    end = _HEAD_END.search(buffer, 0, MAX_HEAD_BYTES + 4)
    if end is None:
        if len(buffer) > MAX_HEAD_BYTES:
            raise SipError(f"the head is longer than {MAX_HEAD_BYTES} bytes")
        return None, buffer
    length = parse(buffer[: end.end()]).header("content-length")
    if length is None:
        raise SipError("a message on a stream has no Content-Length")
    if not length.isdecimal() or len(length) > 9 or int(length) > MAX_STREAM_BODY_BYTES:
        raise SipError(f"Content-Length {length[:20]!r} is no number up to {MAX_STREAM_BODY_BYTES}")
    total = end.end() + int(length)
    if len(buffer) < total:
        return None, buffer
    return buffer[:total], buffer[total:]


def _split(text: str, separator: str) -> Iterator[str]:
    """Split on a separator outside quoted strings and angle brackets."""
    start, quoted, bracketed, escaped = 0, False, False, False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in "<>":
            bracketed = character == "<"
        elif character == separator and not bracketed:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def split_list(value: str) -> list[str]:
    """Split a header's value at its commas, but not at those inside quotes or angle brackets."""
    return [item for part in _split(value, ",") if (item := part.strip())]


def parameters(value: str) -> dict[str, str]:
    """Return the parameters after a value's first semicolon: names in lower case, quotes taken off, "" for a flag."""
    found = {}
    parts = list(_split(value, ";")) if '"' in value or "<" in value else value.split(";")
    for part in parts[1:]:
        name, _, text = part.partition("=")
        found[name.strip().lower()] = unquote(text.strip())
    return found


def unquote(text: str) -> str:
    """Take the quotes and backslashes off a quoted string; return any other text as it is."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if "\\" in text else text[1:-1]
    return text


@final
class Address:
    """The value of From, To, Contact, Route or Record-Route (RFC 3261 section 20.10)."""

    def __init__(self, display: str, uri: str, params: dict[str, str]) -> None:
        self.display = display
        """The name shown, without its quotes, possibly empty."""
        self.uri = uri
        """The URI as written."""
        self.params = params
        """The header's own parameters (`tag`, `expires` …), not the URI's."""

    @property
    def tag(self) -> str:
        """The dialog's tag, empty when there is none."""
        return self.params.get("tag", "")


def address(value: str) -> Address:
    """Read a name-addr or addr-spec; without angle brackets the parameters are the header's (RFC 3261 section 20).

    Raises:
        SipError: an angle bracket is opened and not closed.
    """
    before, bracket, rest = value.partition("<") if '"' not in value else _after_name(value)
    if not bracket:
        return Address("", next(_split(value, ";")).strip(), parameters(value))
    uri, closed, after = rest.partition(">")
    if not closed:
        raise SipError(f"an angle bracket is not closed in {value[:80]!r}")
    return Address(unquote(before.strip()), uri.strip(), parameters(after))


def _after_name(value: str) -> tuple[str, str, str]:
    """Partition at the first angle bracket outside a quoted display name."""
    if value[0] == '"' and "\\" not in value:
        name, _, rest = value[1:].partition('"')
        between, bracket, rest = rest.partition("<")
        if bracket and not between.strip():
            return f'"{name}"', bracket, rest
    found = _QUOTED_NAME.match(value)
    return (found[1], found[2], found[3]) if found else value.partition("<")


@dataclass(frozen=True, slots=True)
class Uri:
    """A sip:, sips: or tel: URI (RFC 3261 section 19.1, RFC 3966)."""

    scheme: str
    user: str
    """What stands before the @ (for tel: the number), a password included; possibly empty."""
    host: str
    """A name or an address, IPv6 without its brackets; empty for tel:."""
    port: int | None
    params: dict[str, str]


def uri(text: str) -> Uri:
    """Read a URI.

    Raises:
        SipError: it is none of the three schemes, has no host, or a port above 65535.
    """
    found = _URI.match(text.strip())
    if found is None:
        raise SipError(f"{text[:80]!r} is no sip:, sips: or tel: URI")
    scheme, host, params = found["scheme"].lower(), found["host"], parameters(found["params"] or "")
    if scheme == "tel":
        return Uri(scheme, host, "", None, params)
    if not host or (found["port"] and int(found["port"]) > 65_535):
        raise SipError(f"{text[:80]!r} has no usable host and port")
    return Uri(scheme, found["user"] or "", host.strip("[]"), int(found["port"]) if found["port"] else None, params)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a message's way (RFC 3261 section 20.42)."""

    transport: str
    """UDP, TCP, TLS, WS, WSS …, in upper case."""
    host: str
    """As sent, IPv6 without its brackets."""
    port: int | None
    params: dict[str, str]

    @property
    def branch(self) -> str:
        """The transaction's identifier, empty when there is none."""
        return self.params.get("branch", "")


def via(value: str) -> Via:
    """Read one Via value.

    Raises:
        SipError: it is no `SIP/2.0/TRANSPORT host[:port]`.
    """
    found = _VIA.match(value.strip())
    if found is None:
        raise SipError(f"Via is {value[:80]!r}")
    return Via(found[1].upper(), found[2].strip("[]"), int(found[3]) if found[3] else None, parameters(found[4]))
