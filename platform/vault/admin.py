"""The access log for those who audit, and the ways of the admin that other rooms share."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from vault import access
from vault.models import AccessEntry


def record_look(
    request: HttpRequest,
    act: access.Action,
    *,
    subject: str,
    subject_id: int | None,
    reason: str = "admin",
) -> None:
    """Write into the access log what somebody looked at, or did, in the admin."""
    access.record(
        act,
        actor_id=request.user.pk,
        subject=subject,
        subject_id=subject_id,
        reason=reason,
        now=timezone.now(),
    )


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that work makes and people only look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ActorFilter(admin.SimpleListFilter):
    """The members of staff of whom the log speaks."""

    title = _("who")
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in names_of_staff().items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value() or ""
        return queryset.filter(actor_id=int(chosen)) if chosen.isdigit() else queryset


class SubjectFilter(admin.SimpleListFilter):
    title = _("subject")
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(SUBJECTS.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(subject=self.value()) if self.value() else queryset


# Who looked, by the first word of the reason, where it was nobody of the staff.
_WITHOUT_AN_ACCOUNT = {
    "": _("a command on the machine"),
    "patient": _("somebody in a conversation"),
    "proxy": _("a family member who proved it"),
}
SUBJECTS = {"patient": _("patient"), "conversation": _("conversation")}


@admin.register(AccessEntry)
class AccessEntryAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["number", "at", "who", "act", "about", "reason"]
    list_filter: ClassVar = ["action", SubjectFilter, ActorFilter, ("at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_display_links: ClassVar = ["number"]
    ordering: ClassVar = ["-number"]
    show_full_result_count = False
    list_per_page = 50
    actions_list: ClassVar = ["verify"]
    fieldsets: ClassVar = [
        (None, {"fields": ["number", "at", "who", "action", "about", "reason"]}),
        (_("Chain"), {"fields": ["previous", "digest"]}),
    ]
    readonly_fields: ClassVar = ["who", "about"]

    def get_queryset(self, request: HttpRequest) -> Any:
        self._names = names_of_staff()
        return super().get_queryset(request)

    @display(description=_("who"), ordering="actor_id")  # type: ignore[untyped-decorator]
    def who(self, entry: AccessEntry) -> Any:
        if entry.actor_id is None:
            return _WITHOUT_AN_ACCOUNT.get(entry.reason.split(":")[0], _WITHOUT_AN_ACCOUNT[""])
        return self._names.get(entry.actor_id, f"#{entry.actor_id}")

    @display(  # type: ignore[untyped-decorator]
        description=_("action"),
        ordering="action",
        label={"erase": "danger", "change": "warning", "export": "warning", "read": "info"},
    )
    def act(self, entry: AccessEntry) -> tuple[str, str]:
        return entry.action, entry.get_action_display()

    @display(description=_("subject"), ordering="subject_id")  # type: ignore[untyped-decorator]
    def about(self, entry: AccessEntry) -> str:
        name = SUBJECTS.get(entry.subject, entry.subject)
        return f"{name} {entry.subject_id}" if entry.subject_id else str(name)

    @action(description=_("Verify the chain"), url_path="verify", icon="verified_user")  # type: ignore[untyped-decorator]
    def verify(self, request: HttpRequest) -> HttpResponseRedirect:
        broken = access.verify()
        if broken is None:
            messages.success(request, _("Every entry stands as it was written; none is missing."))
        else:
            warning = _("The chain is broken: entry %(number)s is missing or was changed.")
            messages.error(request, warning % {"number": broken})
        return HttpResponseRedirect(reverse("admin:vault_accessentry_changelist"))


def names_of_staff() -> dict[int, str]:
    return {member.pk: str(member) for member in get_user_model().objects.all()}
