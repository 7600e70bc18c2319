"""Facts read out of a patient's words: age, sex, how long, how bad, how hot; zh and en.

Everything is bounded regular expressions over a reading. In doubt nothing is read: it is asked.
"""

import re
from typing import TypeVar

from triage.ages import ages_in_months
from triage.findings import Value
from triage.reading import read

T = TypeVar("T")

HOUR, DAY, WEEK, MONTH, YEAR = 1.0, 24.0, 168.0, 730.0, 8760.0  # hours
MILD, MODERATE, SEVERE = 2.0, 5.0, 8.0  # of 10
_ZH_DIGITS = {digit: n for n, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2}
_EN_NUMBERS = {
    word: n
    for n, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        start=1,
    )
} | {"a": 1, "an": 1, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3, "several": 4}

_CHILD = (
    "宝宝|宝贝|孩子|小孩|婴儿|新生儿|幼儿|娃|儿子|女儿|闺女|囡囡|孙子|孙女|小朋友|二宝|大宝|小家伙"
)
_UNITS = {
    "分钟": HOUR / 60, "小时": HOUR, "钟头": HOUR, "天": DAY, "日": DAY, "晚": DAY, "周": WEEK,
    "星期": WEEK, "礼拜": WEEK, "个月": MONTH, "月": MONTH, "年": YEAR,
    "minute": HOUR / 60, "min": HOUR / 60, "hour": HOUR, "hr": HOUR, "day": DAY, "night": DAY,
    "week": WEEK, "month": MONTH, "year": YEAR,
}  # fmt: skip
_ZH_LASTING = re.compile(
    rf"(?<!每)(?<!孕)(?<!怀)(?<!第)(?<!(?<![0-9十])[1-3一二两三]岁)(?P<n>(?<![0-9.])[0-9]{{1,3}}|[一二两俩三四五六七八九十]{{1,3}}|半|好?几|多)"
    rf"(?:个|多){{0,2}}(?P<half>半)?(?P<unit>分钟|小时|钟头|天|周|星期|礼拜|晚(?!上)|(?<=个)月|(?<=个多)月|年)"
    rf"(?!大|龄|岁|[^,。?]{{0,1}}的?(?:{_CHILD})|[一二两三四五六七八九十0-9]{{1,2}}次)"
)
_AN_AGE_BEFORE = re.compile(rf"(?:{_CHILD})(?:才|刚|今年|现在|快|刚满|满|是|还不到|不到|,){{0,2}}$")
_MONTHS_ALONE = re.compile(r"(?<![有快约近0-9])[0-9一二三四五六七八九十两]{1,2}个月(?=$|[,。?])")
_EN_LASTING = re.compile(
    r"\b(?P<n>[0-9]{1,3}|a couple of|couple of|a few|few|several|an?|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve) (?P<unit>minute|min|hour|hr|day|night|week|month|year)s?\b(?! ?old| pregnant| gestation)",
    re.ASCII,
)
_LASTING_WORDS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(words, re.ASCII), hours)
    for words, hours in (
        (r"刚刚|刚才|刚(?=开始|摔|烫|吃|被)|\bjust now\b|\bjust (?:started|happened)\b", HOUR),
        (r"今天|今早|今晚|今儿|早上|中午|下午|\btoday\b|\bthis (?:morning|afternoon|evening)\b|\btonight\b", 8.0),
        (r"昨天|昨晚|昨夜|昨儿|\byesterday\b|\blast night\b|\bovernight\b", DAY),
        (r"前天|这两天|\bday before yesterday\b", 2 * DAY),
        (r"这几天|最近几天|\bthese days\b", 4 * DAY),
        (r"很久|好久|长期|老毛病|多年|好多年|\bfor ages\b|\bfor years\b|\bchronic\b|\blong time\b", YEAR),
    )
)  # fmt: skip

