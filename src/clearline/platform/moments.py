"""Moments at the platform's edge: aware datetimes in the database, integer microseconds below, RFC 3339 in files."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since the epoch, exactly."""
    return (moment - EPOCH) // MICROSECOND


def from_us(moment_us: int) -> datetime:
    """The aware UTC datetime of microseconds since the epoch, exactly."""
    return EPOCH + moment_us * MICROSECOND


def rfc3339(moment: datetime) -> str:
    """As documents write it: UTC with `Z`, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
