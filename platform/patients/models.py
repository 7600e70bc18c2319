from datetime import date, datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from vault.fields import SealedText
from vault.models import SealedModel


class Channel(models.Model):
    """One configured account on one medium: this hospital's WeChat account, this site's widget."""

    slug = models.SlugField(_("slug"), max_length=40, unique=True)  # stands in URLs
    kind = models.CharField(_("kind"), max_length=20)  # a folder of `adapters`
    name = models.CharField(_("name"), max_length=60)
    is_active = models.BooleanField(_("active"), default=True)
    heard_at = models.DateTimeField(_("last message at"), null=True, blank=True)
    failed_at = models.DateTimeField(_("last failure at"), null=True, blank=True)
    failure = models.CharField(_("last failure"), max_length=80, blank=True)  # a reason, no words

    class Meta:
        ordering = ["name"]
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name


class Gender(models.TextChoices):
    """FHIR's administrative gender."""

    FEMALE = "female", _("female")
    MALE = "male", _("male")
    OTHER = "other", _("other")
    UNKNOWN = "unknown", _("unknown")


class Patient(SealedModel):
    """Who we care for. A visitor is a patient whose name we don't know yet."""

    name = SealedText(pgettext_lazy("person", "name"), null=True, blank=True)
    phone = SealedText(_("phone"), null=True, blank=True)
    phone_index = models.CharField(max_length=32, blank=True, editable=False, db_index=True)
    identity_number = SealedText(_("identity number"), null=True, blank=True)
    identity_index = models.CharField(max_length=32, blank=True, editable=False, db_index=True)
    birth_date_text = SealedText(_("birth date"), null=True, blank=True)  # ISO 8601
    gender = models.CharField(
        _("gender"), max_length=8, choices=Gender.choices, default=Gender.UNKNOWN
    )
    pregnant_until = models.DateField(_("pregnant until"), null=True, blank=True)
    breastfeeding_until = models.DateField(_("breastfeeding until"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=8, default="zh-hans")
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged_from", editable=False
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    deceased_at = models.DateTimeField(_("deceased at"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [
            # One record per identity number; a duplicate is merged, never made.
            models.UniqueConstraint(
                fields=["identity_index"],
                condition=~Q(identity_index="") & Q(merged_into=None),
                name="one_patient_per_identity_number",
            )
        ]

    def __str__(self) -> str:
        return _("patient %(id)s") % {"id": self.pk}  # a name never strays into a log by str()

    @property
    def birth_date(self) -> date | None:
        text = self.birth_date_text
        return date.fromisoformat(text) if text and text[:1].isdigit() else None

    @property
    def masked_name(self) -> str:
        """Enough to call somebody in, too little to know them: 王** or J***."""
        return f"{self.name[0]}{'*' * min(3, len(self.name) - 1)}" if self.name else ""

    def age_on(self, day: date) -> int | None:
        """Full years."""
        born = self.birth_date
        if born is None:
            return None
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def is_pregnant_on(self, day: date) -> bool | None:
        return None if self.pregnant_until is None else day <= self.pregnant_until

    def is_breastfeeding_on(self, day: date) -> bool | None:
        return None if self.breastfeeding_until is None else day <= self.breastfeeding_until


class ContactPoint(SealedModel):
    """A patient's address on a channel: openid, phone, web visitor."""

    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="contact_points", verbose_name=_("patient")
    )
    channel = models.ForeignKey(Channel, models.PROTECT, verbose_name=_("channel"))
    address = SealedText(_("address"), null=True)
    address_index = models.CharField(max_length=32, null=True, editable=False)
    # Nothing reaches them here: they left, opted out, or the address does not exist.
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_why = models.CharField(_("closed because"), max_length=17, blank=True)
    # Until then nothing is sent here that was not asked for.
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    # Who writes here has said not to be the patient in whose record this phone stands.
    is_another = models.BooleanField(default=False, editable=False)
    # One person's name on all accounts of one vendor, by which records are joined.
    union_index = models.CharField(max_length=32, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("contact point")
        verbose_name_plural = _("contact points")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address_index"], name="one_contact_point_per_address"
            )
        ]
        indexes = [
            models.Index(fields=["union_index"], condition=~Q(union_index=""), name="by_union")
        ]

    def __str__(self) -> str:
        return f"{self.channel} · {self.pk}"


class Purpose(models.TextChoices):
    """What a patient may agree to, each by itself (PIPL art. 14, 29)."""

    HEALTH_DATA = "health_data", _("use of health data for answering")
    AI_PROCESSING = "ai_processing", _("answers by an assistant")
    REMINDERS = "reminders", _("reminders and follow-up")
    OUTREACH = "outreach", _("health information and campaigns")


class ConsentQuerySet(models.QuerySet["Consent"]):
    def in_force(self) -> "ConsentQuerySet":
        return self.filter(withdrawn_at=None)


class Consent(models.Model):
    """One agreement to one purpose; withdrawing ends it, agreeing again makes a new row."""

    patient = models.ForeignKey(
        Patient, models.CASCADE, related_name="consents", verbose_name=_("patient")
    )
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose.choices)
    text_version = models.CharField(_("version of the text"), max_length=20)
    channel = models.ForeignKey(Channel, models.PROTECT, null=True, verbose_name=_("channel"))
    given_at = models.DateTimeField(_("given at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-given_at"]
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "purpose"],
                condition=Q(withdrawn_at=None),
                name="one_consent_in_force_per_purpose",
            )
        ]

    def __str__(self) -> str:
        return self.get_purpose_display()


