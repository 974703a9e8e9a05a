"""Telephones' own reports of call quality: the bodies of PUBLISH with `application/vq-rtcpxr` (RFC 6035), as sent.

Senders stray from the grammar (blanks after =, two parameters run together, headers left out, draft dialects), and say
"unknown" in several ways: 127, 65535, a MOS of 0, a moment of 0. All of these are None here.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

MAX_LINES = 400
"""Lines of one body; real ones have 15 to 40."""

MAX_BODY_BYTES = 65_535

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS: dict[str, Literal["session", "interval", "alert"]] = {
    "vqsessionreport": "session",
    "vqintervalreport": "interval",
    "vqalertreport": "alert",
}
_BLOCKS = {"localmetrics": "local", "remotemetrics": "remote", "metrics": "local"}
"""Names that begin a block; `Metrics` is of a draft that knew the local one only."""

_DELAYS = "BD GD RTD ESD OWD SOWD IAJ MAJ JBN JBM JBX"
_RATINGS = "SL NL RERL RLQ RCQ EXTRI EXTRO"
_KEYS = f"START STOP PT PD SR FD FO FPP PPS PLC SSUP JBA JBR NLR JDR BLD GLD GMIN MOSLQ MOSCQ {_DELAYS} {_RATINGS}"
_PARAMETER = re.compile(
    r"(?P<name>[A-Za-z][\w-]{0,31})\s*=\s*(?P<value>\"[^\"]*\"|.*?)"
    rf"(?=\s*(?:{'|'.join(sorted(_KEYS.split(), key=len, reverse=True))})\s*="
    r"|\s+[A-Za-z][\w-]{0,31}\s*=|\s*$)"
)
"""A parameter ends where the next begins: values hold blanks (`PD=G.711 A-Law`), and some senders leave none between.
Blanks must stand single in the text it is used on, or its time would grow with their square."""

_ADDRESS = re.compile(r"IP\s*[=:]\s*(?P<ip>\S+)(?:\s+PORT\s*[=:]\s*(?P<port>\d+))?", re.IGNORECASE)
_SSRC = re.compile(r"SSRC\s*[=:]\s*(?P<ssrc>0x[0-9a-f]{1,8}|-?\d{1,10}|[0-9a-f]{1,8})(?!\w)", re.IGNORECASE)


class VqError(ValueError):
    """The body is no report of voice quality."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one side sent and received its media."""

    address: str
    port: int | None
    ssrc: int | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What one side says of the media it received (RFC 6035 section 4.6). None: it doesn't say, or doesn't know."""

    start_us: int | None
    """Microseconds since 1970."""
    stop_us: int | None
    payload_type: int | None
    codec: str | None
    """As written: `PCMA`, `audio/opus`, `G.711 A-Law` …"""
    clock_rate: int | None
    frame_ms: Decimal | None
    frames_per_packet: int | None
    packets_per_second: int | None
    concealment: int | None
    """0 unspecified, 1 disabled, 2 enhanced, 3 standard, as in RFC 3611."""
    buffer_kind: int | None
    """0 unknown, 2 fixed, 3 adaptive."""
    buffer_rate: int | None
    buffer_nominal_ms: Decimal | None
    buffer_max_ms: Decimal | None
    buffer_absolute_max_ms: Decimal | None
    loss_pct: Decimal | None
    discard_pct: Decimal | None
    burst_density_pct: Decimal | None
    burst_ms: Decimal | None
    gap_density_pct: Decimal | None
    gap_ms: Decimal | None
    gmin: int | None
    round_trip_ms: Decimal | None
    end_system_ms: Decimal | None
    one_way_ms: Decimal | None
    """Measured (OWD of the draft), else symmetric by assumption (SOWD)."""
    jitter_ms: Decimal | None
    """Interarrival jitter of RFC 3550."""
    jitter_absolute_ms: Decimal | None
    """Mean absolute jitter."""
    signal_dbm: Decimal | None
    noise_dbm: Decimal | None
    echo_return_loss_db: Decimal | None
    r_lq: Decimal | None
    """Above 100 when the sender rates on a wideband scale."""
    r_cq: Decimal | None
    r_external_in: Decimal | None
    r_external_out: Decimal | None
    mos_lq: Decimal | None
    mos_cq: Decimal | None


@dataclass(frozen=True, slots=True)
class VqReport:
    """One report."""

    kind: Literal["session", "interval", "alert"]
    final: bool
    """Whether it says that the call has ended."""
    call_id: str | None
    """Of the call, not of the PUBLISH."""
    local_id: str | None
    remote_id: str | None
    origin_id: str | None
    """Who made the call."""
    dialog_id: str | None
    local: Endpoint | None
    remote: Endpoint | None
    alert: tuple[str, ...]
    """Of an alert: measure, severity and direction as far as given, such as (`NLR`, `Critical`, `local`)."""
    local_metrics: Metrics | None
    """Of the media that the reporting side received."""
    remote_metrics: Metrics | None
    problems: tuple[str, ...]
    """What could not be read, each with its line."""


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    heads: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, dict[str, str]] = field(default_factory=dict)
    block: str = ""
    problems: list[str] = field(default_factory=list)


def parse(body: bytes) -> VqReport:
    """Read a body.

    Raises:
        VqError: its first line names no report, or a limit is passed.
    """
    if len(body) > MAX_BODY_BYTES:
        raise VqError(f"the report has {len(body)} bytes, more than {MAX_BODY_BYTES}")
    lines = body.decode("utf-8", "replace").lstrip().splitlines()
    if len(lines) > MAX_LINES:
        raise VqError(f"the report has {len(lines)} lines, more than {MAX_LINES}")
    name, _, rest = (lines[0] if lines else "").partition(":")
    kind = _KINDS.get(name.strip().lower())
    if kind is None:
        raise VqError(f"line 1 names no report: {name[:60]!r}")
    reading = _Reading()
    reading.heads["alert"] = rest
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            _read_line(reading, line.strip(), number)
    return _report(reading, kind, final="callterm" in rest.lower())


def _read_line(reading: _Reading, line: str, number: int) -> None:
    """Take one line: a block's beginning, a header of the report, or measures of the present block."""
    found = re.match(r"([A-Za-z][\w-]*)\s*(:|=)\s*(.*)$", line)
    if found is None:
        reading.problems.append(f"line {number}: {line[:60]!r} is neither a header nor a parameter")
        return
    name, separator, rest = found[1].lower(), found[2], found[3].strip()
    if separator == "=" and name == "callid":
        reading.heads[name] = rest
    elif separator == "=" and name == "type" and not reading.block:
        reading.heads["alert"] = line
    elif separator == "=":  # a line of measures whose name was left out
        _take_measures(reading, line, number)
    elif name in _BLOCKS:
        reading.block = _BLOCKS[name]
        reading.blocks.setdefault(reading.block, {})
    elif name in {"callid", "localid", "remoteid", "origid", "fromid", "toid", "dialogid", "localaddr", "remoteaddr"}:
        reading.heads.setdefault(name, rest)
    elif reading.block:
        _take_measures(reading, rest, number)


