"""Days written in figures, in either language: 2026-12-03, 12/3, 12.3.

12/3 is month and day, as in China; day and month only where it cannot be that (25/12).
"""

import re
from collections.abc import Iterator

from assistant.reading.almanac import Today, day_in
from assistant.reading.day_words import DayWord, Rules, bare, exact

_LAST_WORD = re.compile(r"([a-z]+|[^ ]) ?$", re.ASCII)
# Before "12.3" anything else makes it a quantity ("血糖6.5").
_MAY_STAND_BEFORE = (
    ", 。 ? ; : ( ) 在 到 约 挂 是 于 从 或 改 成 和 订 选 至 on by until for to or and from"
)
_BEFORE_A_DOTTED_DAY = frozenset(_MAY_STAND_BEFORE.split()) | {"\0"}
_MONTH_BEFORE = re.compile(
    r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.? ?(?:the )?$", re.ASCII
)
_NO_UNIT = (
    "(?![0-9天个片粒次周岁度点分元块%℃:/.]|-[0-9]| ?(?:times|pills|tablets|days"
    r"|hours|mg|ml|c\b|f\b|degrees|km|kg|cm))"
)


def _iso(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    yield from exact(
        match.span(), day_in(int(match["year"]), int(match["month"]), int(match["day"]))
    )


def _figures(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    one, two = int(match["one"]), int(match["two"])
    month, day = (one, two) if one <= 12 else (two, one)
    mark, start, end = match["mark"], *match.span()
    if mark != "/" and one > 12:
        return  # "38.5" and "25-3" are no days
    before = _LAST_WORD.search(match.string[:start])
    if mark == "." and before and before[1] not in _BEFORE_A_DOTTED_DAY:
        return
    if mark == "-" and (
        match.string[end : end + 1] in tuple("号日月点")
        or _MONTH_BEFORE.search(match.string[:start])
    ):
        return  # "3-5号" and "Dec 5-8" are days of one month
    yield from bare(match.span(), today, lambda seen: seen.month_and_day(month, day))


RULES: Rules = [
    (re.compile(pattern, re.ASCII), read)
    for pattern, read in (
        (
            r"(?<![0-9])(?P<year>20[0-9]{2}) ?(?P<mark>[-/.]) ?(?P<month>[0-9]{1,2})"
            r" ?(?P=mark) ?(?P<day>[0-9]{1,2})(?![0-9])",
            _iso,
        ),
        (
            r"(?<![0-9])(?P<year>20[0-9]{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-3][0-9])(?![0-9])",
            _iso,
        ),
        (
            r"(?<![0-9./:-])(?P<one>[0-9]{1,2})(?P<mark>[/.-])(?P<two>[0-9]{1,2})" + _NO_UNIT,
            _figures,
        ),
    )
]
