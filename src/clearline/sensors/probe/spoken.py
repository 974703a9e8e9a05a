"""Text as speech for a call, by espeak-ng, a program of Debian's."""

import shutil
import subprocess
import tempfile
import wave
from itertools import accumulate
from pathlib import Path

from clearline.sensors.probe.speech import RATE

MAX_CHARACTERS = 1000
"""Of a text: about a minute of speech; the rest is not spoken."""

PATIENCE_S = 30
"""A minute of speech is made in a tenth of a second; on a busy machine it takes longer."""

WORDS_A_MINUTE = "140"
"""Slower than its usual 175: it is heard once, by somebody who was asleep."""


class SpeechError(Exception):
    """The text cannot be spoken, and what to do about it."""


def speak(text: str, place: Path) -> float:
    """Write a text as speech: a WAV file as a call says it, 16-bit mono at 8 kHz.

    Args:
        text: English; of what is longer than `MAX_CHARACTERS` the beginning.
        place: the file to write.

    Returns:
        How many seconds it lasts.

    Raises:
        SpeechError: espeak-ng is missing or failed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise SpeechError("espeak-ng is not installed on this machine: apt-get install espeak-ng")
    with tempfile.TemporaryDirectory(prefix="clearline-speech-") as folder:
        made = Path(folder) / "made.wav"
        command = [program, "-v", "en", "-s", WORDS_A_MINUTE, "-w", str(made), "--stdin"]
        try:
            subprocess.run(
                command, input=text[:MAX_CHARACTERS].encode(), check=True, capture_output=True, timeout=PATIENCE_S
            )
            with wave.open(str(made)) as file:
                rate, frames = file.getframerate(), file.readframes(file.getnframes())
        except (subprocess.SubprocessError, OSError, wave.Error, EOFError) as error:
            raise SpeechError(f"espeak-ng could not speak the text: {error}") from error
    samples = [int.from_bytes(frames[at : at + 2], "little", signed=True) for at in range(0, len(frames) - 1, 2)]
    slower = resampled(samples, rate)
    with wave.open(str(place), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in slower))
    return len(slower) / RATE


def resampled(samples: list[int], rate: int) -> list[int]:
    """Bring samples of a higher rate to 8 kHz: each is the mean of those in its time, and as long on either side.

    That mean is also the filter that keeps what is above 4 kHz from being heard as something else.
    """
    sums = [0, *accumulate(samples)]
    means = []
    for number in range(len(samples) * RATE // rate):
        begin = max(0, (2 * number - 1) * rate // (2 * RATE))
        end = min(len(samples), max(begin + 1, (2 * number + 3) * rate // (2 * RATE)))
        means.append((sums[end] - sums[begin]) // (end - begin))
    return means
