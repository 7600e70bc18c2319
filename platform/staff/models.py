import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

AWAY_AFTER = timedelta(seconds=90)  # three missed heart beats of a console


class Role(models.TextChoices):
    NURSE = "nurse", _("nurse")
    HEAD_NURSE = "head_nurse", _("head nurse")
    DOCTOR = "doctor", _("doctor")
    ADMIN = "admin", _("admin")


class Availability(models.TextChoices):
    ONLINE = "online", _("online")
    BUSY = "busy", _("busy")
    AWAY = "away", _("away")


class StaffQuerySet(models.QuerySet["StaffMember"]):
    def caring(self) -> "StaffQuerySet":
        """Those who may speak with patients."""
        return self.filter(is_active=True, role__in=[Role.NURSE, Role.HEAD_NURSE, Role.DOCTOR])

    def looking_after(self, department_id: int) -> "StaffQuerySet":
        """Those who see the tickets of a department; head nurses, who see all, not counted."""
        theirs = Q(departments=department_id) | Q(departments=None)
        return self.caring().exclude(role=Role.HEAD_NURSE).filter(theirs).distinct()

    def on_duty(self, *, now: datetime) -> "StaffQuerySet":
        """Those whose shift covers this moment."""
        return self.filter(shifts__starts_at__lte=now, shifts__ends_at__gt=now).distinct()

    def present(self, *, now: datetime) -> "StaffQuerySet":
        """Those whose console is open and who did not call themselves away."""
        seen = self.filter(last_seen_at__gt=now - AWAY_AFTER)
        return seen.exclude(availability=Availability.AWAY)


class StaffManager(UserManager.from_queryset(StaffQuerySet)):  # type: ignore[misc]
    pass


class StaffMember(AbstractUser):
    """A nurse, doctor or admin. Signs in by user name; patients see `display_name`."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    display_name = models.CharField(_("name shown to patients"), max_length=40)
    role = models.CharField(_("role"), max_length=12, choices=Role.choices, default=Role.NURSE)
    # Departments whose tickets this person takes; none means all of them.
    departments = models.ManyToManyField(
        "hospital.Department", verbose_name=_("departments"), blank=True, related_name="staff"
    )
    availability = models.CharField(
        _("availability"), max_length=8, choices=Availability.choices, default=Availability.ONLINE
    )
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True)
    is_on_call = models.BooleanField(
        _("on call"), default=False, help_text=_("Hears of a red flag that nobody acknowledged.")
    )

    objects = StaffManager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff members")

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def is_caring(self) -> bool:
        return self.is_active and self.role in (Role.NURSE, Role.HEAD_NURSE, Role.DOCTOR)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.display_name = self.display_name or self.get_full_name() or self.username
        super().save(*args, **kwargs)


class Shift(models.Model):
    """When somebody is on duty."""

    staff_member = models.ForeignKey(
        StaffMember, models.CASCADE, related_name="shifts", verbose_name=_("staff member")
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))

    class Meta:
        ordering = ["starts_at"]
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        indexes = [models.Index(fields=["starts_at", "ends_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="shift_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        starts, ends = timezone.localtime(self.starts_at), timezone.localtime(self.ends_at)
        return f"{starts:%F %H:%M} – {ends:%H:%M}"
