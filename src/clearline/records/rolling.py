"""Keeping roll-ups fresh: which of them hold just the calls that are there, and making the others anew.

A roll-up names the lineages of the files it was made of; where they are not those of the live files it is not used.
Of a day that only got more files, the hours those touch are summed again and the others kept. So a roll-up can cost or
save time, but never change a figure.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from clearline.records import documents, lineage, parquet, query
from clearline.records.columns import stored_schema
from clearline.records.engines.duck import SOURCE, Piece, Plan, to_ibis
from clearline.records.manifest import File
from clearline.records.rollup import KINDS, VERSION, Kind, Month, month_end, month_of
from clearline.records.schema import CALLS, DAY_US, HOUR_US

if TYPE_CHECKING:
    from clearline.records.store import Records

Span = tuple[int, int]
Steps = tuple[Callable[[ir.Table], ir.Table], ...]
DERIVED = tuple(name for kind in KINDS for name in (kind.table, kind.month_table))


def by_day(files: Iterable[File], table: str) -> dict[int, list[File]]:
    """The files of one table, by day."""
    found: dict[int, list[File]] = {}
    for file in files:
        if file.table == table:
            found.setdefault(file.day, []).append(file)
    return found


def made_of(files: Iterable[File]) -> tuple[str, ...]:
    """What a roll-up of these files says it was made of; erasing identities leaves it valid."""
    return (VERSION, *sorted(map(lineage.of, files)))


def added_since(rolled: File, files: Sequence[File]) -> list[File] | None:
    """The files straight from the spool that a roll-up has not counted; None if more than that has changed."""
    version, *counted = rolled.made_of
    if version != VERSION:
        return None
    open_ones = Counter(counted)
    unknown = []
    for file in files:
        if open_ones[lineage.of(file)]:
            open_ones[lineage.of(file)] -= 1
        else:
            unknown.append(file)
    merged = lineage.total(lineage.of(file) for file in unknown if file.level)
    if merged != lineage.total(open_ones.elements()):
        return None
    return [file for file in unknown if not file.level]


def fresh_days(records: "Records", files: Sequence[File], kind: Kind) -> dict[int, File]:
    """Days whose roll-up was made of just the calls that are live, with its file.

    Where the calls have expired, what was summed of them before is all there is, and counts.
    """
    expired = documents.expired_before(records.manifest, "calls")
    calls = by_day(files, CALLS.name)
    return {
        file.day: file
        for file in files
        if file.table == kind.table and (file.day < expired or added_since(file, calls.get(file.day, [])) == [])
    }


def fresh_months(files: Sequence[File], kind: Kind, fresh: dict[int, File]) -> dict[int, File]:
    """Months, by their first day, whose roll-up was made of just the fresh days there are; with its file."""
    of_month: dict[int, list[File]] = {}
    for day, file in fresh.items():
        of_month.setdefault(month_of(day), []).append(file)
    months = {file.day: file for file in files if file.table == kind.month_table}
    stale = {month_of(file.day) for file in files if file.table == CALLS.name and file.day not in fresh}
    return {
        month: file
        for month, file in months.items()
        if month not in stale and file.made_of == _month_made_of(of_month.get(month, []))
    }


def _month_made_of(days: Iterable[File]) -> tuple[str, ...]:
    return (VERSION, *sorted(file.digest for file in days))


def roll_up_days(records: "Records", since_day: int, until_day: int) -> list[int]:
    """Bring the roll-ups of days in [since, until) up to date.

    Needs the maintenance lock. Returns the days that were summed.
    """
    files = records.manifest.live((CALLS.name, *DERIVED), since_day, until_day).files
    calls = by_day(files, CALLS.name)  # where the calls have expired, what was summed of them stays
    done = set()
    for kind in KINDS:
        rolled = by_day(files, kind.table)
        for day, of in sorted(calls.items()):
            old = rolled.get(day, [])
            if len(old) != 1 or added_since(old[0], of) != []:
                _make_day(records, kind, day, of, old)
                done.add(day)
    return sorted(done)


def steps(files: Sequence[File]) -> Steps:
    """What brings all rows of a day's files to those that count: the first steps of a plan."""
    return (query.standing,) if len(files) == 1 and files[0].level else (query.resolved,)


