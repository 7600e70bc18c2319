"""The counts that a model is watched by, and the week that it is compared with."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from insight.drift import WEEK, percent
from insight.models import ModelDay, ReferenceWeek
from tickets.admin import URGENCIES
from triage.labels import Intent, Urgency
from vault.admin import ReadOnlyAdmin

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
