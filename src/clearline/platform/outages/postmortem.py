"""What happened in an outage, in order, and what was learned from it: to read, to keep, to hand over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from clearline.agreement.moments import datetime_us, length_text, moment_text, utc
from clearline.platform.accounts.models import User
from clearline.platform.alerts.models import Alert
from clearline.platform.alerts.services import deliveries_of
from clearline.platform.audit.services import record
from clearline.platform.measurements import records
from clearline.platform.outages.cases import Case, corrections_of
from clearline.platform.outages.models import Note, PostMortem

AROUND_US = 300_000_000
"""Samples are read so long before and after an outage."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    at: datetime
    what: str
    """`sample`, `alert`, `told`, `note`, `correction` or `declaration`."""
    text: str

    def to_json(self) -> dict[str, str]:
        """The entry as exported."""
        return {"at": moment_text(datetime_us(self.at)), "what": self.what, "text": self.text}


def timeline(case: Case, user: User, now: datetime) -> list[Entry]:
    """What happened in an outage, in order."""
    found = [*_samples(case, now), *_alerts(case, user), *_claims(case, user)]
    notes = Note.objects.visible_to(user).filter(outage=case.code).select_related("author")
    found += [Entry(note.at, "note", f"{note.author}: {note.text}") for note in notes]
    return sorted(found, key=lambda entry: entry.at)


def _samples(case: Case, now: datetime) -> Iterator[Entry]:
    """Where the samples' result changed, from each vantage point."""
    if case.target is None:
        return
    until_us = min(datetime_us(now), (case.until_us or datetime_us(now)) + AROUND_US)
    last: dict[str, bool] = {}
    for sample in records().probe_samples(
        tenant=case.target.provider.tenant,
        targets=[case.target.code],
        since_us=case.from_us - AROUND_US,
        until_us=until_us + 1,
    ):
        if last.get(sample.vantage, True) != sample.ok:
            result = "answers again" if sample.ok else "fails"
            yield Entry(
                utc(sample.at_us), "sample", f"{case.target} {result}, seen from {sample.vantage}: {sample.reason}"
            )
        last[sample.vantage] = sample.ok


def _alerts(case: Case, user: User) -> Iterator[Entry]:
    for alert in Alert.objects.visible_to(user).filter(subject=case.code).select_related("provider"):
        yield Entry(alert.opened_at, "alert", f"{alert.code} opened: {alert}")
        for delivery in deliveries_of(alert):
            step = delivery.about.partition("/")[2]
            text = f"{delivery.get_channel_display()} to {delivery.recipient} ({step})"
            yield Entry(delivery.queued_at, "told", f"{text}: {delivery.get_state_display().lower()}")
        if alert.acknowledged_at is not None:
            yield Entry(alert.acknowledged_at, "alert", f"{alert.code} acknowledged by {alert.acknowledged_by}")
        if alert.resolved_at is not None:
            yield Entry(alert.resolved_at, "alert", f"{alert.code} over")


def _claims(case: Case, user: User) -> Iterator[Entry]:
    if case.declaration is not None:
        said = case.declaration
        yield Entry(said.made_at, "declaration", f"declared by {said.said_by}: {said.what}")
        if said.decided_at is not None:
            verdict = "accepted" if said.accepted else "refused"
            yield Entry(said.decided_at, "declaration", f"{verdict} by {said.decided_by}")
    for one in corrections_of(case, user):
        yield Entry(one.made_at, "correction", f"{one} proposed by {one.made_by}: {one.reason}")
        if one.decided_at is not None:
            verdict = "signed off" if one.accepted else "refused"
            yield Entry(one.decided_at, "correction", f"{one} {verdict} by {one.decided_by}")


def add_note(case: Case, text: str, actor: User, now: datetime) -> None:
    """Write something into the timeline."""
    with transaction.atomic():
        Note.objects.create(provider=actor.provider, outage=case.code, at=now, author=actor, text=text)
        record(actor.provider, actor, "outage.noted", case.code, {}, now=now, reason=text)


def write(case: Case, text: str, actor: User, now: datetime) -> None:
    """Keep the post-mortem as it is now; what it was before is in the audit trail."""
    with transaction.atomic():
        values = {"text": text, "written_at": now, "written_by": actor}
        PostMortem.objects.update_or_create(provider=actor.provider, outage=case.code, defaults=values)
        record(actor.provider, actor, "post_mortem.written", case.code, {"text": text}, now=now)


def text_of(case: Case, user: User) -> str:
    """The post-mortem's text; empty before anybody wrote one."""
    found = PostMortem.objects.visible_to(user).filter(outage=case.code).first()
    return found.text if found else ""


def as_json(case: Case, user: User, now: datetime) -> dict[str, object]:
    """The post-mortem as a document."""
    return {
        "schema": "clearline/post-mortem/1",
        "outage": case.code,
        "from": moment_text(case.from_us),
        "until": None if case.until_us is None else moment_text(case.until_us),
        "reason": case.reason,
        "services": [{"id": one.code, "name": one.name, "customer": one.customer.name} for one in case.services],
        "timeline": [entry.to_json() for entry in timeline(case, user, now)],
        "text": text_of(case, user),
    }


def as_markdown(case: Case, user: User, now: datetime) -> str:
    """The post-mortem as Markdown."""
    length = length_text(case.length_us(datetime_us(now)))
    ended = "it goes on" if case.until_us is None else moment_text(case.until_us)
    lines = [
        f"# Outage {case.code}",
        "",
        f"- From {moment_text(case.from_us)}, until: {ended}, length {length}",
        f"- {_line(case.reason)}",
        *(f"- Felt by {_line(str(service))}" for service in case.services),
        "",
        "## What happened",
        "",
        *(f"- {entry.to_json()['at']} {entry.what}: {_line(entry.text)}" for entry in timeline(case, user, now)),
        "",
        "## What was learned",
        "",
        text_of(case, user) or "Nothing was written yet.",
        "",
    ]
    return "\n".join(lines)


def _line(text: str) -> str:
    """Text from elsewhere on one line, which Markdown takes for nothing else."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("`", "\\`").replace("<", "\\<").replace("[", "\\[")
