"""Capture files: both formats in both orders, their clocks, and what damage does."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.voice.captures import START_US, pcap

from clearline.voice.wire.pcap import BRIDGE, MAX_INTERFACES, CaptureError, CaptureReader

FRAMES = [(0, b"first frame"), (20_000, b"x" * 60), (1_000_000, b"last")]
WANTED = [(START_US + at, frame) for at, frame in FRAMES]


def read(data: bytes, piece: int = 1 << 20) -> tuple[list[tuple[int, bytes]], CaptureReader, str]:
    reader = CaptureReader()
    found = []
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
        while reader.next():
            found.append((reader.time_us, reader.data[reader.start : reader.end]))
    reader.close()
    while reader.next():
        found.append((reader.time_us, reader.data[reader.start : reader.end]))
    return found, reader, reader.finish()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_classic_file_reads_the_same_in_either_order_resolution_and_cut(
    *, order: str, nanoseconds: bool, piece: int
) -> None:
    found, reader, end = read(pcap(FRAMES, order=order, nanoseconds=nanoseconds), piece)
    assert (found, reader.malformed, end) == (WANTED, 0, "")
    assert reader.link == 1


def block(kind: int, body: bytes, order: str) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(f"{order}II", kind, 12 + len(body)) + body + struct.pack(f"{order}I", 12 + len(body))


def section(order: str) -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str, options: Sequence[tuple[int, bytes]] = (), link: int = 1, snap: int = 0) -> bytes:
    written = b"".join(struct.pack(f"{order}HH", code, len(v)) + v + bytes(-len(v) % 4) for code, v in options)
    return block(1, struct.pack(f"{order}HHI", link, 0, snap) + written, order)


def enhanced(order: str, index: int, ticks: int, frame: bytes) -> bytes:
    head = struct.pack(f"{order}IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame) + 100)
    return block(6, head + frame, order)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("resolution", "units"), [(6, 10**6), (9, 10**9), (3, 10**3), (0x80 | 20, 1 << 20)])
def test_pcapng_times_follow_their_interfaces_resolution(order: str, resolution: int, units: int) -> None:
    data = section(order) + interface(order, [(9, bytes([resolution])), (0, b"")])
    for at, frame in WANTED:
        data += enhanced(order, 0, -(-at * units // 10**6), frame)
    found, reader, end = read(data, 13)
    assert end == ""
    assert [frame for _, frame in found] == [frame for _, frame in WANTED]
    for (at, _), (wanted, _) in zip(found, WANTED, strict=True):
        assert abs(at - wanted) <= 10**6 // units
    assert reader.length == len(WANTED[-1][1]) + 100


def test_interfaces_of_one_section_keep_their_own_clock_link_and_offset() -> None:
    offset = struct.pack("<q", 100)
    data = section("<") + interface("<") + interface("<", [(9, b"\x09"), (14, offset), (77, b"abc")], link=113)
    data += enhanced("<", 0, 5_000_000, b"a") + enhanced("<", 1, 5_000_000_000, b"b")
    reader = CaptureReader()
    reader.feed(data)
    seen = []
    while reader.next():
        seen.append((reader.time_us, reader.link))
    assert seen == [(5_000_000, 1), (105_000_000, 113)]


def test_a_new_section_may_change_the_byte_order_and_forgets_the_interfaces() -> None:
    data = (
        section("<")
        + interface("<")
        + enhanced("<", 0, 1, b"a")
        + section(">")
        + interface(">")
        + enhanced(">", 0, 2, b"b")
    )
    assert read(data)[0] == [(1, b"a"), (2, b"b")]
    orphan = section("<") + interface("<") + section("<") + enhanced("<", 0, 1, b"a")
    found, reader, _ = read(orphan)
    assert (found, reader.malformed) == ([], 1)


def test_simple_packets_have_the_time_of_the_packet_before_and_the_interfaces_snap_length() -> None:
    data = (
        section("<")
        + interface("<", snap=4)
        + enhanced("<", 0, 7, b"a")
        + block(3, struct.pack("<I", 9) + b"123456789", "<")
    )
    found, reader, _ = read(data)
    assert found == [(7, b"a"), (7, b"1234")]
    assert reader.length == 9
    unlimited = section("<") + interface("<") + block(3, struct.pack("<I", 9) + b"123456789", "<")
    assert read(unlimited)[0] == [(0, b"123456789")]


def test_obsolete_packets_are_read_with_their_drop_counts() -> None:
    def obsolete(index: int, drops: int) -> bytes:
        return block(2, struct.pack("<HHIIII", index, drops, 0, 9, 1, 1) + b"z", "<")

    found, reader, _ = read(section("<") + interface("<") + obsolete(0, 3) + obsolete(0, 0xFFFF) + obsolete(5, 1))
    assert found == [(9, b"z"), (9, b"z")]
    assert (reader.dropped(), reader.malformed) == (3, 1)


@pytest.mark.parametrize("order", ["<", ">"])
def test_drops_the_capturing_side_reports_are_summed(order: str) -> None:
    def statistics(index: int, dropped: int, by_system: int) -> bytes:
        options = b"".join(
            struct.pack(f"{order}HHQ", code, 8, value) for code, value in ((4, 99), (5, dropped), (7, by_system))
        )
        return block(5, struct.pack(f"{order}III", index, 0, 0) + options + struct.pack(f"{order}HH", 0, 0), order)

    data = section(order) + interface(order) + statistics(0, 7, 2) + statistics(0, 10, 2) + statistics(9, 1, 1)
    _, reader, _ = read(
        data
        + section(order)
        + interface(order)
        + statistics(0, 1, 0)
        + block(5, bytes(12) + b"\x05\x00\xff\xff", order)
    )
    assert (reader.dropped(), reader.malformed) == (13, 1)


def test_statistics_need_no_end_mark() -> None:
    counted = block(5, bytes(12) + struct.pack("<HHQ", 5, 8, 3), "<")
    assert read(section("<") + interface("<") + counted)[1].dropped() == 3


def test_a_last_record_cut_off_is_said_and_what_came_before_it_is_kept() -> None:
    for data in (pcap(FRAMES), section("<") + interface("<") + enhanced("<", 0, 1, b"abc")):
        found, reader, end = read(data[:-3])
        assert len(found) == (2 if data[:2] == pcap([])[:2] else 0)
        assert "cut off" in end
        assert reader.malformed == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty"), (b"\xd4\xc3\xb2", "too few"), (b"GIF89a" + bytes(40), "begins with 47 49 46 38")],
)
def test_what_is_no_capture_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(CaptureError, match=said):
        read(data)


def test_after_a_damaged_record_the_next_good_one_is_found() -> None:
    good = [(20_000 * n, bytes([n]) * 50) for n in range(20)]
    data = bytearray(pcap(good))
    data[24 + 66 * 5 + 8 : 24 + 66 * 5 + 12] = b"\xff\xff\xff\x7f"  # the sixth record's length
    for piece in (50, 1 << 20):
        found, reader, end = read(bytes(data), piece)
        assert [frame[0] for _, frame in found] == [n for n in range(20) if n != 5]
        assert (reader.malformed, end) == (1, "")


def test_what_only_looks_like_a_record_is_not_taken_for_one() -> None:
    bait = struct.pack("<IIII", START_US // 1_000_000, 5, 30, 30)
    good = [(20_000 * n, bytes([n]) * 50) for n in range(20)]
    good[5] = (100_000, bait + bytes(60))
    data = bytearray(pcap(good))
    data[24 + 66 * 5 + 8 : 24 + 66 * 5 + 12] = b"\xff\xff\xff\x7f"
    assert [frame[0] for _, frame in read(bytes(data))[0]] == [n for n in range(20) if n != 5]


def test_a_file_without_a_good_record_left_is_given_up_after_a_megabyte() -> None:
    data = pcap(FRAMES[:1]) + b"\xff" * 1_200_000
    found, reader, end = read(data, 100_000)
    assert len(found) == 1
    assert "no good one after it" in end
    assert reader.malformed >= 1


def test_one_good_record_after_a_damaged_one_is_kept_when_the_file_ends_with_it() -> None:
    data = bytearray(pcap([(20_000 * n, bytes([n]) * 50) for n in range(3)]))
    data[24 + 66 + 8 : 24 + 66 + 12] = b"\xff\xff\xff\x7f"
    for piece in (10, 1 << 20):
        found, reader, end = read(bytes(data), piece)
        assert [frame[0] for _, frame in found] == [0, 2]
        assert (reader.malformed, end) == (1, "")


@pytest.mark.parametrize("length", [80, 100, 400])
@pytest.mark.parametrize("fill", [b"\x00", b"\x55"])
def test_records_swallowed_by_one_with_a_damaged_length_are_found(length: int, fill: bytes) -> None:
    good = [(20_000 * n, bytes([n]) + fill * 49) for n in range(20)]
    data = bytearray(pcap(good))
    data[24 + 66 * 5 + 8 : 24 + 66 * 5 + 12] = struct.pack("<I", length)
    found, reader, end = read(bytes(data))
    assert [frame[0] for _, frame in found] == list(range(20))
    assert (reader.malformed, end) == (1, "")


@pytest.mark.parametrize("length", [132, 200_000])
def test_a_record_said_to_be_longer_than_the_file_hides_none_after_it(length: int) -> None:
    data = bytearray(pcap([(20_000 * n, bytes([n]) * 50) for n in range(3)]))
    data[24 + 66 + 8 : 24 + 66 + 12] = struct.pack("<I", length)
    assert [frame[0] for _, frame in read(bytes(data))[0]][-1] == 2


@pytest.mark.parametrize("total", [8, 13, 40, 4096, 1 << 30])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("piece", [30, 1 << 20])
def test_after_a_block_with_a_damaged_length_the_next_good_one_is_found(total: int, order: str, piece: int) -> None:
    blocks = [enhanced(order, 0, n, bytes([n]) * 50) for n in range(4)]
    blocks[1] = blocks[1][:4] + struct.pack(f"{order}I", total) + blocks[1][8:]
    found, reader, end = read(section(order) + interface(order) + b"".join(blocks), piece)
    assert [frame[0] for _, frame in found] == [0, 2, 3]
    assert (reader.malformed, end) == (1, "")


def test_a_damaged_last_block_is_said() -> None:
    data = section("<") + interface("<") + enhanced("<", 0, 1, b"a") + struct.pack("<III", 6, 8, 0) + bytes(60)
    found, reader, end = read(data)
    assert (len(found), reader.malformed, end) == (1, 1, "a damaged record, and no good one after it")


def test_a_section_without_its_magic_is_damaged() -> None:
    data = section("<") + interface("<") + block(0x0A0D0D0A, struct.pack("<IHHq", 1, 1, 0, -1), "<")
    assert "damaged" in read(data)[2]


def test_blocks_too_short_for_their_kind_are_counted() -> None:
    data = (
        section("<")
        + interface("<")
        + b"".join(block(kind, b"", "<") for kind in (1, 2, 3, 5, 6))
        + block(11, b"", "<")
    )
    assert read(data)[1].malformed == 4


def test_impossible_times_and_resolutions_are_counted() -> None:
    data = (
        section("<") + interface("<", [(9, b"\x7f")]) + interface("<", [(9, b"\xff")]) + interface("<", [(9, b"\x00")])
    )
    found, reader, _ = read(
        data + enhanced("<", 0, 5, b"a") + enhanced("<", 2, 1 << 40, b"b") + enhanced("<", 9, 5, b"c")
    )
    assert found == [(5, b"a")]
    assert reader.malformed == 4


def test_interface_descriptions_are_limited() -> None:
    _, reader, _ = read(section("<") + interface("<") * (MAX_INTERFACES + 2))
    assert (len(reader.interfaces), reader.malformed) == (MAX_INTERFACES, 2)


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from(["<", ">"]))
def test_no_damage_makes_the_reader_fail_or_hang(noise: bytes, place: int, order: str) -> None:
    for data in (pcap(FRAMES, order=order), section(order) + interface(order) + enhanced(order, 0, 1, b"abc")):
        place = min(place, len(data))
        damaged = data[:place] + noise + data[place + len(noise) // 2 :]
        try:
            read(damaged, 97)
        except CaptureError:
            assert place < 4


def long_file(*, next_generation: bool) -> bytes:
    frames = [(20_000 * i, bytes([i & 255]) * (i * 37 % 1500 + 4000 * (i % 29 == 0))) for i in range(200)]
    if not next_generation:
        return pcap(frames)
    return section("<") + interface("<") + b"".join(enhanced("<", 0, START_US + at, frame) for at, frame in frames)


LONG_FILES = [long_file(next_generation=chosen) for chosen in (False, True)]


@given(
    st.sampled_from(LONG_FILES),
    st.integers(BRIDGE - 3, 6 * BRIDGE),
    st.lists(st.tuples(st.integers(24, 100_000), st.binary(min_size=1, max_size=20)), max_size=3),
)
def test_a_long_file_reads_the_same_in_pieces_of_any_length_however_damaged(
    data: bytes, piece: int, damage: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(data)
    for place, octets in damage:
        damaged[place : place + len(octets)] = octets
    whole, reader, end = read(bytes(damaged))
    in_pieces, other, other_end = read(bytes(damaged), piece)
    assert in_pieces == whole
    assert (other.malformed, other_end) == (reader.malformed, end)
