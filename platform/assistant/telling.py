"""What we write to a patient of our own accord, because something happened to a visit."""

from contextlib import suppress
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from appointments.models import Appointment, CancelledWhy, Status, WaitlistEntry
from appointments.slots import next_best
from appointments.waitlist import note_told
from assistant.danger import say
from assistant.dialogue import begin, is_busy
from assistant.skills.booking import BOOKING
from assistant.skills.offer import OFFER, offer_in_words, offered
from assistant.skills.sheet import card_of, clinic, label_of, when
from assistant.talk import Skill, Talk
from assistant.turn import Reply, choice
from conversations.models import Owner
from conversations.services import ClientIdReused, start_conversation
from hospital.models import Hospital
from patients.models import ContactPoint
from vault.datakeys import Erased

WAKES, SLEEPS = time(8), time(21, 30)  # in between we write of our own accord
IN_A_TALK = timedelta(minutes=3)  # whose last answer is fresher is not interrupted


@transaction.atomic
def tell_offer(entry_id: int, *, now: datetime) -> None:
    """Tell who waited that a seat is kept for them; once, not at night, nor amid another talk.

    What is not told stays owed, and a sweep comes back to it.
    """
    entry = WaitlistEntry.objects.untold().filter(pk=entry_id).first()
    if entry is None or _is_night(now):
        return
    seat = offered(entry)
    if entry.contact_point is None or seat is None:  # waits at the desk, or it lapsed already
        note_told(entry_id, now=now)
        return
    talk = _talk(entry.contact_point, now=now)
    if is_busy(talk.conversation, since=now - IN_A_TALK):
        return
    if not note_told(entry_id, now=now):
        return
    with translation.override(talk.lang):
        if _has_nurse(talk):
            told_her = _("Tell the nurse here whether you would like it.")
            details = {"appointment": card_of(seat, talk)}
            reply = Reply(f"{offer_in_words(seat, talk)}\n{told_her}", details)
            _say(talk, reply, once=f"offer:{seat.uid}")
        else:
            _ask(talk, OFFER, facts={"entry": entry.pk}, once=f"offer:{seat.uid}")


@transaction.atomic
def tell_of_change(appointment_id: int, *, now: datetime) -> None:
    """Tell a patient whose visit the hospital cancelled, and let them take another by one tap."""
    visit = Appointment.objects.with_all().filter(pk=appointment_id).first()
    if visit is None or visit.contact_point is None:
        return
    if visit.status != Status.CANCELLED or visit.cancelled_why != CancelledWhy.HOSPITAL:
        return
    talk, once = _talk(visit.contact_point, now=now), f"cancelled:{visit.uid}"
    with translation.override(talk.lang):
        told = _("I am sorry: the hospital had to cancel your visit. %(clinic)s, %(when)s.") % {
            "clinic": clinic(visit.slot, talk),
            "when": when(visit.slot, talk),
        }
        lines = [told, visit.note] if visit.note else [told]
        nearest = next_best(visit.slot, now=now)
        if _has_nurse(talk) or is_busy(talk.conversation, since=now - IN_A_TALK) or not nearest:
            if nearest:
                lines.append(_("The nearest free times:"))
                lines += [label_of(slot, talk) for slot in nearest]
            choices = [
                choice(_("Book another time"), tap="booking"),
                choice(_("Talk to a nurse"), tap="nurse"),
            ]
            details = {"appointment": card_of(visit, talk), "choices": choices}
            _say(talk, Reply("\n".join(lines), details), once=once)
        else:
            _ask(talk, BOOKING, facts=_again(visit, talk), once=once, before=lines)


def _again(visit: Appointment, talk: Talk) -> dict[str, object]:
    """What is known of a visit that has to be booked again."""
    facts: dict[str, object] = {
        "department": visit.slot.department.code,
        "cancelled": visit.slot_id,
        "instead_of": True,
        "agreed": True,
    }
    if visit.patient_id != talk.writer.pk:
        facts["whom"] = {"kind": "other", "gender": "", "patient": visit.patient_id}
    else:
        facts["whom"] = {"kind": "self", "gender": ""}
    return facts


def _talk(contact_point: ContactPoint, *, now: datetime) -> Talk:
    return Talk(start_conversation(contact_point, now=now), "", now)


def _has_nurse(talk: Talk) -> bool:
    """Whether a person has this conversation: what is answered goes to her."""
    return talk.conversation.owner != Owner.ASSISTANT


def _ask(
    talk: Talk,
    skill: Skill,
    *,
    facts: dict[str, object],
    once: str,
    before: list[str] | None = None,
) -> None:
    """Begin a dialogue of our own accord; what was open waits until it is done."""
    with suppress(ClientIdReused, Erased), transaction.atomic():
        if talk.conversation.messages.filter(client_id=once).exists():
            return
        spoken = begin(skill, talk, facts=facts)
        if spoken.reply is not None:
            text = "\n".join([*(before or []), spoken.reply.text])
            say(talk.conversation, Reply(text, spoken.reply.details), client_id=once, now=talk.now)


def _say(talk: Talk, reply: Reply, *, once: str) -> None:
    # Told before, in other words; or erased meanwhile, and there is nobody to tell.
    with suppress(ClientIdReused, Erased), transaction.atomic():
        say(talk.conversation, reply, client_id=once, now=talk.now)


def _is_night(now: datetime) -> bool:
    at = now.astimezone(Hospital.objects.this_one().zone).time()
    return not WAKES <= at < SLEEPS
