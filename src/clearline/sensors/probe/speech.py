"""What a call says: made speech or a recording, in G.711. No socket, no clock."""

import io
import math
import wave
from functools import lru_cache
from pathlib import Path

RATE = 8000

MAX_SECONDS = 120
"""Of a recording: no call talks longer."""


def made() -> list[int]:
    """Return three seconds of 16-bit, 8 kHz samples with the rhythm, pitch and formants of speech.

    Voiced syllables of 200 ms at a pitch gliding from 110 to 150 Hz, with energy at 500, 1,500 and 2,500 Hz, apart by
    50 ms, and a
    pause every second. It is made, not recorded: what is measured is the network, and a made signal has no owner.
    """
    samples = []
    phase = 0.0
    for number in range(3 * RATE):
        second = number / RATE
        in_syllable = second % 0.25
        phase += (110 + 40 * (second % 1)) / RATE
        if in_syllable >= 0.2 or second % 1 >= 0.75:
            samples.append(0)
            continue
        voice = sum(
            amplitude * math.sin(2 * math.pi * harmonic * phase)
            for harmonic, amplitude in ((1, 0.5), (4, 1.0), (12, 0.5), (20, 0.2))
        )
        samples.append(round(5000 * voice * math.sin(math.pi * in_syllable / 0.2)))
    return samples


def recorded(data: bytes) -> list[int]:
    """Read a WAV file.

    Args:
        data: its bytes.

    Raises:
        ValueError: it is none, or not 16-bit mono at 8 kHz, empty, or longer than `MAX_SECONDS`.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            seconds = file.getnframes() / max(1, file.getframerate())
            if form != (1, 2, RATE):
                said = f"{form[0]} channels of {8 * form[1]} bits at {form[2]} Hz"
                raise ValueError(f"it has {said}; convert it with: sox FILE -r 8000 -c 1 -b 16 speech.wav")
            if not 0 < seconds <= MAX_SECONDS:
                raise ValueError(f"it lasts {seconds:g} s; up to {MAX_SECONDS} are said")
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"it is no WAV file of plain samples: {error}") from error
    return [int.from_bytes(frames[at : at + 2], "little", signed=True) for at in range(0, len(frames) - 1, 2)]


def mu_law(sample: int) -> int:
    """Encode one 16-bit sample (ITU-T G.711 table 2, by the usual 14-bit segments)."""
    sign, magnitude = (0x80, -sample) if sample < 0 else (0, sample)
    magnitude = min(magnitude, 32_635) + 132
    segment = magnitude.bit_length() - 8
    return ~(sign | segment << 4 | magnitude >> segment + 3 & 0x0F) & 0xFF


def a_law(sample: int) -> int:
    """Encode one 16-bit sample (ITU-T G.711 table 1)."""
    sign, magnitude = (0, -sample - 1) if sample < 0 else (0x80, sample)
    magnitude >>= 3
    segment = max(0, magnitude.bit_length() - 5)
    return (sign | segment << 4 | magnitude >> max(1, segment) & 0x0F) ^ 0x55


def from_mu_law(code: int) -> int:
    """Decode one byte to a 16-bit sample."""
    code ^= 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -magnitude if code & 0x80 else magnitude


def from_a_law(code: int) -> int:
    """Decode one byte to a 16-bit sample."""
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = (step << 4) + 8 if segment == 0 else (step << 4) + 264 << segment - 1
    return magnitude if code & 0x80 else -magnitude


LAWS = {0: mu_law, 8: a_law}
"""Payload types we speak (RFC 3551)."""

DECODED = {
    0: tuple(from_mu_law(code) for code in range(256)),
    8: tuple(from_a_law(code) for code in range(256)),
}
"""Of each payload type: the sample of each byte."""


def samples_of(speech_file: str | None) -> list[int]:
    """Return what is said: a recording, or made speech.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no recording we can say.
    """
    return made() if speech_file is None else recorded(Path(speech_file).read_bytes())


@lru_cache(maxsize=16)
def encoded(payload_type: int, speech_file: str | None) -> bytes:
    """Return what is said in one law; kept, since a hundred calls say the same."""
    return bytes(LAWS[payload_type](sample) for sample in samples_of(speech_file))
