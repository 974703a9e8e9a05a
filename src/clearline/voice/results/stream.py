"""One RTP stream's figures. Unknown is None; times are in µs, MOS unrounded."""

from dataclasses import dataclass

from clearline.voice.results.content import Digit, Level, Redundancy, Video
from clearline.voice.results.text import Json, moment, ms, rounded, seconds


@dataclass(slots=True)
class Interval:
    """Ten seconds of a stream, the last one shorter."""

    start_us: int
    duration_us: int
    received: int
    lost: int
    discarded: int
    jitter_mean_us: float | None
    jitter_max_us: float | None
    max_gap_us: int
    mos_lq: float | None
    mos_cq: float | None
    delay_us: int | None = None
    """The network's, one way, by the round trips of this interval."""

    def to_json(self) -> Json:
        """Write the interval."""
        return {
            "from": moment(self.start_us),
            "seconds": seconds(self.duration_us),
            "received": self.received,
            "lost": self.lost,
            "discarded": self.discarded,
            "jitter_ms": {"mean": ms(self.jitter_mean_us), "max": ms(self.jitter_max_us)},
            "max_gap_ms": ms(self.max_gap_us),
            "mos_lq": rounded(self.mos_lq),
            "mos_cq": rounded(self.mos_cq),
            "delay_ms": ms(self.delay_us),
        }


@dataclass(slots=True)
class Counts:
    """Packets of a stream (RFC 3550 appendix A.1 and A.3)."""

    received: int
    """Without duplicates."""
    expected: int
    lost: int
    duplicates: int
    capture_duplicates: int
    """Of the duplicates, those that the capture made by recording a packet twice."""
    reordered: int
    discarded: int
    """Received, but too late for the de-jitter buffer."""
    capture_lost: int
    """Of the lost, those that the capture itself missed."""
    octets: int
    restarts: int
    payload_changes: int
    events: int
    """Packets of telephone events (RFC 4733)."""
    noises: int
    """Packets of comfort noise (RFC 3389)."""
    pauses: int
    """Times the sender was silent (DTX)."""

    @property
    def loss_percent(self) -> float:
        """Lost of expected."""
        return 100 * self.lost / self.expected if self.expected else 0.0

    def to_json(self) -> Json:
        """Write the counts."""
        return {
            "received": self.received,
            "expected": self.expected,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "capture_duplicates": self.capture_duplicates,
            "reordered": self.reordered,
            "discarded": self.discarded,
            "capture_lost": self.capture_lost,
            "loss_percent": f"{self.loss_percent:.4f}",
            "octets": self.octets,
            "restarts": self.restarts,
            "payload_changes": self.payload_changes,
            "telephone_events": self.events,
            "comfort_noise": self.noises,
            "pauses": self.pauses,
        }


@dataclass(slots=True)
class Regularity:
    """How regularly the packets arrived."""

    jitter_mean_us: float | None
    """Interarrival jitter of RFC 3550 section 6.4.1, averaged over the packets."""
    jitter_max_us: float | None
    mapdv2_us: float | None
    """Delay variation by ITU-T G.1020."""
    pdv_us: tuple[int, int, int] | None
    """Packet delay variation by RFC 5481: what 50, 95 and 99 % of the packets were at most late."""
    skew_ppm: float | None
    """How much faster the sender's clock ran than the capture's."""
    max_gap_us: int
    """Longest time between two packets."""
    outage_us: int
    """From the last packet to the end of the call, when media stopped before it."""

    def to_json(self) -> Json:
        """Write the measures."""
        return {
            "jitter_ms": {"mean": ms(self.jitter_mean_us), "max": ms(self.jitter_max_us)},
            "mapdv2_ms": ms(self.mapdv2_us),
            "pdv_ms": None
            if self.pdv_us is None
            else {f"p{percent}": ms(late_us) for percent, late_us in zip((50, 95, 99), self.pdv_us, strict=True)},
            "clock_skew_ppm": rounded(self.skew_ppm, 1),
            "max_gap_ms": ms(self.max_gap_us),
            "outage_ms": ms(self.outage_us),
        }


@dataclass(slots=True)
class Burst:
    """Losses and discards by RFC 3611 section 4.7.2 with Gmin 16."""

    bursts: int
    density_pct: float
    duration_us: float
    """Mean length of a burst."""
    gap_density_pct: float
    gap_duration_us: float
    """Mean length of a gap."""
    burst_ratio: float
    """BurstR of G.107, over what the de-jitter buffer delivers."""

    def to_json(self) -> Json:
        """Write the measures."""
        return {
            "bursts": self.bursts,
            "density_percent": round(self.density_pct, 4),
            "duration_ms": round(self.duration_us / 1000),
            "gap_density_percent": round(self.gap_density_pct, 4),
            "gap_duration_ms": round(self.gap_duration_us / 1000),
            "burst_r": round(self.burst_ratio, 4),
        }


@dataclass(slots=True)
class Delay:
    """The network's delay, as RTCP told it."""

    one_way_us: int
    """Half the round trip."""
    basis: str
    """`both directions`, or `one direction`: only one end's reports told, the way to the other end is missing in it."""
    mouth_to_ear_us: int
    """With packet, codec and de-jitter buffer: Ta of the E-model."""


