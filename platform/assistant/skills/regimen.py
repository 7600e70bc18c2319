"""When a medicine is taken, read from a patient's words: which, how much, how often, until when.

Nothing here advises: what was said is kept, and said again for the patient to agree to.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.dates import find_days
from assistant.reading.measures import find_durations
from assistant.reading.numbers import ZH_COUNT, whole
from assistant.reading.spelling import plain
from assistant.reading.times import TimeMention, find_times
from assistant.skills.days import day_in_words
from assistant.talk import Found, Talk
from assistant.talk import Slot as Needs
from careplans.models import Meal
from careplans.timing import FROM_MEAL, MEALS, MOST_A_DAY, dose_times
from records.drugbook import find_drugs

FOR_GOOD = "for_good"
MOST_NAME = 24  # characters of a medicine's name that somebody types
LONGEST = timedelta(days=366)

_KINDS = re.compile(
    r"(?:降血?压|降血?糖|降血?脂|高血压|糖尿病|心脏病?|胃|感冒|消炎|止[痛疼]|安眠|抗凝|甲状腺|避孕|抗病毒|退烧|哮喘|抗?过敏|痛风|精神|抑郁|补铁|补钙|中|西)(?:药片|药水|药|片)"
    r"|胰岛素|钙片|叶酸片?|铁剂|维生素 ?[a-z]?[0-9]*|眼药水|滴眼液|中成药|汤药"
    r"|\b(?:blood pressure|bp|blood sugar|diabetes|cholesterol|heart|thyroid|allergy|asthma|sleeping|iron|pain|water)"
    r" (?:pills?|tablets?|medicines?|medication|meds?)\b|\binsulin\b|\bvitamins? ?[a-z]?[0-9]*\b|\bfolic acid\b|\binhaler\b|\beye drops\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:(?:就|是|我|要|想|吃的?|在吃|服|用|叫做?|提醒我|按时|那个|医生开的|it'?s|it is|the|my|called|i take|i am taking|i'm taking)\s*)+",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"[??]|吗$|怎么|什么|哪|为什么|不知道|忘了|\b(?:what|how|why|when|where)\b", re.IGNORECASE
)
_CORRECTS = re.compile(r"不是|不对|错了|应该是|\b(?:not|sorry|i mean)\b", re.IGNORECASE)
_DOSE = re.compile(
    rf"(?:一次|每次|一顿)?(?:{ZH_COUNT}|半) ?(?:片|粒|颗|支|袋|包|毫克|毫升|微克|单位|滴|喷|揿|丸|勺)"
    r"|(?<![0-9.])[0-9.]+ ?(?:mg|g|ml|mcg|iu|units?)\b"
    r"|\b(?:one|two|half a|half|[0-9.]+) (?:tablets?|pills?|capsules?|puffs?|drops?|units?|spoons?)\b",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    rf"(?:一天|每天|每日|一日|天天|日|1天|1日) ?(?:吃|服|用|喝|打)?药? ?(?P<zh>{ZH_COUNT}) ?[次回遍顿]"
    r"|(?P<once>once)(?: a day| daily| every day)|(?P<twice>twice)(?: a day| daily| every day)?"
    r"|(?P<en>one|two|three|four|five|six|[0-9]) times?(?: a day| daily| per day| every day)"
    rf"|每(?:隔)?(?P<hours>{ZH_COUNT})个?(?:小时|钟头)|every (?P<hours_>[0-9]{{1,2}}|four|six|eight|twelve) hours",
    re.IGNORECASE,
)
_BARE_COUNT = re.compile(
    rf"(?P<zh>{ZH_COUNT}|one|two|three|four|once|twice) ?(?:[次回遍顿]|times?)?", re.IGNORECASE
)
# Parts of a day by the meal that they go with.
_PARTS = {
    "breakfast": r"早(?!饭|餐|点(?!药)|些|日)|\bmornings?\b|\bbreakfast\b|早[饭餐]",
    "lunch": r"中午|午[饭餐]|(?<=早)中(?=晚)|\bnoon\b|\blunch\b|\bmidday\b",
    "dinner": r"晚(?!点|些|一)|\bevenings?\b|\bdinner\b|\bsupper\b|\bnights?\b",
    "bedtime": r"睡前|临睡|睡觉前?|\bbedtime\b|\bbefore (?:bed|sleep)\b",
}
_MEAL = {
    Meal.BEDTIME: r"睡前|临睡|睡觉前|\bbedtime\b|\bbefore (?:bed|sleep)\b",
    Meal.BEFORE: r"[饭餐]前|空腹|\bbefore (?:meals?|food|eating|breakfast|lunch|dinner)\b|\bempty stomach\b",
    Meal.AFTER: r"[饭餐]后|吃(?:完|过)饭|\bafter (?:meals?|food|eating|breakfast|lunch|dinner)\b",
    Meal.WITH: r"随餐|[饭餐]中|(?:和|跟|随)(?:着)?饭|\bwith (?:meals?|food|breakfast|lunch|dinner)\b",
}  # fmt: skip
_NO_MEAL = re.compile(
    r"不(?:限|讲究|一定|分)|无所谓|没(?:说|要求|讲究)|都(?:行|可以)|随便|不知道|不清楚|\b(?:any ?time|any|no matter|doesn'?t matter|either|not sure|don'?t know)\b",
    re.IGNORECASE,
)
_OWN_MEAL = re.compile(
    r"(?P<breakfast>早饭|早餐|breakfast)|(?P<lunch>午饭|午餐|中饭|lunch)|(?P<dinner>晚饭|晚餐|dinner|supper)|(?P<bedtime>睡觉|睡(?!前)|go to bed|bed at)",
    re.IGNORECASE,
)
_FOR_GOOD = re.compile(
    r"长期|一直(?:吃|要|都)?|天天(?:吃|都)|终身|一辈子|不(?:停|定)|没有?(?:期限|结束|说)|不知道|\b(?:long[- ]term|for good|always|forever|ongoing|no end|indefinitely|keep (?:on|going)|don'?t know)\b",
    re.IGNORECASE,
)
_LASTS = re.compile(r"(?:吃|服|用|连|疗程|共|提醒|\bfor)[^,，。]{0,6}$", re.IGNORECASE)
_ENDS = re.compile(r"(?:到|至|截止|直到|\buntil|\btill|\bto)[^,，。]{0,3}$", re.IGNORECASE)


# --- which and how much --------------------------------------------------------------------------


def read_medicine(talk: Talk, asked: bool) -> Found | None:
    """A medicine by its name or by what it is for; where it was asked for, as somebody calls it."""
    words = talk.words
    named = [each for each in find_drugs(words) if not each.name.vague]
    if named:
        meant = named[-1] if _CORRECTS.search(words) else named[0]
        return Found(words[meant.start : meant.end], [each.span for each in named])
    if kind := _KINDS.search(words):
        return Found(kind[0], [kind.span()])
    called = _LEAD.sub("", words.strip(" 。.!！"))
    if not asked or _NO_NAME.search(words) or not 1 < len(called) <= MOST_NAME:
        return None
    if any(read(talk, False) for read in (read_often, read_until, read_meal)):
        return None
    return Found(called, [(0, len(words))])


def read_dose(talk: Talk, asked: bool) -> Found | None:
    found = _DOSE.search(talk.words)
    return Found(found[0].strip(), [found.span()]) if found else None


# --- how often -----------------------------------------------------------------------------------


def read_often(talk: Talk, asked: bool) -> Found | None:
    """{"clock": […]} where hours were named, {"parts": […]} by meals, {"count": n} a day."""
    same = plain(talk.words)
    clocks = [each for each in _hours(same) if not _is_a_meal(same, each)]
    if clocks:
        hours = sorted({f"{each.clock:%H:%M}" for each in clocks})
        return Found({"clock": hours}, [each.span for each in clocks])
    if counted := _COUNTS.search(same):
        count = _count(counted)
        parts, spans = _parts(same)
        if count is not None and len(parts) == count:
            return Found({"parts": parts}, [counted.span(), *spans])
        return Found({"count": count}, [counted.span()]) if count else None
    parts, spans = _parts(same)
    if parts and (
        asked
        or re.search(r"每|天天|都|早晚|早中晚|睡前|提醒|\b(?:every|each|daily|remind)\b", same)
    ):
        lead = [each.span() for each in re.finditer(r"每天|天天|每日|every|each|day", same)]
        return Found({"parts": parts}, [*spans, *lead])
    bare = _BARE_COUNT.fullmatch(same.strip(" 。.!")) if asked else None
    if bare and (count := _whole(bare["zh"])):
        return Found({"count": count}, [(0, len(talk.words))])
    return None


def _hours(same: str) -> list[TimeMention]:
    return [each for each in find_times(same) if each.wanted and each.clock is not None]


def _is_a_meal(same: str, at: TimeMention) -> bool:
    """ "六点半吃早饭" tells when somebody eats."""
    before, after = same[max(0, at.span[0] - 8) : at.span[0]], same[at.span[1] : at.span[1] + 6]
    return bool(
        re.search(
            r"(早[饭餐]|午[饭餐]|中饭|晚[饭餐]|睡觉?|breakfast|lunch|dinner|bed)[^,，。]{0,5}(at )?$",
            before,
        )
        or re.match(r"[^,，。]{0,2}(吃|用)?(早[饭餐]|午[饭餐]|中饭|晚[饭餐]|睡觉)(?!后|前)", after)
    )


def _count(counted: re.Match[str]) -> int | None:
    if counted["once"]:
        return 1
    if counted["twice"]:
        return 2
    if hours := counted["hours"] or counted["hours_"]:
        every = _whole(hours)
        return 24 // every if every and 24 % every == 0 else None
    return _whole(counted["zh"] or counted["en"])


def _whole(word: str) -> int | None:
    return {"once": 1, "twice": 2}.get(word.casefold()) or whole(word.casefold())


def _parts(same: str) -> tuple[list[str], list[tuple[int, int]]]:
    found = {name: re.search(words, same) for name, words in _PARTS.items()}
    if found["bedtime"] and found["dinner"] and not re.search(r"和|及|,|\band\b", same):
        # "每晚睡前", "every night before bed": one hour, named twice
        found["dinner"] = None
    named = {name: match.span() for name, match in found.items() if match}
    return list(named), list(named.values())


def read_meal(talk: Talk, asked: bool) -> Found | None:
    same = plain(talk.words)
    for meal, words in _MEAL.items():
        if found := re.search(words, same):
            return Found(str(meal.value), [found.span()])
    if asked and (found := _NO_MEAL.search(same)):
        return Found("", [found.span()])
    return None


def read_meals(talk: Talk, asked: bool) -> Found | None:
    """When this patient eats and sleeps: {"breakfast": "06:30"}."""
    same = plain(talk.words)
    own: dict[str, str] = {}
    spans: list[tuple[int, int]] = []
    for at in _hours(same):
        if not _is_a_meal(same, at):
            continue
        near = [each for each in _OWN_MEAL.finditer(same) if abs(each.start() - at.span[0]) < 14]
        if near:
            meal = min(near, key=lambda each: abs(each.start() - at.span[0]))
            assert meal.lastgroup is not None and at.clock is not None
            own[meal.lastgroup] = f"{_hour_of(meal.lastgroup, at.clock):%H:%M}"
            spans += [at.span, meal.span()]
    return Found({**(talk.facts.get("meals") or {}), **own}, spans) if own else None


def _hour_of(meal: str, at: time) -> time:
    """ "六点半吃早饭" is in the morning, though a bare six is not."""
    if meal == "breakfast" and at.hour >= 12:
        return at.replace(hour=at.hour - 12)
    return at.replace(hour=at.hour + 12) if meal == "dinner" and at.hour < 12 else at


# --- until when ----------------------------------------------------------------------------------


def read_until(talk: Talk, asked: bool) -> Found | None:
    """The last day, or FOR_GOOD."""
    same = plain(talk.words)
    for day in find_days(talk.words, today=talk.today):
        last = day.last or day.first
        if day.wanted and last > talk.today and (asked or _ENDS.search(same[: day.span[0]])):
            return Found(last.isoformat(), [day.span])
    for lasting in find_durations(talk.words):
        if timedelta(days=1) <= lasting.length <= LONGEST and (
            asked or _LASTS.search(same[: lasting.span[0]])
        ):
            last = talk.today + lasting.length - timedelta(days=1)
            return Found(last.isoformat(), [lasting.span])
    found = _FOR_GOOD.search(same)
    if found and (asked or not found[0].startswith(("不", "没", "don"))):
        return Found(FOR_GOOD, [found.span()])
    return None


# --- in words ------------------------------------------------------------------------------------


class TooOften(Exception):
    """More often than a reminder can help with."""


def hours_of(often: Mapping[str, Any], *, meal: str, meals: Mapping[str, str]) -> list[time]:
    """The hours to remind at, by the patient's own meals. Raises TooOften."""
    if clock := often.get("clock"):
        hours = [time.fromisoformat(each) for each in clock]
    elif parts := often.get("parts"):
        hours = [_hour(name, meal, meals) for name in parts]
    else:
        if not 1 <= often["count"] <= MOST_A_DAY:
            raise TooOften
        hours = dose_times(often["count"], meal=meal, meals=meals)
    if len(hours) > MOST_A_DAY:
        raise TooOften
    return sorted(set(hours))


