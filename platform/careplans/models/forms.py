"""Questionnaires, and what patients answered to them."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from hospital.models import Bilingual
from vault.fields import SealedJSON
from vault.models import SealedModel


class Questionnaire(Bilingual, models.Model):
    """Questions asked one at a time (FHIR Questionnaire)."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    thanks = models.TextField(_("closing words"), blank=True)
    thanks_en = models.TextField(_("English closing words"), blank=True)
    # [{"from": 0, "name": …, "name_en": …, "urgency": 0 to 3}], by the sum of the scores.
    bands = models.JSONField(_("bands of the score"), default=list, blank=True)
    department = models.ForeignKey(
        "hospital.Department", models.SET_NULL, null=True, blank=True, verbose_name=_("department")
    )
    source = models.CharField(_("source and licence"), max_length=200, blank=True)
    is_signed_off = models.BooleanField(_("signed off"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["code"]
        verbose_name = _("questionnaire")
        verbose_name_plural = _("questionnaires")

    def __str__(self) -> str:
        return self.name


class QuestionKind(models.TextChoices):
    CHOICE = "choice", _("choice")
    SCALE = "scale", _("scale")
    NUMBER = "number", _("number")
    TEXT = "text", _("free text")


class Question(Bilingual, models.Model):
    """One question. What is worrying to hear is said here, and opens a ticket."""

    questionnaire = models.ForeignKey(
        Questionnaire,
        models.CASCADE,
        related_name="questions",
        verbose_name=_("questionnaire"),
    )
    number = models.PositiveSmallIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=6, choices=QuestionKind.choices)
    text = models.TextField(_("text"))
    text_en = models.TextField(_("English text"), blank=True)
    # [{"text": …, "text_en": …, "score": 2, "urgency": 2}]; urgency 0 where nothing worries.
    options = models.JSONField(_("options"), default=list, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    least = models.FloatField(_("least"), null=True, blank=True)  # beyond these it was mistyped
    most = models.FloatField(_("most"), null=True, blank=True)
    alarm_below = models.FloatField(_("worrying below"), null=True, blank=True)
    alarm_above = models.FloatField(_("worrying above"), null=True, blank=True)
    urgency = models.PositiveSmallIntegerField(
        _("urgency of that"), default=2, validators=[MaxValueValidator(3)]
    )

    class Meta:
        ordering = ["questionnaire", "number"]
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.UniqueConstraint(
                fields=["questionnaire", "number"], name="one_question_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire} {self.number}"


class QuestionnaireResponse(SealedModel):
    """One patient's answers to one questionnaire (FHIR QuestionnaireResponse)."""

    patient = models.ForeignKey(
        "patients.Patient",
        models.CASCADE,
        related_name="questionnaire_responses",
        verbose_name=_("patient"),
    )
    questionnaire = models.ForeignKey(
        Questionnaire, models.PROTECT, verbose_name=_("questionnaire")
    )
    conversation = models.ForeignKey(
        "conversations.Conversation", models.PROTECT, null=True, related_name="+"
    )
    due = models.OneToOneField("careplans.Due", models.CASCADE, null=True, related_name="response")
    answers = SealedJSON(default=dict)  # number of the question → what was understood
    misses = models.PositiveSmallIntegerField(default=0)  # not understood in a row
    score = models.FloatField(_("score"), null=True, blank=True)
    urgency = models.PositiveSmallIntegerField(_("urgency"), default=0)  # highest heard so far
    started_at = models.DateTimeField(_("started at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("questionnaire response")
        verbose_name_plural = _("questionnaire responses")

    def __str__(self) -> str:
        return _("response %(id)s") % {"id": self.pk}
