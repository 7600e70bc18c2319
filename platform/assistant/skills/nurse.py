"""Tell a patient who will answer, when, and what to do if it gets worse."""

from datetime import datetime

from django.utils import formats
from django.utils.translation import gettext as _

from assistant.turn import Reply
from hospital.models import Hospital
from hospital.services import next_nurses_hour, nurses_are_here


def announce_nurse(*, ahead: int, now: datetime) -> Reply:
    """`ahead`: patients who will be seen first."""
    hospital = Hospital.objects.this_one()
    worse = _("If it gets worse, call %(phone)s or go to the emergency department.") % {
        "phone": hospital.emergency_phone
    }
    if nurses_are_here(now):
        who = _("I have called a nurse for you; she sees what you wrote, you need not repeat it.")
        place = (
            _("%(ahead)s patients are before you.") % {"ahead": ahead}
            if ahead
            else _("You are next.")
        )
        return Reply(f"{who}\n{place}\n{worse}", {"handoff": {"ahead": ahead}})
    back_at = next_nurses_hour(now)
    if back_at is None:
        who = _("I have passed your message to the nurses; they answer as soon as they can.")
        return Reply(f"{who}\n{worse}", {"handoff": {"ahead": ahead}})
    when = formats.date_format(back_at.astimezone(hospital.zone), "SHORT_DATETIME_FORMAT")
    who = _("The nurses are off duty now. Your message waits for them; they answer from %(when)s.")
    details = {"handoff": {"ahead": ahead, "back_at": back_at.isoformat()}}
    return Reply(f"{who % {'when': when}}\n{worse}", details)
