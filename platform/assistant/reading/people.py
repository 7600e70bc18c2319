"""Whom it is for: 给我妈挂, "for my daughter", 本人."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from assistant.reading.refusals import refusal
from assistant.reading.spelling import plain
from triage.reading import Span


class Kin(StrEnum):
    """Who the patient is to whoever writes."""

    SELF = "self"
    CHILD = "child"
    PARENT = "parent"
    SPOUSE = "spouse"
    OTHER = "other"


@dataclass(frozen=True)
class Person:
    span: Span
    kin: Kin
    word: str  # as it was said: 儿子, daughter
    gender: str = ""  # male or female, where the word tells
    is_child: bool = False  # where the word tells: a baby, not a son


_KIN = [
    (kin, gender, child, re.compile(words, re.ASCII))
    for kin, gender, child, words in (
        (Kin.OTHER, "female", False,
            "外婆|姥姥|奶奶|祖母|婆婆|岳母|丈母娘|姑姑|姑妈|阿姨|姨妈|舅妈|婶婶|嫂子|弟媳"
            r"|姐姐?|妹妹?|侄女|外甥女|女朋友|闺蜜|保姆|\b(?:grandmother|grandma|granny"
            r"|mother-in-law|sister-in-law|sister|aunt|niece|girlfriend)\b"),
        (Kin.OTHER, "male", False,
            "外公|姥爷|爷爷|祖父|公公|岳父|老丈人|叔叔?|伯伯|大伯|舅舅?|姑父|姨夫|哥哥?"
            r"|弟弟?|侄子|外甥|男朋友|\b(?:grandfather|grandpa|granddad|father-in-law"
            r"|brother-in-law|brother|uncle|nephew|boyfriend)\b"),
        (Kin.OTHER, "", False,
            r"别人|朋友|同事|邻居|亲戚|同学|室友|\b(?:friend|colleague|neighbou?r|cousin"
            r"|relative|someone else|somebody else|roommate|grandparents?)\b"),
        (Kin.OTHER, "female", True, r"外?孙女|\bgranddaughter\b"),
        (Kin.OTHER, "male", True, r"外?孙子|\bgrandson\b"),
        (Kin.OTHER, "", True, r"外孙|\bgrandchild(?:ren)?\b"),
        (Kin.PARENT, "female", False,
            r"老妈|妈妈|妈咪|母亲|老娘|(?<=[我俺咱])[妈娘]|妈(?!的)"
            r"|\b(?:mother|mom|mum|mummy|mommy)\b"),
        (Kin.PARENT, "male", False, r"老爸|老爹|爸爸|父亲|爸|爹|\b(?:father|dad|daddy)\b"),
        (Kin.PARENT, "", False, r"父母|爸妈|家长|老人家?|\b(?:parents?)\b"),
        (Kin.SPOUSE, "female", False, r"老婆|妻子|媳妇|太太|爱人|内人|\bwife\b"),
        (Kin.SPOUSE, "male", False, r"老公|丈夫|先生|\bhusband\b"),
        (Kin.SPOUSE, "", False, r"对象|伴侣|\b(?:partner|spouse)\b"),
        (Kin.CHILD, "female", False,
            r"女儿|闺女|囡囡|丫头|小公主|\b(?:daughter|little girl|my girl)\b"),
        (Kin.CHILD, "male", False, r"儿子|臭小子|\b(?:son|little boy|my boy)\b"),
        (Kin.CHILD, "", True,
            r"宝宝|宝贝|婴儿|小宝|大宝|二宝|三宝|娃娃|娃|小朋友|小孩子?|\b(?:baby|infant"
            r"|toddler|newborn)\b"),
        (Kin.CHILD, "", False, r"孩子|\b(?:child|children|kids?)\b"),
        (Kin.SELF, "", False,
            "我自己|自己|本人|我本人|给我(?=[挂约看查预])|帮我(?=[挂约看查预])|我是"
            r"(?:病人|患者)|就是我|\b(?:myself|for me|me|it's me|i am the patient"
            r"|i'm the patient)\b"),
    )
]  # fmt: skip
_ONLY_ME = re.compile(
    r"\W*(?:给|是|就是|帮)?我(?:啊|呀|吧|的|来看|看|要看)?\W*|\W*(?:me|i|self"
    r"|it is me)\W*"
)
_OWNS = re.compile(r"的|'s ")
_NOT_A_PATIENT = re.compile(
    " ?(?:陪|带|说|让|叫|告诉|推荐|介绍|帮我|给我|替我|told|said|recommended"
    "|is driving|will (?:bring|drive))"
)


def find_people(text: str) -> list[Person]:
    """Whom it is for, in the order said: 给我妈挂, "for my daughter", 本人; not who is refused."""
    same = plain(text)
    if _ONLY_ME.fullmatch(same):
        me = re.search(r"我|me|i|self", same)
        return [Person(me.span(), Kin.SELF, me[0])] if me else []
    taken = [False] * len(same)
    found: list[Person] = []
    for kin, gender, child, words in _KIN:
        for match in words.finditer(same):
            start, end = match.span()
            if any(taken[start:end]):
                continue
            taken[start:end] = [True] * (end - start)
            if _NOT_A_PATIENT.match(same, end) or refusal(same, match.span()):
                continue
            found.append(Person(match.span(), kin, match[0], gender, child))
    found = _whose(same, sorted(found, key=lambda person: person.span))
    others = [person for person in found if person.kin is not Kin.SELF]
    # "帮我给我妈挂": the first 我 does the booking.
    return [
        p
        for p in found
        if p.kin is not Kin.SELF or not others or p.word in ("自己", "我自己", "本人", "myself")
    ]


def _whose(same: str, people: list[Person]) -> list[Person]:
    """ "我姐姐的孩子" is one person, and no child of the writer."""
    told: list[Person] = []
    for person in people:
        owner = told[-1] if told else None
        if owner and _OWNS.fullmatch(same, owner.span[1], person.span[0]):
            mine = owner.kin is Kin.SELF
            told[-1] = replace(
                person,
                span=(owner.span[0], person.span[1]),
                kin=person.kin if mine else Kin.OTHER,
            )
        else:
            told.append(person)
    return told
