"""The book of skills: all that the assistant can do in a dialogue. Adding one is a line here."""

from assistant.skills.booking import BOOKING
from assistant.skills.dose import DOSE
from assistant.skills.feedback import FEEDBACK
from assistant.skills.followup import FOLLOWUP
from assistant.skills.medicine import MEDICINE
from assistant.skills.offer import OFFER
from assistant.skills.reminder import REMINDER
from assistant.skills.report import REPORT
from assistant.skills.triage import TRIAGE
from assistant.skills.visits import VISITS
from assistant.talk import Skill, Talk

# Where two want the same words the first has them: an answer to a reminder names a medicine, too.
_ALL = (
    TRIAGE, BOOKING, VISITS, OFFER, REPORT, FOLLOWUP, DOSE, REMINDER, FEEDBACK, MEDICINE,
)  # fmt: skip
SKILLS: dict[str, Skill] = {skill.name: skill for skill in _ALL}


def wanted(talk: Talk) -> str | None:
    """The skill that these words are for, though nothing is open: an answer to a reminder."""
    return next((name for name, skill in SKILLS.items() if skill.wants(talk)), None)


def taken(talk: Talk) -> str | None:
    """The skill that takes these words where the model could make nothing of them."""
    return next((name for name, skill in SKILLS.items() if skill.takes(talk)), None)


def claimed(talk: Talk, *, answers: bool) -> str | None:
    """The same in the middle of another skill, which `answers`: can read these words too."""
    return next((name for name, skill in SKILLS.items() if skill.claims(talk, answers)), None)


def overhear(talk: Talk) -> None:
    """Let each skill note what it is told by words that go elsewhere: "吃了,可是头晕"."""
    for skill in SKILLS.values():
        skill.overhear(talk)
