"""SIP messages: RFC 3261's own examples, sloppy real senders, and hostile bytes."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.wire import sip

INVITE = (
    b"INVITE sip:bob@biloxi.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds\r\n"
    b"Max-Forwards: 70\r\n"
    b"To: Bob <sip:bob@biloxi.com>\r\n"
    b"From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Contact: <sip:alice@pc33.atlanta.com>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 4\r\n\r\n"
    b"v=0\nand what a sloppy sender left behind"
)
"""RFC 3261 section 4's INVITE, with four bytes of body and trailing rubbish."""


def test_a_request_is_read_as_it_was_sent() -> None:
    message = sip.parse(INVITE)
    assert (message.method, message.uri, message.status) == ("INVITE", "sip:bob@biloxi.com", None)
    assert message.call_id == "a84b4c76e66710@pc33.atlanta.com"
    assert message.cseq == (314159, "INVITE")
    assert message.body == b"v=0\n"
    sender = sip.address(message.header("from") or "")
    assert (sender.display, sender.uri, sender.tag) == ("Alice", "sip:alice@atlanta.com", "1928301774")
    assert sip.via(message.values("via")[0]).branch == "z9hG4bK776asdhds"


def test_a_response_keeps_its_reason_phrase_and_may_have_none() -> None:
    assert sip.parse(b"SIP/2.0 404 Not Here\r\n\r\n").reason == "Not Here"
    bare = sip.parse(b"sip/2.0 200\n\n")
    assert (bare.status, bare.reason, bare.method, bare.call_id) == (200, "", None, "")


@given(st.lists(st.sampled_from(["\r", "\n", "a:b", "c"]), max_size=12).map("".join))
def test_the_head_ends_at_the_first_blank_line_however_lines_end(after: str) -> None:
    data = f"SIP/2.0 200 OK\r\nd:e{after}\r\n\r\nbody".encode()
    ends = [at for at in (data.find(b"\n\n"), data.find(b"\n\r\n"), data.find(b"\r\n\r\n") + 1) if at >= 0]
    rest = data[min(ends) :].removeprefix(b"\n").removeprefix(b"\r").removeprefix(b"\n")
    with suppress(sip.SipError):
        assert sip.parse(data).body == rest


def test_compact_and_folded_headers_bare_line_feeds_and_blanks_before_colons_are_understood() -> None:
    message = sip.parse(
        b"\r\n\r\noptions sip:a@b SIP/2.0\nv : SIP/2.0/UDP a,\n SIP/2.0/TCP [::1]:5070;rport\nl: 0\ni:x\n"
        b"m: <sip:a,b@c>, sip:d@e\n\n"
    )
    assert message.method == "OPTIONS"
    assert [sip.via(value).transport for value in message.values("via")] == ["UDP", "TCP"]
    assert sip.via(message.values("via")[1]) == sip.Via("TCP", "::1", 5070, {"rport": ""})
    assert message.call_id == "x"
    assert message.values("contact") == ["<sip:a,b@c>", "sip:d@e"]
    assert message.header("subject") is None


def test_a_content_length_that_lies_upwards_or_is_no_number_leaves_the_body_to_the_datagrams_end() -> None:
    for length in (b"9999999999999", b"100", b"x"):
        assert sip.parse(b"BYE sip:a@b SIP/2.0\r\nl: %b\r\n\r\nbody" % length).body == b"body"


def test_a_head_cut_by_a_snap_length_keeps_what_is_there() -> None:
    message = sip.parse(b"BYE sip:a@b SIP/2.0\r\nCall-ID: x\r\n")
    assert (message.call_id, message.body) == ("x", b"")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "line 1"),
        (b"GET / HTTP/1.1\r\n\r\n", "line 1"),
        (b"SIP/2.0 OK\r\n\r\n", "line 1"),
        (b"BYE sip:a@b SIP/2.0\r\nVia: x\r\nnonsense\r\n\r\n", "line 3 is no header"),
        (b"BYE sip:a@b SIP/2.0\r\n: x\r\n\r\n", "line 2 is no header"),
        (b"BYE sip:a@b SIP/2.0\r\n" + b"A: 1\r\n" * 513, "more than 512 headers"),
        (b"BYE sip:a@b SIP/2.0\r\nA: " + b"x" * 70_000, "longer than 65535"),
    ],
)
def test_what_is_no_message_is_refused_with_its_line(data: bytes, says: str) -> None:
    with pytest.raises(sip.SipError, match=says):
        sip.parse(data)


