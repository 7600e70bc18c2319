"""One worker speaks at a time in a conversation."""

from datetime import datetime, timedelta

from django.db.models import Q

from conversations.models import Conversation

# One call of a vendor that answers slowly, with a token fetched twice before it, takes 40 s.
LASTS = timedelta(seconds=60)


class Lease:
    """The right to speak in one conversation. Whoever lost it to another worker stops."""

    def __init__(self, conversation_id: int) -> None:
        self._rows = Conversation.objects.filter(pk=conversation_id)
        self._until: datetime | None = None

    def take(self, now: datetime) -> bool:
        return self._hold(Q(delivering_until=None) | Q(delivering_until__lt=now), now)

    def renew(self, now: datetime) -> bool:
        return self._hold(Q(delivering_until=self._until), now)

    def give_back(self) -> None:
        self._rows.filter(delivering_until=self._until).update(delivering_until=None)

    def _hold(self, still_free: Q, now: datetime) -> bool:
        if not self._rows.filter(still_free).update(delivering_until=now + LASTS):
            return False
        self._until = now + LASTS
        return True
