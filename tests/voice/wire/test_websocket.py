import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.voice import captures as c
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from clearline.voice.wire import websocket
from clearline.voice.wire.sip import SipError

HELLO_MASKED = bytes.fromhex("818537fa213d7f9f4d5158")
HELLO_IN_TWO = bytes.fromhex("010348656c80026c6f")
PING = bytes.fromhex("890548656c6c6f")
"""The examples of RFC 6455 section 5.7."""


def frame(octets: bytes) -> tuple[bytes | None, bytes]:
    return websocket.Frames().frame(octets)


@pytest.mark.parametrize(
    ("octets", "message"),
    [(HELLO_MASKED, b"Hello"), (bytes.fromhex("810548656c6c6f"), b"Hello"), (HELLO_IN_TWO, b"Hello"), (PING, b"")],
    ids=["masked", "plain", "fragmented", "ping"],
)
def test_the_examples_of_the_standard(octets: bytes, message: bytes) -> None:
    assert frame(octets + b"more") == (message, b"more")
    for end in range(len(octets)):
        assert frame(octets[:end]) == (None, octets[:end])


def test_a_control_frame_may_stand_between_the_parts_of_a_message() -> None:
    assert frame(HELLO_IN_TWO[:5] + PING + HELLO_IN_TWO[5:]) == (b"Hello", b"")


