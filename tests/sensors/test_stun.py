"""STUN messages against the vectors of RFC 5769, and the relay probe against answers written by hand."""

import struct
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.sensors.probe.relay import RelayProbe
from clearline.sensors.probe.stun import ERROR, SUCCESS, Kind, Message, Method, StunError, frame, long_term_key, parse
from clearline.sensors.probe.target import Credentials

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"

IPV4_RESPONSE = bytes.fromhex(
    "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643"
    "00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96"
)
IPV6_RESPONSE = bytes.fromhex(
    "01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200014 0002a147 0113a9fa"
    "a5d3f179 bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c"
)
LONG_TERM_REQUEST = bytes.fromhex(
    "00010060 2112a442 78ad3433 c6ad72c0 29da412e 00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000 0015001c"
    "662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341 0014000b 6578616d 706c652e 6f726700 00080014"
    "f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666"
)


@pytest.mark.parametrize(
    ("data", "place"),
    [(IPV4_RESPONSE, ("192.0.2.1", 32853)), (IPV6_RESPONSE, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))],
)
def test_the_sample_responses_of_rfc_5769_name_our_address_and_are_signed(data: bytes, place: tuple[str, int]) -> None:
    message = parse(data)
    assert (message.method, message.cls) == (Method.BINDING, SUCCESS)
    assert message.get(Kind.SOFTWARE) == b"test vector"
    assert message.place(Kind.XOR_MAPPED_ADDRESS) == place
    assert message.is_signed_with(PASSWORD)
    assert not message.is_signed_with(b"another")


def test_the_long_term_request_of_rfc_5769_is_signed_with_its_user_realm_and_password() -> None:
    key = long_term_key("マトリックス", "example.org", "TheMatrIX")
    message = parse(LONG_TERM_REQUEST)
    assert message.is_signed_with(key)
    ours = Message(Method.BINDING, 0, message.transaction)
    for kind in (Kind.USERNAME, Kind.NONCE, Kind.REALM):
        ours = ours.adding(kind, message.get(kind) or b"")
    assert parse(ours.encode(key)).is_signed_with(key)
    assert ours.encode(key)[4:-8] == LONG_TERM_REQUEST[4:]  # the fingerprint behind it is ours


@pytest.mark.parametrize("position", range(0, len(IPV4_RESPONSE), 3))
def test_a_damaged_byte_is_noticed_by_the_fingerprint_or_the_form(position: int) -> None:
    damaged = bytearray(IPV4_RESPONSE)
    damaged[position] ^= 0x41
    try:
        message = parse(bytes(damaged))
    except StunError:
        return
    assert message.get(Kind.FINGERPRINT) is None  # its own head was hit: then the signature tells
    assert position >= len(IPV4_RESPONSE) - 8


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_but_that_they_are_no_message(data: bytes) -> None:
    for read in (parse, frame):
        try:
            read(data)
        except StunError:
            continue


@given(st.sampled_from(Method), st.sampled_from([0, 2, 3]), st.lists(st.binary(max_size=30), max_size=5))
def test_what_is_written_is_read_back_and_cut_off_a_stream(method: Method, cls: int, values: list[bytes]) -> None:
    message = Message(method, cls, bytes(12), tuple((Kind.SOFTWARE, value) for value in values))
    data = message.encode()
    whole, rest = frame(data + b"\0")
    assert (whole, rest) == (data, b"\0")
    assert frame(data[:-1]) == (None, data[:-1])
    read = parse(data)
    assert (read.method, read.cls, read.attributes[:-1]) == (method, cls, message.attributes)


ALICE = Credentials("alice", "secret")
KEY = long_term_key("alice", "voip.test", "secret")


def probe(*, relays: bool = True, credentials: Credentials | None = ALICE) -> RelayProbe:
    numbers = count(1)
    return RelayProbe(
        credentials,
        relays=relays,
        reliable=False,
        timeout_us=4_000_000,
        now_us=0,
        new_transaction=lambda: struct.pack(">12x")[:8] + struct.pack(">I", next(numbers)),
    )


def last(asked: RelayProbe) -> Message:
    return parse(asked.to_send()[-1])


