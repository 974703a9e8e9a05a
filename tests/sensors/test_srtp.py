"""Encrypted audio: the published vectors, what is refused, and numbers that wrap."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.sensors.probe.call import offer
from clearline.sensors.probe.srtp import KEY_BYTES, MOST_SOURCES, Srtp, _keystream, attribute, derived, key_of

KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
"""Master key and salt of RFC 3711 appendix B.3."""


def test_keys_are_derived_as_the_standard_derives_them() -> None:
    assert derived(KEY, 0, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derived(KEY, 2, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derived(KEY, 1, 20).hex() == "cebe321f6ff7716b6fd4ab49af256a156d38baa4"


def test_the_key_stream_is_the_standards() -> None:
    """RFC 3711 appendix B.2: sequence number, roll-over counter and source are 0, so that it begins at the salt."""
    start = int("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000", 16)
    found = _keystream(bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"), start, bytes(48)).hex()
    assert found == ("e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0")


PLAIN = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
SEALED = bytes.fromhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb")
"""The packet that libsrtp's own test (`srtp_validate` of test/srtp_driver.c) seals with the key above."""


def test_a_packet_is_sealed_and_opened_as_by_the_library_that_others_use() -> None:
    assert Srtp(KEY).seal(PLAIN) == SEALED
    assert Srtp(KEY).open(SEALED) == PLAIN


@given(st.integers(0, 8 * len(SEALED) - 1))
def test_a_packet_with_any_bit_turned_is_not_opened(bit: int) -> None:
    turned = bytearray(SEALED)
    turned[bit // 8] ^= 1 << bit % 8
    assert Srtp(KEY).open(bytes(turned)) is None


@given(st.binary(max_size=64))
def test_what_was_not_sealed_is_not_opened(packet: bytes) -> None:
    assert Srtp(KEY).open(packet) is None


def packet(number: int, source: int = 7, first: int = 0x80, more: bytes = b"") -> bytes:
    return struct.pack(">BBHII", first, 0, number % 65_536, 160 * number, source) + more + bytes([number % 251]) * 20


@given(st.integers(0, 65_535), st.permutations(range(40)))
def test_packets_are_opened_in_any_order_and_over_the_wrap(first: int, order: list[int]) -> None:
    ours, theirs = Srtp(KEY), Srtp(KEY)
    plain = [packet(first + number) for number in range(40)]
    sealed = [ours.seal(each) for each in plain]
    assert theirs.open(sealed[0]) == plain[0]
    assert [theirs.open(sealed[number]) for number in order] == [plain[number] for number in order]


def test_ten_minutes_wrap_into_the_next_thousands() -> None:
    ours, theirs = Srtp(KEY), Srtp(KEY)
    for number in range(65_000, 3 * 65_536, 100):
        plain = packet(number)
        assert theirs.open(ours.seal(plain)) == plain


def test_contributors_and_an_extension_stay_readable() -> None:
    """Their lengths stand in the header: a sealed packet of another sender is opened behind them."""
    head = packet(1, first=0x91, more=bytes(4) + b"\xbe\xde\x00\x01" + bytes(4))
    ours = Srtp(KEY)
    index_of_payload = 12 + 4 + 8
    sealed = head[:index_of_payload] + ours._turned(head[index_of_payload:], 7, 1)  # made as a sender with them does
    assert Srtp(KEY).open(sealed + ours._tag(sealed, 1)) == head  # likewise


def test_so_many_sources_are_opened_and_no_more() -> None:
    theirs = Srtp(KEY)
    opened = [theirs.open(Srtp(KEY).seal(packet(1, source=source))) for source in range(MOST_SOURCES + 1)]
    assert opened[-1] is None
    assert None not in opened[:-1]


def test_a_key_is_told_and_read_in_the_description() -> None:
    described = offer("192.0.2.1", 4000, KEY).decode()
    assert "m=audio 4000 RTP/SAVP 0 8 101\r\n" in described
    assert key_of(described) == KEY
    assert len(KEY) == KEY_BYTES
    assert key_of(offer("192.0.2.1", 4000).decode()) is None


@pytest.mark.parametrize(("more", "read"), [("|2^31", True), ("|1048576", True), ("|2^31|1:4", False), ("x", False)])
def test_a_lifetime_is_passed_over_and_one_of_several_keys_is_not_understood(more: str, read: bool) -> None:  # noqa: FBT001  # a case of the table
    assert (key_of(f"v=0\r\n{attribute(KEY)}{more}\r\na=sendrecv\r\n") is not None) is read
