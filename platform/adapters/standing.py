"""How a patient can be reached just now, as a nurse is told before she writes."""

from datetime import datetime
from typing import Any

from adapters import ledger
from adapters.contracts import Capabilities
from adapters.policy import refusal
from adapters.registry import NoAdapter, adapter_of
from patients.models import ContactPoint


def standing_of(contact_point: ContactPoint, *, now: datetime) -> dict[str, Any]:
    """`left` of `allowed` messages until `closes_at` (None: not counted), `notice` where only a
    text with a link goes out, and `why` nothing would go out here.
    """
    try:
        capabilities = adapter_of(contact_point.channel).capabilities
    except NoAdapter:
        capabilities = Capabilities()
    reach = ledger.reach_of(contact_point, now=now)
    why = refusal(reach, capabilities=capabilities, may_use_the_last=True)
    counted = bool(capabilities.windows) and reach.has_window
    return {
        "left": reach.left if counted else None,
        "allowed": reach.allowed if counted else None,
        "closes_at": reach.closes_at.isoformat() if counted and reach.closes_at else None,
        "notice": capabilities.template_only,
        "why": str(why or ""),
    }
