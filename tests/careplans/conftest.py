"""A patient who agreed to reminders, with a conversation, and the templates to begin with."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any

import pytest

from careplans.demo import seed_careplans
from careplans.models import CarePlan, PlanKind, PlanTemplate
from careplans.planning import start_medication, start_plan
from conftest import NOON
from conversations.models import Author, Conversation, Message
from conversations.services import start_conversation
from hospital.models import Hospital
from patients.models import Channel, ContactPoint, Purpose
from patients.services import give_consent, meet


@pytest.fixture(autouse=True)
def rung(rings: Any) -> None:
    """No worker: what is rung stays with the test."""


@pytest.fixture
def templates(hospital: Hospital) -> None:
    seed_careplans()


@pytest.fixture
def anna(web: Channel, hospital: Hospital) -> ContactPoint:
    point = meet(web, address="anna")
    give_consent(point.patient, Purpose.REMINDERS, text_version="1", channel=web, now=NOON)
    return point


@pytest.fixture
def talk(anna: ContactPoint) -> Conversation:
    return start_conversation(anna, now=NOON)


@pytest.fixture
def medicine(anna: ContactPoint) -> Callable[..., CarePlan]:
    def prescribe(
        *times: time, name: str = "缬沙坦", now: datetime = NOON, **more: Any
    ) -> CarePlan:
        return start_medication(
            anna.patient,
            contact_point=anna,
            medicine=name,
            dose="1 片",
            times=times or [time(15)],
            first_day=more.pop("first_day", now.date()),
            now=now,
            **more,
        )

    return prescribe


@pytest.fixture
def follow_up(anna: ContactPoint, templates: None) -> Callable[..., CarePlan]:
    def begin(code: str = "after-visit", anchor_at: datetime = NOON, **more: Any) -> CarePlan:
        template = PlanTemplate.objects.get(code=code)
        return start_plan(
            anna.patient,
            kind=PlanKind(template.kind),
            contact_point=anna,
            anchor_at=anchor_at,
            template=template,
            now=more.pop("now", NOON),
            **more,
        )

    return begin


@pytest.fixture
def said() -> Callable[[], list[str]]:
    """What was said to patients unasked, in order."""

    def texts() -> list[str]:
        rows = Message.objects.filter(author=Author.SYSTEM, kind="text").order_by("pk")
        return [row.text for row in rows]

    return texts
