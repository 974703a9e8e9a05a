"""The E-model against published figures.

Sources: [G.107] the Recommendation's own statements (R = 93.2 by default, clause 7.7; Table B.1); [loom] the worked
points of an independent implementation, github.com/bgrewell/loom core/quality/emodel, computed there by hand from the
equations to six digits; [e-model] figures of another one, github.com/manucorporat/e-model; the rest is computed by hand
from the equation named.
"""

import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.emodel import (
    COMPUTABLE,
    DELAY_SENSITIVITY,
    FullbandInputs,
    NarrowbandInputs,
    WidebandInputs,
    absolute_delay,
    effective_impairment,
    fullband,
    good_or_better_pct,
    mos_to_r,
    narrowband,
    poor_or_worse_pct,
    r_to_mos,
    wideband,
)


def test_defaults_give_the_recommendations_rating_and_terms() -> None:
    result = narrowband(NarrowbandInputs())  # [G.107] 93.2; [loom] the terms
    assert result.r == pytest.approx(93.206208, abs=1e-6)
    assert result.mos == pytest.approx(4.409406, abs=1e-6)
    assert result.ro == pytest.approx(94.768822, abs=1e-6)
    assert result.is_ == pytest.approx(1.413568, abs=1e-6)
    assert result.idle == result.id_ == pytest.approx(0.149046, abs=1e-6)
    assert (result.idte, result.idd, result.ie_eff) == (0, 0, 0)


@pytest.mark.parametrize(
    ("ta", "idte", "idle", "idd", "r", "mos"),
    [
        (100, 1.963791, 0.727733, 0.0, 90.663730, 4.354920),
        (150, 2.811844, 0.840747, 0.163531, 89.539132, 4.327546),
        (250, 4.242856, 1.018587, 8.916710, 79.177101, 3.992519),
    ],
)
def test_delay_with_echo_gives_the_worked_points(
    ta: float, idte: float, idle: float, idd: float, r: float, mos: float
) -> None:
    result = narrowband(NarrowbandInputs(ta=ta, t=ta, tr=2 * ta))  # [loom]
    assert result.idte == pytest.approx(idte, abs=1e-6)
    assert result.idle == pytest.approx(idle, abs=1e-6)
    assert result.idd == pytest.approx(idd, abs=1e-6)
    assert result.id_ == pytest.approx(idte + idle + idd, abs=2e-6)
    assert (result.r, result.mos) == (pytest.approx(r, abs=1e-6), pytest.approx(mos, abs=1e-6))


@pytest.mark.parametrize(
    ("ie", "bpl", "ppl", "burst_r", "expected"),
    [
        (11, 19, 2, 1, 19.0),  # 11 + 84 * 2 / 21
        (0, 25.1, 1, 1, 3.639847),  # [loom]
        (0, 25.1, 5, 1, 15.780731),  # [loom]
        (0, 25.1, 5, 2, 17.210145),  # [loom]: 475 / (2.5 + 25.1)
        (15, 16.1, 0, 1, 15.0),
    ],
)
def test_effective_impairment_of_loss(ie: float, bpl: float, ppl: float, burst_r: float, expected: float) -> None:
    assert effective_impairment(ie, bpl, ppl, burst_r) == pytest.approx(expected, abs=1e-6)
    rating = narrowband(NarrowbandInputs(ie=ie, bpl=bpl, ppl=ppl, burst_r=burst_r))
    assert rating.r == pytest.approx(93.206208 - expected, abs=1e-5)


@pytest.mark.parametrize(
    ("sensitivity", "at_200", "at_300"),
    [("default", 3.044, 14.76), ("low", 2.25, 10.09), ("very low", 0.95, 6.18)],  # G.107 Table 1 classes, by 7-27
)
def test_delay_sensitivity_classes(sensitivity: str, at_200: float, at_300: float) -> None:
    s_t, m_t = DELAY_SENSITIVITY[sensitivity]
    assert absolute_delay(200, s_t, m_t) == pytest.approx(at_200, abs=0.005)
    assert absolute_delay(300, s_t, m_t) == pytest.approx(at_300, abs=0.005)
    assert absolute_delay(m_t, s_t, m_t) == 0


