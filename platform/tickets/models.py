from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedText
from vault.models import SealedModel


class Reason(models.TextChoices):
    """Why the assistant handed over."""

    RED_FLAG = "red_flag", _("red flag")
    ASKED = "asked", _("asked for a person")
    DISTRESS = "distress", _("distress")
    ANGER = "anger", _("anger")
    UNSURE = "unsure", _("assistant not sure")
    MISUNDERSTOOD = "misunderstood", _("misunderstood twice")
    OUT_OF_SCOPE = "out_of_scope", _("needs a person")
    FAILURE = "failure", _("assistant failed")
    NURSE = "nurse", _("opened by a nurse")
    GUARD = "guard", _("allergy or medicine warning")


class Outcome(models.TextChoices):
    HELPED = "helped", _("helped")
    RETURNED = "returned", _("returned to the assistant")
    NO_ANSWER = "no_answer", _("patient did not answer")
    EMERGENCY = "emergency", _("sent to emergency care")


class TicketQuerySet(models.QuerySet["Ticket"]):
    def open(self) -> "TicketQuerySet":
        return self.filter(resolved_at=None)

    def waiting(self) -> "TicketQuerySet":
        """Open, and nobody's."""
        return self.open().filter(claimed_by=None)

    def awake(self, *, now: datetime) -> "TicketQuerySet":
        return self.exclude(snoozed_until__gt=now)

    def in_order(self) -> "TicketQuerySet":
        """The right patient first: the most urgent, then who has waited longest."""
        return self.order_by("-urgency", "waiting_since", "id")


class Ticket(models.Model):
    """A stretch of help with an outcome, within a conversation."""

    conversation = models.ForeignKey(
        "conversations.Conversation",
        models.PROTECT,
        related_name="tickets",
        verbose_name=_("conversation"),
    )
    reason = models.CharField(_("reason"), max_length=13, choices=Reason.choices)
    urgency = models.PositiveSmallIntegerField(_("urgency"), default=1)  # 0 none to 3 emergency
    department = models.ForeignKey(
        "hospital.Department", models.PROTECT, null=True, blank=True, verbose_name=_("department")
    )
    opened_at = models.DateTimeField(_("opened at"))
    opened_seq = models.PositiveIntegerField()  # the message that opened it
    # When the patient began to wait for a person; null while the last word is ours.
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    claimed_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="tickets",
        verbose_name=_("claimed by"),
    )
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome.choices, blank=True)
    reopened = models.PositiveSmallIntegerField(_("times reopened"), default=0)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(resolved_at=None),
                name="one_open_ticket_per_conversation",
            )
        ]
        indexes = [
            models.Index(
                fields=["-urgency", "waiting_since"],
                condition=Q(resolved_at=None),
                name="open_in_order",
            )
        ]

    def __str__(self) -> str:
        return _("ticket %(id)s") % {"id": self.pk}


class Step(models.IntegerChoices):
    """Who hears an alarm: each step adds people, none leaves."""

    NURSE = 0, _("nurses")
    HEAD_NURSE = 1, _("head nurse")
    ON_CALL = 2, _("on call")


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def ringing(self) -> "AlarmQuerySet":
        return self.filter(acknowledged_at=None)


class Alarm(models.Model):
    """A red flag that somebody must acknowledge; until then it climbs the ladder."""

    ticket = models.ForeignKey(
        Ticket, models.CASCADE, related_name="alarms", verbose_name=_("ticket")
    )
    rules = models.JSONField(_("rules"), default=list)  # ids of the red-flag rules that fired
    message_seq = models.PositiveIntegerField()
    raised_at = models.DateTimeField(_("raised at"))
    step = models.PositiveSmallIntegerField(_("step"), choices=Step.choices, default=Step.NURSE)
    next_step_at = models.DateTimeField(_("next step at"), null=True)  # due row; null: top reached
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("acknowledged by"),
    )

    objects = AlarmQuerySet.as_manager()

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        indexes = [
            models.Index(
                fields=["next_step_at"], condition=Q(acknowledged_at=None), name="ringing_alarms"
            )
        ]

    def __str__(self) -> str:
        return f"alarm {self.pk}"


class Draft(SealedModel):
    """What a nurse has typed and not sent, so that no crash takes it from her."""

    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="drafts"
    )
    nurse = models.ForeignKey("staff.StaffMember", models.CASCADE, related_name="drafts")
    text = SealedText(_("text"))
    kind = models.CharField(max_length=5, default="text")  # a reply or a private note
    written_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "nurse"], name="one_draft_per_nurse_and_conversation"
            )
        ]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class CannedReply(models.Model):
    """A sentence that nurses need often, in both languages."""

    shortcut = models.SlugField(_("shortcut"), max_length=30, unique=True)  # typed after "/"
    title = models.CharField(_("title"), max_length=60)
    text = models.TextField(_("text"))
    text_en = models.TextField(_("English text"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["shortcut"]
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")

    def __str__(self) -> str:
        return f"/{self.shortcut} {self.title}"
