"""What every socket of ours has in common."""

from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a frame to its handler, and nothing else.

        Channels closes old connections before each, by the one database thread, behind whatever is
        stored there; `channels_app.database` looks after its connections itself.
        """
        await getattr(self, get_handler_name(message))(message)
