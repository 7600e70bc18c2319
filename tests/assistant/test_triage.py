"""智能导诊 in the talk: what is asked, what is heard, what is lent by the record, who is called."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.utils import translation

from assistant.models import Dialogue
from assistant.skills import inquiry
from conversations.models import Author, Conversation, Message
from hospital.models import OpeningHours, Place
from patients.models import Proxy
from patients.services import create_patient, update_patient
from tickets.card import build_card, sign_name
from tickets.models import Alarm, Reason, Ticket
from triage.findings import Findings, Known
from triage.interview import Interview
from triage.labels import Urgency
from workers.warming import warm_up_now

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NINE_IN_THE_EVENING = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)


def last() -> Message:
    return Message.objects.exclude(author=Author.PATIENT).latest("seq")


def kept() -> dict[str, Any]:
    """What the interview knows, as it is kept."""
    facts: dict[str, Any] = Dialogue.objects.latest("pk").facts
    return dict(facts["interview"]["findings"])


def writer() -> Any:
    return Conversation.objects.get().contact_point.patient


@pytest.fixture
def known_writer(patient_writes: Any, model: Any) -> Any:
    """Somebody of whom age and sex are on record."""
    model.means("chitchat")
    patient_writes("你好")
    update_patient(writer(), birth_date_text="1985-03-02", gender="female")
    return writer()


def test_a_question_comes_with_its_choices_and_how_far_it_is(patient_writes, model) -> None:
    model.means("symptom_triage")

    patient_writes("咳嗽三天了,有痰")

    details = last().details
    assert [choice["label"] for choice in details["choices"]][-2:] == ["不确定", "找护士"]
    number, expected = details["progress"]
    assert number == 1
    assert 3 <= expected <= 6


def test_what_is_read_whole_needs_no_model_and_the_rest_is_seen(patient_writes, model) -> None:
    model.means("symptom_triage")
    patient_writes("咳嗽三天了,有痰")

    patient_writes("45岁")
    patient_writes("1和3")
    assert len(model.asked) == 1

    patient_writes("没有,你们几点下班啊?")
    assert len(model.asked) == 2


def test_half_of_a_label_says_nothing(patient_writes, model) -> None:
    """ "自己" stands in "伤害自己的想法", and is no thought of it."""
    model.means("symptom_triage")
    patient_writes("失眠一个多月")
    assert "伤害自己" in last().details["choices"][0]["label"]

    patient_writes("我自己")

    assert not Alarm.objects.exists()
    assert "harm_thoughts" not in kept()["signs"]


def test_the_record_is_lent_where_it_is_the_writer_and_not_kept(
    patient_writes, model, known_writer
) -> None:
    model.means("symptom_triage")

    patient_writes("我咳嗽三天了,有痰")

    assert "多大年纪" not in last().text
    assert "months" not in kept()["facts"]


def test_nobody_is_taken_for_the_writer(patient_writes, model, known_writer) -> None:
    model.means("symptom_triage")
    patient_writes("咳嗽三天了,有痰")
    assert "替别人问" in last().text

    patient_writes("孩子")

    assert "多大年纪" in last().text


@pytest.mark.parametrize(("verified", "is_asked"), [(True, False), (False, True)])
def test_a_family_members_record_is_lent_to_who_has_proved_it(
    patient_writes, model, known_writer, now, verified, is_asked
) -> None:
    mother = create_patient(name="钱桂兰", birth_date_text="1950-03-03", gender="female")
    Proxy.objects.create(
        writer=known_writer,
        patient=mother,
        relationship=Proxy.Relationship.CHILD,
        verified_at=now if verified else None,
    )
    model.means("symptom_triage")

    patient_writes("我妈咳嗽三天了")

    assert ("多大年纪" in last().text) is is_asked


def test_somebody_else_has_another_age() -> None:
    said = Findings(signs={"tooth": Known.PRESENT}, facts={"months": 816.0, "sex": "female"})
    mother = Interview(Findings(said.signs, {**said.facts, "who": "other"}), said=("我妈牙疼",))
    son = Interview(
        Findings(said.signs, {**said.facts, "who": "child", "sex": "male"}), said=("我妈牙疼",)
    )

    turned = inquiry.for_another(son, {"kind": "child", "gender": "male"}, before=mother)

    assert turned.findings.facts == {"who": "child", "sex": "male"}


def test_how_long_is_put_right_while_an_age_is_asked(patient_writes, model) -> None:
    model.means("symptom_triage")
    patient_writes("咳嗽三天了")
    assert "多大年纪" in last().text

    patient_writes("不对,是三个月")

    assert kept()["facts"] == {"hours": 2190.0}
    assert "记下了" in last().text


@pytest.mark.parametrize("words", ["两天了", "昨天开始的", "三天"])
def test_how_long_is_no_age_and_is_kept_whatever_was_asked(patient_writes, model, words) -> None:
    model.means("symptom_triage")
    patient_writes("嗓子疼")
    assert "多大年纪" in last().text

    patient_writes(words)

    assert kept()["facts"]["hours"] in (24, 48, 72)
    assert "months" not in kept()["facts"]
    assert last().text.startswith("记下了")


@pytest.mark.parametrize(
    ("words", "months"),
    [("今年五十八了", 696), ("男45 200斤", 540), ("三十五", 420), ("宝宝3天", 0.1)],
)
def test_an_age_without_its_years(words, months, patient_writes, model) -> None:
    model.means("symptom_triage")
    patient_writes("嗓子疼")

    patient_writes(words)

    assert kept()["facts"]["months"] == months


def test_months_after_a_childs_complaint_are_asked_about(patient_writes, model) -> None:
    model.means("symptom_triage")

    patient_writes("宝宝拉肚子一天七八次 还吐 8个月")

    assert "hours" not in kept()["facts"]
    assert "多大年纪" in last().text


def test_an_age_is_no_duration(patient_writes, model) -> None:
    model.means("symptom_triage")
    patient_writes("孩子发烧38.5两天了")

    patient_writes("8个月")

    assert (kept()["facts"]["months"], kept()["facts"]["hours"]) == (8.0, 48.0)


def test_danger_that_is_tapped_rings_and_the_nurse_has_all_of_it(patient_writes, model) -> None:
    model.means("symptom_triage")
    patient_writes("咳嗽三天了,有痰")
    patient_writes("45岁")

    patient_writes("坐着不动也喘,或者说不了整句话")

    ticket, alarm = Ticket.objects.get(), Alarm.objects.get()
    assert (ticket.reason, ticket.urgency) == (Reason.RED_FLAG, Urgency.EMERGENCY)
    assert all(rule.startswith("interview:") for rule in alarm.rules)
    names = set()
    for lang in ("zh-hans", "en"):
        with translation.override(lang):
            names.add(sign_name(alarm.rules[0]))
    assert len(names) == 2
    said = [message.text for message in Message.objects.filter(author=Author.SYSTEM)]
    assert any("120" in text for text in said)
    collected = {line.label: line.value for line in build_card(ticket, ticket.opened_at).collected}
    assert "坐着不动也喘" in collected["导诊问答"]


def test_an_alarm_of_rules_that_are_no_more_still_has_a_name() -> None:
    assert sign_name("interview:withdrawn") == "导诊问答判断为紧急"


def test_in_the_evening_what_has_to_be_seen_today_goes_to_the_emergency_department(
    patient_writes, model
) -> None:
    model.means("symptom_triage")
    place = Place.objects.get(kind="emergency")
    for weekday in range(7):
        OpeningHours.objects.create(
            place=place, weekday=weekday, opens_at="00:00", closes_at="00:00"
        )

    patient_writes("宝宝8个月拉稀三天", now=NINE_IN_THE_EVENING)
    patient_writes("没有", now=NINE_IN_THE_EVENING)
    patient_writes("没有", now=NINE_IN_THE_EVENING)

    assert last().details["triage"]["level"] == 3
    assert "现在就有医生" in last().text
    assert "1号楼一层" in last().text


@pytest.mark.parametrize(
    ("words", "meaning", "is_taken"),
    [
        ("宝宝有点拉稀", {"intent": "other"}, True),
        ("有点咳嗽", {"intent": "symptom_triage", "abstained": True}, True),
        ("咳得不一样", {"intent": "symptom_triage", "abstained": True, "urgency": 3}, False),
        ("咳嗽,报告出来了吗", {"intent": "report_query", "abstained": True}, False),
        ("我的手臂看着怪怪的", {"intent": "other", "abstained": True}, False),
    ],
)  # fmt: skip
def test_a_plain_complaint_is_taken_where_the_model_makes_nothing_of_it(
    patient_writes, model, words, meaning, is_taken
) -> None:
    if "urgency" in meaning:
        meaning = {**meaning, "urgency": Urgency(meaning["urgency"])}
    model.means(**meaning)

    patient_writes(words)

    assert Dialogue.objects.filter(skill="triage").exists() is is_taken
    assert Ticket.objects.exists() is not is_taken


@pytest.mark.parametrize("words", ["头疼怎么办", "我头疼三天了，一阵一阵的", "孩子腿疼", "感冒了"])
def test_a_bare_complaint_is_asked_about_whatever_a_model_makes_of_it(
    patient_writes, model, words
) -> None:
    model.means("emergency", urgency=Urgency.EMERGENCY)

    patient_writes(words)

    assert Dialogue.objects.filter(skill="triage").exists()
    assert not Ticket.objects.exists() and not model.asked


@pytest.mark.parametrize("words", ["头疼得厉害", "头疼还吐", "胸口不舒服", "我的手臂看着怪怪的"])
def test_a_model_raises_what_says_more_or_may_be_grave(patient_writes, model, words) -> None:
    model.means("emergency", urgency=Urgency.EMERGENCY)

    patient_writes(words)

    assert Ticket.objects.get().reason == Reason.RED_FLAG


def test_an_answer_that_does_not_fit_is_no_chat(patient_writes, model) -> None:
    model.means("symptom_triage")
    patient_writes("咳嗽三天了,有痰")
    model.means("chitchat")

    patient_writes("没有")
    assert "没太看懂" in last().text

    patient_writes("没有")
    assert Ticket.objects.get().reason == Reason.MISUNDERSTOOD


def test_ages_are_of_the_day_they_are_asked() -> None:
    patient = create_patient(birth_date_text="2024-11-18")

    facts = inquiry.demographics(patient, date(2026, 11, 18))

    assert facts == {"months": 24.0}


def test_a_worker_warms_up_and_a_failure_keeps_it_from_nothing(caplog) -> None:
    warm_up_now()

    assert "warm-up failed" not in caplog.text


@pytest.mark.parametrize("words", ["女", "女的", "Female", "female"])
def test_a_woman_is_not_taken_for_a_pregnant_one(words, patient_writes, model) -> None:
    """Two answers begin with the same word; the word alone is neither of them."""
    model.means("symptom_triage")
    patient_writes("肚子疼一天了")
    patient_writes("20岁")

    patient_writes(words)

    assert not Ticket.objects.exists()


@pytest.mark.parametrize(("words", "card"), [("3个月到1岁", "3个月到1岁"), ("8个月", "8个月大")])
def test_the_card_says_of_an_age_what_was_said(words, card, patient_writes, model) -> None:
    model.means("symptom_triage")
    patient_writes("咳嗽三天了")
    patient_writes(words)

    said = inquiry.show_findings(Dialogue.objects.latest("pk").facts["interview"])

    assert said.startswith(card)
