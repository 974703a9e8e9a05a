"""Speech through codecs and losses, judged by P.862: one row a sample, codec and condition."""

from collections.abc import Iterator

import pesq
import pesqc2

from speech.codecs import CODECS, Codec
from speech.loss import CONDITIONS, Condition, mask, runs
from speech.material import Sample, samples
from speech.rows import Row
from speech.signal import halve_rate

SAMPLES = {8000: 16, 16000: 10}
"""Sampling rate → samples a voice."""


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
