"""Video streams: frames, key frames, size, freezes and G.1070 from RTP, on real encoders' packets and by hand.

data/video_packets.json was sent by ffmpeg 5.1 (libx264, libx265, libvpx) at its own pace from its test source, a key
frame every 15 frames: (µs after the first, octets, the first 90 of them) of each packet.
"""

import json
import struct

import pytest
from tests.voice import captures as c
from tests.voice import media

from clearline.voice.analysis import Analysis
from clearline.voice.inspection import picture_size
from clearline.voice.inspection.bits import Bits, without_emulation
from clearline.voice.inspection.descriptors import Descriptor
from clearline.voice.results import Stream, Video
from clearline.voice.results.findings import findings
from clearline.voice.video import video_quality

RUNS = {run["name"]: run for run in json.loads((media.DATA / "video_packets.json").read_text())}
S = 1_000_000


def replay(name: str, *, lost: tuple[int, ...] = (), secure: bool = False, delay: tuple[int, int] = (0, 0),
           lines: tuple[str, ...] | None = None) -> list[c.Record]:  # fmt: skip
    """A call with a run's packets as Alice's video, cut like the fixture; from packet delay[0] on delay[1] µs later."""
    run = RUNS[name]
    records = []
    for n, (at_us, size, head) in enumerate(run["packets"]):
        packet = bytes.fromhex(head).ljust(size, b"\0")
        late_us = delay[1] if n >= delay[0] else 0
        if n not in lost:
            frame = c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, packet)
            records.append((1_010_000 + at_us + late_us, frame[: 42 + 90]))
    described = run["lines"] if lines is None else lines
    return media.announced("96", described, kind="video", secure=secure, ends_us=records[-1][0] + S) + records


def replayed(name: str, *, lost: tuple[int, ...] = (), secure: bool = False, delay: tuple[int, int] = (0, 0),
             lines: tuple[str, ...] | None = None) -> Analysis:  # fmt: skip
    return media.analysed(replay(name, lost=lost, secure=secure, delay=delay, lines=lines))


def video(analysis: Analysis) -> Video:
    found = analysis.streams[0].video
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "frames", "keys", "size"),
    [
        ("h264", 45, 3, (640, 480)),
        ("h264 high, cropped", 15, 1, (322, 178)),
        ("h265", 30, 2, (426, 240)),
        ("vp8", 30, 2, (320, 240)),
        ("vp9", 30, 2, (320, 240)),
    ],
)
def test_real_encoders_frames_are_counted_with_their_key_frames_rate_and_size(
    name: str, frames: int, keys: int, size: tuple[int | None, int | None]
) -> None:
    found = video(replayed(name))
    assert (found.frames, found.broken_frames, found.key_frames) == (frames, 0, keys)
    assert (found.width, found.height) == size
    assert found.frame_rate == pytest.approx(15, abs=0.01)
    assert (found.freezes, found.freeze_us) == (0, 0)


@pytest.mark.parametrize("name", ["h264", "h265", "vp8", "vp9"])
def test_headers_are_enough_where_payloads_are_encrypted(name: str) -> None:
    plain, found = video(replayed(name)), video(replayed(name, secure=True))
    assert (found.frames, found.broken_frames, found.frame_rate) == (plain.frames, 0, plain.frame_rate)
    assert (found.key_frames, found.width, found.vq) == (None, None, None)


def test_a_lost_packet_breaks_the_frame_it_belongs_to() -> None:
    middle, last = 21, 23  # fragments of the second key frame, the latter with the marker
    found = video(replayed("h264", lost=(middle,)))
    assert (found.frames, found.broken_frames) == (45, 1)
    assert video(replayed("h264", lost=(middle,), secure=True)).broken_frames == 1
    assert video(replayed("h264", lost=(last,))).broken_frames == 1


def test_a_standing_picture_is_a_freeze_with_its_length() -> None:
    found = video(replayed("vp8", delay=(20, 800_000)))
    assert found.freezes == 1
    assert found.freeze_us == found.longest_freeze_us
    assert 800_000 < found.freeze_us < 950_000
    said = findings(replayed("vp8", delay=(20, 800_000)).streams[0])
    assert "1 freezes: 0.9 s in all, the longest 0.9 s" in said


