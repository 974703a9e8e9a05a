"""What a stream's payloads said, where they could be read."""

from dataclasses import dataclass

from clearline.voice.results.text import Json


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