class Proxy(models.Model):
    """A family member who writes for a patient: a daughter for her mother."""

    class Relationship(models.TextChoices):
        CHILD = "child", _("child")
        PARENT = "parent", _("parent")
        SPOUSE = "spouse", _("spouse")
        OTHER = "other", _("other")

    writer = models.ForeignKey(
        Patient, models.CASCADE, related_name="writes_for", verbose_name=_("writer")
    )
    patient = models.ForeignKey(
        Patient, models.CASCADE, related_name="proxies", verbose_name=_("patient")
    )
    relationship = models.CharField(
        _("relationship"), max_length=8, choices=Relationship.choices, default="other"
    )
    # Until a person has checked the proof, a proxy may write, and sees nothing of the record.
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    verified_by = models.ForeignKey(
        "staff.StaffMember", models.PROTECT, null=True, blank=True, verbose_name=_("verified by")
    )
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)

    class Meta:
        verbose_name = _("proxy")
        verbose_name_plural = _("proxies")
        constraints = [
            models.UniqueConstraint(fields=["writer", "patient"], name="one_proxy_per_pair"),
            models.CheckConstraint(
                condition=~Q(writer=models.F("patient")), name="nobody_is_their_own_proxy"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.writer_id} → {self.patient_id}"

    def is_in_force(self, now: datetime) -> bool:
        return self.verified_at is not None and (self.ends_at is None or now < self.ends_at)


class Owner(models.TextChoices):
    """Whose word counts for one kind of record, where an outside system keeps it too."""

    OURS = "ours", _("ours")
    THEIRS = "theirs", _("theirs")


class ExternalIdentifier(SealedModel):
    """What an outside system calls one of our rows, and which state of it we have filed.

    It outlives the erasure of its patient, unreadable: who was erased does not come back with the
    next fetching.
    """

    source = models.CharField(_("outside system"), max_length=40)
    resource = models.CharField(_("kind"), max_length=24)  # FHIR's name of it
    external_id = SealedText(_("number there"))
    external_index = models.CharField(max_length=32, editable=False)
    # None: a schedule or a slot, which belongs to nobody.
    patient = models.ForeignKey(
        Patient, models.PROTECT, null=True, blank=True, related_name="external_identifiers",
        verbose_name=_("patient"),
    )  # fmt: skip
    row_id = models.BigIntegerField()  # in the room that keeps it
    version = models.CharField(_("version"), max_length=64, blank=True)
    updated_at = models.DateTimeField(_("changed there at"), null=True)
    filed_at = models.DateTimeField(_("filed at"))
    # Keyed hashes of what they said, and of our row when it had been filed.
    digest = models.CharField(max_length=32, blank=True)
    our_digest = models.CharField(max_length=32, blank=True)
    # Debt: to be fetched again, and filed as they have it, whoever owns it.
    wanted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("number elsewhere")
        verbose_name_plural = _("numbers elsewhere")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "resource", "external_index"], name="one_row_per_external_number"
            )
        ]
        indexes = [
            models.Index(fields=["source", "resource", "row_id"], name="elsewhere_by_row"),
            models.Index(
                fields=["wanted_at"], condition=Q(wanted_at__isnull=False), name="wanted_again"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.resource} {self.pk}"


class Conflict(models.Model):
    """Something on which an outside system and we differ, until a person has settled it."""

    class Kind(models.TextChoices):
        DIFFERS = "differs", _("they say otherwise, and it is ours to say")
        OVERWRITTEN = "overwritten", _("they said otherwise, and it was theirs to say")
        CONTRADICTS = "contradicts", _("one identity number, two people")
        RETRACTED = "retracted", _("they take it back or make it milder")
        MERGED = "merged", _("they joined it with another one")
        GONE = "gone", _("they have it no more")
        REFUSED = "refused", _("they did not take it")

    source = models.CharField(_("outside system"), max_length=40)
    resource = models.CharField(_("kind"), max_length=24)
    kind = models.CharField(_("what is wrong"), max_length=11, choices=Kind.choices)
    fields = models.CharField(_("fields"), max_length=200, blank=True)  # names, no values
    identifier = models.ForeignKey(
        ExternalIdentifier, models.CASCADE, null=True, related_name="conflicts"
    )
    external_index = models.CharField(max_length=32, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, null=True, related_name="+", verbose_name=_("patient")
    )
    found_at = models.DateTimeField(_("found at"))
    settled_at = models.DateTimeField(_("settled at"), null=True)
    settled_by = models.ForeignKey(
        "staff.StaffMember", models.PROTECT, null=True, related_name="+",
        verbose_name=_("settled by"),
    )  # fmt: skip
    kept = models.CharField(_("kept"), max_length=6, choices=Owner.choices, blank=True)

    class Meta:
        ordering = ["settled_at", "-found_at"]
        verbose_name = _("difference with an outside system")
        verbose_name_plural = _("differences with outside systems")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "resource", "external_index", "kind"],
                condition=Q(settled_at=None),
                name="one_open_conflict_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return _("difference %(id)s") % {"id": self.pk}