def test_sidetone_below_9_db_and_above_20_db_changes_talker_echo() -> None:
    plain = narrowband(NarrowbandInputs(t=100, telr=40))
    # 7-12 with T = 100: the echo no longer masks, so that STMRo = STMR; Ist by 7-11.
    for stmr in (8.0, 21.0):
        ist = (
            12 * (1 + ((stmr - 13) / 6) ** 8) ** (1 / 8)
            - 28 * (1 + ((stmr + 1) / 19.4) ** 35) ** (1 / 35)
            - 13 * (1 + ((stmr - 3) / 33) ** 13) ** (1 / 13)
            + 29
        )
        other = narrowband(NarrowbandInputs(t=100, telr=40, stmr=stmr))
        if stmr > 20:
            assert other.idte == pytest.approx(math.hypot(plain.idte, ist), abs=1e-6)  # 7-24
        else:
            # 7-23: TERV rises by Ist / 2, which is a TELR higher by as much.
            raised = narrowband(NarrowbandInputs(t=100, telr=40 + ist / 2))
            assert other.idte == pytest.approx(raised.idte, abs=1e-6)


def test_echo_under_a_millisecond_is_sidetone() -> None:
    assert narrowband(NarrowbandInputs(t=0.9, telr=20)).idte == 0
    assert narrowband(NarrowbandInputs(t=10, telr=20)).idte > 10


def test_quantizing_distortion_grows_with_every_unit() -> None:
    ratings = [narrowband(NarrowbandInputs(qdu=qdu)).r for qdu in (1, 2, 4, 8, 14)]
    assert ratings == sorted(ratings, reverse=True)
    assert ratings[0] - ratings[-1] > 20


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"ps": 60}, 71.550333),
        ({"nc": -50}, 76.350793),
        ({"slr": 15}, 83.323217),
        ({"pr": 65, "lstr": 14}, 68.618694),
        ({"qdu": 4}, 88.203149),
        ({"stmr": 10, "t": 20, "tr": 40, "ta": 20, "telr": 45}, 89.840199),
        ({"slr": 2, "rlr": -3, "nfor": -60}, 83.171671),
        ({"stmr": 22, "lstr": 25, "t": 60, "telr": 35}, 58.285618),
        ({"wepl": 20, "tr": 200}, 67.374517),
        ({"ta": 400}, 69.136119),
        (
            {
                "slr": 5,
                "rlr": 6,
                "stmr": 8,
                "lstr": 11,
                "ds": 0,
                "telr": 50,
                "wepl": 40,
                "t": 120,
                "tr": 250,
                "ta": 180,
                "qdu": 3,
                "ie": 7,
                "bpl": 12,
                "ppl": 1.5,
                "burst_r": 1.4,
                "nc": -60,
                "nfor": -62,
                "ps": 50,
                "pr": 48,
                "a": 5,
            },
            51.916024,
        ),
    ],
)
def test_an_independent_implementation_gives_the_same_rating(changed: dict[str, float], expected: float) -> None:
    assert narrowband(NarrowbandInputs(**changed)).r == pytest.approx(expected, abs=1e-6)  # [e-model]


def test_the_advantage_factor_is_added() -> None:
    assert narrowband(NarrowbandInputs(a=10)).r == pytest.approx(103.206208, abs=1e-6)
    assert narrowband(NarrowbandInputs(a=10)).mos == 4.5


@pytest.mark.parametrize(
    ("ta", "idte", "idle", "idd", "r", "mos"),
    [
        (0, 0, 0.153685, 0, 128.846315, 4.499152),
        (50, 0.092907, 0.652075, 0, 128.255018, 4.495632),
        (150, 0.355448, 1.012266, 0.210955, 127.421331, 4.489979),
    ],
)
def test_wideband_gives_the_worked_points(
    ta: float, idte: float, idle: float, idd: float, r: float, mos: float
) -> None:
    result = wideband(WidebandInputs(ta=ta, t=ta, tr=2 * ta))  # [loom]; the last MOS from its R by Annex A
    assert (result.ro, result.is_) == (129, 0)
    assert result.idte == pytest.approx(idte, abs=1e-6)
    assert result.idle == pytest.approx(idle, abs=1e-6)
    assert result.idd == pytest.approx(idd, abs=1e-6)
    assert (result.r, result.mos) == (pytest.approx(r, abs=1e-6), pytest.approx(mos, abs=1e-6))


