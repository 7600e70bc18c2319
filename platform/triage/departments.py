"""Which departments to suggest, each with its reason in plain words; never a diagnosis."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from triage.ages import ages_in_months
from triage.labels import DEPARTMENTS, DepartmentScore
from triage.reading import read

PAEDIATRIC_BELOW = 14  # years; the usual limit of a children's clinic in China
WORD_WEIGHT = 0.35  # what one of our words adds beside the model's confidence, 0 to 1
MOST_WORDS = 2  # more words than these say the same thing again
LEAST_CONFIDENCE = 0.15  # below this the model alone names no department
LIKELY_CHILD_WORDS = ("宝宝", "婴儿", "新生儿", "幼儿", "baby", "infant", "newborn", "toddler")

PAEDIATRICS, GENERAL_PRACTICE = "儿科", "全科医学科"
OBSTETRICS, GYNAECOLOGY, ANDROLOGY = "产科", "妇科", "男科"
NOT_FOR: Mapping[str, frozenset[str]] = {
    "male": frozenset({OBSTETRICS, GYNAECOLOGY}),
    "female": frozenset({ANDROLOGY}),
}

DEPARTMENT_EN: Mapping[str, str] = {
    "中医科": "Traditional Chinese Medicine",
    "乳腺甲状腺外科": "Breast and Thyroid Surgery",
    "产科": "Obstetrics",
    "儿科": "Paediatrics",
    "全科医学科": "General Practice",
    "内分泌科": "Endocrinology",
    "口腔科": "Dentistry",
    "呼吸内科": "Respiratory Medicine",
    "妇科": "Gynaecology",
    "康复疼痛科": "Rehabilitation and Pain",
    "心胸外科": "Cardiothoracic Surgery",
    "心血管内科": "Cardiology",
    "急诊科": "Emergency",
    "感染科": "Infectious Diseases",
    "整形美容科": "Plastic and Cosmetic Surgery",
    "普外科": "General Surgery",
    "泌尿外科": "Urology",
    "消化内科": "Gastroenterology",
    "男科": "Andrology",
    "皮肤科": "Dermatology",
    "眼科": "Ophthalmology",
    "神经内科": "Neurology",
    "神经外科": "Neurosurgery",
    "精神心理科": "Psychiatry and Psychology",
    "耳鼻喉科": "Ear, Nose and Throat",
    "肛肠科": "Proctology",
    "肾内科": "Nephrology",
    "肿瘤科": "Oncology",
    "血液内科": "Haematology",
    "风湿免疫科": "Rheumatology and Immunology",
    "骨科": "Orthopaedics",
}


@dataclass(frozen=True)
class Suggestion:
    """One department, and why we name it."""

    department: str  # one of DEPARTMENTS
    reason_zh: str
    reason_en: str


def _department_words() -> dict[str, list[str]]:
    """Return for each department its words, Chinese and English, as a reading spells them."""
    raw = tomllib.loads((resources.files("triage") / "symptoms.toml").read_text("utf-8"))
    return {name: [*words["zh"], *words["en"]] for name, words in raw.items()}


DEPARTMENT_WORDS = _department_words()
# A word that is not there is not thought of: "没有咳嗽", "no cough".
_MISSING = re.compile(r"(?:(?<!有)没有?|不|无|\bno|\bnot|\bwithout|nt) ?(?:any |a )?$", re.ASCII)

_WORD_END = re.compile(r"(?:s|es|ed|ing)?(?![a-z])")


def suggest_departments(
    text: str,
    scored: Sequence[DepartmentScore],
    *,
    age: int | None = None,
    gender: str | None = None,
    limit: int = 3,
) -> list[Suggestion]:
    """Return the departments to suggest, the likeliest first; general practice when none fits.

    What the model scored and what the patient's words say add up. Age in whole years.
    """
    reading = read(text).text
    said = {name: _words_said(reading, words) for name, words in DEPARTMENT_WORDS.items()}
    weights = _weights(scored, said)
    for name in NOT_FOR.get(gender or "", ()):
        weights.pop(name, None)
    likeliest = sorted(weights, key=lambda name: (-weights[name], DEPARTMENTS.index(name)))
    suggestions = [_suggestion(name, said[name]) for name in likeliest]
    if _is_child(reading, age):
        others = [one for one in suggestions if one.department != PAEDIATRICS]
        suggestions = [_for_a_child(), *others]
    return (suggestions or [_nothing_fits()])[:limit]


def _weights(
    scored: Sequence[DepartmentScore], said: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    weights = {
        one.name: one.confidence
        for one in scored
        if one.name in DEPARTMENTS and one.confidence >= LEAST_CONFIDENCE
    }
    for name, words in said.items():
        if words:
            weights[name] = weights.get(name, 0.0) + WORD_WEIGHT * min(len(words), MOST_WORDS)
    return weights


def _words_said(reading: str, words: Sequence[str]) -> list[str]:
    return [word for word in words if _is_said(reading, word)]


def _is_said(reading: str, word: str) -> bool:
    at = reading.find(word)
    while at >= 0:
        if not _MISSING.search(reading[max(0, at - 8) : at]) and _is_whole(reading, at, word):
            return True
        at = reading.find(word, at + 1)
    return False


def _is_whole(reading: str, at: int, word: str) -> bool:
    """Say that an English word is not the middle of another: "rib" is not in "describe"."""
    if not word.isascii():
        return True
    before = reading[at - 1 : at] if at else ""
    in_a_word = before.isascii() and before.isalpha()
    return not in_a_word and bool(_WORD_END.match(reading, at + len(word)))


def _is_child(reading: str, age: int | None) -> bool:
    ages = ages_in_months(reading)
    if ages:
        return min(ages) < PAEDIATRIC_BELOW * 12
    if any(word in reading for word in LIKELY_CHILD_WORDS):
        return True
    return age is not None and age < PAEDIATRIC_BELOW


def _suggestion(department: str, words: Sequence[str]) -> Suggestion:
    name_en = DEPARTMENT_EN[department]
    if not words:
        return Suggestion(
            department,
            f"根据您的描述，{department}常看这类问题",
            f"From what you describe, {name_en} often sees problems of this kind",
        )
    word = words[0]
    return Suggestion(
        department,
        f"您提到了“{word}”，{department}常看这类问题",
        f"You mentioned “{word}”: {name_en} often sees problems of this kind",
    )


def _for_a_child() -> Suggestion:
    return Suggestion(
        PAEDIATRICS,
        f"{PAEDIATRIC_BELOW}岁以下的孩子先看儿科",
        f"Children under {PAEDIATRIC_BELOW} are seen in Paediatrics first",
    )


def _nothing_fits() -> Suggestion:
    return Suggestion(
        GENERAL_PRACTICE,
        "暂时看不出该看哪个专科，全科医生可以先帮您判断",
        "No one department stands out: a general practitioner can look first",
    )
