"""What was found in a stream's payloads, in sentences for people."""

from collections.abc import Iterator

from clearline.voice.results.content import Redundancy
from clearline.voice.results.stream import Stream


def findings(stream: Stream) -> list[str]:
    """Say what a stream's payloads told, one sentence each without its full stop, in plain text."""
    return [*_redundancy(stream), *_malformed(stream)]


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


def _malformed(stream: Stream) -> Iterator[str]:
    if stream.malformed_payloads:
        yield f"{stream.malformed_payloads:,} payloads contradict their own lengths"
