"""The words for a day in Chinese."""

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
from assistant.reading.numbers import ZH_COUNT, number, whole

_D = r"(?:[0-9]{1,2}|[一二三四五六七八九十两]{1,3})"
_STRETCHES = {
    "初": "start", "头": "start", "上旬": "early", "中旬": "middle", "中": "middle",
    "下旬": "late", "底": "end", "末": "end",
}  # fmt: skip
_STRETCH = "|".join(_STRETCHES)
_YEARS = {"去年": -1, "前年": -2, "今年": 0, "本年": 0, "明年": 1, "后年": 2}
_WEEKS = {
    "上上上": -3,
    "上上": -2,
    "上": -1,
    "这": 0,
    "本": 0,
    "当": 0,
    "下": 1,
    "下下": 2,
    "下下下": 3,
    "再下": 2,
}
_WHICH = "再下|上上上|上上|上|这|本|下下下|下下|下"
_WEEKDAYS = {letter: n for n, letter in enumerate("一二三四五六日")} | {"天": 6, "七": 6}
_WEEKDAYS |= {str(n): n - 1 for n in range(1, 8)}
_DAYS = {
    "大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大后": 3,
}  # fmt: skip
_UNITS: dict[str, dict[str, int]] = {
    "天": {"days": 1}, "日": {"days": 1}, "周": {"days": 7}, "星期": {"days": 7},
    "礼拜": {"days": 7},
    "月": {"months": 1}, "年": {"months": 12},
}  # fmt: skip
_FEASTS = {
    "国庆": "国庆", "十一长假": "国庆", "十一假期": "国庆", "十一期间": "国庆", "中秋": "中秋",
    "八月十五": "中秋", "春节": "春节", "过年": "春节", "新年": "元旦", "大年初一": "春节",
    "正月初一": "春节", "除夕": "除夕", "大年三十": "除夕", "年三十": "除夕", "元旦": "元旦",
    "五一": "劳动", "劳动节": "劳动", "端午": "端午", "清明": "清明", "元宵": "元宵",
    "正月十五": "元宵", "圣诞": "圣诞", "平安夜": "平安", "六一": "儿童", "儿童节": "儿童",
    "妇女节": "妇女", "情人节": "情人", "跨年": "跨年", "重阳": "重阳", "七夕": "七夕",
}  # fmt: skip


