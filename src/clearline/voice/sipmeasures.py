"""The service measures of RFC 6076, and answer-seizure and network effectiveness ratio of ITU-T E.411, E.425."""

from collections.abc import Iterable

from clearline.voice.call import Call
from clearline.voice.calls import CallBook

EFFECTIVE = {480, 486, 600, 603}
"""Failures that the called user chose: the network did its work (RFC 6076 section 4.7)."""

INEFFECTIVE = {408, 500, 503, 504}
"""Failures of the network (RFC 6076 section 4.8)."""

USER_FAILURES = EFFECTIVE | {484, 487, 404, 410, 485}
"""Failures by the user's doing or choice (E.425: busy, no answer, rejection, wrong number), for NER."""


def measures(book: CallBook) -> dict[str, float | int | None]:
    """Compute the measures over a capture's calls; those of a second leg (`linked`) count as calls too.

    Returns:
        Percentages and milliseconds; None where there is nothing to divide by.
    """
    calls = [call for call in book.calls.values() if call.final_code is not None]
    codes = [call.final_code or 0 for call in calls]
    answered = [call for call in calls if call.answered_us is not None]
    tried = sum(not 300 <= code < 400 for code in codes)
    effective = sum(code in EFFECTIVE for code in codes)
    completed = [call for call in answered if call.bye_us is not None]
    registrations = book.registrations
    return {
        "attempts": len(book.calls),
        "answered": len(answered),
        "completed": len(completed),
        "asr_percent": _percent(len(answered), len(calls)),
        "ner_percent": _percent(len(answered) + sum(code in USER_FAILURES for code in codes), len(calls)),
        "ser_percent": _percent(len(answered), tried),
        "seer_percent": _percent(len(answered) + effective, tried),
        "isa_percent": _percent(sum(code in INEFFECTIVE for code in codes), len(calls)),
        "scr_percent": _percent(len(completed), len(calls)),
        "srd_ms": _mean_ms(
            (call.ringing_us if call.ringing_us is not None else call.answered_us, call.start_us) for call in calls
        ),
        "failed_srd_ms": _mean_ms((call.final_us, call.start_us) for call in calls if call.answered_us is None),
        "sdd_ms": _mean_ms((call.bye_answered_us, call.bye_us) for call in calls),
        "sdt_ms": _mean_ms((call.bye_us, call.answered_us) for call in calls),
        "hops_mean": _mean_hops(answered),
        "registrations": registrations.attempts,
        "rrd_ms": registrations.delay_us / registrations.successes / 1000 if registrations.successes else None,
        "ira_percent": _percent(registrations.failures, registrations.attempts),
    }


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 4) if whole else None


def _mean_ms(pairs: Iterable[tuple[int | None, int | None]]) -> float | None:
    """Average the time from the second moment to the first, over the pairs where both are known."""
    spans = [later - earlier for later, earlier in pairs if later is not None and earlier is not None]
    return round(sum(spans) / len(spans) / 1000, 3) if spans else None


def _mean_hops(calls: list[Call]) -> float | None:
    hops = [call.hops() for call in calls]
    return round(sum(hops) / len(hops), 2) if hops else None
