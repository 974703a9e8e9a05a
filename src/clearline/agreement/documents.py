"""Bytes to plain data: JSON and YAML read strictly.

Both give the same few kinds of value (None, bool, int, float, str, list, dict), so that one reader serves both. What a
document must not do is refused here: YAML anchors and aliases (the billion-laughs attack needs them), tags, NaN and
infinities, text that is not UTF-8. A key given twice is left in place as `Repeated`, which no shape accepts, so
that it is reported at its position.
"""

import json
import re
from typing import Any, NoReturn

import yaml

from clearline.agreement.problems import Problem

MAX_AGREEMENT_BYTES = 256 * 1024
"""An agreement of a page is 2 KiB; PyYAML takes about a second for this much."""

MAX_EVIDENCE_BYTES = 64 * 1024 * 1024
"""A month with 100,000 outages is a tenth of this."""

MAX_DIGITS = 30
"""Of a whole number; no count, length or moment comes near it."""


class Repeated:
    """Stands where a key was given more than once."""


def parse_json(data: str | bytes, source: str) -> tuple[object, list[Problem]]:
    """Read one JSON document (RFC 8259).

    Args:
        data: the document; bytes must be UTF-8.
        source: its name, for problems.

    Returns:
        The value and no problem, or None and the one problem that kept it from being read.
    """
    if len(data) > MAX_EVIDENCE_BYTES:
        return None, [Problem(source, "", f"is larger than {MAX_EVIDENCE_BYTES} bytes")]
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        return json.loads(text, object_pairs_hook=_unrepeated, parse_int=_whole, parse_constant=_refuse_constant), []
    except UnicodeDecodeError as error:
        return None, [Problem(source, "", f"is not UTF-8 (byte {error.start})")]
    except json.JSONDecodeError as error:
        return None, [Problem(source, "", f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})")]
    except ValueError as error:
        return None, [Problem(source, "", f"is not JSON: {error}")]
    except RecursionError:
        return None, [Problem(source, "", "is nested too deeply")]


def parse_yaml(data: str | bytes, source: str) -> tuple[object, list[Problem]]:
    """Read one YAML document of plain data, with JSON's idea of scalars.

    `true`, `false`, `null`, whole numbers and numbers with a point are what they are in JSON; all other plain scalars
    are text, so `2022-05-05` is text and `no` is not False.

    Returns:
        The value and no problem, or None and the one problem that kept it from being read.
    """
    if len(data) > MAX_AGREEMENT_BYTES:
        return None, [Problem(source, "", f"is larger than {MAX_AGREEMENT_BYTES} bytes")]
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        return yaml.load(text, Loader=_PlainLoader), []  # noqa: S506  # a SafeLoader that reads still less
    except UnicodeDecodeError as error:
        return None, [Problem(source, "", f"is not UTF-8 (byte {error.start})")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        return None, [Problem(source, "", f"is not plain YAML: {error.problem}{where}")]
    except (yaml.YAMLError, ValueError) as error:
        return None, [Problem(source, "", f"is not plain YAML: {' '.join(str(error).split())}")]
    except RecursionError:
        return None, [Problem(source, "", "is nested too deeply")]


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping, in which a key that came twice is marked."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                mapping[key] = Repeated()
            seen.add(key)
    return mapping


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


class _PlainLoader(yaml.SafeLoader):
    """YAML of JSON's kinds only: no aliases, no tags, a key once."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own name and shape

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases, and tags other than those plain data has."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # types-PyYAML
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not allowed", event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.composer.ComposerError(None, None, "tags are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_plain_mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        """Make a mapping with text keys, in which a key that came twice is marked."""
        pairs = []
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
            pairs.append((key, self.construct_object(value_node, deep=True)))
        return _unrepeated(pairs)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """Read a whole number of a bearable length."""
        return _whole(node.value)


_PlainLoader.add_constructor("tag:yaml.org,2002:map", _PlainLoader.construct_plain_mapping)
_PlainLoader.add_constructor("tag:yaml.org,2002:int", _PlainLoader.construct_whole)
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    (
        "float",
        r"-?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$"), _first)