def _date(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    month, day = whole(match["month"]), whole(named(match, "day"))
    if month is None or not 1 <= month <= 12:
        return
    year = _year(named(match, "year") or named(match, "which"), today)
    if named(match, "day"):
        if day is None:
            return
        if year is None:
            yield from bare(match.span(), today, lambda seen: seen.month_and_day(month, day))
        else:
            yield from exact(match.span(), day_in(year, month, day))
        return
    days = today.month(month) if year is None else whole_month(year, month)
    yield from span_of(match.span(), today.what_is_left(_stretched(days, named(match, "stretch"))))


def _year(written: str, today: Today) -> int | None:
    if written in _YEARS:
        return today.day.year + _YEARS[written]
    year = whole(written) if written else None
    return year + 2000 if year is not None and year < 100 else year


def _stretched(days: Days | None, stretch: str) -> Days | None:
    return stretch_of(days, _STRETCHES[stretch]) if days and stretch else days


def _month(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    year, month = month_of(today.day, _WEEKS[named(match, "which")])
    if named(match, "day"):
        day = whole(named(match, "day"))
        yield from exact(match.span(), day_in(year, month, day) if day else None)
        return
    days = _stretched(whole_month(year, month), named(match, "stretch"))
    yield from span_of(match.span(), today.what_is_left(days))


def _stretch_of_month(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    """ "月初" is this month's, or the next one's when it is over."""
    for months in (0, -1) if today.back else (0, 1):
        days = _stretched(whole_month(*month_of(today.day, months)), named(match, "stretch"))
        if days and (days[0] <= today.day if today.back else days[1] >= today.day):
            yield from span_of(match.span(), today.what_is_left(days))
            return


def _day_of_month(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    day = whole(named(match, "day"))
    if day is not None and 1 <= day <= 31:
        yield from bare(match.span(), today, lambda seen: seen.day_of_month(day))


def _weekday(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    """ "下周三", "周一三五" and "周六日"; in "周三四点" the second is a clock's."""
    start, end = match.span()
    which = named(match, "which")
    monday = today.monday(_WEEKS[which]) if which else None
    letters = match["days"]
    if not letters:
        yield from span_of(match.span(), _week(match, today))
        return
    for nth, letter in enumerate(letters):
        weekday = _WEEKDAYS[letter]
        if nth and weekday <= _WEEKDAYS[letters[nth - 1]]:
            return
        place = end - len(letters) + nth
        if nth and match.string[place + 1 : place + 2] in (
            "点",
            "时",
            "十",
            "号",
            "日",
            "月",
            "个",
        ):
            return
        span = (place if nth else start, place + 1)
        if monday is not None:
            yield from exact(span, plus(monday, weekday))
        else:
            yield from bare(span, today, partial(_next, weekday=weekday))


def _next(seen: Today, *, weekday: int) -> date | None:
    return seen.weekday(weekday)


def _week(match: re.Match[str], today: Today) -> Days | None:
    monday = today.monday(_WEEKS[named(match, "which")])
    sunday = plus(monday, 6) if monday else None
    return today.what_is_left((monday, sunday)) if monday and sunday else None


def _weekend(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    which = named(match, "which")
    monday = today.monday(_WEEKS[which or "这"])
    if not which and today.back and today.day.weekday() < 5:
        monday = today.monday(-1)
    running = _WEEKS[which or "这"] == 0
    yield from span_of(match.span(), weekend(today, monday, named=not running))


def _near_day(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    yield from exact(match.span(), today.plus(_DAYS[match["near"]]))


def _two_days(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    first = 0 if match[0].startswith("今") else 1
    yield from span_of(match.span(), (today.plus(first), today.plus(first + 1)))


def _some_days(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    """ "这两天" is three days from today, "这几天" four; "过两天" two to five days on."""
    if named(match, "soon"):
        yield from span_of(match.span(), (today.plus(2), today.plus(5)))
    else:
        reach = 2 if "两" in match[0] else 3
        days = (today.plus(-reach), today.day) if today.back else (today.day, today.plus(reach))
        yield from span_of(match.span(), days)


def _far(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    """ "三天后", "两周内", "半个月前"."""
    count = 3.0 if named(match, "few") else number(match["count"])
    if count is None:
        return
    if count % 1 and count > 1 and len(named(match, "count")) == 2:  # "两三天后"
        first, last = (today.away(n, **_UNITS[match["unit"]]) for n in (count - 0.5, count + 0.5))
        if not named(match, "way").endswith(("前", "内", "里")):
            yield from span_of(match.span(), (first, last))
        return
    count += 0.5 if named(match, "half") else 0
    way = named(match, "way") or "后"
    ago = way.endswith("前")
    day = today.away(-count if ago else count, **_UNITS[match["unit"]])
    if day is None:
        return
    if way.endswith(("内", "里")) or named(match, "coming"):
        yield from span_of(match.span(), (day, today.day) if day < today.day else (today.day, day))
    elif named(match, "few") and not ago:
        yield from span_of(match.span(), (today.plus(2), today.plus(5)))
    else:
        yield from exact(match.span(), day)


def _feast(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    year = _year(named(match, "year") or named(match, "which"), today)
    yield from span_of(match.span(), today.feast(_FEASTS[match["feast"]], year))


def _around_new_year(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    """ "年前" is before the Spring Festival, "年后" after its week."""
    feast = today.feast("春节")
    if feast is None:
        return
    if match[0].endswith("前"):
        yield from span_of(match.span(), (min(today.day, feast[0]), plus(feast[0], -1)))
    elif (first := plus(feast[1], 1)) is not None:
        yield DayWord(match.span(), first, None, Kind.RANGE)


def _year_alone(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    year = today.day.year + _YEARS.get(named(match, "which"), 0)
    months = {"初": (1, 1), "头": (1, 1), "底": (12, 12), "末": (12, 12)}.get(
        named(match, "end"), (1, 12)
    )
    if not named(match, "which") and named(match, "end") in ("初", "头") and not today.back:
        year += today.day.month > 1
    first, last = whole_month(year, months[0]), whole_month(year, months[1])
    if first and last:
        yield from span_of(match.span(), today.what_is_left((first[0], last[1])))


def _workdays(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    yield DayWord(match.span(), today.day, None, Kind.RANGE, WORKDAYS)


def _any_day(match: re.Match[str], today: Today) -> Iterator[DayWord]:
    yield from open_end(match.span(), today.day)


def _lunar(_match: re.Match[str], _today: Today) -> Iterator[DayWord]:
    """A day of the lunar calendar is nobody else's to read: the dialogue asks."""
    yield from ()


_UNIT = "(?P<unit>天|日|周|星期|礼拜|月|年)"
_COUNT = rf"(?:(?P<count>{ZH_COUNT})|(?P<few>几)) ?(?:多|来)?个?(?P<half>半)?{_UNIT}"
_WEEK = "(?:周|星期|礼拜)"
# "5号楼", "3号诊室", "2号线" are places, "一日三次" and "1日了" no days of a month.
_NUMBERED = r"号(?!楼|院|诊|窗|机|床|病|线|门|房|柜|厅|口|药|方|检|针|[0-9]{1,2}(?:楼|室|窗)|个)"
_DATED = r"日(?! ?[0-9一二三两]?次|用|常|期|了|本|记)"
_NO_COUNT = "(?<![0-9一二三四五六七八九十半两几多个])"
RULES: Rules = [
    (re.compile(pattern), read)
    for pattern, read in (
        (
            r"(?:(?P<year>[0-9]{4}) ?年 ?的?"
            rf"|(?P<which>{'|'.join(_YEARS)})的?)?"
            rf"(?P<feast>{'|'.join(sorted(_FEASTS, key=len, reverse=True))})(?![0-9个点号月楼])节?"
            r"(?:假期|长假|期间|放假|假|当天|那天|那几天)?",
            _feast,
        ),
        (
            r"(?:农历|阴历|旧历|老历)[^ ,。?到至]{0,8}|(?:正月|腊月|冬月)[一二三初十廿]{0,3}"
            r"|(?:大年)?初[一二三四五六七八九十]",
            _lunar,
        ),
        (
            r"(?:(?P<year>[0-9]{4}|[0-9]{2}|[零一二三四五六七八九]{4}) ?年 ?"
            rf"|(?P<which>{'|'.join(_YEARS)})的? ?)?"
            rf"(?<![0-9个.几第半满])(?P<month>{_D}) ?月(?:份|月)?(?!经|子|饼|嫂|龄)的? ?"
            rf"(?:(?P<day>{_D})(?: ?[号日]|(?![0-9天个周次月年点时]))|(?P<stretch>{_STRETCH}))?",
            _date,
        ),
        (
            rf"(?P<which>{_WHICH}|当)一?个? ?月(?:份|月)?(?!经)的? ?"
            rf"(?:(?P<day>{_D}) ?[号日]|(?P<stretch>{_STRETCH}))?",
            _month,
        ),
        (rf"月(?P<stretch>{_STRETCH})", _stretch_of_month),
        (rf"(?P<which>{_WHICH})?一?个? ?(?:{_WEEK}末|双休日)", _weekend),
        (
            rf"(?P<which>{_WHICH})一?个? ?{_WEEK}(?:[的,]? ?{_WEEK})?"
            "(?P<days>[一二三四五六日天七1-7]{0,4})",
            _weekday,
        ),
        (rf"{_WEEK} ?(?P<days>[一二三四五六日天七1-7]{{1,4}})(?!岁|次)", _weekday),
        ("今明(?:两[天日]|天)?|明后(?:两[天日]|[天日])", _two_days),
        (f"(?P<coming>未来|接下来|今后|往后)的? ?{_COUNT}(?P<way>以内|之内|内|里)?", _far),
        ("(?P<soon>过(?:个?[两几]|些)[天日](?:以后|之后|后)?)|这[两几][天日]", _some_days),
        (
            f"(?:再?过 ?)?{_COUNT}(?:的?时间)?"
            "(?P<way>以后|之后|过后|后(?!背|脑)|以内|之内|内|里|以前|之前|前)",
            _far,
        ),
        (f"(?:再|要)?过 ?{_COUNT}(?!了)", _far),
        ("(?P<near>大前|大后)[天日]", _near_day),
        ("(?P<near>[前昨今明后])(?:[天日](?!性)|儿个?)", _near_day),
        ("(?P<near>[昨今明])(?=[晚早夜])", _near_day),
        (
            rf"(?<![0-9一二三四五六七八九十楼第])(?P<day>{_D})"
            rf"(?= ?(?:-|到|至|,|和|或者?) ?{_D} ?{_NUMBERED})",
            _day_of_month,
        ),
        (rf"(?<![0-9.第零])(?P<day>{_D}) ?(?:{_NUMBERED}|{_DATED})", _day_of_month),
        (f"{_NO_COUNT}年[前后](?![0-9])|过[完了]年(?!前)", _around_new_year),
        (rf"(?P<which>{'|'.join(_YEARS)})年?(?P<end>[初底末头])?", _year_alone),
        (f"{_NO_COUNT}年(?P<end>[底末初])", _year_alone),
        ("工作日|平日|周中(?!间)", _workdays),
        (
            "越[快早]越好|尽[快早]|最[快早]的?(?:时间|号"
            "|一[天个次])?(?![0-9一二三四五六七八九十两起发])"
            r"|最近的(?:时间|号|一[天个次])|赶[紧快]|马上|立[刻即]|随时|现在就|能多快就多快"
            "|(?:随便|任何)(?:哪|什么)?一?(?:天|时候|时间|日子)(?:(?:都|也)(?:行|可以|成"
            "|好|有空|能))?"
            r"|(?:哪|什么)一?(?:天|时候|时间|日子)(?:都|也)(?:行|可以|成|好|有空|能)"
            r"|其[他它余]的?(?:时间|时候|日子|天)?(?:都|也)(?:行|可以|成|好)",
            _any_day,
        ),
    )
]
