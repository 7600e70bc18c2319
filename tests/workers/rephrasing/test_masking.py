"""What is taken out of a question before it leaves the machine."""

import pytest

from workers.rephrasing.masking import mask


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("我的电话13800138000，停车多少钱", "13800138000"),
        ("电话是 138-0013-8000 谢谢", "8000"),
        ("打１３８００１３８０００找我", "8000"),
        ("一三八零零一三八零零零是我手机", "一三八"),
        ("身份证11010119900307123X能用吗", "110101"),
        ("护照E12345678可以挂号吗", "12345678"),
        ("病历号 0012345678 在哪打印", "0012345678"),
        ("+86 10 5550 0120 是急诊吗", "5550"),
        ("邮箱 li.ming@example.cn 收得到发票吗", "li.ming"),
        ("我叫张伟，怎么退号", "张伟"),
        ("我是王小丽，想退号", "王小丽"),
        ("姓名：欧阳娜娜 怎么查报告", "欧阳娜娜"),
        ("患者李强，报告出了吗", "李强"),
        ("My name is John Smith, when do you open", "Smith"),
        ("I am Mary Jones and I want to park", "Jones"),
        ("Mr. Brown wants a copy", "Brown"),
        ("我1990年3月7日生的要带什么", "1990"),
        ("微信号 wang_1988 能加吗", "wang_1988"),
        ("我住朝阳区幸福路12号院3单元，怎么坐车", "幸福路12号"),
    ],
)
def test_who_somebody_is_is_taken_out(said: str, secret: str) -> None:
    assert secret not in mask(said)


def test_names_of_the_record_are_taken_out_wherever_they_stand() -> None:
    assert "陈晨" not in mask("陈晨的报告在哪打印", names=("陈晨",))


@pytest.mark.parametrize(
    "said",
    [
        "停车30分钟多少钱",
        "CT报告第二天10点出吗",
        "周六8:00到12:00看病吗",
        "Is B1 open at 7:30?",
        "我是第一次来 挂什么号",
    ],
)
def test_what_is_asked_stays(said: str) -> None:
    assert mask(said) == said
