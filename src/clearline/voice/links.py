"""Which call continues another on the far side of a back-to-back user agent.

Such an agent ends one call and begins another with a Call-ID of its own. What it passes on tells that they belong
together: identifiers made for this (RFC 7989, RFC 7315), custom headers that name the other Call-ID, or, failing these,
the two numbers: an INVITE that leaves where one with the same caller and callee just came in, and waits for an answer.
"""

from mypy_extensions import i64

from clearline.voice.call import Call
from clearline.voice.results.call import ADDRESSES, IDENTIFIER
from clearline.voice.wire import sip

CORRELATION_HEADERS = ("session-id", "x-call-id", "x-cid", "x-original-call-id", "p-charging-vector")
"""Headers that user agents in the middle pass on from one call to the next."""

LEG_US = 4_000_000
"""How long after an INVITE came in the next leg's may leave, to be found by addresses and numbers."""

NUMBER_DIGITS = 7
"""Numbers that agree in so many last digits are the same, however their prefixes are written."""


class Links:
    """Knows the calls by what their continuation would be known by.

    Args:
        calls: by Call-ID; the book's, which puts each call there after its legs were sought.
    """

    def __init__(self, calls: dict[str, Call]) -> None:
        self.calls = calls
        self._named: dict[str, Call] = {}
        """Identifier → first leg of the first call that had it."""
        self._received: dict[str, Call] = {}
        """Endpoint that received an INVITE, caller and callee → the call that it began."""

    def find(self, call: Call, message: sip.SipMessage, destination: i64) -> None:
        """Find the first leg of a call that begins, and what tells: `IDENTIFIER`, `ADDRESSES`.

        Args:
            call: the call.
            message: its INVITE.
            destination: the endpoint that received it.
        """
        identifiers = _identifiers(message)
        first = self._first(call.call_id)
        for key in identifiers:
            first = first or self._first(key)
        numbers = f"{_number(message.header('from') or '')}\n{_number(message.header('to') or '')}"
        if first is not None:
            call.link_basis = IDENTIFIER
        else:
            came = self._received.get(f"{call.sender}\n{numbers}")
            if came is not None and _continues(came, destination, call.start_us):
                first = came.first or came
                call.link_basis = ADDRESSES
        call.first = first
        for key in identifiers:
            self._named.setdefault(key, first or call)
        self._received[f"{destination}\n{numbers}"] = call

    def _first(self, key: str) -> Call | None:
        """Give the first leg of the call that an identifier or a Call-ID names."""
        first = self._named.get(key)
        if first is not None:
            return first
        call = self.calls.get(key)
        return None if call is None else call.first or call


def _continues(came: Call, destination: i64, at_us: int) -> bool:
    """Tell whether an INVITE is the next leg of the call whose own came in at its sender."""
    first = came.first or came
    sent_back = destination >> 16 == came.sender >> 16
    return at_us - came.start_us <= LEG_US and first.answered_us is None and not sent_back


def _identifiers(message: sip.SipMessage) -> list[str]:
    """Give what an INVITE names that another leg's may name too."""
    keys = []
    for name in CORRELATION_HEADERS:
        value = message.header(name)
        if value is None:
            continue
        if name == "session-id":
            keys += [part for part in value.replace(";remote=", ";").split(";") if part.strip("0") and "=" not in part]
        elif name == "p-charging-vector":
            keys.append(sip.parameters(f";{value}").get("icid-value", value))
        else:
            keys.append(value)
    return keys


def _number(value: str) -> str:
    """Give the user of a From or To value; of a number its last digits."""
    user = value.partition(":")[2].partition("@")[0].partition(">")[0].partition(";")[0]
    digits = user.lstrip("+").replace("-", "").replace(".", "")
    return digits[-NUMBER_DIGITS:] if digits.isdecimal() and len(digits) >= NUMBER_DIGITS else user.lower()
