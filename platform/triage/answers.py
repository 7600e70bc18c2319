"""The questions of an interview, and how an answer is read: a tap's code, a number, or words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from triage.ages import ages_in_months, years_of
from triage.facts import (
    DAY,
    MILD,
    MODERATE,
    MONTH,
    SEVERE,
    WEEK,
    hours_said,
    severity_said,
    temperature_said,
)
from triage.findings import Findings, Known, Value
from triage.interview_rules import Rules
from triage.reading import read

YES, NO, NONE, UNSURE = "yes", "no", "none", "unsure"
FIRST_COMPLAINTS = ("fever", "cough", "abdominal_pain", "headache", "rash", "injury")


@dataclass(frozen=True)
class Choice:
    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Question:
    """One question, in both languages. `numbered`: a bare number means a choice, not a value."""

    id: str
    zh: str
    en: str
    choices: tuple[Choice, ...]
    fact: str = ""
    signs: tuple[str, ...] = ()
    several: bool = False
    numbered: bool = True


@dataclass(frozen=True)
class Answered:
    findings: Findings
    is_tap: bool  # nothing but a code or a number: there are no words to read


_UNSURE = Choice(UNSURE, "不确定", "Not sure")
_YES_NO = (Choice(YES, "有", "Yes"), Choice(NO, "没有", "No"), _UNSURE)
_IS_IT = (Choice(YES, "是", "Yes"), Choice(NO, "不是", "No"), _UNSURE)
_SIGNS = {
    "signs": (
        "现在有没有下面的情况？可以选几个。",
        "Do you have any of these now? You can choose more than one.",
    ),
    "happened": (
        "发生过下面的情况吗？可以选几个。",
        "Did any of these happen? You can choose more than one.",
    ),
    "conditions": (
        "有没有下面的情况？可以选几个，这会影响该看哪里、有多急。",
        "Does any of these apply? You can choose more than one; it matters for how soon and where.",
    ),
    "site": ("主要是哪个位置？", "Where is it mostly?"),
}
_ALONE = {
    "signs": ("现在有没有：{}？", "Right now, is there this: {}?"),
    "happened": ("有没有发生过：{}？", "Did this happen: {}?"),
    "conditions": ("有没有：{}？", "Does this apply: {}?"),
    "site": ("是不是在：{}？", "Is it here: {}?"),
}
# An age that was chosen stands for its range by a number that no age is: the card says the range.
_FACTS: dict[str, tuple[str, str, tuple[tuple[Choice, Value], ...], bool]] = {
    "months": (
        "请问是多大年纪的人不舒服？可以直接写，比如：3个月、5岁、68岁。",
        "How old is the person who is unwell? You can write it, for example: 3 months, 5, 68.",
        (
            (Choice("under_3_months", "不到3个月", "Under 3 months"), 1.51),
            (Choice("under_1", "3个月到1岁", "3 to 12 months"), 8.01),
            (Choice("under_14", "1到13岁", "1 to 13 years"), 84.01),
            (Choice("adult", "14到64岁", "14 to 64 years"), 420.01),
            (Choice("older", "65岁及以上", "65 or older"), 852.01),
        ),
        False,
    ),
    "sex": (
        "请问是男性还是女性？",
        "Male or female?",
        ((Choice("male", "男", "Male"), "male"), (Choice("female", "女", "Female"), "female")),
        True,
    ),
    "pregnant": (
        "有没有怀孕，或者可能怀孕（比如月经推迟了）？",
        "Are you pregnant, or could you be (for example a late period)?",
        (
            (Choice(YES, "怀孕了，或者有可能", "Yes, or possibly"), True),
            (Choice(NO, "没有", "No"), False),
        ),
        True,
    ),
    "hours": (
        "这样多久了？",
        "How long has it been like this?",
        (
            (Choice("hours", "几个小时", "Some hours"), 6.0),
            (Choice("days", "1到3天", "1 to 3 days"), 2 * DAY),
            (Choice("week", "4天到2周", "4 days to 2 weeks"), WEEK),
            (Choice("weeks", "2周到3个月", "2 weeks to 3 months"), MONTH),
            (Choice("longer", "3个月以上", "More than 3 months"), 6 * MONTH),
        ),
        True,
    ),
    "severity": (
        "现在有多难受？0是一点不难受，10是受不了，可以直接写数字。",
        "How bad is it now? 0 is nothing, 10 is unbearable; you can write the number.",
        (
            (Choice("mild", "轻，不耽误做事", "Mild, I can do things"), MILD),
            (Choice("moderate", "中等", "Moderate"), MODERATE),
            (Choice("severe", "很重，做不了事、睡不着", "Severe, I cannot do or sleep"), SEVERE),
        ),
        False,
    ),
    "temperature": (
        "量过体温吗？最高多少度？可以直接写，比如：38.5。",
        "Did you take the temperature? What was the highest? You can write it, for example 38.5.",
        (
            (Choice("no_fever", "不到37.8度", "Under 37.8 °C"), 37.0),
            (Choice("fever", "37.8到38.9度", "37.8 to 38.9 °C"), 38.4),
            (Choice("high", "39度到39.9度", "39 to 39.9 °C"), 39.4),
            (Choice("very_high", "40度及以上", "40 °C or more"), 40.2),
        ),
        False,
    ),
    "course": (
        "和刚开始比，现在怎么样？",
        "Compared with the beginning, how is it now?",
        (
            (Choice("worse", "更重了", "Worse"), "worse"),
            (Choice("same", "差不多", "The same"), "same"),
            (Choice("better", "好一些", "Better"), "better"),
        ),
        True,
    ),
    "systolic": (
        "血压量出来高压（上面那个数）是多少？",
        "What was the upper number of the blood pressure?",
        (),
        False,
    ),
    "glucose": (
        "血糖量出来是多少？",
        "What was the blood glucose?",
        (),
        False,
    ),
    "diastolic": (
        "血压量出来低压（下面那个数）是多少？",
        "What was the lower number of the blood pressure?",
        (),
        False,
    ),
    "who": (
        "是您自己不舒服，还是替别人问？",
        "Is it you who is unwell, or are you asking for somebody?",
        (
            (Choice("self", "我自己", "Me"), "self"),
            (Choice("child", "孩子", "A child"), "child"),
            (Choice("other", "其他人", "Somebody else"), "other"),
        ),
        True,
    ),
}
AGE_RANGES = {value: choice for choice, value in _FACTS["months"][2]}
_SEX_AND_PREGNANCY = (
    "请问是男性还是女性？如果是女性，有没有怀孕的可能？",
    "Male or female? If female, could there be a pregnancy?",
)
_SEX_CHOICES: tuple[tuple[Choice, dict[str, Value]], ...] = (
    (Choice("male", "男", "Male"), {"sex": "male"}),
    (
        Choice("female", "女，没有怀孕", "Female, not pregnant"),
        {"sex": "female", "pregnant": False},
    ),
    (
        Choice("pregnant", "女，怀孕了或者有可能", "Female, pregnant or possibly"),
        {"sex": "female", "pregnant": True},
    ),
)
_NOT_SURE = re.compile(
    r"不确定|不知道|不清楚|说不(?:好|清|准|上来)|不晓得|没注意|没量过?|没测过?|不好说|可能吧|也许|搞不清"
    r"|\b(?:not sure|unsure|dont know|do not know|dunno|no idea|cant say|cannot say|maybe|idk)\b"
    r"|\bhavent (?:measured|checked|taken)\b",
    re.ASCII,
)
_SAYS_NO = re.compile(
    r"^(?:都|好像|应该|目前|现在|全)?(?:没有?|不是|不会|无|否|木有|么有|不|没)(?:有)?(?:了|的|啊|呀|哦|过|这些|以上|上面|怀孕|发烧)*$"
    r"|^(?:都|全|一个都|一样都|以上都|这些都|上面(?:的)?都)(?:没有?|不是)(?:了|的|啊)?$|以上都没|都没有"
    r"|^(?:no|nope|nah|none|neither|not at all|none of (?:these|them|those|the above)|nothing)$",
    re.ASCII,
)
_SAYS_YES = re.compile(
    r"^(?:对|是|有|嗯+|恩|是的|有的|对的|没错|好像有|有一点|有点|会|确实|是啊|有啊|对啊)(?:了|的|啊|呀|哦)*$"
    r"|^(?:yes|yeah|yep|yup|i do|he does|she does|it is|it does|correct|right|a bit|a little)$",
    re.ASCII,
)
_NUMBERS = re.compile(r"^(?:选|第)?[0-9]{1,2}(?:(?:[,、和及.。 ]|以及| and )+[0-9]{1,2})*(?:个)?$")
_NUMBER = re.compile(r"[0-9]{1,3}(?:[.][0-9])?")
_MALE = re.compile(r"^(?:男|男的|男性|男生|男孩|male|man|boy|m)$")
_FEMALE = re.compile(r"女|\b(?:female|woman|girl|f)\b")
_MAY_BE = re.compile(
    r"(?<!没有)(?<!没)(?<!不)(?:怀孕|怀了|可能|推迟)|\b(?:pregnant|possibly|late)\b"
)
_NOT_PREGNANT = re.compile(r"没有?怀|没怀孕|未孕|不可能|没有|\bnot pregnant\b|\bno\b")
_HOW_LONG = re.compile(
    r"^[^岁月大]*[0-9一二两三四五六七八九十半几](?:天|周|年)(?!大|龄)[^岁月大]*$"
)
_SPOKEN_AGE = re.compile(
    r"(?:我|他|她|今年|已经|都|快|有)*(?P<n>[二三四五六七八九]?十[一二三四五六七八九]?)(?:了|多|吧|啊|呀)*"
)
YEARS = 12.0
OLDEST = 120  # years
SHORT = 8  # characters; a longer answer may count something else


def asked_for(question_id: str, *, rules: Rules) -> Question:
    """Build a question from its id; the same id always asks the same."""
    theme, _, listed = question_id.partition(":")
    if listed:
        return _of_signs(theme, listed.split(","), rules)
    if theme == "complaint":
        return _of_complaint(rules)
    if theme == "sex_pregnant":
        choices = (*(choice for choice, _ in _SEX_CHOICES), _UNSURE)
        return Question("sex_pregnant", *_SEX_AND_PREGNANCY, choices, fact="sex")
    zh, en, options, numbered = _FACTS[theme]
    choices = (*(choice for choice, _ in options), _UNSURE)
    return Question(theme, zh, en, choices, fact=theme, numbered=numbered)


def _of_signs(theme: str, signs: Sequence[str], rules: Rules) -> Question:
    asked = [rules.findings[sign] for sign in signs]
    question_id = f"{theme}:{','.join(signs)}"
    if len(asked) == 1:
        zh, en = _ALONE[theme]
        only = asked[0]
        return Question(
            question_id, zh.format(only.option_zh), en.format(only.option_en),
            _IS_IT if theme == "site" else _YES_NO,
            signs=tuple(signs),
        )  # fmt: skip
    choices = [Choice(one.id, one.option_zh, one.option_en) for one in asked]
    none = Choice(NONE, "都没有" if theme != "site" else "都不是", "None of these")
    zh, en = _SIGNS[theme]
    return Question(
        question_id, zh, en, (*choices, none, _UNSURE), signs=tuple(signs), several=theme != "site"
    )


def _of_complaint(rules: Rules) -> Question:
    asked = [rules.findings[sign] for sign in FIRST_COMPLAINTS if sign in rules.findings]
    choices = [Choice(one.id, one.option_zh, one.option_en) for one in asked]
    return Question(
        "complaint",
        "最不舒服的是什么？可以选，也可以用自己的话说：哪里、怎么不舒服。",
        "What troubles you most? Choose, or say in your own words where and how it feels.",
        (*choices, _UNSURE),
        signs=tuple(one.id for one in asked),
    )


def read_answer(question: Question, said: str) -> Answered | None:
    """Read a tap, a number or a plain yes, no or "not sure". None: only free words, or nothing."""
    codes = _codes(question, said)
    if codes:
        return Answered(_of_codes(question, codes), is_tap=True)
    reading = read(said).text.strip(",。? ")
    if question.fact:
        found = _of_words(question, reading)
        return None if found is None else Answered(found, is_tap=False)
    if _NOT_SURE.search(reading):
        return Answered(_of_codes(question, [UNSURE]), is_tap=False)
    if _SAYS_NO.search(reading):
        return Answered(_of_codes(question, [NONE]), is_tap=False)
    if _SAYS_YES.search(reading) and len(question.signs) == 1:
        return Answered(_of_codes(question, [YES]), is_tap=False)
    return None


def _codes(question: Question, said: str) -> list[str]:
    known = [choice.code for choice in question.choices]
    parts = [part for part in re.split(r"[,\s]+", said.strip()) if part]
    if parts and all(part in known for part in parts):
        return parts
    labels = {choice.zh: choice.code for choice in question.choices}
    labels |= {choice.en.lower(): choice.code for choice in question.choices}
    if (code := labels.get(said.strip()) or labels.get(said.strip().lower())) is not None:
        return [code]
    if not question.numbered or not _NUMBERS.match(said.strip()):
        return []
    numbers = [int(number) for number in re.findall("[0-9]+", said)]
    if any(not 1 <= number <= len(known) for number in numbers):
        return []
    return [known[number - 1] for number in numbers]


def _of_codes(question: Question, codes: Sequence[str]) -> Findings:
    if question.fact:
        return _of_fact(question, codes[0])
    if UNSURE in codes:
        if question.id == "complaint":
            return Findings()
        return Findings(signs=dict.fromkeys(question.signs, Known.UNSURE))
    if YES in codes:
        return Findings(signs=dict.fromkeys(question.signs, Known.PRESENT))
    if question.id == "complaint":
        return Findings(signs=dict.fromkeys(codes, Known.PRESENT))
    return Findings(
        signs={sign: Known.PRESENT if sign in codes else Known.ABSENT for sign in question.signs}
    )


def _of_fact(question: Question, code: str) -> Findings:
    if code == UNSURE:
        asked = {"sex", "pregnant"} if question.id == "sex_pregnant" else {question.fact}
        return Findings(unsure=frozenset(asked))
    if question.id == "sex_pregnant":
        return Findings(facts=next(facts for one, facts in _SEX_CHOICES if one.code == code))
    values = {choice.code: value for choice, value in _FACTS[question.fact][2]}
    return Findings(facts={question.fact: values[code]})


def _of_words(question: Question, reading: str) -> Findings | None:
    value = _value(question, reading)
    if isinstance(value, dict):
        return Findings(facts=value)
    if value is not None:
        return Findings(facts={question.fact: value})
    if _NOT_SURE.search(reading):
        return _of_fact(question, UNSURE)
    return None


def _value(question: Question, reading: str) -> Value | dict[str, Value] | None:
    number = _NUMBER.search(reading)
    match question.fact:
        case "months":
            return _months(reading)
        case "severity":
            if number and float(number[0]) <= 10 and len(reading) <= 4:
                return float(number[0])
            return severity_said(reading)
        case "temperature":
            return temperature_said(f"体温{reading}")
        case "hours":
            return hours_said(reading)
        case "systolic" | "diastolic" | "glucose":
            return float(number[0]) if number else None
        case "sex":
            return _sex(question, reading)
        case "pregnant":
            if _SAYS_NO.search(reading) or _NOT_PREGNANT.search(reading):
                return False
            if _SAYS_YES.search(reading) or _MAY_BE.search(reading):
                return True
    return None


def _months(reading: str) -> float | None:
    ages = ages_in_months(reading)
    if not ages and not _HOW_LONG.search(reading):
        ages = ages_in_months(f"宝宝{reading}大")
    if ages:
        return min(ages)
    if spoken := _SPOKEN_AGE.fullmatch(reading):
        return years_of(spoken["n"]) * YEARS
    numbers = _NUMBER.findall(reading)
    alone = len(reading) <= SHORT and len(numbers) == 1
    if alone and float(numbers[0]) <= OLDEST and not _HOW_LONG.search(reading):  # "我35,男的"
        return float(numbers[0]) * YEARS
    return None


def _sex(question: Question, reading: str) -> Value | dict[str, Value] | None:
    if _MALE.match(reading):
        return "male"
    if question.id != "sex_pregnant":
        return "female" if _FEMALE.search(reading) else None
    if _NOT_PREGNANT.search(reading):  # a bare "no" makes nobody a woman
        is_female = _FEMALE.search(reading) or "孕" in reading or "pregnan" in reading
        return {"sex": "female", "pregnant": False} if is_female else {"pregnant": False}
    if _MAY_BE.search(reading):
        return {"sex": "female", "pregnant": True}
    return "female" if _FEMALE.search(reading) else None
