"""The OPTIONS probe without a network: which answers count, when it gives up, what it ignores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.sensors.probe.options import Local, OptionsProbe, options_request
from clearline.sensors.probe.target import checked_uri
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sip

REQUEST = options_request("sip:192.0.2.1", Local("UDP", "2001:db8::9", 5060), "c0ffee")


def probe(timeout_us: int = 4_000_000) -> OptionsProbe:
    return OptionsProbe(REQUEST, reliable=False, timeout_us=timeout_us, now_us=1_000, timers=Timers())


def answer(status: int, phrase: str = "Phrase", **changed: str) -> bytes:
    headers = REQUEST.replacing(**changed).headers
    return "\r\n".join([f"SIP/2.0 {status} {phrase}", *(f"{k}: {v}" for k, v in headers), "", ""]).encode()


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 405, 407, 483, 486, 501, 505, 600, 603])
def test_any_answer_a_working_server_gives_counts_as_up(status: int) -> None:
    asked = probe()
    asked.receive(answer(status), 3_500)
    assert asked.outcome is not None
    assert (asked.outcome.ok, asked.outcome.code, asked.outcome.latency_us) == (True, status, 2_500)


@pytest.mark.parametrize("status", [408, 430, 480, 500, 502, 503, 504])
def test_an_answer_that_tells_of_a_failing_server_counts_as_down_and_says_why(status: int) -> None:
    asked = probe()
    asked.receive(answer(status, "Oh"), 3_500)
    assert asked.outcome is not None
    assert (asked.outcome.ok, asked.outcome.code) == (False, status)
    assert asked.outcome.reason.startswith(f"{status} Oh: ")


def test_a_provisional_answer_is_not_yet_one() -> None:
    asked = probe()
    asked.receive(answer(100), 3_500)
    assert asked.outcome is None


def test_without_an_answer_it_fails_at_its_deadline_and_says_how_often_it_asked() -> None:
    asked = probe()
    sent = len(asked.to_send())
    while asked.outcome is None and asked.next_timer_us is not None:
        now_us = asked.next_timer_us
        asked.on_timer(now_us)
        sent += len(asked.to_send())
    assert (now_us, sent) == (4_001_000, 4)
    assert asked.outcome is not None
    assert (asked.outcome.ok, asked.outcome.reason) == (False, "no answer within 4 s (sent 4 times)")


def test_a_longer_patience_than_32_s_ends_with_the_transactions_own_timer() -> None:
    asked = probe(timeout_us=60_000_000)
    asked.on_timer(50_000_000)
    assert asked.outcome is not None
    assert "no answer" in asked.outcome.reason


def test_a_refused_delivery_ends_it_at_once() -> None:
    asked = probe()
    asked.transport_failed("refused", "start it", 2_000)
    assert asked.outcome is not None
    assert (asked.outcome.reason, asked.outcome.advice, asked.outcome.code) == ("refused", "start it", None)


@given(st.binary(max_size=200))
def test_foreign_bytes_change_nothing(data: bytes) -> None:
    asked = probe()
    asked.receive(data, 2_000)
    assert asked.outcome is None


def test_answers_to_others_and_requests_change_nothing() -> None:
    asked = probe()
    asked.receive(answer(200, via="SIP/2.0/UDP a;branch=z9hG4bKother"), 2_000)
    asked.receive(REQUEST.encode(), 2_000)
    asked.receive(answer(200, cseq="x"), 2_000)
    assert asked.outcome is None


def test_the_request_is_what_rfc_3261_asks_for() -> None:
    message = sip.parse(REQUEST.encode())
    assert (message.method, message.uri, message.cseq) == ("OPTIONS", "sip:192.0.2.1", (1, "OPTIONS"))
    top = sip.via(message.values("via")[0])
    assert (top.host, top.port, top.branch, top.params["rport"]) == ("2001:db8::9", 5060, "z9hG4bKc0ffee", "")
    assert sip.address(message.header("from") or "").tag == "c0ffee"
    assert message.header("max-forwards") == "70"


@pytest.mark.parametrize(
    ("text", "uri"),
    [("10.0.0.1", "sip:10.0.0.1"), ("a.example:5070", "sip:a.example:5070"), (" SIPS:u@[::1] ", "SIPS:u@[::1]")],
)
def test_a_target_may_be_written_short(text: str, uri: str) -> None:
    assert checked_uri(text) == uri


@pytest.mark.parametrize("text", ["", "tel:+1", "sip:", "sip:a b@c", "sip:a@b>c", "a@b\x00"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(sip.SipError):
        checked_uri(text)
