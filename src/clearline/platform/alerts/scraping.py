"""Prometheus text of another program, within limits: one deadline for all of it, no redirects, no more than 4 MiB."""

import asyncio
import http.client
import io
import re
import ssl
from collections.abc import Collection, Iterable
from decimal import Decimal, InvalidOperation
from urllib.parse import SplitResult, urlsplit

from prometheus_client.parser import text_string_to_metric_families

WHOLE_S = 10.0
"""Connecting, asking and hearing all of it takes no longer: an exporter that hangs keeps the other signals waiting."""

AT_ONCE = 16
"""Exporters that are asked at the same time."""

PIECE_BYTES = 65_536
LARGEST_BYTES = 4 * 1024 * 1024
"""More than this is not read of an exporter's answer."""

HEAD_BYTES = 65_536
"""The length of an answer is looked for in so much of it."""

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
METRIC = re.compile(r"([A-Za-z_:][\w:]*)\s*(?:\{([^{}]*)\})?")
LABEL = re.compile(r'\s*([A-Za-z_]\w*)\s*=\s*"([^"]*)"\s*')


class UnreadError(Exception):
    """A figure could not be read; says why."""


def fetch(urls: Iterable[str]) -> dict[str, "str | UnreadError"]:
    """Ask some exporters for their metrics, each once and `AT_ONCE` at a time, so that none waits for one that hangs.

    Args:
        urls: http or https, as the form has checked.

    Returns:
        By the address, its text; or why there is none: it was not reached, answers something else than 200 (a redirect
        too), or too slowly or too much.
    """
    return asyncio.run(_fetch_all(set(urls)))


async def _fetch_all(urls: Collection[str]) -> dict[str, "str | UnreadError"]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(url: str) -> "str | UnreadError":
        async with turn:
            try:
                return _text(await _answer(urlsplit(url)))
            except TimeoutError:
                return UnreadError(f"not answered whole within {WHOLE_S:g} s")
            except (OSError, ValueError, http.client.HTTPException) as error:
                return UnreadError(f"not reached: {str(error) or type(error).__name__}")
            except UnreadError as error:
                return error

    return dict(zip(urls, await asyncio.gather(*map(one, urls)), strict=True))


def _text(answered: bytes) -> str:
    """The body of an answer of HTTP."""
    response = http.client.HTTPResponse(_Heard(answered))  # type: ignore[arg-type]  # it only makes a file of it
    response.begin()
    body = response.read()
    if response.status in range(300, 400):
        raise UnreadError(f"it answers {response.status} and sends elsewhere: write that address")
    if response.status != http.client.OK:
        raise UnreadError(f"it answers {response.status} {response.reason}"[:200])
    return body.decode("utf-8", "replace")


def figure(text: str, metric: str) -> tuple[Decimal, int]:
    """Sum the samples of a metric, those with the labels asked for.

    Returns:
        The sum, and of how many samples it is.

    Raises:
        UnreadError: this is no Prometheus text, or the metric is not in it, or is no number.
    """
    asked = METRIC.fullmatch(metric.strip())
    if asked is None:
        raise UnreadError("this is no metric's name")
    labels = dict(LABEL.findall(asked[2] or ""))
    try:
        found = [
            Decimal(str(sample.value))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in _names(asked[1], family.type) and labels.items() <= sample.labels.items()
        ]
        total = sum(found, Decimal(0)).quantize(Decimal("0.000001"))
    except (ValueError, IndexError, KeyError, InvalidOperation) as error:
        raise UnreadError(f"not understood: {error}") from error
    if not total.is_finite():
        raise UnreadError(f"it is told as {total}")
    if not found:
        raise UnreadError("no such metric is told there")
    return total, len(found)


def _names(metric: str, kind: str) -> set[str]:
    """What the parser may call it: it puts `_total` behind the names of counters that are told as such without it."""
    return {metric, f"{metric}_total"} if kind == "counter" else {metric}


class _Heard:
    """What was heard, as the standard library's reader of HTTP answers wants it."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self.octets)


async def _answer(url: SplitResult) -> bytes:
    """What the other side says until it hangs up, or, as Kamailio does not, until it has said all that it announced."""
    tls = ssl.create_default_context() if url.scheme == "https" else None
    async with asyncio.timeout(WHOLE_S):
        reader, writer = await asyncio.open_connection(url.hostname, url.port or (443 if tls else 80), ssl=tls)
        try:
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            head = f"GET {path} HTTP/1.0\r\nHost: {url.netloc}\r\nAccept: text/plain\r\nConnection: close\r\n\r\n"
            writer.write(head.encode("ascii"))
            heard = bytearray()
            while not _whole(heard) and (piece := await reader.read(PIECE_BYTES)):
                heard += piece
                if len(heard) > LARGEST_BYTES:
                    raise ValueError("the answer is larger than 4 MiB")
            return bytes(heard)
        finally:
            writer.transport.abort()


def _whole(heard: bytearray) -> bool:
    """Whether an answer is as long as it announced itself."""
    end = heard.find(b"\r\n\r\n", 0, HEAD_BYTES)
    length = LENGTH.search(heard, 0, end + 2) if end >= 0 else None
    return length is not None and len(heard) >= end + 4 + int(length[1])
