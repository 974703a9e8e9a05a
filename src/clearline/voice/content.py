"""What was found in a stream's payloads to its figures.

Compiled by tools/compile; the same file runs interpreted.
"""

import math

from clearline.voice import results, streams
from clearline.voice.codecs import codec_name
from clearline.voice.formats import Format
from clearline.voice.inspection.levels import DECODED
from clearline.voice.inspection.opus import BANDS

FEC_SHARE = 10
"""One packet in so many carries in-band redundancy: the codec is scored as one with FEC. Silent frames carry none."""

SILENCE_DBM0 = -60.0
"""No louder than this is silence: 5 dB above the idle noise that ITU-T G.712 allows a channel (-65 dBm0p)."""

LEAST_DBM0 = -90.0

ZERO_DBM0_POWER = 16_100_000.0
"""Mean square at 0 dBm0, full scale 8192: a sine of 3.14 (A-law) or 3.17 dBm0 (µ-law) is at full scale (G.711)."""

MIN_LOOKS = 3
"""Packets looked at, a second apart, before a level is told."""


def payload_type(stream: streams.Stream) -> int:
    """Give a stream's main payload type; where it had only noise or events, that of most of its packets."""
    if stream.payload_type >= 0:
        return int(stream.payload_type)
    return max(stream.payloads, key=lambda each: stream.payloads[each])


def codec(stream: streams.Stream, known: Format, duration_us: int) -> str:
    """Name a stream's codec as the impairment tables do; "" when it is not known.

    Args:
        stream: the stream.
        known: its payload format.
        duration_us: from its first packet to its last.
    """
    if not known.encoding:
        return ""
    inspector = stream.inspector
    octets = int(stream.octets if inspector.blocks is None else inspector.primary_octets)
    bitrate_kbps = octets * 8000 / duration_us if duration_us else None
    seen = inspector.opus
    if seen is None:
        return codec_name(known.encoding, known.parameters, bitrate_kbps)
    band = BANDS[max(range(len(BANDS)), key=lambda each: seen.bands[each])]
    return codec_name(
        known.encoding, known.parameters, bitrate_kbps, band=band, fec=seen.redundant * FEC_SHARE >= seen.packets
    )


def redundancy(stream: streams.Stream, holes: set[int]) -> results.Redundancy | None:
    """Count what redundancy put back; None where none was seen.

    Args:
        stream: the stream.
        holes: the holes that are the capture's own: what it missed there is neither lost nor residual.
    """
    inspector, losses = stream.inspector, stream.losses
    by_opus = int(inspector.opus.redundant) if inspector.opus else 0
    kinds = ["RFC 2198"] * (inspector.redundant > 0) + ["Opus FEC"] * (by_opus > 0)
    if not kinds:
        return None
    carrying = int(inspector.redundant) + by_opus
    repaired = int(losses.repairs.repaired) if losses.repairs else 0
    missed = sum(lost for hole, _, lost in losses.holed if hole in holes)
    residual = max(int(losses.lost + losses.discarded) - repaired - missed, 0)
    return results.Redundancy(tuple(kinds), carrying, repaired, residual, int(stream.expected()) - missed)


def level(stream: streams.Stream, known: Format) -> tuple[results.Level | None, str | None]:
    """Give a stream's level, or why it is not known."""
    inspector, levels = stream.inspector, stream.inspector.levels
    if inspector.encrypted or stream.formats.secure:
        return None, "payloads are encrypted"
    if known.encoding.lower() not in DECODED:
        return None, f"{known.encoding or 'the codec'} is not decoded"
    if levels is None and inspector.cut:
        return None, "the capture cut the payloads"
    if levels is None or levels.looks < MIN_LOOKS:
        return None, "too few packets were looked at"
    loudest = _dbm0(levels.loudest)
    return results.Level(
        levels.looks, _dbm0(levels.power_sum / int(levels.looks)), loudest, loudest <= SILENCE_DBM0
    ), None


def _dbm0(power: float) -> float:
    return max(10 * math.log10(power / ZERO_DBM0_POWER), LEAST_DBM0) if power else LEAST_DBM0


def digits(stream: streams.Stream) -> tuple[results.Digit, ...]:
    """List the telephone events."""
    events = stream.inspector.events
    if events is None:
        return ()
    clock = int(events.clock or stream.clock) or 8000
    return tuple(
        results.Digit(each.code, each.at_us, int(each.ticks) * 1_000_000 // clock, -int(each.volume), each.ended)
        for each in events.kept
    )
