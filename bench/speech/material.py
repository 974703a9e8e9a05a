"""Recorded sentences of Debian's asterisk prompts, put together to samples of eight seconds and more."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from speech.codecs import decode_g722
from speech.signal import Samples, level

SOUNDS = Path("/usr/share/asterisk/sounds")

LEAST_S = 2.5
MOST_S = 6.0
"""A sentence is between these lengths."""

SAMPLE_S = 8.0
PAUSE_S = 0.4
SEED = 1


@dataclass(frozen=True, slots=True)
class Voice:
    """One person; `packs` are the languages this person speaks."""

    name: str
    packs: tuple[str, ...]
    training: bool


VOICES = (
    Voice("Allison (en, es; female)", ("en_US_f_Allison", "es_MX_f_Allison"), training=True),
    Voice("Carlo (it; male)", ("it_IT_m_Carlo",), training=True),
    Voice("June (fr; female)", ("fr_CA_f_June",), training=False),
    Voice("IvrvoiceRU (ru; female)", ("ru_RU_f_IvrvoiceRU",), training=False),
    Voice("Menardi (it; female)", ("it_IT_f_Menardi",), training=False),
)
"""Who was recorded, and in which half: set before anything was measured, with both sexes among those fitted to."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece of one voice's speech."""

    name: str
    voice: Voice
    rate: int
    speech: Samples


def _read(path: Path, rate: int) -> Samples:
    if path.suffix == ".g722":
        return decode_g722(path.read_bytes())
    with wave.open(str(path)) as recording:
        if recording.getframerate() != rate or recording.getsampwidth() != 2 or recording.getnchannels() != 1:
            return np.zeros(0, np.int16)
        return np.frombuffer(recording.readframes(recording.getnframes()), np.int16)


def _sentences(pack: str, rate: int) -> list[Samples]:
    """Give a pack's sentences, in an order drawn by lot with a fixed seed."""
    suffix = ".wav" if rate == 8000 else ".g722"
    paths = sorted((SOUNDS / pack).rglob(f"*{suffix}"))
    Random(SEED).shuffle(paths)
    return [speech for speech in (_read(path, rate) for path in paths) if LEAST_S <= len(speech) / rate <= MOST_S]


def samples(rate: int, per_voice: int) -> Iterator[Sample]:
    """Give each voice's samples at 8000 or 16000 Hz; a voice without recordings at that rate gives none."""
    for voice in VOICES:
        packs = [found for found in (_sentences(pack, rate) for pack in voice.packs) if found]
        for number in range(per_voice if packs else 0):
            sentences = packs[number % len(packs)]
            parts: list[Samples] = []
            while sentences and sum(map(len, parts)) < SAMPLE_S * rate:
                parts += [sentences.pop(), np.zeros(int(PAUSE_S * rate), np.int16)]
            yield Sample(f"{voice.name} {number}", voice, rate, level(np.concatenate(parts), rate))
