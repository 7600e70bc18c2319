from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedJSON
from vault.models import SealedModel


class Bookmark(models.Model):
    """Up to which moment a sweep has looked; everything later is owed."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Kind(models.TextChoices):
    """How what people did differs from what the model understood."""

    ABSTAINED = "abstained", _("not sure, and a nurse handled it")
    DEPARTMENT = "department", _("a nurse chose another department")
    MISSED = "missed", _("an emergency that the model did not see")
    FALSE_ALARM = "false_alarm", _("an alarm that was none")
    ASKED = "asked", _("an answer, and then a wish for a person")


class Verdict(models.TextChoices):
    ACCEPTED = "accepted", _("the model was right")
    CORRECTED = "corrected", _("corrected")
    SKIPPED = "skipped", _("skipped")


class ReviewQuerySet(models.QuerySet["Review"]):
    def open(self) -> "ReviewQuerySet":
        """What nobody has judged yet, and still can."""
        return self.filter(settled_at=None, data_key__destroyed_at=None)

    def settled(self) -> "ReviewQuerySet":
        """Those with labels, of patients who were not erased."""
        judged = self.filter(verdict__in=[Verdict.ACCEPTED, Verdict.CORRECTED])
        return judged.filter(data_key__destroyed_at=None)


class Review(SealedModel):
    """A message where people and model differ, for a person to judge. It holds nobody's words.

    The labels are sealed under the patient's key: an erased patient's go with the rest.
    """

    message = models.ForeignKey(
        "conversations.Message", models.PROTECT, related_name="+", verbose_name=_("message")
    )
    kind = models.CharField(_("kind"), max_length=11, choices=Kind.choices)
    ticket = models.ForeignKey(
        "tickets.Ticket",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("ticket"),
    )
    model = models.CharField(_("model"), max_length=120, blank=True)  # empty: a rule alone spoke
    found_at = models.DateTimeField(_("found at"))
    verdict = models.CharField(_("verdict"), max_length=9, choices=Verdict.choices, blank=True)
    labels = SealedJSON(null=True)  # insight.labels.Labels; null while open, and when skipped
    settled_at = models.DateTimeField(_("settled at"), null=True)  # null: owed
    settled_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("settled by"),
    )

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.UniqueConstraint(
                fields=["message", "kind"], name="one_review_per_message_and_kind"
            ),
            models.CheckConstraint(
                condition=Q(verdict="", settled_at=None, settled_by=None)
                | (~Q(verdict="") & Q(settled_at__isnull=False, settled_by__isnull=False)),
                name="settled_by_somebody_with_a_verdict",
            ),
        ]
        indexes = [
            models.Index(fields=["found_at"], condition=Q(settled_at=None), name="open_reviews")
        ]

    def __str__(self) -> str:
        return _("review %(id)s") % {"id": self.pk}


class ModelDay(models.Model):
    """What one model understood on one day, in counts alone."""

    day = models.DateField(_("day"))  # by the hospital's clock
    model = models.CharField(_("model"), max_length=120)
    messages = models.PositiveIntegerField(_("messages"))
    abstained = models.PositiveIntegerField(_("not sure"))
    intents = models.JSONField(_("intents"), default=dict)  # label → messages
    urgencies = models.JSONField(_("urgencies"), default=dict)  # "0" to "3" → messages
    characters = models.PositiveIntegerField(_("characters"))  # spaces left out
    unknown_characters = models.PositiveIntegerField(_("unknown characters"))
    counted_at = models.DateTimeField(_("counted at"))

    class Meta:
        ordering = ["-day", "model"]
        verbose_name = _("day of a model")
        verbose_name_plural = _("days of the models")
        constraints = [
            models.UniqueConstraint(fields=["day", "model"], name="one_row_per_day_and_model")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model}"


class ReferenceWeek(models.Model):
    """The seven days that a model is compared with, where somebody chose them."""

    model = models.CharField(_("model"), max_length=120, unique=True)
    first_day = models.DateField(_("first day"))
    chosen_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        editable=False,
        related_name="+",
        verbose_name=_("chosen by"),
    )
    chosen_at = models.DateTimeField(_("chosen at"), editable=False)

    class Meta:
        verbose_name = _("reference week")
        verbose_name_plural = _("reference weeks")

    def __str__(self) -> str:
        return f"{self.model}: {self.first_day}"
