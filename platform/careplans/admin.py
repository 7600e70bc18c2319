"""Plans, templates and questionnaires, due rows, tasks and feedback.

Lists hold kinds, states and moments. Where a patient's medicine or words are shown, the look is on
the access log.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from careplans.feedback import respond
from careplans.models import (
    CarePlan,
    Due,
    Feedback,
    FeedbackDigest,
    MedicationSchedule,
    PlanTemplate,
    Question,
    Questionnaire,
    QuestionnaireResponse,
    StoppedWhy,
    Task,
    TemplateStep,
)
from careplans.services import pause_plan, resume_plan, stop_plan
from patients.admin import SEALED_WIDGETS
from staff.models import StaffMember
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look


class LookedAtAdmin(ReadOnlyAdmin):
    """Rows of one patient that are only looked at, each look on the log."""

    formfield_overrides: ClassVar = SEALED_WIDGETS
    list_per_page = 50

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        row = self.get_object(request, object_id)
        if row is not None and self.has_view_permission(request, row):
            record_look(request, Action.READ, subject="patient", subject_id=row.patient_id)
        return super().change_view(request, object_id, *args, **kwargs)


class StepInline(TabularInline):  # type: ignore[misc]
    model = TemplateStep
    fields: ClassVar = [
        "number", "offset_days", "offset_hours", "at", "text", "text_en", "questionnaire",
        "expects_answer", "answer_within_h", "settled_by", "priority",
    ]  # fmt: skip
    extra = 0


@admin.register(PlanTemplate)
class PlanTemplateAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "kind", "department", "is_signed_off", "is_active"]
    list_filter: ClassVar = ["kind", "is_signed_off", "is_active"]
    list_select_related: ClassVar = ["department"]
    search_fields: ClassVar = ["code", "name", "name_en"]
    fields: ClassVar = [
        ("name", "name_en"), ("code", "kind"), ("department", "source"),
        ("is_signed_off", "is_active"),
    ]  # fmt: skip
    inlines: ClassVar = [StepInline]


class QuestionInline(TabularInline):  # type: ignore[misc]
    model = Question
    fields: ClassVar = [
        "number", "kind", "text", "text_en", "options", "unit", "least", "most", "alarm_below",
        "alarm_above", "urgency",
    ]  # fmt: skip
    extra = 0


@admin.register(Questionnaire)
class QuestionnaireAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "department", "is_signed_off", "is_active"]
    list_filter: ClassVar = ["is_signed_off", "is_active"]
    list_select_related: ClassVar = ["department"]
    search_fields: ClassVar = ["code", "name", "name_en"]
    fields: ClassVar = [
        ("name", "name_en"), ("code", "department"), "source", ("thanks", "thanks_en"), "bands",
        ("is_signed_off", "is_active"),
    ]  # fmt: skip
    inlines: ClassVar = [QuestionInline]


class MedicationInline(TabularInline):  # type: ignore[misc]
    model = MedicationSchedule
    fields: ClassVar = ["medicine", "dose", "meal", "times", "first_day", "last_day", "refill_on"]
    readonly_fields: ClassVar = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CarePlan)
class CarePlanAdmin(LookedAtAdmin):
    list_display: ClassVar = [
        "id", "patient", "kind", "show_status", "template", "department", "created_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["status", "kind", "template", "stopped_why"]
    list_select_related: ClassVar = ["patient", "template", "department"]
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("patient", "contact_point"), ("kind", "template"), ("status", "stopped_why"),
        ("anchor_at", "department"), ("time_zone", "meals"), ("quiet_from", "quiet_until"),
        "notes", ("created_by", "created_at"), "ended_at",
    ]  # fmt: skip
    inlines: ClassVar = [MedicationInline]
    actions: ClassVar = ["pause", "resume", "stop"]

    @display(  # type: ignore[untyped-decorator]
        description=_("status"),
        ordering="status",
        label={"active": "success", "paused": "warning", "stopped": "danger", "completed": "info"},
    )
    def show_status(self, plan: CarePlan) -> tuple[str, str]:
        return plan.status, plan.get_status_display()

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("careplans.change_careplan"))

    @admin.action(description=_("Pause"), permissions=["steer"])
    def pause(self, request: HttpRequest, queryset: "QuerySet[CarePlan]") -> None:
        _each(request, queryset, lambda plan, now: pause_plan(plan, now=now))

    @admin.action(description=_("Resume"), permissions=["steer"])
    def resume(self, request: HttpRequest, queryset: "QuerySet[CarePlan]") -> None:
        _each(request, queryset, lambda plan, now: resume_plan(plan, now=now))

    @admin.action(description=_("Stop for good"), permissions=["steer"])
    def stop(self, request: HttpRequest, queryset: "QuerySet[CarePlan]") -> None:
        _each(request, queryset, lambda plan, now: stop_plan(plan, why=StoppedWhy.STAFF, now=now))


def _each(
    request: HttpRequest,
    plans: "QuerySet[CarePlan]",
    act: Callable[[CarePlan, datetime], bool],
) -> None:
    now, done = timezone.now(), 0
    for plan in plans:
        if act(plan, now):
            done += 1
            record_look(request, Action.CHANGE, subject="patient", subject_id=plan.patient_id)
    messages.success(request, _("Plans changed: %(number)s") % {"number": done})


@admin.register(Due)
class DueAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "id", "plan", "kind", "due_at", "show_state", "reason", "asked_at", "asks", "settled_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["state", "kind", "reason", ("due_at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related: ClassVar = ["plan"]
    list_per_page = 50
    show_full_result_count = False
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("plan", "kind"), ("due_at", "ask_at"), ("state", "reason"), ("asked_at", "asks"),
        ("answer_by", "until"), ("settled_at",),
    ]  # fmt: skip

    @display(  # type: ignore[untyped-decorator]
        description=_("state"),
        ordering="state",
        label={
            "acknowledged": "success", "missed": "danger", "skipped": "warning", "asked": "info",
        },
    )  # fmt: skip
    def show_state(self, due: Due) -> tuple[str, str]:
        return due.state, due.get_state_display()


@admin.register(QuestionnaireResponse)
class QuestionnaireResponseAdmin(LookedAtAdmin):
    list_display: ClassVar = [
        "id", "patient", "questionnaire", "score", "urgency", "started_at", "completed_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["questionnaire", "urgency"]
    list_select_related: ClassVar = ["patient", "questionnaire"]
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("patient", "questionnaire"), ("score", "urgency"), ("started_at", "completed_at"),
        "answered",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["answered"]

    @display(description=_("answers"))  # type: ignore[untyped-decorator]
    def answered(self, response: QuestionnaireResponse) -> str:
        questions = response.questionnaire.questions.order_by("number")
        said = {str(each.number): each.text for each in questions}
        return " · ".join(
            f"{said.get(number, number)} {kept['value']}"
            for number, kept in response.answers.items()
        )


@admin.register(Task)
class TaskAdmin(LookedAtAdmin):
    list_display: ClassVar = [
        "id", "patient", "kind", "priority", "department", "due_at", "taken_by", "done_at",
    ]  # fmt: skip
    list_filter: ClassVar = [
        ("done_at", admin.EmptyFieldListFilter), "kind", "priority", "department",
    ]  # fmt: skip
    list_select_related: ClassVar = ["patient", "department", "taken_by"]
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("patient", "kind"), ("priority", "department"), "words", ("due_at", "created_by"),
        ("taken_by", "taken_at"), ("done_at", "cancelled_at"), "note",
    ]  # fmt: skip


@admin.register(Feedback)
class FeedbackAdmin(LookedAtAdmin):
    list_display: ClassVar = [
        "id", "patient", "rating", "sort", "is_urgent", "doctor", "department", "answered_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["sort", "is_urgent", "rating", "department"]
    list_select_related: ClassVar = ["patient", "doctor", "department"]
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("patient", "ticket"), ("doctor", "department"), ("rating", "sort"), "is_urgent", "words",
        ("asked_at", "answered_at"), ("digest", "told_at"),
    ]  # fmt: skip


@admin.register(FeedbackDigest)
class FeedbackDigestAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "__str__", "first_day", "answers", "average", "praise", "suggestions", "complaints",
        "responded_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["department", ("responded_at", admin.EmptyFieldListFilter)]
    list_select_related: ClassVar = ["doctor", "department"]
    fields: ClassVar = [
        ("doctor", "department"), ("first_day", "last_day"), ("answers", "average"),
        ("praise", "suggestions", "complaints"), "response", ("responded_by", "responded_at"),
    ]  # fmt: skip
    readonly_fields: ClassVar = [
        "doctor", "department", "first_day", "last_day", "answers", "average", "praise",
        "suggestions", "complaints", "responded_by", "responded_at",
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: FeedbackDigest, form: Any, change: bool
    ) -> None:
        assert isinstance(request.user, StaffMember)
        respond(obj, text=obj.response, by=request.user, now=timezone.now())
