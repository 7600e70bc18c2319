"""Suggested departments: each with a reason, children first to paediatrics, never nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.departments import DEPARTMENT_EN, DEPARTMENT_WORDS, suggest_departments
from triage.labels import DEPARTMENTS, DepartmentScore


def suggested(text: str, *scored: DepartmentScore, **patient: object) -> list[str]:
    return [one.department for one in suggest_departments(text, scored, **patient)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "department"),
    [
        ("咳嗽一周了", "呼吸内科"),
        ("胃痛反酸", "消化内科"),
        ("牙疼得睡不着", "口腔科"),
        ("膝盖疼", "骨科"),
        ("月经不规律", "妇科"),
        ("痔疮犯了", "肛肠科"),
        ("身上起湿疹", "皮肤科"),
        ("耳鸣好几天", "耳鼻喉科"),
        ("I have a rash", "皮肤科"),
        ("my toothache is back", "口腔科"),
        ("painful urination for two days", "泌尿外科"),
        ("頭暈", "神经内科"),
    ],
)
def test_a_complaint_finds_its_department(text: str, department: str) -> None:
    assert suggested(text)[0] == department


def test_the_reason_names_the_patients_own_word() -> None:
    (first, *_) = suggest_departments("最近总是咳嗽", [])

    assert first.reason_zh == "您提到了“咳嗽”，呼吸内科常看这类问题"
    assert "Respiratory Medicine" in first.reason_en


def test_the_model_and_the_words_add_up() -> None:
    scored = [DepartmentScore("神经内科", 0.5), DepartmentScore("心血管内科", 0.4)]

    assert suggest_departments("心慌", scored)[0].department == "心血管内科"


def test_what_the_model_alone_says_has_a_reason_too() -> None:
    (only,) = suggest_departments("那个地方不太对", [DepartmentScore("骨科", 0.9)])

    assert only.department == "骨科"
    assert only.reason_zh and only.reason_en


@pytest.mark.parametrize(
    ("text", "age"),
    [("咳嗽", 8), ("宝宝咳嗽", None), ("女儿5岁咳嗽", 34), ("my baby has a cough", None)],
)
def test_a_child_is_seen_in_paediatrics_first(text: str, age: int | None) -> None:
    assert suggest_departments(text, [], age=age)[0].department == "儿科"


def test_an_adult_record_is_not_a_child() -> None:
    assert "儿科" not in suggested("咳嗽", age=40)


def test_nothing_to_go_by_means_general_practice() -> None:
    assert suggested("你好") == ["全科医学科"]


def test_a_missing_symptom_names_no_department() -> None:
    assert "呼吸内科" not in suggested("没有咳嗽,就是牙疼")
    assert "呼吸内科" not in suggested("no cough, just a toothache")


def test_a_word_inside_another_is_not_said() -> None:
    assert "心胸外科" not in suggested("please describe the way")


def test_a_man_is_not_sent_to_gynaecology() -> None:
    assert "妇科" not in suggested("下面痒", DepartmentScore("妇科", 0.9), gender="male")


def test_no_more_than_asked_for() -> None:
    assert len(suggest_departments("咳嗽胃痛牙疼膝盖疼", [], limit=2)) == 2


def test_every_department_has_an_english_name_and_words() -> None:
    assert set(DEPARTMENT_EN) == set(DEPARTMENTS) == set(DEPARTMENT_WORDS)


def test_the_table_is_as_large_as_promised() -> None:
    words = {word for listed in DEPARTMENT_WORDS.values() for word in listed}

    assert sum(not word.isascii() for word in words) >= 150
    assert sum(word.isascii() for word in words) >= 60


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.integers(0, 100) | st.none())
def test_any_text_gets_a_suggestion_with_reasons(text: str, age: int | None) -> None:
    suggestions = suggest_departments(text, [], age=age)

    assert 1 <= len(suggestions) <= 3
    assert all(one.reason_zh and one.reason_en for one in suggestions)
