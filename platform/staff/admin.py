"""Who works here, in which role, and when. A role brings its group (`staff.roles`)."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from staff.models import Shift, StaffMember
from staff.roles import enters_admin, is_kept_by_role

admin.site.unregister(Group)

ACTS = {
    "view": _("see"),
    "add": _("add"),
    "change": _("change"),
    "delete": _("delete"),
    "sign_off": _("sign off"),
    "recall": _("recall"),
}


class PermissionChoice(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Django keeps the names of permissions in English; here they are said in words of ours."""

    def label_from_instance(self, permission: Any) -> str:
        return name_of(permission)


def name_of(permission: Permission) -> str:
    kind = permission.content_type
    act, model = permission.codename.removesuffix(f"_{kind.model}"), kind.model_class()
    thing = model._meta.verbose_name if model else kind.model
    return f"{thing}: {ACTS.get(act, act)}"


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """The roles' groups are looked at, not changed: `staff.roles` fills them at every migration."""

    list_display = ["name", "members", "kept"]
    search_fields = ["name"]
    ordering = ["name"]
    fields: ClassVar = ["name", "permissions"]

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        changeable = self.has_change_permission(request, obj)
        return ["name", "permissions"] if changeable else ["name", "may"]

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> list[str]:
        return [] if self.has_change_permission(request, obj) else ["may"]

    @display(description=_("members"))  # type: ignore[untyped-decorator]
    def members(self, group: Group) -> int:
        return group.user_set.filter(is_active=True).count()

    @display(description=_("kept by role"), boolean=True)  # type: ignore[untyped-decorator]
    def kept(self, group: Group) -> bool:
        return is_kept_by_role(group)

    @display(description=_("may"))  # type: ignore[untyped-decorator]
    def may(self, group: Group) -> str:
        granted = group.permissions.select_related("content_type")
        return "\n".join(sorted(name_of(permission) for permission in granted)) or "–"

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        if db_field.name == "permissions":
            kwargs["form_class"] = PermissionChoice
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        kept = obj is not None and is_kept_by_role(obj)
        return super().has_change_permission(request, obj) and not kept

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        kept = obj is not None and is_kept_by_role(obj)
        return super().has_delete_permission(request, obj) and not kept


class ShiftInline(TabularInline):  # type: ignore[misc]
    model = Shift
    fields: ClassVar = ["starts_at", "ends_at"]
    ordering: ClassVar = ["-starts_at"]
    extra = 0
    per_page = 20
    tab = True


@admin.register(StaffMember)
class StaffMemberAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Those who leave are made inactive: what they wrote and saw keeps its name."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = [
        "username", "display_name", "role", "availability", "is_on_call", "is_active",
        "last_seen_at",
    ]  # fmt: skip
    list_filter = ["role", "is_active", "is_on_call", "departments"]
    search_fields = ["username", "display_name"]
    ordering = ["username"]
    autocomplete_fields: ClassVar = ["departments"]
    filter_horizontal = []
    inlines: ClassVar = [ShiftInline]
    readonly_fields: ClassVar = ["last_seen_at", "last_login", "date_joined"]
    add_fieldsets = [
        (None, {"fields": [("username", "display_name"), "role", ("password1", "password2")]}),
    ]
    everybody: ClassVar = [
        (None, {"fields": [("username", "display_name"), "password"]}),
        (
            _("Work"),
            {"fields": [("role", "availability"), "departments", ("is_on_call", "is_active")]},
        ),
        (_("Times"), {"fields": [("last_seen_at", "last_login", "date_joined")]}),
    ]
    by_superuser: ClassVar = [
        (_("Access to this administration"), {"fields": [("is_staff", "is_superuser"), "groups"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: StaffMember | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        # Who could change these could give themselves anything, reading messages included.
        return [*self.everybody, *(self.by_superuser if request.user.is_superuser else [])]

    def save_model(self, request: HttpRequest, obj: StaffMember, form: Any, change: bool) -> None:
        if not change or "role" in form.changed_data:
            obj.is_staff = enters_admin(obj.role) or obj.is_superuser
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.save(update_fields=["role"])  # the form's groups may have left out the role's

    def has_change_permission(self, request: HttpRequest, obj: StaffMember | None = None) -> bool:
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return super().has_change_permission(request, obj) and not above

    def has_delete_permission(self, request: HttpRequest, obj: StaffMember | None = None) -> bool:
        return False


@admin.register(Shift)
class ShiftAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["staff_member", "role", "starts_at", "ends_at"]
    list_filter: ClassVar = [
        ("starts_at", RangeDateTimeFilter),
        "staff_member__role",
        ("staff_member", admin.RelatedOnlyFieldListFilter),
    ]
    list_filter_submit = True
    list_select_related: ClassVar = ["staff_member"]
    autocomplete_fields: ClassVar = ["staff_member"]
    ordering: ClassVar = ["-starts_at"]

    @display(description=_("role"), ordering="staff_member__role")  # type: ignore[untyped-decorator]
    def role(self, shift: Shift) -> str:
        return shift.staff_member.get_role_display()
