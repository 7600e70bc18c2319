"""The days in a message, in Chinese and English: which, and whether they are wanted.

What is ambiguous means here:
- a week begins on Monday; 这周三 is the one of this week even when it is over, 下周三 and "next
  Wednesday" the one of next week, also when said on a Sunday;
- a bare 周三, "Wednesday" or "this Wednesday" is the coming one, today included; a bare 5号 or
  "the 5th" that is over is next month's, a bare 5月3日 next year's; of the past (`back`) the last;
- in a list each bare word is the coming one, unless one with its week or month stands before it
  (下周三、周四); in a range the second follows the first (28号到2号);
- 31号 is the next month that has one, 2月29日 the next leap year; 2月30日 is no day;
- after midnight 今天 is the day that has just begun, and 今晚 its evening; 晚上十二点 and the small
  hours said of an evening belong to the day after;
- 月初 is a month's first 7 days, 上旬 its first 10, 月中 11 to 20, 月底 the last 7; 年底 December;
- 这两天 is today and two more days, 这几天 three more, 过几天 and "in a few days" 2 to 5 days on;
- 以内 and "within" count from today and include the last day; 以前 and "before" end the day before,
  "by" with the day; 以后, 起 and "from" begin with the day, "after" and 之后 the day after;
- solar terms and days of the lunar calendar (腊月二十三) are left unread, feasts are known by the
  hospital's own holidays, else by law or by a table of their lunar days.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from assistant.reading import chinese_days, english_days, figure_days
from assistant.reading.almanac import Today, plus
from assistant.reading.day_words import READ, DayWord, Kind, Rules
from assistant.reading.refusals import refusals
from assistant.reading.spelling import has_han, plain
from assistant.reading.times import TimeMention, times_in
from triage.reading import Span

_TO = re.compile(r" ?(?:-|到|至|to|until|till?|through|thru) ?(?:the |on )?", re.ASCII)
_BETWEEN = re.compile(r"\bbetween $", re.ASCII)
_AND = re.compile(r" ?(?:and|到|和|与) ?(?:the )?", re.ASCII)
_LISTED = re.compile(
    r"(?:[ ,/&+的上下午]|或者?|还是|和|跟|与|以及|\bor\b|\band\b|不是|是)*", re.ASCII
)
_MOVED = re.compile(
    r"的?(?:号|预约)?,? ?(?:改|换|调|挪|移|推迟?|提前|变)(?:到|成|为|至|在)? ?| ?(?:->|=>|→) ?"
)
_MOVE = re.compile(r"\b(?:change|move|switch|reschedule|shift|postpone)\b.{0,30}$", re.ASCII)
_ON = re.compile(
    r" ?(?:的|这天)? ?(?:以后|往后|后(?![天来背])|起|开始|onwards?|or later|and after)"
)
_AFTER = re.compile(r" ?的?之后|过后")
_BEFORE = re.compile(r" ?的?(?:以前|之前|前(?![天面]))|  ?or (?:earlier|before)")
_WITHIN = re.compile(r" ?(?:以内|之内|内)")
_LEAD_BY = re.compile(
    r"(?:\b(?:by|until|till|no later than|not later than|latest)(?: the)?|最晚"
    "|最迟|不晚于|截止到?|(?<![改换调挪移推迟前变周])到) ?$",
    re.ASCII,
)
_LEAD_BEFORE = re.compile(r"(?:\b(?:before|earlier than)(?: the)?|早于|赶在) ?$", re.ASCII)
_LEAD_AFTER = re.compile(r"(?:\b(?:after|later than)(?: the)?|过了|晚于) ?$", re.ASCII)
_LEAD_ON = re.compile(
    r"(?:\b(?:from|since|starting|starting from|as of|not before)(?: the| on)?|从|自) ?$", re.ASCII
)
_TIME_AFTER = re.compile(
    r"(?:[ ,的]|\bin the\b|\bat\b|\baround\b|\babout\b|\bfrom\b|大概|大约|差不多|不是|是)*",
    re.ASCII,
)
_TIME_BEFORE = re.compile(r"(?:[ ,的]|\bon\b|\bof\b)*", re.ASCII)
_TIME_LISTED = re.compile(r"(?:[ ,/]|或者?|和|还是|不是|是|\bor\b|\band\b)*", re.ASCII)
_ANY = re.compile("随时|随便|任何|哪|什么|any|every|whenever")
_WIDE = re.compile(
    r"(?:都|也)(?:行|可以|成|没问题|有空|好)|\bany(?:thing|time| day)\b|\beverything\b", re.ASCII
)


@dataclass(frozen=True)
class DayMention:
    """Days somebody named, from `first` to `last` or from `first` on; not `wanted`: refused."""

    span: Span
    first: date
    last: date | None
    kind: Kind
    time: TimeMention | None = None
    weekdays: frozenset[int] = frozenset()  # only these; empty for all
    wanted: bool = True

    def includes(self, day: date) -> bool:
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        return self.first <= day and (self.last is None or day <= self.last)


def find_days(
    text: str,
    *,
    today: date,
    holidays: Mapping[date, object] | None = None,  # a name, or a row with a `name`
    back: bool = False,
) -> list[DayMention]:
    """Every day of a message, in its order. `back`: it answers a question about the past."""
    same = plain(text)
    seen_from = Today(today, back, holidays)
    words, unread = _words(same, seen_from)
    words = _one_after_another(words, same, seen_from)
    mentions = [_limited(same, word, seen_from) for word in words]
    mentions = _wanted(same, mentions)
    mentions = _with_times(same, mentions, times_in(unread))
    return _or_any_other(same, mentions, today)


def _words(same: str, today: Today) -> tuple[list[DayWord], str]:
    """The words for days, and the text without them: what is read is not read again."""
    words: list[DayWord] = []
    unread = same
    for rules in _rules(same):
        for pattern, read in rules:
            for match in pattern.finditer(unread):
                found = list(read(match, today))
                words += found
                # What is no day (2月30日) is none to a shorter rule either; but 3-5 may be.
                refused = [] if rules is figure_days.RULES else [match.span()]
                for start, end in [word.span for word in found] or refused:
                    unread = unread[:start] + READ * (end - start) + unread[end:]
    return sorted(words, key=lambda word: word.span), unread


def _rules(same: str) -> Iterator[Rules]:
    if any(character.isdigit() for character in same):
        yield figure_days.RULES
    if has_han(same):
        yield chinese_days.RULES
    if any("a" <= character <= "z" for character in same):
        yield english_days.RULES


def _one_after_another(words: list[DayWord], same: str, today: Today) -> list[DayWord]:
    """Read a bare word by the one before it, and join "周三到周五" to one range."""
    joined: list[DayWord] = []
    for word in words:
        before = joined[-1] if joined else None
        if before is None:
            joined.append(word)
            continue
        between = same[before.span[1] : word.span[0]]
        is_range = bool(_TO.fullmatch(between)) and not _moves(same, before)
        lead = same[max(0, before.span[0] - 10) : before.span[0]]
        is_range |= bool(_AND.fullmatch(between) and _BETWEEN.search(lead))
        if is_range or (before.bare is None and _LISTED.fullmatch(between)):
            word = _seen_from(before, word, today)  # noqa: PLW2901
        if is_range and before.last and word.last and before.first <= word.last:
            joined[-1] = _range(before, word, today)
        else:
            joined.append(word)
    return joined


def _moves(same: str, word: DayWord) -> bool:
    """ "change Wednesday to Friday" names two days, not three."""
    return bool(_MOVE.search(same[: word.span[0]]))


def _seen_from(before: DayWord, word: DayWord, today: Today) -> DayWord:
    """ "下周三、周四": the second is in the first one's week; after 12月3号, 5号 is in December."""
    if word.bare is None or (before.bare is not None and word.first >= before.first):
        return word
    day = word.bare(Today(before.first, holidays=today.holidays))
    if day is None or day - before.first > timedelta(days=31):
        return word
    return replace(word, first=day, last=day)


