"""What to do with a message: decided without asking anybody, so that it can be read and tested.

Order is the point: danger, then the wish for a person, then feelings, then doubt, then service.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from tickets.models import Reason
from triage.labels import Distress, Intent, Understanding, Urgency

MAX_DISTRESS = 0.90  # 0 to 1; an anxious patient is answered, one beyond this is given to a nurse
MAX_ANGER = 0.60  # 0 to 1; a wrong soothing word costs more than a nurse's minute
SURE_OF_CHAT = 0.80  # 0 to 1; whoever mumbles twice is better off with a nurse
MAX_MISSES = 2  # the second misunderstanding in a row brings a nurse


class Act(StrEnum):
    GREET = "greet"
    ANSWER = "answer"  # from signed-off knowledge, else a miss
    ANSWER_OR_NURSE = "answer_or_nurse"  # from signed-off knowledge, else a nurse
    CLARIFY = "clarify"
    ASK_TO_TYPE = "ask_to_type"  # instead of a voice that nobody here could put into words
    START = "start"  # begin a skill that goes on over several messages
    ANSWER_OR_START = "answer_or_start"  # how it is done, from knowledge; else do it
    CARRY_ON = "carry_on"  # give the message to the dialogue at hand
    ASK_AGAIN = "ask_again"  # a word of courtesy in between: the question stands
    RESUME = "resume"  # somebody comes back after hours: go on, or leave it?
    DECLINE = "decline"  # what we are not for: homework, insults, attempts to steer the machine
    HAND_OVER = "hand_over"


@dataclass(frozen=True)
class Decision:
    act: Act
    reason: Reason | None = None  # of a handoff
    urgency: Urgency = Urgency.ROUTINE
    in_danger: bool = False  # show the emergency card and ring the alarm
    skill: str = ""  # to start


# What a tapped tile means, whatever a model would say of its label.
TAPS: dict[str, Act] = {
    "menu": Act.GREET,
    "guide": Act.ANSWER,
    "nurse": Act.HAND_OVER,
    "emergency": Act.HAND_OVER,  # answered at the door, see assistant.danger
    "answer": Act.CARRY_ON,  # one of the options of a question; read by its label
}
SKILL_TAPS: dict[str, str] = {
    "unwell": "triage",
    "triage": "triage",
    "booking": "booking",
    "visits": "visits",
    "report": "report",
    "medicine": "medicine",
    "reminder": "reminder",
    "feedback": "feedback",
}

BY_INTENT: dict[Intent, Act] = {
    Intent.CHITCHAT: Act.GREET,
    Intent.VISIT_GUIDE: Act.ANSWER,
    Intent.FEES_INSURANCE: Act.ANSWER,
    Intent.HEALTH_INFO: Act.ANSWER_OR_NURSE,
    Intent.OTHER: Act.ANSWER,  # what no label fits may still be an article's own question
}
SKILL_BY_INTENT: dict[Intent, str] = {
    Intent.SYMPTOM_TRIAGE: "triage",
    Intent.BOOK_APPOINTMENT: "booking",
    Intent.CHANGE_APPOINTMENT: "visits",
    Intent.REPORT_QUERY: "report",
    Intent.MEDICATION: "medicine",
    Intent.REMINDER: "reminder",
    Intent.COMPLAINT: "feedback",
}
# What is asked of a hospital, and harms nobody when it is answered from signed-off words.
QUESTIONS = frozenset({*BY_INTENT, *SKILL_BY_INTENT}) - {
    Intent.SYMPTOM_TRIAGE, Intent.MEDICATION, Intent.COMPLAINT,
}  # fmt: skip
# "How do I book?", "where are reports printed?": asks how it is done, not to do it.
ASKS_HOW = frozenset({Intent.BOOK_APPOINTMENT, Intent.CHANGE_APPOINTMENT, Intent.REPORT_QUERY})
_HOW = re.compile(
    r"怎么(?!办|样|还|回事)|如何|在哪|哪里|哪儿|哪个窗口|几楼|流程|需要带|带什么|提前几天|能不能提前"
    r"|多久(能|可以|才)?(出|拿|取)"
    r"|\bhow (do|can|to|does|long|far)\b|\bwhere\b|\bwhat do i need\b"
    r"|\bwhich (window|floor|desk)\b",
    re.IGNORECASE,
)
_WHICH_DEPARTMENT = re.compile(
    r"(?:哪个?|什么|啥)科|\b(?:which|what) (?:department|doctor|specialist)\b", re.IGNORECASE
)
# An answer that does not fit is a miss, and no chat in between: the next question is put otherwise.
_BARE_ANSWER = re.compile(
    r"(?:都|也)?(?:没[有得的]?|莫得|木有|不|无|有|是|对|不是)[的了啊呀。.!!]*|(?:no|nope|yes|yeah|yep)[.!]*",
    re.IGNORECASE,
)


def asks_how(words: str) -> bool:
    return _HOW.search(words) is not None


def decide(
    meaning: Understanding,
    *,
    words: str = "",
    tap: str = "",
    misses: int = 0,
    unheard: bool = False,
    declined: bool = False,
    asks_plainly: bool = False,
    is_courtesy: bool = False,
    taken: str | None = None,
) -> Decision:
    """`unheard`: it is a voice that no machine here put into words; `declined`: see `DECLINE`.

    `asks_plainly`: what the hospital says of itself answers it, though the model is not sure;
    `taken`: the skill that reads what it needs in words that the model made nothing of.
    """
    if (tapped := _by_tap(meaning, tap)) is not None:
        return tapped
    if unheard:
        again = missed(meaning, misses=misses)
        return Decision(Act.ASK_TO_TYPE) if again.act is Act.CLARIFY else again
    if (care := first_care(meaning)) is not None:
        return care
    if declined:
        return Decision(Act.DECLINE)
    if is_courtesy:
        return Decision(Act.GREET)
    if asks_plainly:
        return Decision(Act.ANSWER)
    if taken and is_nothing(meaning):
        return Decision(Act.START, skill=taken)
    if meaning.abstained:
        return _hand_over(Reason.UNSURE, meaning)
    if (skill := SKILL_BY_INTENT.get(meaning.intent)) is not None:
        how = meaning.intent in ASKS_HOW and asks_how(words)
        return Decision(Act.ANSWER_OR_START if how else Act.START, skill=skill)
    act = BY_INTENT.get(meaning.intent, Act.HAND_OVER)
    if act is Act.HAND_OVER:
        return _hand_over(Reason.OUT_OF_SCOPE, meaning)
    if act is Act.GREET and meaning.urgency >= Urgency.SAME_DAY:
        return _hand_over(Reason.UNSURE, meaning)  # one of the two is wrong
    return Decision(act)


def may_be_answered(meaning: Understanding) -> bool:
    """Whether a message that the model is unsure of looks like a question to the hospital."""
    return meaning.intent in QUESTIONS and meaning.urgency <= Urgency.ROUTINE


def is_nothing(meaning: Understanding) -> bool:
    """Whether the model made nothing of it, so that a skill's own reading may."""
    return meaning.abstained or meaning.intent is Intent.OTHER


