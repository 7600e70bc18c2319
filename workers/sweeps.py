"""What the clock starts: everything owed is rung again, and what is due happens.

A sweep reads a small partial index and does little; two sweeps at once do no harm.
"""

from datetime import datetime, timedelta
from itertools import cycle

from celery import shared_task
from django.db.models import Q
from django.db.models.functions import Mod
from django.utils import timezone

from adapters.fhir.exchange import ring_due
from adapters.media import not_brought
from adapters.models import Heard, Link
from adapters.pulling import unpulled
from adapters.receipts import note_crossed_receipts
from adapters.unions import name_unnamed
from appointments.booking import cancel_of_closed_records, expire_holds
from appointments.models import Appointment, WaitlistEntry
from appointments.slots import make_slots
from appointments.visits import close_past_visits
from appointments.waitlist import ask_about_free, offer_seats
from assistant.services import give_unattended_to_nurses
from careplans.asking import ask_owed, look_after_asked
from careplans.feedback import (
    ask_owed_feedback,
    digest_feedback,
    owe_after_tickets,
    tell_responses,
)
from careplans.planning import plan_ahead
from careplans.services import complete_plans, stop_where_needed
from careplans.warnings import tell_doctors
from conversations.models import Message
from events import (
    AppointmentChanged,
    ChannelRang,
    IdentityAsked,
    MediaArrived,
    MessageReceived,
    ReplyQueued,
    SlotOffered,
    publish,
)
from insight.drift import count_days
from insight.reviews import collect_reviews
from live.models import Glance
from records.models import IdentityCheck
from tickets.services import climb_alarms, requeue_abandoned, ring_again, wake_snoozed

OWED_AFTER = timedelta(seconds=3)  # a ring normally needs less than one
LATELY = timedelta(seconds=5)  # two sweeps, and a late one
TURNS = 10  # sweeps in which all that is owed has been rung for
_turns = cycle(range(TURNS))
AT_ONCE = 200  # conversations rung per sweep; the next one takes the rest
GLANCES_KEPT = timedelta(minutes=1)
HEARD_KEPT = timedelta(days=7)  # far beyond the last redelivery of any vendor

SCHEDULE: dict[str, float] = {  # task name → period in seconds
    "sweep.owed": 2.0,
    "sweep.due": 2.0,
    "sweep.unattended": 10.0,
    "sweep.abandoned": 30.0,
    "sweep.glances": 30.0,
    "sweep.seats": 3.0,
    "sweep.codes": 3.0,
    "sweep.visits": 300.0,
    "sweep.slots": 900.0,
    "sweep.unpulled": 5.0,
    "sweep.media": 10.0,
    "sweep.receipts": 60.0,
    "sweep.unions": 20.0,
    "sweep.exchanges": 10.0,
    "sweep.heard": 3_600.0,
    "sweep.reviews": 600.0,
    "sweep.drift": 1_800.0,
    "sweep.reminders": 5.0,
    "sweep.plans": 60.0,
    "sweep.feedback": 300.0,
}


@shared_task(name="sweep.owed")  # type: ignore[untyped-decorator]
def ring_owed(**_: object) -> None:
    """Ring again for every message that nobody handled, and every reply that nobody sent."""
    now = timezone.now()
    owed = Message.objects.filter(created_at__lt=now - OWED_AFTER)
    is_due = _is_due(now, turn=next(_turns))
    unsent = owed.unsent().exclude(send_after__gt=now)
    for messages, event in ((owed.unhandled(), MessageReceived), (unsent, ReplyQueued)):
        due = messages.annotate(turn=Mod("conversation_id", TURNS)).filter(is_due)
        ids = due.order_by().values_list("conversation_id", flat=True).distinct()
        for conversation_id in ids[:AT_ONCE]:
            publish(event(conversation_id))


def _is_due(now: datetime, *, turn: int) -> Q:
    """Owed since a moment ago, or told to wait until a moment ago; of the rest a part each time.

    A broker keeps every ring. Workers that are behind would be rung further behind for ever.
    """
    lately = now - LATELY
    fresh = Q(created_at__gt=lately - OWED_AFTER) | Q(send_after__gt=lately)
    return fresh | Q(turn=turn)


@shared_task(name="sweep.due")  # type: ignore[untyped-decorator]
def do_what_is_due(**_: object) -> None:
    now = timezone.now()
    climb_alarms(now=now)
    ring_again(now=now)
    wake_snoozed(now=now)


@shared_task(name="sweep.abandoned")  # type: ignore[untyped-decorator]
def bring_back_abandoned(**_: object) -> None:
    requeue_abandoned(now=timezone.now())


