import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clearline.voice.wire.rtcp import (
    MAX_PACKETS,
    Application,
    Description,
    Encrypted,
    Feedback,
    Goodbye,
    OtherPacket,
    Packet,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    ntp_middle,
    parse_compound,
    round_trip_us,
)
from clearline.voice.wire.xr import ExtendedReport, ReferenceTime

# A browser's compound from a packet dump, printed in Pion's tests (github.com/pion/rtcp, packet_test.go).
BROWSER = bytes.fromhex(
    "81c90007902f9e2ebc5e9a4000000000000046e10000011109f3643200024a79"
    "81ca000c902f9e2e01267b39633030656239322d316166622d396434392d613437642d3931663634656565363966357d00000000"
    "81cb0001902f9e2e"
    "81ce0002902f9e2e902f9e2e"
    "85cd0002902f9e2e902f9e2e"
)
# The second sender report of `ffmpeg -re -f lavfi -i sine … -ar 8000 -c:a pcm_alaw -f rtp`, as it came.
FFMPEG = bytes.fromhex("80c8000614817719eeadd00f1c28f5c200f61004000000d800009cac")

numbers = st.integers(0, 0xFFFFFFFF)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


def header(packet_type: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4) + body


def build_reports(reports: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        struct.pack("!IB", each.ssrc, each.fraction_lost)
        + each.lost.to_bytes(3, signed=True)
        + struct.pack("!4I", each.highest, each.jitter, each.lsr, each.dlsr)
        for each in reports
    )


def build_source(source: Description) -> bytes:
    items = b"".join(bytes([kind, len(text.encode())]) + text.encode() for kind, text in source.items)
    ended = struct.pack("!I", source.ssrc) + items + b"\0"
    return ended + bytes(-len(ended) % 4)


def build(packet: Packet) -> bytes:
    """Write a packet as RFC 3550 draws it."""
    match packet:
        case SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, reports):
            body = struct.pack("!IQIII", ssrc, ntp, rtp_timestamp, packets, octets) + build_reports(reports)
            return header(200, len(reports), body)
        case ReceiverReport(ssrc, reports):
            return header(201, len(reports), struct.pack("!I", ssrc) + build_reports(reports))
        case SourceDescription(sources):
            return header(202, len(sources), b"".join(build_source(source) for source in sources))
        case Goodbye(ssrcs, reason):
            text = reason.encode()
            said = bytes([len(text)]) + text if text else b""
            return header(203, len(ssrcs), struct.pack(f"!{len(ssrcs)}I", *ssrcs) + said + bytes(-len(said) % 4))
        case Application(ssrc, subtype, name, data):
            return header(204, subtype, struct.pack("!I", ssrc) + name.encode() + data)
        case OtherPacket(packet_type, data):
            return header(packet_type, 0, data)
        case _:
            raise AssertionError(packet)


words = st.binary(max_size=40).map(lambda data: data[: len(data) & ~3])
reports = st.lists(
    st.builds(
        ReportBlock,
        numbers,
        st.integers(0, 255),
        st.integers(-(1 << 23), (1 << 23) - 1),
        numbers,
        numbers,
        numbers,
        numbers,
    ),
    max_size=31,
).map(tuple)
items = st.lists(st.tuples(st.integers(1, 8), texts), max_size=4).map(tuple)
packets = st.one_of(
    st.builds(SenderReport, numbers, st.integers(0, (1 << 64) - 1), numbers, numbers, numbers, reports),
    st.builds(ReceiverReport, numbers, reports),
    st.builds(SourceDescription, st.lists(st.builds(Description, numbers, items), max_size=31).map(tuple)),
    st.builds(Goodbye, st.lists(numbers, max_size=31).map(tuple), texts),
    st.builds(
        Application,
        numbers,
        st.integers(0, 31),
        st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=4),
        words,
    ),
    st.builds(OtherPacket, st.sampled_from([192, 193, 195, 208, 223]), words),
)


@given(st.lists(packets, min_size=1, max_size=5))
def test_any_compound_comes_back_as_it_was_written(compound: list[Packet]) -> None:
    assert parse_compound(b"".join(build(packet) for packet in compound)) == (tuple(compound), ())


