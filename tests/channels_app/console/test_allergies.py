"""What a patient said of an allergy, settled by a nurse on her card; and one she writes down."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patients.models import Patient
from patients.services import create_patient, erase_patient
from records.guard import check
from records.models import AllergyIntolerance
from staff.models import StaffMember
from tickets.models import Ticket
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

Told = AllergyIntolerance.Verification


@pytest.fixture
def ticket(patient_writes: Callable[..., Any]) -> Ticket:
    patient_writes("我对青霉素过敏", visitor="v1", attended=False)
    received = patient_writes("找护士", visitor="v1", tap="nurse")
    return Ticket.objects.get(conversation=received.message.conversation_id)


@pytest.fixture
def patient(ticket: Ticket) -> Patient:
    found: Patient = ticket.conversation.contact_point.patient
    return found


@pytest.fixture
def says(nurse: StaffMember, ticket: Ticket, client: Client) -> Callable[..., str]:
    client.force_login(nurse)

    def say(act: str, **form: str) -> str:
        url = f"/console/conversation/{ticket.conversation_id}/allergy/{act}"
        answer = client.post(url, form, headers={"Accept-Language": "zh-CN"})
        assert answer.status_code == 200
        return answer.content.decode()

    return say


def test_what_was_said_is_confirmed_once_in_the_nurse_s_name(
    says: Callable[..., str], patient: Patient, nurse: StaffMember
) -> None:
    stated = patient.allergies.get()
    assert stated.is_stated

    pages = [says(f"{stated.pk}/{act}/") for act in ("confirm", "refute")]

    stated.refresh_from_db()
    assert stated.verification == Told.CONFIRMED
    assert "已由您确认" in pages[0] and "青霉素" in pages[0] and "未核实" not in pages[0]
    assert "同事已先一步" in pages[1]
    trace = AccessEntry.objects.filter(action="change", subject="patient", subject_id=patient.pk)
    assert [(each.actor_id, each.reason) for each in trace] == [(nurse.pk, "allergy confirmed")]


def test_what_is_refuted_stays_on_record_and_stops_nobody(
    says: Callable[..., str], patient: Patient
) -> None:
    page = says(f"{patient.allergies.get().pk}/refute/")

    assert patient.allergies.get().verification == Told.REFUTED
    assert "青霉素" not in page
    assert not check("阿莫西林", patient, now=timezone.now())


def test_what_was_said_of_another_becomes_the_patient_s_only_when_a_nurse_says_so(
    says: Callable[..., str], patient: Patient
) -> None:
    row = AllergyIntolerance.objects.create(
        patient=patient, data_key_id=patient.data_key_id, substance="磺胺", said_of="我妈",
        verification=Told.UNCONFIRMED,
    )  # fmt: skip

    page = says(f"{row.pk}/confirm/")

    row.refresh_from_db()
    assert (row.verification, row.said_of) == (Told.CONFIRMED, None)
    assert "我妈" not in page


def test_a_nurse_writes_one_down_and_the_same_again_adds_to_it(
    says: Callable[..., str], patient: Patient
) -> None:
    says("", substance=" 头孢克洛 ", reaction="皮疹")
    page = says("", substance="希刻劳", high="yes")

    row = patient.allergies.exclude(verification=Told.UNCONFIRMED).get()
    assert (row.substance, row.reaction, row.criticality) == ("头孢克洛", "皮疹", "high")
    assert "已以您的名义记录" in page and "高风险" in page


def test_writing_down_what_was_said_confirms_it(says: Callable[..., str], patient: Patient) -> None:
    says("", substance="青霉素")

    assert patient.allergies.get().verification == Told.CONFIRMED


def test_an_allergy_to_nothing_or_of_an_erased_person_is_refused(
    says: Callable[..., str], patient: Patient
) -> None:
    assert "请填写" in says("", substance="  ")
    erase_patient(patient, now=timezone.now())
    assert "已关闭" in says("", substance="青霉素")

    assert patient.allergies.count() == 1


def test_nobody_settles_what_is_not_on_the_card_or_out_of_her_sight(
    client: Client, nurse: StaffMember, ticket: Ticket, patient: Patient
) -> None:
    stranger = create_patient(name="别人")
    other = AllergyIntolerance.objects.create(
        patient=stranger, data_key_id=stranger.data_key_id, substance="青霉素",
        verification=Told.UNCONFIRMED,
    )  # fmt: skip
    mine, card = patient.allergies.get().pk, f"/console/conversation/{ticket.conversation_id}"
    client.force_login(nurse)

    for url in (
        f"{card}/allergy/{other.pk}/confirm/", f"{card}/allergy/{mine}/forget/",
        f"/console/conversation/999/allergy/{mine}/confirm/",
    ):  # fmt: skip
        assert client.post(url).status_code == 404
    assert client.get(f"{card}/allergy/{mine}/confirm/").status_code == 405
    client.logout()
    assert client.post(f"{card}/allergy/").status_code == 302

    assert not AllergyIntolerance.objects.exclude(verification=Told.UNCONFIRMED).exists()
