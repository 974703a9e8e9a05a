"""The `voice` and `experience` parts of the month's evidence document, summed exactly from the calls."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from clearline.records.figures import totals
from clearline.records.query import Scope
from clearline.records.schema import CALLS

if TYPE_CHECKING:
    from clearline.records.store import Records


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call must keep to count as within its limits, from the agreement's `experience` commitment."""

    one_way_delay_us: int
    jitter_us: int
    loss_ppm: int
    video_mos_x100: int

    @classmethod
    def of(cls, one_way_delay_ms: str, jitter_ms: str, loss_percent: str, video_mos: str) -> "Limits":
        """From the agreement's own texts. A limit finer than our units is cut, to the customer's favour for the
        first three and for the MOS rounded up."""  # noqa: D205, D209
        return cls(
            int(Fraction(one_way_delay_ms) * 1000),
            int(Fraction(jitter_ms) * 1000),
            int(Fraction(loss_percent) * 10_000),
            -int(-(Fraction(video_mos) * 100) // 1),
        )


def decimal(value: int, scale: int) -> str:
    """An integer of 10^-scale units as a decimal string, exact, without needless zeros."""
    whole, rest = divmod(abs(value), 10**scale)
    text = f"{whole}.{rest:0{scale}d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def voice(
    records: "Records", *, tenant: str, service: str, since_us: int, until_us: int, profile: str = "planning"
) -> dict[str, Any]:
    """The `voice` part for one service's calls that started in [since, until).

    `calls` counts those answered or with measured media. `measured` are those with a MOS of the named profile: scores
    of different profiles are never mixed. `talk_seconds` and `mos_talk_total` are over the measured calls.
    """
    found = totals(
        records,
        tenant=tenant,
        since_us=since_us,
        until_us=until_us,
        by=["profile"],
        where={"service": [service]},
    )
    scored = [row for row in found if row["profile"] == profile]
    return {
        "calls": sum(row["calls"] for row in found),
        "measured": sum(row["measured"] for row in scored),
        "mos_total": decimal(sum(row["mos_x100"] for row in scored), 2),
        "talk_seconds": decimal(sum(row["measured_talk_us"] for row in scored), 6),
        "mos_talk_total": decimal(sum(row["mos_x100_talk_us"] for row in scored), 8),
    }


def experience(
    records: "Records", *, tenant: str, service: str, since_us: int, until_us: int, limits: Limits
) -> dict[str, int]:
    """The `experience` part: how many calls were measured in full, and how many of them kept every limit.

    A call counts as measured when delay, jitter and loss are all known: with one unknown it is neither within nor
    outside. Read from the rows, since any limits can be asked about.
    """

    def question() -> Any:
        view = records.view(CALLS, tenant, since_us, until_us)
        rows = view.rows(Scope(tenant, since_us, until_us, free={"service": [service]}))
        known = rows.delay_us.notnull() & rows.jitter_us.notnull() & rows.loss_ppm.notnull()
        kept = (
            (rows.delay_us <= limits.one_way_delay_us)
            & (rows.jitter_us <= limits.jitter_us)
            & (rows.loss_ppm <= limits.loss_ppm)
        )
        conditions = {
            "measured": known,
            "within": known & kept,
            "video_measured": rows.video_mos_x100.notnull(),
            "video_within": rows.video_mos_x100 >= limits.video_mos_x100,
        }
        # Where a condition is unknown for every row, Spark says that it does not know how many there are.
        counted = rows.aggregate(**{name: rows.count(where=test).fill_null(0) for name, test in conditions.items()})
        return records.engine.fetch(counted).to_pylist()[0]

    counts: dict[str, int] = records.ask(question)
    return counts
