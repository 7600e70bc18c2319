"""What every test may ask for. Stand-ins only for the model; rows, rules and tasks are real."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation

import events
from assistant.services import attend, take_in
from channels_app import database
from conversations.arrivals import Received
from conversations.models import Conversation, Message
from hospital.models import Department, Hospital, OpeningHours, Place
from patients.models import Channel
from patients.services import meet
from staff.models import Role, StaffMember
from triage.labels import NOT_UNDERSTOOD, Intent, Understanding
from vault import datakeys, keys

pytest_plugins = ["harness.plugin"]

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Shanghai
NIGHT = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)  # 02:00 the next day


@pytest.fixture(scope="session", autouse=True)
def key_ring() -> None:
    keys.KeyRing.new().write(Path(settings.VAULT_KEYS))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """PostgreSQL too lets a test's end empty the access log; changing and deleting stay refused."""
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER IF EXISTS vault_access_no_change ON vault_accessentry")
                cursor.execute(
                    "CREATE TRIGGER vault_access_no_change BEFORE UPDATE OR DELETE"
                    " ON vault_accessentry FOR EACH STATEMENT"
                    " EXECUTE FUNCTION vault_access_only_grows()"
                )
    yield
    database.hang_up()


@pytest.fixture(autouse=True)
def clean_state() -> Iterator[None]:
    """Ids are used again from test to test, so no open data key may outlive its test."""
    datakeys.forget()
    translation.activate("zh-hans")
    yield
    datakeys.forget()


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture
def web(db: None) -> Channel:
    return Channel.objects.get_or_create(slug="web", defaults={"kind": "web", "name": "网页"})[0]


@pytest.fixture
def hospital(db: None) -> Hospital:
    """A small hospital: three departments, an emergency department, nurses from 8 to 20."""
    for code, name, name_en in (
        ("emergency", "急诊科", "Emergency"),
        ("respiratory", "呼吸内科", "Respiratory medicine"),
        ("pediatrics", "儿科", "Paediatrics"),
    ):
        Department.objects.get_or_create(name=name, defaults={"code": code, "name_en": name_en})
    Place.objects.get_or_create(
        name="急诊科", defaults={"kind": "emergency", "location": "1号楼一层", "phone": "010-5555"}
    )
    for weekday in range(7):
        OpeningHours.objects.get_or_create(
            weekday=weekday, opens_at="08:00", closes_at="20:00", kind="nurses"
        )
    return Hospital.objects.get_or_create(
        pk=1, defaults={"name": "问安示范医院", "name_en": "Wenan Demo Hospital"}
    )[0]


@pytest.fixture
def staff(db: None) -> Callable[..., StaffMember]:
    numbers = count(1)

    def hire(role: Role = Role.NURSE, **fields: Any) -> StaffMember:
        name = fields.pop("username", f"{role}{next(numbers)}")
        member: StaffMember = StaffMember.objects.create_user(
            name, password="a long password", role=role, **{"display_name": name, **fields}
        )
        return member

    return hire


@pytest.fixture
def nurse(staff: Callable[..., StaffMember]) -> StaffMember:
    return staff(Role.NURSE, username="wangfang", display_name="王芳")


@pytest.fixture
def other_nurse(staff: Callable[..., StaffMember]) -> StaffMember:
    return staff(Role.NURSE, username="liuyang", display_name="刘洋")


class Model:
    """Understands what the test says that it understands, and remembers what it was asked."""

    def __init__(self) -> None:
        self.meaning = NOT_UNDERSTOOD
        self.asked: list[str] = []
        self.broken: Exception | None = None

    def means(self, intent: Intent | str, **fields: Any) -> None:
        sure: dict[str, Any] = {"intent_confidence": 0.99, "abstained": False, **fields}
        self.meaning = replace(NOT_UNDERSTOOD, intent=Intent(intent), **sure)

    def __call__(self, text: str) -> Understanding:
        self.asked.append(text)
        if self.broken:
            raise self.broken
        return self.meaning


@pytest.fixture
def model() -> Model:
    return Model()


PatientWrites = Callable[..., Received]


@pytest.fixture
def patient_writes(web: Channel, hospital: Hospital, model: Model) -> PatientWrites:
    """A visitor writes in web chat, and, unless `attended=False`, the worker attends to it."""
    numbers = count(1)

    def write(
        text: str,
        *,
        visitor: str = "visitor-1",
        client_id: str = "",
        attended: bool = True,
        now: datetime = NOON,
        **fields: Any,
    ) -> Received:
        received = take_in(
            meet(web, address=visitor),
            text=text,
            client_id=client_id or f"c{next(numbers)}",
            now=now,
            **fields,
        )
        if attended:
            attend(received.message.conversation_id, understand=model, now=now)
        return received

    return write


@pytest.fixture
def thread() -> Callable[[Conversation], list[tuple[str, str]]]:
    """What a conversation holds for the patient: (author, text), without events and notes."""

    def said(conversation: Conversation) -> list[tuple[str, str]]:
        rows = Message.objects.filter(conversation=conversation, kind="text").order_by("seq")
        return [(row.author, row.text) for row in rows]

    return said


RUNG: list[tuple[str, dict[str, int]]] = []


def remember(name: str, ids: dict[str, int]) -> None:
    RUNG.append((name, ids))


@pytest.fixture
def rings(settings: Any) -> Iterator[list[tuple[str, dict[str, int]]]]:
    """The bell hangs here instead of at the broker, and remembers."""
    RUNG.clear()
    settings.EVENT_RINGER = f"{__name__}.remember"
    events.ringer.cache_clear()
    yield RUNG
    events.ringer.cache_clear()
