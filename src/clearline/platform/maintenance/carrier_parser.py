"""Reads one carrier's notice and prints what it says: a program of its own, so that a hostile mail ends with it.

    python -m clearline.platform.maintenance.carrier_parser < MAIL

`circuit-maintenance-parser` does the reading: MAINTNOTE from anybody, the formats of some forty carriers. It guesses
zones from town names and would ask a web service about towns it does not know; here it can reach nobody.
"""

import json
import logging
import resource
import socket
import sys
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any, NoReturn

MOST_SEQUENCE = 2**31 - 1

CPU_S = 20
MEMORY_BYTES = 2 * 1024**3
"""More of either than any notice needs, numbers for the zones' map included."""


def main() -> int:
    """Read standard input, print a JSON list of maintenances; with status 1 and a reason when it is no notice."""
    logging.disable()
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _nobody)
    socket.getaddrinfo = _nobody
    try:
        found = read(sys.stdin.buffer.read())
    except Exception as error:  # noqa: BLE001  # whatever the parser trips over, the mail is no notice to us
        sys.stderr.write(f"{type(error).__name__}: {error}")
        return 1
    sys.stdout.write(json.dumps(found))
    return 0


def _nobody(*_: object, **__: object) -> NoReturn:
    raise OSError("a notice is read without a network")


def read(raw: bytes) -> list[dict[str, Any]]:
    """The maintenances of a mail, or of a bare calendar.

    Raises:
        ValueError: it is not a notice that any parser understands.
    """
    from circuit_maintenance_parser import NotificationData  # noqa: PLC0415  # after the limits are set

    if raw.lstrip().startswith(b"BEGIN:VCALENDAR"):
        data = NotificationData.init_from_raw("ical", raw)
    else:
        data = NotificationData.init_from_email_bytes(raw.decode("utf-8", "replace").encode())
    if data is None:
        raise ValueError("it is no mail")
    reasons = []
    for provider in _candidates(raw):
        try:
            found = [_plain(maintenance) for maintenance in provider().get_maintenances(data)]
        except Exception as error:  # noqa: BLE001  # the next one may understand it
            reasons.append(f"{provider.__name__}: {error}")
        else:
            if found:
                return found
    raise ValueError("; ".join(reasons) or "it announces nothing")


def _candidates(raw: bytes) -> list[Any]:
    """The parsers to try: those of the carrier whose domain the sender has, then the one for MAINTNOTE."""
    from circuit_maintenance_parser import SUPPORTED_PROVIDERS  # noqa: PLC0415  # as above
    from circuit_maintenance_parser.provider import GenericProvider  # noqa: PLC0415  # as above

    sender = _domain(str(message_from_bytes(raw[:65536]).get("From", "")))
    known = [one for one in SUPPORTED_PROVIDERS if sender and _domain(one.get_default_organizer()) == sender]
    return [*known, GenericProvider]


def _domain(address: str) -> str:
    """The last two labels of an address's domain."""
    return ".".join(parseaddr(address)[1].rpartition("@")[2].lower().split(".")[-2:])


def _plain(maintenance: Any) -> dict[str, Any]:
    return {
        "carrier": maintenance.provider,
        "account": maintenance.account,
        "identifier": maintenance.maintenance_id,
        "status": maintenance.status.value,
        "sequence": max(-1, min(maintenance.sequence, MOST_SEQUENCE)),
        "stamp": maintenance.stamp,
        "start": maintenance.start,
        "end": maintenance.end,
        "summary": maintenance.summary,
        "circuits": [[circuit.circuit_id, circuit.impact.value] for circuit in maintenance.circuits],
    }


if __name__ == "__main__":
    sys.exit(main())
