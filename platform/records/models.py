from django.db import models
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedText
from vault.models import SealedModel


class AllergyIntolerance(SealedModel):
    """Something a patient must not get (FHIR AllergyIntolerance)."""

    class Criticality(models.TextChoices):
        LOW = "low", _("low")
        HIGH = "high", _("high")
        UNKNOWN = "unable-to-assess", _("unable to assess")

    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="allergies", verbose_name=_("patient")
    )
    substance = SealedText(_("substance"))
    reaction = SealedText(_("reaction"), null=True, blank=True)
    criticality = models.CharField(
        _("criticality"),
        max_length=16,
        choices=Criticality.choices,
        default=Criticality.UNKNOWN,
    )
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("allergy")
        verbose_name_plural = _("allergies")

    def __str__(self) -> str:
        return _("allergy %(id)s") % {"id": self.pk}
