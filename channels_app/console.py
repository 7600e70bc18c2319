"""A nurse's screen: frames in, acts of `tickets`, frames out. See docs/protocol.md.

It decides nothing. Who may do what is asked of `tickets`, each time, in the name of the account as
it stands at that moment: a session that ended or an account that was switched off acts no more.
"""

import asyncio
import json
import logging
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from channels.exceptions import StopConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from channels_app import console_frames as show
from channels_app import database, hub
from channels_app.frames import Frame, error
from channels_app.origins import is_same_host
from channels_app.socket import Socket
from conversations.models import Conversation, Kind
from conversations.services import ClientIdReused, StaleEpoch, mark_seen
from conversations.text import EmptyText, TextTooLong, clean_text
from events.logs import kind_and_place
from hospital.models import Department
from live.show import CONSOLES, conversation_group, show_on_commit
from staff.models import Availability, StaffMember
from tickets import drafts
from tickets import services as acts
from tickets.models import Outcome, Ticket

logger = logging.getLogger(__name__)

CHECK_EVERY_S = 5.0  # how soon a switched-off account loses its sockets
PRESENCE_EVERY_S = 20.0  # a screen pings this often; more writes would tell nothing new
SILENCE_S = 60.0  # three missed pings: nobody is there
SETTLE_S = 0.25  # changes of the lists that come together are told once
TYPING_EVERY_S = 3.0
MAX_FRAME = 65_536  # bytes
MAX_FRAMES, FRAMES_S = 100, 10.0  # a nurse's screen, however busy, stays far below
MAX_SNOOZE_MIN = 7 * 24 * 60
MAX_ID = 2**31 - 1

SIGNED_OUT, NOT_CARING, TOO_BIG = 4401, 4403, 1009

CODES: dict[type[Exception], str] = {
    acts.AlreadyClaimed: "already_claimed",
    acts.NotYourTicket: "not_your_ticket",
    StaleEpoch: "not_your_ticket",
    acts.NewMessage: "new_message",
    acts.OutOfScope: "out_of_scope",
    acts.CannotReopen: "cannot_reopen",
    acts.CannotTransfer: "cannot_transfer",
    Ticket.DoesNotExist: "not_found",
    Conversation.DoesNotExist: "not_found",
    ClientIdReused: "client_id_reused",
    EmptyText: "empty",
    TextTooLong: "too_long",
}

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

T = TypeVar("T")


class BadFrame(Exception):
    """Not a frame of the protocol, or one with a field missing."""


class Gone(Exception):
    """This socket's account may be here no more; `code` closes it."""

    def __init__(self, code: int) -> None:
        self.code = code


