"""An analysis as one HTML file that needs nothing else: no script, no other host, every word of the capture escaped."""

from collections import Counter
from collections.abc import Iterable

from clearline.voice.report.ladder import draw_ladder, left_out
from clearline.voice.report.plots import draw_plots
from clearline.voice.report.style import CSS
from clearline.voice.report.words import (
    UNKNOWN,
    count,
    day_and_time,
    duration,
    grade,
    milliseconds,
    percent,
    plural,
    rating_words,
    safe,
    score,
    time_of_day,
)
from clearline.voice.results import Analysis, Call, Interval, Stream
from clearline.voice.results.findings import findings

MAX_CALLS = 100
"""Calls shown whole, the worst first."""

MAX_ROWS = 1000
"""Rows of the table of calls, and of one stream's table of intervals."""

MAX_LOOSE_STREAMS = 50
"""Streams shown that belong to no call."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The file may load and run nothing, whatever a capture smuggled into it."""


def report(analysis: Analysis) -> str:
    """Write the report of an analysis.

    Args:
        analysis: what the capture told.

    Returns:
        A whole HTML document, pure text: calls, the ladder and streams of the worst, plots by interval, and what limits
        the figures.
    """
    worst = sorted(enumerate(analysis.calls, 1), key=lambda numbered: _badness(numbered[1]))[:MAX_CALLS]
    loose = [stream for stream in analysis.streams if stream.call_id is None]
    parts = (
        _header(analysis),
        '<main id="content">',
        _tiles(analysis),
        _limits(analysis),
        _call_table(analysis, {number for number, _ in worst}),
        *(_call(number, call, analysis) for number, call in worst),
        _loose(loose),
        "</main>",
        _footer(analysis),
    )
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>Call quality: {safe(analysis.source)}</title><style>{CSS}</style></head>\n"
        f'<body><a class="skip" href="#content">To the figures</a>\n{body}\n</body></html>\n'
    )


def _badness(call: Call) -> tuple[float, int]:
    """Sort calls: the lowest score first, then those with flags, then by time."""
    return (5.0 if call.mos_lq is None else call.mos_lq) - (0.5 if call.flags else 0.0), call.start_us


def _header(analysis: Analysis) -> str:
    when = "no packets"
    if analysis.packets:
        length = duration(analysis.last_us - analysis.first_us)
        when = f"{day_and_time(analysis.first_us)} UTC, {length}, {plural(analysis.packets, 'packet', 'packets')}"
    return (
        f'<header><span class="brand">CLEARLINE</span><h1>Call quality: {safe(analysis.source)}</h1>'
        f'<p class="soft">{when}</p></header>'
    )


def _tiles(analysis: Analysis) -> str:
    answered = sum(call.answered_us is not None for call in analysis.calls)
    expected = sum(stream.counts.expected for stream in analysis.streams)
    lost = sum(stream.counts.lost for stream in analysis.streams)
    worst = min(
        (stream.quality.mos_lq for stream in analysis.streams if stream.quality.mos_lq is not None), default=None
    )
    tiles = (
        ("", count(len(analysis.calls)), f"calls, {count(answered)} answered"),
        ("", count(len(analysis.streams)), "streams of speech or video"),
        (grade(worst), score(worst), "lowest MOS of a stream, listening"),
        ("", percent(lost, expected), f"lost: {plural(lost, 'packet', 'packets')} of {count(expected)}"),
        (
            "",
            count(analysis.sip_messages),
            f"SIP messages, {plural(analysis.rtcp_packets, 'RTCP report', 'RTCP reports')}",
        ),
    )
    shown = (f'<div class="tile {kind}"><b>{value}</b><span>{name}</span></div>' for kind, value, name in tiles)
    return f'<div class="tiles">{"".join(shown)}</div>'


