"""What a stream's payloads said, where they could be read."""

from dataclasses import dataclass

from clearline.voice.results.text import Json, moment, ms, rounded


@dataclass(frozen=True, slots=True)
class Redundancy:
    """Copies of earlier packets sent with later ones, and what they put back."""

    kinds: tuple[str, ...]
    """`RFC 2198`, `Opus FEC`."""
    packets: int
    """Packets that carried a copy."""
    repaired: int
    """Packets lost or too late whose copy came in time to be played."""
    residual: int
    """Packets lost or too late without such a copy: what the listener missed."""
    expected: int

    @property
    def residual_percent(self) -> float:
        """Residual of expected."""
        return 100 * self.residual / self.expected if self.expected else 0.0

    def to_json(self) -> Json:
        """Write the counts."""
        return {
            "kinds": list(self.kinds),
            "packets": self.packets,
            "repaired": self.repaired,
            "residual": self.residual,
            "residual_percent": f"{self.residual_percent:.4f}",
        }


@dataclass(frozen=True, slots=True)
class Level:
    """How loud the sampled packets were, in dBm0; -90 stands for that and less."""

    looks: int
    mean_dbm0: float
    """Of their mean power."""
    loudest_dbm0: float
    silent: bool
    """Whether none of them was louder than `SILENCE_DBM0`."""

    def to_json(self) -> Json:
        """Write the levels."""
        return {
            "looks": self.looks,
            "mean_dbm0": rounded(self.mean_dbm0, 1),
            "loudest_dbm0": rounded(self.loudest_dbm0, 1),
            "silent": self.silent,
        }


@dataclass(frozen=True, slots=True)
class Digit:
    """One telephone event (RFC 4733)."""

    code: int
    at_us: int
    """When its first packet was captured."""
    duration_us: int
    """As far as its packets told."""
    volume_dbm0: int
    ended: bool
    """Whether its end was received."""

    @property
    def name(self) -> str:
        """The key; `event 32` for what is none."""
        return "0123456789*#ABCD"[self.code] if self.code < 16 else f"event {self.code}"

    def to_json(self) -> Json:
        """Write the event."""
        return {
            "event": self.name,
            "at": moment(self.at_us),
            "ms": ms(self.duration_us),
            "volume_dbm0": self.volume_dbm0,
            "ended": self.ended,
        }


@dataclass(frozen=True, slots=True)
class Video:
    """The frames of a video stream."""

    frames: int
    """Of which at least one packet was received."""
    broken_frames: int
    """Of those, the ones with packets missing."""
    key_frames: int | None
    """None: payloads are encrypted, cut, or of a codec whose descriptor is not read; so are the next two."""
    width: int | None
    height: int | None
    frame_rate: float | None
    """A second, by the timestamps of the frames received."""
    bitrate_kbps: float | None
    """Of payload."""
    freezes: int
    """Times the picture stood still: `clearline.voice.inspection.frames` says when."""
    freeze_us: int
    """In all."""
    longest_freeze_us: int
    vq: float | None
    """Video quality by ITU-T G.1070, 1 to 5."""
    coefficients: str | None
    """The set that it was computed with."""
    unscored: str | None
    """Why there is no `vq`."""

    def to_json(self) -> Json:
        """Write the figures."""
        return {
            "frames": self.frames,
            "broken_frames": self.broken_frames,
            "key_frames": self.key_frames,
            "width": self.width,
            "height": self.height,
            "frame_rate": rounded(self.frame_rate),
            "bitrate_kbps": rounded(self.bitrate_kbps, 1),
            "freezes": self.freezes,
            "freeze_ms": ms(self.freeze_us),
            "longest_freeze_ms": ms(self.longest_freeze_us),
            "vq": rounded(self.vq),
            "coefficients": self.coefficients,
            "unscored": self.unscored,
        }
