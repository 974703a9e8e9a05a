"""The exit statuses every command shares, and the one way to leave with an error."""

import sys
from typing import NoReturn

DONE = 0
NOT_SO = 1
BAD_INPUT = 2
MISSING = 3


def fail(message: str, status: int = BAD_INPUT) -> NoReturn:
    """Print a plain error to standard error and leave.

    Args:
        message: what is wrong and the next step, in a sentence; several lines are kept.
        status: 1 the thing asked about is not so, 2 bad input or usage, 3 a needed component is missing.
    """
    sys.stderr.write(f"clearline: {message}\n")
    sys.exit(status)
