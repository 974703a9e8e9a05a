"""A provider's whole world to break: servers, targets, vantage points elsewhere, customers with half an hour behind."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django import db
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from platform_kit import samples
from tests.peers.servers import Kamailio, Reflector, Rtpengine, Server, can_block

from clearline.platform.accounts.models import Provider, User
from clearline.platform.agreements.models import Agreement
from clearline.platform.agreements.services import add_default_agreement
from clearline.platform.availability.models import Target
from clearline.platform.availability.services import Wanted, add_target, probed_targets
from clearline.platform.customers.models import Customer, Service
from clearline.platform.measurements import records
from clearline.platform.vantages import services as vantages
from clearline.platform.vantages.models import Vantage
from clearline.sensors.agent import agent as agents
from clearline.sensors.agent.clock import PlatformClock, steady_us, wall_us
from clearline.sensors.agent.home import Home
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome, unreachable
from clearline.sensors.probe.target import Target as Probed

S = 1_000_000
SEED = timedelta(minutes=30)
INTERVAL_S = 1
TIMEOUT_US = S
WARM_S, RECOVERY_S = 4, 5
FEE = Decimal("1000.00")
LATE_US = 1_500_000
"""How much later than planned a busy machine may probe."""

GONE = "refused|no answer"
"""What is said of a server that is gone; while the last of its processes end, one may still take a request."""

Truth = tuple[int, int]
"""The moments just before and just after something was done."""

Times = tuple[Truth, Truth]
"""When it was broken and when it was repaired."""

Post = tuple[int, Mapping[str, str], bytes]


@dataclass
class Fault:
    """Something that is broken and repaired again, and a pattern of what the outage says; none: no outage."""

    target: Target
    begin: Callable[[], object]
    end: Callable[[], object]
    says: str = ""
    lasts_s: float | None = None
    """Where it ends by itself."""
    times: list[Times] = field(default_factory=list)
    """When it was broken and repaired, in truth."""


def done(deed: Callable[[], object]) -> Truth:
    before_us = wall_us()
    deed()
    return before_us, wall_us()


class Wire:
    """An agent's way to the platform."""

    one_at_a_time = threading.Lock()

    def __init__(self) -> None:
        self.client = Client(headers={"host": "127.0.0.1"})
        self.cut = False

    def __call__(self, path: str, headers: Mapping[str, str], body: bytes) -> Post:
        if self.cut:
            raise OSError("no route to host")
        with self.one_at_a_time:
            try:
                answer = self.client.post(path, body, content_type="application/json", headers=dict(headers))
            finally:
                db.connections.close_all()
        return answer.status_code, answer.headers, answer.content


class Elsewhere:
    """An agent on another machine, whose ways and clock can be broken."""

    def __init__(self, name: str, boss: User, home: Home) -> None:
        self.wire = Wire()
        self.blind = False
        self.step_us = 0
        vantage, token = vantages.invite(boss, name, timezone.now())
        agents.enrol(home, "http://127.0.0.1:8080", token, self.wire)
        self.vantage = Vantage.objects.get(pk=vantage.pk)
        identity = home.identity()
        assert identity is not None
        clock = PlatformClock(steady_us, lambda: wall_us() + self.step_us)
        self.agent = agents.Agent(home, identity, self.wire, clock)

    async def probe(self, target: Probed) -> Outcome:
        if self.blind:
            return unreachable("no route", "look at this machine's own network")
        return await probe_target(target)

    def cut_off(self) -> None:
        self.wire.cut = True

    def reconnect(self) -> None:
        self.wire.cut = False

    def lose_sight(self) -> None:
        self.blind = True

    def see_again(self) -> None:
        self.blind = False

    def step(self, step_us: int) -> None:
        self.step_us = step_us