@dataclass(slots=True)
class Quality:
    """The scores of a stream and what they stand on."""

    model: str | None
    impairment: tuple[float, float | None, str] | None
    """Ie, Bpl and where they are from."""
    r: float | None
    """Listening only."""
    mos_lq: float | None
    mos_cq: float | None
    """None while the delay is not known."""
    mos_lq_min: float | None
    """Of the intervals."""
    g107_mos_lq: float | None
    """On the scale of G.107, whatever the codec's own."""
    g107_mos_cq: float | None
    conversion: str | None
    """How that was made from another scale."""
    unscored: str | None

    def to_json(self) -> Json:
        """Write the scores."""
        written: Json = {
            "model": self.model,
            "impairment": None
            if self.impairment is None
            else {"ie": self.impairment[0], "bpl": self.impairment[1], "source": self.impairment[2]},
            "r": rounded(self.r),
            "mos_lq": rounded(self.mos_lq),
            "mos_cq": rounded(self.mos_cq),
            "mos_lq_min": rounded(self.mos_lq_min),
            "g107": {
                "mos_lq": rounded(self.g107_mos_lq),
                "mos_cq": rounded(self.g107_mos_cq),
                "conversion": self.conversion,
            },
        }
        return written if self.unscored is None else {**written, "unscored": self.unscored}


@dataclass(slots=True)
class Reported:
    """What the receiver of a stream said of it in RTCP."""

    reports: int
    lost: int
    """Cumulative, signed, of its last report."""
    worst_loss_pct: float
    """Of the time between two reports."""
    jitter_us: float | None
    """Of its last report."""
    round_trip_us: int | None
    """From the point of capture to the receiver and back, mean."""
    mos_lq: float | None
    """From its extended reports; so are the next two."""
    mos_cq: float | None
    r: int | None

    def to_json(self) -> Json:
        """Write the report."""
        return {
            "reports": self.reports,
            "lost": self.lost,
            "worst_loss_percent": round(self.worst_loss_pct, 2),
            "jitter_ms": ms(self.jitter_us),
            "round_trip_ms": ms(self.round_trip_us),
            "mos_lq": self.mos_lq,
            "mos_cq": self.mos_cq,
            "r": self.r,
        }


@dataclass(slots=True)
class Stream:
    """One stream: one synchronisation source from one endpoint to another."""

    index: int
    call_id: str | None
    """None: no call announced it; it was found by its packets alone."""
    from_caller: bool | None
    """Whether the calling party sent it."""
    ssrc: int
    source: str
    destination: str
    payload_type: int
    codec: str
    """Encoding name; "" when neither a description nor RFC 3551 names it."""
    clock_rate: int | None
    clock_guessed: bool
    packet_us: float | None
    """Speech in one packet."""
    secure: bool
    start_us: int
    end_us: int
    counts: Counts
    regularity: Regularity
    burst: Burst
    delay: Delay | None
    quality: Quality
    reported: Reported | None
    flags: tuple[str, ...]
    intervals: tuple[Interval, ...]
    undescribed: int = 0
    """Packets that came before a description told what they are, so that their payloads were not looked into."""
    malformed_payloads: int = 0
    """Payloads that contradict their own lengths."""
    redundancy: Redundancy | None = None
    """None: no packet carried any, or payloads are encrypted and it cannot be seen."""
    level: Level | None = None
    level_unknown: str | None = None
    """Why there is no level."""
    digits: tuple[Digit, ...] = ()
    """The first 200 of them."""
    digit_count: int = 0
    video: Video | None = None
    """None: it is none."""

    def to_json(self) -> Json:
        """Write the stream."""
        return {
            "index": self.index,
            "call_id": self.call_id,
            "signalled": self.call_id is not None,
            "direction": None if self.from_caller is None else "from_caller" if self.from_caller else "from_callee",
            "ssrc": f"0x{self.ssrc:08x}",
            "source": self.source,
            "destination": self.destination,
            "payload_type": self.payload_type,
            "codec": self.codec or None,
            "clock_rate": self.clock_rate,
            "clock_guessed": self.clock_guessed,
            "packet_ms": ms(self.packet_us),
            "secure": self.secure,
            "start": moment(self.start_us),
            "end": moment(self.end_us),
            **self.counts.to_json(),
            **self.regularity.to_json(),
            "burst": self.burst.to_json(),
            "delay_ms": ms(self.delay.one_way_us) if self.delay else None,
            "delay_basis": self.delay.basis if self.delay else None,
            "mouth_to_ear_ms": ms(self.delay.mouth_to_ear_us) if self.delay else None,
            **self.quality.to_json(),
            "reported": self.reported.to_json() if self.reported else None,
            "undescribed": self.undescribed,
            "malformed_payloads": self.malformed_payloads,
            "redundancy": self.redundancy.to_json() if self.redundancy else None,
            "level": self.level.to_json() if self.level else None,
            "level_unknown": self.level_unknown,
            "digits": [digit.to_json() for digit in self.digits],
            "digit_count": self.digit_count,
            "video": self.video.to_json() if self.video else None,
            "flags": list(self.flags),
            "intervals": [interval.to_json() for interval in self.intervals],
        }
