"""What the `records` commands share: opening a store, moments as typed, lines of JSON."""

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from clearline.cli.exits import BAD_INPUT, MISSING, NOT_SO, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearline.records.store import Records

Store = Annotated[Path | None, typer.Option("--store", help="The store's directory; by default the platform's.")]
Tenant = Annotated[str, typer.Option(help="Whose measurements.")]
Since = Annotated[str, typer.Option(help="From this moment: 2026-10-01 or 2026-10-01T12:00:00Z.")]
Who = Annotated[str, typer.Option(help="Who does it; kept with it.")]
Why = Annotated[str, typer.Option(help="Why; kept with it.")]
Until = Annotated[str, typer.Option(help="To this moment, exclusive.")]


@contextmanager
def open_store(store: Path | None) -> "Iterator[Records]":
    """Open a store; what goes wrong with it ends the command with its sentence."""
    from clearline.cli.configured import configured  # noqa: PLC0415
    from clearline.records.databases import POSTGRES_NAME  # noqa: PLC0415
    from clearline.records.errors import EngineMissingError, RecordsError  # noqa: PLC0415
    from clearline.records.store import Records  # noqa: PLC0415

    settings = configured()
    path = store or settings.records
    if not path.is_dir():
        fail(f"there is no store of measurements at {path}: name it with --store", BAD_INPUT)
    in_postgresql = store is None or (store / POSTGRES_NAME).exists()
    url = settings.manifest_url if in_postgresql else None
    records = Records(path, manifest_url=url, engine_url=settings.engine_url)
    try:
        yield records
    except EngineMissingError as error:
        fail(str(error), MISSING)
    except RecordsError as error:
        fail(str(error), NOT_SO)
    finally:
        records.close()


def moment_us(text: str) -> int:
    """Microseconds since 1970 of a moment as typed."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text} is not a moment: write it as 2026-10-01 or 2026-10-01T12:00:00Z", BAD_INPUT)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000 + moment.microsecond


class Span(TypedDict):
    """A stretch of time, half-open, in microseconds since 1970."""

    since_us: int
    until_us: int


def span(since: str, until: str) -> Span:
    """A stretch of time as typed."""
    ends = Span(since_us=moment_us(since), until_us=moment_us(until))
    if ends["until_us"] <= ends["since_us"]:
        fail(f"there is no time from {since} to {until}: --until is the end, exclusive", BAD_INPUT)
    return ends


def emit(document: object) -> None:
    """Print a document as one line of JSON."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def day_of_moment(text: str) -> int:
    """The UTC day, counted from 1970, of a moment as typed."""
    return moment_us(text) // 86_400_000_000
