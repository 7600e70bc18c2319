"""How old is the patient? Read out of the message, where a relative writes for a child."""

import re

_NUMBER = r"(?P<n>[0-9]{1,3}|[一二两三四五六七八九十]{1,3}|半)"
_CHILD = (
    "(?:宝宝|宝贝|孩子|小孩|婴儿|娃娃?|儿子|女儿|闺女|囡囡|孙子|孙女|外孙女?|小朋友"
    "|二宝|大宝|毛毛|崽|仔|小家伙)"
)
_JUST = (
    "(?:,|才|刚|今年|现在|只有|快|还不到|不到|不满|未满|还没|没满|刚满|满|是|有|了|我家的?"
    "|出生){0,3}"
)
# "宝宝3天没拉": that is how long, not how old.
_HOW_LONG = "(?!没|不(?!到|满)|都|前|后|内|以来|来|一次|就|里|多没)"
_UNITS = "(?P<unit>个半月|个多月|个月|月龄|月|天|周|岁半|岁|周岁)"
_ZH_AFTER_CHILD = re.compile(rf"{_CHILD}{_JUST}{_NUMBER}{_UNITS}{_HOW_LONG}")
_ZH_BEFORE_CHILD = re.compile(rf"{_NUMBER}{_UNITS}(?:大|龄|多|零[0-9]天)?的?{_CHILD}")
_ZH_OLD = re.compile(rf"{_NUMBER}{_UNITS}(?:大|龄)")
_ZH_YEARS = re.compile(rf"{_NUMBER}(?P<unit>周岁|岁半|岁)")
_EN_OLD = re.compile(
    r"\b(?P<n>[0-9]{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) ?"
    r"(?P<unit>day|week|wk|month|mo|year|yr|y)s? ?o(?:ld)?\b",
    re.ASCII,
)
_EN_WORDS = "one two three four five six seven eight nine ten eleven twelve"
_EN_NUMBERS = {word: n for n, word in enumerate(_EN_WORDS.split(), start=1)}
_ZH_DIGITS = {digit: n for n, digit in enumerate("一二三四五六七八九", start=1)} | {"两": 2}
_NEWBORN = re.compile(
    r"新生儿|(?:刚|才)满月|未满月|没满月|不满月|还没出月子|月子里的|刚出生|\bnewborn\b", re.ASCII
)

_ONE_MONTH = re.compile(r"满月(?!脸|酒|照|后|那|以后|之后)")


def ages_in_months(text: str) -> list[float]:
    """Return every age that a reading gives; not how long something has lasted."""
    return [months for _, months in find_ages(text)]


def find_ages(text: str) -> list[tuple[tuple[int, int], float]]:
    """Where the ages stand in a reading, and how many months each is."""
    ages = [
        (match.span(), _months(match["n"], match["unit"]))
        for pattern in (_ZH_AFTER_CHILD, _ZH_BEFORE_CHILD, _ZH_OLD, _ZH_YEARS, _EN_OLD)
        for match in pattern.finditer(text)
    ]
    if newborn := _NEWBORN.search(text):
        return [*ages, (newborn.span(), 0.5)]
    one_month = None if ages else _ONE_MONTH.search(text)
    return [(one_month.span(), 1.0)] if one_month else ages


def _months(number: str, unit: str) -> float:
    n = years_of(number)
    if "天" in unit or unit == "day":
        return n / 30
    if unit in ("周", "week", "wk"):
        return n / 4.3
    if "月" in unit or unit in ("month", "mo"):
        return n
    return n * 12


def years_of(written: str) -> float:
    if written.isdigit():
        return int(written)
    if written == "半":
        return 0.5
    if written in _EN_NUMBERS:
        return _EN_NUMBERS[written]
    tens, ten, ones = written.rpartition("十")
    if not ten:
        return _ZH_DIGITS.get(ones[-1:], 0)
    return 10 * _ZH_DIGITS.get(tens, 1) + _ZH_DIGITS.get(ones, 0)
