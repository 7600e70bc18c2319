from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedText
from vault.models import SealedModel


class AllergyQuerySet(models.QuerySet["AllergyIntolerance"]):
    def in_force(self) -> "AllergyQuerySet":
        """Those that count: also what the patient says, until staff know better."""
        told = AllergyIntolerance.Verification
        return self.filter(verification__in=[told.UNCONFIRMED, told.CONFIRMED])

    def unweighed(self) -> "AllergyQuerySet":
        """Those that nobody has held yet against what their patient takes already."""
        return self.in_force().filter(UNWEIGHED, patient__erased_at=None).order_by("pk")


# New, changed since, or come to another record by a merge.
UNWEIGHED = Q(weighed_for=None) | ~Q(weighed_for=F("patient"))


class AllergyIntolerance(SealedModel):
    """Something a patient must not get (FHIR AllergyIntolerance)."""

    class Verification(models.TextChoices):
        """FHIR's verificationStatus."""

        UNCONFIRMED = "unconfirmed", _("stated by the patient, not confirmed")
        CONFIRMED = "confirmed", _("confirmed")
        REFUTED = "refuted", _("refuted")
        MISTAKE = "entered-in-error", _("entered in error")

    class Criticality(models.TextChoices):
        LOW = "low", _("low")
        HIGH = "high", _("high")
        UNKNOWN = "unable-to-assess", _("unable to assess")

    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="allergies", verbose_name=_("patient")
    )
    substance = SealedText(_("substance"))
    reaction = SealedText(_("reaction"), null=True, blank=True)
    verification = models.CharField(
        _("verification"), max_length=16, choices=Verification.choices,
        default=Verification.CONFIRMED,
    )  # fmt: skip
    # Of whom the patient said it ("my mother"), who has no record here; empty: of themself.
    said_of = SealedText(_("said of"), null=True, blank=True)
    criticality = models.CharField(
        _("criticality"),
        max_length=16,
        choices=Criticality.choices,
        default=Criticality.UNKNOWN,
    )
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)
    # The record against whose prescriptions it was held, see `medications.weigh_new_allergies`.
    weighed_for = models.BigIntegerField(null=True, editable=False)

    objects = AllergyQuerySet.as_manager()

    class Meta:
        verbose_name = _("allergy")
        verbose_name_plural = _("allergies")
        indexes = [models.Index(fields=["id"], condition=UNWEIGHED, name="allergy_unweighed")]

    def __str__(self) -> str:
        return _("allergy %(id)s") % {"id": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.weighed_for = None
        super().save(*args, **kwargs)

    @property
    def is_stated(self) -> bool:
        return self.verification == self.Verification.UNCONFIRMED


class ReportQuerySet(models.QuerySet["DiagnosticReport"]):
    def of(self, patient_id: int) -> "ReportQuerySet":
        """What a patient may ask for, the newest first; a cancelled one was never made."""
        theirs = self.filter(patient=patient_id).exclude(status=DiagnosticReport.Status.CANCELLED)
        return theirs.prefetch_related("observations").order_by("-registered_at", "-pk")

    def owed_a_talk(self) -> "ReportQuerySet":
        """Those that a nurse or doctor has to open with the patient, the oldest first."""
        return self.filter(talk_owed_at__isnull=False).order_by("talk_owed_at", "pk")


class DiagnosticReport(SealedModel):
    """What a laboratory, a scan or a pathologist found (FHIR DiagnosticReport)."""

    class Category(models.TextChoices):
        LAB = "lab", _("laboratory")
        IMAGING = "imaging", _("imaging")
        PATHOLOGY = "pathology", _("pathology")

    class Status(models.TextChoices):
        REGISTERED = "registered", _("registered")
        PARTIAL = "partial", _("partial")
        PRELIMINARY = "preliminary", _("preliminary")
        FINAL = "final", _("final")
        AMENDED = "amended", _("amended")
        CANCELLED = "cancelled", _("cancelled")

    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="reports", verbose_name=_("patient")
    )
    # Its number where it came from; one that comes again is the same report.
    external_id = models.CharField(_("number at its source"), max_length=64, blank=True)
    name = SealedText(_("examination"))
    name_en = SealedText(_("English name"), null=True, blank=True)
    category = models.CharField(_("category"), max_length=9, choices=Category.choices)
    status = models.CharField(_("status"), max_length=11, choices=Status.choices)
    department = models.ForeignKey(
        "hospital.Department", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("ordered by department"),
    )  # fmt: skip
    doctor = models.ForeignKey(
        "hospital.Doctor", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("ordered by doctor"),
    )  # fmt: skip
    conclusion = SealedText(_("conclusion"), null=True, blank=True)
    registered_at = models.DateTimeField(_("registered at"))
    available_at = models.DateTimeField(_("available at"), null=True, blank=True)
    # Owed to the patient by a nurse or doctor; until then the assistant tells nothing of it.
    talk_owed_at = models.DateTimeField(_("needs a talk since"), null=True, blank=True)
    opened_at = models.DateTimeField(_("told at"), null=True, blank=True)
    opened_by = models.ForeignKey(
        "staff.StaffMember", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("told by"),
    )  # fmt: skip

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        permissions = [("open_diagnosticreport", "Can open a report with its patient")]
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="report_once_per_source"
            ),
            models.CheckConstraint(
                condition=Q(opened_at=None, opened_by=None)
                | Q(opened_at__isnull=False, opened_by__isnull=False),
                name="who_opened_a_report_is_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["talk_owed_at"], condition=Q(talk_owed_at__isnull=False), name="owed_a_talk"
            )
        ]

    def __str__(self) -> str:
        return _("report %(id)s") % {"id": self.pk}

    @property
    def is_out(self) -> bool:
        return self.status in (self.Status.FINAL, self.Status.AMENDED)


