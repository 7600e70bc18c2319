"""What a nurse sees before and after she opens somebody, and what is remembered of her looking."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from careplans.models import CarePlan, PlanKind
from channels_app import login
from conversations.models import Message
from hospital.models import Department
from patients.services import update_patient
from records.models import AllergyIntolerance
from staff.models import Role, StaffMember
from tickets.drafts import save_draft
from tickets.models import CannedReply, Ticket
from tickets.services import claim_ticket, resolve_ticket, snooze_ticket
from vault.models import AccessEntry

pytestmark = pytest.mark.django_db
Hire = Callable[..., StaffMember]
PatientWrites = Callable[..., Any]


@pytest.fixture
def desk(client: Client, nurse: StaffMember) -> Client:
    client.force_login(nurse)
    return client


@pytest.fixture
def asks_for_nurse(patient_writes: PatientWrites) -> Callable[..., Ticket]:
    def ask(visitor: str = "v1", *, name: str = "", text: str = "我要找护士") -> Ticket:
        received = patient_writes(text, visitor=visitor, tap="nurse")
        ticket = Ticket.objects.get(conversation=received.message.conversation_id)
        if name:
            update_patient(ticket.conversation.contact_point.patient, name=name)
        return ticket

    return ask


def sign_in(client: Client, name: str, password: str = "wrong", address: str = "10.0.0.1") -> Any:
    form = {"username": name, "password": password}
    return client.post("/console/login/", form, REMOTE_ADDR=address)


# --- the door -------------------------------------------------------------------------------------


def test_a_nurse_signs_in_and_out(client: Client, nurse: StaffMember) -> None:
    assert client.get("/console/").headers["Location"] == "/console/login/"

    assert sign_in(client, "wangfang", "a long password").headers["Location"] == "/console/"
    assert client.get("/console/").status_code == 200
    client.post("/console/logout/")

    assert client.get("/console/").status_code == 302


@pytest.mark.parametrize("name", ["wangfang", "nobody"])
def test_five_failures_make_one_wait_whether_the_name_exists_or_not(
    client: Client, nurse: StaffMember, name: str
) -> None:
    for _ in range(5):
        assert "请等待" not in sign_in(client, name).content.decode()

    blocked = sign_in(client, name, "a long password").content.decode()

    assert "登录失败次数过多" in blocked
    assert settings.SESSION_COOKIE_NAME not in client.cookies


def test_somebody_elsewhere_does_not_lock_her_out(client: Client, nurse: StaffMember) -> None:
    for _ in range(8):
        sign_in(client, "wangfang", address="203.0.113.9")

    assert sign_in(client, "wangfang", "a long password").status_code == 302


def test_the_wait_grows_and_ends(
    client: Client, nurse: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        sign_in(client, "wangfang")
    later = login.time.time() + 6
    monkeypatch.setattr(login.time, "time", lambda: later)

    sign_in(client, "wangfang")  # the sixth failure, after the first wait

    page = sign_in(client, "wangfang").content.decode()
    assert "请等待10秒" in page
    assert [login._wait_after(n) for n in (4, 5, 6, 7, 40)] == [0, 5, 10, 20, 60]


def test_an_admin_is_told_that_this_is_not_for_him(client: Client, staff: Hire) -> None:
    client.force_login(staff(Role.ADMIN, is_staff=True))

    answer = client.get("/console/")

    assert answer.status_code == 403
    assert "/admin/" in answer.content.decode()


@pytest.mark.parametrize("path", ["lists/", "transfer/", "canned/", "conversation/1/card/"])
def test_a_fetch_without_a_session_is_not_sent_to_the_door(client: Client, path: str) -> None:
    # A redirect would be swapped into the page, and take what she types with it.
    assert client.get(f"/console/{path}", headers={"HX-Request": "true"}).status_code == 401


# --- the lists ------------------------------------------------------------------------------------


def test_a_list_tells_enough_to_choose_and_too_little_to_know(
    desk: Client, asks_for_nurse: Callable[..., Ticket]
) -> None:
    asks_for_nurse("v1", name="王小梅", text="我怀孕了不想让人知道")

    page = desk.get("/console/lists/?folder=queue").content.decode()

    assert "王**" in page
    assert "要求人工" in page
    assert "常规" in page
    assert "王小梅" not in page
    assert "怀孕" not in page
    assert not AccessEntry.objects.exists()


def test_the_right_patient_stands_first(
    desk: Client, asks_for_nurse: Callable[..., Ticket], patient_writes: PatientWrites
) -> None:
    first = asks_for_nurse("v1")
    second = asks_for_nurse("v2")
    Ticket.objects.filter(pk=first.pk).update(waiting_since=timezone.now())
    patient_writes("我胸口剧痛,喘不上气", visitor="v3", attended=False)
    danger = Ticket.objects.get(urgency=3)

    page = desk.get("/console/lists/?folder=all").content.decode()

    order = [int(pk) for pk in re.findall(r'data-ticket="(\d+)"', page)]
    assert order == [danger.pk, second.pk, first.pk]
    assert "紧急" in page


def test_each_ticket_is_in_its_folder(
    desk: Client,
    nurse: StaffMember,
    other_nurse: StaffMember,
    asks_for_nurse: Callable[..., Ticket],
) -> None:
    now = timezone.now()
    waiting, mine, hers, asleep, ended = (asks_for_nurse(f"v{n}") for n in range(5))
    for ticket, who in ((mine, nurse), (hers, other_nurse), (asleep, nurse), (ended, nurse)):
        claim_ticket(ticket.pk, nurse=who, now=now)
    snooze_ticket(asleep.pk, nurse=nurse, until=now + timedelta(hours=1), now=now)
    resolve_ticket(ended.pk, nurse=nurse, now=now)

    def folder(name: str) -> set[int]:
        page = desk.get(f"/console/lists/?folder={name}").content.decode()
        return {int(pk) for pk in re.findall(r'data-ticket="(\d+)"', page)}

    assert folder("queue") == {waiting.pk}
    assert folder("mine") == {mine.pk}
    assert folder("snoozed") == {asleep.pk}
    assert folder("all") == {waiting.pk, mine.pk, hers.pk, asleep.pk}
    assert folder("ended") == {ended.pk}
    assert folder("red") == set()


def test_her_unsent_text_and_unread_messages_are_marked(
    desk: Client, nurse: StaffMember, asks_for_nurse: Callable[..., Ticket]
) -> None:
    ticket = asks_for_nurse()
    assert 'class="mark draft"' not in desk.get("/console/lists/").content.decode()

    claim_ticket(ticket.pk, nurse=nurse, now=timezone.now())
    save_draft(ticket.conversation, nurse=nurse, text="您好", kind="text", now=timezone.now())
    page = desk.get("/console/lists/?folder=mine").content.decode()

    assert 'class="mark draft"' in page
    assert 'class="mark news"' in page


def test_a_long_list_costs_no_more_queries_than_a_short_one(
    desk: Client, asks_for_nurse: Callable[..., Ticket]
) -> None:
    def queries() -> int:
        desk.get("/console/lists/?folder=all")  # opens the data keys, which stay open a minute
        with CaptureQueriesContext(connection) as seen:
            desk.get("/console/lists/?folder=all")
        return len(seen)

    for n in range(2):
        asks_for_nurse(f"v{n}", name=f"王{n}")
    few = queries()
    for n in range(2, 12):
        asks_for_nurse(f"v{n}", name=f"李{n}")

    assert queries() == few
    assert few <= 8


def test_another_departments_patients_are_not_on_her_list(
    client: Client, staff: Hire, asks_for_nurse: Callable[..., Ticket]
) -> None:
    ticket = asks_for_nurse()
    Ticket.objects.filter(pk=ticket.pk).update(department=Department.objects.get(name="急诊科"))
    stranger = staff(Role.NURSE)
    stranger.departments.add(Department.objects.get(name="儿科"))
    client.force_login(stranger)

    assert "data-ticket" not in client.get("/console/lists/?folder=all").content.decode()
    assert client.get(f"/console/conversation/{ticket.conversation_id}/card/").status_code == 404
    assert not AccessEntry.objects.exists()


# --- the card -------------------------------------------------------------------------------------


def test_the_card_tells_the_story_and_leaves_a_trace(
    desk: Client,
    nurse: StaffMember,
    asks_for_nurse: Callable[..., Ticket],
    patient_writes: PatientWrites,
) -> None:
    ticket = asks_for_nurse("v1", name="王小梅")
    patient = ticket.conversation.contact_point.patient
    update_patient(patient, phone="13812345678", birth_date_text="1988-03-05", gender="female")
    AllergyIntolerance.objects.create(
        patient=patient, substance="青霉素", reaction="皮疹", data_key_id=patient.data_key_id
    )
    patient_writes("我胸口剧痛,喘不上气<script>", visitor="v1", attended=False)

    page = desk.get(f"/console/conversation/{ticket.conversation_id}/card/").content.decode()

    for told in ("王小梅", "38岁", "138****5678", "青霉素", "胸口剧痛", 'data-jump="'):
        assert told in page
    assert "13812345678" not in page
    assert "<script>" not in page
    look = AccessEntry.objects.get()
    assert (look.actor_id, look.subject, look.subject_id, look.reason) == (
        nurse.pk,
        "conversation",
        ticket.conversation_id,
        "card",
    )


def test_the_card_shows_that_the_button_was_pressed_and_survives_a_broken_row(
    desk: Client, asks_for_nurse: Callable[..., Ticket], patient_writes: PatientWrites
) -> None:
    ticket = asks_for_nurse("v1")
    patient_writes("伤口一直在流血", visitor="v1", attended=False)
    patient_writes("我需要紧急帮助", visitor="v1", tap="emergency", attended=False)
    Message.objects.filter(conversation=ticket.conversation_id, seq=1).update(uid=uuid4())

    page = desk.get(f"/console/conversation/{ticket.conversation_id}/card/").content.decode()

    assert "患者按了紧急按钮" in page
    assert "伤口一直在流血" in page
    assert "tap:emergency" not in page


def test_no_allergy_on_record_is_not_no_allergy(
    desk: Client, asks_for_nurse: Callable[..., Ticket]
) -> None:
    ticket = asks_for_nurse()
    page = desk.get(f"/console/conversation/{ticket.conversation_id}/card/").content.decode()
    assert "这不等于没有过敏" in page


def test_what_a_patient_is_reminded_of_is_paused_and_goes_on(
    desk: Client, nurse: StaffMember, asks_for_nurse: Callable[..., Ticket]
) -> None:
    conversation = asks_for_nurse("v1").conversation
    patient = conversation.contact_point.patient
    plan = CarePlan.objects.create(
        patient=patient, contact_point=conversation.contact_point, kind=PlanKind.HEALTH_PLAN,
        data_key=patient.data_key, anchor_at=timezone.now(), created_at=timezone.now(),
    )  # fmt: skip
    card = f"/console/conversation/{conversation.pk}"

    paused = desk.post(f"{card}/plan/{plan.pk}/pause/").content.decode()
    plan.refresh_from_db()
    assert plan.status == "paused" and "已暂停" in paused and "/resume/" in paused
    again = desk.post(f"{card}/plan/{plan.pk}/resume/").content.decode()

    plan.refresh_from_db()
    assert plan.status == "active" and "已暂停" not in again
    trace = AccessEntry.objects.filter(action="change", subject_id=patient.pk)
    assert [each.reason for each in trace] == ["plan pause", "plan resume"]
    for path in (f"{card}/plan/{plan.pk}/stop/", f"{card}/plan/999/pause/"):
        assert desk.post(path).status_code == 404


def test_a_card_that_does_not_exist(desk: Client) -> None:
    assert desk.get("/console/conversation/999/card/").status_code == 404


# --- the rest -------------------------------------------------------------------------------------


def test_only_colleagues_who_are_here_are_offered(
    desk: Client, other_nurse: StaffMember, staff: Hire, hospital: Any
) -> None:
    gone = staff(Role.NURSE, display_name="已下班")
    StaffMember.objects.filter(pk=other_nurse.pk).update(last_seen_at=timezone.now())

    page = desk.get("/console/transfer/").content.decode()

    assert "刘洋" in page
    assert gone.display_name not in page
    assert "王芳" not in page
    assert "儿科" in page


def test_a_canned_reply_carries_her_name(desk: Client) -> None:
    CannedReply.objects.create(shortcut="hello", title="问候", text="您好,我是{nurse}护士")
    CannedReply.objects.create(shortcut="old", title="旧", text="x", is_active=False)

    replies = desk.get("/console/canned/").json()["replies"]

    assert [(reply["shortcut"], reply["text"]) for reply in replies] == [
        ("hello", "您好,我是王芳护士")
    ]


def test_the_desk_runs_nothing_inline_and_speaks_both_languages(desk: Client) -> None:
    chinese = desk.get("/console/")
    page = chinese.content.decode()

    assert "script-src 'self';" in chinese.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)
    assert not re.search(r'\sstyle="|\son[a-z]+="', page)
    assert "护士工作台" in page
    english = desk.get("/console/", headers={"Accept-Language": "en"}).content.decode()
    assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"王芳|中文|问安示范医院", "", english))
