"""Opening, telling, acknowledging and resolving alerts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from clearline.agreement.moments import datetime_us, moment_text
from clearline.platform.accounts.models import Provider, User
from clearline.platform.alerts.chain import due
from clearline.platform.alerts.models import Alert, Responder
from clearline.platform.alerts.watching import Look, Trouble, look
from clearline.platform.audit.services import record
from clearline.platform.outbox import calls
from clearline.platform.outbox.calls import KEY
from clearline.platform.outbox.models import CallAccount, Channel, Delivery
from clearline.platform.outbox.services import seal, send_call, send_email, send_webhook, unseal, withdraw_calls
from clearline.platform.outbox.webhooks import make_secret
from clearline.platform.tenancy import TenantQuerySet

LINK_LIFE = timedelta(days=7)
"""A link in a message acknowledges for so long."""

SALT = "clearline alert"

RESOLVED = "resolved"


def tend(clock: Callable[[], datetime]) -> None:
    """Open alerts for what goes wrong now, resolve those that are over, and tell who is due."""
    for provider in Provider.objects.all():
        now = clock()
        settle(provider, look(provider, now), now)
        heed_keys(provider, now)
        for alert in Alert.objects.filter(provider=provider, resolved_at=None).select_related("provider"):
            for responder, step in due(alert, Responder.objects.filter(provider=provider), now):
                tell(alert, responder, step, now)


def settle(provider: Provider, seen: Look, now: datetime) -> None:
    """Make the open alerts those of the troubles there are; what is known to be no trouble any more is resolved."""
    found = {(trouble.kind, trouble.subject): trouble for trouble in seen.troubles}
    for alert in Alert.objects.filter(provider=provider, resolved_at=None).select_related("provider"):
        if found.pop((alert.kind, alert.subject), None) is None and not seen.is_unseen(alert):
            resolve(alert, now)
    for trouble in found.values():
        _open(provider, trouble, now)


def heed_keys(provider: Provider, now: datetime) -> None:
    """Take a key that was pressed in a call for what it says: that whoever was called looks after the alert."""
    for alert in Alert.objects.filter(provider=provider, resolved_at=None, acknowledged_at=None):
        heard = deliveries_of(alert).filter(channel=Channel.CALL, answer=KEY).first()
        if heard is not None:
            called = Responder.objects.filter(provider=provider, channel=Channel.CALL, address=heard.recipient).first()
            acknowledge(alert, f"{called or heard.recipient} (by telephone)", None, now)


def _open(provider: Provider, trouble: Trouble, now: datetime) -> None:
    with transaction.atomic():
        alert, is_new = Alert.objects.get_or_create(
            provider=provider,
            kind=trouble.kind,
            subject=trouble.subject,
            resolved_at=None,
            defaults={
                "title": trouble.title[:200], "text": trouble.text, "began_at": trouble.began_at, "opened_at": now,
            },
        )  # fmt: skip
        if is_new:
            record(provider, None, "alert.opened", alert.code, {"about": alert.subject}, now=now, reason=alert.title)


def resolve(alert: Alert, now: datetime) -> None:
    """Say that what an alert was about is over, to whoever was told of it."""
    with transaction.atomic():
        if not Alert.objects.filter(pk=alert.pk, resolved_at=None).update(resolved_at=now):
            return
        alert.resolved_at = now
        withdraw_calls(alert.provider, alert.code, "Not called: it is over.", now)
        record(alert.provider, None, "alert.resolved", alert.code, {"about": alert.subject}, now=now)
        told = set(deliveries_of(alert).values_list("channel", "recipient"))
        for responder in Responder.objects.filter(provider=alert.provider):
            if responder.channel != Channel.CALL and (responder.channel, responder.address) in told:
                tell(alert, responder, RESOLVED, now)


def deliveries_of(alert: Alert) -> TenantQuerySet[Delivery]:
    """What was sent about an alert."""
    return Delivery.objects.filter(provider=alert.provider, topic=alert.code).order_by("queued_at", "pk")


def tell(alert: Alert, responder: Responder, step: str, now: datetime) -> None:
    """Tell somebody on call of an alert, by the way they are reached; the same step again changes nothing.

    Nobody is called about what somebody looks after.
    """
    about = f"{alert.code}/{step}"
    if responder.channel == Channel.CALL:
        if alert.acknowledged_at is None:
            send_call(alert.provider, responder.address, spoken(alert), about=about, now=now, topic=alert.code)
        return
    link = settings.CLEARLINE.origin + reverse("alert-link", args=[token_of(alert, responder)])
    if responder.channel == Channel.EMAIL:
        subject, text = wording(alert, step, link)
        send_email(alert.provider, responder.address, subject, text, about=about, now=now, topic=alert.code)
    else:
        document = {
            "type": f"alert.{RESOLVED if step == RESOLVED else 'raised'}",
            "timestamp": moment_text(datetime_us(now)),
            "data": as_json(alert) | {"step": step, "acknowledge": link},
        }
        secret = unseal(responder.sealed_secret)
        send_webhook(alert.provider, responder.address, secret, document, about=about, now=now, topic=alert.code)


def wording(alert: Alert, step: str, link: str) -> tuple[str, str]:
    """The subject and the text of an e-mail about an alert."""
    began = f"{alert.began_at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"
    page = settings.CLEARLINE.origin + reverse("alerts")
    if step == RESOLVED:
        return f"Over: {alert.title}", f"{alert.title}\n\nIt began {began} and is over.\n\n{page}\n"
    mark = "" if step == "chain" else f"{step} minutes: "
    lines = [alert.title, "", alert.text, "", f"It began {began}."]
    if step != "chain":
        lines.append(f"It goes on {step} minutes after its first failing sample; the promise is one hour.")
    if alert.acknowledged_at is None:
        lines += ["", "To say that you look after it, open this link and press the button:", link]
    else:
        lines += ["", f"{alert.acknowledged_by} looks after it."]
    return f"{mark}{alert.title}", "\n".join([*lines, "", page, ""])


def spoken(alert: Alert) -> str:
    """What is said to somebody who is called about an alert, by moments: a call may be tried again later."""
    lines = [f"This is Clearline, calling for {alert.provider}.", f"{alert.title}."]
    lines.append(f"It began at {alert.began_at.astimezone(UTC):%H %M}, U T C.")
    if alert.kind == Alert.Kind.OUTAGE:
        promised = alert.began_at + timedelta(hours=1)
        lines.append(f"The promise is to restore service by {promised.astimezone(UTC):%H %M}.")
    return "\n".join([*lines, *alert.text.splitlines(), f"Press {KEY} to say that you look after it.", ""])


def as_json(alert: Alert) -> dict[str, object]:
    """An alert as webhooks carry it."""
    acknowledged = alert.acknowledged_at
    return {
        "id": alert.code,
        "kind": alert.kind,
        "about": alert.subject,
        "title": alert.title,
        "text": alert.text,
        "critical": alert.is_critical,
        "began_at": moment_text(datetime_us(alert.began_at)),
        "acknowledged_at": None if acknowledged is None else moment_text(datetime_us(acknowledged)),
        "resolved_at": None if alert.resolved_at is None else moment_text(datetime_us(alert.resolved_at)),
    }


def token_of(alert: Alert, responder: Responder) -> str:
    """What lets one person on call acknowledge one alert without signing in."""
    return signing.dumps([alert.pk, responder.pk], salt=SALT)


def read_token(token: str) -> tuple[Alert, Responder] | None:
    """The alert and the person of a link; None: it is none of ours, or too old."""
    try:
        alert_pk, responder_pk = signing.loads(token, salt=SALT, max_age=LINK_LIFE)
    except signing.BadSignature:
        return None
    responder = Responder.objects.filter(pk=responder_pk).first()
    alert = Alert.objects.filter(pk=alert_pk).select_related("provider").first()
    return (alert, responder) if alert and responder else None


def acknowledge(alert: Alert, who: str, actor: User | None, now: datetime) -> bool:
    """Say that somebody looks after an alert; False: somebody did before, or it is over."""
    with transaction.atomic():
        waiting = Alert.objects.filter(pk=alert.pk, acknowledged_at=None, resolved_at=None)
        if not waiting.update(acknowledged_at=now, acknowledged_by=who[:200]):
            return False
        withdraw_calls(alert.provider, alert.code, f"Not called: {who} looks after it."[:500], now)
        record(alert.provider, actor, "alert.acknowledged", alert.code, {"by": who}, now=now)
    return True


def add_responder(responder: Responder, actor: User, now: datetime) -> str:
    """Add a step to the chain.

    Returns:
        The secret that webhooks to it are signed with, to be handed over once; else empty.
    """
    secret = make_secret() if responder.channel == Channel.WEBHOOK else ""
    with transaction.atomic():
        responder.provider, responder.added_at = actor.provider, now
        responder.sealed_secret = seal(secret) if secret else ""
        responder.save()
        details = {"channel": responder.channel, "address": responder.address, "after_min": responder.after_minutes}
        record(actor.provider, actor, "responder.added", responder.name, details, now=now)
    return secret


def remove_responder(responder: Responder, actor: User, now: datetime) -> None:
    """Tell somebody no more."""
    with transaction.atomic():
        details = {"channel": responder.channel, "address": responder.address}
        responder.delete()
        record(actor.provider, actor, "responder.removed", responder.name, details, now=now)


def keep_call_account(account: CallAccount, password: str, actor: User, now: datetime) -> None:
    """Call from this account from now on; an empty password keeps the one it has."""
    with transaction.atomic():
        account.provider = actor.provider
        if password:
            account.sealed_password = calls.seal(password)
        account.save()
        record(actor.provider, actor, "call_account.kept", "calls", {"server": account.server}, now=now)


def remove_call_account(account: CallAccount, actor: User, now: datetime) -> None:
    """Call nobody any more."""
    with transaction.atomic():
        account.delete()
        record(actor.provider, actor, "call_account.removed", "calls", {"server": account.server}, now=now)
