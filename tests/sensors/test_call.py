"""The call probe's SIP side against answers written by hand, and its audio's figures."""

import struct

import pytest

from clearline.sensors.probe.call import CallProbe, invite_request
from clearline.sensors.probe.exchange import Context
from clearline.sensors.probe.media import Speaker, Trace, a_law, mu_law, speech
from clearline.sensors.probe.options import Local
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sip

LOCAL = Local("UDP", "192.0.2.9", 5070)
PROXY = ("192.0.2.1", 5060)
GOOD = Outcome(True, 200, "200 OK", 1)


def dialling() -> tuple[CallProbe, sip.SipMessage]:
    request = invite_request("sip:bob@voip.example", "alice", LOCAL, 4000, "c0ffee")
    probe = CallProbe(request, Context(None, False, Timers(), "c0ffee"), LOCAL, timeout_us=4_000_000, now_us=0)
    ((data, hop),) = probe.to_send()
    assert hop is None
    return probe, sip.parse(data)


def said(request: sip.SipMessage, status: int, *headers: str) -> bytes:
    lines = [f"SIP/2.0 {status} x", *(f"Via: {value}" for value in request.values("via"))]
    lines += [f"From: {request.header('from')}", f"To: {request.header('to')};tag=b", f"Call-ID: {request.call_id}"]
    return "\r\n".join([*lines, f"CSeq: {request.header('cseq')}", *headers, "", ""]).encode()


def sent(probe: CallProbe) -> list[tuple[sip.SipMessage, object]]:
    return [(sip.parse(data), hop) for data, hop in probe.to_send()]


def test_ack_and_bye_follow_the_contact_and_the_routes_in_reverse_order() -> None:
    probe, invite = dialling()
    routes = ["Record-Route: <sip:192.0.2.3;lr>, <sip:192.0.2.2:5066;lr>", "Contact: <sip:bob@10.0.0.5:5090>"]
    probe.receive(said(invite, 200, *routes), PROXY, 1000)
    ((ack, hop),) = sent(probe)
    assert (ack.method, ack.uri, hop) == ("ACK", "sip:bob@10.0.0.5:5090", ("192.0.2.2", 5066))
    assert ack.values("route") == ["<sip:192.0.2.2:5066;lr>", "<sip:192.0.2.3;lr>"]
    assert (ack.cseq, sip.address(ack.header("to") or "").tag) == ((1, "ACK"), "b")
    assert ack.header("via") != invite.header("via")
    probe.hang_up(GOOD, 2000)
    ((bye, hop),) = sent(probe)
    assert (bye.method, bye.uri, bye.cseq, hop) == ("BYE", ack.uri, (2, "BYE"), ("192.0.2.2", 5066))
    assert bye.values("route") == ack.values("route")
    probe.receive(said(bye, 200), PROXY, 3000)
    assert probe.outcome == GOOD


def test_a_strict_router_gets_the_request_addressed_to_itself() -> None:
    probe, invite = dialling()
    probe.receive(said(invite, 200, "Record-Route: <sip:192.0.2.2>", "Contact: <sip:bob@10.0.0.5>"), PROXY, 1000)
    ((ack, hop),) = sent(probe)
    assert (ack.uri, ack.values("route"), hop) == ("sip:192.0.2.2", ["<sip:bob@10.0.0.5>"], ("192.0.2.2", 5060))


def test_each_repetition_of_the_200_gets_the_same_ack() -> None:
    probe, invite = dialling()
    for now_us in (1000, 501_000):
        probe.receive(said(invite, 200, "Contact: <sip:b@10.0.0.5>"), PROXY, now_us)
    acks = [data for data, _ in probe.to_send()]
    assert acks[0] == acks[1]
    assert all(data.startswith(b"ACK ") for data in acks)


def test_post_dial_delay_ends_with_ringing_and_not_with_trying() -> None:
    probe, invite = dialling()
    probe.receive(said(invite, 100), PROXY, 1000)
    assert probe.post_dial_delay_us is None
    probe.receive(said(invite, 180), PROXY, 7000)
    probe.receive(said(invite, 200, "Contact: <sip:b@10.0.0.5>"), PROXY, 9000)
    assert probe.post_dial_delay_us == 7000


def test_a_refused_call_is_acknowledged_and_said_to_be_refused() -> None:
    probe, invite = dialling()
    probe.receive(said(invite, 486), PROXY, 1000)
    assert [message.method for message, _ in sent(probe)] == ["ACK"]
    assert probe.outcome is not None
    assert (probe.outcome.ok, probe.outcome.code, probe.outcome.reason) == (False, 486, "486 x")


def test_a_call_that_only_rings_is_cancelled_at_its_deadline() -> None:
    probe, invite = dialling()
    probe.receive(said(invite, 180), PROXY, 1000)
    probe.on_timer(4_000_000)
    ((cancel, _),) = sent(probe)
    assert (cancel.method, cancel.values("via")) == ("CANCEL", invite.values("via"))
    probe.receive(said(cancel, 200), PROXY, 4_001_000)
    probe.receive(said(invite, 487), PROXY, 4_002_000)
    assert [message.method for message, _ in sent(probe)] == ["ACK"]
    assert probe.outcome is not None
    assert probe.outcome.reason == "not answered within 4 s, cancelled"