@given(st.lists(packets, min_size=1, max_size=5), st.data())
def test_a_cut_compound_keeps_the_packets_before_the_cut_and_says_where_it_is(
    compound: list[Packet], data: st.DataObject
) -> None:
    whole = [build(packet) for packet in compound]
    kept = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.integers(1, len(whole[kept]) - 1))
    before = b"".join(whole[:kept])
    read, problems = parse_compound(before + whole[kept][:cut])
    if read and isinstance(read[0], Encrypted):
        return  # a word of the rest looked like SRTCP's trailer; rare, and its own test is below
    assert read == tuple(compound[:kept])
    assert [problem.startswith(f"RTCP byte {len(before)}: ") for problem in problems] == [True]


@given(st.binary(max_size=300))
@example(b"")
@example(b"\x80")
@example(b"\xa0\xc9\x00\x00")
def test_whatever_comes_is_read_or_answered_with_a_sentence(data: bytes) -> None:
    read, problems = parse_compound(data)
    assert read or problems


def test_a_browsers_compound_is_read_whole() -> None:
    sender = 0x902F9E2E
    assert parse_compound(BROWSER) == (
        (
            ReceiverReport(sender, (ReportBlock(0xBC5E9A40, 0, 0, 0x46E1, 273, 0x9F36432, 150137),)),
            SourceDescription((Description(sender, ((1, "{9c00eb92-1afb-9d49-a47d-91f64eee69f5}"),)),)),
            Goodbye((sender,), ""),
            Feedback("PLI", sender, sender, (), b""),
            Feedback("SR-REQ", sender, sender, (), b""),
        ),
        (),
    )


def test_a_lone_sender_report_without_a_description_is_read_as_sent() -> None:
    (report,), problems = parse_compound(FFMPEG)
    assert report == SenderReport(0x14817719, 0xEEADD00F1C28F5C2, 0xF61004, 216, 40108, ())
    assert problems == ()


def test_cumulative_loss_is_negative_when_duplicates_came() -> None:
    block = struct.pack("!IB3sIIII", 7, 0, b"\xff\xff\xfe", 0, 0, 0, 0)
    (report,), _ = parse_compound(header(201, 1, struct.pack("!I", 1) + block))
    assert isinstance(report, ReceiverReport)
    assert report.reports[0].lost == -2


