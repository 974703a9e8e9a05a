"""Evidence to verdicts: each commitment of a month kept, missed or not measured. All comparisons are exact."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from clearline.agreement.classes import NOTHING_SEEN, Classes
from clearline.agreement.evidence import Evidence, Experience, Voice
from clearline.agreement.figures import truncated
from clearline.agreement.intervals import Interval, IntervalSet
from clearline.agreement.promises import (
    Agreement,
    Availability,
    FirstResponse,
    MaintenanceNotice,
    Restoration,
    VoiceMos,
)
from clearline.agreement.promises import Experience as ExperienceTerms

Status = Literal["kept", "missed", "not_measured"]


@dataclass(frozen=True, slots=True)
class Level:
    """A verdict on a figure that must reach a target: availability in percent, or a mean opinion score.

    Attributes:
        measured: in the target's unit; None when there was nothing to judge.
        unit: the unit of `exact` in that of `measured`: availability's fraction is of 1, its percentage of 100.
        coverage: percent of what should have been measured that was; None when there was nothing to measure.
        needs_decision: the coverage is so low that a person must decide.
    """

    commitment: str
    clause: str
    target: Decimal
    measured: Fraction | None
    unit: int
    coverage: Fraction | None
    needs_decision: bool

    @property
    def status(self) -> Status:
        """Kept when the figure reaches the target."""
        if self.measured is None:
            return "not_measured"
        return "missed" if self.shortfall > 0 else "kept"

    @property
    def shortfall(self) -> Fraction:
        """How far the figure is below the target, in the target's unit; 0 when it is not."""
        if self.measured is None:
            return Fraction(0)
        return max(Fraction(self.target) - self.measured, Fraction(0))

    def to_json(self) -> dict[str, Any]:
        """The verdict as a statement has it."""
        return {
            "clause": self.clause,
            "status": self.status,
            "target": str(self.target),
            "measured": None if self.measured is None else truncated(self.measured),
            "exact": None if self.measured is None else str(self.measured / self.unit),
            "coverage": None if self.coverage is None else truncated(self.coverage),
            "needs_decision": self.needs_decision,
        }


@dataclass(frozen=True, slots=True)
class Shares:
    """A verdict on the share of the calls, and of the video calls, that were good enough, in percent.

    Attributes:
        calls: percent of the measured calls within the limits; None when none was measured.
        video: percent of the measured video calls within the limits; None when none was measured.
    """

    commitment: str
    clause: str
    target: Decimal
    calls: Fraction | None
    video: Fraction | None

    @property
    def status(self) -> Status:
        """Missed when either share is below the target."""
        if self.calls is None and self.video is None:
            return "not_measured"
        return "missed" if self.shortfall > 0 else "kept"

    @property
    def shortfall(self) -> Fraction:
        """How far the lower share is below the target, in percentage points; 0 when it is not."""
        target = Fraction(self.target)
        return max([target - share for share in (self.calls, self.video) if share is not None] + [Fraction(0)])

    def to_json(self) -> dict[str, Any]:
        """The verdict as a statement has it."""
        return {
            "clause": self.clause,
            "status": self.status,
            "target": str(self.target),
            "measured": None if self.calls is None else truncated(self.calls),
            "video": None if self.video is None else truncated(self.video),
        }


@dataclass(frozen=True, slots=True)
class Case:
    """A late request, outage or window.

    Attributes:
        ids: its id; an outage joined of several entries has theirs.
        before_us: the delay that months before this one answer for, in microseconds.
        by_us: the delay by now, the earlier of `as_of` and the month's end, in microseconds.
    """

    ids: tuple[str, ...]
    before_us: int
    by_us: int


@dataclass(frozen=True, slots=True)
class Cases:
    """A verdict on cases that must each be in time: requests, outages, maintenance windows.

    Attributes:
        judged: how many cases of this month were judged.
        late: those that were late.
        counted: what a statement calls the cases, and how many the month had.
        pending: ids of cases that were not late yet and not over either.
    """

    commitment: str
    clause: str
    judged: int
    late: tuple[Case, ...]
    counted: tuple[str, int]
    pending: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """Missed when one case was late."""
        if self.late:
            return "missed"
        return "kept" if self.judged else "not_measured"

    def to_json(self) -> dict[str, Any]:
        """The verdict as a statement has it."""
        name, number = self.counted
        return {
            "clause": self.clause,
            "status": self.status,
            name: number,
            "late": [id_ for case in self.late for id_ in case.ids],
            "pending": list(self.pending),
        }


Verdict = Level | Shares | Cases


def judge(agreement: Agreement, evidence: Evidence, classes: Classes) -> dict[str, Verdict]:
    """Judge every commitment that the agreement makes.

    Args:
        agreement: the terms.
        evidence: what was observed in the month.
        classes: the month taken apart by `classify`.

    Returns:
        Commitment → verdict, in a statement's order.
    """
    promised, coverage = agreement.commitments, agreement.coverage_minimum
    verdicts: list[Verdict] = []
    if promised.availability:
        verdicts.append(_availability(promised.availability, coverage, classes))
    if promised.restoration:
        verdicts.append(_restoration(promised.restoration, classes))
    if promised.voice_mos:
        verdicts.append(_voice_mos(promised.voice_mos, coverage, evidence.voice))
    if promised.experience:
        verdicts.append(_experience(promised.experience, evidence.experience))
    if promised.first_response:
        verdicts.append(_first_response(promised.first_response, evidence, classes.month))
    if promised.maintenance_notice:
        verdicts.append(_maintenance_notice(promised.maintenance_notice, promised.notice_us, evidence, classes.life))
    return {verdict.commitment: verdict for verdict in verdicts}


