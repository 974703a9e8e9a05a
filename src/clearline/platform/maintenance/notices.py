"""Telling customers of a window: one notice, a message to each contact of each affected customer, one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from itertools import groupby

from django.conf import settings
from django.db import transaction

from clearline.agreement.moments import datetime_us, length_text, moment_text
from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Customer, Service
from clearline.platform.maintenance.maintnote import Sender, calendar_part, method_of, status_of
from clearline.platform.maintenance.models import Notice, Window
from clearline.platform.maintenance.wall import wall_times
from clearline.platform.outbox.models import Channel
from clearline.platform.outbox.services import send_email, send_webhook, unseal

OPENINGS = {
    Notice.Kind.ANNOUNCEMENT: "we plan maintenance that affects services of yours.",
    Notice.Kind.REMINDER: "a reminder: maintenance that affects services of yours begins soon.",
    Notice.Kind.MOVE: "the announced maintenance takes place at another time. Its new times are below.",
    Notice.Kind.START: "the announced maintenance has begun.",
    Notice.Kind.EXTENSION: "the announced maintenance takes longer than planned. Its new times are below.",
    Notice.Kind.COMPLETION: "the announced maintenance is completed.",
    Notice.Kind.CANCELLATION: "the announced maintenance does not take place.",
}


def notify(window: Window, kind: Notice.Kind, actor: User | None, now: datetime) -> Notice:
    """Write a notice of a window as it is now, and queue it to every contact of every affected customer.

    Args:
        window: its `sequence` is raised with each notice after the first.
        kind: why the customers are told. A cancellation is of the time they were told last.
        actor: who causes it; None: the platform itself.
        now: the present moment.
    """
    with transaction.atomic():
        last = window.notices.order_by("-sequence").first()
        window.sequence = last.sequence + 1 if last else 0
        window.announce_at = None
        window.save(update_fields=["sequence", "announce_at"])
        times = last if last is not None and kind == Notice.Kind.CANCELLATION else window
        notice = Notice.objects.create(
            window=window, sequence=window.sequence, kind=kind, from_at=times.from_at, until_at=times.until_at, at=now
        )
        affected = window.services.select_related("customer__provider", "agreement").order_by("customer", "pk")
        for customer, services in groupby(affected, key=lambda service: service.customer):
            _tell(notice, customer, list(services), now)
        details = {"kind": str(kind), "sequence": window.sequence, "until": str(window.until_at)}
        record(window.provider, actor, "maintenance.notified", window.code, details, now=now)
    return notice


def contacts_of(customer: Customer) -> list[tuple[str, str, str]]:
    """Whom to tell: channel, address and sealed secret of each contact, each once."""
    contacts = [(each.channel, each.address, each.sealed_secret) for each in customer.contacts.all()]
    own = (Channel.EMAIL.value, customer.contact, "")
    return contacts if not customer.contact or own in contacts else [own, *contacts]


def _tell(notice: Notice, customer: Customer, services: Sequence[Service], now: datetime) -> None:
    text, about = text_of(notice, services), notice.about(customer)
    name, address = parseaddr(settings.CLEARLINE.mail_from)
    sender = Sender(name or customer.provider.name, address)
    calendar = calendar_part(notice, services, customer.code, sender, text)
    for channel, recipient, sealed_secret in contacts_of(customer):
        if channel == Channel.EMAIL:
            subject = f"{notice.get_kind_display()}: {notice.window.title} ({notice.window.code})"
            send_email(
                customer.provider, recipient, subject, text,
                about=about, now=now, calendar=calendar, method=method_of(notice), topic=notice.window.code,
            )  # fmt: skip
        else:
            document = document_of(notice, services, customer)
            secret, topic = unseal(sealed_secret), notice.window.code
            send_webhook(customer.provider, recipient, secret, document, about=about, now=now, topic=topic)


def zones_of(window: Window, services: Sequence[Service]) -> list[str]:
    """The zones a window matters in: that it was planned in, and those of the agreements."""
    return list(dict.fromkeys([window.zone, *(service.agreement.zone.key for service in services)]))


def text_of(notice: Notice, services: Sequence[Service]) -> str:
    """A notice to one customer as plain text."""
    window = notice.window
    times = wall_times(notice.from_at, notice.until_at, zones_of(window, services))
    length = length_text((notice.until_at - notice.from_at) // timedelta(microseconds=1))
    lines = ["Hello,", "", OPENINGS[Notice.Kind(notice.kind)], "", f"{window.title} ({window.code})", ""]
    for each in times:
        lines += [f"  {each.zone}:", f"    from  {each.begins}", f"    until {each.ends}"]
    changing = [each.zone for each in times if each.clocks_change]
    before = window.notices.filter(sequence__lt=notice.sequence).last() if notice.kind == Notice.Kind.MOVE else None
    if before is not None:
        utc, *_ = wall_times(before.from_at, before.until_at, [])
        lines += ["", f"It was announced for {utc.begins} to {utc.ends} UTC before."]
    lines += ["", f"It takes {length}."]
    if changing:
        lines.append(f"In {', '.join(changing)} the clocks change meanwhile; the offsets beside the times are exact.")
    lines += ["", f"Meanwhile these services {window.get_impact_display()}:"]
    lines += [f"  {service.name} ({service.code})" for service in services]
    if window.notice:
        lines += ["", window.notice.strip()]
    return "\n".join([*lines, "", f"{window.provider}", ""])


def document_of(notice: Notice, services: Sequence[Service], customer: Customer) -> dict[str, object]:
    """A notice to one customer as a webhook's document."""
    window = notice.window
    return {
        "type": f"maintenance.{notice.kind}",
        "timestamp": moment_text(datetime_us(notice.at)),
        "data": {
            "id": window.code,
            "uid": window.uid,
            "sequence": notice.sequence,
            "status": status_of(window, notice),
            "title": window.title,
            "impact": window.impact,
            "from": moment_text(datetime_us(notice.from_at)),
            "until": moment_text(datetime_us(notice.until_at)),
            "account": customer.code,
            "services": [{"id": service.code, "name": service.name} for service in services],
            "text": window.notice,
        },
    }
