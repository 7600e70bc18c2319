from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from adapters.contracts import Category, Status
from vault.fields import SealedBytes, SealedJSON, SealedText
from vault.models import SealedModel


class Account(SealedModel):
    """What a channel needs to know of its vendor, and how the vendor has been answering."""

    channel = models.OneToOneField(
        "patients.Channel", models.CASCADE, related_name="account", verbose_name=_("channel")
    )
    settings = models.JSONField(_("settings"), default=dict, blank=True)  # names; nothing secret
    secrets = SealedJSON(_("secrets"))
    # Where the vendor only rings: how far we have fetched, and who is fetching now.
    cursor = models.CharField(max_length=128, blank=True, default="")
    rang_at = models.DateTimeField(null=True)
    pulled_at = models.DateTimeField(_("last fetched at"), null=True)
    pulling_until = models.DateTimeField(null=True)
    # The breaker: after several failures in a row nobody knocks for a while.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    open_until = models.DateTimeField(_("resting until"), null=True, blank=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return str(self.channel)


class Token(SealedModel):
    """A vendor's access token: one copy for all processes."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=20, default="access")
    value = SealedText()
    fetched_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="one_token_per_name")
        ]

    def __str__(self) -> str:
        return f"token {self.pk}"


class Heard(models.Model):
    """A vendor's event that left no message: its second delivery ends here."""

    channel = models.ForeignKey("patients.Channel", models.CASCADE, db_index=False)
    key = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="heard_once")]

    def __str__(self) -> str:
        return f"heard {self.pk}"


SOME_LEFT = Q(allowed=None) | Q(used__lt=F("allowed"))


class AllowanceQuerySet(models.QuerySet["Allowance"]):
    def left(self, *, now: datetime) -> "AllowanceQuerySet":
        """Still open, with something left; what closes first is spent first."""
        return self.filter(SOME_LEFT, closes_at__gt=now).order_by("closes_at")


class Allowance(models.Model):
    """The ledger of a vendor's window: how often, and until when, we may write to somebody."""

    contact_point = models.ForeignKey(
        "patients.ContactPoint", models.CASCADE, related_name="allowances"
    )
    trigger = models.CharField(max_length=12)  # what the patient did, see `Capabilities.windows`
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    allowed = models.PositiveSmallIntegerField(null=True)  # messages; null: any number
    used = models.PositiveSmallIntegerField(default=0)
    reply_code = models.CharField(max_length=128, blank=True, default="")  # the vendor's, to name

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact_point", "trigger"], name="one_allowance_per_trigger"
            )
        ]

    def __str__(self) -> str:
        return f"allowance {self.pk}"


class Grant(models.Model):
    """How many messages by a template somebody has agreed to, and we have not yet sent."""

    contact_point = models.ForeignKey(
        "patients.ContactPoint", models.CASCADE, related_name="grants"
    )
    template = models.CharField(max_length=64)
    left = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact_point", "template"], name="one_grant_per_template"
            )
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"


class Link(models.Model):
    """A way into one patient's conversation, for whoever holds the code: it came by SMS."""

    contact_point = models.ForeignKey("patients.ContactPoint", models.CASCADE, related_name="links")
    code_index = models.CharField(max_length=32, unique=True)  # blind: the code itself is not kept
    expires_at = models.DateTimeField(db_index=True)
    opened_at = models.DateTimeField(null=True)  # last

    def __str__(self) -> str:
        return f"link {self.pk}"


class Result(models.TextChoices):
    IN_FLIGHT = "in_flight", _("in flight")
    ACCEPTED = "accepted", _("accepted")
    RETRY = "retry", _("tried again later")
    REJECTED = "rejected", _("rejected")
    UNKNOWN = "unknown", _("not known")


