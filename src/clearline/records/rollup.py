"""Roll-ups of calls: sums and histograms of integers by hour, day and month, which add up exactly. The definitions.

Everything here is a pure expression over columns. A day's roll-up holds its hours and the day, a month's the
month; a coarser grain is the sum of the finer one. How they are kept fresh is in `rolling`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from clearline.records.schema import DAY_US, HOUR_US

VERSION = "definition:rollup-3"
"""Changes when a definition below does: older roll-ups are then made anew."""

GROUPINGS: dict[str, tuple[str, ...]] = {
    "service": ("customer", "service", "site", "direction", "profile"),
    "trunk": ("customer", "trunk", "direction"),
    "media": ("customer", "codec", "source", "direction"),
}
"""Which dimensions are kept together. All of them at once would be as many rows as calls."""
DIMENSIONS = ("customer", "service", "site", "trunk", "codec", "direction", "source", "profile")

EFFECTIVE_CODES = (200, 480, 486, 487, 600, 603)
"""Final codes that say the network did its part: answered, no answer, busy, cancelled, declined (NER, ITU-T E.425)."""
LOW_MOS_X100 = 360
"""Below it "many users dissatisfied" (ITU-T G.107 table B.1)."""

COUNTED = {
    "post_dial_delay_n": "post_dial_delay_us",
    "loss_n": "loss_ppm",
    "jitter_n": "jitter_us",
    "delay_n": "delay_us",
}
"""Sums that say of how many calls another was taken."""
SUMS = (
    "attempts",
    "answered",
    "effective",
    "calls",
    "talk_us",
    "measured",
    "mos_x100",
    "measured_talk_us",
    "mos_x100_talk_us",
    "low_mos",
    "listening_only",
    *(name for pair in COUNTED.items() for name in pair),
)
"""What is added up. `calls`: answered or with measured media, those that a quality can be asked of. `measured`: with a
MOS. `listening_only`: with one of listening quality, since nobody measured the delay. `mos_x100_talk_us`: the MOS in
hundredths times talk microseconds; 64 bits hold 700 years of talk."""

WIDTHS = {"mos_x100": 1, "post_dial_delay_us": 10_000, "loss_ppm": 1_000, "jitter_us": 1_000, "delay_us": 5_000}
"""Histogram bucket widths. A percentile is its bucket's lower edge: exact for the MOS, else less than this too low."""
HISTOGRAM_BY = ("customer", "service", "site")

ROLLUP_SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("grain", "grouping", "tenant", *DIMENSIONS)]
    + [pa.field(name, pa.int64()) for name in ("at_us", *SUMS)]
)
HISTOGRAM_SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("grain", "measure", "tenant", *HISTOGRAM_BY)]
    + [pa.field(name, pa.int64()) for name in ("at_us", "bucket", "n")]
)
ROLLUP_ORDER = ["grain", "grouping", "tenant", "customer", "at_us", *DIMENSIONS[1:]]
HISTOGRAM_ORDER = ["grain", "measure", "tenant", *HISTOGRAM_BY, "at_us", "bucket"]


def floor(moments: ir.IntegerColumn, width: int) -> ir.IntegerColumn:
    """The multiple of a width at or before each moment; in integers throughout, which a division would leave."""
    return (moments - moments % width).cast("int64")


