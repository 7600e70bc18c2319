"""Wall times of patients: meals, quiet hours, clocks that change, months that end."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from careplans.timing import Quiet, TooOften, dose_times, doses_between, instant, step_moment

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Quiet(time(21), time(8))


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("times_a_day", "meal", "expected"),
    [
        (1, "", ["08:00"]),
        (2, "", ["08:00", "20:00"]),
        (3, "before", ["07:00", "11:30", "18:00"]),
        (3, "after", ["08:00", "12:30", "19:00"]),
        (2, "with", ["07:30", "18:30"]),
        (4, "after", ["08:00", "12:30", "19:00", "21:30"]),
        (1, "bedtime", ["21:30"]),
    ],
)
def test_doses_go_with_meals(times_a_day: int, meal: str, expected: list[str]) -> None:
    found = dose_times(times_a_day, meal=meal, meals={})
    assert [f"{each:%H:%M}" for each in found] == expected


def test_meals_are_the_patients_own() -> None:
    assert dose_times(1, meal="with", meals={"breakfast": "05:45"}) == [time(5, 45)]


def test_six_times_a_day_is_for_a_nurse_to_talk_about() -> None:
    with pytest.raises(TooOften):
        dose_times(6, meal="", meals={})


@pytest.mark.parametrize(
    ("moment", "asked"),
    [
        ("2026-11-18T07:00", "2026-11-18T08:00"),
        ("2026-11-18T21:15", "2026-11-18T20:30"),
        ("2026-11-18T12:00", "2026-11-18T12:00"),
        ("2026-11-18T03:00", "2026-11-18T08:00"),
        ("2026-11-18T02:00", "2026-11-18T20:30"),
    ],
)
def test_a_dose_in_quiet_hours_is_asked_for_at_their_nearer_edge(moment: str, asked: str) -> None:
    expected = (
        at(asked) if asked != "2026-11-18T20:30" or "T21" in moment else at("2026-11-17T20:30")
    )
    assert NIGHT.nearest(at(moment), SHANGHAI) == expected


def test_quiet_hours_of_the_day_and_none_at_all() -> None:
    siesta = Quiet(time(13), time(15))
    assert siesta.after(at("2026-11-18T14:00"), SHANGHAI) == at("2026-11-18T15:00")
    assert siesta.covers(time(13)) and not siesta.covers(time(15))
    assert not Quiet(time(0), time(0)).covers(time(3))


def test_each_day_has_its_doses_when_clocks_go_forward_and_back() -> None:
    for first, last in (("2026-03-28", "2026-03-30"), ("2026-10-24", "2026-10-26")):
        doses = list(
            doses_between(
                [time(2, 30), time(20)],
                first_day=date.fromisoformat(first),
                last_day=date.fromisoformat(last),
                zone=BERLIN,
                after=at(f"{first}T00:00", BERLIN),
                until=at("2026-12-01T00:00", BERLIN),
            )
        )
        assert len(doses) == len({name for name, _ in doses}) == 6
        assert [moment for _, moment in doses] == sorted({moment for _, moment in doses})
        evenings = [moment.astimezone(BERLIN) for name, moment in doses if name.endswith(" 1")]
        assert {each.time() for each in evenings} == {time(20)}


def test_days_are_counted_over_the_end_of_a_month() -> None:
    anchor = at("2027-01-31T16:20")
    found = step_moment(anchor, days=30, hours=0, at=time(10), zone=SHANGHAI)
    assert found == at("2027-03-02T10:00")
    assert step_moment(anchor, days=0, hours=9, at=None, zone=SHANGHAI) == at("2027-02-01T01:20")


def test_a_day_is_a_day_when_clocks_change() -> None:
    anchor = at("2026-10-24T18:00", BERLIN)
    found = step_moment(anchor, days=1, hours=0, at=None, zone=BERLIN)
    assert found.astimezone(BERLIN).hour == 18


def test_an_instant_that_clocks_leave_out_comes_an_hour_later() -> None:
    found = instant(date(2026, 3, 29), time(2, 30), BERLIN).astimezone(BERLIN)
    assert (found.hour, found.minute) == (3, 30)
