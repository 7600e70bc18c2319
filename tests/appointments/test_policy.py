"""How long an offer stands, by the time at which it is made."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from appointments.policy import Rules, offer_until

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("made", "visit", "until"),
    [
        ("18T10:00", "19T10:00", "18T10:30"),
        ("18T20:29", "19T14:00", "18T20:59"),
        ("18T20:45", "19T14:00", "19T09:00"),
        ("18T23:59", "19T10:00", "19T09:00"),
        ("19T00:01", "19T14:00", "19T09:00"),
        ("19T07:59", "19T14:00", "19T09:00"),
        ("19T08:00", "19T14:00", "19T08:30"),
        ("19T00:01", "19T09:30", None),
        ("19T13:00", "19T14:00", None),
        ("19T12:30", "19T14:00", "19T13:00"),
        ("19T15:00", "19T14:00", None),
    ],
    ids=["by day", "just before the night", "would lapse at night", "before midnight",
         "after midnight", "before they wake", "in the morning", "seen before it is read",
         "too near", "near enough", "over"],
)  # fmt: skip
def test_an_offer_stands_as_long_as_it_can_be_read(
    made: str, visit: str, until: str | None
) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=ZONE)

    stands = offer_until(at(visit), now=at(made), zone=ZONE, rules=Rules.from_settings())

    assert stands == (at(until) if until else None)
