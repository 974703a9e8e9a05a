"""What is done once a day: retention by its rules, and the roll-ups compared with their full recomputation."""

from typing import TYPE_CHECKING, Any

from clearline.records import ageing, alerts, documents
from clearline.records.check import unequal
from clearline.records.errors import BadRecordError, RecordsError
from clearline.records.parquet import day_name
from clearline.records.schema import DAY_US, HOUR_US, TABLES

if TYPE_CHECKING:
    from clearline.records.store import Records

HOUR = 2
"""The UTC hour from which on it is done, once."""
CHECKED_DAYS = 8
"""Days back whose roll-ups are compared; `records check` compares all."""
NUMBERS = "numbers"
"""The retention of open numbers: older ones become pseudonyms."""
DONE = "nightly"
"""The kind of document that says when it was done, and what was found."""


def retain(records: "Records", what: str, days: int, *, tenant: str, customer: str | None, who: str) -> None:
    """Say for how many days a table's rows, or open numbers, are kept; of one customer, if named.

    Raises:
        BadRecordError: there is no such table, or a customer's limit would be longer than everybody's.
    """
    if what not in {*TABLES, NUMBERS}:
        raise BadRecordError(f"there is no {what}; there are {', '.join([*TABLES, NUMBERS])}")
    if days < 1:
        raise BadRecordError("rows are kept for a day at least")
    if customer is not None and what not in {"calls", "client_reports"}:
        raise BadRecordError(f"{what} have no customer")
    everybodys = next((rule["days"] for rule in retention(records) if rule["what"] == what and not rule["customer"]), 0)
    if customer is not None and everybodys and days > everybodys:
        raise BadRecordError(f"everybody's {what} are kept for {everybodys} days; a customer's can only go earlier")
    name = what if customer is None else f"{what}-{documents.name_of(tenant, customer)}"
    body = {"what": what, "days": days, "tenant": tenant, "customer": customer, "who": who}
    documents.keep(records.path, records.manifest, "retention", records.now_us(), body, name)


def retention(records: "Records") -> list[dict[str, Any]]:
    """The rules of retention in force."""
    return list(documents.listed(records.manifest, "retention").values())


def due(records: "Records") -> bool:
    """Whether the day's turn has come and was not taken yet."""
    now_us = records.now_us()
    done = documents.listed(records.manifest, DONE).get(DONE, {"at_us": 0})
    return now_us % DAY_US >= HOUR * HOUR_US and done["at_us"] // DAY_US < now_us // DAY_US


def nightly(records: "Records") -> list[str]:
    """Apply the retention and compare the roll-ups of the last days and of all months with the rows.

    What is found is an alert until a later night, or a repair, finds it right.

    Returns:
        What was found.
    """
    today = records.now_us() // DAY_US
    problems = [problem for rule in retention(records) for problem in _apply(records, rule, today)]
    problems += unequal(records, today - CHECKED_DAYS)
    body = {"problems": problems, "since": day_name(today - CHECKED_DAYS)}
    documents.keep(records.path, records.manifest, DONE, records.now_us(), body, DONE)
    if problems:
        alerts.raise_alert(records, "; ".join(problems), DONE)
    else:
        documents.remove(records.path, records.manifest, "alert", DONE)
    return problems


def _apply(records: "Records", rule: dict[str, Any], today: int) -> list[str]:
    before = today - int(rule["days"])
    try:
        if rule["what"] == NUMBERS:
            ageing.pseudonymise(records, before_day=before, period=day_name(today)[:7])
        elif rule["customer"] is None and before > documents.expired_before(records.manifest, rule["what"]):
            ageing.expire(records, rule["what"], before_day=before, who=rule["who"])
        elif rule["customer"] is not None:
            whose = {"tenant": rule["tenant"], "customer": rule["customer"]}
            ageing.expire_customer(records, rule["what"], **whose, before_us=before * DAY_US)
    except RecordsError as error:
        return [f"retention of {rule['what']}: {error}"]
    return []
