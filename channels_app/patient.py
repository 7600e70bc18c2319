"""The patient's socket: a Visit at the end of a WebSocket."""

import asyncio
from contextlib import suppress

from channels_app import hub, origins
from channels_app.frames import Frame
from channels_app.patient_thread import ChannelClosed
from channels_app.socket import Socket
from channels_app.visit import IDLE_S, MAX_FRAME, Visit

CLOSED_IDLE = 4000  # outside 44xx: the page may come back at once
CLOSED_TOO_BIG = 1009
CLOSED_NO_CHANNEL = 4404


class PatientChat(Socket):
    """One patient's screen. Which frames go which way stands in docs/protocol.md."""

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if not origins.is_welcome(origin, host=headers.get(b"host", b"").decode("latin-1")):
            await self.close()  # before it was accepted: the handshake ends with 403
            return
        self._visit = Visit(
            self.scope["url_route"]["kwargs"]["channel"],
            address=(self.scope.get("client") or ("",))[0],
            emit=self._emit,
            join=self._join,
            leave=self._leave,
        )
        self._groups: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._idle = self._loop.create_task(self._close_when_idle())
        hub.ensure_watching()
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if not hasattr(self, "_visit"):
            return  # refused at the door
        self._idle.cancel()
        for group in list(self._groups):
            await self._leave(group)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self._heard_at = self._loop.time()
        # The server's own limit comes first; this one holds whatever the server was told.
        if text_data is not None and _weight(text_data) > MAX_FRAME:
            await self.close(code=CLOSED_TOO_BIG)
            return
        try:
            await self._visit.receive_text(text_data if text_data is not None else "")
        except ChannelClosed:
            await self.close(code=CLOSED_NO_CHANNEL)

    # --- What the house shows: the names are those of the frames in `live` ------------------------

    def is_needless(self, frame: Frame) -> bool:
        return hasattr(self, "_visit") and self._visit.is_needless(frame)

    async def conversation_news(self, frame: Frame) -> None:
        await self._visit.hear(frame)

    async def conversation_owner(self, frame: Frame) -> None:
        await self._visit.hear(frame)

    async def conversation_seen(self, frame: Frame) -> None:
        await self._visit.hear(frame)

    async def conversation_changed(self, frame: Frame) -> None:
        """How far a message came is shown to nurses."""

    async def conversation_typing(self, frame: Frame) -> None:
        await self._visit.hear(frame)

    async def _emit(self, frame: Frame) -> None:
        # The browser may be gone while this was composed; its goodbye comes as a disconnect.
        with suppress(OSError, RuntimeError):
            await self.send_frame(frame)

    async def _join(self, group: str) -> None:
        self._groups.add(group)
        await self.channel_layer.group_add(group, self.channel_name)

    async def _leave(self, group: str) -> None:
        self._groups.discard(group)
        await self.channel_layer.group_discard(group, self.channel_name)

    async def _close_when_idle(self) -> None:
        while (left := self._heard_at + IDLE_S - self._loop.time()) > 0:
            await asyncio.sleep(left)
        await self.close(code=CLOSED_IDLE)


def _weight(text: str) -> int:
    """Bytes on the line; a lone surrogate, which only a test can send, counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
