"""`probe`: measures SIP endpoints from this host, once or a few times."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearline.cli.exits import BAD_INPUT, MISSING, NOT_SO, fail
from clearline.cli.printable import printable

if TYPE_CHECKING:
    from clearline.sensors.probe.outcome import MediaFigures, Outcome
    from clearline.sensors.probe.target import Target

app = typer.Typer(add_completion=False)

SCHEMA = "clearline/probe/1"


class Kind(StrEnum):
    """What is tried."""

    OPTIONS = "options"
    REGISTER = "register"
    CALL = "call"
    DNS = "dns"
    TLS = "tls"
    WEBSOCKET = "websocket"
    STUN = "stun"
    TURN = "turn"


def from_slash(path: str) -> str:
    """Return a path; leaves with status 2 when it does not begin as one."""
    if not path.startswith("/"):
        fail(f"--path {path!r} does not begin with /", BAD_INPUT)
    return path


@app.command()
def probe(  # noqa: PLR0913, PLR0917  # typer's options are arguments
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="sip:HOST[:PORT], or just HOST[:PORT].")],
    kind: Annotated[Kind, typer.Option(help="What is tried.")] = Kind.OPTIONS,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Probes of each target, one second apart.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.1, max=32, help="Seconds to wait for a final answer.")] = 4.0,
    user: Annotated[str | None, typer.Option(help="Account, for register and call.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File whose first line is the account's password.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates to trust instead of the system's.")] = None,
    talk: Annotated[float, typer.Option(min=0.1, max=120, help="Seconds a call talks.")] = 5.0,
    speech: Annotated[
        Path | None, typer.Option(help="WAV file a call says (16-bit mono, 8 kHz), instead of made speech.")
    ] = None,
    dtmf: Annotated[str, typer.Option(help="Keys a call presses, which must come back.")] = "",
    pesq: Annotated[bool, typer.Option("--pesq", help="Also judge a call's echo by P.862.")] = False,
    register: Annotated[bool, typer.Option("--register", help="Register the account while it calls.")] = False,
    srtp: Annotated[bool, typer.Option("--srtp", help="Encrypt a call's audio; its keys are told over TLS.")] = False,
    path: Annotated[str, typer.Option(callback=from_slash, help="What is asked for over ws and wss.")] = "/",
    name_server: Annotated[
        str | None, typer.Option(metavar="ADDRESS[:PORT]", help="Asked instead of this host's name server.")
    ] = None,
    warn_days: Annotated[
        int, typer.Option(min=0, max=3650, help="Warn when a certificate ends within so many days.")
    ] = 14,
    nagios: Annotated[
        bool, typer.Option("--nagios", help="One line and status as monitoring plugins give them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
) -> None:
    """Measure SIP endpoints from this host. Exit status 1 when a probe failed."""
    from clearline.sensors.probe.target import Credentials, Target  # noqa: PLC0415  # only when it runs

    uris = checked_uris(targets, kind)
    if ca_file is not None and not ca_file.is_file():
        fail(f"there is no file {ca_file}", BAD_INPUT)
    if speech or dtmf or pesq:
        check_call_options(speech, dtmf, pesq=pesq)
    asked = [
        Target(
            uri,
            "",
            uri,
            kind.value,
            timeout_us=round(timeout * 1_000_000),
            credentials=None if user is None else Credentials(user, first_line(password_file)),
            ca_file=None if ca_file is None else str(ca_file),
            talk_us=round(talk * 1_000_000),
            speech_file=None if speech is None else str(speech),
            digits=dtmf.upper(),
            registers=register,
            encrypts=srtp,
            pesq=pesq,
            path=path,
            name_server=None if name_server is None else name_server_given(name_server),
        )
        for uri in uris
    ]
    results = asyncio.run(_run(asked, count, warn_days, quiet=as_json or nagios))
    sys.exit(say_all(results, count, warn_days, nagios=nagios, as_json=as_json))


def say_all(results: Sequence["Result"], count: int, warn_days: int, *, nagios: bool, as_json: bool) -> int:
    """Print what came of all probes, as asked for; return the exit status."""
    if nagios:
        text, status = nagios_line(results, warn_days)
        sys.stdout.write(text + "\n")
        return status
    if as_json:
        sys.stdout.write(json.dumps(document(results), ensure_ascii=False, indent=1) + "\n")
    elif count > 1:
        sys.stdout.writelines(f"{line}\n" for line in _summary_lines(results))
    return 0 if all(outcome.ok for _, _, outcome in results) else NOT_SO


def checked_uris(targets: Sequence[str], kind: Kind) -> list[str]:
    """Return the targets' URIs; leaves with status 2 when one is none of its kind."""
    from clearline.sensors.probe.target import checked_uri  # noqa: PLC0415
    from clearline.voice.wire.sip import SipError  # noqa: PLC0415

    try:
        return [checked_uri(text, kind.value) for text in targets]
    except SipError as error:
        fail(str(error), BAD_INPUT)


