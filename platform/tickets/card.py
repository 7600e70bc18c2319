"""The handoff card: the whole story at a glance, so that a patient repeats nothing.

Everything on it is somebody's own words or a field of the record, with the `seq` where it was
said. Nothing is rephrased, so nothing can be made up.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from appointments.models import Appointment, Status
from appointments.visits import appointments_of
from conversations.models import Author, Conversation, Kind, Message
from patients.models import Gender, Patient, Proxy
from records.medications import current_medications
from records.models import AllergyIntolerance, MedicationRequest
from tickets.models import Alarm, Ticket
from triage.labels import Intent, Urgency
from triage.redflags import RULE_BOOK
from triage.services import rules_in_force
from vault.cipher import Unreadable

logger = logging.getLogger(__name__)

MAX_LINES = 6  # a nurse reads them in ten seconds
MAX_ANSWERS = 4
SHORT = 12  # characters; a longer call for a person may hold the question itself
LOOK_BACK = 300  # messages; a stretch of help is shorter

_RULES = {rule.id: rule for rule in RULE_BOOK.rules}
_ASKS = re.compile(
    r"[?？]|吗|呢$|怎么|怎样|能不能|可不可以|可以.{0,8}(吗|么)|是不是|要不要|多久|多少|哪里|哪儿|什么时候|为什么|请问"
    r"|想(要|问|请|知道|找)|希望|帮我|帮忙"
    r"|\b(how|what|when|where|why|which|can|could|should|may|is it|do i|please|want|need)\b",
    re.IGNORECASE,
)
# Since when, how much, how old, how hot: what a nurse would ask next.
_PARTICULARS = re.compile(
    r"\d|[一二三四五六七八九十两几半](天|周|个?月|年|小时|分钟|次|岁|片|粒|毫升)|昨|今早|今天|上午|下午|晚上|夜里|突然|一直|越来越"
    r"|\b(since|for|days?|hours?|weeks?|yesterday|today|sudden(ly)?|worse)\b",
    re.IGNORECASE,
)
_KNOCKS = re.compile(
    r"\s*(你好|您好|在吗|在么|在不在|有人吗|有人么|人呢|喂|hi|hello)[\s,.!?~，。！？～]*",
    re.IGNORECASE,
)
_IDLE_INTENTS = frozenset({Intent.CHITCHAT, Intent.HUMAN_AGENT})


@dataclass(frozen=True)
class Line:
    """One message of the thread, in its writer's words."""

    seq: int
    text: str
    at: datetime


@dataclass(frozen=True)
class Answer:
    """What the assistant already told the patient, and from which article."""

    seq: int
    text: str
    source: str  # title of the article; empty when it spoke of itself


@dataclass(frozen=True)
class Collected:
    """What the assistant had found out in a dialogue, so that nobody asks it again."""

    label: str
    value: str


@dataclass(frozen=True)
class Sign:
    """A red flag, with the patient's words that raised it."""

    name: str
    evidence: str
    seq: int


@dataclass(frozen=True)
class Who:
    """Whom it is about, and who writes, where that is somebody else."""

    name: str  # empty: a visitor who has not said it
    age: int | None
    gender: str  # in words; empty when unknown
    pregnant: bool
    phone: str  # masked
    deceased: bool
    writer: str = ""  # a proxy's name
    relationship: str = ""  # of the writer to the patient, in words
    proxy_verified: bool = False


@dataclass(frozen=True)
class HandoffCard:
    ticket: Ticket
    who: Who
    reason: str  # in words
    waiting_since: datetime | None
    signs: tuple[Sign, ...]
    allergies: tuple[AllergyIntolerance, ...]  # empty: none recorded, which is not the same as none
    medicines: tuple[MedicationRequest, ...]  # prescribed here, and taken now
    next_visit: Appointment | None
    said: tuple[Line, ...]
    asked: Line | None
    answered: tuple[Answer, ...]
    collected: tuple[Collected, ...]
    overruled: tuple[Line, ...]  # why a nurse sent what the guard spoke against, in her words