def test_a_bad_cseq_is_found_when_it_is_asked_for() -> None:
    with pytest.raises(sip.SipError, match="CSeq is 'x'"):
        _ = sip.parse(b"BYE sip:a@b SIP/2.0\r\nCSeq: x\r\n\r\n").cseq


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:alice@atlanta.com", sip.Uri("sip", "alice", "atlanta.com", None, {})),
        ("SIPS:1@[2001:db8::1]:506;transport=TCP?a", sip.Uri("sips", "1", "2001:db8::1", 506, {"transport": "TCP"})),
        ("sip:10.0.0.1:5080", sip.Uri("sip", "", "10.0.0.1", 5080, {})),
        ("tel:+1-201-555-0123;phone-context=x", sip.Uri("tel", "+1-201-555-0123", "", None, {"phone-context": "x"})),
    ],
)  # fmt: skip
def test_a_uri_is_read_into_its_parts(text: str, expected: sip.Uri) -> None:
    assert sip.uri(text) == expected


@pytest.mark.parametrize("text", ["mailto:a@b", "sip:", "sip:a@", "sip:a@b:70000"])
def test_a_uri_without_a_usable_host_is_refused(text: str) -> None:
    with pytest.raises(sip.SipError):
        sip.uri(text)


def test_quoted_names_may_hold_brackets_commas_and_escaped_quotes() -> None:
    read = sip.address('"Smith, \\"A\\" <x>" <sip:a@b;lr>;tag=1;flag')
    assert (read.display, read.uri, read.params) == ('Smith, "A" <x>', "sip:a@b;lr", {"tag": "1", "flag": ""})
    assert sip.split_list('"a,\\"b" <sip:x,y@z>, <sip:c@d>,') == ['"a,\\"b" <sip:x,y@z>', "<sip:c@d>"]
    assert sip.address("sip:a@b;tag=9").params == {"tag": "9"}
    assert sip.address('odd"name <sip:a@b>').uri == "sip:a@b"


def test_an_unclosed_bracket_and_a_foreign_via_are_refused() -> None:
    with pytest.raises(sip.SipError, match="not closed"):
        sip.address("<sip:a@b")
    with pytest.raises(sip.SipError, match="Via"):
        sip.via("HTTP/1.1 x")


def test_a_folded_first_line_has_nothing_to_continue() -> None:
    with pytest.raises(sip.SipError, match="line 2 is no header"):
        sip.parse(b"BYE sip:a@b SIP/2.0\r\n  folded\r\n\r\n")


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=4), st.integers(1, 7))
def test_messages_are_cut_from_a_stream_however_it_is_chunked(bodies: list[bytes], size: int) -> None:
    messages = [b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies]
    stream = b"\r\n\r\n".join(messages)
    buffer, cut = b"", []
    for start in range(0, len(stream), size):
        buffer += stream[start : start + size]
        while True:
            message, buffer = sip.frame(buffer)
            if message is None:
                break
            cut.append(message)
    assert cut == messages
    assert [sip.parse(message).body for message in cut] == bodies


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"BYE sip:a@b SIP/2.0\r\n\r\n", "no Content-Length"),
        (b"BYE sip:a@b SIP/2.0\r\nl: -1\r\n\r\n", "no number"),
        (b"BYE sip:a@b SIP/2.0\r\nl: 99999999\r\n\r\n", "no number"),
        (b"x" * 70_000, "longer than 65535"),
    ],
)
def test_a_stream_that_cannot_be_followed_is_given_up(data: bytes, says: str) -> None:
    with pytest.raises(sip.SipError, match=says):
        sip.frame(data)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: b"BYE sip:a@b SIP/2.0\r\n" + text.encode()))
def test_no_bytes_raise_anything_but_a_sip_error(data: bytes) -> None:
    for read in (sip.parse, sip.frame):
        with suppress(sip.SipError):
            read(data)


@given(st.text(max_size=80))
def test_no_header_value_raises_anything_but_a_sip_error(text: str) -> None:
    for read in (sip.address, sip.uri, sip.via, sip.split_list, sip.parameters):
        with suppress(sip.SipError):
            read(text)


def test_the_rfc_torture_message_with_every_oddity_is_read() -> None:
    """RFC 4475 section 3.1.1.1, a short tortuous INVITE."""
    message = sip.parse((Path(__file__).parent / "sip_rfc4475_wsinv.dat").read_bytes())
    assert message.method == "INVITE"
    assert message.cseq == (9, "INVITE")
    assert message.call_id == "wsinv.ndaksdj@192.0.2.1"
    assert [sip.via(value).host for value in message.values("via")] == [
        "192.0.2.2",
        "spindle.example.com",
        "192.168.255.111",
    ]
    assert sip.address(message.header("to") or "").tag == "1918181833n"
    assert sip.address(message.header("from") or "").display == 'J Rosenberg \\"'
