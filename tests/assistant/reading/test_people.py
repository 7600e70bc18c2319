"""Whom it is for, and names, phones, identity numbers, sex and pregnancy as patients give them."""

from datetime import date, timedelta

import pytest

from assistant.reading.particulars import (
    find_gender,
    find_identity_number,
    find_name,
    find_phone,
    find_pregnancy,
)
from assistant.reading.people import find_people


@pytest.mark.parametrize(
    ("said", "kin"),
    [
        ("给我妈挂", "parent"),
        ("帮我妈妈约", "parent"),
        ("我妈的药", "parent"),
        ("我爸", "parent"),
        ("老爸", "parent"),
        ("我儿子", "child"),
        ("女儿", "child"),
        ("給我孩子掛", "child"),
        ("宝宝", "child"),
        ("二宝发烧", "child"),
        ("我老公", "spouse"),
        ("媳妇", "spouse"),
        ("我奶奶", "other"),
        ("外婆", "other"),
        ("外孙女", "other"),
        ("我孙子", "other"),
        ("朋友", "other"),
        ("我自己", "self"),
        ("本人", "self"),
        ("我", "self"),
        ("就是我", "self"),
        ("给我自己看", "self"),
        ("帮我挂", "self"),
        ("帮我给我妈挂", "parent"),
        ("for my daughter", "child"),
        ("my mother", "parent"),
        ("for my mom", "parent"),
        ("my wife", "spouse"),
        ("my grandma", "other"),
        ("my mother-in-law", "other"),
        ("for me", "self"),
        ("myself", "self"),
        ("me", "self"),
        ("不是我妈,是我爸", "parent"),
        ("not my son, my daughter", "child"),
        ("我妈陪我去", None),
        ("周三", None),
        ("头疼", None),
        ("我姐姐的孩子", "other"),
        ("my sister's son", "other"),
    ],
)
def test_whom_it_is_for(said: str, kin: str | None) -> None:
    assert [person.kin for person in find_people(said)] == ([kin] if kin else [])


def test_a_word_for_kin_tells_the_sex_and_a_child() -> None:
    (daughter,), (baby,) = find_people("我女儿"), find_people("宝宝")

    assert (daughter.gender, daughter.is_child) == ("female", False)
    assert (baby.gender, baby.is_child) == ("", True)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我叫李建国", "李建国"),
        ("我叫李建国,今年60岁", "李建国"),
        ("名字是 Anna Li", "Anna Li"),
        ("姓名:张三", "张三"),
        ("患者姓名 王小明", "王小明"),
        ("我是欧阳修文", "欧阳修文"),
        ("孩子叫陈一诺", "陈一诺"),
        ("她叫刘芳", "刘芳"),
        ("my name is Anna Li", "Anna Li"),
        ("My name's John O'Brien.", "John O'Brien"),
        ("name: anna li", "anna li"),
        ("I'm Anna", "Anna"),
        ("王小明", "王小明"),
        ("王小明。", "王小明"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("Anna Li", "Anna Li"),
        ("anna li", "anna li"),
        ("高血压", None),
        ("明天", None),
        ("王女士", None),
        ("好的", None),
        ("周三", None),
        ("yes", None),
        ("Never mind", None),
        ("I'm fine", None),
        ("不想说", None),
        ("12345", None),
    ],
)
def test_a_name_is_read(said: str, name: str | None) -> None:
    found = find_name(said, asked=True)

    assert (found.name if found else None) == name


def test_unasked_only_what_says_that_it_is_a_name_is_one() -> None:
    assert find_name("王小明") is None
    assert find_name("我叫王小明") is not None


@pytest.mark.parametrize(
    ("said", "number", "mobile"),
    [
        ("13800138000", "13800138000", True),
        ("138 0013 8000", "13800138000", True),
        ("138-0013-8000", "13800138000", True),
        ("+86 138 0013 8000", "13800138000", True),
        ("+8613800138000", "13800138000", True),
        ("008613800138000", "13800138000", True),
        ("１３８００１３８０００", "13800138000", True),
        ("我的手机是13800138000谢谢", "13800138000", True),
        ("幺三八零零幺三八零零零", "13800138000", True),
        ("一三八〇〇一三八〇〇〇", "13800138000", True),
        ("010-62345678", "01062345678", False),
        ("0571 87654321", "057187654321", False),
        ("12345678901", "", None),
        ("1380013800", "", None),
        ("138001380001", "", None),
        ("11010519491231002X", "", None),
    ],
)
def test_a_phone_number_is_read(said: str, number: str, mobile: bool | None) -> None:
    found = find_phone(said)

    assert (found.number if found else "", found.mobile if found else None) == (number, mobile)


@pytest.mark.parametrize(
    ("said", "valid"),
    [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("110105 19491231 002X", True),
        ("１１０１０５１９４９１２３１００２Ｘ", True),
        ("身份证号11010519491231002X", True),
        ("110105194912310021", False),
        ("110105194913310029", False),
        ("440524188001010014", True),
    ],
)
def test_an_identity_number_is_checked(said: str, valid: bool) -> None:
    found = find_identity_number(said)

    assert found is not None
    assert found.is_valid is valid


def test_an_identity_number_tells_birthday_and_sex() -> None:
    found = find_identity_number("11010519491231002X")

    assert found is not None
    assert (found.born, found.gender, found.last_four) == (date(1949, 12, 31), "female", "002X")


def test_the_last_four_are_read_only_when_asked_for() -> None:
    assert find_identity_number("002X") is None
    assert (found := find_identity_number("后四位是002x", last_four=True))
    assert found.last_four == "002X"


@pytest.mark.parametrize(
    ("said", "gender"),
    [
        ("男", "male"),
        ("女的", "female"),
        ("女孩", "female"),
        ("男孩子", "male"),
        ("female", "female"),
        ("male", "male"),
        ("M", "male"),
        ("a boy", "male"),
        ("不是男的,是女的", "female"),
        ("not a boy, a girl", "female"),
        ("我儿子", "male"),
        ("my wife", "female"),
        ("孩子", None),
        ("好的", None),
    ],
)
def test_the_sex_is_read(said: str, gender: str | None) -> None:
    found = find_gender(said)

    assert (found.gender if found else None) == gender


@pytest.mark.parametrize(
    ("said", "state", "along"),
    [
        ("怀孕5个月", "pregnant", timedelta(days=150)),
        ("怀孕了,五个月", "pregnant", None),
        ("怀孕20周", "pregnant", timedelta(weeks=20)),
        ("孕12周", "pregnant", timedelta(weeks=12)),
        ("20 weeks pregnant", "pregnant", timedelta(weeks=20)),
        ("I'm pregnant", "pregnant", None),
        ("没怀孕", "not", None),
        ("没有怀孕", "not", None),
        ("不是孕妇", "not", None),
        ("not pregnant", "not", None),
        ("备孕", "trying", None),
        ("准备要孩子", "trying", None),
        ("trying for a baby", "trying", None),
        ("哺乳期", "breastfeeding", None),
        ("在喂奶", "breastfeeding", None),
        ("breastfeeding", "breastfeeding", None),
        ("可能怀孕了", "maybe", None),
        ("might be pregnant", "maybe", None),
        ("绝经了", "not", None),
        ("头疼", None, None),
    ],
)
def test_pregnancy_is_read(said: str, state: str | None, along: timedelta | None) -> None:
    found = find_pregnancy(said)

    assert (found.state if found else None) == state
    assert (found.along if found else None) == along
