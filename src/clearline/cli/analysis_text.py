"""An analysis as tables for a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clearline.voice.results import Analysis, Call, Stream
from clearline.voice.results.findings import findings
from clearline.voice.results.text import moment


def print_analysis(analysis: Analysis) -> None:
    """Print the summary, the calls and the streams."""
    console = Console()
    plain = console.width if console.is_terminal else 200
    console = Console(width=plain, highlight=False)
    console.print(f"[bold]{escape(analysis.source)}[/bold]: {_summary(analysis)}")
    for line in _remarks(analysis):
        console.print(f"  {escape(line)}")
    if analysis.calls:
        console.print(_calls(analysis.calls))
    if analysis.streams:
        console.print(_streams(analysis.streams))
        for stream in analysis.streams:
            for finding in findings(stream):
                console.print(f"  stream {stream.index}: {escape(finding)}")
        for reason in sorted({stream.quality.unscored for stream in analysis.streams if stream.quality.unscored}):
            console.print(f"  not scored: {escape(reason)}")
        console.print(f"  scores: profile {analysis.profile}, de-jitter buffer {analysis.playout}")
    if not analysis.calls and not analysis.streams:
        console.print("  no call and no RTP stream in it")


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


def _calls(calls: tuple[Call, ...]) -> Table:
    table = Table(title="Calls", title_justify="left", box=None, pad_edge=False)
    for name in ("start", "from", "to", "code", "PDD ms", "talk s", "ended by", "MOS-LQ", "MOS-CQ", "streams", "flags"):
        table.add_column(name, justify="right" if name in ("code", "PDD ms", "talk s", "MOS-LQ", "MOS-CQ") else "left")
    for call in calls:
        table.add_row(
            str(moment(call.start_us)),
            escape(call.from_uri),
            escape(call.to_uri),
            _text(call.final_code),
            _text(None if call.post_dial_delay_us is None else round(call.post_dial_delay_us / 1000)),
            "-" if call.talk_us is None else f"{call.talk_us / 1e6:.1f}",
            _text(call.ended_by),
            _score(call.mos_lq),
            _score(call.mos_cq),
            ", ".join(map(str, call.streams)),
            ", ".join(call.flags),
        )
    return table


def _streams(streams: tuple[Stream, ...]) -> Table:
    table = Table(title="Streams", title_justify="left", box=None, pad_edge=False)
    right = ("#", "packets", "lost", "loss %", "dup", "reord", "late", "jitter ms", "max", "BurstR", "MOS-LQ", "MOS-CQ")
    for name in ("#", "SSRC", "source", "destination", "codec", *right[1:], "flags"):
        table.add_column(name, justify="right" if name in right else "left", no_wrap=name != "flags")
    for stream in streams:
        table.add_row(
            str(stream.index),
            f"{stream.ssrc:08x}",
            stream.source,
            stream.destination,
            escape(stream.codec or f"PT {stream.payload_type}"),
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
    return table


def _text(value: object) -> str:
    return "-" if value is None else escape(str(value))


def _ms(value_us: float | None) -> str:
    return "-" if value_us is None else f"{value_us / 1000:.1f}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
