import json
import struct
from pathlib import Path
from random import Random

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.voice import captures as c

from clearline.voice import calls, packets, reports
from clearline.voice.analysis import Analysis, CaptureError, analyze
from clearline.voice.formats import Formats
from clearline.voice.holes import MAX_HOLES, Holes
from clearline.voice.streams import Stream


def analysed(records: list[tuple[int, bytes]], **options: object) -> Analysis:
    return analyze([c.pcap(c.in_time(records))], "test.pcap", **options)  # type: ignore[arg-type]  # options by name


def test_a_plain_call_is_told_with_its_moments_and_both_streams() -> None:
    analysis = analysed(c.call() + c.both_ways())
    (call,) = analysis.calls
    assert (call.call_id, call.from_uri, call.to_uri) == (
        "c1@example.com",
        "sip:alice@example.com",
        "sip:bob@example.com",
    )
    assert call.start_us == c.START_US
    assert call.answered_us == c.START_US + 1_000_000
    assert call.end_us == c.START_US + 11_000_000
    assert (call.final_code, call.ended_by, call.post_dial_delay_us, call.disconnect_delay_us) == (
        200,
        "caller",
        200_000,
        30_000,
    )
    assert call.streams == (0, 1)
    assert call.flags == ()
    there, back = analysis.streams
    assert (there.source, there.destination, there.from_caller) == (c.ALICE_AUDIO, c.BOB_AUDIO, True)
    assert (back.source, back.destination, back.from_caller) == (c.BOB_AUDIO, c.ALICE_AUDIO, False)
    for stream in (there, back):
        assert (stream.codec, stream.clock_rate, stream.payload_type, stream.packet_us) == ("PCMU", 8000, 0, 20_000)
        counts = stream.counts
        assert (counts.received, counts.expected, counts.lost, counts.duplicates, counts.reordered) == (
            500,
            500,
            0,
            0,
            0,
        )
        assert stream.regularity.jitter_max_us == 0
        assert stream.quality.mos_lq == pytest.approx(4.409406, abs=1e-6)
        assert stream.quality.mos_cq is None


def test_a_file_that_is_no_capture_is_refused_with_what_it_is() -> None:
    with pytest.raises(CaptureError, match="begins with 25 50 44 46"):
        analyze([b"%PDF-1.7 and so on, long enough"], "x.pdf")
    with pytest.raises(CaptureError, match="empty"):
        analyze([], "x")


def test_the_document_is_as_its_schema_says() -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "analysis.json").read_text())
    document = analysed(c.call() + c.both_ways()).to_json()
    jsonschema.validate(json.loads(json.dumps(document)), schema)
    assert document["schema"] == "clearline/analysis/1"


