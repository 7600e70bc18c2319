"""Whatever anybody writes: no reader raises, every span lies in the text, and none takes long."""

from collections.abc import Callable, Iterable
from datetime import date
from time import thread_time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.reading.choices import find_pick, yes_or_no
from assistant.reading.commands import find_command
from assistant.reading.dates import find_days
from assistant.reading.measures import (
    find_age,
    find_durations,
    find_severity,
    find_temperature,
)
from assistant.reading.misuse import find_misuse
from assistant.reading.numbers import find_numbers
from assistant.reading.particulars import (
    find_gender,
    find_identity_number,
    find_name,
    find_phone,
    find_pregnancy,
)
from assistant.reading.people import find_people
from assistant.reading.spelling import rest
from assistant.reading.times import find_times

TODAY = date(2026, 11, 26)
LABELS = ["普外科 周三上午 9:00 ¥50", "骨科 周四下午 14:30 ¥20", "Dr Li"]
READERS: dict[str, Callable[[str], Any]] = {
    "days": lambda text: find_days(text, today=TODAY),
    "days of the past": lambda text: find_days(text, today=TODAY, back=True),
    "the first day": lambda text: find_days(text, today=date.min),
    "the last day": lambda text: find_days(text, today=date.max),
    "times": find_times,
    "numbers": find_numbers,
    "durations": find_durations,
    "temperature": lambda text: find_temperature(text, asked=True),
    "age": lambda text: find_age(text, today=TODAY),
    "severity": lambda text: find_severity(text, asked=True),
    "people": find_people,
    "name": lambda text: find_name(text, asked=True),
    "phone": find_phone,
    "identity number": lambda text: find_identity_number(text, last_four=True),
    "gender": find_gender,
    "pregnancy": find_pregnancy,
    "pick": lambda text: find_pick(text, LABELS),
    "yes or no": yes_or_no,
    "command": find_command,
    "misuse": find_misuse,
}
PIECES = (
    "不是 周 三 下 上 个 月 号 日 年 半 点 二十 十 一 两 12 3 5 31 2026 - / . : , 。 到"
    " 和 或 都 不行 前 后 内 天 今 明 晚 早 上午 下午 我 妈 叫 李 王 岁 度 分 钟 怀孕"
    " 第 the next Wed of Dec 5th in two weeks ago and half past to not am pm a hundred"
    " by 138 0013 8000 幺 ② 取消 预约 算了 none any \x00 İ ﬁ 🙂 ́"
)
WORDS = st.sampled_from(PIECES.split())
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(WORDS, max_size=14).map("".join),
    st.lists(WORDS, max_size=12).map(" ".join),
)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@example(text="")
@example(text="9999年12月31日之后")
def test_no_reader_raises_and_spans_lie_inside(reader: Callable[[str], Any], text: str) -> None:
    spans = [one.span for one in _all(reader(text))]

    assert all(0 <= start < end <= len(text) for start, end in spans)
    rest(text, spans)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_an_answer_is_read_in_under_a_millisecond(reader: Callable[[str], Any]) -> None:
    answers = [
        "不是周三,是下周四下午三点半,给我妈挂普外科的号",
        "not Wednesday, next Thursday afternoon at half past three for my mother",
        "我叫李建国,1958年生,电话13800138000,肚子很疼三天了,38度5",
    ]
    for answer in answers:
        reader(answer)

    took = []
    for _ in range(15):
        begun = thread_time()
        for answer in answers:
            reader(answer)
        took.append((thread_time() - begun) / len(answers))

    assert min(took) < 0.001


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    "text", ["9" * 20_000, "一" * 20_000, "a " * 10_000, "不" * 20_000, " " * 20_000, "12:" * 7_000]
)
def test_a_page_of_anything_is_soon_read(reader: Callable[[str], Any], text: str) -> None:
    begun = thread_time()
    reader(text)

    assert thread_time() - begun < 0.2


def _all(found: Any) -> Iterable[Any]:
    return [] if found is None else found if isinstance(found, list) else [found]
