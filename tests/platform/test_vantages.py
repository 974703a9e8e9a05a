"""Agents: enrolled once, believed only for themselves, and heard late without loss. The agent is the real one; what it
sends goes to the real views."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from platform_kit import NOW, samples

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import outages_of
from clearline.platform.availability.services import probed_targets
from clearline.platform.measurements import records
from clearline.platform.vantages import services
from clearline.platform.vantages.models import Vantage
from clearline.records.schema import ProbeSample
from clearline.sensors.agent.agent import Agent, RevokedError, enrol, read_token
from clearline.sensors.agent.home import Home
from clearline.sensors.agent.post import CutOffError, RefusedError
from clearline.sensors.agent.signing import key_text, sign_request
from clearline.sensors.agent.wire import ENROL_PATH, EXCHANGE_PATH, MOST_BYTES, MOST_SAMPLES

pytestmark = pytest.mark.django_db

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
URL = "http://127.0.0.1:8080"


class Wire:
    """The way between agent and platform: can be cut, can lose an answer, remembers what went over it."""

    def __init__(self) -> None:
        self.client = Client(headers={"host": "127.0.0.1"}, enforce_csrf_checks=True)
        self.cut = self.lose_answer = False
        self.sent: list[tuple[str, Mapping[str, str], bytes]] = []

    def __call__(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        if self.cut:
            raise OSError("no route to host")
        self.sent.append((path, dict(headers), body))
        answer = self.client.post(path, body, content_type="application/json", headers=dict(headers))
        if path == EXCHANGE_PATH and answer.status_code == 200:
            for name, said in (("exchange", body), ("answer", answer.content)):
                jsonschema.validate(json.loads(said), json.loads((SCHEMAS / f"vantage-{name}.json").read_text()))
        if self.lose_answer:
            raise OSError("timed out")
        return answer.status_code, answer.headers, answer.content

    def again(self) -> Any:
        path, headers, body = self.sent[-1]
        return self.client.post(path, body, content_type="application/json", headers=dict(headers))


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "agent")


@pytest.fixture
def vantage(alice: User) -> Vantage:
    return services.invite(alice, "Berlin", timezone.now())[0]


@pytest.fixture
def agent(alice: User, target: Target, home: Home, wire: Wire) -> Agent:
    """Enrolled, and chosen beside this machine to look at the target."""
    vantage, token = services.invite(alice, "Berlin", timezone.now())
    assert enrol(home, URL, token, wire) == "Berlin"
    services.choose_watch(target, alice, local=True, vantages=[vantage], agree=1, now=timezone.now())
    identity = home.identity()
    assert identity is not None
    return Agent(home, identity, wire)


def the_vantage() -> Vantage:
    return Vantage.objects.get()


def taken(target: Target, results: str = "++-", ago_s: int = 60) -> list[ProbeSample]:
    found = samples(target, timezone.now() - timedelta(seconds=ago_s), results)
    return [replace(sample, vantage="", tenant="", key="", clock_offset_us=7) for sample in found]


def kept(target: Target) -> list[ProbeSample]:
    now_us = datetime_us(timezone.now())
    return records().probe_samples(
        tenant=target.provider.tenant, targets=[target.code], since_us=0, until_us=now_us + 86_400_000_000
    )


def test_what_an_agent_measures_is_kept_under_its_own_name_with_its_clocks_offset(agent: Agent, target: Target) -> None:
    agent.buffer.put(taken(target))
    assert agent.buffer.waiting == 3
    assert agent.exchange() is False
    found = kept(target)
    assert [(sample.vantage, sample.ok, sample.clock_offset_us) for sample in found] == [
        (the_vantage().code, True, 7),
        (the_vantage().code, True, 7),
        (the_vantage().code, False, 7),
    ]
    assert agent.buffer.waiting == 0


def test_an_agent_is_told_its_targets_and_the_prober_here_only_those_it_is_to_look_at(
    agent: Agent, target: Target, alice: User
) -> None:
    agent.exchange()
    assert [(told.id, told.uri, told.tenant) for told in agent._told.targets] == [(target.code, target.uri, "")]
    assert [probed.id for probed in probed_targets()] == [target.code]
    services.choose_watch(target, alice, local=False, vantages=[the_vantage()], agree=1, now=timezone.now())
    assert probed_targets() == []
    services.choose_watch(target, alice, local=True, vantages=[], agree=1, now=timezone.now())
    agent.exchange()
    assert agent._told.targets == []


def test_a_failure_an_agent_saw_hurries_everybody_who_looks_once(agent: Agent, target: Target) -> None:
    agent.buffer.put(taken(target, "+", ago_s=20))
    agent.exchange()
    assert [told.suspected_us for told in agent._told.targets] == [None]
    agent.buffer.put(taken(target, "-", ago_s=5))
    agent.exchange()
    (seen,) = agent._told.targets
    assert seen.suspected_us is not None
    agent.buffer.put(taken(target, "-", ago_s=2))
    agent.exchange()
    assert [told.suspected_us for told in agent._told.targets] == [seen.suspected_us]
    assert [told.suspected_us for told in probed_targets()] == [seen.suspected_us]


def test_the_clock_is_measured_and_told_with_the_next_exchange(agent: Agent) -> None:
    agent.exchange()
    assert the_vantage().clock_offset_us is None
    agent.exchange()
    found = the_vantage()
    assert found.clock_offset_us is not None
    assert found.clock_uncertainty_us is not None
    assert abs(found.clock_offset_us) <= found.clock_uncertainty_us + 1_000  # one machine, so one clock


def test_a_cut_off_agent_keeps_its_samples_and_hands_them_over_later(
    agent: Agent, target: Target, wire: Wire, home: Home
) -> None:
    agent.exchange()
    wire.cut = True
    agent.buffer.put(taken(target, ago_s=5 * 3600))
    with pytest.raises(CutOffError):
        agent.exchange()
    agent.buffer.close()
    identity = home.identity()
    assert identity is not None
    again = Agent(home, identity, wire)  # the machine's agent is started anew meanwhile
    assert [told.id for told in again._told.targets] == [target.code]
    assert again.clock.relation is not None
    wire.cut = False
    again.exchange()
    assert len(kept(target)) == 3


def test_an_answer_that_is_lost_brings_the_samples_again_and_they_count_once(
    agent: Agent, target: Target, wire: Wire
) -> None:
    agent.buffer.put(taken(target))
    wire.lose_answer = True
    with pytest.raises(CutOffError):
        agent.exchange()
    wire.lose_answer = False
    agent.exchange()
    assert len(kept(target)) == 3


def test_a_full_buffer_gives_up_the_oldest_and_says_how_many(agent: Agent, target: Target) -> None:
    agent.buffer._most = 4
    agent.buffer.put(taken(target, "+-+-+-+", ago_s=300))
    agent.exchange()
    assert [sample.ok for sample in kept(target)] == [False, True, False, True]
    assert the_vantage().dropped == 3


def test_more_samples_than_one_exchange_takes_go_in_several(agent: Agent, target: Target) -> None:
    long_reason = "€" * 1000
    found = [replace(sample, reason=long_reason) for sample in taken(target, "+" * (MOST_SAMPLES + 1), ago_s=10_000)]
    agent.buffer.put(found)
    assert agent.exchange() is True
    assert agent.exchange() is False
    assert len(kept(target)) == MOST_SAMPLES + 1


# Enrolment


def test_a_token_works_once(alice: User, home: Home, tmp_path: Path, wire: Wire) -> None:
    _, token = services.invite(alice, "Berlin", timezone.now())
    enrol(home, URL, token, wire)
    with pytest.raises(RefusedError, match="this token is not good"):
        enrol(Home(tmp_path / "thief"), URL, token, wire)


def test_an_enrolment_whose_answer_was_lost_is_finished_by_the_same_machine(
    alice: User, home: Home, wire: Wire
) -> None:
    _, token = services.invite(alice, "Berlin", timezone.now())
    wire.lose_answer = True
    with pytest.raises(CutOffError):
        enrol(home, URL, token, wire)
    wire.lose_answer = False
    assert enrol(home, URL, token, wire) == "Berlin"


def test_a_token_expires_and_can_be_withdrawn(alice: User, home: Home, wire: Wire) -> None:
    _, old = services.invite(alice, "Old", timezone.now() - timedelta(hours=2))
    withdrawn, token = services.invite(alice, "Withdrawn", timezone.now())
    services.revoke(withdrawn, alice, timezone.now())
    for text in (old, token):
        with pytest.raises(RefusedError):
            enrol(home, URL, text, wire)


def test_the_platform_keeps_neither_a_token_nor_an_agents_private_key(alice: User, home: Home, wire: Wire) -> None:
    _, token = services.invite(alice, "Berlin", timezone.now())
    enrol(home, URL, token, wire)
    secret, _ = read_token(token)
    identity = home.identity()
    assert identity is not None
    said = json.dumps([[str(value) for value in row] for row in Vantage.objects.values_list()])
    said += "".join(body.decode() for _, _, body in wire.sent)
    assert token not in said
    assert identity.seed not in said
    assert secret.private_bytes_raw().hex() not in said


def test_an_agent_that_reaches_somebody_else_in_the_platforms_place_believes_nothing(
    agent: Agent, target: Target, settings: Any, tmp_path: Path
) -> None:
    agent.buffer.put(taken(target))
    settings.CLEARLINE = settings.CLEARLINE.model_copy(update={"data": tmp_path / "impostor"})
    settings.CLEARLINE.data.mkdir()
    with pytest.raises(CutOffError, match="another key"):
        agent.exchange()
    assert agent.buffer.waiting == 3


# Hostile requests


def test_the_same_request_again_is_refused(agent: Agent, wire: Wire, target: Target) -> None:
    agent.exchange()
    again = wire.again()
    assert (again.status_code, again.json()["last"]) == (409, 1)


def test_an_agent_whose_number_fell_behind_catches_up(agent: Agent, target: Target) -> None:
    Vantage.objects.update(last_number=900)
    agent.buffer.put(taken(target))
    agent.exchange()
    assert len(kept(target)) == 3
    assert the_vantage().last_number == 901


def test_a_revoked_agent_is_told_so_and_its_samples_are_not_taken(agent: Agent, target: Target, alice: User) -> None:
    services.revoke(the_vantage(), alice, timezone.now())
    agent.buffer.put(taken(target))
    with pytest.raises(RevokedError):
        agent.exchange()
    assert kept(target) == []


@pytest.mark.parametrize("path", [ENROL_PATH, EXCHANGE_PATH])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"key":1}', b"\xff", b"[" * 100_000])
def test_a_stranger_gets_a_plain_signed_refusal(path: str, body: bytes, wire: Wire, settings: Any) -> None:
    stranger = Ed25519PrivateKey.generate()
    status, headers, answer = wire(path, sign_request(stranger, path, body, 1), body)
    assert status in {400, 401}
    assert set(json.loads(answer)) == {"error"}
    assert headers["Signature"]


def test_an_unsigned_request_and_one_that_is_too_large_are_refused(wire: Wire) -> None:
    assert wire(EXCHANGE_PATH, {}, b"{}")[0] == 401
    assert wire(EXCHANGE_PATH, {}, b" " * (MOST_BYTES + 1))[0] == 413
    assert wire.client.get(EXCHANGE_PATH).status_code == 405


def exchanged(agent: Agent, wire: Wire, change: Callable[[dict[str, Any]], object]) -> tuple[int, dict[str, Any]]:
    """Send an exchange with one sample, altered, rightly signed."""
    agent.exchange()
    said = json.loads(wire.sent[-1][2])
    change(said)
    body = json.dumps(said).encode()
    status, _, answer = wire(EXCHANGE_PATH, sign_request(agent._key, EXCHANGE_PATH, body, 10**6), body)
    return status, json.loads(answer)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("samples", [{}] * (MOST_SAMPLES + 1), "samples: a list of at most 500"),
        ("samples", {}, "samples: a list"),
        ("samples", [3], "samples[0]: an object"),
        ("samples", [{}], "samples[0].ok: true or false"),
        ("waiting", -1, "waiting: a whole number"),
        ("waiting", True, "waiting: a whole number"),
        ("clock_offset_us", "1", "clock_offset_us: a whole number"),
        ("version", "x" * 101, "version: a text of at most 100"),
        ("schema", "other", "schema: clearline/vantage-exchange/1"),
    ],
)
def test_an_exchange_that_is_not_what_it_must_be_is_refused_with_its_place(
    agent: Agent, wire: Wire, field: str, value: object, says: str
) -> None:
    status, answer = exchanged(agent, wire, lambda said: said.update({field: value}))
    assert status == 400
    assert answer["error"].startswith(says)


def wrong(change: dict[str, Any]) -> Callable[[dict[str, Any]], object]:
    def alter(said: dict[str, Any]) -> None:
        said["samples"][0].update(change)

    return alter


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "a\nb"},
        {"at_us": -1},
        {"at_us": 10**30},
        {"ok": 1},
        {"code": "200"},
        {"interval_us": 0},
        {"clock_offset_us": None},
        {"latency_us": 1.5},
    ],
)
def test_a_sample_that_is_not_what_it_must_be_is_refused_with_its_place(
    agent: Agent, wire: Wire, target: Target, change: dict[str, Any]
) -> None:
    agent.buffer.put(taken(target, "+"))
    status, answer = exchanged(agent, wire, wrong(change))
    assert status == 400
    assert answer["error"].startswith(f"samples[0].{next(iter(change))}: ")


def test_a_sample_for_another_providers_target_is_refused_and_those_beside_it_are_kept(
    agent: Agent, target: Target, charlie: User, wire: Wire
) -> None:
    foreign = Target.objects.create(
        provider=charlie.provider, name="x", uri="sip:x", interval_seconds=15, timeout_seconds=4,
        added_at=timezone.now(),
    )  # fmt: skip
    good, lying, late, early, odd = taken(target, "+++++")
    us = 3_600_000_000
    agent.buffer.put(
        [
            good,
            replace(lying, target=foreign.code),
            replace(late, at_us=late.at_us - 63 * 24 * us),
            replace(early, at_us=early.at_us + us),
            replace(odd, kind="nonsense"),
        ]
    )
    agent.exchange()
    assert kept(foreign) == []
    assert [sample.at_us for sample in kept(target)] == [good.at_us]
    assert agent.buffer.waiting == 0


# Pages


def test_the_page_makes_a_token_once_and_shows_each_agents_clock(page: Client, wire: Wire, home: Home) -> None:
    said = page.post(reverse("vantages"), {"name": "Berlin"}).content.decode()
    token = said.partition("agent enrol http://127.0.0.1:8080 ")[2].partition("<")[0]
    enrol(home, URL, token, wire)
    identity = home.identity()
    assert identity is not None
    agent = Agent(home, identity, wire)
    agent.exchange()
    agent.exchange()
    shown = page.get(reverse("vantages")).content.decode()
    assert token not in shown
    assert "measuring" in shown
    assert "± " in shown


def test_a_clock_that_is_off_and_an_agent_that_is_cut_off_are_named(vantage: Vantage, page: Client) -> None:
    now = timezone.now()
    Vantage.objects.update(public_key="x", enrolled_at=now, seen_at=now, clock_offset_us=300_000_000)
    said = page.get(reverse("vantages")).content.decode()
    assert "clock is off" in said
    assert "5 min slow" in said
    Vantage.objects.update(seen_at=now - timedelta(minutes=1))
    assert "cut off" in page.get(reverse("vantages")).content.decode()


def test_a_stranger_sees_and_revokes_no_agent_of_another_provider(
    vantage: Vantage, target: Target, stranger: Client
) -> None:
    assert "Berlin" not in stranger.get(reverse("vantages")).content.decode()
    assert stranger.post(reverse("vantage-revoke", args=[vantage.pk])).status_code == 404
    assert stranger.get(reverse("target-watch", args=[target.pk])).status_code == 404


def test_who_looks_is_chosen_on_the_targets_page_and_more_than_look_cannot_be_asked_to_agree(
    vantage: Vantage, target: Target, page: Client
) -> None:
    Vantage.objects.update(public_key="x", enrolled_at=timezone.now())
    address = reverse("target-watch", args=[target.pk])
    refused = page.post(address, {"local": "on", "vantages": [vantage.pk], "agree": "3"})
    assert "Only 2 look at it" in refused.content.decode()
    assert "Choose at least one" in page.post(address, {"agree": "1"}).content.decode()
    assert page.post(address, {"local": "on", "vantages": [vantage.pk], "agree": "2"}).status_code == 302
    assert [(watch.local, watch.agree) for watch in target.watches.all()] == [(True, 2)]


def test_who_looks_is_chosen_for_all_targets_at_once_but_the_built_in_reflector(
    vantage: Vantage, target: Target, page: Client
) -> None:
    Vantage.objects.update(public_key="x", enrolled_at=timezone.now())
    own = Target.objects.create(
        provider=target.provider, name="own", uri="sip:127.0.0.1", interval_seconds=15, timeout_seconds=4,
        added_at=timezone.now(), built_in=True,
    )  # fmt: skip
    answer = page.post(reverse("watch-everywhere"), {"vantages": [vantage.pk], "agree": "1"}, follow=True)
    assert "Chosen for 1 targets" in answer.content.decode()
    assert [(watch.local, watch.agree) for watch in target.watches.all()] == [(False, 1)]
    assert not own.watches.exists()


def test_the_page_of_an_outage_shows_what_each_vantage_point_saw(
    vantage: Vantage, target: Target, alice: User, page: Client
) -> None:
    began = timezone.now() - timedelta(minutes=10)
    services.choose_watch(target, alice, local=True, vantages=[vantage], agree=1, now=began - timedelta(hours=1))
    records().append(samples(target, began, "++----++"))
    elsewhere = samples(target, began, "++++  ++")
    records().append([replace(one, vantage=vantage.code, key=f"b{one.key}") for one in elsewhere])
    (seen,) = outages_of([target], (0, datetime_us(timezone.now())), datetime_us(timezone.now()))
    said = page.get(reverse("outage", args=[seen.id])).content.decode()
    assert "What each vantage point saw" in said
    assert "The word of one was enough" in said
    local, berlin = said.partition("What each vantage point saw")[2].split("<tr>")[2:4]
    assert "This machine" in local
    assert "no answer" in local
    assert "Berlin" in berlin
    assert "not that it saw" in berlin


def test_a_machine_that_is_enrolled_is_not_enrolled_again_over_its_samples(
    alice: User, home: Home, agent: Agent, wire: Wire
) -> None:
    _, token = services.invite(alice, "Other", timezone.now())
    with pytest.raises(ValueError, match="is vantage-1 of"):
        enrol(home, URL, token, wire)


def test_a_key_that_is_enrolled_elsewhere_is_refused(alice: User, agent: Agent, wire: Wire) -> None:
    _, token = services.invite(alice, "Other", timezone.now())
    key, _ = read_token(token)
    body = json.dumps({"key": key_text(agent._key.public_key()), "version": "1"}).encode()
    status, _, answer = wire(ENROL_PATH, sign_request(key, ENROL_PATH, body, 0), body)
    assert (status, json.loads(answer)["error"]) == (401, "this key is another vantage point's")


def test_an_agent_is_not_believed_about_what_it_was_not_chosen_for_nor_about_the_time_before(
    agent: Agent, target: Target, alice: User
) -> None:
    services.invite(alice, "Bonn", timezone.now())
    other = Target.objects.create(
        provider=alice.provider, name="other", uri="sip:x", interval_seconds=15, timeout_seconds=4,
        added_at=timezone.now(),
    )  # fmt: skip
    services.choose_watch(other, alice, local=False, vantages=[Vantage.objects.get(name="Bonn")], agree=1, now=NOW)
    agent.buffer.put([replace(one, target=other.code) for one in taken(target, "---")])
    agent.buffer.put(taken(target, "----", ago_s=3600))  # an hour before it was chosen
    agent.exchange()
    assert kept(other) == []
    assert len(kept(target)) == 4
    now_us = datetime_us(timezone.now())
    assert outages_of([target, other], (now_us - 86_400_000_000, now_us), now_us) == []
