"""Outside systems: how each is reached, how far it was read, and what is owed to and by it."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from patients.models import Owner
from vault.fields import SealedJSON, SealedText
from vault.models import SealedModel

# In the order in which they refer to each other.
RESOURCES = (
    "Patient", "Schedule", "Slot", "Appointment",
    "AllergyIntolerance", "MedicationRequest", "DiagnosticReport",
)  # fmt: skip
# Whose word counts where nobody has said otherwise.
USUAL_OWNERS = {
    "Patient": Owner.OURS,
    "Slot": Owner.OURS,
    "Appointment": Owner.OURS,
    "MedicationRequest": Owner.THEIRS,
    "DiagnosticReport": Owner.THEIRS,
}


class SignIn(models.TextChoices):
    NONE = "none", _("not at all (a network of our own)")
    BEARER = "bearer", _("with a token that does not change")
    CLIENT = "client", _("as an OAuth 2 client")


class SystemQuerySet(models.QuerySet["System"]):
    def in_use(self, *, now: datetime) -> "SystemQuerySet":
        """Those that nobody is speaking with, and that are not left alone for a while."""
        rested = Q(rests_until=None) | Q(rests_until__lte=now)
        free = Q(busy_until=None) | Q(busy_until__lte=now)
        return self.filter(rested, free, is_active=True)

    def due(self, *, now: datetime, every: timedelta) -> "SystemQuerySet":
        """Those to be spoken with: something may be there for us, or we owe them word."""
        old = Q(pulled_at=None) | Q(pulled_at__lte=now - every)
        owed = Q(pushes__owed_since__isnull=False, pushes__try_at__lte=now)
        return self.in_use(now=now).filter(old | owed).distinct()


class System(SealedModel):
    """One hospital information system."""

    slug = models.SlugField(_("short name"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    base_url = models.CharField(_("address"), max_length=200)
    sign_in = models.CharField(
        _("how we sign in"), max_length=6, choices=SignIn.choices, default=SignIn.NONE
    )
    token_url = models.CharField(_("address for tokens"), max_length=200, blank=True)
    client_id = models.CharField(_("client id"), max_length=120, blank=True)
    scope = models.CharField(_("scope"), max_length=200, blank=True)
    secrets = SealedJSON(_("secrets"))  # token, client_secret; and the access token in force
    owners = models.JSONField(_("whose word counts"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=False)
    pulled_at = models.DateTimeField(_("last fetched at"), null=True, editable=False)
    busy_until = models.DateTimeField(null=True, editable=False)  # somebody speaks with it
    rests_until = models.DateTimeField(_("resting until"), null=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failure = models.CharField(_("last failure"), max_length=80, blank=True, editable=False)

    objects = SystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("outside system")
        verbose_name_plural = _("outside systems")

    def __str__(self) -> str:
        return self.name

    def owner_of(self, resource: str) -> Owner:
        """Whose word counts; a schedule is whose its slots are."""
        kind = "Slot" if resource == "Schedule" else resource
        return Owner(self.owners.get(kind) or USUAL_OWNERS.get(kind, Owner.THEIRS))

    def fetched_resources(self) -> list[str]:
        slots_are_ours = self.owner_of("Slot") == Owner.OURS
        return [each for each in RESOURCES if not (slots_are_ours and each in ("Schedule", "Slot"))]


class Cursor(SealedModel):
    """How far one kind of record was read. It moves when what came before it is stored."""

    system = models.ForeignKey(System, models.CASCADE, related_name="cursors")
    resource = models.CharField(max_length=24)
    since = models.DateTimeField(null=True)  # by their clock; none: from the beginning
    # In the middle of a reading: the next page, and where the reading began.
    next_page = SealedText(null=True)
    began_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "resource"], name="one_cursor_per_kind")
        ]

    def __str__(self) -> str:
        return f"cursor {self.pk}"


class LeftOutQuerySet(models.QuerySet["LeftOut"]):
    def owed(self, *, now: datetime) -> "LeftOutQuerySet":
        return self.filter(try_at__lte=now)


class LeftOut(SealedModel):
    """Something that came and could not be filed: kept, sealed, with the reason, and tried again.

    It lies under the system's own data key, which outlives any one patient's: it is thrown away
    when it was filed after all, or after `pulling.KEPT`.
    """

    system = models.ForeignKey(
        System, models.CASCADE, related_name="left_out", verbose_name=_("outside system")
    )
    resource = models.CharField(_("kind"), max_length=24)
    external_id = SealedText(_("number there"), null=True)
    external_index = models.CharField(max_length=32, editable=False)  # of its number, or content
    content = SealedText(_("as it came"))
    reason = models.CharField(_("reason"), max_length=160)  # kinds and places, no values
    first_at = models.DateTimeField(_("first at"))
    last_at = models.DateTimeField(_("last at"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    try_at = models.DateTimeField(_("tried again at"), null=True)  # None: given up

    objects = LeftOutQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at"]
        verbose_name = _("record left out")
        verbose_name_plural = _("records left out")
        constraints = [
            models.UniqueConstraint(
                fields=["system", "resource", "external_index"], name="left_out_once"
            )
        ]
        indexes = [
            models.Index(fields=["try_at"], condition=Q(try_at__isnull=False), name="left_out_owed")
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.pk}"


class Push(models.Model):
    """What one system was told of one appointment, and whether it has to be told more."""

    system = models.ForeignKey(
        System, models.CASCADE, related_name="pushes", verbose_name=_("outside system")
    )
    appointment = models.ForeignKey(
        "appointments.Appointment", models.CASCADE, related_name="+",
        verbose_name=_("appointment"),
    )  # fmt: skip
    owed_since = models.DateTimeField(_("owed since"), null=True)
    try_at = models.DateTimeField(_("tried next at"), null=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    pushed_at = models.DateTimeField(_("told at"), null=True)
    failure = models.CharField(_("last failure"), max_length=80, blank=True)

    class Meta:
        ordering = ["owed_since", "pk"]
        verbose_name = _("appointment to tell")
        verbose_name_plural = _("appointments to tell")
        constraints = [
            models.UniqueConstraint(fields=["system", "appointment"], name="one_push_per_system")
        ]
        indexes = [
            models.Index(
                fields=["try_at"], condition=Q(owed_since__isnull=False), name="owed_pushes"
            )
        ]

    def __str__(self) -> str:
        return f"push {self.pk}"


class Reconciliation(models.Model):
    """One comparison of what they have with what we have: counts and names of fields, no values."""

    system = models.ForeignKey(
        System, models.CASCADE, related_name="reconciliations", verbose_name=_("outside system")
    )
    began_at = models.DateTimeField(_("began at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    findings = models.JSONField(_("findings"), default=dict)

    class Meta:
        ordering = ["-began_at"]
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")

    def __str__(self) -> str:
        return f"{self.system} {self.began_at:%Y-%m-%d %H:%M}"
