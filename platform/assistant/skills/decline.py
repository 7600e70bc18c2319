"""What the assistant is not for, said plainly: steering the machine, insults, homework."""

from django.utils.translation import gettext as _

from assistant.reading.misuse import Misuse, find_misuse
from assistant.skills.greet import menu
from assistant.turn import Reply, Turn
from triage.labels import Intent, Understanding

_IDLE = frozenset({Intent.OTHER, Intent.CHITCHAT})


def is_declined(words: str, meaning: Understanding) -> bool:
    """A threat is not: it is for a person to weigh. Nor what a model is sure to be a service's."""
    found = find_misuse(words)
    if found is None or found.kind is Misuse.THREAT:
        return False
    if found.kind is Misuse.OUT_OF_SCOPE:
        return meaning.abstained or meaning.intent in _IDLE
    return True


def decline(turn: Turn) -> Reply | None:
    found = find_misuse(turn.text)
    match found.kind if found else None:
        case Misuse.INJECTION:
            text = _(
                "I can't change how I work, and I don't act as a doctor. I help with visits,"
                " reports and reminders, and I can bring a nurse."
            )
        case Misuse.ABUSE:
            text = _(
                "I'm sorry that this is annoying. I would like to help: tell me what you need, or"
                " talk to a nurse."
            )
        case Misuse.OUT_OF_SCOPE:
            text = _(
                "That is not something I know about. I help with this hospital: visits, reports,"
                " medicines, reminders."
            )
        case _:
            return None
    return Reply(text, {"choices": menu()})
