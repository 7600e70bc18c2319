"""Reviews to judge, and the counts that a model is watched by.

The lists hold kinds, names of models and numbers. What a patient wrote, and what was understood of
it, is shown on one page alone: by the grant and with the reason that reading a conversation takes,
and written into the access log first.
"""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from conversations.admin import REASON_CHARS, ReasonForm, explain, may_read
from insight import reviews
from insight.drift import WEEK, percent
from insight.labels import Labels, contradicts_itself, said_in
from insight.models import ModelDay, ReferenceWeek, Review
from insight.reading import opens
from tickets.admin import URGENCIES
from triage.departments import DEPARTMENT_EN
from triage.labels import DEPARTMENTS, Distress, Intent, Urgency
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look
from vault.datakeys import Erased
from vault.fields import ERASED

INTENTS: dict[str, Any] = {
    Intent.BOOK_APPOINTMENT: _("booking an appointment"),
    Intent.CHANGE_APPOINTMENT: _("changing an appointment"),
    Intent.REPORT_QUERY: _("asking for a report"),
    Intent.SYMPTOM_TRIAGE: _("describing symptoms"),
    Intent.MEDICATION: _("about medication"),
    Intent.REMINDER: _("about a reminder"),
    Intent.FEES_INSURANCE: _("fees and insurance"),
    Intent.VISIT_GUIDE: _("how to visit"),
    Intent.HEALTH_INFO: _("health information"),
    Intent.COMPLAINT: _("complaint"),
    Intent.HUMAN_AGENT: _("asking for a person"),
    Intent.EMERGENCY: _("emergency"),
    Intent.CHITCHAT: _("small talk"),
    Intent.OTHER: _("something else"),
}
DISTRESSES: dict[str, Any] = {
    Distress.CALM: _("calm"),
    Distress.ANXIOUS: _("anxious"),
    Distress.ANGRY: _("angry"),
    Distress.CRISIS: _("in crisis"),
}