def _hour(part: str, meal: str, meals: Mapping[str, str]) -> time:
    at = time.fromisoformat(meals.get(part) or MEALS[part])
    shift = timedelta() if part == "bedtime" else FROM_MEAL.get(meal, timedelta())
    minutes = at.hour * 60 + at.minute + round(shift.total_seconds() / 60)
    return time(minutes // 60 % 24, minutes % 60)


def clock_in_words(hours: Sequence[time]) -> str:
    return _(", ").join(f"{each:%H:%M}" for each in hours)


def until_in_words(until: str, *, english: bool) -> str:
    if until == FOR_GOOD:
        return _("you tell me to stop")
    return day_in_words(date.fromisoformat(until), english=english)


def _show_often(often: Mapping[str, Any]) -> str:
    if clock := often.get("clock"):
        return ", ".join(clock)
    if parts := often.get("parts"):
        names = {
            "breakfast": _("at breakfast time"),
            "lunch": _("noon"),
            "dinner": _("evening"),
            "bedtime": _("bedtime"),
        }
        return _(", ").join(names[part] for part in parts)
    return _("%(count)s times a day") % {"count": often.get("count")}


MEDICINE = Needs("medicine", gettext_lazy("Medicine"), read_medicine, clears=("sure", "rx"))
DOSE = Needs("dose", gettext_lazy("Dose, as the patient says"), read_dose, clears=("sure",))
OFTEN = Needs("often", gettext_lazy("How often"), read_often, clears=("sure",), show=_show_often)
MEAL = Needs("meal", gettext_lazy("With meals"), read_meal, clears=("sure",))
MEALS_AT = Needs("meals", gettext_lazy("Meal times"), read_meals, clears=("sure",), show=None)
UNTIL = Needs("until", gettext_lazy("Until"), read_until, clears=("sure",))