def build_card(ticket: Ticket, now: datetime) -> HandoffCard:
    """Gather what was said since the ticket before this one ended, and who says it."""
    conversation = ticket.conversation
    messages = _since_last_ticket(ticket)
    from_patient = [m for m in messages if m.author == Author.PATIENT and m.kind == Kind.TEXT]
    patient = conversation.subject or conversation.contact_point.patient
    return HandoffCard(
        ticket=ticket,
        who=_who(conversation, patient, now=now),
        reason=ticket.get_reason_display(),
        waiting_since=ticket.waiting_since,
        signs=(*_signs(from_patient), *_alarms(ticket, messages)),
        allergies=tuple(allergies_shown(conversation)),
        medicines=tuple(current_medications(patient, now)),
        next_visit=_next_visit(patient, now=now),
        said=most_telling(from_patient),
        asked=last_question(from_patient),
        answered=_answers(messages),
        collected=_collected(from_patient),
        overruled=_overruled(messages),
    )


def sign_name(rule: str) -> str:
    """What made an alarm ring, in words of the language in force: a rule, a model, a button."""
    named = {
        "model:emergency": _("Emergency (found by the model)"),
        "model:crisis": _("Mental crisis (found by the model)"),
        "tap:emergency": _("The patient pressed the emergency button"),
        "rules:failed": _("Red flags could not be checked: please read the message"),
    }
    if rule in named:
        return named[rule]
    if rule.startswith("interview:"):
        return _found_by_interview(rule.removeprefix("interview:"))
    if rule.startswith("model:"):
        return _("Danger (found by the model)")
    known = _RULES.get(rule)
    if known is None:
        return _("Danger (by a rule that has since been withdrawn)")
    return known.name_en if (get_language() or "").startswith("en") else known.name_zh


def _found_by_interview(rule_id: str) -> str:
    found = next((rule for rule in rules_in_force().rules if rule.id == rule_id), None)
    if found is None:
        return _("Urgent by the answers of the interview")
    return found.name_en if (get_language() or "").startswith("en") else found.name_zh


def readable(message: Message) -> Message:
    """The same message; where its row does not open, a mark in place of the words. Never save it.

    One broken row must not hide the whole story.
    """
    mark = _("This message can't be read. The administrators have been told.")
    for name, instead in (("details", {"details": {}}), ("text", {"text": mark, "details": {}})):
        try:
            getattr(message, name)
        except Unreadable:
            logger.error("message unreadable", extra={"message_id": message.pk, "column": name})
            for column, value in instead.items():
                setattr(message, column, value)
    return message


def most_telling(messages: Sequence[Message]) -> tuple[Line, ...]:
    """The first complaint, whatever raised a red flag, and the most informative of the rest."""
    complaints = [m for m in messages if not _is_idle(m)]
    kept = {m.seq: m for m in complaints[:1]}
    for message in sorted(complaints, key=lambda m: (-_weight(m), m.seq)):
        if len(kept) >= MAX_LINES:
            break
        kept[message.seq] = message
    return tuple(_line(kept[seq]) for seq in sorted(kept))


def last_question(messages: Sequence[Message]) -> Line | None:
    """The last question or wish; where there is none, the last thing that was said."""
    telling = [m for m in messages if not (_is_idle(m) and len(m.text) <= SHORT)]
    asking = [m for m in telling if _ASKS.search(m.text)]
    last = (asking or telling)[-1:]
    return _line(last[0]) if last else None


def allergies_shown(conversation: Conversation) -> QuerySet[AllergyIntolerance]:
    """The patient's, and what the writer said of somebody whose record nobody knows."""
    patient = conversation.subject or conversation.contact_point.patient
    theirs = Q(patient=patient)
    if conversation.contact_point.patient_id != patient.pk:
        theirs |= Q(patient=conversation.contact_point.patient_id, verification="unconfirmed")
    return AllergyIntolerance.objects.in_force().filter(theirs).order_by("id")


def _overruled(messages: Iterable[Message]) -> tuple[Line, ...]:
    reasons = [(m, ((m.details or {}).get("guard") or {}).get("reason")) for m in messages]
    return tuple(Line(m.seq, reason, m.created_at) for m, reason in reasons if reason)