def sender_report(ssrc: int, ntp: int, *blocks: bytes) -> bytes:
    body = struct.pack("!IQIII", ssrc, ntp, 0, 0, 0) + b"".join(blocks)
    return struct.pack("!BBH", 0x80 | len(blocks), 200, len(body) // 4) + body


def receiver_report(ssrc: int, *blocks: bytes) -> bytes:
    body = struct.pack("!I", ssrc) + b"".join(blocks)
    return struct.pack("!BBH", 0x80 | len(blocks), 201, len(body) // 4) + body


def report_block(
    ssrc: int, *, lost: int = 0, lsr: int = 0, dlsr_s: float = 0, jitter: int = 0, fraction: int = 0
) -> bytes:
    counts = bytes([fraction]) + (lost & 0xFFFFFF).to_bytes(3)
    return struct.pack("!I4sIIII", ssrc, counts, 0, jitter, lsr, round(dlsr_s * 65_536))


def rtcp(at_us: int, payload: bytes, *, by_caller: bool) -> tuple[int, bytes]:
    ends = ("10.0.0.1:4001", "10.0.0.2:4003") if by_caller else ("10.0.0.2:4003", "10.0.0.1:4001")
    return at_us, c.udp(*ends, payload)


S = 1_000_000
NTP = 0x1234_5678_0000


def round_trips() -> list[tuple[int, bytes]]:
    """The caller is 10 ms from the capture, the callee 40 ms."""
    return [
        rtcp(2 * S, sender_report(0x1234, NTP), by_caller=True),
        rtcp(
            2 * S + 580_000,
            sender_report(
                0x5678,
                NTP + (9 << 32),
                report_block(0x1234, lost=-3, lsr=NTP >> 16 & 0xFFFFFFFF, dlsr_s=0.5, jitter=80, fraction=64),
            ),
            by_caller=False,
        ),
        rtcp(
            2 * S + 900_000,
            receiver_report(0x1234, report_block(0x5678, lost=5, lsr=(NTP >> 16) + (9 << 16), dlsr_s=0.3)),
            by_caller=True,
        ),
    ]


def test_delay_is_the_sum_of_the_ways_from_the_capture_to_both_ends() -> None:
    analysis = analysed(c.call() + c.both_ways() + round_trips())
    for stream in analysis.streams:
        assert stream.delay is not None
        assert stream.delay.one_way_us == pytest.approx(50_000, abs=40)
        assert stream.delay.basis == "both directions"
        assert stream.delay.mouth_to_ear_us == pytest.approx(50_000 + 20_000 + 60_000, abs=40)
        assert 4.2 < (stream.quality.mos_cq or 0) < (stream.quality.mos_lq or 0)
    there, back = analysis.streams
    assert there.reported is not None
    assert back.reported is not None
    assert (there.reported.lost, there.reported.worst_loss_pct, there.reported.jitter_us) == (-3, 25, 10_000)
    assert there.reported.round_trip_us == pytest.approx(80_000, abs=40)
    assert analysis.rtcp_packets == 3
    assert analysis.calls[0].mos_cq == min(s.quality.mos_cq or 9 for s in analysis.streams)


def test_one_ends_reports_alone_give_a_part_of_the_delay_and_say_so() -> None:
    (stream, _) = analysed(c.call() + c.both_ways() + round_trips()[:2]).streams
    assert stream.delay is not None
    assert (stream.delay.basis, round(stream.delay.one_way_us, -2)) == ("one direction", 40_000)


def test_reports_on_reports_never_seen_and_of_clocks_that_step_give_no_delay() -> None:
    early = receiver_report(0x5678, report_block(0x1234, lsr=NTP >> 16 & 0xFFFFFFFF, dlsr_s=9))
    unknown = receiver_report(0x5678, report_block(0x1234, lsr=77, dlsr_s=0.1), report_block(0x1234))
    slow = receiver_report(0x5678, report_block(0x1234, lsr=NTP >> 16 & 0xFFFFFFFF))
    more = [
        rtcp(3 * S, early, by_caller=False),
        rtcp(4 * S, unknown, by_caller=False),
        rtcp(90 * S, slow, by_caller=False),
    ]
    (stream, _) = analysed(c.call() + c.both_ways() + round_trips()[:1] + more).streams
    assert stream.delay is None
    assert stream.reported is not None
    assert (stream.reported.reports, stream.reported.round_trip_us) == (4, None)


def test_only_the_latest_sender_reports_are_remembered() -> None:
    many = [rtcp(2 * S + n, sender_report(0x1234, NTP + (n << 32)), by_caller=True) for n in range(10)]
    answer = receiver_report(0x5678, report_block(0x1234, lsr=NTP >> 16 & 0xFFFFFFFF, dlsr_s=0.1))
    (stream, _) = analysed([*c.call(), *c.both_ways(), *many, rtcp(3 * S, answer, by_caller=False)]).streams
    assert stream.delay is None


def test_what_a_telephone_reports_of_itself_is_kept_beside_our_score() -> None:
    metrics = struct.pack(
        "!I4B4H2b7Bx3H", 0x1234, 1, 2, 3, 4, 5, 6, 7, 8, -10, -20, 30, 16, 85, 127, 41, 40, 0, 20, 40, 60
    )
    extended = struct.pack("!BBHI", 0x80, 207, 10, 0x5678) + struct.pack("!BBH", 7, 0, 8) + metrics
    extended = struct.pack("!BBHI", 0x80, 207, 13, 0x5678) + struct.pack("!BBHQ", 4, 0, 2, 77) + extended[8:]
    feedback = struct.pack("!BBHII", 0x81, 206, 2, 0x5678, 0x1234) + struct.pack(
        "!BBHIBB2x", 0x81, 202, 2, 0x5678, 0, 0
    )
    records = [
        *c.call(),
        *c.both_ways(),
        rtcp(2 * S, extended + feedback, by_caller=False),
        rtcp(3 * S, b"\x80\xc9\xff\xff" + bytes(12), by_caller=True),
    ]
    analysis = analysed(records)
    reported = analysis.streams[0].reported
    assert reported is not None
    assert (reported.mos_lq, reported.mos_cq, reported.r, analysis.malformed) == (4.1, 4.0, 85, 1)
    assert analysis.to_json()["rtcp_packets"] == 2


def test_encrypted_reports_are_no_fault() -> None:
    secret = (
        struct.pack("!BBHI", 0x80, 200, 6, 0x1234) + bytes(range(7, 27)) + struct.pack("!I", 0x80000001) + bytes(10)
    )
    assert analysed([*c.call(), *c.both_ways(), rtcp(2 * S, secret, by_caller=True)]).malformed == 0


def test_sources_with_reports_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_SOURCES", 0)
    metrics = struct.pack("!BBHI", 0x80, 207, 10, 0x5678) + struct.pack("!BBHI", 7, 0, 8, 0x1234) + bytes(28)
    (stream, _) = analysed(c.call() + c.both_ways() + round_trips() + [rtcp(2 * S, metrics, by_caller=False)]).streams
    assert (stream.delay, stream.reported) == (None, None)


def many_streams(count: int, hole: range) -> list[tuple[int, bytes]]:
    """Streams side by side, of which the capture misses the packets of a range."""
    return [
        (20_000 * n + 1_000 * i % 20_000, c.udp(f"10.1.0.{i}:4000", f"10.2.0.{i}:4000", c.rtp(n, 160 * n, ssrc=i)))
        for i in range(count)
        for n in range(600)
        if n not in hole
    ]


def test_what_the_capture_itself_missed_is_told_and_not_charged() -> None:
    analysis = analysed(many_streams(12, range(100, 130)))
    assert (analysis.capture.holes, analysis.capture.lost_in_holes) == (1, 360)
    for stream in analysis.streams:
        assert (stream.counts.lost, stream.counts.capture_lost) == (30, 30)
        assert stream.quality.mos_lq == pytest.approx(4.409406, abs=1e-6)
        assert stream.quality.mos_lq_min == pytest.approx(4.409406, abs=1e-6)


def test_a_hole_in_few_streams_or_in_some_of_many_is_the_networks() -> None:
    few = analysed(many_streams(4, range(100, 130)))
    assert (few.capture.holes, few.streams[0].counts.capture_lost) == (0, 0)
    assert (few.streams[0].quality.mos_lq or 9) < 3.9
    some = [r for r in many_streams(20, range(100, 130)) if r[0] < 2_600_000] + [
        (
            2_600_000 + 20_000 * n,
            c.udp(f"10.1.0.{i}:4000", f"10.2.0.{i}:4000", c.rtp(n + (130 if i < 8 else 100), 160 * (n + 130), ssrc=i)),
        )
        for i in range(20)
        for n in range(300)
    ]
    assert analysed(some).capture.holes == 0


def test_streams_without_sip_are_found_and_chance_is_not() -> None:
    found = c.speech(50, source="10.3.0.1:9000", destination="10.3.0.2:9002")
    short = c.speech(9, source="10.3.0.3:9000", destination="10.3.0.4:9002")
    scattered = [(n, c.udp("10.3.0.5:9000", "10.3.0.6:9002", c.rtp(n * 2_999, 0))) for n in range(20)]
    dns = c.speech(50, source="10.3.0.7:53", destination="10.3.0.8:9002")
    to_low = c.speech(50, source="10.3.0.7:5300", destination="10.3.0.8:53")
    odd_type = [(n, c.udp("10.3.0.9:9000", "10.3.0.6:9002", c.rtp(n, 160 * n, payload_type=40))) for n in range(20)]
    analysis = analysed([*found, *short, *scattered, *dns, *to_low, *odd_type])
    (stream,) = analysis.streams
    assert (stream.source, stream.call_id, stream.from_caller) == ("10.3.0.1:9000", None, None)
    assert analysis.undecoded == 9 + 20 + 50 + 50 + 20


def test_a_dynamic_payload_type_without_a_description_is_counted_but_not_scored() -> None:
    records = [
        (20_000 * n, c.udp("10.3.0.1:9000", "10.3.0.2:9002", c.rtp(n, 960 * n, payload_type=111))) for n in range(100)
    ]
    (stream,) = analysed(records).streams
    assert (stream.codec, stream.clock_rate, stream.clock_guessed, stream.quality.mos_lq) == ("", 48000, True, None)
    assert "not known" in (stream.quality.unscored or "")
    assert stream.to_json()["codec"] is None


def test_redundancy_is_scored_as_the_codec_it_carries() -> None:
    lines = ["a=rtpmap:96 red/8000", "a=fmtp:96 0/0", "a=rtpmap:97 red/8000"]
    for payload_type in (96, 97):
        records = c.call()
        records[3] = (
            S,
            c.udp(c.BOB, c.ALICE, c.Dialog().response("200 OK", body=c.sdp(c.BOB_AUDIO, "96 97 0", lines))),
        )
        records += [
            (
                2 * S + 20_000 * n,
                c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, c.rtp(n, 160 * n, payload_type=payload_type, payload=bytes(160))),
            )
            for n in range(50)
        ]
        assert analysed(records).streams[0].codec == "PCMU"


def test_other_traffic_is_counted_as_what_it_is() -> None:
    stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
    dtls = b"\x16\xfe\xfd" + bytes(20)
    quiet = [stun, dtls, b"", b"\r\n\r\n", b"\x00", b"\r\n\x00"]
    other = [b"GET / HTTP/1.1\r\n\r\n", b"\x01\x02\x03\x04\x05\x06\x07\x08\x09", b"\xff" * 20, b"\x80\xc8"]
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    records = [(n, c.udp("10.0.0.1:7000", "10.0.0.2:7000", payload)) for n, payload in enumerate(quiet + other)]
    analysis = analysed([*records, (99, arp), (100, bytes(5))])
    assert (analysis.packets, analysis.undecoded, analysis.malformed) == (12, 5, 1)


def test_rtp_headers_with_extension_csrc_and_padding_are_measured_by_payload() -> None:
    plain = c.rtp(0, 0, payload=b"")[1:]
    extended = b"\x90" + plain + b"\xbe\xde\x00\x01" + bytes(4) + bytes(160)
    listed = b"\x82" + plain + bytes(8) + bytes(160)
    padded = b"\xa0" + plain + bytes(160) + bytes(3) + b"\x04"
    for n, packet in enumerate((extended, listed, padded)):
        records = c.speech(20, source="10.3.0.1:9000", destination="10.3.0.2:9002", first=1, start_us=20_000)
        records.append(
            (0, c.udp("10.3.0.1:9000", "10.3.0.2:9002", packet.replace(b"\x00\x00\x12\x34", b"\x00\x00\x12\x34", 1)))
        )
        assert analysed(records).streams[0].counts.octets == 21 * 160, n


def test_rtp_headers_that_contradict_their_length_are_malformed() -> None:
    plain = c.rtp(1, 160, payload=b"")[1:]
    broken = [b"\x8f" + plain, b"\x90" + plain, b"\x90" + plain + b"\xbe\xde\xff\xff", b"\xa0" + plain + b"\xff"]
    records = c.speech(20, source="10.3.0.1:9000", destination="10.3.0.2:9002")
    records += [(n, c.udp("10.3.0.1:9000", "10.3.0.2:9002", packet)) for n, packet in enumerate(broken)]
    analysis = analysed(records)
    assert (analysis.malformed, analysis.streams[0].counts.received) == (4, 20)


def test_a_snap_length_that_leaves_the_headers_is_enough() -> None:
    cut = [(at, frame[: 14 + 20 + 8 + 12]) for at, frame in c.speech(50)]
    extended = c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, b"\x90" + c.rtp(150, 160 * 50, payload=b"")[1:] + bytes(170))
    cut.append((1_010_000 + 50 * 20_000, extended[: 14 + 20 + 8 + 12]))
    stored = b"".join(struct.pack("<IIII", *divmod(c.START_US + at, S), len(frame), 214) + frame for at, frame in cut)
    (stream,) = analyze([c.pcap([]) + stored], "cut.pcap").streams
    assert (stream.counts.received, stream.counts.lost, stream.counts.octets) == (51, 0, 50 * 160 + 170)
    reports = [(at, frame[:60]) for at, frame in round_trips()]
    stored = b"".join(
        struct.pack("<IIII", *divmod(c.START_US + at, S), len(frame), 214) + frame for at, frame in reports
    )
    assert analyze([c.pcap([]) + stored], "cut.pcap").malformed == 0