def _percent(part: int | Decimal, whole: int | Decimal) -> Fraction | None:
    """A share in percent; None of nothing."""
    return Fraction(part) / Fraction(whole) * 100 if whole else None


def _availability(terms: Availability, minimum_percent: Decimal, classes: Classes) -> Level:
    """(S - M - X - U - D) / (S - M - X - U), where M and U may count as up or down instead of being left out.

    A gap that counts as up is no measurement: with nothing else in the month there is nothing to judge.
    """
    maintenance_us, unknown_us = classes.maintenance.total_us, classes.unknown.total_us
    up_us = classes.up.total_us + (maintenance_us if terms.maintenance.counts_as == "up" else 0)
    down_us = classes.down.total_us + (maintenance_us if terms.maintenance.counts_as == "down" else 0)
    down_us += unknown_us if terms.unknown == "down" else 0
    has_measurement = up_us + down_us > 0
    up_us += unknown_us if terms.unknown == "up" else 0
    past_us = classes.life.total_us - classes.ahead.total_us
    coverage = _percent(classes.observed.total_us, past_us)
    return Level(
        commitment="availability",
        clause=terms.clause,
        target=terms.target,
        measured=_percent(up_us, up_us + down_us) if has_measurement else None,
        unit=100,
        coverage=coverage,
        needs_decision=coverage is not None and coverage < minimum_percent,
    )


def _restoration(terms: Restoration, classes: Classes) -> Cases:
    """Each outage that ends in this month, less its eligible maintenance and allowed exclusions, against the limit.

    The outage belongs to the month of its last instant: one that ends at midnight ends in the month before.
    """
    from_us, until_us = classes.month
    judged = 0
    late: list[Case] = []
    pending: list[str] = []
    for outage, length_us in classes.charged():
        if length_us == 0 or not from_us < outage.until_us <= until_us:
            continue
        if outage.goes_on:
            pending.extend(outage.ids)
            continue
        judged += 1
        if length_us > terms.within_us:
            late.append(Case(outage.ids, 0, length_us - terms.within_us))
    return Cases("restoration", terms.clause, judged, tuple(late), ("outages", judged), tuple(pending))


def _voice_mos(terms: VoiceMos, minimum_percent: Decimal, voice: Voice | None) -> Level:
    """The mean over the measured calls, weighted by call or by talk time; of too few calls there is none."""
    mean = coverage = None
    if voice:
        by_call = terms.weight == "call"
        total, weights = (voice.mos_total, voice.measured) if by_call else (voice.mos_talk_total, voice.talk_seconds)
        if voice.measured >= terms.minimum_calls and weights:
            mean = Fraction(total) / Fraction(weights)
        coverage = _percent(voice.measured, voice.calls)
    return Level(
        commitment="voice_mos",
        clause=terms.clause,
        target=terms.target,
        measured=mean,
        unit=1,
        coverage=coverage,
        needs_decision=voice is None or (coverage is not None and coverage < minimum_percent),
    )


def _experience(terms: ExperienceTerms, experience: Experience | None) -> Shares:
    """The share of the measured calls, and of the video calls, within their limits."""
    calls = video = None
    if experience:
        calls = _percent(experience.within, experience.measured)
        video = _percent(experience.video_within, experience.video_measured)
    return Shares("experience", terms.clause, terms.share_percent, calls, video)


def _first_response(terms: FirstResponse, evidence: Evidence, month: Interval) -> Cases:
    """Each request that was open at some time of the month, by the delay that this month adds to it."""
    from_us, until_us = month
    now_us = max(from_us, min(until_us, evidence.as_of_us))
    open_here = [
        request
        for request in evidence.support or ()
        if request.received_us < now_us
        and (request.received_us >= from_us or request.answered_us is None or request.answered_us > from_us)
    ]
    late, pending = [], []
    for request in open_here:
        due_us = request.received_us + terms.within_us
        answered = request.answered_us is not None and request.answered_us <= now_us
        end_us = now_us if request.answered_us is None else min(request.answered_us, now_us)
        case = Case((request.id,), max(from_us - due_us, 0), max(end_us - due_us, 0))
        if case.by_us > case.before_us:
            late.append(case)
        elif not answered:
            pending.append(request.id)
    judged = len(open_here) - len(pending)
    return Cases("first_response", terms.clause, judged, tuple(late), ("requests", len(open_here)), tuple(pending))


def _maintenance_notice(terms: MaintenanceNotice, notice_us: int, evidence: Evidence, life: IntervalSet) -> Cases:
    """Each window that starts in this month of the service's life, against the time of its announcement.

    A window that was never announced is as late as one announced when it started.
    """
    windows = [
        window
        for window in (evidence.availability or NOTHING_SEEN).maintenance
        if window.from_us in life and window.until_us > window.from_us
    ]
    late = []
    for window in windows:
        announced_us = window.from_us if window.announced_us is None else window.announced_us
        delay_us = announced_us - (window.from_us - notice_us)
        if delay_us > 0 or window.announced_us is None:
            late.append(Case((window.id,), 0, delay_us))
    return Cases("maintenance_notice", terms.clause, len(windows), tuple(late), ("windows", len(windows)))
