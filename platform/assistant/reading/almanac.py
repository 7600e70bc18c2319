"""Days, weeks, months and feasts: the sums behind what people call a day.

A week begins on Monday, as the country writes it (GB/T 7408). So "下周" said on a Sunday begins
tomorrow, and "这周三" said on a Thursday was yesterday.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

Days = tuple[date, date]
FARTHEST = 4000  # days, weeks, months or years that somebody may mean

# First day of the first month, fifth of the fifth, fifteenth of the eighth of the lunar year.
# Computed with lunardate 0.3.0; a table of 17 years is less to keep than a library.
_LUNAR = {
    int(line[:4]): line.split()[1:]
    for line in """
2024 02-10 06-10 09-17
2025 01-29 05-31 10-06
2026 02-17 06-19 09-25
2027 02-06 06-09 09-15
2028 01-26 05-28 10-03
2029 02-13 06-16 09-22
2030 02-03 06-05 09-12
2031 01-23 06-24 10-01
2032 02-11 06-12 09-19
2033 01-31 06-01 09-08
2034 02-19 06-20 09-27
2035 02-08 06-10 09-16
2036 01-28 05-30 10-04
2037 02-15 06-18 09-24
2038 02-04 06-07 09-13
2039 01-24 05-27 10-02
2040 02-12 06-14 09-20
""".strip().splitlines()
}
# Month, day and length of what the solar calendar fixes; the State Council moves the days off,
# so what the hospital's own list of holidays says comes first.
_SOLAR = {
    "元旦": (1, 1, 1),
    "情人": (2, 14, 1),
    "妇女": (3, 8, 1),
    "劳动": (5, 1, 5),
    "儿童": (6, 1, 1),
    "国庆": (10, 1, 7),
    "平安": (12, 24, 1),
    "圣诞": (12, 25, 1),
    "跨年": (12, 31, 1),
}
# Which of the three lunar days, how many days later, and length.
_OF_LUNAR = {
    "除夕": (0, -1, 1),
    "春节": (0, 0, 7),
    "元宵": (0, 14, 1),
    "端午": (1, 0, 1),
    "中秋": (2, 0, 1),
}


@dataclass(frozen=True)
class Today:
    """The day on which something is said, and which way to look from it.

    `back`: the question was about the past ("since when?"), so "周三" is the last one.
    """

    day: date
    back: bool = False
    holidays: Mapping[date, object] | None = None

    def plus(self, days: int) -> date | None:
        return plus(self.day, days)

    def monday(self, weeks: int) -> date | None:
        """Monday of this week (0), the next (1), the last (-1)."""
        return plus(self.day, 7 * weeks - self.day.weekday())

    def weekday(self, weekday: int) -> date | None:
        """The next such day, today included; looking back the last one."""
        ahead = (weekday - self.day.weekday()) % 7
        return self.plus(ahead - 7 if self.back and ahead else ahead)

    def day_of_month(self, number: int) -> date | None:
        """The next such day, today included, in a month that has one; looking back the last."""
        for months in range(0, -4, -1) if self.back else range(4):
            year, month = month_of(self.day, months)
            day = day_in(year, month, number)
            if day is not None and self._lies_right(day):
                return day
        return None

    def month_and_day(self, month: int, number: int) -> date | None:
        """The next such day, today included, in a year that has one; looking back the last."""
        for years in range(0, -9, -1) if self.back else range(9):
            day = day_in(self.day.year + years, month, number)
            if day is not None and self._lies_right(day):
                return day
        return None

    def month(self, month: int) -> Days | None:
        """The next such month, this one included."""
        years = range(0, -2, -1) if self.back else range(2)
        for year in (self.day.year + offset for offset in years):
            days = whole_month(year, month)
            if days and (days[0] <= self.day if self.back else days[1] >= self.day):
                return days
        return None

    def what_is_left(self, days: Days | None) -> Days | None:
        """Of a running stretch what is left, or looking back what was."""
        if days is None or not days[0] <= self.day <= days[1]:
            return days
        return (days[0], self.day) if self.back else (self.day, days[1])

    def away(self, count: float, days: int = 0, months: int = 0) -> date | None:
        """So many times some days or months from here; half a month is 15 days."""
        if abs(count) > FARTHEST:
            return None
        if not months:
            return self.plus(round(count * days))
        count *= months
        day = months_later(self.day, int(count))
        return plus(day, round((count - int(count)) * 30)) if day else None

    def feast(self, key: str, year: int | None = None) -> Days | None:
        """The next feast of that name, a running one included, or that of a year.

        None when nobody knows its day.
        """
        ours = sorted(day for day, named in (self.holidays or {}).items() if key in _name(named))
        runs = [run for run in _runs(ours) if self._is_meant(run, year)]
        if not runs:
            near = range(self.day.year - 1, self.day.year + 2)
            by_law = [_feast_in(each, key) for each in ([year] if year else near)]
            runs = [run for run in by_law if run and self._is_meant(run, year)]
        return (runs[-1] if self.back else runs[0]) if runs else None

    def _lies_right(self, day: date) -> bool:
        return day <= self.day if self.back else day >= self.day

    def _is_meant(self, run: Days, year: int | None) -> bool:
        if year is not None:
            return year == run[1].year
        return run[0] <= self.day if self.back else run[1] >= self.day


def plus(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def month_of(day: date, months: int) -> tuple[int, int]:
    """Year and month so many months away."""
    years, month = divmod(day.month - 1 + months, 12)
    return day.year + years, month + 1


def months_later(day: date, months: int) -> date | None:
    """The same day of another month, or its last where it has no such day (31 January, one on)."""
    year, month = month_of(day, months)
    if not 1 <= year <= 9999:
        return None
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def day_in(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def whole_month(year: int, month: int) -> Days | None:
    if not (1 <= year <= 9999 and 1 <= month <= 12):
        return None
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def stretch_of(days: Days, stretch: str) -> Days:
    """A stretch of a month: 初 is 7 days, 上旬 10, 中 11 to 20, 下旬 from 21, 底 the last 7."""
    first, last = days
    return {
        "start": (first, first + timedelta(days=6)),
        "early": (first, first + timedelta(days=9)),
        "middle": (first + timedelta(days=10), first + timedelta(days=19)),
        "late": (first + timedelta(days=20), last),
        "end": (last - timedelta(days=6), last),
    }[stretch]


def _name(named: object) -> str:
    return named if isinstance(named, str) else str(getattr(named, "name", ""))


def _runs(days: list[date]) -> list[Days]:
    runs: list[Days] = []
    for day in days:
        if runs and day - runs[-1][1] <= timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _feast_in(year: int, key: str) -> Days | None:
    if key in _SOLAR:
        month, number, length = _SOLAR[key]
        first = day_in(year, month, number)
    elif key in _OF_LUNAR and year in _LUNAR:
        which, later, length = _OF_LUNAR[key]
        month, number = map(int, _LUNAR[year][which].split("-"))
        first = plus(date(year, month, number), later)
    else:
        return None
    return (first, first + timedelta(days=length - 1)) if first else None
