"""From logits to an Understanding: thresholds, and what may be raised."""

from dataclasses import replace

import numpy as np
import pytest

from triage.labels import DEPARTMENTS, NOT_UNDERSTOOD, Distress, Intent, Understanding, Urgency
from workers.understanding.decision import HEADS, Calibration, Logits, decide, probabilities
from workers.understanding.safety import asks_for_person, raise_where_plain, speaks_of_crisis

CALIBRATION = Calibration(
    temperature=dict.fromkeys(HEADS, 1.0),
    abstain_below={**dict.fromkeys(map(str, Intent), 0.6), "chitchat": 0.4},
    emergency_from=0.3,
    watch_from=0.1,
)
SIZES = {"intent": 14, "urgency": 4, "distress": 4, "wants_human": 2, "department": 31}


def logits(**shares: dict[int, float]) -> Logits:
    """Build logits whose probabilities are the given ones, the rest shared evenly."""
    rows = {}
    for head, size in SIZES.items():
        named = shares.get(head, {0: 0.9})
        rest = (1 - sum(named.values())) / (size - len(named))
        rows[head] = np.log(np.array([named.get(i, rest) for i in range(size)], dtype=np.float32))
    return rows


def said(text: str = "…", **shares: dict[int, float]) -> Understanding:
    row = logits(**shares)
    return decide([row], text=text, readable=True, calibration=CALIBRATION, model="test")


def test_the_likeliest_intent_is_said_with_its_confidence() -> None:
    answer = said(intent={2: 0.8})
    assert answer.intent is Intent.REPORT_QUERY
    assert answer.intent_confidence == pytest.approx(0.8)
    assert not answer.abstained


def test_below_the_threshold_it_abstains() -> None:
    assert said(intent={2: 0.55}).abstained


def test_a_dear_mistake_needs_more_confidence_than_a_cheap_one() -> None:
    assert said(intent={4: 0.5}).abstained
    assert not said(intent={12: 0.5}).abstained


def test_between_two_that_are_answered_alike_it_is_sure_of_the_answer() -> None:
    answer = said(intent={6: 0.5, 7: 0.4})
    assert answer.intent is Intent.FEES_INSURANCE
    assert answer.intent_confidence == pytest.approx(0.5)
    assert not answer.abstained


def test_of_danger_it_is_never_too_unsure_to_ring() -> None:
    assert not said(intent={11: 0.35, 2: 0.3}, urgency={3: 0.35}).abstained


def test_a_second_wish_is_told_beside_the_first() -> None:
    assert said(intent={1: 0.6, 6: 0.3}).also == (Intent.FEES_INSURANCE,)
    assert said(intent={1: 0.9}).also == ()


def test_what_may_be_danger_is_looked_at_the_same_day() -> None:
    assert said(intent={2: 0.8, 11: 0.15}, urgency={1: 0.8, 3: 0.15}).urgency is Urgency.SAME_DAY
    assert said(intent={2: 0.8, 11: 0.01}).urgency is Urgency.NONE


def test_the_middle_of_a_long_message_may_raise_and_never_lower() -> None:
    calm, danger = (
        logits(intent={2: 0.9}),
        logits(intent={11: 0.9}, urgency={3: 0.9}, wants_human={1: 0.9}),
    )

    raised = decide([calm, danger], text="…", readable=True, calibration=CALIBRATION, model="test")
    kept = decide([danger, calm], text="…", readable=True, calibration=CALIBRATION, model="test")

    assert raised.urgency is Urgency.EMERGENCY and raised.wants_human
    assert kept.urgency is Urgency.EMERGENCY and kept.wants_human


def test_a_decision_tells_the_scores_and_thresholds_it_used() -> None:
    evidence = said(intent={2: 0.8}).evidence
    assert evidence["scores"]["intent"][2] == 0.8
    assert evidence["thresholds"]["emergency_from"] == CALIBRATION.emergency_from
    assert evidence["thresholds"]["abstain_below"]["chitchat"] == 0.4


def test_a_third_of_an_emergency_is_an_emergency() -> None:
    answer = said(intent={2: 0.6, 11: 0.35}, urgency={1: 0.6, 3: 0.35})
    assert answer.intent is Intent.EMERGENCY
    assert answer.urgency is Urgency.EMERGENCY


def test_a_crisis_is_always_urgent() -> None:
    assert said(distress={3: 0.9}).urgency is Urgency.EMERGENCY


def test_departments_come_likeliest_first_and_guesses_not_at_all() -> None:
    answer = said(department={4: 0.2, 7: 0.6})
    assert [d.name for d in answer.departments] == [DEPARTMENTS[7], DEPARTMENTS[4]]
    assert said(department={0: 1 / 31}).departments == ()


def test_a_higher_temperature_makes_it_modest() -> None:
    row = np.array([3.0, 1.0, 0.0], dtype=np.float32)
    assert probabilities(row, 2.0).max() < probabilities(row, 1.0).max()
    assert probabilities(row, 2.0).sum() == pytest.approx(1.0)


def test_what_cannot_be_read_is_not_understood_but_plain_phrases_still_count() -> None:
    answer = decide(
        [logits(intent={2: 0.99})],
        text="转人工",
        readable=False,
        calibration=CALIBRATION,
        model="test",
    )
    assert replace(answer, evidence={}) == replace(NOT_UNDERSTOOD, wants_human=True, model="test")


def test_phrases_never_lower_what_the_model_found() -> None:
    found = said(intent={11: 0.9}, distress={3: 0.9}, wants_human={1: 0.9})
    assert raise_where_plain(found, "哈哈没事,开玩笑的") == found


@pytest.mark.parametrize(
    "text",
    ["我要人工服务", "转接人工", "给我找个真人", "人工", "有没有护士", "护士姐姐在吗", "operator",
     "i want to speak with a nurse", "can i talk to someone", "real person please",
     "你们谁给我打个电话吧", "派个人跟我讲", "找个能拍板的跟我谈", "喊个医生给她说下",
     "/transfer agent", "get me the boss", "somebody please call me"],
)  # fmt: skip
def test_a_wish_for_a_person_is_seen(text: str) -> None:
    assert asks_for_person(text)


@pytest.mark.parametrize(
    "text",
    ["人工流产疼吗", "想做人工授精", "你是真人还是机器", "原来你不是真人啊", "护士站怎么走",
     "换人工晶体多少钱", "别给我打电话", "刚才给我打个电话说报告好了",
     "are you a real person or a robot", "the nurse was kind"],
)  # fmt: skip
def test_talk_of_persons_is_no_wish_for_one(text: str) -> None:
    assert not asks_for_person(text)


@pytest.mark.parametrize("text", ["我不想活了", "他说他要跳楼", "i'm going to kill myself"])
def test_a_crisis_in_plain_words_is_seen(text: str) -> None:
    assert speaks_of_crisis(text)


@pytest.mark.parametrize("text", ["热死了", "作业写得我不想活了哈哈", "预防自杀的讲座几点", "笑死"])
def test_jokes_and_lectures_are_no_crisis(text: str) -> None:
    assert not speaks_of_crisis(text)


def test_a_crisis_raises_distress_and_urgency() -> None:
    answer = said("我不想活了")
    assert answer.distress is Distress.CRISIS
    assert answer.urgency is Urgency.EMERGENCY


def test_danger_is_raised_even_where_little_can_be_read() -> None:
    answer = decide(
        [logits(intent={11: 0.8}, urgency={3: 0.8})],
        text="hlp dad cnt brth",
        readable=False,
        calibration=CALIBRATION,
        model="test",
    )
    assert answer.urgency is Urgency.EMERGENCY
    assert answer.abstained
