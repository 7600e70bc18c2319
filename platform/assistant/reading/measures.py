"""What is measured or lasts: temperatures, durations, ages, and how bad it is."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from assistant.reading.almanac import day_in
from assistant.reading.numbers import EN_COUNT, ZH_COUNT, ZH_DIGIT, number, whole
from assistant.reading.spelling import plain
from triage.ages import find_ages
from triage.reading import Span


@dataclass(frozen=True)
class Temperature:
    span: Span
    celsius: float


@dataclass(frozen=True)
class Duration:
    """How long something has lasted; `rough` when it was said so (几天, 一个多月)."""

    span: Span
    length: timedelta
    rough: bool = False


@dataclass(frozen=True)
class Age:
    span: Span
    months: float
    born: date | None = None  # where the birthday was said

    @property
    def years(self) -> int:
        return int(self.months // 12)


class Level(StrEnum):
    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


@dataclass(frozen=True)
class Severity:
    span: Span
    level: Level
    score: int | None = None  # 0 to 10, where a number was said


_ZH = rf"[{ZH_DIGIT}十]{{1,3}}"
_DEGREES = re.compile(
    rf"(?P<whole>[34][0-9](?:\.[0-9]{{1,2}})?|9[0-9](?:\.[0-9])?|10[0-9]"
    rf"(?:\.[0-9])?|{_ZH}(?:点{_ZH})?)"
    r" ?(?:(?P<f>度?f\b|华氏度?|°f|℉|degrees? (?:f|fahrenheit)\b|fahrenheit)"
    r"|(?P<c>摄氏度?|℃|°c?|c\b"
    r"|degrees?(?: (?:c|celsius)\b)?|celsius)|度(?:(?P<half>半)|(?P<tenth>[0-9]"
    f"|[{ZH_DIGIT}](?![天个日岁])))?)",
    re.ASCII,
)
_BARE_DEGREES = re.compile(
    r"(?<![0-9.:/-])(?P<whole>3[4-9]\.[0-9]|4[0-3]\.[0-9]|9[5-9]\.[0-9]"
    r"|10[0-8]\.[0-9])(?![0-9./:])"
)
_ONLY_DEGREES = re.compile(r"[^0-9]{0,12}?(?P<whole>3[4-9]|4[0-3])[^0-9]{0,3}")
_FEVER = re.compile(
    "(?:烧|体温|温度|temp(?:erature)?|fever)[^0-9,。]{0,8}(?P<whole>3[4-9]|4[0-3])(?![0-9.:岁天个])"
)


def find_temperature(text: str, *, asked: bool = False) -> Temperature | None:
    """A body temperature in Celsius. `asked`: a bare "39" is one too."""
    same = plain(text)
    for pattern in (_DEGREES, _BARE_DEGREES, _FEVER):
        for match in pattern.finditer(same):
            celsius = _celsius(match)
            if celsius is not None:
                return Temperature((match.start("whole"), match.end()), celsius)
    bare = _ONLY_DEGREES.fullmatch(same) if asked else None
    return Temperature(bare.span("whole"), float(bare["whole"])) if bare else None


def _celsius(match: re.Match[str]) -> float | None:
    named = match.groupdict()
    degrees = number(named["whole"])
    if degrees is None:
        return None
    if named.get("half"):
        degrees += 0.5
    if tenth := named.get("tenth"):
        degrees += (number(tenth) or 0) / 10
    if named.get("f") or (degrees >= 90 and not re.search("[c℃摄度]", match[0])):
        degrees = (degrees - 32) / 1.8
    return round(degrees, 1) if 30 <= degrees <= 45 else None


_HOURS = {
    "分钟": 1 / 60, "分": 1 / 60, "刻钟": 0.25, "小时": 1, "钟头": 1, "天": 24, "日": 24,
    "夜": 24, "周": 168, "星期": 168, "礼拜": 168, "月": 720, "季度": 2160, "年": 8760,
    "minute": 1 / 60, "min": 1 / 60, "hour": 1, "hr": 1, "day": 24, "night": 24, "week": 168,
    "fortnight": 336, "month": 720, "year": 8760, "yr": 8760,
}  # fmt: skip
_ZH_LASTING = re.compile(
    "(?P<few>好几|十几|几十|几|好些|多)(?P<ge>个)?(?P<unit>分钟|刻钟|小时|钟头|天"
    "|周|星期|礼拜|月|年)"
    rf"|(?P<count>{ZH_COUNT}) ?(?P<more>多|来)?(?:个|整)?(?P<half>半)?(?P<more_>多)?"
    "(?P<unit_>分钟|刻钟|小时|钟头|天|日(?=了|[,。 ]|$)|周(?!岁)|星期|礼拜"
    "|月(?![0-9一二三四五六七八九十份初底末])|年(?![0-9生出的级]))"
    rf"(?P<half_>半)?(?P<more__>多)?(?!后|以后|之后|内|以内|之内|大|龄)"
)
_EN_LASTING = re.compile(
    rf"\b(?P<few>(?:a )?few|several|some|many)?(?P<count>{EN_COUNT})? ?(?:or so )?"
    "(?P<unit>minute|min|hour|hr|day|night|week|fortnight|month|year"
    r"|yr)s?(?P<half> and a half)?\b"
    r"(?! old| from now| later| of)",
    re.ASCII,
)
_ZH_FEW = {"十几": 13, "几十": 30, "好几": 5, "好些": 5}


def find_durations(text: str) -> list[Duration]:
    """How long: 三天了, 两个半月, "two and a half hours". 几 counts as 3, 好几 as 5, 十几 as 13.

    A month has 30 days here, a year 365. "三天后" is a day and none of these.
    """
    same = plain(text)
    found = [_zh_lasting(match) for match in _ZH_LASTING.finditer(same)]
    found += [_en_lasting(match) for match in _EN_LASTING.finditer(same)]
    return sorted((one for one in found if one), key=lambda one: one.span)


def _zh_lasting(match: re.Match[str]) -> Duration | None:
    if few := match["few"]:
        if few == "多":
            return None
        return _lasting(match.span(), _ZH_FEW.get(few, 3), match["unit"], rough=True)
    count = number(match["count"])
    if count is None or (
        match["unit_"] == "月" and "个" not in match[0] and match["count"] != "半"
    ):
        return None
    half = 0.5 if match["half"] or match["half_"] else 0
    rough = bool(match["more"] or match["more_"] or match["more__"])
    return _lasting(match.span(), count + half, match["unit_"], rough=rough)


def _en_lasting(match: re.Match[str]) -> Duration | None:
    if match["few"]:
        return _lasting(match.span(), 3, match["unit"], rough=True)
    count = number(match["count"]) if match["count"] else None
    if count is None:
        return None
    return _lasting(match.span(), count + (0.5 if match["half"] else 0), match["unit"])


def _lasting(span: Span, count: float, unit: str, *, rough: bool = False) -> Duration | None:
    hours = count * _HOURS[unit]
    if hours > 24 * 365 * 120:
        return None
    if unit in ("年", "year", "yr"):
        return Duration(span, timedelta(days=round(365 * count)), rough)
    return Duration(span, timedelta(hours=hours), rough)


_BORN = re.compile(
    f"(?P<year>(?:19|20)[0-9]{{2}}|[0-9]{{2}}|[{ZH_DIGIT}]{{2,4}}) ?年"
    f"(?: ?(?P<month>[0-9]{{1,2}}|[{ZH_DIGIT}十]{{1,2}}) ?月"
    rf"(?: ?(?P<day>[0-9]{{1,2}}|[{ZH_DIGIT}十]{{1,3}}) ?[日号])?)?(?: ?(?:生|出生|的|生人))?"
    "|(?P<iso>(?:19"
    "|20)[0-9]{2})[-/.]?(?P<iso_month>[01]?[0-9])[-/.]?(?P<iso_day>[0-3]?[0-9])(?![0-9])"
    r"|\bborn (?:in|on)?[^0-9,.]{0,20}?(?:(?P<en_day>[0-3]?[0-9])(?:st|nd|rd"
    "|th)?,? )?[^0-9,.]{0,12}(?P<en_year>(?:19|20)[0-9]{2})",
    re.ASCII,
)
_ZH_AGE = re.compile(
    f"(?P<years>{ZH_COUNT}) ?(?:周岁|虚岁|岁)(?:(?P<half>半)"
    f"|零? ?(?P<and>[0-9]{{1,2}}|[{ZH_DIGIT}十]{{1,2}})个?月)?"
    f"|(?P<months>{ZH_COUNT}) ?个?(?P<half_>半)?月(?:大|龄|零[0-9]天)?"
    f"|(?P<weeks>{ZH_COUNT}) ?周(?:大|龄)?|(?P<days>{ZH_COUNT}) ?天(?:大)?"
)
_EN_AGE = re.compile(
    rf"\b(?P<count>{EN_COUNT})[ -]?(?P<unit>days?|weeks?|months?|mos?|years?|yrs?"
    "|y/?o|yo)(?:[ -]?(?:old|of age))?(?P<half> and a half)?"
    rf"(?:(?:,| and)? (?P<and>[0-9]{{1,2}}|{EN_COUNT}) months?(?: old)?)?\b",
    re.ASCII,
)
_BARE_AGE = re.compile(
    f"[^0-9]{{0,8}}?(?P<count>[0-9]{{1,3}}"
    f"|[{ZH_DIGIT}十百]{{1,4}})(?P<half>半)?[^0-9一-鿿]{{0,3}}[了吧的啦]?"
    rf"|(?:i'?m|i am|she'?s|he'?s|she is|he is|aged?)? ?(?P<en>{EN_COUNT})"
)


def find_age(text: str, *, today: date, asked: bool = True) -> Age | None:
    """An age or a date of birth. Unasked only what says that it is one ("8个月大的宝宝")."""
    same = plain(text)
    if not asked:
        ages = find_ages(same)
        return Age(*ages[0]) if ages else None
    for match in _BORN.finditer(same):
        if age := _born(match, today):
            return age
    for pattern, months in ((_ZH_AGE, _zh_months), (_EN_AGE, _en_months)):
        for match in pattern.finditer(same):
            value = months(match)
            if value is not None and 0 <= value < 130 * 12:
                return Age(match.span(), value)
    if ages := find_ages(same):
        return Age(*ages[0])
    bare = _BARE_AGE.fullmatch(same.strip())
    years = number(bare["count"] or bare["en"] or "") if bare else None
    if bare is None or years is None or not 0 <= years < 130:
        return None
    lead = len(same) - len(same.lstrip())
    start, end = bare.span("count" if bare["count"] else "en")
    end += 1 if bare["half"] else 0
    return Age((start + lead, end + lead), 12 * years + (6 if bare["half"] else 0))


def _born(match: re.Match[str], today: date) -> Age | None:
    year = whole(match["year"] or match["iso"] or match["en_year"] or "")
    if year is None:
        return None
    if year < 100:
        year += 1900 if year > today.year % 100 else 2000
    month, day = (
        whole(match[name] or match[iso] or "")
        for name, iso in (("month", "iso_month"), ("day", "iso_day"))
    )
    if not today.year - 130 <= year <= today.year:
        return None
    born = day_in(year, month, day) if month and day else None
    if (match["iso"] and born is None) or (born and born > today):
        return None
    months = (today.year - year) * 12 + (today.month - month if month else 0)
    if born and born.day > today.day:
        months -= 1
    return Age(match.span(), max(months, 0), born)


def _zh_months(match: re.Match[str]) -> float | None:
    if match["years"]:
        years = number(match["years"])
        more = 6 if match["half"] else whole(match["and"] or "零") or 0
        return None if years is None else 12 * years + more
    if match["months"]:
        months = number(match["months"])
        return None if months is None else months + (0.5 if match["half_"] else 0)
    count = number(match["weeks"] or match["days"])
    return None if count is None else count * (7 if match["weeks"] else 1) / 30


def _en_months(match: re.Match[str]) -> float | None:
    count = number(match["count"])
    if count is None:
        return None
    count += 0.5 if match["half"] else 0
    unit = match["unit"][0]
    if unit == "m":
        return count
    if unit in "dw":
        return count * (7 if unit == "w" else 1) / 30
    return 12 * count + (number(match["and"] or "0") or 0)


# 0 to 10 as on the pain scale that wards use: 1 to 3 mild, 4 to 6 moderate, 7 to 10 severe (NRS).
_SCORE = re.compile(
    f"(?<![0-9.])(?P<n>10|[0-9]|[{ZH_DIGIT}十])(?: ?(?:/ ?10|out of (?:10|ten))"
    "| ?分(?!钟|之|[0-9]))"
    r"|\b(?P<en>zero|one|two|three|four|five|six|seven|eight|nine|ten) (?:/ ?10|out of (?:10|ten))",
    re.ASCII,
)
_BARE_SCORE = re.compile(
    rf"\W*(?:大概|大约|差不多|about|maybe|around)?\W*(?P<n>10|[0-9]|[{ZH_DIGIT}十]"
    r"|one|two|three|four|five|six|seven|eight|nine|ten)\W*"
)
_WORDS = [
    (level, re.compile(words, re.ASCII))
    for level, words in (
        (
            Level.MILD,
            "不(?:严重|厉害|重)|不(?:太|怎么|是很|是特别|算|大)(?:太|很)?(?:[疼痛难严]"
            r"|厉害|重)(?:受|重)?|\bnot (?:too|very|so|that|really) (?:bad|severe|painful"
            r"|strong|much)\b|\bnot severe\b",
        ),
        (
            Level.NONE,
            "(?:一点(?:都|也)?|完全|已经|现在)?(?:不|没有?)(?:[疼痛]|难受"
            r"|觉得[疼痛])(?!得|吗)了?|没什么(?:感觉|不舒服)?|\bno pain\b|\bnot at all\b"
            r"|\bnone\b|\bpainless\b|doesn'?t hurt",
        ),
        (
            Level.SEVERE,
            "(?:非常|特别|超级?|极其?|剧烈?|巨|很|好|太|挺|十分|死|真的?|相当|越来越)"
            "(?:的|地)?(?:[疼痛]|难受|严重|厉害|重)|剧痛|剧烈|[疼痛难]得?受?(?:不行|要命"
            "|要死|厉害|死了|睡不着|打滚|受不了|直不起|哭)|痛?疼?得(?:睡不着|受不了|厉害"
            "|打滚|要死|要命|冒汗|哭)|受不了|忍不了|忍受不了|扛不住|严重|重度|要命|厉害"
            r"|\b(?:very|really|extremely|so|terribly|incredibly) (?:bad|painful|severe"
            r"|strong|much)\b|\b(?:severe|severely|unbearable|terrible|excruciating|awful"
            "|horrible|intense|agony|worst|can't (?:sleep|stand|bear)|cannot (?:sleep"
            r"|stand|bear))\b|\bhurts? a lot\b",
        ),
        (
            Level.MILD,
            "有一?点|一点点?|稍微|略微|轻微|轻度|些微|有些|还好|隐隐|不严重|轻|可以忍"
            r"|能忍|\b(?:mild|mildly|slight|slightly|a (?:little|bit)|little|minor"
            r"|bearable|tolerable)\b",
        ),
        (
            Level.MODERATE,
            r"中等|中度|一般|比较|还行|有时[疼痛]|时[疼痛轻]时|说得?过去|\b(?:moderate"
            r"|moderately|medium|so-so|average|quite|pretty|somewhat|fairly|in between)\b",
        ),
    )
]


def find_severity(text: str, *, asked: bool = False) -> Severity | None:
    """How bad it is, by a score or in words. `asked`: a bare "7" is a score."""
    same = plain(text)
    match = _SCORE.search(same) or (_BARE_SCORE.fullmatch(same) if asked else None)
    if match:
        group = "n" if match["n"] else "en"
        score = whole(match[group])
        if score is not None and 0 <= score <= 10:
            end = match.end() if match.re is _SCORE else match.end(group)
            return Severity((match.start(group), end), _level(score), score)
    for level, words in _WORDS:
        if found := words.search(same):
            return Severity(found.span(), level)
    return None


def _level(score: int) -> Level:
    if score == 0:
        return Level.NONE
    return Level.MILD if score <= 3 else Level.MODERATE if score <= 6 else Level.SEVERE
