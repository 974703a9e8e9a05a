"""`notices`: mails that others send about notices, handed in from a file or a mail server's pipe."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from clearline.cli.exits import BAD_INPUT, NOT_SO, fail

app = typer.Typer(add_completion=False, no_args_is_help=True)

MAIL_BYTES = 4 * 1024 * 1024
"""A larger mail is refused."""

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