def test_h264_at_vga_is_scored_by_g1070_and_everything_else_says_why_not() -> None:
    analysis = replayed("h264")
    found = video(analysis)
    assert found.bitrate_kbps is not None
    assert found.frame_rate is not None
    expected = video_quality("B.4#1", bitrate_kbps=found.bitrate_kbps, frame_rate=found.frame_rate, ppl=0).vq
    assert found.vq == expected
    assert found.coefficients == "G.1070 B.4#1: H.264 baseline profile, VGA, 6 inches"
    assert found.unscored is None
    stream = analysis.streams[0]
    assert stream.quality.unscored == "it is video, which the E-model does not rate"
    assert (stream.quality.mos_lq, analysis.calls[0].mos_lq, stream.level) == (None, None, None)
    assert not any("pauses" in line for line in findings(stream))  # frames come as they are, which is no DTX
    assert any(line.startswith(f"video quality {found.vq:.2f}, G.1070 B.4#1") for line in findings(stream))
    reasons = {
        "vp8": "G.1070 has no coefficients for VP8",
        "h264 high, cropped": "G.1070 has no coefficients for H264 of 322 x 178",
    }
    for name, reason in reasons.items():
        assert video(replayed(name)).unscored == reason
        assert f"video not scored: {reason}" in findings(replayed(name).streams[0])
    lossy = video(replayed("h264", lost=(20, 30, 40)))
    assert lossy.unscored == (
        "a packet loss in percent of 5.26 is outside what G.1070's coefficients were fitted to, 0 to 3"
    )
    assert video(replayed("h264", secure=True)).unscored == "the size of the pictures is not known"


def test_the_size_in_the_description_serves_where_payloads_are_encrypted() -> None:
    # the parameter sets of the run itself, as RFC 6184 section 8.1 writes them
    sets = "Z0LAFtoCgPaEAAADAAQAAAMA8DxYuoA=,aM4PyA=="
    for parameter, size in ((sets, (640, 480)), ("aM4PyA==", (None, None)), ("*", (None, None)), (",", (None, None))):
        lines = ("a=rtpmap:96 H264/90000", f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={parameter}")
        found = video(replayed("h264", secure=True, lines=lines))
        assert (found.width, found.height) == size


def test_video_in_one_direction_does_not_hide_missing_audio() -> None:
    assert "no_audio" in replayed("vp8").calls[0].flags


def packets(sent: list[tuple[int, int, int, bytes]], *, encoding: str = "H263") -> Video:
    """(sequence, timestamp, marker, payload) 5 ms apart."""
    records = [
        (1_010_000 + 5_000 * n,
         c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, c.rtp(seq, stamp, payload_type=96, marker=bool(marker), payload=payload)))
        for n, (seq, stamp, marker, payload) in enumerate(sent)
    ]  # fmt: skip
    call = media.announced("96", (f"a=rtpmap:96 {encoding}/90000",), kind="video")
    return video(media.analysed(call + records))


def frames(count: int, *, first: int = 0, stamp: int = 0, size: int = 2) -> list[tuple[int, int, int, bytes]]:
    return [
        (first + size * n + i, stamp + 3000 * n, int(i == size - 1), b"xy") for n in range(count) for i in range(size)
    ]


def test_packets_out_of_order_come_together_and_those_too_late_do_not() -> None:
    sent = frames(12)
    sent[6], sent[9] = sent[9], sent[6]
    assert (packets(sent).frames, packets(sent).broken_frames) == (12, 0)
    sent = frames(12)
    sent.append(sent.pop(4))
    assert (packets(sent).frames, packets(sent).broken_frames) == (12, 1)
    first_late = frames(12)[1:2] + frames(12)[:1] + frames(12)[2:]
    assert packets(first_late).broken_frames == 0
    earlier = frames(12)[2:4] + frames(12)[:2] + frames(12)[4:]
    assert (packets(earlier).frames, packets(earlier).broken_frames) == (12, 0)


