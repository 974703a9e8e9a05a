"""The call probe's SIP side against answers written by hand, and its audio's figures."""

import asyncio
import io
import struct
import wave
from collections.abc import Callable

import pytest

from clearline.sensors.probe import speech
from clearline.sensors.probe.call import CallProbe, invite_request
from clearline.sensors.probe.call_edge import heard_by_the_other, verdict
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.exchange import Context
from clearline.sensors.probe.media import Speaker, Trace, received_samples, released_key
from clearline.sensors.probe.message import answer
from clearline.sensors.probe.options import Local
from clearline.sensors.probe.outcome import MediaFigures, Outcome
from clearline.sensors.probe.pesq import is_installed, pesq_x100
from clearline.sensors.probe.target import Target
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
    assert (probe.outcome.ok, probe.outcome.code, probe.outcome.reason) == (False, 486, "486 x: it is busy")


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
    assert (speech.mu_law(sample), speech.a_law(sample)) == (mu, a)


def test_the_made_speech_talks_and_pauses_within_the_range() -> None:
    samples = speech.made()
    silent = sum(sample == 0 for sample in samples) / len(samples)
    assert len(samples) == 24_000
    assert 0.3 < silent < 0.6
    assert 5_000 < max(map(abs, samples)) < 32_000


OWN, ECHO = ("192.0.2.9", 4000), ("192.0.2.1", 5000)


def speaking(digits: str = "") -> Speaker:
    said = speech.encoded(0, None)
    return Speaker(0, said, ssrc=0x11223344, sequence=65_500, timestamp=0xFFFFFF00, digits=digits)


def talked(number: int, *, keep: int = 1, delay_us: int = 40_000, changed: bool = False, digits: str = "") -> Trace:
    trace = Trace()
    speaker = speaking(digits)
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


def test_our_own_lateness_is_not_taken_for_the_networks() -> None:
    trace, speaker = Trace(), speaking()
    for index in range(250):
        packet = speaker.next()
        late_us = 15_000 * (index % 3)
        at_us = 1_700_000_000_000_000 + index * 20_000 + late_us
        trace.said(at_us, late_us, OWN, ECHO, packet)
        trace.add(at_us + 40_000, ECHO, OWN, packet[:8] + b"echo" + packet[12:])
    figures = trace.figures(OWN)
    assert (figures.jitter_us, figures.round_trip_us, figures.mos_lq_x100) == (0, 40_000, 441)


def test_lost_packets_lower_the_score() -> None:
    figures = talked(500, keep=2).figures(OWN)
    assert (figures.sent, figures.received, figures.lost) == (500, 250, 250)
    assert figures.mos_lq_x100 is not None
    assert figures.mos_lq_x100 < 300


def test_the_round_trip_of_audio_that_is_no_echo_is_unknown() -> None:
    assert talked(100, changed=True).figures(OWN).round_trip_us is None


def test_silence_is_unknown_and_never_good() -> None:
    trace = Trace()
    trace.add(1, OWN, ECHO, speaking().next())
    figures = trace.figures(OWN)
    assert (figures.sent, figures.received, figures.lost, figures.mos_lq_x100) == (1, 0, None, None)


def test_keys_are_sent_as_rfc_4733_says_in_the_place_of_speech() -> None:
    speaker = speaking("1#")
    packets = [speaker.next() for _ in range(Speaker.least("1#"))]
    assert [packet[1] & 0x7F for packet in packets[:25]] == [0] * 25
    first, second = packets[25:32], packets[37:44]
    for packets_of_key, code in ((first, 1), (second, 11)):
        assert [packet[1] for packet in packets_of_key] == [0x80 | 101] + [101] * 6  # the marker begins an event
        assert len({packet[4:8] for packet in packets_of_key}) == 1  # one timestamp
        durations = [struct.unpack(">BBH", packet[12:]) for packet in packets_of_key]
        assert durations == [
            (code, 10, 160),
            (code, 10, 320),
            (code, 10, 480),
            (code, 10, 640),
            *[(code, 0x80 | 10, 800)] * 3,  # its end is said three times
        ]
    sequence = [struct.unpack_from(">H", packet, 2)[0] for packet in packets]
    assert sequence == [(65_500 + number) % 65_536 for number in range(len(packets))]
    assert struct.unpack_from(">I", packets[32], 4)[0] == (0xFFFFFF00 + 32 * 160) % (1 << 32)  # speech goes on in time


