"""What an agent and the platform say to each other, as JSON; read strictly, since either may be an impostor.

Moments are microseconds since the epoch by the platform's time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from clearline.records.schema import LATEST_US, ProbeSample
from clearline.sensors.probe.target import Credentials, Target

ENROL_PATH = "/agents/enrol"
EXCHANGE_PATH = "/agents/exchange"

MOST_SAMPLES = 500
"""In one exchange. However long their texts are, they fit into MOST_BYTES."""

MOST_BYTES = 1024 * 1024
"""Of a request's body."""

MOST_ANSWER_BYTES = 16 * MOST_BYTES
"""Of an answer's: some ten thousands of targets."""

LONGEST_REASON = 240
LONGEST_NAME = 100
LONGEST_US = 86_400_000_000
"""Of an interval, a latency, a jitter."""

UNTOLD = {"key": "", "tenant": "", "vantage": "", "code_version": ""}
"""What the platform itself says of each sample: no agent can speak for another."""


class WireError(Exception):
    """A document is not what it must be; the text says where."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the agent says each time."""

    version: str
    """Of the agent's program."""
    clock_offset_us: int | None
    clock_uncertainty_us: int | None
    """None, both, before the first answer."""
    waiting: int
    """Samples that are still on the agent's disk, these included."""
    dropped: int
    """Samples that were lost because its disk buffer was full, since it was enrolled."""
    samples: Sequence[ProbeSample]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform says to an exchange."""

    received_us: int
    answered_us: int
    refused: Sequence[tuple[int, str]]
    """Index and reason of each sample that was not taken; the others are on the platform's disk."""
    targets: Sequence[Target]
    """What the agent is to probe from now on."""


def told_of(sample: ProbeSample) -> dict[str, Any]:
    """What an agent tells of a sample."""
    return {name: value for name, value in asdict(sample).items() if name not in UNTOLD}


def dump_exchange(exchange: Exchange) -> bytes:
    """Write an exchange."""
    said = {field.name: getattr(exchange, field.name) for field in fields(Exchange)}
    return _dump("clearline/vantage-exchange/1", said | {"samples": [told_of(sample) for sample in exchange.samples]})


def read_exchange(body: bytes) -> Exchange:
    """Read an exchange.

    Raises:
        WireError: it is none.
    """
    said = _load(body, "clearline/vantage-exchange/1")
    samples = said.get("samples")
    if not isinstance(samples, list) or len(samples) > MOST_SAMPLES:
        raise WireError(f"samples: a list of at most {MOST_SAMPLES} belongs here")
    return Exchange(
        version=_text(said, "version", LONGEST_NAME),
        clock_offset_us=_maybe(said, "clock_offset_us", -LATEST_US, LATEST_US),
        clock_uncertainty_us=_maybe(said, "clock_uncertainty_us", 0, LATEST_US),
        waiting=_whole(said, "waiting", 0, 2**53),
        dropped=_whole(said, "dropped", 0, 2**53),
        samples=[_sample(sample, f"samples[{index}]") for index, sample in enumerate(samples)],
    )


def _sample(sample: Any, where: str) -> ProbeSample:
    if not isinstance(sample, dict):
        raise WireError(f"{where}: an object belongs here")
    if not isinstance(sample.get("ok"), bool):
        raise WireError(f"{where}.ok: true or false belongs here")
    return ProbeSample(
        **UNTOLD,
        target=_text(sample, "target", LONGEST_NAME, where),
        kind=_text(sample, "kind", LONGEST_NAME, where),
        at_us=_whole(sample, "at_us", 0, LATEST_US - 1, where),
        ok=sample["ok"],
        code=_maybe(sample, "code", 0, 9_999, where),
        reason=_text(sample, "reason", LONGEST_REASON, where),
        latency_us=_maybe(sample, "latency_us", 0, LONGEST_US, where),
        interval_us=_whole(sample, "interval_us", 1, LONGEST_US, where),
        clock_offset_us=_whole(sample, "clock_offset_us", -LATEST_US, LATEST_US, where),
        mos_x100=_maybe(sample, "mos_x100", 0, 500, where),
        post_dial_delay_us=_maybe(sample, "post_dial_delay_us", 0, LONGEST_US, where),
        loss_ppm=_maybe(sample, "loss_ppm", 0, 1_000_000, where),
        jitter_us=_maybe(sample, "jitter_us", 0, LONGEST_US, where),
        expires_at_us=_maybe(sample, "expires_at_us", 0, LATEST_US - 1, where),
    )


def dump_answer(answer: Answer) -> bytes:
    """Write an answer; a target's tenant and its files on the platform are none of the agent's business."""
    said = asdict(answer)
    for target in said["targets"]:
        del target["tenant"], target["ca_file"], target["speech_file"]
    return _dump("clearline/vantage-answer/1", said)


def read_answer(body: bytes) -> Answer:
    """Read an answer. What a newer platform says beyond it is left aside.

    Raises:
        WireError: it is none.
    """
    said = _load(body, "clearline/vantage-answer/1")
    try:
        return Answer(
            received_us=_whole(said, "received_us", 0, LATEST_US),
            answered_us=_whole(said, "answered_us", 0, LATEST_US),
            refused=[(int(index), str(why)) for index, why in said["refused"]],
            targets=[read_target(target) for target in said["targets"]],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"an answer lacks something or holds something else: {error!r}") from error


def read_target(said: Mapping[str, Any]) -> Target:
    """Read one target of an answer.

    Raises:
        WireError: it is none.
    """
    known = {field.name for field in fields(Target)} - {"tenant", "ca_file", "speech_file"}
    told = {name: value for name, value in said.items() if name in known}
    try:
        if told.get("credentials") is not None:
            told["credentials"] = Credentials(**told["credentials"])
        if told.get("name_server") is not None:
            host, port = told["name_server"]
            told["name_server"] = (host, port)
        return Target(tenant="", **told)
    except (TypeError, ValueError) as error:
        raise WireError(f"targets: {error}") from error


def _dump(schema: str, said: Mapping[str, Any]) -> bytes:
    return json.dumps({"schema": schema, **said}, separators=(",", ":"), ensure_ascii=False).encode()


def _load(body: bytes, schema: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError("it is no JSON") from error
    if not isinstance(said, dict) or said.get("schema") != schema:
        raise WireError(f"schema: {schema} belongs here")
    return said


def _text(said: Mapping[str, Any], name: str, longest: int, where: str = "") -> str:
    value = said.get(name)
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise WireError(f"{where}.{name}: a text of at most {longest} printable characters belongs here".lstrip("."))
    return value


def _whole(said: Mapping[str, Any], name: str, least: int, most: int, where: str = "") -> int:
    value = said.get(name)
    if type(value) is not int or not least <= value <= most:
        raise WireError(f"{where}.{name}: a whole number from {least} to {most} belongs here".lstrip("."))
    return value


def _maybe(said: Mapping[str, Any], name: str, least: int, most: int, where: str = "") -> int | None:
    return None if said.get(name) is None else _whole(said, name, least, most, where)
