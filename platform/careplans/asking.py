"""The ticking sweep: asks what is due, and sees what became of what was asked.

One transaction stores the message and marks the rows: a process that dies in between has done
neither, and the next sweep does both. The message's client id is the row's own, with the number of
the asking: a constraint of the database, so that nothing is said twice. The conversation's row is
locked first, then the due rows: the order in which an answer comes in.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Sum
from django.utils.translation import gettext as _

from careplans import policy
from careplans.models import Due, DueKind, DueQuerySet, Reason, State, Status, Task, TaskKind
from careplans.services import stop_plan
from careplans.tasks import open_task
from careplans.wording import details_of, words_of
from conversations.models import Author, Conversation, Message
from conversations.services import queue_reply, start_conversation, take_back
from events.logs import kind_and_place
from patients.models import Consent, ContactPoint, Purpose
from patients.services import other_contact_points
from records.guard import check
from records.models import MedicationRequest
from tickets.models import Ticket
from triage.labels import Urgency
from vault.cipher import blind_index

logger = logging.getLogger(__name__)

AT_ONCE = 400  # rows looked at by one sweep; the next one takes the rest
NOT_AGAIN_FOR = timedelta(minutes=10)  # a row that broke keeps no other from its turn
LOOKED_AT_AGAIN = timedelta(minutes=15)
A_DAY = timedelta(days=1)


class _Settled(Exception):
    """Somebody was faster, or the patient wants nothing more: nothing of this is kept."""


def ask_owed(*, now: datetime) -> int:
    """Ask for everything that is due by now; returns how many messages that made."""
    owed = Due.objects.owed(now=now).order_by("ask_at", "pk")
    ids = list(owed.values_list("pk", flat=True)[:AT_ONCE])
    if not ids:
        return 0
    rows = list(
        owed.filter(pk__in=ids)
        .select_related(
            "plan__patient__data_key",
            "plan__contact_point__channel",
            "plan__contact_point__patient",
            "plan__contact_point__conversation",
            "plan__department",
            "second__channel",
            "second__patient",
            "second__conversation",
            "step",
            "medication",
        )
        .annotate(has_consent=_has_consent())
    )
    today = _Today.of(rows, now=now)
    return sum(_ask(group, today, now=now) for group in _groups(rows))


def _has_consent() -> Exists:
    agreed = Consent.objects.in_force().filter(purpose=Purpose.REMINDERS)
    return Exists(agreed.filter(patient=OuterRef("plan__patient")))


def _groups(rows: Sequence[Due]) -> Iterator[list[Due]]:
    """What one message asks: the doses of one plan at one moment, or one row."""
    groups: dict[tuple[object, ...], list[Due]] = defaultdict(list)
    for row in rows:
        alone = row.kind != DueKind.DOSE
        key = (row.pk,) if alone else (row.plan_id, row.due_at, row.second_id, row.asks)
        groups[key].append(row)
    yield from groups.values()


@dataclass
class _Today:
    """What patients were asked within a day, and whose conversations are a nurse's."""

    asked: dict[int, int]
    alike: dict[tuple[int, str], int]
    urgencies: dict[int, int]  # conversation → urgency of its open ticket

    @classmethod
    def of(cls, rows: Sequence[Due], *, now: datetime) -> "_Today":
        patients = {row.plan.patient_id for row in rows}
        today = Due.objects.filter(plan__patient__in=patients, asks__gt=0, ask_at__gt=now - A_DAY)
        asked: dict[int, int] = defaultdict(int)
        alike: dict[tuple[int, str], int] = defaultdict(int)
        messages = today.order_by().values_list("plan__patient", "digest", "message")
        seen = set()
        for patient, digest, message, asks in messages.annotate(Sum("asks")):
            if message in seen:  # several doses in one message were asked once
                continue
            seen.add(message)
            asked[patient] += asks
            alike[patient, digest] += asks
        tickets = Ticket.objects.open().filter(conversation__contact_point__patient__in=patients)
        urgencies = dict(tickets.values_list("conversation", "urgency"))
        return cls(asked, alike, urgencies)

    def count(self, patient: int, digest: str) -> None:
        self.asked[patient] += 1
        self.alike[patient, digest] += 1