def whole_day(records: "Records", files: Sequence[File]) -> None:
    """Name all rows of a day's files, all tenants', as the engine's source."""
    paths = [str(records.path / file.path) for file in files]
    records.maker.relation(stored_schema(CALLS), paths, name=SOURCE)


def _make_day(records: "Records", kind: Kind, day: int, calls: list[File], old: list[File]) -> None:
    added = added_since(old[0], calls) if len(old) == 1 else None
    with records.exclusive():
        if added is None:
            whole_day(records, calls)
            plan = Plan(to_ibis(stored_schema(CALLS)), (*steps(calls), kind.day))
        else:
            _name_hours(records, kind, day, calls, old[0], added)
            plan = Plan(to_ibis(kind.schema), (kind.with_days,))
        _write(records, kind, kind.table, day, plan, made_of(calls), old)


def _name_hours(records: "Records", kind: Kind, day: int, calls: list[File], old: File, added: list[File]) -> None:
    """Name as the engine's source the hours of a day: those that files were added to anew, the others as they were."""
    touched = sorted({hour for file in added for hour in _hours(records, file)})
    paths = tuple(str(records.path / file.path) for file in calls)
    again = Piece(paths, spans=tuple((hour, hour + HOUR_US) for hour in touched))
    records.maker.source(stored_schema(CALLS), CALLS.time, [again])
    summed = records.maker.run(Plan(to_ibis(stored_schema(CALLS)), (*steps(calls), kind.made)))
    others = tuple((hour, hour + HOUR_US) for hour in _all_hours(day) if hour not in touched)
    kept = Piece((str(records.path / old.path),), {"grain": ["hour"]}, others)
    records.maker.source(kind.schema, "at_us", [kept], summed.cast(kind.schema))


def _hours(records: "Records", file: File) -> set[int]:
    moments = parquet.read(records.path, file.path, [CALLS.time]).column(CALLS.time).unique().to_pylist()
    return {moment // HOUR_US * HOUR_US for moment in moments}


def _all_hours(day: int) -> range:
    return range(day * DAY_US, (day + 1) * DAY_US, HOUR_US)


def roll_up_months(records: "Records") -> list[int]:
    """Sum the days of each month that is over, if it has no fresh roll-up. Needs the maintenance lock.

    Returns:
        First days of the months that were summed.
    """
    files = records.manifest.live((CALLS.name, *DERIVED)).files
    today = records.now_us() // DAY_US
    done = set()
    for kind in KINDS:
        fresh = fresh_days(records, files, kind)
        known = fresh_months(files, kind, fresh)
        for month in sorted({month_of(day) for day in fresh} - known.keys()):
            if month_end(month) <= today:
                days = [file for day, file in fresh.items() if month_of(day) == month]
                _make_month(records, kind, month, days, by_day(files, kind.month_table).get(month, []))
                done.add(month)
    return sorted(done)


def _make_month(records: "Records", kind: Kind, month: int, days: list[File], old: list[File]) -> None:
    with records.exclusive():
        paths = tuple(str(records.path / file.path) for file in days)
        records.maker.source(kind.schema, "at_us", [Piece(paths, {"grain": ["day"]})])
        plan = Plan(to_ibis(kind.schema), (Month(kind, month * DAY_US),))
        _write(records, kind, kind.month_table, month, plan, _month_made_of(days), old)


def _write(
    records: "Records", kind: Kind, table: str, day: int, plan: Plan, of: tuple[str, ...], old: list[File]
) -> None:
    """Write what a plan makes of the engine's source, and let it replace the old files."""
    path = parquet.new_path(table, day)
    temporary = (records.path / path).with_suffix(".tmp")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    killed = [file.path for file in old]
    about = {parquet.FOOTER: parquet.footer(table, day, 0, made_of=of, merges=killed)}
    records.maker.write(plan, list(kind.order), temporary, about)
    records.manifest.commit(add=[parquet.settle(records.path, path)], kill=killed, now_us=records.now_us())
