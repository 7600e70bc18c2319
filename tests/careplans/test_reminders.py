"""Reminders of medicine and of what was promised, as a patient and a nurse notice them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from adapters.delivery import deliver
from careplans import policy, services
from careplans.answers import read_answer
from careplans.asking import ask_owed, look_after_asked
from careplans.models import CarePlan, Due, Reason, State, Status, StoppedWhy, Task, TaskKind
from careplans.planning import NoConsent, live_elsewhere, plan_ahead, start_medication
from careplans.services import account, awaiting_answer, take_answer
from conftest import NOON
from conversations.models import Conversation, Message
from patients.models import Channel, ContactPoint, Patient, Purpose
from patients.services import (
    create_patient,
    erase_patient,
    index_address,
    meet,
    merge_patients,
    mute_contact_point,
    withdraw_consent,
)
from records.models import AllergyIntolerance, MedicationRequest
from tickets.models import Reason as Handoff
from tickets.services import hand_over

pytestmark = [pytest.mark.django_db, pytest.mark.once]

THREE = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)  # 15:00 in Shanghai
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Prescribe = Callable[..., CarePlan]
Begin = Callable[..., CarePlan]
Said = Callable[[], list[str]]


def states(plan: CarePlan) -> list[str]:
    return list(Due.objects.filter(plan=plan).order_by("due_at").values_list("state", flat=True))


def answer(talk: Conversation, text: str, *, now: datetime) -> None:
    due = awaiting_answer(talk, now=now)
    assert due is not None
    take_answer(due, read_answer(text), now=now)


def send_all(now: datetime) -> None:
    for pk in Conversation.objects.values_list("pk", flat=True):
        deliver(pk, clock=lambda: now)


def test_a_dose_is_asked_for_once_and_taken(
    medicine: Prescribe, talk: Conversation, said: Said
) -> None:
    plan = medicine(last_day=date(2026, 11, 18))

    assert ask_owed(now=THREE - MINUTE) == 0
    assert [ask_owed(now=THREE), ask_owed(now=THREE), ask_owed(now=THREE + MINUTE)] == [1, 0, 0]
    answer(talk, "吃了", now=THREE + 5 * MINUTE)

    assert len(said()) == 1 and "缬沙坦" in said()[0] and "15:00" in said()[0]
    assert states(plan) == [State.ACKNOWLEDGED]
    message = Message.objects.get(dues__plan=plan)
    assert message.details["purpose"] == Purpose.REMINDERS
    # What a tap sends names the dose that it stood below.
    assert [each["text"] for each in message.details["choices"]] == [
        f"11月18日 15:00 的药：{label}" for label in ("吃了", "等一下", "这次不吃")
    ]


def test_two_medicines_of_one_moment_are_one_message_and_one_answer(
    medicine: Prescribe, talk: Conversation, said: Said
) -> None:
    plan = medicine(name="缬沙坦", last_day=date(2026, 11, 18))
    assert medicine(name="二甲双胍", last_day=date(2026, 11, 18)) == plan

    assert ask_owed(now=THREE) == 1
    answer(talk, "都吃了", now=THREE + MINUTE)

    assert len(said()) == 1 and "缬沙坦" in said()[0] and "二甲双胍" in said()[0]
    assert states(plan) == [State.ACKNOWLEDGED, State.ACKNOWLEDGED]


def test_later_is_later_and_asked_again(
    medicine: Prescribe, talk: Conversation, said: Said
) -> None:
    plan = medicine(last_day=date(2026, 11, 18))
    ask_owed(now=THREE)

    answer(talk, "20分钟后", now=THREE + MINUTE)

    assert states(plan) == [State.SNOOZED]
    assert ask_owed(now=THREE + 20 * MINUTE) == 0
    assert ask_owed(now=THREE + 21 * MINUTE) == 1
    answer(talk, "忘了", now=THREE + 22 * MINUTE)
    assert Due.objects.get().reason == Reason.FORGOT
    assert len(said()) == 2


def test_who_puts_it_off_for_ever_is_not_asked_for_ever(
    medicine: Prescribe, talk: Conversation
) -> None:
    medicine(last_day=date(2026, 11, 18))
    now, asked = THREE, 0
    for _ in range(10):
        asked += ask_owed(now=now)
        answer(talk, "10分钟后", now=now)
        now += 10 * MINUTE

    assert asked == policy.MOST_ASKS


def test_none_left_brings_a_nurse(medicine: Prescribe, talk: Conversation) -> None:
    medicine(last_day=date(2026, 11, 18))
    ask_owed(now=THREE)

    answer(talk, "没药了", now=THREE)

    assert Due.objects.get().state == State.SKIPPED
    assert Task.objects.get().kind == "refill"


def test_a_machine_that_slept_asks_for_no_stale_dose_and_late_for_a_step(
    medicine: Prescribe, follow_up: Begin, said: Said
) -> None:
    dose = medicine(last_day=date(2026, 11, 18))
    step = follow_up(anchor_at=NOON - timedelta(days=3, hours=1))

    assert ask_owed(now=THREE + 3 * HOUR) == 1

    assert Due.objects.get(plan=dose).reason == Reason.HOUSE_DOWN
    assert states(step) == [State.ASKED]
    assert len(said()) == 1


@pytest.mark.parametrize("statement", ["INSERT INTO", "UPDATE careplans_due"])
def test_a_sweep_that_dies_has_said_nothing_or_all(
    medicine: Prescribe, said: Said, statement: str
) -> None:
    class Killed(BaseException):
        pass

    def die(do, sql, params, many, context):  # type: ignore[no-untyped-def]
        if sql.strip().startswith(statement):
            raise Killed
        return do(sql, params, many, context)

    plan = medicine(last_day=date(2026, 11, 18))

    with pytest.raises(Killed), connection.execute_wrapper(die):
        ask_owed(now=THREE)
    assert states(plan) == [State.DUE] and not said()

    assert ask_owed(now=THREE) == 1
    assert states(plan) == [State.ASKED] and len(said()) == 1


def test_unanswered_it_is_asked_elsewhere_once_and_then_missed(
    medicine: Prescribe, anna: ContactPoint, web: Channel, said: Said
) -> None:
    plan = medicine(last_day=date(2026, 11, 18))
    other = meet(web, address="annas phone")
    merge_patients(other.patient, into=anna.patient)
    ask_owed(now=THREE)
    send_all(THREE)

    look_after_asked(now=THREE + HOUR)
    assert ask_owed(now=THREE + HOUR) == 1
    send_all(THREE + HOUR)
    look_after_asked(now=THREE + 2 * HOUR)
    look_after_asked(now=THREE + 3 * HOUR)

    assert len(said()) == 2
    assert Message.objects.filter(conversation__contact_point=other, author="system").count() == 1
    due = Due.objects.get(plan=plan)
    assert (due.state, due.reason) == (State.MISSED, Reason.UNANSWERED)
    assert not Task.objects.exists()  # one missed dose happens to everybody


def test_an_answer_that_comes_too_late_still_counts(
    medicine: Prescribe, talk: Conversation
) -> None:
    plan = medicine(last_day=date(2026, 11, 18))
    ask_owed(now=THREE)
    send_all(THREE)
    look_after_asked(now=THREE + HOUR)
    assert states(plan) == [State.MISSED]

    answer(talk, "吃过了", now=THREE + 2 * HOUR)

    assert states(plan) == [State.ACKNOWLEDGED]
    with pytest.raises(services.AlreadySettled):
        services.acknowledge(Due.objects.get(), now=THREE + 3 * HOUR)


def test_three_doses_in_a_row_bring_a_nurse_once(medicine: Prescribe) -> None:
    medicine(last_day=date(2026, 11, 22))
    for day in range(5):
        now = THREE + timedelta(days=day)
        plan_ahead(now=now)
        ask_owed(now=now)
        send_all(now)
        look_after_asked(now=now + HOUR)

    assert [task.kind for task in Task.objects.all()] == ["unanswered"]


def test_an_unanswered_follow_up_becomes_a_task_that_an_answer_ends(
    follow_up: Begin, talk: Conversation
) -> None:
    follow_up()
    asked_at = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    ask_owed(now=asked_at)
    send_all(asked_at)
    look_after_asked(now=asked_at + timedelta(hours=24))
    assert Task.objects.open().count() == 1

    due = Due.objects.get()
    services.acknowledge(due, now=asked_at + timedelta(hours=25))

    assert not Task.objects.open().exists()


def test_a_dead_channel_brings_the_other_one(anna: ContactPoint, web: Channel, said: Said) -> None:
    gone = Channel.objects.create(slug="gone", kind="gone", name="停用")
    dead = ContactPoint.objects.create(
        patient=anna.patient,
        data_key_id=anna.patient.data_key_id,
        channel=gone,
        address="x",
        address_index=index_address("x", channel=gone),
    )
    start_medication(
        anna.patient, contact_point=dead, medicine="缬沙坦", times=[time(15)],
        first_day=date(2026, 11, 18), last_day=date(2026, 11, 18), now=NOON,
    )  # fmt: skip
    ask_owed(now=THREE)
    send_all(THREE)

    look_after_asked(now=THREE + MINUTE)
    ask_owed(now=THREE + MINUTE)
    send_all(THREE + MINUTE)

    reached = Message.objects.filter(sent_at__isnull=False, author="system", kind="text").get()
    assert reached.conversation.contact_point == anna
    assert Due.objects.get().state == State.ASKED


def test_what_waits_too_long_for_its_channel_is_taken_back(
    medicine: Prescribe, talk: Conversation
) -> None:
    medicine(last_day=date(2026, 11, 18))
    ask_owed(now=THREE)  # and no worker takes it out
    look_after_asked(now=THREE + HOUR)
    assert Due.objects.get().state == State.ASKED

    look_after_asked(now=THREE + 2 * HOUR + MINUTE)

    assert Due.objects.get().reason == Reason.NOT_DELIVERED
    send_all(THREE + 3 * HOUR)
    message = Message.objects.get(kind="text")
    assert message.sent_at is None and message.given_up_at is not None


def end_by_death(patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).update(deceased_at=NOON)


def end_by_opting_out(patient: Patient) -> None:
    withdraw_consent(patient, Purpose.REMINDERS, now=NOON)


def end_by_erasure(patient: Patient) -> None:
    erase_patient(patient, now=NOON)


def end_by_transfer(patient: Patient) -> None:
    services.stop_all(patient, why=StoppedWhy.TRANSFERRED, now=NOON)


@pytest.mark.parametrize("swept_first", [True, False], ids=["swept", "at the moment of asking"])
@pytest.mark.parametrize(
    ("end", "why"),
    [
        (end_by_death, "deceased"),
        (end_by_opting_out, "opted_out"),
        (end_by_erasure, "erased"),
        (end_by_transfer, "transferred"),
    ],
)
def test_everything_stops(
    medicine: Prescribe,
    anna: ContactPoint,
    said: Said,
    end: Callable[[Patient], None],
    why: str,
    swept_first: bool,
) -> None:
    plan = medicine()
    end(anna.patient)

    if swept_first:
        services.stop_where_needed(now=NOON)
    assert ask_owed(now=THREE) == 0

    plan.refresh_from_db()
    assert (plan.status, plan.stopped_why) == (Status.STOPPED, why)
    assert set(states(plan)) == {State.CANCELLED}
    assert not Message.objects.filter(author="system", kind="text").exists()


def test_what_was_said_and_not_sent_is_taken_back_when_a_plan_stops(
    medicine: Prescribe, talk: Conversation
) -> None:
    plan = medicine()
    ask_owed(now=THREE)

    answer(talk, "别再提醒了", now=THREE)
    send_all(THREE)

    plan.refresh_from_db()
    assert plan.stopped_why == StoppedWhy.ASKED
    assert not Message.objects.filter(kind="text", sent_at__isnull=False).exists()


def test_nobody_is_reminded_who_did_not_agree(web: Channel, medicine: Prescribe) -> None:
    stranger = meet(web, address="stranger")

    with pytest.raises(NoConsent):
        start_medication(
            stranger.patient, contact_point=stranger, medicine="缬沙坦", times=[time(15)],
            first_day=date(2026, 11, 18), now=NOON,
        )  # fmt: skip


def test_a_pause_asks_nothing_and_what_fell_into_it_stays_unasked(medicine: Prescribe) -> None:
    plan = medicine(time(15), time(18), last_day=date(2026, 11, 18))

    services.pause_plan(plan, now=NOON)
    assert ask_owed(now=THREE) == 0
    services.resume_plan(plan, now=THREE + HOUR)

    assert ask_owed(now=THREE + 3 * HOUR) == 1
    assert states(plan) == [State.CANCELLED, State.ASKED]


def test_muted_means_not_now(medicine: Prescribe, follow_up: Begin, anna: ContactPoint) -> None:
    dose = medicine(last_day=date(2026, 11, 18))
    step = follow_up(anchor_at=NOON - timedelta(days=3, hours=1))
    mute_contact_point(anna, until=THREE + timedelta(hours=20))

    assert ask_owed(now=THREE) == 0

    assert states(dose) == [State.CANCELLED]
    assert ask_owed(now=THREE + timedelta(hours=20)) == 1
    assert states(step) == [State.ASKED]


def test_a_nurse_who_speaks_is_not_interrupted_by_a_follow_up(
    medicine: Prescribe, follow_up: Begin, talk: Conversation
) -> None:
    dose = medicine(last_day=date(2026, 11, 18))
    step = follow_up(anchor_at=NOON - timedelta(days=3, hours=1))
    hand_over(talk, reason=Handoff.ASKED, urgency=1, now=NOON)

    assert ask_owed(now=THREE) == 1

    assert (states(dose), states(step)) == ([State.ASKED], [State.DUE])


def test_in_an_emergency_nobody_is_reminded_of_a_pill(
    medicine: Prescribe, talk: Conversation
) -> None:
    plan = medicine(last_day=date(2026, 11, 18))
    hand_over(talk, reason=Handoff.RED_FLAG, urgency=3, now=NOON)

    now = THREE
    while now < THREE + 3 * HOUR:
        assert ask_owed(now=now) == 0
        now += 10 * MINUTE

    assert Due.objects.get(plan=plan).reason == Reason.IN_CARE


def test_a_dose_lives_once_whoever_plans_it(medicine: Prescribe) -> None:
    plan = medicine()
    for hours in (0, 1, 30, 29, 60, 2, 61):  # the clock goes back as well
        plan_ahead(now=NOON + timedelta(hours=hours))

    moments = list(Due.objects.filter(plan=plan).values_list("due_at", flat=True))
    assert len(moments) == len(set(moments)) == 6
    first = Due.objects.earliest("due_at")
    with pytest.raises(IntegrityError), transaction.atomic():
        Due.objects.create(
            plan=plan, kind="dose", what=first.what, due_at=THREE, ask_at=THREE, until=THREE
        )


def test_a_patient_who_flies_is_asked_by_the_new_clock_and_not_twice(
    medicine: Prescribe,
) -> None:
    plan = medicine(time(9), time(20), now=NOON - 4 * HOUR)
    ask_owed(now=NOON - 3 * HOUR)  # 09:00 in Shanghai

    live_elsewhere(plan, time_zone="America/New_York", now=NOON)

    to_come = Due.objects.filter(plan=plan, state=State.DUE).order_by("due_at")
    local = [each.due_at.astimezone(plan.zone) for each in to_come]
    assert {each.hour for each in local} == {9, 20}
    assert f"{local[0]:%F %H}" == "2026-11-18 20"  # this day's first dose was asked for already
    assert account(plans=CarePlan.objects.filter(pk=plan.pk))["cancelled"] > 0


def test_a_patient_abroad_is_written_to_by_their_own_daylight(
    medicine: Prescribe, talk: Conversation
) -> None:
    from adapters import policy as road

    plan = medicine(time(9), last_day=date(2026, 11, 19))
    live_elsewhere(plan, time_zone="America/New_York", now=NOON)
    nine = Due.objects.filter(plan=plan, state=State.DUE).earliest("due_at")

    assert ask_owed(now=nine.ask_at) == 1

    message = Message.objects.get(dues=nine)
    here = nine.ask_at.astimezone(road.zone_of(message))
    assert (here.hour, road.morning_after(here)) == (9, None)


def test_a_machine_that_repeats_itself_stops_by_itself(medicine: Prescribe) -> None:
    plan = medicine(*[time(hour) for hour in range(13, 20)], last_day=date(2026, 11, 18))
    first = Due.objects.filter(plan=plan).earliest("due_at")
    for number in range(40):  # rows that a fault made, all of one moment
        Due.objects.create(
            plan=plan, kind="dose", what=f"fault {number}", medication=first.medication,
            due_at=THREE + number * timedelta(seconds=1), ask_at=THREE, until=THREE + HOUR,
        )  # fmt: skip

    asked = ask_owed(now=THREE)

    assert asked <= policy.MOST_A_DAY
    assert Due.objects.filter(reason=Reason.TOO_MANY).exists()
    assert Task.objects.filter(kind="too_many").count() == 1


def test_a_refill_is_asked_before_it_is_used_up(medicine: Prescribe, said: Said) -> None:
    medicine(time(15), refill_on=date(2026, 11, 25), last_day=date(2026, 11, 18))

    ask_owed(now=datetime(2026, 11, 22, 2, 0, tzinfo=UTC))  # 10:00, three days before

    assert "缬沙坦" in said()[-1]


def test_a_row_that_breaks_keeps_no_other_from_its_turn(
    medicine: Prescribe, follow_up: Begin, said: Said
) -> None:
    broken = follow_up(anchor_at=NOON - timedelta(days=3, hours=1))
    Due.objects.filter(plan=broken).update(step=None)
    medicine(last_day=date(2026, 11, 18))

    assert ask_owed(now=THREE) == 1

    assert "缬沙坦" in said()[0]
    assert Due.objects.get(plan=broken).ask_at > THREE


def test_a_plan_that_has_nothing_left_is_complete(medicine: Prescribe, talk: Conversation) -> None:
    plan = medicine(last_day=date(2026, 11, 18))
    ask_owed(now=THREE)
    answer(talk, "吃了", now=THREE)

    plan_ahead(now=THREE + timedelta(days=3))
    services.complete_plans(now=THREE + timedelta(days=3))

    plan.refresh_from_db()
    assert plan.status == Status.COMPLETED


def test_the_same_prescription_is_one_schedule(medicine: Prescribe) -> None:
    plan = medicine(prescription_id=7)
    medicine(prescription_id=7)

    assert plan.medications.count() == 1


def test_a_merge_takes_plans_along(medicine: Prescribe, anna: ContactPoint) -> None:
    plan = medicine()
    other = create_patient()

    merge_patients(anna.patient, into=other)

    plan.refresh_from_db()
    assert plan.patient == other
    assert ask_owed(now=THREE) == 1


# --- the guard ------------------------------------------------------------------------------------


def allergic_to(patient: Patient, substance: str) -> None:
    AllergyIntolerance.objects.create(
        patient=patient, data_key_id=patient.data_key_id, substance=substance
    )


def test_nobody_is_reminded_of_what_they_have_come_to_be_allergic_to(
    medicine: Prescribe, anna: ContactPoint, said: Said
) -> None:
    plan = medicine(time(15), time(20), name="阿莫西林胶囊", last_day=date(2026, 11, 18))
    allergic_to(anna.patient, "青霉素")

    assert ask_owed(now=THREE) == 0
    assert ask_owed(now=THREE + 5 * HOUR) == 0

    assert said() == []
    assert set(Due.objects.filter(plan=plan).values_list("state", "reason")) == {
        (State.CANCELLED, Reason.GUARD)
    }
    task = Task.objects.get()  # one for both doses
    assert (task.kind, task.plan) == (TaskKind.WARNED, plan)
    assert "阿莫西林" in task.words


def test_of_another_medicine_they_are(medicine: Prescribe, anna: ContactPoint, said: Said) -> None:
    medicine(last_day=date(2026, 11, 18))
    allergic_to(anna.patient, "青霉素")

    assert ask_owed(now=THREE) == 1 and len(said()) == 1


@pytest.mark.parametrize(("reason", "is_reminded"), [("脱敏治疗后可用", True), (None, False)])
def test_a_prescription_with_a_reason_stands(
    medicine: Prescribe, anna: ContactPoint, said: Said, reason: str | None, is_reminded: bool
) -> None:
    patient = anna.patient
    allergic_to(patient, "青霉素")
    request = MedicationRequest.objects.create(
        patient=patient,
        data_key_id=patient.data_key_id,
        drug="阿莫西林胶囊",
        dose="0.5 g",
        starts_at=NOON,
        override_reason=reason,
    )
    plan = medicine(name="阿莫西林胶囊", last_day=date(2026, 11, 18))
    plan.medications.update(prescription_id=request.pk)

    assert ask_owed(now=THREE) == is_reminded
    assert Task.objects.exists() is not is_reminded
