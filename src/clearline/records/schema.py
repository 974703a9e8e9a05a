"""The tables: what a call, a stream, its intervals, a probe sample and a phone's report look like.

Integers only: MOS in hundredths, microseconds, parts per million, counts. An unknown is None, never 0. Moments are
microseconds since the epoch, UTC. This file imports nothing heavy, so that whoever makes records pays nothing.

`key` makes a record idempotent: appending the same key again changes nothing. It must not name a person: make it
with `record_key`. New fields are added at the end, optional, so that every older file stays readable.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

SCHEMA_VERSION = 4
"""2: probe samples have media figures, the certificate's end and the clock's offset. 3: intervals have more figures,
phones' reports the keys of the call and stream they are about. 4: the store keeps which rule gave a record its site.
Every version is read."""

MosBasis = Literal["cq", "lq"]
Direction = Literal["in", "out", "internal"]


def record_key(*parts: object) -> str:
    """Make an opaque key of 24 hex digits from what identifies a record at its source.

    96 bits: among 10 billion records a chance collision has a probability of 6·10⁻¹⁰. The key tells nothing of
    its parts, so it survives the erasure of a person.
    """
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class ProbeSample:
    """One answer, or the lack of one, of a target to an active probe."""

    key: str
    tenant: str
    target: str
    vantage: str
    kind: str
    at_us: int
    ok: bool
    code: int | None
    reason: str
    latency_us: int | None
    interval_us: int
    code_version: str
    mos_x100: int | None = None
    """Quality of the media the probe received; `loss_ppm` and `jitter_us` are of the same media."""
    post_dial_delay_us: int | None = None
    loss_ppm: int | None = None
    jitter_us: int | None = None
    expires_at_us: int | None = None
    """When the certificate the target showed is no longer valid."""
    clock_offset_us: int | None = None
    """How far the platform's time was ahead of the prober's wall clock; None: it is the platform's own clock."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, or one leg of a call, with the quality its listeners had.

    `customer`, `service` and `site` are what the source knows for certain; None leaves it to the attribution rules.
    `mos_x100` is the lower of the two directions: conversational if the delay is known, else listening, which
    `mos_basis` says. `loss_ppm`, `jitter_us` and `delay_us` are of the worse direction.
    """

    key: str
    tenant: str
    customer: str | None
    service: str | None
    call_id: str | None
    caller: str | None
    callee: str | None
    start_us: int
    answered_us: int | None
    end_us: int | None
    final_code: int | None
    talk_us: int | None
    post_dial_delay_us: int | None
    mos_x100: int | None
    mos_basis: MosBasis | None
    mos_lq_x100: int | None
    mos_cq_x100: int | None
    loss_ppm: int | None
    jitter_us: int | None
    delay_us: int | None
    codec: str | None
    source: str
    code_version: str
    profile: str
    site: str | None = None
    trunk: str | None = None
    direction: Direction | None = None
    leg: str | None = None
    """Which leg of a call with several it is, as its source names it."""
    ended_by: str | None = None
    source_address: str | None = None
    """Signalling address of the caller's side, without port."""
    destination_address: str | None = None
    video_mos_x100: int | None = None


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One RTP stream of a call. `source` and `destination` are addresses with port; `measured_by` is who measured."""

    key: str
    tenant: str
    call_key: str
    start_us: int
    end_us: int
    ssrc: int
    source: str | None
    destination: str | None
    codec: str | None
    received: int
    expected: int
    lost: int
    duplicates: int
    reordered: int
    discarded: int
    jitter_mean_us: int | None
    jitter_max_us: int | None
    mos_lq_x100: int | None
    mos_cq_x100: int | None
    measured_by: str
    code_version: str
    profile: str
    payload_type: int | None = None
    clock_rate: int | None = None
    max_gap_us: int | None = None
    delay_us: int | None = None
    r_x100: int | None = None
    burst_density_ppm: int | None = None
    burst_duration_us: int | None = None
    gap_density_ppm: int | None = None
    gap_duration_us: int | None = None
    burst_r_x1000: int | None = None
    model: str | None = None
    unscored: str | None = None
    """Why there is no score, in words."""


@dataclass(frozen=True, slots=True)
class IntervalRecord:
    """Some seconds (10 by default) of one stream."""

    key: str
    tenant: str
    stream_key: str
    from_us: int
    duration_us: int
    lost: int
    expected: int | None
    jitter_us: int | None
    mos_lq_x100: int | None
    mos_cq_x100: int | None
    measured_by: str
    code_version: str
    profile: str
    received: int | None = None
    discarded: int | None = None
    jitter_max_us: int | None = None
    max_gap_us: int | None = None


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What a phone or browser said about a call it was in (VQ report, RTCP XR, WebRTC statistics)."""

    key: str
    tenant: str
    customer: str | None
    service: str | None
    at_us: int
    kind: str
    reporter: str | None
    call_id: str | None
    caller: str | None
    callee: str | None
    codec: str | None
    mos_lq_x100: int | None
    mos_cq_x100: int | None
    loss_ppm: int | None
    jitter_us: int | None
    delay_us: int | None
    round_trip_us: int | None
    source: str
    code_version: str
    profile: str
    call_key: str | None = None
    stream_key: str | None = None


Record = ProbeSample | CallRecord | StreamRecord | IntervalRecord | ClientReport


@dataclass(frozen=True, slots=True)
class Table:
    """How one kind of record is kept.

    Attributes:
        name: the table's name, in files and queries.
        code: its number in the spool; never reused.
        row: the dataclass of a record.
        time: the column that decides the UTC day a record belongs to.
        order: the columns sealed files are sorted by, before the key.
        identity: the columns that name a person; nulled when the person is erased, left out of the measure digest.
    """

    name: str
    code: int
    row: type[Record]
    time: str
    order: tuple[str, ...]
    identity: tuple[str, ...]


CALLS = Table(
    "calls",
    1,
    CallRecord,
    "start_us",
    ("tenant", "customer", "start_us"),
    ("call_id", "caller", "callee", "source_address", "destination_address"),
)
STREAMS = Table("streams", 2, StreamRecord, "start_us", ("tenant", "call_key", "start_us"), ("source", "destination"))
INTERVALS = Table("intervals", 3, IntervalRecord, "from_us", ("tenant", "stream_key", "from_us"), ())
PROBES = Table("probe_samples", 4, ProbeSample, "at_us", ("tenant", "target", "at_us"), ())
REPORTS = Table(
    "client_reports",
    5,
    ClientReport,
    "at_us",
    ("tenant", "customer", "at_us"),
    ("reporter", "call_id", "caller", "callee"),
)

TABLES: dict[str, Table] = {table.name: table for table in (CALLS, STREAMS, INTERVALS, PROBES, REPORTS)}
TABLE_OF: dict[type[Record], Table] = {table.row: table for table in TABLES.values()}
TABLE_BY_CODE: dict[int, Table] = {table.code: table for table in TABLES.values()}

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
LATEST_US = 253_402_300_800_000_000
"""The year 10000: a moment at or after it is a sender's mistake."""
