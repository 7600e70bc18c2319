from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from workers.broker import rings
from workers.broker.models import Ring


@admin.register(Ring)
class RingAdmin(ModelAdmin):  # type: ignore[misc]
    """What waits for a worker. Those given up are for a person to look at, and to ring again."""

    list_display = ("id", "call", "rung_at", "deliveries", "dead_at")
    list_filter = (("dead_at", admin.EmptyFieldListFilter),)
    actions = ("ring_again",)

    @admin.action(description=_("Ring again"))
    def ring_again(self, request: HttpRequest, chosen: QuerySet[Ring]) -> None:
        rung = rings.ring_again(list(chosen.values_list("pk", flat=True)))
        self.message_user(request, _("%d rings wait again.") % rung)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Ring | None = None) -> bool:
        return False