def test_clocks_that_run_apart_are_told_in_parts_per_million() -> None:
    records = [(n * 19_998, c.udp("10.3.0.1:9000", "10.3.0.2:9002", c.rtp(n, 160 * n))) for n in range(5_000)]
    (stream,) = analysed(records).streams
    assert stream.regularity.skew_ppm == pytest.approx(100, abs=5)


def test_ipv6_calls_are_told_with_their_addresses() -> None:
    audio = "[2001:db8::2]:4002"
    d = c.Dialog()
    records = [
        (0, c.udp("[2001:db8::1]:5060", "[2001:db8::2]:5060", d.request("INVITE"))),
        (S, c.udp("[2001:db8::2]:5060", "[2001:db8::1]:5060", d.response("200 OK", body=c.sdp(audio)))),
        *c.speech(source="[2001:db8::1]:4000", destination=audio),
    ]
    analysis = analysed(records)
    assert (analysis.streams[0].destination, analysis.streams[0].call_id) == (audio, d.call_id)
    assert analysis.calls[0].ladder[0].source == "[2001:db8::1]:5060"


def test_a_clock_that_goes_backwards_is_counted() -> None:
    records = [(at, frame) for at, frame in c.speech(20)]
    data = c.pcap([*records, (0, records[0][1])])
    assert analyze([data], "x").capture.backwards == 1


