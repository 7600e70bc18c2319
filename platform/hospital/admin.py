from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from hospital.models import (
    Department,
    Doctor,
    Holiday,
    Hospital,
    OpeningHours,
    Place,
    Price,
)


class OpeningHoursInline(TabularInline):  # type: ignore[misc]
    model = OpeningHours
    fields: ClassVar = ["weekday", "opens_at", "closes_at", "on_holidays"]
    extra = 0
    tab = True


@admin.register(Hospital)
class HospitalAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "name_en", "phone", "emergency_phone", "time_zone"]
    search_fields: ClassVar = ["name", "name_en"]
    fieldsets: ClassVar = [
        (None, {"fields": [("name", "name_en"), ("slogan", "slogan_en")]}),
        (_("How to reach it"), {"fields": [("phone", "emergency_phone"), "address", "address_en"]}),
        (_("Time"), {"fields": ["time_zone"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Hospital.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Department)
class DepartmentAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "name_en", "code", "location", "is_standard", "is_active"]
    list_filter: ClassVar = ["is_active", "is_standard"]
    search_fields: ClassVar = ["name", "name_en", "code"]
    fieldsets: ClassVar = [
        (None, {"fields": [("name", "name_en"), "code", ("is_active", "is_standard")]}),
        (_("Where"), {"fields": [("location", "location_en")]}),
    ]
    inlines: ClassVar = [OpeningHoursInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Triage finds a standard department by its name.
        return ["name", "code", "is_standard"] if obj and obj.is_standard else ["is_standard"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_standard)


@admin.register(Doctor)
class DoctorAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "name_en", "title", "department", "is_active"]
    list_filter: ClassVar = ["is_active", "department"]
    list_select_related: ClassVar = ["department"]
    search_fields: ClassVar = ["name", "name_en", "department__name", "department__name_en"]
    autocomplete_fields: ClassVar = ["department"]
    fieldsets: ClassVar = [
        (None, {"fields": [("name", "name_en"), ("title", "title_en"), "department", "is_active"]}),
        (_("Introduction"), {"fields": ["intro", "intro_en"]}),
    ]


@admin.register(Place)
class PlaceAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "kind", "location", "phone", "rank", "is_active"]
    list_filter: ClassVar = ["kind", "is_active"]
    search_fields: ClassVar = ["name", "name_en", "location", "location_en"]
    autocomplete_fields: ClassVar = ["department"]
    fieldsets: ClassVar = [
        (None, {"fields": ["kind", ("name", "name_en"), "department", ("rank", "is_active")]}),
        (
            _("Where"),
            {"fields": [("location", "location_en"), "directions", "directions_en", "phone"]},
        ),
    ]
    inlines: ClassVar = [OpeningHoursInline]


@admin.register(Price)
class PriceAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "name_en", "amount", "unit", "code"]
    search_fields: ClassVar = ["name", "name_en", "code"]
    fields: ClassVar = [("name", "name_en"), "code", "amount", ("unit", "unit_en")]


@admin.register(OpeningHours)
class OpeningHoursAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "kind", "place", "department", "weekday", "opens_at", "closes_at", "on_holidays",
    ]  # fmt: skip
    list_filter: ClassVar = ["kind", "weekday", "on_holidays"]
    list_select_related: ClassVar = ["place", "department"]
    search_fields: ClassVar = ["place__name", "department__name"]
    autocomplete_fields: ClassVar = ["place", "department"]
    fieldsets: ClassVar = [
        (_("Whose"), {"fields": ["kind", "place", "department"]}),
        (_("When"), {"fields": ["weekday", ("opens_at", "closes_at"), "on_holidays"]}),
    ]


@admin.register(Holiday)
class HolidayAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["date", "name", "name_en", "kind", "opens_at", "closes_at"]
    list_filter: ClassVar = ["kind"]
    search_fields: ClassVar = ["name", "name_en"]
    date_hierarchy = "date"
    fieldsets: ClassVar = [
        (None, {"fields": ["date", ("name", "name_en"), "kind"]}),
        (_("Hours"), {"fields": [("opens_at", "closes_at"), "like_weekday"]}),
    ]
