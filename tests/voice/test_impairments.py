import pytest

from clearline.voice import calibration
from clearline.voice.impairments import (
    PROFILES,
    codec_impairment,
    codecs,
    narrowband_equivalent,
    unscored_reason,
)


@pytest.mark.parametrize(
    ("codec", "model", "ie", "bpl", "table"),
    [  # as printed in ITU-T G.113 (2007 to 2024 editions)
        ("PCMU", "G.107", 0, 25.1, "I.4"),
        ("G.711 without PLC", "G.107", 0, 4.3, "I.4"),
        ("G729", "G.107", 11, 19.0, "I.4"),
        ("G.729A", "G.107", 11, 19.0, "I.4"),
        ("G.729", "G.107", 10, None, "I.1"),
        ("G723", "G.107", 15, 16.1, "I.4"),
        ("GSM-EFR", "G.107", 5, 10.0, "I.4"),
        ("GSM", "G.107", 20, None, "I.1"),
        ("G726-24", "G.107", 25, None, "I.1"),
        ("G722", "G.107.1", 13, None, "IV"),
        ("AMR-WB 23.05", "G.107.1", 8, 4.6, "IV.4"),
        ("AMR-WB 23.05 monotic", "G.107.1", 1, None, "IV.1"),
        ("evs swb 24.4", "G.107.2", 7.2, 11.4, "V"),
    ],
)
def test_planning_values_stand_beside_their_table(
    codec: str, model: str, ie: float, bpl: float | None, table: str
) -> None:
    row = codec_impairment(codec)
    assert row is not None
    assert (row.model, row.ie, row.bpl, row.burst_exponent) == (model, ie, bpl, 1.0)
    assert table in row.source


@pytest.mark.parametrize("codec", ["opus", "iLBC", "AMR", "AMR 12.2", "Speex", "EVS", "AMR-WB", "L16", ""])
def test_a_codec_without_a_published_value_has_none(codec: str) -> None:
    assert codec_impairment(codec) is None
    assert unscored_reason(codec)


def test_every_row_names_its_source_and_every_calibrated_one_the_measurement() -> None:
    for profile in PROFILES:
        assert all(row.source for row in codecs(profile))
    assert [row.codec for row in codecs("calibrated")] == list(calibration.FITTED)


def test_measured_values_come_beside_the_planning_ones() -> None:
    row = codec_impairment("Opus NB-CBR 11", "measured")
    assert row is not None
    assert (row.ie, row.bpl) == (2.03, 15.95)
    assert "Alahmadi" in row.source
    assert codec_impairment("PCMA", "measured") == codec_impairment("PCMA", "planning")


def test_the_calibrated_profile_scores_any_mode_of_a_fitted_family_by_its_fit() -> None:
    for name, fitted in [
        ("opus", "Opus"),
        ("Opus SWB-VBR 25", "Opus"),
        ("Opus NB-VBR 9", "Opus NB"),
        ("G729", "G.729"),
    ]:
        row = codec_impairment(name, "calibrated")
        assert row is not None
        assert row.codec == fitted
    assert codec_impairment("iLBC", "calibrated") is None


def test_reasons_are_sentences_that_say_what_is_missing() -> None:
    assert unscored_reason("PCMU", lossy=True) is None
    assert unscored_reason("G722", lossy=False) is None
    assert unscored_reason("G722", lossy=True) == (
        "G.722 has no published packet-loss robustness (Bpl), so that a stream with loss has no score"
    )
    assert unscored_reason("opus") == (
        "Opus has no published impairment in ITU-T G.113; the profile `measured` has values for it"
    )
    assert unscored_reason("speex") == "Speex has no published impairment in ITU-T G.113"
    assert unscored_reason("AMR-WB") == (
        "AMR-WB is scored by its mode, as AMR-WB 23.85 is; this stream's mode is not known or has no value"
    )
    assert unscored_reason("iLBC", "calibrated") == "iLBC has not been fitted to reference measurements"


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="profile: 'wishful' is none of planning, measured, calibrated"):
        codec_impairment("PCMU", "wishful")


def test_only_calibrated_wideband_codecs_have_constants_on_the_narrowband_scale() -> None:
    assert narrowband_equivalent("G.722") is None
    assert narrowband_equivalent("G.711", "calibrated") is None
    row = narrowband_equivalent("G.722", "calibrated")
    assert row is not None
    assert row.model == "G.107"
