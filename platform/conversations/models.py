from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedJSON, SealedText
from vault.models import SealedModel


class Owner(models.TextChoices):
    """Who speaks for us in a conversation."""

    ASSISTANT = "assistant", _("assistant")
    QUEUE = "queue", _("queue")
    NURSE = "nurse", _("nurse")


class Author(models.TextChoices):
    PATIENT = "patient", _("patient")
    ASSISTANT = "assistant", _("assistant")
    NURSE = "nurse", _("nurse")
    SYSTEM = "system", _("system")


class Kind(models.TextChoices):
    TEXT = "text", _("text")
    NOTE = "note", _("private note")  # staff only, never sent
    EVENT = "event", _("event")  # what happened to the conversation, told in `details`


class Conversation(models.Model):
    """Everything said between one contact point and us."""

    contact_point = models.OneToOneField(
        "patients.ContactPoint",
        models.PROTECT,
        related_name="conversation",
        verbose_name=_("contact point"),
    )
    data_key = models.ForeignKey("vault.DataKey", models.PROTECT, related_name="+", db_index=False)
    # Whom it is about, where that is somebody else than who writes (a proxy writes).
    subject = models.ForeignKey(
        "patients.Patient", models.PROTECT, null=True, blank=True, related_name="+"
    )
    language = models.CharField(_("language"), max_length=8, default="zh-hans")
    started_at = models.DateTimeField(_("started at"))
    last_message_at = models.DateTimeField(_("last message at"))
    last_seq = models.PositiveIntegerField(_("last seq"), default=0)
    owner = models.CharField(
        _("owner"), max_length=9, choices=Owner.choices, default=Owner.ASSISTANT
    )
    # Counts changes of owner. What was composed under an older epoch is never stored.
    epoch = models.PositiveIntegerField(_("epoch"), default=0)
    nurse = models.ForeignKey(
        "staff.StaffMember",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="conversations",
        verbose_name=_("nurse"),
    )
    # While a worker gives this conversation's messages to its channel, no other does.
    delivering_until = models.DateTimeField(null=True)
    misses = models.PositiveSmallIntegerField(default=0)  # misunderstandings in a row
    patient_seen_seq = models.PositiveIntegerField(
        default=0
    )  # newest that the patient's screen had
    staff_seen_seq = models.PositiveIntegerField(
        default=0
    )  # newest that we read, person or machine

    class Meta:
        ordering = ["-last_message_at"]
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.CheckConstraint(
                condition=Q(owner="nurse", nurse__isnull=False)
                | (~Q(owner="nurse") & Q(nurse__isnull=True)),
                name="nurse_exactly_when_she_owns",
            )
        ]

    def __str__(self) -> str:
        return _("conversation %(id)s") % {"id": self.pk}


class MessageQuerySet(models.QuerySet["Message"]):
    def unhandled(self) -> "MessageQuerySet":
        """What a patient said and nobody has answered for yet."""
        return self.filter(handled_at=None)

    def unsent(self) -> "MessageQuerySet":
        """What we owe to a patient's channel."""
        return self.filter(sent_at=None, given_up_at=None)

    def for_patient(self) -> "MessageQuerySet":
        """All but what is for staff alone."""
        return self.exclude(kind=Kind.NOTE)


class Message(SealedModel):
    """One utterance. `seq` is 1, 2, 3 … within its conversation, without a gap."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="messages")
    seq = models.PositiveIntegerField(_("seq"))
    author = models.CharField(_("author"), max_length=9, choices=Author.choices)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices, default=Kind.TEXT)
    text = SealedText(_("text"))
    # What it carries besides: a card, quick replies, the source of an answer, what was understood.
    details = SealedJSON(null=True, blank=True)
    nurse = models.ForeignKey(
        "staff.StaffMember", models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("written at"))
    # Of an inbound message: the vendor's id, or the browser's own. Unique, so a repeat ends there.
    channel = models.ForeignKey(
        "patients.Channel", models.PROTECT, null=True, related_name="+", db_index=False
    )
    external_id = models.CharField(max_length=64, null=True)
    # Of an outbound message: the writer's own id, so that a nurse's repeat ends there too.
    client_id = models.CharField(max_length=64, null=True)
    epoch = models.PositiveIntegerField(default=0)  # of the conversation, when this was stored
    # Debts. Null means owed.
    handled_at = models.DateTimeField(_("handled at"), null=True)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    send_after = models.DateTimeField(null=True)  # not before: a vendor asked us to wait
    given_up_at = models.DateTimeField(_("given up at"), null=True)  # the thread says why

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["conversation_id", "seq"]
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="one_message_per_seq"),
            models.UniqueConstraint(
                fields=["channel", "external_id"],
                condition=Q(external_id__isnull=False),
                name="one_message_per_external_id",
            ),
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                condition=Q(client_id__isnull=False),
                name="one_message_per_client_id",
            ),
        ]
        indexes = [
            models.Index(
                fields=["conversation", "seq"], condition=Q(handled_at=None), name="unhandled"
            ),
            models.Index(
                fields=["conversation", "seq"],
                condition=Q(sent_at=None, given_up_at=None),
                name="unsent",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.conversation_id}/{self.seq}"
