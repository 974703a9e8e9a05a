"""RTCP extended reports: what a receiver says beyond counts of loss and jitter (RFC 3611).

Values by which a sender says "I don't know" (127, 65535, a delay of 0) are None here.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

MAX_BLOCKS = 256
"""Report blocks read of one packet; senders put in one to four."""

_RUN_LENGTHS: dict[int, Literal["loss", "duplicates"]] = {1: "loss", 2: "duplicates"}
_TTL_KINDS: dict[int, Literal["ttl", "hop limit"]] = {1: "ttl", 2: "hop limit"}
_VOIP = struct.Struct("!I4B4H2b7Bx3H")


class XrError(ValueError):
    """A report block that contradicts its own lengths; the message says how."""


@dataclass(frozen=True, slots=True)
class RunLengths:
    """Which packets were lost, or which came more than once (sections 4.1 and 4.2)."""

    kind: Literal["loss", "duplicates"]
    thinning: int
    """Only every 2^thinning-th sequence number is reported."""
    ssrc: int
    begin: int
    """First sequence number reported on."""
    end: int
    """The sequence number after the last one reported on."""
    chunks: tuple[int, ...]
    """The 16-bit chunks as sent, without the null chunk at the end."""

    def marked(self) -> tuple[int, ...]:
        """The sequence numbers of the packets lost, or of those that came more than once (a 0 in the sender's map)."""
        step = 1 << self.thinning
        start = self.begin + -self.begin % step
        count = max(0, -(-(self.begin + ((self.end - self.begin) & 0xFFFF) - start) // step))
        bits = _bits(self.chunks)
        return tuple((start + place * step) & 0xFFFF for place, bit in zip(range(count), bits, strict=False) if not bit)


def _bits(chunks: tuple[int, ...]) -> Iterator[bool]:
    """Unfold chunks: a run of equal bits, or a vector of 15 (section 4.1.1 and 4.1.2)."""
    for chunk in chunks:
        if chunk & 0x8000:
            yield from (bool(chunk >> place & 1) for place in range(14, -1, -1))
        else:
            yield from (bool(chunk & 0x4000) for _ in range(chunk & 0x3FFF))


@dataclass(frozen=True, slots=True)
class ReceiptTimes:
    """When packets arrived (section 4.3)."""

    thinning: int
    ssrc: int
    begin: int
    end: int
    times: tuple[int, ...]
    """Of each packet, in the units of its RTP timestamp."""


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """The receiver's clock, so that one who sends no media can learn the round trip too (section 4.4)."""

    ntp: int
    """64 bits: seconds since 1900 in the upper 32."""


@dataclass(frozen=True, slots=True)
class LastReference:
    """One answer to a `ReferenceTime` (section 4.5); see `rtcp.round_trip_us`."""

    ssrc: int
    last_rr: int
    """Middle 32 bits of the reference time last received, 0 when none was."""
    delay: int
    """From that to this report, in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class LastReferences:
    """Answers to reference times (section 4.5)."""

    answers: tuple[LastReference, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Sums over a range of sequence numbers (section 4.6); None where the sender's flags leave them out."""

    ssrc: int
    begin: int
    end: int
    lost: int | None
    duplicates: int | None
    jitter_min: int | None
    """Jitter in timestamp units, like the next three."""
    jitter_max: int | None
    jitter_mean: int | None
    jitter_deviation: int | None
    ttl_kind: Literal["ttl", "hop limit"] | None
    ttl_min: int | None
    ttl_max: int | None
    ttl_mean: int | None
    ttl_deviation: int | None


@dataclass(frozen=True, slots=True)
class VoipMetrics:
    """What a telephone says of the call it receives (section 4.7)."""

    ssrc: int
    """The source reported on."""
    loss_256: int
    """Share lost since reception began, in 1/256; so are the next three."""
    discard_256: int
    burst_density_256: int
    gap_density_256: int
    burst_ms: int | None
    gap_ms: int | None
    round_trip_ms: int | None
    end_system_ms: int | None
    signal_dbm: int | None
    """Level of speech relative to 0 dBm0."""
    noise_dbm: int | None
    echo_return_loss_db: int | None
    gmin: int
    r: int | None
    external_r: int | None
    """R of a segment beyond the one reported on, such as a radio link."""
    mos_lq_x10: int | None
    mos_cq_x10: int | None
    concealment: Literal["unspecified", "disabled", "enhanced", "standard"]
    buffer_kind: Literal["unknown", "reserved", "fixed", "adaptive"]
    buffer_rate: int
    """How quickly an adaptive buffer follows, 0 to 15."""
    buffer_nominal_ms: int | None
    buffer_max_ms: int | None
    buffer_absolute_max_ms: int | None


@dataclass(frozen=True, slots=True)
class OtherBlock:
    """A block of a type RFC 3611 doesn't define."""

    block_type: int
    data: bytes


Block = RunLengths | ReceiptTimes | ReferenceTime | LastReferences | Statistics | VoipMetrics | OtherBlock


@dataclass(frozen=True, slots=True)
class ExtendedReport:
    """An XR packet (section 2)."""

    ssrc: int
    """Who reports."""
    blocks: tuple[Block, ...]


def read_blocks(data: bytes) -> tuple[tuple[Block, ...], tuple[tuple[int, str], ...]]:
    """Read the report blocks of a packet (section 3).

    Args:
        data: what follows the reporter's SSRC.

    Returns:
        The blocks, and what is wrong with others: the offset in `data` and a phrase.
    """
    blocks: list[Block] = []
    problems: list[tuple[int, str]] = []
    at = 0
    while at < len(data):
        if len(blocks) + len(problems) == MAX_BLOCKS:
            problems.append((at, f"more than {MAX_BLOCKS} XR blocks in one packet"))
            break
        size = 4 * int.from_bytes(data[at + 2 : at + 4])
        body = data[at + 4 : at + 4 + size]
        if len(data) - at < 4 or len(body) < size:
            problems.append((at, f"the XR block of type {data[at]} is cut off"))
            break
        try:
            blocks.append(_read_block(data[at], data[at + 1], body))
        except XrError as error:
            problems.append((at, str(error)))
        at += 4 + size
    return tuple(blocks), tuple(problems)


def _read_block(block_type: int, specific: int, body: bytes) -> Block:
    reader = _READERS.get(block_type)
    if reader is None:
        return OtherBlock(block_type, body)
    name, least, unit, read = reader
    if len(body) < least or (len(body) - least) % unit:
        raise XrError(f"the XR block {name} has {len(body)} bytes of content")
    return read(block_type, specific, body)


def _run_lengths(block_type: int, specific: int, body: bytes) -> RunLengths:
    ssrc, begin, end = struct.unpack_from("!IHH", body)
    chunks = struct.unpack(f"!{(len(body) - 8) // 2}H", body[8:])
    if chunks and chunks[-1] == 0:
        chunks = chunks[:-1]
    return RunLengths(_RUN_LENGTHS[block_type], specific & 0x0F, ssrc, begin, end, chunks)


def _receipt_times(_: int, specific: int, body: bytes) -> ReceiptTimes:
    ssrc, begin, end = struct.unpack_from("!IHH", body)
    return ReceiptTimes(specific & 0x0F, ssrc, begin, end, struct.unpack(f"!{(len(body) - 8) // 4}I", body[8:]))


def _reference_time(_: int, __: int, body: bytes) -> ReferenceTime:
    return ReferenceTime(int.from_bytes(body[:8]))


def _last_references(_: int, __: int, body: bytes) -> LastReferences:
    return LastReferences(tuple(LastReference(*words) for words in struct.iter_unpack("!III", body)))


def _statistics(_: int, specific: int, body: bytes) -> Statistics:
    ssrc, begin, end, lost, duplicates, *rest = struct.unpack("!IHH6I4B", body[:36])
    jitter_min, jitter_max, jitter_mean, jitter_deviation = rest[:4] if specific & 0x20 else (None,) * 4
    kind = _TTL_KINDS.get(specific >> 3 & 3)
    ttl_min, ttl_max, ttl_mean, ttl_deviation = rest[4:] if kind else (None,) * 4
    return Statistics(
        ssrc=ssrc,
        begin=begin,
        end=end,
        lost=lost if specific & 0x80 else None,
        duplicates=duplicates if specific & 0x40 else None,
        jitter_min=jitter_min,
        jitter_max=jitter_max,
        jitter_mean=jitter_mean,
        jitter_deviation=jitter_deviation,
        ttl_kind=kind,
        ttl_min=ttl_min,
        ttl_max=ttl_max,
        ttl_mean=ttl_mean,
        ttl_deviation=ttl_deviation,
    )


_CONCEALMENT: tuple[Literal["unspecified", "disabled", "enhanced", "standard"], ...] = (
    "unspecified",
    "disabled",
    "enhanced",
    "standard",
)
_BUFFERS: tuple[Literal["unknown", "reserved", "fixed", "adaptive"], ...] = ("unknown", "reserved", "fixed", "adaptive")


def _voip(_: int, __: int, body: bytes) -> VoipMetrics:
    return voip_metrics(*_VOIP.unpack(body[:32]))


def voip_metrics(*values: int) -> VoipMetrics:
    """Make the metrics of the 21 numbers of a block in their order (section 4.7), unknown ones as they are sent."""
    (ssrc, loss, discard, burst_density, gap_density, burst, gap, round_trip, end_system, signal, noise, echo, gmin,
     r, external_r, mos_lq, mos_cq, receiver, nominal, maximum, absolute) = values  # fmt: skip
    return VoipMetrics(
        ssrc=ssrc,
        loss_256=loss,
        discard_256=discard,
        burst_density_256=burst_density,
        gap_density_256=gap_density,
        burst_ms=_known(burst, 0xFFFF),
        gap_ms=_known(gap, 0xFFFF),
        round_trip_ms=_known(round_trip, 0, 0xFFFF),  # 0 until the first round trip is known (section 4.7.3)
        end_system_ms=_known(end_system, 0, 0xFFFF),
        signal_dbm=_known(signal, 127),
        noise_dbm=_known(noise, 127),
        echo_return_loss_db=_known(echo, 127),
        gmin=gmin,
        r=_known(r, 127),
        external_r=_known(external_r, 127),
        mos_lq_x10=_known(mos_lq, 127),
        mos_cq_x10=_known(mos_cq, 127),
        concealment=_CONCEALMENT[receiver >> 6],
        buffer_kind=_BUFFERS[receiver >> 4 & 3],
        buffer_rate=receiver & 15,
        buffer_nominal_ms=_known(nominal, 0xFFFF),
        buffer_max_ms=_known(maximum, 0xFFFF),
        buffer_absolute_max_ms=_known(absolute, 0xFFFF),
    )


def _known(value: int, *unknown: int) -> int | None:
    return None if value in unknown else value


_READERS: dict[int, tuple[str, int, int, Callable[[int, int, bytes], Block]]] = {
    1: ("loss RLE", 8, 2, _run_lengths),
    2: ("duplicate RLE", 8, 2, _run_lengths),
    3: ("packet receipt times", 8, 4, _receipt_times),
    4: ("receiver reference time", 8, 4, _reference_time),
    5: ("DLRR", 0, 12, _last_references),
    6: ("statistics summary", 36, 4, _statistics),
    7: ("VoIP metrics", 32, 4, _voip),
}
"""Block type → its name, least octets of content, the unit of what may follow, and how it is read."""
