"""`analyze`: the calls and streams of capture files, with their quality."""

import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from clearline.cli.exits import BAD_INPUT, fail

if TYPE_CHECKING:
    from clearline.voice.analysis import Analysis

CHUNK_BYTES = 65_536
"""Read at a time: it stays in the processor's cache while it is walked, and its memory is used again for the next."""

app = typer.Typer(add_completion=False)


@app.command()
def analyze(
    captures: Annotated[list[str], typer.Argument(help="pcap or pcapng files, plain or gzip; - for standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a capture, one a line.")] = False,
    profile: Annotated[str, typer.Option(help="Impairments: planning, measured or calibrated.")] = "planning",
    buffer: Annotated[str, typer.Option(help="De-jitter buffer: fixed-60/1, adaptive-20-200/1, …")] = "fixed-60/1",
    html: Annotated[Path | None, typer.Option(help="Also write a report of the one capture to this HTML file.")] = None,
) -> None:
    """Score every RTP stream of every call: loss, jitter, bursts, delay, and MOS by the ITU-T models."""
    if html is not None and len(captures) > 1:
        fail("--html reports one capture: name one, or run it once for each", BAD_INPUT)
    gc.disable()  # an analysis has no cycles to find, and looking for them takes a tenth of its time
    for capture in captures:
        analysis = _analyze(capture, profile, buffer)
        if html is not None:
            _write_report(analysis, html)
        if as_json:
            sys.stdout.write(json.dumps(analysis.to_json(), ensure_ascii=False) + "\n")
        else:
            from clearline.cli.analysis_text import print_analysis  # noqa: PLC0415  # rich is slow to import

            print_analysis(analysis)


def _analyze(capture: str, profile: str, buffer: str) -> "Analysis":
    from clearline.voice.analysis import CaptureError, analyze  # noqa: PLC0415  # only when it is run

    try:
        size = None if capture == "-" else Path(capture).stat().st_size
        with _Progress(capture, size) as progress:
            return analyze(_chunks(capture), capture, profile=profile, buffer=buffer, on_progress=progress.advance)
    except OSError as error:
        fail(f"{capture}: {error.strerror or error}", BAD_INPUT)
    except (CaptureError, ValueError) as error:
        fail(f"{capture}: {error}", BAD_INPUT)


def _write_report(analysis: "Analysis", html: Path) -> None:
    from clearline.voice.report import report  # noqa: PLC0415  # only when it is asked for

    try:
        html.write_text(report(analysis), encoding="utf-8")
    except OSError as error:
        fail(f"{html}: {error.strerror or error}", BAD_INPUT)


def _chunks(capture: str) -> Iterator[bytes]:
    if capture == "-":
        yield from iter(lambda: sys.stdin.buffer.read(CHUNK_BYTES), b"")
        return
    with Path(capture).open("rb", buffering=0) as file:
        yield from iter(lambda: file.read(CHUNK_BYTES), b"")


class _Progress:
    """Says on a terminal how far a long file is; nothing elsewhere."""

    def __init__(self, name: str, size: int | None) -> None:
        self.name = name
        self.size = size
        self.shown = -1
        self.on = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.on and self.shown >= 0:
            sys.stderr.write("\r\x1b[K")

    def advance(self, taken: int) -> None:
        """Show the share taken when it has changed by a percent, or by 64 MiB where the size is not known."""
        if not self.on:
            return
        step = 100 * taken // self.size if self.size else taken >> 26
        if step != self.shown:
            self.shown = step
            sys.stderr.write(f"\r{self.name}: {step} %" if self.size else f"\r{self.name}: {taken >> 20} MiB")
            sys.stderr.flush()