def test_extensions_of_a_profile_after_the_report_blocks_are_passed_over() -> None:
    report = ReceiverReport(1, (ReportBlock(2, 3, 4, 5, 6, 7, 8),))
    extended = build(report) + b"ext."
    assert parse_compound(extended[:2] + struct.pack("!H", len(extended) // 4 - 1) + extended[4:]) == ((report,), ())


@pytest.mark.parametrize(
    ("body", "kind", "targets"),
    [
        (header(205, 1, struct.pack("!IIHH", 1, 2, 3, 4)), "NACK", ()),
        (header(206, 4, struct.pack("!IIIB3x", 1, 2, 77, 9)), "FIR", (77,)),
        (header(205, 3, struct.pack("!IIIIII", 1, 2, 77, 0, 78, 0)), "TMMBR", (77, 78)),
        (header(206, 15, struct.pack("!II4sB3xII", 1, 2, b"REMB", 2, 77, 78)), "REMB", (77, 78)),
        (header(206, 15, struct.pack("!II4sB3xI", 1, 2, b"REMB", 200, 77)), "REMB", (77,)),
        (header(206, 15, struct.pack("!II4s", 1, 2, b"REMB")), "REMB", ()),
        (header(206, 15, struct.pack("!II4s", 1, 2, b"else")), "AFB", ()),
        (header(205, 30, struct.pack("!II", 1, 2)), "RTPFB 30", ()),
        (header(206, 31, struct.pack("!II", 1, 2)), "PSFB 31", ()),
    ],
)
def test_feedback_says_its_kind_and_whom_it_means(body: bytes, kind: str, targets: tuple[int, ...]) -> None:
    (feedback,), problems = parse_compound(body)
    assert feedback == Feedback(kind, 1, 2, targets, body[12:])
    assert problems == ()


def test_an_extended_report_is_read_among_the_others() -> None:
    blocks = struct.pack("!BBHQ", 4, 0, 2, 5)
    assert parse_compound(build(Goodbye((1,), "")) + header(207, 0, struct.pack("!I", 9) + blocks)) == (
        (Goodbye((1,), ""), ExtendedReport(9, (ReferenceTime(5),))),
        (),
    )


def test_a_bad_block_of_an_extended_report_is_located_in_the_datagram() -> None:
    xr = header(207, 0, struct.pack("!IBBH", 9, 4, 0, 0))
    read, problems = parse_compound(build(Goodbye((1,), "")) + xr)
    assert read == (Goodbye((1,), ""), ExtendedReport(9, ()))
    assert problems == ("RTCP byte 16: the XR block receiver reference time has 0 bytes of content",)


def test_padding_is_taken_off_the_last_packet() -> None:
    padded = build(Goodbye((5,), "")) + bytes([0, 0, 0, 4])
    assert parse_compound(bytes([0xA1, 203, 0, 2]) + padded[4:]) == ((Goodbye((5,), ""),), ())


def test_padding_longer_than_the_packet_spoils_that_packet_only() -> None:
    bad = bytes([0xA1, 203, 0, 1, 0, 0, 0, 5])
    assert parse_compound(build(Goodbye((5,), "")) + bad) == (
        (Goodbye((5,), ""),),
        ("RTCP byte 8: the padding does not fit into the packet",),
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (header(200, 0, bytes(20)), "RTCP byte 0: a sender report has only 20 bytes after its header"),
        (header(201, 0, b""), "RTCP byte 0: a receiver report has only 0 bytes after its header"),
        (header(203, 2, bytes(4)), "RTCP byte 0: a goodbye has only 4 bytes after its header"),
        (header(204, 0, bytes(4)), "RTCP byte 0: an application packet has only 4 bytes after its header"),
        (header(205, 1, bytes(4)), "RTCP byte 0: a feedback packet has only 4 bytes after its header"),
        (header(207, 0, b""), "RTCP byte 0: an extended report has only 0 bytes after its header"),
        (b"\x40\xc8\x00\x00", "RTCP byte 0: 40 c8 00 00 begins no RTCP packet"),
        (b"\x80\x00\x00\x00", "RTCP byte 0: 80 00 00 00 begins no RTCP packet"),
        (b"\x80\xc9\x00\x05abcd", "RTCP byte 0: a packet of 24 bytes is announced, 8 are there"),
        (b"", "RTCP byte 0: the datagram is empty"),
    ],
)
def test_a_packet_that_cannot_be_read_yields_one_sentence(data: bytes, sentence: str) -> None:
    assert parse_compound(data) == ((), (sentence,))


@pytest.mark.parametrize(
    ("data", "packet", "sentence"),
    [
        (
            header(201, 3, struct.pack("!I", 1) + build_reports((ReportBlock(2, 3, 4, 5, 6, 7, 8),))),
            ReceiverReport(1, (ReportBlock(2, 3, 4, 5, 6, 7, 8),)),
            "RTCP byte 0: 3 report blocks are announced, 1 are there",
        ),
        (
            header(202, 2, struct.pack("!I", 1) + b"\x01\x01a\0"),
            SourceDescription((Description(1, ((1, "a"),)),)),
            "RTCP byte 0: 2 sources are described, 1 are there",
        ),
        (
            header(202, 1, struct.pack("!I", 1) + b"\x01\x01a\x02\x09abc"),
            SourceDescription((Description(1, ((1, "a"),)),)),
            "RTCP byte 11: a description's item runs over the end of its packet",
        ),
        (
            header(202, 1, struct.pack("!I", 1) + b"\x01\x01a\x02"),
            SourceDescription((Description(1, ((1, "a"),)),)),
            "RTCP byte 11: a description's item runs over the end of its packet",
        ),
        (
            header(203, 1, struct.pack("!I", 1) + b"\x09abc"),
            Goodbye((1,), "abc"),
            "RTCP byte 0: the reason of a goodbye is cut off",
        ),
    ],
)
def test_what_is_good_of_a_damaged_packet_is_kept(data: bytes, packet: Packet, sentence: str) -> None:
    assert parse_compound(data) == ((packet,), (sentence,))


def test_a_datagram_of_many_packets_is_read_up_to_the_limit() -> None:
    read, problems = parse_compound(header(203, 0, b"") * (MAX_PACKETS + 1))
    assert len(read) == MAX_PACKETS
    assert problems == (f"RTCP byte {4 * MAX_PACKETS}: more than {MAX_PACKETS} packets in one datagram",)


@pytest.mark.parametrize(
    ("data", "packet"),
    [
        # RFC 7714 sections 17.1 and 17.2, AES-GCM (the length in the RFC's own header is one word too long).
        (
            (
                "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded"
                "0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"
            ),
            Encrypted(200, 0x4D617273, 0x5D4),
        ),
        (
            (
                "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de047"
                "6f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4"
            ),
            Encrypted(200, 0x4D617273, 0x5D4),
        ),
        # libsrtp 2 through pylibsrtp, AES-CM with HMAC-SHA1-80: a receiver report, and one with a description.
        (
            "81c90007902f9e2e121f97e7f0e4d4d6efa5e9fc3936814749360bc1daa1b5bb80000001e17f5e03d7810c24dc68",
            Encrypted(201, 0x902F9E2E, 1),
        ),
        (
            (
                "81c90007902f9e2e121f97e7f0e4d4d6efa5e9fc3936814749360bc1daa1b5bbc4633d2677a2404d391c037b3c78c4f21f9b70c4"
                "8000000154cdbf159408a6ca3f61"
            ),
            Encrypted(201, 0x902F9E2E, 1),
        ),
    ],
)
def test_an_encrypted_datagram_is_recognised_and_its_noise_is_not_read(data: str, packet: Encrypted) -> None:
    assert parse_compound(bytes.fromhex(data)) == ((packet,), ())


def test_an_authenticated_packet_in_clear_is_read() -> None:
    # RFC 7714 section 17.3: the E flag is 0; the header's length is set right here.
    data = bytes.fromhex(
        "80c8000c4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
        "841dd9683dd78ec92ae58790125f62b3000005d4"
    )
    (report,), problems = parse_compound(data)
    assert report == SenderReport(0x4D617273, 0x4E5450314E545032, 0x52545020, 0x42A, 0xE930, ())
    assert problems == ("RTCP byte 52: 84 1d d9 68 begins no RTCP packet",)


def test_an_encrypted_trailer_with_an_unbelievable_index_is_damage() -> None:
    data = bytes.fromhex("81c90007902f9e2e121f97e7f0e4d4d6efa5e9fc3936814749360bc1daa1b5bb") + bytes.fromhex("ff000001")
    (report,), problems = parse_compound(data + bytes(10))
    assert isinstance(report, ReceiverReport)
    assert problems == ("RTCP byte 32: ff 00 00 01 begins no RTCP packet",)


def test_the_round_trip_of_the_rfc_is_found() -> None:
    # RFC 3550 section 6.4.1, figure 2: 46864.500 s less 5.250 s less 46853.125 s.
    assert round_trip_us(0xB710_8000, 0xB705_2000, 0x0005_4000) == 6_125_000


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0x3FFFFFFF), st.integers(0, 0x3FFFFFFF))
def test_the_round_trip_does_not_mind_where_the_clock_wraps(lsr: int, delay: int, held: int) -> None:
    found = round_trip_us((lsr + held + delay) & 0xFFFFFFFF, lsr, held)
    if lsr == 0:
        assert found is None
    else:
        assert found is not None
        assert abs(found * 65_536 - delay * 1_000_000) <= 32_768


def test_no_round_trip_is_told_where_the_answer_came_before_the_question() -> None:
    assert round_trip_us(1000, 2000, 0) is None


def test_a_moment_has_its_ntp_middle() -> None:
    # 2036-02-07 06:28:16 UTC is where NTP's seconds wrap; half a second later the middle is 0x8000.
    assert ntp_middle(2_085_978_496_000_000) == 0
    assert ntp_middle(2_085_978_496_500_000) == 0x8000
    assert ntp_middle(2_085_978_495_000_000) == 0xFFFF0000


@given(st.integers(0, 1 << 52), st.integers(0, 3_600_000_000))
def test_two_moments_are_as_far_apart_as_their_ntp_middles(at_us: int, later_us: int) -> None:
    found = round_trip_us(ntp_middle(at_us + later_us), ntp_middle(at_us) or 1, 0)
    assert found is None or abs(found - later_us) <= 31
