"""How exact figures are written: decimals as text, truncated, never rounded up."""

import math
from fractions import Fraction

PLACES = 4
"""Displayed figures have four decimals. Comparisons never use the displayed figure."""


def truncated(value: Fraction) -> str:
    """Write a figure with four decimals, cut off toward zero: 99.99999 is `99.9999`, not `100.0000`."""
    whole, rest = divmod(math.trunc(abs(value) * 10**PLACES), 10**PLACES)
    sign = "-" if value < 0 and (whole or rest) else ""
    return f"{sign}{whole}.{rest:0{PLACES}}"


def plain(value: Fraction) -> str:
    """Write a count as short as it is: `1`, `2.5`; what needs more than four decimals is cut off after them."""
    text = truncated(value)
    return text.rstrip("0").rstrip(".")