def _take_measures(reading: _Reading, text: str, number: int) -> None:
    if not reading.block:
        reading.problems.append(f"line {number}: measures before any LocalMetrics or RemoteMetrics")
        return
    for found in _PARAMETER.finditer(" ".join(text.split())):
        reading.blocks[reading.block].setdefault(found["name"].upper(), found["value"].strip().strip('"'))


def _report(reading: _Reading, kind: Literal["session", "interval", "alert"], *, final: bool) -> VqReport:
    heads = reading.heads
    alert = {found["name"].lower(): found["value"] for found in _PARAMETER.finditer(" ".join(heads["alert"].split()))}
    metrics = {name: _metrics(values, name, reading.problems) for name, values in reading.blocks.items()}
    return VqReport(
        kind=kind,
        final=final,
        call_id=heads.get("callid") or None,
        local_id=heads.get("localid") or heads.get("fromid") or None,
        remote_id=heads.get("remoteid") or heads.get("toid") or None,
        origin_id=heads.get("origid") or None,
        dialog_id=heads.get("dialogid") or None,
        local=_endpoint(heads.get("localaddr", "")),
        remote=_endpoint(heads.get("remoteaddr", "")),
        alert=tuple(alert[name] for name in ("type", "severity", "dir") if name in alert) if kind == "alert" else (),
        local_metrics=metrics.get("local"),
        remote_metrics=metrics.get("remote"),
        problems=tuple(reading.problems),
    )


