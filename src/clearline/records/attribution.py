"""Whose call is it: by numbers, number ranges, trunks, addresses and domains, each with the dates it holds for.

Never by a bare string prefix: a range has two ends of the same length. What a record's source knew for certain stays;
rules speak only for records without a customer and service. The more specific rule wins, then the caller's side, then
the rule's id, so the result depends on nothing but the rules.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from ipaddress import ip_address, ip_network
from itertools import accumulate, pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clearline.records.errors import BadRecordError
from clearline.records.schema import DAY_US, LATEST_US

Kind = Literal["number", "range", "trunk", "address", "domain"]
KINDS: tuple[Kind, ...] = ("number", "range", "trunk", "address", "domain")
SETTLED = ("attributed_by", "site_by")
"""What becomes unknown with a record's numbers, so that it stays whose it was: no rule could tell any more."""
NOBODY = 2**62
"""The rank of no rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement "calls of this are that customer's service", for calls that start in [from, until).

    Attributes:
        id: names the rule; stands in each record it attributes.
        tenant: the provider.
        kind: what `value` is: a `number` as dialled, the first of a `range` (the last is `last`), a `trunk`'s name, an
            IP `address` or network (10.1.0.0/16), a SIP `domain`.
        value: see `kind`.
        customer: whose it is.
        service: which service.
        site: which site, if known.
        last: last number of a range, as long as the first.
        side: whose value is compared: the caller's, the callee's, or either.
        from_us: since when the rule holds.
        until_us: until when, exclusive; None for ever.
    """

    id: str
    tenant: str
    kind: Kind
    value: str
    customer: str
    service: str
    site: str | None = None
    last: str | None = None
    side: Literal["caller", "callee", "either"] = "either"
    from_us: int = 0
    until_us: int | None = None


def subscriber(uri: str) -> str:
    """The user part of a SIP or tel URI, or of a bare number, without visual separators (RFC 3966 §5.1.1)."""
    match = re.match(r"<?(?:sips?:|tel:)?([^@;>]*)", uri)
    return re.sub(r"[-. ()]", "", match[1] if match else "")


def domain(uri: str) -> str:
    """The host of a SIP URI in lower case, without port and parameters; empty for a bare number."""
    match = re.search(r"@(\[[^\]]*\]|[^:;>?]*)", uri)
    return match[1].lower() if match else ""


def _problem(rule: Rule) -> str | None:
    if rule.kind not in KINDS:
        return f"kind {rule.kind!r} is none of {', '.join(KINDS)}"
    if rule.until_us is not None and rule.until_us <= rule.from_us:
        return "it ends before it starts"
    if rule.kind == "range":
        ends = (rule.value, rule.last or "")
        if not all(re.fullmatch(r"\+?[0-9]+", end) for end in ends):
            return "a range goes from a number to a number"
        if len(ends[0]) != len(ends[1]) or ends[0] > ends[1] or ends[0].startswith("+") != ends[1].startswith("+"):
            return "a range's numbers are equally long and in order"
    if rule.kind == "address":
        try:
            ip_network(rule.value)
        except ValueError as error:
            return str(error)
    return None


def _specificity(rule: Rule) -> tuple[int, int]:
    """Lower is more specific."""
    width = 0
    if rule.kind == "range":
        width = int((rule.last or rule.value).lstrip("+")) - int(rule.value.lstrip("+"))
    if rule.kind == "address":
        network = ip_network(rule.value)
        width = network.max_prefixlen - network.prefixlen
    return KINDS.index(rule.kind), width


def _json(rules: Sequence[Rule]) -> str:
    return json.dumps([asdict(rule) for rule in rules], sort_keys=True)