def _range(first: DayWord, last: DayWord, today: Today) -> DayWord:
    start = first.first
    span = (first.span[0], last.span[1])
    if first.bare and last.last and not today.back:
        running = plus(start, -7), plus(last.last, -7)
        if running[0] and running[1] and running[0] < today.day <= running[1]:
            # "周三到周五" on a Thursday: what is left of it.
            return DayWord(span, today.day, running[1], Kind.RANGE)
    return DayWord(span, start, last.last, Kind.RANGE)


def _limited(same: str, word: DayWord, today: Today) -> DayMention:
    """Open what has an 以后, a "before" or a "by"."""
    mention = DayMention(word.span, word.first, word.last, word.kind, None, word.weekdays)
    start, end = word.span
    if mention.last is None:
        return mention
    lead = same[max(0, start - 18) : start]
    if _MOVED.match(same, end) or _moves(same, word):
        return mention
    after = plus(mention.last, 1)
    if (found := _AFTER.match(same, end)) and after:
        return replace(mention, span=(start, found.end()), first=after, last=None, kind=Kind.RANGE)
    if found := _BEFORE.match(same, end):
        return _until(mention, _eve(same, mention), (start, found.end()), today)
    if found := _ON.match(same, end):
        first = mention.first if word.kind is Kind.EXACT else after or mention.first
        first = mention.first if found[0].strip() in ("起", "开始") else first
        return replace(mention, span=(start, found.end()), first=first, last=None, kind=Kind.RANGE)
    if found := _WITHIN.match(same, end):
        return _until(mention, mention.last, (start, found.end()), today)
    if (found := _LEAD_AFTER.search(lead)) and after:
        wide = (start - len(found[0]), end)
        return replace(mention, span=wide, first=after, last=None, kind=Kind.RANGE)
    if found := _LEAD_BEFORE.search(lead):
        return _until(mention, _eve(same, mention), (start - len(found[0]), end), today)
    if found := _LEAD_BY.search(lead):
        return _until(mention, mention.last, (start - len(found[0]), end), today)
    if (found := _LEAD_ON.search(lead)) and word.kind is Kind.EXACT:
        wide = (start - len(found[0]), end)
        return replace(mention, span=wide, last=None, kind=Kind.RANGE)
    return mention


