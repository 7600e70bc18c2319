"""What patients thought of our help, and what was done about it."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedText
from vault.models import SealedModel


class Sort(models.TextChoices):
    PRAISE = "praise", _("praise")
    SUGGESTION = "suggestion", _("suggestion")
    COMPLAINT = "complaint", _("complaint")


class FeedbackDigest(models.Model):
    """What one doctor, or one department, heard in one week; and what they did about it."""

    doctor = models.ForeignKey(
        "hospital.Doctor", models.CASCADE, null=True, blank=True, verbose_name=_("doctor")
    )
    department = models.ForeignKey(
        "hospital.Department", models.CASCADE, null=True, blank=True, verbose_name=_("department")
    )
    about = models.CharField(max_length=40, editable=False)  # "doctor 7", "department 3", "house"
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    answers = models.PositiveIntegerField(_("answers"), default=0)
    average = models.FloatField(_("average rating"), default=0)  # 1 to 5
    praise = models.PositiveIntegerField(_("praise"), default=0)
    suggestions = models.PositiveIntegerField(_("suggestions"), default=0)
    complaints = models.PositiveIntegerField(_("complaints"), default=0)
    created_at = models.DateTimeField(_("created at"))
    response = models.TextField(
        _("what was done"),
        blank=True,
        help_text=_("Goes back to the patients who wrote something. Name nobody."),
    )
    responded_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("responded by"),
    )
    responded_at = models.DateTimeField(_("responded at"), null=True, blank=True)

    class Meta:
        ordering = ["-first_day", "about"]
        verbose_name = _("feedback digest")
        verbose_name_plural = _("feedback digests")
        constraints = [
            models.UniqueConstraint(fields=["about", "first_day"], name="one_digest_per_week")
        ]

    def __str__(self) -> str:
        whose = self.doctor or self.department or _("the house")
        return f"{whose} {self.first_day}"


class Feedback(SealedModel):
    """One question how it was, asked once for each ticket or visit."""

    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="feedback", verbose_name=_("patient")
    )
    conversation = models.ForeignKey("conversations.Conversation", models.PROTECT, related_name="+")
    ticket = models.OneToOneField(
        "tickets.Ticket", models.PROTECT, null=True, blank=True, verbose_name=_("ticket")
    )
    visit_id = models.BigIntegerField(null=True, unique=True, editable=False)  # of `appointments`
    doctor = models.ForeignKey(
        "hospital.Doctor", models.SET_NULL, null=True, blank=True, verbose_name=_("doctor")
    )
    department = models.ForeignKey(
        "hospital.Department", models.SET_NULL, null=True, blank=True, verbose_name=_("department")
    )
    created_at = models.DateTimeField(_("created at"))
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)  # null means owed
    rating = models.PositiveSmallIntegerField(
        _("rating"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
    )
    words = SealedText(_("words"), null=True, blank=True)
    sort = models.CharField(_("sort"), max_length=10, choices=Sort.choices, blank=True)
    is_urgent = models.BooleanField(_("urgent"), default=False)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    digest = models.ForeignKey(
        FeedbackDigest,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="feedback",
        verbose_name=_("digest"),
    )
    told_at = models.DateTimeField(_("told what was done at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(asked_at=None), name="feedback_unasked"
            ),
            models.Index(
                fields=["answered_at"],
                condition=Q(answered_at__isnull=False, digest=None),
                name="feedback_undigested",
            ),
        ]

    def __str__(self) -> str:
        return _("feedback %(id)s") % {"id": self.pk}