def test_padding_between_frames_breaks_none() -> None:
    sent = [(n + n // 2, stamp, marker, payload) for n, (_, stamp, marker, payload) in enumerate(frames(12))]
    padding = [(3 * n + 2, 3000 * n, 0, b"") for n in range(11)]
    together = sorted(sent + padding)
    assert (packets(together).frames, packets(together).broken_frames) == (12, 0)
    own_stamps = sorted(sent + [(3 * n + 2, 3000 * n + 1, 0, b"") for n in range(11)])
    assert (packets(own_stamps).frames, packets(own_stamps).broken_frames) == (12, 0)
    assert packets([(0, 5, 0, b""), *((seq + 1, *rest) for seq, *rest in frames(12))]).broken_frames == 0
    silent = [(n, 3000 * n, 0, b"") for n in range(12)]
    assert (packets(silent).frames, packets(silent).frame_rate) == (0, None)


def test_frames_without_markers_end_where_the_next_begins() -> None:
    sent = [(seq, stamp, 0, payload) for seq, stamp, _, payload in frames(12)]
    assert packets(sent).broken_frames == 1  # of the last nobody knows


def test_a_new_time_base_is_no_frame_rate() -> None:
    sent = frames(12) + frames(12, first=24, stamp=3_000_000_000)
    found = packets(sent)
    assert (found.frames, found.broken_frames) == (24, 0)
    assert found.frame_rate == pytest.approx(30)
    assert found.key_frames is None
    assert found.unscored == "G.1070 has no coefficients for H263"


def test_one_frame_has_no_rate_and_no_score() -> None:
    unit = bytes.fromhex("6742c016da0280f684000003000400000300f03c58ba80")
    found = packets([(n, 0, int(n == 11), unit) for n in range(12)], encoding="H264")
    assert (found.frames, found.frame_rate, found.width) == (1, None, 640)
    assert found.unscored == "a frame rate of unknown is outside what G.1070's coefficients were fitted to, 8 to 30"


def read(encoding: str, payload: bytes) -> tuple[bool, bool, int, int]:
    descriptor = Descriptor()
    descriptor.read(encoding, payload, 0, len(payload))
    return descriptor.begins, descriptor.is_key, descriptor.width, descriptor.height


def stap(*units: bytes) -> bytes:
    return b"\x18" + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)


def aggregate(*units: bytes) -> bytes:
    return b"\x60\x01" + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x65\x88", (True, True, 0, 0)),  # IDR slice, macroblock 0
        (b"\x65\x40", (False, True, 0, 0)),  # IDR slice further down
        (b"\x41\x9a", (True, False, 0, 0)),
        (b"\x41", (False, False, 0, 0)),
        (b"\x09\xf0", (True, False, 0, 0)),  # delimiter
        (b"\x0c\xff", (False, False, 0, 0)),  # filler
        (stap(b"\x09\xf0", b"\x65\x88"), (True, True, 0, 0)),
        (stap(b"\x65"), (False, True, 0, 0)),
        (b"\x18\x00", (False, False, 0, 0)),
        (b"\x7c\x85\x88", (True, True, 0, 0)),  # FU-A, start of an IDR slice
        (b"\x7c\x05\x88", (False, False, 0, 0)),
        (b"\x7c", (False, False, 0, 0)),
        (b"\x1d\x00", (False, False, 0, 0)),  # FU-B
        (b"\x67" + bytes(2000), (True, False, 0, 0)),  # a parameter set that is none
    ],
)
def test_h264_says_where_frames_begin(payload: bytes, said: tuple[bool, bool, int, int]) -> None:
    assert read("h264", payload) == said


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x26\x01\xaf", (True, True, 0, 0)),  # IDR_W_RADL (19), first slice
        (b"\x26\x01\x2f", (False, True, 0, 0)),
        (b"\x02\x01\xd0", (True, False, 0, 0)),  # TRAIL_R (1)
        (b"\x02\x01", (False, False, 0, 0)),
        (b"\x46\x01\x50", (True, False, 0, 0)),  # delimiter (35)
        (b"\x50\x01\x50", (False, False, 0, 0)),  # information behind the picture (40)
        (aggregate(b"\x40\x01\x0c", b"\x26\x01\xaf"), (True, True, 0, 0)),
        (b"\x60\x01\x00", (False, False, 0, 0)),
        (b"\x62\x01\x93\xaf", (True, True, 0, 0)),  # fragment, start of type 19
        (b"\x62\x01\x13\xaf", (False, False, 0, 0)),
        (b"\x62\x01", (False, False, 0, 0)),
        (b"\x64\x01", (False, False, 0, 0)),  # PACI (50)
        (b"\x42\x01" + bytes(2000), (True, False, 0, 0)),
    ],
)
def test_h265_says_where_frames_begin(payload: bytes, said: tuple[bool, bool, int, int]) -> None:
    assert read("h265", payload) == said