def test_a_call_answered_while_it_is_cancelled_is_hung_up() -> None:
    probe, invite = dialling()
    probe.receive(said(invite, 180), PROXY, 1000)
    probe.on_timer(4_000_000)
    sent(probe)
    probe.receive(said(invite, 200, "Contact: <sip:b@10.0.0.5>"), PROXY, 4_001_000)
    assert [message.method for message, _ in sent(probe)] == ["ACK", "BYE"]


def test_a_silent_server_is_no_answer() -> None:
    probe, _ = dialling()
    probe.on_timer(4_000_000)
    assert probe.outcome is not None
    assert probe.outcome.reason.startswith("no answer within 4 s")


def test_when_the_other_side_hangs_up_first_its_bye_is_answered_and_the_call_has_failed() -> None:
    probe, invite = dialling()
    probe.receive(said(invite, 200, "Contact: <sip:b@10.0.0.5>"), PROXY, 1000)
    sent(probe)
    bye = (
        f"BYE sip:alice@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKx\r\nCall-ID: {invite.call_id}\r\n"
    )
    bye += f"From: {invite.header('to')};tag=b\r\nTo: {invite.header('from')}\r\nCSeq: 7 BYE\r\n\r\n"
    probe.receive(bye.encode(), ("10.0.0.5", 5060), 2000)
    ((reply, hop),) = sent(probe)
    assert (reply.status, hop) == (200, ("10.0.0.5", 5060))
    assert probe.outcome is not None
    assert not probe.outcome.ok


@pytest.mark.parametrize("headers", [[], ["Contact: <sip:b"], ["Contact: <mailto:b>"]])
def test_an_answer_that_cannot_be_acknowledged_ends_the_call_as_failed(headers: list[str]) -> None:
    probe, invite = dialling()
    probe.receive(b"\xff\xfe", PROXY, 10)
    probe.receive(said(invite, 200, *headers), PROXY, 1000)
    assert probe.outcome is not None
    assert (probe.outcome.ok, probe.outcome.code) == (False, 200)
    assert "cannot be acknowledged" in probe.outcome.reason
    assert sent(probe) == []


@pytest.mark.parametrize(
    ("sample", "mu", "a"),
    [(0, 0xFF, 0xD5), (32_767, 0x80, 0xAA), (-32_768, 0x00, 0x2A), (1000, 0xCE, 0xFA), (-1000, 0x4E, 0x7A)],
)
def test_samples_are_encoded_as_g711_says(sample: int, mu: int, a: int) -> None:
    assert (mu_law(sample), a_law(sample)) == (mu, a)


def test_the_made_speech_talks_and_pauses_within_the_range() -> None:
    samples = speech()
    silent = sum(sample == 0 for sample in samples) / len(samples)
    assert len(samples) == 24_000
    assert 0.3 < silent < 0.6
    assert 5_000 < max(map(abs, samples)) < 32_000


OWN, ECHO = ("192.0.2.9", 4000), ("192.0.2.1", 5000)


def talked(number: int, *, keep: int = 1, delay_us: int = 40_000, changed: bool = False) -> Trace:
    trace = Trace()
    speaker = Speaker(0, 0x11223344, 65_500, 0xFFFFFF00)
    for index in range(number):
        packet = speaker.next()
        at_us = 1_700_000_000_000_000 + index * 20_000
        trace.add(at_us, OWN, ECHO, packet)
        if index % keep == 0:
            back = packet[:8] + struct.pack(">I", 0x55667788) + (bytes(160) if changed else packet[12:])
            trace.add(at_us + delay_us, ECHO, OWN, back)
    trace.packets.sort(key=lambda each: each[0])
    return trace


def test_a_clean_echo_is_measured_as_such_across_the_wrap_of_both_counters() -> None:
    figures = talked(250).figures(OWN)
    assert (figures.sent, figures.received, figures.lost, figures.jitter_us) == (250, 250, 0, 0)
    assert figures.round_trip_us == 40_000
    assert figures.mos_lq_x100 == 441


def test_lost_packets_lower_the_score() -> None:
    figures = talked(500, keep=2).figures(OWN)
    assert (figures.sent, figures.received, figures.lost) == (500, 250, 250)
    assert figures.mos_lq_x100 is not None
    assert figures.mos_lq_x100 < 300


def test_the_round_trip_of_audio_that_is_no_echo_is_unknown() -> None:
    assert talked(100, changed=True).figures(OWN).round_trip_us is None


def test_silence_is_unknown_and_never_good() -> None:
    trace = Trace()
    trace.add(1, OWN, ECHO, Speaker(8, 1, 1, 1).next())
    figures = trace.figures(OWN)
    assert (figures.sent, figures.received, figures.lost, figures.mos_lq_x100) == (1, 0, None, None)
