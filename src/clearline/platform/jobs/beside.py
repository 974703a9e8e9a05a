"""What the worker does beside the due rows it claims: short steps, each again and again in a thread of its own."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django import db

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """A function that does what is due and returns, and how long to wait before it is called again."""

    name: str
    do: Callable[[], object]
    every_s: float


def run_beside(steps: tuple[Step, ...], ended: threading.Event) -> list[threading.Thread]:
    """Start a thread for each step, so that a slow one keeps none of the others waiting; they end with the event."""
    threads = [threading.Thread(target=_repeat, args=(step, ended), name=step.name, daemon=True) for step in steps]
    for thread in threads:
        thread.start()
    return threads


def _repeat(step: Step, ended: threading.Event) -> None:
    """Whatever goes wrong is logged and tried again: no step may end the worker."""
    while not ended.is_set():
        try:
            step.do()
        except Exception:
            log.exception("a step of the worker failed", step=step.name)
            db.connection.close()
        ended.wait(step.every_s)
    db.connection.close()