def bits(*fields: tuple[int, int]) -> bytes:
    """Write (value, bits) after each other."""
    text = "".join(f"{value:0{count}b}" for value, count in fields)
    return bytes(int(text[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(text), 8))


def ue(value: int) -> tuple[int, int]:
    return value + 1, 2 * (value + 1).bit_length() - 1


def se(value: int) -> tuple[int, int]:
    return ue(2 * value - 1 if value > 0 else -2 * value)


VP8_KEY = b"\x50\x00\x00\x9d\x01\x2a\x40\x01\xf0\x00"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x10" + VP8_KEY, (True, True, 320, 240)),
        (b"\x90\x80\x11" + VP8_KEY, (True, True, 320, 240)),  # picture number of 7 bits
        (b"\x90\xe0\x80\x11\x01\x20" + VP8_KEY, (True, True, 320, 240)),  # of 15 bits, TL0PICIDX, TID
        (b"\x90\x10\x20" + VP8_KEY, (True, True, 320, 240)),
        (b"\x90\x80", (True, False, 0, 0)),
        (b"\x90", (False, False, 0, 0)),
        (b"\x10\x51", (True, False, 0, 0)),  # P: predicted
        (b"\x10\x50\x00", (True, True, 0, 0)),  # cut
        (b"\x10" + b"\x50\x00\x00\x00\x00\x00\x40\x01\xf0\x00", (True, True, 0, 0)),
        (b"\x00" + VP8_KEY, (False, False, 0, 0)),
        (b"\x11" + VP8_KEY, (False, False, 0, 0)),  # second partition
    ],
)
def test_vp8_says_where_frames_begin(payload: bytes, said: tuple[bool, bool, int, int]) -> None:
    assert read("vp8", payload) == said


STRUCTURE = b"\x30" + struct.pack("!HHHH", 320, 180, 640, 360)  # two spatial layers, sizes given


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x08", (True, True, 0, 0)),
        (b"\x48", (True, False, 0, 0)),
        (b"\x04", (False, False, 0, 0)),
        (b"\x8a\x11" + STRUCTURE, (True, True, 640, 360)),
        (b"\xaa\x81\x11\x00\x05" + STRUCTURE, (True, True, 640, 360)),  # layer indices, not flexible
        (b"\xa8\x11\x02\x05", (False, False, 0, 0)),  # spatial layer 1
        (b"\xf8\x11\x00\x03\x05\x02", (True, False, 0, 0)),  # flexible, three references
        (b"\xf8\x11\x00\x03\x05\x07", (True, False, 0, 0)),
        (b"\xda\x11\x02" + STRUCTURE, (True, False, 640, 360)),  # one reference
        (b"\xda\x11\x03", (True, False, 0, 0)),
        (b"\xa8\x11", (False, False, 0, 0)),
        (b"\x80", (False, False, 0, 0)),
        (b"\x0a\x20\x00\x00", (True, True, 0, 0)),  # structure without sizes
    ],
)
def test_vp9_says_where_frames_begin(payload: bytes, said: tuple[bool, bool, int, int]) -> None:
    assert read("vp9", payload) == said


def vp9_frame(profile: int, *fields: tuple[int, int]) -> bytes:
    """A frame after a descriptor that says P = 0."""
    reserved = [(0, 1)] if profile == 3 else []
    return b"\x08" + bits((2, 2), (profile & 1, 1), (profile >> 1, 1), *reserved, *fields)