class NurseConsole(Socket):
    """One open screen of a nurse, head nurse or doctor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._language = "zh-hans"
        self._ready = False  # after hello
        self._over = False  # after we closed
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard_at = time.monotonic()
        self._frames_at: deque[float] = deque(maxlen=MAX_FRAMES)
        self._present_at = -PRESENCE_EVERY_S
        self._typed_at = -TYPING_EVERY_S
        self._watched: int | None = None
        self._have = 0  # newest seq of the watched conversation that this screen was given
        self._wanted = 0  # newest that a doorbell named
        self._pushing = False
        self._settling = False
        self._news_of: dict[int, int] = {}  # conversation → newest seq, not yet told
        self._telling = False
        self._mine: set[int] = set()  # her own conversations, whose doorbells she hears
        self._alarms: list[Frame] | None = None

    # --- coming and going -----------------------------------------------------------------------

    async def connect(self) -> None:
        if not _from_own_host(self.scope):
            await self.close()  # before accepting: the handshake is refused with 403
            return
        await self.accept()
        self._language = _language_of(self.scope)
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
            _log(fault, message.get("type", ""))

    async def _look_after(self) -> None:
        """Every few seconds: may she still be here, is anybody there, does an alarm ring?"""
        while not self._over:
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                if time.monotonic() - self._heard_at > SILENCE_S:
                    await self._end(None)
                elif self._ready:
                    # Also without a doorbell: one that was lost must silence neither an alarm nor
                    # a patient.
                    await self._join_again()
                    await self._show_alarms()
                    await self._catch_up()
                else:
                    await self._look(lambda nurse: None)
            except Gone as gone:
                await self._end(gone.code)
            except Exception as fault:
                _log(fault, "look_after")

    async def _join_again(self) -> None:
        # The layer forgets who lagged a minute behind, and all when Redis begins anew; to join
        # twice is to join.
        await self.channel_layer.group_add(CONSOLES, self.channel_name)
        for conversation_id in self._listened():
            group = conversation_group(conversation_id)
            await self.channel_layer.group_add(group, self.channel_name)

    async def _catch_up(self) -> None:
        conversation = await self._check_scope()
        if conversation is not None and conversation.pk == self._watched:
            self._want(conversation.last_seq)

    async def _end(self, code: int | None) -> None:
        if not self._over:
            self._over = True
            await self.close(code=code)

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
            _log(fault, about.get("act", str(frame.get("type", ""))[:20]))
            await self._refuse("failed", about)

    async def _act_on(self, frame: Frame) -> None:
        match frame:
            case {"type": "ping"}:
                await self._be_present()
                await self._tell({"type": "pong"})
            case {"type": "hello"}:
                await self._hello()
            case {"type": "watch", "conversation": conversation, "after": after}:
                await self._watch(_number(conversation), after=_number(after))
            case {"type": "unwatch"}:
                await self._unwatch()
            case {"type": "pull", "conversation": conversation, "after": after}:
                await self._pull(_number(conversation), after=_number(after))
            case {
                "type": "send",
                "ticket": ticket,
                "client_id": str(client_id),
                "text": str(text),
                "kind": Kind.TEXT.value | Kind.NOTE.value as kind,
            }:
                await self._send(
                    _number(ticket), client_id=client_id, text=text, kind=kind, seen=_seen_in(frame)
                )
            case {
                "type": "draft",
                "conversation": conversation,
                "text": str(text),
                "kind": Kind.TEXT.value | Kind.NOTE.value as kind,
            }:
                await self._draft(_number(conversation), text=text, kind=kind)
            case {"type": "do", "act": str(act), "ticket": ticket}:
                await self._do(act, _number(ticket), frame)
            case {"type": "typing", "conversation": conversation}:
                await self._typing(_number(conversation))
            case {"type": "seen", "conversation": conversation, "seq": seq}:
                await self._seen(_number(conversation), _number(seq))
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

    async def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            await self._leave(watched)

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
        self, ticket_id: int, *, client_id: str, text: str, kind: str, seen: int | None
    ) -> None:
        if not _CLIENT_ID.fullmatch(client_id):
            raise BadFrame

        def write(nurse: StaffMember) -> int:
            say = acts.note if kind == Kind.NOTE else partial(acts.reply, seen=seen)
            message = say(
                ticket_id,
                nurse=nurse,
                text=clean_text(text),
                client_id=client_id,
                now=timezone.now(),
            )
            drafts.forget_sent(message.conversation, nurse=nurse, text=text)
            return message.seq

        seq = await self._ask(write)
        await self._tell({"type": "ack", "client_id": client_id, "seq": seq})

    async def _draft(self, conversation_id: int, *, text: str, kind: str) -> None:
        def keep(nurse: StaffMember) -> None:
            conversation = show.find(conversation_id, nurse=nurse)
            drafts.save_draft(conversation, nurse=nurse, text=text, kind=kind, now=timezone.now())

        await self._ask(keep)
        await self._tell({"type": "draft", "conversation": conversation_id, "saved": True})

    async def _do(self, act: str, ticket_id: int, frame: Frame) -> None:
        await self._ask(lambda nurse: _perform(act, ticket_id, frame, nurse, timezone.now()))
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

    # --- doorbells from the house ---------------------------------------------------------------

    async def conversation_news(self, event: Frame) -> None:
        if event["conversation"] == self._watched:
            self._want(event["seq"])
        elif self._ready and event["conversation"] in self._mine:
            self._news_of[event["conversation"]] = event["seq"]
            if not self._telling:
                self._telling = True
                self._start(self._tell_news())

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
                page = await self._news(conversation_id, after=after, up_to=self._wanted)
                if conversation_id != self._watched:
                    continue
                self._have = show.newest(page, otherwise=self._wanted)
                await self._tell(page)
        finally:
            self._pushing = False

    async def _news(self, conversation_id: int, *, after: int, up_to: int) -> Frame:
        # Whether she may see it was asked when she opened it, is asked again every few seconds,
        # and whenever its ticket changes: not for each message.
        at_hand = hub.recall(conversation_id, after=after, up_to=up_to)
        if at_hand:
            return show.frame_of(at_hand, conversation_id=conversation_id, last_seq=up_to)
        return await database.read(show.messages_after, conversation_id, after=after, up_to=up_to)

    async def conversation_owner(self, event: Frame) -> None:
        if event["conversation"] == self._watched:
            conversation = await self._check_scope()
            if conversation is not None:
                now = timezone.now()
                await self._tell(
                    await self._look(
                        lambda nurse: show.owner_frame(conversation, nurse=nurse, now=now)
                    )
                )

    async def _check_scope(self) -> Conversation | None:
        """The watched conversation, if she may still read it; else it is closed to her."""
        watched = self._watched
        if watched is None:
            return None
        try:
            return await self._look(lambda nurse: show.find(watched, nurse=nurse))
        except acts.OutOfScope:
            await self._unwatch()
            await self._refuse("out_of_scope", {})
            return None

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
        # Also while settling: a change of the watched ticket itself is shown without delay.
        if event.get("conversation") == self._watched and self._watched is not None:
            await self.conversation_owner(event)
        if not self._settling:
            self._settling = True
            self._start(self._settle())

    async def _settle(self) -> None:
        await asyncio.sleep(SETTLE_S)
        self._settling = False
        if self._ready:
            await self._tell({"type": "queue"})
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
        mine = await self._look(show.own_conversations)
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
        """The same for what only reads, so that it waits behind nobody's writing."""
        return await database.read(self._in_her_name, question)

    def _in_her_name(self, question: Callable[[StaffMember], T]) -> T:
        nurse = _signed_in(self.scope)
        with translation.override(self._language):
            return question(nurse)

    async def _refuse(self, code: str, about: Frame) -> None:
        with translation.override(self._language):
            frame = error(code, **about)
        await self._tell(frame)

    async def _tell(self, frame: Frame) -> None:
        if not self._over:
            await self.send(text_data=json.dumps(frame, ensure_ascii=False))

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except Gone as gone:
                await self._end(gone.code)
            except Exception as fault:
                _log(fault, "background")

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