_TEMPERATURE = re.compile(
    r"(?P<led>(?:烧到?|发热|体温|温度|高热|高温|量了?|热到|fever|temp|temperature)[^,。?0-9]{0,8})?"
    r"(?<![0-9.])(?P<c>3[5-9]|4[0-2])(?P<rest>[.点][0-9一二三四五六七八九])?(?P<unit>度[0-9一二三四五六七八九]?| ?degrees?| ?c(?![a-z]))?"
    r"(?!岁|周|天|个|次|年|月|斤|分|号|块|[0-9]| ?(?:years?|weeks?|days?|months?|yo)\b| [0-9])"
)
_FAHRENHEIT = re.compile(
    r"(?<![0-9.])(?P<f>9[7-9]|10[0-8])(?P<rest>[.][0-9])? ?(?:degrees? )?(?P<unit>f\b|fahrenheit)?"
)
_HOT_ENGLISH = re.compile(r"\b(?:fever|temp|temperature)\b", re.ASCII)
_SCORE = re.compile(
    r"(?<![0-9.])(?P<n>10|[0-9])(?:分(?!钟)| ?(?:out of|of) ?10\b| 10\b(?! ?[a-z]))"
)
_SEVERITY: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(words, re.ASCII), score)
    for words, score in (
        (r"不(?:太|是很|怎么|算)?(?:厉害|严重|剧烈)|不(?:太|怎么|是很)[痛疼]|\bnot (?:too |very |that )?(?:bad|severe|painful)\b", MILD),
        (r"剧烈|剧痛|受不了|忍不了|忍不住|要命|打滚|厉害|特别[痛疼]|非常[痛疼]|痛死|疼死|难忍|钻心|撕心|绞痛|睡不着|直不起腰|动不了|重度|\b(?:severe|unbearable|excruciating|agony|agonising|agonizing|worst|terrible|awful|intense|extreme|horrible)\b", SEVERE),
        (r"轻微|一点点|有点|有些|隐隐|轻度|稍微|能忍|\b(?:mild|slight|slightly|a bit|a little|minor|little bit)\b", MILD),
        (r"中等|中度|一般般?|\bmoderate\b|\bso so\b", MODERATE),
    )
)  # fmt: skip
_COURSE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(words, re.ASCII), course)
    for words, course in (
        (r"越来越(?!好)|加重|更(?:重|厉害|严重|痛|疼)|恶化|变重|\b(?:getting|gotten|got) worse\b|\bworsen\w{0,3}\b|\bworse\b", "worse"),
        (r"好转|好(?:一)?点了|好多了|减轻|缓解了|越来越好|\b(?:getting|feeling) better\b|\bimprov\w{0,3}\b|\bbetter\b", "better"),
        (r"差不多|没变化|老样子|一直这样|\b(?:about )?the same\b|\bno change\b", "same"),
    )
)  # fmt: skip
_FEMALE = re.compile(
    r"女儿|闺女|老婆|妻子|媳妇|爱人是女|我?妈|母亲|奶奶|外婆|姥姥|婆婆|孙女|女友|女朋友|姐姐|妹妹|姑妈|姨妈(?!来|痛|疼|推|没|不|晚)|女(?=[,。0-9]|性|孩|生|的|$)|她|囡"
    r"|\b(?:wife|mother|mom|mum|mummy|daughter|girl|grandma|grandmother|aunt|sister|girlfriend|she|her|female|woman)\b",
    re.ASCII,
)
_MALE = re.compile(
    r"儿子|老公|丈夫|我?爸|父亲|爷爷|外公|姥爷|公公|孙子|男友|男朋友|哥哥|弟弟|叔叔|舅舅|男(?=[,。0-9]|性|孩|生|的|$)|(?<!其)他(?!们)"
    r"|\b(?:husband|father|dad|daddy|son|boy|grandpa|grandfather|uncle|brother|boyfriend|he|his|him|male|man)\b",
    re.ASCII,
)
_FOR_A_CHILD = re.compile(
    rf"{_CHILD}|\b(?:baby|newborn|infant|toddler|child|kid|son|daughter|grandson|granddaughter|little (?:one|boy|girl))\b",
    re.ASCII,
)
# "今年五十八了", "男45": an age without its 岁; of a grown-up, for a child may be meant otherwise.
_TENS = "[1-9][0-9]|[二三四五六七八九]?十[一二三四五六七八九]?"
_ADULT = re.compile(
    rf"(?:今年|虚岁|年纪|年龄)(?:都|快|是|有|已经|才|刚|也)*(?P<n>{_TENS})(?![0-9一二三四五六七八九十.]|多?[月年天次度斤号个块回])"
    rf"|(?:^|[,。 我])[男女](?:的|性)?,?(?P<m>{_TENS})(?![0-9一二三四五六七八九十.]|多?[月年天次度斤号个块回])"
)
_FOR_ANOTHER = re.compile(
    r"(?<![和跟与同陪])(?<![和跟与同陪]我)(?:老婆|妻子|媳妇|老公|丈夫|爱人|我?[爸妈]|父亲|母亲|爷爷|奶奶|外公|外婆|姥爷|姥姥|公公|婆婆|朋友|同事|老人|哥哥|弟弟|姐姐|妹妹)"
    r"|(?<!with )(?<!with my )(?<!with a )\b(?:wife|husband|mother|mom|mum|father|dad|grandma|grandmother|grandpa|grandfather|friend|sister|brother|partner)\b",
    re.ASCII,
)
_PRESSURE = re.compile(r"(?<![0-9.])(?P<high>[5-9][0-9]|[12][0-9]{2})\s?(?:/|／|-|,|,|over| )\s?(?P<low>[3-9][0-9]|1[0-6][0-9])(?![0-9.])")  # fmt: skip
_PRESSURE_SAID = re.compile(r"血压|高压|低压|\bbp\b|blood pressure|pressure", re.IGNORECASE)
_UPPER = re.compile(r"(?:高压|收缩压|血压|systolic)[^,。?0-9]{0,6}(?P<high>[6-9][0-9]|[12][0-9]{2})(?![0-9.])")  # fmt: skip
_SUGAR = re.compile(
    r"(?:血糖|空腹糖|blood sugar|glucose|sugar)[^,。?0-9]{0,12}(?P<n>[0-9]{1,3}(?:[.点][0-9]{1,2})?)(?!点|小时|年|天|岁)"
)
MG_FROM = 34.0  # above, a glucose can only be mg/dL; meters show mmol/L up to 33.3
MG_PER_MMOL = 18.0


