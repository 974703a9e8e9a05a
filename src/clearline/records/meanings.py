"""What each column means; docs/schemas/record-*.json and docs/columns.md are made of it (`tools/schemas`)."""

from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from clearline.records.schema import SCHEMA_VERSION, Table

_ENDS = {
    "_us": "µs",
    "_ppm": "parts per million",
    "_x100": "hundredths",
    "_x1000": "thousandths",
}
MEANINGS: dict[str, str] = {
    "answered_us": "moment the call was answered",
    "at_us": "the record's moment",
    "attributed_by": "the rule that gave the record its customer; unknown once its numbers are hidden or erased",
    "burst_density_ppm": "packets lost or discarded within bursts (RFC 3611 §4.7.2)",
    "burst_duration_us": "mean length of a burst",
    "burst_r_x1000": "BurstR of ITU-T G.107",
    "call_id": "the signalling's Call-ID",
    "call_key": "key of the call",
    "callee": "who was called, as signalled",
    "caller": "who called, as signalled",
    "clock_offset_us": "the target's clock less the vantage point's",
    "clock_rate": "RTP clock rate, Hz",
    "code": "SIP status code of the answer",
    "code_version": "version of the program that made the record",
    "codec": "encoding name",
    "customer": "whose it is; null leaves it to the attribution rules",
    "delay_us": "one-way delay",
    "destination": "address and port the stream was sent to",
    "destination_address": "signalling address of the callee's side, without port",
    "direction": "in, out or internal, seen from the customer",
    "discarded": "packets too late to be played",
    "duplicates": "packets received again",
    "duration_us": "length",
    "end_us": "moment of its end",
    "ended_by": "which side ended the call",
    "expected": "packets expected (RFC 3550)",
    "expires_at_us": "when the target's certificate is no longer valid",
    "final_code": "final SIP status code of the call's set-up",
    "from_us": "moment of its beginning",
    "gap_density_ppm": "packets lost or discarded within gaps",
    "gap_duration_us": "mean length of a gap",
    "interval_us": "how often the probe asked",
    "jitter_max_us": "greatest jitter (RFC 3550 §6.4.1)",
    "jitter_mean_us": "mean jitter (RFC 3550 §6.4.1)",
    "jitter_us": "jitter (RFC 3550 §6.4.1)",
    "key": "opaque; the same key of a tenant again changes nothing",
    "kind": "which kind of probe or report",
    "latency_us": "time to the answer",
    "leg": "which leg of a call with several",
    "loss_ppm": "packets lost of those expected",
    "lost": "packets lost (RFC 3550)",
    "max_gap_us": "longest time between two packets",
    "measured_by": "who measured",
    "model": "G.107, G.107.1 or G.107.2: the scale of the scores",
    "mos_basis": "cq: conversational; lq: listening, where the delay is unknown",
    "mos_cq_x100": "conversational MOS",
    "mos_lq_x100": "listening MOS",
    "mos_x100": "MOS",
    "moved_to_us": "in the row a moved record leaves behind: the moment it went to",
    "ok": "whether the target did what was asked",
    "payload_type": "RTP payload type",
    "post_dial_delay_us": "from dialling to the first sign of ringing",
    "profile": "whose impairments the score was made with",
    "r_x100": "transmission rating R",
    "reason": "what was found, in words",
    "received": "packets received",
    "recorded_us": "when the record was acknowledged",
    "reordered": "packets received after one sent later",
    "reporter": "who reported",
    "revised_by": "who corrected the record",
    "revised_us": "when it was corrected; 0 for what first came in",
    "revised_why": "why it was corrected",
    "round_trip_us": "round-trip time",
    "service": "which service",
    "site": "which site",
    "site_by": "the rule that gave the record its site; unknown where its source knew it, or it has none",
    "source": "where the record comes from; of a stream: the sender's address and port",
    "source_address": "signalling address of the caller's side, without port",
    "ssrc": "RTP synchronisation source",
    "start_us": "moment of its start",
    "stream_key": "key of the stream",
    "talk_us": "how long they talked",
    "target": "the target asked",
    "tenant": "the provider",
    "trunk": "trunk's name",
    "unscored": "why there is no score, in words",
    "vantage": "from where it was asked",
    "video_mos_x100": "MOS of the video (ITU-T G.1070)",
}


def unit(name: str) -> str:
    """A column's unit by its name's end; empty for texts and counts."""
    return next((said for end, said in _ENDS.items() if name.endswith(end)), "")


def _kind(hint: Any) -> tuple[str, bool]:
    """JSON type of a column, and whether it may be unknown."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] if NoneType in get_args(hint) else [hint]
    literal = get_origin(kinds[0]) is Literal
    name = "string" if literal else {int: "integer", str: "string", bool: "boolean"}[kinds[0]]
    return name, NoneType in get_args(hint)


def columns(table: Table) -> list[tuple[str, str, bool, str, str]]:
    """A table's columns in order: name, JSON type, whether it may be unknown, unit, meaning."""
    hints = get_type_hints(table.row)
    return [(name, *_kind(hint), unit(name), MEANINGS[name]) for name, hint in hints.items()]


def schema(table: Table) -> dict[str, Any]:
    """The JSON Schema of one record, as `clearline records` prints and exports it."""
    properties = {
        name: {
            "type": [kind, "null"] if unknown else kind,
            "description": f"{meaning}, {said}" if said else meaning,
        }
        for name, kind, unknown, said, meaning in columns(table)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"clearline/record-{table.name}/{SCHEMA_VERSION}",
        "title": f"One record of the table {table.name}",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def page(tables: list[Table]) -> str:
    """docs/columns.md: every table with its columns."""
    parts = [
        "# Columns of the measurements\n\nMade by `tools/schemas` from `clearline.records`; each table is also a JSON "
        "Schema in [schemas/](schemas/). A column that may be unknown is null then, never 0. Moments are µs since "
        "1970-01-01 UTC. What each record also carries in the store: "
        + "; ".join(f"`{name}`: {MEANINGS[name]}" for name in STORED)
        + ".\n"
    ]
    for table in tables:
        rows = "\n".join(
            f"| `{name}` | {kind}{', may be unknown' if unknown else ''} | {said} | {meaning} |"
            for name, kind, unknown, said, meaning in columns(table)
        )
        about = (table.row.__doc__ or "").splitlines()[0]
        parts.append(f"## {table.name}\n\n{about} Its day is that of `{table.time}`.\n")
        parts.append(f"| Column | Type | Unit | Meaning |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


STORED = ("recorded_us", "revised_us", "revised_by", "revised_why", "attributed_by", "moved_to_us", "site_by")
"""The columns the store adds."""
