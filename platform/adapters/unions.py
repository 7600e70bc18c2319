"""One person on several accounts of a vendor: their records are joined."""

from datetime import datetime

from adapters.contracts import Naming, NotPulled
from adapters.registry import ADAPTERS, NoAdapter, adapter_of
from patients.models import ContactPoint
from patients.services import NO_UNION, join_by_union

AT_ONCE = 20  # addresses; the vendor is asked once for each


def name_unnamed(*, now: datetime) -> int:
    """Ask for those whom nobody has asked for; returns how many were asked for."""
    kinds = [kind for kind, adapter in ADAPTERS.items() if issubclass(adapter, Naming)]
    unnamed = ContactPoint.objects.filter(
        channel__kind__in=kinds,
        channel__is_active=True,
        union_index="",
        closed_why="",
        address_index__isnull=False,
        patient__erased_at=None,
    )
    asked, away = 0, set()
    for contact_point in unnamed.select_related("channel", "patient").order_by("-pk")[:AT_ONCE]:
        if contact_point.channel_id in away:
            continue
        try:
            adapter = adapter_of(contact_point.channel)
            assert isinstance(adapter, Naming)
            union = adapter.union_of(contact_point.address or "")
        except (NotPulled, NoAdapter):
            away.add(contact_point.channel_id)  # another time
            continue
        asked += 1
        join_by_union(contact_point, union=union or NO_UNION)
    return asked
