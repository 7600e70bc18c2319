"""What the house rings at a nurse's screen, and what the screen then fetches and shows."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from django.utils import timezone, translation

from channels_app import console_frames as show
from channels_app import database, hub
from channels_app.console_account import Gone, signed_in
from channels_app.frames import Frame, error
from channels_app.socket import Socket
from events.logs import kind_and_place
from live.show import conversation_group
from staff.models import StaffMember
from tickets import services as acts

logger = logging.getLogger(__name__)

SETTLE_S = 0.25  # changes of the lists that come together are told once

T = TypeVar("T")


class Bells(Socket):
    """The half of a nurse's screen that listens: which conversations, and how far she has them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._language = "zh-hans"
        self._ready = False  # after hello
        self._over = False  # after we closed
        self._nurse: StaffMember | None = None  # as looked up in the last seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched: int | None = None
        self._have = 0  # newest seq of the watched conversation that this screen was given
        self._wanted = 0  # newest that a doorbell named
        self._pushing = False
        self._settling = False
        self._owners_moved = False  # since she last asked which conversations are hers
        self._news_of: dict[int, int] = {}  # conversation → newest seq, not yet told
        self._telling = False
        self._mine: set[int] = set()  # her own conversations, whose doorbells she hears
        self._alarms: list[Frame] | None = None

    async def conversation_news(self, event: Frame) -> None:
        if event["conversation"] == self._watched:
            await self._hand_on(event["seq"])
        elif self._ready and event["conversation"] in self._mine:
            self._news_of[event["conversation"]] = event["seq"]
            if not self._telling:
                self._telling = True
                self._start(self._tell_news())

    async def _hand_on(self, seq: int) -> None:
        """Show what this process has at hand; read the rest from the side."""
        if self._watched is None or self._pushing:
            at_hand = []
        else:
            at_hand = hub.recall(self._watched, after=self._have, up_to=seq)
        if not at_hand or self._watched is None:
            self._want(seq)
            return
        # Whether she may see it was asked when she opened it, is asked again every few seconds,
        # and whenever its ticket changes: not for each message.
        with translation.override(self._language):
            page = show.frame_of(at_hand, conversation_id=self._watched, last_seq=seq)
        self._have, self._wanted = seq, max(self._wanted, seq)
        await self._tell(page)

    def _want(self, seq: int) -> None:
        self._wanted = max(self._wanted, seq)
        if self._have < self._wanted and not self._pushing:
            self._pushing = True
            self._start(self._push())

    async def _tell_news(self) -> None:
        """News of what she does not look at need no haste: what comes together is told once."""
        await asyncio.sleep(SETTLE_S)
        self._telling, news, self._news_of = False, self._news_of, {}
        for conversation_id, seq in news.items():
            await self._tell({"type": "news", "conversation": conversation_id, "seq": seq})

    async def _push(self) -> None:
        """Give the screen the watched conversation's news, by one read at a time."""
        try:
            while self._watched is not None and self._have < self._wanted:
                conversation_id, after = self._watched, self._have
                page = await database.read(
                    show.messages_after, conversation_id, after=after, up_to=self._wanted
                )
                if conversation_id != self._watched:
                    continue
                self._have = show.newest(page, otherwise=self._wanted)
                await self._tell(page)
        finally:
            self._pushing = False

    async def conversation_owner(self, event: Frame) -> None:
        if event["conversation"] == self._watched:
            await self._in_scope(self._tell_owner)

    async def conversation_changed(self, event: Frame) -> None:
        """Something of a stored message: it was sent, or its picture has come."""
        if event["conversation"] != self._watched or event["seq"] > self._have:
            return
        seq: int = event["seq"]
        page = await database.read(
            show.messages_after, event["conversation"], after=seq - 1, up_to=seq
        )
        await self._tell(page)
        await self._in_scope(self._tell_owner)

    async def _tell_owner(self, watched: int) -> None:
        def read(nurse: StaffMember) -> Frame:
            conversation = show.find(watched, nurse=nurse)
            return show.owner_frame(conversation, nurse=nurse, now=timezone.now())

        await self._tell(await self._look(read))

    async def _catch_up(self, watched: int) -> None:
        found = await self._look(lambda nurse: show.find(watched, nurse=nurse))
        if watched == self._watched:
            self._want(found.last_seq)

    async def _in_scope(self, act: Callable[[int], Awaitable[None]]) -> None:
        """Do something with the watched conversation, which is closed to her if it left her."""
        watched = self._watched
        if watched is None:
            return
        try:
            await act(watched)
        except acts.OutOfScope:
            await self._unwatch()
            await self._refuse("out_of_scope", {})

    async def conversation_seen(self, event: Frame) -> None:
        if event["conversation"] == self._watched:
            sides = {"patient": "patient_seen_seq", "staff": "staff_seen_seq"}
            seen = {side: event[field] for side, field in sides.items() if field in event}
            await self._tell({"type": "seen", "conversation": self._watched, **seen})

    async def conversation_typing(self, event: Frame) -> None:
        if event["conversation"] == self._watched and event.get("author") == "patient":
            await self._tell(
                {"type": "typing", "conversation": self._watched, "author": "patient", "name": ""}
            )

    async def queue_changed(self, event: Frame) -> None:
        self._owners_moved |= not event.get("same_owner", False)
        # Also while settling: a change of the watched ticket itself is shown without delay.
        if event.get("conversation") == self._watched and self._watched is not None:
            await self.conversation_owner(event)
        if not self._settling:
            self._settling = True
            self._start(self._settle())

    async def tasks_changed(self, event: Frame) -> None:
        await self.queue_changed({"same_owner": True})  # the board is one of the lists

    async def _settle(self) -> None:
        await asyncio.sleep(SETTLE_S)
        self._settling = False
        if self._ready:
            await self._tell({"type": "queue"})
            if self._owners_moved:
                await self._listen_to_mine()

    async def alarm_changed(self, event: Frame) -> None:
        if self._ready:
            await self._show_alarms()
        if event.get("conversation", self._watched) == self._watched and self._watched is not None:
            await self.conversation_owner({"conversation": self._watched})

    async def _show_alarms(self) -> None:
        alarms = await self._look(show.alarms_for)
        if alarms != self._alarms:
            self._alarms = alarms
            await self._tell({"type": "alarms", "items": alarms})

    async def _listen_to_mine(self) -> None:
        """Hear the doorbells of her own conversations, and of no other's."""
        self._owners_moved = False
        try:
            mine = await self._look(show.own_conversations)
        except Exception:
            self._owners_moved = True
            raise
        left, self._mine = self._mine - mine, mine
        for conversation_id in mine:
            await self.channel_layer.group_add(
                conversation_group(conversation_id), self.channel_name
            )
        for conversation_id in left:
            await self._leave(conversation_id)

    async def _leave(self, conversation_id: int) -> None:
        if conversation_id not in self._listened():
            group = conversation_group(conversation_id)
            await self.channel_layer.group_discard(group, self.channel_name)

    def _listened(self) -> set[int]:
        return self._mine | ({self._watched} if self._watched is not None else set())

    # --- plumbing -------------------------------------------------------------------------------

    async def _ask(self, question: Callable[[StaffMember], T]) -> T:
        """Run in a database thread, in her name and language. Raises Gone."""
        return await database.write(self._in_her_name, question)

    async def _look(self, question: Callable[[StaffMember], T]) -> T:
        """The same for what only reads: it waits behind nobody's writing.

        Her account, once looked up, serves until `_look_after` lets it be looked up anew.
        """
        return await database.read(self._in_her_name, question, self._nurse)

    def _in_her_name(
        self, question: Callable[[StaffMember], T], nurse: StaffMember | None = None
    ) -> T:
        if nurse is None:
            nurse = self._nurse = signed_in(self.scope)
        with translation.override(self._language):
            return question(nurse)

    async def _refuse(self, code: str, about: Frame) -> None:
        with translation.override(self._language):
            frame = error(code, **about)
        await self._tell(frame)

    async def _tell(self, frame: Frame) -> None:
        if not self._over:
            await self.send_frame(frame)

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except Gone as gone:
                await self._end(gone.code)
            except Exception as fault:
                log_fault(fault, "background")

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self, code: int | None) -> None:
        if not self._over:
            self._over = True
            await self.close(code=code)

    async def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            await self._leave(watched)


def log_fault(fault: Exception, frame: str) -> None:
    logger.error("console failed", extra={"frame": frame, **kind_and_place(fault)})
