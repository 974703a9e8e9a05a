"""Which servers of a URI are tried, and in which order, against records written by hand (RFC 3263, RFC 2782)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.sensors.probe.locate import (
    MAX_PLACES,
    Endpoint,
    Located,
    Naptr,
    NoAddressError,
    RefusedError,
    Srv,
    UnresolvedError,
    locate,
    ordered,
)
from clearline.voice.wire import sip


class Zone:
    """Answers by hand; what is not there is no record."""

    def __init__(self, **records: object) -> None:
        self.records = records
        self.asked: list[str] = []

    async def naptr(self, name: str) -> list[Naptr]:
        return self._answer("naptr", name)

    async def srv(self, name: str) -> list[Srv]:
        return self._answer("srv", name)

    async def addresses(self, name: str) -> list[str]:
        found: list[str] = self._answer("a", name)
        if not found:
            raise NoAddressError(f"the name {name} does not resolve: it has no address", "")
        return found

    def _answer(self, kind: str, name: str) -> list:  # type: ignore[type-arg]
        self.asked.append(f"{kind} {name}")
        found = dict(self.records.get(kind, {})).get(name, [])  # type: ignore[call-overload]
        if isinstance(found, Exception):
            raise found
        return list(found)


def found(uri: str, zone: Zone, seed: int = 1) -> list[str]:
    return [str(one) for one in asyncio.run(locate(sip.uri(uri), zone, draw=Random(seed).random)).endpoints]


def test_the_example_of_rfc_3263_goes_over_tcp_to_both_servers_in_order() -> None:
    zone = Zone(
        naptr={
            "example.com": [
                Naptr(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"),
                Naptr(90, 50, "s", "SIP+D2T", "_sip._tcp.example.com"),
                Naptr(100, 50, "s", "SIP+D2U", "_sip._udp.example.com"),
            ]
        },
        srv={
            "_sips._tcp.example.com": [Srv(0, 1, 5061, "server1.example.com"), Srv(1, 2, 5061, "server2.example.com")]
        },
        a={"server1.example.com": ["192.0.2.1"], "server2.example.com": ["192.0.2.2"]},
    )
    assert found("sip:user@example.com", zone) == ["192.0.2.1:5061/tls", "192.0.2.2:5061/tls"]


def test_the_certificate_must_be_for_the_uris_domain_and_not_for_the_servers_name() -> None:
    zone = Zone(srv={"_sips._tcp.example.com": [Srv(0, 1, 5061, "edge.net")]}, a={"edge.net": ["192.0.2.1"]})
    located = asyncio.run(locate(sip.uri("sips:example.com"), zone))
    assert located.endpoints == [Endpoint("TLS", "192.0.2.1", 5061, "example.com")]


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("sip:192.0.2.1", "192.0.2.1:5060/udp"),
        ("sips:192.0.2.1", "192.0.2.1:5061/tls"),
        ("sip:[2001:db8::1]:5070", "[2001:db8::1]:5070/udp"),
        ("sip:192.0.2.1;transport=tcp", "192.0.2.1:5060/tcp"),
        ("sip:192.0.2.1;transport=ws", "192.0.2.1:80/ws"),
        ("sips:192.0.2.1;transport=ws", "192.0.2.1:443/wss"),
        ("sips:192.0.2.1;transport=tcp", "192.0.2.1:5061/tls"),
    ],
)
def test_an_address_asks_nobody(uri: str, place: str) -> None:
    zone = Zone()
    assert found(uri, zone) == [place]
    assert zone.asked == []


def test_a_port_asks_for_addresses_alone() -> None:
    zone = Zone(a={"example.com": ["2001:db8::1", "192.0.2.1"]})
    assert found("sip:example.com:5070", zone) == ["[2001:db8::1]:5070/udp", "192.0.2.1:5070/udp"]
    assert zone.asked == ["a example.com"]


def test_a_named_transport_asks_for_its_own_service_and_not_for_naptr() -> None:
    zone = Zone(srv={"_sip._tcp.example.com": [Srv(0, 0, 5070, "a")]}, a={"a": ["192.0.2.1"]})
    assert found("sip:example.com;transport=tcp", zone) == ["192.0.2.1:5070/tcp"]
    assert zone.asked == ["srv _sip._tcp.example.com", "a a"]


def test_without_naptr_the_services_are_asked_for_in_turn_and_without_them_the_host() -> None:
    zone = Zone(a={"example.com": ["192.0.2.1"]})
    assert found("sip:example.com", zone) == ["192.0.2.1:5060/udp"]
    assert zone.asked == [
        "naptr example.com",
        "srv _sip._udp.example.com",
        "srv _sip._tcp.example.com",
        "srv _sips._tcp.example.com",
        "a example.com",
    ]


def test_a_host_without_a_dot_is_looked_up_at_once() -> None:
    zone = Zone(a={"localhost": ["127.0.0.1"]})
    assert found("sip:localhost", zone) == ["127.0.0.1:5060/udp"]
    assert zone.asked == ["a localhost"]


def test_naptr_records_of_the_lowest_order_we_understand_count_by_preference() -> None:
    zone = Zone(
        naptr={
            "x.y": [
                Naptr(10, 1, "u", "E2U+sip", ""),
                Naptr(10, 2, "s", "SIP+D2S", "_sip._sctp.x.y"),
                Naptr(20, 9, "S", "sip+d2u", "_sip._udp.x.y"),
                Naptr(20, 3, "s", "SIP+D2T", "_sip._tcp.x.y"),
                Naptr(30, 1, "s", "SIPS+D2T", "_sips._tcp.x.y"),
            ]
        },
        srv={name: [Srv(0, 0, 5060, "a")] for name in ("_sip._udp.x.y", "_sip._tcp.x.y", "_sips._tcp.x.y")},
        a={"a": ["192.0.2.1"]},
    )
    assert found("sip:x.y", zone) == ["192.0.2.1:5060/tcp", "192.0.2.1:5060/udp"]
    assert found("sips:x.y", zone) == ["192.0.2.1:5060/tls"]


def test_a_service_that_is_said_not_to_be_offered_is_an_error_and_not_the_bare_host() -> None:
    zone = Zone(srv={"_sip._udp.x.y": [Srv(0, 0, 0, "")]}, a={"x.y": ["192.0.2.1"]})
    with pytest.raises(UnresolvedError, match="names no server that has an address"):
        found("sip:x.y;transport=udp", zone)


def test_a_server_without_an_address_is_left_out_and_none_left_is_an_error_that_lists_the_steps() -> None:
    srv = {"_sip._udp.x.y": [Srv(1, 0, 5060, "gone"), Srv(2, 0, 5060, "there")]}
    assert found("sip:x.y;transport=udp", Zone(srv=srv, a={"there": ["192.0.2.2"]})) == ["192.0.2.2:5060/udp"]
    with pytest.raises(UnresolvedError, match=r"addresses of gone: the name gone does not resolve.*addresses of there"):
        found("sip:x.y;transport=udp", Zone(srv=srv))


def test_a_refused_question_leads_to_the_next_step_and_a_silent_name_server_ends_the_search() -> None:
    refused = RefusedError("the name server refuses or fails")
    zone = Zone(naptr={"x.y": refused}, srv={"_sip._udp.x.y": refused}, a={"x.y": ["192.0.2.1"]})
    located = Located()
    asyncio.run(locate(sip.uri("sip:x.y"), zone, located=located))
    assert [str(one) for one in located.endpoints] == ["192.0.2.1:5060/udp"]
    assert located.steps[0] == "NAPTR x.y: the name server refuses or fails"
    silent = Zone(naptr={"x.y": UnresolvedError("the name server did not answer", "")}, a={"x.y": ["192.0.2.1"]})
    with pytest.raises(UnresolvedError, match="did not answer"):
        found("sip:x.y", silent)
    assert silent.asked == ["naptr x.y"]


def test_no_more_servers_are_kept_than_a_client_would_try() -> None:
    many = [Srv(0, 1, 5060, f"h{number}") for number in range(50)]
    zone = Zone(srv={"_sip._udp.x.y": many}, a={f"h{number}": [f"192.0.2.{number}"] for number in range(50)})
    assert len(found("sip:x.y;transport=udp", zone)) == MAX_PLACES


@pytest.mark.parametrize("uri", ["sip:192.0.2.1;transport=sctp", "sips:192.0.2.1;transport=udp"])
def test_a_transport_we_do_not_speak_or_a_sips_uri_forbids_is_refused(uri: str) -> None:
    with pytest.raises(UnresolvedError):
        found(uri, Zone())


RECORDS = st.lists(
    st.builds(Srv, st.integers(0, 3), st.integers(0, 65_535), st.just(5060), st.text("ab", min_size=1)), max_size=12
)


@given(RECORDS, st.integers())
def test_every_record_is_tried_once_and_none_before_one_of_a_lower_priority(records: list[Srv], seed: int) -> None:
    tried = ordered(records, Random(seed).random)
    assert Counter(tried) == Counter(records)
    assert [one.priority for one in tried] == sorted(one.priority for one in records)


def test_of_one_priority_the_first_is_drawn_by_weight() -> None:
    records = [Srv(0, 0, 1, "never"), Srv(0, 10, 1, "a"), Srv(0, 30, 1, "b")]
    random = Random(20)
    firsts = Counter(first_of(records, random) for _ in range(8_000))
    assert firsts["b"] / 8_000 == pytest.approx(30 / 41, abs=0.02)
    assert firsts["a"] / 8_000 == pytest.approx(10 / 41, abs=0.02)
    assert firsts["never"] / 8_000 == pytest.approx(1 / 41, abs=0.01)  # RFC 2782: very small, but there


def first_of(records: Sequence[Srv], random: Random) -> str:
    return ordered(records, random.random)[0].target