class Observation(SealedModel):
    """One line of a report (FHIR Observation)."""

    class Interpretation(models.TextChoices):
        """FHIR's; none: read from the range."""

        NORMAL = "N", _("normal")
        LOW = "L", _("low")
        HIGH = "H", _("high")
        CRITICALLY_LOW = "LL", _("critically low")
        CRITICALLY_HIGH = "HH", _("critically high")
        ABNORMAL = "A", _("abnormal")
        CRITICALLY_ABNORMAL = "AA", _("critically abnormal")

    report = models.ForeignKey(
        DiagnosticReport, models.CASCADE, related_name="observations", verbose_name=_("report")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    code = SealedText(_("LOINC code"), null=True, blank=True)
    name = SealedText(_("item"))
    name_en = SealedText(_("English name"), null=True, blank=True)
    value = SealedText(_("value"))
    unit = SealedText(_("unit"), null=True, blank=True)
    low = SealedText(_("lower limit"), null=True, blank=True)
    high = SealedText(_("upper limit"), null=True, blank=True)
    range_text = SealedText(_("reference range in words"), null=True, blank=True)
    interpretation = models.CharField(
        _("interpretation"), max_length=2, blank=True, choices=Interpretation.choices
    )

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("observation")
        verbose_name_plural = _("observations")

    def __str__(self) -> str:
        return _("observation %(id)s") % {"id": self.pk}


class Medication(models.Model):
    """One medicine that the hospital's pharmacy gives out."""

    name = models.CharField(_("generic name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    brands = models.CharField(_("brands"), max_length=200, blank=True)
    brands_en = models.CharField(_("English brands"), max_length=200, blank=True)
    # What the drug book calls it: from there come its class and its warnings.
    substance = models.SlugField(_("substance in the drug book"), max_length=60, blank=True)
    atc = models.CharField(_("ATC code"), max_length=7, blank=True)
    leaflet = models.SlugField(_("leaflet (slug of an article)"), max_length=80, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("medicine")
        verbose_name_plural = _("medicines")
        constraints = [models.UniqueConstraint(fields=["name"], name="medicine_once")]

    def __str__(self) -> str:
        return self.name


class RequestQuerySet(models.QuerySet["MedicationRequest"]):
    def to_be_taken(self, *, now: datetime) -> "RequestQuerySet":
        """Now or later."""
        active = self.filter(status=MedicationRequest.Status.ACTIVE)
        return active.filter(Q(ends_at=None) | Q(ends_at__gt=now)).order_by("starts_at", "pk")

    def current(self, *, now: datetime) -> "RequestQuerySet":
        return self.to_be_taken(now=now).filter(starts_at__lte=now)


class MedicationRequest(SealedModel):
    """What a doctor prescribed (FHIR MedicationRequest)."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("in use")
        ON_HOLD = "on-hold", _("on hold")
        COMPLETED = "completed", _("completed")
        STOPPED = "stopped", _("stopped")
        CANCELLED = "cancelled", _("cancelled")

    class Meals(models.TextChoices):
        ANY = "any", _("with or without food")
        BEFORE = "before", _("before meals")
        WITH = "with", _("with meals")
        AFTER = "after", _("after meals")
        BEDTIME = "bedtime", _("at bedtime")

    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="prescriptions",
        verbose_name=_("patient"),
    )  # fmt: skip
    external_id = models.CharField(_("number at its source"), max_length=64, blank=True)
    medication = models.ForeignKey(
        Medication, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("medicine"),
    )  # fmt: skip
    drug = SealedText(_("medicine as prescribed"))
    dose = SealedText(_("dose"))
    route = SealedText(_("route"), null=True, blank=True)
    instructions = SealedText(_("instructions"), null=True, blank=True)
    # None: when needed.
    times_per_day = models.PositiveSmallIntegerField(_("times a day"), null=True, blank=True)
    meals = models.CharField(_("meals"), max_length=7, choices=Meals.choices, default=Meals.ANY)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("taken until"), null=True, blank=True)
    refills = models.PositiveSmallIntegerField(_("refills left"), default=0)
    status = models.CharField(
        _("status"), max_length=9, choices=Status.choices, default=Status.ACTIVE
    )
    doctor = models.ForeignKey(
        "hospital.Doctor", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("doctor"),
    )  # fmt: skip

    # Why it is right although the guard speaks against it.
    override_reason = SealedText(_("reason against the warning"), null=True, blank=True)
    # Owed to the doctor: the guard spoke against it, and nobody has been told yet.
    warning_owed_at = models.DateTimeField(
        _("doctor to be warned since"), null=True, editable=False
    )

    objects = RequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("prescription")
        verbose_name_plural = _("prescriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"],
                condition=~Q(external_id=""),
                name="prescription_once_per_source",
            )
        ]
        indexes = [
            models.Index(
                fields=["warning_owed_at"],
                condition=Q(warning_owed_at__isnull=False),
                name="warning_owed",
            )
        ]

    def __str__(self) -> str:
        return _("prescription %(id)s") % {"id": self.pk}

    @property
    def duration(self) -> timedelta | None:
        return self.ends_at - self.starts_at if self.ends_at else None


class CheckQuerySet(models.QuerySet["IdentityCheck"]):
    def owed_a_letter(self) -> "CheckQuerySet":
        return self.filter(letter_owed_at__isnull=False)


class IdentityCheck(models.Model):
    """Somebody asked to be known as a patient: a row each time, whether there is such a one or not.

    It holds no name, number or code, only their keyed hashes.
    """

    class Refused(models.TextChoices):
        TOO_SOON = "too_soon", _("too soon")
        TOO_OFTEN = "too_often", _("too often")

    conversation_id = models.BigIntegerField(_("conversation"))  # a floor above
    asked_by = models.ForeignKey(
        "patients.ContactPoint", models.CASCADE, related_name="+", verbose_name=_("contact point")
    )
    # None: nobody is so called at this number. That is nobody's to learn but the admin's.
    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, null=True, related_name="identity_checks",
        verbose_name=_("patient"),
    )  # fmt: skip
    phone_index = models.CharField(max_length=32)
    claim_index = models.CharField(max_length=32)  # of name and number together
    code_hash = models.CharField(max_length=32)
    started_at = models.DateTimeField(_("started at"))
    expires_at = models.DateTimeField(_("expires at"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    refused = models.CharField(_("refused"), max_length=9, choices=Refused.choices, blank=True)
    was_sent = models.BooleanField(_("code sent"), default=False)
    # Owed after every check that is not refused, also where there is nobody to send it to.
    letter_owed_at = models.DateTimeField(_("code owed since"), null=True, blank=True)
    verified_at = models.DateTimeField(_("proven at"), null=True)
    verified_until = models.DateTimeField(_("proven until"), null=True)

    objects = CheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity check")
        verbose_name_plural = _("identity checks")
        indexes = [
            models.Index(fields=["conversation_id", "started_at"]),
            models.Index(fields=["started_at"]),
            models.Index(
                fields=["letter_owed_at"],
                condition=Q(letter_owed_at__isnull=False),
                name="letter_owed",
            ),
        ]

    def __str__(self) -> str:
        return _("identity check %(id)s") % {"id": self.pk}


class Guessing(models.Model):
    """Somebody seems to guess: an alarm for those who administer, one open at a time and place."""

    class Scope(models.TextChoices):
        CONTACT_POINT = "contact", _("from one contact point")
        PHONE = "phone", _("about one phone number")
        HOUSE = "house", _("in the whole house")

    scope = models.CharField(_("scope"), max_length=7, choices=Scope.choices)
    # A contact point's number, a phone's blind index, or nothing.
    place = models.CharField(max_length=32, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failed or refused"), default=0)
    noticed_at = models.DateTimeField(_("noticed at"))
    last_at = models.DateTimeField(_("last at"))
    seen_at = models.DateTimeField(_("seen at"), null=True, blank=True)
    seen_by = models.ForeignKey(
        "staff.StaffMember", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("seen by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("guessing")
        verbose_name_plural = _("guessing")
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "place"], condition=Q(seen_at=None), name="one_open_guessing"
            )
        ]

    def __str__(self) -> str:
        return _("guessing %(id)s") % {"id": self.pk}
