"""What the hospital's rows say, in the words of the language in force."""

from collections.abc import Iterable
from datetime import time
from decimal import Decimal
from itertools import groupby

from django.utils.translation import gettext as _

from hospital.models import OpeningHours, Weekday

Stretch = tuple[time, time]
_DAY: Stretch = (time(0), time(0))  # 00:00 to 00:00 is the whole day


def week_in_words(hours: Iterable[OpeningHours]) -> list[str]:
    """Days that are alike in one line: "Monday–Friday 08:00–12:00, 13:30–17:00"."""
    week: dict[int, list[Stretch]] = {}
    for row in hours:
        week.setdefault(row.weekday, []).append((row.opens_at, row.closes_at))
    days = [tuple(sorted(week.get(day, []))) for day in Weekday.values]
    if days and all(day == (_DAY,) for day in days):
        return [_("Open day and night, all year")]
    lines = []
    for stretches, alike in groupby(zip(Weekday.choices, days, strict=True), key=lambda d: d[1]):
        names = [str(label) for (_value, label), _stretches in alike]
        if stretches:
            span = names[0] if len(names) == 1 else f"{names[0]}–{names[-1]}"
            lines.append(f"{span} {', '.join(map(_stretch_in_words, stretches))}")
    return lines


def _stretch_in_words(stretch: Stretch) -> str:
    opens, closes = stretch
    return f"{opens:%H:%M}\N{WORD JOINER}–\N{WORD JOINER}{closes:%H:%M}"


def yuan(amount: Decimal) -> str:
    """ "20元", "¥7.50"; no idle zeros."""
    plain = amount.quantize(Decimal(1)) if amount == amount.to_integral() else amount
    return _("¥%(amount)s") % {"amount": f"{plain:f}"}
