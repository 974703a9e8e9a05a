import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.wire import websocket
from clearline.voice.wire.sip import SipError

HELLO_MASKED = bytes.fromhex("818537fa213d7f9f4d5158")
HELLO_IN_TWO = bytes.fromhex("010348656c80026c6f")
PING = bytes.fromhex("890548656c6c6f")
"""The examples of RFC 6455 section 5.7."""


@pytest.mark.parametrize(
    ("octets", "message"),
    [(HELLO_MASKED, b"Hello"), (bytes.fromhex("810548656c6c6f"), b"Hello"), (HELLO_IN_TWO, b"Hello"), (PING, b"")],
    ids=["masked", "plain", "fragmented", "ping"],
)
def test_the_examples_of_the_standard(octets: bytes, message: bytes) -> None:
    assert websocket.frame(octets + b"more") == (message, b"more")
    for end in range(len(octets)):
        assert websocket.frame(octets[:end]) == (None, octets[:end])


def test_a_control_frame_may_stand_between_the_parts_of_a_message() -> None:
    assert websocket.frame(HELLO_IN_TWO[:5] + PING + HELLO_IN_TWO[5:]) == (b"Hello", b"")


@pytest.mark.parametrize("bits", [16, 64])
def test_longer_lengths(bits: int) -> None:
    head = bytes([0x82, 126 if bits == 16 else 127]) + (300).to_bytes(bits // 8, "big")
    assert websocket.frame(head + bytes(300)) == (bytes(300), b"")


@pytest.mark.parametrize(
    "octets",
    [
        bytes.fromhex("c10548656c6c6f"),
        HELLO_IN_TWO[5:],
        HELLO_IN_TWO[:5] + HELLO_MASKED,
        b"\x82\x7f" + (1 << 40).to_bytes(8, "big"),
        b"\x01\x01a" + b"\x00\x01a" * websocket.MAX_FRAMES,
    ],
    ids=["compressed", "continues nothing", "begins within another", "too long", "too many parts"],
)
def test_what_cannot_be_followed_is_refused(octets: bytes) -> None:
    with pytest.raises(SipError):
        websocket.frame(octets)


def test_only_a_frame_that_carries_sip_begins_a_connection() -> None:
    assert websocket.begins(b"\x81\x0cINVITE sip:x")
    assert websocket.begins(b"\x01\x08SIP/2.0 ")
    for other in (b"", b"\x81", HELLO_MASKED, PING, b"\xc1\x0cINVITE sip:x", b"\x81\x7e\x01", b"INVITE sip:x"):
        assert not websocket.begins(other)


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    websocket.begins(octets)
    try:
        _, rest = websocket.frame(octets)
    except SipError:
        return
    assert octets.endswith(rest)
