"""A snapshot: figures with the very files they came from, so that anybody can take them again, for ever."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clearline.records import documents, query, rollup
from clearline.records.attributing import restate
from clearline.records.columns import stored_schema
from clearline.records.errors import RecordsError
from clearline.records.figures import totals
from clearline.records.parquet import describe
from clearline.records.query import Scope
from clearline.records.schema import CALLS
from clearline.records.seal import SEALED, day_range, maintenance, seal_spool

if TYPE_CHECKING:
    from clearline.records.store import Records

BY = ("customer", "service", "profile")
Figures = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What taking a snapshot's figures again gave."""

    same: bool
    figures: Figures
    problems: list[str]


def take(records: "Records", *, tenant: str, since_us: int, until_us: int, who: str, why: str) -> str:
    """Freeze the sums of a tenant's calls that started in [since, until), by customer, service and profile.

    Returns:
        The snapshot's id. Its files stay until it is dropped, whatever is merged or corrected later.
    """
    with maintenance(records):
        seal_spool(records)
        restate(records)
        files = records.manifest.live(("calls",), *day_range(since_us, until_us)).files
        named = [documents.naming(file) for file in files]
        body = {
            "tenant": tenant,
            "since_us": since_us,
            "until_us": until_us,
            "who": who,
            "why": why,
            "definition": rollup.VERSION,
            "files": named,
        }
        body["figures"] = _figures(records, body)
        return documents.keep(records.path, records.manifest, "snapshot", records.now_us(), body)


def load(records: "Records", name: str) -> dict[str, Any]:
    """A snapshot's document.

    Raises:
        RecordsError: there is none of this id.
    """
    found = documents.listed(records.manifest, "snapshot").get(name)
    if found is None:
        raise RecordsError(f"there is no snapshot {name}")
    return found


def _figures(records: "Records", body: dict[str, Any]) -> Figures:
    """The sums, from the rows of the files a snapshot names and nothing else."""
    with records.exclusive():
        clean, unresolved = query.days(
            [(f["day"], f.get("level", SEALED), str(records.path / f["path"])) for f in body["files"]], ()
        )
        schema = stored_schema(CALLS)
        rows = query.counting(
            records.engine.relation(schema, clean),
            records.engine.relation(schema, unresolved) if unresolved else None,
            CALLS,
            Scope(body["tenant"], body["since_us"], body["until_us"]),
        )
        found = rows.group_by(list(BY)).aggregate(**rollup.sums(rows)).order_by(list(BY))
        figures: Figures = records.engine.fetch(found).to_pylist()
    return figures


def _sums_of(body: dict[str, Any]) -> list[str]:
    """The sums a snapshot has: those there were when it was taken."""
    return [name for name in rollup.SUMS if all(name in row for row in body["figures"])]


def recompute(records: "Records", name: str) -> Recomputed:
    """Check a snapshot's files against their digests and take its figures again from them."""
    body = load(records, name)
    problems = []
    for file in body["files"]:
        found = describe(records.path, records.path / file["path"], file["path"])
        if (found.sha256, found.digest) != (file["sha256"], file["digest"]):
            problems.append(f"{file['path']} is not the file the snapshot names")
    known = _sums_of(body)
    figures = [{name: row[name] for name in (*BY, *known)} for row in _figures(records, body)]
    return Recomputed(not problems and figures == body["figures"], figures, problems)


def difference(records: "Records", name: str) -> Figures:
    """What the same figures are now less what the snapshot says; rows without a difference are left out."""
    body = load(records, name)
    known = _sums_of(body)
    now = totals(records, tenant=body["tenant"], since_us=body["since_us"], until_us=body["until_us"], by=BY)
    changes: dict[tuple[Any, ...], dict[str, int]] = {}
    for sign, figures in ((1, now), (-1, body["figures"])):
        for row in figures:
            sums = changes.setdefault(tuple(row[name] for name in BY), dict.fromkeys(known, 0))
            for column in known:
                sums[column] += sign * row[column]
    return [
        dict(zip(BY, group, strict=True)) | sums
        for group, sums in sorted(changes.items(), key=lambda item: tuple(map(str, item[0])))
        if any(sums.values())
    ]


def drop(records: "Records", name: str) -> None:
    """Forget a snapshot; files that only it named may then be collected."""
    load(records, name)
    documents.remove(records.path, records.manifest, "snapshot", name)
