"""The frames of a video stream to its figures and its score by ITU-T G.1070.

Compiled by tools/compile; the same file runs interpreted.
"""

import base64
import binascii

from clearline.voice import results, streams
from clearline.voice.codecs import format_parameters
from clearline.voice.formats import Format
from clearline.voice.inspection import picture_size
from clearline.voice.inspection.bits import without_emulation
from clearline.voice.inspection.descriptors import LONGEST_SET
from clearline.voice.inspection.frames import Frames
from clearline.voice.video import DESCRIBED, PERMITTED, video_quality

DESCRIPTORS = ("h264", "h265", "vp8", "vp9", "av1")
"""Encodings whose descriptors say what a key frame is."""

SETS = {("h264", 640, 480): "B.4#1"}
"""Encoding, width and height → coefficients: of the three sets for H.264 at VGA the one for the smallest screen."""


def video(stream: streams.Stream, known: Format) -> results.Video | None:
    """Give a video stream's figures; None for what is none."""
    frames = stream.inspector.frames
    if frames is None:
        return None
    frames.finish()
    width, height = int(frames.width), int(frames.height)
    if not width:
        width, height = _described_size(known)
    clock = int(stream.clock)
    rate = int(frames.advances) * clock / int(frames.advance_ticks) if clock and frames.advance_ticks else None
    duration_us = int(stream.seen_us - stream.first_us)
    octets = int(stream.octets if stream.inspector.blocks is None else stream.inspector.primary_octets)
    kbps = octets * 8000 / duration_us if duration_us > 0 else None
    loss_pct = 100 * int(stream.losses.lost) / int(stream.expected())
    coefficients = SETS.get((frames.encoding, width, height))
    unscored = _unscored(frames, width, coefficients, {"bitrate_kbps": kbps, "frame_rate": rate, "ppl": loss_pct})
    vq = None
    if coefficients is not None and unscored is None and kbps is not None and rate is not None:
        vq = video_quality(coefficients, bitrate_kbps=kbps, frame_rate=rate, ppl=loss_pct).vq
    return results.Video(
        frames=frames.count,
        broken_frames=frames.broken,
        key_frames=int(frames.keys) if frames.read and frames.encoding in DESCRIPTORS else None,
        width=width or None,
        height=height or None,
        frame_rate=rate,
        bitrate_kbps=kbps,
        freezes=frames.freezes,
        freeze_us=frames.freeze_us,
        longest_freeze_us=frames.longest_freeze_us,
        vq=vq,
        coefficients=None if vq is None else f"G.1070 {coefficients}: {DESCRIBED[coefficients or '']}",
        unscored=unscored,
    )


def _unscored(frames: Frames, width: int, coefficients: str | None, figures: dict[str, float | None]) -> str | None:
    """Say why a stream is not scored by G.1070; None: it can be."""
    if all(encoding != frames.encoding for encoding, _, _ in SETS):
        return f"G.1070 has no coefficients for {frames.encoding.upper()}"
    if not width:
        return "the size of the pictures is not known"
    if coefficients is None:
        return f"G.1070 has no coefficients for {frames.encoding.upper()} of {width} x {int(frames.height) or '?'}"
    for name, value in figures.items():
        low, high = PERMITTED[name]
        if value is None or not low <= value <= high:
            said = "unknown" if value is None else f"{value:.2f}"
            return f"{_NAMES[name]} {said} is outside what G.1070's coefficients were fitted to, {low:g} to {high:g}"
    return None


_NAMES = {
    "bitrate_kbps": "a bit rate in kbit/s of",
    "frame_rate": "a frame rate of",
    "ppl": "a packet loss in percent of",
}


def _described_size(known: Format) -> tuple[int, int]:
    """Read the size in H.264's parameter sets of a description (RFC 6184 section 8.1); (0, 0): not there."""
    if known.encoding.lower() != "h264":
        return 0, 0
    for text in format_parameters(known.parameters).get("sprop-parameter-sets", "").split(","):
        try:
            unit = base64.b64decode(text[: 2 * LONGEST_SET], validate=True)
        except (binascii.Error, ValueError):
            continue
        if unit and unit[0] & 31 == 7:
            return picture_size.h264(without_emulation(unit, 0, len(unit)))
    return 0, 0