def _endpoint(text: str) -> Endpoint | None:
    found = _ADDRESS.search(text)
    if found is None:
        return None
    address, port = found["ip"], found["port"]
    if port is None and address.count(":") == 1:  # IP=1.2.3.4:49194
        address, _, port = address.partition(":")
    ssrc = _SSRC.search(text)
    number = _ssrc(ssrc["ssrc"]) if ssrc else 0
    return Endpoint(address, int(port) if port and port.isdecimal() and len(port) < 6 else None, number or None)


def _ssrc(text: str) -> int:
    """Read an SSRC: decimal, signed or not, where it can be (Poly, Linphone), else the RFC's hexadecimal."""
    decimal = text.removeprefix("-").isdecimal()
    return int(text, 10 if decimal else 16) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Values:
    """The parameters of one block, read by kind; what is no value of its kind is a problem and unknown."""

    block: str
    texts: dict[str, str]
    problems: list[str]

    def number(self, key: str, *unknown: int) -> Decimal | None:
        text = self.texts.get(key, "").removesuffix("%").strip()
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or abs(value) > 4_294_967_295:
            self.problems.append(f"{self.block} metrics: {key} is {text[:40]!r}, no number")
            return None
        return None if value in unknown else value

    def whole(self, key: str) -> int | None:
        value = self.number(key)
        return None if value is None else int(value)

    def delay(self, key: str) -> Decimal | None:
        value = self.number(key, 65_535)
        return None if value is None or value < 0 else value

    def mos(self, key: str) -> Decimal | None:
        """A MOS outside its scale (0, 127) is how senders say that they have none."""
        value = self.number(key)
        return value if value is not None and 1 <= value <= 5 else None

    def moment(self, key: str) -> int | None:
        text = self.texts.get(key, "")
        if text in ("", "0"):
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = _EPOCH - timedelta(days=1)
        at_us = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
        if at_us < 0:
            self.problems.append(f"{self.block} metrics: {key} is {text[:40]!r}, no moment")
            return None
        return at_us


def _metrics(texts: dict[str, str], block: str, problems: list[str]) -> Metrics:
    values = _Values(block, texts, problems)
    measured = values.delay("OWD")
    return Metrics(
        start_us=values.moment("START"),
        stop_us=values.moment("STOP"),
        payload_type=values.whole("PT"),
        codec=texts.get("PD") or None,
        clock_rate=values.whole("SR") or None,
        frame_ms=values.number("FD"),
        frames_per_packet=values.whole("FPP"),
        packets_per_second=values.whole("PPS"),
        concealment=values.whole("PLC"),
        buffer_kind=values.whole("JBA"),
        buffer_rate=values.whole("JBR"),
        buffer_nominal_ms=values.delay("JBN"),
        buffer_max_ms=values.delay("JBM"),
        buffer_absolute_max_ms=values.delay("JBX"),
        loss_pct=values.number("NLR"),
        discard_pct=values.number("JDR"),
        burst_density_pct=values.number("BLD"),
        burst_ms=values.delay("BD"),
        gap_density_pct=values.number("GLD"),
        gap_ms=values.delay("GD"),
        gmin=values.whole("GMIN"),
        round_trip_ms=values.delay("RTD"),
        end_system_ms=values.delay("ESD"),
        one_way_ms=values.delay("SOWD") if measured is None else measured,
        jitter_ms=values.delay("IAJ"),
        jitter_absolute_ms=values.delay("MAJ"),
        signal_dbm=values.number("SL", 127),
        noise_dbm=values.number("NL", 127),
        echo_return_loss_db=values.number("RERL", 127),
        r_lq=values.number("RLQ", 127),
        r_cq=values.number("RCQ", 127),
        r_external_in=values.number("EXTRI", 127),
        r_external_out=values.number("EXTRO", 127),
        mos_lq=values.mos("MOSLQ"),
        mos_cq=values.mos("MOSCQ"),
    )
