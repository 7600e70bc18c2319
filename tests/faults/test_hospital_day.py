"""A hospital's day over every channel, with all vendors on this machine and their faults."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from channels_app.rehearsal.cast import all_lines
from channels_app.rehearsal.day import Day, live_a_day
from channels_app.rehearsal.house import OwnHouse

PATIENTS = 30
SAID = [
    ["你好", "我想挂号", "转人工"],
    ["头疼两天了挂什么科", "在几楼", "谢谢"],
    ["化验结果什么时候出", "可以邮寄吗"],
    ["孩子发烧39度怎么办", "还吐了", "我找护士"],
    ["医保能报吗"],
]


@pytest.fixture(scope="module")
def day(house: OwnHouse) -> Iterator[Day]:
    # Nobody else's words: a leak into a log must be ours.
    said = [[f"{text} 第{n}位" for text in SAID[n % len(SAID)]] for n in range(PATIENTS)]
    with ExitStack() as stack:
        lines = [stack.enter_context(line.opened()) for line in all_lines()]
        yield live_a_day(house, lines, said, patients=PATIENTS, rate=50)


def test_nothing_is_lost_doubled_or_out_of_order(day: Day) -> None:
    assert (day.lost, day.doubled, day.reordered) == (0, 0, 0)
    assert day.stuck == [] and day.answers["sent"] > PATIENTS


def test_every_callback_is_acknowledged(day: Day) -> None:
    assert day.callbacks > day.messages and not day.refused


def test_nothing_goes_out_beyond_a_window_or_a_quota(day: Day) -> None:
    assert day.out_of_bounds == 0


def test_no_word_of_a_patient_is_in_a_log(day: Day) -> None:
    assert day.leaked == 0


def test_every_fault_is_in_the_delivery_log_with_its_category(day: Day) -> None:
    found = {(slug, result, category) for slug, result, category, _code, _n in day.attempts}

    assert {
        ("wechat", "retry", "provider_down"),  # -1
        ("wechat", "retry", "throttled"),  # 45011
        ("miniprogram", "retry", "provider_down"),
        ("miniprogram", "retry", "throttled"),  # 45009
        ("wecom", "retry", "throttled"),
        ("aliyun", "retry", "throttled"),
        ("twilio", "retry", "throttled"),
    } <= found
    for line in all_lines():
        assert (line.kind, "unknown", "") in found  # a broken line, a gateway's error
    assert day.faults == sum(len(line.faults) for line in all_lines())
