"""Files are read strictly: bad bytes are refused in words, never with a traceback."""

from typing import Any

import pytest

from clearline.agreement.documents import MAX_AGREEMENT_BYTES, MAX_EVIDENCE_BYTES, Repeated, parse_json, parse_yaml


def refused(parse: Any, data: str | bytes) -> str:
    value, problems = parse(data, "file")
    assert value is None
    (problem,) = problems
    return str(problem)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2022-05-05", {"a": "2022-05-05"}),
        ("a: no", {"a": "no"}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 010", {"a": "010"}),
        ("a: 0x1f", {"a": "0x1f"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: -5", {"a": -5}),
        ("a: 99.9", {"a": 99.9}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: true", {"a": True}),
        ("a: null", {"a": None}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: {b: [1, '2']}", {"a": {"b": [1, "2"]}}),
        ("a: >-\n  one\n  two", {"a": "one two"}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
    ],
)
def test_yaml_has_jsons_idea_of_scalars(text: str, value: object) -> None:
    assert parse_yaml(text, "file") == (value, [])
    assert parse_yaml(b"\xef\xbb\xbf" + text.encode(), "file") == (value, [])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: \xff", "file: is not UTF-8 (byte 3)"),
        ("a: &x 1", "file: is not plain YAML: anchors and aliases are not allowed (line 1, column 4)"),
        ("a: *x", "file: is not plain YAML: anchors and aliases are not allowed (line 1, column 4)"),
        ("a: !!python/object:os.system {}", "file: is not plain YAML: tags are not allowed (line 1, column 4)"),
        ("a: !!float nan", "file: is not plain YAML: tags are not allowed (line 1, column 4)"),
        ("1: a", "file: is not plain YAML: a key must be text (line 1, column 1)"),
        ("? [a]\n: b", "file: is not plain YAML: a key must be text (line 1, column 3)"),
        ("a: [", "file: is not plain YAML: expected the node content, but found '<stream end>' (line 1, column 5)"),
        ("a: 1\n---\nb: 2", "file: is not plain YAML: but found another document (line 2, column 1)"),
        ("a: \x00", "file: is not plain YAML: unacceptable character #x0000: special characters are not allowed"),
        ("[" * 20_000, "file: is nested too deeply"),
        ("a: " + "9" * 5000, "file: is not plain YAML: a number has more than 30 digits"),
        (" " * (MAX_AGREEMENT_BYTES + 1), f"file: is larger than {MAX_AGREEMENT_BYTES} bytes"),
    ],
)
def test_yaml_that_is_not_plain_data_is_refused(data: str | bytes, message: str) -> None:
    assert refused(parse_yaml, data).startswith(message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "file: is not UTF-8 (byte 0)"),
        ("", "file: is not JSON: Expecting value (line 1, column 1)"),
        ('{"a": }', "file: is not JSON: Expecting value (line 1, column 7)"),
        ('{"a": NaN}', "file: is not JSON: NaN is not a number"),
        ('{"a": -Infinity}', "file: is not JSON: -Infinity is not a number"),
        ("[" * 200_000, "file: is nested too deeply"),
        ("9" * 5000, "file: is not JSON: a number has more than 30 digits"),
    ],
)
def test_json_that_cannot_be_read_is_refused(data: str | bytes, message: str) -> None:
    assert refused(parse_json, data).startswith(message)


def test_json_larger_than_the_limit_is_refused_unread() -> None:
    assert refused(parse_json, b" " * (MAX_EVIDENCE_BYTES + 1)) == f"file: is larger than {MAX_EVIDENCE_BYTES} bytes"


@pytest.mark.parametrize(
    ("parse", "text"), [(parse_json, '{"a": 1, "b": 2, "a": 3}'), (parse_yaml, "{a: 1, b: 2, a: 3}")]
)
def test_a_key_given_twice_is_marked_where_it_stands(parse: Any, text: str) -> None:
    value, problems = parse(text, "file")
    assert problems == []
    assert isinstance(value["a"], Repeated)
    assert value["b"] == 2
