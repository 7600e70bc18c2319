"""What a patient in danger reads at once: call 120, where to go, and that nurses know."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from assistant.turn import Reply
from hospital.models import Hospital
from hospital.services import nearest_emergency_place

CRISIS_LINE = "12356"  # China's psychological assistance hotline, nationwide since 2025-05-01
POLICE = "110"


def emergency(
    *, lang: str, signs: Sequence[str] = (), self_harm: bool = False, violence: bool = False
) -> Reply:
    """The emergency card. `signs`: names of the rules that fired, in the patient's language."""
    hospital, place = Hospital.objects.this_one(), nearest_emergency_place()
    phone = hospital.emergency_phone
    if violence:
        lines = [
            _(
                "If somebody threatens or hurts you, get to a safe place if you can and call the"
                " police on %(police)s. If anybody is hurt, call %(phone)s now."
            )
            % {"police": POLICE, "phone": phone}
        ]
        if self_harm:  # not "stay with somebody": it may be who hurts them
            lines.append(
                _("You are not alone: you can also call %(line)s.") % {"line": CRISIS_LINE}
            )
    elif self_harm:
        lines = [
            _("You are not alone. Please stay with somebody, and call now: %(phone)s, or %(line)s.")
            % {"phone": phone, "line": CRISIS_LINE}
        ]
    else:
        lines = [
            _("This may be an emergency. Call %(phone)s now; don't wait for an answer here.")
            % {"phone": phone}
        ]
    card = {"kind": "emergency", "phone": phone, "signs": list(signs), "self_harm": self_harm}
    if self_harm:
        card["crisis_line"] = CRISIS_LINE
    if violence:
        card["police"] = POLICE
    if place is not None:
        where = place.in_language("location", lang)
        card["place"] = {
            "name": place.in_language("name", lang),
            "location": where,
            "directions": place.in_language("directions", lang),
            "phone": place.phone,
        }
        lines.append(
            _("Nearest emergency department: %(name)s, %(where)s %(phone)s")
            % {"name": place.in_language("name", lang), "where": where, "phone": place.phone}
        )
    lines.append(_("The nurses have been alarmed and see your message."))
    return Reply("\n".join(lines), {"card": card})
