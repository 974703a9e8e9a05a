import contextlib
import json
import math
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.calculator import PARAMETERS, CalculationError, calculate
from clearline.voice.emodel import (
    COMPUTABLE,
    FULLBAND_STRETCH,
    WIDEBAND_STRETCH,
    NarrowbandInputs,
    narrowband,
    r_to_mos,
)
from clearline.voice.impairments import codec_impairment
from clearline.voice.scores import rating


def test_parameters_by_the_recommendations_names_give_rating_score_and_terms() -> None:
    question = {
        "model": "G.107",
        "ie": 0,
        "bpl": 25.1,
        "ppl": 2,
        "burst_r": 1,
        "ta": 150,
        "t": 150,
        "tr": 300,
        "telr": 65,
    }
    answer = calculate({**question, "tag": "line 1"})
    expected = narrowband(NarrowbandInputs(bpl=25.1, ppl=2, ta=150, t=150, tr=300))
    assert answer == {
        "tag": "line 1",
        "model": "G.107",
        "r": expected.r,
        "mos": expected.mos,
        "ro": expected.ro,
        "is": expected.is_,
        "idte": expected.idte,
        "idle": expected.idle,
        "idd": expected.idd,
        "id": expected.id_,
        "ie_eff": expected.ie_eff,
    }


def test_a_codec_stands_in_place_of_its_constants() -> None:
    answer = calculate({"model": "G.107", "codec": "G.729A", "ppl": 2})
    assert (answer["ie"], answer["bpl"], answer["ie_eff"]) == (11, 19.0, 19.0)
    assert calculate({"model": "G.107", "codec": "GSM"})["ie_eff"] == 20
    assert calculate({"model": "G.107.1", "codec": "AMR-WB 12.65", "ppl": 1})["ro"] == 129


def test_a_calibrated_codec_is_rated_by_its_fit() -> None:
    row = codec_impairment("G.722", "calibrated")
    assert row is not None
    question = {"model": "G.107.1", "codec": "G722", "profile": "calibrated", "ppl": 5, "burst_r": 2}
    assert calculate(question)["r"] == pytest.approx(rating(row, 5, 2, 0))


@pytest.mark.parametrize(
    ("model", "stretch"), [("G.107", 1), ("G.107.1", WIDEBAND_STRETCH), ("G.107.2", FULLBAND_STRETCH)]
)
def test_rating_and_score_are_converted_on_the_models_scale(model: str, stretch: float) -> None:
    assert calculate({"model": model, "r": 80 * stretch}) == {
        "model": model,
        "r": 80 * stretch,
        "mos": pytest.approx(4.024),
    }
    back = calculate({"model": model, "mos": 4.0})["r"]
    assert isinstance(back, float)
    assert r_to_mos(back / stretch) == pytest.approx(4.0)


def test_video() -> None:
    answer = calculate({"model": "G.1070", "set": "B.4#1", "bitrate_kbps": 500, "frame_rate": 15, "ppl": 1})
    assert answer["vq"] == pytest.approx(2.96307, abs=1e-5)
    assert "outside" not in answer
    assert calculate({"model": "G.1070", "set": "B.4#1", "bitrate_kbps": 500, "frame_rate": 60})["outside"] == [
        "frame_rate"
    ]


