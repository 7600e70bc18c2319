"""The words for a day in English.

"next Wednesday" is the one of next week, as 下周三; "this Wednesday" and "Wednesday" the coming
one, today included.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import partial

from assistant.reading.almanac import (
    Days,
    Today,
    day_in,
    month_of,
    plus,
    stretch_of,
    whole_month,
)
from assistant.reading.day_words import (
    WORKDAYS,
    DayWord,
    Kind,
    Rules,
    bare,
    exact,
    named,
    open_end,
    span_of,
    weekend,
)
from assistant.reading.numbers import EN_COUNT, number, whole

_MONTH_NAMES = (
    "january jan,february feb,march mar,april apr,may,june jun,july jul,august aug"
    ",september sept sep,october oct,november nov,december dec"
)
_MONTHS = {
    name: n
    for n, names in enumerate(
        _MONTH_NAMES.split(","),
        start=1,
    )
    for name in names.split()
}
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})\\.?"
_ORDINAL_WORDS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
    " thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
    " twentieth"
)
_ORDINALS = {
    word: n
    for n, word in enumerate(
        _ORDINAL_WORDS.split(),
        start=1,
    )
}
_ORDINALS |= {
    f"{tens}{dash}{word}": 10 * n + _ORDINALS[word]
    for n, tens in ((2, "twenty"), (3, "thirty"))
    for word in list(_ORDINALS)[:9]
    for dash in "- "
} | {"thirtieth": 30}
_ORDINAL = (
    rf"(?P<day>[0-9]{{1,2}} ?(?:st|nd|rd|th)|{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})"
)
_DAY = (
    f"(?P<day>[0-9]{{1,2}}(?: ?(?:st|nd|rd|th))?"
    f"|{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})"
)
_SURE_MONTH = "|".join(word for word in _MONTHS if len(word) > 4 and word != "march")
# "the first" to "the fourth" pick from a list before they name a day.
_LATE_ORDINAL = "|".join(w for w in sorted(_ORDINALS, key=len, reverse=True) if _ORDINALS[w] > 4)
_OF_THE = r"(?: of)? (?:the )?(?P<which>this |next )?"
_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_WEEKDAY = (
    "(?P<weekday>mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?"
    "|mon|tues?|weds?|thurs?|thu|fri|(?<!the )(?<!he )(?<!i )(?:sat|sun))\\b\\.?"
)
_WHICH = {
    "last": -1,
    "this": 0,
    "next": 1,
    "next next": 2,
    "the": 0,
    "": 0,
    "current": 0,
    "previous": -1,
    "following": 1,
    "coming": 0,
}
_LENGTHS: dict[str, dict[str, int]] = {
    "d": {"days": 1}, "w": {"days": 7}, "f": {"days": 14}, "m": {"months": 1}, "y": {"months": 12},
}  # fmt: skip
_STRETCHES = {
    "beginning": "start", "start": "start", "early": "start", "first week": "start",
    "middle": "middle", "mid": "middle", "end": "end", "late": "end", "last week": "end",
}  # fmt: skip
_STRETCH = "(?P<stretch>first week|last week|beginning|start|early|middle|mid|end|late)"
_YEAR = "(?:,? ?(?P<year>20[0-9]{2}))?"
_FEASTS = {
    "national day": "国庆", "golden week": "国庆", "spring festival": "春节",
    "chinese new year": "春节", "lunar new year": "春节", "mid-autumn": "中秋",
    "mid autumn": "中秋", "dragon boat": "端午", "labour day": "劳动", "labor day": "劳动",
    "may day": "劳动", "new year's eve": "跨年", "new year's day": "元旦", "new year's": "元旦",
    "new year": "元旦", "christmas eve": "平安", "christmas": "圣诞", "qingming": "清明",
    "tomb-sweeping": "清明", "tomb sweeping": "清明", "lantern festival": "元宵",
    "valentine's": "情人", "children's day": "儿童", "women's day": "妇女",
}  # fmt: skip
_NEAR = {
    "the day before yesterday": -2, "day before yesterday": -2, "yesterday": -1, "today": 0,
    "the day after tomorrow": 2, "day after tomorrow": 2, "overmorrow": 2,
    "last night": -1, "last": -1, "this": 0, "to": 0,
}  # fmt: skip


def _number_of_day(written: str) -> int | None:
    return _ORDINALS.get(written) or whole(re.sub(r" ?(?:st|nd|rd|th)$", "", written))


def _month_and_day(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    month, day = _MONTHS[match["month"]], _number_of_day(match["day"])
    if day is None:
        return
    year, until = named(match, "year"), named(match, "until")
    first = day_in(int(year), month, day) if year else today.month_and_day(month, day)
    if until:
        last = day_in(first.year, month, int(until)) if first else None
        yield from span_of(match.span(), (first, last))
    elif year:
        yield from exact(match.span(), first)
    else:
        yield from bare(match.span(), today, lambda seen: seen.month_and_day(month, day))


def _month_alone(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    days = today.month(_MONTHS[match["month"]])
    yield from span_of(match.span(), today.what_is_left(_stretched(days, match)))


def _relative_month(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    which = _WHICH.get(named(match, "which"), 0)
    year, month = month_of(today.day, which)
    if day := named(match, "day"):
        yield from exact(match.span(), day_in(year, month, _number_of_day(day) or 0))
        return
    days = _stretched(whole_month(year, month), match)
    yield from span_of(match.span(), today.what_is_left(days))


def _stretch_of_week(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    monday = today.monday(_WHICH.get(named(match, "which"), 0))
    stretch = _STRETCHES[match["stretch"]]
    first, last = {"start": (0, 1), "middle": (1, 3), "end": (3, 6)}[stretch]
    if monday:
        days = plus(monday, first), plus(monday, last)
        if days[0] and days[1]:
            yield from span_of(match.span(), today.what_is_left((days[0], days[1])))


def _stretched(days: Days | None, match: re.Match[str]) -> Days | None:
    stretch = named(match, "stretch")
    return stretch_of(days, _STRETCHES[stretch]) if days and stretch else days


def _day_of_month(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    day = _number_of_day(match["day"])
    if day is not None and 1 <= day <= 31:
        yield from bare(match.span(), today, lambda seen: seen.day_of_month(day))


def _weekday(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    weekday = _WEEKDAYS[match["weekday"][:3]]
    which, week = named(match, "which"), named(match, "week")
    if named(match, "later"):  # "a week on Friday", "Friday week"
        coming = today.weekday(weekday)
        yield from exact(match.span(), plus(coming, 7) if coming else None)
    elif which == "last" and not week:
        gone = Today(today.plus(-1) or today.day, back=True)
        yield from exact(match.span(), gone.weekday(weekday))
    elif which.endswith("next") or week:
        monday = today.monday(_WHICH.get(week or which, 2))
        yield from exact(match.span(), plus(monday, weekday) if monday else None)
    else:
        yield from bare(match.span(), today, partial(_coming, weekday=weekday))


def _coming(seen: Today, *, weekday: int) -> date | None:
    return seen.weekday(weekday)


def _week(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    which = 2 if named(match, "after") else _WHICH.get(named(match, "which"), 0)
    monday = today.monday(which)
    if monday is None or (sunday := plus(monday, 6)) is None:
        return
    if named(match, "later") and (tomorrow := today.plus(1)):
        yield from span_of(match.span(), (min(tomorrow, sunday), sunday))
    else:
        yield from span_of(match.span(), today.what_is_left((monday, sunday)))


def _weekend(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    which = 2 if named(match, "after") else _WHICH.get(named(match, "which"), 0)
    yield from span_of(match.span(), weekend(today, today.monday(which), named=which != 0))


def _near_day(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    word = match[0]
    yield from exact(match.span(), today.plus(_NEAR.get(word, 1)))


def _far(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    """ "in two weeks", "within 3 days", "a month ago", "two weeks from now"."""
    few = bool(named(match, "few"))
    count = 3.0 if few else number(match["count"])
    if count is None:
        return
    how = named(match, "how")
    unit = _LENGTHS[match["unit"][0]]
    ago = named(match, "ago") in ("ago", "back", "earlier")
    day = today.away(-count if ago else count, **unit)
    if day is None:
        return
    if how.startswith(("within", "over", "during")) or "next" in how or "coming" in how:
        yield from span_of(match.span(), (today.day, day))
    elif how.startswith(("past", "last", "the last", "the past")):
        yield from span_of(match.span(), (today.away(-count, **unit), today.day))
    elif how == "after":
        yield DayWord(match.span(), day, None, Kind.RANGE)
    elif few and not ago:
        yield from span_of(match.span(), (today.plus(2), today.plus(5)))
    else:
        yield from exact(match.span(), day)


def _feast(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    yield from span_of(match.span(), today.feast(_FEASTS[match["feast"]]))


def _year(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    year = today.day.year + _WHICH.get(named(match, "which"), 0)
    first, last = whole_month(year, 1), whole_month(year, 12)
    if named(match, "stretch") in ("end", "late"):
        first = last
    elif named(match, "stretch") in ("beginning", "start", "early"):
        last = first
    if first and last:
        yield from span_of(match.span(), today.what_is_left((first[0], last[1])))


def _workdays(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    yield DayWord(match.span(), today.day, None, Kind.RANGE, WORKDAYS)


def _any_day(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    yield from open_end(match.span(), today.day)


_THE = r"\b(?:on )?(?:the )?"
_REL = r"(?P<which>this|next next|next|last)"
_UNITS = r"(?P<unit>days?|weeks?|months?|years?|fortnights?)"
_SOME = rf"(?:(?P<count>{EN_COUNT})|(?P<few>(?:a )?few|several|some))"
RULES: Rules = [
    (re.compile(pattern, re.ASCII), read)
    for pattern, read in (
        (rf"\b(?P<feast>{'|'.join(_FEASTS)})(?: (?:festival|holidays?|day|week|break))?\b", _feast),
        (rf"{_THE}{_DAY} (?:of )?{_MONTH}{_YEAR}\b", _month_and_day),
        (
            rf"\b(?:on )?{_MONTH} ?(?:the )?{_DAY}(?: ?(?:-"
                rf"|to) ?(?P<until>[0-9]{{1,2}}))?(?! ?(?:am|pm)\b){_YEAR}"
            r"(?![0-9a-z:])",
            _month_and_day,
        ),
        (rf"{_THE}{_ORDINAL} (?:of )?(?P<which>this|next|the) month\b", _relative_month),
        (rf"\b(?:the )?{_STRETCH}{_OF_THE}month\b", _relative_month),
        (rf"\b(?:the )?{_STRETCH}(?: of)?[ -](?:the )?{_MONTH}(?![a-z])", _month_alone),
        (rf"\b(?:the )?{_STRETCH}{_OF_THE}week\b", _stretch_of_week),
        (rf"\b(?:the )?{_STRETCH}{_OF_THE}year\b", _year),
        (rf"\b{_REL} month\b", _relative_month),
        (rf"\b{_REL} year\b", _year),
        (rf"\b(?:in|this|next|by|during) {_MONTH}(?![a-z0-9])", _month_alone),
        (rf"\b(?P<month>{_SURE_MONTH})(?![a-z])", _month_alone),
        (rf"\b(?P<later>a week (?:on|from)) {_WEEKDAY}", _weekday),
        (rf"\b{_WEEKDAY} (?P<later>week)\b", _weekday),
        (rf"\b{_WEEKDAY} (?:of )?(?P<week>this|next|last) week\b", _weekday),
        (rf"\b(?P<week>this|next|last) week(?:'s)?,? (?:on )?{_WEEKDAY}", _weekday),
        (
            r"\b(?:on )?(?:the )?(?:(?P<which>this coming|this|next next|next|last|coming"
            f"|following) )?{_WEEKDAY}", _weekday),
        (r"\b(?:the )?(?P<after>week after next)\b", _week),
        (r"\b(?:the )?(?P<after>weekend after next)\b", _weekend),
        (r"\b(?P<later>later|rest of) (?:this|the) week\b", _week),
        (r"\b(?:the )?(?P<which>this|next next|next|last|coming|following) week\b(?!end)", _week),
        (
            r"\b(?:on |at |over )?(?:(?:the )?(?P<which>this|next|last|coming) )?"
            r"(?:the )?weekends?\b", _weekend),
        (
            r"\b(?:the )?day after tomorrow\b|\b(?:the )?day before yesterday\b|\b"
            r"(?:yesterday|today|overmorrow)\b", _near_day),
        (r"\b(?:tomorrow|tommorow|tomorow|tommorrow|tmrw?|2moro|tmw)\b", _near_day),
        (
            r"\bto(?=night\b)|\bthis(?= (?:morning|afternoon|evening)\b)|\blast(?= "
            r"(?:night|evening)\b)", _near_day),
        (
            r"\b(?P<how>in the next|in the coming|in|within the next|within|over the next"
                "|during the next"
            "|the next|the coming|the last|the past|after|next|past"
                rf"|last) {_SOME} {_UNITS}\b(?:'? time)?(?! ago)",
            _far,
        ),
        (rf"\b{_SOME} {_UNITS} (?P<ago>from now|from today|later|hence|ago|back)\b", _far),
        (
            r"\b(?:on )?the (?P<day>[0-9]{1,2} ?(?:st|nd|rd|th))\b(?! (?:one|option"
            "|choice|doctor|slot|floor))", _day_of_month),
        (
            r"(?<![0-9])(?P<day>[0-9]{1,2}(?:st|nd|rd|th))\b(?! (?:one|option|choice"
                "|doctor|slot|floor))",
            _day_of_month,
        ),
        (
            r"\b"
                rf"(?:on )?the (?P<day>{_LATE_ORDINAL})\b"
            r"(?! (?:one|option|choice|doctor|slot|floor))",
            _day_of_month,
        ),
        (
            r"\b(?:on )?(?:week ?days|a week ?day|week ?day|work(?:ing)? ?days"
            r"|business days)\b", _workdays),
        (
            r"\b(?:asap|as soon as possible|as early as possible|(?:the )?(?:earliest"
                "|soonest|first available|next available)(?: (?:possible|one|slot|date|time"
                "|day|appointment))?"
            "|any ?time|any ?day|whenever|any date|right away|immediately|straight away"
                r"|any other (?:day|time)|every day)\b",
            _any_day,
        ),
    )
]  # fmt: skip