class Rules:
    """A checked set of rules."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Check and order the rules.

        Raises:
            BadRecordError: a rule makes no sense, or two have one id.
        """
        given = list(rules)
        for rule in given:
            if problem := _problem(rule):
                raise BadRecordError(f"rule {rule.id}: {problem}")
        self.rules = sorted(given, key=lambda rule: (_specificity(rule), rule.id))
        if len({(rule.tenant, rule.id) for rule in self.rules}) != len(self.rules):
            raise BadRecordError("two rules have the same id")
        classes = sorted({_specificity(rule) for rule in self.rules})
        self._class = [classes.index(_specificity(rule)) for rule in self.rules]

    def digest_of(self, day: int) -> str:
        """SHA-256 over the rules that can hold on a UTC day; empty if there are none."""
        low, high = day * DAY_US, (day + 1) * DAY_US
        holding = [rule for rule in self.rules if rule.from_us < high and (rule.until_us or LATEST_US) > low]
        return sha256(_json(holding).encode()).hexdigest() if holding else ""

    def must_be_of(self, tenant: str) -> None:
        """Refuse rules of another tenant.

        Raises:
            BadRecordError: one is.
        """
        for rule in self.rules:
            if rule.tenant != tenant:
                raise BadRecordError(f"rule {rule.id} is of tenant {rule.tenant}, not {tenant}")

    def to_json(self) -> str:
        """The rules as a document."""
        return _json(self.rules)

    @classmethod
    def latest(cls, bodies: Iterable[str]) -> "Rules":
        """The rules in force by the documents that set them, oldest first: each tenant's last."""
        by_tenant: dict[str, str] = {}
        for body in map(json.loads, bodies):
            by_tenant[body["tenant"]] = body["rules"]
        return cls(Rule(**fields) for text in by_tenant.values() for fields in json.loads(text))

    def apply(self, data: pa.Table, time: str) -> pa.Table:
        """Give rows the customer, service and site the rules say, anew; what the source knew is left alone.

        Args:
            data: rows with `tenant`, `customer`, `service`, `attributed_by` and what the rules compare.
            time: the column with the moment that decides which rules hold.
        """
        if not self.rules and not data.column("attributed_by").null_count < len(data):
            return data
        if not len(data) or "customer" not in data.column_names:
            return data
        earlier = data.column("attributed_by").is_valid()
        own = pc.and_not(pc.or_(data.column("customer").is_valid(), data.column("service").is_valid()), earlier)
        ranks = np.full(len(data), NOBODY, np.int64)
        moments = data.column(time).to_numpy()
        tenants = data.column("tenant").combine_chunks().dictionary_encode()
        for number, tenant in enumerate(tenants.dictionary.to_pylist()):
            rows = np.flatnonzero(tenants.indices.to_numpy(zero_copy_only=False) == number)
            for since, until in self._spans(tenant, moments):
                chosen = rows[(moments[rows] >= since) & (moments[rows] < until)]
                if len(chosen):
                    ranks[chosen] = self._ranks(tenant, since, data.take(chosen))
        ranks[own.to_numpy(zero_copy_only=False)] = NOBODY
        return self._filled(data, own, ranks)

    def _spans(self, tenant: str, moments: "np.ndarray[Any, Any]") -> list[tuple[int, int]]:
        """Stretches of time within which the same rules hold."""
        first, last = int(moments.min()), int(moments.max()) + 1
        changes = {edge for rule in self.rules if rule.tenant == tenant for edge in (rule.from_us, rule.until_us)}
        edges = [first, *sorted(edge for edge in changes if edge is not None and first < edge < last), last]
        return list(pairwise(edges))

    def _ranks(self, tenant: str, moment: int, data: pa.Table) -> "np.ndarray[Any, Any]":
        holding = [
            index
            for index, rule in enumerate(self.rules)
            if rule.tenant == tenant and rule.from_us <= moment < (rule.until_us or LATEST_US)
        ]
        best = np.full(len(data), NOBODY, np.int64)
        for side, column in enumerate(("caller", "callee")):
            for name, kinds in (
                (column, ("number", "range", "domain")),
                (("source_address", "destination_address")[side], ("address",)),
                ("trunk", ("trunk",)),
            ):
                wanted = [
                    index
                    for index in holding
                    if self.rules[index].kind in kinds and self.rules[index].side in {column, "either"}
                ]
                if wanted and name in data.column_names:
                    matcher = self._matcher(wanted)
                    best = np.minimum(best, _by_distinct(data.column(name), partial(self._best, matcher, side)))
        return best

    def _best(self, matcher: Callable[[str], list[int]], side: int, text: str) -> int:
        count = len(self.rules)
        return min(((self._class[index] * 2 + side) * count + index for index in matcher(text)), default=NOBODY)

    def _matcher(self, wanted: Sequence[int]) -> Callable[[str], list[int]]:
        exact: dict[tuple[str, str], list[int]] = {}
        ranges: dict[int, list[tuple[str, str, int]]] = {}
        networks = []
        for index in wanted:
            rule = self.rules[index]
            if rule.kind == "range":
                ranges.setdefault(len(rule.value), []).append((rule.value, rule.last or rule.value, index))
            elif rule.kind == "address":
                networks.append((ip_network(rule.value), index))
            else:
                value = {"number": subscriber, "domain": str.lower}.get(rule.kind, str)(rule.value)
                exact.setdefault((rule.kind, value), []).append(index)

        within = {length: _Ranges(group) for length, group in ranges.items()}

        def match(text: str) -> list[int]:
            number = subscriber(text)
            found = [*exact.get(("number", number), ()), *exact.get(("domain", domain(text)), ())]
            found += exact.get(("trunk", text), ())
            if len(number) in within:
                found += within[len(number)].holding(number)
            if networks:
                try:
                    address = ip_address(text)
                except ValueError:
                    return found
                found += [i for network, i in networks if address in network]
            return found

        return match

    def _filled(self, data: pa.Table, own: pa.ChunkedArray, ranks: "np.ndarray[Any, Any]") -> pa.Table:
        found = pa.array(ranks % max(len(self.rules), 1), mask=ranks == NOBODY)

        def said(attribute: str) -> pa.Array:
            return pa.array([getattr(rule, attribute) for rule in self.rules], pa.string()).take(found)

        given = {
            "customer": pc.if_else(own, data.column("customer"), said("customer")),
            "service": pc.if_else(own, data.column("service"), said("service")),
            "attributed_by": said("id"),
        }
        if "site" in data.column_names:
            known = pc.and_not(data.column("site").is_valid(), data.column("site_by").is_valid())
            given["site"] = pc.if_else(known, data.column("site"), said("site"))
            by_rule = pc.and_not(given["site"].is_valid(), known)
            given["site_by"] = pc.if_else(by_rule, said("id"), pa.scalar(None, pa.string()))
        for name, column in given.items():
            data = data.set_column(data.column_names.index(name), data.schema.field(name), column)
        return data


class _Ranges:
    """Number ranges of one length, which may overlap."""

    def __init__(self, ranges: list[tuple[str, str, int]]) -> None:
        self._ranges = sorted(ranges)
        self._lows = [low for low, _, _ in self._ranges]
        self._reach = list(accumulate((high for _, high, _ in self._ranges), max))

    def holding(self, number: str) -> Iterator[int]:
        at = bisect_right(self._lows, number) - 1
        while at >= 0 and self._reach[at] >= number:
            if self._ranges[at][1] >= number:
                yield self._ranges[at][2]
            at -= 1


def _by_distinct(column: pa.ChunkedArray, rank: Callable[[str], int]) -> "np.ndarray[Any, Any]":
    """Rank each distinct text once."""
    encoded = column.combine_chunks().dictionary_encode()
    ranks = np.array([rank(text) for text in encoded.dictionary.to_pylist()] + [NOBODY], np.int64)
    found: np.ndarray[Any, Any] = ranks[
        encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    ]
    return found