def _limits(analysis: Analysis) -> str:
    """Say what the figures rest on, and what takes from them."""
    health = analysis.capture
    unscored = Counter(stream.quality.unscored for stream in analysis.streams if stream.quality.unscored)
    without_delay = sum(stream.delay is None for stream in analysis.streams)
    counts = (
        ("Packets dropped by the capture itself, which may look like losses of the network", health.dropped),
        ("Packets missing where the capture fell silent for all streams, charged to no call", health.lost_in_holes),
        ("TCP segments missing, which may have held SIP messages", health.missing_segments),
        ("TLS connections to the SIP port, whose calls cannot be read", health.encrypted),
        ("Compressed WebSocket messages that refer to others which were not captured", health.unread),
        ("Packets older than the packet before them", health.backwards),
        ("Fragmented datagrams that could not be put together", health.fragments_given_up),
        ("Packets of streams beyond the limit, not followed", health.not_followed),
        ("Malformed packets, left out", analysis.malformed),
        ("Packets that are neither SIP nor RTP nor RTCP", analysis.undecoded),
        ("Streams whose delay is unknown, so that they have no conversational score", without_delay),
        *((f"Streams not scored, {safe(reason)}", number) for reason, number in sorted(unscored.items())),
    )  # fmt: skip
    notes = [f'<li class="warn">{name}: <b>{count(number)}</b></li>' for name, number in counts if number]
    if health.end:
        notes.append(f'<li class="warn">The end of the file: {safe(health.end)}</li>')
    return (
        '<h2>What the figures rest on</h2><ul class="notes"><li>Scores are estimates by the E-model, profile '
        f"<b>{safe(analysis.profile)}</b>, with the de-jitter buffer <b>{safe(analysis.playout)}</b>. No sound was "
        f"listened to.</li>{''.join(notes)}</ul>"
    )


