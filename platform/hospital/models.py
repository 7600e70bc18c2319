"""What the hospital is: its departments, doctors and places, and when they are open."""

from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hospital.hours import Rule, SpecialDay

DEFAULT_TIME_ZONE = "Asia/Shanghai"


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("%(name)s is not the name of a time zone."), params={"name": name})


class Bilingual:
    """A row that says things twice: `name` in Chinese, `name_en` in English."""

    def in_language(self, field: str, lang: str) -> str:
        """What a field says in a language; Chinese where the English was not written yet."""
        chinese = str(getattr(self, field))
        if lang.lower().startswith("en"):
            return str(getattr(self, f"{field}_en")) or chinese
        return chinese


class HospitalQuerySet(models.QuerySet["Hospital"]):
    def this_one(self) -> "Hospital":
        """The hospital; an unsaved, nameless one before it was set up."""
        return self.first() or Hospital()


class Hospital(Bilingual, models.Model):
    """The one hospital that this house serves."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    slogan = models.CharField(_("slogan"), max_length=120, blank=True)
    slogan_en = models.CharField(_("English slogan"), max_length=160, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    emergency_phone = models.CharField(_("emergency phone"), max_length=40, default="120")
    address = models.CharField(_("address"), max_length=200, blank=True)
    address_en = models.CharField(_("English address"), max_length=240, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=40, default=DEFAULT_TIME_ZONE, validators=[check_time_zone]
    )

    objects = HospitalQuerySet.as_manager()

    class Meta:
        verbose_name = _("hospital")
        verbose_name_plural = _("hospital")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="hospital_is_the_only_one"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class DepartmentQuerySet(models.QuerySet["Department"]):
    def active(self) -> "DepartmentQuerySet":
        return self.filter(is_active=True)

    def standard(self) -> "DepartmentQuerySet":
        """Those that triage can name."""
        return self.filter(is_standard=True)


class Department(Bilingual, models.Model):
    """A department, 科室: one of the 31 standard ones, or the hospital's own."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=40, unique=True)  # Chinese; triage knows it so
    name_en = models.CharField(_("English name"), max_length=80)
    is_active = models.BooleanField(_("active"), default=True)
    is_standard = models.BooleanField(
        _("standard department"),
        default=False,
        help_text=_("One of the departments that symptom triage can name; keep its Chinese name."),
    )
    location = models.CharField(
        _("location"), max_length=80, blank=True, help_text=_("Building and floor.")
    )
    location_en = models.CharField(_("English location"), max_length=120, blank=True)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("department")
        verbose_name_plural = _("departments")

    def __str__(self) -> str:
        return self.name


class DoctorQuerySet(models.QuerySet["Doctor"]):
    def active(self) -> "DoctorQuerySet":
        return self.filter(is_active=True, department__is_active=True)


