from hypothesis import example, given
from hypothesis import strategies as st
from tests.voice.captures import rtp, udp

from clearline.voice.packets import PLAIN, Packet, PacketLoop
from clearline.voice.wire.ethernet import ETHERNET, UDP

FRAME = udp("10.0.0.1:4000", "10.0.0.2:5000", rtp(7, 1120), identification=77)
FIELDS = ("source", "destination", "ports", "ssrc", "identification", "start", "end", "size", "head", "data")


def loop() -> PacketLoop:
    def nothing(*_: object) -> None:
        raise AssertionError

    return PacketLoop(nothing, nothing, nothing)


def read(packet: Packet) -> list[object]:
    return [getattr(packet, name) for name in FIELDS]


def the_long_way(frame: bytes) -> list[object] | None:
    whole = loop()
    packet = Packet(whole.addresses, whole.fragments)
    kind = packet.decode(frame, 0, len(frame), ETHERNET, 0)
    return read(packet) if kind == UDP and whole.is_rtp(packet) else None


def the_short_way(frame: bytes) -> list[object] | None:
    whole = loop()
    packet = Packet(whole.addresses, whole.fragments)
    return read(packet) if packet.plain(frame, 0, len(frame)) else None


def test_rtp_without_anything_unusual_goes_the_short_way() -> None:
    assert the_short_way(FRAME) is not None
    assert the_short_way(FRAME) == the_long_way(FRAME)
    padded = FRAME + bytes(4)
    assert the_short_way(padded) is not None
    assert the_short_way(padded) == the_long_way(padded)


def test_what_is_cut_off_goes_the_long_way() -> None:
    assert all(the_short_way(FRAME[:size]) is None for size in range(len(FRAME)))


CHANGES = st.lists(st.tuples(st.integers(0, PLAIN - 1), st.integers(0, 255)), max_size=3)


@given(CHANGES, st.integers(0, 8), st.integers(0, 8))
@example([(42, 0x90)], 0, 0)  # a header extension
@example([(42, 0xA0)], 0, 0)  # padding
@example([(42, 0x8F)], 0, 0)  # more sources than there is room for
@example([(43, 200)], 0, 0)  # RTCP
@example([(36, 4789 >> 8), (37, 4789 & 255)], 0, 0)  # VXLAN's port
@example([(20, 0x20)], 0, 0)  # a first fragment
@example([(14, 0x46)], 0, 0)  # an option
def test_whatever_goes_the_short_way_reads_as_it_does_the_long_way(
    changes: list[tuple[int, int]], cut: int, more: int
) -> None:
    frame = bytearray(FRAME[: len(FRAME) - cut] + b"\x01" * more)
    for place, value in changes:
        frame[place] = value
    short = the_short_way(bytes(frame))
    assert short is None or short == the_long_way(bytes(frame))
