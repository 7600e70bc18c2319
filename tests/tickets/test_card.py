"""The card says what was said, by whom, and where; it makes nothing up."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import translation

from conversations.models import Conversation, Message
from patients.models import Proxy
from patients.services import create_patient, update_patient
from records.models import AllergyIntolerance
from staff.models import StaffMember
from tickets.card import MAX_LINES, build_card, last_question, mask_phone, most_telling, sign_name
from tickets.models import Ticket
from tickets.services import claim_ticket, resolve_ticket

PatientWrites = Callable[..., Any]


def says(seq: int, text: str, **details: Any) -> Message:
    return Message(seq=seq, author="patient", text=text, details=details or None)


def understood(intent: str) -> dict[str, Any]:
    return {"understanding": {"intent": intent}}


def test_the_first_complaint_the_danger_and_the_particulars_are_kept() -> None:
    messages = [
        says(1, "你好", **understood("chitchat")),
        says(2, "孩子不舒服", **understood("symptom_triage")),
        says(3, "嗯"),
        says(4, "昨天晚上开始发烧,39度,吃了两次退烧药"),
        says(5, "抽了", red_flags=[{"rule": "seizure", "evidence": [0, 2]}]),
        says(6, "找护士", tap="nurse"),
        says(7, "人工", **understood("human_agent")),
        *(says(n, "在") for n in range(8, 20)),
    ]

    lines = most_telling(messages)

    seqs = [line.seq for line in lines]
    assert {2, 4, 5} <= set(seqs)
    assert not {1, 6, 7} & set(seqs)
    assert seqs == sorted(seqs)
    assert len(lines) == MAX_LINES


@pytest.mark.parametrize(
    ("texts", "asked"),
    [
        (["发烧三天了", "要不要去医院?", "谢谢"], "要不要去医院?"),
        (["I have a rash", "should I come in", "ok"], "should I come in"),
        (["头疼", "想问问怎么办"], "想问问怎么办"),
        (["头疼", "很疼"], "很疼"),
        (["要不要去医院?", "在吗?"], "要不要去医院?"),
    ],
    ids=["question", "english", "wish", "no question", "a knock is none"],
)
def test_what_is_asked_is_the_last_question_or_wish(texts: list[str], asked: str) -> None:
    line = last_question([says(n, text) for n, text in enumerate(texts, 1)])
    assert line is not None
    assert line.text == asked


def test_a_bare_call_for_a_nurse_is_not_the_question() -> None:
    calls = understood("human_agent")
    messages = [says(1, "做胃镜前要空腹吗"), says(2, "帮我找护士", **calls)]
    line = last_question(messages)
    assert line is not None
    assert line.seq == 1

    messages.append(says(3, "能不能找护士问问,这样要不要紧,要不要去医院?", **calls))
    line = last_question(messages)
    assert line is not None
    assert line.seq == 3


def test_what_is_urgent_is_no_chat() -> None:
    urgent = {"understanding": {"intent": "chitchat", "urgency": 2}}
    lines = most_telling([says(1, "不是自杀 是不小心割到手", **urgent)])
    assert [line.seq for line in lines] == [1]


def test_nothing_said_is_nothing_asked() -> None:
    assert last_question([]) is None
    assert most_telling([]) == ()


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("13812345678", "138****5678"), ("", ""), ("12345", "*****")],
)
def test_a_phone_is_masked(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


def test_a_sign_has_a_name_in_both_languages() -> None:
    with translation.override("zh-hans"):
        assert sign_name("chest_pain") == "胸痛"
        assert "模型" in sign_name("model:crisis")
    with translation.override("en"):
        assert sign_name("chest_pain") == "Chest pain"
        assert sign_name("model:angry") == "Danger (found by the model)"
        assert sign_name("tap:emergency") == "The patient pressed the emergency button"
    assert sign_name("tap:emergency") == "患者按了紧急按钮"


@pytest.mark.parametrize("rule", ["withdrawn_rule", "rules:failed", "model:emergency", "x:y"])
def test_no_nurse_reads_a_code(rule: str) -> None:
    for language, letters in (("zh-hans", r"[\u3400-\u9fff（），]+"), ("en", r"[A-Za-z ,:()]+")):
        with translation.override(language):
            assert re.fullmatch(letters, sign_name(rule))
            assert rule not in sign_name(rule)


@pytest.mark.django_db
def test_a_card_of_a_red_flag(patient_writes: PatientWrites, now: Any) -> None:
    received = patient_writes("我胸口剧痛,喘不上气", attended=False)
    conversation = Conversation.objects.get()
    patient = conversation.contact_point.patient
    update_patient(
        patient,
        name="王小梅",
        phone="13812345678",
        birth_date_text="1988-03-05",
        gender="female",
        pregnant_until=date(2027, 3, 1),
    )
    AllergyIntolerance.objects.create(
        patient=patient, substance="青霉素", data_key_id=patient.data_key_id
    )

    card = build_card(Ticket.objects.get(), now)

    assert (card.who.name, card.who.age, card.who.pregnant) == ("王小梅", 38, True)
    assert card.who.phone == "138****5678"
    assert "胸口剧痛" in [sign.evidence for sign in card.signs]
    assert {sign.seq for sign in card.signs} == {received.message.seq}
    assert [allergy.substance for allergy in card.allergies] == ["青霉素"]
    assert [line.seq for line in card.said] == [received.message.seq]


@pytest.mark.django_db
def test_a_card_begins_where_the_last_ticket_ended(
    patient_writes: PatientWrites, nurse: StaffMember, now: Any
) -> None:
    patient_writes("上次的事情", tap="nurse", now=now)
    first = Ticket.objects.get()
    claim_ticket(first.pk, nurse=nurse, now=now)
    resolve_ticket(first.pk, nurse=nurse, now=now + timedelta(minutes=1))
    later = now + timedelta(hours=1)
    patient_writes("那张单子今天又找不到了", now=later)
    second = Ticket.objects.open().get()

    card = build_card(second, later)

    assert [line.text for line in card.said] == ["那张单子今天又找不到了"]
    assert card.allergies == ()


@pytest.mark.django_db
def test_a_card_says_who_writes_for_whom(patient_writes: PatientWrites, now: Any) -> None:
    patient_writes("我妈妈头晕两天了", tap="nurse")
    conversation = Conversation.objects.get()
    writer = conversation.contact_point.patient
    update_patient(writer, name="女儿")
    mother = create_patient(name="妈妈", birth_date_text="1950-01-01")
    Proxy.objects.create(writer=writer, patient=mother, relationship="child")
    Conversation.objects.update(subject=mother)

    who = build_card(Ticket.objects.get(), now).who

    assert (who.name, who.writer, who.proxy_verified) == ("妈妈", "女儿", False)
    assert who.relationship