def decide_in_dialogue(
    meaning: Understanding,
    *,
    skill: str,
    words: str,
    tap: str,
    is_answer: bool,
    is_all: bool,
    is_stale: bool,
    declined: bool,
    asks_plainly: bool,
    hears_anger: bool = False,
) -> Decision:
    """What to do with a message that comes while `skill` waits for an answer.

    `is_answer`: the skill can read something in it; `is_all`: and it says nothing else, so no model
    was asked; `is_stale`: it was asked hours ago; `hears_anger`: it asked what went wrong,
    keeps the answer, and sees to a nurse.
    """
    if (tapped := _by_tap(meaning, tap)) is not None and tapped.act is not Act.CARRY_ON:
        return tapped
    if is_all:
        return Decision(Act.CARRY_ON)
    if (care := first_care(meaning)) is not None:
        kept = hears_anger and is_answer and care.reason == Reason.ANGER
        return Decision(Act.CARRY_ON) if kept else care
    if is_answer:
        return Decision(Act.CARRY_ON)
    if declined:
        return Decision(Act.DECLINE)
    if meaning.abstained:
        if asks_plainly and may_be_answered(meaning):
            return Decision(Act.ANSWER)
    elif not _BARE_ANSWER.fullmatch(words.strip()):
        besides = _besides(meaning, skill=skill, words=words)
        if besides is not None and not (besides.act is Act.ASK_AGAIN and is_stale):
            return besides
    return Decision(Act.RESUME if is_stale else Act.CARRY_ON)


