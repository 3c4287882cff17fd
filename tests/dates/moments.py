"""The days on which a test may turn out to know what day it is, and the zones in which it may know where it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Moment:
    """When and where a run of tests takes place.

    `begins` is what the clock shows when the first test does (None: what it really shows); `zone` is the machine's,
    `postgres_zone` the database server's.
    """

    begins: datetime | None
    zone: str = "UTC"
    postgres_zone: str = "UTC"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# Ten seconds are left before each change, so that it comes while tests run.
MOMENTS: Mapping[str, Moment] = {
    "leap-day": Moment(at("2028-02-29T12:00:00+00:00"), zone="Asia/Kathmandu", postgres_zone="America/St_Johns"),
    "new-year": Moment(at("2026-12-31T23:59:50+00:00")),
    "berlin-spring": Moment(at("2027-03-28T01:59:50+01:00"), zone="Europe/Berlin", postgres_zone="Europe/Berlin"),
    "berlin-autumn": Moment(at("2027-10-31T02:59:50+02:00"), zone="Europe/Berlin", postgres_zone="Europe/Berlin"),
    "new-york-spring": Moment(at("2027-03-14T01:59:50-05:00"), zone="America/New_York", postgres_zone="UTC"),
    "new-york-autumn": Moment(at("2027-11-07T01:59:50-04:00"), zone="America/New_York", postgres_zone="UTC"),
    "sydney-spring": Moment(at("2027-10-03T01:59:50+10:00"), zone="Australia/Sydney", postgres_zone="Asia/Tokyo"),
    "sydney-autumn": Moment(at("2027-04-04T02:59:50+11:00"), zone="Australia/Sydney", postgres_zone="Asia/Tokyo"),
    "2031": Moment(at("2031-07-01T12:00:00+00:00"), zone="Pacific/Kiritimati", postgres_zone="Pacific/Kiritimati"),
    "today-far-west": Moment(None, zone="Pacific/Pago_Pago", postgres_zone="Pacific/Kiritimati"),
    "today-far-east": Moment(None, zone="Pacific/Kiritimati", postgres_zone="Pacific/Pago_Pago"),
}
