"""What every channel promises, and what delivery may ask of it."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class OutboundMessage:
    address: str  # the patient's, on this channel
    text: str
    details: dict[str, Any]
    message_uid: str  # ours, for vendors that take an idempotency id


class SendFailed(Exception):
    """The vendor did not take the message."""

    def __init__(self, reason: str, *, retryable: bool) -> None:
        super().__init__(reason)
        self.reason, self.retryable = reason, retryable


class Adapter(Protocol):
    def send(self, message: OutboundMessage) -> None:
        """Give one message to the channel. Raises SendFailed."""