def _besides(meaning: Understanding, *, skill: str, words: str) -> Decision | None:
    """Something else in the middle of a dialogue, or None."""
    if meaning.intent is Intent.CHITCHAT:  # "嗯嗯那啥" is perhaps one, and an answer is it not
        return Decision(Act.ASK_AGAIN) if meaning.intent_confidence >= SURE_OF_CHAT else None
    if skill == "triage" and _WHICH_DEPARTMENT.search(words):  # that is what it is asking for
        return Decision(Act.ASK_AGAIN)
    if meaning.intent in BY_INTENT and meaning.intent is not Intent.OTHER:
        return Decision(Act.ANSWER)
    other = SKILL_BY_INTENT.get(meaning.intent)
    if meaning.intent in ASKS_HOW and asks_how(words):
        return Decision(Act.ANSWER)
    if other is not None and other != skill:
        return Decision(Act.START, skill=other)
    return None


def _by_tap(meaning: Understanding, tap: str) -> Decision | None:
    if tap == "nurse":
        return _hand_over(Reason.ASKED, meaning)
    if tap == "emergency":
        return _danger(Reason.RED_FLAG)
    if (skill := SKILL_TAPS.get(tap)) is not None:
        return Decision(Act.START, skill=skill)
    if (act := TAPS.get(tap)) is not None and act is not Act.CARRY_ON:
        return Decision(act)
    return None


def first_care(meaning: Understanding) -> Decision | None:
    """Danger, the wish for a person, feelings: before any service."""
    if meaning.distress is Distress.CRISIS:
        return _danger(Reason.DISTRESS)
    if Urgency.EMERGENCY in (meaning.urgency, _urgency_of(meaning.intent)):
        # A sure model rings the alarm; an unsure one still brings a nurse soon.
        return _hand_over(Reason.UNSURE, meaning) if meaning.abstained else _danger(Reason.RED_FLAG)
    if meaning.wants_human or meaning.intent is Intent.HUMAN_AGENT:
        return _hand_over(Reason.ASKED, meaning)
    if meaning.distress is Distress.ANGRY and meaning.distress_confidence >= MAX_ANGER:
        return _hand_over(Reason.ANGER, meaning)
    if meaning.distress is Distress.ANXIOUS and meaning.distress_confidence >= MAX_DISTRESS:
        return _hand_over(Reason.DISTRESS, meaning)
    return None


def may_be_reworded(meaning: Understanding, decision: Decision) -> bool:
    """Whether a model's wording may stand in for an article's: only where nothing is at stake.

    Not after a tap, nor in doubt: then nobody has told how urgent the message is. One with a red
    flag never comes here; it was answered at the door.
    """
    return (
        decision.act in (Act.ANSWER, Act.ANSWER_OR_NURSE, Act.ANSWER_OR_START)
        and not meaning.abstained
        and meaning.urgency <= Urgency.ROUTINE
        and meaning.distress in (Distress.CALM, Distress.ANXIOUS)
    )


def missed(meaning: Understanding, *, misses: int) -> Decision:
    """Nothing to say: ask differently once, then bring a nurse."""
    if misses + 1 >= MAX_MISSES:
        return _hand_over(Reason.MISUNDERSTOOD, meaning)
    return Decision(Act.CLARIFY)


def _danger(reason: Reason) -> Decision:
    return Decision(Act.HAND_OVER, reason, Urgency.EMERGENCY, in_danger=True)


def _hand_over(reason: Reason, meaning: Understanding) -> Decision:
    # An unsure "emergency" is seen the same day at the latest; nothing is ever lowered below that.
    urgency = max(Urgency.ROUTINE, min(meaning.urgency, Urgency.SAME_DAY))
    if _urgency_of(meaning.intent) is Urgency.EMERGENCY:
        urgency = Urgency.SAME_DAY
    return Decision(Act.HAND_OVER, reason, urgency)


def _urgency_of(intent: Intent) -> Urgency:
    return Urgency.EMERGENCY if intent is Intent.EMERGENCY else Urgency.NONE
