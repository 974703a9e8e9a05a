"""SIP to calls: each scenario is written as messages on a wire and read by the whole analyser."""

import pytest
from tests.voice import captures as c
from tests.voice.captures import ALICE, BOB, Dialog, Record, analysed, back, call, sdp, there, udp

from clearline.voice import assembly, calls
from clearline.voice.results import Call

S = 1_000_000


def only_call(records: list[Record]) -> Call:
    (found,) = analysed(records).calls
    return found


D = Dialog()


def test_retransmissions_are_counted_and_change_nothing() -> None:
    plain, repeated = only_call(call()), only_call([*call(), (500000, call()[0][1]), (1500000, call()[3][1])])
    assert repeated.retransmissions == 2
    assert (repeated.start_us, repeated.answered_us, repeated.end_us) == (
        plain.start_us,
        plain.answered_us,
        plain.end_us,
    )
    assert [message.repeated for message in repeated.ladder].count(True) == 2


def test_an_authentication_round_trip_is_one_attempt() -> None:
    records = [
        there(0, D.request("INVITE", 1, branch="x1")),
        back(20_000, D.response("407 Proxy Authentication Required")),
        there(21_000, D.request("ACK", 1, to_tag=True)),
        there(50_000, D.request("INVITE", 2, sdp(c.ALICE_AUDIO), branch="x2")),
        back(400_000, D.response("180 Ringing", "2 INVITE")),
        back(900_000, D.response("200 OK", "2 INVITE", sdp(c.BOB_AUDIO))),
        there(5 * S, D.request("BYE", 3, to_tag=True)),
    ]
    found = only_call(records)
    assert (found.final_code, found.challenges, found.post_dial_delay_us) == (200, 1, 400_000)
    assert analysed(records).sip["attempts"] == 1
    refused = only_call(records[:3])
    assert (refused.final_code, refused.answered_us) == (407, None)


@pytest.mark.parametrize(
    ("status", "code"), [("486 Busy Here", 486), ("404 Not Found", 404), ("302 Moved", 302), ("603 Decline", 603)]
)
def test_a_failed_call_has_its_code_and_its_end(status: str, code: int) -> None:
    found = only_call([there(0, D.request("INVITE")), back(300_000, D.response(status))])
    assert (found.final_code, found.answered_us, found.end_us, found.post_dial_delay_us) == (
        code,
        None,
        c.START_US + 300_000,
        None,
    )
    assert found.ended_by is None


def test_only_the_first_answer_to_a_bye_counts() -> None:
    later = [(11_050_000, udp(BOB, ALICE, D.response("481 Call Does Not Exist", "2 BYE")))]
    assert only_call(call() + later).disconnect_delay_us == 30_000


def test_comfort_noise_of_any_payload_type_is_known_from_the_description() -> None:
    records = call()
    records[3] = back(1 * S, D.response("200 OK", body=sdp(c.BOB_AUDIO, "0 98", ["a=rtpmap:98 CN/8000"])))
    records += c.speech(100)
    records.append((3_100_000, udp(c.ALICE_AUDIO, c.BOB_AUDIO, c.rtp(200, 16_000, payload_type=98, payload=b"x"))))
    (stream,) = analysed(records).streams
    assert (stream.counts.noises, stream.counts.payload_changes) == (1, 0)


def test_a_cancelled_call_was_ended_by_the_caller() -> None:
    found = only_call(
        [
            there(0, D.request("INVITE")),
            back(100_000, D.response("180 Ringing")),
            there(3 * S, D.request("CANCEL")),
            back(3 * S + 10_000, D.response("200 OK", "1 CANCEL")),
            back(3 * S + 20_000, D.response("487 Request Terminated")),
        ]
    )
    assert (found.final_code, found.ended_by, found.answered_us, found.end_us) == (
        487,
        "caller",
        None,
        c.START_US + 3 * S + 20_000,
    )


def test_a_bye_by_the_callee_is_told() -> None:
    records = [
        *call()[:5],
        back(8 * S, D.request("BYE", 1, by_callee=True)),
        there(8 * S + 9_000, D.response("200 OK", "1 BYE", by_caller=True)),
    ]
    found = only_call(records)
    assert (found.ended_by, found.end_us, found.disconnect_delay_us) == ("callee", c.START_US + 8 * S, 9_000)


def test_forked_branches_are_one_call_and_a_success_outdoes_failures() -> None:
    found = only_call(
        [
            there(0, D.request("INVITE")),
            back(100_000, D.response("180 Ringing", tag="x")),
            back(150_000, D.response("180 Ringing", tag="y")),
            back(200_000, D.response("486 Busy Here", tag="x")),
            back(900_000, D.response("200 OK", tag="y")),
            back(950_000, D.response("603 Decline", tag="z")),
            there(6 * S, D.request("BYE", 2, to_tag=True)),
        ]
    )
    assert (found.final_code, found.forks, found.answered_us) == (200, 2, c.START_US + 900_000)