SIZE = ((1279, 16), (719, 16))
KEY = ((0, 1), (0, 1), (1, 1), (0, 1), (0x498342, 24))


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (vp9_frame(0, *KEY, (1, 3), (0, 1), *SIZE), (True, True, 1280, 720)),
        (vp9_frame(1, *KEY, (1, 3), (0, 4), *SIZE), (True, True, 1280, 720)),
        (vp9_frame(1, *KEY, (7, 3), (0, 1), *SIZE), (True, True, 1280, 720)),
        (vp9_frame(2, *KEY, (0, 1), (7, 3), *SIZE), (True, True, 1280, 720)),
        (vp9_frame(3, *KEY, (0, 1), (1, 3), (0, 4), *SIZE), (True, True, 1280, 720)),
        (vp9_frame(0, *KEY[:4], (0, 24), (0, 40)), (True, True, 0, 0)),
        (vp9_frame(0, *KEY, (1, 3)), (True, True, 0, 0)),  # cut
        (vp9_frame(0, (0, 1), (1, 1), (0, 30)), (True, False, 0, 0)),  # predicted, though the descriptor denies it
        (vp9_frame(0, (1, 1), (0, 30)), (True, False, 0, 0)),  # shows a frame once more
    ],
)
def test_a_vp9_frames_own_header_has_the_last_word(payload: bytes, said: tuple[bool, bool, int, int]) -> None:
    assert read("vp9", payload) == said


AV1_HEADER = bytes.fromhex("000000043cffbcdaf90040")
"""The sequence header of libaom 3.6 for 320 x 240, without OBU header and size."""


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x18\x08" + AV1_HEADER, (True, True, 320, 240)),  # one element, new sequence
        (b"\x28\x0c\x08" + AV1_HEADER + b"\x30\x00", (True, True, 320, 240)),  # two, the first with its length
        (b"\x08\x01\x10\x0c\x08" + AV1_HEADER, (True, True, 320, 240)),  # all with their lengths, a delimiter first
        (b"\x18\x0c\x00" + AV1_HEADER, (True, True, 320, 240)),  # with an extension
        (b"\x18\x0a\x0b" + AV1_HEADER, (True, True, 320, 240)),  # with its size
        (b"\x18\x0a\x8b\x00" + AV1_HEADER, (True, True, 320, 240)),
        (b"\x18\x0a\x8b", (True, True, 0, 0)),
        (b"\x18\x08" + bytes(2000), (True, True, 0, 0)),
        (b"\x08\x00\x00\x00", (True, True, 0, 0)),
        (b"\x08\xff\xff\xff\xff", (True, True, 0, 0)),
        (b"\x18", (True, True, 0, 0)),
        (b"\x10\x30\x00", (False, False, 0, 0)),  # in mid-sequence it says nothing
    ],
)
def test_av1_says_where_sequences_begin(payload: bytes, said: tuple[bool, bool, int, int]) -> None:
    assert read("av1", payload) == said


def test_variable_length_numbers_are_those_of_h264_table_9_2() -> None:
    table = {"1": 0, "010": 1, "011": 2, "00100": 3, "00111": 6, "0001000": 7, "0001010": 9}
    for text, value in table.items():
        assert Bits(bits((int(text, 2), len(text)))).exp_golomb() == value
    signed = [Bits(bits(ue(code))).signed() for code in range(7)]
    assert signed == [0, 1, -1, 2, -2, 3, -3]
    for endless in (bytes(8), bytes(2)):
        reader = Bits(endless)
        assert (reader.exp_golomb(), reader.over) == (0, True)
    assert without_emulation(b"x\x00\x00\x03\x01", 1, 5) == b"\x00\x00\x01"


def sps264(profile: int, *fields: tuple[int, int]) -> bytes:
    return bits((0x67, 8), (profile, 8), (0, 8), (30, 8), ue(0), *fields)