@pytest.mark.skipif(not packets.__file__.endswith(".py"), reason="the limit is a constant of the compiled code")
def test_streams_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "MAX_STREAMS", 1)
    assert analysed([*c.speech(20), *c.speech(20, ssrc=99)]).capture.not_followed == 20


def test_calls_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_CALLS", 1)
    other = c.Dialog(call_id="c2")
    analysis = analysed(c.call() + c.call(other))
    assert (len(analysis.calls), analysis.capture.not_followed) == (1, 1)
    registers = [(n, c.udp(c.ALICE, c.BOB, c.Dialog(call_id=f"r{n}").request("REGISTER"))) for n in range(3)]
    assert analysed(registers).sip["registrations"] == 0


def test_the_table_of_streams_grows_and_finds_all_of_them_again() -> None:
    records = [
        (n * 20_000 + i, c.udp(f"10.{i >> 8}.{i & 255}.1:4000", "10.9.9.9:4000", c.rtp(n, 160 * n, ssrc=5)))
        for n in range(10)
        for i in range(1_500)
    ]
    analysis = analysed(records)
    assert [s.counts.received for s in analysis.streams] == [10] * 1_500


def test_a_stream_taken_out_of_the_table_leaves_those_beside_it() -> None:
    loop = packets.PacketLoop(
        lambda source, destination, ports, ssrc: Stream(source, destination, ports, ssrc, Formats(), loop.holes, 0, 0),
        lambda _: None,
        lambda _: None,
    )
    crowded = [ssrc for ssrc in range(1, 9_000) if (loop.hash(1, 2, 3, ssrc) ^ loop.hash(1, 2, 3, 1)) & loop.mask == 0][
        :4
    ]
    records = [(n, c.udp("0.0.0.1:0", "0.0.0.2:3", c.rtp(n, 0, ssrc=ssrc))) for n in range(3) for ssrc in crowded]
    loop.run(c.pcap(records))
    assert [s.received for s in loop.streams] == [3] * 4
    for place in (1, 3, 0):
        loop.close(loop.streams[place])
        loop.close(loop.streams[place])
    loop.run(c.pcap(records)[24:])
    assert (loop.open, [s.duplicates for s in loop.streams]) == (4, [0, 0, 3, 0, 0, 0, 0])