def _ask(group: Sequence[Due], today: _Today, *, now: datetime) -> bool:
    """Ask one group, or put it off, or end it. True: a message was stored."""
    try:
        return _do(group, today, now=now)
    except _Settled:
        return False
    except Exception as error:
        first = group[0]
        logger.error("a reminder broke", extra={"due": first.pk, **kind_and_place(error)})
        _rows(group).update(ask_at=now + NOT_AGAIN_FOR)
        return False


@transaction.atomic
def _do(group: Sequence[Due], today: _Today, *, now: datetime) -> bool:
    first, plan = group[0], group[0].plan
    address = _address(first, now=now)
    conversation = getattr(address, "conversation", None) if address else None
    text, digest = "", ""
    if plan.patient.data_key.destroyed_at is None:
        language = conversation.language if conversation else plan.patient.language
        text = words_of(group, language=language)
        digest = blind_index(text, purpose="careplans.reminder")[:16]
    objected = bool(text) and _is_objected_to(group, now=now)
    facts = _facts(first, address, conversation, digest, today, is_objected_to=objected, now=now)
    match policy.decide(facts):
        case policy.Stop(why=why):
            stop_plan(plan, why=why, now=now)
        case policy.Wait(until=until):
            _rows(group).update(ask_at=until)
        case policy.End(state=state, reason=reason):
            _rows(group).update(state=state, reason=reason, settled_at=now)
            _bring_nurse(first, reason, now=now)
        case policy.Ask():
            assert address is not None
            _say(group, address, text=text, digest=digest, now=now)
            today.count(plan.patient_id, digest)
            return True
    return False


def _is_objected_to(group: Sequence[Due], *, now: datetime) -> bool:
    """Whether a medicine here must not just be taken: an allergy was told since it was planned.

    Not where somebody prescribed it against the warning, and said why.
    """
    for schedule in (row.medication for row in group if row.medication is not None):
        concerns = check(schedule.medicine, group[0].plan.patient, now=now)
        if any(each.is_serious for each in concerns):
            request = MedicationRequest.objects.filter(pk=schedule.prescription_id).first()
            if request is None or not request.override_reason:
                return True
    return False


def _rows(group: Sequence[Due]) -> DueQuerySet:
    """These, as long as nobody has asked or settled them meanwhile."""
    ids = [row.pk for row in group]
    return Due.objects.filter(pk__in=ids, asked_at=None, settled_at=None)


def _facts(
    due: Due,
    address: ContactPoint | None,
    conversation: Conversation | None,
    digest: str,
    today: _Today,
    *,
    is_objected_to: bool,
    now: datetime,
) -> policy.Facts:
    plan, patient = due.plan, due.plan.patient
    urgency = today.urgencies.get(conversation.pk) if conversation else None
    return policy.Facts(
        now=now,
        until=due.until,
        free_at=plan.quiet.after(now, plan.zone),
        is_dose=due.kind == DueKind.DOSE,
        is_active=plan.status == Status.ACTIVE,
        is_paused=plan.status == Status.PAUSED,
        is_deceased=patient.deceased_at is not None,
        is_erased=patient.data_key.destroyed_at is not None,
        has_consent=due.has_consent,  # type: ignore[attr-defined]
        muted_until=address.muted_until if address else None,
        can_be_reached=address is not None,
        is_emergency=urgency is not None and urgency >= Urgency.EMERGENCY,
        is_with_nurse=urgency is not None,
        asked_today=today.asked[patient.pk],
        alike_today=today.alike[patient.pk, digest],
        is_objected_to=is_objected_to,
    )


