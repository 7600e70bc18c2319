"""A month of 2,000 patients: clocks jump, processes die, channels are dead, and nothing is doubled.

Time is an argument throughout. Messages take the real road: queue_reply, then adapters.delivery,
for web chat and for a channel that nobody speaks with any more.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from adapters.delivery import deliver
from careplans import asking, planning, services
from careplans.answers import read_answer
from careplans.demo import seed_careplans
from careplans.models import CarePlan, Due, PlanKind, PlanTemplate, State, StoppedWhy, Task
from careplans.models.dues import FINAL
from careplans.timing import Quiet
from conversations.models import Author, Conversation, Message
from patients.models import Channel, Consent, ContactPoint, Patient, Purpose
from patients.services import (
    create_patient,
    erase_patient,
    index_address,
    mute_contact_point,
    withdraw_consent,
)

PATIENTS = 2_000
ON_MEDICINE = 20  # one dose a day for 30 days, some with two medicines
DAYS = 36
SHANGHAI = ZoneInfo("Asia/Shanghai")
# The clocks of Berlin and of New York go back within the month.
START = datetime(2026, 10, 12, 16, 0, tzinfo=UTC)  # the 13th, 00:00 in Shanghai
STEP = timedelta(hours=1)
QUIET = Quiet(time(21), time(8))
ANSWERS = ("吃了", "已服", "嗯吃过了", "等下", "半小时后", "忘了", "不吃", "好的", "药快吃完了", "")


class Killed(BaseException):
    """kill -9, as far as a process can feel it: nothing catches this."""


@contextmanager
def killed_at(statement: str, *, number: int) -> Iterator[None]:
    """Die just before the database is told this for the so-and-so-manieth time."""
    seen = 0

    def execute(do: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        seen += sql.startswith(statement)
        if sql.startswith(statement) and seen == number:
            raise Killed
        return do(sql, params, many, context)

    with connection.execute_wrapper(execute), suppress(Killed):
        yield


def commit() -> None:
    """What a commit would do: the month is one transaction, and what waits for its end piles up."""
    waiting, connection.run_on_commit = connection.run_on_commit, []
    for _savepoints, do, _robust in waiting:
        do()


@dataclass
class Month:
    """The hospital's machine, and what its patients notice."""

    rings: list[tuple[str, dict[str, int]]]
    dice: random.Random
    zones: dict[int, ZoneInfo] = field(default_factory=dict)  # patient → where they live
    silent: set[int] = field(default_factory=set)  # who must hear nothing more
    sent: Counter[str] = field(default_factory=Counter)  # client id → times
    in_quiet_hours: list[int] = field(default_factory=list)
    after_the_end: list[int] = field(default_factory=list)
    to_answer: list[tuple[datetime, int]] = field(default_factory=list)
    known: int = 0  # newest message that was looked at

    def tick(self, now: datetime, *, kill: tuple[str, int] | None = None) -> None:
        services.stop_where_needed(now=now)
        planning.plan_ahead(now=now)
        if kill:
            with killed_at(kill[0], number=kill[1]):
                asking.ask_owed(now=now)
        while asking.ask_owed(now=now) > asking.AT_ONCE // 2:
            pass
        self.deliver(now)
        self.answer(now)
        asking.look_after_asked(now=now)
        commit()

    def deliver(self, now: datetime) -> None:
        rung = {ids["conversation_id"] for name, ids in self.rings if name == "reply.queued"}
        self.rings.clear()
        for conversation_id in sorted(rung):
            deliver(conversation_id, clock=lambda: now)
        new = Message.objects.filter(pk__gt=self.known, author=Author.SYSTEM).order_by("pk")
        rows = new.exclude(client_id=None).values_list(
            "pk", "client_id", "sent_at", "dues__plan__patient"
        )
        told = {pk: (client_id, at, patient) for pk, client_id, at, patient in rows}
        for pk, (client_id, sent_at, patient) in told.items():
            self.known = pk
            if sent_at is None:
                continue
            self.sent[client_id] += 1
            if QUIET.covers(sent_at.astimezone(self.zones.get(patient, SHANGHAI)).time()):
                self.in_quiet_hours.append(pk)
            if patient in self.silent:
                self.after_the_end.append(pk)
            self.to_answer.append((now + timedelta(minutes=self.dice.choice((0, 20, 90))), pk))

    def answer(self, now: datetime) -> None:
        ready = [pk for at, pk in self.to_answer if at <= now]
        self.to_answer = [(at, pk) for at, pk in self.to_answer if at > now]
        for due in Due.objects.filter(message__in=ready).select_related("plan__patient"):
            said = read_answer(self.dice.choice(ANSWERS))
            with suppress(services.AlreadySettled):
                services.take_answer(due, said, now=now)


