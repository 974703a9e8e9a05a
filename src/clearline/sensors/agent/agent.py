"""The agent: probes what the platform asks for, keeps the samples on disk, and hands them over when it can."""

import asyncio
import base64
import json
import random
import sqlite3
from collections.abc import Awaitable, Callable, Sequence

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearline import __version__
from clearline.sensors.agent.buffer import Buffer
from clearline.sensors.agent.clock import PlatformClock, Relation
from clearline.sensors.agent.home import Home, Identity, Told
from clearline.sensors.agent.post import CutOffError, Post, RefusedError, Send
from clearline.sensors.agent.signing import KEY_BYTES, key_text, read_key
from clearline.sensors.agent.wire import (
    ENROL_PATH,
    EXCHANGE_PATH,
    MOST_SAMPLES,
    Exchange,
    WireError,
    dump_exchange,
    read_answer,
)
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.schedule import run_probes
from clearline.sensors.probe.target import Target

log = structlog.get_logger(__name__)

EXCHANGE_EVERY_S = 5.0
"""The agent speaks to the platform this often, up to a fifth sooner; at once again while samples are waiting."""

DRIFT_US = 100_000
"""The relation of the clocks is noted on the disk again when it has drifted so far."""

REVOKED = 403
OUT_OF_STEP = 409


class RevokedError(Exception):
    """The platform has revoked this vantage point: there is nothing left to do."""


def make_token(platform: str) -> tuple[str, str]:
    """Make a one-time token: the private half of a key made for the purpose, and the platform's public key.

    It does not begin with a hyphen, so that no command line takes it for an option.

    Args:
        platform: the platform's public key, which whoever is handed the token will believe from then on.

    Returns:
        The token, and the public half, which is all the platform keeps.
    """
    while True:
        key = Ed25519PrivateKey.generate()
        both = key.private_bytes_raw() + read_key(platform).public_bytes_raw()
        token = base64.urlsafe_b64encode(both).decode().rstrip("=")
        if not token.startswith("-"):
            return token, key_text(key.public_key())


def read_token(token: str) -> tuple[Ed25519PrivateKey, str]:
    """The private half and the platform's public key.

    Raises:
        ValueError: it is no token.
    """
    try:
        both = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        both = b""
    if len(both) != 2 * KEY_BYTES:
        raise ValueError("this is no token: copy the whole of it from the page Vantage points")
    platform = base64.urlsafe_b64encode(both[KEY_BYTES:]).decode().rstrip("=")
    return Ed25519PrivateKey.from_private_bytes(both[:KEY_BYTES]), platform


def enrol(home: Home, url: str, token: str, send: Send, ca_file: str | None = None) -> str:
    """Make this machine a vantage point, once. Again after an interruption: finishes what was begun.

    Returns:
        Its name.

    Raises:
        ValueError: the token is none, or the directory is that of an enrolled agent, whose samples are another's.
        CutOffError: the platform cannot be reached.
        RefusedError: the token was used, has expired or was withdrawn.
    """
    key, platform = read_token(token)
    begun = home.identity()
    if begun is not None and begun.vantage is not None:
        raise ValueError(
            f"{home.path} is {begun.vantage} of {begun.url}; remove it to start anew, or name another --data"
        )
    if begun is None or begun.platform != platform:
        begun = Identity(url, Ed25519PrivateKey.generate().private_bytes_raw().hex(), platform, ca_file=ca_file)
        home.keep_identity(begun)
    body = json.dumps({"key": key_text(begun.key.public_key()), "version": __version__}).encode()
    said = json.loads(Post(send, platform)(key, ENROL_PATH, body, 0))
    home.keep_identity(Identity(url, begun.seed, platform, said["vantage"], ca_file))
    return str(said["name"])