CATEGORIES = {
    Category.OPTED_OUT: _("opted out"),
    Category.WINDOW_CLOSED: _("window closed"),
    Category.QUOTA: _("quota used up"),
    Category.INVALID_RECIPIENT: _("no such recipient"),
    Category.CONTENT: _("content refused"),
    Category.AUTH: _("account refused"),
    Category.THROTTLED: _("too fast"),
    Category.PROVIDER_DOWN: _("vendor does not answer"),
    Category.DECEASED: _("deceased"),
    Category.NO_CONSENT: _("not agreed to"),
    Category.MUTED: _("muted"),
    Category.NOT_SET_UP: _("channel not set up"),
}
STATUSES = {
    Status.ACCEPTED: _("accepted"),
    Status.SENT: _("sent"),
    Status.DELIVERED: _("delivered"),
    Status.READ: pgettext_lazy("delivery", "read"),
    Status.FAILED: _("failed"),
}


class Attempt(models.Model):
    """One try to give a part of a message to a vendor: the delivery log.

    Written before the vendor is asked; so after a crash it is known that we may have spoken.
    """

    message = models.ForeignKey("conversations.Message", models.CASCADE, related_name="attempts")
    channel = models.ForeignKey(
        "patients.Channel", models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    contact_point = models.ForeignKey(
        "patients.ContactPoint", models.SET_NULL, null=True, related_name="+"
    )
    part = models.PositiveSmallIntegerField(_("part"), default=0)  # of a message that was split
    is_notice = models.BooleanField(_("by a template"), default=False)
    began_at = models.DateTimeField(_("began at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    result = models.CharField(
        _("result"), max_length=9, choices=Result.choices, default=Result.IN_FLIGHT
    )
    category = models.CharField(
        _("category"),
        max_length=17,
        choices=[(str(c), w) for c, w in CATEGORIES.items()],
        blank=True,
    )
    code = models.CharField(_("vendor's code"), max_length=80, blank=True)  # a code, no words
    vendor_id = models.CharField(_("vendor's id"), max_length=64, blank=True)
    # What an SMS vendor bills; of bubbles that went as one message the first has them all.
    segments = models.PositiveSmallIntegerField(_("segments"), default=1)
    # How far it came, once it was accepted; `Status.rank` says which wins.
    status = models.CharField(
        _("status"), max_length=9, choices=[(str(s), w) for s, w in STATUSES.items()], blank=True
    )
    status_at = models.DateTimeField(_("status at"), null=True)

    class Meta:
        ordering = ["message_id", "began_at", "id"]
        verbose_name = _("attempt")
        verbose_name_plural = _("delivery log")
        indexes = [
            models.Index(
                fields=["channel", "vendor_id"], condition=~Q(vendor_id=""), name="by_vendor_id"
            ),
            models.Index(fields=["channel", "began_at"], name="by_channel"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.pk}"


class EarlyReceipt(models.Model):
    """A receipt that came before we knew the message's id at the vendor."""

    channel = models.ForeignKey("patients.Channel", models.CASCADE, db_index=False)
    vendor_id = models.CharField(max_length=64)
    status = models.CharField(max_length=9)
    category = models.CharField(max_length=17, blank=True)
    code = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "vendor_id", "status"], name="early_receipt_once"
            )
        ]

    def __str__(self) -> str:
        return f"early receipt {self.pk}"


class Attachment(SealedModel):
    """A picture, a voice, a file that a patient sent, as we fetched it: checked, and sealed."""

    message = models.OneToOneField(
        "conversations.Message", models.CASCADE, related_name="attachment"
    )
    kind = models.CharField(max_length=5)  # image, voice, video, file
    ref = SealedText()  # the vendor's name for it
    content = SealedBytes(null=True)
    content_type = models.CharField(max_length=40, blank=True)  # as sniffed, not as told
    size = models.PositiveIntegerField(default=0)  # bytes
    fetch_after = models.DateTimeField(null=True, db_index=True)  # null: fetched, or given up
    tries = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=17, blank=True)  # why there is none
    transcript = SealedText(null=True)  # of a voice, by a machine: it may be wrong

    def __str__(self) -> str:
        return f"attachment {self.pk}"