def _address(due: Due, *, now: datetime) -> ContactPoint | None:
    """Where to ask: where it was decided, or another address of theirs that hears us."""
    chosen = due.second or due.plan.contact_point
    if chosen is None or (not chosen.closed_why and chosen.channel.is_active):
        return chosen
    return next(iter(other_contact_points(chosen)), None)


def _say(
    group: Sequence[Due], address: ContactPoint, *, text: str, digest: str, now: datetime
) -> None:
    first = group[0]
    conversation = start_conversation(address, now=now)
    message = queue_reply(
        conversation,
        text=text,
        author=Author.SYSTEM,
        epoch=conversation.epoch,
        details=details_of(group, language=conversation.language),
        client_id=_client_id(first),
        now=now,
    )
    if _mark_asked(group, message, digest=digest, now=now) != len(group):
        raise _Settled


# Written out: it runs for every reminder, and decides whether it was one.
_MARK_ASKED = """
UPDATE careplans_due SET state = 'asked', asked_at = %s, ask_at = %s, asks = asks + 1,
answer_by = %s, message_id = %s, digest = %s
WHERE id IN ({places}) AND asked_at IS NULL AND settled_at IS NULL AND plan_id IN (
SELECT plan.id FROM careplans_careplan plan JOIN patients_consent consent
ON consent.patient_id = plan.patient_id AND consent.purpose = %s AND consent.withdrawn_at IS NULL
WHERE plan.id = %s AND plan.status = 'active')
"""


def _mark_asked(group: Sequence[Due], message: Message, *, digest: str, now: datetime) -> int:
    """Note that these were asked; returns of how many that is true: plan and consent in force."""
    by = now + timedelta(minutes=group[0].answer_within_m)
    at, by_then = map(connection.ops.adapt_datetimefield_value, (now, by))
    ids = [row.pk for row in group]
    statement = _MARK_ASKED.format(places=", ".join(["%s"] * len(ids)))
    values = [at, at, by_then, message.pk, digest, *ids, Purpose.REMINDERS.value, group[0].plan_id]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        count: int = cursor.rowcount
    return count


def _client_id(due: Due) -> str:
    """The row's own, and from the second asking on its number."""
    return f"{due.uid.hex}-{due.asks}" if due.asks else due.uid.hex


def look_after_asked(*, now: datetime) -> int:
    """See what became of what was asked: said, undelivered, unanswered; returns how many moved."""
    return _note_told(now=now) + _each_stuck(now=now)


def _note_told(*, now: datetime) -> int:
    told = Due.objects.waiting().filter(expects_answer=False, message__sent_at__isnull=False)
    count: int = told.update(state=State.ACKNOWLEDGED, reason=Reason.TOLD, settled_at=now)
    return count


def _each_stuck(*, now: datetime) -> int:
    waiting = Due.objects.waiting()
    given_up = waiting.filter(message__given_up_at__isnull=False).values_list("pk", flat=True)
    late = waiting.filter(answer_by__lte=now).order_by("answer_by", "pk")
    ids = {*given_up[:AT_ONCE], *late.values_list("pk", flat=True)[:AT_ONCE]}
    stuck = waiting.filter(pk__in=ids).select_related(
        "plan__patient__data_key", "plan__contact_point", "plan__department", "message", "step"
    )
    moved = 0
    for due in stuck if ids else ():
        try:
            moved += _move_on(due, now=now)
        except Exception as error:
            logger.error(
                "an asked row could not be moved on",
                extra={"due": due.pk, **kind_and_place(error)},
            )
            _still(due).update(answer_by=now + LOOKED_AT_AGAIN)
    return moved


def _still(due: Due) -> DueQuerySet:
    """The row, as long as it waits for the answer that we saw it waiting for."""
    return Due.objects.waiting().filter(pk=due.pk, asks=due.asks)


