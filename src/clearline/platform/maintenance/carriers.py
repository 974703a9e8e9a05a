"""Maintenance that upstream carriers announce: read from their mails, kept as last told, put on the calendar."""

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from clearline.platform.accounts.models import Provider, User
from clearline.platform.audit.services import record
from clearline.platform.maintenance.models import CarrierWindow

MAIL_BYTES = 4 * 1024 * 1024
MOST_WINDOWS = 100
MOST_CIRCUITS = 500
TEXT_LENGTH = 200
READ_WITHIN_S = 40.0
"""A mail that takes longer to read is refused; see also the limits in `carrier_parser`."""

YEARS = range(2000, 2100)


class NoNoticeError(ValueError):
    """The mail is no notice of maintenance, or none that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one maintenance that a mail tells of."""

    window: CarrierWindow
    outcome: str
    """`new`, `changed`, or `known` when a later notice of it was read before."""


def read_notice(provider: Provider, actor: User | None, raw: bytes, now: datetime) -> list[Read]:
    """Read a carrier's notice. The same again, or an older one, changes nothing.

    Args:
        provider: whose carrier it is.
        actor: who hands it in; None: a mail server.
        raw: a mail, or a calendar file.
        now: the present moment.

    Raises:
        NoNoticeError: nothing was kept.
    """
    told = _parse(raw)
    with transaction.atomic():
        return [_keep(provider, actor, _checked(each), now) for each in told]


def _parse(raw: bytes) -> list[dict[str, Any]]:
    """Let another process read the mail, without environment, network or files, and within limits."""
    if len(raw) > MAIL_BYTES:
        raise NoNoticeError(f"A notice has at most {MAIL_BYTES // 1024 // 1024} MiB.")
    command = [sys.executable, "-m", "clearline.platform.maintenance.carrier_parser"]
    try:
        done = subprocess.run(command, input=raw, capture_output=True, timeout=READ_WITHIN_S, check=False, env={})
    except subprocess.TimeoutExpired:
        raise NoNoticeError("It takes too long to read.") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-TEXT_LENGTH:]
        raise NoNoticeError(f"This is no notice of maintenance that can be read: {said or 'its reader was ended'}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    if len(found) > MOST_WINDOWS:
        raise NoNoticeError(f"A notice tells of at most {MOST_WINDOWS} windows.")
    return found


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    """One maintenance as columns; what a carrier writes is cut to length, moments must be of this century."""
    if len(told["circuits"]) > MOST_CIRCUITS:
        raise NoNoticeError(f"A window affects at most {MOST_CIRCUITS} circuits.")
    text = {key: _line(told[key]) for key in ("carrier", "account", "identifier", "status", "summary")}
    moments = {
        f"{key}_at": _moment(told[name]) for key, name in (("from", "start"), ("until", "end"), ("told", "stamp"))
    }
    if moments["until_at"] <= moments["from_at"]:
        raise NoNoticeError("A window ends after it begins.")
    circuits = [[_line(name), _line(impact)] for name, impact in told["circuits"]]
    return {**text, **moments, "sequence": told["sequence"], "circuits": circuits}


def _line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:TEXT_LENGTH]


def _moment(seconds: int) -> datetime:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.min.replace(tzinfo=UTC)
    if moment.year not in YEARS:
        raise NoNoticeError("Its moments are not of this century.")
    return moment


def _keep(provider: Provider, actor: User | None, told: dict[str, Any], now: datetime) -> Read:
    key = {"provider": provider, "carrier": told.pop("carrier"), "identifier": told.pop("identifier")}
    known = CarrierWindow.objects.select_for_update().filter(**key).first()
    if known is not None and (told["sequence"], told["told_at"]) <= (known.sequence, known.told_at):
        return Read(known, "known")
    if told["status"] == "NO-CHANGE" and known is not None:
        told["status"] = known.status
    window, created = CarrierWindow.objects.update_or_create(**key, defaults={**told, "read_at": now})
    details = {"status": window.status, "from": str(window.from_at), "until": str(window.until_at)}
    record(provider, actor, "carrier_notice.read", f"{window.carrier} {window.identifier}"[:200], details, now=now)
    return Read(window, "new" if created else "changed")
