"""Records as a prober or an analysis would make them."""

from dataclasses import fields
from datetime import UTC, datetime

from clearline.agreement.moments import datetime_us
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.records.schema import CallRecord, ProbeSample, record_key

NOW = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)


def samples(target: Target, since: datetime, results: str, interval_s: int = 15) -> list[ProbeSample]:
    """One sample each interval: `+` answered in 12 ms, `-` not answered, a blank was not taken."""
    return [
        ProbeSample(
            key=record_key(target.code, since, number),
            tenant=target.provider.tenant,
            target=target.code,
            vantage="local",
            kind="options",
            at_us=datetime_us(since) + number * interval_s * 1_000_000,
            ok=result == "+",
            code=200 if result == "+" else None,
            reason="200 OK" if result == "+" else "no answer",
            latency_us=12_345 if result == "+" else None,
            interval_us=interval_s * 1_000_000,
            code_version="test",
        )
        for number, result in enumerate(results)
        if result != " "
    ]


def call_record(service: Service, start: datetime, **told: object) -> CallRecord:
    """A measured call of a service; `told` says what differs."""
    unknown: dict[str, object] = dict.fromkeys(field.name for field in fields(CallRecord))
    known = {
        "key": record_key(service.pk, start),
        "tenant": service.customer.provider.tenant,
        "customer": service.customer.code,
        "service": service.code,
        "start_us": datetime_us(start),
        "answered_us": datetime_us(start) + 2_000_000,
        "end_us": datetime_us(start) + 62_000_000,
        "talk_us": 60_000_000,
        "mos_x100": 410,
        "mos_basis": "cq",
        "loss_ppm": 0,
        "jitter_us": 2_000,
        "delay_us": 20_000,
        "source": "test",
        "code_version": "test",
        "profile": "planning",
    }
    return CallRecord(**{**unknown, **known, **told})  # type: ignore[arg-type]  # every field is given
