"""Back-to-back user agents: which call is another leg of which."""

import pytest
from tests.voice.captures import ALICE, Dialog, analysed, back, there, udp

D = Dialog()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            ["Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000"],
            ["Session-ID: ab30317f1a784dc48ff824d0d3715d86"],
        ),
        (["P-Charging-Vector: icid-value=ab12;icid-generated-at=192.0.2.1"], ["P-Charging-Vector: icid-value=ab12"]),
        ([], ["X-Call-ID: c1@example.com"]),
        ([], ["X-CID: c1@example.com"]),
    ],
)
def test_the_legs_of_a_back_to_back_user_agent_are_linked(first: list[str], second: list[str]) -> None:
    records = [
        there(0, D.request("INVITE", extra=first)),
        there(10_000, Dialog(call_id="leg2@b2bua").request("INVITE", extra=second)),
        there(20_000, Dialog(call_id="other@x").request("INVITE")),
    ]
    assert [(found.call_id, found.linked, found.link_basis) for found in analysed(records).calls] == [
        ("c1@example.com", None, None),
        ("leg2@b2bua", "c1@example.com", "identifier"),
        ("other@x", None, None),
    ]


SBC, CARRIER = "10.0.0.2:5060", "198.51.100.7:5060"


def second_leg(caller: str = "sip:alice@example.com", callee: str = "sip:bob@example.com") -> bytes:
    return Dialog("leg2@sbc", caller, callee, "sbc1").request("INVITE")


@pytest.mark.parametrize(
    ("caller", "callee", "source", "destination", "at_us", "linked"),
    [
        ("sip:alice@sbc.example", "sip:bob@carrier.example", SBC, CARRIER, 50_000, "c1@example.com"),
        ("sip:alice@sbc.example", "sip:carol@carrier.example", SBC, CARRIER, 50_000, None),
        ("sip:dave@sbc.example", "sip:bob@carrier.example", SBC, CARRIER, 50_000, None),
        ("sip:alice@sbc.example", "sip:bob@carrier.example", SBC, CARRIER, 4_100_000, None),
        ("sip:alice@sbc.example", "sip:bob@carrier.example", "10.0.0.2:5099", CARRIER, 50_000, None),
        ("sip:alice@sbc.example", "sip:bob@carrier.example", SBC, ALICE, 50_000, None),
    ],
    ids=["it", "another callee", "another caller", "too late", "from elsewhere", "back to the caller"],
)
def test_a_leg_that_leaves_where_the_same_two_numbers_just_came_in_is_linked(  # a row of the table
    caller: str, callee: str, source: str, destination: str, at_us: int, linked: str | None
) -> None:
    records = [
        there(0, D.request("INVITE")),
        (at_us, udp(source, destination, second_leg(caller, callee))),
    ]
    first, second = analysed(records).calls
    assert first.linked is None
    assert (second.linked, second.link_basis) == (linked, "addresses and numbers" if linked else None)


def test_numbers_written_with_another_prefix_are_the_same_number() -> None:
    first = Dialog("c1", "sip:+49301234567@a.example", "sip:0044-20-7946-0123@a.example")
    records = [
        there(0, first.request("INVITE")),
        (9_000, udp(SBC, CARRIER, second_leg("sip:0301234567@sbc.example", "tel:+442079460123"))),
    ]
    assert [found.linked for found in analysed(records).calls] == [None, "c1"]


def test_no_leg_is_sought_for_a_call_that_has_been_answered() -> None:
    records = [there(0, D.request("INVITE")), back(100, D.response("200 OK")), (9_000, udp(SBC, CARRIER, second_leg()))]
    assert [found.linked for found in analysed(records).calls] == [None, None]
