"""What of our own accord we asked a patient last, and which of it these words answer."""

import re
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

from assistant.reading.times import find_times
from assistant.talk import Talk
from careplans.answers import Answer, Meaning, read_answer
from careplans.models import Due, DueKind, State
from careplans.services import ANSWERED_WITHIN, answerable, awaiting_answer, together
from careplans.wording import stamped
from conversations.models import Author, Kind, Message
from records.guard import find_drugs

BUTTONS_FOR = timedelta(days=14)  # an older one is told that it is over, too
# Later in a talk only what names the medicine, or the reminding, is still an answer to it.
_NAMES_IT = re.compile(
    r"吃|服|喝|药|片|打针|胰岛素|提醒|忘|漏"
    r"|\b(?:took|taken|take|pills?|med(?:s|icines?|ication)?|dose|tablets?|remind\w*|refill)\b",
    re.IGNORECASE,
)
# "每天早晚提醒我吃药" asks for a reminder, and is no answer to one.
_SETS_UP = re.compile(
    r"(每|天天|早晚|早中晚|(一|每)(天|日).{0,2}[次回遍]|设(个|置|一)|定(个|时)|加(个|一)|长期|以后都|闹钟|改成|改到|暂停|恢复提醒|我的提醒)"
    r"|\b(?:every|daily|each day|a day|set up|set a|new reminder|my reminders?|pause|resume)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Awaited:
    due: Due
    words: str  # without what a button says of the hour it belongs to
    is_button: bool = False
    is_newest: bool = False  # nothing else was said to them since
    named: tuple[int, ...] = ()  # rows of the same message whose medicine is named; empty: all

    @property
    def answer(self) -> Answer:
        return read_answer(self.words)


def awaited(talk: Talk) -> Awaited | None:
    """What was asked, and waits for an answer; of a button the very row that it stood below."""
    if "awaited" not in talk.read:
        talk.read["awaited"] = _find(talk)
    found: Awaited | None = talk.read["awaited"]
    return found


def _find(talk: Talk) -> Awaited | None:
    if (button := _by_button(talk)) is not None:
        return button
    due = awaiting_answer(talk.conversation, now=talk.now)
    if due is None:
        left_out = _left_out(talk)
        return Awaited(left_out, talk.words) if left_out is not None else None
    due = _named(due, talk)
    return Awaited(
        due, talk.words, is_newest=_is_newest(due, talk), named=named_in(talk.words, due)
    )


def named_in(words: str, due: Due) -> tuple[int, ...]:
    """Of what was asked in one message the rows whose medicine these words name."""
    rows = together(due).filter(kind=DueKind.DOSE).select_related("medication").order_by("pk")
    return tuple(each.pk for each in rows if _is_named(each, words))


def _is_named(due: Due, words: str) -> bool:
    if due.medication is None:
        return False
    name = due.medication.medicine
    return name.casefold() in words.casefold() or bool(_ids_in(name) & _ids_in(words))


def _ids_in(words: str) -> set[str]:
    return {each for mention in find_drugs(words) if not mention.name.vague for each in mention.ids}


def _by_button(talk: Talk) -> Awaited | None:
    moment = stamped(talk.words)
    if moment is None:
        return None
    here = Due.objects.filter(
        message__conversation=talk.conversation,
        kind=DueKind.DOSE,
        due_at__gt=talk.now - BUTTONS_FOR,
    ).select_related("plan__patient", "step", "medication")
    for due in here.order_by("-due_at", "pk"):
        local = due.due_at.astimezone(due.plan.zone)
        if (local.month, local.day, f"{local:%H:%M}") == moment.when:
            return Awaited(due, talk.words[moment.length :], is_button=True)
    return None


def _left_out(talk: Talk) -> Due | None:
    """The dose that was not taken by their word, when they say now that it was."""
    if read_answer(talk.words).meaning is not Meaning.TAKEN:
        return None
    skipped = Due.objects.filter(
        message__conversation=talk.conversation,
        state=State.SKIPPED,
        kind=DueKind.DOSE,
        settled_at__gt=talk.now - ANSWERED_WITHIN,
    ).select_related("plan__patient", "step", "medication")
    return skipped.order_by("-settled_at").first()


def _named(newest: Due, talk: Talk) -> Due:
    """Of several that wait the one that is named: "缬沙坦吃了", "早上的药吃了"."""
    if newest.kind != DueKind.DOSE:
        return newest
    rows = answerable(talk.conversation, now=talk.now).filter(kind=DueKind.DOSE)
    waiting = list(rows.select_related("plan__patient", "medication").order_by("-due_at", "pk"))
    for due in waiting:
        if _is_named(due, talk.words):
            return due
    times = [each for each in find_times(talk.words) if each.wanted]
    for due in waiting:
        at = due.due_at.astimezone(due.plan.zone).time()
        if any(each.includes(at) for each in times):
            return due
    return newest


def _is_newest(due: Due, talk: Talk) -> bool:
    ours = Message.objects.filter(conversation=talk.conversation, kind=Kind.TEXT)
    newest = ours.exclude(author=Author.PATIENT).order_by("-seq").values_list("pk", flat=True)
    return due.message_id == newest.first()


def is_answer(found: Awaited) -> bool:
    """Whether these words are plainly an answer to it, and to nothing said since."""
    if found.is_button:
        return True
    if _SETS_UP.search(found.words):
        return False
    if found.answer.meaning in (Meaning.WORRIED, Meaning.UNCLEAR):
        return False
    return found.is_newest or _NAMES_IT.search(found.words) is not None


def name_of(due: Due) -> str:
    """The medicine, as a patient reads it."""
    return due.medication.medicine if due.medication is not None else _("your medicine")
