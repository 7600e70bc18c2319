"""A nurse's screen: frames in, acts of `tickets`, frames out. See docs/protocol.md.

It decides nothing. Who may do what is asked of `tickets`, each time, in the name of the account as
it stands at that moment: a session that ended or an account that was switched off acts no more.
"""

import asyncio
import json
import re
import time
from collections import deque
from functools import partial
from itertools import count
from typing import Any, TypeVar

from channels.exceptions import StopConsumer
from django.utils import timezone

from careplans.warnings import reply_with_care, shown
from channels_app import console_frames as show
from channels_app import hub
from channels_app.console_account import Gone, is_from_own_host, language_of
from channels_app.console_acts import CODES, BadFrame, number, perform, reason_in, seen_in
from channels_app.console_bells import Bells, log_fault
from channels_app.frames import Frame
from conversations.models import Conversation, Kind
from conversations.services import mark_seen
from conversations.text import clean_text
from events import NurseTyping, publish
from live.show import CONSOLES, conversation_group, show_on_commit
from records.guard import Questioned
from staff.models import Availability, StaffMember
from tickets import drafts
from tickets import services as acts

CHECK_EVERY_S = 5.0  # how soon a switched-off account loses its sockets
CATCH_UP_EVERY = 3  # checks: so often a screen also looks for what no doorbell told it
PRESENCE_EVERY_S = 20.0  # a screen pings this often; more writes would tell nothing new
SILENCE_S = 60.0  # three missed pings: nobody is there
TYPING_EVERY_S = 3.0
MAX_FRAME = 65_536  # bytes
MAX_FRAMES, FRAMES_S = 100, 10.0  # a nurse's screen, however busy, stays far below

TOO_BIG = 1009  # a close code; the others stand in `console_account`

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

T = TypeVar("T")


