"""How loud a stream's sampled speech is, against published sequences and other decoders."""

import math
import struct

import pytest
from tests.voice import captures as c
from tests.voice import media

from clearline.voice.inspection.g722 import LowerBand
from clearline.voice.inspection.levels import LOOK_EVERY, a_law, mu_law
from clearline.voice.results import Stream

# 1 kHz at 0 dBm0: ITU-T G.711 (11/1988), tables 5 and 6
MU_LAW_TONE = bytes.fromhex("1e0b0b1e9e8b8b9e") * 20
A_LAW_TONE = bytes.fromhex("34212134b4a1a1b4") * 20
FULL_SCALE = 8192 * 4


def heard(payloads: list[bytes], *, payload_type: int = 0, lines: tuple[str, ...] = (), secure: bool = False,
          lost: tuple[int, ...] = ()) -> Stream:  # fmt: skip
    records = media.announced(str(payload_type), lines, secure=secure, ends_us=1_100_000 + 20_000 * len(payloads))
    return media.analysed(records + media.stream(payloads, payload_type=payload_type, lost=lost)).streams[0]


def dbm0(stream: Stream) -> float:
    assert stream.level is not None
    assert stream.level_unknown is None
    return stream.level.mean_dbm0


@pytest.mark.parametrize(("payload_type", "tone"), [(0, MU_LAW_TONE), (8, A_LAW_TONE)])
def test_the_tone_of_g711_is_at_0_dbm0(payload_type: int, tone: bytes) -> None:
    assert dbm0(heard([tone] * 200, payload_type=payload_type)) == pytest.approx(0, abs=0.1)


def test_both_laws_decode_to_the_ends_and_steps_of_their_tables() -> None:
    # G.711 tables 1 and 2: decoder output values 1 (least) and 128 (greatest), A-law doubled to the scale of µ-law
    assert [mu_law(code) for code in (0xFF, 0x7F, 0xFE, 0x80, 0x00, 0x8F)] == [0, 0, 2, 8031, -8031, 4191]
    assert [a_law(code) for code in (0xD5, 0x55, 0xAA, 0x2A)] == [2, -2, 8064, -8064]
    assert sorted(mu_law(code) for code in range(256)) == sorted(-mu_law(code) for code in range(256))
    assert sorted(a_law(code) for code in range(256)) == sorted(-a_law(code) for code in range(256))


def sine(dbm0_level: float, count: int, rate: int) -> list[int]:
    peak = FULL_SCALE * 10 ** ((dbm0_level - 3.17) / 20)
    return [round(peak * math.sin(2 * math.pi * 1000 * n / rate)) for n in range(count)]


@pytest.mark.parametrize("level", [0.0, -20.0, -50.0])
def test_linear_samples_have_their_level(level: float) -> None:
    payload = struct.pack("!320h", *sine(level, 320, 16_000))
    stream = heard([payload] * 200, payload_type=96, lines=("a=rtpmap:96 L16/16000",))
    assert dbm0(stream) == pytest.approx(level, abs=0.3)
    assert heard([b"\x01"] * 200, payload_type=96, lines=("a=rtpmap:96 L16/16000",)).flags == ("silence",)


@pytest.mark.parametrize(
    ("payload", "silent"),
    [
        (b"\xff" * 160, True),  # digital silence
        (b"\xff\x7e" * 80, True),  # the last bit flickers: -78 dBm0
        (b"\x80" * 160, True),  # a constant value carries no sound
        (bytes.fromhex("faf7f7fa7a77777a") * 20, False),  # a tone at -57 dBm0
        (c.TONE, False),
    ],
)
def test_a_stream_silent_throughout_is_flagged(payload: bytes, *, silent: bool) -> None:
    stream = heard([payload] * 200)
    assert stream.level is not None
    assert stream.level.silent is silent
    assert ("silence" in stream.flags) is silent


def test_one_loud_packet_among_those_looked_at_is_no_silence() -> None:
    payloads = [b"\xff" * 160] * 500
    payloads[3 * (LOOK_EVERY + 1)] = c.TONE
    stream = heard(payloads)
    assert stream.level is not None
    assert (stream.level.looks, stream.level.silent) == (10, False)
    assert stream.level.loudest_dbm0 == pytest.approx(0, abs=0.1)
    assert stream.level.mean_dbm0 == pytest.approx(-10, abs=0.1)


