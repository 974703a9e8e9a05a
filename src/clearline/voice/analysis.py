"""The one door: a capture's bytes in, its calls and streams with their quality out."""

from collections.abc import Callable, Iterable

from clearline.voice import playout, results
from clearline.voice.assembly import Assembly
from clearline.voice.impairments import codecs
from clearline.voice.session import Session
from clearline.voice.wire import gzip
from clearline.voice.wire.pcap import CaptureError

__all__ = ["Analysis", "CaptureError", "analyze"]

Analysis = results.Analysis


def analyze(
    chunks: Iterable[bytes],
    source: str,
    *,
    profile: str = "planning",
    buffer: str = playout.DEFAULT,
    on_progress: Callable[[int], None] | None = None,
) -> Analysis:
    """Analyse one capture.

    Args:
        chunks: the file's octets in order, in pieces of any length; pcap or pcapng, plain or gzip.
        source: what the analysis calls the capture, usually the file's name.
        profile: whose impairments the scores use: planning, measured or calibrated.
        buffer: the de-jitter buffer the streams are played through (`fixed-60/1`, `adaptive-20-200/1`).
        on_progress: called after each piece with the octets taken so far.

    Returns:
        Every call and stream; what could not be read is counted in it.

    Raises:
        CaptureError: it is no capture file.
        ValueError: no such profile or buffer.
    """
    codecs(profile)
    session = Session(playout.playout_buffer(buffer))
    for piece in gzip.inflated(_counted(chunks, on_progress)):
        session.run(piece)
    end = session.finish()
    return Assembly(session, profile, buffer).analysis(source, end)


def _counted(chunks: Iterable[bytes], on_progress: Callable[[int], None] | None) -> Iterable[bytes]:
    """Pass the pieces on, saying after each how far it is."""
    taken = 0
    for chunk in chunks:
        yield chunk
        taken += len(chunk)
        if on_progress is not None:
            on_progress(taken)