# The types of frames that a screen sends.
KNOWN = frozenset({
    "hello", "watch", "unwatch", "pull", "send", "draft", "do", "typing", "seen", "availability",
    "ping",
})  # fmt: skip


def _perform(act: str, ticket_id: int, frame: Frame, nurse: StaffMember, now: datetime) -> None:
    match act:
        case "claim":
            acts.claim_ticket(ticket_id, nurse=nurse, now=now)
        case "resolve":
            outcome = frame.get("outcome", Outcome.HELPED.value)
            if outcome not in Outcome.values:
                raise BadFrame
            acts.resolve_ticket(
                ticket_id, nurse=nurse, outcome=Outcome(outcome), now=now, seen=_seen_in(frame)
            )
        case "return":
            acts.return_to_assistant(ticket_id, nurse=nurse, now=now, seen=_seen_in(frame))
        case "snooze":
            minutes = min(max(_number(frame.get("minutes")), 1), MAX_SNOOZE_MIN)
            until = now + timedelta(minutes=minutes)
            acts.snooze_ticket(ticket_id, nurse=nurse, until=until, now=now)
        case "reopen":
            acts.reopen_ticket(ticket_id, nurse=nurse, now=now)
        case "transfer":
            acts.transfer_ticket(ticket_id, nurse=nurse, now=now, **_receiver(frame))
        case "acknowledge":
            acts.acknowledge_alarms(ticket_id, nurse=nurse, now=now)
        case _:
            raise BadFrame


def _receiver(frame: Frame) -> dict[str, Any]:
    """The colleague or the department to which a ticket goes. Raises CannotTransfer."""
    to, department = frame.get("to"), frame.get("department")
    if (to is None) == (department is None):
        raise acts.CannotTransfer
    found: StaffMember | Department | None
    if to is not None:
        found = StaffMember.objects.filter(pk=_number(to)).first()
    else:
        found = Department.objects.active().filter(pk=_number(department)).first()
    if found is None:
        raise acts.CannotTransfer
    return {"to": found} if to is not None else {"department": found}


def _signed_in(scope: dict[str, Any]) -> StaffMember:
    """The account behind this socket's session, as the database has it now. Raises Gone."""
    store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    session = scope.get("session")
    request = HttpRequest()
    request.session = store(session.session_key if session is not None else None)
    user = get_user(request)
    if not isinstance(user, StaffMember) or not user.is_active:
        raise Gone(SIGNED_OUT)
    if not user.is_caring:
        raise Gone(NOT_CARING)
    return user


def _from_own_host(scope: dict[str, Any]) -> bool:
    """A console is opened by our own pages alone: a browser names the page's host in `Origin`."""
    headers = dict(scope["headers"])
    origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
    return is_same_host(origin, host=host)


def _language_of(scope: dict[str, Any]) -> str:
    """The language that the page itself was shown in: its cookie, else the browser's wish."""
    request = HttpRequest()
    request.COOKIES = dict(scope.get("cookies", {}))
    headers = dict(scope["headers"])
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", b"").decode("latin-1")
    return translation.get_language_from_request(request)


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


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_ID:
        raise BadFrame
    return value


def _seen_in(frame: Frame) -> int | None:
    """The newest seq on her screen; older pages don't say."""
    return None if frame.get("seen") is None else _number(frame["seen"])


def _log(fault: Exception, frame: str) -> None:
    logger.error("console failed", extra={"frame": frame, **kind_and_place(fault)})
