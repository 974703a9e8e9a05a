import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.report import report
from clearline.voice.report.ladder import MAX_COLUMNS, PAUSE_US, draw_ladder, left_out
from clearline.voice.report.ladder import MAX_ROWS as MAX_ARROWS
from clearline.voice.report.page import MAX_CALLS, MAX_LOOSE_STREAMS, MAX_ROWS
from clearline.voice.report.plots import MAX_SLOTS, draw_plots, slots
from clearline.voice.report.words import UNKNOWN, duration, grade, percent, rating_words, safe
from clearline.voice.results import (
    Analysis,
    Burst,
    Call,
    CaptureHealth,
    Interval,
    LadderMessage,
    Reported,
    Stream,
)

START = 1_795_372_255_000_000
SECOND = 1_000_000

INTERVAL = Interval(
    start_us=START,
    duration_us=10 * SECOND,
    received=495,
    lost=5,
    discarded=0,
    jitter_mean_us=2500.0,
    jitter_max_us=4000.0,
    max_gap_us=61_000,
    mos_lq=4.2,
    mos_cq=4.1,
)


def intervals(count: int) -> tuple[Interval, ...]:
    return tuple(replace(INTERVAL, start_us=START + 10 * SECOND * place) for place in range(count))


STREAM = Stream(
    index=0,
    call_id="one@pc33",
    from_caller=True,
    ssrc=0x1A2B3C4D,
    source="10.0.0.1:4000",
    destination="10.0.0.2:4002",
    payload_type=0,
    codec="PCMU",
    clock_rate=8000,
    clock_guessed=False,
    start_us=START,
    end_us=START + 60 * SECOND,
    received=2970,
    expected=3000,
    lost=30,
    duplicates=0,
    capture_duplicates=0,
    reordered=1,
    discarded=0,
    capture_lost=0,
    outage_us=0,
    restarts=0,
    payload_changes=0,
    events=0,
    noises=0,
    silences=0,
    octets=475_200,
    packet_us=20_000.0,
    jitter_mean_us=2500.0,
    jitter_max_us=4000.0,
    mapdv2_us=900.0,
    skew_ppm=1.0,
    max_gap_us=61_000,
    burst=Burst(0, 0.0, 0.0, 0.0, 0.0, 1.0),
    one_way_delay_us=32_000,
    delay_basis="both directions",
    model="G.107",
    impairment=(0.0, 4.3, "G.113 Table I.4"),
    r=84.2,
    mos_lq=4.2,
    mos_cq=4.1,
    narrowband=(4.2, 4.1, None),
    mos_lq_min=4.2,
    unscored=None,
    reported=None,
    secure=False,
    flags=(),
    intervals=intervals(6),
)
UNSCORED = replace(
    STREAM,
    index=1,
    from_caller=False,
    codec="AMR-WB",
    model=None,
    impairment=None,
    r=None,
    mos_lq=None,
    mos_cq=None,
    one_way_delay_us=None,
    delay_basis=None,
    unscored="G.113 has no values for AMR-WB",
    intervals=tuple(replace(each, mos_lq=None, mos_cq=None) for each in intervals(6)),
)

A, B = "10.0.0.1:5060", "10.0.0.2:5060"
LADDER = (
    LadderMessage(START - 3 * SECOND, A, B, "INVITE", has_sdp=True, repeated=False),
    LadderMessage(START - 2_900_000, B, A, "180 Ringing", has_sdp=False, repeated=False),
    LadderMessage(START, B, A, "200 OK", has_sdp=True, repeated=False),
    LadderMessage(START, A, B, "ACK", has_sdp=False, repeated=True),
)
CALL = Call(
    call_id="one@pc33",
    linked=None,
    from_uri="sip:alice@atlanta.example.com",
    to_uri="sip:bob@biloxi.example.com",
    start_us=START - 3 * SECOND,
    answered_us=START,
    end_us=START + 60 * SECOND,
    final_code=200,
    post_dial_delay_us=100_000,
    disconnect_delay_us=20_000,
    ended_by="callee",
    challenges=0,
    retransmissions=1,
    forks=1,
    hops=1,
    changes=0,
    transfers=0,
    fax=False,
    streams=(0, 1),
    mos_lq=4.2,
    mos_cq=4.1,
    flags=(),
    ladder=LADDER,
    message_count=4,
)
HEALTHY = CaptureHealth(0, 0, 0, 0, 0, 0, 0, "")
ANALYSIS = Analysis(
    source="office.pcap",
    packets=6000,
    undecoded=0,
    malformed=0,
    first_us=START - 3 * SECOND,
    last_us=START + 60 * SECOND,
    profile="planning",
    playout="fixed 60 ms",
    calls=(CALL,),
    streams=(STREAM, UNSCORED),
    sip={},
    sip_messages=4,
    rtcp_packets=12,
    capture=HEALTHY,
)