def _eve(same: str, mention: DayMention) -> date | None:
    """The day before; "月底前" and "before the end of the month" mean before it is over."""
    word = same[mention.span[0] : mention.span[1]]
    if word.endswith("底") or "end of" in word:
        return mention.last
    return plus(mention.first, -1)


def _until(mention: DayMention, last: date | None, span: Span, today: Today) -> DayMention:
    last = last or mention.first
    return replace(mention, span=span, first=min(today.day, last), last=last, kind=Kind.RANGE)


def _wanted(same: str, mentions: list[DayMention]) -> list[DayMention]:
    turned = refusals(same, [mention.span for mention in mentions])
    told = [
        replace(mention, span=no or mention.span, wanted=no is None)
        for mention, no in zip(mentions, turned, strict=True)
    ]
    for nth in range(len(told) - 1):
        between = same[told[nth].span[1] : told[nth + 1].span[0]]
        moved = _MOVED.fullmatch(between)
        moved = moved or (_TO.fullmatch(between) and _MOVE.search(same[: told[nth].span[0]]))
        if moved:
            told[nth] = replace(told[nth], wanted=False)
    return told


def _with_times(
    same: str, mentions: list[DayMention], times: list[TimeMention]
) -> list[DayMention]:
    """Give each day its time: behind it, before it, or at the end of a list of days."""
    timed = list(mentions)
    extra: list[DayMention] = []
    for time in times:
        nth = _day_of(same, time, timed)
        if nth is None:
            listed = _listed_before(same, time, [*timed, *extra])
            if listed is not None:
                extra.append(_at(replace(listed, span=time.span, wanted=True), time))
            continue
        timed[nth] = _at(timed[nth], time)
        for earlier in reversed(range(nth)):
            between = same[timed[earlier].span[1] : mentions[earlier + 1].span[0]]
            if timed[earlier].time or between.strip(" ") not in _LISTS:
                break
            timed[earlier] = replace(_at(timed[earlier], time), span=timed[earlier].span)
    return sorted([*timed, *extra], key=lambda mention: mention.span)


_LISTS = frozenset(("", ",", "或", "或者", "和", "跟", "or", "and", "/"))


def _day_of(same: str, time: TimeMention, mentions: list[DayMention]) -> int | None:
    for nth, mention in enumerate(mentions):
        if mention.time is not None or mention.kind is Kind.OPEN:
            continue
        if mention.span[1] <= time.span[0] and _TIME_AFTER.fullmatch(
            same, mention.span[1], time.span[0]
        ):
            return nth
    for nth, mention in enumerate(mentions):
        if mention.time is not None or mention.kind is Kind.OPEN:
            continue
        if time.span[1] <= mention.span[0] and _TIME_BEFORE.fullmatch(
            same, time.span[1], mention.span[0]
        ):
            return nth
    return None


def _listed_before(same: str, time: TimeMention, mentions: list[DayMention]) -> DayMention | None:
    """The day whose other time has just been named: "明天上午或者下午"."""
    for mention in reversed(mentions):
        end = mention.span[1]
        if mention.time and end <= time.span[0] and _TIME_LISTED.fullmatch(same, end, time.span[0]):
            return mention
    return None


def _at(mention: DayMention, time: TimeMention) -> DayMention:
    first, last = mention.first, mention.last
    if time.next_day:
        first, last = plus(first, 1) or first, last and (plus(last, 1) or last)
    span = min(mention.span[0], time.span[0]), max(mention.span[1], time.span[1])
    wanted = mention.wanted and time.wanted
    return replace(mention, span=span, first=first, last=last, time=time, wanted=wanted)


def _says_any(same: str, mention: DayMention) -> bool:
    """ "any day next week": what it says of the week is no day of its own."""
    return mention.kind is Kind.OPEN and bool(_ANY.match(same, *mention.span))


def _or_any_other(same: str, mentions: list[DayMention], today: date) -> list[DayMention]:
    """ "除了周五都行", "anything but Friday": all others are wanted."""
    if any(mention.wanted and mention.kind is not Kind.OPEN for mention in mentions):
        return [mention for mention in mentions if not _says_any(same, mention)]
    if not mentions or any(mention.wanted for mention in mentions):
        return mentions
    found = _WIDE.search(same)
    if found is None:
        return mentions
    every = DayMention(found.span(), today, None, Kind.OPEN)
    return sorted([*mentions, every], key=lambda mention: mention.span)
