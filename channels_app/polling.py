"""A Visit over HTTP, for networks that let no WebSocket through: one request, one short visit."""

import asyncio
from typing import Any

from channels.layers import get_channel_layer
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from channels_app import hub, origins
from channels_app.frames import Frame
from channels_app.patient_thread import ChannelClosed
from channels_app.visit import MAX_FRAME, BadFrame, Visit, parse_frame

HOLD_S = 25  # proxies begin to give up at 30
LOOK_AGAIN_S = 2  # for a visitor's first message, which another request brings
MAX_FRAMES = 50  # in one request
_STANDING = ("welcome", "owner", "seen")  # how things stand, said in every answer: no news


@csrf_exempt  # there is no cookie to misuse; the token stands in the body
@require_POST
async def poll(request: HttpRequest, channel: str) -> HttpResponse:
    """Take frames, and answer with what there is; with `wait`, when there is something."""
    if not _is_our_page(request):
        return JsonResponse({"frames": []}, status=403)
    if len(request.body) > MAX_FRAME:
        return JsonResponse({"frames": []}, status=413)
    line = _Line(channel, address=request.META.get("REMOTE_ADDR", ""))
    try:
        asked = _read(request.body)
        return JsonResponse({"frames": await line.visit(asked)})
    except BadFrame:
        return JsonResponse({"frames": []}, status=400)
    except ChannelClosed:
        return JsonResponse({"frames": line.frames}, status=404)


class _Line:
    """Collects what a socket would have been sent."""

    def __init__(self, slug: str, *, address: str) -> None:
        self.frames: list[Frame] = []
        self._layer = get_channel_layer()
        self._visit = Visit(
            slug, address=address, emit=self._emit, join=self._join, leave=self._leave
        )
        self._mailbox = ""
        self._groups: set[str] = set()

    async def visit(self, asked: Frame) -> list[Frame]:
        hub.ensure_watching()
        self._mailbox = await self._layer.new_channel()
        try:
            await self._visit.receive({**asked, "type": "hello"})
            if self._visit.is_welcome:
                for frame in asked["frames"]:
                    await self._visit.receive(frame)
                if asked["wait"] and all(frame["type"] in _STANDING for frame in self.frames):
                    await self._wait_for_news()
        finally:
            for group in list(self._groups):
                await self._leave(group)
            self._layer.forget(self._mailbox)
        return self.frames

    async def _wait_for_news(self) -> None:
        loop = asyncio.get_running_loop()
        until, known = loop.time() + HOLD_S, len(self.frames)
        while len(self.frames) == known and (left := until - loop.time()) > 0:
            patience = left if self._visit.has_conversation else min(left, LOOK_AGAIN_S)
            try:
                frame = await asyncio.wait_for(self._layer.receive(self._mailbox), patience)
            except TimeoutError:
                await self._visit.look_for_thread()
            else:
                await self._visit.hear(frame)

    async def _emit(self, frame: Frame) -> None:
        self.frames.append(frame)

    async def _join(self, group: str) -> None:
        self._groups.add(group)
        await self._layer.group_add(group, self._mailbox)

    async def _leave(self, group: str) -> None:
        self._groups.discard(group)
        await self._layer.group_discard(group, self._mailbox)


def _is_our_page(request: HttpRequest) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin", "")
    return origins.is_same_host(origin, host=request.headers.get("Host", ""))


def _read(body: bytes) -> dict[str, Any]:
    """Raises BadFrame."""
    try:
        asked = parse_frame(body.decode())
    except UnicodeDecodeError as error:
        raise BadFrame from error
    sent, wait = asked.get("frames", []), asked.get("wait", False)
    if not isinstance(sent, list) or not all(isinstance(frame, dict) for frame in sent):
        raise BadFrame
    if len(sent) > MAX_FRAMES or not isinstance(wait, bool):
        raise BadFrame
    return {**asked, "frames": sent, "wait": wait}
