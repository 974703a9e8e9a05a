"""What the reflector lets one source do, so that it is neither an amplifier nor a free echo line."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The named limits; each has its reason."""

    requests_per_second: int = 20
    """From one address, in the long run: 300 targets at 15 s through one proxy. What is above is dropped without an
    answer.
    """
    request_burst: int = 60
    """From one address at once."""
    sources: int = 10_000
    """Addresses remembered; the one silent longest is forgotten first. Bounds memory under forged sources (about 2
    MB).
    """
    calls: int = 100
    """At a time: 100 calls are 10,000 packets a second in and out."""
    calls_per_source: int = 10
    """At a time, from one address."""
    unacknowledged_per_source: int = 3
    """Answered calls without an ACK, from one address: their answers are repeated, to whoever forged the address."""
    call_us: int = 120_000_000
    """The longest call: probes talk for seconds, a person who likes the echo line must call again."""
    credit_bytes: int = 65_536
    """Sent to an address that has not proven that it hears us: never more than came from it, and so many at most."""
    proof_us: int = 600_000_000
    """So long an address counts as proven after it told us what we had sent to it alone."""
    packets_per_second: int = 120
    """Echoed for one call: 100 for 10 ms of audio, and some for a burst. What is above is dropped."""
    packet_bytes: int = 1_500
    """The longest packet echoed: one Ethernet frame."""


class Bucket:
    """A token bucket: a long-run rate and a burst."""

    __slots__ = ("_burst", "_rate", "_tokens", "_us")

    def __init__(self, rate: int, burst: int, now_us: int) -> None:
        """Start full. The rate is per second."""
        self._rate = rate
        self._burst = burst
        self._tokens = burst * 1_000_000  # in millionths, so that all is integer
        self._us = now_us

    def take(self, now_us: int) -> bool:
        """Take one token; False when there is none."""
        self._tokens = min(self._burst * 1_000_000, self._tokens + max(0, now_us - self._us) * self._rate)
        self._us = now_us
        if self._tokens < 1_000_000:
            return False
        self._tokens -= 1_000_000
        return True


class _Source:
    """What is known of one address."""

    __slots__ = ("bucket", "credit", "proven_until_us")

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.credit = 0
        """Bytes that came from it and were not yet answered."""
        self.proven_until_us = 0


class PerSource:
    """What each address may ask, and what may be sent to it, for as many addresses as are allowed.

    Whoever forges an address gains nothing: until somebody there has told us what we had sent to it, the tag of a
    call or a nonce, it gets no more bytes than came in its name.
    """

    def __init__(self, limits: Limits) -> None:
        """Start with no address known."""
        self._limits = limits
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sources)

    def allows(self, host: str, size: int, now_us: int) -> bool:
        """Whether one more request of this address is within its limit; then its bytes are to its credit."""
        name = source_of(host)
        source = self._sources.get(name)
        if source is None:
            limits = self._limits
            source = _Source(Bucket(limits.requests_per_second, limits.request_burst, now_us))
            self._sources[name] = source
            if len(self._sources) > limits.sources:
                self._sources.popitem(last=False)
        self._sources.move_to_end(name)
        if not source.bucket.take(now_us):
            return False
        source.credit = min(source.credit + size, self._limits.credit_bytes)
        return True

    def room(self, host: str, now_us: int) -> int:
        """Return how many bytes may be sent to this address now."""
        source = self._sources.get(source_of(host))
        if source is None:
            return 0
        return self._limits.credit_bytes if now_us < source.proven_until_us else source.credit

    def pays(self, host: str, size: int, now_us: int) -> bool:
        """Take what is sent off the address's credit; False when it has not enough."""
        if self.room(host, now_us) < size:
            return False
        source = self._sources[source_of(host)]
        source.credit = max(0, source.credit - size)
        return True

    def prove(self, host: str, now_us: int) -> None:
        """Note that somebody at this address told us what we had sent to it alone."""
        source = self._sources.get(source_of(host))
        if source is not None:
            source.proven_until_us = now_us + self._limits.proof_us


def source_of(host: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 one, which one host may fill."""
    if ":" not in host:
        return host
    return str(ipaddress.IPv6Network((host.partition("%")[0], 64), strict=False))
