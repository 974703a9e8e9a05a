"""Speech through codecs and losses, judged by P.862: one row a sample, codec and condition."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pesq
import pesqc2

from speech.codecs import CODECS, Codec
from speech.loss import CONDITIONS, Condition, mask, runs
from speech.material import Sample, samples
from speech.signal import halve_rate

SAMPLES = {8000: 16, 16000: 10}
"""Sampling rate → samples a voice."""


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


def judge(sample: Sample, codec: Codec, condition: Condition, variant: int) -> Row:
    """Send one sample through a codec under a condition and judge what is heard."""
    count = len(sample.speech) // (codec.rate // 50)
    lost = mask(condition, count, sample.name)
    heard = codec.transmit(sample.speech, lost, variant)
    spoken = sample.speech[: len(heard)]
    if codec.rate == 8000:
        mos = narrowband_mos = pesq.pesq(8000, spoken, heard, "nb")
    else:
        mos = pesqc2.pesq(16000, spoken, heard, "wb")
        narrowband_mos = pesq.pesq(8000, halve_rate(spoken), halve_rate(heard), "nb")
    return Row(
        codec.name, sample.voice.name, sample.voice.training, condition.loss_pct, condition.burst,
        count, sum(lost), runs(lost), float(mos), float(narrowband_mos),
    )  # fmt: skip


def measure(scale: float) -> Iterator[Row]:
    """Judge every sample, codec and condition; `scale` times the usual number of samples, at least two a voice."""
    for rate, per_voice in SAMPLES.items():
        for number, sample in enumerate(samples(rate, max(2, round(per_voice * scale)))):
            for codec in CODECS:
                if codec.rate == rate:
                    for condition in CONDITIONS:
                        yield judge(sample, codec, condition, number)


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
