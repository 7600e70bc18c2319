"""What a text claims, clause by clause: its numbers, its words, and what it forbids or allows.

Pure, for Chinese and English. Rough on purpose: what is read wrongly here makes a rewording be
refused, and the patient reads the article's own words.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from knowledge.words import stem


class Mode(StrEnum):
    """How a clause means a word."""

    PLAIN = ""
    MAY = "may"
    MUST = "must"
    UNNEEDED = "unneeded"  # "no booking needed" is not "no booking allowed"
    NOT = "not"


@dataclass(frozen=True)
class Fact:
    """A number with what it counts, and whether it is a limit."""

    kind: str  # "元", "phone", "time", …; empty when nothing tells
    value: str
    bound: str = ""  # "max", "min", "under", "before", "after", "about"


@dataclass(frozen=True)
class Clause:
    sentence: int  # which sentence of the text it belongs to
    text: str  # normalized
    facts: frozenset[Fact]
    words: dict[str, frozenset[Mode]]  # pairs of characters and stems, and how each is meant
    heads: tuple[tuple[str, Mode], ...]  # the first word under each "not", "must", "may", or ""


_HAN = r"\u3400-\u9fff"
_NUMERAL = "零〇一二两三四五六七八九十百千"
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1_000}
_ENGLISH_NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100, "first floor": "1st floor",
    "second floor": "2nd floor", "third floor": "3rd floor", "ground floor": "0th floor",
}  # fmt: skip

# What a number counts; the first that fits decides.
_UNITS: tuple[tuple[str, str], ...] = (
    ("元", r"元|块钱|块|yuan\b|rmb\b|cny\b"), ("角", r"角|毛钱"), ("万", r"万"),
    ("分", r"分钟|minutes?\b|mins?\b"), ("时", r"个?小时|个钟头|hours?\b"),
    ("秒", r"秒|seconds?\b"), ("月", r"个月|months?\b"), ("月份", r"月"),
    ("周", r"周(?!岁)|个星期|个礼拜|weeks?\b"), ("岁", r"周岁|岁|years? old\b"),
    ("天", r"天|日|days?\b"), ("年", r"年|years?\b"),
    ("人", r"个人|人|位|名|people\b|persons?\b|visitors?\b|relatives?\b"),
    ("次", r"次|times?\b"), ("楼号", r"号楼"), ("线", r"号线"), ("号窗", r"号窗"),
    ("层", r"层|楼|(?:st|nd|rd|th) floor\b|floors?\b"), ("路", r"路"), ("号", r"号"),
    ("室", r"室"), ("米", r"米|m\b|met(?:er|re)s?\b"), ("公里", r"公里|km\b"),
    ("度", r"度|°c?|degrees?\b"), ("%", r"%|percent\b"), ("折", r"折"), ("倍", r"倍"),
    ("毫克", r"毫克|mg\b"), ("克", r"克|g\b"), ("毫升", r"毫升|ml\b"),
    ("片", r"片|粒|tablets?\b|pills?\b|capsules?\b"), ("剂", r"剂|服|doses?\b"),
    ("份", r"份|张|盒|袋|支|copies\b"),
)  # fmt: skip
_COUNTED = "|".join(pattern for _, pattern in _UNITS)
_PLACES = frozenset({"楼号", "层", "线", "号窗", "路", "号", "室"})  # they have no limits
_NAMED = {"building": "楼号", "room": "室", "line": "线", "window": "号窗", "¥": "元"}
_NUMBER = re.compile(
    r"(?:(?P<named>building|room|line|window|¥) ?)?"
    rf"(?P<value>(?:负|地下)?\d+(?:\.\d+)?) ?(?P<unit>{_COUNTED})?"
)
_PHONE = re.compile(r"(?<![\d:.])\+?\d[\d \-()]{5,}\d(?![\d:])")
_WEEKDAY = re.compile(r"(?:周|星期|礼拜)([一二三四五六日天])")
_ENGLISH_DAYS = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b")
_DAYS = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
_TIME = re.compile(
    r"(?P<part>上午|早上|早晨|清晨|凌晨|中午|下午|傍晚|晚上|夜里|夜间|晚|早)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})|点(?:(?P<past>\d{1,2})分?)?(?P<half>半)?钟?"
    r"|(?= ?[ap]m\b))(?: ?(?P<ampm>[ap]m)\b)?"
)
_PART = re.compile(
    r"上午|早上|中午|下午|晚上|夜间|当天|当日|次日|第二天|前一天|隔天|明天|今天|昨天"
    r"|\b(?:morning|afternoon|evening|night|today|tomorrow|yesterday)\b"
)
_LATE = frozenset({"下午", "傍晚", "晚上", "夜里", "夜间", "晚", "pm"})
_RANGE = re.compile(r" ?(?:到|至|-|–|—|~|to|until) ?$")
_NEAR = 40  # characters before a figure that may say how it is meant; more than any of these has

_BEFORE = (
    ("max", r"最多|至多|不超过|不多于|上限|最高|up to|at most|no more than|within|maximum(?: of)?"
            r"|(?:^|停|头)前|first"),
    ("min", r"至少|最少|起码|不低于|不少于|满|at least|minimum(?: of)?"),
    ("under", r"未满|不满|低于|under|below|younger than"),
    ("over", r"超过|高于|大于|over|more than|above|older than"),
    ("before", r"before"), ("after", r"after"),
    ("about", r"大约|(?<![预爽])约|大概|about|around|approximately"),
)  # fmt: skip
_AFTER = (
    ("max", r"以内|之内|内|封顶"), ("min", r"及?以上|或以上|起|or more|or over|or older|and over"),
    ("under", r"及?以下|or less|or under"), ("before", r"之?前|以前"), ("after", r"之?后|以后"),
    ("about", r"左右|上下"),
)  # fmt: skip

# Longest first within a line; what stands nearest before a word says how it is meant.
_MARKERS = re.compile(
    r"(?P<unneeded>无需|无须|不用|不需要?|不必|不须|用不着|没必要|免(?=预约|挂号|排队)"
    r"|\b(?:no need|needs? no|need(?:n't| not)|(?:do|does|is|are)(?:n't| not) (?:need|have to"
    r"|required)|not required|without(?= an appointment| a booking| booking))\b)"
    r"|(?P<must>必须|务必|一定[要得]|必需|只能|非得|须(?!知)|\b(?:must(?! not)|ha(?:ve|s) to"
    r"|required to|can only)\b)"
    r"|(?P<not>不要|不可以|不可|不得|不能|不允许|不准|不许|不会|请勿|切勿|勿|别(?!的|人|处|墅)|禁止"
    r"|严禁|没有|没|未(?!来|满)|无法|无(?!线|障碍|锡|痛)|不(?!过|仅|但|同|只|便|满|超|多于|少于|低于)"
    r"|\b(?:must not|(?:do|does|did|is|are|wo|ca|should)(?:n't| not)|cannot|never|not|no"
    r"|without)\b)"
    r"|(?P<may>可以|能够|(?<![功可智性才])能(?!力|量)|可(?![以能靠信])|允许"
    r"|\b(?:can|may|could|able to)\b)"
)
_BREAKERS = re.compile(r"也|但|就|则|而|再|请|才|\b(?:but|and|then|please|we|when|if)\b")

# Words that carry no claim of their own: taken out before words are compared.
_GLUE = re.compile(
    r"不过|一般|通常|大多|您好|你好|您|你们|我们|咱们|他们|大家|请问|请您|请|如果|若是|假如|的话|需要|想要|要是|这里"
    r"|那里|一下|一般来说|具体|以及|还有|另外|此外|同时|并且|而且|或者|然后|之后|因为|所以|关于|对于"
    r"|就是|就行|就好|即可|方便|谢谢|哦|呢|吧|啊|呀|哈|的|了|着|是|在|和|与|及|或|都|也|还|要|会|从"
    r"|最多|至多|不超过|不多于|最少|至少|不低于|起码|封顶|左右|大约|大概|超过|未满|不满"
    r"|到|去|来|往|由|把|被|让|给|对|按|以|就|再|并|且|但|则|而|于|为|这|那|该|每|各|先|说|想|时"
    r"|前|后|内|起|间|里|上|下|个|位|种|只|又|很|得|地|此|其|所|等|以内|以上|以下|左右"
)
_WORDS_EN = frozenset(
    """
    a about after also an and are as at be been before by do does each every except find for from
    get go has have hello hi i if in into is it it's its just like me my need needed needs of on one
    ones or our out per please should so some take that the their them then there these they this
    those to unless until up us use want was we well were when where which who will with would you
    you're your yours here
    """.split()  # noqa: SIM905  a list of words reads best as words
)
_RUNS = re.compile(rf"[{_HAN}]+|[a-z][a-z'&-]*")
_BREAK = re.compile(r"(?<!\d)[:,]|[:,](?!\d)|[;、()\[\]《》]")
_SENTENCE = re.compile(r"[。!?\n]+|\.(?=\s|$)")


def normalize(text: str) -> str:
    """One width, one case, digits for numerals that count something."""
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    text = re.sub(r"([ap])\.m\.", r"\1m", text)
    text = re.sub(
        r"半个?(?:小时|钟头)|\bhalf an hour\b", "30分钟" if _is_han(text) else "30 minutes", text
    )
    text = text.replace("一刻钟", "15分钟").replace("点一刻", "点15分")
    text = re.sub(r"\bnoon\b", "12:00", text)
    text = re.sub(r"\bmidnight\b", "0:00", text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    for word, number in _ENGLISH_NUMBERS.items():
        text = re.sub(rf"\b{word}\b", str(number), text)
    text = re.sub(r"百分之([\d零一二两三四五六七八九十百]+)", r"\1%", text)
    text = re.sub(r"(周[一二三四五六])([到至—–-])([一二三四五六日天])", r"\1\2周\3", text)
    text = _WEEKDAY.sub(lambda found: f"周〔{found[1]}〕", text)  # a day of the week counts nothing
    text = re.sub(
        rf"(?<!第)[{_NUMERAL}]+(?=点|%|{_COUNTED})|[{_NUMERAL}]{{2,}}(?!分)", _as_digits, text
    )
    return re.sub(r"周〔(.)〕", r"周\1", text)


def clauses(text: str) -> list[Clause]:
    """What a text claims, in its order."""
    found: list[Clause] = []
    for number, sentence in enumerate(_SENTENCE.split(normalize(text))):
        for part in _BREAK.split(sentence):
            if clause := _clause(number, part.strip()):
                found.append(clause)
    return found


def _clause(sentence: int, text: str) -> Clause | None:
    facts, rest = _take_facts(text)
    words, heads = _words(rest)
    if not facts and not words and not heads:
        return None
    return Clause(sentence, text, facts, words, heads)


def _is_han(text: str) -> bool:
    return bool(re.search(f"[{_HAN}]", text))


def _as_digits(found: re.Match[str]) -> str:
    numeral = found[0]
    if not any(c in _TENS for c in numeral):
        return "".join(str(_DIGITS[c]) for c in numeral)
    total, digit = 0, 0
    for c in numeral:
        if c in _TENS:
            total += (digit or 1) * _TENS[c]
            digit = 0
        else:
            digit = _DIGITS[c]
    return str(total + digit)


def _take_facts(text: str) -> tuple[frozenset[Fact], str]:
    """The facts of a clause, and the clause with a blank where each stood."""
    facts: set[Fact] = set()

    def phone(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0])
        if len(digits) < 7:
            return found[0]
        facts.add(Fact("phone", digits))
        return " "

    rest = _PHONE.sub(phone, text)
    rest = _WEEKDAY.sub(
        lambda day: _keep(facts, "weekday", "日" if day[1] == "天" else day[1]), rest
    )
    rest = _ENGLISH_DAYS.sub(
        lambda day: _keep(facts, "weekday", "一二三四五六日"[_DAYS.index(day[1])]), rest
    )
    rest = _take_times(rest, facts)
    rest = _PART.sub(lambda part: _keep(facts, "part", part[0]), rest)
    for each in re.finditer(rf"每({_COUNTED})", rest):
        facts.add(Fact(_kind(each[1]), "1"))
    rest = _take_numbers(rest, facts)
    return frozenset(facts), rest


def _keep(facts: set[Fact], kind: str, value: str) -> str:
    facts.add(Fact(kind, value))
    return " "


def _take_times(text: str, facts: set[Fact]) -> str:
    last, last_end, kept = -1, -1, []
    at = 0
    for found in _TIME.finditer(text):
        hour = int(found["hour"])
        minute = int(found["minute"] or found["past"] or (30 if found["half"] else 0))
        part = found["ampm"] or found["part"]
        between = text[last_end : found.start()] if last_end >= 0 else ""
        if part in _LATE and hour == 12 and part != "pm":
            hour = 24
        elif (part in _LATE and hour < 12) or (part == "中午" and hour < 3):
            hour += 12
        elif part == "am" and hour == 12:
            hour = 0
        elif not part and _RANGE.fullmatch(between) and last > hour * 60 + minute and hour < 12:
            hour += 12 if last < (hour + 12) * 60 + minute else 0
        last, last_end = hour * 60 + minute, found.end()
        bound = _bound(text, found.start(), found.end())
        facts.add(
            Fact("time", f"{hour}:{minute:02}", bound if bound in ("before", "after") else "")
        )
        kept.append(text[at : found.start()])
        at = found.end()
    return " ".join([*kept, text[at:]])


def _take_numbers(text: str, facts: set[Fact]) -> str:
    kept, at = [], 0
    for found in _NUMBER.finditer(text):
        kind = _NAMED.get(found["named"] or "") or _kind(found["unit"] or "")
        bound = "" if kind in _PLACES else _bound(text, found.start(), found.end())
        facts.add(Fact(kind, found["value"], bound))
        kept.append(text[at : found.start()])
        at = found.end()
    return " ".join([*kept, text[at:]])


def _kind(unit: str) -> str:
    return next((kind for kind, pattern in _UNITS if re.fullmatch(pattern, unit)), "")


def _bound(text: str, start: int, end: int) -> str:
    for bound, pattern in _BEFORE:
        if re.search(rf"(?:{pattern})(?: the)? ?$", text[max(0, start - _NEAR) : start]):
            return bound
    for bound, pattern in _AFTER:
        if re.match(rf" ?(?:{pattern})", text[end:]):
            return bound
    return ""


def _words(text: str) -> tuple[dict[str, frozenset[Mode]], tuple[tuple[str, Mode], ...]]:
    words: dict[str, frozenset[Mode]] = {}
    heads: list[tuple[str, Mode]] = []
    for stretch, mode in _stretches(text):
        found = list(_grams(stretch))
        if mode is not Mode.PLAIN and (found or not stretch.strip()):
            heads.append((_head(found), mode))
        for word in found:
            words[word] = words.get(word, frozenset()) | {mode}
    return words, tuple(heads)


def _head(words: list[str]) -> str:
    """Of Chinese the first character; empty: a marker says yes or no to nothing that is named."""
    if not words:
        return ""
    return words[0][0] if _is_han(words[0]) else words[0]


def _stretches(text: str) -> Iterator[tuple[str, Mode]]:
    """A clause cut where its meaning turns."""
    mode, at = Mode.PLAIN, 0
    for found in _MARKERS.finditer(text):
        yield from _within_reach(text[at : found.start()], mode)
        mode, at = Mode(str(found.lastgroup)), found.end()
    yield from _within_reach(text[at:], mode)


def _within_reach(stretch: str, mode: Mode) -> Iterator[tuple[str, Mode]]:
    """What a marker governs, up to a word that begins anew."""
    broken = None if mode is Mode.PLAIN else _BREAKERS.search(stretch)
    if broken is None:
        yield stretch, mode
        return
    yield stretch[: broken.start()], mode
    yield stretch[broken.start() :], Mode.PLAIN


def _grams(text: str) -> Iterator[str]:
    for run in _RUNS.findall(_GLUE.sub(" ", text)):
        if not _is_han(run):
            if run not in _WORDS_EN:
                yield stem(run)
        elif len(run) == 1:
            yield run
        else:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
