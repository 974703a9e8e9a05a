"""RTCP as capture agents write it in JSON (HEP kind 5), whatever the agent.

rtpengine, Asterisk, heplify, captagent and FreeSWITCH's hepipe agree on most names and on little else: numbers come as
text, as hexadecimal, negative or wrapped; sender information is null, zero or left out; and a compound's second report
repeats the keys of the first in the same object. What is read are the values of `rtcp`, so that one reckoning serves
both.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from clearline.voice.wire.rtcp import (
    NTP_EPOCH_S,
    Description,
    Packet,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
)
from clearline.voice.wire.xr import ExtendedReport, VoipMetrics, voip_metrics

MAX_BYTES = 262_144
MAX_REPORTS = 64
"""Reports, blocks or descriptions read of one object."""

_DECIMAL = re.compile(r"-?[0-9]{1,19}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{1,8}")


class RtcpJsonError(ValueError):
    """It is no JSON object."""


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object with every key it holds; of a repeated one `get` takes the first."""

    pairs: tuple[tuple[str, object], ...]

    def get(self, name: str) -> object:
        return next((value for key, value in self.pairs if key == name), None)

    def number(self, name: str) -> int:
        """Read a number, written as one or as text; 0 when it is neither."""
        return _number(self.get(name))

    def objects(self, name: str) -> "list[_Object]":
        value = self.get(name)
        items = value[:MAX_REPORTS] if isinstance(value, list) else [value]
        return [item for item in items if isinstance(item, _Object)]


def _number(value: object, *, hexadecimal: bool = False) -> int:
    if isinstance(value, str):
        form, base = (_HEXADECIMAL, 16) if hexadecimal else (_DECIMAL, 10)
        return int(value, base) if form.fullmatch(value) else 0
    if isinstance(value, int) or (isinstance(value, float) and abs(value) < 1e18):
        return int(value)
    return 0


def parse(data: bytes) -> tuple[Packet, ...]:
    """Read the payload of an agent's packet.

    Args:
        data: one JSON object.

    Returns:
        Reports in their order, then descriptions and extended reports; empty when the object holds none of them.

    Raises:
        RtcpJsonError: it is no JSON object, is nested too deep, or is longer than the limit.
    """
    if len(data) > MAX_BYTES:
        raise RtcpJsonError(f"RTCP JSON of {len(data)} bytes, more than {MAX_BYTES}")
    try:
        found = json.loads(data, object_pairs_hook=lambda pairs: _Object(tuple(pairs)))
    except (ValueError, RecursionError) as error:
        raise RtcpJsonError(f"no JSON: {error}") from None
    if not isinstance(found, _Object):
        raise RtcpJsonError(f"the JSON is no object, but {type(found).__name__}")
    reports = [report for part in _parts(found) if (report := _report(part)) is not None]
    return (*reports, *_descriptions(found), *_extended(found))


def _parts(whole: _Object) -> Iterator[_Object]:
    """Take reports that were written into one object apart: a new one begins where a key comes again."""
    names = {"sender_information", "ssrc", "type", "report_count", "report_blocks"}
    part: dict[str, object] = {}
    count = 1
    for key, value in whole.pairs:
        if key in part and count < MAX_REPORTS:
            yield _Object(tuple(part.items()))
            part = {}
            count += 1
        if key in names:
            part[key] = value
    yield _Object(tuple(part.items()))


def _report(part: _Object) -> SenderReport | ReceiverReport | None:
    """Read one report. It is a sender's by what it tells: `type` is the compound's last, or always 200."""
    if part.get("ssrc") is None and not part.objects("report_blocks"):
        return None
    ssrc = _ssrc(part.get("ssrc"))
    blocks = tuple(_block(block) for block in part.objects("report_blocks"))
    sender = next(iter(part.objects("sender_information")), None)
    if sender is None or not any(_number(value) for _, value in sender.pairs):
        return ReceiverReport(ssrc, blocks)
    return SenderReport(
        ssrc,
        _ntp(sender.number("ntp_timestamp_sec"), sender.number("ntp_timestamp_usec")),
        sender.number("rtp_timestamp") & 0xFFFFFFFF,
        sender.number("packets") & 0xFFFFFFFF,
        sender.number("octets") & 0xFFFFFFFF,
        blocks,
    )


