"""What was found in a stream's payloads to its figures.

Compiled by tools/compile; the same file runs interpreted.
"""

from clearline.voice import results, streams
from clearline.voice.codecs import codec_name
from clearline.voice.inspection.opus import BANDS
from clearline.voice.wire.sdp import Format

FEC_SHARE = 10
"""One packet in so many carries in-band redundancy: the codec is scored as one with FEC. Silent frames carry none."""


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
