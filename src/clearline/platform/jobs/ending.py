"""How a long-running command ends: on SIGTERM or Ctrl-C it finishes the step it is in and returns."""

import signal
import threading
from types import FrameType


def ending() -> threading.Event:
    """An event that is set when the process is asked to end. Wait on it instead of sleeping."""
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return asked
