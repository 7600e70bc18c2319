"""What to do with a message: decided without asking anybody, so that it can be read and tested.

Order is the point: danger, then the wish for a person, then feelings, then doubt, then service.
"""

from dataclasses import dataclass
from enum import StrEnum

from tickets.models import Reason
from triage.labels import Distress, Intent, Understanding, Urgency

MAX_DISTRESS = 0.90  # 0 to 1; an anxious patient is answered, one beyond this is given to a nurse
MAX_ANGER = 0.60  # 0 to 1; a wrong soothing word costs more than a nurse's minute
MAX_MISSES = 2  # the second misunderstanding in a row brings a nurse


class Act(StrEnum):
    GREET = "greet"
    ANSWER = "answer"  # from signed-off knowledge, else a miss
    ANSWER_OR_NURSE = "answer_or_nurse"  # from signed-off knowledge, else a nurse
    SUGGEST_DEPARTMENT = "suggest_department"
    CLARIFY = "clarify"
    ASK_TO_TYPE = "ask_to_type"  # instead of a voice that nobody here could put into words
    HAND_OVER = "hand_over"


@dataclass(frozen=True)
class Decision:
    act: Act
    reason: Reason | None = None  # of a handoff
    urgency: Urgency = Urgency.ROUTINE
    in_danger: bool = False  # show the emergency card and ring the alarm


# What a tapped tile means, whatever a model would say of its label.
TAPS: dict[str, Act] = {
    "menu": Act.GREET,
    "unwell": Act.CLARIFY,
    "guide": Act.ANSWER,
    "nurse": Act.HAND_OVER,
    "emergency": Act.HAND_OVER,  # answered at the door, see assistant.danger
}

BY_INTENT: dict[Intent, Act] = {
    Intent.CHITCHAT: Act.GREET,
    Intent.VISIT_GUIDE: Act.ANSWER,
    Intent.FEES_INSURANCE: Act.ANSWER,
    Intent.SYMPTOM_TRIAGE: Act.SUGGEST_DEPARTMENT,
    Intent.BOOK_APPOINTMENT: Act.ANSWER_OR_NURSE,
    Intent.CHANGE_APPOINTMENT: Act.ANSWER_OR_NURSE,
    Intent.REPORT_QUERY: Act.ANSWER_OR_NURSE,
    Intent.HEALTH_INFO: Act.ANSWER_OR_NURSE,
    Intent.OTHER: Act.CLARIFY,
}


def decide(
    meaning: Understanding, *, tap: str = "", misses: int = 0, unheard: bool = False
) -> Decision:
    """`unheard`: it is a voice, and no machine here has put it into words."""
    if tap == "nurse":
        return _hand_over(Reason.ASKED, meaning)
    if tap == "emergency":
        return _danger(Reason.RED_FLAG)
    if tap in TAPS:
        return Decision(TAPS[tap])
    if unheard:
        again = missed(meaning, misses=misses)
        return Decision(Act.ASK_TO_TYPE) if again.act is Act.CLARIFY else again
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
    if meaning.abstained:
        return _hand_over(Reason.UNSURE, meaning)
    act = BY_INTENT.get(meaning.intent, Act.HAND_OVER)
    if act is Act.HAND_OVER:
        return _hand_over(Reason.OUT_OF_SCOPE, meaning)
    if act is Act.CLARIFY:
        return missed(meaning, misses=misses)
    return Decision(act)


def may_be_reworded(meaning: Understanding, decision: Decision) -> bool:
    """Whether a model's wording may stand in for an article's: only where nothing is at stake.

    Not after a tap, nor in doubt: then nobody has told how urgent the message is. One with a red
    flag never comes here; it was answered at the door.
    """
    return (
        decision.act in (Act.ANSWER, Act.ANSWER_OR_NURSE)
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