def test_a_silent_party_is_told_of_the_call_too() -> None:
    records = media.announced("0", (), ends_us=5_100_000) + media.stream([b"\xff" * 160] * 200, payload_type=0)
    assert "silence" in media.analysed(records).calls[0].flags


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (lambda: heard([c.TONE] * 200, secure=True), "payloads are encrypted"),
        (lambda: heard([bytes(20)] * 200, payload_type=18), "G729 is not decoded"),
        (lambda: heard([bytes(20)] * 200, payload_type=99), "the codec is not decoded"),
        (lambda: heard([c.TONE] * 20), "too few packets were looked at"),
        (lambda: heard([b""] * 200), "too few packets were looked at"),
    ],
)
def test_an_unknown_level_says_why_and_is_no_silence(stream, reason: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    found = stream()
    assert (found.level, found.level_unknown) == (None, reason)
    assert "silence" not in found.flags


@pytest.mark.parametrize(("payload_type", "size"), [(0, 160), (9, 160)])
def test_payloads_that_the_capture_cut_have_no_level(payload_type: int, size: int) -> None:
    records = media.announced(str(payload_type), (), ends_us=5_100_000)
    records += [(at, frame[:90]) for at, frame in media.stream([bytes(size)] * 200, payload_type=payload_type)]
    (stream,) = media.analysed(records).streams
    assert (stream.level, stream.level_unknown) == (None, "the capture cut the payloads")


# G.722 at 64 kbit/s, by spandsp 0.0.6 from 1 kHz at 3000 of 32768 (-17.6 dBm0), and what its decoder made of them at
# 8 kHz, halved: the lower band's samples from the first octet on.
G722_TONE = bytes.fromhex(
    "fa9b2e93248ea0a0e0edc7cb52def1ecf0fbd6d255feb3afb2fcd8d4d6fff3f0f37dd79597fdf4f0f3fed7d598fff4b0f3fed6d598fff3b1f3fed8d5d9bcf2f0b3fed7d7d9fdb4f0f3ded8d4d8bdf2b0f3dfd9d5d9bcf2b1f4fdd7d6d9bff4f0b35d97d6d9bff5f1f4ffd5d4d8bef4eff7fed8d5d9bdf2f0f27e9996dabcf2b1f2ffdad6dafdf4aef5fbd8d5dabcf3f2b27b99d7dcbef4edf27cdd96dbbbf6eeb279ddd7ddbdf2eff277dc99def9b16daf79fcdddcf9eeadeef5fbdbfabaefeeeff5fadcdfb3f6acedf7feddfdb9f2eeb0739bfcdbbaf5ef73f9fbd6beddb2f0f0f6dadcd6baf9eff5759ed7dd9bf2b5f1f7d8dada9ff5f3f4f4dbd9d6bdf8b0f3dffad2db9f76b4f2bcded4d5bd78f1f4f8dbd6d7bdfaf3f6799ad5d7bbffb0f17e98d4dafffbf070fd99d5dabff9eff8f6d6d9d89ef1b3f7fbdbdcd4baf2f1b27fbdd8d9b673b06efefd5c9bf1f4ecf0f7dafdffbaeff1edfcfbd9fbb8edf0ef5dba9cdcb4f0ac76fc7b97f9fbf1eefa78dd98ddb6f1b074fc5c95fff8efb970fb53bcdbf4f4f1f55bdd96fefdb0ef5af6d499def6f2f8f1dadbdadfb4f4f1fb5b9d96fdb8efba77dbdd967db4f1f4f95dd69bfcf4f2f5f756dd97f8b6f4eedcddd9d9fbb8ebdff15b99dbf8b1b5f2fb5a9b7edeaff6f0f7d5fe5af4b2f4ecbfdb7edab4b271f0bb59ddfefaf0ecb25efddeddf8acecf67efcdf9df7eeaff8f357fb99f3b2f2f1fd5f5ebef8aceefafadd5dddb5ac70b3db77d49f6ffaaef8f658d8f8f3f7b270fbd5dff5fab3f2f07ed4fcbbfbb2eef69adf7ed8b6eef2fadd5fdbdfb4adf5f7dbfdd5ddb1f2f3fdf9579cdaf0afbd70dfd9d6faf5b2f5f3d8589af9f7b5edb8de58d8baf771aefc7bd49bf578edb2f87cd7fd9cf3f0ed7adaffd6b8f4adf3ff7cdad99feeb3f573d9dc96f4f4b1f176dbdddabaf5ae74f3d77b9679f1b2f2fbfe58daf6f6afb5f359dbfadbedb4eefdde7ed5b7f7aff6f7de5bfe9cf0acf3be5ffdd779b2eff7fafc59d8ffeeb2f4b3d7ff56f7f6b1ef9cfed85af8f2b2f3bbdc57fcbdf3f3f1f6d6dddaf9f4aef4b8ddd5dcfdf0aff9f59b5a99fceeb572ba59d9d978b1f1f2fcdfd8d7f3faaef4f5dad7f9def0aef7f9dc589bb5f2b2f1b758da7db9f1eff4b2567edbb4f0f1f0f7d77cddfcafb4edbf5bff58fbf2aef5f9ddd95cfcecaffdb19b5bdd7bf0aff9f3d6dffe5dedb1f2fd9edd58b9eef2b4f3d67ed9f5f0b0ef9b74dadbf3b8ecf2dff85adff7b4ebbfb47cd9dcf9ecefbdf0fed5fef8ebbfeef7d8dbfaf9f3b2f0f5d77d9dbbf2b0ee9b79da5cbcedf0b479dcd6fdfaf3b2f2fbd6dddcfdefb5efdbba569cf970aefab8"
)
G722_TONE_DECODED = [
    1,
    -2,
    4,
    -10,
    17,
    -21,
    54,
    140,
    411,
    285,
    -826,
    -1456,
    -1194,
    -298,
    840,
    1534,
    1210,
    285,
    -817,
    -1425,
    -1251,
    -277,
    823,
    1483,
    1275,
    316,
    -813,
    -1444,
    -1262,
    -283,
    818,
    1460,
    1211,
    284,
    -872,
    -1435,
    -1274,
    -265,
    813,
    1496,
    1258,
    268,
    -814,
    -1459,
    -1248,
    -289,
    820,
    1444,
    1217,
    277,
    -871,
    -1455,
    -1260,
    -310,
    867,
    1470,
    1263,
    269,
    -800,
    -1437,
    -1220,
    -299,
    827,
    1490,
    1261,
    296,
    -855,
    -1442,
    -1278,
    -309,
    814,
    1463,
    1261,
    278,
    -805,
    -1470,
    -1252,
    -301,
    858,
    1495,
]
G722_SILENCE = bytes.fromhex(
    "def8f5f5f8fadef8faf8f2f8f8dcdef3f8f3f8f8dcd9f5f8f3f6f8fbd6f4fbfbf4f4f9daf6dff6f6f6f6dbf7ddfbf9f5f7ddf7dff9fbf9f4fbf9fbdff6fbf9f9f9f8dff6f8f8fbf8f6daf4f8fbfbf8f4dcfbfbfbf8f5f5dff6dff4fbdff2fbf8dff4f8dcf8f4f6daf0f9ddfbf8f4dff4f8fbfbfbfbdff2fbf8f8fbdcfaf5f4fbdff3dff6f8f8f8dff6fbf8f6fbf8def8f8f8f5f5f8dcdef3f8f8f3f6dcdcf8fb"
)


def test_the_lower_band_of_g722_is_decoded_as_spandsp_does() -> None:
    band = LowerBand()
    assert [band.decode(code) for code in G722_TONE[:80]] == G722_TONE_DECODED


def test_g722_joined_in_its_middle_has_its_level_within_3_db() -> None:
    packets = [G722_TONE[160 * n % 800 :][:160] for n in range(200)]
    stream = heard(packets, payload_type=9)
    assert stream.level is not None
    assert stream.level.looks == 4
    assert dbm0(stream) == pytest.approx(-17.6, abs=3)
    broken = heard(packets, payload_type=9, lost=(1, 52, 102))
    assert broken.level is not None
    assert broken.level.looks == 4


def test_silent_g722_is_silence() -> None:
    assert "silence" in heard([G722_SILENCE] * 200, payload_type=9).flags
