"""Channels as an admin sets them up, and the log of what was sent. Secrets are write-only."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from adapters.contracts import Field
from adapters.models import Account, Attempt
from adapters.registry import ADAPTERS, adapter_of
from patients.models import Channel
from vault.admin import ReadOnlyAdmin
from vault.datakeys import create_data_key


def _fields_of(kind: str) -> tuple[Field, ...]:
    fields: tuple[Field, ...] = ADAPTERS[kind].setup if kind in ADAPTERS else ()
    return fields


def _form_field(field: Field, *, account: Account) -> forms.Field:
    common = {"label": field.label, "help_text": field.help}
    if field.choices:
        return forms.ChoiceField(choices=field.choices, widget=UnfoldAdminSelectWidget(), **common)
    if not field.is_secret:
        return forms.CharField(
            required=field.is_required, widget=UnfoldAdminTextInputWidget(), **common
        )
    is_known = bool(account.pk and account.secrets.get(field.name))
    return forms.CharField(
        required=field.is_required and not is_known,
        label=field.label,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Set. Leave empty to keep it.") if is_known else field.help,
    )


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
    list_display: ClassVar = ["channel", "kind", "failures", "open_until", "last_heard"]
    list_select_related: ClassVar = ["channel"]
    actions_detail: ClassVar = ["try_out"]

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["kind", "name", "slug"]})]
        named = [field.name for field in _fields_of(obj.channel.kind)]
        return [
            (None, {"fields": ["channel", "callback_address"]}),
            (_("Credentials"), {"fields": named}),
            (_("Health"), {"fields": [("failures", "open_until"), "last_heard"]}),
        ]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **_: Any
    ) -> Any:
        # Its fields are named by the channel's kind, not by the model.
        return AccountForm if obj else NewAccountForm

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        return (
            ["channel", "callback_address", "failures", "open_until", "last_heard"] if obj else []
        )

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False

    def response_add(
        self, request: HttpRequest, obj: Account, post_url_continue: Any = None
    ) -> Any:
        """On to the credentials: without them the channel neither hears nor speaks."""
        return HttpResponseRedirect(reverse("admin:adapters_account_change", args=[obj.pk]))

    @display(description=_("kind"))  # type: ignore[untyped-decorator]
    def kind(self, account: Account) -> Any:
        known = ADAPTERS.get(account.channel.kind)
        return known.label if known else account.channel.kind

    @display(description=_("last message at"))  # type: ignore[untyped-decorator]
    def last_heard(self, account: Account) -> Any:
        return account.channel.heard_at

    @display(description=_("address for the vendor's console"))  # type: ignore[untyped-decorator]
    def callback_address(self, account: Account) -> str:
        path = reverse("channel-callback", args=[account.channel.slug])
        return format_html("<code>https://…{}</code>", path)

    @action(description=_("Check"), url_path="check", permissions=["try_out"], icon="network_check")  # type: ignore[untyped-decorator]
    def try_out(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        """Try each step just now, and say which one fails."""
        account = get_object_or_404(Account, pk=object_id)
        for step in adapter_of(account.channel).check():
            if step.works:
                messages.success(request, _("%(step)s: works") % {"step": step.name})
            else:
                told = {"step": step.name, "hint": step.hint}
                messages.error(request, _("%(step)s: %(hint)s") % told)
        return HttpResponseRedirect(reverse("admin:adapters_account_change", args=[account.pk]))

    def has_try_out_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(self.has_change_permission(request))


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
