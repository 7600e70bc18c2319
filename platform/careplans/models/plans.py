"""Plans of care, what they are made from, and the medicines that they remind of."""

from datetime import time
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from careplans.timing import Quiet
from hospital.models import DEFAULT_TIME_ZONE, Bilingual, check_time_zone
from vault.fields import SealedText
from vault.models import SealedModel


class PlanKind(models.TextChoices):
    MEDICATION = "medication", _("medicine reminders")
    HEALTH_PLAN = "health_plan", _("health plan")
    FOLLOW_UP = "follow_up", _("follow-up after a visit")
    VISIT = "visit", _("reminder before a visit")


class SettledBy(models.TextChoices):
    """What makes a step needless when it happens by itself."""

    NOTHING = "", _("nothing")
    VISIT = "visit", _("a visit that took place")
    REPORT = "report", _("a report that is ready")


class PlanTemplate(Bilingual, models.Model):
    """Steps that a plan is made of; what a plan has begun with stays with it."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    kind = models.CharField(_("kind"), max_length=11, choices=PlanKind.choices)
    # Of the department that the plans belong to, whose nurses get the tasks.
    department = models.ForeignKey(
        "hospital.Department", models.SET_NULL, null=True, blank=True, verbose_name=_("department")
    )
    source = models.CharField(_("source"), max_length=200, blank=True)
    is_signed_off = models.BooleanField(
        _("signed off"),
        default=False,
        help_text=_("A clinician has read every step. Until then it is a draft."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["code"]
        verbose_name = _("plan template")
        verbose_name_plural = _("plan templates")

    def __str__(self) -> str:
        return self.name


class TemplateStep(Bilingual, models.Model):
    """One thing to say or ask, so long after the plan's anchor: a visit, a discharge."""

    template = models.ForeignKey(
        PlanTemplate, models.CASCADE, related_name="steps", verbose_name=_("template")
    )
    number = models.PositiveSmallIntegerField(_("number"))
    offset_days = models.SmallIntegerField(_("days after"), default=0)
    offset_hours = models.SmallIntegerField(_("and hours"), default=0)
    at = models.TimeField(
        _("at"),
        null=True,
        blank=True,
        help_text=_("In the patient's own time, instead of hours after."),
    )
    text = models.TextField(_("text"))
    text_en = models.TextField(_("English text"), blank=True)
    questionnaire = models.ForeignKey(
        "careplans.Questionnaire",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("questionnaire"),
    )
    expects_answer = models.BooleanField(_("expects an answer"), default=True)
    answer_within_h = models.PositiveSmallIntegerField(_("hours to answer"), default=24)
    settled_by = models.CharField(
        _("settles itself by"), max_length=6, choices=SettledBy.choices, default="", blank=True
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        default=1,
        validators=[MaxValueValidator(3)],
        help_text=_("Of the nurse's task when nobody answers: 0 none, 1 routine to 3 at once."),
    )

    class Meta:
        ordering = ["template", "number"]
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="one_step_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.number}"


class Status(models.TextChoices):
    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused")
    COMPLETED = "completed", _("completed")
    STOPPED = "stopped", _("stopped")


class StoppedWhy(models.TextChoices):
    ASKED = "asked", _("the patient asked")
    OPTED_OUT = "opted_out", _("the patient wants no reminders")
    DECEASED = "deceased", _("the patient has died")
    ERASED = "erased", _("the patient's data were erased")
    TRANSFERRED = "transferred", _("another hospital took over")
    VISIT = "visit", _("the visit was cancelled or has passed")
    STAFF = "staff", _("staff stopped it")


class CarePlan(SealedModel):
    """What we promised one patient (FHIR CarePlan)."""

    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="care_plans", verbose_name=_("patient")
    )
    # Where it asks first; none: a nurse calls.
    contact_point = models.ForeignKey(
        "patients.ContactPoint",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("contact point"),
    )
    kind = models.CharField(_("kind"), max_length=11, choices=PlanKind.choices)
    status = models.CharField(
        _("status"), max_length=9, choices=Status.choices, default=Status.ACTIVE
    )
    stopped_why = models.CharField(
        _("stopped because"), max_length=11, choices=StoppedWhy.choices, blank=True
    )
    template = models.ForeignKey(
        PlanTemplate, models.PROTECT, null=True, blank=True, verbose_name=_("template")
    )
    anchor_at = models.DateTimeField(_("counted from"))
    visit_id = models.BigIntegerField(null=True, editable=False)  # of `appointments`
    department = models.ForeignKey(
        "hospital.Department", models.SET_NULL, null=True, blank=True, verbose_name=_("department")
    )
    notes = SealedText(_("notes"), null=True, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=40, default=DEFAULT_TIME_ZONE, validators=[check_time_zone]
    )
    quiet_from = models.TimeField(_("quiet from"), default=time(21))
    quiet_until = models.TimeField(_("quiet until"), default=time(8))
    # The patient's own: {"breakfast": "07:30", …}, see `timing.MEALS`.
    meals = models.JSONField(_("meal times"), default=dict, blank=True)
    created_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
        help_text=_("Empty: the patient, or the house itself."),
    )
    created_at = models.DateTimeField(_("created at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    # Doses exist as rows until then; null: nothing more is to be planned.
    planned_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = pgettext_lazy("model", "care plan")
        verbose_name_plural = _("care plans")
        constraints = [
            models.UniqueConstraint(
                fields=["visit_id", "kind"],
                condition=Q(status="active", visit_id__isnull=False),
                name="one_active_plan_per_visit",
            ),
        ]
        indexes = [
            models.Index(
                fields=["planned_until"],
                condition=Q(status="active", planned_until__isnull=False),
                name="plans_to_plan",
            ),
            models.Index(
                fields=["patient"],
                condition=Q(status__in=["active", "paused"]),
                name="plans_that_live",
            ),
        ]

    def __str__(self) -> str:
        return _("plan %(id)s") % {"id": self.pk}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def quiet(self) -> Quiet:
        return Quiet(self.quiet_from, self.quiet_until)


class Meal(models.TextChoices):
    ANY = "", _("at any time")
    BEFORE = "before", _("before meals")
    WITH = "with", _("with meals")
    AFTER = "after", _("after meals")
    BEDTIME = "bedtime", _("at bedtime")


class MedicationSchedule(SealedModel):
    """When one medicine is to be taken, as prescribed elsewhere or typed in here."""

    plan = models.ForeignKey(
        CarePlan, models.CASCADE, related_name="medications", verbose_name=_("plan")
    )
    medicine = SealedText(_("medicine"))
    dose = SealedText(_("dose"), null=True, blank=True)
    meal = models.CharField(_("meals"), max_length=7, choices=Meal.choices, default="", blank=True)
    times = models.JSONField(_("times"), default=list, help_text=_('["08:00", "20:00"]'))
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"), null=True, blank=True)
    refill_on = models.DateField(_("used up on"), null=True, blank=True)
    prescription_id = models.BigIntegerField(null=True, editable=False)  # of `records`

    class Meta:
        ordering = ["plan", "id"]
        verbose_name = _("medication schedule")
        verbose_name_plural = _("medication schedules")
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "prescription_id"],
                condition=Q(prescription_id__isnull=False),
                name="one_schedule_per_prescription",
            )
        ]

    def __str__(self) -> str:
        return _("schedule %(id)s") % {"id": self.pk}

    @property
    def clock_times(self) -> list[time]:
        return [time.fromisoformat(each) for each in self.times]
