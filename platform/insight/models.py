from django.db import models
from django.utils.translation import gettext_lazy as _


class Bookmark(models.Model):
    """Up to which moment a sweep has looked; everything later is owed."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


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
