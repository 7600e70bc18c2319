"""What is one complaint and not a word more, and what says more than that."""

import json
from pathlib import Path

import pytest

from assistant.reading.complaints import MOST, is_bare
from assistant.skills.feedback import _ANNOUNCES
from triage.interview_rules import Rules, build_rules, shipped_texts
from triage.redflags import find_red_flags

WRITTEN = Path(__file__).parents[3] / "workers" / "understanding" / "data" / "messages"


@pytest.fixture(scope="module")
def rules() -> Rules:
    return build_rules(shipped_texts())


@pytest.mark.parametrize(
    "words",
    [
        "头疼", "头疼怎么办", "我头疼三天了，一阵一阵的", "孩子肚子疼", "宝宝拉肚子两天了",
        "我妈腰疼好几年了", "嗓子疼挂什么科？", "手疼", "没力气", "最近总是失眠",
        "感冒了怎么办", "有点咳嗽",
        "I have a headache", "my son has had a cough for three days", "I've got a cold",
    ],
)  # fmt: skip
def test_one_complaint_and_no_more(rules: Rules, words: str) -> None:
    assert is_bare(words, rules)


@pytest.mark.parametrize(
    "words",
    [
        "头疼得厉害", "突然头疼", "头疼还吐", "胸口疼", "胸闷怎么办", "喘不上气",
        "孩子抽筋", "尿血", "过敏了怎么办", "摔了一跤腿疼", "吃了头孢肚子疼",
        "怀孕三个月肚子疼", "头不疼了", "头疼，帮我挂神经内科", "我爸心梗后头疼", "你好",
        "worst headache of my life", "headache after a fall", "a cold reception", "",
    ],
)  # fmt: skip
def test_what_says_more_or_may_be_grave(rules: Rules, words: str) -> None:
    assert not is_bare(words, rules)


@pytest.mark.parametrize("piece", ["刚", "得了", "我的孩子", "夸", "一个"])
def test_what_is_said_over_and_over_is_read_in_no_more_time_than_it_takes(
    rules: Rules, piece: str
) -> None:
    """Read in every way that it can be cut, this would not end today."""
    assert not is_bare(("头疼" + piece * 40)[: MOST - 1] + "x", rules)
    assert not _ANNOUNCES.fullmatch("表扬" + piece * 400 + "x")


def test_no_emergency_that_anybody_wrote_down_is_a_bare_complaint(rules: Rules) -> None:
    """Of 16,700 written messages: those with danger in them are weighed, or caught at the door."""
    bare = []
    for file in sorted(WRITTEN.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            said = json.loads(line)
            if len(said["text"]) <= MOST and is_bare(said["text"], rules):
                bare += [said] if not find_red_flags(said["text"]) else []

    assert len(bare) > 40
    assert not [said["text"] for said in bare if said["urgency"] > 1]
    assert {said["intent"] for said in bare} == {"symptom_triage"}