def test_wideband_codec_and_delay_give_the_worked_point() -> None:
    result = wideband(WidebandInputs(ie=5, ta=150, t=150, tr=300))  # [loom]
    assert (result.r, result.mos) == (pytest.approx(122.421331, abs=1e-6), pytest.approx(4.439743, abs=1e-6))


def test_wideband_has_no_burst_ratio() -> None:
    assert wideband(WidebandInputs(ppl=3, burst_r=4)) == wideband(WidebandInputs(ppl=3))


def test_fullband_scale() -> None:
    assert fullband(FullbandInputs()).r == 148
    assert fullband(FullbandInputs()).mos == 4.5
    result = fullband(FullbandInputs(ie=12, bpl=8, ppl=2, burst_r=2, ta=200, a=1))
    assert result.ie_eff == pytest.approx(12 + (132 - 12) * 2 / (1 + 8))
    assert result.idd == result.id_ == pytest.approx(1.48 * 3.0444142, abs=1e-6)
    assert result.r == pytest.approx(148 - result.idd - result.ie_eff + 1)
    assert result.mos == r_to_mos(result.r / 1.48)


@pytest.mark.parametrize(
    ("r", "mos", "good", "poor"),
    [(90, 4.34, 97, 0), (80, 4.02, 89, 0), (70, 3.60, 73, 6), (60, 3.10, 50, 17), (50, 2.58, 27, 38)],  # Table B.1
)
def test_table_of_ratings_scores_and_shares_of_users(r: float, mos: float, good: float, poor: float) -> None:
    assert r_to_mos(r) == pytest.approx(mos, abs=0.0051)
    assert good_or_better_pct(r) == pytest.approx(good, abs=0.6)
    assert poor_or_worse_pct(r) == pytest.approx(poor, abs=1.5)


def test_scores_are_limited_at_both_ends_and_where_the_polynomial_dips() -> None:
    assert [r_to_mos(r) for r in (-20, 0, 3.222, 6.5)] == [1, 1, 1, 1]
    assert [r_to_mos(r) for r in (100, 129)] == [4.5, 4.5]


@given(st.floats(6.6, 99.9))
def test_a_score_turns_back_into_its_rating(r: float) -> None:
    assert mos_to_r(r_to_mos(r)) == pytest.approx(r, abs=1e-4)


@given(st.floats(-10, 140), st.floats(-10, 140))
def test_a_better_rating_is_never_a_worse_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert r_to_mos(low) <= r_to_mos(high)


@pytest.mark.parametrize("mos", [0.99, 4.51, math.nan])
def test_a_score_off_the_scale_has_no_rating(mos: float) -> None:
    with pytest.raises(ValueError, match=r"mos: .* is not within 1 to 4\.5"):
        mos_to_r(mos)


@pytest.mark.parametrize(
    ("name", "value"), [("ppl", 100.1), ("ppl", -0.1), ("bpl", 0), ("burst_r", 0.9), ("t", math.nan)]
)
def test_a_parameter_the_model_cannot_be_computed_with_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        NarrowbandInputs(**{name: value})


@given(st.fixed_dictionaries({name: st.sampled_from((low, high)) for name, (low, high) in COMPUTABLE.items()}))
def test_every_corner_of_the_computable_range_gives_finite_ratings(corner: dict[str, float]) -> None:
    for rating in (
        narrowband(NarrowbandInputs(**corner)),
        wideband(WidebandInputs(**corner)),
        fullband(FullbandInputs(**corner)),
    ):
        assert all(math.isfinite(getattr(rating, field.name)) for field in fields(rating))
        assert 1 <= rating.mos <= 4.5


@given(st.floats(0, 100), st.floats(0, 100), st.floats(1, 8))
def test_more_loss_is_never_rated_better(one: float, other: float, burst_r: float) -> None:
    low, high = sorted((one, other))
    better = narrowband(NarrowbandInputs(bpl=25.1, ppl=low, burst_r=burst_r))
    assert better.r >= narrowband(NarrowbandInputs(bpl=25.1, ppl=high, burst_r=burst_r)).r - 1e-9