class LabelsForm(forms.Form):
    """What a message means, by docs/labelling.md."""

    intent = forms.ChoiceField(label=_("intent"))
    also = forms.MultipleChoiceField(label=_("further intents"), required=False)
    urgency = forms.TypedChoiceField(label=_("urgency"), coerce=int)
    distress = forms.ChoiceField(label=_("distress"))
    wants_human = forms.BooleanField(label=_("wants a person"), required=False)
    department = forms.ChoiceField(label=_("department"), required=False)
    accept = forms.MultipleChoiceField(label=_("departments accepted as well"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        intents = [(str(intent), INTENTS[intent]) for intent in Intent]
        departments = [(name, _department(name)) for name in DEPARTMENTS]
        choices: dict[str, list[tuple[Any, Any]]] = {
            "intent": intents,
            "also": intents,
            "urgency": [(int(level), URGENCIES[level]) for level in Urgency],
            "distress": [(str(each), DISTRESSES[each]) for each in Distress],
            "department": [("", _("none")), *departments],
            "accept": departments,
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and contradicts_itself(self.labels()):
            raise forms.ValidationError(CONTRADICTION)
        return cleaned

    def labels(self) -> Labels:
        given = self.cleaned_data
        return Labels.from_json({**given, "department": given["department"] or None})


CONTRADICTION = _(
    "These labels contradict each other. An emergency and urgency “emergency” go together, a crisis"
    " is an emergency, who asks for a person wants one, and no label is given twice."
)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", _("waits for a verdict")),
            ("settled", _("settled")),
            ("erased", _("erased")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "open":
                return queryset.open()
            case "settled":
                return queryset.exclude(settled_at=None)
            case "erased":
                return queryset.exclude(data_key__destroyed_at=None)
        return queryset


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "id", "kind", "which_message", "ticket", "model", "found_at", "state", "settled_by",
    ]  # fmt: skip
    list_filter: ClassVar = [
        StateFilter,
        "kind",
        "verdict",
        "model",
        ("settled_by", admin.RelatedOnlyFieldListFilter),
        ("found_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related: ClassVar = ["message", "ticket", "settled_by", "data_key"]
    list_per_page = 50
    show_full_result_count = False
    ordering: ClassVar = ["-id"]
    actions_detail: ClassVar = ["judge"]
    fields: ClassVar = [
        ("kind", "model"), ("which_message", "ticket"), ("state_named", "found_at"),
        ("settled_by", "settled_at"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["which_message", "state_named"]

    @display(description=_("message"))  # type: ignore[untyped-decorator]
    def which_message(self, review: Review) -> str:
        return ERASED if review.data_key.destroyed_at else str(review.message)

    @display(  # type: ignore[untyped-decorator]
        description=_("state"),
        label={"open": "warning", "accepted": "success", "corrected": "success", ERASED: "info"},
    )
    def state(self, review: Review) -> tuple[str, Any]:
        if review.data_key.destroyed_at:
            return ERASED, ERASED
        return review.verdict or "open", review.get_verdict_display() or _("waits for a verdict")

    @display(description=_("state"))  # type: ignore[untyped-decorator]
    def state_named(self, review: Review) -> Any:
        return self.state(review)[1]

    def has_judge_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("insight.change_review") and may_read(request.user)

    @action(  # type: ignore[untyped-decorator]
        description=_("Read and judge"), url_path="judge", permissions=["judge"], icon="lock_open"
    )
    def judge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason, write it down, show the message, and take a verdict on it."""
        if not self.has_judge_permission(request):
            raise PermissionDenied
        review = get_object_or_404(self.get_queryset(request), pk=object_id)
        verdict = request.POST.get("verdict", "")
        labels_form = LabelsForm(request.POST if verdict == "correct" else None)
        if verdict and self._settle(request, review, verdict, labels_form):
            return HttpResponseRedirect(self._next())
        reason_form = ReasonForm(
            request.POST or None, initial={"reason": _("Labelling of %(id)s") % {"id": review}}
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": review,
            "title": _("Judge %(name)s") % {"name": review},
            "form": reason_form,
        }
        if reason_form.is_valid():
            context |= self._open(
                request, review, labels_form, reason=reason_form.cleaned_data["reason"]
            )
        return TemplateResponse(request, "admin/insight/review/judge.html", context)

    def _open(
        self, request: HttpRequest, review: Review, labels_form: LabelsForm, *, reason: str
    ) -> dict[str, Any]:
        record_look(
            request,
            Action.READ,
            subject="conversation",
            subject_id=review.message.conversation_id,
            reason=f"admin: {reason}"[:REASON_CHARS],
        )
        message = review.message
        details = (message.details or {}) if opens(message) else {}
        said = said_in(details)
        known = reviews.labels_of(review) or (said.labels if said else None)
        if not labels_form.is_bound and known is not None:
            labels_form.initial = {**known.as_json(), "department": known.department or ""}
        return {
            "is_open": True,
            "reason": reason,
            "message": message,
            "labels": labels_form,
            "said": said,
            "departments": [
                (_department(each["name"]), percent(each["confidence"]))
                for each in details.get("understanding", {}).get("departments", ())
            ],
            "readable": opens(message) and message.text != ERASED,
            **explain(message),
        }

    def _settle(
        self, request: HttpRequest, review: Review, verdict: str, labels_form: LabelsForm
    ) -> bool:
        who: dict[str, Any] = {"by": request.user, "now": timezone.now()}
        try:
            match verdict:
                case "accept":
                    reviews.accept(review.pk, **who)
                case "skip":
                    reviews.skip(review.pk, **who)
                case "correct" if labels_form.is_valid():
                    reviews.correct(review.pk, labels=labels_form.labels(), **who)
                case _:
                    return False
        except reviews.AlreadySettled:
            messages.error(request, _("A colleague has judged this review already."))
        except Erased:
            messages.error(request, _("This patient was erased: nothing can be learnt from it."))
        except reviews.NothingToAccept:
            messages.error(request, _("No model said anything of this message: correct or skip."))
            return False
        except reviews.Contradiction:
            messages.error(request, CONTRADICTION)
            return False
        else:
            self.log_change(request, review, f"judged: {verdict}")
            messages.success(request, _("%(name)s is settled.") % {"name": review})
        return True

    def _next(self) -> str:
        """The page of the oldest review that waits; the list when none does."""
        waiting = Review.objects.open().order_by("pk").first()
        if waiting is None:
            return reverse("admin:insight_review_changelist")
        return reverse("admin:insight_review_judge", args=[waiting.pk])


@admin.register(ModelDay)
class ModelDayAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "day", "model", "messages", "not_sure", "urgent", "unknown", "counted_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["model"]
    list_per_page = 50
    fields: ClassVar = [
        ("day", "model"), ("messages", "abstained"), ("intents_named", "urgencies_named"),
        ("characters", "unknown_characters"), "counted_at",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["intents_named", "urgencies_named"]

    @display(description=_("not sure"))  # type: ignore[untyped-decorator]
    def not_sure(self, day: ModelDay) -> str:
        return percent(day.abstained / day.messages) if day.messages else "–"

    @display(description=_("emergencies"))  # type: ignore[untyped-decorator]
    def urgent(self, day: ModelDay) -> int:
        emergencies: int = day.urgencies.get(str(int(Urgency.EMERGENCY)), 0)
        return emergencies

    @display(description=_("unknown characters"))  # type: ignore[untyped-decorator]
    def unknown(self, day: ModelDay) -> str:
        share = day.unknown_characters / day.characters if day.characters else 0.0
        return percent(share, digits=1)

    @display(description=_("intents"))  # type: ignore[untyped-decorator]
    def intents_named(self, day: ModelDay) -> str:
        known = [(str(INTENTS[i]), day.intents[i]) for i in Intent if i in day.intents]
        return ", ".join(f"{name} {number}" for name, number in known)

    @display(description=_("urgency"))  # type: ignore[untyped-decorator]
    def urgencies_named(self, day: ModelDay) -> str:
        known = [(name, day.urgencies.get(str(level))) for level, name in URGENCIES.items()]
        return ", ".join(f"{name} {number}" for name, number in known if number)


class ReferenceWeekForm(forms.ModelForm):  # type: ignore[type-arg]
    model = forms.ChoiceField(label=_("model"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ReferenceWeek
        fields: ClassVar = ["model", "first_day"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ModelDay.objects.order_by("model").values_list("model", flat=True).distinct()
        self.fields["model"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        model, first_day = cleaned.get("model"), cleaned.get("first_day")
        if model and first_day:
            counted = ModelDay.objects.filter(model=model)
            first, last = first_day, first_day + timedelta(days=WEEK - 1)
            if not counted.filter(day__range=(first, last)).exists():
                raise forms.ValidationError(_("No day of this week was counted for this model."))
        return cleaned


@admin.register(ReferenceWeek)
class ReferenceWeekAdmin(ModelAdmin):  # type: ignore[misc]
    form = ReferenceWeekForm
    list_display: ClassVar = ["model", "first_day", "chosen_by", "chosen_at"]
    fields: ClassVar = ["model", "first_day"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferenceWeek]:
        weeks: QuerySet[ReferenceWeek] = super().get_queryset(request)
        return weeks.select_related("chosen_by")

    def save_model(self, request: HttpRequest, obj: ReferenceWeek, form: Any, change: bool) -> None:
        obj.chosen_by, obj.chosen_at = request.user, timezone.now()  # type: ignore[assignment]
        obj.save()


def _department(name: str) -> str:
    if (get_language() or "").startswith("en"):
        return DEPARTMENT_EN.get(name, name)
    return name
