"""What we write to a patient of our own accord, because something happened to a visit."""

from contextlib import suppress
from datetime import datetime, time

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from appointments.models import Appointment, CancelledWhy, Status, WaitlistEntry, WaitStatus
from appointments.slots import next_best
from assistant.danger import say
from assistant.dialogue import ANSWER_TAP
from assistant.skills.offer import labels, offer_in_words, offered
from assistant.skills.sheet import card_of, clinic, label_of, when
from assistant.talk import Talk
from assistant.turn import Reply, choice
from conversations.services import ClientIdReused, start_conversation
from hospital.models import Hospital
from patients.models import ContactPoint
from vault.datakeys import Erased

WAKES, SLEEPS = time(8), time(21, 30)  # in between we write of our own accord


@transaction.atomic
def tell_offer(entry_id: int, *, now: datetime) -> None:
    """Tell who waited that a seat is kept for them; once, and not at night."""
    entry = WaitlistEntry.objects.untold().filter(pk=entry_id).first()
    if entry is None or _is_night(now):
        return
    seat = offered(entry)
    told = WaitlistEntry.objects.filter(pk=entry_id, status=WaitStatus.OFFERED, told_at=None)
    if not told.update(told_at=now) or seat is None or entry.contact_point is None:
        return
    talk = _talk(entry.contact_point, now=now)
    with translation.override(talk.lang):
        choices = [choice(label, tap=ANSWER_TAP) for label in labels()]
        details = {
            "appointment": card_of(seat, talk),
            "choices": [*choices, choice(_("Talk to a nurse"), tap="nurse")],
        }
        _say(talk, Reply(offer_in_words(seat, talk), details), once=f"offer:{seat.uid}")


@transaction.atomic
def tell_of_change(appointment_id: int, *, now: datetime) -> None:
    """Tell a patient whose visit the hospital cancelled, with what comes nearest to it."""
    visit = Appointment.objects.with_all().filter(pk=appointment_id).first()
    if visit is None or visit.contact_point is None:
        return
    if visit.status != Status.CANCELLED or visit.cancelled_why != CancelledWhy.HOSPITAL:
        return
    talk = _talk(visit.contact_point, now=now)
    with translation.override(talk.lang):
        lines = [
            _("I am sorry: the hospital had to cancel your visit. %(clinic)s, %(when)s.")
            % {"clinic": clinic(visit.slot, talk), "when": when(visit.slot, talk)}
        ]
        if visit.note:
            lines.append(visit.note)
        if nearest := next_best(visit.slot, now=now):
            lines.append(_("The nearest free times:"))
            lines += [label_of(slot, talk) for slot in nearest]
        choices = [
            choice(_("Book another time"), tap="booking"),
            choice(_("Talk to a nurse"), tap="nurse"),
        ]
        details = {"appointment": card_of(visit, talk), "choices": choices}
        _say(talk, Reply("\n".join(lines), details), once=f"cancelled:{visit.uid}")


def _talk(contact_point: ContactPoint, *, now: datetime) -> Talk:
    return Talk(start_conversation(contact_point, now=now), "", now)


def _say(talk: Talk, reply: Reply, *, once: str) -> None:
    # Told before, in other words; or erased meanwhile, and there is nobody to tell.
    with suppress(ClientIdReused, Erased), transaction.atomic():
        say(talk.conversation, reply, client_id=once, now=talk.now)


def _is_night(now: datetime) -> bool:
    at = now.astimezone(Hospital.objects.this_one().zone).time()
    return not WAKES <= at < SLEEPS
