"""Where else a patient can be reached, when a message can't go out where it was to."""

from collections.abc import Iterator

from adapters.registry import NoAdapter, adapter_of
from patients.models import Channel, ContactPoint
from patients.services import claim_address, other_contact_points


def other_ways(contact_point: ContactPoint) -> Iterator[ContactPoint]:
    """The patient's other addresses, the newest first; then the phone of their record, by SMS."""
    yield from other_contact_points(contact_point)
    phone = in_e164(contact_point.patient.phone or "")
    if not phone:
        return
    for channel in Channel.objects.filter(is_active=True).exclude(pk=contact_point.channel_id):
        if _reaches_phones(channel):
            found = claim_address(contact_point.patient, channel, address=phone)
            if found is not None and not found.closed_why:
                yield found
                return


def in_e164(phone: str) -> str:
    """+8613800000000 for a mainland mobile however it was typed; empty for what is none."""
    digits = "".join(each for each in phone if each.isdecimal())
    if phone.strip().startswith("+") and not digits.startswith("86"):
        return f"+{digits}"
    digits = digits.removeprefix("0086")
    digits = digits[2:] if len(digits) == 13 and digits.startswith("861") else digits
    return f"+86{digits}" if len(digits) == 11 and digits.startswith("1") else ""


def _reaches_phones(channel: Channel) -> bool:
    try:
        return adapter_of(channel).capabilities.reaches_phones
    except NoAdapter:
        return False
