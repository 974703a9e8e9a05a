import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.voice.analyses import (
    ANALYSIS,
    CALL,
    COUNTS,
    HEALTHY,
    LADDER,
    NO_QUALITY,
    QUALITY,
    REGULARITY,
    SECOND,
    START,
    STREAM,
    UNSCORED,
    Page,
)

from clearline.voice.report import report
from clearline.voice.report.page import MAX_CALLS, MAX_LOOSE_STREAMS, MAX_ROWS
from clearline.voice.report.words import safe
from clearline.voice.results import Burst, Call, CaptureHealth, Delay, Reported


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
        draw := report(
            replace(
                ANALYSIS, streams=(replace(STREAM, quality=replace(QUALITY, impairment=(5.0, None, "x"))), UNSCORED)
            )
        )
    ).text
    assert "Ie 5, Bpl none published (x)" in text
    assert draw.isprintable() or "\n" in draw


def test_a_scored_stream_without_a_delay_says_that_none_is_assumed() -> None:
    stream = replace(STREAM, delay=None, quality=replace(QUALITY, mos_cq=None))
    assert (
        "delay to the ear none assumed: it is unknown"
        in Page(report(replace(ANALYSIS, streams=(stream, UNSCORED)))).text
    )


def test_another_leg_of_a_call_is_named_with_what_it_was_found_by() -> None:
    leg = replace(CALL, call_id="two@sbc", linked="one@pc33", link_basis="addresses and numbers", streams=())
    text = Page(report(replace(ANALYSIS, calls=(CALL, leg)))).text
    assert "one@pc33" in text
    assert "found by addresses and numbers" in text


def test_the_captures_own_faults_are_listed() -> None:
    faulty = CaptureHealth(120, 1, 3, 4, 2, 5, 6, 7, "the last record is cut off")
    text = Page(report(replace(ANALYSIS, capture=faulty, malformed=8, undecoded=9))).text
    for words in (
        "Packets dropped by the capture itself, which may look like losses of the network: 120",
        "charged to no call: 3",
        "TCP segments missing, which may have held SIP messages: 4",
        "TLS connections to the SIP port, whose calls cannot be read: 2",
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
        LADDER[0]._replace(source=place, text=reason),
        *LADDER[1:],
    )
    call = replace(CALL, call_id=uri, from_uri=uri, to_uri=name, ended_by=name, flags=(name,), ladder=ladder)
    quality = replace(QUALITY, model=name, impairment=(0.0, 4.3, reason))
    delay = Delay(32_000, name, 112_000)
    stream = replace(STREAM, codec=name, source=place, destination=place, flags=(reason,), delay=delay, quality=quality)
    reasoned = replace(UNSCORED, quality=replace(NO_QUALITY, unscored=reason), codec=uri)
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
    loose = tuple(
        replace(STREAM, call_id=None, quality=replace(QUALITY, mos_lq=4.0 - number / 100))
        for number in range(MAX_LOOSE_STREAMS + 1)
    )
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
        counts=replace(COUNTS, capture_lost=7),
        regularity=replace(REGULARITY, outage_us=12 * SECOND),
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