@pytest.fixture
def month(db: None, hospital: Any, web: Channel, rings: Any) -> Month:
    seed_careplans()
    return Month(rings, random.Random(7))


def settle_in(web: Channel, dead: Channel) -> list[Patient]:
    """2,000 patients who agreed to reminders. 200 were met on a channel that is dead now, half of
    them on the web too."""
    patients = [create_patient() for _ in range(PATIENTS)]
    Consent.objects.bulk_create(
        Consent(patient=each, purpose=Purpose.REMINDERS, text_version="1", given_at=START)
        for each in patients
    )
    points = []
    for number, patient in enumerate(patients):
        channels = [dead] if number < 200 else [web]
        if number < 100:
            channels.append(web)
        points += [
            ContactPoint(
                patient=patient,
                data_key_id=patient.data_key_id,
                channel=channel,
                address=f"a{number}",
                address_index=index_address(f"a{number}", channel=channel),
            )
            for channel in channels
        ]
    ContactPoint.objects.bulk_create(points)
    Conversation.objects.bulk_create(
        Conversation(
            contact_point=point,
            data_key_id=point.data_key_id,
            started_at=START,
            last_message_at=START,
        )
        for point in ContactPoint.objects.order_by("pk")
    )
    return patients


def promise(patients: list[Patient]) -> None:
    """Every patient gets a follow-up, one in twenty a plan of 30 days, some their medicines."""
    after_visit = PlanTemplate.objects.get(code="after-visit")
    surgery = PlanTemplate.objects.get(code="after-surgery")
    points = {p.patient_id: p for p in ContactPoint.objects.order_by("-pk")}
    plans = CarePlan.objects.bulk_create(
        CarePlan(
            patient=patient,
            data_key_id=patient.data_key_id,
            kind=PlanKind.FOLLOW_UP,
            contact_point=points[patient.pk],
            anchor_at=START + timedelta(hours=number % 72),
            template=surgery if number % 20 == 0 else after_visit,
            created_at=START,
        )
        for number, patient in enumerate(patients)
    )
    steps = {each: list(each.steps.all()) for each in (surgery, after_visit)}
    Due.objects.bulk_create(
        planning.step_row(plan, step)
        for plan in plans
        if plan.template
        for step in steps[plan.template]
    )
    for number, patient in enumerate(patients[190 : 190 + ON_MEDICINE]):
        first_day = START.astimezone(SHANGHAI).date() + timedelta(days=number % 3)
        for medicine in ("缬沙坦", "氨氯地平")[: 1 + (number % 5 == 0)]:
            planning.start_medication(
                patient,
                contact_point=points[patient.pk],
                medicine=medicine,
                times=[time(7 + number % 14)],
                first_day=first_day,
                last_day=first_day + timedelta(days=29),
                now=START,
            )


def clock() -> Iterator[datetime]:
    """The hours of a month: four hours ahead and back again, two back, nine hours of a dead
    machine, a night without one."""
    now = START
    while now < START + timedelta(days=DAYS):
        day, hour = (now - START).days, (now - START).seconds // 3600
        if day == 5 and hour == 10:
            yield now + timedelta(hours=4)  # somebody set the clock wrong
        if day == 12 and hour == 12:
            yield now - timedelta(hours=2)
        if not (day == 9 and 7 <= hour < 16) and not (day == 20 and hour < 9):
            yield now
        # Nobody is asked at night, but for those who live elsewhere.
        now += STEP if 7 <= hour < 22 else 3 * STEP


