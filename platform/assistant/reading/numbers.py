"""Numbers as people write and say them: 38.5, 三十八点五, 一百二, two and a half, twenty-one."""

import re
from dataclasses import dataclass
from itertools import pairwise

from assistant.reading.spelling import has_han, plain
from triage.reading import Span

_DIGITS = {digit: n for n, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "幺": 1, "俩": 2}
_ABOUT = {f"{one}{two}": n + 0.5 for n, (one, two) in enumerate(pairwise("一二三四五六七八九"), 1)}
_ABOUT |= {"两三": 2.5}  # "两三天" is two or three, not twenty-three
_TENS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen"
    " fourteen fifteen sixteen seventeen eighteen nineteen"
)
_EN_UNITS = {word: n for n, word in enumerate(_SMALL.split())} | {
    "a": 1,
    "an": 1,
    "half": 0.5,
    "couple": 2,
    "dozen": 12,
}
_EN_TENS = {
    word: 10 * n
    for n, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}

ZH_DIGIT = "零一二两三四五六七八九幺俩"
ZH_NUMBER = f"[{ZH_DIGIT}十百千万]{{1,12}}(?:点[{ZH_DIGIT}]{{1,3}})?"
FIGURES = r"[0-9]{1,9}(?:\.[0-9]{1,3})?"
_EN_ONES = "|".join(word for word in _EN_UNITS if word not in ("a", "an", "half", "couple"))
_EN_WORD = f"(?:{_EN_ONES}|{'|'.join(_EN_TENS)})"
EN_NUMBER = (
    rf"(?:(?:an?|{_EN_WORD}) hundred(?: and {_EN_WORD}(?:[ -]{_EN_WORD})?)?"
    rf"|{_EN_WORD}(?:[ -]{_EN_WORD})?)(?: point {_EN_WORD})?(?: and a half)?"
)
# What counts something ("three days", "两个月"): the article and the halves too.
ZH_COUNT = rf"(?:{FIGURES}|{ZH_NUMBER}|半)"
EN_COUNT = rf"(?:{FIGURES}(?: and a half)?|{EN_NUMBER}|(?:a )?couple(?: of)?|half an?|an?)"

_ANY = re.compile(
    rf"(?P<figures>(?<![0-9.]){FIGURES}(?![0-9]))"
    rf"|(?P<zh>(?:{ZH_NUMBER})半?|半(?!夜|个))"
    rf"|\b(?P<en>{EN_NUMBER})\b",
    re.ASCII,
)


@dataclass(frozen=True)
class Number:
    span: Span
    value: float


def find_numbers(text: str) -> list[Number]:
    """Every number of a message, in its order."""
    same = plain(text)
    found = []
    for match in _ANY.finditer(same):
        value = number(match[0])
        if value is not None:
            found.append(Number(match.span(), value))
    return found


def number(written: str) -> float | None:
    """The value of one number in the one spelling; None when it is none."""
    written = written.strip()
    try:
        return float(written)
    except ValueError:
        return _chinese(written) if has_han(written) else _english(written)


def whole(written: str) -> int | None:
    """The value of a number that counts; None when it is none, or has a fraction."""
    value = number(written)
    return int(value) if value is not None and value == int(value) else None


def _chinese(written: str) -> float | None:
    if written == "半":
        return 0.5
    if written in _ABOUT:
        return _ABOUT[written]
    if written.endswith("半"):
        value = _chinese_or_figures(written[:-1])
        return None if value is None else value + 0.5
    head, point, fraction = written.partition("点")
    value = _chinese_or_figures(head)
    if value is None or not point:
        return value
    digits = "".join(str(_DIGITS.get(digit, "")) for digit in fraction)
    return float(f"{int(value)}.{digits}") if digits else None


def _chinese_or_figures(written: str) -> float | None:
    if written.isascii() and written.replace(".", "", 1).isdigit():
        return float(written)
    if not written or any(letter not in _DIGITS and letter not in _TENS for letter in written):
        return None
    if not any(letter in _TENS for letter in written):
        return float("".join(str(_DIGITS[digit]) for digit in written))  # 二零二六
    return _by_places(written)


def _by_places(written: str) -> float:
    """一百二 is 120, 一百零二 is 102, 十五 is 15, 两万三 is 23,000."""
    total = section = digit = 0
    last = 1
    for letter in written:
        if letter == "万":
            total, section, digit, last = (total + section + digit or 1) * 10_000, 0, 0, 10_000
        elif letter in _TENS:
            section, digit, last = section + (digit or 1) * _TENS[letter], 0, _TENS[letter]
        elif letter == "零":
            last = 1
        else:
            digit = _DIGITS[letter]
    return total + section + digit * (last // 10 if last > 10 else 1)


def _english(written: str) -> float | None:
    value, hundreds, seen = 0.0, 0.0, False
    words = re.sub(r"^an? (?=.)", "", written.removesuffix(" and a half"))
    head, _, fraction = words.partition(" point ")
    for word in re.split(r"[ -]", head):
        if word == "hundred":
            hundreds, value = 100 * (value or 1), 0
        elif word in _EN_UNITS and not (word in ("a", "an") and seen):
            value = _EN_UNITS[word] if word == "half" else value + _EN_UNITS[word]
        elif word in _EN_TENS:
            value += _EN_TENS[word]
        elif _is_figures(word):
            value += float(word)
        elif word not in ("and", "of", "a", "an"):
            return None
        seen = True
    if fraction:
        value += _EN_UNITS.get(fraction, 0) / 10
    return hundreds + value + (0.5 if written.endswith(" and a half") else 0)


def _is_figures(word: str) -> bool:
    return word.replace(".", "", 1).isdigit()
