"""The allergy guard in a conversation: what is said is kept, and what would be said is checked.

What a patient says to be allergic to is put on record at the door, whatever else becomes of the
message. What the assistant would say, and what the patient speaks of taking, is held against the
record; a concern brings a nurse in place of the answer.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from assistant import dialogue
from assistant.talk import BringNurse
from assistant.turn import Reply
from careplans.warnings import in_words, shown
from conversations.models import Conversation, Message
from events.logs import kind_and_place
from patients.models import Patient
from records.guard import BY_ALLERGY, Concern, Watch, stated_allergies
from records.statements import keep_stated
from tickets.models import Reason
from triage.labels import Urgency

logger = logging.getLogger(__name__)

STATED = "allergies"  # in a message's details: what it says of allergies


@dataclass(frozen=True)
class Objection:
    """Why something must not just be said, and where that stands: in what, by whom."""

    concerns: Sequence[Concern]
    text: str

    @property
    def urgency(self) -> Urgency:
        critical = any(each.is_critical for each in self.concerns)
        return Urgency.SAME_DAY if critical else Urgency.ROUTINE


def keep_allergies(message: Message, words: str, *, writer: Patient) -> None:
    """Put what a message says of allergies on record, as said; runs where the message is stored."""
    try:
        stated = stated_allergies(words)
        if not stated:
            return
        with transaction.atomic():
            keep_stated(stated, writer=writer, subject=message.conversation.subject)
    except Exception as error:  # the message itself must stay; its words may be in the error
        logger.error("allergies not kept", extra=kind_and_place(error))
        return
    said = [{"words": each.words, "whose": each.whose} for each in stated]
    message.details = {**(message.details or {}), STATED: said}
    message.save(update_fields=["details"])


def acknowledge(message: Message) -> str:
    """What the patient hears of an allergy that was put on record; empty where none was named."""
    said = (message.details or {}).get(STATED) or []
    if not said:
        return ""
    what = _(", ").join(dict.fromkeys(_of_whom(each) for each in said))
    return _("I have noted: %(what)s. The next nurse you speak with will check it.") % {
        "what": what
    }


def _of_whom(said: dict[str, str]) -> str:
    what = {"what": said["words"], "who": said["whose"]}
    if said["whose"]:
        return _("“%(who)s”: allergic to %(what)s") % what
    return _("you are allergic to %(what)s") % what


def find_objection(
    conversation: Conversation, *, words: str, reply: Reply | None, now: datetime
) -> Objection | None:
    """What speaks against the answer, or against what the patient speaks of; the answer first."""
    watch = Watch(
        conversation.pk,
        writer=conversation.contact_point.patient,
        subject_id=conversation.subject_id,
        now=now,
    )
    told = _told(reply) if reply else ""
    of_answer = [each for each in watch.check(told) if each.is_serious] if told else []
    if of_answer:
        return Objection(of_answer, told)
    of_words = [each for each in watch.check(words) if _counts_in_words(each)] if words else []
    return Objection(of_words, words) if of_words else None


def _told(reply: Reply) -> str:
    """All that the patient would read: the answer, its article's words, what can be tapped."""
    choices = [each.get("label", "") for each in reply.details.get("choices", ())]
    return "\n".join([reply.text, reply.details.get("original", ""), *choices])


def _counts_in_words(concern: Concern) -> bool:
    """A patient may speak of any medicine; what is forbidden to them, or hints at an allergy."""
    return concern.is_critical or concern.kind in BY_ALLERGY


def hold_back(conversation: Conversation, objection: Objection, *, now: datetime) -> BringNurse:
    """A nurse instead of the answer. The patient is not told why: who asks may be somebody else."""
    return BringNurse(
        Reason.GUARD,
        objection.urgency,
        text=_("For safety with medicines, a nurse looks at this before I answer."),
        collected=dialogue.interrupt(conversation, now=now),
    )


def line_of(objection: Objection) -> dict[str, Any]:
    line: dict[str, Any] = {"slot": "guard"}
    for lang, suffix in (("zh-hans", ""), ("en", "_en")):
        with translation.override(lang):
            line[f"label{suffix}"] = _("Medicine warning")
            line[f"value{suffix}"] = _("; ").join(
                f"{each['what']}: {each['why']}"
                for each in shown(list(objection.concerns), objection.text)
            )
    return line


def trace_of(objection: Objection, *, stopped: str) -> dict[str, Any]:
    """What was objected to, and the answer that was not given: kept with the patient's message."""
    return {"guard": {**in_words(list(objection.concerns), objection.text), "stopped": stopped}}
