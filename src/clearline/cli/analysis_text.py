"""An analysis as text: the summary, the calls and the streams in columns."""

import sys
from collections.abc import Iterator, Sequence

from clearline.cli.printable import printable
from clearline.voice.results import Analysis, Call, Stream
from clearline.voice.results.findings import findings
from clearline.voice.results.text import moment

LONGEST = 48
"""Characters of one text in a column: a sender may choose an address of any length."""

CALLS = ("start", "from", "to", "code", "PDD ms", "talk s", "ended by", "MOS-LQ", "MOS-CQ", "streams", "flags")
STREAMS = (
    *("#", "SSRC", "source", "destination", "codec", "packets", "lost", "loss %", "dup", "reord", "late"),
    *("jitter ms", "max", "BurstR", "MOS-LQ", "MOS-CQ", "flags"),
)
WORDS = frozenset({"start", "from", "to", "ended by", "streams", "flags", "SSRC", "source", "destination", "codec"})
"""Columns that begin at the left; the others are numbers."""


def print_analysis(analysis: Analysis) -> None:
    """Print the summary, the calls and the streams."""
    sys.stdout.writelines(f"{line}\n" for line in _lines(analysis))


def _lines(analysis: Analysis) -> Iterator[str]:
    yield f"{printable(analysis.source)}: {_summary(analysis)}"
    yield from (f"  {printable(line)}" for line in _remarks(analysis))
    if analysis.calls:
        yield from _table("Calls", CALLS, [_call(call) for call in analysis.calls])
    if analysis.streams:
        yield from _table("Streams", STREAMS, [_stream(stream) for stream in analysis.streams])
        for stream in analysis.streams:
            yield from (f"  stream {stream.index}: {printable(finding)}" for finding in findings(stream))
        for reason in sorted({stream.quality.unscored for stream in analysis.streams if stream.quality.unscored}):
            yield f"  not scored: {printable(reason)}"
        yield f"  scores: profile {analysis.profile}, de-jitter buffer {analysis.playout}"
    if not analysis.calls and not analysis.streams:
        yield "  no call and no RTP stream in it"


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lay rows out in columns."""
    shown = [names, *([printable(text, LONGEST) for text in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    yield title
    for row in shown:
        cells = zip(names, row, widths, strict=True)
        yield "  ".join(t.ljust(width) if name in WORDS else t.rjust(width) for name, t, width in cells).rstrip()


def _summary(analysis: Analysis) -> str:
    seconds = (analysis.last_us - analysis.first_us) / 1_000_000
    return (
        f"{_count(analysis.packets, 'packet')} in {seconds:,.1f} s, {_count(len(analysis.calls), 'call')}, "
        f"{_count(len(analysis.streams), 'stream')}, {_count(analysis.sip_messages, 'SIP message')}, "
        f"{analysis.rtcp_packets:,} RTCP"
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _remarks(analysis: Analysis) -> list[str]:
    capture = analysis.capture
    named = {
        "packets of other protocols": analysis.undecoded,
        "malformed packets": analysis.malformed,
        "packets the capture dropped": capture.dropped,
        "packets lost in holes of the capture": capture.lost_in_holes,
        "TCP segments not captured": capture.missing_segments,
        "TLS connections to the SIP port, whose calls cannot be read": capture.encrypted,
        "compressed WebSocket messages that refer to others which were not captured": capture.unread,
        "times the capture's clock went backwards": capture.backwards,
        "datagrams with missing fragments": capture.fragments_given_up,
        "packets of streams beyond the limit": capture.not_followed,
    }
    found = [f"{count:,} {name}" for name, count in named.items() if count]
    return [", ".join(found)] * bool(found) + [capture.end] * bool(capture.end)


def _call(call: Call) -> Sequence[str]:
    return (
        str(moment(call.start_us)),
        call.from_uri,
        call.to_uri,
        _text(call.final_code),
        _text(None if call.post_dial_delay_us is None else round(call.post_dial_delay_us / 1000)),
        "-" if call.talk_us is None else f"{call.talk_us / 1e6:.1f}",
        _text(call.ended_by),
        _score(call.mos_lq),
        _score(call.mos_cq),
        ", ".join(map(str, call.streams)),
        ", ".join(call.flags),
    )


def _stream(stream: Stream) -> Sequence[str]:
    return (
        str(stream.index),
        f"{stream.ssrc:08x}",
        stream.source,
        stream.destination,
        stream.codec or f"PT {stream.payload_type}",
        f"{stream.counts.received:,}",
        str(stream.counts.lost),
        f"{stream.counts.loss_percent:.2f}",
        str(stream.counts.duplicates),
        str(stream.counts.reordered),
        str(stream.counts.discarded),
        _ms(stream.regularity.jitter_mean_us),
        _ms(stream.regularity.jitter_max_us),
        f"{stream.burst.burst_ratio:.2f}",
        _score(stream.quality.mos_lq),
        _score(stream.quality.mos_cq),
        ", ".join((*stream.flags, *(("found without SIP",) if stream.call_id is None else ()))),
    )


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _ms(value_us: float | None) -> str:
    return "-" if value_us is None else f"{value_us / 1000:.1f}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