def refusal(request: Message, code: int, *, nonce: bytes = b"n1") -> bytes:
    error = struct.pack(">HBB", 0, code // 100, code % 100) + b"No"
    made = Message(request.method, ERROR, request.transaction).adding(Kind.ERROR_CODE, error)
    return made.adding(Kind.REALM, b"voip.test").adding(Kind.NONCE, nonce).encode()


def success(request: Message, *, key: bytes | None = KEY) -> bytes:
    made = Message(request.method, SUCCESS, request.transaction)
    place = bytes(a ^ b for a, b in zip(b"\xc0\0\2\1", struct.pack(">I", 0x2112A442), strict=True))
    for kind in (Kind.XOR_RELAYED_ADDRESS, Kind.XOR_MAPPED_ADDRESS):
        made = made.adding(kind, struct.pack(">HH", 1, 4000 ^ 0x2112) + place)
    return made.encode(key)


def allocated() -> tuple[RelayProbe, Message]:
    asked = probe()
    first = last(asked)
    assert first.get(Kind.USERNAME) is None
    asked.receive(refusal(first, 401), 1_000)
    return asked, last(asked)


def test_an_allocation_is_gained_with_the_password_and_given_back() -> None:
    asked, signed = allocated()
    assert (signed.get(Kind.USERNAME), signed.get(Kind.NONCE)) == (b"alice", b"n1")
    assert signed.is_signed_with(KEY)
    asked.receive(success(signed), 5_000)
    assert asked.outcome is None
    returned = last(asked)
    assert (returned.method, returned.get(Kind.LIFETIME)) == (Method.REFRESH, bytes(4))
    asked.receive(success(returned), 9_000)
    assert asked.outcome is not None
    assert (asked.outcome.ok, asked.outcome.latency_us) == (True, 5_000)
    assert asked.outcome.reason == "it relays at 192.0.2.1:4000; it sees us as 192.0.2.1:4000"


def test_a_gained_allocation_stays_good_when_giving_it_back_is_not_answered() -> None:
    asked, signed = allocated()
    asked.receive(success(signed), 5_000)
    asked.on_timer(4_005_000)
    assert asked.outcome is not None
    assert asked.outcome.ok


def test_a_stale_nonce_is_replaced_once_and_a_wrong_password_is_said_to_be_wrong() -> None:
    asked, signed = allocated()
    asked.receive(refusal(signed, 438, nonce=b"n2"), 2_000)
    again = last(asked)
    assert again.get(Kind.NONCE) == b"n2"
    asked.receive(refusal(again, 401), 3_000)
    assert asked.outcome is not None
    assert (asked.outcome.ok, asked.outcome.code) == (False, 401)
    assert asked.outcome.reason == "401 No: user or password was not accepted"


def test_a_server_that_keeps_calling_nonces_stale_is_believed_in_the_end() -> None:
    asked, signed = allocated()
    for _ in range(5):
        if asked.outcome is None:
            asked.receive(refusal(signed, 438), 2_000)
            sent = asked.to_send()
            signed = parse(sent[-1]) if sent else signed
    assert asked.outcome is not None
    assert asked.outcome.code == 438


def test_an_answer_that_is_not_signed_with_the_password_counts_as_none() -> None:
    asked, signed = allocated()
    for key in (None, b"forged"):
        asked.receive(success(signed, key=key), 5_000)
    assert asked.outcome is None
    asked.on_timer(4_001_000)
    assert asked.outcome is not None
    assert asked.outcome.reason == "2 answers, none signed with the password"


def test_without_an_account_a_challenge_is_a_failure_that_says_so_and_an_open_relay_is_named() -> None:
    asked = probe(credentials=None)
    asked.receive(refusal(last(asked), 401), 1_000)
    assert asked.outcome is not None
    assert asked.outcome.reason == "401 No: a password is asked for"
    opened = probe(credentials=None)
    opened.receive(success(last(opened), key=None), 1_000)
    opened.receive(success(last(opened), key=None), 2_000)
    assert opened.outcome is not None
    assert "without asking for a password" in opened.outcome.reason


def test_a_binding_is_repeated_after_a_half_one_two_seconds_and_given_up_at_the_deadline() -> None:
    asked = probe(relays=False)
    moments = [0] * len(asked.to_send())
    while asked.outcome is None:
        now_us = asked.next_timer_us or 0
        asked.on_timer(now_us)
        moments += [now_us] * len(asked.to_send())
    assert moments == [0, 500_000, 1_500_000, 3_500_000]
    assert asked.outcome.reason == "no answer within 4 s (sent 4 times)"


def test_an_answer_to_another_transaction_without_an_address_or_with_no_code_is_not_good() -> None:
    asked = probe(relays=False)
    request = last(asked)
    asked.receive(IPV4_RESPONSE, 1)
    asked.receive(b"nonsense", 1)
    assert asked.outcome is None
    asked.receive(Message(request.method, SUCCESS, request.transaction).encode(), 1_000)
    assert asked.outcome is not None
    assert (asked.outcome.ok, asked.outcome.reason) == (False, "its answer names no address")
    other = probe(relays=False)
    other.receive(Message(request.method, ERROR, last(other).transaction).encode(), 1_000)
    assert other.outcome is not None
    assert other.outcome.reason == "an error without a code"