class NurseConsole(Bells):
    """One open screen of a nurse, head nurse or doctor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heard_at = time.monotonic()
        self._frames_at: deque[float] = deque(maxlen=MAX_FRAMES)
        self._present_at = -PRESENCE_EVERY_S
        self._typed_at = -TYPING_EVERY_S

    # --- coming and going -----------------------------------------------------------------------

    async def connect(self) -> None:
        if not is_from_own_host(self.scope):
            await self.close()  # before accepting: the handshake is refused with 403
            return
        await self.accept()
        self._language = language_of(self.scope)
        try:
            await self._look(lambda nurse: None)
        except Gone as gone:
            await self._end(gone.code)
            return
        hub.ensure_watching()
        await self.channel_layer.group_add(CONSOLES, self.channel_name)
        self._start(self._look_after())

    async def disconnect(self, code: int) -> None:
        self._over = True
        for task in list(self._tasks):
            task.cancel()
        groups = {CONSOLES, *map(conversation_group, self._listened())}
        for group in groups:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """No input and no fault of ours ends a screen; what nobody expected is logged, wordless."""
        try:
            await super().dispatch(message)
        except (StopConsumer, asyncio.CancelledError):
            raise
        except Gone as gone:
            await self._end(gone.code)
        except Exception as fault:
            log_fault(fault, message.get("type", ""))

    async def _look_after(self) -> None:
        """Every few seconds: may she still be here, is anybody there, does an alarm ring?"""
        for look in count(1):
            await asyncio.sleep(CHECK_EVERY_S)
            self._nurse = None
            try:
                if time.monotonic() - self._heard_at > SILENCE_S:
                    await self._end(None)
                elif self._ready and look % CATCH_UP_EVERY == 0:
                    # Also without a doorbell: one that was lost must silence neither an alarm nor
                    # a patient.
                    await self._join_again()
                    await self._listen_to_mine()
                    await self._show_alarms()
                    await self._in_scope(self._catch_up)
                elif self._watched is not None:
                    await self._in_scope(self._catch_up)
                else:
                    await self._look(lambda nurse: None)
            except Gone as gone:
                await self._end(gone.code)
            except Exception as fault:
                log_fault(fault, "look_after")

    async def _join_again(self) -> None:
        # The layer forgets who lagged a minute behind, and all when Redis begins anew; to join
        # twice is to join.
        await self.channel_layer.group_add(CONSOLES, self.channel_name)
        for conversation_id in self._listened():
            group = conversation_group(conversation_id)
            await self.channel_layer.group_add(group, self.channel_name)

    # --- frames from the screen -----------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._over:
            return
        now = self._heard_at = time.monotonic()
        if bytes_data is not None or len((text_data or "").encode("utf-8", "replace")) > MAX_FRAME:
            await self._end(TOO_BIG)
            return
        frame = _parsed(text_data or "")
        about = _about(frame)
        if len(self._frames_at) == MAX_FRAMES and now - self._frames_at[0] < FRAMES_S:
            await self._refuse("too_fast", about)
            return
        self._frames_at.append(now)
        try:
            if not self._ready and frame.get("type") != "hello":
                # An unknown frame is unknown at any time.
                await self._refuse(
                    "not_ready" if frame.get("type") in KNOWN else "bad_frame", about
                )
                return
            await self._act_on(frame)
        except (StopConsumer, asyncio.CancelledError, Gone):
            raise
        except BadFrame:
            await self._refuse("bad_frame", about)
        except tuple(CODES) as expected:
            await self._refuse(CODES[type(expected)], about)
        except Exception as fault:
            log_fault(fault, about.get("act", str(frame.get("type", ""))[:20]))
            await self._refuse("failed", about)

    async def _act_on(self, frame: Frame) -> None:
        match frame:
            case {"type": "ping"}:
                await self._be_present()
                await self._tell({"type": "pong"})
            case {"type": "hello"}:
                await self._hello()
            case {"type": "watch", "conversation": conversation, "after": after}:
                await self._watch(number(conversation), after=number(after))
            case {"type": "unwatch"}:
                await self._unwatch()
            case {"type": "pull", "conversation": conversation, "after": after}:
                await self._pull(number(conversation), after=number(after))
            case {
                "type": "send",
                "ticket": ticket,
                "client_id": str(client_id),
                "text": str(text),
                "kind": Kind.TEXT.value | Kind.NOTE.value as kind,
            }:
                await self._send(
                    number(ticket),
                    client_id=client_id,
                    text=text,
                    kind=kind,
                    seen=seen_in(frame),
                    reason=reason_in(frame),
                )
            case {
                "type": "draft",
                "conversation": conversation,
                "text": str(text),
                "kind": Kind.TEXT.value | Kind.NOTE.value as kind,
            }:
                await self._draft(number(conversation), text=text, kind=kind)
            case {"type": "do", "act": str(act), "ticket": ticket}:
                await self._do(act, number(ticket), frame)
            case {"type": "typing", "conversation": conversation}:
                await self._typing(number(conversation))
            case {"type": "seen", "conversation": conversation, "seq": seq}:
                await self._seen(number(conversation), number(seq))
            case {"type": "availability", "value": str(value)} if value in Availability.values:
                await self._be_available(value)
            case _:
                raise BadFrame

    async def _hello(self) -> None:
        await self._be_present()
        nurse = await self._look(show.about_nurse)
        self._ready = True
        await self._tell({"type": "welcome", "nurse": nurse})
        self._alarms = None  # a screen that comes back hears what rings, and what doesn't
        await self._show_alarms()
        await self._listen_to_mine()

    async def _watch(self, conversation_id: int, *, after: int) -> None:
        def read(nurse: StaffMember) -> tuple[list[Frame], int]:
            now = timezone.now()
            conversation = acts.read_conversation(
                conversation_id, nurse=nurse, reason="console", now=now
            )
            start = show.start_of(conversation, after=after)
            page = show.messages_frame(conversation, after=start)
            told = [
                show.owner_frame(conversation, nurse=nurse, now=now),
                show.seen_frame(conversation),
                show.draft_frame(conversation, nurse=nurse),
                page,
            ]
            return told, show.newest(page, otherwise=start)

        await self._unwatch()
        # Join before reading: what is written in between rings, and is pushed after.
        await self.channel_layer.group_add(conversation_group(conversation_id), self.channel_name)
        try:
            told, have = await self._ask(read)
        except Exception:
            await self._leave(conversation_id)
            raise
        self._watched, self._have, self._wanted = conversation_id, have, told[-1]["last_seq"]
        for frame in told:
            await self._tell(frame)

    async def _pull(self, conversation_id: int, *, after: int) -> None:
        def read(nurse: StaffMember) -> Frame:
            conversation = acts.read_conversation(
                conversation_id, nurse=nurse, reason="console", now=timezone.now()
            )
            return show.messages_frame(conversation, after=after)

        page = await self._ask(read)
        if conversation_id == self._watched and after <= self._have:
            self._have = max(self._have, show.newest(page, otherwise=0))
        await self._tell(page)

    async def _send(
        self,
        ticket_id: int,
        *,
        client_id: str,
        text: str,
        kind: str,
        seen: int | None,
        reason: str,
    ) -> None:
        if not _CLIENT_ID.fullmatch(client_id):
            raise BadFrame

        def write(nurse: StaffMember) -> int | list[dict[str, str]]:
            say = (
                acts.note
                if kind == Kind.NOTE
                else partial(reply_with_care, seen=seen, reason=reason)
            )
            try:
                message = say(
                    ticket_id,
                    nurse=nurse,
                    text=clean_text(text),
                    client_id=client_id,
                    now=timezone.now(),
                )
            except Questioned as questioned:
                return shown(questioned.concerns, clean_text(text))
            drafts.forget_sent(message.conversation, nurse=nurse, text=text)
            return message.seq

        done = await self._ask(write)
        if isinstance(done, list):
            about = {"client_id": client_id, "ticket": ticket_id, "concerns": done}
            await self._refuse("needs_reason", about)
            return
        await self._tell({"type": "ack", "client_id": client_id, "seq": done})

    async def _draft(self, conversation_id: int, *, text: str, kind: str) -> None:
        def keep(nurse: StaffMember) -> None:
            conversation = show.find(conversation_id, nurse=nurse)
            drafts.save_draft(conversation, nurse=nurse, text=text, kind=kind, now=timezone.now())

        await self._ask(keep)
        await self._tell({"type": "draft", "conversation": conversation_id, "saved": True})

    async def _do(self, act: str, ticket_id: int, frame: Frame) -> None:
        await self._ask(lambda nurse: perform(act, ticket_id, frame, nurse, timezone.now()))
        await self._tell({"type": "done", "act": act, "ticket": ticket_id})

    async def _typing(self, conversation_id: int) -> None:
        now = time.monotonic()
        if conversation_id != self._watched or now - self._typed_at < TYPING_EVERY_S:
            return
        self._typed_at = now

        def tell(nurse: StaffMember) -> None:
            if Conversation.objects.filter(pk=conversation_id, nurse=nurse).exists():
                show_on_commit(
                    conversation_group(conversation_id),
                    {
                        "type": "conversation.typing",
                        "conversation": conversation_id,
                        "author": "nurse",
                        "name": nurse.display_name,
                    },
                )
                publish(NurseTyping(conversation_id))

        await self._ask(tell)

    async def _seen(self, conversation_id: int, seq: int) -> None:
        if conversation_id != self._watched:
            return

        def mark(nurse: StaffMember) -> None:
            conversation = show.find(conversation_id, nurse=nurse)
            mark_seen(conversation, by_patient=False, seq=seq)

        await self._ask(mark)

    async def _be_available(self, value: str) -> None:
        def switch(nurse: StaffMember) -> Frame:
            StaffMember.objects.filter(pk=nurse.pk).update(availability=value)
            nurse.availability = value
            return show.about_nurse(nurse)

        await self._tell({"type": "welcome", "nurse": await self._ask(switch)})

    async def _be_present(self) -> None:
        now = time.monotonic()
        if now - self._present_at < PRESENCE_EVERY_S:
            return
        self._present_at = now
        await self._ask(
            lambda nurse: StaffMember.objects.filter(pk=nurse.pk).update(
                last_seen_at=timezone.now()
            )
        )


# The types of frames that a screen sends.
KNOWN = frozenset({
    "hello", "watch", "unwatch", "pull", "send", "draft", "do", "typing", "seen", "availability",
    "ping",
})  # fmt: skip


def _parsed(text: str) -> Frame:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _about(frame: Frame) -> Frame:
    """What an answer repeats, so that the screen knows what it was about."""
    return {
        name: value
        for name in ("client_id", "act", "conversation", "ticket")
        if isinstance(value := frame.get(name), str | int) and len(str(value)) <= 64
    }