class Agent:
    """An enrolled agent."""

    def __init__(self, home: Home, identity: Identity, send: Send, clock: PlatformClock | None = None) -> None:
        """Prepare to run, with what is on the disk."""
        self._home = home
        self._key = identity.key
        self._post = Post(send, identity.platform)
        self.buffer = Buffer(home.buffer)
        self._told = home.told()
        self.clock = clock or PlatformClock(known=self._told.relation)

    def exchange(self) -> bool:
        """Hand over the oldest samples, learn what to probe, and measure the clock.

        Returns:
            Whether more samples are waiting.

        Raises:
            CutOffError: the platform cannot be reached; the samples stay.
            RefusedError: the platform refuses; the samples stay.
            RevokedError: it will refuse for ever.
        """
        samples, until = self.buffer.oldest(MOST_SAMPLES)
        known = self.clock.relation
        body = dump_exchange(
            Exchange(
                version=__version__,
                clock_offset_us=self.clock.offset_us() if known else None,
                clock_uncertainty_us=known.uncertainty_us if known else None,
                waiting=self.buffer.waiting,
                dropped=self.buffer.dropped,
                samples=samples,
            )
        )
        sent_us = self.clock.steady_us()
        said = self._said(body)
        heard_us = self.clock.steady_us()
        try:
            answer = read_answer(said)
        except WireError as error:
            raise CutOffError(f"an answer this version does not understand: {error}") from error
        self.clock.measured(Relation.of(sent_us, answer.received_us, answer.answered_us, heard_us))
        self.buffer.forget(until)
        for index, why in answer.refused:
            log.error("the platform refused a sample", sample=samples[index], why=why)
        self._remember(answer.targets)
        return len(samples) == MOST_SAMPLES

    def _remember(self, targets: Sequence[Target]) -> None:
        """Note what the platform told on the disk, where it differs from what is there."""
        relation, noted = self.clock.relation, self._told.relation
        drifted = relation is None or noted is None or abs(relation.ahead_us - noted.ahead_us) > DRIFT_US
        if targets != self._told.targets or drifted:
            self._told = Told(targets, relation)
            self._home.keep_told(self._told)

    def _said(self, body: bytes) -> bytes:
        """Send an exchange; once more if our number was behind, such as after a copy of the disk was put back."""
        try:
            return self._post(self._key, EXCHANGE_PATH, body, self.buffer.next_number())
        except RefusedError as error:
            if error.status == REVOKED:
                raise RevokedError(str(error)) from error
            if error.status != OUT_OF_STEP or error.last is None:
                raise
            return self._post(self._key, EXCHANGE_PATH, body, self.buffer.next_number(after=error.last))

    async def run(
        self, stop: asyncio.Event, probe: Callable[[Target], Awaitable[Outcome]] = probe_target, vantage: str = ""
    ) -> None:
        """Probe and hand over until `stop` is set.

        Raises:
            RevokedError: the platform has revoked this vantage point.
        """
        exchanging = asyncio.create_task(self._keep_exchanging(stop))
        try:
            while self.clock.relation is None and not stop.is_set():
                await _pause(stop, 0.1)
            await run_probes(
                lambda: self._told.targets,
                self.buffer.put,
                vantage=vantage,
                stop=stop,
                probe=probe,
                wall_us=self.clock.now_us,
                offset_us=self.clock.offset_us,
            )
        finally:
            stop.set()
            await exchanging

    async def _keep_exchanging(self, stop: asyncio.Event) -> None:
        cut_off = False
        while not stop.is_set():
            more = False
            try:
                more = await asyncio.to_thread(self.exchange)
                if cut_off:
                    log.info("the platform answers again", waiting=self.buffer.waiting)
                cut_off = False
            except RevokedError:
                stop.set()
                raise
            except (CutOffError, RefusedError) as error:
                if not cut_off:
                    log.warning("cut off from the platform; samples wait on this disk", why=str(error))
                cut_off = True
            except (OSError, sqlite3.Error):  # such as a full disk: tried again, since it may be freed
                log.exception("this machine's disk fails")
            if not more:
                await _pause(stop, EXCHANGE_EVERY_S * random.uniform(0.8, 1.0))  # noqa: S311  # spreads load, no secret


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