@shared_task(name="sweep.unattended")  # type: ignore[untyped-decorator]
def give_unattended(**_: object) -> None:
    give_unattended_to_nurses(now=timezone.now())


@shared_task(name="sweep.glances")  # type: ignore[untyped-decorator]
def sweep_glances(**_: object) -> None:
    Glance.objects.filter(at__lt=timezone.now() - GLANCES_KEPT).delete()


@shared_task(name="sweep.seats")  # type: ignore[untyped-decorator]
def look_after_seats(**_: object) -> None:
    """Free what was held too long, offer what got free, and ring again for what nobody heard."""
    now = timezone.now()
    expire_holds(now=now)
    offer_seats(now=now)
    changed = Appointment.objects.unfollowed().filter(changed_at__lt=now - OWED_AFTER)
    for appointment_id in changed.order_by("changed_at").values_list("pk", flat=True)[:AT_ONCE]:
        publish(AppointmentChanged(appointment_id))
    untold = WaitlistEntry.objects.untold().filter(offered_at__lt=now - OWED_AFTER)
    for entry_id in untold.order_by("offered_at").values_list("pk", flat=True)[:AT_ONCE]:
        publish(SlotOffered(entry_id))


@shared_task(name="sweep.codes")  # type: ignore[untyped-decorator]
def send_owed_codes(**_: object) -> None:
    owed = IdentityCheck.objects.owed_a_letter()
    late = owed.filter(letter_owed_at__lt=timezone.now() - OWED_AFTER).order_by("letter_owed_at")
    for check_id in late.values_list("pk", flat=True)[:AT_ONCE]:
        publish(IdentityAsked(check_id))


@shared_task(name="sweep.visits")  # type: ignore[untyped-decorator]
def look_after_visits(**_: object) -> None:
    now = timezone.now()
    close_past_visits(now=now)
    cancel_of_closed_records(now=now)


@shared_task(name="sweep.slots")  # type: ignore[untyped-decorator]
def look_after_slots(**_: object) -> None:
    now = timezone.now()
    make_slots(now=now)
    ask_about_free(now=now)


@shared_task(name="sweep.unpulled")  # type: ignore[untyped-decorator]
def fetch_what_rang(**_: object) -> None:
    for channel_id in unpulled(now=timezone.now()):
        publish(ChannelRang(channel_id))


@shared_task(name="sweep.media")  # type: ignore[untyped-decorator]
def fetch_media(**_: object) -> None:
    for attachment_id in not_brought(now=timezone.now()):
        publish(MediaArrived(attachment_id))


@shared_task(name="sweep.receipts")  # type: ignore[untyped-decorator]
def match_receipts(**_: object) -> None:
    note_crossed_receipts(now=timezone.now())


@shared_task(name="sweep.unions")  # type: ignore[untyped-decorator]
def join_records(**_: object) -> None:
    name_unnamed(now=timezone.now())


@shared_task(name="sweep.exchanges")  # type: ignore[untyped-decorator]
def ring_for_exchanges(**_: object) -> None:
    """Ring for outside systems, see ExchangeFellDue: the time has come, or we owe them word."""
    ring_due(now=timezone.now())


@shared_task(name="sweep.heard")  # type: ignore[untyped-decorator]
def sweep_heard(**_: object) -> None:
    now = timezone.now()
    Heard.objects.filter(at__lt=now - HEARD_KEPT).delete()
    Link.objects.filter(expires_at__lt=now - HEARD_KEPT).delete()


@shared_task(name="sweep.reviews")  # type: ignore[untyped-decorator]
def look_for_reviews(**_: object) -> None:
    collect_reviews(now=timezone.now())


@shared_task(name="sweep.drift")  # type: ignore[untyped-decorator]
def count_days_of_models(**_: object) -> None:
    count_days(now=timezone.now())


@shared_task(name="sweep.reminders")  # type: ignore[untyped-decorator]
def remind(**_: object) -> None:
    """Ask what is due, and see what became of what was asked."""
    now = timezone.now()
    ask_owed(now=now)
    look_after_asked(now=now)


@shared_task(name="sweep.plans")  # type: ignore[untyped-decorator]
def keep_plans(**_: object) -> None:
    """End the plans that have to end, and make due rows for the days to come."""
    now = timezone.now()
    stop_where_needed(now=now)
    tell_doctors(now=now)
    plan_ahead(now=now)
    complete_plans(now=now)


@shared_task(name="sweep.feedback")  # type: ignore[untyped-decorator]
def hear_how_it_was(**_: object) -> None:
    now = timezone.now()
    owe_after_tickets(now=now)
    ask_owed_feedback(now=now)
    digest_feedback(now=now)
    tell_responses(now=now)
