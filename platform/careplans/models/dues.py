"""One row per dose or step: what we owe a patient to ask, and what became of it."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DueKind(models.TextChoices):
    DOSE = "dose", _("dose")
    STEP = "step", _("step")
    REFILL = "refill", _("refill")


class State(models.TextChoices):
    DUE = "due", _("due")
    ASKED = "asked", _("asked")
    SNOOZED = "snoozed", _("snoozed")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    SKIPPED = "skipped", _("skipped")
    MISSED = "missed", _("missed")
    CANCELLED = "cancelled", _("cancelled")


FINAL = (State.ACKNOWLEDGED, State.SKIPPED, State.MISSED, State.CANCELLED)


class Reason(models.TextChoices):
    """Why a row came to its end as it did."""

    # skipped
    REFUSED = "refused", _("did not want it")
    FORGOT = "forgot", _("forgot it")
    NO_MEDICINE = "no_medicine", _("has none left")
    DOCTOR = "doctor", _("a doctor said so")
    # missed
    UNANSWERED = "unanswered", _("no answer")
    HOUSE_DOWN = "house_down", _("the house was down")
    NOT_DELIVERED = "not_delivered", _("did not reach the patient")
    TOO_MANY = "too_many", _("too many reminders at once")
    QUIET = "quiet", _("fell into quiet hours")
    IN_CARE = "in_care", _("a nurse was with the patient")
    # cancelled
    PAUSED = "paused", _("the plan was paused")
    STOPPED = "stopped", _("the plan was stopped")
    MUTED = "muted", _("muted by the patient")
    MOVED = "moved", _("planned anew")
    HAPPENED = "happened", _("what it waited for has happened")
    GUARD = "guard", _("an allergy or a warning speaks against it")
    # acknowledged
    TOLD = "told", _("said, and no answer expected")


class DueQuerySet(models.QuerySet["Due"]):
    def unsettled(self) -> "DueQuerySet":
        return self.filter(settled_at=None)

    def owed(self, *, now: datetime) -> "DueQuerySet":
        """What is to be asked by now."""
        return self.filter(asked_at=None, settled_at=None, ask_at__lte=now)

    def waiting(self) -> "DueQuerySet":
        """Asked, and not answered."""
        return self.filter(state=State.ASKED)


class Due(models.Model):
    """A promise to ask at a moment. `state` is one of State; a final one never changes but by a
    late answer, which turns an unanswered row into an answered one."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    plan = models.ForeignKey(
        "careplans.CarePlan", models.CASCADE, related_name="dues", verbose_name=_("plan")
    )
    kind = models.CharField(_("kind"), max_length=6, choices=DueKind.choices)
    # Which dose of which day, which step: at most one row lives for each.
    what = models.CharField(max_length=60)
    step = models.ForeignKey(
        "careplans.TemplateStep", models.PROTECT, null=True, related_name="+", db_index=False
    )
    medication = models.ForeignKey(
        "careplans.MedicationSchedule", models.CASCADE, null=True, related_name="dues"
    )
    due_at = models.DateTimeField(_("due at"))
    ask_at = models.DateTimeField(_("asked from"))  # not in the patient's quiet hours
    until = models.DateTimeField(_("of use until"))  # asked later than that it would do harm
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.DUE)
    reason = models.CharField(_("reason"), max_length=13, choices=Reason.choices, blank=True)
    # The debt. Null means owed, while the row is not settled.
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)
    asks = models.PositiveSmallIntegerField(_("times asked"), default=0)
    expects_answer = models.BooleanField(default=True)
    answer_within_m = models.PositiveIntegerField(default=60)  # minutes
    answer_by = models.DateTimeField(null=True, blank=True)
    # The other address that it is asked at, once, when the first brought no answer.
    second = models.ForeignKey(
        "patients.ContactPoint", models.PROTECT, null=True, related_name="+", db_index=False
    )
    message = models.ForeignKey(
        "conversations.Message", models.PROTECT, null=True, related_name="dues"
    )
    digest = models.CharField(max_length=16, blank=True, editable=False)  # of the text, keyed
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    objects = DueQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        verbose_name = _("due row")
        verbose_name_plural = _("due rows")
        constraints = [
            # Stronger than a row per moment: a dose that moves with a time zone stays one dose.
            models.UniqueConstraint(
                fields=["plan", "what"],
                condition=~Q(state="cancelled"),
                name="one_living_row_per_dose",
            ),
            models.CheckConstraint(
                condition=Q(state__in=FINAL, settled_at__isnull=False)
                | (~Q(state__in=FINAL) & Q(settled_at=None)),
                name="settled_exactly_when_final",
            ),
            models.CheckConstraint(
                condition=~Q(state="asked") | Q(asked_at__isnull=False),
                name="asked_rows_were_asked",
            ),
        ]
        indexes = [
            models.Index(
                fields=["ask_at"], condition=Q(asked_at=None, settled_at=None), name="dues_owed"
            ),
            models.Index(fields=["answer_by"], condition=Q(state="asked"), name="dues_unanswered"),
            models.Index(fields=["plan", "ask_at"], name="dues_of_plan"),
        ]

    def __str__(self) -> str:
        return _("due %(id)s") % {"id": self.pk}
