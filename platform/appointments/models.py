"""When patients can be seen, and who has which seat (FHIR's Schedule, Slot and Appointment)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hospital.models import Bilingual, Weekday
from vault.fields import SealedText
from vault.models import SealedModel


class VisitType(models.TextChoices):
    GENERAL = "general", _("general clinic")
    SPECIALIST = "specialist", _("specialist clinic")
    PREMIUM = "premium", _("premium clinic")


class PartOfDay(models.TextChoices):
    MORNING = "morning", _("morning")  # until 12:00
    AFTERNOON = "afternoon", _("afternoon")  # until 18:00
    EVENING = "evening", _("evening")


def _department(**kwargs: Any) -> Any:
    return models.ForeignKey(
        "hospital.Department",
        models.PROTECT,
        related_name="+",
        verbose_name=_("department"),
        **kwargs,
    )


def _doctor(**kwargs: Any) -> Any:
    return models.ForeignKey(
        "hospital.Doctor",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("doctor"),
        **kwargs,
    )


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def active(self) -> "ScheduleQuerySet":
        """Those that slots are made from."""
        theirs = Q(doctor=None) | Q(doctor__is_active=True)
        return self.filter(theirs, is_active=True, department__is_active=True)


class Schedule(Bilingual, models.Model):
    """One stretch of one weekday in which a doctor, or a general clinic, sees patients."""

    department = _department()
    doctor = _doctor(help_text=_("Empty: the general clinic of the department."))
    place = models.ForeignKey(
        "hospital.Place",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("place"),
        help_text=_("Empty: where the department is."),
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    starts = models.TimeField(_("starts"))
    ends = models.TimeField(
        _("ends"), help_text=_("At or before the start: on the next day, for a night clinic.")
    )
    minutes_per_slot = models.PositiveSmallIntegerField(
        _("minutes per slot"),
        default=30,
        validators=[MinValueValidator(5), MaxValueValidator(480)],
    )
    capacity = models.PositiveSmallIntegerField(
        _("seats per slot"), default=1, validators=[MinValueValidator(1), MaxValueValidator(200)]
    )
    fee = models.DecimalField(  # yuan
        _("fee in yuan"),
        max_digits=8,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
    )
    visit_type = models.CharField(
        _("visit type"), max_length=10, choices=VisitType.choices, default=VisitType.GENERAL
    )
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    on_holidays = models.BooleanField(_("also on holidays"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    # What a patient needs to know to come prepared.
    come_early_min = models.PositiveSmallIntegerField(
        _("come so many minutes early"), default=15, validators=[MaxValueValidator(240)]
    )
    fasting = models.BooleanField(_("come without breakfast"), default=False)
    bring = models.CharField(
        _("what to bring"),
        max_length=200,
        blank=True,
        help_text=_("Besides identity card and insurance card."),
    )
    bring_en = models.CharField(_("what to bring, in English"), max_length=300, blank=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["department__name", "doctor__name", "weekday", "starts"]
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until=None)
                | Q(valid_from=None)
                | Q(valid_until__gte=F("valid_from")),
                name="schedule_ends_after_it_begins",
                violation_error_message=_("The last day lies before the first."),
            ),
            models.CheckConstraint(
                condition=Q(minutes_per_slot__gte=5, capacity__gte=1),
                name="schedule_gives_seats",
            ),
        ]

    def __str__(self) -> str:
        who = self.doctor or self.department
        return f"{who} {self.get_weekday_display()} {self.starts:%H:%M}–{self.ends:%H:%M}"

    def clean(self) -> None:
        if self.doctor is not None and self.doctor.department_id != self.department_id:
            raise ValidationError({"doctor": _("This doctor belongs to another department.")})

    def is_valid_on(self, day: date) -> bool:
        begins, ends = self.valid_from or day, self.valid_until or day
        return begins <= day <= ends


class ClosureQuerySet(models.QuerySet["Closure"]):
    def from_day(self, day: date) -> "ClosureQuerySet":
        return self.filter(last_day__gte=day)


class Closure(Bilingual, models.Model):
    """Days on which a doctor, a department or the whole hospital sees nobody (停诊)."""

    department = _department(
        null=True, blank=True, help_text=_("Department and doctor empty: the whole hospital.")
    )
    doctor = _doctor()
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    part = models.CharField(
        _("part of the day"),
        max_length=9,
        choices=PartOfDay.choices,
        blank=True,
        help_text=_("Empty: the whole day."),
    )
    reason = models.CharField(
        _("reason"), max_length=120, help_text=_("Patients whose appointments fall out read it.")
    )
    reason_en = models.CharField(_("reason in English"), max_length=160, blank=True)

    objects = ClosureQuerySet.as_manager()

    class Meta:
        ordering = ["-first_day"]
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        constraints = [
            models.CheckConstraint(
                condition=Q(doctor=None) | Q(department=None),
                name="closure_of_one",
                violation_error_message=_("Name a doctor or a department, not both."),
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="closure_ends_after_it_begins",
                violation_error_message=_("The last day lies before the first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.doctor or self.department or _('whole hospital')} {self.first_day}"

    def is_about(self, schedule: Schedule) -> bool:
        if self.doctor_id is not None:
            return self.doctor_id == schedule.doctor_id
        return self.department_id in (None, schedule.department_id)

    def covers(self, day: date, part: str) -> bool:
        return self.first_day <= day <= self.last_day and self.part in ("", part)


class ClosedBy(models.TextChoices):
    STAFF = "staff", _("staff")  # stays closed until staff open it
    CLOSURE = "closure", _("closure")
    HOLIDAY = "holiday", _("holiday")
    SCHEDULE = "schedule", _("changed schedule")


class SlotQuerySet(models.QuerySet["Slot"]):
    def to_come(self, now: datetime) -> "SlotQuerySet":
        return self.filter(starts_at__gt=now)

    def bookable(self, now: datetime) -> "SlotQuerySet":
        """Those with a seat for whoever comes first."""
        return self.to_come(now).filter(closed_at=None, taken__lt=F("capacity"))

    def promised(self) -> "SlotQuerySet":
        """Those of whose seats the waitlist has to be asked first."""
        return self.filter(kept_back__gt=0)

    def that_would_do_for(self, entry: "WaitlistEntry") -> "SlotQuerySet":
        """Those that somebody on the waitlist waits for: `WaitlistEntry.fitting` from its side."""
        wish = {"doctor": entry.doctor_id, "part": entry.part, "visit_type": entry.visit_type}
        return self.filter(
            **{name: value for name, value in wish.items() if value},
            department=entry.department_id,
            day__range=(entry.first_day, entry.last_day),
        )

    def with_all(self) -> "SlotQuerySet":
        return self.select_related("department", "doctor", "place", "schedule")


class Slot(Bilingual, models.Model):
    """A stretch of time with some seats. What it says was copied from its schedule when made."""

    schedule = models.ForeignKey(
        Schedule, models.PROTECT, related_name="slots", verbose_name=_("schedule")
    )
    department = _department()
    doctor = _doctor()
    place = models.ForeignKey(
        "hospital.Place",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("place"),
    )
    day = models.DateField(_("day"))  # of the start, in the hospital's zone
    part = models.CharField(_("part of the day"), max_length=9, choices=PartOfDay.choices)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    capacity = models.PositiveSmallIntegerField(_("seats"))
    # Seats that nobody else can have: held, booked, or kept back. Counted under the row's lock.
    taken = models.PositiveSmallIntegerField(_("taken"), default=0)
    # Debt: of the taken ones those that became free and that the waitlist is to be asked about.
    kept_back = models.PositiveSmallIntegerField(_("kept back"), default=0)
    fee = models.DecimalField(_("fee in yuan"), max_digits=8, decimal_places=2)
    visit_type = models.CharField(_("visit type"), max_length=10, choices=VisitType.choices)
    closed_at = models.DateTimeField(_("closed since"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=8, choices=ClosedBy.choices, blank=True)
    closed_why = models.CharField(_("why closed"), max_length=120, blank=True)
    closed_why_en = models.CharField(_("why closed, in English"), max_length=160, blank=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "id"]
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        constraints = [
            models.UniqueConstraint(fields=["schedule", "starts_at"], name="slot_once_a_schedule"),
            models.CheckConstraint(
                condition=Q(taken__lte=F("capacity"), kept_back__lte=F("taken")),
                name="slot_has_the_seats_it_gives",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="slot_ends_after_it_starts"
            ),
        ]
        indexes = [
            models.Index(fields=["department", "starts_at"]),
            models.Index(fields=["doctor", "starts_at"]),
            models.Index(fields=["starts_at"]),
            models.Index(fields=["id"], condition=Q(kept_back__gt=0), name="promised_slots"),
        ]

    def __str__(self) -> str:
        return _("slot %(id)s") % {"id": self.pk}

    @property
    def clinic(self) -> str:
        """Whom one is seen by: a doctor, or the general clinic of a department."""
        return f"doctor:{self.doctor_id}" if self.doctor_id else f"department:{self.department_id}"

    @property
    def free(self) -> int:
        return 0 if self.closed_at else max(0, self.capacity - self.taken)


class Status(models.TextChoices):
    """FHIR's AppointmentStatus, and `expired` for a hold that lapsed."""

    PENDING = "pending", _("held")
    BOOKED = "booked", _("booked")
    ARRIVED = "arrived", _("arrived")
    FULFILLED = "fulfilled", _("seen")
    CANCELLED = "cancelled", _("cancelled")
    NOSHOW = "noshow", _("did not come")
    EXPIRED = "expired", _("hold lapsed")


