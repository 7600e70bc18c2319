"""What a visit costs, from the schedules."""

from django.db.models import Max, Min

from appointments.models import Schedule, VisitType
from hospital.in_words import yuan


def fee_in_words(visit_type: str) -> str | None:
    """ "20元", "30元–50元": the lowest to the highest of this type; None where there is none."""
    if visit_type not in VisitType.values:
        return None
    fees = Schedule.objects.active().filter(visit_type=visit_type)
    lowest, highest = fees.aggregate(low=Min("fee"), high=Max("fee")).values()
    if lowest is None:
        return None
    return yuan(lowest) if lowest == highest else f"{yuan(lowest)}–{yuan(highest)}"
