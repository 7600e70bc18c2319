"""For the admin's tests: somebody signed in, and a house with one row of everything."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from appointments.booking import confirm, hold
from appointments.models import Closure, Schedule, Slot
from appointments.slots import make_slots
from appointments.waitlist import join_waitlist
from conftest import Model, PatientWrites
from hospital.models import Department, Hospital
from insight.models import ModelDay, ReferenceWeek, Review
from knowledge.models import Article, ArticleVersion
from patients.models import Channel, Proxy, Purpose
from patients.services import create_patient, give_consent, meet, update_patient
from records.models import AllergyIntolerance
from staff.models import Role, Shift, StaffMember
from tickets.models import Alarm, CannedReply, Ticket

SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(staff: Callable[..., StaffMember]) -> SignIn:
    """A browser in which a member of staff of this role is signed in."""

    def enter(role: Role = Role.ADMIN, *, reads: bool = False, **fields: Any) -> Client:
        entering = fields.pop("is_staff", role in (Role.ADMIN, Role.HEAD_NURSE))
        member = staff(role, is_staff=entering, **fields)
        if reads:
            member.user_permissions.add(Permission.objects.get(codename="view_message"))
        client = Client(headers={"accept-language": "en"})
        client.force_login(member)
        client.member = member  # type: ignore[attr-defined]
        return client

    return enter


@pytest.fixture
def superuser(sign_in: SignIn) -> Client:
    return sign_in(is_superuser=True)


@pytest.fixture
def house(
    web: Channel, hospital: Hospital, nurse: StaffMember, patient_writes: PatientWrites,
    model: Model,
) -> SimpleNamespace:  # fmt: skip
    """One row of everything that the admin lists."""
    now: datetime = timezone.now()
    point = meet(web, address="visitor-1")
    update_patient(point.patient, name="王小明", phone="13800000001")
    message = patient_writes("我胸口很痛，喘不上气", now=now).message
    family = create_patient(name="王芳芳")
    ticket = Ticket.objects.get()
    ModelDay.objects.create(
        day=now.date(),
        model="test 1",
        messages=9,
        abstained=1,
        intents={"chitchat": 9},
        urgencies={"3": 2},
        characters=90,
        unknown_characters=1,
        counted_at=now,
    )
    ReferenceWeek.objects.create(
        model="test 1", first_day=now.date(), chosen_by=nurse, chosen_at=now
    )
    clinic = Department.objects.get(name="呼吸内科")
    schedule = Schedule.objects.create(
        department=clinic, weekday=now.weekday(), starts=time(0), ends=time(0)
    )
    make_slots(now=now)
    slot = Slot.objects.order_by("-starts_at")[0]  # next week's last
    who = {"patient": point.patient, "booked_by": point.patient, "contact_point": point}
    article = Article.objects.create(slug="parking", category="directions")
    ArticleVersion.objects.create(article=article, number=1, title="停车", body="B1", source="总务")
    return SimpleNamespace(
        now=now,
        point=point,
        patient=point.patient,
        message=message,
        conversation=message.conversation,
        ticket=ticket,
        review=Review.objects.create(
            message=message,
            data_key=message.data_key,
            kind="false_alarm",
            ticket=ticket,
            found_at=now,
        ),
        alarm=Alarm.objects.get(),
        consent=give_consent(
            point.patient, Purpose.HEALTH_DATA, text_version="1", channel=web, now=now
        ),
        proxy=Proxy.objects.create(writer=family, patient=point.patient),
        allergy=AllergyIntolerance.objects.create(
            patient=point.patient, data_key=point.patient.data_key, substance="青霉素"
        ),
        canned=CannedReply.objects.create(shortcut="wait", title="请稍等", text="请稍等。"),
        shift=Shift.objects.create(
            staff_member=nurse, starts_at=now, ends_at=now + timedelta(hours=8)
        ),
        article=article,
        schedule=schedule,
        slot=slot,
        closure=Closure.objects.create(
            first_day=now.date() - timedelta(days=9),
            last_day=now.date() - timedelta(days=9),
            reason="消防演练",
        ),
        appointment=confirm(hold(slot, **who, reason="胸口痛", now=now), now=now),
        waiting=join_waitlist(clinic, **who, first_day=slot.day, last_day=slot.day, now=now),
    )