def _ssrc(value: object) -> int:
    """Read a source; eight digits of text are FreeSWITCH's hexadecimal."""
    return _number(value, hexadecimal=isinstance(value, str) and len(value) == 8) & 0xFFFFFFFF


def _ntp(seconds: int, fraction: int) -> int:
    """Make an NTP timestamp: Asterisk writes the seconds of 1970 and microseconds, the others NTP's own words."""
    if 0 < seconds < NTP_EPOCH_S and 0 <= fraction < 1_000_000:
        return (seconds + NTP_EPOCH_S << 32) + (fraction << 32) // 1_000_000
    if not NTP_EPOCH_S <= seconds <= 0xFFFFFFFF or not 0 <= fraction <= 0xFFFFFFFF:
        return 0
    return seconds << 32 | fraction


def _block(block: _Object) -> ReportBlock:
    lost = block.number("packets_lost") & 0xFFFFFF  # a negative count comes as itself, or wrapped at 24 or 32 bits
    return ReportBlock(
        ssrc=_ssrc(block.get("source_ssrc")),
        fraction_lost=block.number("fraction_lost") & 0xFF,
        lost=lost - 0x1000000 if lost & 0x800000 else lost,
        highest=block.number("highest_seq_no") & 0xFFFFFFFF,
        jitter=block.number("ia_jitter") & 0xFFFFFFFF,
        lsr=block.number("lsr") & 0xFFFFFFFF,
        dlsr=block.number("dlsr") & 0xFFFFFFFF,
    )


def _descriptions(whole: _Object) -> Iterator[SourceDescription]:
    """Read what sources say of themselves; rtpengine names the source in each item, others beside the list."""
    sources: dict[int, list[tuple[int, str]]] = {}
    for item in whole.objects("sdes_information"):
        named = item.get("sdes_chunk_ssrc") or whole.get("sdes_chunk_ssrc") or whole.get("sdes_ssrc")
        text = item.get("text")
        sources.setdefault(_ssrc(named), []).append((item.number("type"), text if isinstance(text, str) else ""))
    if sources:
        yield SourceDescription(tuple(Description(ssrc, tuple(items)) for ssrc, items in sources.items()))


def _extended(whole: _Object) -> Iterator[ExtendedReport]:
    """Read VoIP metrics as captagent writes them. heplify's are zeros when there are none and name the MOS wrongly."""
    for name in ("Extended_report_information", "extended_report_information"):
        for metrics in whole.objects(name):
            yield ExtendedReport(_ssrc(whole.get("ssrc")), (_metrics(metrics),))


def _metrics(metrics: _Object) -> VoipMetrics:
    receiver = next(iter(metrics.objects("RX_conf")), _Object(()))
    config = receiver.number("PLC") << 6 | (receiver.number("JB_adapt") & 3) << 4 | receiver.number("JB_rate") & 15
    signal, noise = (level - 256 if level > 127 else level for level in (
        metrics.number("signal_lev") & 0xFF, metrics.number("noise_lev") & 0xFF))  # fmt: skip
    octets = [metrics.number(name) & 0xFF for name in ("loss_rate", "discard_rate", "burst_rate", "gap_rate")]
    times = ("burst_duration", "gap_duration", "round_trip_delay", "end_sys_delay")
    ratings = ("RERL", "Gmin", "R_fact", "ext_R_fact", "MOS_LQ", "MOS_CQ")
    return voip_metrics(
        _ssrc(metrics.get("identifier")),
        *octets,
        *(metrics.number(name) & 0xFFFF for name in times),
        signal,
        noise,
        *(metrics.number(name) & 0xFF for name in ratings),
        config & 0xFF,
        *(metrics.number(name) & 0xFFFF for name in ("JB_nom", "JB_max", "JB_abs_max")),
    )