def test_g711_is_decoded_to_within_its_own_step() -> None:
    for sample in range(-32_000, 32_000, 37):
        assert abs(speech.from_mu_law(speech.mu_law(sample)) - sample) <= max(8, abs(sample) // 16)
        assert abs(speech.from_a_law(speech.a_law(sample)) - sample) <= max(16, abs(sample) // 16)


def wav(frames: bytes, *, channels: int = 1, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(frames)
    return file.getvalue()


def test_a_recording_is_read_sample_by_sample() -> None:
    assert speech.recorded(wav(struct.pack("<4h", 0, -1, 32_767, -32_768))) == [0, -1, 32_767, -32_768]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no WAV file"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "no WAV file"),
        (wav(bytes(8), rate=44_100), "44100 Hz; convert it with: sox"),
        (wav(bytes(8), channels=2), "2 channels"),
        (wav(b""), "it lasts 0 s"),
        (wav(bytes(16_000 * 121)), "it lasts 121 s"),
    ],
)
def test_what_cannot_be_said_is_refused_with_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        speech.recorded(data)


def test_what_came_back_is_laid_out_by_its_timestamps_with_silence_where_a_packet_is_missing() -> None:
    speaker = speaking()
    packets = [speaker.next() for _ in range(4)]
    heard = received_samples([packets[0], packets[3], packets[1], b"\x80\x65short", b""])
    decoded = [[speech.from_mu_law(code) for code in packet[12:]] for packet in packets]
    assert heard == [*decoded[0], *decoded[1], *[0] * 160, *decoded[3]]
    assert received_samples([]) == []


def figures(**told: object) -> MediaFigures:
    known = {"sent": 250, "received": 250, "lost": 0, "jitter_us": 0, "round_trip_us": 1, "mos_lq_x100": 441}
    return MediaFigures(**{**known, **told})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "keys", "asked", "says"),
    [
        ({}, "", "", "200 OK"),
        ({"digits": "12"}, "12", "12", "200 OK"),
        ({"sent": 0}, "", "", "no G.711 audio was agreed on"),
        ({"received": 0}, "", "", "no audio came back (250 packets sent)"),
        ({"silent": True}, "", "", "only silence came back"),
        ({}, "", "12", "telephone-event was not agreed on"),
        ({}, "12", "12", "of the keys 12 none came back"),
        ({"digits": "1"}, "12", "12", "of the keys 12 1 came back"),
    ],
)
def test_an_answered_call_is_judged_by_its_audio(told: dict[str, object], keys: str, asked: str, says: str) -> None:
    outcome = verdict(figures(**told), keys, 5, asked)
    assert outcome.ok == (says == "200 OK")
    assert outcome.reason.endswith(says)
    assert outcome.ok or outcome.advice


@pytest.mark.parametrize(
    ("received", "other", "says"),
    [
        (0, 0, "no audio either way: it received none of our 250 packets"),
        (0, 248, "one-way audio: it heard us (248 of 250 packets), and nothing came back"),
        (0, None, "no audio came back (250 packets sent)"),
        (250, 0, "one-way audio: we hear it, and none of our 250 packets reached it"),
        (250, 249, "200 OK"),
        (250, None, "200 OK"),
    ],
)
def test_what_the_other_side_says_it_heard_tells_one_way_audio_from_none(
    received: int, other: int | None, says: str
) -> None:
    outcome = heard_by_the_other(verdict(figures(received=received), "", 5), other)
    assert outcome.reason.endswith(says)
    assert outcome.ok == (says == "200 OK")


def scripted(udp_server: Callable[..., int], *, media_port: int, stat: str) -> int:
    """A server that answers a call, and says in its answer to the BYE what it heard."""

    def reply(data: bytes) -> bytes | None:
        request = sip.parse(data)
        if request.method == "ACK":
            return None
        body = f"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio {media_port} RTP/AVP 0\r\n".encode()
        headers = (("contact", f"<sip:x@127.0.0.1:{port}>"), ("x-rtp-stat", stat), ("content-type", "application/sdp"))
        said = body if request.method == "INVITE" else b""
        return answer(request, 200, source=("127.0.0.1", 1), to_tag="x", headers=headers, body=said)

    port = 0
    port = udp_server(reply)
    return port