def test_the_holes_that_are_kept_are_limited() -> None:
    holes = Holes()
    for n in range(MAX_HOLES + 5):
        holes.note(n, n + 1)
    assert len(holes.found) == MAX_HOLES


def test_progress_is_told_after_each_piece() -> None:
    told: list[int] = []
    data = c.pcap(c.call())
    analyze([data[:100], data[100:]], "x", on_progress=told.append)
    assert told == [100, len(data)]


def test_an_unknown_profile_or_buffer_is_refused() -> None:
    with pytest.raises(ValueError, match="profile"):
        analyze([], "x", profile="mine")
    with pytest.raises(ValueError, match="buffer"):
        analyze([], "x", buffer="fast")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_no_damage_to_a_real_looking_capture_breaks_the_analysis(seed: int, changes: int) -> None:
    random = Random(seed)
    data = bytearray(
        c.pcap(
            c.in_time(
                c.call()
                + c.both_ways(30)
                + round_trips()
                + [(0, c.tcp(c.ALICE, c.BOB, 1, c.Dialog().request("INVITE")))]
            )
        )
    )
    for _ in range(changes):
        data[random.randrange(24, len(data))] = random.randrange(256)
    analysis = analyze([bytes(data[:5000]), bytes(data[5000 : random.randrange(5000, len(data))])], "damaged")
    analysis.to_json()


@pytest.mark.parametrize(
    ("first", "begins", "collided"),
    [
        (30_000, 5, [True, True]),  # two sources chose the same number
        (5, 5, [False, False]),  # one stream, captured on both sides of an address translation
        (30_000, 60, [False, False]),  # one after the other
    ],
)
def test_one_ssrc_from_two_sources_at_a_time_is_a_collision(first: int, begins: int, *, collided: list[bool]) -> None:
    records = [
        (20_000 * (n + (begins if second else 0)), c.udp(source, "10.0.0.9:4000", c.rtp(n + second, 160 * n)))
        for source, second in (("10.0.0.1:5000", 0), ("10.0.0.2:5000", first))
        for n in range(50)
    ]
    analysis = analysed(sorted(records))
    assert ["ssrc_collision" in stream.flags for stream in analysis.streams] == collided
    assert [(stream.counts.received, stream.counts.lost) for stream in analysis.streams] == [(50, 0), (50, 0)]
