"""FHIR to the house's own records and back; every resource of ours is valid by the book."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.fhir import validation
from adapters.fhir.mapping import booking, findings, medicines, messages, people
from adapters.fhir.mapping.datatypes import (
    Missing,
    NotForUs,
    NotReadable,
    identity_number_of,
    moment_of,
    name_of,
    phone_of,
    reference_id,
)
from appointments.ports import AppointmentRecord, SlotRecord
from harness.fhir import allergy, laboratory_report, patient, potassium, prescription
from patients.ports import PatientRecord, plain_phone
from records.ports import AllergyRecord, LineRecord, PrescriptionRecord, ReportRecord

ZONE = ZoneInfo("Asia/Shanghai")
THEM = {"reference": "Patient/p1"}

# --- Ours, there and back ------------------------------------------------------------------------

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20
)
maybe = st.none() | words
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)
numbers = st.decimals("-1000", "100000", places=2).map(lambda each: format(each, "f"))


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        PatientRecord,
        name=maybe,
        phone=st.none() | st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
        identity_number=st.none() | st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True),
        birth_date=st.none() | st.dates(date(1900, 1, 1), date(2026, 1, 1)),
        gender=st.sampled_from(["male", "female", "other", None]),
        language=st.sampled_from(["zh-hans", "en", None]),
        deceased_at=st.none() | moments,
    )
)
def test_a_patient_comes_back_as_they_went(record: PatientRecord) -> None:
    resource = people.to_patient(record)

    validation.check(resource)
    assert people.patient_record(resource, zone=ZONE) == record


signs = st.sampled_from(["", "<", ">", "<=", ">="])
limits = st.none() | numbers
judged = st.sampled_from(["", "N", "L", "H", "LL", "HH", "A", "AA"])
measured = st.builds(
    LineRecord, name=words, value=st.tuples(signs, numbers).map("".join), unit=words,
    code=st.none() | st.just("2823-3"), low=limits, high=limits, range_text=maybe,
    interpretation=judged,
)  # fmt: skip
in_words = st.builds(LineRecord, name=words, value=words | numbers, interpretation=judged)


@st.composite
def reports(draw: Any) -> ReportRecord:
    status = draw(st.sampled_from(["registered", "preliminary", "final", "amended", "cancelled"]))
    is_out = status in ("final", "amended")
    return ReportRecord(
        name=draw(words.filter(lambda each: not each.isascii())),
        category=draw(st.sampled_from(["lab", "imaging", "pathology"])),
        status=status,
        name_en=draw(st.none() | st.from_regex(r"[A-Z][a-z]{1,9}", fullmatch=True)),
        conclusion=draw(maybe),
        registered_at=draw(moments),
        available_at=draw(moments) if is_out else None,
        lines=tuple(draw(st.lists(measured | in_words, max_size=3))),
    )


@settings(max_examples=50, deadline=None)
@given(reports())
def test_a_report_comes_back_with_every_digit(record: ReportRecord) -> None:
    resource = findings.to_report(record, patient=THEM)

    validation.check(resource)
    assert findings.report_record(resource, zone=ZONE, found={}) == record


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        PrescriptionRecord, drug=words, dose=words, route=maybe, instructions=maybe,
        status=st.sampled_from(["active", "on-hold", "completed", "stopped", "cancelled"]),
        times_per_day=st.none() | st.integers(1, 24),
        meals=st.sampled_from(["any", "before", "with", "after", "bedtime"]),
        starts_at=moments, ends_at=st.none() | moments, refills=st.integers(0, 12),
    )
)  # fmt: skip
def test_a_prescription_comes_back_as_it_went(record: PrescriptionRecord) -> None:
    resource = medicines.to_prescription(record, patient=THEM)

    validation.check(resource)
    assert medicines.prescription_record(resource, zone=ZONE, found={}) == record


@settings(max_examples=30, deadline=None)
@given(
    st.builds(
        AllergyRecord, substance=words, reaction=maybe, is_retracted=st.booleans(),
        criticality=st.sampled_from(["low", "high", "unable-to-assess"]),
    )
)  # fmt: skip
def test_an_allergy_comes_back_as_it_went(record: AllergyRecord) -> None:
    resource = medicines.to_allergy(record, patient=THEM)

    validation.check(resource)
    assert medicines.allergy_record(resource) == record


@settings(max_examples=30, deadline=None)
@given(moments, st.sampled_from(["booked", "arrived", "fulfilled", "noshow", "cancelled"]), maybe)
def test_an_appointment_comes_back_as_it_went(
    at: datetime, status: str, doctor: str | None
) -> None:
    record = AppointmentRecord(
        status=status, starts_at=at, ends_at=at, slot_id="t1", number="ABCD2345",
        department="呼吸内科", doctor=doctor, why="patient" if status == "cancelled" else None,
    )  # fmt: skip
    resource = booking.to_appointment(record, patient=THEM)

    validation.check(resource)
    assert booking.appointment_record(resource, zone=ZONE) == record
    assert booking.patient_reference(resource) == "p1"


def test_a_slot_comes_back_as_it_went() -> None:
    at = datetime(2026, 11, 19, 1, tzinfo=UTC)
    for is_free, is_closed in ((True, False), (False, False), (False, True)):
        record = SlotRecord("s1", at, at, is_free, is_closed, 3, Decimal("80.50"), "specialist")
        resource = booking.to_slot(record)

        validation.check(resource)
        assert booking.slot_record(resource, zone=ZONE) == record


def test_what_was_said_and_is_to_be_done_goes_out_without_words() -> None:
    at = datetime(2026, 11, 19, 1, tzinfo=UTC)
    said = messages.Said(at, by_patient=False, author="nurse", medium="wechat", is_received=True)
    todo = messages.ToDo("call", at, at, is_taken=True, done_at=None, priority=2)
    for resource in (
        messages.to_communication(said, patient=THEM),
        messages.to_task(todo, patient=THEM),
    ):
        validation.check(resource)
        assert "payload" not in resource
        assert "description" not in resource


# --- What hospitals write ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ({"text": "欧阳 娜娜"}, "欧阳 娜娜"),
        ({"family": "王", "given": ["小明"]}, "王小明"),
        ({"family": "Li", "given": ["Anna", "Mae"]}, "Anna Mae Li"),
        ({"given": ["旺姆"]}, "旺姆"),
    ],
)
def test_a_name_is_said_as_people_say_it(name: dict[str, Any], said: str) -> None:
    assert name_of({"name": [{"use": "old", "text": "旧名"}, name]}) == said


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("+86 138-0000-0001", "13800000001"), ("0086 13800000001", "13800000001"),
        ("13800000001", "13800000001"), ("１３８００００００01", "13800000001"),
        ("010-5555 0000", "01055550000"), ("+1 (212) 555-0100", "+12125550100"), ("无", ""),
    ],
)  # fmt: skip
def test_a_phone_is_one_number_however_it_was_typed(typed: str, plain: str) -> None:
    assert plain_phone(typed) == plain


def test_the_mobile_comes_before_the_landline_and_an_old_one_is_none() -> None:
    telecom = [
        {"system": "phone", "value": "13900000009", "use": "old"},
        {"system": "phone", "value": "010-5555", "use": "home"},
        {"system": "phone", "value": "13800000001", "use": "mobile"},
        {"system": "email", "value": "a@b.cn"},
    ]
    assert phone_of({"telecom": telecom}) == "13800000001"


def test_the_identity_card_is_known_by_system_type_or_name_and_never_guessed() -> None:
    card = "11010519491231002X"
    by_name = {"type": {"text": "居民身份证"}, "value": card}
    by_system = {"system": "urn:oid:2.16.156.10011.1.3", "value": card}

    assert identity_number_of(patient()) == card
    assert identity_number_of({"identifier": [by_name]}) == card
    assert identity_number_of({"identifier": [by_system]}) == card
    assert identity_number_of({"identifier": [{"system": "urn:his:mrn", "value": card}]}) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-18T10:30:00+08:00", datetime(2026, 11, 18, 2, 30, tzinfo=UTC)),
        ("2026-11-18T02:30:00.123Z", datetime(2026, 11, 18, 2, 30, 0, 123000, tzinfo=UTC)),
        ("2026-11-18", datetime(2026, 11, 17, 16, tzinfo=UTC)),  # midnight in Shanghai
        ("2026-11", None), ("2026", None), ("yesterday", None), ("", None), (None, None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)  # fmt: skip
def test_a_moment_is_in_utc_and_a_part_of_a_day_is_none(text: Any, at: datetime | None) -> None:
    assert moment_of(text, zone=ZONE) == at


def test_a_partial_birth_date_is_no_day_and_a_partial_death_is_a_death() -> None:
    record = people.patient_record(
        patient(birthDate="1949", deceasedDateTime="2025-03", meta={
            "lastUpdated": "2026-11-18T10:00:00+08:00"}), zone=ZONE,
    )  # fmt: skip

    assert record.birth_date is None
    assert record.deceased_at == datetime(2026, 11, 18, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "http://his.example/fhir/Patient/p1", "Patient/p1/_history/3"],
)
def test_a_reference_is_read_however_it_is_written(reference: str) -> None:
    assert reference_id({"reference": reference}, "Patient") == "p1"
    assert reference_id({"reference": reference}, "Practitioner") is None


def test_a_report_is_read_with_its_lines() -> None:
    found = {"Observation/o1": potassium()}

    record = findings.report_record(laboratory_report(), zone=ZONE, found=found)

    (line,) = record.lines
    assert (line.name, line.name_en, line.code) == ("钾", "Potassium", "2823-3")
    assert (line.value, line.unit, line.low, line.high) == ("6.8", "mmol/L", "3.5", "5.3")
    assert line.interpretation == "HH"
    assert record.available_at == datetime(2026, 11, 18, 2, 30, tzinfo=UTC)


def test_a_line_that_did_not_come_along_is_asked_for() -> None:
    with pytest.raises(Missing) as missing:
        findings.report_record(laboratory_report(), zone=ZONE, found={})

    assert missing.value.reference == "Observation/o1"


def test_a_blood_pressure_is_two_lines_and_a_withdrawn_value_none() -> None:
    pressure = {
        "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "血压"},
        "component": [
            {"code": {"text": "收缩压"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
            {"code": {"text": "舒张压"}, "valueQuantity": {"value": 80, "unit": "mmHg"}},
        ],
    }  # fmt: skip
    both = findings.report_record(
        laboratory_report(), zone=ZONE, found={"Observation/o1": pressure}
    )
    none = findings.report_record(
        laboratory_report(), zone=ZONE,
        found={"Observation/o1": {**pressure, "status": "entered-in-error"}},
    )  # fmt: skip

    assert [(line.name, line.value) for line in both.lines] == [("收缩压", "120"), ("舒张压", "80")]
    assert none.lines == ()


def test_what_a_hospital_calls_critical_in_words_is_critical() -> None:
    line = {**potassium(), "interpretation": [{"text": "危急值"}]}

    record = findings.report_record(laboratory_report(), zone=ZONE, found={"Observation/o1": line})

    assert record.lines[0].interpretation == "AA"


def test_a_prescription_is_read_with_its_rhythm() -> None:
    record = medicines.prescription_record(prescription(), zone=ZONE, found={})

    assert (record.drug, record.dose, record.meals) == ("阿莫西林胶囊", "0.5 g", "after")
    assert (record.times_per_day, record.refills) == (3, 2)
    assert record.ends_at == datetime(2026, 11, 25, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timing", "a_day"),
    [
        ({"repeat": {"frequency": 1, "period": 2, "periodUnit": "d"}}, None),
        ({"repeat": {"frequency": 2, "period": 1, "periodUnit": "wk"}}, None),
        ({"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}}, 2),
        ({"code": {"coding": [{"code": "TID"}]}}, 3),
        ({"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}}, 4),
        ({}, None),
    ],
)
def test_only_what_is_so_often_each_day_is_a_number(timing: Any, a_day: int | None) -> None:
    resource = prescription(dosageInstruction=[{"text": "遵医嘱", "timing": timing}])

    record = medicines.prescription_record(resource, zone=ZONE, found={})

    assert (record.times_per_day, record.instructions) == (a_day, "遵医嘱")


def test_two_dosages_in_turn_are_words_and_no_number() -> None:
    resource = prescription(dosageInstruction=[
        {"text": "前三天每日两次", "timing": {"code": {"coding": [{"code": "BID"}]}}},
        {"text": "之后每日一次", "timing": {"code": {"coding": [{"code": "QD"}]}}},
    ])  # fmt: skip

    record = medicines.prescription_record(resource, zone=ZONE, found={})

    assert record.times_per_day is None
    assert record.instructions == "前三天每日两次；之后每日一次"


def test_drafts_and_no_known_allergy_are_not_for_us() -> None:
    none_known = {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]}
    with pytest.raises(NotForUs):
        medicines.prescription_record(prescription(intent="plan"), zone=ZONE, found={})
    with pytest.raises(NotForUs):
        medicines.prescription_record(prescription(status="draft"), zone=ZONE, found={})
    with pytest.raises(NotForUs):
        medicines.allergy_record(allergy(code=none_known))


def test_the_book_tells_where_and_never_what() -> None:
    wrong = patient(birthDate="1949-13-77", secretWord="金丝雀")

    with pytest.raises(NotReadable) as told:
        validation.check(wrong)

    assert "birthDate" in str(told.value)
    assert "1949" not in str(told.value)
    assert "金丝雀" not in str(told.value)


# --- Anything at all -----------------------------------------------------------------------------

KEYS = """
resourceType id name text telecom value system identifier type coding code display subject
reference patient result contained status category valueQuantity unit referenceRange low
dosageInstruction timing repeat frequency period when participant actor start end slot
schedule reaction manifestation birthDate deceasedDateTime link meta lastUpdated
"""
keys = st.sampled_from(KEYS.split())
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("2026-11-18")
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)
READERS: list[Any] = [
    lambda each: people.patient_record(each, zone=ZONE),
    lambda each: booking.schedule_record(each, found={}),
    lambda each: booking.slot_record(each, zone=ZONE),
    lambda each: booking.appointment_record(each, zone=ZONE),
    lambda each: findings.report_record(each, zone=ZONE, found={}),
    lambda each: medicines.prescription_record(each, zone=ZONE, found={}),
    medicines.allergy_record,
]
KINDS = [
    "Patient", "Schedule", "Slot", "Appointment", "DiagnosticReport", "MedicationRequest",
    "AllergyIntolerance",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(keys, anything, max_size=8), st.integers(0, len(KINDS) - 1))
def test_what_passes_the_book_is_read_or_refused_with_a_reason(
    resource: dict[str, Any], which: int
) -> None:
    resource["resourceType"] = KINDS[which]
    try:
        validation.check(resource)
        READERS[which](resource)
    except (NotReadable, NotForUs, Missing):
        pass
