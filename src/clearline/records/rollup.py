"""Roll-ups of calls: sums and histograms of integers by hour and day, which add up exactly.

A roll-up is a pure function of a day's rows. It is computed whole for a day whenever that day's rows changed, never
updated in place, and names the digests of what it was computed from; where it is missing or out of date the same
sums are taken from the rows themselves. So a roll-up can cost or save time, but never change a figure.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from clearline.records import parquet, query
from clearline.records.columns import stored_schema
from clearline.records.engines.duck import SOURCE, Plan, to_ibis
from clearline.records.manifest import File
from clearline.records.schema import CALLS, DAY_US, HOUR_US

if TYPE_CHECKING:
    from clearline.records.store import Records

VERSION = "definition:rollup-1"
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
    "post_dial_delay_n",
    "post_dial_delay_us",
    "loss_n",
    "loss_ppm",
    "jitter_n",
    "jitter_us",
    "delay_n",
    "delay_us",
)
"""What is added up. `calls`: answered or with measured media, those that a quality can be asked of. `measured`: with a
MOS. `mos_x100_talk_us`: the MOS in hundredths times talk microseconds; 64 bits hold 700 years of talk."""

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
GRAINS = {"hour": HOUR_US, "day": DAY_US}


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
    }
    for count, name in (
        ("post_dial_delay_n", "post_dial_delay_us"),
        ("loss_n", "loss_ppm"),
        ("jitter_n", "jitter_us"),
        ("delay_n", "delay_us"),
    ):
        added[count] = rows.count(where=rows[name].notnull())
        added[name] = rows[name].sum()
    return {name: added[name].fill_null(0) for name in SUMS}


def cells(rows: ir.Table, grouping: str, grain: str) -> ir.Table:
    """Sums of call rows by one grouping and grain, with the columns of `ROLLUP_SCHEMA`."""
    dimensions = GROUPINGS[grouping]
    width = GRAINS[grain]
    at = (rows.start_us // width * width).cast("int64")
    grouped = rows.mutate(at_us=at).group_by(["tenant", *dimensions, "at_us"])
    table = grouped.aggregate(**sums(rows.mutate(at_us=at)))
    nothing = ibis.null("string")
    others = {name: nothing for name in DIMENSIONS if name not in dimensions}
    table = table.mutate(grain=ibis.literal(grain), grouping=ibis.literal(grouping), **others)
    return table.select(ROLLUP_SCHEMA.names)


def buckets(rows: ir.Table, measure: str, grain: str) -> ir.Table:
    """Histogram of one measure of call rows, with the columns of `HISTOGRAM_SCHEMA`."""
    width = GRAINS[grain]
    known = rows.filter(rows[measure].notnull())
    known = known.mutate(
        at_us=(known.start_us // width * width).cast("int64"),
        bucket=(known[measure] // WIDTHS[measure] * WIDTHS[measure]).cast("int64"),
    )
    table = known.group_by(["tenant", *HISTOGRAM_BY, "at_us", "bucket"]).aggregate(n=known.count())
    return table.mutate(grain=ibis.literal(grain), measure=ibis.literal(measure)).select(HISTOGRAM_SCHEMA.names)


def all_cells(rows: ir.Table) -> ir.Table:
    """The whole roll-up of a day."""
    return ibis.union(*[cells(rows, grouping, grain) for grouping in GROUPINGS for grain in GRAINS])


def all_buckets(rows: ir.Table) -> ir.Table:
    """The whole histogram of a day: the MOS by hour and day, the other measures by day."""
    return ibis.union(buckets(rows, "mos_x100", "hour"), *[buckets(rows, measure, "day") for measure in WIDTHS])


def made_of(files: list[File]) -> tuple[str, ...]:
    """What a roll-up of these files says it was made of: digests, so that erasing identities leaves it valid."""
    return (VERSION, *sorted(file.digest for file in files))


def index_made_of(files: list[File]) -> tuple[str, ...]:
    """What a search index of these files says it was made of: the very bytes, since it holds hashes of identities."""
    return ("definition:index-1", *sorted(file.sha256 for file in files))


def day_source(records: "Records", files: list[File]) -> tuple[Callable[[ir.Table], ir.Table], ...]:
    """Name a day's calls, all tenants', as the engine's source.

    Returns:
        What brings them to the rows that count: the first steps of a plan.
    """
    records.engine.relation(stored_schema(CALLS), [str(records.path / file.path) for file in files], name=SOURCE)
    return () if len(files) == 1 else (query.resolved,)


def roll_up(records: "Records", since_day: int, until_day: int) -> list[int]:
    """Make the missing and outdated roll-ups and search indexes of days in [since, until). Needs the maintenance lock.

    Returns:
        The days made anew.
    """
    listing = records.manifest.live(("calls", "rollup", "histogram", "index"), since_day, until_day).files
    by_day: dict[int, dict[str, list[File]]] = {}
    for file in listing:
        by_day.setdefault(file.day, {}).setdefault(file.table, []).append(file)
    done = []
    for day, tables in sorted(by_day.items()):
        calls = tables.get("calls", [])
        derived = {name: tables.get(name, []) for name in ("rollup", "histogram", "index")}
        wanted = {"rollup": made_of(calls), "histogram": made_of(calls), "index": index_made_of(calls)}
        stale = [name for name, of in wanted.items() if [file.made_of for file in derived[name]] != [of]]
        if calls and stale:  # where the calls have expired, what was summed of them stays
            _make(records, day, calls, {name: (wanted[name], derived[name]) for name in stale})
            done.append(day)
    return done


def _make(
    records: "Records", day: int, calls: list[File], stale: dict[str, tuple[tuple[str, ...], list[File]]]
) -> None:
    added, killed = [], []
    with records.exclusive():
        columns, first = to_ibis(stored_schema(CALLS)), day_source(records, calls)
        for name, (of, old) in stale.items():
            path = parquet.new_path(name, day)
            temporary = (records.path / path).with_suffix(".tmp")
            temporary.parent.mkdir(parents=True, exist_ok=True)
            about = {parquet.FOOTER: parquet.footer(name, day, 0, made_of=of, merges=[file.path for file in old])}
            if name == "rollup":
                records.engine.write(Plan(columns, (*first, all_cells)), ROLLUP_ORDER, temporary, about)
            elif name == "histogram":
                records.engine.write(Plan(columns, (*first, all_buckets)), HISTOGRAM_ORDER, temporary, about)
            else:
                records.engine.write_index(Plan(columns, first), temporary, about)
            added.append(parquet.settle(records.path, path))
            killed += [file.path for file in old]
    records.manifest.commit(add=added, kill=killed, now_us=records.now_us())
