"""Shapes of documents: one table of a format, which reads it and prints its JSON Schema.

A shape's `read` turns plain data (what JSON and YAML give) into the program's value, or reports why not, with the
position; all problems of a document are found in one reading. Its `schema` is the same rule for others, as JSON Schema
(draft 2020-12). What a schema cannot say (an interval that ends before it starts, a day that does not exist) is
checked in a record's `build`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from clearline.agreement.documents import Repeated
from clearline.agreement.moments import MOMENT_PATTERN, moment_us
from clearline.agreement.problems import Path, Report

MAX_LIST = 1_000_000
MAX_TEXT = 2_000
MAX_INTEGER = 10**12

DECIMAL_PATTERN = r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?"
"""A decimal that is not negative, as text: no exponent, no sign, no leading zeros; at most 15 and 12 digits."""

TEXT_PATTERN = r"[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
"""Text of one line: without control characters, which could rewrite a terminal, and without half characters."""

_is_decimal = re.compile(DECIMAL_PATTERN).fullmatch
_is_text = re.compile(TEXT_PATTERN).fullmatch

MISSING: Any = object()
"""Marks a field without a default: it must be given."""


class Shape(Protocol):
    """What a value of a document must look like."""

    def read(self, value: Any, at: Path, report: Report) -> Any:
        """Return the program's value; or report problems at `at` and return anything."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the shape as JSON Schema."""
        ...


def found(value: object) -> str:
    """Say what stands where something else should: short, on one line, with no character a terminal would obey."""
    if isinstance(value, Repeated):
        return "the key twice"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:36]} …"


@dataclass(frozen=True, slots=True)
class Text:
    """Text of one line, not empty."""

    longest: int = MAX_TEXT

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, str):
            report.add(at, f"must be text{in_quotes(value)}, found {found(value)}")
        elif len(value) > self.longest:
            report.add(at, f"must be text of at most {self.longest} characters, found {len(value)}")
        elif not _is_text(value):
            report.add(at, f"must be text of one line, not empty, without control characters, found {found(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{TEXT_PATTERN}$", "maxLength": self.longest}


def in_quotes(value: object) -> str:
    """The hint for a number where text is due: YAML and JSON read it as a number unless it is quoted."""
    return " in quotes" if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Text that `parse` turns into the program's value, raising ValueError with the reason."""

    parse: Callable[[str], Any]
    pattern: str

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, str):
            report.add(at, f"must be text{in_quotes(value)}, found {found(value)}")
            return value
        try:
            return self.parse(value)
        except ValueError as error:
            report.add(at, f"{error}, found {found(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


MOMENT = Parsed(moment_us, MOMENT_PATTERN)
"""An RFC 3339 moment in UTC, read as microseconds since the epoch."""


def _decimal(text: str) -> Decimal:
    if _is_decimal(text):
        return Decimal(text)
    if _is_decimal(text.removeprefix("-")):
        raise ValueError("must not be negative")
    raise ValueError('must be a decimal such as "99.9": at most 15 digits, a point, 12 digits, no exponent')


DECIMAL = Parsed(_decimal, DECIMAL_PATTERN)
"""A decimal that is not negative, as text, so that no digit is lost on the way."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number of a range."""

    least: int = 0
    most: int = MAX_INTEGER

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(at, f"must be a whole number, found {found(value)}")
        elif value < 0 <= self.least:
            report.add(at, f"must not be negative, found {found(value)}")
        elif not self.least <= value <= self.most:
            report.add(at, f"must be from {self.least} to {self.most}, found {found(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, bool):
            report.add(at, f"must be true or false, found {found(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; `what` describes them where they are too many to list."""

    words: tuple[str, ...]
    what: str = ""

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, str) or value not in self.words:
            report.add(at, f"must be {self.what or ' or '.join(self.words)}, found {found(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Nullable:
    """Null, or another shape."""

    shape: Shape

    def read(self, value: Any, at: Path, report: Report) -> Any:
        return None if value is None else self.shape.read(value, at, report)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "null"}, self.shape.schema()]}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items have one shape; read as a tuple."""

    shape: Shape
    least: int = 0
    most: int = MAX_LIST

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, list):
            report.add(at, f"must be a list, found {found(value)}")
            return ()
        if not self.least <= len(value) <= self.most:
            report.add(at, f"must have from {self.least} to {self.most} items, found {len(value)}")
            return ()
        read = self.shape.read
        return tuple([read(item, (at, index), report) for index, item in enumerate(value)])

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.shape.schema(), "minItems": self.least, "maxItems": self.most}


@dataclass(frozen=True, slots=True)
class Span:
    """A pair of moments, the second not before the first; read as a pair of microseconds."""

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, list) or len(value) != 2:
            report.add(at, f"must be a pair of moments [from, until], found {found(value)}")
            return (0, 0)
        before = len(report.problems)
        from_us, until_us = (MOMENT.read(item, (at, index), report) for index, item in enumerate(value))
        if len(report.problems) == before and until_us < from_us:
            report.add((at, 1), "is before the interval's start")
        return (from_us, until_us)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "prefixItems": [MOMENT.schema()] * 2, "items": False, "minItems": 2}


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a record.

    Attributes:
        shape: what its value must look like.
        default: the value, as the document would have it, where the key is absent; `MISSING` where it must be given.
    """

    shape: Shape
    default: Any = MISSING


