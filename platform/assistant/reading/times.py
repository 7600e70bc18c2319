"""Clock times and parts of the day.

A bare hour means the hours in which people come to a hospital: 1 to 6 is the afternoon, 7 to 12
as it is said ("3点" is 15:00, "9点" is 9:00); "03:00", "凌晨3点" and "3 am" are the night. Twelve
in the evening is midnight and, as the small hours of a night, belongs to the day after. "以后",
"以前", "after" and "before" include the moment itself. A single "一点" is "a little", not one
o'clock, unless a part of the day or minutes stand with it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum

from assistant.reading.numbers import ZH_DIGIT, whole
from assistant.reading.refusals import refusals
from assistant.reading.spelling import plain, touches
from triage.reading import Span


class Part(StrEnum):
    SMALL_HOURS = "small_hours"
    MORNING = "morning"
    NOON = "noon"
    AFTERNOON = "afternoon"
    EVENING = "evening"
    NIGHT = "night"


DAY = (time(0), time(23, 59))
HOURS = {
    Part.SMALL_HOURS: (time(0), time(6)),
    Part.MORNING: (time(6), time(12)),
    Part.NOON: (time(11), time(14)),
    Part.AFTERNOON: (time(12), time(18)),
    Part.EVENING: (time(17), time(23, 59)),
    Part.NIGHT: (time(21), time(23, 59)),
}
_ZH_WORDS = {
    Part.SMALL_HOURS: "凌晨|后半夜|拂晓",
    Part.MORNING: "大清早|大早上|一大早|一早|清早|清晨|早晨|早上|早间|上午|午前"
    "|早(?=班|[789]点|[七八九]点)|(?<=[今明昨当\0])早(?!一?点|些|就)",
    Part.NOON: "大中午|中午|正午|晌午|午间",
    Part.AFTERNOON: "下午|午后",
    Part.EVENING: "傍晚|黄昏|晚上|晚间|夜里|夜间|晚饭后|晚(?=[5-9五六七八九]点)"
    "|(?<=[今明昨当\0])[晚夜](?!一?点|些)",
    Part.NIGHT: "大半夜|深夜|半夜|午夜",
}
_EN_WORDS = {
    Part.SMALL_HOURS: "small hours|before dawn",
    Part.MORNING: "(?:early |late )?mornings?|forenoon|am(?= |$)",
    Part.NOON: "noon|midday|lunch ?time",
    Part.AFTERNOON: "(?:early |late )?afternoons?|pm(?= |$)",
    Part.EVENING: "(?:early |late )?evenings?|tonight|night",
    Part.NIGHT: "late at night|midnight",
}
ZH_PART = "|".join(_ZH_WORDS.values())
EN_PART = "|".join(_EN_WORDS.values())
_WHICH_PART = [
    (part, re.compile(words[part], re.ASCII)) for words in (_ZH_WORDS, _EN_WORDS) for part in words
]
_SHORT = {"早": Part.MORNING, "晚": Part.EVENING, "夜": Part.EVENING}  # 今晚, 明早
_PART = re.compile(rf"(?:{ZH_PART})|\b(?:{EN_PART})\b", re.ASCII)

_ZH_HOUR = rf"(?:[0-9]{{1,2}}|[{ZH_DIGIT}十]{{1,3}})"
_EN_HOUR = "(?:[0-9]{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_HALF_DAY = r"(?P<half_day>[ap])\.?m\b\.?"
_ZH_CLOCK = re.compile(
    rf"(?:(?P<part>{ZH_PART})[的,]? ?)?(?<![0-9.第])(?P<hour>{_ZH_HOUR})(?:点钟?|时(?![候间常不]))"
    r"(?!建议|意见|要求|问题|原因|心|儿|[疼痛不也都点])"
    "(?:(?P<half>半)|(?P<quarters>[一三13])刻|(?P<minute>[0-5]?[0-9](?![0-9:])"
    f"|[{ZH_DIGIT}十]{{1,3}}(?![天个号日点]))分?|整)?"
)
_COLON = re.compile(
    rf"(?:(?P<part>{ZH_PART})的? ?)?(?<![0-9:.])(?P<hour>[0-9]{{1,2}})"
    r":(?P<minute>[0-5][0-9])(?![0-9:])"
    rf"(?: ?{_HALF_DAY})?",
    re.ASCII,
)
_EN_CLOCK = re.compile(
    rf"(?<![a-z0-9:.])(?:(?P<shift>half past|half|(?:a )?quarter past|(?:a )?quarter to"
    rf"|[0-9]{{1,2}} past|five to|ten to|twenty to|five past|ten past|twenty past) )?"
    rf"(?P<hour>{_EN_HOUR})(?:[:.](?P<minute>[0-5][0-9]))?"
    f"(?P<sure> ?{_HALF_DAY}| ?o'? ?clock)?(?: in the (?P<part>morning|afternoon"
    "|evening)| at (?P<night>night))?"
    r"(?![a-z0-9:/-]|\.[0-9]| ?(?:days?|weeks?|months?|years?|hours?|minutes?"
    r"|mins?|times?|st|nd|rd|th)\b)",
    re.ASCII,
)
_LED = re.compile(
    r"\b(?:at|after|before|until|till|around|about|by|past|between|since|than)"
    "(?: about| around)? $",
    re.ASCII,
)
# "9-11点", "9 to 11 am": the first hour has its name from the second.
_FIRST_OF_TWO = re.compile(
    rf"(?:(?P<part>{ZH_PART})的? ?)?(?<![0-9:./a-z])(?P<hour>{_ZH_HOUR}) ?(?:-|到|至|to|and) ?"
    rf"(?={_ZH_HOUR}[点时]|[0-9]{{1,2}}(?::[0-5][0-9])? ?[ap]\.?m)",
    re.ASCII,
)
_TO = re.compile(r" ?(?:-|到|至|to|until|till|and) ?", re.ASCII)
_FROM_AFTER = re.compile(
    r" ?(?:以后|之后|往后|过后|后(?!天|来)|起|开始|or later|onwards?|and later)"
)
_FROM_BEFORE = re.compile(
    r"(?:\b(?:after|from|since|past|not before|no earlier than|later than)|过了"
    "|晚于|不早于|最早) ?$",
    re.ASCII,
)
_UNTIL_AFTER = re.compile(r" ?(?:以前|之前|前(?!天|面|后)|or earlier|or before|and earlier)")
_UNTIL_BEFORE = re.compile(
    r"(?:\b(?:before|by|until|till|not after|no later than|earlier than)|早于|不晚于|最晚) ?$",
    re.ASCII,
)
_ROUGHLY = re.compile(r" ?(?:左右|前后|上下|多|or so|ish)")


@dataclass(frozen=True)
class TimeMention:
    """A time of the day. `start` to `end` in which to come; `clock` when one moment was named."""

    span: Span
    start: time
    end: time
    part: Part | None = None
    clock: time | None = None
    next_day: bool = False  # "晚上十二点" begins the day after the one that was named
    wanted: bool = True

    def includes(self, moment: time) -> bool:
        return self.start <= moment <= self.end


def find_times(text: str) -> list[TimeMention]:
    """Every time of the day, in its order; what is refused ("不是上午") is not `wanted`."""
    return times_in(plain(text))


def times_in(same: str) -> list[TimeMention]:
    """The same for a text in the one spelling."""
    clocks = _with_limits(same, _one_after_another(_clocks(same)))
    parts = [
        TimeMention(match.span(), *HOURS[part], part)
        for match in _PART.finditer(same)
        if (part := part_of(match[0]))
        and not any(touches(match.span(), clock.span) for clock in clocks)
    ]
    mentions = sorted([*_joined_to_parts(same, clocks, parts)], key=lambda mention: mention.span)
    turned = refusals(same, [mention.span for mention in mentions])
    return [
        replace(mention, span=no or mention.span, wanted=no is None)
        for mention, no in zip(mentions, turned, strict=True)
    ]


def part_of(word: str) -> Part | None:
    """Which part of the day a word names: "late at night" is not "night"."""
    if word in _SHORT:
        return _SHORT[word]
    return next((part for part, words in _WHICH_PART if words.fullmatch(word)), None)


def _clocks(same: str) -> Iterator[TimeMention]:
    for pattern in (_FIRST_OF_TWO, _ZH_CLOCK, _COLON, _EN_CLOCK):
        for match in pattern.finditer(same):
            mention = _clock(same, match)
            if mention is not None:
                yield mention


def _clock(same: str, match: re.Match[str]) -> TimeMention | None:
    named = match.groupdict()
    hour, minute = whole(named["hour"]), _minute(named)
    if hour is None or minute is None or hour > 24:
        return None
    if match.re is _ZH_CLOCK and _is_a_little(same, match):
        return None
    if match.re is _EN_CLOCK and not (
        named["sure"] or named["minute"] or named["shift"] or named["part"] or named["night"]
        or _LED.search(same, max(0, match.start() - 16), match.start())
    ):  # fmt: skip
        return None
    part = part_of(named["part"]) if named["part"] else Part.EVENING if named.get("night") else None
    half_day = named.get("half_day")
    if half_day is None and match.re is _FIRST_OF_TWO:
        half_day = _half_day_of_second(same, match.end())
    if half_day:
        hour = hour % 12 + (12 if half_day == "p" else 0)
    elif part is None:
        hour = hour + 12 if 1 <= hour <= 6 and named["hour"][0] != "0" else hour
    minutes = _in_part(hour, part) * 60 + minute
    next_day = minutes >= 24 * 60
    moment = time(minutes // 60 % 24, minutes % 60)
    start, end = match.span()
    if match.re is _FIRST_OF_TWO:
        end = match.end("hour")
    return TimeMention((start, end), moment, moment, part, moment, next_day)


def _minute(named: dict[str, str | None]) -> int | None:
    shift = named.get("shift") or ""
    if shift:
        word = shift.removeprefix("a ").split()[0]
        minutes = {"half": 30, "quarter": 15}.get(word) or whole(word) or 0
        return -minutes if shift.endswith(" to") else minutes
    if named.get("half"):
        return 30
    if quarters := named.get("quarters"):
        return 15 if quarters in "一1" else 45
    if written := named.get("minute"):
        minute = whole(written)
        return minute if minute is not None and minute < 60 else None
    return 0


def _in_part(hour: int, part: Part | None) -> int:
    """The hour of a clock of 24, where "晚上十二点" is 24 and "晚上一点" 25."""
    if part in (Part.EVENING, Part.NIGHT):
        if hour == 12:
            return 24
        return hour + 24 if hour <= 4 else hour + 12 if hour < 12 else hour
    if part is Part.AFTERNOON:
        return hour + 12 if hour < 12 else hour
    if part is Part.NOON:
        return hour + 12 if hour <= 3 else hour
    if part is Part.SMALL_HOURS:
        return hour % 12
    return hour


def _is_a_little(same: str, match: re.Match[str]) -> bool:
    """ "早一点", "有一点疼", "两点建议": a little, or points of a list."""
    if match["hour"] not in ("一", "1") or match["part"]:
        return False
    if match["half"] or match["quarters"] or match["minute"] or match[0].endswith(("钟", "整")):
        return False
    if match.span() == (0, len(same.rstrip(" 。,吧?"))):
        return False
    followed = (_FROM_AFTER, _UNTIL_AFTER, _ROUGHLY, _TO)
    return not any(pattern.match(same, match.end()) for pattern in followed)


_SECOND_HALF_DAY = re.compile(rf"[0-9]{{1,2}}(?::[0-5][0-9])? ?{_HALF_DAY}", re.ASCII)


def _half_day_of_second(same: str, start: int) -> str | None:
    second = _SECOND_HALF_DAY.match(same, start)
    return second["half_day"] if second else None


def _one_after_another(mentions: Iterator[TimeMention]) -> list[TimeMention]:
    """Where two readings overlap, the longer stays."""
    kept: list[TimeMention] = []
    for mention in sorted(mentions, key=lambda one: one.span[0] - one.span[1]):
        if not any(touches(mention.span, other.span) for other in kept):
            kept.append(mention)
    return sorted(kept, key=lambda mention: mention.span)


def _with_limits(same: str, clocks: list[TimeMention]) -> list[TimeMention]:
    """Join "九点到十一点", and open what has an "以后" or a "before"."""
    joined: list[TimeMention] = []
    for clock in clocks:
        first = joined[-1] if joined else None
        if first and first.clock and _TO.fullmatch(same, first.span[1], clock.span[0]):
            second = _inherit(first, clock)
            joined[-1] = replace(
                first, span=(first.span[0], clock.span[1]), end=second.start, clock=None
            )
        else:
            joined.append(clock)
    return [_limited(same, clock) if clock.clock else clock for clock in joined]


def _inherit(first: TimeMention, second: TimeMention) -> TimeMention:
    """ "下午一点到三点", "晚上七点到八点": the second hour is in the first one's part."""
    hour = second.start.hour
    late = first.part in (Part.AFTERNOON, Part.EVENING, Part.NIGHT, Part.NOON)
    if second.part is None and late and hour < 12 and hour + 12 > first.start.hour:
        moment = second.start.replace(hour=hour + 12)
        return replace(second, start=moment, end=moment, clock=moment)
    return second


