"""Client transactions against RFC 3261's figures 5 and 6 and its timer table; moments are in milliseconds here."""

import pytest

from clearline.sensors.probe.message import Request, cancellation
from clearline.sensors.probe.options import Local, options_request
from clearline.sensors.probe.transaction import (
    INVITE_TABLE,
    OTHER_TABLE,
    ClientTransaction,
    State,
    TimedOut,
    Timers,
    TransportFailed,
)
from clearline.voice.wire import sip

MS = 1000
OPTIONS = options_request("sip:b@192.0.2.1", Local("UDP", "192.0.2.9", 5060), "c0ffee")
INVITE = Request("INVITE", OPTIONS.uri, OPTIONS.headers, b"v=0\r\n").replacing(cseq="1 INVITE")


def answer(request: Request, status: int, tag: str = "9") -> sip.SipMessage:
    lines = [f"SIP/2.0 {status} x", *(f"{name}: {value}" for name, value in request.headers if name != "to")]
    return sip.parse("\r\n".join([*lines, f"To: <sip:b@192.0.2.1>;tag={tag}", "", ""]).encode())


def started(request: Request, *, reliable: bool = False) -> ClientTransaction:
    transaction = ClientTransaction(request, reliable=reliable, now_us=0, timers=Timers())
    assert transaction.to_send() == [request.encode()]
    return transaction


def sent_at(transaction: ClientTransaction, until_ms: int) -> list[int]:
    moments = []
    while (due := transaction.next_timer_us) is not None and due <= until_ms * MS:
        transaction.on_timer(due)
        moments += [due // MS] * len(transaction.to_send())
    return moments


def test_options_is_sent_again_with_doubling_pauses_up_to_four_seconds_and_given_up_after_32() -> None:
    transaction = started(OPTIONS)
    assert sent_at(transaction, 40_000) == [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    assert [type(event) for event in transaction.events()] == [TimedOut]
    assert (transaction.state, transaction.next_timer_us) == (State.TERMINATED, None)


def test_invite_is_sent_again_with_doubling_pauses_without_bound() -> None:
    transaction = started(INVITE)
    assert sent_at(transaction, 40_000) == [500, 1500, 3500, 7500, 15_500, 31_500]
    assert isinstance(transaction.events()[0], TimedOut)


def test_a_late_timer_catches_up_on_what_was_due() -> None:
    transaction = started(OPTIONS)
    transaction.on_timer(4_000 * MS)
    assert len(transaction.to_send()) == 3


def test_on_a_reliable_transport_nothing_is_sent_again_and_nothing_lingers() -> None:
    transaction = started(OPTIONS, reliable=True)
    assert sent_at(transaction, 31_999) == []
    transaction.receive(answer(OPTIONS, 200), 31_999 * MS)
    transaction.on_timer(31_999 * MS)
    assert transaction.state is State.TERMINATED


def test_a_provisional_answer_slows_options_down_and_stops_invite() -> None:
    transaction = started(OPTIONS)
    transaction.receive(answer(OPTIONS, 100), 100 * MS)
    assert sent_at(transaction, 10_000) == [500, 4500, 8500]
    ringing = started(INVITE)
    ringing.receive(answer(INVITE, 180), 100 * MS)
    assert (ringing.state, ringing.next_timer_us) == (State.PROCEEDING, None)


def test_a_final_answer_is_reported_once_and_its_repetitions_are_absorbed_for_t4() -> None:
    transaction = started(OPTIONS)
    for now_us in (100 * MS, 200 * MS):
        transaction.receive(answer(OPTIONS, 200), now_us)
    assert [event.status for event in transaction.events() if isinstance(event, sip.SipMessage)] == [200]
    assert transaction.next_timer_us == 5_100 * MS


def test_a_refused_invite_is_acknowledged_as_often_as_the_refusal_comes() -> None:
    transaction = started(INVITE)
    for now_us in (100 * MS, 600 * MS):
        transaction.receive(answer(INVITE, 486), now_us)
    one, other = transaction.to_send()
    assert one == other
    first = sip.parse(one)
    assert (first.method, first.cseq, first.values("via")) == ("ACK", (1, "ACK"), INVITE.values("via"))
    assert sip.address(first.header("to") or "").tag == "9"
    assert len(transaction.events()) == 1
    assert transaction.next_timer_us == 32_100 * MS


def test_every_repetition_of_a_success_is_passed_on_because_its_ack_is_the_callers_business() -> None:
    transaction = started(INVITE)
    for now_us in (100 * MS, 600 * MS):
        transaction.receive(answer(INVITE, 200), now_us)
    assert len(transaction.events()) == 2
    assert transaction.to_send() == []
    transaction.on_timer(32_100 * MS)
    assert transaction.state is State.TERMINATED


def test_a_failed_transport_is_reported_with_its_reason_unless_an_answer_came_before() -> None:
    transaction = started(OPTIONS)
    transaction.transport_failed("refused", 1)
    transaction.transport_failed("refused", 2)
    assert transaction.events() == [TransportFailed("refused")]
    answered = started(OPTIONS)
    answered.receive(answer(OPTIONS, 200), 1)
    answered.transport_failed("refused", 2)
    assert len(answered.events()) == 1


@pytest.mark.parametrize("change", [("via", "SIP/2.0/UDP a;branch=z9hG4bKother"), ("cseq", "1 INVITE")])
def test_an_answer_to_something_else_does_not_match(change: tuple[str, str]) -> None:
    transaction = started(OPTIONS)
    assert transaction.matches(answer(OPTIONS, 200))
    assert not transaction.matches(answer(OPTIONS.replacing(**dict([change])), 200))


def test_a_cancel_names_the_invites_transaction() -> None:
    cancel = sip.parse(cancellation(INVITE).encode())
    assert (cancel.method, cancel.cseq, cancel.values("via")) == ("CANCEL", (1, "CANCEL"), INVITE.values("via"))


def test_no_header_of_ours_can_be_split_in_two() -> None:
    with pytest.raises(ValueError, match="line end"):
        OPTIONS.replacing(subject="a\r\nEvil: 1").encode()


def test_every_step_of_the_tables_leaves_a_state_that_can_be_left() -> None:
    for table in (INVITE_TABLE, OTHER_TABLE):
        left = {state for state, _ in table}
        assert {state for state, _ in table.values()} - left == {State.TERMINATED}
