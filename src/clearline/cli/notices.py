"""`notices`: mails that others send about notices, handed in from a file or a mail server's pipe."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from clearline.cli.exits import BAD_INPUT, NOT_SO, fail

app = typer.Typer(add_completion=False, no_args_is_help=True)

MAIL_BYTES = 4 * 1024 * 1024
"""A larger mail is refused."""

Mails = Annotated[list[Path], typer.Argument(help="Mails or calendar files; - is standard input.")]
Mail = Annotated[Path, typer.Argument(help="The mail, as it came; - is standard input.")]


@app.callback()
def _group() -> None:
    """Hand in mails about notices."""


@app.command()
def bounce(mail: Mail) -> None:
    """Note that an e-mail did not arrive, from the report the mail server sent (RFC 3464)."""
    raw = _read(mail)
    _set_up()
    from django.utils import timezone  # noqa: PLC0415  # heavy, and models need Django set up

    from clearline.platform.outbox.bounces import NotABounceError, take_bounce  # noqa: PLC0415  # heavy, and models need Django set up

    try:
        delivery = take_bounce(raw, timezone.now())
    except NotABounceError as error:
        fail(f"{mail}: nothing noted: {error}", NOT_SO)
    sys.stdout.write(f"{delivery.about} to {delivery.recipient}: {delivery.state}: {delivery.said}\n")


@app.command()
def read(mails: Mails, json_output: Annotated[bool, typer.Option("--json", help="One line a window.")] = False) -> None:
    """Read the notices of upstream carriers, and put what they announce on the calendar."""
    raws = [(mail, _read(mail)) for mail in mails]
    _set_up()
    from django.utils import timezone  # noqa: PLC0415  # heavy, and models need Django set up

    from clearline.platform.accounts.services import ensure_provider  # noqa: PLC0415  # as above
    from clearline.platform.maintenance.carriers import NoNoticeError, read_notice  # noqa: PLC0415  # as above

    refused = []
    for mail, raw in raws:
        try:
            found = read_notice(ensure_provider(timezone.now()), None, raw, timezone.now())
        except NoNoticeError as error:
            refused.append(f"{mail}: {error}")
            continue
        for each in found:
            window = each.window
            span = {"from": f"{window.from_at:%Y-%m-%dT%H:%M:%SZ}", "until": f"{window.until_at:%Y-%m-%dT%H:%M:%SZ}"}
            told = {"carrier": window.carrier, "id": window.identifier, "status": window.status, **span}
            text = (
                json.dumps({"outcome": each.outcome, **told})
                if json_output
                else ", ".join([each.outcome, *told.values()])
            )
            sys.stdout.write(text + "\n")
    if refused:
        fail("\n".join(refused), BAD_INPUT)


def _read(mail: Path) -> bytes:
    """The bytes of a mail; leaves with status 2 when it cannot be read or is too large."""
    try:
        with sys.stdin.buffer if str(mail) == "-" else mail.open("rb") as file:
            raw = file.read(MAIL_BYTES + 1)
    except OSError as error:
        fail(f"{mail}: {error.strerror}", BAD_INPUT)
    if len(raw) > MAIL_BYTES:
        fail(f"{mail}: a mail of more than {MAIL_BYTES} bytes is not read", BAD_INPUT)
    return raw


def _set_up() -> None:
    """Make the platform's models usable; its settings come from the environment as for `up`."""
    import django  # noqa: PLC0415  # heavy, and models need Django set up

    os.environ["DJANGO_SETTINGS_MODULE"] = "clearline.platform.settings"
    django.setup()
    from django.db import DatabaseError, connection  # noqa: PLC0415  # as above

    try:
        known = "accounts_provider" in connection.introspection.table_names()
    except DatabaseError:
        known = False
    if not known:
        fail("there is no platform's database here; ./clearline up makes it, or CLEARLINE_DATA says where it is")
