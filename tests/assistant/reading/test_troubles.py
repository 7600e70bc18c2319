"""Everyday troubles: known by all that they say, so that no cry of a sick patient is one."""

import json
from pathlib import Path

import pytest

from assistant.reading.troubles import is_everyday

BANK = Path(__file__).parents[2] / "triage" / "cases.jsonl"


@pytest.mark.parametrize(
    "words",
    [
        "对了我医保卡忘带了怎么办",
        "钱包丢医院了 怎么办急死了",
        "停车场满了怎么办",
        "带钱不够怎么办",
        "迟到了怎么办",
        "过号了咋办啊",
        "没带身份证怎么办",
        "衣服落诊室了",
        "号过了怎么办",
        "I lost my phone, what should I do?",
    ],
)
def test_a_trouble_of_a_visit(words: str) -> None:
    assert is_everyday(words)


@pytest.mark.parametrize(
    "words",
    [
        "孩子不动了怎么办",
        "孩子不见了怎么办",
        "吃错药了怎么办",
        "忘吃药了怎么办",
        "牙掉了怎么办",
        "我迟到了 胸口疼怎么办",
        "来不及了怎么办",
        "符号过敏怎么办",
        "眼镜掉进眼睛里了怎么办",
        "怎么办",
        "救命",
        "I lost my baby, what should I do",
    ],
)
def test_whatever_else_it_says_it_is_none(words: str) -> None:
    assert not is_everyday(words)


def test_no_message_that_rings_is_one() -> None:
    bank = [json.loads(line) for line in BANK.read_text("utf-8").splitlines()]
    ringing = [row["text"] for row in bank if row.get("rules")]

    assert len(ringing) > 500
    assert not [text for text in ringing if is_everyday(text)]
