"""What the bench judged, a row each, and where it is kept between runs."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One judged sample.

    Attributes:
        codec: its name in `speech.codecs`.
        voice: who spoke.
        training: whether the fit may see it.
        loss_pct: of the condition.
        burst: of the condition.
        packets: sent.
        lost: of those.
        runs: of losses.
        mos: by P.862.1 for a narrowband codec, by P.862.2 with Corrigendum 2 for a wideband one.
        narrowband_mos: by P.862.1.
    """

    codec: str
    voice: str
    training: bool
    loss_pct: float
    burst: int
    packets: int
    lost: int
    runs: int
    mos: float
    narrowband_mos: float


def save(rows: list[Row], path: Path) -> None:
    """Keep the rows as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(map(asdict, rows))


def load(path: Path) -> list[Row]:
    """Read the rows of an earlier run."""
    with path.open(newline="") as file:
        return [
            Row(
                codec=row["codec"],
                voice=row["voice"],
                training=row["training"] == "True",
                loss_pct=float(row["loss_pct"]),
                burst=int(row["burst"]),
                packets=int(row["packets"]),
                lost=int(row["lost"]),
                runs=int(row["runs"]),
                mos=float(row["mos"]),
                narrowband_mos=float(row["narrowband_mos"]),
            )
            for row in csv.DictReader(file)
        ]
