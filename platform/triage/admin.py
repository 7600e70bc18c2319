"""The interview's rules: edit, try on the bench, sign off, put into force."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import action, display

from triage.interview_rules import BadRules, shipped_texts
from triage.models import RuleChange, RuleSet, State
from triage.services import (
    AlreadySignedOff,
    LosesRedFlag,
    MayNot,
    NotSignedOff,
    activate,
    draft_rule_set,
    return_to_shipped,
    sign_off,
    texts_of,
    try_out,
)

STATE_COLORS = {
    State.DRAFT.label: "warning",
    State.SIGNED_OFF.label: "info",
    State.ACTIVE.label: "success",
    State.RETIRED.label: "danger",
}
REFUSALS: dict[type[Exception], Any] = {
    MayNot: _("You may not do this."),
    AlreadySignedOff: _("This version was signed off already."),
    NotSignedOff: _("It has to be signed off first."),
    LosesRedFlag: _("Refused: it would lose a red flag of the bank. Run the bench to see which."),
}


class ChangedFiles(StackedInline):  # type: ignore[misc]
    model = RuleChange
    extra = 0
    fields: ClassVar = ["file", "text"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_delete_permission(request, obj)


@admin.register(RuleSet)
class RuleSetAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "version", "note", "show_state", "author", "signed_off_by", "activated_at",
    ]  # fmt: skip
    list_select_related: ClassVar = ["author", "signed_off_by"]
    fields: ClassVar = [
        ("version", "show_state"), "note", ("author", "created_at"),
        ("signed_off_by", "signed_off_at"), ("activated_by", "activated_at"), "checksum",
    ]  # fmt: skip
    inlines: ClassVar = [ChangedFiles]
    actions_list: ClassVar = ["back_to_shipped"]
    actions_detail: ClassVar = ["bench", "sign_off_this", "activate_this"]

    @display(description=_("state"), label=STATE_COLORS)  # type: ignore[untyped-decorator]
    def show_state(self, rule_set: RuleSet) -> Any:
        return rule_set.state.label

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        every = [field.name for field in RuleSet._meta.fields] + ["show_state"]
        return [name for name in every if name != "note" or not _is_open(obj)]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []  # first the version, then its files

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and obj.is_draft and super().has_delete_permission(request, obj)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A version is opened with its number and with what is in force."""
        if request.method != "POST" or not self.has_add_permission(request):
            blank: HttpResponse = super().add_view(request, form_url, extra_context)
            return blank
        draft = draft_rule_set(
            author=_staff(request), now=timezone.now(), note=request.POST.get("note", "")[:200]
        )
        return redirect(_page(draft.pk))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """A file that is named without a text starts as it is in force."""
        texts = None
        for changed in formset.save(commit=False):
            if not changed.text.strip():
                texts = texts or _texts_in_force()
                changed.text = texts[changed.file]
            changed.save()
        for gone in formset.deleted_objects:
            gone.delete()
        formset.save_m2m()

    def has_bench_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("triage.view_ruleset")

    def has_sign_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("triage.sign_off_ruleset")

    def has_activate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("triage.activate_ruleset")

    @action(description=_("Run the bench"), url_path="bench", permissions=["bench"])  # type: ignore[untyped-decorator]
    def bench(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show which cases of the bank this version would change."""
        rule_set = get_object_or_404(RuleSet, pk=object_id)
        try:
            trial = try_out(rule_set)
        except BadRules as bad:
            messages.error(request, _("The rules cannot be read: %(why)s") % {"why": bad})
            return redirect(_page(rule_set.pk))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": rule_set,
            "title": _("Bench of version %(version)s") % {"version": rule_set.version},
            "trial": trial,
        }
        return TemplateResponse(request, "triage/bench.html", context)

    @action(description=_("Sign off"), url_path="sign-off", permissions=["sign"])  # type: ignore[untyped-decorator]
    def sign_off_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, sign_off, _("The version is signed off."))

    @action(description=_("Put into force"), url_path="activate", permissions=["activate"])  # type: ignore[untyped-decorator]
    def activate_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, activate, _("The version is in force."))

    @action(  # type: ignore[untyped-decorator]
        description=_("Back to the shipped rules"), url_path="shipped", permissions=["activate"]
    )
    def back_to_shipped(self, request: HttpRequest) -> HttpResponse:
        return_to_shipped(by=_staff(request))
        messages.success(request, _("The shipped rules are in force."))
        return redirect(reverse("admin:triage_ruleset_changelist"))

    def _act(self, request: HttpRequest, object_id: str, act: Any, done: Any) -> HttpResponse:
        rule_set = get_object_or_404(RuleSet, pk=object_id)
        try:
            act(rule_set, by=_staff(request), now=timezone.now())
            messages.success(request, done)
        except BadRules as bad:
            messages.error(request, _("The rules cannot be read: %(why)s") % {"why": bad})
        except tuple(REFUSALS) as refusal:
            messages.error(request, REFUSALS[type(refusal)])
        return redirect(_page(rule_set.pk))


def _is_open(rule_set: Any) -> bool:
    return rule_set is None or rule_set.is_draft


def _texts_in_force() -> dict[str, str]:
    active = RuleSet.objects.active().first()
    return texts_of(active) if active else shipped_texts()


def _staff(request: HttpRequest) -> Any:
    return request.user  # the admin lets nobody in but staff members


def _page(rule_set_id: int) -> str:
    return reverse("admin:triage_ruleset_change", args=[rule_set_id])