def _table(caption: str, columns: Iterable[tuple[str, str]], rows: Iterable[Iterable[tuple[str, str]]]) -> str:
    """Write a table that becomes a list on a narrow screen.

    Args:
        caption: what it shows.
        columns: of each, its class and its name.
        rows: of each cell, its class and its content, safe HTML.
    """
    columns = tuple(columns)
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for kind, name in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}" data-label="{name}"><span>{content}</span></td>'
            for (kind, content), (_, name) in zip(row, columns, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<table class="stack"><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _outcome(call: Call) -> str:
    """Say how a call went, in a few words."""
    if call.answered_us is not None:
        return f"answered, ended by {safe(call.ended_by)}" if call.ended_by else "answered"
    if call.final_code is None:
        return "no final answer seen"
    return "cancelled" if call.final_code == 487 else f"failed with {call.final_code}"


def _call_table(analysis: Analysis, shown_whole: set[int]) -> str:
    if not analysis.calls:
        return '<h2>Calls</h2><p class="card">No SIP call was seen.</p>'
    columns = (("", "Start (UTC)"), ("", "From"), ("", "To"), ("", "Outcome"), ("n", "Post-dial delay"),
               ("n", "Talk"), ("n", "MOS-LQ"), ("n", "MOS-CQ"))  # fmt: skip
    rows = []
    for number, call in enumerate(analysis.calls[:MAX_ROWS], 1):
        start = time_of_day(call.start_us)
        if number in shown_whole:
            start = f'<a href="#call-{number}">{start}</a>'
        rows.append((
            ("t", start),
            ("", safe(call.from_uri, 60)),
            ("", safe(call.to_uri, 60)),
            ("", _outcome(call) + "".join(f"<br>{_flag(flag)}" for flag in call.flags)),
            ("n", duration(call.post_dial_delay_us)),
            ("n", duration(call.talk_us) if call.answered_us is not None else "none"),
            (f"n {grade(call.mos_lq)}", score(call.mos_lq)),
            (f"n {grade(call.mos_cq)}", score(call.mos_cq)),
        ))  # fmt: skip
    caption = f"{plural(len(analysis.calls), 'call', 'calls')}; MOS is the lower of the two directions"
    if len(analysis.calls) > MAX_CALLS:
        caption += f"; the {MAX_CALLS} worst are shown whole below"
    if len(analysis.calls) > MAX_ROWS:
        caption += f"; the first {MAX_ROWS} are listed here, the analysis as JSON has all"
    table = _table(caption, columns, rows)
    return f'<h2>Calls</h2><div class="card scroll" tabindex="0" role="region" aria-label="Calls">{table}</div>'


def _flag(name: str) -> str:
    return f'<span class="chip">{safe(name.replace("_", " "))}</span>'


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return f'<dl class="facts">{"".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)}</dl>'


def _badge(mos_lq: float | None) -> str:
    if mos_lq is None:
        return '<span class="badge">not scored</span>'
    return f'<span class="badge {grade(mos_lq)}">MOS {score(mos_lq)} · {rating_words(mos_lq)}</span>'


def _call(number: int, call: Call, analysis: Analysis) -> str:
    facts = (
        ("Start", f"{day_and_time(call.start_us)} UTC"),
        ("Outcome", _outcome(call)),
        ("Post-dial delay", duration(call.post_dial_delay_us)),
        ("Talk", duration(call.talk_us) if call.answered_us is not None else "none"),
        ("Disconnect delay", duration(call.disconnect_delay_us)),
        ("MOS-LQ, MOS-CQ", f"{score(call.mos_lq)}, {score(call.mos_cq)}"),
        ("Repeated messages", count(call.retransmissions)),
        ("Call-ID", f'<span class="mono">{safe(call.call_id, 80)}</span>'),
        *_continued(call),
    )
    streams = [analysis.streams[index] for index in call.streams]
    chips = "".join(_flag(flag) for flag in call.flags)
    media = "".join(_stream(stream) for stream in streams) or '<p class="soft">No media of this call was captured.</p>'
    return (
        f'<section class="card" id="call-{number}"><div class="head">'
        f"<h3>{safe(call.from_uri, 80)} → {safe(call.to_uri, 80)}</h3>{_badge(call.mos_lq)}</div>"
        f'{chips}<div class="top">{_facts(facts)}{_ladder(call)}</div>{media}</section>'
    )


def _continued(call: Call) -> tuple[tuple[str, str], ...]:
    """Name the call that this one is another leg of."""
    if call.linked is None:
        return ()
    return (
        ("Continues", f'<span class="mono">{safe(call.linked, 80)}</span>, found by {safe(call.link_basis or "")}'),
    )


def _ladder(call: Call) -> str:
    drawn = draw_ladder(call)
    if not drawn:
        return '<p class="soft">No SIP message of this call was kept.</p>'
    rest = left_out(call)
    note = (
        f'<p class="soft">{plural(rest, "further message is", "further messages are")} not drawn.</p>' if rest else ""
    )
    columns = (("", "Time (UTC)"), ("", "From"), ("", "To"), ("", "Message"))
    rows = (
        (
            ("t", time_of_day(each.at_us)),
            ("mono", safe(each.source)),
            ("mono", safe(each.destination)),
            ("", safe(each.text) + (", with SDP" if each.has_sdp else "") + (", repeated" if each.repeated else "")),
        )
        for each in call.ladder
    )
    return (
        '<div class="ladderbox"><h4>Signalling</h4><div class="scroll" tabindex="0" role="region" '
        f'aria-label="SIP ladder">{drawn}</div>{note}'
        f"<details><summary>The messages as a table</summary>{_table('SIP messages', columns, rows)}</details></div>"
    )


def _stream(stream: Stream) -> str:
    party = {True: "From the caller: ", False: "From the called party: ", None: ""}[stream.from_caller]
    codec = safe(stream.codec) if stream.codec else f"payload type {stream.payload_type}"
    way = f"{safe(stream.source)} → {safe(stream.destination)}"
    chips = "".join(_flag(flag) for flag in stream.flags)
    return (
        f'<div class="stream"><div class="head"><h3>{party}{codec} <span class="soft mono">{way}</span></h3>'
        f"{_badge(stream.quality.mos_lq)}</div>{chips}{_facts(_stream_facts(stream))}{_findings(stream)}{draw_plots(stream)}{_how_scored(stream)}"
        f"<details><summary>The intervals as a table</summary>{_intervals(stream.intervals)}</details></div>"
    )


def _findings(stream: Stream) -> str:
    """Write what the payloads told."""
    found = "".join(f"<li>{safe(finding, 1000)}</li>" for finding in findings(stream))
    return f'<ul class="notes">{found}</ul>' if found else ""


def _stream_facts(stream: Stream) -> list[tuple[str, str]]:
    counts, regularity, quality, burst = stream.counts, stream.regularity, stream.quality, stream.burst
    jitter = f"{milliseconds(regularity.jitter_mean_us)}, {milliseconds(regularity.jitter_max_us)}"
    facts = [
        ("Received of expected", f"{count(counts.received)} of {count(counts.expected)}"),
        ("Lost", f"{count(counts.lost)} ({percent(counts.lost, counts.expected)})"),
        ("Too late to be played", f"{count(counts.discarded)} ({percent(counts.discarded, counts.expected)})"),
        ("Out of order, duplicates", f"{count(counts.reordered)}, {count(counts.duplicates)}"),
        ("Jitter, mean and greatest", jitter),
        ("Delay variation: 50, 95, 99\u00a0% of packets within", _variation_words(regularity.pdv_us)),
        ("Longest time without a packet", milliseconds(regularity.max_gap_us)),
        ("Bursts of loss", f"{count(burst.bursts)}, {burst.density_pct:.0f}\u00a0% dense" if burst.bursts else "none"),
        ("One-way delay", _delay_words(stream)),
        ("MOS-LQ, MOS-CQ", f"{score(quality.mos_lq)}, {score(quality.mos_cq)}"),
        ("SSRC", f'<span class="mono">0x{stream.ssrc:08x}</span>'),
    ]
    if counts.capture_lost:
        facts.append(("Missed by the capture itself", f"{count(counts.capture_lost)}, not charged"))
    if regularity.outage_us:
        facts.append(("Silent until the call's end", duration(regularity.outage_us)))
    if stream.reported is not None:
        lost, worst = max(stream.reported.lost, 0), stream.reported.worst_loss_pct
        facts.append(("Receiver's own account (RTCP)", f"{count(lost)} lost, worst report {worst:.1f}\u00a0%"))
    return facts


def _delay_words(stream: Stream) -> str:
    if stream.delay is None:
        return UNKNOWN
    return f"{milliseconds(stream.delay.one_way_us)} ({safe(stream.delay.basis)})"


def _variation_words(pdv_us: tuple[int, int, int] | None) -> str:
    return ", ".join(milliseconds(late_us) for late_us in pdv_us or (None, None, None))


def _how_scored(stream: Stream) -> str:
    """Write the score's inputs, or why there is none."""
    counts, quality = stream.counts, stream.quality
    if quality.r is None or quality.impairment is None or quality.model is None:
        return f'<p class="key">Not scored: {safe(quality.unscored or "too little was received")}.</p>'
    ie, bpl, source = quality.impairment
    robustness = "none published" if bpl is None else f"{bpl:g}"
    missed = percent(counts.lost + counts.discarded, counts.expected)
    if stream.regularity.outage_us:
        missed += f", and the {duration(stream.regularity.outage_us)} without media count as lost too"
    delay = "none assumed: it is unknown" if stream.delay is None else milliseconds(stream.delay.mouth_to_ear_us)
    return (
        f'<p class="key">{safe(quality.model)}: Ie {ie:g}, Bpl {robustness} ({safe(source)}); lost or late {missed}, '
        f"BurstR {stream.burst.burst_ratio:.2f}; delay to the ear {delay}. R {quality.r:.1f}: MOS-LQ "
        f"{score(quality.mos_lq)}, MOS-CQ {score(quality.mos_cq)}.</p>"
    )


def _intervals(intervals: tuple[Interval, ...]) -> str:
    columns = (("", "From (UTC)"), ("n", "Length"), ("n", "Received"), ("n", "Lost"), ("n", "Late"),
               ("n", "Jitter mean"), ("n", "Jitter max"), ("n", "Delay"), ("n", "MOS-LQ"), ("n", "MOS-CQ"))  # fmt: skip
    rows = (
        (
            ("t", time_of_day(each.start_us)),
            ("n", duration(each.duration_us)),
            ("n", count(each.received)),
            ("n", count(each.lost)),
            ("n", count(each.discarded)),
            ("n", milliseconds(each.jitter_mean_us)),
            ("n", milliseconds(each.jitter_max_us)),
            ("n", milliseconds(each.delay_us)),
            (f"n {grade(each.mos_lq)}", score(each.mos_lq)),
            (f"n {grade(each.mos_cq)}", score(each.mos_cq)),
        )
        for each in intervals[:MAX_ROWS]
    )
    caption = plural(len(intervals), "interval", "intervals")
    if len(intervals) > MAX_ROWS:
        caption += f"; the first {MAX_ROWS} are listed"
    return _table(caption, columns, rows)


def _loose(streams: list[Stream]) -> str:
    if not streams:
        return ""
    streams = sorted(streams, key=lambda each: 5.0 if each.quality.mos_lq is None else each.quality.mos_lq)
    caption = (
        f"{plural(len(streams), 'stream', 'streams')} found by their packets' shape alone: no SIP message names them"
    )
    if len(streams) > MAX_LOOSE_STREAMS:
        caption += f"; the {MAX_LOOSE_STREAMS} worst are shown"
    shown = "".join(_stream(stream) for stream in streams[:MAX_LOOSE_STREAMS])
    return f'<h2>Streams without a call</h2><section class="card"><p class="soft">{caption}.</p>{shown}</section>'


def _footer(analysis: Analysis) -> str:
    return (
        "<footer><p>Loss and jitter by RFC 3550, bursts by RFC 3611 with Gmin 16, scores by ITU-T G.107, G.107.1 and "
        "G.107.2. MOS-LQ is for listening; MOS-CQ also counts the delay. All times are those of the capture"
        f"{'' if analysis.packets else ', which is empty'}, in UTC.</p></footer>"
    )