def live(month: Month, patients: list[Patient], day: int, now: datetime) -> None:
    """What happens to people: they opt out, die, are erased, move, go to other hospitals."""
    dice = month.dice
    for patient in dice.sample(patients[200:], 3):
        month.silent.add(patient.pk)
        withdraw_consent(patient, Purpose.REMINDERS, now=now)
    one, two, three = dice.sample(patients[190:400], 3)
    four, five, six = dice.sample(patients[190:220], 3)  # most of them on medicine
    Patient.objects.filter(pk=one.pk, erased_at=None).update(deceased_at=now)
    erase_patient(two, now=now)
    services.stop_all(three, why=StoppedWhy.TRANSFERRED, now=now)
    month.silent |= {one.pk, two.pk, three.pk}
    zone = ("Europe/Berlin", "America/New_York", "Asia/Urumqi")[day % 3]
    if four.pk not in month.silent:
        for plan in CarePlan.objects.filter(patient=four):
            planning.live_elsewhere(plan, time_zone=zone, now=now)
        month.zones[four.pk] = ZoneInfo(zone)
    for plan in CarePlan.objects.filter(patient=five):
        services.pause_plan(plan, now=now)
    for plan in CarePlan.objects.filter(status="paused").exclude(patient=five):
        services.resume_plan(plan, now=now)
    for point in ContactPoint.objects.filter(patient=six):
        mute_contact_point(point, until=now + timedelta(days=2))


@pytest.mark.once
def test_a_month_of_two_thousand_patients(
    month: Month, web: Channel, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = Channel.objects.create(slug="gone", kind="gone", name="停用的渠道")
    patients = settle_in(web, dead)
    promise(patients)
    statements = ('INSERT INTO "conversations_message"', 'UPDATE "careplans_due"')

    lived = -1
    for number, now in enumerate(clock()):
        day = (now - START).days
        if day > lived and now.astimezone(SHANGHAI).hour >= 11:
            lived = day
            live(month, patients, day, now)
        kill = (statements[number % 2], 1 + number % 5) if number % 7 == 0 else None
        month.tick(now, kill=kill)
    for plan in CarePlan.objects.filter(status="paused"):
        services.resume_plan(plan, now=now)
    month.tick(now)
    while services.complete_plans(now=now):
        pass

    counted = services.account()
    with capsys.disabled():
        tasks = Counter(Task.objects.values_list("kind", flat=True))
        why = Counter(Due.objects.values_list("state", "reason"))
        print(f"\n{PATIENTS} patients, {DAYS} days: {sum(month.sent.values())} reminders sent")
        print("  ".join(f"{state} {count}" for state, count in counted.items()))
        print("  ".join(f"{a}/{b or '-'} {n}" for (a, b), n in sorted(why.items())))
        print("tasks:", "  ".join(f"{kind} {count}" for kind, count in sorted(tasks.items())))

    # Every promise came to one end, and nobody is asked for it again.
    assert sum(counted.values()) == Due.objects.count() > 2_500
    assert {state for state, count in counted.items() if count} <= set(FINAL)
    assert not CarePlan.objects.filter(status="active").exists()
    # Nothing was said twice, at night, or to who wanted to hear nothing more.
    assert max(month.sent.values()) == 1
    assert not month.in_quiet_hours
    assert not month.after_the_end
    # Each asking is one message: as many as rows say, sent, given up or taken back.
    asked = Due.objects.exclude(message=None).values_list("uid", "asks")
    said = Counter(each.split("-")[0] for each in month.sent)
    assert all(said[uid.hex] <= asks for uid, asks in asked)
    assert counted[State.ACKNOWLEDGED] > counted[State.MISSED]
    # The dead channel's patients were asked elsewhere, or a nurse has them on her list.
    assert Due.objects.exclude(second=None).filter(state=State.ACKNOWLEDGED).exists()
    assert Task.objects.filter(kind="undelivered").exists()