def _limited(same: str, clock: TimeMention) -> TimeMention:
    start, end = clock.span
    first, last = HOURS[clock.part] if clock.part else DAY
    last = max(last, clock.start)
    lead = same[max(0, start - 20) : start]
    if match := _FROM_AFTER.match(same, end):
        return replace(clock, span=(start, match.end()), end=last, clock=None)
    if match := _UNTIL_AFTER.match(same, end):
        return replace(clock, span=(start, match.end()), start=min(first, clock.start), clock=None)
    if match := _ROUGHLY.match(same, end):
        return replace(clock, span=(start, match.end()))
    if match := _FROM_BEFORE.search(lead):
        return replace(clock, span=(start - len(match[0]), end), end=last, clock=None)
    if match := _UNTIL_BEFORE.search(lead):
        return replace(
            clock, span=(start - len(match[0]), end), start=min(first, clock.start), clock=None
        )
    return clock


def _in_its_part(part: TimeMention, clock: TimeMention) -> TimeMention | None:
    """The clock read within the part; None when it speaks of another."""
    span = (part.span[0], clock.span[1])
    if part.includes(clock.start):
        return replace(clock, span=span, part=part.part)
    if clock.start.hour < 12 and part.includes(clock.start.replace(hour=clock.start.hour + 12)):
        moment = clock.start.replace(hour=clock.start.hour + 12)  # "tonight at 8"
        end = moment if clock.end == clock.start else max(clock.end, moment)
        return replace(
            clock, span=span, start=moment, end=end, part=part.part, clock=clock.clock and moment
        )
    return None


_NEXT_TO = re.compile(r"[ ,的]{0,2}(?:in the |at )?", re.ASCII)


def _joined_to_parts(
    same: str, clocks: list[TimeMention], parts: list[TimeMention]
) -> Iterator[TimeMention]:
    """ "上午, 10:00" is one time of which both speak."""
    used: set[Span] = set()
    for clock in clocks:
        near = [
            part
            for part in parts
            if part.span[1] <= clock.span[0]
            and _NEXT_TO.fullmatch(same, part.span[1], clock.span[0])
        ]
        together = _in_its_part(near[-1], clock) if near and clock.part is None else None
        if together is None:
            yield clock
        else:
            used.add(near[-1].span)
            yield together
    yield from (part for part in parts if part.span not in used)
