"""Where two statements differ, one of them worked out by hand."""

from fractions import Fraction
from typing import Any


def differences(expected: Any, found: Any, at: str = "") -> list[str]:
    """What was found other than expected; keys only the engine prints are its own affair, as is the order of lists."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            difference
            for key, value in expected.items()
            if not key.startswith("_")
            for difference in differences(value, found.get(key, "nothing"), f"{at}.{key}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = zip(sorted(expected, key=line_key), sorted(found, key=line_key), strict=True)
        return [d for n, (a, b) in enumerate(pairs) for d in differences(a, b, f"{at}[{n}]")]
    if isinstance(expected, Fraction):
        return [] if Fraction(str(found)) == expected else [f"{at}: {found}, by hand {expected}"]
    return [] if expected == found else [f"{at}: {found!r}, by hand {expected!r}"]


def line_key(line: Any) -> str:
    if isinstance(line, dict):
        return " ".join(
            str(line.get(key)) for key in ("commitment", "request", "window", "trigger", "opens", "amount", "steps")
        )
    return str(line)
