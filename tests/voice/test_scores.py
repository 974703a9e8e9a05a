import pytest

from clearline.voice.emodel import NarrowbandInputs, WidebandInputs, narrowband, r_to_mos, wideband
from clearline.voice.impairments import PROFILES, codec_impairment, codecs
from clearline.voice.scores import BY_FIT, BY_RATING, mouth_to_ear_ms, score


def test_listening_leaves_delay_out_and_conversation_takes_it_in_with_its_echo() -> None:
    result = score("PCMU", ppl=1, ta_ms=150)
    assert result.r == pytest.approx(93.206208 - 3.639847, abs=1e-5)
    assert result.r_cq == pytest.approx(89.539132 - 3.639847, abs=1e-5)  # Ta = T = 150, Tr = 300, TELR = 65
    assert result.mos_lq == pytest.approx(r_to_mos(result.r or 0))
    assert result.mos_cq == pytest.approx(r_to_mos(result.r_cq or 0))
    assert (result.narrowband_mos_lq, result.narrowband_mos_cq) == (result.mos_lq, result.mos_cq)
    assert (result.model, result.codec, result.conversion, result.unscored) == ("G.107", "G.711", None, None)


def test_an_unknown_delay_leaves_conversation_unknown() -> None:
    result = score("G729", ppl=2)
    assert result.mos_lq == pytest.approx(3.787558, abs=1e-6)
    assert (result.r_cq, result.mos_cq, result.narrowband_mos_cq) == (None, None, None)


def test_a_codec_that_cannot_be_scored_says_why_and_has_no_figure() -> None:
    for result in (score("opus", ta_ms=50), score("G722", ppl=0.1)):
        assert result.unscored
        figures = (result.model, result.r, result.mos_lq, result.mos_cq, result.narrowband_mos_lq)
        assert figures == (None, None, None, None, None)
    assert score("G722", ppl=0).mos_lq is not None


def test_a_wideband_call_is_rated_on_its_scale_and_read_on_the_narrowband_curve() -> None:
    result = score("AMR-WB 12.65", ppl=2, ta_ms=100)
    expected = wideband(WidebandInputs(ie=20, bpl=4.3, ppl=2, ta=100, t=100, tr=200))
    assert (result.r_cq, result.mos_cq) == (pytest.approx(expected.r), pytest.approx(expected.mos))
    assert result.narrowband_mos_cq == pytest.approx(r_to_mos(expected.r))
    assert result.conversion == BY_RATING


def test_the_scales_meet_at_a_clean_narrowband_call() -> None:
    """G.113 bridges by 129 - 93.2 = 35.8: such a call has on both scales the rating, hence on one curve the score."""
    bridged = wideband(WidebandInputs(ie=35.8)).r
    assert r_to_mos(bridged) == pytest.approx(narrowband(NarrowbandInputs()).mos, abs=0.005)


def test_a_calibrated_wideband_call_has_its_own_fit_on_the_narrowband_scale() -> None:
    result = score("G722", profile="calibrated", ppl=3, burst_r=1.5, ta_ms=80)
    assert (result.model, result.conversion) == ("G.107.1", BY_FIT)
    assert result.narrowband_mos_lq is not None
    assert result.narrowband_mos_lq < 4.5


def test_a_fullband_call() -> None:
    assert score("EVS SWB 24.4").model == "G.107.2"


def test_mouth_to_ear_delay_is_summed_without_counting_a_frame_twice() -> None:
    assert mouth_to_ear_ms("G.711", round_trip_ms=80, buffer_ms=60, packet_ms=20) == 40 + 20 + 60
    assert mouth_to_ear_ms("G.729A+VAD", round_trip_ms=80, buffer_ms=60) == 40 + 20 + 5 + 60
    assert mouth_to_ear_ms("G.723.1 5.3", round_trip_ms=0, buffer_ms=0) == 37.5


def test_a_figure_off_the_models_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^ppl: "):
        score("PCMU", ppl=101)
    with pytest.raises(ValueError, match=r"^burst_r: "):
        score("PCMU", profile="calibrated", ppl=1, burst_r=0.5)


def test_calibrated_constants_act_by_their_own_exponent_and_ceiling() -> None:
    row = codec_impairment("G722", "calibrated")
    assert row is not None
    assert row.bpl is not None
    assert row.ceiling is not None
    burst_r = 2**row.burst_exponent
    expected = row.ie + (row.ceiling - row.ie) * 5 / (5 / burst_r + row.bpl)
    assert score("G722", profile="calibrated", ppl=5, burst_r=2).r == pytest.approx(128.846315 - expected, abs=1e-5)


@pytest.mark.parametrize("profile", PROFILES)
def test_total_loss_in_one_burst_is_scored_and_not_refused(profile: str) -> None:
    for row in codecs(profile):
        result = score(row.codec, profile=profile, ppl=100, burst_r=1000, ta_ms=400)
        assert result.unscored or 1 <= (result.mos_cq or 0) < 3
