"""The visits of a day at the desk: names one at a time, and acts only in one's own departments."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from appointments.booking import confirm, hold
from appointments.models import Appointment, PartOfDay, Schedule, Slot, Status
from appointments.waitlist import join_waitlist
from hospital.models import Department, Hospital
from patients.models import Patient
from patients.services import create_patient, update_patient
from staff.models import Role, StaffMember
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

Hire = Callable[..., StaffMember]


@pytest.fixture
def clinic(hospital: Hospital) -> Schedule:
    return Schedule.objects.create(
        department=Department.objects.get(name="呼吸内科"), weekday=0, starts=time(9),
        ends=time(10), minutes_per_slot=30, capacity=5, fee=Decimal(20),
    )  # fmt: skip


def open_slot(clinic: Schedule, *, days: int, capacity: int = 5) -> Slot:
    """A slot as long as a whole day, so that the hour of the run changes nothing."""
    zone = Hospital.objects.this_one().zone
    day = timezone.localdate(timezone.now(), zone) + timedelta(days=days)
    starts_at = datetime.combine(day, time(), tzinfo=zone)
    return Slot.objects.create(
        schedule=clinic, department=clinic.department, day=day, part=PartOfDay.MORNING,
        starts_at=starts_at, ends_at=starts_at + timedelta(hours=23, minutes=59),
        capacity=capacity, fee=Decimal(20), visit_type="general",
    )  # fmt: skip


@pytest.fixture
def anna(hospital: Hospital) -> Patient:
    return create_patient(name="安娜", phone="13800000001", birth_date_text="1961-04-02")


def booked(slot: Slot, patient: Patient, *, reason: str = "") -> Appointment:
    before = slot.starts_at - timedelta(days=1)
    held = hold(slot, patient=patient, booked_by=patient, reason=reason, now=before)
    return confirm(held, now=before)


@pytest.fixture
def visit(clinic: Schedule, anna: Patient) -> Appointment:
    return booked(open_slot(clinic, days=0), anna, reason="咳嗽两周")


def signed_in(member: StaffMember) -> Client:
    client = Client(headers={"Accept-Language": "zh-CN"})
    client.force_login(member)
    return client


def did(client: Client, visit: Appointment, act: str, **form: str) -> str:
    answer = client.post(f"/console/visits/{visit.pk}/{act}/", form)
    assert answer.status_code == 200
    visit.refresh_from_db()
    return answer.content.decode()


def test_the_day_shows_masked_names_and_leaves_no_trace(
    nurse: StaffMember, visit: Appointment
) -> None:
    page = signed_in(nurse).get("/console/visits/").content.decode()

    assert "安*" in page
    assert visit.number in page
    assert "安娜" not in page
    assert "咳嗽" not in page
    assert not AccessEntry.objects.exists()


def test_a_whole_name_is_shown_one_at_a_time_and_logged(
    nurse: StaffMember, visit: Appointment
) -> None:
    page = signed_in(nurse).get(f"/console/visits/{visit.pk}/").content.decode()

    for words in ("安娜", "1961-04-02", "13800000001", "咳嗽两周"):
        assert words in page
    entry = AccessEntry.objects.get()
    assert (entry.actor_id, entry.subject_id) == (nurse.pk, visit.patient_id)


def test_who_comes_is_checked_in_and_then_seen(nurse: StaffMember, visit: Appointment) -> None:
    client = signed_in(nurse)

    assert "已签到" in did(client, visit, "arrived")
    assert visit.status == Status.ARRIVED
    did(client, visit, "seen")
    assert visit.status == Status.FULFILLED


def test_who_did_not_come_is_noted_and_may_still_come(
    nurse: StaffMember, visit: Appointment
) -> None:
    client = signed_in(nurse)

    did(client, visit, "missed")
    assert visit.status == Status.NOSHOW
    did(client, visit, "arrived")
    assert visit.status == Status.ARRIVED


def test_nobody_is_missed_before_the_visit_begins(
    nurse: StaffMember, clinic: Schedule, anna: Patient
) -> None:
    tomorrow = booked(open_slot(clinic, days=1), anna)
    client = signed_in(nurse)

    assert "还没到就诊时间" in did(client, tomorrow, "missed")
    assert "不是今天" in did(client, tomorrow, "arrived")
    assert tomorrow.status == Status.BOOKED


def test_the_hospital_cancels_with_words_for_the_patient(
    nurse: StaffMember, visit: Appointment
) -> None:
    page = did(signed_in(nurse), visit, "cancel", why="hospital", note="医生临时停诊")

    assert "医生临时停诊" in page
    assert (visit.status, visit.cancelled_why) == (Status.CANCELLED, "hospital")
    assert visit.note == "医生临时停诊"


@pytest.mark.parametrize("act", ["arrived", "seen", "missed", "cancel"])
def test_another_department_s_visit_is_not_there(staff: Hire, visit: Appointment, act: str) -> None:
    member = staff(Role.NURSE)
    member.departments.set(Department.objects.filter(name="儿科"))
    client = signed_in(member)

    assert visit.number not in client.get("/console/visits/").content.decode()
    assert client.get(f"/console/visits/{visit.pk}/").status_code == 404
    assert client.post(f"/console/visits/{visit.pk}/{act}/").status_code == 404
    assert not AccessEntry.objects.exists()


@pytest.mark.parametrize("path", ["", "1/", "book/", "waitlist/"])
def test_who_looks_after_no_patients_sees_no_visits(
    staff: Hire, visit: Appointment, path: str
) -> None:
    assert signed_in(staff(Role.ADMIN)).get(f"/console/visits/{path}").status_code == 403
    assert Client().get(f"/console/visits/{path}").status_code == 302


def test_the_waitlist_shows_who_waits(nurse: StaffMember, clinic: Schedule, anna: Patient) -> None:
    today = timezone.localdate()
    join_waitlist(
        clinic.department, patient=anna, booked_by=anna, first_day=today,
        last_day=today + timedelta(days=9), now=timezone.now(),
    )  # fmt: skip

    page = signed_in(nurse).get("/console/visits/waitlist/").content.decode()

    assert "安*" in page
    assert "呼吸内科" in page
    assert "安娜" not in page


# --- booking at the desk -------------------------------------------------------------------------


def token_of(client: Client, phone: str) -> str:
    found = client.post("/console/visits/book/find/", {"phone": phone}).content.decode()
    return found.partition('name="patient" value="')[2].partition('"')[0]


def test_a_patient_is_found_by_exactly_the_phone_and_the_asking_is_logged(
    nurse: StaffMember, anna: Patient
) -> None:
    client = signed_in(nurse)

    assert token_of(client, "138 0000 0001")
    for other in ("1380000000", "0000001", "", "138000000011"):
        assert not token_of(client, other)

    looks = list(AccessEntry.objects.values_list("action", "subject_id"))
    assert looks == [("search", None), ("read", anna.pk), *[("search", None)] * 4]


def test_the_desk_books_once_however_often_the_form_is_sent(
    nurse: StaffMember, clinic: Schedule, anna: Patient
) -> None:
    client, slot = signed_in(nurse), open_slot(clinic, days=1)
    form = {
        "patient": token_of(client, "13800000001"), "slot": str(slot.pk), "request_id": "a1",
        "reason": "复查",
    }  # fmt: skip

    pages = [client.post("/console/visits/book/it/", form).content.decode() for _ in range(2)]

    visit = Appointment.objects.get()
    assert (visit.status, visit.patient, visit.reason) == (Status.BOOKED, anna, "复查")
    assert all(visit.number in page for page in pages)


def test_a_seat_that_is_gone_is_said_plainly(
    nurse: StaffMember, clinic: Schedule, anna: Patient
) -> None:
    client, slot = signed_in(nurse), open_slot(clinic, days=1, capacity=1)
    booked(slot, create_patient(name="别人"))
    form = {"patient": token_of(client, "13800000001"), "slot": str(slot.pk), "request_id": "a1"}

    page = client.post("/console/visits/book/it/", form).content.decode()

    assert "刚被约走" in page
    assert Appointment.objects.filter(patient=anna).count() == 0


def test_nobody_is_booked_for_who_was_not_found_by_phone(
    nurse: StaffMember, clinic: Schedule, anna: Patient
) -> None:
    form = {"patient": str(anna.pk), "slot": str(open_slot(clinic, days=1).pk), "request_id": "a"}

    page = signed_in(nurse).post("/console/visits/book/it/", form).content.decode()

    assert "请先查找患者" in page
    assert not Appointment.objects.exists()


# --- who comes for the first time ----------------------------------------------------------------


def registered(client: Client, **form: str) -> str:
    given = {"name": "钱进", "birth_date": "1990-05-06", "gender": "male", "phone": "138 0000 0009"}
    answer = client.post("/console/visits/book/register/", given | form)
    assert answer.status_code == 200
    return answer.content.decode()


def test_who_comes_for_the_first_time_is_registered_and_booked(
    nurse: StaffMember, clinic: Schedule
) -> None:
    client, slot = signed_in(nurse), open_slot(clinic, days=1)
    asked = client.post("/console/visits/book/find/", {"phone": "13800000009"}).content.decode()
    assert "没有登记过" in asked and "建档并选定" in asked

    page = registered(client)

    token = page.partition('name="patient" value="')[2].partition('"')[0]
    form = {"patient": token, "slot": str(slot.pk), "request_id": "a1"}
    client.post("/console/visits/book/it/", form)
    new = Appointment.objects.get().patient
    assert (new.name, str(new.birth_date), new.gender) == ("钱进", "1990-05-06", "male")
    assert token_of(client, "13800000009")
    log = AccessEntry.objects.filter(subject_id=new.pk, reason="desk registration")
    assert log.get().action == "change"


@pytest.mark.parametrize(
    "form",
    [{"name": "安娜", "phone": "13800000001"}, {"name": "安 娜", "identity_number": "A-1234567"}],
)
def test_who_is_registered_already_is_not_made_twice(
    nurse: StaffMember, anna: Patient, form: dict[str, str]
) -> None:
    update_patient(anna, identity_number="a1234567")

    page = registered(signed_in(nurse), **form)

    assert "已有档案" in page and "1961-04-02" in page
    assert Patient.objects.get() == anna


def test_one_of_the_family_has_a_record_of_their_own(nurse: StaffMember, anna: Patient) -> None:
    client = signed_in(nurse)
    page = client.post("/console/visits/book/find/", {"phone": "13800000001"}).content.decode()
    assert "同一手机号" in page

    registered(client, phone="13800000001")

    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": " "}, "必填"),
        ({"birth_date": ""}, "必填"),
        ({"birth_date": "2999-01-01"}, "出生日期有误"),
        ({"birth_date": "1799-01-01"}, "出生日期有误"),
        ({"phone": "喂"}, "手机号有误"),
        ({"phone": ""}, "手机号有误"),
        ({"gender": "x"}, "性别"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_what_was_typed_stays(
    nurse: StaffMember, hospital: Hospital, form: dict[str, str], said: str
) -> None:
    page = registered(signed_in(nurse), identity_number="A1", **form)

    assert said in page
    assert 'value="A1"' in page
    assert not Patient.objects.exists()


def test_who_looks_after_no_patients_registers_nobody(staff: Hire, hospital: Hospital) -> None:
    admin = staff(Role.ADMIN, username="admin2")

    answer = signed_in(admin).post("/console/visits/book/register/", {"name": "钱进"})

    assert answer.status_code == 403
