"""Vantage points: inviting, enrolling and revoking them, and taking in what they measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.availability.models import Target
from clearline.platform.availability.outages import CLOCK_LIMIT_US
from clearline.platform.availability.services import probed, suspect
from clearline.platform.measurements import records
from clearline.platform.vantages.models import Vantage, Watch
from clearline.records.schema import ProbeSample, record_key
from clearline.sensors.agent.agent import make_token
from clearline.sensors.agent.signing import Signed, key_text
from clearline.sensors.agent.wire import Exchange
from clearline.sensors.probe import target as sensors

TOKEN_LIFE = timedelta(hours=1)
MOST_VANTAGES = 100
"""Of one provider."""

CUT_OFF_AFTER = timedelta(seconds=30)
"""An agent speaks every 5 s; one that was silent for so long is cut off."""

AHEAD_US = 10_000_000
"""A sample further in the future than this is a mistake and is refused."""

OLDEST_US = 62 * 86_400_000_000
"""A sample older than this comes too late to be taken in."""


class NotEnrolledError(Exception):
    """The token or the key is not known, or was used up, or is no longer good."""


class RevokedError(Exception):
    """The vantage point is not listened to any more."""


class OutOfStepError(Exception):
    """The number of a request is not greater than the last one's."""

    def __init__(self, last: int) -> None:
        """Say which number was the last."""
        super().__init__("the number of the request is not greater than the last one's")
        self.last = last


def platform_key() -> Ed25519PrivateKey:
    """The key the platform signs its answers to agents with, made at its first use."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(settings.CLEARLINE.vantage_key()))


def invite(actor: User, name: str, now: datetime) -> tuple[Vantage, str]:
    """Make a vantage point and the one-time token that an agent becomes it by."""
    token, token_key = make_token(key_text(platform_key().public_key()))
    with transaction.atomic():
        vantage = Vantage.objects.create(
            provider=actor.provider, name=name, token_key=token_key, token_until=now + TOKEN_LIFE
        )
        record(actor.provider, actor, "vantage.invited", vantage.code, {"name": name}, now=now)
    return vantage, token


def enrol(token_key: str, agent_key: str, version: str, now: datetime) -> Vantage:
    """Use a token up for an agent's key. The same agent again, whose answer was lost, is told the same.

    Raises:
        NotEnrolledError: no token of this key is good now.
    """
    with transaction.atomic():
        invited = Vantage.objects.filter(token_key=token_key, revoked_at=None)
        if Vantage.objects.filter(public_key=agent_key).exclude(token_key=token_key).exists():
            raise NotEnrolledError("this key is another vantage point's")
        used = invited.filter(public_key=None, token_until__gt=now).update(
            public_key=agent_key, enrolled_at=now, version=version
        )
        vantage = invited.filter(public_key=agent_key).first()
        if vantage is None:
            raise NotEnrolledError("this token is not good: it was used, withdrawn, or is older than an hour")
        if used:
            record(vantage.provider, None, "vantage.enrolled", vantage.code, {"key": agent_key}, now=now)
    return vantage


def revoke(vantage: Vantage, actor: User, now: datetime) -> None:
    """Stop listening to a vantage point; what it measured stays. Again: changes nothing.

    The others go on alone where it looked; this machine where nobody else does.
    """
    with transaction.atomic():
        if not Vantage.objects.filter(pk=vantage.pk, revoked_at=None).update(revoked_at=now):
            return
        record(actor.provider, actor, "vantage.revoked", vantage.code, {"name": vantage.name}, now=now)
        for target in Target.objects.filter(watches__vantages=vantage).distinct():
            watch = current_watch(target)
            left = [one for one in watch.vantages.all() if one != vantage] if watch else []
            if watch and len(left) < watch.vantages.count():
                local = watch.local or not left
                agree = min(watch.agree, len(left) + local)
                choose_watch(target, actor, local=local, vantages=left, agree=agree, now=now)


def recognise(signed: Signed) -> Vantage:
    """The vantage point that signed a request, if it may still speak and the request is new.

    Raises:
        NotEnrolledError: nobody has this key.
        RevokedError: it is not listened to any more.
        OutOfStepError: the request may be a repetition.
    """
    vantage = Vantage.objects.select_related("provider").filter(public_key=signed.key).first()
    if vantage is None:
        raise NotEnrolledError("this key is not enrolled")
    if vantage.revoked_at is not None:
        raise RevokedError("this vantage point was revoked")
    newer = Vantage.objects.filter(pk=vantage.pk, revoked_at=None, last_number__lt=signed.number)
    if not newer.update(last_number=signed.number):
        vantage.refresh_from_db(fields=["last_number"])
        raise OutOfStepError(vantage.last_number)
    return vantage


def take_in(vantage: Vantage, said: Exchange, address: str, now: datetime) -> list[tuple[int, str]]:
    """Keep what a vantage point measured and how it is; returns when that is on the disk.

    The tenant, the vantage point and the key of a sample are never what the agent says: it cannot speak for others,
    and the same sample again changes nothing.

    Returns:
        Index and reason of each sample that was refused.
    """
    known = {target.code for target in Target.objects.filter(provider=vantage.provider, watches__vantages=vantage)}
    refused = [
        (index, why) for index, sample in enumerate(said.samples) if (why := _wrong(sample, known, datetime_us(now)))
    ]
    wrong = {index for index, _ in refused}
    taken = [_named(vantage, sample, said.version) for index, sample in enumerate(said.samples) if index not in wrong]
    records().append(taken)
    suspect(taken, now)
    Vantage.objects.filter(pk=vantage.pk).update(
        seen_at=now,
        address=address[:45],
        version=said.version,
        clock_offset_us=said.clock_offset_us,
        clock_uncertainty_us=said.clock_uncertainty_us,
        waiting=max(0, said.waiting - len(said.samples)),
        dropped=said.dropped,
    )
    return refused


def current_watch(target: Target) -> Watch | None:
    """Who looks at a target now; None: nobody chose yet, so the platform's own machine does."""
    return target.watches.prefetch_related("vantages").last()


