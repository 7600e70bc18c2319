"""Is a day, a time or a person named because it is wanted, or because it is not?"""

import re

from triage.reading import Span

_LOOK_BACK, _LOOK_ON = 32, 32  # characters around a mention that can turn it

_BEFORE = re.compile(
    "(?:(?<!是)(?<!要)不是(?!不)|(?<!要)不要|不想要?|(?<!能)不能|(?<!分)(?<!特)别"
    "|(?<!除)非|除了|除开|除去|除"
    r"|(?<!在)不在|不约|不选|不挂|不去|不来"
    r"|\b(?:not|isn't|wasn't|never|except(?: for)?|anything but|any(?:time"
    "| day)? but|every ?day but"
    r"|instead of|rather than|other than|apart from|don't want|do not want"
    r"|(?:can't|cannot|can not|couldn't|won't)(?: (?:do|make|come|be there|see))?(?: it)?"
    r"|no))(?: ?(?:约|挂|去|来|给|我的?|on|at|in|the|for|by|my|an?))? ?$",
    re.ASCII,
)
_AFTER = re.compile(
    r" ?(?:这天|那天|的话|的号)?,? ?(?:我|他|她|孩子|我们)?(?:都|也|就|好像|可能|恐怕|又|全)?(?:"
    "不行(?!吗|么|嘛)|不可以(?!吗|么)|不方便|没空|没时间|没有空|没有时间|有事"
    "|来不了|去不了|不能|不成"
    "|不要(?!紧|普通|专家|特需|上午|下午|早上|晚上|男|女|太)|不想|不合适|不去|不来|不在|要?上班|要?上学|要?出差|除外|以外"
    "|之外|走不开|抽不开身|排不开|赶不上"
    "| ?(?:isn't|is not|are not|aren't|doesn't|does not|don't|do not|won't"
    r"|will not|can't|cannot)\b"
    r"| ?(?:is|are|'s) (?:bad|no good|out|impossible|not|too)\b"
    r"| ?i(?:'m| am) (?:busy|away|at work|not)| ?i (?:can't|cannot|won't|have to work)"
    r"| ?not (?:good|possible|ok|okay|available)|,? no(?:t possible)? ?$)",
    re.ASCII,
)
_STILL_GOOD = re.compile(r" ?(?:也|都)?不是(?:不行|不可以)")
_CARRIES = re.compile(
    r" ?(?:[,/&+]|或者?|还是|和|跟|与|以及|or|nor|and|,? ?(?:or|and)) ?(?:on |at )?", re.ASCII
)
_LISTED = re.compile(r" ?(?:[,/&+]|或者?|和|跟|与|以及|or|nor|and)? ?(?:on |at )?", re.ASCII)
_ALL_REFUSED = re.compile(
    r" ?(?:[我他她]|孩子)?(?:都|也|全)| ?(?:are|don't|do not|both|,? ?i )", re.ASCII
)


def refusal(same: str, span: Span) -> Span | None:
    """A mention with what refuses it: "不是周三", "周三没空", "not Wednesday"; else None."""
    start, end = span
    if _STILL_GOOD.match(same, end):
        return None
    if before := _BEFORE.search(same[max(0, start - _LOOK_BACK) : start]):
        return start - len(before[0]), end
    after = _AFTER.match(same, end, end + _LOOK_ON)
    return (start, after.end()) if after else None


def refusals(same: str, spans: list[Span]) -> list[Span | None]:
    """The same for all mentions of one message, in order: one "not" covers what is listed with it.

    "周三周四都不行" refuses both, "not Wednesday or Thursday" too; "不是周三,是周四" refuses one.
    """
    turned = [refusal(same, span) for span in spans]
    for nth in range(1, len(spans)):
        between = same[spans[nth - 1][1] : spans[nth][0]]
        if turned[nth - 1] and _CARRIES.fullmatch(between) and "," not in between:
            turned[nth] = turned[nth] or spans[nth]
    for nth in reversed(range(len(spans) - 1)):
        between = same[spans[nth][1] : spans[nth + 1][0]]
        together = _ALL_REFUSED.match(same, spans[nth + 1][1])
        if turned[nth + 1] and together and _LISTED.fullmatch(between):
            turned[nth] = turned[nth] or spans[nth]
    return turned