def sums(rows: ir.Table) -> dict[str, ir.IntegerScalar]:
    """The definitions of `SUMS` over call rows."""
    measured = rows.mos_x100.notnull()
    answered = rows.answered_us.notnull()
    talk = rows.talk_us.fill_null(0)
    added = {
        "attempts": rows.count(),
        "answered": rows.count(where=answered),
        "effective": rows.count(where=rows.final_code.isin(EFFECTIVE_CODES)),
        "calls": rows.count(where=answered | measured),
        "talk_us": talk.sum(),
        "measured": rows.count(where=measured),
        "mos_x100": rows.mos_x100.sum(),
        "measured_talk_us": talk.sum(where=measured),
        "mos_x100_talk_us": (rows.mos_x100 * talk).sum(),
        "low_mos": rows.count(where=rows.mos_x100 < LOW_MOS_X100),
        "listening_only": rows.count(where=rows.mos_basis == "lq"),
    }
    for count, name in COUNTED.items():
        added[count] = rows.count(where=rows[name].notnull())
        added[name] = rows[name].sum()
    return {name: added[name].fill_null(0) for name in SUMS}


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums of call rows by hour and some groupings, with the columns of `ROLLUP_SCHEMA`."""

    groupings: tuple[str, ...] = tuple(GROUPINGS)

    def __call__(self, rows: ir.Table) -> ir.Table:
        """Sum up."""
        rows = rows.mutate(at_us=floor(rows.start_us, HOUR_US))
        parts = [self._grouped(rows, grouping) for grouping in self.groupings]
        return ibis.union(*parts) if len(parts) > 1 else parts[0]

    def _grouped(self, rows: ir.Table, grouping: str) -> ir.Table:
        dimensions = GROUPINGS[grouping]
        table = rows.group_by(["tenant", *dimensions, "at_us"]).aggregate(**sums(rows))
        others = {name: ibis.null("string") for name in DIMENSIONS if name not in dimensions}
        table = table.mutate(grain=ibis.literal("hour"), grouping=ibis.literal(grouping), **others)
        return table.select(ROLLUP_SCHEMA.names)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Histograms of some measures of call rows by hour, with the columns of `HISTOGRAM_SCHEMA`."""

    measures: tuple[str, ...] = tuple(WIDTHS)

    def __call__(self, rows: ir.Table) -> ir.Table:
        """Count."""
        parts = [self._counted(rows, measure) for measure in self.measures]
        return ibis.union(*parts) if len(parts) > 1 else parts[0]

    def _counted(self, rows: ir.Table, measure: str) -> ir.Table:
        known = rows.filter(rows[measure].notnull())
        known = known.mutate(at_us=floor(known.start_us, HOUR_US), bucket=floor(known[measure], WIDTHS[measure]))
        table = known.group_by(["tenant", *HISTOGRAM_BY, "at_us", "bucket"]).aggregate(n=known.count())
        return table.mutate(grain=ibis.literal("hour"), measure=ibis.literal(measure)).select(HISTOGRAM_SCHEMA.names)


MONTH = "-month"
"""What the names of months' tables end in."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two kinds of roll-up: what its files are called and hold, and how it is made of rows."""

    table: str
    schema: pa.Schema
    order: tuple[str, ...]
    made: Cells | Buckets
    added: tuple[str, ...]
    """Columns that are added up."""

    @property
    def month_table(self) -> str:
        """What a month's files are called."""
        return self.table + MONTH

    def coarser(self, cells: ir.Table, grain: str, at: ir.IntegerValue) -> ir.Table:
        """Sum cells up to a coarser grain."""
        cells = cells.mutate(at_us=at)
        kept = [name for name in self.schema.names if name not in {*self.added, "grain"}]
        table = cells.group_by(kept).aggregate(**{name: cells[name].sum() for name in self.added})
        return table.mutate(grain=ibis.literal(grain)).select(self.schema.names)

    def with_days(self, hours: ir.Table) -> ir.Table:
        """Hours, and the day they add up to."""
        return hours.union(self.coarser(hours, "day", floor(hours.at_us, DAY_US)))

    def day(self, rows: ir.Table) -> ir.Table:
        """The whole roll-up of a day's rows."""
        return self.with_days(self.made(rows))


CELLS = Kind("rollup", ROLLUP_SCHEMA, tuple(ROLLUP_ORDER), Cells(), SUMS)
BUCKETS = Kind("histogram", HISTOGRAM_SCHEMA, tuple(HISTOGRAM_ORDER), Buckets(), ("n",))
KINDS = (CELLS, BUCKETS)


@dataclass(frozen=True, slots=True)
class Month:
    """The sums of a UTC month's days, as cells at its first instant."""

    kind: Kind
    at_us: int

    def __call__(self, days: ir.Table) -> ir.Table:
        """Sum up."""
        return self.kind.coarser(days, "month", ibis.literal(self.at_us, "int64"))


def month_of(day: int) -> int:
    """The first day of the UTC month a day lies in; days are counted from 1970-01-01."""
    return day + 1 - datetime.fromtimestamp(day * 86_400, UTC).day


def month_end(first_day: int) -> int:
    """The first day of the month after the one that begins on a day."""
    return month_of(first_day + 31)
