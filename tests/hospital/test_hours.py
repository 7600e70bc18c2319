from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from hospital.hours import Rule, SpecialDay, Timetable

SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE, FIVE = time(9), time(17)
WEEKDAYS = tuple(Rule(day, NINE, FIVE) for day in range(5))
NATIONAL_DAY = date(2026, 10, 1)  # a Thursday


def timetable(*rules: Rule, special: dict[date, SpecialDay] | None = None) -> Timetable:
    return Timetable(rules or WEEKDAYS, special or {}, SHANGHAI)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-11-23 08:59:59", False, id="a second before opening"),
        pytest.param("2026-11-23 09:00", True, id="at the opening"),
        pytest.param("2026-11-23 16:59:59", True, id="a second before closing"),
        pytest.param("2026-11-23 17:00", False, id="at the closing"),
        pytest.param("2026-11-23 00:00", False, id="midnight"),
        pytest.param("2026-11-22 12:00", False, id="Sunday noon"),
    ],
)
def test_weekday_hours_hold_on_weekdays(now: str, expected: bool) -> None:
    assert timetable().is_open(at(now)) is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-11-23 23:59", True, id="before midnight"),
        pytest.param("2026-11-24 00:00", True, id="at midnight"),
        pytest.param("2026-11-24 01:59", True, id="after midnight, by yesterday's hours"),
        pytest.param("2026-11-24 02:00", False, id="at the closing"),
        pytest.param("2026-11-24 23:00", False, id="not on the next evening"),
    ],
)
def test_a_night_clinic_reaches_over_midnight(now: str, expected: bool) -> None:
    assert timetable(Rule(0, time(18), time(2))).is_open(at(now)) is expected


def test_round_the_clock_never_closes_not_even_on_holidays() -> None:
    rules = tuple(Rule(day, time(0), time(0), on_holidays=True) for day in range(7))
    always = timetable(*rules, special={NATIONAL_DAY: SpecialDay()})

    moments = ["2026-09-30 23:59", "2026-10-01 00:00", "2026-10-01 12:00", "2026-10-02 00:00"]
    assert all(always.is_open(at(moment)) for moment in moments)


def test_the_moment_may_come_in_any_time_zone() -> None:
    one_in_the_morning_utc = datetime(2026, 11, 23, 1, 0, tzinfo=ZoneInfo("UTC"))  # 9:00 here

    assert timetable().is_open(one_in_the_morning_utc)


def test_a_holiday_closes_what_is_not_open_on_holidays() -> None:
    closed = timetable(special={NATIONAL_DAY: SpecialDay()})

    assert not closed.is_open(at("2026-10-01 10:00"))
    assert closed.is_open(at("2026-10-02 10:00"))


def test_the_night_before_a_holiday_is_finished() -> None:
    night = timetable(Rule(2, time(18), time(2)), special={NATIONAL_DAY: SpecialDay()})

    assert night.is_open(at("2026-10-01 01:00"))


def test_special_hours_shorten_the_day_and_open_nobody_else() -> None:
    rules = (*WEEKDAYS, Rule(3, time(18), time(20)))
    short = timetable(*rules, special={NATIONAL_DAY: SpecialDay(hours=(time(8), time(12)))})

    assert not short.is_open(at("2026-10-01 08:30"))  # usually closed then
    assert short.is_open(at("2026-10-01 11:59"))
    assert not short.is_open(at("2026-10-01 13:00"))
    assert not short.is_open(at("2026-10-01 19:00"))


def test_a_worked_sunday_has_a_weekdays_hours() -> None:
    worked = timetable(special={date(2026, 9, 20): SpecialDay(like_weekday=2)})

    assert worked.is_open(at("2026-09-20 10:00"))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-11-23 10:00", "2026-11-23 10:00", id="open now"),
        pytest.param("2026-11-23 00:00", "2026-11-23 09:00", id="at midnight: this morning"),
        pytest.param("2026-11-23 17:00", "2026-11-24 09:00", id="at the closing: tomorrow"),
        pytest.param("2026-11-20 18:00", "2026-11-23 09:00", id="Friday evening: Monday"),
        pytest.param("2026-09-30 20:00", "2026-10-08 09:00", id="over a week of holidays"),
        pytest.param("2026-10-09 20:00", "2026-10-10 09:00", id="a worked Saturday"),
    ],
)
def test_the_next_opening_is_found(now: str, expected: str) -> None:
    week = {date(2026, 10, day): SpecialDay() for day in range(1, 8)}
    week[date(2026, 10, 10)] = SpecialDay(like_weekday=3)

    assert timetable(special=week).next_opening(at(now)) == at(expected)


def test_between_two_stretches_the_next_is_this_afternoon() -> None:
    lunch = timetable(Rule(0, time(8), time(12)), Rule(0, time(13, 30), FIVE))

    assert lunch.next_opening(at("2026-11-23 12:10")) == at("2026-11-23 13:30")


def test_who_never_opens_has_no_next_opening() -> None:
    nobody = Timetable((), {}, SHANGHAI)

    assert not nobody.is_open(at("2026-11-23 10:00"))
    assert nobody.next_opening(at("2026-11-23 10:00")) is None
