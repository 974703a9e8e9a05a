"""Which call continues another on the far side of a back-to-back user agent.

Such an agent ends one call and begins another with a Call-ID of its own. What it passes on tells that they belong
together: identifiers made for this (RFC 7989, RFC 7315), custom headers that name the other Call-ID, or, failing these,
the two numbers: an INVITE that leaves where one with the same caller and callee just came in, and waits for an answer.
"""

from clearline.voice.results.call import ADDRESSES, IDENTIFIER
from clearline.voice.wire import sip

CORRELATION_HEADERS = ("session-id", "x-call-id", "x-cid", "x-original-call-id", "p-charging-vector")
"""Headers that user agents in the middle pass on from one call to the next."""

LEG_US = 4_000_000
"""How long after an INVITE came in the next leg's may leave, to be found by addresses and numbers."""

NUMBER_DIGITS = 7
"""Numbers that agree in so many last digits are the same, however their prefixes are written."""


class Links:
    """Remembers the calls by what their continuation would be known by."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        """Identifier → Call-ID of the first call that had it."""
        self._received: dict[tuple[str, str, str], tuple[str, str, int]] = {}
        """(Host that received an INVITE, caller, callee) → (Call-ID of the first leg, host that sent it, when)."""
        self._answered: set[str] = set()

    def answered(self, call_id: str) -> None:
        """Note that a call has its final response: no further leg of it begins."""
        self._answered.add(call_id)

    def find(self, message: sip.SipMessage, source: str, destination: str, at_us: int) -> tuple[str, str] | None:
        """Find the call that an INVITE with a Call-ID of its own continues.

        Args:
            message: the INVITE.
            source: the sender's address and port.
            destination: the receiver's.
            at_us: when it was captured.

        Returns:
            The first leg's Call-ID and what it was found by (`IDENTIFIER`, `ADDRESSES`); None: it continues none.
        """
        call_id = message.call_id
        keys = [call_id, *_identifiers(message)]
        first = next((self._first[key] for key in keys if key in self._first), call_id)
        basis = IDENTIFIER
        numbers = _number(message.header("from") or ""), _number(message.header("to") or "")
        if first == call_id:
            came = self._received.get((source, *numbers))
            if came is not None and self._continues(came, destination, at_us):
                first, basis = came[0], ADDRESSES
        for key in keys:
            self._first.setdefault(key, first)
        self._received[(destination, *numbers)] = first, _host(source), at_us
        return None if first == call_id else (first, basis)

    def _continues(self, came: tuple[str, str, int], destination: str, at_us: int) -> bool:
        call_id, sender, came_us = came
        return at_us - came_us <= LEG_US and call_id not in self._answered and _host(destination) != sender


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


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0]


def _number(value: str) -> str:
    """Give the user of a From or To value; of a number its last digits."""
    user = value.partition(":")[2].partition("@")[0].partition(">")[0].partition(";")[0]
    digits = user.lstrip("+").replace("-", "").replace(".", "")
    return digits[-NUMBER_DIGITS:] if digits.isdecimal() and len(digits) >= NUMBER_DIGITS else user.lower()
