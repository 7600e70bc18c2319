"""What a nurse notices of her socket: who may open it, who wins, and that nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.sessions.models import Session
from django.utils import timezone

from channels_app import console
from conversations.models import Conversation, Kind, Message
from live.show import CONSOLES, conversation_group
from staff.models import Availability, Role, StaffMember
from tickets import drafts
from tickets.models import Alarm, Ticket
from vault.models import AccessEntry

pytestmark = pytest.mark.django_db(transaction=True)
Hire = Callable[..., StaffMember]
OpenScreen = Callable[..., Awaitable[Any]]
PatientWrites = Callable[..., Any]


@pytest.fixture
def ticket(patient_writes: PatientWrites) -> Ticket:
    """A patient who asked for a person."""
    received = patient_writes("人工", tap="nurse")
    return Ticket.objects.select_related("conversation").get(
        conversation=received.message.conversation_id
    )


async def test_a_screen_is_welcomed_by_name(open_screen: OpenScreen, nurse: StaffMember) -> None:
    screen = await open_screen(nurse)

    assert screen.heard[0]["nurse"] == {
        "id": nurse.pk,
        "name": "王芳",
        "role": "nurse",
        "availability": "online",
    }
    assert screen.heard[1] == {"type": "alarms", "items": []}
    await sync_to_async(nurse.refresh_from_db)()
    assert nurse.last_seen_at is not None


@pytest.mark.parametrize(
    "origin", [b"https://evil.example", b"null", b"", b"http://testserver.evil.example"]
)
async def test_a_strangers_page_is_refused_at_the_handshake(
    nurse: StaffMember, open_screen: OpenScreen, origin: bytes
) -> None:
    await open_screen(nurse, origin=origin, connects=False)


async def test_who_is_not_signed_in_is_sent_away(open_screen: OpenScreen) -> None:
    screen = await open_screen(None, hello=False)
    assert await screen.closed_with() == 4401


async def test_an_admin_cares_for_nobody(open_screen: OpenScreen, staff: Hire) -> None:
    admin = await sync_to_async(staff)(Role.ADMIN, is_superuser=True)
    screen = await open_screen(admin, hello=False)
    assert await screen.closed_with() == 4403


async def test_a_session_that_ends_closes_its_socket(
    open_screen: OpenScreen, nurse: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "CHECK_EVERY_S", 0.05)
    screen = await open_screen(nurse)

    await Session.objects.all().adelete()

    assert await screen.closed_with() == 4401


async def test_a_switched_off_account_acts_no_more(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket
) -> None:
    screen = await open_screen(nurse)

    await StaffMember.objects.filter(pk=nurse.pk).aupdate(is_active=False)
    await screen.do("claim", ticket)

    assert await screen.closed_with() == 4401
    await ticket.arefresh_from_db()
    assert ticket.claimed_by_id is None


async def test_a_nurse_who_became_an_admin_is_shown_out(
    open_screen: OpenScreen, nurse: StaffMember
) -> None:
    screen = await open_screen(nurse)

    await StaffMember.objects.filter(pk=nurse.pk).aupdate(role=Role.ADMIN)
    await screen.say("availability", value="busy")

    assert await screen.closed_with() == 4403


async def test_the_first_nurse_wins_and_the_second_is_told(
    open_screen: OpenScreen, nurse: StaffMember, other_nurse: StaffMember, ticket: Ticket
) -> None:
    screens = [await open_screen(nurse), await open_screen(other_nurse)]

    await asyncio.gather(*(screen.do("claim", ticket) for screen in screens))
    answers = [await _answer(screen) for screen in screens]

    assert sorted(answer["type"] for answer in answers) == ["done", "error"]
    lost = next(answer for answer in answers if answer["type"] == "error")
    assert (lost["code"], lost["act"]) == ("already_claimed", "claim")
    assert lost["message"] == "A colleague was faster: this ticket is taken or closed."
    events = [m async for m in Message.objects.filter(kind=Kind.EVENT)]
    assert [m.details["event"] for m in events].count("claimed") == 1


async def test_a_conversation_opens_with_all_that_a_screen_needs(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket
) -> None:
    screen = await open_screen(nurse)

    await screen.say("watch", conversation=ticket.conversation_id, after=0)
    page = await screen.expect("messages")

    owner, seen, draft = screen.heard[-4:-1]
    assert owner["owner"] == "queue"
    assert owner["ticket"]["may"] == ["note", "claim"]
    assert (seen["type"], draft["text"]) == ("seen", "")
    assert [item["seq"] for item in page["items"]] == list(range(1, page["last_seq"] + 1))
    assert page["items"][0]["text"] == "人工"
    assert not page["more"]


async def test_each_look_leaves_a_trace(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket
) -> None:
    screen = await open_screen(nurse)

    await screen.say("watch", conversation=ticket.conversation_id, after=0)
    await screen.expect("messages")
    await screen.say("pull", conversation=ticket.conversation_id, after=1)
    await screen.expect("messages")

    looks = [entry async for entry in AccessEntry.objects.filter(reason="console")]
    assert [(e.actor_id, e.subject_id) for e in looks] == [(nurse.pk, ticket.conversation_id)] * 2


async def test_a_patients_message_reaches_the_open_screen_at_once(
    open_screen: OpenScreen,
    nurse: StaffMember,
    ticket: Ticket,
    patient_writes: PatientWrites,
) -> None:
    screen = await open_screen(nurse)
    await screen.say("watch", conversation=ticket.conversation_id, after=0)
    page = await screen.expect("messages")

    for text in ("孩子发烧了", "39度", "怎么办?"):
        await sync_to_async(patient_writes)(text, attended=False)

    got: list[int] = []
    while len(got) < 3:
        got += [item["seq"] for item in (await screen.expect("messages"))["items"]]
    assert got == [page["last_seq"] + n for n in (1, 2, 3)]


async def test_a_screen_that_fell_out_of_every_group_hears_again(
    open_screen: OpenScreen,
    nurse: StaffMember,
    ticket: Ticket,
    patient_writes: PatientWrites,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console, "CHECK_EVERY_S", 0.2)
    layer, joined = get_channel_layer(), set()
    join = layer.group_add

    async def note_and_join(group: str, channel: str) -> None:
        joined.add((group, channel))
        await join(group, channel)

    monkeypatch.setattr(layer, "group_add", note_and_join)
    screen = await open_screen(nurse)
    await screen.say("watch", conversation=ticket.conversation_id, after=0)
    page = await screen.expect("messages")

    for group, channel in joined:  # what a restart of Redis does
        await layer.group_discard(group, channel)
    joined.clear()
    await sync_to_async(patient_writes)("孩子发烧了", attended=False)

    assert (await screen.expect("messages"))["items"][0]["seq"] == page["last_seq"] + 1
    async with asyncio.timeout(30):
        while len(joined) < 2:
            await asyncio.sleep(0.01)
    for group in (CONSOLES, conversation_group(ticket.conversation_id)):
        frame = {"type": "conversation.seen", "conversation": ticket.conversation_id}
        await layer.group_send(group, frame)
        await screen.expect("seen")


async def test_a_reply_reaches_the_patient_and_a_note_does_not(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket
) -> None:
    screen = await open_screen(nurse)
    await screen.do("claim", ticket)
    await screen.expect("done")

    await screen.say("send", ticket=ticket.pk, client_id="a1", text="您好", kind="text")
    await screen.expect("ack", client_id="a1")
    await screen.say("send", ticket=ticket.pk, client_id="a2", text="像是焦虑", kind="note")
    await screen.expect("ack", client_id="a2")

    reply = await Message.objects.aget(client_id="a1")
    note = await Message.objects.aget(client_id="a2")
    assert (reply.kind, reply.sent_at) == ("text", None)
    assert (note.kind, note.sent_at is None) == ("note", False)
    assert not await Message.objects.for_patient().filter(pk=note.pk).aexists()


async def test_a_send_that_is_repeated_is_stored_once_even_after_the_ticket_is_gone(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket
) -> None:
    screen = await open_screen(nurse)
    await screen.do("claim", ticket)
    await screen.say("send", ticket=ticket.pk, client_id="a1", text="您好", kind="text")
    first = await screen.expect("ack")
    await screen.do("resolve", ticket, outcome="helped")
    await screen.expect("done", act="resolve")

    await screen.say("send", ticket=ticket.pk, client_id="a1", text="您好", kind="text")
    assert (await screen.expect("ack"))["seq"] == first["seq"]
    await screen.say("send", ticket=ticket.pk, client_id="a2", text="还在吗", kind="text")
    late = await screen.expect("error")

    assert (late["code"], late["client_id"]) == ("not_your_ticket", "a2")
    assert await Message.objects.filter(client_id="a1").acount() == 1


@pytest.mark.parametrize("act", ["resolve", "return"])
async def test_what_the_patient_just_wrote_is_read_before_the_end(
    open_screen: OpenScreen,
    nurse: StaffMember,
    ticket: Ticket,
    patient_writes: PatientWrites,
    act: str,
) -> None:
    screen = await open_screen(nurse)
    await screen.do("claim", ticket)
    await screen.expect("done")
    seen = (await Conversation.objects.aget(pk=ticket.conversation_id)).last_seq
    news = (await sync_to_async(patient_writes)("又开始疼了", attended=False)).message

    await screen.do(act, ticket, seen=seen)
    refused = await screen.expect("error")
    await screen.do(act, ticket, seen=news.seq)
    await screen.expect("done", act=act)

    assert (refused["code"], refused["act"]) == ("new_message", act)
    assert refused["message"] == "The patient has just written again. Please read it first."


async def test_a_reply_says_what_she_had_seen_and_is_never_refused(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket, patient_writes: PatientWrites
) -> None:
    screen = await open_screen(nurse)
    await screen.do("claim", ticket)
    await screen.expect("done")
    seen = (await Conversation.objects.aget(pk=ticket.conversation_id)).last_seq
    crossed = (await sync_to_async(patient_writes)("还有点头晕", attended=False)).message

    about = {"ticket": ticket.pk, "text": "您好", "kind": "text"}
    await screen.say("send", client_id="a1", seen=seen, **about)
    await screen.expect("ack", client_id="a1")
    waits = (await Ticket.objects.aget(pk=ticket.pk)).waiting_since
    await screen.say("send", client_id="a2", seen=crossed.seq, **about)
    await screen.expect("ack", client_id="a2")

    assert waits == crossed.created_at
    assert (await Ticket.objects.aget(pk=ticket.pk)).waiting_since is None


async def test_a_message_that_does_not_open_hides_no_other(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket, patient_writes: PatientWrites
) -> None:
    await sync_to_async(patient_writes)("孩子发烧了", attended=False)
    await Message.objects.filter(conversation=ticket.conversation_id, seq=1).aupdate(uid=uuid4())
    screen = await open_screen(nurse)

    await screen.say("watch", conversation=ticket.conversation_id, after=0)
    items = (await screen.expect("messages"))["items"]

    assert items[0]["text"] == "This message can't be read. The administrators have been told."
    assert items[-1]["text"] == "孩子发烧了"


async def test_nobody_replies_on_a_colleagues_ticket(
    open_screen: OpenScreen, nurse: StaffMember, other_nurse: StaffMember, ticket: Ticket
) -> None:
    mine, hers = await open_screen(nurse), await open_screen(other_nurse)
    await hers.do("claim", ticket)
    await hers.expect("done")

    for act in ("resolve", "return", "snooze"):
        await mine.do(act, ticket, minutes=15)
        assert (await mine.expect("error"))["code"] == "not_your_ticket"
    await mine.say("send", ticket=ticket.pk, client_id="x", text="你好", kind="text")
    assert (await mine.expect("error"))["code"] == "not_your_ticket"


async def test_a_ticket_of_another_department_stays_closed(
    open_screen: OpenScreen, staff: Hire, nurse: StaffMember, ticket: Ticket, hospital: Any
) -> None:
    def assign() -> StaffMember:
        from hospital.models import Department

        stranger = staff(Role.NURSE)
        stranger.departments.add(Department.objects.get(name="儿科"))
        Ticket.objects.filter(pk=ticket.pk).update(department=Department.objects.get(name="急诊科"))
        return stranger

    screen = await open_screen(await sync_to_async(assign)())

    await screen.say("watch", conversation=ticket.conversation_id, after=0)
    assert (await screen.expect("error"))["code"] == "out_of_scope"
    await screen.say("pull", conversation=ticket.conversation_id, after=0)
    assert (await screen.expect("error"))["code"] == "out_of_scope"
    await screen.do("claim", ticket)
    assert (await screen.expect("error"))["code"] == "out_of_scope"
    await screen.say("draft", conversation=ticket.conversation_id, text="x", kind="text")
    assert (await screen.expect("error"))["code"] == "out_of_scope"
    assert not await AccessEntry.objects.aexists()


async def test_a_ticket_goes_to_a_colleague_and_both_screens_know(
    open_screen: OpenScreen, nurse: StaffMember, other_nurse: StaffMember, ticket: Ticket
) -> None:
    mine, hers = await open_screen(nurse), await open_screen(other_nurse)
    await mine.do("claim", ticket)
    await hers.say("watch", conversation=ticket.conversation_id, after=0)
    await hers.expect("messages")

    await mine.do("transfer", ticket, to=other_nurse.pk)
    await mine.expect("done", act="transfer")

    while not (owner := await hers.expect("owner"))["ticket"]["mine"]:
        pass
    assert "reply" in owner["ticket"]["may"]
    await mine.do("transfer", ticket)
    assert (await mine.expect("error"))["code"] == "cannot_transfer"


async def test_an_alarm_rings_until_it_is_acknowledged(
    open_screen: OpenScreen,
    nurse: StaffMember,
    other_nurse: StaffMember,
    patient_writes: PatientWrites,
) -> None:
    screens = [await open_screen(nurse), await open_screen(other_nurse)]

    await sync_to_async(patient_writes)("我胸口剧痛,喘不上气", attended=False)
    rings = [(await screen.expect("alarms"))["items"] for screen in screens]
    assert rings[0] == rings[1]
    assert rings[0][0]["signs"]
    ticket = await Ticket.objects.aget()
    await screens[0].do("acknowledge", ticket)

    for screen in screens:
        assert (await screen.expect("alarms"))["items"] == []
    alarm = await Alarm.objects.afirst()
    assert alarm is not None
    assert alarm.acknowledged_by_id == nurse.pk


async def test_an_alarm_that_climbs_reaches_the_head_nurse(
    open_screen: OpenScreen, staff: Hire, patient_writes: PatientWrites
) -> None:
    from datetime import timedelta

    from tickets.services import climb_alarms

    head = await open_screen(await sync_to_async(staff)(Role.HEAD_NURSE))
    await sync_to_async(patient_writes)("我不想活了", attended=False)
    await head.settle()
    assert not any(frame.get("items") for frame in head.heard)

    await sync_to_async(climb_alarms)(now=timezone.now() + timedelta(minutes=2))

    assert (await head.expect("alarms"))["items"][0]["step"] == 1


async def test_a_draft_survives_the_screen(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket
) -> None:
    screen = await open_screen(nurse)
    await screen.do("claim", ticket)
    await screen.say(
        "draft", conversation=ticket.conversation_id, text="您好,请问\ud83d", kind="text"
    )
    await screen.expect("draft", saved=True)

    again = await open_screen(nurse)
    await again.say("watch", conversation=ticket.conversation_id, after=0)
    assert (await again.expect("draft"))["text"] == "您好,请问"

    await again.say("send", ticket=ticket.pk, client_id="a1", text="您好,请问", kind="text")
    await again.expect("ack")
    conversation = await Conversation.objects.aget()
    assert await sync_to_async(drafts.read_draft)(conversation, nurse=nurse) is None


async def test_her_availability_and_her_own_news(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket, patient_writes: PatientWrites
) -> None:
    screen = await open_screen(nurse)
    await screen.say("availability", value="busy")
    assert (await screen.expect("welcome"))["nurse"]["availability"] == Availability.BUSY

    await screen.do("claim", ticket)
    await screen.expect("queue")
    await screen.settle()
    await sync_to_async(patient_writes)("在吗", attended=False)

    assert (await screen.expect("news"))["conversation"] == ticket.conversation_id


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "not json",
        "[]",
        "7",
        "null",
        "[" * 5_000,
        '{"type": 7}',
        '{"type": "dance"}',
        '{"type": "watch"}',
        '{"type": "watch", "conversation": -1, "after": 0}',
        '{"type": "watch", "conversation": 99999999999999999999999, "after": 0}',
        '{"type": "watch", "conversation": true, "after": 0}',
        '{"type": "watch", "conversation": "1", "after": 0}',
        '{"type": "send", "ticket": 1, "client_id": "", "text": "x", "kind": "text"}',
        '{"type": "send", "ticket": 1, "client_id": "a\\u0000", "text": "x", "kind": "text"}',
        '{"type": "send", "ticket": 1, "client_id": "a", "text": "x", "kind": "event"}',
        '{"type": "do", "act": "destroy", "ticket": 1}',
        '{"type": "do", "act": "claim", "ticket": null}',
        '{"type": "do", "act": "resolve", "ticket": 1, "seen": "all"}',
        '{"type": "send", "ticket": 1, "client_id": "a", "text": "x", "kind": "text", "seen": -1}',
        '{"type": "do", "act": "snooze", "ticket": 1, "minutes": "soon"}',
        '{"type": "do", "act": "resolve", "ticket": 1, "outcome": "magic"}',
        '{"type": "availability", "value": "asleep"}',
    ],
)
async def test_no_input_ends_the_socket(
    open_screen: OpenScreen, nurse: StaffMember, frame: str
) -> None:
    screen = await open_screen(nurse)

    await screen.say_raw(frame)

    assert (await screen.expect("error"))["code"] == "bad_frame"
    await screen.settle()


async def test_a_fault_of_ours_is_told_and_logged_without_words(
    open_screen: OpenScreen,
    nurse: StaffMember,
    ticket: Ticket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a patient's words")

    screen = await open_screen(nurse)
    monkeypatch.setattr(console, "reply_with_care", broken)

    await screen.say("send", ticket=ticket.pk, client_id="a1", text="秘密", kind="text")

    told = await screen.expect("error")
    assert (told["code"], told["client_id"]) == ("failed", "a1")
    assert "a patient's words" not in caplog.text
    assert "秘密" not in caplog.text
    await screen.settle()


async def test_nothing_happens_before_hello(open_screen: OpenScreen, nurse: StaffMember) -> None:
    screen = await open_screen(nurse, hello=False)
    await screen.say("ping")
    assert (await screen.expect("error"))["code"] == "not_ready"


async def test_a_monstrous_frame_ends_the_socket(
    open_screen: OpenScreen, nurse: StaffMember
) -> None:
    screen = await open_screen(nurse)
    await screen.say_raw("x" * 70_000)
    assert await screen.closed_with() == 1009


async def test_silence_ends_the_socket(
    open_screen: OpenScreen, nurse: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "CHECK_EVERY_S", 0.05)
    screen = await open_screen(nurse)
    monkeypatch.setattr(console, "SILENCE_S", 0.2)
    assert await screen.closed_with() == 1000


async def test_a_patient_sees_that_her_own_nurse_is_typing(
    open_screen: OpenScreen, nurse: StaffMember, other_nurse: StaffMember, ticket: Ticket
) -> None:
    from channels.layers import get_channel_layer

    from live.show import conversation_group

    layer = get_channel_layer()
    await layer.group_add(conversation_group(ticket.conversation_id), "patient")
    mine, hers = await open_screen(nurse), await open_screen(other_nurse)
    await mine.do("claim", ticket)
    for screen in (hers, mine):
        await screen.say("watch", conversation=ticket.conversation_id, after=0)
        await screen.expect("messages")
        await screen.say("typing", conversation=ticket.conversation_id)
        await screen.settle()

    typing = []
    async with asyncio.timeout(30):
        while not typing:
            frame = await layer.receive("patient")
            typing += [frame] if frame["type"] == "conversation.typing" else []
    assert (typing[0]["author"], typing[0]["name"]) == ("nurse", "王芳")


async def _answer(screen: Any) -> Any:
    while True:
        frame = await screen.hear()
        if frame["type"] in ("done", "error"):
            return frame


async def test_what_the_record_speaks_against_is_sent_only_with_a_reason(
    open_screen: OpenScreen, nurse: StaffMember, ticket: Ticket, patient_writes: PatientWrites
) -> None:
    await sync_to_async(patient_writes)("我对青霉素过敏")
    screen = await open_screen(nurse)
    await screen.do("claim", ticket)
    await screen.expect("done", act="claim")
    letter = {"ticket": ticket.pk, "client_id": "n1", "text": "先吃阿莫西林", "kind": "text"}

    await screen.say("send", **letter)
    asked = await screen.expect("error", code="needs_reason", client_id="n1")
    assert [(each["what"], each["risk"]) for each in asked["concerns"]] == [("阿莫西林", "avoid")]
    assert "penicillin" in asked["concerns"][0]["why"].casefold()

    await screen.say("send", **letter, reason=["no", "sentence"])
    await screen.expect("error", code="bad_frame")
    await screen.say("send", **letter, reason="x" * 501)
    await screen.expect("error", code="too_long")

    await screen.say("send", **letter, reason="Skin test negative")
    await screen.expect("ack", client_id="n1")
    sent = await Message.objects.aget(client_id="n1", kind=Kind.TEXT, nurse=nurse)
    assert sent.details["guard"]["reason"] == "Skin test negative"