def test_a_reinvite_and_an_update_do_not_answer_the_call_again() -> None:
    records = [
        *call(),
        there(3 * S, D.request("INVITE", 5, sdp("10.0.0.1:4100"), to_tag=True)),
        back(3 * S + 50000, D.response("200 OK", "5 INVITE", sdp(c.BOB_AUDIO))),
        there(4 * S, D.request("UPDATE", 6, to_tag=True)),
        back(4 * S + 1, D.response("200 OK", "6 UPDATE")),
        there(5 * S, D.request("REFER", 7, to_tag=True)),
        back(5 * S + 1, D.response("202 Accepted", "7 REFER")),
    ]
    found = only_call(records)
    assert (found.answered_us, found.changes, found.transfers) == (c.START_US + 1 * S, 2, 1)


def test_media_follows_a_reinvite_to_its_new_address_and_codec() -> None:
    moved = sdp("10.0.0.1:4100", "97", ["a=rtpmap:97 opus/48000/2", "a=fmtp:97 maxaveragebitrate=24000"])
    records = [
        *call(ends_us=20 * S),
        there(3 * S, D.request("INVITE", 5, moved, to_tag=True)),
        back(3 * S + 50000, D.response("200 OK", "5 INVITE", sdp(c.BOB_AUDIO))),
    ]
    records += [
        (4 * S + 20_000 * i, udp(c.BOB_AUDIO, "10.0.0.1:4100", c.rtp(i, 960 * i, payload_type=97))) for i in range(100)
    ]
    (stream,) = analysed(records).streams
    assert (stream.codec, stream.clock_rate, stream.call_id, stream.from_caller) == ("opus", 48000, D.call_id, False)
    assert stream.quality.mos_lq is None
    assert "Opus" in (stream.quality.unscored or "")


def test_two_hops_of_one_call_are_one_call() -> None:
    proxied = [(at + 2_000, frame.replace(bytes([10, 0, 0, 1]), bytes([10, 0, 0, 9]))) for at, frame in call()]
    found = only_call(call() + proxied)
    assert (found.retransmissions, found.final_code, found.hops) == (0, 200, 2)


def test_early_media_is_found_and_its_end_is_no_outage() -> None:
    records = call(answers_us=5 * S, ends_us=15 * S)
    records[2] = back(200_000, D.response("183 Session Progress", body=sdp("10.0.0.7:6000")))
    records += c.speech(100, start_us=300_000, source="10.0.0.7:6000", destination=c.ALICE_AUDIO, ssrc=9)
    records += c.speech(499, start_us=5 * S + 10_000) + c.speech(
        499, start_us=5 * S + 10_000, source=c.BOB_AUDIO, destination=c.ALICE_AUDIO, ssrc=8
    )
    analysis = analysed(records)
    assert [(s.from_caller, s.regularity.outage_us, s.flags) for s in analysis.streams] == [
        (False, 0, ()),
        (True, 0, ()),
        (False, 0, ()),
    ]
    assert analysis.calls[0].flags == ()


def test_media_that_stops_before_the_end_is_an_outage_in_the_score() -> None:
    analysis = analysed(call() + c.speech(250) + c.speech(500, source=c.BOB_AUDIO, destination=c.ALICE_AUDIO, ssrc=7))
    stopped, whole = analysis.streams
    assert stopped.regularity.outage_us == 11_000_000 - (1_010_000 + 249 * 20_000)
    assert stopped.flags == ("media_stopped",)
    assert stopped.counts.lost == 0
    assert (stopped.quality.mos_lq or 0) < 2 < (whole.quality.mos_lq or 0)
    assert analysis.calls[0].flags == ("media_stopped",)


def test_a_hold_is_no_outage() -> None:
    held = sdp(c.ALICE_AUDIO, lines=["a=sendonly"])
    records = call() + c.both_ways(150) + [there(4 * S, D.request("INVITE", 5, held, to_tag=True))]
    analysis = analysed(records)
    assert [s.regularity.outage_us for s in analysis.streams] == [0, 0]
    assert analysis.calls[0].flags == ()


def test_missing_audio_is_flagged_only_where_the_capture_has_media() -> None:
    other = Dialog(call_id="c2")
    silent = [(at, frame) for at, frame in call(other)]
    one_way = call() + c.speech()
    assert only_call(call()).flags == ()
    assert only_call(one_way).flags == ("one_way_audio",)
    elsewhere = c.speech(100, source="10.7.7.1:7000", destination="10.7.7.2:7002")
    assert only_call(silent + elsewhere).flags == ("no_audio",)


