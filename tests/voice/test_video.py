import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.video import COEFFICIENTS, DESCRIBED, MULTIMEDIA, multimedia_quality, video_quality


def test_the_terms_by_hand() -> None:
    """G.1070 clause 11.2 with column 1 of Table B.4 at 500 kbit/s, 15 frames a second and 1 % loss."""
    quality = video_quality("B.4#1", bitrate_kbps=500, frame_rate=15, ppl=1)
    assert quality.ofr == pytest.approx(6.743 + 0.009998 * 500)
    assert quality.iofr == pytest.approx(3.051 - 3.051 / (1 + (500 / 168.1) ** 1.766))
    assert quality.icoding == pytest.approx(2.662601 * math.exp(-((math.log(15 / 11.742)) ** 2) / 8.405), abs=1e-4)
    assert quality.dpplv == pytest.approx(3.353 + 6.025 * math.exp(-15 / 1.232) + 80.752 * math.exp(-500 / 53.25))
    assert quality.vq == pytest.approx(2.96307, abs=1e-5)


def test_the_best_frame_rate_is_kept_within_1_and_30() -> None:
    assert video_quality("B.2#2", bitrate_kbps=5000, frame_rate=30, ppl=0).ofr == 30


@given(
    st.sampled_from(sorted(COEFFICIENTS)), st.floats(1, 1e6), st.floats(1, 240), st.floats(0, 100), st.floats(0, 100)
)
def test_quality_stays_on_its_scale_and_never_gains_by_loss(
    coefficients: str, bitrate: float, rate: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    better = video_quality(coefficients, bitrate_kbps=bitrate, frame_rate=rate, ppl=low).vq
    worse = video_quality(coefficients, bitrate_kbps=bitrate, frame_rate=rate, ppl=high).vq
    assert 1 <= worse <= better <= 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"coefficients": "B.9#9"}, "set: "),
        ({"bitrate_kbps": 0.0}, "bitrate_kbps: "),
        ({"frame_rate": math.nan}, "frame_rate: "),
        ({"ppl": 101.0}, "ppl: "),
    ],
)
def test_what_the_model_cannot_be_computed_with_is_refused(changed: dict[str, object], message: str) -> None:
    question: dict[str, object] = {"coefficients": "B.4#1", "bitrate_kbps": 500.0, "frame_rate": 25.0, "ppl": 0.0}
    with pytest.raises(ValueError, match=f"^{message}"):
        video_quality(**{**question, **changed})  # type: ignore[arg-type]  # wrong on purpose


def test_every_set_says_what_it_holds_for() -> None:
    assert DESCRIBED.keys() == COEFFICIENTS.keys()


def test_sound_and_picture_together() -> None:
    good = multimedia_quality("4.2", sq=4.0, vq=4.0, ts_ms=150, tv_ms=150)
    # MMSV by hand: -1.302 + 1.3236 + 2.3904 + 0.5457; AD = 3.915 - 0.09705, no mismatch.
    mmsv, mmt = 2.9577, 3.81795
    assert good == pytest.approx(-0.4457 * mmsv - 0.6638 * mmt + 0.4042 * mmsv * mmt + 2.321, abs=1e-6)
    assert multimedia_quality("4.2", sq=4.0, vq=4.0, ts_ms=150, tv_ms=650) < good
    assert multimedia_quality("4.2", sq=4.0, vq=4.0, ts_ms=650, tv_ms=150) < good
    assert multimedia_quality("2.1", sq=1.0, vq=1.0, ts_ms=60_000, tv_ms=0) >= 1
    with pytest.raises(ValueError, match=", ".join(MULTIMEDIA)):
        multimedia_quality("70", sq=4, vq=4, ts_ms=0, tv_ms=0)
