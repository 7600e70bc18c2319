"""Where an outside system and we differ, for a person to settle: names of fields, no values."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from patients.models import Conflict, Owner
from patients.ports import settle_conflict
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look


class SettledFilter(admin.SimpleListFilter):
    title = _("settled")
    parameter_name = "settled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("to settle")), ("yes", _("settled"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() in ("no", "yes"):
            return queryset.filter(settled_at__isnull=self.value() == "no")
        return queryset


@admin.register(Conflict)
class ConflictAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "id", "source", "resource", "kind", "fields", "patient", "found_at", "settled_at", "kept",
    ]  # fmt: skip
    list_filter: ClassVar = [SettledFilter, "kind", "resource", "source"]
    list_select_related: ClassVar = ["patient"]
    fields: ClassVar = [
        "source", "resource", "kind", "fields", "patient", "found_at", "settled_at", "settled_by",
        "kept",
    ]  # fmt: skip
    actions: ClassVar = ["keep_ours", "take_theirs"]

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("patients.change_conflict"))

    @admin.action(description=_("Settled: ours stays"), permissions=["settle"])
    def keep_ours(self, request: HttpRequest, chosen: QuerySet[Conflict]) -> None:
        _settle(request, chosen, Owner.OURS)

    @admin.action(description=_("Settled: theirs is right"), permissions=["settle"])
    def take_theirs(self, request: HttpRequest, chosen: QuerySet[Conflict]) -> None:
        """What differs is fetched again, and filed as they have it."""
        _settle(request, chosen, Owner.THEIRS)


def _settle(request: HttpRequest, chosen: QuerySet[Conflict], keep: Owner) -> None:
    now, count = timezone.now(), 0
    assert request.user.pk is not None
    for conflict in chosen:
        if not settle_conflict(conflict.pk, keep=keep, by_id=request.user.pk, now=now):
            continue
        count += 1
        if conflict.patient_id is not None:
            record_look(
                request,
                Action.CHANGE,
                subject="patient",
                subject_id=conflict.patient_id,
                reason="admin: settle a difference",
            )
    done = ngettext("%(count)d settled.", "%(count)d settled.", count) % {"count": count}
    messages.success(request, done)
