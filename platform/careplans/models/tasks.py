"""What a nurse is to do for a patient, by when (FHIR Task)."""

from datetime import datetime

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedText
from vault.models import SealedModel


class TaskKind(models.TextChoices):
    UNANSWERED = "unanswered", _("a reminder was not answered")
    UNDELIVERED = "undelivered", _("a reminder did not reach the patient")
    NO_SHOW = "no_show", _("the patient did not come to a visit")
    WORRYING = "worrying", _("a worrying answer")
    REFILL = "refill", _("medicine is running out")
    TOO_MANY = "too_many", _("too many reminders: look at the plans")
    WARNED = "warned", _("told or prescribed against a warning")
    CALL = "call", _("call the patient")
    OTHER = "other", _("other")


class TaskQuerySet(models.QuerySet["Task"]):
    def open(self) -> "TaskQuerySet":
        return self.filter(done_at=None, cancelled_at=None)

    def due(self, *, now: datetime) -> "TaskQuerySet":
        return self.open().filter(due_at__gte=now)

    def overdue(self, *, now: datetime) -> "TaskQuerySet":
        return self.open().filter(due_at__lt=now)

    def done(self) -> "TaskQuerySet":
        return self.exclude(done_at=None)

    def in_order(self) -> "TaskQuerySet":
        """The most important first, then what is due first."""
        return self.order_by("-priority", "due_at", "id")


class Task(SealedModel):
    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="tasks", verbose_name=_("patient")
    )
    plan = models.ForeignKey(
        "careplans.CarePlan",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("plan"),
    )
    due = models.ForeignKey("careplans.Due", models.CASCADE, null=True, related_name="tasks")
    kind = models.CharField(_("kind"), max_length=11, choices=TaskKind.choices)
    about = models.CharField(max_length=40, blank=True)  # what must not make a second open task
    department = models.ForeignKey(
        "hospital.Department", models.SET_NULL, null=True, blank=True, verbose_name=_("department")
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=1, validators=[MaxValueValidator(3)]
    )
    words = SealedText(_("what to do"), null=True, blank=True)
    due_at = models.DateTimeField(_("due at"))
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    taken_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="care_tasks",
        verbose_name=_("taken by"),
    )
    taken_at = models.DateTimeField(_("taken at"), null=True, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    note = SealedText(_("what was done"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = [
            models.UniqueConstraint(
                fields=["about"],
                condition=Q(done_at=None, cancelled_at=None) & ~Q(about=""),
                name="one_open_task_about_it",
            ),
            models.CheckConstraint(
                condition=Q(done_at=None) | Q(cancelled_at=None), name="done_or_cancelled"
            ),
        ]
        indexes = [
            models.Index(
                fields=["-priority", "due_at"],
                condition=Q(done_at=None, cancelled_at=None),
                name="open_tasks_in_order",
            )
        ]

    def __str__(self) -> str:
        return _("task %(id)s") % {"id": self.pk}
