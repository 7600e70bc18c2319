"""Channels as an admin sets them up, and the log of what was sent. Secrets are write-only."""

import ipaddress
import unicodedata
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from adapters.contracts import Adapter, Field, Pulling
from adapters.health import condition_of, health_of, missing, percent, rests_until, with_error_rate
from adapters.models import Account, Attempt, Token
from adapters.registry import ADAPTERS, NoAdapter, adapter_of
from patients.models import Channel
from vault.admin import ReadOnlyAdmin
from vault.datakeys import create_data_key

KEY = "callback_key"  # the field whose secret stands at the end of the callback's address


def _fields_of(kind: str) -> tuple[Field, ...]:
    fields: tuple[Field, ...] = ADAPTERS[kind].setup if kind in ADAPTERS else ()
    return fields


class Copied(forms.CharField):
    """What is copied from a vendor's console: blanks and wide characters on the way are mended."""

    def to_python(self, value: Any) -> str:
        typed = "".join(each for each in str(value or "") if unicodedata.category(each) != "Cf")
        narrow = unicodedata.normalize("NFKC", typed).strip()
        # What is no plain text then is a sentence or a name in Chinese: its signs stay wide.
        return narrow if narrow.isascii() else typed.strip().strip("【】").strip()


class CopiedSecret(Copied):
    def validate(self, value: str) -> None:
        super().validate(value)
        if not value.isascii() or any(each.isspace() for each in value):
            raise forms.ValidationError(
                _("Letters, digits and signs only, without a blank: please copy it once more.")
            )


class CopiedAddress(Copied):
    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not _is_address(value):
            raise forms.ValidationError(_("An address begins with https:// and has no blank."))


def _is_address(text: str) -> bool:
    try:
        at = urlsplit(text)
        return at.scheme in ("https", "http") and bool(at.hostname) and text.split() == [text]
    except ValueError:
        return False


def _form_field(field: Field, *, account: Account) -> forms.Field:
    common = {"label": field.label, "help_text": field.help, "required": field.is_required}
    if field.choices:
        return forms.ChoiceField(choices=field.choices, widget=UnfoldAdminSelectWidget(), **common)
    if not field.is_secret:
        kind = CopiedAddress if field.name.endswith("_url") else Copied
        return kind(widget=UnfoldAdminTextInputWidget(), **common)
    if account.secrets.get(field.name):
        common |= {"help_text": _("Set. Leave empty to keep it."), "required": False}
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return CopiedSecret(widget=widget, **common)


class NewAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """A channel and its account, begun in one step; the credentials come on the next page."""

    kind = forms.ChoiceField(label=_("kind"), widget=UnfoldAdminSelectWidget())
    name = forms.CharField(label=_("name"), max_length=60, widget=UnfoldAdminTextInputWidget())
    slug = forms.SlugField(
        label=_("short name"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Stands in the address that the vendor calls; it can't be changed later."),
    )

    class Meta:
        model = Account
        fields: ClassVar[list[str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asks = [(kind, adapter.label) for kind, adapter in ADAPTERS.items() if adapter.setup]
        self.fields["kind"].choices = asks  # type: ignore[attr-defined]

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Channel.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("Another channel has this short name already."))
        return slug

    def save(self, commit: bool = True) -> Any:
        named = {field: self.cleaned_data[field] for field in ("kind", "name", "slug")}
        account = self.instance
        account.channel = Channel.objects.create(**named)
        account.data_key, account.secrets = create_data_key(), {}
        return super().save(commit)


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """The fields that the channel's kind names: open ones as they are, secrets write-only."""

    class Meta:
        model = Account
        fields: ClassVar[list[str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in _fields_of(self.instance.channel.kind):
            self.fields[field.name] = _form_field(field, account=self.instance)
            if not field.is_secret:
                self.initial[field.name] = self.instance.settings.get(field.name, "")

    def save(self, commit: bool = True) -> Any:
        account = self.instance
        named, secrets = dict(account.settings), dict(account.secrets)
        for field in _fields_of(account.channel.kind):
            said = self.cleaned_data[field.name]
            if not field.is_secret:
                named[field.name] = said
            elif said:
                secrets[field.name] = said
        account.settings, account.secrets = named, secrets
        return super().save(commit)


@admin.register(Account)
class AccountAdmin(ModelAdmin):  # type: ignore[misc]
    """One page for a channel: its address, its credentials, a check, and how it does."""

    list_display: ClassVar = [
        "channel", "kind", "condition", "last_heard", "error_rate", "resting_until",
    ]  # fmt: skip
    list_select_related: ClassVar = ["channel"]
    ordering: ClassVar = ["channel__name"]
    actions_detail: ClassVar = ["try_out", "to_channel", "to_log"]
    warn_unsaved_form = True  # a check leaves the page, and tries what was saved
    change_form_outer_before_template = "adapters/account_before.html"
    change_form_outer_after_template = "adapters/account_health.html"

    # --- the page -------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["kind", "name", "slug"]})]
        named = [field.name for field in _fields_of(obj.channel.kind)]
        return [(_("Credentials"), {"fields": named})]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **_: Any
    ) -> Any:
        # Its fields are named by the channel's kind, not by the model.
        return AccountForm if obj else NewAccountForm

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        account = self.get_object(request, object_id)
        shown = _shown(request, account) if account is not None else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        # Its form can't be shown read-only: nothing but the form knows its fields.
        return bool(self.has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """With other credentials a token is another's, and the vendor may be asked again at once.

        What a worker that fetches just now has written stays as it is.
        """
        if not change:
            obj.save()
            return
        obj.failures, obj.open_until = 0, None
        obj.save(update_fields=["settings", "secrets", "failures", "open_until"])
        Token.objects.filter(account=obj).exclude(name="ring").delete()

    def response_add(
        self, request: HttpRequest, obj: Account, post_url_continue: Any = None
    ) -> HttpResponse:
        """On to the credentials: without them the channel neither hears nor speaks."""
        return HttpResponseRedirect(_page_of(obj))

    def response_change(self, request: HttpRequest, obj: Account) -> HttpResponse:
        """Who stays on the page sees at once what works."""
        answer: HttpResponse = super().response_change(request, obj)
        return HttpResponseRedirect(_checked(obj)) if "_continue" in request.POST else answer

    # --- the list -------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> Any:
        accounts: QuerySet[Account] = super().get_queryset(request)
        return with_error_rate(accounts, timezone.now())

    @display(description=_("kind"), ordering="channel__kind")  # type: ignore[untyped-decorator]
    def kind(self, account: Account) -> Any:
        return _kind_of(account)

    @display(  # type: ignore[untyped-decorator]
        description=_("condition"),
        label={
            "well": "success",
            "off": "info",
            "unfinished": "warning",
            "silent": "warning",
            "failing": "danger",
            "resting": "danger",
        },
    )
    def condition(self, account: Account) -> tuple[str, Any]:
        found = condition_of(account.channel, account, timezone.now())
        return found.code, found.words

    @display(description=_("last message at"), ordering="channel__heard_at")  # type: ignore[untyped-decorator]
    def last_heard(self, account: Account) -> Any:
        return account.channel.heard_at

    @display(description=_("errors in the last hour"))  # type: ignore[untyped-decorator]
    def error_rate(self, account: Any) -> Any:
        rate = percent(account.failed_lately, account.tried_lately)
        told = {"rate": rate, "failed": account.failed_lately, "tried": account.tried_lately}
        return _("%(rate)s%% (%(failed)s of %(tried)s)") % told if rate is not None else "–"

    @display(description=_("resting until"), ordering="open_until")  # type: ignore[untyped-decorator]
    def resting_until(self, account: Account) -> Any:
        return rests_until(account, timezone.now())

    # --- the buttons ----------------------------------------------------------------------------

    @action(description=_("Check"), url_path="check", permissions=["try_out"], icon="network_check")  # type: ignore[untyped-decorator]
    def try_out(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        """Try each step just now, and say which one fails."""
        return HttpResponseRedirect(_checked(get_object_or_404(Account, pk=object_id)))

    def has_try_out_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(self.has_change_permission(request))

    @action(description=_("Name, on and off"), url_path="channel", icon="toggle_on")  # type: ignore[untyped-decorator]
    def to_channel(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        account = get_object_or_404(Account, pk=object_id)
        return HttpResponseRedirect(
            reverse("admin:patients_channel_change", args=[account.channel_id])
        )

    @action(description=_("Delivery log"), url_path="log", icon="outgoing_mail")  # type: ignore[untyped-decorator]
    def to_log(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        account = get_object_or_404(Account, pk=object_id)
        log = reverse("admin:adapters_attempt_changelist")
        return HttpResponseRedirect(f"{log}?channel__id__exact={account.channel_id}")


def _shown(request: HttpRequest, account: Account) -> dict[str, Any]:
    """What stands around the form."""
    now, channel, adapter = timezone.now(), account.channel, _adapter_of(account)
    fields = _fields_of(channel.kind)
    needs_key = any(field.name == KEY for field in fields)
    has_key = bool(account.secrets.get(KEY))
    is_asked = request.method == "GET" and "checked" in request.GET
    return {
        "kind": _kind_of(account),
        "channel": channel,
        "show_save_and_add_another": False,
        "address": _public(request.build_absolute_uri(callback_address(account))),
        "is_reachable": _is_reachable(request.get_host()),
        "needs_key": needs_key,
        "offered_key": _offered_key(account) if needs_key and not has_key else "",
        "shares_address": isinstance(adapter, Pulling),
        "missing": missing(account),
        "health": health_of(channel, now),
        "is_sms": adapter is not None and adapter.capabilities.reaches_phones,
        "steps": _steps(adapter) if adapter and is_asked else None,
        "checked_at": now,
    }


def callback_address(account: Account) -> str:
    """The path that the vendor calls."""
    return reverse("channel-callback", args=[account.channel.slug])


def _steps(adapter: Adapter) -> list[dict[str, Any]]:
    """What a check says, step by step."""
    return [
        {"name": step.name, "works": step.works, "hint": "" if step.works else step.hint}
        for step in adapter.check()
    ]


def _offered_key(account: Account) -> str:
    """A key that nobody guesses; the same each time, for it may stand at the vendor's already."""
    return salted_hmac("wenan.callback-key", str(account.uid)).hexdigest()[:32]


def _page_of(account: Account) -> str:
    return reverse("admin:adapters_account_change", args=[account.pk])


def _checked(account: Account) -> str:
    return f"{_page_of(account)}?checked=1"


def _kind_of(account: Account) -> Any:
    known = ADAPTERS.get(account.channel.kind)
    return known.label if known else account.channel.kind


def _public(url: str) -> str:
    """Vendors call by https alone, whatever this page came by."""
    return f"https://{url.partition('://')[2]}"


def _is_reachable(host: str) -> bool:
    """Whether this name can be one that a vendor reaches from outside."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_global
    except ValueError:
        return "." in name and not name.endswith((".local", ".localhost", ".internal"))


def _adapter_of(account: Account) -> Adapter | None:
    try:
        return adapter_of(account.channel)
    except NoAdapter:
        return None


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """What was tried, when, and what the vendor said, by code: no word of any message."""

    list_display: ClassVar = [
        "id", "channel", "conversation", "began_at", "outcome", "category", "code", "status",
        "segments",
    ]  # fmt: skip
    list_filter: ClassVar = ["channel", "result", "category", "status"]
    list_select_related: ClassVar = ["channel", "message"]
    ordering: ClassVar = ["-id"]
    show_full_result_count = False
    fields: ClassVar = [
        ("channel", "conversation"), ("began_at", "ended_at"), ("result", "category", "code"),
        ("status", "status_at"), ("vendor_id", "segments", "part"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["conversation"]

    @display(  # type: ignore[untyped-decorator]
        description=_("result"),
        label={
            "accepted": "success",
            "rejected": "danger",
            "unknown": "warning",
            "retry": "info",
        },
    )
    def outcome(self, attempt: Attempt) -> tuple[str, Any]:
        return attempt.result, attempt.get_result_display()

    @display(description=_("conversation"))  # type: ignore[untyped-decorator]
    def conversation(self, attempt: Attempt) -> str:
        return f"{attempt.message.conversation_id}/{attempt.message.seq}"