LIVE = (Status.PENDING, Status.BOOKED, Status.ARRIVED)
# Those that have their seat, or had it when it was time.
SEATED = (*LIVE, Status.FULFILLED, Status.NOSHOW)


class CancelledWhy(models.TextChoices):
    PATIENT = "patient", _("by the patient")
    HOSPITAL = "hospital", _("by the hospital")
    MOVED = "moved", _("moved to another time")
    RECORD = "record", _("the record was closed")  # erased, or the patient has died


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def live(self) -> "AppointmentQuerySet":
        return self.filter(status__in=LIVE)

    def seated(self) -> "AppointmentQuerySet":
        return self.filter(status__in=SEATED)

    def lapsed(self, now: datetime) -> "AppointmentQuerySet":
        """Holds whose time is over."""
        return self.filter(status=Status.PENDING, held_until__lte=now)

    def unfollowed(self) -> "AppointmentQuerySet":
        """Those to whose latest change nobody has reacted yet."""
        return self.filter(followed_at=None)

    def with_all(self) -> "AppointmentQuerySet":
        slot = ("slot__department", "slot__doctor", "slot__place", "slot__schedule")
        return self.select_related("patient", *slot)


class Appointment(SealedModel):
    """One patient's seat in one slot. A move makes a new one; the old one stays, cancelled."""

    slot = models.ForeignKey(
        Slot, models.PROTECT, related_name="appointments", verbose_name=_("slot")
    )
    seat = models.PositiveSmallIntegerField(_("seat"))
    patient = models.ForeignKey(
        "patients.Patient", models.PROTECT, related_name="appointments", verbose_name=_("patient")
    )
    booked_by = models.ForeignKey(
        "patients.Patient", models.PROTECT, related_name="+", verbose_name=_("booked by")
    )
    # None: at the desk.
    contact_point = models.ForeignKey(
        "patients.ContactPoint",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("contact point"),
    )
    waitlist_entry = models.ForeignKey(
        "WaitlistEntry",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="offers",
        verbose_name=_("waitlist entry"),
    )
    number = models.CharField(_("appointment number"), max_length=12, unique=True)
    request_id = models.CharField(max_length=64, null=True, editable=False)
    reason = SealedText(_("reason for the visit"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices)
    moved_from = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="moved_to",
        verbose_name=_("moved from"),
    )
    cancelled_why = models.CharField(
        _("cancelled"), max_length=8, choices=CancelledWhy.choices, blank=True
    )
    note = SealedText(_("what the patient is told"), null=True, blank=True)  # by the hospital
    held_at = models.DateTimeField(_("held at"))
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    booked_at = models.DateTimeField(_("booked at"), null=True, blank=True)
    arrived_at = models.DateTimeField(_("arrived at"), null=True, blank=True)
    # When it was fulfilled, cancelled, missed or lapsed.
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed at"))
    # Debt: somebody above has not yet reacted to the latest change.
    followed_at = models.DateTimeField(null=True, editable=False)
    # Copied, for the constraints below. The number of the record under which it was made, and no
    # reference: two records with a seat each can still be merged, and staff sort it out.
    made_for = models.BigIntegerField(editable=False)
    clinic = models.CharField(max_length=30, editable=False)
    day = models.DateField(_("day"), editable=False)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "seat"],
                condition=Q(status__in=SEATED),
                name="one_appointment_per_seat",
            ),
            models.UniqueConstraint(
                fields=["slot", "made_for"],
                condition=Q(status__in=LIVE),
                name="one_live_appointment_per_slot",
            ),
            models.UniqueConstraint(
                fields=["made_for", "clinic", "day"],
                condition=Q(status__in=LIVE),
                name="one_live_appointment_per_clinic_and_day",
            ),
            models.UniqueConstraint(
                fields=["request_id"],
                condition=Q(request_id__isnull=False),
                name="one_appointment_per_request",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.PENDING, held_until__isnull=False)
                | (~Q(status=Status.PENDING) & Q(held_until=None)),
                name="held_exactly_while_pending",
            ),
            models.CheckConstraint(
                condition=(Q(status=Status.CANCELLED) & ~Q(cancelled_why=""))
                | (~Q(status=Status.CANCELLED) & Q(cancelled_why="")),
                name="cancelled_says_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["held_until"], condition=Q(status=Status.PENDING), name="held_seats"
            ),
            models.Index(
                fields=["changed_at"], condition=Q(followed_at=None), name="unfollowed_changes"
            ),
            models.Index(
                fields=["day"],
                condition=Q(status__in=(Status.BOOKED, Status.ARRIVED)),
                name="expected_visits",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class WaitStatus(models.TextChoices):
    WAITING = "waiting", _("waiting")
    OFFERED = "offered", _("offered")
    ACCEPTED = "accepted", _("took the seat")
    DECLINED = "declined", _("declined")
    LAPSED = "lapsed", _("not answered")
    ENDED = "ended", _("ended")  # left, booked otherwise, or the days are over


class WaitlistEntryQuerySet(models.QuerySet["WaitlistEntry"]):
    def waiting(self) -> "WaitlistEntryQuerySet":
        return self.filter(status=WaitStatus.WAITING)

    def untold(self) -> "WaitlistEntryQuerySet":
        """Those who were offered a seat and do not know it yet."""
        return self.filter(status=WaitStatus.OFFERED, told_at=None)

    def fitting(self, slot: Slot) -> "WaitlistEntryQuerySet":
        """Those for whom a seat of this slot would do."""
        return self.filter(
            Q(doctor=None) | Q(doctor=slot.doctor_id),
            Q(part="") | Q(part=slot.part),
            Q(visit_type="") | Q(visit_type=slot.visit_type),
            department=slot.department_id,
            first_day__lte=slot.day,
            last_day__gte=slot.day,
        )

    def in_line(self, slot: Slot) -> "WaitlistEntryQuerySet":
        """Who is asked about a seat of this slot, in this order; nobody twice about one slot."""
        asked = self.model.objects.filter(offers__slot=slot)
        return self.waiting().fitting(slot).exclude(pk__in=asked).order_by("joined_at", "id")


class WaitlistEntry(models.Model):
    """Somebody who takes a seat when one gets free."""

    patient = models.ForeignKey(
        "patients.Patient", models.PROTECT, related_name="+", verbose_name=_("patient")
    )
    booked_by = models.ForeignKey(
        "patients.Patient", models.PROTECT, related_name="+", verbose_name=_("booked by")
    )
    contact_point = models.ForeignKey(
        "patients.ContactPoint",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("contact point"),
    )
    department = _department()
    doctor = _doctor()
    visit_type = models.CharField(
        _("visit type"), max_length=10, choices=VisitType.choices, blank=True
    )
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    part = models.CharField(
        _("part of the day"), max_length=9, choices=PartOfDay.choices, blank=True
    )
    status = models.CharField(
        _("status"), max_length=8, choices=WaitStatus.choices, default=WaitStatus.WAITING
    )
    joined_at = models.DateTimeField(_("joined at"))
    offered_at = models.DateTimeField(_("offered at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    # Debt, while a seat is offered: the patient has not been told yet.
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)

    objects = WaitlistEntryQuerySet.as_manager()

    class Meta:
        ordering = ["joined_at", "id"]
        verbose_name = _("waitlist entry")
        verbose_name_plural = _("waitlist")
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="waiting_ends_after_it_begins",
                violation_error_message=_("The last day lies before the first."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["department", "joined_at"],
                condition=Q(status=WaitStatus.WAITING),
                name="waiting_in_line",
            ),
            models.Index(
                fields=["offered_at"],
                condition=Q(status=WaitStatus.OFFERED, told_at=None),
                name="untold_offers",
            ),
        ]

    def __str__(self) -> str:
        return _("waitlist entry %(id)s") % {"id": self.pk}
