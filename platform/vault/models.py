import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class DataKey(models.Model):
    """One key for everything said and stored of one patient, wrapped by the ring.

    Destroying it erases that patient in the database and in every backup of it.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    wrapped = models.BinaryField(null=True)
    ring_key = models.CharField(max_length=16)  # which key of the ring wraps it
    created_at = models.DateTimeField(auto_now_add=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["ring_key"])]

    def __str__(self) -> str:
        return f"data key {self.pk}"

    @property
    def place(self) -> str:
        return f"vault_datakey:wrapped:{self.uid}"


class SealedModel(models.Model):
    """A row with sealed fields. `uid` stands for the row in the associated data."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    data_key = models.ForeignKey(DataKey, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True


class AccessEntry(models.Model):
    """One look at a patient's record or conversation, chained to the look before it.

    Rows are only ever added: triggers refuse UPDATE and DELETE, `vault.access.verify` finds the
    row where somebody got around them.
    """

    class Action(models.TextChoices):
        READ = "read", _("read")
        SEARCH = "search", _("search")
        EXPORT = "export", _("export")
        CHANGE = "change", _("change")
        ERASE = "erase", _("erase")

    number = models.BigIntegerField(_("number"), primary_key=True)  # 1, 2, 3 … without a gap
    at = models.DateTimeField(_("at"))
    # A staff member; null: a command on the machine, or who proved in a conversation to be allowed.
    actor_id = models.BigIntegerField(_("who"), null=True)
    action = models.CharField(_("action"), max_length=8, choices=Action.choices)
    subject = models.CharField(_("subject"), max_length=32)  # "patient" or "conversation"
    subject_id = models.BigIntegerField(_("number of the subject"), null=True)
    # Which screen or act, never a patient's words.
    reason = models.CharField(_("reason"), max_length=64)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]
        verbose_name = _("access entry")
        verbose_name_plural = _("access entries")
        indexes = [
            models.Index(fields=["subject", "subject_id", "at"]),
            models.Index(fields=["actor_id", "at"]),
        ]

    def __str__(self) -> str:
        return _("access %(number)s") % {"number": self.number}


class AccessHead(models.Model):
    """The one row that makes writers queue: number and digest of the newest entry."""

    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")
