"""用药提醒 and follow-ups: what is asked of a patient beforehand, and what has to come of it.

given: `consent`, `medicines` ([{"name", "times", …}], since yesterday), `reminded` (the clock at
which what is due is asked, and the patient writes), `follow_up` or `visit` (a template whose first
step is asked then), `allergies`, `pregnant`, `proven` (a patient of the demo, by name).

expect: `due` ({"state", "reason", "ask_at"} of the row that was asked first; `dues` of all asked,
in order), `medicines` (living schedules: {"name", "times", "meal", "until", "dose"}), `plans`
(by status), `consent`, `quiet`, `tasks`, `ticket` (urgency), `answers` (values in order), `score`,
`patient` ("self" or a name: whose the newest plan is).
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careplans import asking
from careplans.models import (
    CarePlan,
    Due,
    MedicationSchedule,
    PlanKind,
    PlanTemplate,
    QuestionnaireResponse,
    Task,
)
from careplans.planning import start_medication, start_plan
from conversations.services import start_conversation
from dialogues.runner import Patient, Wrong
from patients.models import Patient as Record
from patients.models import Purpose
from patients.services import give_consent
from records.models import AllergyIntolerance, IdentityCheck
from tickets.models import Ticket

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class World:
    asked: list[int]  # due rows, in the order in which they were asked


def prepare(patient: Patient, given: dict[str, Any]) -> World:
    record = patient.contact_point.patient
    start_conversation(patient.contact_point, now=patient.now)
    if given.get("consent", "medicines" in given or "follow_up" in given or "visit" in given):
        channel = patient.contact_point.channel
        give_consent(record, Purpose.REMINDERS, text_version="1", channel=channel, now=patient.now)
    _know(patient, given)
    for medicine in given.get("medicines", ()):
        _prescribe(patient, **medicine)
    for code in (given.get("follow_up"), "before-visit" if given.get("visit") else None):
        if code:
            _follow_up(patient, code)
    asked: list[int] = []
    for clock in given.get("reminded", ()):
        patient.now = _at(patient.now, clock)
        asking.ask_owed(now=patient.now)
        asked += [pk for pk in _asked() if pk not in asked]
    patient.hears()
    return World(asked)


def _know(patient: Patient, given: dict[str, Any]) -> None:
    record = patient.contact_point.patient
    for substance in given.get("allergies", ()):
        AllergyIntolerance.objects.create(
            patient=record, data_key_id=record.data_key_id, substance=substance, criticality="high"
        )
    if given.get("pregnant"):
        record.pregnant_until = (patient.now + timedelta(days=90)).date()
        record.save()
    if name := given.get("proven"):
        proven = next(each for each in Record.objects.filter(erased_at=None) if each.name == name)
        IdentityCheck.objects.create(
            conversation_id=patient.conversation.pk,
            asked_by=patient.contact_point,
            patient=proven,
            phone_index="x",
            claim_index="x",
            code_hash="x",
            started_at=patient.now,
            expires_at=patient.now,
            verified_at=patient.now,
            verified_until=patient.now + timedelta(minutes=30),
        )


def _prescribe(patient: Patient, name: str, times: list[str], **more: Any) -> None:
    start_medication(
        patient.contact_point.patient,
        contact_point=patient.contact_point,
        medicine=name,
        times=[time.fromisoformat(each) for each in times],
        first_day=patient.now.astimezone(SHANGHAI).date(),
        now=patient.now - timedelta(hours=2),
        **more,
    )


def _follow_up(patient: Patient, code: str) -> None:
    """One whose first step is due today."""
    template = PlanTemplate.objects.get(code=code)
    first = template.steps.order_by("number").first()
    assert first is not None
    start_plan(
        patient.contact_point.patient,
        kind=PlanKind(template.kind),
        contact_point=patient.contact_point,
        anchor_at=patient.now - timedelta(days=first.offset_days),
        template=template,
        now=patient.now,
    )


def _at(now: datetime, clock: str) -> datetime:
    """Today at this wall time; "-1 20:00" is yesterday."""
    days, _, at = clock.rpartition(" ")
    day = now.astimezone(SHANGHAI).date() + timedelta(days=int(days or 0))
    return datetime.combine(day, time.fromisoformat(at), SHANGHAI)


def _asked() -> list[int]:
    return list(Due.objects.exclude(message=None).order_by("pk").values_list("pk", flat=True))


def check(patient: Patient, expect: dict[str, Any], world: World) -> None:
    record = patient.contact_point.patient
    dues = expect.get("dues") or ([expect["due"]] if "due" in expect else [])
    for pk, wanted in zip(world.asked, dues, strict=False):
        _compare("due", _due(pk), wanted)
    if len(dues) > len(world.asked):
        raise Wrong(f"{len(world.asked)} were asked")
    plans = CarePlan.objects.filter(contact_point=patient.contact_point).order_by("pk")
    if "medicines" in expect:
        _medicines(patient, expect["medicines"])
    if "plans" in expect and (found := [each.status for each in plans]) != expect["plans"]:
        raise Wrong(f"plans are {found}")
    if "patient" in expect:
        newest = plans.last()
        whose = newest.patient if newest else None
        name = "self" if whose == record else whose and whose.name
        if name != expect["patient"]:
            raise Wrong(f"the plan is {name}'s")
    if "quiet" in expect:
        found = [[f"{p.quiet_from:%H:%M}", f"{p.quiet_until:%H:%M}"] for p in plans]
        if found != [expect["quiet"]] * len(found) or not found:
            raise Wrong(f"quiet hours are {found}")
    agreed = record.consents.in_force().filter(purpose=Purpose.REMINDERS).exists()
    if expect.get("consent", agreed) != agreed:
        raise Wrong("has agreed" if agreed else "has not agreed")
    tasks = sorted(
        Task.objects.filter(patient=record, cancelled_at=None).values_list("kind", flat=True)
    )
    if expect.get("tasks", tasks) != tasks:
        raise Wrong(f"tasks are {tasks}")
    urgencies = Ticket.objects.filter(conversation=patient.conversation)
    found_urgency = urgencies.values_list("urgency", flat=True).first()
    if "ticket" in expect and found_urgency != expect["ticket"]:
        raise Wrong(f"the ticket's urgency is {found_urgency}")
    _answers(record, expect)


def _due(pk: int) -> dict[str, str]:
    due = Due.objects.get(pk=pk)
    return {
        "state": due.state,
        "reason": due.reason,
        "ask_at": f"{due.ask_at.astimezone(SHANGHAI):%H:%M}",
    }


def _medicines(patient: Patient, wanted: list[dict[str, Any]]) -> None:
    today = patient.now.astimezone(SHANGHAI).date()
    living = [
        each
        for each in MedicationSchedule.objects.filter(
            plan__contact_point=patient.contact_point, plan__status__in=["active", "paused"]
        ).order_by("pk")
        if each.last_day is None or each.last_day >= today
    ]
    if len(living) != len(wanted):
        raise Wrong(f"reminds of {[each.medicine for each in living]}")
    for each, want in zip(living, wanted, strict=True):
        found = {
            "name": each.medicine,
            "times": each.times,
            "meal": each.meal,
            "dose": each.dose,
            "until": each.last_day and each.last_day.isoformat(),
            "by_prescription": each.prescription_id is not None,
        }
        _compare("medicine", found, want)


def _answers(record: Record, expect: dict[str, Any]) -> None:
    if not {"answers", "score"} & expect.keys():
        return
    response = QuestionnaireResponse.objects.filter(patient=record).first()
    if response is None:
        raise Wrong("nothing was answered")
    values = [each["value"] for _number, each in sorted(response.answers.items())]
    if "answers" in expect and values != expect["answers"]:
        raise Wrong(f"answered {values}")
    if "score" in expect and response.score != expect["score"]:
        raise Wrong(f"the score is {response.score}")


def _compare(what: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        if found[name] != value:
            raise Wrong(f"{what}: {name} is {found[name]!r}, not {value!r}")