def test_a_switch_to_fax_is_told_and_its_missing_speech_is_no_fault() -> None:
    fax = b"v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=image 4500 udptl t38\r\n"
    records = call() + c.both_ways(100) + [there(4 * S, D.request("INVITE", 5, fax, to_tag=True))]
    found = only_call(records)
    assert (found.fax, found.flags) == (True, ())


def test_a_call_that_goes_on_past_the_capture_says_so() -> None:
    assert only_call(call()[:5]).flags == ("end_not_captured",)


def test_a_multipart_body_and_behind_it_a_description_without_content_type() -> None:
    body = b"--x\r\nContent-Type: application/sdp\r\n\r\n" + sdp(c.BOB_AUDIO) + b"\r\n--x--"
    message = D.response("200 OK", body=body).replace(
        b"application/sdp\r\nContent-Length", b"multipart/mixed;boundary=x\r\nContent-Length"
    )
    records = [*call()[:3], back(1 * S, message), *call()[4:], *c.speech()]
    assert analysed(records).streams[0].call_id == D.call_id
    bare = D.response("200 OK", body=sdp(c.BOB_AUDIO)).replace(b"Content-Type: application/sdp\r\n", b"")
    assert analysed([*call()[:3], back(1 * S, bare), *c.speech()]).streams[0].call_id == D.call_id
    for useless in (
        message.replace(b"v=0", b"x=0"),
        D.response("200 OK", body=b"hello").replace(b"application/sdp", b"text/plain"),
    ):
        assert analysed([there(0, D.request("INVITE")), back(1 * S, useless), *c.speech()]).streams[0].call_id is None


def test_streams_behind_address_translation_are_found_by_their_other_direction() -> None:
    public = "203.0.113.9:61000"
    records = call() + c.speech(source=public) + c.speech(source=c.BOB_AUDIO, destination=public, ssrc=7)
    assert [(s.call_id, s.from_caller) for s in analysed(records).streams] == [(D.call_id, True), (D.call_id, False)]


def test_a_port_that_the_next_call_uses_begins_new_streams_even_with_the_same_source() -> None:
    second = Dialog(call_id="c2")
    later = [(at + 20 * S, frame) for at, frame in call(second)]
    records = call() + c.speech() + later + [(at + 20 * S, frame) for at, frame in c.speech(first=5_000)]
    analysis = analysed(records)
    assert [(s.call_id, s.counts.received, s.counts.lost) for s in analysis.streams] == [
        (D.call_id, 500, 0),
        ("c2", 500, 0),
    ]


def test_media_before_its_description_is_given_to_its_call() -> None:
    records = call() + c.speech(500, start_us=-500_000)
    assert [s.call_id for s in analysed([(at + S, frame) for at, frame in records]).streams] == [D.call_id]


def test_the_measures_of_rfc_6076() -> None:
    def failing(number: int, status: str) -> list[Record]:
        d = Dialog(call_id=f"f{number}")
        return [there(0, d.request("INVITE")), back(100_000 * number, d.response(status))]

    records = (
        call()
        + failing(1, "486 Busy Here")
        + failing(2, "503 Service Unavailable")
        + failing(3, "302 Moved")
        + failing(5, "403 Forbidden")
    )
    found = analysed(records).sip
    assert (found["attempts"], found["answered"], found["completed"]) == (5, 1, 1)
    assert (found["asr_percent"], found["ner_percent"], found["isa_percent"], found["scr_percent"]) == (20, 40, 20, 20)
    assert (found["ser_percent"], found["seer_percent"]) == (25, 50)
    assert (found["srd_ms"], found["failed_srd_ms"], found["sdd_ms"], found["sdt_ms"]) == (200, 275, 30, 10_000)
    assert found["hops_mean"] == 1


def test_registrations_are_measured_without_their_challenges() -> None:
    d = Dialog(call_id="r1")
    records = [
        there(0, d.request("REGISTER", 1)),
        there(1, d.request("REGISTER", 1)),
        back(10_000, d.response("401 Unauthorized", "1 REGISTER")),
        there(20_000, d.request("REGISTER", 2)),
        back(20_001, d.response("100 Trying", "2 REGISTER")),
        back(60_000, d.response("200 OK", "2 REGISTER")),
        there(70_000, d.request("REGISTER", 3)),
        back(75_000, d.response("403 Forbidden", "3 REGISTER")),
        back(76_000, d.response("200 OK", "9 REGISTER")),
    ]
    found = analysed(records).sip
    assert (found["registrations"], found["rrd_ms"], found["ira_percent"]) == (2, 40, 50)