class Page(HTMLParser):
    """Reads a page back: its elements with their attributes, its text, and whether it closes what it opens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


def test_the_page_says_what_was_captured_called_and_heard() -> None:
    text = Page(report(ANALYSIS)).text
    for words in (
        "Call quality: office.pcap",
        "2026-11-22 18:30:52 UTC, 1 min 03 s",
        "sip:alice@atlanta.example.com → sip:bob@biloxi.example.com",
        "answered, ended by callee",
        "From the caller: PCMU 10.0.0.1:4000 → 10.0.0.2:4002",
        "32.0 ms (both directions)",
        "G.107: Ie 0, Bpl 4.3 (G.113 Table I.4); lost or late 1.00",
        "R 84.2: MOS-LQ 4.20, MOS-CQ 4.10",
        "MOS 4.20 · users satisfied",
    ):
        assert words in text


def test_what_is_unknown_is_said_to_be_with_its_reason() -> None:
    text = Page(report(ANALYSIS)).text
    assert "Not scored: G.113 has no values for AMR-WB." in text
    assert "Streams not scored, G.113 has no values for AMR-WB: 1" in text
    assert "Streams whose delay is unknown, so that they have no conversational score: 1" in text
    assert "Unknown: no round trip could be taken from RTCP" in text


def test_a_codec_without_published_robustness_says_so() -> None:
    text = Page(
        draw := report(replace(ANALYSIS, streams=(replace(STREAM, impairment=(5.0, None, "x")), UNSCORED)))
    ).text
    assert "Ie 5, Bpl none published (x)" in text
    assert draw.isprintable() or "\n" in draw


def test_a_scored_stream_without_a_delay_says_that_none_is_assumed() -> None:
    stream = replace(STREAM, one_way_delay_us=None, delay_basis=None, mos_cq=None)
    assert "delay none assumed: it is unknown" in Page(report(replace(ANALYSIS, streams=(stream, UNSCORED)))).text


def test_the_captures_own_faults_are_listed() -> None:
    faulty = CaptureHealth(120, 1, 3, 4, 5, 6, 7, "the last record is cut off")
    text = Page(report(replace(ANALYSIS, capture=faulty, malformed=8, undecoded=9))).text
    for words in (
        "Packets dropped by the capture itself, which may look like losses of the network: 120",
        "charged to no call: 3",
        "TCP segments missing, which may have held SIP messages: 4",
        "Packets older than the packet before them: 5",
        "Fragmented datagrams that could not be put together: 6",
        "Packets of streams beyond the limit, not followed: 7",
        "Malformed packets, left out: 8",
        "Packets that are neither SIP nor RTP nor RTCP: 9",
        "The end of the file: the last record is cut off",
    ):
        assert words in text


def test_the_page_needs_nothing_from_another_place_and_may_run_nothing() -> None:
    page = Page(report(ANALYSIS))
    names = {tag for tag, _ in page.elements}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "base"})
    assert all(target.startswith("#") for target in page.attributes("href"))
    assert page.attributes("src") == []
    policies = [attributes.get("content") for _, attributes in page.elements if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "url(" not in report(ANALYSIS)
    assert "@import" not in report(ANALYSIS)


hostile = st.one_of(
    st.text(max_size=300),
    st.sampled_from([
        "</style><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        "</title></svg><script>",
        "\u202egpj.exe\u2066",
        "\0\x1b[31m",
        "&lt;b&gt;",
        "\ud800",
    ]),
)  # fmt: skip


@given(hostile, hostile, hostile, hostile)
def test_no_word_of_a_capture_becomes_markup(uri: str, reason: str, place: str, name: str) -> None:
    ladder = (
        replace(LADDER[0], source=place, text=reason),
        *LADDER[1:],
    )
    call = replace(CALL, call_id=uri, from_uri=uri, to_uri=name, ended_by=name, flags=(name,), ladder=ladder)
    stream = replace(STREAM, codec=name, source=place, destination=place, flags=(reason,), delay_basis=name)
    reasoned = replace(UNSCORED, unscored=reason, codec=uri)
    health = replace(HEALTHY, end=reason)
    analysis = replace(
        ANALYSIS, source=name, calls=(call,), streams=(stream, reasoned), capture=health, profile=uri, playout=uri
    )
    page = Page(report(analysis))
    plain = Page(report(ANALYSIS))
    known = {tag for tag, _ in plain.elements} | {"br"}
    assert {tag for tag, _ in page.elements} <= known
    assert {key for _, attributes in page.elements for key in attributes} <= {
        key for _, attributes in plain.elements for key in attributes
    }
    report(analysis).encode("utf-8")


def test_what_cannot_be_seen_is_shown_as_replaced() -> None:
    assert safe("a\u202eb\0c\nd") == "a\ufffdb\ufffdc\ufffdd"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert safe("x" * 300) == "x" * 199 + "…"


def test_every_inner_link_has_its_target() -> None:
    calls = tuple(
        replace(CALL, call_id=str(number), start_us=START + number, streams=()) for number in range(MAX_CALLS + 1)
    )
    page = Page(report(replace(ANALYSIS, calls=calls)))
    targets = {target.removeprefix("#") for target in page.attributes("href")}
    assert targets <= set(page.attributes("id"))
    assert f"the {MAX_CALLS} worst are shown whole below" in page.text


def test_the_worst_calls_are_shown_first() -> None:
    calls = (
        replace(CALL, streams=(), mos_lq=4.3, from_uri="sip:good@x"),
        replace(CALL, streams=(), mos_lq=None, from_uri="sip:none@x"),
        replace(CALL, streams=(), mos_lq=2.5, from_uri="sip:bad@x"),
        replace(CALL, streams=(), mos_lq=4.3, from_uri="sip:flagged@x", flags=("one-way audio",)),
    )
    sections = re.findall(r"<h3>sip:(\w+)@x", report(replace(ANALYSIS, calls=calls)))
    assert sections == ["bad", "flagged", "good", "none"]


def test_a_very_long_list_of_calls_is_cut_and_says_so() -> None:
    calls = (replace(CALL, streams=()),) * (MAX_ROWS + 1)
    text = Page(report(replace(ANALYSIS, calls=calls))).text
    assert f"the first {MAX_ROWS} are listed here" in text


def test_a_capture_without_calls_shows_its_streams() -> None:
    stream = replace(STREAM, call_id=None, from_caller=None, codec="", payload_type=97)
    text = Page(report(replace(ANALYSIS, calls=(), streams=(stream, replace(UNSCORED, call_id=None))))).text
    assert "No SIP call was seen." in text
    assert "2 streams found by their packets' shape alone" in text
    assert "payload type 97" in text


def test_of_many_streams_without_a_call_the_worst_are_shown() -> None:
    loose = tuple(replace(STREAM, call_id=None, mos_lq=4.0 - number / 100) for number in range(MAX_LOOSE_STREAMS + 1))
    text = Page(report(replace(ANALYSIS, calls=(), streams=loose))).text
    assert f"the {MAX_LOOSE_STREAMS} worst are shown" in text
    assert "MOS 4.00" not in text


def test_an_empty_capture_is_reported_as_empty() -> None:
    empty = replace(ANALYSIS, packets=0, first_us=0, last_us=0, calls=(), streams=(), sip_messages=0, rtcp_packets=0)
    text = Page(report(empty)).text
    assert "no packets" in text
    assert "those of the capture, which is empty, in UTC" in text


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (replace(CALL, answered_us=None, final_code=486), "failed with 486"),
        (replace(CALL, answered_us=None, final_code=487), "cancelled"),
        (replace(CALL, answered_us=None, final_code=None), "no final answer seen"),
        (replace(CALL, ended_by=None), "Outcome answered Post-dial delay"),
    ],
)
def test_how_a_call_went_is_said_in_words(call: Call, words: str) -> None:
    assert words in Page(report(replace(ANALYSIS, calls=(replace(call, streams=()),)))).text


def test_a_call_without_media_or_messages_says_so() -> None:
    text = Page(report(replace(ANALYSIS, calls=(replace(CALL, streams=(), ladder=(), message_count=0),)))).text
    assert "No media of this call was captured." in text
    assert "No SIP message of this call was kept." in text


def test_facts_that_apply_are_added_to_a_stream() -> None:
    stream = replace(
        STREAM,
        capture_lost=7,
        outage_us=12 * SECOND,
        burst=Burst(2, 33.0, 100_000.0, 0.1, 20_000.0, 1.5),
        reported=Reported(3, -1, 2.5, 1000.0, 64_000, 4.1, None, None),
    )
    text = Page(report(replace(ANALYSIS, streams=(stream, UNSCORED)))).text
    for words in (
        "7, not charged",
        "Silent until the call's end 12.0 s",
        "2, 33 % dense",
        "0 lost, worst report 2.5 %",
    ):
        assert words in text


def test_a_ladder_has_an_arrow_for_each_message_from_sender_to_receiver() -> None:
    drawn = draw_ladder(CALL)
    assert drawn.count("<polygon") == 4
    assert [
        words for words in ("INVITE · SDP", "180 Ringing", "200 OK · SDP", "ACK · again") if words not in drawn
    ] == []
    first = re.search(r'<line class="arrow" x1="(\d+)" x2="(\d+)"', drawn)
    assert first is not None
    assert int(first[1]) < int(first[2])
    assert drawn.count('class="arrow again"') == 1
    assert left_out(CALL) == 0


def test_a_long_silence_in_a_ladder_is_written_between_the_arrows() -> None:
    assert "2.9 s later" in draw_ladder(CALL)
    quick = tuple(replace(each, at_us=START + place * PAUSE_US) for place, each in enumerate(LADDER))
    assert "later" not in draw_ladder(replace(CALL, ladder=quick))


def test_messages_are_classed_by_what_they_say() -> None:
    for text, kind in (
        ("INVITE", "request"),
        ("100 Trying", "provisional"),
        ("200 OK", "success"),
        ("302 Moved", "failure"),
        ("603 Decline", "failure"),
    ):
        assert f'<g class="{kind}">' in draw_ladder(replace(CALL, ladder=(replace(LADDER[0], text=text),)))


def test_a_message_to_its_own_sender_is_drawn_as_a_loop() -> None:
    drawn = draw_ladder(replace(CALL, ladder=(replace(LADDER[0], destination=A),)))
    assert "h26v10h-20" in drawn


def test_what_a_ladder_leaves_out_is_counted() -> None:
    many = tuple(replace(LADDER[0], source=f"10.0.0.{number}:5060") for number in range(1, MAX_COLUMNS + 3))
    assert left_out(replace(CALL, ladder=many, message_count=len(many))) == 3
    long = LADDER * MAX_ARROWS
    assert draw_ladder(replace(CALL, ladder=long)).count("<polygon") == MAX_ARROWS
    crowded = replace(CALL, ladder=long, message_count=500)
    assert left_out(crowded) == 500 - MAX_ARROWS
    text = Page(report(replace(ANALYSIS, calls=(replace(crowded, streams=()),)))).text
    assert f"{500 - MAX_ARROWS} further messages are not drawn." in text


def test_a_short_streams_slots_are_its_intervals() -> None:
    assert [each.start_us for each in slots(intervals(MAX_SLOTS))] == [each.start_us for each in intervals(MAX_SLOTS)]


@given(st.lists(st.builds(
    Interval,
    start_us=st.just(START),
    duration_us=st.just(10 * SECOND),
    received=st.integers(0, 500),
    lost=st.integers(0, 500),
    discarded=st.integers(0, 500),
    jitter_mean_us=st.none() | st.floats(0, 1e6),
    jitter_max_us=st.none() | st.floats(0, 1e6),
    max_gap_us=st.integers(0, 10_000_000),
    mos_lq=st.none() | st.floats(1, 4.5),
    mos_cq=st.none(),
), min_size=1, max_size=3 * MAX_SLOTS))  # fmt: skip
def test_drawing_neighbours_together_loses_no_packet_and_hides_no_worst(given_intervals: list[Interval]) -> None:
    made = slots(given_intervals)
    assert len(made) <= MAX_SLOTS
    for name in ("received", "lost", "discarded", "duration_us"):
        assert sum(getattr(each, name) for each in made) == sum(getattr(each, name) for each in given_intervals)
    worst = [each.mos_lq for each in given_intervals if each.mos_lq is not None]
    assert min((each.mos_lq for each in made if each.mos_lq is not None), default=None) == min(worst, default=None)
    drawn = draw_plots(replace(STREAM, intervals=tuple(given_intervals), end_us=START + 10 * SECOND))
    Page(drawn)
    numbers = [float(found) for found in re.findall(r'(?:x|y|width|height)="(-?[\d.]+)"', drawn)]
    assert all(-0.01 <= number <= 1000.01 for number in numbers)


def test_loss_is_drawn_as_high_as_it_was() -> None:
    # 10 of 500 lost and 5 late are 2 % and 1 %: on a scale to 5 % they are 40 and 20 of 100 high.
    drawn = draw_plots(replace(STREAM, intervals=(replace(INTERVAL, received=490, lost=10, discarded=5),)))
    assert '<rect class="lost" x="0.0" y="60.00" width="166.67" height="40.00"/>' in drawn
    assert '<rect class="late" x="0.0" y="40.00" width="166.67" height="20.00"/>' in drawn


def test_a_tiny_loss_can_still_be_seen() -> None:
    assert 'height="1.50"' in draw_plots(replace(STREAM, intervals=(replace(INTERVAL, received=99_999, lost=1),)))


def test_the_score_is_drawn_on_the_scale_from_one_to_five() -> None:
    drawn = draw_plots(replace(STREAM, intervals=(replace(INTERVAL, mos_lq=3.0), *intervals(2)[1:])))
    # The second interval's 4.2 is 80 of 100 up; the line steps up to it.
    assert '<path class="trace" d="M0.0 50.0H166.67V20.0H333.33"/>' in drawn


def test_a_line_breaks_where_nothing_came_and_the_time_is_shaded() -> None:
    first, _, third = intervals(3)
    silent = replace(INTERVAL, start_us=START + 10 * SECOND, received=0, lost=0, mos_lq=None, jitter_max_us=None)
    drawn = draw_plots(replace(STREAM, end_us=START + 30 * SECOND, intervals=(first, silent, third)))
    assert '<path class="trace" d="M0.0 20.0H333.33M666.67 20.0H1000.0"/>' in drawn
    assert '<rect class="gap" x="333.33" y="0" width="333.34" height="100"/>' in drawn


def test_silence_after_the_last_packet_is_shaded_up_to_the_calls_end() -> None:
    drawn = draw_plots(replace(STREAM, end_us=START + 30 * SECOND, outage_us=30 * SECOND, intervals=intervals(3)))
    assert '<rect class="gap" x="500.0" y="0" width="500.00" height="100"/>' in drawn


def test_a_stream_too_short_for_anything_is_drawn_blank() -> None:
    bare = replace(INTERVAL, received=0, lost=0, jitter_mean_us=None, jitter_max_us=None, mos_lq=None, mos_cq=None)
    drawn = draw_plots(replace(STREAM, expected=0, lost=0, intervals=(bare,)))
    assert "Unknown: no packets with timestamps followed each other." in drawn
    assert "Not scored: no interval has enough packets." in drawn


def test_a_long_streams_steps_say_how_long_they_are() -> None:
    drawn = draw_plots(replace(STREAM, intervals=intervals(MAX_SLOTS + 1)))
    assert "One step is 20.0 s: the worst of its intervals." in drawn


def test_a_stream_of_a_day_lists_its_first_intervals() -> None:
    stream = replace(STREAM, intervals=intervals(MAX_ROWS + 1))
    assert f"the first {MAX_ROWS} are listed" in Page(report(replace(ANALYSIS, streams=(stream, UNSCORED)))).text


@pytest.mark.parametrize(
    ("length_us", "words"),
    [
        (None, UNKNOWN),
        (0, "0 ms"),
        (999_400, "999 ms"),
        (1_000_000, "1.0 s"),
        (61_000_000, "1 min 01 s"),
        (3_661_000_000, "1 h 01 min 01 s"),
    ],
)
def test_a_length_of_time_is_written_in_its_unit(length_us: int | None, words: str) -> None:
    assert duration(length_us) == words


def test_a_small_share_is_never_written_as_none() -> None:
    assert percent(0, 100) == "0\u00a0%"
    assert percent(1, 100_000) == "&lt;\u00a00.01\u00a0%"
    assert percent(1, 3) == "33.33\u00a0%"
    assert percent(0, 0) == UNKNOWN


@pytest.mark.parametrize(
    ("mos", "kind", "words"),
    [
        (4.41, "good", "users very satisfied"),
        (4.03, "good", "users satisfied"),
        (3.60, "fair", "some users dissatisfied"),
        (3.59, "poor", "many users dissatisfied"),
        (2.58, "poor", "nearly all users dissatisfied"),
        (2.57, "poor", "not recommended"),
    ],
)
def test_a_score_is_put_in_the_words_of_g107(mos: float, kind: str, words: str) -> None:
    # G.107 (06/2015) Table B.1: R 90, 80, 70, 60, 50 are MOS 4.34, 4.03, 3.60, 3.10, 2.58.
    assert (grade(mos), rating_words(mos)) == (kind, words)
