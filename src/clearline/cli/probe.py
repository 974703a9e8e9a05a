"""`probe`: measures SIP endpoints from this host, once or a few times."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from clearline.cli.exits import BAD_INPUT, NOT_SO, fail

if TYPE_CHECKING:
    from clearline.sensors.probe.outcome import Outcome
    from clearline.sensors.probe.target import Target

app = typer.Typer(add_completion=False)

SCHEMA = "clearline/probe/1"


class Kind(StrEnum):
    """What is tried."""

    OPTIONS = "options"


@app.command()
def probe(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="sip:HOST[:PORT], or just HOST[:PORT].")],
    kind: Annotated[Kind, typer.Option(help="What is tried.")] = Kind.OPTIONS,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Probes of each target, one second apart.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.1, max=32, help="Seconds to wait for a final answer.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
) -> None:
    """Measure SIP endpoints from this host. Exit status 1 when a probe failed."""
    from clearline.sensors.probe.target import Target, checked_uri  # noqa: PLC0415  # only when it runs
    from clearline.voice.wire.sip import SipError  # noqa: PLC0415

    try:
        uris = [checked_uri(text) for text in targets]
    except SipError as error:
        fail(str(error), BAD_INPUT)
    asked = [Target(uri, "", uri, kind.value, timeout_us=round(timeout * 1_000_000)) for uri in uris]
    results = asyncio.run(_run(asked, count, quiet=as_json))
    if as_json:
        sys.stdout.write(json.dumps(document(results), ensure_ascii=False, indent=1) + "\n")
    elif count > 1:
        sys.stdout.writelines(f"{line}\n" for line in _summary_lines(results))
    sys.exit(0 if all(outcome.ok for _, _, outcome in results) else NOT_SO)


Result = tuple["Target", int, "Outcome"]
"""Target, the moment it was asked in microseconds since the epoch, and what came of it."""


async def _run(targets: Sequence["Target"], count: int, *, quiet: bool) -> list[Result]:
    from clearline.sensors.probe.edge import probe_target  # noqa: PLC0415

    async def one(target: "Target") -> Result:
        at_us = time.time_ns() // 1000
        return target, at_us, await probe_target(target)

    results: list[Result] = []
    for number in range(count):
        if number:
            await asyncio.sleep(1)
        for result in await asyncio.gather(*map(one, targets)):
            results.append(result)
            if not quiet:
                sys.stdout.write(line(result[0], result[2]) + "\n")
                sys.stdout.flush()
    return results


def line(target: "Target", outcome: "Outcome") -> str:
    """Say one result in a line, with the next step when it failed."""
    took = "" if outcome.latency_us is None else f" in {outcome.latency_us / 1000:.1f} ms"
    advice = f"\n     next: {outcome.advice}" if outcome.advice else ""
    return f"{'ok  ' if outcome.ok else 'FAIL'} {target.uri}  {outcome.reason}{took}{advice}"


def document(results: Sequence[Result]) -> dict[str, object]:
    """Return the JSON document: every sample, and a summary of each target. Latencies in milliseconds."""
    return {
        "schema": SCHEMA,
        "samples": [
            {
                "target": target.uri,
                "kind": target.kind,
                "at": datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="microseconds")[:-6] + "Z",
                "ok": outcome.ok,
                "code": outcome.code,
                "reason": outcome.reason,
                "advice": outcome.advice or None,
                "latency_ms": _ms(outcome.latency_us),
            }
            for target, at_us, outcome in results
        ],
        "summary": [
            {"target": uri, "sent": sent, "ok": good, "latency_ms": latency}
            for uri, sent, good, latency in _summary(results)
        ],
    }


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else round(microseconds / 1000, 3)


def _summary(results: Sequence[Result]) -> list[tuple[str, int, int, dict[str, float | None]]]:
    """Of each target, in the order asked: probes sent, those that were good, and the good ones' latency."""
    summary = []
    for uri in dict.fromkeys(target.uri for target, _, _ in results):
        outcomes = [outcome for target, _, outcome in results if target.uri == uri]
        took = sorted(outcome.latency_us for outcome in outcomes if outcome.ok and outcome.latency_us is not None)
        latency = {
            "min": _ms(took[0]) if took else None,
            "mean": _ms(sum(took) // len(took)) if took else None,
            "max": _ms(took[-1]) if took else None,
        }
        summary.append((uri, len(outcomes), sum(outcome.ok for outcome in outcomes), latency))
    return summary


def _summary_lines(results: Sequence[Result]) -> list[str]:
    lines = [""]
    for uri, sent, good, latency in _summary(results):
        spread = (
            "" if latency["min"] is None else f", {latency['min']}/{latency['mean']}/{latency['max']} ms min/mean/max"
        )
        lines.append(f"{uri}: {good} of {sent} answered{spread}")
    return lines
