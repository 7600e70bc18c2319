"""Web chat: the patient's screen fetches by `seq`, so what is stored is as good as sent.

It has sockets of its own and is never called back; see `channels_app`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from adapters.contracts import (
    Accepted,
    Answer,
    Callback,
    Capabilities,
    Field,
    InboundEvent,
    OutboundMessage,
    Refused,
    SendResult,
    Step,
)


class WebAdapter:
    label: ClassVar[Any] = _("web chat")
    setup: ClassVar[tuple[Field, ...]] = ()
    capabilities = Capabilities(is_pulled=True)

    @classmethod
    def of(cls, channel: object) -> "WebAdapter":
        return cls()

    def check(self) -> Sequence[Step]:
        return []

    def verify(self, callback: Callback) -> None:
        raise Refused

    def parse(self, callback: Callback) -> Sequence[InboundEvent]:
        raise Refused

    def acknowledge(self, callback: Callback) -> Answer:
        raise Refused

    def send(self, message: OutboundMessage) -> SendResult:
        """Nothing to give to anybody: the doorbell rang when the message was stored."""
        return Accepted()
