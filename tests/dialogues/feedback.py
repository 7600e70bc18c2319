"""Feedback: what was asked of a patient beforehand, and what has to be kept of what they say.

given: `asked` ("ticket", or a visit: {"doctor": name}), `consent`, `later` (how long ago it was
asked), `phone`.

expect: `feedback` ({"rating", "sort", "words", "urgent", "department", "doctor"}; `words` is a part
of them), `none` (nothing is kept), `consent`, `tasks`, `ticket` (its reason).
"""

from typing import Any

from careplans import feedback
from careplans.models import Feedback, Task
from conversations.services import start_conversation
from dialogues.runner import Patient, Wrong
from hospital.models import Doctor
from patients.models import Purpose
from patients.services import give_consent, update_patient
from tickets.models import Ticket


def prepare(patient: Patient, given: dict[str, Any]) -> None:
    record, channel = patient.contact_point.patient, patient.contact_point.channel
    conversation = start_conversation(patient.contact_point, now=patient.now)
    if phone := given.get("phone"):
        update_patient(record, phone=phone)
    asked = given.get("asked")
    if not asked:
        return
    give_consent(record, Purpose.REMINDERS, text_version="1", channel=channel, now=patient.now)
    doctor = Doctor.objects.get(name=asked["doctor"]) if isinstance(asked, dict) else None
    feedback.owe_for_visit(
        1,
        patient=record,
        conversation=conversation,
        doctor=doctor,
        department=doctor.department if doctor else None,
        now=patient.now,
    )
    patient.waits("1h")  # 10:00
    feedback.ask_owed_feedback(now=patient.now)
    patient.hears()


def check(patient: Patient, expect: dict[str, Any], world: None) -> None:
    record = patient.contact_point.patient
    rows = list(Feedback.objects.filter(patient=record).order_by("pk"))
    if expect.get("none") and any(row.answered_at for row in rows):
        raise Wrong("something was kept")
    if wanted := expect.get("feedback"):
        answered = [row for row in rows if row.answered_at]
        if len(answered) != 1:
            raise Wrong(f"{len(answered)} rows are answered")
        _compare(answered[0], wanted)
    agreed = record.consents.in_force().filter(purpose=Purpose.REMINDERS).exists()
    if expect.get("consent", agreed) != agreed:
        raise Wrong("has agreed" if agreed else "has not agreed")
    tasks = sorted(Task.objects.filter(patient=record).values_list("kind", flat=True))
    if expect.get("tasks", tasks) != tasks:
        raise Wrong(f"tasks are {tasks}")
    if "call" in expect and expect["call"] not in (Task.objects.get(patient=record).words or ""):
        raise Wrong("the task does not say it")
    tickets = Ticket.objects.filter(conversation=patient.conversation)
    reason = tickets.values_list("reason", flat=True).first()
    if "ticket" in expect and reason != expect["ticket"]:
        raise Wrong(f"the ticket's reason is {reason}")


def _compare(row: Feedback, wanted: dict[str, Any]) -> None:
    found = {
        "rating": row.rating,
        "sort": row.sort,
        "urgent": row.is_urgent,
        "department": row.department and row.department.name,
        "doctor": row.doctor and row.doctor.name,
    }
    for name, value in wanted.items():
        if name == "words":
            if value not in (row.words or "") or (not value and row.words):
                raise Wrong(f"words are {row.words!r}")
        elif found[name] != value:
            raise Wrong(f"{name} is {found[name]!r}, not {value!r}")
