"""What a visit asks of us, whatever becomes of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from careplans.asking import ask_owed, look_after_asked
from careplans.models import CarePlan, Due, Feedback, PlanKind, State, Status, Task
from careplans.visits import Visit, follow_visit
from conftest import NOON
from patients.models import ContactPoint

pytestmark = pytest.mark.django_db
FRIDAY_NINE = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
EVENING_BEFORE = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)  # Thursday, 18:00


@pytest.fixture
def visit(anna: ContactPoint, templates: None) -> Visit:
    return Visit(
        id=7,
        patient=anna.patient,
        contact_point=anna,
        starts_at=FRIDAY_NINE,
        ends_at=FRIDAY_NINE + timedelta(minutes=15),
        is_booked=True,
    )


def living() -> list[datetime]:
    open_rows = Due.objects.filter(plan__kind=PlanKind.VISIT, state=State.DUE)
    return [due.ask_at for due in open_rows]


def test_the_evening_before_is_planned_once(visit: Visit, said: Callable[[], list[str]]) -> None:
    follow_visit(visit, now=NOON)
    follow_visit(visit, now=NOON)

    assert living() == [EVENING_BEFORE]
    assert ask_owed(now=EVENING_BEFORE) == 1 and "预约就诊" in said()[0]


def test_it_moves_with_the_visit_there_and_back(visit: Visit) -> None:
    follow_visit(visit, now=NOON)
    moved = replace(visit, starts_at=FRIDAY_NINE + timedelta(days=3))

    follow_visit(moved, now=NOON)
    assert living() == [EVENING_BEFORE + timedelta(days=3)]
    follow_visit(visit, now=NOON)

    assert living() == [EVENING_BEFORE]


def test_booked_late_it_is_said_at_once_and_booked_too_late_not_at_all(visit: Visit) -> None:
    late = EVENING_BEFORE + timedelta(hours=1)
    follow_visit(visit, now=late)
    assert ask_owed(now=late) == 1

    night = EVENING_BEFORE + timedelta(hours=8)
    follow_visit(replace(visit, id=8), now=night)
    assert ask_owed(now=night) == 0
    follow_visit(replace(visit, id=9), now=FRIDAY_NINE)
    assert not CarePlan.objects.filter(visit_id=9).exists()


def test_cancelled_it_is_not_said(visit: Visit) -> None:
    follow_visit(visit, now=NOON)

    follow_visit(replace(visit, is_booked=False), now=NOON)

    assert ask_owed(now=EVENING_BEFORE) == 0
    assert CarePlan.objects.get().status == Status.STOPPED


def test_after_the_visit_we_ask_how_it_goes_and_how_it_was(visit: Visit) -> None:
    follow_visit(visit, now=NOON)
    done = replace(visit, is_booked=False, is_fulfilled=True)
    for _ in range(2):
        follow_visit(done, now=visit.ends_at)

    plan = CarePlan.objects.get(kind=PlanKind.FOLLOW_UP)
    due = Due.objects.get(plan=plan)
    assert due.ask_at == datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert Feedback.objects.get().visit_id == 7


def test_steps_that_wait_for_a_visit_settle_themselves(visit: Visit, follow_up) -> None:  # type: ignore[no-untyped-def]
    plan = follow_up("after-surgery")
    assert Due.objects.filter(plan=plan, state=State.DUE).count() == 4

    follow_visit(replace(visit, is_booked=False, is_fulfilled=True), now=visit.ends_at)

    assert Due.objects.get(plan=plan, reason="happened").step.settled_by == "visit"


def test_who_did_not_come_is_called_once(visit: Visit) -> None:
    missed = replace(visit, is_booked=False, is_no_show=True)
    for _ in range(2):
        follow_visit(missed, now=visit.ends_at)
    assert Task.objects.open().get().kind == "no_show"

    follow_visit(replace(visit, is_booked=False, is_fulfilled=True), now=visit.ends_at)

    assert not Task.objects.open().exists()


def test_a_reminder_of_a_visit_waits_for_no_answer(visit: Visit) -> None:
    follow_visit(visit, now=NOON)
    ask_owed(now=EVENING_BEFORE)
    from conversations.models import Message

    Message.objects.update(sent_at=EVENING_BEFORE)
    look_after_asked(now=EVENING_BEFORE)

    assert Due.objects.get().state == State.ACKNOWLEDGED
