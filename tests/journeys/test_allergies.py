"""What a patient says of allergies is kept and counts: for the assistant, a nurse, and a doctor."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from careplans.models import Task, TaskKind
from careplans.warnings import reply_with_care, tell_doctors
from conversations.models import Author, Conversation, Message, Owner
from hospital.models import Department, Doctor
from knowledge.models import Article, ArticleVersion
from patients.models import Patient, Proxy
from patients.services import create_patient, merge_patients
from records.guard import Questioned, stated_allergies
from records.medications import file_prescription
from records.models import AllergyIntolerance
from records.statements import keep_stated, settle_stated
from staff.models import StaffMember
from tickets.card import build_card
from tickets.models import Reason, Ticket
from tickets.services import claim_ticket
from triage.labels import Urgency
from vault.models import AccessEntry

pytestmark = pytest.mark.django_db

Writes = Callable[..., Any]
QUESTION = "阿莫西林怎么保存"
BODY = "阿莫西林胶囊密封，放在阴凉干燥处，避开阳光。"


@pytest.fixture
def leaflet(
    request: pytest.FixtureRequest, staff: Callable[..., StaffMember], now: datetime
) -> ArticleVersion:
    return ArticleVersion.objects.create(
        article=Article.objects.create(slug="keep-amoxicillin", category="pharmacy"),
        number=1, title="药怎么保存", body=getattr(request, "param", BODY), questions=QUESTION,
        source="药学部", signed_off_by=staff(), signed_off_at=now, effective_from=now,
    )  # fmt: skip


@pytest.fixture
def asks(patient_writes: Writes, model: Any, leaflet: ArticleVersion) -> Writes:
    model.means("visit_guide", urgency=Urgency.ROUTINE)
    return patient_writes


def last(conversation_id: int) -> Message:
    return Message.objects.filter(conversation=conversation_id, kind="text").latest("seq")


def the_patient() -> Patient:
    return Conversation.objects.get().contact_point.patient


def test_an_answer_that_names_what_the_patient_cannot_have_is_stopped(asks: Writes) -> None:
    # Before she said it, she was answered.
    conversation = asks("药怎么保存").message.conversation_id
    assert last(conversation).text == BODY

    asks("我对青霉素过敏")
    assert "您对青霉素过敏" in last(conversation).text
    row = AllergyIntolerance.objects.get()
    assert (row.substance, row.verification) == ("青霉素", "unconfirmed")

    asks("药怎么保存")
    ticket = Ticket.objects.get()
    assert (ticket.reason, ticket.urgency) == (Reason.GUARD, Urgency.SAME_DAY)
    assert BODY not in last(conversation).text
    assert "青霉素" not in last(conversation).text  # who reads it may be somebody else


def test_the_card_says_what_was_said_and_why_the_answer_was_stopped(
    asks: Writes, now: datetime
) -> None:
    asks("我对青霉素过敏")
    stopped = asks("药怎么保存").message

    card = build_card(Ticket.objects.get(), now)

    assert [(each.substance, each.is_stated) for each in card.allergies] == [("青霉素", True)]
    assert [each.label for each in card.collected] == ["用药警示"]
    assert "阿莫西林" in card.collected[0].value
    stopped.refresh_from_db()
    assert stopped.details["guard"]["stopped"] == BODY


def test_somebody_who_may_have_it_is_answered(asks: Writes) -> None:
    conversation = asks("我对芒果过敏").message.conversation_id

    asks("药怎么保存")

    assert last(conversation).text == BODY
    assert AllergyIntolerance.objects.get().substance == "芒果"


def test_a_question_about_a_medicine_that_is_forbidden_brings_a_nurse(asks: Writes) -> None:
    asks("我对青霉素过敏,请问阿莫仙可以停车的时候吃吗")

    assert Ticket.objects.get().reason == Reason.GUARD


@pytest.mark.parametrize("words", ["青霉素过敏怎么办", "我对青霉素不过敏", "会不会对头孢过敏"])
def test_what_is_asked_or_denied_goes_on_no_record(asks: Writes, words: str) -> None:
    asks(words)

    assert not AllergyIntolerance.objects.exists()


def test_what_staff_refuted_counts_no_more(asks: Writes) -> None:
    conversation = asks("我对青霉素过敏").message.conversation_id
    AllergyIntolerance.objects.update(verification="refuted")

    asks("药怎么保存")

    assert last(conversation).text == BODY


def test_what_is_said_twice_is_on_record_once(asks: Writes) -> None:
    asks("我对青霉素过敏")
    asks("跟你说过了,我青霉素过敏")

    assert AllergyIntolerance.objects.count() == 1


def test_an_allergy_of_the_mother_is_hers_where_her_record_is_known(asks: Writes) -> None:
    asks("你好")
    mother = create_patient(name="李桂兰", gender="female")
    Proxy.objects.create(writer=the_patient(), patient=mother, relationship="child")

    asks("我妈对青霉素过敏")

    row = AllergyIntolerance.objects.get()
    assert (row.patient, row.said_of) == (mother, None)
    asks("药怎么保存")  # nobody can tell for whom
    assert Ticket.objects.get().reason == Reason.GUARD


def test_else_it_stays_marked_with_the_writer_and_still_counts(asks: Writes) -> None:
    asks("我妈对青霉素过敏")
    asks("药怎么保存")

    row = AllergyIntolerance.objects.get()
    assert (row.patient, row.said_of) == (the_patient(), "我妈")
    assert Ticket.objects.get().reason == Reason.GUARD


def test_it_is_kept_while_a_nurse_has_the_conversation_and_beside_a_red_flag(
    asks: Writes, nurse: StaffMember, now: datetime
) -> None:
    asks("人工", tap="nurse")
    claim_ticket(Ticket.objects.get().pk, nurse=nurse, now=now)

    asks("我对头孢过敏,现在胸口剧痛喘不上气")

    assert AllergyIntolerance.objects.get().substance == "头孢"


@pytest.mark.parametrize("leaflet", ["布洛芬放在阴凉处。"], indirect=True)
@pytest.mark.parametrize("state", ["pregnant_until", "breastfeeding_until", ""])
def test_a_pregnant_patient_is_not_told_of_what_harms_the_child(asks: Writes, state: str) -> None:
    conversation = asks("你好").message.conversation_id
    if state:
        Patient.objects.update(**{state: date(2027, 3, 1)})

    asks("药怎么保存")

    stopped = Ticket.objects.filter(reason=Reason.GUARD).exists()
    assert stopped is (state == "pregnant_until")  # the book warns of nothing while breastfeeding
    assert ("布洛芬" in last(conversation).text) is not stopped


# --- what a nurse writes -------------------------------------------------------------------------


@pytest.fixture
def claimed(asks: Writes, nurse: StaffMember, now: datetime) -> Ticket:
    asks("我对青霉素过敏")
    asks("人工", tap="nurse")
    return claim_ticket(Ticket.objects.get().pk, nurse=nurse, now=now)


def writes(ticket: Ticket, nurse: StaffMember, now: datetime, **fields: Any) -> Message:
    given = {"text": "可以先吃阿莫西林", "client_id": "n1", **fields}
    return reply_with_care(ticket.pk, nurse=nurse, now=now, **given)


def test_a_nurse_needs_a_reason_and_nothing_is_sent_without(
    claimed: Ticket, nurse: StaffMember, now: datetime
) -> None:
    before = Message.objects.count()

    with pytest.raises(Questioned) as questioned:
        writes(claimed, nurse, now)
    with pytest.raises(Questioned):
        writes(claimed, nurse, now, reason="  ")

    assert [each.kind for each in questioned.value.concerns] == ["class"]
    assert Message.objects.count() == before
    assert not Task.objects.exists()


def test_with_a_reason_it_goes_out_and_the_doctor_is_told(
    claimed: Ticket, nurse: StaffMember, now: datetime
) -> None:
    reason = "皮试阴性，医生已同意"

    sent = writes(claimed, nurse, now, reason=reason)

    assert sent.text == "可以先吃阿莫西林"
    assert sent.details["guard"]["reason"] == reason
    task = Task.objects.get(kind=TaskKind.WARNED)
    assert reason in task.words and "阿莫西林" in task.words and "王芳" in task.words
    entry = AccessEntry.objects.filter(reason="guard:overruled").get()
    assert (entry.actor_id, entry.subject_id) == (
        nurse.pk,
        claimed.conversation.contact_point.patient_id,
    )
    assert [line.text for line in build_card(claimed, now).overruled] == [reason]


def test_a_repeat_asks_for_no_reason_again_and_tells_the_doctor_once(
    claimed: Ticket, nurse: StaffMember, now: datetime
) -> None:
    first = writes(claimed, nurse, now, reason="医生已同意")

    assert writes(claimed, nurse, now).pk == first.pk
    assert Task.objects.count() == 1


def test_a_harmless_reply_needs_none(claimed: Ticket, nurse: StaffMember, now: datetime) -> None:
    sent = writes(claimed, nurse, now, text="好的,您对青霉素过敏我记住了")

    assert sent.author == Author.NURSE
    assert not (sent.details or {}).get("guard")
    assert Conversation.objects.get().owner == Owner.NURSE


# --- what is prescribed --------------------------------------------------------------------------


@pytest.fixture
def doctor(hospital: Any) -> Doctor:
    return Doctor.objects.create(
        name="李明", department=Department.objects.get(code="respiratory"), title="chief"
    )


@pytest.fixture
def allergic() -> Patient:
    patient = create_patient(name="王小明")
    AllergyIntolerance.objects.create(
        patient=patient, data_key_id=patient.data_key_id, substance="青霉素"
    )
    return patient


def test_a_prescription_written_here_needs_a_reason(
    allergic: Patient, doctor: Doctor, now: datetime
) -> None:
    given = {
        "external_id": "",
        "drug": "阿莫西林胶囊",
        "dose": "0.5 g",
        "doctor": doctor,
        "now": now,
    }

    with pytest.raises(Questioned):
        file_prescription(allergic, **given)
    assert not allergic.prescriptions.exists()

    file_prescription(allergic, **given, override_reason="已脱敏")
    assert tell_doctors(now=now) == 1
    task = Task.objects.get(kind=TaskKind.WARNED)
    assert task.department == doctor.department
    assert "阿莫西林胶囊" in task.words and "已脱敏" in task.words


def test_one_that_a_system_sends_is_kept_and_its_doctor_told_once(
    allergic: Patient, doctor: Doctor, now: datetime
) -> None:
    for dose in ("0.5 g", "0.25 g"):  # its newer state is no news
        file_prescription(
            allergic, external_id="rx-1", drug="头孢克洛", dose=dose, doctor=doctor, now=now
        )
        tell_doctors(now=now)

    assert allergic.prescriptions.count() == 1
    assert Task.objects.filter(kind=TaskKind.WARNED).count() == 1


def test_one_that_nothing_speaks_against_tells_nobody(
    allergic: Patient, doctor: Doctor, now: datetime
) -> None:
    file_prescription(allergic, external_id="", drug="氯雷他定", dose="10 mg", now=now)

    assert tell_doctors(now=now) == 0


def test_an_allergy_that_comes_to_be_known_later_is_told_to_who_prescribed_before(
    doctor: Doctor, now: datetime
) -> None:
    patient, namesake = create_patient(name="王小明"), create_patient(name="王小明")
    for who in (patient, namesake):
        file_prescription(
            who, external_id=f"rx-{who.pk}", drug="阿莫西林", dose="0.5 g", doctor=doctor, now=now
        )
    file_prescription(patient, external_id="rx-0", drug="氯雷他定", dose="10 mg", now=now)
    keep_stated(stated_allergies("我对青霉素过敏"), writer=patient)

    told = [tell_doctors(now=now) for _ in range(2)]

    assert told == [1, 0]
    task = Task.objects.get(kind=TaskKind.WARNED)
    assert (task.patient, task.department) == (patient, doctor.department)
    assert "阿莫西林" in task.words and "氯雷他定" not in task.words


def test_a_merge_brings_an_allergy_to_what_the_other_record_takes(
    allergic: Patient, doctor: Doctor, now: datetime
) -> None:
    into = create_patient(name="王小明")
    file_prescription(
        into, external_id="rx-1", drug="阿莫西林", dose="0.5 g", doctor=doctor, now=now
    )
    assert tell_doctors(now=now) == 0

    merge_patients(allergic, into=into)

    assert tell_doctors(now=now) == 1


def test_one_that_was_refuted_is_told_to_nobody(
    allergic: Patient, doctor: Doctor, nurse: StaffMember, now: datetime
) -> None:
    AllergyIntolerance.objects.update(verification="unconfirmed")
    settle_stated(allergic.allergies.get(), is_true=False, by=nurse, now=now)
    file_prescription(
        allergic, external_id="rx-1", drug="阿莫西林", dose="0.5 g", doctor=doctor, now=now
    )

    assert tell_doctors(now=now) == 0
