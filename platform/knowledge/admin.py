from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from knowledge.filling import FactMissing
from knowledge.models import (
    AlreadySignedOff,
    Article,
    ArticleQuerySet,
    ArticleVersion,
    ArticleVersionQuerySet,
    State,
)
from knowledge.services import (
    MayNotRecall,
    MayNotSignOff,
    NotComplete,
    NotSignedOff,
    draft_version,
    recall,
    sign_off,
)

STATE_COLORS = {
    State.DRAFT.label: "warning",
    State.SCHEDULED.label: "info",
    State.IN_FORCE.label: "success",
    State.EXPIRED.label: "danger",
    State.RECALLED.label: "danger",
}
REFUSALS = {
    MayNotSignOff: _("You may not sign off articles."),
    MayNotRecall: _("You may not recall articles."),
    AlreadySignedOff: _("This version was signed off already."),
    NotSignedOff: _("This is a draft; nobody was told it."),
    NotComplete: _("A title, a text and a source are needed first."),
    FactMissing: _("The text names a place, hours or a price that the hospital has not entered."),
}


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        shown = (State.DRAFT, State.IN_FORCE, State.EXPIRED, State.RECALLED)
        return [(state.value, state.label) for state in shown]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return self._narrow(queryset).get(self.value() or "", lambda: queryset)()

    def _narrow(self, queryset: Any) -> dict[str, Callable[[], Any]]:
        now = timezone.now()
        drafts = queryset.with_draft if isinstance(queryset, ArticleQuerySet) else queryset.drafts
        return {
            State.DRAFT.value: drafts,
            State.IN_FORCE.value: lambda: queryset.in_force(now),
            State.EXPIRED.value: lambda: queryset.expired(now),
            State.RECALLED.value: lambda: queryset.recalled(now),
        }


class VersionHistory(TabularInline):  # type: ignore[misc]
    """What the article said and says; versions are written on their own page."""

    model = ArticleVersion
    fields: ClassVar = [
        "number", "title", "signed_off_by", "signed_off_at", "effective_from", "expires_at",
        "recalled_at",
    ]  # fmt: skip
    fk_name = "article"
    extra = 0
    show_change_link = True
    verbose_name_plural = _("version history")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Article)
class ArticleAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "slug", "title", "category", "department", "owner", "show_state", "is_active",
    ]  # fmt: skip
    list_filter: ClassVar = [StateFilter, "category", "is_active", "department"]
    list_select_related: ClassVar = ["department", "owner"]
    search_fields: ClassVar = [
        "slug", "versions__title", "versions__title_en", "versions__body", "versions__questions",
    ]  # fmt: skip
    autocomplete_fields: ClassVar = ["department"]
    fieldsets: ClassVar = [
        (None, {"fields": ["slug", "category", "department", "owner", "is_active"]}),
    ]
    inlines: ClassVar = [VersionHistory]
    actions: ClassVar = ["sign_off_drafts", "recall_what_holds"]
    actions_detail: ClassVar = ["edit_words"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("versions")

    @display(description=_("title"))  # type: ignore[untyped-decorator]
    def title(self, article: Article) -> str:
        return next((version.title for version in article.versions.all()), "")

    @display(description=_("state"), label=STATE_COLORS)  # type: ignore[untyped-decorator]
    def show_state(self, article: Article) -> Any:
        newest = next(iter(article.versions.all()), None)
        return newest.state(timezone.now()).label if newest else State.DRAFT.label

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # What was said to patients is kept; an article is made inactive instead.
        signed_off = obj and obj.versions.filter(signed_off_at__isnull=False).exists()
        return obj is not None and not signed_off and super().has_delete_permission(request, obj)

    def response_add(
        self, request: HttpRequest, obj: Article, post_url_continue: str | None = None
    ) -> HttpResponse:
        return _open_draft(request, obj)

    @action(description=_("Edit as a new version"), url_path="edit-words", permissions=["change"])  # type: ignore[untyped-decorator]
    def edit_words(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return _open_draft(request, Article.objects.get(pk=object_id))

    @admin.action(description=_("Sign off the draft"), permissions=["change"])
    def sign_off_drafts(self, request: HttpRequest, queryset: ArticleQuerySet) -> None:
        _sign_off(request, ArticleVersion.objects.drafts().filter(article__in=queryset))

    @admin.action(description=_("Recall what is in force"), permissions=["change"])
    def recall_what_holds(self, request: HttpRequest, queryset: ArticleQuerySet) -> None:
        in_force = ArticleVersion.objects.in_force(timezone.now())
        _recall(request, in_force.filter(article__in=queryset))


@admin.register(ArticleVersion)
class ArticleVersionAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "article", "number", "title", "show_state", "signed_off_by", "signed_off_at", "expires_at",
    ]  # fmt: skip
    list_display_links: ClassVar = ["article", "title"]
    list_filter: ClassVar = [StateFilter, "article__category"]
    list_select_related: ClassVar = ["article", "signed_off_by"]
    search_fields: ClassVar = ["article__slug", "title", "title_en", "body", "questions"]
    fieldsets: ClassVar = [
        (None, {"fields": ["article", "number"]}),
        (_("Chinese"), {"fields": ["title", "body", "questions", "source"]}),
        (_("English"), {"fields": ["title_en", "body_en", "questions_en", "source_en"]}),
        (_("How long it holds"), {"fields": [("effective_from", "expires_at")]}),
        (
            _("Who stands for it"),
            {
                "fields": [
                    ("author", "created_at"),
                    ("signed_off_by", "signed_off_at"),
                    ("recalled_by", "recalled_at"),
                    "recall_reason",
                ]
            },
        ),
    ]
    actions: ClassVar = ["sign_off_selected", "recall_selected"]
    actions_detail: ClassVar = ["sign_off_this", "recall_this"]
    drafted: ClassVar = (*ArticleVersion.WORDS, "effective_from", "expires_at")

    @display(description=_("state"), label=STATE_COLORS)  # type: ignore[untyped-decorator]
    def show_state(self, version: ArticleVersion) -> Any:
        return version.state(timezone.now()).label

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a draft is opened from its article, which hands out the number

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_draft = obj is not None and obj.is_draft
        return is_draft and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        every = [field.name for field in ArticleVersion._meta.fields]
        if obj and obj.is_draft:
            return [name for name in every if name not in self.drafted]
        # Of a signed-off version only its end can still be set.
        return [name for name in every if name != "expires_at"]

    @action(description=_("Sign off"), url_path="sign-off", permissions=["change"])  # type: ignore[untyped-decorator]
    def sign_off_this(self, request: HttpRequest, object_id: int) -> HttpResponse:
        _sign_off(request, ArticleVersion.objects.filter(pk=object_id))
        return redirect(_page(object_id))

    @action(description=_("Recall"), url_path="recall", permissions=["change"])  # type: ignore[untyped-decorator]
    def recall_this(self, request: HttpRequest, object_id: int) -> HttpResponse:
        _recall(request, ArticleVersion.objects.filter(pk=object_id))
        return redirect(_page(object_id))

    @admin.action(description=_("Sign off"), permissions=["change"])
    def sign_off_selected(self, request: HttpRequest, queryset: ArticleVersionQuerySet) -> None:
        _sign_off(request, queryset)

    @admin.action(description=_("Recall"), permissions=["change"])
    def recall_selected(self, request: HttpRequest, queryset: ArticleVersionQuerySet) -> None:
        _recall(request, queryset)


def _open_draft(request: HttpRequest, article: Article) -> HttpResponse:
    draft = draft_version(article, author=_staff(request), now=timezone.now())
    return redirect(_page(draft.pk))


def _sign_off(request: HttpRequest, versions: ArticleVersionQuerySet) -> None:
    now, by = timezone.now(), _staff(request)
    done = _each(request, versions, lambda version: sign_off(version, by=by, now=now))
    said = ngettext("%d version is signed off.", "%d versions are signed off.", done)
    _say(request, said, done)


def _recall(request: HttpRequest, versions: ArticleVersionQuerySet) -> None:
    now, by = timezone.now(), _staff(request)
    done = _each(request, versions, lambda version: recall(version, by=by, now=now, reason="admin"))
    said = ngettext("%d version is recalled.", "%d versions are recalled.", done)
    _say(request, said, done)


def _each(
    request: HttpRequest, versions: ArticleVersionQuerySet, act: Callable[[ArticleVersion], Any]
) -> int:
    """Do it to each version, say why where it is refused, and count the rest."""
    done = 0
    for version in versions:
        try:
            act(version)
            done += 1
        except tuple(REFUSALS) as refusal:
            messages.error(request, f"{version}: {REFUSALS[type(refusal)]}")
    return done


def _say(request: HttpRequest, said: str, done: int) -> None:
    if done:
        messages.success(request, said % done)


def _staff(request: HttpRequest) -> Any:
    return request.user  # the admin lets nobody in but staff members


def _page(version_id: int) -> str:
    return reverse("admin:knowledge_articleversion_change", args=[version_id])
