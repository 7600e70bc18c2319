"""What we promised to ask, and when: plans, due rows, questionnaires, nurses' tasks, feedback."""

from careplans.models.dues import Due, DueKind, DueQuerySet, Reason, State
from careplans.models.feedback import Feedback, FeedbackDigest, Sort
from careplans.models.forms import Question, QuestionKind, Questionnaire, QuestionnaireResponse
from careplans.models.plans import (
    CarePlan,
    Meal,
    MedicationSchedule,
    PlanKind,
    PlanTemplate,
    SettledBy,
    Status,
    StoppedWhy,
    TemplateStep,
)
from careplans.models.tasks import Task, TaskKind, TaskQuerySet

__all__ = [
    "CarePlan",
    "Due",
    "DueKind",
    "DueQuerySet",
    "Feedback",
    "FeedbackDigest",
    "Meal",
    "MedicationSchedule",
    "PlanKind",
    "PlanTemplate",
    "Question",
    "QuestionKind",
    "Questionnaire",
    "QuestionnaireResponse",
    "Reason",
    "SettledBy",
    "Sort",
    "State",
    "Status",
    "StoppedWhy",
    "Task",
    "TaskKind",
    "TaskQuerySet",
    "TemplateStep",
]
