"""A nurse writes: shown where the patient's channel can show it."""

from adapters.contracts import Typing
from adapters.registry import NoAdapter, adapter_of
from conversations.models import Conversation


def show_typing(conversation_id: int) -> None:
    found = Conversation.objects.select_related("contact_point__channel")
    contact_point = found.get(pk=conversation_id).contact_point
    try:
        adapter = adapter_of(contact_point.channel)
    except NoAdapter:
        return
    if isinstance(adapter, Typing) and contact_point.address and not contact_point.closed_why:
        adapter.show_typing(contact_point.address)