TAIL = (ue(0), (0, 1), ue(39), ue(29))  # reference frames, gaps, 40 x 30 macroblocks
FRAME, FIELDS = ((1, 1), (0, 1)), ((0, 1), (0, 1), (0, 1))
UNCROPPED = ((0, 1), (0, 8))


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        (sps264(66, ue(0), ue(0), ue(0), *TAIL, *FRAME, *UNCROPPED), (640, 480)),
        (sps264(66, ue(0), ue(2), *TAIL, *FRAME, (1, 1), ue(1), ue(2), ue(3), ue(4)), (634, 466)),
        (sps264(66, ue(0), ue(2), *TAIL, *FIELDS, (1, 1), ue(0), ue(0), ue(0), ue(2)), (640, 952)),
        (sps264(66, ue(0), ue(1), (0, 1), se(0), se(1), ue(2), se(-1), se(4), *TAIL, *FRAME, *UNCROPPED), (640, 480)),
        (sps264(100, ue(3), (0, 1), ue(0), ue(0), (0, 1), (0, 1), ue(0), ue(2), *TAIL, *FRAME, (1, 1), ue(1), ue(0),
                ue(0), ue(1)), (639, 479)),
        (sps264(100, ue(1), ue(0), ue(0), (0, 1), (1, 1), (1, 1), *[se(1)] * 16, (1, 1), se(-8), (0, 4), (0, 2), ue(0),
                ue(2), *TAIL, *FRAME, *UNCROPPED), (640, 480)),
        (sps264(244, ue(3), (0, 1), ue(0), ue(0), (0, 1), (1, 1), (0, 6), (1, 1), *[se(0)] * 64, (0, 5), ue(0), ue(2),
                *TAIL, *FRAME, *UNCROPPED), (640, 480)),
        (sps264(66, ue(0), ue(2), ue(0), (0, 1), ue(0), ue(0), *FRAME, (1, 1), ue(9), ue(9), ue(0), ue(0)), (0, 0)),
        (b"\x67\x42", (0, 0)),
    ],
)  # fmt: skip
def test_the_size_of_h264_is_read_by_its_syntax(unit: bytes, size: tuple[int, int]) -> None:
    assert picture_size.h264(unit) == size


def sps265(layers: int, *fields: tuple[int, int]) -> bytes:
    head = [(0x4201, 16), (0, 4), (layers, 3), (1, 1), (0, 96)]
    if layers:
        head += [(3, 2)] * layers + [(0, 2)] * (8 - layers) + [(0, 96)] * layers
    return bits(*head, ue(0), *fields)


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        (sps265(0, ue(1), ue(1920), ue(1088), (1, 1), ue(0), ue(0), ue(0), ue(4), (0, 8)), (1920, 1080)),
        (sps265(2, ue(1), ue(640), ue(480), (0, 1), (0, 8)), (640, 480)),
        (sps265(0, ue(3), (0, 1), ue(640), ue(480), (1, 1), ue(1), ue(1), ue(1), ue(1), (0, 8)), (638, 478)),
        (b"\x42\x01", (0, 0)),
    ],
)
def test_the_size_of_h265_is_read_by_its_syntax(unit: bytes, size: tuple[int, int]) -> None:
    assert picture_size.h265(unit) == size


def sequence(*fields: tuple[int, int]) -> bytes:
    return bits((0, 4), *fields, (9, 4), (8, 4), (639, 10), (479, 9), (0, 8))


@pytest.mark.parametrize(
    "unit",
    [
        sequence((1, 1), (4, 5)),  # reduced still picture
        sequence((0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (4, 5)),
        sequence((0, 1), (0, 1), (1, 1), (0, 5), (0, 12), (8, 5), (0, 1), (1, 1), (9, 4)),  # tier, delay
        sequence((0, 1), (1, 1), (1, 32), (25, 32), (1, 1), ue(0), (1, 1), (9, 5), (1, 32), (9, 5), (9, 5), (1, 1),
                 (1, 5), (0, 12), (4, 5), (1, 1), (0, 21), (0, 1), (0, 12), (4, 5), (0, 1), (0, 1)),
        sequence((0, 1), (1, 1), (1, 32), (25, 32), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (4, 5)),
    ],
)  # fmt: skip
def test_the_size_of_av1_is_read_by_its_syntax(unit: bytes) -> None:
    assert picture_size.av1(unit) == (640, 480)


def test_a_video_stream_is_written_as_published() -> None:
    written = replayed("vp8").streams[0].to_json()["video"]
    assert isinstance(written, dict)
    assert written["frame_rate"] == 15.0
    assert written["unscored"] == "G.1070 has no coefficients for VP8"


def test_redundant_video_is_read_by_its_primary_block() -> None:
    lines = ("a=rtpmap:96 red/90000", "a=rtpmap:97 VP8/90000")
    records = [
        (1_010_000 + 33_000 * n, c.udp(c.ALICE_AUDIO, c.BOB_AUDIO,
                                       c.rtp(n, 3000 * n, payload_type=96, marker=True, payload=b"\x61\x10" + VP8_KEY)))
        for n in range(20)
    ]  # fmt: skip
    stream: Stream = media.analysed(media.announced("96 97", lines, kind="video") + records).streams[0]
    assert stream.codec == "VP8"
    assert stream.video is not None
    assert (stream.video.key_frames, stream.video.width) == (20, 320)
