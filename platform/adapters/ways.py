"""Where else a patient can be reached, when a message can't go out where it was to."""

import unicodedata
from collections.abc import Iterator

from adapters.contracts import Category
from adapters.registry import NoAdapter, adapter_of
from patients.models import Channel, ContactPoint, Patient
from patients.services import other_contact_points, phone_to_write_to


def other_ways(contact_point: ContactPoint) -> Iterator[ContactPoint]:
    """The patient's other addresses, the newest first; then the phone of their record, by SMS.

    A phone that wants no SMS of one account wants none of another.
    """
    patient = contact_point.patient
    stopped = _phones_that_stopped(patient)
    for other in other_contact_points(contact_point):
        if not (_reaches_phones(other.channel) and other.address in stopped):
            yield other
    phone = in_e164(patient.phone or "")
    if not phone or phone in stopped:
        return
    for channel in Channel.objects.filter(is_active=True).exclude(pk=contact_point.channel_id):
        if _reaches_phones(channel):
            found = phone_to_write_to(patient, channel, phone=phone)
            if found is not None and not found.closed_why:
                yield found
            return


def _phones_that_stopped(patient: Patient) -> set[str]:
    closed = ContactPoint.objects.filter(patient=patient, closed_why=str(Category.OPTED_OUT))
    return {
        each.address or ""
        for each in closed.select_related("channel")
        if _reaches_phones(each.channel)
    }


def in_e164(phone: str) -> str:
    """+8613800000000 for a mainland mobile however it was typed; empty for what is none."""
    phone = unicodedata.normalize("NFKC", phone)  # 1３8… of a Chinese keyboard
    digits = "".join(each for each in phone if each in "0123456789")
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
