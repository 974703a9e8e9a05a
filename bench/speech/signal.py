"""Speech as arrays of 16-bit samples."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

TARGET_DBOV = -26.0
"""Active speech level of every sample."""

ACTIVE_DB = 30.0
"""A frame of 20 ms is active when it is at most this far below the loudest."""


def level(speech: Samples, rate: int) -> Samples:
    """Bring speech to -26 dBov, measured over its active frames."""
    frame = rate // 50
    frames = speech[: len(speech) // frame * frame].reshape(-1, frame).astype(np.float64)
    power = (frames**2).mean(axis=1)
    active = power[power > power.max() / 10 ** (ACTIVE_DB / 10)].mean()
    gain = 32768 * 10 ** (TARGET_DBOV / 20) / np.sqrt(active)
    return np.clip(speech * gain, -32768, 32767).astype(np.int16)


def halve_rate(speech: Samples) -> Samples:
    """Go from 16 to 8 kHz through a linear-phase low-pass at 3.7 kHz."""
    taps = np.arange(-64, 65)
    kernel = np.sinc(taps * 2 * 3700 / 16000) * np.hamming(len(taps))
    filtered = np.convolve(speech.astype(np.float64), kernel / kernel.sum(), mode="same")
    return np.clip(filtered[::2], -32768, 32767).astype(np.int16)
