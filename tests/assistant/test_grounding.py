"""What a model's rewording must not do to a signed-off article, row by row."""
# ruff: noqa: E501  (a row reads best in one line)

import re
from collections.abc import Iterator

import pytest

from assistant.claims import Fact, clauses
from assistant.doubts import Doubt
from assistant.grounding import find_doubts
from harness.rewordings import ARTICLES, BAD, GOOD

LEAST_GOOD = 0.9  # the share of good rewordings that may be said; a refused one costs nothing

Row = tuple[str, str, str]


def facts_in(text: str) -> set[Fact]:
    return {fact for clause in clauses(text) for fact in clause.facts}


def doubts(row: Row) -> list[Doubt]:
    article, question, said = row
    return find_doubts(said, source=ARTICLES[article], question=question)


ALLOWED = [row for row in GOOD if not doubts(row)]


@pytest.mark.parametrize("row", BAD, ids=lambda row: f"{row[0]}: {row[2][:40]}")
def test_a_bad_rewording_is_refused(row: Row) -> None:
    assert doubts(row)


def test_most_good_rewordings_are_said() -> None:
    print(f"{len(ALLOWED)} of {len(GOOD)} good rewordings pass, {len(BAD)} bad ones do not")

    assert len(ALLOWED) >= LEAST_GOOD * len(GOOD)


TURNS = (
    ("不用", "不能"), ("不要", "可以"), ("不能", "可以"), ("可以", "不能"), ("可以", "必须"), ("最多", "至少"),
    ("前", "后"), ("后", "前"), ("上午", "下午"), ("下午", "上午"), ("以上", "以下"), ("以下", "以上"), ("南门", "北门"),
    ("东门", "西门"), ("分钟", "小时"), ("小时", "分钟"), ("元", "万元"), ("护士", "医生"), ("医生", "护士"), ("免费", "收费"),
    ("day", "week"), ("free", "cheap"), ("open", "closed"), ("before", "after"), ("can ", "cannot "),
    ("do not", "do"), ("cannot", "can"), ("at most", "at least"), ("yuan", "dollars"), ("minutes", "hours"),
    ("不用", ""), ("不要", ""), ("不能", ""), ("没有", ""), ("必须", ""), ("最多", ""), ("除外", ""),
    ("以上", ""), ("以下", ""), (" not ", " "), ("at most", ""), ("unless", ""),
)  # fmt: skip
ADDED = (
    "您不用担心。",
    "请多喝水。",
    "我会帮您预约。",
    "附近有药店。",
    " Take an aspirin.",
    " See our website.",
)


def spoilt(said: str) -> Iterator[str]:
    """The same with one mistake: another number, a word turned round, a sentence more."""
    for number in re.finditer(r"\d+", said):
        for wrong in (str(int(number[0]) + 1), f"{number[0]}0"):
            yield said[: number.start()] + wrong + said[number.end() :]
    for right, wrong in TURNS:
        for found in re.finditer(re.escape(right), said):
            yield said[: found.start()] + wrong + said[found.end() :]
    yield from (said + added for added in ADDED)


def test_a_good_rewording_with_one_mistake_is_refused() -> None:
    wrong = [(row[0], row[1], said) for row in ALLOWED for said in spoilt(row[2])]

    assert len(wrong) > 900
    assert [row for row in wrong if not doubts(row)] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("下午3点到7点", "15:00–19:00"),
        ("上午八点到十二点", "8:00-12:00"),
        ("下午1点半", "13:30"),
        ("半小时", "30分钟"),
        ("四十块钱", "40元"),
        ("两个小时", "2小时"),
        ("星期天", "周日"),
        ("不超过2人", "最多两位"),
        ("１号楼一层", "1号楼1楼"),
        ("百分之八十", "80%"),
        ("010-5550 0120", "01055500120"),
        ("from 3 p.m. to 7 p.m.", "15:00–19:00"),
        ("half an hour", "30 minutes"),
        ("on the first floor", "1st floor"),
    ],
)
def test_the_same_fact_in_other_words_is_the_same(one: str, other: str) -> None:
    assert facts_in(one) == facts_in(other) != set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("30分钟内", "30分钟后"),
        ("14岁以下", "14岁以上"),
        ("最多40元", "40元"),
        ("1号楼负一层", "1号楼一层"),
        ("5元", "5角"),
        ("8点", "晚上8点"),
        ("12点", "晚上12点"),
    ],
)
def test_another_limit_is_another_fact(one: str, other: str) -> None:
    assert facts_in(one) != facts_in(other)
