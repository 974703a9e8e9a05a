"""What was found in a stream's payloads, in sentences for people."""

from collections.abc import Iterator

from clearline.voice.results.content import Redundancy
from clearline.voice.results.stream import Stream

SHOWN_DIGITS = 32


def findings(stream: Stream) -> list[str]:
    """Say what a stream's payloads told, one sentence each without its full stop, in plain text."""
    return [
        *_video(stream),
        *_redundancy(stream),
        *_level(stream),
        *_digits(stream),
        *_pauses(stream),
        *_undescribed(stream),
        *_malformed(stream),
    ]


def _video(stream: Stream) -> Iterator[str]:
    video = stream.video
    if video is None:
        return
    size = "" if video.width is None else f" of {video.width} x {video.height}"
    rate = "" if video.frame_rate is None else f", {video.frame_rate:.1f} a second"
    bits = "" if video.bitrate_kbps is None else f", {video.bitrate_kbps:,.0f} kbit/s"
    keys = "" if video.key_frames is None else f", {video.key_frames:,} key frames"
    yield f"video: {video.frames:,} frames{size}{rate}{bits}, {video.broken_frames:,} with packets missing{keys}"
    freezes = f"{video.freeze_us / 1_000_000:.1f} s in all, the longest {video.longest_freeze_us / 1_000_000:.1f} s"
    yield "the picture never stood still" if not video.freezes else f"{video.freezes:,} freezes: {freezes}"
    yield (
        f"video not scored: {video.unscored}"
        if video.vq is None
        else f"video quality {video.vq:.2f}, {video.coefficients}"
    )


def _redundancy(stream: Stream) -> Iterator[str]:
    redundancy = stream.redundancy
    if redundancy is None:
        return
    bad = redundancy.repaired + redundancy.residual
    yield (
        f"{_of(redundancy)} put back {redundancy.repaired:,} of {bad:,} packets lost or too late: network loss "
        f"{stream.counts.loss_percent:.2f} %, residual loss {redundancy.residual_percent:.2f} %, which the score uses"
    )


def _of(redundancy: Redundancy) -> str:
    return " and ".join("Opus in-band FEC" if kind == "Opus FEC" else kind for kind in redundancy.kinds)


def _undescribed(stream: Stream) -> Iterator[str]:
    if stream.undescribed:
        yield f"{stream.undescribed:,} packets came before their description: they were not looked into"


def _malformed(stream: Stream) -> Iterator[str]:
    if stream.malformed_payloads:
        yield f"{stream.malformed_payloads:,} payloads contradict their own lengths"


def _level(stream: Stream) -> Iterator[str]:
    level = stream.level
    if level is not None:
        heard = "silence throughout" if level.silent else f"level {round(level.mean_dbm0)} dBm0"
        yield f"{heard}, at most {round(level.loudest_dbm0)} dBm0 in {level.looks:,} packets looked at"


def _digits(stream: Stream) -> Iterator[str]:
    if not stream.digits:
        return
    shown = ", ".join(f"{each.name} ({each.duration_us / 1000:.0f} ms)" for each in stream.digits[:SHOWN_DIGITS])
    rest = stream.digit_count - min(len(stream.digits), SHOWN_DIGITS)
    yield f"telephone events: {shown}" + (f" and {rest:,} more" if rest else "")


def _pauses(stream: Stream) -> Iterator[str]:
    counts = stream.counts
    if stream.video is None and (counts.noises or counts.pauses):
        yield f"pauses of the sender (DTX): {counts.pauses:,}, packets of comfort noise: {counts.noises:,}"
    if counts.payload_changes:
        times = "once" if counts.payload_changes == 1 else f"{counts.payload_changes:,} times"
        yield f"the payload type changed {times}"