class World:
    """A provider with its servers, targets, vantage points and customers."""

    def __init__(self, folder: Path, stack: ExitStack, *, long: bool) -> None:
        self.folder = folder
        self._stack = stack
        self.began = timezone.now()
        self.since = self.began - SEED
        self.provider = Provider.objects.create(name="Northwind Telecom", created_at=self.since)
        self.boss = User.objects.create_person(provider=self.provider, email="alice@northwind.example", password=None)
        add_default_agreement(self.provider, None, self.since)
        self.trusted: dict[str, str] = {}
        self.steady = self.target("Nothing happens", self.kamailio("steady"))
        self.faults: dict[str, Fault] = {}
        self.agents = {name: Elsewhere(name, self.boss, Home(folder / name)) for name in ("Berlin", "Bonn", "Bremen")}
        self._processes(long=long)
        self._configurations()
        self._vantage_points()

    def running(self, server: Server) -> None:
        server.start()
        self._stack.callback(server.kill)

    def kamailio(self, name: str, **choices: Any) -> Kamailio:
        made = Kamailio(self.folder / name.replace(" ", "-"), **choices)
        self.running(made)
        return made

    def seen_by_the_prober(self) -> list[Probed]:
        """The platform's targets, with what a test of certificates and short calls needs beside."""
        return [replace(one, ca_file=self.trusted.get(one.id), talk_us=600_000) for one in probed_targets()]

    def target(self, name: str, server: Kamailio, *, interval_s: int = INTERVAL_S, **more: str) -> Target:
        """A target with half an hour of good samples behind it, and a customer whose service it stands for."""
        wanted = Wanted(name=name, uri=f"sip:127.0.0.1:{server.port}", interval_seconds=interval_s, **more)
        settings = django_settings.CLEARLINE.model_copy(update={"probe_timeout_seconds": TIMEOUT_US // S})
        target = add_target(self.provider, None, wanted, settings=settings, now=self.since)
        records().append(samples(target, self.since, "+" * (SEED.seconds // 15)))
        self.customer(f"{name} Ltd", target)
        return target

    def customer(self, name: str, target: Target) -> None:
        customer = Customer.objects.create(provider=self.provider, name=name, created_at=self.since)
        agreement = Agreement.objects.get(provider=self.provider)
        service = Service.objects.create(
            customer=customer, name="Voice", monthly_fee=FEE, currency="USD", agreement=agreement, starts_at=self.since
        )
        service.targets.add(target)

    def breaks(self, name: str, server: Kamailio, **fault: Any) -> Fault:
        self.faults[name] = Fault(self.target(name, server), **fault)
        return self.faults[name]

    def _processes(self, *, long: bool) -> None:
        killed, stopped, frozen, full = (self.kamailio(name) for name in ("killed", "stopped", "frozen", "full queue"))
        self.breaks("killed", killed, begin=killed.kill, end=killed.start, says=GONE)
        self.customer("Also on the killed server Ltd", self.faults["killed"].target)
        self.breaks("stopped", stopped, begin=stopped.stop, end=stopped.start, says=GONE)
        self.breaks("frozen", frozen, begin=frozen.freeze, end=frozen.thaw, says="no answer")
        seconds = 20 if long else 5
        self.breaks(
            "full queue",
            full,
            begin=lambda: full.ask("slow", times=10 * seconds),
            end=lambda: None,
            says="no answer",
            lasts_s=seconds,
        )
        flapping = self.kamailio("flapping")
        self.breaks("flapping", flapping, begin=flapping.freeze, end=flapping.thaw, says="no answer")

    def _vantage_points(self) -> None:
        """Two look and must agree, or one alone looks from elsewhere."""
        berlin, bonn, bremen = self.agents.values()
        self.breaks("one cut off", self.kamailio("one-cut-off"), begin=berlin.cut_off, end=berlin.reconnect)
        self.breaks(
            "one sees nothing",
            self.kamailio("one-sees-nothing"),
            begin=bonn.lose_sight,
            end=bonn.see_again,
        )
        both = self.kamailio("both-see-it")
        self.breaks("both see it, one late", both, begin=both.freeze, end=both.thaw, says="no answer")
        late = self.kamailio("clock-stepped")
        self.breaks(
            "clock stepped",
            late,
            begin=lambda: (bremen.step(300 * S), late.freeze()),
            end=lambda: (late.thaw(), bremen.step(0)),
        )
        self._watch("one cut off", [berlin], local=True)
        self._watch("one sees nothing", [bonn], local=True)
        self._watch("both see it, one late", [berlin], local=True)
        self._watch("clock stepped", [bremen], local=False)

    def _watch(self, name: str, looking: Sequence[Elsewhere], *, local: bool) -> None:
        target, chosen = self.faults[name].target, [one.vantage for one in looking]
        vantages.choose_watch(
            target, self.boss, local=local, vantages=chosen, agree=len(chosen) + local, now=self.since
        )
        for vantage in chosen:
            seeds = samples(target, self.since, "+" * (SEED.seconds // 15))
            records().append([replace(one, vantage=vantage.code, key=f"{vantage.code}{one.key}") for one in seeds])

    def _configurations(self) -> None:
        registrar = self.kamailio("wrong password")
        self.faults["wrong password"] = Fault(
            self.target("wrong password", registrar, kind="register", account="alice", password="secret"),
            begin=lambda: registrar.ask("other-password"),
            end=lambda: registrar.ask("first-password"),
            says="user or password was not accepted",
        )
        secure = self.kamailio("expired certificate", tls=True)
        expired = self.breaks(
            "expired certificate",
            secure,
            begin=lambda: secure.show_certificate(valid=False),
            end=lambda: secure.show_certificate(valid=True),
            says="certificate has expired",
        )
        expired.target.uri = f"sip:localhost:{secure.tls};transport=tls"
        expired.target.save()
        self.trusted[expired.target.code] = str(secure.folder / "trusted.pem")
        if not can_block():
            return
        relay, echo = Rtpengine(self.folder / "rtpengine"), Reflector(self.folder / "echo")
        self.running(relay)
        self.running(echo)
        proxy = self.kamailio("media blocked", media=(relay.control, echo.port))
        target = self.target("media blocked", proxy, interval_s=2, kind="call", account="alice", password="secret")
        self.faults["media blocked"] = Fault(
            target,
            begin=lambda: relay.block(blocked=True),
            end=lambda: relay.block(blocked=False),
            says="no audio (came back|either way)",
        )
