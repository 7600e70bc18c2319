"""Picks from a list that was shown, and yes or no, in both languages."""

import pytest

from assistant.reading.choices import ANY, NONE_OF_THEM, consent, find_pick, pick, yes_or_no

DEPARTMENTS = ["普外科", "骨科", "消化内科", "Dermatology"]
SLOTS = ["周三上午 9:00 李明 ¥50", "周三下午 14:30 王芳 ¥20", "周四下午 15:00 赵强 ¥30"]


@pytest.mark.parametrize(
    ("said", "picked"),
    [
        ("2", 1),
        ("２", 1),
        ("二", 1),
        ("②", 1),
        ("选2", 1),
        ("我选2", 1),
        ("2号", 1),
        ("第二个", 1),
        ("第2个吧", 1),
        ("要第二个", 1),
        ("第一个", 0),
        ("最后一个", 3),
        ("倒数第二个", 2),
        ("B", 1),
        ("b", 1),
        ("选B", 1),
        ("option 2", 1),
        ("number two", 1),
        ("two", 1),
        ("the second one", 1),
        ("2nd", 1),
        ("the first please", 0),
        ("the last one", 3),
        ("普外那个", 0),
        ("普外科", 0),
        ("骨科吧", 1),
        ("消化", 2),
        ("dermatology please", 3),
        ("不是第一个,是第二个", 1),
        ("不要骨科,消化内科", 2),
        ("都不要", NONE_OF_THEM),
        ("都不行", NONE_OF_THEM),
        ("一个都不要", NONE_OF_THEM),
        ("换一批", NONE_OF_THEM),
        ("none of them", NONE_OF_THEM),
        ("neither", NONE_OF_THEM),
        ("都可以", ANY),
        ("都行", ANY),
        ("随便", ANY),
        ("无所谓", ANY),
        ("any", ANY),
        ("either is fine", ANY),
        ("you choose", ANY),
        ("第一个和第三个", None),
        ("5", None),
        ("第九个", None),
        ("Z", None),
        ("好的", None),
        ("头疼", None),
        ("", None),
    ],
)
def test_a_department_is_picked(said: str, picked: object) -> None:
    assert pick(said, DEPARTMENTS) == picked


@pytest.mark.parametrize(
    ("said", "picked"),
    [
        ("上午的", 0),
        ("周四那个", 2),
        ("周四下午", 2),
        ("王芳", 1),
        ("李明医生的", 0),
        ("便宜的那个", 1),
        ("the cheapest", 1),
        ("早一点的", 0),
        ("最晚的", 2),
        ("14:30", 1),
        ("9:00 那个", 0),
        ("下午的", None),
        ("周三", None),
        ("周三下午", 1),
        ("周三上午不行,周四", 2),
    ],
)
def test_a_slot_is_picked(said: str, picked: object) -> None:
    assert pick(said, SLOTS) == picked


def test_two_picks_and_an_unclear_one_are_told_apart() -> None:
    both, afternoon = find_pick("第一个和第三个", SLOTS), find_pick("下午的", SLOTS)

    assert both is not None
    assert both.places == (0, 2)
    assert afternoon is None or len(afternoon.places) != 1


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("好的", "yes"),
        ("好", "yes"),
        ("行", "yes"),
        ("嗯", "yes"),
        ("嗯嗯", "yes"),
        ("可以", "yes"),
        ("对", "yes"),
        ("是的", "yes"),
        ("没问题", "yes"),
        ("没错", "yes"),
        ("确认", "yes"),
        ("有的", "yes"),
        ("需要", "yes"),
        ("當然可以", "yes"),
        ("不是不可以", "yes"),
        ("不介意", "yes"),
        ("ok", "yes"),
        ("OK的", "yes"),
        ("yes", "yes"),
        ("Yes please", "yes"),
        ("sure", "yes"),
        ("why not", "yes"),
        ("no problem", "yes"),
        ("y", "yes"),
        ("sounds good", "yes"),
        ("不", "no"),
        ("不行", "no"),
        ("不要", "no"),
        ("不用", "no"),
        ("不用了谢谢", "no"),
        ("不好", "no"),
        ("不太好", "no"),
        ("不对", "no"),
        ("不是", "no"),
        ("没有", "no"),
        ("没", "no"),
        ("無", "no"),
        ("算了", "no"),
        ("不可以", "no"),
        ("no", "no"),
        ("No, thank you", "no"),
        ("nope", "no"),
        ("not really", "no"),
        ("I don't", "no"),
        ("不确定", "unsure"),
        ("不知道", "unsure"),
        ("不清楚", "unsure"),
        ("不太确定", "unsure"),
        ("可能吧", "unsure"),
        ("好像有", "unsure"),
        ("记不清了", "unsure"),
        ("说不好", "unsure"),
        ("再想想", "unsure"),
        ("maybe", "unsure"),
        ("I don't know", "unsure"),
        ("not sure", "unsure"),
        ("I think so", "unsure"),
        ("可不可以", None),
        ("行不行", None),
        ("周三", None),
        ("hello", None),
        ("没事", None),
        ("不舒服", None),
        ("好多了", None),
        ("", None),
    ],
)
def test_yes_no_and_unsure(said: str, answer: str | None) -> None:
    found = yes_or_no(said)

    assert (found.answer if found else None) == answer


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("确认", "yes"),
        ("好的 那需要带什么", "yes"),
        ("行，几楼？", "yes"),
        ("yes, where is it?", "yes"),
        ("please book it", "yes"),
        ("那就要这个号", "yes"),
        ("要空腹吗", None),
        ("预约之后能取消吗", None),
        ("取消要扣钱吗", None),
        ("需要带什么", None),
        ("我想想", None),
        ("想再看看", None),
        ("is it far, can I park there", None),
        ("i have a fever, is that ok", None),
    ],
)
def test_a_question_is_no_consent(said: str, answer: str | None) -> None:
    found = consent(said)

    assert (found.answer if found else None) == answer
