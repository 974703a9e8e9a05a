"""The reflector's SIP side without a network: answers, calls, limits and hostile bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.sensors.reflector.endpoint import Endpoint, Hop, Settings
from clearline.sensors.reflector.limits import Bucket, Limits, PerSource, source_of
from clearline.voice.wire import sip

S = 1_000_000
PEER = Hop("192.0.2.1", 5080)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=video 4002 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
)


TALKATIVE = "User-Agent: an honest telephone with a name of some length\r\n" * 4
"""Real callers say more than they must."""


class Ports:
    """Echo ports that are only counted."""

    def __init__(self) -> None:
        self.opened: dict[int, frozenset[str]] = {}
        self.confirmed: set[int] = set()
        self.next = 30_000

    def open(self, hosts: frozenset[str]) -> int | None:
        self.next += 2
        self.opened[self.next] = hosts
        return self.next

    def confirm(self, port: int) -> None:
        self.confirmed.add(port)

    def counts(self, port: int) -> tuple[int, int]:
        return (50, 49) if port in self.opened else (0, 0)

    def close(self, port: int) -> None:
        del self.opened[port]


def made(*, proven: bool = True, **choices: object) -> tuple[Endpoint, Ports]:
    """Make a reflector to which PEER has already proven that it hears it, unless told otherwise."""
    ports = Ports()
    limits = Limits(**{key: value for key, value in choices.items() if key != "ring_us"})  # type: ignore[arg-type]
    settings = Settings(limits=limits, ring_us=int(str(choices.get("ring_us", 0))))
    endpoint = Endpoint(settings, ports, lambda _: ("198.51.100.1", 5062), b"key")
    if proven:
        endpoint._sources.allows(PEER.host, 0, -10 * S)
        endpoint._sources.prove(PEER.host, 0)
    return endpoint, ports


def request(
    method: str, *, call: str = "c1", to_tag: str = "", cseq: int = 1, branch: str = "", body: str = "", extra: str = ""
) -> bytes:
    tag = f";tag={to_tag}" if to_tag else ""
    return (
        f"{method} sip:x@198.51.100.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 10.9.9.9:5080;rport;branch=z9hG4bK{branch or method}\r\n"
        f"Via: SIP/2.0/UDP client;branch=z9hG4bKa\r\nRecord-Route: <sip:192.0.2.1;lr>\r\n"
        f"From: <sip:a@b>;tag=f\r\nTo: <sip:x@c>{tag}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n"
        f"Contact: <sip:a@10.9.9.9:5090>\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def asked(endpoint: Endpoint, data: bytes, now_us: int = 0, hop: Hop = PEER) -> list[sip.SipMessage]:
    endpoint.receive(data, hop, now_us)
    return sent(endpoint)


def sent(endpoint: Endpoint) -> list[sip.SipMessage]:
    return [sip.parse(data) for data, _ in endpoint.to_send()]


def called(endpoint: Endpoint, now_us: int = 0, **choices: object) -> tuple[sip.SipMessage, str]:
    (answer,) = asked(endpoint, request("INVITE", body=SDP, **choices), now_us)  # type: ignore[arg-type]
    return answer, sip.address(answer.header("to") or "").tag


def test_options_is_answered_to_where_it_came_from_with_the_vias_in_their_order() -> None:
    endpoint, _ = made()
    endpoint.receive(request("OPTIONS"), PEER, 0)
    ((data, hop),) = endpoint.to_send()
    answer = sip.parse(data)
    assert (answer.status, hop) == (200, PEER)
    first, second = (sip.via(value) for value in answer.values("via"))
    assert (first.params["received"], first.params["rport"], second.host) == ("192.0.2.1", "5080", "client")
    assert sip.address(answer.header("to") or "").tag
    assert answer.cseq == (1, "OPTIONS")


def test_the_same_request_gets_the_same_tag_without_being_kept() -> None:
    endpoint, _ = made()
    first, second = (asked(endpoint, request("OPTIONS"))[0] for _ in range(2))
    assert first.header("to") == second.header("to")


def test_without_rport_the_answer_goes_to_the_port_the_via_names_but_never_to_another_address() -> None:
    endpoint, _ = made()
    endpoint.receive(request("OPTIONS").replace(b";rport", b""), PEER._replace(port=9999), 0)
    ((_, hop),) = endpoint.to_send()
    assert hop == PEER


def test_a_call_is_answered_with_one_audio_stream_and_the_offers_other_media_refused() -> None:
    endpoint, ports = made()
    answer, _ = called(endpoint)
    lines = answer.body.decode().splitlines()
    assert answer.status == 200
    assert [line for line in lines if line.startswith("m=")] == ["m=video 0 RTP/AVP 96", "m=audio 30002 RTP/AVP 8 101"]
    assert "a=ptime:20" in lines
    assert "c=IN IP4 198.51.100.1" in lines
    assert answer.values("record-route") == ["<sip:192.0.2.1;lr>"]
    assert answer.header("contact") == "<sip:reflector@198.51.100.1:5062>"
    assert ports.opened == {30002: frozenset({"192.0.2.1"})}


def test_a_call_without_an_offer_is_offered_g711() -> None:
    answer = asked(made()[0], request("INVITE"))[0]
    assert b"m=audio 30002 RTP/AVP 0 8" in answer.body


def test_the_200_is_repeated_until_its_ack_and_no_longer() -> None:
    endpoint, _ = made()
    _, tag = called(endpoint)
    endpoint.on_timer(500_000)
    endpoint.on_timer(1_500_000)
    assert [message.status for message in sent(endpoint)] == [200, 200]
    assert asked(endpoint, request("ACK", to_tag=tag), 1_600_000) == []
    endpoint.on_timer(60 * S)
    assert sent(endpoint) == []


def test_a_retransmitted_invite_gets_the_same_answer_and_makes_no_second_call() -> None:
    endpoint, _ = made()
    first, again = called(endpoint)[0], called(endpoint)[0]
    assert (again.headers, again.body) == (first.headers, first.body)
    assert endpoint.calls == 1


def test_bye_ends_the_call_closes_its_echo_and_its_repetition_is_answered_too() -> None:
    endpoint, ports = made()
    _, tag = called(endpoint)
    asked(endpoint, request("ACK", to_tag=tag))
    for _ in range(2):
        assert asked(endpoint, request("BYE", to_tag=tag, cseq=2))[0].status == 200
    assert (endpoint.calls, ports.opened) == (0, {})
    endpoint.on_timer(32 * S)
    assert asked(endpoint, request("BYE", to_tag=tag, cseq=2), 33 * S)[0].status == 481


def test_a_bye_with_a_foreign_tag_ends_nothing() -> None:
    endpoint, _ = made()
    called(endpoint)
    assert asked(endpoint, request("BYE", to_tag="guess", cseq=2))[0].status == 481
    assert endpoint.calls == 1


def test_a_call_that_rings_can_be_cancelled_and_its_refusal_is_repeated_until_the_ack() -> None:
    endpoint, ports = made(ring_us=3 * S)
    ringing, tag = called(endpoint, branch="i")
    assert ringing.status == 180
    assert [answer.status for answer in asked(endpoint, request("CANCEL", branch="i"), S)] == [200, 487]
    assert (endpoint.calls, ports.opened) == (0, {})
    endpoint.on_timer(2 * S)
    assert [answer.status for answer in sent(endpoint)] == [487]
    asked(endpoint, request("ACK", to_tag=tag, branch="i"), 2 * S)
    endpoint.on_timer(4 * S)
    assert sent(endpoint) == []


def test_a_call_that_rings_is_answered_when_the_time_is_over() -> None:
    endpoint, _ = made(ring_us=3 * S)
    called(endpoint)
    endpoint.on_timer(3 * S)
    assert [answer.status for answer in sent(endpoint)] == [200]


def test_a_cancel_after_the_answer_or_for_no_call_changes_nothing() -> None:
    endpoint, _ = made()
    called(endpoint, branch="i")
    assert [answer.status for answer in asked(endpoint, request("CANCEL", branch="i"))] == [200]
    assert [answer.status for answer in asked(endpoint, request("CANCEL", branch="other"))] == [481]
    assert endpoint.calls == 1


def test_a_re_invite_keeps_the_session_and_one_for_no_call_is_refused() -> None:
    endpoint, _ = made()
    first, tag = called(endpoint)
    asked(endpoint, request("ACK", to_tag=tag))
    again = asked(endpoint, request("INVITE", to_tag=tag, cseq=2, branch="r", body=SDP))[0]
    assert (again.status, again.body) == (200, first.body)
    assert asked(endpoint, request("INVITE", call="none", to_tag="x", body=SDP))[0].status == 481


def test_a_call_whose_200_nobody_acknowledges_is_hung_up_after_32_s() -> None:
    endpoint, ports = made()
    called(endpoint)
    for second in range(1, 33):
        endpoint.on_timer(second * S)
    assert [message.method for message in sent(endpoint)][-1] == "BYE"
    assert ports.opened == {}


def test_a_call_that_talks_too_long_is_hung_up_through_the_proxy_it_came_from() -> None:
    endpoint, ports = made()
    _, tag = called(endpoint)
    asked(endpoint, request("ACK", to_tag=tag))
    endpoint.on_timer(120 * S)
    ((data, hop),) = endpoint.to_send()
    bye = sip.parse(data)
    assert (bye.method, bye.uri, bye.values("route"), hop) == (
        "BYE", "sip:a@10.9.9.9:5090", ["<sip:192.0.2.1;lr>"], PEER,
    )  # fmt: skip
    assert ports.opened == {}
    lines = ["SIP/2.0 200 OK", f"Via: {bye.header('via')}", f"CSeq: {bye.header('cseq')}", "", ""]
    asked(endpoint, "\r\n".join(lines).encode(), 121 * S)
    endpoint.on_timer(200 * S)
    assert endpoint.next_timer_us is None


def test_encrypted_audio_is_refused_because_it_cannot_be_echoed() -> None:
    body = SDP.replace("audio 4000 RTP/AVP", "audio 4000 RTP/SAVP")
    assert asked(made()[0], request("INVITE", body=body))[0].status == 488


def test_one_source_gets_so_many_calls_and_all_together_so_many() -> None:
    endpoint, _ = made(calls_per_source=2, calls=3)
    statuses = [asked(endpoint, request("INVITE", call=f"c{n}", body=SDP), n * S)[0].status for n in range(3)]
    assert statuses == [200, 200, 486]
    others = [
        asked(endpoint, request("INVITE", call=f"d{n}", body=SDP, extra=TALKATIVE), n * S, Hop(f"192.0.2.{n + 8}", 1))[
            0
        ].status
        for n in range(2)
    ]
    assert others == [200, 503]


def test_a_forged_source_gets_few_answers_that_are_repeated() -> None:
    endpoint, _ = made()
    statuses = [asked(endpoint, request("INVITE", call=f"c{n}", body=SDP))[0].status for n in range(4)]
    assert statuses == [200, 200, 200, 486]


OFFER_LINES = st.sampled_from(
    ["m=", "m=audio", "m=audio 4000 RTP/AVP 0", "m=audio x RTP/AVP 0", "c=", "c=IN IP4 192.0.2.1", "a=rtpmap:", "a=",
     "a=rtpmap: telephone-event/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp", "=", ""]
)  # fmt: skip


@given(st.lists(OFFER_LINES | st.text(max_size=20), max_size=12))
def test_no_offer_breaks_it_and_each_is_answered(lines: list[str]) -> None:
    endpoint, _ = made()
    body = "\r\n".join(lines).encode()
    data = request("INVITE").replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body
    (answer,) = asked(endpoint, data)
    assert answer.status in (200, 488)


def test_requests_above_the_sources_limit_get_no_answer_and_others_are_not_touched() -> None:
    endpoint, _ = made(requests_per_second=2, request_burst=3)
    assert [len(asked(endpoint, request("OPTIONS"))) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert len(asked(endpoint, request("OPTIONS"), hop=Hop("192.0.2.77", 5060))) == 1
    assert len(asked(endpoint, request("OPTIONS"), now_us=S // 2)) == 1
    assert endpoint.counted["limited"] == 2


def test_a_stranger_gets_no_more_bytes_than_came_and_what_does_not_fit_is_left_out() -> None:
    endpoint, _ = made(proven=False)
    data = request("OPTIONS", extra="User-Agent: x\r\n")
    endpoint.receive(data, PEER, 0)
    ((answer, _),) = endpoint.to_send()
    assert len(answer) <= len(data)
    assert sip.parse(answer).header("server") is None
    short = b"OPTIONS sip:x SIP/2.0\r\nv:SIP/2.0/UDP a;branch=1\r\nf:<s:a>;tag=1\r\nt:<s:b>\r\n"
    assert asked(endpoint, short + b"i:1\r\nCSeq:1 OPTIONS\r\n\r\n") == []


def test_a_strangers_call_is_answered_once_for_each_time_it_is_asked_for() -> None:
    endpoint, _ = made(proven=False)
    invite = request("INVITE", body=SDP, extra=TALKATIVE)
    (first,) = asked(endpoint, invite)
    assert first.status == 200
    assert endpoint.counted["unpaid"] == 0
    for number in range(1, 8):
        endpoint.on_timer(number * 4 * S)
        assert sent(endpoint) == []
    (again,) = asked(endpoint, invite, 30 * S)
    assert (again.status, again.body) == (first.status, first.body)


def test_the_ack_with_our_tag_proves_that_the_caller_hears_us_and_opens_the_echo() -> None:
    endpoint, ports = made(proven=False)
    invite = request("INVITE", body=SDP, extra=TALKATIVE)
    (answer,) = asked(endpoint, invite)
    asked(endpoint, request("ACK", to_tag="guessed"))
    assert ports.confirmed == set()
    asked(endpoint, request("ACK", to_tag=sip.address(answer.header("to") or "").tag))
    assert ports.confirmed == {30002}
    assert asked(endpoint, request("INVITE", call="c2"))[0].status == 200  # longer than the request


def test_a_strangers_call_whose_answer_would_be_longer_is_refused_and_holds_no_port() -> None:
    endpoint, ports = made(proven=False)
    (answer,) = asked(endpoint, request("INVITE", extra=TALKATIVE[:120] + "\r\n"))
    assert answer.status == 488
    assert ports.opened == {}


METHODS = st.sampled_from(["OPTIONS", "INVITE", "CANCEL", "BYE", "ACK", "REGISTER"])


@pytest.mark.parametrize("ring_us", [0, S])
@given(
    st.lists(
        st.tuples(
            METHODS, st.sampled_from(["c1", "c2", "c3"]), st.booleans(), st.integers(0, 3_000), st.integers(0, 9)
        ),
        max_size=30,
    )
)
def test_whoever_forges_an_address_never_makes_us_send_it_more_bytes_than_it_sent_itself(
    ring_us: int, steps: list[tuple[str, str, bool, int, int]]
) -> None:
    endpoint, _ = made(proven=False, ring_us=ring_us)
    now_us = received = answered = 0
    for method, call, offers, pause_ms, padding in steps:
        data = request(method, call=call, to_tag="guess" if method == "ACK" else "", body=SDP if offers else "")
        data = data.replace(b"Contact:", b"X: " + b"x" * padding * 40 + b"\r\nContact:")
        received += len(data)
        endpoint.receive(data, PEER, now_us)
        answered += sum(len(said) for said, _ in endpoint.to_send())
        now_us += pause_ms * 1000
        endpoint.on_timer(now_us)
        answered += sum(len(said) for said, _ in endpoint.to_send())
        assert answered <= received
    for _ in range(200):
        now_us += S
        endpoint.on_timer(now_us)
        answered += sum(len(said) for said, _ in endpoint.to_send())
    assert answered <= received


def test_unknown_methods_missing_headers_and_required_extensions_are_refused_by_the_book() -> None:
    endpoint, _ = made()
    assert asked(endpoint, request("SUBSCRIBE"))[0].status == 405
    assert asked(endpoint, request("OPTIONS").replace(b"From:", b"X-From:"))[0].status == 400
    assert asked(endpoint, request("OPTIONS").replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"))[0].status == 400
    refused = asked(endpoint, request("OPTIONS", extra="Require: 100rel\r\n"))[0]
    assert (refused.status, refused.header("unsupported")) == (420, "100rel")


def test_keep_alives_and_answers_to_nothing_get_no_answer() -> None:
    endpoint, _ = made()
    for data in (
        b"\r\n\r\n",
        b"\0\0",
        b"SIP/2.0 200 OK\r\n\r\n",
        request("ACK"),
        b"OPTIONS sip:a SIP/2.0\r\n\r\n",
        b"x",
    ):
        assert asked(endpoint, data) == []
    assert endpoint.counted["malformed"] == 2


@given(
    st.lists(st.binary(max_size=400) | st.sampled_from([request("INVITE", body=SDP), request("BYE")]), max_size=8),
    st.data(),
)
def test_no_bytes_break_it(messages: list[bytes], data: st.DataObject) -> None:
    endpoint, _ = made()
    for message in messages:
        cut = data.draw(st.integers(0, len(message)))
        endpoint.receive(message[:cut] + b";" + message[cut:], PEER, 0)
        endpoint.on_timer(40 * S)
        endpoint.to_send()


def test_ended_calls_are_forgotten_early_under_a_flood() -> None:
    endpoint, ports = made(calls=2, requests_per_second=1000, request_burst=1000)
    for number in range(50):
        _, tag = called(endpoint, call=f"c{number}")
        asked(endpoint, request("BYE", call=f"c{number}", to_tag=tag, cseq=2))
    assert len(endpoint._calls) <= 4
    assert ports.opened == {}


def test_a_bucket_holds_its_burst_and_fills_at_its_rate_whatever_the_clock_does() -> None:
    bucket = Bucket(2, 3, 0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(499_999), bucket.take(500_000), bucket.take(100)] == [False, True, False]


def test_the_source_silent_longest_is_forgotten_first() -> None:
    sources = PerSource(Limits(sources=2, request_burst=1))
    assert [sources.allows(host, 1, 0) for host in ("a", "b", "a", "c", "b")] == [True, True, False, True, True]
    assert len(sources) == 2


def test_an_ipv6_network_of_one_host_is_one_source() -> None:
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:1") != source_of("2001:db8:0:1::1")
    assert source_of("fe80::1%eth0") == "fe80::/64"
