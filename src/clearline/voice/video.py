"""Video quality of a call by ITU-T G.1070 (06/2018), clauses 11.2 and 11.4, with the coefficient sets published for it.

Each set holds for one codec, picture size and screen; there is none for VP8, VP9, AV1 or H.265. The sets were fitted at
8 to 30 frames a second and up to 3 % loss; jitter is no input.
"""

import math
from dataclasses import dataclass

COEFFICIENTS: dict[str, tuple[float, ...]] = {
    "B.2#1": (1.431, 2.228e-2, 3.759, 184.1, 1.161, 1.446, 3.881e-4, 2.116, 467.4, 2.736, 15.28, 4.170),
    "B.2#2": (7.160, 2.215e-2, 3.461, 111.9, 2.091, 1.382, 5.881e-4, 0.8401, 113.9, 6.047, 46.87, 10.87),
    "B.2#5": (5.517, 1.29e-2, 3.459, 178.53, 1.02, 1.15, 3.55e-4, 0.114, 513.77, 0.736, -6.451, 13.684),
    "B.4#1": (6.743, 0.9998e-2, 3.051, 168.1, 1.766, 1.130, 18.340e-4, 1.232, 53.25, 3.353, 6.025, 80.752),
    "B.6#1": (5.643, 1.042e-2, 2.862, 178.2, 1.972, 1.263, 11.026e-4, 1.125, 49.34, 3.047, 5.824, 92.465),
}
"""Table and column of G.1070 → v1 to v12."""

DESCRIBED = {
    "B.2#1": "MPEG-4, QVGA, 4.2 inches",
    "B.2#2": "MPEG-4, QQVGA, 2.1 inches",
    "B.2#5": "H.264, VGA, 9.2 inches",
    "B.4#1": "H.264 baseline profile, VGA, 6 inches",
    "B.6#1": "H.264 baseline profile, VGA, 65 inches",
}
"""What each set holds for."""

MULTIMEDIA: dict[str, tuple[float, ...]] = {
    "4.2": (
        *(-0.4457, -0.6638, 0.4042, 2.321),
        *(-0.3255, 0.3309, 0.1494, 0.5457),
        *(-3.235e-4, 3.915, -1.377e-3, 0.0, -1.095e-3, 0.0),
    ),
    "2.1": (
        *(-0.6966, -0.8127, 0.4562, 3.003),
        *(-0.1638, 0.3626, 0.1291, 0.5456),
        *(-1.251e-4, 3.763, -1.065e-3, 1.465e-2, -1.002e-3, 0.0),
    ),
}
"""Screen's diagonal in inches → m1 to m14: four for the sum, four for sound with picture, six for delay."""

COMPUTABLE = {"bitrate_kbps": (1.0, 1_000_000.0), "frame_rate": (1.0, 240.0), "ppl": (0.0, 100.0)}
"""The range in which the model is defined and finite."""

PERMITTED = {"bitrate_kbps": (1.0, 1_000_000.0), "frame_rate": (8.0, 30.0), "ppl": (0.0, 3.0)}
"""The range that the coefficients were fitted in."""


@dataclass(frozen=True, slots=True)
class VideoQuality:
    """Video quality with the terms it is made of.

    Attributes:
        vq: video quality Vq, 1..5.
        ofr: frame rate that is best at this bit rate, a second.
        iofr: quality that it gives over 1.
        icoding: quality over 1 at the actual frame rate.
        dpplv: robustness against packet loss, percent.
    """

    vq: float
    ofr: float
    iofr: float
    icoding: float
    dpplv: float


def video_quality(coefficients: str, *, bitrate_kbps: float, frame_rate: float, ppl: float) -> VideoQuality:
    """Estimate video quality (G.1070 clause 11.2).

    Args:
        coefficients: one of `COEFFICIENTS`.
        bitrate_kbps: video bit rate.
        frame_rate: frames a second.
        ppl: packet loss, percent.

    Raises:
        ValueError: no such set, or a figure outside `COMPUTABLE`.
    """
    if coefficients not in COEFFICIENTS:
        raise ValueError(f"set: {coefficients!r} is none of {', '.join(COEFFICIENTS)}")
    for name, value in (("bitrate_kbps", bitrate_kbps), ("frame_rate", frame_rate), ("ppl", ppl)):
        low, high = COMPUTABLE[name]
        if not low <= value <= high:
            raise ValueError(f"{name}: {value} is not within {low:g} to {high:g}")
    v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12 = COEFFICIENTS[coefficients]
    ofr = min(max(v1 + v2 * bitrate_kbps, 1.0), 30.0)
    iofr = v3 - v3 / (1 + (bitrate_kbps / v4) ** v5)
    dfrv = v6 + v7 * bitrate_kbps
    icoding = iofr * math.exp(-((math.log(frame_rate) - math.log(ofr)) ** 2) / (2 * dfrv**2))
    dpplv = v10 + v11 * math.exp(-frame_rate / v8) + v12 * math.exp(-bitrate_kbps / v9)
    return VideoQuality(1 + icoding * math.exp(-ppl / dpplv), ofr, iofr, icoding, dpplv)


def multimedia_quality(screen: str, *, sq: float, vq: float, ts_ms: float, tv_ms: float) -> float:
    """Estimate the quality of sound and picture together, MMq, 1..5 (G.1070 clause 11.4).

    Args:
        screen: one of `MULTIMEDIA`.
        sq: speech quality, 1..5.
        vq: video quality, 1..5.
        ts_ms: one-way delay of speech.
        tv_ms: one-way delay of video.

    Raises:
        ValueError: no such set.
    """
    if screen not in MULTIMEDIA:
        raise ValueError(f"screen: {screen!r} is none of {', '.join(MULTIMEDIA)}")
    m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14 = MULTIMEDIA[screen]
    quality = m5 * sq + m6 * vq + m7 * sq * vq + m8
    delay = m9 * (ts_ms + tv_ms) + m10
    ahead_ms = ts_ms - tv_ms
    mismatch = min(m11 * ahead_ms + m12 if ahead_ms >= 0 else -m13 * ahead_ms + m14, 0.0)
    degradation = max(delay + mismatch, 1.0)
    return min(max(m1 * quality + m2 * degradation + m3 * quality * degradation + m4, 1.0), 5.0)
