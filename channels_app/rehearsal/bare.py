"""The smallest chat that Channels can be: no storage, no accounts, no promises.

What `manage.py bench` measures the house against. It speaks as much of docs/protocol.md as the load
needs; a room is known to its patient and its nurse by number. Its frames go through the layer that
Channels recommends: in memory where the house has one process, through Redis where REDIS_URL says
that the house may have many.
"""

import json
import os
from itertools import count
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
http = get_asgi_application()
settings.CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [settings.REDIS_URL]},
    }
    if settings.REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

_rooms = count(1)


class BareChat(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Either end of a room: a patient says, a nurse watches."""

    async def connect(self) -> None:
        self._room, self._seq = next(_rooms), 0
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = json.loads(text_data or "{}")
        match frame["type"]:
            case "hello":
                await self._tell({"type": "welcome", "token": "", "room": self._room})
            case "watch":
                await self.channel_layer.group_add(
                    f"room.{frame['conversation']}", self.channel_name
                )
                await self._show([])
            case "send":
                self._seq += 1
                item = {"seq": self._seq, "text": frame["text"], "client_id": frame["client_id"]}
                await self._tell({"type": "ack", "client_id": item["client_id"], "seq": self._seq})
                said = {"type": "message.said", "item": item}
                await self.channel_layer.group_send(f"room.{self._room}", said)

    async def message_said(self, event: dict[str, Any]) -> None:
        await self._show([event["item"]])

    async def _show(self, items: list[dict[str, Any]]) -> None:
        await self._tell({"type": "messages", "items": items})

    async def _tell(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(frame, ensure_ascii=False))


application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter([re_path(r"^ws/", BareChat.as_asgi())])}
)