class Doctor(Bilingual, models.Model):
    """A doctor whom patients can book; need not sign in here."""

    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    title = models.CharField(pgettext_lazy("of a doctor", "title"), max_length=40, blank=True)
    title_en = models.CharField(
        pgettext_lazy("of a doctor", "English title"), max_length=80, blank=True
    )
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="doctors", verbose_name=_("department")
    )
    intro = models.TextField(_("introduction"), blank=True)
    intro_en = models.TextField(_("English introduction"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = DoctorQuerySet.as_manager()

    class Meta:
        ordering = ["department__name", "name"]
        verbose_name = _("doctor")
        verbose_name_plural = _("doctors")
        constraints = [
            models.UniqueConstraint(
                fields=["name", "department"], name="doctor_once_per_department"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlaceKind(models.TextChoices):
    EMERGENCY = "emergency", _("emergency department")
    OUTPATIENT = "outpatient", _("outpatient clinic")
    INPATIENT = "inpatient", _("inpatient ward")
    REGISTRATION = "registration", _("registration and payment")
    PHARMACY = "pharmacy", _("pharmacy")
    LAB = "lab", _("laboratory")
    IMAGING = "imaging", _("imaging and examinations")
    CHECKUP = "checkup", _("check-up center")
    FEVER_CLINIC = "fever_clinic", _("fever clinic")
    VACCINATION = "vaccination", _("vaccination clinic")
    INFORMATION = "information", _("information desk")
    OFFICE = "office", _("office")
    PARKING = "parking", _("parking")
    OTHER = "other", _("other")


class PlaceQuerySet(models.QuerySet["Place"]):
    def active(self) -> "PlaceQuerySet":
        return self.filter(is_active=True)

    def emergency(self) -> "PlaceQuerySet":
        return self.filter(kind=PlaceKind.EMERGENCY)

    def main_clinic(self) -> "Place | None":
        """The outpatient clinic that comes first."""
        return self.active().filter(kind=PlaceKind.OUTPATIENT).order_by("rank", "id").first()


class Place(Bilingual, models.Model):
    """Somewhere that a patient has to find."""

    kind = models.CharField(_("kind"), max_length=16, choices=PlaceKind.choices)
    name = models.CharField(_("name"), max_length=80, unique=True)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    location = models.CharField(
        _("location"), max_length=80, blank=True, help_text=_("Building and floor.")
    )
    location_en = models.CharField(_("English location"), max_length=120, blank=True)
    directions = models.CharField(_("directions"), max_length=300, blank=True)
    directions_en = models.CharField(_("English directions"), max_length=400, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    department = models.ForeignKey(
        Department,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="places",
        verbose_name=_("department"),
    )
    rank = models.PositiveSmallIntegerField(
        _("rank"), default=100, help_text=_("The lowest of a kind is the one named to patients.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "rank", "name"]
        verbose_name = _("place")
        verbose_name_plural = _("places")

    def __str__(self) -> str:
        return self.name


class Price(Bilingual, models.Model):
    """What something costs that is no visit: parking, a copy, a bed for who stays overnight."""

    code = models.SlugField(
        _("code"),
        max_length=40,
        unique=True,
        help_text=_("Articles name it by this code, as {price:parking-hour}."),
    )
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    amount = models.DecimalField(_("amount in yuan"), max_digits=9, decimal_places=2)
    unit = models.CharField(
        _("unit"),
        max_length=20,
        blank=True,
        help_text=_("What it is counted by: a time, an hour, a day."),
    )
    unit_en = models.CharField(_("English unit"), max_length=30, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("price")
        verbose_name_plural = _("prices")

    def __str__(self) -> str:
        return self.name


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class HoursKind(models.TextChoices):
    VISIT = "visit", _("visiting patients")
    NURSES = "nurses", _("nurses who answer messages")


class OpeningHoursQuerySet(models.QuerySet["OpeningHours"]):
    def of_nurses(self) -> "OpeningHoursQuerySet":
        return self.filter(kind=HoursKind.NURSES)

    def of(self, where: Place | Department) -> "OpeningHoursQuerySet":
        """Those of a place or department; one without its own keeps the outpatient clinic's."""
        if isinstance(where, Place):
            return self.filter(place=where)
        own = self.filter(department=where)
        return own if own.exists() else self.filter(place=Place.objects.main_clinic())


class OpeningHours(models.Model):
    """One stretch of one weekday on which a place, a department or the nurses are there."""

    kind = models.CharField(
        _("kind"), max_length=8, choices=HoursKind.choices, default=HoursKind.VISIT
    )
    place = models.ForeignKey(
        Place,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="opening_hours",
        verbose_name=_("place"),
    )
    department = models.ForeignKey(
        Department,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="opening_hours",
        verbose_name=_("department"),
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens_at = models.TimeField(_("opens at"))
    closes_at = models.TimeField(
        _("closes at"),
        help_text=_("At or before the opening: on the next day. 00:00 to 00:00 is the whole day."),
    )
    on_holidays = models.BooleanField(_("also on holidays"), default=False)

    objects = OpeningHoursQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "place", "department", "weekday", "opens_at"]
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=HoursKind.NURSES, place=None, department=None)
                | Q(kind=HoursKind.VISIT, place__isnull=False, department=None)
                | Q(kind=HoursKind.VISIT, place=None, department__isnull=False),
                name="hours_belong_to_one",
                violation_error_message=_(
                    "Hours belong to one place or one department; nurses' hours to neither."
                ),
            ),
            # A null place or department equals no other, so each of these minds its own rows.
            models.UniqueConstraint(
                fields=["place", "weekday", "opens_at"], name="hours_once_a_place"
            ),
            models.UniqueConstraint(
                fields=["department", "weekday", "opens_at"], name="hours_once_a_department"
            ),
            models.UniqueConstraint(
                fields=["weekday", "opens_at"],
                condition=Q(kind=HoursKind.NURSES),
                name="nurses_hours_once",
            ),
        ]

    def __str__(self) -> str:
        whose = self.place or self.department or self.get_kind_display()
        return f"{whose} {self.get_weekday_display()} {self.opens_at:%H:%M}–{self.closes_at:%H:%M}"

    def as_rule(self) -> Rule:
        return Rule(self.weekday, self.opens_at, self.closes_at, self.on_holidays)


class HolidayKind(models.TextChoices):
    CLOSED = "closed", _("closed all day")
    SPECIAL_HOURS = "special_hours", _("special hours")
    WORKING_DAY = "working_day", _("working day")  # 调休: a weekend day that is worked


class HolidayQuerySet(models.QuerySet["Holiday"]):
    def as_special_days(self) -> dict[date, SpecialDay]:
        return {holiday.date: holiday.as_special_day() for holiday in self}


class Holiday(Bilingual, models.Model):
    """A day that is not like its weekday, for the whole hospital."""

    date = models.DateField(_("date"), unique=True)
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    kind = models.CharField(
        _("kind"), max_length=16, choices=HolidayKind.choices, default=HolidayKind.CLOSED
    )
    opens_at = models.TimeField(_("opens at"), null=True, blank=True)
    closes_at = models.TimeField(_("closes at"), null=True, blank=True)
    like_weekday = models.PositiveSmallIntegerField(
        _("hours like on"), choices=Weekday.choices, null=True, blank=True
    )

    objects = HolidayQuerySet.as_manager()

    class Meta:
        ordering = ["date"]
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind=HolidayKind.SPECIAL_HOURS)
                | Q(opens_at__isnull=False, closes_at__isnull=False),
                name="special_hours_are_given",
                violation_error_message=_("Special hours need both an opening and a closing."),
            ),
            models.CheckConstraint(
                condition=~Q(kind=HolidayKind.WORKING_DAY) | Q(like_weekday__isnull=False),
                name="working_day_says_like_which",
                violation_error_message=_("Say which weekday's hours a working day has."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"

    def as_special_day(self) -> SpecialDay:
        if self.kind == HolidayKind.WORKING_DAY:
            return SpecialDay(like_weekday=self.like_weekday)
        if self.kind == HolidayKind.SPECIAL_HOURS and self.opens_at and self.closes_at:
            return SpecialDay(hours=(self.opens_at, self.closes_at))
        return SpecialDay()
