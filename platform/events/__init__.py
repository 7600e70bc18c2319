"""Facts, and how to announce them.

An event is a past-tense fact with ids, never a patient's words. Publishing it rings a worker; what
is owed stays in the rows, so a ring that gets lost is rung again by a sweep.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import ClassVar

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Event:
    name: ClassVar[str]
    is_owed: ClassVar[bool] = True  # a row says so until it is done, and a sweep rings again


@dataclass(frozen=True)
class MessageReceived(Event):
    """A patient's message is stored and not yet handled."""

    name: ClassVar[str] = "message.received"
    conversation_id: int


@dataclass(frozen=True)
class ReplyQueued(Event):
    """A message to a patient is stored and not yet sent."""

    name: ClassVar[str] = "reply.queued"
    conversation_id: int


@dataclass(frozen=True)
class ChannelRang(Event):
    """A vendor has something for us that we have to fetch."""

    name: ClassVar[str] = "channel.rang"
    channel_id: int


@dataclass(frozen=True)
class MediaArrived(Event):
    """A patient sent a picture or a voice that is not fetched yet."""

    name: ClassVar[str] = "media.arrived"
    attachment_id: int


@dataclass(frozen=True)
class AppointmentChanged(Event):
    """An appointment was booked, moved, cancelled, kept or missed."""

    name: ClassVar[str] = "appointment.changed"
    appointment_id: int


@dataclass(frozen=True)
class SlotOffered(Event):
    """A seat is kept for somebody on the waitlist, who does not know it yet."""

    name: ClassVar[str] = "slot.offered"
    entry_id: int


@dataclass(frozen=True)
class IdentityAsked(Event):
    """Somebody asks to be known as a patient; a code is owed, if there is one to send it to."""

    name: ClassVar[str] = "identity.asked"
    check_id: int


@dataclass(frozen=True)
class ExchangeFellDue(Event):
    """An outside system may have something for us, or is owed word of what changed here."""

    name: ClassVar[str] = "exchange.due"
    system_id: int


@dataclass(frozen=True)
class NurseTyping(Event):
    """A nurse writes to a patient, who may see it on a channel that can show it."""

    name: ClassVar[str] = "nurse.typing"
    is_owed: ClassVar[bool] = False  # a moment later it is true no more
    conversation_id: int


EVENTS: tuple[type[Event], ...] = (
    MessageReceived,
    ReplyQueued,
    ChannelRang,
    MediaArrived,
    AppointmentChanged,
    SlotOffered,
    IdentityAsked,
    ExchangeFellDue,
    NurseTyping,
)


def publish(event: Event) -> None:
    """Announce a fact of the current transaction; it is heard only if that commits."""
    ringer()(event.name, asdict(event))


@lru_cache(maxsize=1)
def ringer() -> Callable[[str, dict[str, int]], None]:
    """Who rings the workers: named by the settings, for no room up here may know them."""
    ring: Callable[[str, dict[str, int]], None] = import_string(settings.EVENT_RINGER)
    return ring
