"""Times that others have written: in any form, and up to the ends of what Python can express."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta


def http_date(text: str) -> datetime | None:
    """Return the time that an HTTP header holds, or None."""
    try:
        return utc(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return None


def utc(moment: datetime) -> datetime:
    """Return a time with a time zone: UTC if it has none."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Return a time that is so much later; unchanged if a datetime cannot express that."""
    try:
        return utc(moment) + by
    except OverflowError:
        return utc(moment)
