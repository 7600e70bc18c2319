from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedJSON
from vault.models import SealedModel


class Outcome(models.TextChoices):
    """How a dialogue ended."""

    DONE = "done", _("done")
    STOPPED = "stopped", _("stopped by the patient")
    HANDED_OVER = "handed_over", _("handed over to a nurse")
    INTERRUPTED = "interrupted", _("interrupted by danger, or by somebody who took over")
    LAPSED = "lapsed", _("lapsed in silence")


class DialogueQuerySet(models.QuerySet["Dialogue"]):
    def open(self) -> "DialogueQuerySet":
        return self.filter(ended_at=None)

    def at_hand(self) -> "DialogueQuerySet":
        """Those that the next answer belongs to; the others wait until it is done."""
        return self.open().filter(parked_at=None)


class Dialogue(SealedModel):
    """One stretch of talk in which a skill does something for a patient."""

    conversation = models.ForeignKey(
        "conversations.Conversation",
        models.PROTECT,
        related_name="dialogues",
        verbose_name=_("conversation"),
    )
    skill = models.CharField(_("skill"), max_length=20)  # its name in `assistant.skills.book`
    facts = SealedJSON(default=dict)  # what was found out, by slot
    asked = models.CharField(_("asked"), max_length=20, blank=True)  # the slot asked for last
    options = SealedJSON(default=list)  # what was offered with that question: [label, value]
    before = SealedJSON(default=list)  # how it stood at earlier questions, for who wants to go back
    misses = models.PositiveSmallIntegerField(_("misunderstood"), default=0)  # in a row
    turns = models.PositiveSmallIntegerField(_("turns"), default=0)  # each changes the row
    epoch = models.PositiveIntegerField(default=0)  # of the conversation: another owner ends it
    started_at = models.DateTimeField(_("started at"))
    touched_at = models.DateTimeField(_("last answered at"))
    parked_at = models.DateTimeField(_("set aside at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=11, choices=Outcome.choices, blank=True)

    objects = DialogueQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        verbose_name = _("dialogue")
        verbose_name_plural = _("dialogues")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(ended_at=None, parked_at=None),
                name="one_dialogue_at_hand",
            )
        ]

    def __str__(self) -> str:
        return f"dialogue {self.pk}"
