"""What can be said of a message: the labels that rules, models and people share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Intent(StrEnum):
    BOOK_APPOINTMENT = "book_appointment"
    CHANGE_APPOINTMENT = "change_appointment"
    REPORT_QUERY = "report_query"
    SYMPTOM_TRIAGE = "symptom_triage"
    MEDICATION = "medication"
    REMINDER = "reminder"
    FEES_INSURANCE = "fees_insurance"
    VISIT_GUIDE = "visit_guide"
    HEALTH_INFO = "health_info"
    COMPLAINT = "complaint"
    HUMAN_AGENT = "human_agent"
    EMERGENCY = "emergency"
    CHITCHAT = "chitchat"
    OTHER = "other"


class Urgency(IntEnum):
    NONE = 0
    ROUTINE = 1
    SAME_DAY = 2
    EMERGENCY = 3


class Distress(StrEnum):
    CALM = "calm"
    ANXIOUS = "anxious"
    ANGRY = "angry"
    CRISIS = "crisis"  # suicide, self-harm, violence


# The standard departments, by their Chinese names; a hospital adds its own in `hospital`.
DEPARTMENTS: tuple[str, ...] = (
    "中医科", "乳腺甲状腺外科", "产科", "儿科", "全科医学科", "内分泌科", "口腔科", "呼吸内科",
    "妇科", "康复疼痛科", "心胸外科", "心血管内科", "急诊科", "感染科", "整形美容科", "普外科",
    "泌尿外科", "消化内科", "男科", "皮肤科", "眼科", "神经内科", "神经外科", "精神心理科",
    "耳鼻喉科", "肛肠科", "肾内科", "肿瘤科", "血液内科", "风湿免疫科", "骨科",
)  # fmt: skip


@dataclass(frozen=True)
class DepartmentScore:
    name: str  # one of DEPARTMENTS
    confidence: float  # 0 to 1


@dataclass(frozen=True)
class Understanding:
    """What the models say of one message, and which model said it."""

    intent: Intent
    intent_confidence: float  # 0 to 1, calibrated
    urgency: Urgency
    distress: Distress
    distress_confidence: float  # 0 to 1, calibrated
    departments: tuple[DepartmentScore, ...]  # the likeliest first, three at most
    wants_human: bool
    abstained: bool  # True: below the calibrated threshold, a person should read it
    model: str = ""  # name, version and checksum of what said so
    also: tuple[Intent, ...] = ()  # what else is wished in the same message
    evidence: Mapping[str, Any] = field(default_factory=dict)  # scores, thresholds, rules: all used


# What a model that failed says: nothing, and a nurse reads the message.
NOT_UNDERSTOOD = Understanding(
    intent=Intent.OTHER,
    intent_confidence=0.0,
    urgency=Urgency.NONE,
    distress=Distress.CALM,
    distress_confidence=0.0,
    departments=(),
    wants_human=False,
    abstained=True,
)
