"""A seat that got free: told to who waited for it, and taken or left by a yes or a no."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.booking import HoldLapsed
from appointments.models import Appointment, Status, WaitlistEntry, WaitStatus
from appointments.seats import TooLate
from appointments.waitlist import accept_offer, decline_offer
from assistant.skills.sheet import card_of, prepare, sheet, until
from assistant.talk import Ask, Done, Found, Option, Skill, Step, Talk, read_agreement
from assistant.talk import Slot as Needs
from assistant.turn import choice


def labels() -> dict[str, bool]:
    return {_("Take the seat"): True, _("No, thank you"): False}


def _read_take(talk: Talk, asked: bool) -> Found | None:
    if (told := labels().get(talk.words.strip())) is not None:
        return Found(told, [(0, len(talk.words))])
    return read_agreement(talk, True)


def open_offer(talk: Talk) -> WaitlistEntry | None:
    offered = WaitlistEntry.objects.filter(
        contact_point=talk.conversation.contact_point,
        status=WaitStatus.OFFERED,
        told_at__isnull=False,
    )
    return offered.order_by("offered_at").first()


def wants(talk: Talk) -> bool:
    return _read_take(talk, True) is not None and open_offer(talk) is not None


def proceed(talk: Talk) -> Step:
    entry = open_offer(talk)
    if entry is None:
        return Done(_("This offer has ended. I look for another time with you."), then="booking")
    take = talk.facts.get("take")
    if take is None:
        return Ask("take", _("Would you like to take the seat?"), options())
    if not take:
        decline_offer(entry, now=talk.now, keep_waiting=True)
        return Done(_("All right. You stay on the waitlist, and hear of the next one."))
    try:
        booked = accept_offer(entry, now=talk.now)
    except (HoldLapsed, TooLate):
        return Done(
            _("I am sorry, the time to take this seat is over. I look for another with you."),
            then="booking",
            with_facts={"department": entry.department.code},
        )
    booked = Appointment.objects.with_all().get(pk=booked.pk)
    text = _("Booked. Your number is %(number)s.") % {"number": booked.number}
    return Done(
        f"{text}\n{sheet(booked, talk)}\n{prepare(booked, talk)}",
        choices=[
            choice(_("My appointments"), tap="visits"),
            choice(_("Talk to a nurse"), tap="nurse"),
        ],
        details={"appointment": card_of(booked, talk)},
    )


def options() -> list[Option]:
    return [Option(label, take) for label, take in labels().items()]


def offer_in_words(offer: Appointment, talk: Talk) -> str:
    """What the patient reads when a seat got free."""
    kept = _("It is kept for you until %(until)s.") % {
        "until": until(offer.held_until or talk.now, talk)
    }
    return f"{_('A seat got free for you:')}\n{sheet(offer, talk)}\n{kept}"


def offered(entry: WaitlistEntry) -> Appointment | None:
    return (
        Appointment.objects.with_all().filter(waitlist_entry=entry, status=Status.PENDING).first()
    )


OFFER = Skill(
    "offer",
    gettext_lazy("a seat that got free"),
    (Needs("take", gettext_lazy("Takes it"), _read_take, show=None),),
    proceed,
    wants=wants,
)