def read_facts(text: str) -> dict[str, Value]:
    """Return the facts that a message states, and no guesses."""
    reading = read(text).text
    facts: dict[str, Value] = {}
    if ages := ages_in_months(reading):
        facts["months"] = min(ages)
    elif (old := _ADULT.search(reading)) and not _FOR_A_CHILD.search(reading):
        facts["months"] = _number(old["n"] or old["m"]) * 12
    if (sex := _sex(reading)) is not None:
        facts["sex"] = sex
    if (who := _who(reading)) is not None:
        facts["who"] = who
    for name, found in (
        ("hours", hours_said(reading)),
        ("severity", severity_said(reading)),
        ("temperature", temperature_said(reading)),
        ("glucose", _glucose(reading)),
    ):
        if found is not None:
            facts[name] = found
    if (course := _first(_COURSE, reading)) is not None:
        facts["course"] = course
    return facts | _pressure(text, reading)


def hours_said(reading: str) -> float | None:
    """How long it has lasted: the longest time that a reading names."""
    months_alone = _FOR_A_CHILD.search(reading) and _MONTHS_ALONE.search(reading)
    if months_alone:  # "宝宝拉肚子,8个月": how old perhaps, so it is asked
        reading = reading[: months_alone.start()] + reading[months_alone.end() :]
    spans = [
        _number(m["n"]) * _UNITS[m["unit"]] + (0.5 * _UNITS[m["unit"]] if m["half"] else 0)
        for m in _ZH_LASTING.finditer(reading)
        if not _is_age(reading, m)
    ]
    spans += [_number(m["n"]) * _UNITS[m["unit"]] for m in _EN_LASTING.finditer(reading)]
    spans += [hours for words, hours in _LASTING_WORDS if words.search(reading)]
    return max(spans, default=None)


def severity_said(reading: str) -> float | None:
    if score := _SCORE.search(reading):
        return float(score["n"])
    return _first(_SEVERITY, reading)


def temperature_said(reading: str) -> float | None:
    """The highest body temperature named, in °C."""
    found = []
    for m in _TEMPERATURE.finditer(reading):
        if m["led"] or m["rest"] or m["unit"]:
            tenth = (m["rest"] or m["unit"] or "")[-1:]
            found.append(float(m["c"]) + _digit(tenth) / 10)
    said_in_english = _HOT_ENGLISH.search(reading)
    for m in _FAHRENHEIT.finditer(reading):
        if m["unit"] or said_in_english:
            fahrenheit = float(m["f"] + (m["rest"] or ""))
            found.append(round((fahrenheit - 32) / 1.8, 1))
    return max(found, default=None)


def _digit(tenth: str) -> int:
    return int(tenth) if tenth.isdigit() and tenth.isascii() else _ZH_DIGITS.get(tenth, 0)


def _is_age(reading: str, found: re.Match[str]) -> bool:
    """ "宝宝2个月了发烧" tells an age, "宝宝3天没拉" does not."""
    if not _AN_AGE_BEFORE.search(reading[max(0, found.start() - 8) : found.start()]):
        return False
    return not re.match("没|都|不", reading[found.end() : found.end() + 2])


def _number(written: str) -> float:
    if written.isdigit() and written.isascii():
        return float(written)
    if written in _EN_NUMBERS:
        return float(_EN_NUMBERS[written])
    if written in ("半", "几", "好几", "多"):
        return {"半": 0.5, "几": 3.0, "好几": 4.0, "多": 1.0}[written]
    tens, ten, ones = written.rpartition("十")
    if not ten:
        return float(_ZH_DIGITS.get(ones[-1:], 1))
    return 10.0 * _ZH_DIGITS.get(tens, 1) + _ZH_DIGITS.get(ones, 0)


def _sex(reading: str) -> str | None:
    female, male = _FEMALE.search(reading), _MALE.search(reading)
    if female and male:
        return "female" if female.start() < male.start() else "male"
    return "female" if female else "male" if male else None


def _who(reading: str) -> str | None:
    if _FOR_A_CHILD.search(reading):
        return "child"
    if _FOR_ANOTHER.search(reading):
        return "other"
    return "self" if re.search(r"我|本人|\b(?:i|im|ive|my)\b", reading) else None


def _first(table: tuple[tuple[re.Pattern[str], T], ...], reading: str) -> T | None:
    return next((value for words, value in table if words.search(reading)), None)


def _glucose(reading: str) -> float | None:
    found = _SUGAR.search(reading)
    if not found:
        return None
    value = float(found["n"].replace("点", "."))
    return round(value / MG_PER_MMOL, 1) if value > MG_FROM else value


def _pressure(text: str, reading: str) -> dict[str, Value]:
    if not _PRESSURE_SAID.search(text):
        return {}
    if both := _PRESSURE.search(text):
        return {"systolic": float(both["high"]), "diastolic": float(both["low"])}
    upper = _UPPER.search(reading)
    return {"systolic": float(upper["high"])} if upper else {}