def choose_watch(
    target: Target, actor: User, *, local: bool, vantages: Sequence[Vantage], agree: int, now: datetime
) -> Watch:
    """From now on these look at a target, and so many of them must agree; what was before stays judged as it was."""
    with transaction.atomic():
        watch = Watch.objects.create(target=target, since=now, local=local, agree=agree)
        watch.vantages.set(vantages)
        details = {"local": local, "vantages": [vantage.code for vantage in vantages], "agree": agree}
        record(actor.provider, actor, "target.watch_chosen", target.code, details, now=now)
    return watch


def choose_watch_everywhere(actor: User, *, local: bool, vantages: Sequence[Vantage], agree: int, now: datetime) -> int:
    """As `choose_watch`, for every target but the built-in reflector, which only this machine reaches.

    Returns:
        How many targets that are.
    """
    active = Target.objects.filter(provider=actor.provider, retired_at=None, built_in=False)
    with transaction.atomic():
        for target in active:
            choose_watch(target, actor, local=local, vantages=vantages, agree=agree, now=now)
    return len(active)


_Seen = TypeVar("_Seen")


def named(target: Target, by_code: Mapping[str, _Seen]) -> list[tuple[str, _Seen]]:
    """What is known by vantage point, under the names people gave them."""
    names = {vantage.code: vantage.name for vantage in Vantage.objects.filter(provider=target.provider)}
    return [(names.get(code, "This machine"), seen) for code, seen in sorted(by_code.items())]


def targets_of(vantage: Vantage) -> list[sensors.Target]:
    """What a vantage point is to probe now."""
    active = Target.objects.filter(provider=vantage.provider, retired_at=None).prefetch_related("watches__vantages")
    return probed(target for target in active if (watch := _latest(target)) and vantage in watch.vantages.all())


def _latest(target: Target) -> Watch | None:
    return max(target.watches.all(), key=lambda watch: (watch.since, watch.pk), default=None)


def _wrong(sample: ProbeSample, known: set[str], now_us: int) -> str:
    """Why a sample cannot be taken in; empty if it can."""
    if sample.target not in known:
        return "this vantage point was never to look at such a target"
    if sample.kind not in get_args(sensors.Kind):
        return "there is no such kind of probe"
    if sample.at_us > now_us + AHEAD_US:
        return "it is of a moment still to come"
    if sample.at_us < now_us - OLDEST_US:
        return "it is too old"
    return ""


def _named(vantage: Vantage, said: ProbeSample, version: str) -> ProbeSample:
    tenant = vantage.provider.tenant
    key = record_key("probe", tenant, said.target, vantage.code, said.kind, said.at_us)
    return replace(said, key=key, tenant=tenant, vantage=vantage.code, code_version=version)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a vantage point does, in a word and a sentence."""

    state: Literal["up", "down", "unknown"]
    word: str
    says: str


def condition(vantage: Vantage, now: datetime) -> Condition:
    """How a vantage point does now, with what to do about it."""
    if vantage.revoked_at is not None:
        return Condition("unknown", "revoked", "It is not listened to; what it measured stays.")
    if vantage.enrolled_at is None:
        late = vantage.token_until <= now
        return Condition("unknown", "token expired" if late else "invited", "Its token was not used yet.")
    if vantage.seen_at is None or now - vantage.seen_at > CUT_OFF_AFTER:
        return Condition("down", "cut off", "What it measures waits on its disk and comes later; until then: unknown.")
    if vantage.clock_offset_us is None:
        return Condition("unknown", "clock not measured", "The next exchange measures it.")
    if abs(vantage.clock_offset_us) > CLOCK_LIMIT_US:
        return Condition(
            "down", "clock is off", "Its samples count neither as up nor as down. Set the machine's clock."
        )
    return Condition("up", "measuring", "")
