"""The book of skills: all that the assistant can do in a dialogue. Adding one is a line here."""

from assistant.skills.booking import BOOKING
from assistant.skills.medicine import MEDICINE
from assistant.skills.offer import OFFER
from assistant.skills.report import REPORT
from assistant.skills.triage import TRIAGE
from assistant.skills.visits import VISITS
from assistant.talk import Skill, Talk

_ALL = (TRIAGE, BOOKING, VISITS, OFFER, REPORT, MEDICINE)
SKILLS: dict[str, Skill] = {skill.name: skill for skill in _ALL}


def wanted(talk: Talk) -> str | None:
    """The skill that these words are for, though nothing is open: an answer to a reminder."""
    return next((name for name, skill in SKILLS.items() if skill.wants(talk)), None)


def taken(talk: Talk) -> str | None:
    """The skill that takes these words where the model could make nothing of them."""
    return next((name for name, skill in SKILLS.items() if skill.takes(talk)), None)