def test_what_lies_outside_the_studied_range_and_what_has_no_part_is_named() -> None:
    answer = calculate({"model": "G.107.1", "ppl": 30, "burst_r": 2, "qdu": 1})
    assert (answer["outside"], answer["unused"]) == (["ppl"], ["qdu", "burst_r"])
    assert calculate({"model": "G.107.2", "telr": 65, "ta": 200})["unused"] == ["telr"]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ([1], "an object is needed"),
        ({}, "model: None is none of G.107, "),
        ({"model": ["G.107"]}, "model: "),
        ({"model": "G.107", "loss": 1}, "loss: is not known"),
        ({"model": "G.107", "ppl": "1"}, "ppl: a number is needed, not '1'"),
        ({"model": "G.107", "ppl": True}, "ppl: a number is needed"),
        ({"model": "G.107", "ppl": None}, "ppl: a number is needed"),
        ({"model": "G.107", "ppl": -1}, "ppl: -1.0 is not within 0 to 100"),
        ({"model": "G.107", "r": math.nan}, "r: nan is not a finite number"),
        ({"model": "G.107", "ppl": 10**400}, "ppl: is too great"),
        ({"model": "G.107", "codec": 711}, "codec: a name is needed"),
        ({"model": "G.107", "codec": "PCMU", "profile": None}, "profile: a name is needed"),
        ({"model": "G.107", "codec": "PCMU", "profile": "wishful"}, "profile: 'wishful' is none of"),
        ({"model": "G.107", "codec": "PCMU", "ie": 0}, "ie: `codec` stands in its place"),
        ({"model": "G.107", "codec": "G.729", "ppl": 1}, "codec: G.729 has no published packet-loss robustness"),
        ({"model": "G.107", "codec": "opus"}, "codec: Opus has no published impairment"),
        ({"model": "G.107", "codec": "G722"}, "codec: G.722 is rated by G.107.1, not by G.107"),
        ({"model": "G.107", "profile": "planning"}, "profile: is of use with `codec` only"),
        ({"model": "G.107", "r": 80, "ppl": 1}, "ppl: `r` or `mos` stands alone"),
        ({"model": "G.107", "mos": 4.6}, "mos: 4.6 is not within 1 to 4.5"),
        ({"model": "G.1070", "set": "B.4#1", "bitrate_kbps": 500}, "frame_rate: is needed"),
        ({"model": "G.1070", "set": ["B.4#1"], "bitrate_kbps": 5, "frame_rate": 9}, "set: "),
        ({"model": "G.1070", "set": "B.4#1", "bitrate_kbps": 5, "frame_rate": 9, "ta": 1}, "ta: is not known"),
    ],
)
def test_a_question_that_cannot_be_answered_says_which_key(question: object, message: str) -> None:
    with pytest.raises(CalculationError) as raised:
        calculate(question)
    assert str(raised.value).startswith(message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from([*PARAMETERS, "model", "codec", "profile", "r", "mos", "set", "tag"]), JSON) | JSON
)
def test_whatever_is_asked_the_answer_is_finite_or_an_error_of_ours(question: object) -> None:
    if isinstance(question, dict):
        question = {"model": "G.107", **question}
    answer: dict[str, object] = {}
    with contextlib.suppress(CalculationError):
        answer = calculate(question)
    for name in {"r", "mos"} & answer.keys():
        value = answer[name]
        assert isinstance(value, int | float)
        assert math.isfinite(value)


SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize(
    "question",
    [
        {"model": "G.107", "ppl": 30, "burst_r": 1.5, "tag": {"any": "thing"}},
        {"model": "G.107.1", "codec": "AMR-WB 12.65", "ppl": 1, "qdu": 1},
        {"model": "G.107", "codec": "GSM", "profile": "measured"},
        {"model": "G.107.2", "r": 120},
        {"model": "G.107", "mos": 4},
        {"model": "G.1070", "set": "B.6#1", "bitrate_kbps": 700, "frame_rate": 60},
    ],
)
def test_questions_and_answers_keep_to_the_published_schemas(question: dict[str, object]) -> None:
    for name, document in (("question", question), ("answer", calculate(question))):
        schema = json.loads((SCHEMAS / f"mos-{name}.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(document, schema)


def test_the_schema_of_questions_names_every_parameter_with_its_range() -> None:
    rating = json.loads((SCHEMAS / "mos-question.json").read_text())["oneOf"][0]["properties"]
    ranges = {name: (rating[name]["minimum"], rating[name]["maximum"]) for name in PARAMETERS}
    assert ranges == COMPUTABLE


def test_an_answer_is_json() -> None:
    assert json.loads(json.dumps(calculate({"model": "G.107"})))["r"] == pytest.approx(93.206208)
