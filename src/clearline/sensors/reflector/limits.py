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


class PerSource:
    """One bucket an address, for as many addresses as are allowed."""

    def __init__(self, limits: Limits) -> None:
        """Start with no address known."""
        self._limits = limits
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def allows(self, host: str, now_us: int) -> bool:
        """Whether one more request of this address is within its limit."""
        source = source_of(host)
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = Bucket(self._limits.requests_per_second, self._limits.request_burst, now_us)
            self._buckets[source] = bucket
            if len(self._buckets) > self._limits.sources:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(source)
        return bucket.take(now_us)


def source_of(host: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 one, which one host may fill."""
    if ":" not in host:
        return host
    return str(ipaddress.IPv6Network((host.partition("%")[0], 64), strict=False))
