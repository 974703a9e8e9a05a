"""The quality models as a calculator: one JSON object in, one out."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields

from clearline.voice import video
from clearline.voice.emodel import (
    PERMITTED,
    STRETCH,
    FullbandInputs,
    NarrowbandInputs,
    Rating,
    WidebandInputs,
    fullband,
    mos_to_r,
    narrowband,
    r_to_mos,
    wideband,
)
from clearline.voice.impairments import Impairment, codec_impairment, unscored_reason
from clearline.voice.scores import loss_impairment

PARAMETERS = tuple(field.name for field in fields(NarrowbandInputs))
"""The parameters of the E-model: the Recommendations' names in lower case."""

_NO_PART = {
    "G.107": frozenset({"dr"}),
    "G.107.1": frozenset({"dr", "stmr", "qdu", "burst_r", "a"}),
    "G.107.2": frozenset(PARAMETERS) - {"ta", "st", "mt", "ie", "bpl", "ppl", "burst_r", "a"},
}
"""Model → the parameters that don't act in it."""

MODELS = (*STRETCH, "G.1070")


class CalculationError(ValueError):
    """An object that can't be calculated; the message begins with the key it is about."""


def calculate(document: object) -> dict[str, object]:
    """Answer one question.

    Args:
        document: a JSON object as it was parsed, see docs/mos.md: a `model` with its parameters, a `codec` in place of
            `ie` and `bpl`, or one of `r` and `mos` alone to convert it.

    Returns:
        The answer: `tag` if one was given, `model`, and for the E-model `r`, `mos` and the terms; for G.1070 `vq` and
        its terms. `outside` names parameters outside the range they were studied in, `unused` those given that have
        no part in the model; both only where there are any.

    Raises:
        CalculationError: the object isn't understood or a value is out of range.
    """
    if not isinstance(document, dict):
        raise CalculationError('an object is needed, such as {"model": "G.107", "ppl": 1}')
    given = dict(document)
    tag = {"tag": given.pop("tag")} if "tag" in given else {}
    model = given.pop("model", None)
    if model not in MODELS:
        raise CalculationError(f"model: {model!r} is none of {', '.join(MODELS)}")
    answer: Callable[[str, dict[str, object]], dict[str, object]] = _video if model == "G.1070" else _speech
    try:
        return {**tag, "model": model, **answer(model, given)}
    except CalculationError:
        raise
    except ValueError as error:
        raise CalculationError(str(error)) from error


def _speech(model: str, given: dict[str, object]) -> dict[str, object]:
    if "r" in given or "mos" in given:
        return _convert(model, given)
    row = _codec_row(model, given)
    _refuse_unknown(given, PARAMETERS)
    numbers = {name: _number(name, value) for name, value in given.items()}
    parameters = numbers
    if row is not None:
        asked = {name: value for name, value in numbers.items() if name not in {"ppl", "burst_r"}}
        parameters = asked | _codec_parameters(row, numbers.get("ppl", 0.0), numbers.get("burst_r", 1.0))
    rating = _rate(model, parameters)
    outside = [name for name, value in numbers.items() if not PERMITTED[name][0] <= value <= PERMITTED[name][1]]
    unused = [name for name in PARAMETERS if name in numbers and name in _NO_PART[model]]
    return {
        "r": rating.r,
        "mos": rating.mos,
        "ro": rating.ro,
        "is": rating.is_,
        "idte": rating.idte,
        "idle": rating.idle,
        "idd": rating.idd,
        "id": rating.id_,
        "ie_eff": rating.ie_eff,
        **({} if row is None else {"codec": row.codec, "ie": row.ie, "bpl": row.bpl}),
        **({"outside": outside} if outside else {}),
        **({"unused": unused} if unused else {}),
    }


def _codec_parameters(row: Impairment, ppl: float, burst_r: float) -> dict[str, float]:
    """Give the model's parameters for a codec under loss; for fitted constants Ie is Ie,eff already."""
    if row.bpl is None:
        return {"ie": row.ie}
    if row.ceiling is None:
        return {"ie": row.ie, "bpl": row.bpl, "ppl": ppl, "burst_r": burst_r}
    return {"ie": loss_impairment(row, ppl, burst_r)}


def _rate(model: str, parameters: Mapping[str, float]) -> Rating:
    """Rate by the named model."""
    if model == "G.107":
        return narrowband(NarrowbandInputs(**parameters))
    if model == "G.107.1":
        return wideband(WidebandInputs(**parameters))
    return fullband(FullbandInputs(**parameters))


def _convert(model: str, given: dict[str, object]) -> dict[str, object]:
    """Turn R into MOS or MOS into R, on the model's scale."""
    if len(given) > 1:
        raise CalculationError(f"{min(given)}: `r` or `mos` stands alone, to be converted")
    if "r" in given:
        r = _number("r", given["r"])
        return {"r": given["r"], "mos": r_to_mos(r / STRETCH[model])}
    return {"r": mos_to_r(_number("mos", given["mos"])) * STRETCH[model], "mos": given["mos"]}


def _codec_row(model: str, given: dict[str, object]) -> Impairment | None:
    """Take `codec` and `profile` out of the question and find the codec's row; None: there is no `codec` in it."""
    if "codec" not in given:
        if "profile" in given:
            raise CalculationError("profile: is of use with `codec` only")
        return None
    codec = given.pop("codec")
    profile = given.pop("profile", "planning")
    for name, value in (("codec", codec), ("profile", profile)):
        if not isinstance(value, str):
            raise CalculationError(f"{name}: a name is needed, not {value!r}")
    for name in ("ie", "bpl"):
        if name in given:
            raise CalculationError(f"{name}: `codec` stands in its place; give one of them")
    row = codec_impairment(str(codec), str(profile))
    reason = unscored_reason(str(codec), str(profile), lossy=_number("ppl", given.get("ppl", 0)) > 0)
    if row is None or reason is not None:
        raise CalculationError(f"codec: {reason}")
    if row.model != model:
        raise CalculationError(f"codec: {row.codec} is rated by {row.model}, not by {model}")
    return row


def _video(_model: str, given: dict[str, object]) -> dict[str, object]:
    _refuse_unknown(given, ("set", "bitrate_kbps", "frame_rate", "ppl"))
    for name in ("set", "bitrate_kbps", "frame_rate"):
        if name not in given:
            raise CalculationError(f"{name}: is needed")
    numbers = {name: _number(name, given.get(name, 0)) for name in ("bitrate_kbps", "frame_rate", "ppl")}
    quality = video.video_quality(str(given["set"]), **numbers)
    outside = [name for name, (low, high) in video.PERMITTED.items() if not low <= numbers[name] <= high]
    return {
        "set": given["set"],
        "vq": quality.vq,
        "ofr": quality.ofr,
        "iofr": quality.iofr,
        "icoding": quality.icoding,
        "dpplv": quality.dpplv,
        **({"outside": outside} if outside else {}),
    }


def _refuse_unknown(given: Mapping[str, object], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise CalculationError(f"{name}: is not known; there are {', '.join(known)}")


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CalculationError(f"{name}: a number is needed, not {value!r}")
    try:
        number = float(value)
    except OverflowError as error:
        raise CalculationError(f"{name}: is too great") from error
    if not math.isfinite(number):
        raise CalculationError(f"{name}: {number} is not a finite number")
    return number
