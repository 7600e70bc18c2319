"""Who does what when something has happened: one task per event, under the event's own name.

A task carries ids, calls one function, and may run twice. `**_` lets an older worker take a newer
event during a deployment.
"""

from celery import shared_task
from django.utils import timezone

from adapters.codes import send_code
from adapters.delivery import deliver
from adapters.fhir.exchange import exchange
from adapters.fhir.pushing import owe_word
from adapters.media import bring
from adapters.presence import show_typing
from adapters.pulling import pull
from appointments.booking import note_followed
from appointments.models import Appointment
from assistant.services import attend
from assistant.telling import tell_of_change, tell_offer
from careplans.visits import follow
from events import (
    AppointmentChanged,
    ChannelRang,
    ExchangeFellDue,
    IdentityAsked,
    MediaArrived,
    MessageReceived,
    NurseTyping,
    ReplyQueued,
    SlotOffered,
)
from insight.shadow import note_shadow
from workers.hearing import hear
from workers.rephrasing import rephraser
from workers.understanding import candidate, understand


@shared_task(name=MessageReceived.name)  # type: ignore[untyped-decorator]
def on_message_received(*, conversation_id: int, **_: object) -> None:
    attended = attend(
        conversation_id, understand=understand, now=timezone.now(), rephrase=rephraser()
    )
    if (heard_beside := candidate()) is not None:
        note_shadow(attended, understand=heard_beside)


@shared_task(name=ReplyQueued.name)  # type: ignore[untyped-decorator]
def on_reply_queued(*, conversation_id: int, **_: object) -> None:
    deliver(conversation_id, clock=timezone.now)


@shared_task(name=ChannelRang.name)  # type: ignore[untyped-decorator]
def on_channel_rang(*, channel_id: int, **_: object) -> None:
    pull(channel_id, clock=timezone.now)


@shared_task(name=MediaArrived.name)  # type: ignore[untyped-decorator]
def on_media_arrived(*, attachment_id: int, **_: object) -> None:
    bring(attachment_id, clock=timezone.now, hear=hear)


@shared_task(name=AppointmentChanged.name)  # type: ignore[untyped-decorator]
def on_appointment_changed(*, appointment_id: int, **_: object) -> None:
    now = timezone.now()
    status = Appointment.objects.values_list("status", flat=True).get(pk=appointment_id)
    follow(appointment_id, now=now)
    tell_of_change(appointment_id, now=now)
    owe_word(appointment_id, now=now)
    note_followed(appointment_id, status=status, now=now)


@shared_task(name=SlotOffered.name)  # type: ignore[untyped-decorator]
def on_slot_offered(*, entry_id: int, **_: object) -> None:
    tell_offer(entry_id, now=timezone.now())


@shared_task(name=IdentityAsked.name)  # type: ignore[untyped-decorator]
def on_identity_asked(*, check_id: int, **_: object) -> None:
    send_code(check_id, now=timezone.now())


@shared_task(name=ExchangeFellDue.name)  # type: ignore[untyped-decorator]
def on_exchange_due(*, system_id: int, **_: object) -> None:
    exchange(system_id, clock=timezone.now)


@shared_task(name=NurseTyping.name)  # type: ignore[untyped-decorator]
def on_nurse_typing(*, conversation_id: int, **_: object) -> None:
    show_typing(conversation_id)