@pytest.mark.parametrize("bits", [16, 64])
def test_longer_lengths(bits: int) -> None:
    head = bytes([0x82, 126 if bits == 16 else 127]) + (300).to_bytes(bits // 8, "big")
    assert frame(head + bytes(300)) == (bytes(300), b"")


@pytest.mark.parametrize(
    "octets",
    [
        bytes.fromhex("a10548656c6c6f"),
        bytes.fromhex("4103f248cdc004c9c90700"),
        HELLO_IN_TWO[5:],
        HELLO_IN_TWO[:5] + HELLO_MASKED,
        b"\x82\x7f" + (1 << 40).to_bytes(8, "big"),
        b"\x01\x01a" + b"\x00\x01a" * websocket.MAX_FRAMES,
    ],
    ids=[
        "unknown extension",
        "compressed from its middle",
        "continues nothing",
        "begins within another",
        "too long",
        "too many parts",
    ],
)
def test_what_cannot_be_followed_is_refused(octets: bytes) -> None:
    with pytest.raises(SipError):
        frame(octets)


def test_only_a_frame_that_carries_sip_begins_a_connection() -> None:
    assert websocket.begins(b"\x81\x0cINVITE sip:x")
    assert websocket.begins(b"\x01\x08SIP/2.0 ")
    for other in (b"", b"\x81", HELLO_MASKED, PING, b"\xc1\x0cINVITE sip:x", b"\x81\x7e\x01", b"INVITE sip:x"):
        assert not websocket.begins(other)


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    websocket.begins(octets)
    try:
        _, rest = frame(octets)
    except websocket.UnreadError as unread:
        rest = unread.rest
    except SipError:
        return
    assert octets.endswith(rest)


COMPRESSED = [
    "c107f248cdc9c90700",  # 7.2.3.1
    "4103f248cd8004c9c90700",  # the same in two frames
    "c10b000500faff48656c6c6f00",  # 7.2.3.3, not compressed within
    "c108f348cdc9c9070000",  # 7.2.3.4, with the last block marked as such
    "c10df248050000 00ffffcac9c90700",  # 7.2.3.5, two blocks
]
"""Hello, as RFC 7692 writes it in the sections named."""


@pytest.mark.parametrize("octets", COMPRESSED)
def test_the_examples_of_the_standard_of_compression(octets: str) -> None:
    data = bytes.fromhex(octets)
    assert frame(data + b"more") == (b"Hello", b"more")
    for end in range(len(data)):
        assert frame(data[:end]) == (None, data[:end])


HELLO_AGAIN = bytes.fromhex("c105f200110000")
"""RFC 7692 section 7.2.3.2: it refers to the Hello before it."""


def test_a_message_may_refer_to_those_before_it_if_they_were_seen() -> None:
    frames = websocket.Frames()
    for octets in (bytes.fromhex(COMPRESSED[0]), HELLO_MASKED, HELLO_AGAIN, bytes.fromhex(COMPRESSED[3]), HELLO_AGAIN):
        assert frames.frame(octets) == (b"Hello", b"")
    frames.forget()
    with pytest.raises(websocket.UnreadError) as refused:
        frames.frame(HELLO_AGAIN + b"more")
    assert refused.value.rest == b"more"


def test_a_compressed_message_is_inflated_up_to_a_limit_only() -> None:
    frames = websocket.Frames()
    longest = compressed(bytes(websocket.MAX_MESSAGE_BYTES))
    assert frames.frame(longest) == (bytes(websocket.MAX_MESSAGE_BYTES), b"")
    with pytest.raises(websocket.UnreadError, match="longer than"):
        frames.frame(compressed(bytes(100 * websocket.MAX_MESSAGE_BYTES)) + b"more")
    with pytest.raises(websocket.UnreadError, match="distance"):
        frames.frame(HELLO_AGAIN)


def compressed(message: bytes, deflater: "zlib._Compress | None" = None) -> bytes:
    """A frame as a server sends it; with a deflater of its own it refers to what that has compressed before."""
    with_context = deflater or zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = (with_context.compress(message) + with_context.flush(zlib.Z_SYNC_FLUSH)).removesuffix(websocket.TAIL)
    return b"\xc1\x7f" + len(payload).to_bytes(8, "big") + payload


@given(st.lists(st.tuples(st.text(alphabet="INVTE sip:x;tag=0123\r\n", max_size=3000), st.booleans()), max_size=8))
def test_messages_of_a_context_taken_over_or_not_are_read_from_wherever_they_can_be(
    sent: list[tuple[str, bool]],
) -> None:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = []
    for text, anew in sent:
        if anew:
            deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        stream.append((text.encode(), compressed(text.encode(), deflater)))
    whole = websocket.Frames()
    assert [whole.frame(octets)[0] for _, octets in stream] == [text for text, _ in stream]
    later = websocket.Frames()
    for text, octets in stream[1:]:
        with suppress(websocket.UnreadError):
            assert later.frame(octets)[0] == text


@pytest.mark.parametrize("anew", [False, True], ids=["context taken over", "no context takeover"])
def test_what_another_implementation_compresses_is_read_as_calls(*, anew: bool) -> None:
    d = c.Dialog()
    theirs = {place: PerMessageDeflate(anew, anew, 15, 15) for place in (c.ALICE, c.BOB)}
    records, sent = [], dict.fromkeys(theirs, 1)
    for at_us, source, text in (
        (0, c.ALICE, d.request("INVITE", body=c.sdp(c.ALICE_AUDIO))),
        (200_000, c.BOB, d.response("180 Ringing")),
        (1_000_000, c.BOB, d.response("200 OK", body=c.sdp(c.BOB_AUDIO))),
        (1_005_000, c.ALICE, d.request("ACK", to_tag=True)),
        (4_000_000, c.ALICE, d.request("BYE", 2, to_tag=True)),
        (4_030_000, c.BOB, d.response("200 OK", "2 BYE")),
    ):
        octets = Frame(Opcode.TEXT, text).serialize(mask=source == c.ALICE, extensions=[theirs[source]])
        assert len(octets) < len(text)
        records.append((at_us, c.tcp(source, c.BOB if source == c.ALICE else c.ALICE, sent[source], octets)))
        sent[source] += len(octets)
    (found,) = c.analysed(records).calls
    assert [each.text for each in found.ladder] == ["INVITE", "180 Ringing", "200 OK", "ACK", "BYE", "200 OK"]
    assert (found.talk_us, found.final_code) == (3_000_000, 200)
    late = c.analysed(records[1:])
    assert (late.sip_messages, late.capture.unread) == ((5, 0) if anew else (3, 2))


def test_only_a_compressed_frame_that_carries_sip_begins_a_connection() -> None:
    assert websocket.begins(compressed(b"INVITE sip:x SIP/2.0"))
    assert websocket.begins(compressed(b"INVITE sip:x SIP/2.0" * 99)[:20])
    for other in (compressed(b"GET / HTTP/1.1"), HELLO_AGAIN, b"\xc1\x7f", b"\xc1\x00"):
        assert not websocket.begins(other)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (HELLO_AGAIN, True),
        (HELLO_AGAIN + b"x", False),
        (HELLO_AGAIN[:-1], False),
        (HELLO_MASKED, False),
        (b"\xc1\x00", False),
        (b"\xc1\x7e", False),
        (b"\xc1", False),
    ],
)
def test_a_compressed_message_is_told_by_its_frame(data: bytes, *, found: bool) -> None:
    assert websocket.is_compressed(data) == found