def test_messages_that_belong_to_no_call_are_counted_only() -> None:
    records = [
        there(0, D.request("OPTIONS")),
        back(9, D.response("200 OK", "1 OPTIONS")),
        back(10, D.response("200 OK", "7 BYE")),
    ]
    analysis = analysed(records)
    assert (analysis.calls, analysis.sip_messages, analysis.malformed, analysis.undecoded) == ((), 3, 0, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: m.replace(b"CSeq: 1", b"CSeq: x"),
        lambda m: m.replace(b"Call-ID: c1@example.com", b"Call-ID: "),
        lambda m: m.replace(b"From: ", b"X-From: "),
        lambda m: m.replace(b"To: ", b"no colon\r\nTo: "),
    ],
)
def test_messages_that_cannot_be_read_are_malformed(spoil: object) -> None:
    analysis = analysed([there(0, spoil(D.request("INVITE")))])  # type: ignore[operator]
    assert (analysis.calls, analysis.malformed) == ((), 1)


def test_names_in_quotes_do_not_hide_a_tag() -> None:
    quoted = Dialog(caller='sip:a@x>;tag="').from_tag
    message = D.request("INVITE").replace(b"From: <", b'From: "say;tag=zz" <')
    bye = (
        D.request("BYE", 2, to_tag=True)
        .replace(b"From: <", b'From: "say;tag=zz" <')
        .replace(b";tag=a1", b";tag=a1;x=y")
    )
    found = only_call([there(0, message), back(9, D.response("200 OK")), there(S, bye)])
    assert (found.ended_by, quoted) == ("caller", "a1")


def test_the_ladder_is_limited_and_all_messages_are_counted() -> None:
    many = [there(2 * S + n, D.request("INFO", 100 + n, to_tag=True)) for n in range(700)]
    found = only_call(call() + many)
    assert (len(found.ladder), found.message_count) == (200, 707)


def test_sip_over_tcp_is_framed_across_segments_and_out_of_order() -> None:
    stream = b"".join(
        c.split and frame for frame in (D.request("INVITE", body=sdp(c.ALICE_AUDIO)), D.request("CANCEL"))
    )
    cut = [stream[:100], stream[100:700], stream[700:]]
    at = [0, 100, 700]
    for order in ((0, 1, 2), (0, 2, 1)):
        records = [(n * 1000, c.tcp(ALICE, BOB, 5_000 + at[i], cut[i])) for n, i in enumerate(order)]
        analysis = analysed(records)
        assert [found.message_count for found in analysis.calls] == [2]


def test_of_a_long_call_the_first_messages_are_kept_and_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_MESSAGES", 2)
    monkeypatch.setattr(assembly, "MAX_MESSAGES", 2)
    monkeypatch.setattr(calls, "MAX_KNOWN", 5)
    third, fourth = "10.0.0.3:5060", "10.0.0.4:5060"
    records = [
        there(0, D.request("INVITE")),
        there(10, D.request("INVITE")),
        there(20, D.request("INVITE")),  # said before, on the same hop
        (30, udp(BOB, third, D.request("INVITE"))),  # on another hop
        (40, udp(third, BOB, D.response("100 Trying"))),
        (50, udp(third, BOB, D.response("180 Ringing"))),
        (60, udp(third, fourth, D.request("INVITE"))),  # no room any more
    ]
    found = analysed(records).calls[0]
    assert [each.text for each in found.ladder] == ["INVITE", "INVITE"]
    assert (found.message_count, found.retransmissions, found.hops) == (7, 2, 2)


def test_messages_behind_a_tcp_segment_that_was_not_captured_are_read_with_the_time_they_came() -> None:
    records, sent = [], {ALICE: 1, BOB: 1}
    for at_us, source, text in (
        (0, ALICE, D.request("INVITE", body=sdp(c.ALICE_AUDIO))),
        (100_000, BOB, D.response("180 Ringing")),
        (1 * S, BOB, D.response("183 Session Progress")),  # not captured
        (2 * S, BOB, D.response("200 OK", body=sdp(c.BOB_AUDIO))),
        (2 * S + 9_000, ALICE, D.request("ACK", to_tag=True)),
        (5 * S, ALICE, D.request("BYE", 2, to_tag=True)),
        (5 * S + 50_000, BOB, D.response("200 OK", "2 BYE")),
    ):
        records.append((at_us, c.tcp(source, BOB if source == ALICE else ALICE, sent[source], text)))
        sent[source] += len(text)
    del records[2]
    analysis = analysed(records)
    (found,) = analysis.calls
    assert (found.talk_us, found.disconnect_delay_us, analysis.capture.missing_segments) == (3 * S, 50_000, 1)