@pytest.mark.parametrize(
    ("stat", "says"),
    [
        (
            "EX=BareSip;CS=0;CD=1;PR=20;PS=0;PL=0,0",
            "one-way audio: it heard us (20 of 20 packets), and nothing came back",
        ),
        ("PS=0,OS=0,PR=0,OR=0", "no audio either way: it received none of our 20 packets"),
        ("nonsense", "no audio came back (20 packets sent)"),
    ],
)
def test_a_call_over_sockets_tells_one_way_audio(udp_server: Callable[..., int], stat: str, says: str) -> None:
    silent = udp_server(lambda _: None)
    port = scripted(udp_server, media_port=silent, stat=stat)
    outcome = asyncio.run(probe_target(Target("x", "t", f"sip:a@127.0.0.1:{port}", "call", talk_us=400_000)))
    assert (outcome.ok, outcome.reason) == (False, f"200 OK, but {says}")


@pytest.mark.skipif(not is_installed(), reason="P.862 is not installed (tools/accuracy)")
def test_p862_gives_an_undamaged_echo_its_best_score_a_damaged_one_less_and_silence_none() -> None:
    said = speech.made()
    damaged = [0 if number // 160 % 3 == 0 else sample for number, sample in enumerate(said)]
    assert asyncio.run(pesq_x100(said, said)) == 455
    worse = asyncio.run(pesq_x100(said, damaged))
    assert worse is not None
    assert worse < 400
    assert asyncio.run(pesq_x100(said[:7999], said)) is None
    assert asyncio.run(pesq_x100([0] * 16_000, [0] * 16_000)) is None


@pytest.mark.parametrize(
    ("kind", "body", "status", "keys"),
    [
        ("application/dtmf-relay", b"Signal=1\r\nDuration=160\r\n", 200, "1"),
        ("application/dtmf-relay; x=y", b"Signal= #\r\n", 200, "#"),
        ("application/dtmf", b"5", 200, "5"),
        ("application/dtmf-relay", b"Signal=12\r\n", 405, ""),
        ("application/dtmf", b"", 405, ""),
        ("text/plain", b"1", 405, ""),
    ],
)
def test_a_key_said_by_info_is_heard_and_anything_else_refused(kind: str, body: bytes, status: int, keys: str) -> None:
    probe, invite = dialling()
    probe.receive(said(invite, 200, "Contact: <sip:bob@192.0.2.5>"), PROXY, 1000)
    sent(probe)
    lines = [
        "INFO sip:alice@192.0.2.9:5070 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK1",
        "From: <sip:b@x>;tag=b",
    ]
    lines += [f"To: {invite.header('from')}", f"Call-ID: {invite.call_id}", "CSeq: 1 INFO", f"Content-Type: {kind}"]
    probe.receive("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body, PROXY, 2000)
    ((answered, _),) = sent(probe)
    assert (answered.status, probe.keys) == (status, keys)


@pytest.mark.parametrize(
    ("packet", "key"),
    [
        (struct.pack(">BBHIIBBH", 0x80, 101, 1, 320, 7, 11, 0x8A, 800), (320, "#")),
        (struct.pack(">BBHIIBBH", 0x80, 0x80 | 101, 1, 320, 7, 1, 0x80, 800), (320, "1")),
        (struct.pack(">BBHIIBBH", 0x80, 101, 1, 320, 7, 1, 0x0A, 800), None),
        (struct.pack(">BBHIIBBH", 0x80, 101, 1, 320, 7, 16, 0x8A, 800), None),
        (struct.pack(">BBHIIBBH", 0x80, 0, 1, 320, 7, 1, 0x8A, 800), None),
        (struct.pack(">BBHII", 0x80, 101, 1, 320, 7), None),
    ],
)
def test_a_key_is_read_from_the_end_of_its_event(packet: bytes, key: tuple[int, str] | None) -> None:
    assert released_key(packet, {101}) == key
