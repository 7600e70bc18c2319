"""Facts by name, for texts that must not go stale: {hours:门诊楼}, {where:…}, {phone:…}, {price:…}.

What an article says of hours, places and prices stands in the hospital's rows alone; when one is
changed there, every answer says so from then on.
"""

from django.utils.translation import gettext as _

from hospital.in_words import week_in_words, yuan
from hospital.models import Department, Hospital, OpeningHours, Place, Price

KINDS = ("hours", "where", "phone", "price")


def find_fact(kind: str, name: str, *, lang: str) -> str | None:
    """What the rows say, in the language in force; None where they say nothing."""
    if kind == "price":
        price = Price.objects.filter(code=name).first()
        return yuan(price.amount) if price else None
    if kind == "phone" and name == "hospital":
        return Hospital.objects.this_one().phone or None
    where = (
        Place.objects.active().filter(name=name).first()
        or Department.objects.active().filter(name=name).first()
    )
    if where is None:
        return None
    if kind == "hours":
        return hours_of(where) or None
    if kind == "where":
        return where.in_language("location", lang) or None
    return where.phone or None if isinstance(where, Place) else None


def hours_of(where: Place | Department) -> str:
    """ "周一–周五 08:00–12:00, 13:30–17:00；周六 08:00–12:00" """
    return _("; ").join(week_in_words(OpeningHours.objects.of(where)))
