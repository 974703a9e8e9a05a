"""Legal holds: data that must not be erased or expire until released."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearline.records import documents
from clearline.records.errors import HeldError, RecordsError

if TYPE_CHECKING:
    from clearline.records.store import Records


def hold(records: "Records", *, tenant: str, customer: str | None, who: str, why: str) -> str:
    """Forbid erasing and expiring a customer's data, or all of a tenant's, until released.

    Returns:
        The hold's id.
    """
    body = {"tenant": tenant, "customer": customer, "who": who, "why": why}
    return documents.keep(records.path, records.manifest, "hold", records.now_us(), body)


def release(records: "Records", name: str, *, who: str, why: str) -> None:
    """End a hold; that it was there stays on record.

    Raises:
        RecordsError: there is no such hold.
    """
    if name not in documents.listed(records.manifest, "hold"):
        raise RecordsError(f"there is no hold {name}")
    documents.keep(records.path, records.manifest, "release", records.now_us(), {"who": who, "why": why}, name)


def holds(records: "Records") -> dict[str, dict[str, Any]]:
    """The holds in force, by id."""
    released = documents.listed(records.manifest, "release")
    return {name: body for name, body in documents.listed(records.manifest, "hold").items() if name not in released}


def must_be_free(records: "Records", tenants: Sequence[str] | None, customers: Sequence[str | None] | None) -> None:
    """Refuse if a hold is on any of these; None means any."""
    for name, body in holds(records).items():
        if tenants is not None and body["tenant"] not in tenants:
            continue
        if customers is None or body["customer"] is None or body["customer"] in customers:
            raise HeldError(f"hold {name} forbids it ({body['why']}): release it first")
