"""Patients: met once, found by what they typed, merged into one person, erased for good."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet

from conversations.models import Conversation
from patients.models import Channel, Consent, ContactPoint, Patient, Proxy, Purpose
from patients.services import (
    AlreadyMerged,
    CannotMerge,
    create_patient,
    erase_patient,
    find_contact_point,
    give_consent,
    hear_channel,
    index_identity_number,
    index_phone,
    meet,
    merge_patients,
    update_patient,
    withdraw_consent,
)
from records.models import AllergyIntolerance
from vault.datakeys import Erased, ensure_alive
from vault.fields import ERASED

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
ID = "11010519491231002X"


@pytest.mark.parametrize(
    "typed",
    [
        "13800000000",
        "138 0000 0000",
        "+86 138-0000-0000",
        "0086 13800000000",
        "１３８００００００００",
    ],
)
def test_one_phone_has_one_index_however_it_is_typed(typed: str) -> None:
    assert index_phone(typed) == index_phone("13800000000")


@pytest.mark.parametrize("typed", [ID, ID.lower(), "110105 19491231 002x", "110105-19491231-002X"])
def test_one_identity_number_has_one_index(typed: str) -> None:
    assert index_identity_number(typed) == index_identity_number(ID)


def test_indexes_of_two_columns_can_not_be_compared() -> None:
    assert index_phone("13800000000") != index_identity_number("13800000000")
    assert index_phone("") == index_identity_number(" ") == ""


@pytest.mark.django_db
def test_a_change_of_phone_changes_its_index() -> None:
    patient = create_patient(phone="13800000000")

    update_patient(patient, phone="13900000000")

    assert Patient.objects.get(phone_index=index_phone("139 0000 0000")) == patient
    assert not Patient.objects.filter(phone_index=index_phone("13800000000")).exists()


@pytest.mark.django_db
def test_one_identity_number_makes_one_record() -> None:
    create_patient(identity_number=ID)

    with pytest.raises(IntegrityError), transaction.atomic():
        create_patient(identity_number=ID.lower())


@pytest.mark.parametrize(
    ("name", "masked"),
    [("王小明", "王**"), ("李四", "李*"), ("欧阳修文远", "欧***"), ("Jane", "J***"), (None, "")],
)
def test_a_masked_name_tells_too_little(name: str | None, masked: str) -> None:
    assert Patient(name=name).masked_name == masked


def test_age_counts_full_years() -> None:
    patient = Patient(birth_date_text="2000-11-18")

    assert patient.age_on(date(2026, 11, 17)) == 25
    assert patient.age_on(date(2026, 11, 18)) == 26
    assert Patient().age_on(date(2026, 11, 18)) is None


# --- meet ----------------------------------------------------------------------------------------


def test_somebody_is_met_once(web: Channel) -> None:
    assert meet(web, address="visitor-1") == meet(web, address="visitor-1")
    assert meet(web, address="visitor-2").patient != meet(web, address="visitor-1").patient
    assert Patient.objects.count() == 2


def test_the_same_address_on_two_channels_is_two_people(web: Channel) -> None:
    other = Channel.objects.create(slug="other", kind="web", name="另一个")

    assert meet(web, address="same").patient != meet(other, address="same").patient


@pytest.mark.django_db(transaction=True)
def test_two_first_words_at_once_meet_one_person(web: Channel) -> None:
    def come(_: int) -> int:
        try:
            return meet(web, address="visitor-1").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        met = set(pool.map(come, range(8)))

    assert len(met) == 1
    assert Patient.objects.count() == 1


# --- consents and proxies ------------------------------------------------------------------------


def test_agreeing_twice_is_once_and_withdrawing_ends_it(web: Channel) -> None:
    patient = meet(web, address="visitor-1").patient
    for _ in range(2):
        give_consent(patient, Purpose.REMINDERS, text_version="1", channel=web, now=NOON)
    assert patient.consents.in_force().count() == 1

    withdraw_consent(patient, Purpose.REMINDERS, now=NOON)
    assert not patient.consents.in_force().exists()

    give_consent(patient, Purpose.REMINDERS, text_version="2", channel=web, now=NOON)
    assert Consent.objects.count() == 2  # the one that was withdrawn stays as evidence


@pytest.mark.django_db
def test_a_proxy_counts_when_verified_and_until_it_ends(nurse) -> None:  # type: ignore[no-untyped-def]
    proxy = Proxy(writer=create_patient(), patient=create_patient())
    assert not proxy.is_in_force(NOON)

    proxy.verified_at, proxy.verified_by = NOON, nurse
    assert proxy.is_in_force(NOON)

    proxy.ends_at = NOON + timedelta(days=1)
    assert not proxy.is_in_force(NOON + timedelta(days=1))


@pytest.mark.django_db
def test_nobody_is_their_own_proxy() -> None:
    patient = create_patient()

    with pytest.raises(IntegrityError), transaction.atomic():
        Proxy.objects.create(writer=patient, patient=patient)


# --- merge ---------------------------------------------------------------------------------------


def test_what_two_records_knew_is_one(web: Channel, patient_writes: Callable[..., object]) -> None:
    into = create_patient(name="王小明", phone="13800000000")
    patient_writes("你好", visitor="visitor-1", attended=False)
    duplicate = meet(web, address="visitor-1").patient
    update_patient(
        duplicate, phone="13900000000", identity_number=ID, gender="male", deceased_at=NOON
    )

    merge_patients(duplicate, into=into)

    into = Patient.objects.get(pk=into.pk)
    duplicate.refresh_from_db()
    assert (into.name, into.phone, into.identity_number) == ("王小明", "13800000000", ID)
    assert (into.gender, into.deceased_at) == ("male", NOON)
    assert into.identity_index == index_identity_number(ID)
    assert duplicate.merged_into == into
    assert meet(web, address="visitor-1").patient == into
    assert Conversation.objects.get().messages.get(author="patient").text == "你好"


@pytest.mark.django_db
def test_an_allergy_is_seen_after_the_merge() -> None:
    into, duplicate = create_patient(), create_patient()
    AllergyIntolerance.objects.create(
        patient=duplicate, data_key=duplicate.data_key, substance="青霉素"
    )

    merge_patients(duplicate, into=into)

    assert [allergy.substance for allergy in into.allergies.all()] == ["青霉素"]


def test_consents_and_proxies_follow_without_doubles(web: Channel) -> None:
    into, duplicate, mother = create_patient(), create_patient(), create_patient()
    for patient in (into, duplicate):
        give_consent(patient, Purpose.REMINDERS, text_version="1", channel=web, now=NOON)
        Proxy.objects.create(writer=patient, patient=mother)
    give_consent(duplicate, Purpose.OUTREACH, text_version="1", channel=web, now=NOON)
    Proxy.objects.create(writer=duplicate, patient=into)

    merge_patients(duplicate, into=into)

    held = set(into.consents.in_force().values_list("purpose", flat=True))
    assert held == {"reminders", "outreach"}
    assert list(Proxy.objects.values_list("writer", "patient")) == [(into.pk, mother.pk)]


@pytest.mark.django_db
def test_a_record_is_merged_once_and_not_into_itself() -> None:
    into, duplicate, third = create_patient(), create_patient(), create_patient()
    merge_patients(duplicate, into=into)

    for one, other in ((duplicate, into), (duplicate, third), (third, duplicate), (third, third)):
        with pytest.raises(CannotMerge):
            merge_patients(one, into=other)


# --- erase ---------------------------------------------------------------------------------------


def test_who_is_erased_can_be_neither_read_nor_found(
    web: Channel, patient_writes: Callable[..., object]
) -> None:
    patient_writes("我胃疼", visitor="visitor-1", attended=False)
    patient = meet(web, address="visitor-1").patient
    update_patient(patient, name="王小明", phone="13800000000", identity_number=ID)
    duplicate = create_patient(name="王小明")
    merge_patients(duplicate, into=patient)

    erase_patient(patient, now=NOON)

    patient = Patient.objects.get(pk=patient.pk)
    assert (patient.name, patient.phone, patient.identity_number) == (ERASED,) * 3
    assert Patient.objects.get(pk=duplicate.pk).name == ERASED
    assert (patient.phone_index, patient.identity_index) == ("", "")
    assert find_contact_point(web, address="visitor-1") is None
    assert ContactPoint.objects.get().address == ERASED
    assert [m.text for m in Conversation.objects.get().messages.filter(author="patient")] == [
        ERASED
    ]


def test_somebody_erased_who_writes_again_is_somebody_new(web: Channel) -> None:
    before = meet(web, address="visitor-1")
    erase_patient(before.patient, now=NOON)

    assert meet(web, address="visitor-1").patient != before.patient


def test_erasing_twice_is_once(web: Channel) -> None:
    patient = meet(web, address="visitor-1").patient
    erase_patient(patient, now=NOON)

    erase_patient(patient, now=NOON + timedelta(days=1))

    assert Patient.objects.get(pk=patient.pk).name in (None, ERASED)
    assert Patient.objects.get(pk=patient.pk).erased_at == NOON


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("made_first", ["the duplicate", "the one that stays"])
def test_a_merge_at_the_same_moment_does_not_save_a_record_from_an_erasure(
    made_first: str,
) -> None:
    pair = create_patient(name="王小明"), create_patient(name="王小明")
    duplicate, into = pair if made_first == "the duplicate" else reversed(pair)

    def erase_and_leave() -> None:
        erase_patient(into, now=NOON)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            merge_patients(duplicate, into=into)
            erasing = pool.submit(erase_and_leave)
            with pytest.raises(TimeoutError):  # it waits for the merge
                erasing.result(timeout=0.5)
        erasing.result()

    assert not Patient.objects.filter(erased_at=None).exists()
    with pytest.raises(Erased), transaction.atomic():
        ensure_alive({duplicate.data_key_id})


@pytest.mark.django_db
def test_a_record_that_went_into_another_is_not_erased_by_itself() -> None:
    into, duplicate = create_patient(name="王小明"), create_patient()
    merge_patients(duplicate, into=into)

    with pytest.raises(AlreadyMerged):
        erase_patient(duplicate, now=NOON)

    assert Patient.objects.get(pk=into.pk).name == "王小明"


@pytest.mark.django_db(transaction=True)
def test_what_was_committed_stays_stored_when_the_sign_of_life_fails(
    web: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OperationalError("database is locked")

    with transaction.atomic():
        create_patient()
        hear_channel(web, now=NOON)
        monkeypatch.setattr(QuerySet, "update", fail)

    assert Patient.objects.count() == 1
