"""A visitor's line to the house: frames in, services called, frames out.

The same for a WebSocket and for long-polling; see docs/protocol.md. It decides nothing about care.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.utils import timezone, translation

from assistant.danger import EMERGENCY_BUTTON
from assistant.services import Said
from channels_app import database, frames, tokens
from channels_app import patient_thread as thread
from channels_app.frames import Frame
from channels_app.intake import intake
from channels_app.limits import Buckets, TokenBucket, neighbourhood
from conversations.services import ClientIdReused
from conversations.text import MAX_CHARS, EmptyText, TextTooLong, clean_text
from events.logs import kind_and_place
from live.show import conversation_group, show_on_commit
from patients.models import Channel, ContactPoint
from triage.redflags import find_red_flags
from vault.datakeys import Erased

logger = logging.getLogger(__name__)

MAX_FRAME = 65_536  # bytes; the server refuses larger ones before they come here
IDLE_S = 60  # without any frame
TYPING_EVERY_S = 3
MEET_AGAIN_AFTER = timedelta(seconds=30)
LANGUAGES = ("zh-hans", "en")
LIMITS = {"message_chars": MAX_CHARS, "frame_bytes": MAX_FRAME, "idle_s": IDLE_S}

# In every process by itself: the point is that no screen drowns it.
_FRAME_RATE, _FRAME_BURST = 3.0, 30  # a second, and at once
_frames_allowed = Buckets(rate=_FRAME_RATE, burst=_FRAME_BURST)
_messages_allowed = Buckets(rate=1 / 3, burst=20)
# Danger goes before both, as fast as no frightened hand can write.
_pressing_allowed = Buckets(rate=1, burst=60)
# Whoever gives no token gets new buckets with each hello: so many from one address.
_newcomers_allowed = Buckets(rate=1 / 2, burst=30)

_CLIENT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_MAX_SEQ = 2**31 - 1

P = ParamSpec("P")
T = TypeVar("T")
Emit = Callable[[Frame], Awaitable[None]]
Group = Callable[[str], Awaitable[None]]


class BadFrame(Exception):
    """Not JSON, no object, no known type, or a field missing or wrong."""


class Visit:
    """One visitor, from hello to the end of the line.

    `emit` takes frames to the browser; `join` and `leave` follow a group of the channel layer,
    whose frames come back by `hear`.
    """

    def __init__(self, slug: str, *, address: str, emit: Emit, join: Group, leave: Group) -> None:
        self._slug, self._emit, self._join, self._leave = slug, emit, join, leave
        self._near = neighbourhood(address)
        # A new visitor at each hello is one line still.
        self._line_allows = TokenBucket(rate=_FRAME_RATE, burst=_FRAME_BURST)
        self._channel: Channel | None = None
        self._visitor = ""  # empty before hello
        self._met: ContactPoint | None = None  # as the last stored message found it
        self._meet_again_at = datetime.min.replace(tzinfo=UTC)
        self._lang = LANGUAGES[0]
        self._conversation_id: int | None = None
        self._sent_seq = 0  # newest that this line was sent
        self._storing = False  # a message of its own
        self._rung_seq = 0  # newest that a bell named meanwhile
        self._owner_shown: Frame = {}
        self._staff_seen_shown = 0
        self._typed_at = float("-inf")

    @property
    def has_conversation(self) -> bool:
        return self._conversation_id is not None

    @property
    def is_welcome(self) -> bool:
        return bool(self._visitor)

    async def receive_text(self, text: str) -> None:
        """One frame as it came over the line. Never raises for what a browser can send."""
        try:
            frame = parse_frame(text)
        except BadFrame:
            await self._error("bad_frame")
            return
        await self.receive(frame)

    async def receive(self, frame: Frame) -> None:
        """Raises thread.ChannelClosed at a hello to a channel that is not there."""
        extra = _named(frame)
        try:
            await self._answer(frame)
        except BadFrame:
            await self._error("bad_frame", **extra)
        except thread.ChannelClosed:
            await self._error("not_found")
            raise
        except Exception as error:
            await self._broke(error)
            await self._error("failed", **extra)
            with suppress(Exception):  # the next ping looks again
                await self._answer_the_bell()

    def is_needless(self, frame: Frame) -> bool:
        """Whether `hear` would do nothing: news of what this line is just storing itself."""
        if not self._storing or frame.get("type") != "conversation.news":
            return False
        self._rung_seq = max(self._rung_seq, frame["seq"])  # looked at when it is stored
        return True

    async def hear(self, frame: Frame) -> None:
        """What the house shows to everybody who follows this conversation."""
        if frame.get("conversation") != self._conversation_id or self._conversation_id is None:
            return  # rung for a conversation that this line has left
        try:
            match frame:
                case {"type": "conversation.news", "seq": int(seq)}:
                    # One read brings everything up to now; the bells that rang meanwhile find
                    # nothing left to fetch.
                    if seq > self._sent_seq:
                        await self._push()
                case {"type": "conversation.owner"}:
                    await self._look()
                case {"type": "conversation.seen", "staff_seen_seq": int(seq)}:
                    await self._show_seen(seq)
                case {"type": "conversation.typing", "author": "nurse" | "assistant" as author}:
                    await self._emit({"type": "typing", "author": author})
        except Exception as error:
            await self._broke(error)  # the next bell, or the next ping, brings it

    async def look_for_thread(self) -> None:
        """See whether this visitor wrote meanwhile, by another line."""
        if self._channel is None or self.has_conversation:
            return
        found = await self._read(
            thread.find_thread,
            self._channel,
            visitor=self._visitor,
            after=self._sent_seq,
            now=timezone.now(),
        )
        if found:
            await self._follow(found)

    # --- What a browser may say -----------------------------------------------------------------

    async def _answer(self, frame: Frame) -> None:
        kind = frame.get("type")
        if not await self._may_come(frame):
            await self._error("too_fast", **_named(frame))
            return
        if kind == "hello":
            await self._hello(frame)
            return
        if kind not in ("send", "pull", "seen", "typing", "lang", "ping"):
            raise BadFrame
        if not self._visitor:
            await self._error("not_ready", **_named(frame))
            return
        match frame:
            case {"type": "send"}:
                await self._send(frame)
            case {"type": "pull"}:
                await self._pull(after=_seq(frame, "after"))
            case {"type": "seen"}:
                await self._seen(_seq(frame, "seq"))
            case {"type": "typing"}:
                await self._typing()
            case {"type": "lang"}:
                self._lang = _lang(frame)
            case {"type": "ping"}:
                await self._emit({"type": "pong"})
                await self._look()

    async def _may_come(self, frame: Frame) -> bool:
        allowed = self._line_allows.take()
        if self._visitor and not _frames_allowed.take(self._visitor):
            allowed = False
        if frame.get("type") == "send" and self._visitor:
            if not _messages_allowed.take(self._visitor):
                allowed = False
            return allowed or await self._is_pressing(frame)
        if frame.get("type") == "hello" and not frame.get("token"):
            return allowed and (not self._near or _newcomers_allowed.take(self._near))
        return allowed

    async def _is_pressing(self, frame: Frame) -> bool:
        text = frame.get("text")
        if not isinstance(text, str):
            return False
        danger = frame.get("tap") == EMERGENCY_BUTTON or await asyncio.to_thread(
            find_red_flags, text[:MAX_CHARS]
        )
        return bool(danger) and _pressing_allowed.take(self._visitor)

    async def _hello(self, frame: Frame) -> None:
        token, link = frame.get("token") or "", frame.get("link") or ""
        after = _seq(frame, "after", default=0)
        if not (isinstance(token, str) and isinstance(link, str)):
            raise BadFrame
        self._lang = _lang(frame)
        await self._forget()
        try:
            arrival = await self._read(
                thread.arrive, self._slug, token=token, link=link, after=after, now=timezone.now()
            )
        except tokens.BadToken:
            await self._error("bad_token")
            return
        except thread.LinkExpired:
            await self._error("link_expired")
            return
        if link:
            await database.write(thread.note_arrival, link, now=timezone.now())
        self._channel, self._visitor = arrival.channel, arrival.visitor
        found = arrival.thread
        await self._emit(
            {
                "type": "welcome",
                "token": tokens.make_token(arrival.visitor, channel=arrival.channel.slug),
                "last_seq": found.standing.last_seq if found else 0,
                "owner": found.standing.owner["owner"] if found else "assistant",
                "limits": LIMITS,
            }
        )
        if found:
            await self._follow(found)

    async def _send(self, frame: Frame) -> None:
        client_id = _named(frame).get("client_id", "")
        if not (client_id and isinstance(frame.get("text"), str)):
            raise BadFrame
        if not isinstance(frame.get("tap", ""), str):
            raise BadFrame
        self._storing = True
        try:
            answer = await self._store(frame)
        finally:
            self._storing = False
        await self._emit(answer)
        await self.look_for_thread()  # at the first message there is one now
        await self._answer_the_bell()

    async def _answer_the_bell(self) -> None:
        """Look at what rang while a message of this line was being stored."""
        if self.has_conversation and self._rung_seq > self._sent_seq:
            await self._push()

    async def _store(self, frame: Frame) -> Frame:
        """Take in one message and return its `ack`, or the error that its writer is told."""
        client_id, text = frame["client_id"], frame["text"]
        try:
            clean = clean_text(text)  # before anybody is met: who says nothing leaves no trace
            said = partial(self._said, clean, client_id=client_id, tap=frame.get("tap", ""))
            stored, message = await intake().store(self._visitor, said)
        except Erased:
            if self._met is None:
                raise
            await self._leave_thread()  # the record was erased under this line: a new one begins
            return await self._store(frame)
        except EmptyText:
            return self._sentence("empty", client_id=client_id)
        except TextTooLong:
            return self._sentence("too_long", client_id=client_id)
        except ClientIdReused:
            return self._sentence("client_id_reused", client_id=client_id)
        self._met = stored.contact_point
        if message.text == text and message.seq == self._sent_seq + 1:
            self._sent_seq = message.seq  # the page that wrote it has it
        at = message.created_at.isoformat()
        return {"type": "ack", "client_id": client_id, "seq": message.seq, "at": at}

    def _said(self, clean: str, *, client_id: str, tap: str) -> Said:
        assert self._channel is not None
        contact_point, now = self._met, timezone.now()
        if contact_point is None or now >= self._meet_again_at:
            # Found anew now and then: age, pregnancy or an erasure may have come meanwhile.
            contact_point = thread.meet_visitor(
                self._channel, visitor=self._visitor, language=self._lang
            )
            self._meet_again_at = now + MEET_AGAIN_AFTER
        return Said(contact_point, clean, client_id=client_id, tap=tap)

    async def _pull(self, *, after: int) -> None:
        if self._conversation_id is None:
            await self._emit({"type": "messages", "items": [], "last_seq": 0, "more": False})
            return
        news = await self._read(thread.find_messages, self._conversation_id, after=after)
        await self._show_messages(news)

    async def _seen(self, seq: int) -> None:
        if self._conversation_id is not None:
            await database.write(thread.see, self._conversation_id, seq=seq)

    async def _typing(self) -> None:
        now = time.monotonic()
        if self._conversation_id is None or now - self._typed_at < TYPING_EVERY_S:
            return
        self._typed_at = now
        shown = {
            "type": "conversation.typing",
            "conversation": self._conversation_id,
            "author": "patient",
        }
        group = conversation_group(self._conversation_id)
        await database.write(show_on_commit, group, shown)

    # --- What the house says ----------------------------------------------------------------------

    async def _follow(self, found: thread.Thread) -> None:
        """Join the conversation, then look once more: a bell may have rung in between."""
        self._conversation_id = found.conversation_id
        self._met, self._meet_again_at = found.contact_point, timezone.now() + MEET_AGAIN_AFTER
        await self._join(conversation_group(found.conversation_id))
        await self._show_standing(found.standing)
        if found.news["items"]:
            await self._show_messages(found.news)
        else:
            self._sent_seq = found.standing.last_seq
        if not found.news["more"]:
            await self._look()

    async def _forget(self) -> None:
        await self._leave_thread()
        self._visitor = ""

    async def _leave_thread(self) -> None:
        if self._conversation_id is not None:
            await self._leave(conversation_group(self._conversation_id))
        self._conversation_id, self._met = None, None
        self._sent_seq = self._rung_seq = self._staff_seen_shown = 0
        self._owner_shown = {}

    async def _push(self) -> None:
        assert self._conversation_id is not None
        news = await self._read(thread.find_messages, self._conversation_id, after=self._sent_seq)
        if news["items"]:
            await self._show_messages(news)

    async def _look(self) -> None:
        """Show what changed since the last look; it also finds what a lost bell rang for."""
        if self._conversation_id is None:
            return
        # The layer drops from its groups whoever lagged a minute behind; to join twice is to join.
        await self._join(conversation_group(self._conversation_id))
        standing = await database.read(
            thread.find_standing, self._conversation_id, now=timezone.now()
        )
        await self._show_standing(standing)
        if standing.last_seq > self._sent_seq:
            await self._push()

    async def _show_standing(self, standing: thread.Standing) -> None:
        if standing.owner != self._owner_shown:
            self._owner_shown = standing.owner
            await self._emit(standing.owner)
        await self._show_seen(standing.staff_seen_seq)

    async def _show_seen(self, seq: int) -> None:
        if seq > self._staff_seen_shown:
            self._staff_seen_shown = seq
            await self._emit({"type": "seen", "seq": seq})

    async def _show_messages(self, news: Frame) -> None:
        if news["items"]:
            self._sent_seq = max(self._sent_seq, news["items"][-1]["seq"])
        await self._emit(news)

    async def _read(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def ask() -> T:
            with translation.override(self._lang):  # each thread has a language of its own
                return question(*args, **kwargs)

        return await database.read(ask)

    async def _error(self, code: str, **extra: Any) -> None:
        await self._emit(self._sentence(code, **extra))

    def _sentence(self, code: str, **extra: Any) -> Frame:
        with translation.override(self._lang):
            return frames.error(code, **extra)

    async def _broke(self, error: Exception) -> None:
        logger.error("chat frame failed", extra=kind_and_place(error))


def parse_frame(text: str) -> Frame:
    """Raises BadFrame."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame from error
    if not isinstance(frame, dict):
        raise BadFrame
    return frame


def _named(frame: Frame) -> dict[str, str]:
    """The message that an error is about, where the browser named one."""
    client_id = frame.get("client_id")
    if isinstance(client_id, str) and _CLIENT_ID.fullmatch(client_id):
        return {"client_id": client_id}
    return {}


def _seq(frame: Frame, field: str, *, default: int | None = None) -> int:
    seq = frame.get(field, default)
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq <= _MAX_SEQ:
        raise BadFrame
    return seq


def _lang(frame: Frame) -> str:
    lang = frame.get("lang")
    return lang if lang in LANGUAGES else LANGUAGES[0]
