"""A voice that no machine here has put into words."""

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice
from hospital.models import Hospital


def ask_to_type(turn: Turn) -> Reply:
    """What a patient reads whose voice no machine here has put into words."""
    hospital = Hospital.objects.this_one()
    asked = _(
        "I can't understand voice messages yet; please type what you would like to tell me. A nurse"
        " can listen to your voice message."
    )
    worse = _("If it gets worse, call %(phone)s or go to the emergency department.") % {
        "phone": hospital.emergency_phone
    }
    return Reply(f"{asked}\n{worse}", {"choices": [choice(_("Talk to a nurse"), tap="nurse")]})