def _since_last_ticket(ticket: Ticket) -> list[Message]:
    before = (
        Ticket.objects.filter(conversation=ticket.conversation_id, opened_at__lt=ticket.opened_at)
        .exclude(pk=ticket.pk)
        .exclude(resolved_at=None)
        .order_by("-resolved_at")
        .first()
    )
    messages = Message.objects.filter(conversation=ticket.conversation_id)
    if before is not None:
        messages = messages.filter(created_at__gt=before.resolved_at)
    if ticket.resolved_at is not None:
        messages = messages.filter(created_at__lte=ticket.resolved_at)
    return [readable(message) for message in messages.order_by("-seq")[:LOOK_BACK]][::-1]


def _who(conversation: Conversation, patient: Patient, *, now: datetime) -> Who:
    day: date = timezone.localdate(now)
    writer = conversation.contact_point.patient
    proxy = (
        Proxy.objects.filter(writer=writer, patient=patient).first()
        if writer.pk != patient.pk
        else None
    )
    return Who(
        name=patient.name or "",
        age=patient.age_on(day),
        gender="" if patient.gender == Gender.UNKNOWN else patient.get_gender_display(),
        pregnant=bool(patient.is_pregnant_on(day)),
        phone=mask_phone(patient.phone or ""),
        deceased=patient.deceased_at is not None,
        writer=(writer.name or _("A visitor")) if writer.pk != patient.pk else "",
        relationship=proxy.get_relationship_display() if proxy else "",
        proxy_verified=bool(proxy and proxy.is_in_force(now)),
    )


def _next_visit(patient: Patient, *, now: datetime) -> Appointment | None:
    agreed = (each for each in appointments_of(patient, now=now) if each.status != Status.PENDING)
    return next(agreed, None)


def mask_phone(phone: str) -> str:
    """Enough to recognise a number that one knows: 138****5678."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 10 else "*" * len(phone)


def _signs(messages: Iterable[Message]) -> tuple[Sign, ...]:
    return tuple(
        Sign(sign_name(flag["rule"]), _evidence(message.text, flag.get("evidence")), message.seq)
        for message in messages
        for flag in (message.details or {}).get("red_flags", ())
    )


def _alarms(ticket: Ticket, messages: Iterable[Message]) -> Iterator[Sign]:
    """What rang without a rule of the book: a model, the emergency button."""
    texts = {message.seq: message.text for message in messages}
    for alarm in Alarm.objects.filter(ticket=ticket).order_by("raised_at", "pk"):
        for rule in alarm.rules:
            if ":" in rule:
                yield Sign(sign_name(rule), texts.get(alarm.message_seq, ""), alarm.message_seq)


def _evidence(text: str, span: Any) -> str:
    start, end = span or (0, len(text))
    return text[start:end]


def _answers(messages: Iterable[Message]) -> tuple[Answer, ...]:
    said = [m for m in messages if m.author == Author.ASSISTANT and m.kind == Kind.TEXT]
    return tuple(
        Answer(m.seq, m.text, (m.details or {}).get("source", {}).get("title", ""))
        for m in said[-MAX_ANSWERS:]
    )


def _collected(messages: Iterable[Message]) -> tuple[Collected, ...]:
    """What `assistant.dialogue` left with the message at which it ended; of a slot the newest."""
    suffix = "_en" if (get_language() or "").startswith("en") else ""
    lines = {
        line["slot"]: Collected(line[f"label{suffix}"], line[f"value{suffix}"])
        for message in messages
        for line in (message.details or {}).get("collected", ())
    }
    return tuple(lines.values())


def _is_idle(message: Message) -> bool:
    """A greeting, a knock, a tapped tile or a call for a person: no complaint."""
    details = message.details or {}
    if details.get("red_flags"):
        return False
    if details.get("tap") or _KNOCKS.fullmatch(message.text):
        return True
    understood = details.get("understanding", {})
    if understood.get("urgency", 0) >= Urgency.SAME_DAY:
        return False
    intent = understood.get("intent")
    return intent in _IDLE_INTENTS and not _PARTICULARS.search(message.text)


def _weight(message: Message) -> float:
    if (message.details or {}).get("red_flags"):
        return 100
    text = message.text
    # The logarithm of taste: a second sentence adds, a tenth hardly does.
    return min(len(text), 60) / 20 + 2 * min(3, len(_PARTICULARS.findall(text)))


def _line(message: Message) -> Line:
    heard = ((message.details or {}).get("media") or {}).get("transcript", "")  # by a machine
    return Line(message.seq, f"{message.text} {heard}".strip(), message.created_at)
