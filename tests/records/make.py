"""Records for tests, all fields named, few given."""

from typing import Any

from clearline.records.schema import CallRecord, ProbeSample, StreamRecord, record_key

NOON = 1_790_000_000_000_000 // 86_400_000_000 * 86_400_000_000 + 43_200_000_000
DAY = 86_400_000_000


def call(name: object, **fields: Any) -> CallRecord:
    known: dict[str, Any] = {
        "key": record_key(name),
        "tenant": "t",
        "customer": "C-1",
        "service": "S-1",
        "call_id": f"{name}@pbx",
        "caller": "sip:+12025550100@example.com",
        "callee": "sip:+12025550199@example.com",
        "start_us": NOON,
        "answered_us": NOON + 2_000_000,
        "end_us": NOON + 62_000_000,
        "final_code": 200,
        "talk_us": 60_000_000,
        "post_dial_delay_us": 800_000,
        "mos_x100": 430,
        "mos_basis": "cq",
        "mos_lq_x100": 432,
        "mos_cq_x100": 430,
        "loss_ppm": 1000,
        "jitter_us": 2000,
        "delay_us": 40_000,
        "codec": "PCMU",
        "source": "capture",
        "code_version": "1",
        "profile": "planning",
    }
    return CallRecord(**{**known, **fields})


def sample(name: object, **fields: Any) -> ProbeSample:
    known: dict[str, Any] = {
        "key": record_key("probe", name),
        "tenant": "t",
        "target": "T-1",
        "vantage": "local",
        "kind": "options",
        "at_us": NOON,
        "ok": True,
        "code": 200,
        "reason": "",
        "latency_us": 1500,
        "interval_us": 15_000_000,
        "code_version": "1",
    }
    return ProbeSample(**{**known, **fields})


def stream(name: object, **fields: Any) -> StreamRecord:
    known: dict[str, Any] = {
        "key": record_key("stream", name),
        "tenant": "t",
        "call_key": record_key(1),
        "start_us": NOON,
        "end_us": NOON + 60_000_000,
        "ssrc": 1,
        "source": "10.0.0.1:4000",
        "destination": "10.0.0.2:4000",
        "codec": "PCMU",
        "received": 3000,
        "expected": 3000,
        "lost": 0,
        "duplicates": 0,
        "reordered": 0,
        "discarded": 0,
        "jitter_mean_us": 1000,
        "jitter_max_us": 2000,
        "mos_lq_x100": 440,
        "mos_cq_x100": None,
        "measured_by": "capture",
        "code_version": "1",
        "profile": "planning",
    }
    return StreamRecord(**{**known, **fields})