Build = Callable[[dict[str, Any], Callable[[str, str], None]], Any]
"""Makes the program's value of a record's read values; reports what does not fit together by key and message."""


def as_mapping(values: dict[str, Any], _problem: Callable[[str, str], None]) -> Any:
    """Keep a record as the mapping it is."""
    return values


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys and no others."""

    fields: Mapping[str, Field]
    build: Build = field(default=as_mapping)

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            report.add(at, f"must be a mapping, found {found(value)}")
            return None
        before = len(report.problems)
        values: dict[str, Any] = {}
        for key, entry in self.fields.items():
            given = value.get(key, entry.default)
            if given is MISSING:
                report.add((at, key), "is missing")
            else:
                values[key] = entry.shape.read(given, (at, key), report)
        for key in value:
            if key not in self.fields:
                known = ", ".join(self.fields)
                report.add((at, key if _is_text(key) else found(key)), f"is not a known key (known: {known})")
        if len(report.problems) > before:
            return None
        return self.build(values, lambda key, message: report.add((at, key), message))

    def with_defaults(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return a document of this shape, as plain data, in which the keys it left out stand with their defaults."""
        return {key: _with_defaults(entry.shape, value.get(key, entry.default)) for key, entry in self.fields.items()}

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                key: entry.shape.schema() | ({} if entry.default is MISSING else {"default": entry.default})
                for key, entry in self.fields.items()
            },
            "required": [key for key, entry in self.fields.items() if entry.default is MISSING],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Either:
    """One of several records, told apart by a key that only one of them has."""

    options: Mapping[str, Record]

    def choose(self, value: dict[str, Any]) -> Record | None:
        """Return the record whose key the value has."""
        return next((record for key, record in self.options.items() if key in value), None)

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            report.add(at, f"must be a mapping, found {found(value)}")
            return None
        record = self.choose(value)
        if record is None:
            report.add(at, f"must have the key {' or '.join(self.options)}")
            return None
        return record.read(value, at, report)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [record.schema() for record in self.options.values()]}


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping with free keys whose values have one shape."""

    shape: Shape
    most: int = 1_000

    def read(self, value: Any, at: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            report.add(at, f"must be a mapping, found {found(value)}")
            return {}
        if len(value) > self.most:
            report.add(at, f"must have at most {self.most} keys, found {len(value)}")
        for key in value:
            if not _is_text(key):
                report.add(at, f"must have keys of one line, found {found(key)}")
        return {key: self.shape.read(item, (at, key), report) for key, item in value.items()}

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{TEXT_PATTERN}$"},
            "additionalProperties": self.shape.schema(),
            "maxProperties": self.most,
        }


def _with_defaults(shape: Shape, value: Any) -> Any:
    """Fill in defaults below a value that its shape accepted."""
    if isinstance(shape, Nullable):
        return None if value is None else _with_defaults(shape.shape, value)
    if isinstance(shape, Either):
        shape = shape.choose(value) or shape
    if isinstance(shape, Record):
        return shape.with_defaults(value)
    if isinstance(shape, ListOf):
        return [_with_defaults(shape.shape, item) for item in value]
    return value


def published(shape: Record, identifier: str, title: str) -> dict[str, Any]:
    """Return a document's JSON Schema with its heading."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        "title": title,
    } | shape.schema()