@transaction.atomic
def _move_on(due: Due, *, now: datetime) -> bool:
    message = due.message
    assert message is not None
    if message.given_up_at is None and message.sent_at is None:
        return _not_sent_yet(due, message, now=now)
    if message.sent_at is not None:
        # Counted from when it was sent: a reminder may have waited for the vendor.
        by = message.sent_at + timedelta(minutes=due.answer_within_m)
        if by > now:
            return bool(_still(due).update(answer_by=by)) and False
    why = Reason.UNANSWERED if message.sent_at is not None else Reason.NOT_DELIVERED
    if _elsewhere(due, now=now):
        return True
    if not _still(due).update(state=State.MISSED, reason=why, settled_at=now):
        return False
    _bring_nurse(due, why, now=now)
    return True


def _not_sent_yet(due: Due, message: Message, *, now: datetime) -> bool:
    """It waits for its channel; once it would come too late it is taken back."""
    if due.until > now or not take_back(message.pk, now=now):
        _still(due).update(answer_by=now + LOOKED_AT_AGAIN)
        return False
    if not _still(due).update(state=State.MISSED, reason=Reason.NOT_DELIVERED, settled_at=now):
        return False
    _bring_nurse(due, Reason.NOT_DELIVERED, now=now)
    return True


def _elsewhere(due: Due, *, now: datetime) -> bool:
    """Let it be asked once more, at another address of the patient's; False: there is none."""
    first = due.plan.contact_point
    if due.second_id is not None or first is None:
        return False
    if due.plan.quiet.after(now, due.plan.zone) > due.until:
        return False  # until then it would be of no use
    others = other_contact_points(first)
    if not others:
        return False
    return bool(
        _still(due).update(
            state=State.DUE, asked_at=None, answer_by=None, ask_at=now, second=others[0]
        )
    )


_TASKS = {
    Reason.UNANSWERED: TaskKind.UNANSWERED,
    Reason.NOT_DELIVERED: TaskKind.UNDELIVERED,
    Reason.TOO_MANY: TaskKind.TOO_MANY,
    Reason.HOUSE_DOWN: TaskKind.UNDELIVERED,
    Reason.GUARD: TaskKind.WARNED,
}
_AT_ONCE = frozenset({Reason.TOO_MANY, Reason.GUARD})  # of other doses it takes several in a row


def _bring_nurse(due: Due, why: Reason, *, now: datetime) -> Task | None:
    """A nurse calls where a step was missed, or where one medicine was several times in a row."""
    kind = _TASKS.get(why)
    if kind is None or due.plan.patient.data_key.destroyed_at is not None:
        return None
    if due.kind == DueKind.DOSE and why not in _AT_ONCE and not _is_often(due):
        return None
    return open_task(
        due.plan.patient,
        kind=kind,
        about=f"plan {due.plan_id} {kind}",
        words=_held_back(due) if why == Reason.GUARD else None,
        priority=due.step.priority if due.step else 1,
        plan=due.plan,
        due=due,
        now=now,
    )


def _held_back(due: Due) -> str:
    """All that one message would have named; the plan says the rest."""
    together = Due.objects.filter(plan=due.plan_id, kind=DueKind.DOSE, due_at=due.due_at)
    names = [each.medication.medicine for each in together.select_related("medication")]
    return _(
        "Not reminded of %(medicine)s: the record speaks against it. If it is right all the same,"
        " write the reason into the prescription; else stop the plan."
    ) % {"medicine": _(", ").join(dict.fromkeys(names))}


def _is_often(due: Due) -> bool:
    """Whether the last doses of this medicine were all missed, by whoever's fault."""
    settled = Due.objects.filter(medication=due.medication_id).exclude(settled_at=None)
    last = (
        settled.exclude(state=State.CANCELLED).order_by("-due_at").values_list("state", flat=True)
    )
    states = list(last[: policy.UNANSWERED_IN_A_ROW])
    return len(states) == policy.UNANSWERED_IN_A_ROW and set(states) == {State.MISSED}
