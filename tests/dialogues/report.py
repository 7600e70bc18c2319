"""查报告: an SMS channel that takes codes, and the code read by the phone's owner."""

from datetime import datetime, timedelta
from typing import Any

from adapters.codes import send_code
from adapters.policy import CODE
from careplans.models import Task
from conversations.models import Conversation, Message
from dialogues.runner import Patient, Wrong
from harness.accounts import open_account
from patients.models import Channel, Proxy, Purpose
from patients.models import Patient as Record
from patients.services import create_patient, give_consent, index_phone, update_patient
from records.demo import PEOPLE
from records.identity import NotVerified, verified_patient
from records.models import DiagnosticReport, IdentityCheck
from records.reports import file_report, open_report
from staff.models import Role, StaffMember
from tickets.models import Ticket
from vault.models import AccessEntry

WRONG = "135790"


def person(key: str) -> Record:
    return Record.objects.get(phone_index=index_phone(PEOPLE[key][1]), merged_into=None)


def prepare(patient: Patient, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("sms", True) and not Channel.objects.filter(slug="twilio").exists():
        open_account("twilio", settings={"sender": "+15550100"}, secrets={"auth_token": "t"})
    if known := given.get("known"):
        update_patient(patient.contact_point.patient, name=PEOPLE[known][0], phone=PEOPLE[known][1])
    if given.get("english"):
        _register_anna(patient)
    if proxy := given.get("proxy"):
        _make_proxy(patient, **proxy)
    for name, facts in given.get("reports", {}).items():
        file_report(person(facts.pop("of")), external_id=f"given-{name}", now=patient.now, **facts)
    if expected := given.get("expected_in_h"):
        waiting = DiagnosticReport.objects.filter(external_id="demo-ultrasound")
        waiting.update(available_at=patient.now + timedelta(hours=expected))
    for number in given.get("opened", ()):
        told = DiagnosticReport.objects.get(external_id=number)
        open_report(told.pk, by=_nurse(patient), now=patient.now)
    return {"looks": AccessEntry.objects.count()}


def _make_proxy(patient: Patient, *, writer: str, of: str, relationship: str,
                verified: bool = True, agreed: bool = True, gender: str = "") -> None:  # fmt: skip
    subject = person(of)
    Proxy.objects.create(
        writer=person(writer),
        patient=subject,
        relationship=relationship,
        verified_at=patient.now if verified else None,
        verified_by=_nurse(patient) if verified else None,
    )
    if agreed:
        channel = patient.contact_point.channel
        give_consent(
            subject, Purpose.HEALTH_DATA, text_version="1", channel=channel, now=patient.now
        )


def _register_anna(patient: Patient) -> None:
    anna = create_patient(name="Anna Miller", phone="13900000105", language="en")
    line = {"code": "718-7", "name": "血红蛋白", "value": "108", "unit": "g/L"}
    file_report(
        anna, external_id="anna-count", name="血常规", name_en="Full blood count",
        category="lab", status="final", now=patient.now,
        observations=[{**line, "low": "115", "high": "150"}],
    )  # fmt: skip


def _nurse(patient: Patient) -> StaffMember:
    known = StaffMember.objects.filter(username="report-nurse").first()
    return known or StaffMember.objects.create_user("report-nurse", role=Role.NURSE)


def words(text: str, patient: Patient) -> str:
    """What the patient types where a turn says {code} or {wrong}; the worker has sent it before."""
    for check_id in IdentityCheck.objects.owed_a_letter().values_list("pk", flat=True):
        send_code(check_id, now=_asked_at(check_id))
    if "{" not in text:
        return text
    digits = newest_code(patient)
    if "{code" in text and not digits:
        raise Wrong("no code came")
    wrong = WRONG if digits != WRONG else "246801"
    spoken = "".join("零一二三四五六七八九"[int(each)] for each in digits)
    spaced = f"{digits[:3]} {digits[3:]}"
    return text.format(code=digits, code_spoken=spoken, code_spaced=spaced, wrong=wrong)


def _asked_at(check_id: int) -> datetime:
    return IdentityCheck.objects.get(pk=check_id).started_at


def newest_code(patient: Patient) -> str:
    threads = Conversation.objects.exclude(pk=patient.conversation.pk)
    for message in Message.objects.filter(conversation__in=threads).order_by("-pk")[:5]:
        if code := (message.details or {}).get(CODE):
            return str(code["digits"])
    return ""


def check(patient: Patient, expect: dict[str, Any], world: dict[str, Any]) -> None:
    conversation = patient.conversation
    messages = list(Message.objects.filter(conversation=conversation))
    cards = [(m.details or {})["report"] for m in messages if "report" in (m.details or {})]
    shown = [card["name"] for card in cards]
    if "shown" in expect and shown != expect["shown"]:
        raise Wrong(f"shown {shown}")
    if "outside" in expect and cards[-1]["outside"] != expect["outside"]:
        raise Wrong(f"{cards[-1]['outside']} outside")
    if "verified" in expect and _is_verified(patient) != expect["verified"]:
        raise Wrong(f"verified: {not expect['verified']}")
    if "urgency" in expect:
        urgency = Ticket.objects.get(conversation=conversation).urgency
        if urgency != expect["urgency"]:
            raise Wrong(f"urgency {urgency}")
    if "tasks" in expect:
        tasks = Task.objects.open().filter(about__startswith="report:").count()
        if tasks != expect["tasks"]:
            raise Wrong(f"{tasks} tasks")
    looks = AccessEntry.objects.filter(number__gt=world["looks"], reason__contains=":reports")
    if shown and not looks.exists():
        raise Wrong("a look is not on the log")
    if "codes" in expect:
        sent = IdentityCheck.objects.filter(was_sent=True, conversation_id=conversation.pk).count()
        if sent != expect["codes"]:
            raise Wrong(f"{sent} codes")
    code = newest_code(patient)
    if code and any(code in f"{message.text}{message.details}" for message in messages):
        raise Wrong("a code stands in the thread")
    offered = messages[-1].details.get("choices") if messages[-1].author == "assistant" else None
    if offered is not None and not any(each["tap"] == "nurse" for each in offered):
        raise Wrong("no way to a nurse")


def _is_verified(patient: Patient) -> bool:
    try:
        verified_patient(patient.conversation.pk, now=patient.now)
    except NotVerified:
        return False
    return True