def check_call_options(speech: Path | None, dtmf: str, *, pesq: bool) -> None:
    """Leave with status 2 when there is nothing to say or to press so, 3 without P.862."""
    from clearline.sensors.probe.pesq import is_installed  # noqa: PLC0415  # for calls alone
    from clearline.sensors.probe.speech import samples_of  # noqa: PLC0415
    from clearline.sensors.probe.target import DIGITS  # noqa: PLC0415

    if speech is not None:
        try:
            samples_of(str(speech))
        except (OSError, ValueError) as error:
            fail(f"--speech {speech}: {error}", BAD_INPUT)
    if not set(dtmf.upper()) <= set(DIGITS) or len(dtmf) > MAX_KEYS:
        fail(f"--dtmf {dtmf!r}: up to {MAX_KEYS} of {DIGITS}", BAD_INPUT)
    if pesq and not is_installed():
        fail("P.862 is not installed; install it with: tools/accuracy", MISSING)


MAX_KEYS = 32


def first_line(path: Path | None) -> str:
    """Return a file's first line, "" without a file; leaves with status 2 when it cannot be read."""
    if path is None:
        return ""
    try:
        return (path.read_text().splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read the password from {path}: {error}", BAD_INPUT)


Result = tuple["Target", int, "Outcome"]
"""Target, the moment it was asked in microseconds since the epoch, and what came of it."""


def name_server_given(text: str) -> tuple[str, int]:
    """Read `ADDRESS` or `ADDRESS:PORT`; leaves with status 2 when it is neither."""
    from clearline.sensors.probe.target import name_server_of  # noqa: PLC0415

    try:
        return name_server_of(text)
    except ValueError:
        fail(f"--name-server {text!r} is no address, and no ADDRESS:PORT", BAD_INPUT)


async def _run(targets: Sequence["Target"], count: int, warn_days: int, *, quiet: bool) -> list[Result]:
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
                sys.stdout.write(line(result[0], result[2]) + expiry_line(result, warn_days) + "\n")
                sys.stdout.flush()
    return results


NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL = 0, 1, 2
"""The statuses of monitoring plugins; they differ from this program's own."""


def nagios_line(results: Sequence[Result], warn_days: int) -> tuple[str, int]:
    """Return a monitoring plugin's line, with performance data, and its exit status.

    Warning when some probes of a target failed and others did not, or a certificate ends soon; critical when all of
    one target's failed.
    """
    summary = _summary(results)
    dead = any(good == 0 for _, _, good, _ in summary)
    ill = any(good < sent for _, sent, good, _ in summary)
    ending = next((said for result in results if (said := _ends_soon(result, warn_days))), "")
    status = NAGIOS_CRITICAL if dead else NAGIOS_WARNING if ill or ending else NAGIOS_OK
    wrong = next((outcome.reason for _, _, outcome in results if not outcome.ok), ending)
    data = " ".join(
        f"'{uri}'={latency['mean'] / 1000 if latency['mean'] is not None else 'U'}s;;;0 '{uri} good'={good};;;0;{sent}"
        for uri, sent, good, latency in summary
    )
    data += "".join(
        f" '{target.uri} days'={(outcome.expires_at_us - at_us) // DAY_US};{warn_days}:"
        for target, at_us, outcome in {result[0].uri: result for result in results}.values()
        if outcome.expires_at_us is not None
    )
    said = wrong or results[-1][2].reason
    return f"SIP {('OK', 'WARNING', 'CRITICAL')[status]} - {printable(said).replace('|', '/')} | {data}", status


DAY_US = 86_400_000_000


def _ends_soon(result: Result, warn_days: int) -> str:
    """Say that a certificate ends within so many days, or nothing."""
    _, at_us, outcome = result
    if outcome.expires_at_us is None or outcome.expires_at_us - at_us >= warn_days * DAY_US:
        return ""
    days = (outcome.expires_at_us - at_us) // DAY_US
    return f"the certificate ends in {days} days" if days >= 0 else f"the certificate ended {-days} days ago"


def expiry_line(result: Result, warn_days: int) -> str:
    """Say how long a certificate is still good, in a line of its own, or nothing where none was shown."""
    _, at_us, outcome = result
    if outcome.expires_at_us is None:
        return ""
    ending = _ends_soon(result, warn_days)
    days = (outcome.expires_at_us - at_us) // DAY_US
    return f"\n     {'warning: ' + ending if ending else f'certificate: good for {days} days'}"


def line(target: "Target", outcome: "Outcome") -> str:
    """Say one result in a line, with the next step when it failed."""
    took = "" if outcome.latency_us is None else f" in {outcome.latency_us / 1000:.1f} ms"
    heard = "" if outcome.media is None else f"\n     audio: {_heard(outcome.media)}"
    advice = f"\n     next: {printable(outcome.advice)}" if outcome.advice else ""
    return f"{'ok  ' if outcome.ok else 'FAIL'} {target.uri}  {printable(outcome.reason)}{took}{heard}{advice}"


def _heard(media: "MediaFigures") -> str:
    parts = [f"{media.sent} packets sent, {media.received} came back"]
    if media.lost is not None:
        parts.append(f"{media.lost} lost")
    if media.jitter_us is not None:
        parts.append(f"jitter {media.jitter_us / 1000:.1f} ms")
    if media.round_trip_us is not None:
        parts.append(f"round trip {media.round_trip_us / 1000:.1f} ms")
    if media.mos_lq_x100 is not None:
        parts.append(f"MOS-LQ {media.mos_lq_x100 / 100:.2f}")
    if media.pesq_x100 is not None:
        parts.append(f"P.862 {media.pesq_x100 / 100:.2f}")
    if media.digits:
        parts.append(f"keys {media.digits}")
    return ", ".join(parts)


def document(results: Sequence[Result]) -> dict[str, object]:
    """Return the JSON document: every sample, and a summary of each target. Latencies in milliseconds."""
    return {
        "schema": SCHEMA,
        "samples": [
            {
                "target": target.uri,
                "kind": target.kind,
                "at": _moment(at_us),
                "ok": outcome.ok,
                "code": outcome.code,
                "reason": outcome.reason,
                "advice": outcome.advice or None,
                "latency_ms": _ms(outcome.latency_us),
                "media": None if outcome.media is None else _media(outcome.media),
                "post_dial_delay_ms": _ms(outcome.post_dial_delay_us),
                "certificate_expires": None if outcome.expires_at_us is None else _moment(outcome.expires_at_us),
                "endpoint": outcome.endpoint or None,
                "steps": list(outcome.steps),
            }
            for target, at_us, outcome in results
        ],
        "summary": [
            {"target": uri, "sent": sent, "ok": good, "latency_ms": latency}
            for uri, sent, good, latency in _summary(results)
        ],
    }


def _media(media: "MediaFigures") -> dict[str, object]:
    return {
        "sent": media.sent,
        "received": media.received,
        "lost": media.lost,
        "jitter_ms": _ms(media.jitter_us),
        "round_trip_ms": _ms(media.round_trip_us),
        "mos_lq": None if media.mos_lq_x100 is None else media.mos_lq_x100 / 100,
        "pesq": None if media.pesq_x100 is None else media.pesq_x100 / 100,
        "digits": media.digits,
        "silent": media.silent,
    }


def _moment(at_us: int) -> str:
    whole, rest = divmod(at_us, 1_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06}Z"


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
