"""A voice message: put into words where a machine can, and never without a nurse who can listen."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from adapters import media
from adapters.media import MAX_HEARINGS, bring, not_brought
from adapters.models import Attachment
from adapters.weixin.stand_in import WeChatStandIn
from assistant import planning, policy
from assistant.services import attend, give_unattended_to_nurses, hear_voice
from channels_app.console_frames import frame_of
from conversations.models import Author, Conversation, Message, Owner
from hospital.models import Hospital
from patients.services import erase_patient
from staff.models import Role, StaffMember
from tickets.models import Alarm, Reason, Ticket
from tickets.services import hand_over
from vault.datakeys import Erased
from workers import hearing, listeners

HEARING = Path(__file__).parents[1] / "workers" / "hearing"
AMR = (HEARING / "tone.amr").read_bytes()
WAV = b"RIFF----WAVE"
SECRET = "我有一个很私密的问题"
ASKED = "我还听不懂语音"
CHEST_PAIN = "我从早上开始胸口剧痛"


@dataclass
class Ear:
    """Hears what the test says that it hears, and remembers how often."""

    words: str = ""
    times: int = 0
    breaks: bool = False
    meanwhile: Callable[[], Any] = lambda: None

    def __call__(self, content: bytes, content_type: str) -> hearing.Heard:
        assert (content, content_type) == (AMR, "audio/amr")
        assert not connection.in_atomic_block or len(connection.savepoint_ids) == 0
        self.times += 1
        if self.breaks:
            raise MemoryError
        self.meanwhile()
        return hearing.Heard(WAV, "audio/wav", self.words, "test")


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def with_hearing(settings: Any) -> None:
    settings.HEARING_MODEL = "/a/folder"


@pytest.fixture
def patient_says(
    wechat: WeChatStandIn, call_back: Any, hospital: Hospital
) -> Callable[..., Message]:
    """A patient sends a voice, or a picture; nobody has fetched it yet."""
    numbers = iter(range(100, 200))
    wechat.files["m-1"] = AMR

    def say(kind: str = "voice", **more: str) -> Message:
        wechat.writes("oFan", "")  # the stand-in knows them from here on
        fields = {"MsgType": kind, "MediaId": "m-1", "MsgId": str(next(numbers)), **more}
        assert call_back(wechat.calls("oFan", fields)).status_code == 200
        return Message.objects.filter(author=Author.PATIENT).latest("pk")

    return say


@pytest.fixture
def fetch(ear: Ear) -> Callable[..., Attachment]:
    def run(hear: Any = ear, *, at: datetime | None = None) -> Attachment:
        moment = at or timezone.now()
        for pk in not_brought(now=moment):
            bring(pk, clock=lambda: moment, hear=hear)
        return Attachment.objects.latest("pk")

    return run


@pytest.fixture
def answered(model: Any) -> Callable[..., list[str]]:
    """What the assistant and the house have said, once a worker attended."""

    def run(*, after: float = 0) -> list[str]:
        now = timezone.now() + timedelta(seconds=after)
        attend(Conversation.objects.get().pk, understand=model, now=now)
        ours = Message.objects.filter(kind="text").exclude(author=Author.PATIENT)
        return [each.text for each in ours.order_by("seq")]

    return run


# --- Heard ---------------------------------------------------------------------------------------


def test_a_voice_is_kept_as_a_browser_plays_it_and_sealed_with_its_words(
    patient_says: Any, fetch: Any, ear: Ear
) -> None:
    patient_says()
    ear.words = SECRET

    attachment = fetch()

    assert (attachment.content, attachment.content_type) == (WAV, "audio/wav")
    assert (attachment.size, attachment.fetch_after) == (len(WAV), None)
    assert attachment.transcript == SECRET
    assert attachment.message.details["media"]["transcript"] == SECRET
    assert attachment.message.text == "[语音]"  # a redelivery has to find the same
    with connection.cursor() as cursor:
        cursor.execute("SELECT content, transcript FROM adapters_attachment")
        content, transcript = map(bytes, cursor.fetchone())
    assert WAV not in content and SECRET.encode() not in transcript


def test_its_words_are_understood_like_typed_ones(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any, model: Any
) -> None:
    model.means("chitchat")
    patient_says()
    ear.words = "你好，请问有人吗"
    fetch()

    [reply] = answered()

    assert model.asked == ["你好，请问有人吗"]
    assert ASKED not in reply
    message = Message.objects.get(author=Author.PATIENT)
    assert message.handled_at is not None
    assert message.details["understanding"]["intent"] == "chitchat"
    assert message.details["media"]["transcript"] == "你好，请问有人吗"
    assert "waits" not in message.details["media"]


def test_while_it_is_heard_nobody_asks_to_type_and_what_is_written_is_answered(
    with_hearing: None, wechat: WeChatStandIn, call_back: Any, patient_says: Any, answered: Any,
    model: Any,
) -> None:  # fmt: skip
    model.means("chitchat")
    patient_says()
    assert answered() == []

    call_back(wechat.writes("oFan", "你好"))

    assert len(answered(after=50)) == 1 and model.asked == ["你好"]
    assert Message.objects.unhandled().get().text == "[语音]"


def test_when_it_is_heard_the_assistant_is_rung(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, rings: Any
) -> None:
    patient_says()
    rings.clear()
    ear.words = "你好"

    fetch()

    assert [name for name, _ in rings] == ["message.received"]


def test_red_flags_are_looked_for_in_it_at_once(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any, model: Any
) -> None:
    message = patient_says()
    ear.words = CHEST_PAIN

    fetch()

    alarm = Alarm.objects.get()
    assert alarm.rules == ["chest_pain"] and alarm.message_seq == message.seq
    ticket = Ticket.objects.get()
    assert (ticket.reason, ticket.urgency) == (Reason.RED_FLAG, 3)
    message.refresh_from_db()
    assert message.handled_at is not None and message.text == "[语音]"
    [flag] = message.details["red_flags"]
    start, end = flag["heard"]
    assert CHEST_PAIN[start:end] == "胸口剧痛" and "evidence" not in flag
    assert message.details["media"]["transcript"] == CHEST_PAIN
    [card] = answered()  # and no model is asked any more
    assert "120" in card and model.asked == []


def test_red_flags_reach_a_nurse_who_has_the_conversation(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, nurse: StaffMember
) -> None:
    message = patient_says()
    Message.objects.filter(pk=message.pk).update(handled_at=timezone.now())
    ear.words = CHEST_PAIN
    hand_over(message.conversation, reason=Reason.ASKED, urgency=1, now=timezone.now())

    fetch()

    assert Alarm.objects.count() == 1 and Ticket.objects.get().urgency == 3


def test_its_language_is_the_conversations(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear
) -> None:
    patient_says()
    ear.words = "Good morning, where can I park my car"
    fetch()
    assert Conversation.objects.get().language == "en"

    patient_says()  # its name in the thread is Chinese, and says nothing of the patient
    assert Conversation.objects.get().language == "en"


def test_what_was_heard_once_is_not_heard_anew(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, rings: Any
) -> None:
    message = patient_says()
    ear.words = CHEST_PAIN
    fetch()
    rings.clear()

    hear_voice(message, transcript="别的", now=timezone.now())

    message.refresh_from_db()
    assert message.details["media"]["transcript"] == CHEST_PAIN
    assert rings == [] and Alarm.objects.count() == 1


def test_words_that_come_while_the_assistant_gives_up_waiting_win(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any, model: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    model.means("chitchat")
    message = patient_says()

    def just_then(turn: Any) -> Any:
        hear_voice(message, transcript="你好", now=timezone.now())
        return planning.ask_to_type(turn)

    monkeypatch.setitem(planning.SKILLS, policy.Act.ASK_TO_TYPE, just_then)

    assert answered(after=61) == []
    [reply] = answered(after=62)
    assert ASKED not in reply and model.asked == ["你好"]


def test_what_the_vendor_put_into_words_is_not_heard_again(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any, model: Any
) -> None:
    model.means("chitchat")
    patient_says(Recognition="你好")

    attachment = fetch()

    assert ear.times == 0 and attachment.content == AMR
    assert len(answered()) == 1 and model.asked == ["你好"]


def test_from_the_callback_to_the_alarm_by_the_real_ear(
    patient_says: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEARING_MODEL = str(HEARING / "tiny")
    monkeypatch.setattr(hearing, "_loaded", {})
    patient_says()

    listeners.on_media_arrived(attachment_id=Attachment.objects.get().pk, later=1)

    attachment = Attachment.objects.get()
    assert attachment.transcript == "胸口剧痛。" and attachment.content_type == "audio/wav"
    assert Alarm.objects.get().rules == ["chest_pain"]


# --- Not heard -----------------------------------------------------------------------------------


def test_without_hearing_the_patient_is_asked_to_type_at_once(
    patient_says: Any, fetch: Any, answered: Any, model: Any
) -> None:
    patient_says()

    [reply] = answered()

    assert reply.startswith("我还听不懂语音") or "voice messages" in reply
    assert model.asked == [] and not Ticket.objects.exists()
    said = Message.objects.get(author=Author.ASSISTANT)
    assert [each["tap"] for each in said.details["choices"]] == ["nurse"]
    assert Conversation.objects.get().misses == 1
    assert fetch().content_type == "audio/wav"  # and a nurse can play it


def test_the_second_in_a_row_brings_a_nurse_and_is_not_asked_again(
    patient_says: Any, answered: Any
) -> None:
    patient_says()
    asked = answered()
    patient_says()

    assert answered().count(asked[0]) == 1
    assert Ticket.objects.get().reason == Reason.MISUNDERSTOOD
    assert Conversation.objects.get().owner == Owner.QUEUE


def test_a_picture_still_brings_a_nurse_at_once(patient_says: Any, answered: Any) -> None:
    patient_says("image", PicUrl="https://example.org/1")

    answered()

    assert Ticket.objects.get().reason == Reason.UNSURE


@pytest.mark.parametrize(
    "words", ["", "\u200b", "哈" * 4_001], ids=["none", "unseen", "in circles"]
)
def test_what_cannot_be_put_into_words_is_asked_for_without_waiting(
    words: str, with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any
) -> None:
    patient_says()
    ear.words = words
    attachment = fetch()

    assert attachment.content_type == "audio/wav"
    assert len(answered()) == 1
    assert Conversation.objects.get().misses == 1


def test_nobody_waits_for_a_voice_longer_than_a_minute(
    with_hearing: None, patient_says: Any, answered: Any
) -> None:
    patient_says()

    assert answered(after=59) == []
    assert len(answered(after=61)) == 1


def test_nobody_waits_for_a_voice_that_the_vendor_has_no_more(
    with_hearing: None, wechat: WeChatStandIn, patient_says: Any, fetch: Any, answered: Any
) -> None:
    patient_says()
    wechat.files.clear()

    assert fetch().failure == "content"
    assert len(answered()) == 1


def test_words_that_come_too_late_are_shown_and_raise_alarms_but_answer_nothing(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any, model: Any
) -> None:
    patient_says()
    asked = answered(after=61)
    ear.words = "你好"
    assert fetch().transcript == "你好"
    assert answered(after=62) == asked and model.asked == []

    patient_says()
    ear.words = CHEST_PAIN
    answered(after=200)
    fetch()
    assert Alarm.objects.count() == 1


def test_a_voice_that_no_worker_attends_to_reaches_a_nurse(
    with_hearing: None, patient_says: Any
) -> None:
    patient_says()
    now = timezone.now()

    assert give_unattended_to_nurses(now=now + timedelta(seconds=90)) == 0
    assert give_unattended_to_nurses(now=now + timedelta(seconds=121)) == 1
    assert Ticket.objects.get().reason == Reason.FAILURE


def test_one_that_waits_holds_up_nobody_else(
    with_hearing: None, wechat: WeChatStandIn, call_back: Any, patient_says: Any
) -> None:
    patient_says()
    call_back(wechat.writes("oFan", "有人吗"))

    assert give_unattended_to_nurses(now=timezone.now() + timedelta(seconds=90)) == 1


# --- Two workers, and broken ones ----------------------------------------------------------------


def test_while_one_worker_hears_no_other_does(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear
) -> None:
    patient_says()
    pk = Attachment.objects.get().pk
    ear.meanwhile = lambda: bring(pk, clock=timezone.now, hear=ear)

    fetch()

    assert ear.times == 1


def test_two_that_fetch_at_once_hear_once(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_says()
    usual, pk = media.adapter_of, Attachment.objects.get().pk

    def slow(channel: Any) -> Any:
        monkeypatch.setattr(media, "adapter_of", usual)
        bring(pk, clock=timezone.now, hear=ear)  # the other one, from start to end
        return usual(channel)

    monkeypatch.setattr(media, "adapter_of", slow)
    ear.words = "你好"
    fetch()

    assert ear.times == 1 and Attachment.objects.get().transcript == "你好"


def test_a_voice_that_ends_its_worker_each_time_is_kept_as_it_came(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any
) -> None:
    patient_says()
    ear.breaks = True
    at = timezone.now()
    for _ in range(MAX_HEARINGS):
        with pytest.raises(MemoryError):
            fetch(at=at)
        assert not_brought(now=at) == []  # whoever hears is left alone
        at += timedelta(minutes=5)

    attachment = fetch(at=at)

    assert ear.times == MAX_HEARINGS
    assert (attachment.content, attachment.content_type) == (AMR, "audio/amr")
    assert attachment.fetch_after is None
    assert len(answered()) == 1


# --- Shown, erased, and in no log ----------------------------------------------------------------


def _item(message: Message) -> dict[str, Any]:
    message.refresh_from_db()
    frame = frame_of([message], conversation_id=message.conversation_id, last_seq=message.seq)
    item: dict[str, Any] = frame["items"][0]
    return item


def test_a_nurse_plays_it_and_reads_that_its_words_may_be_wrong(
    patient_says: Any, fetch: Any, ear: Ear, client: Client, nurse: StaffMember
) -> None:
    message = patient_says()
    hand_over(message.conversation, reason=Reason.ASKED, urgency=1, now=timezone.now())
    assert _item(message)["media"]["state"] == "waiting"
    ear.words = "头有点晕"
    fetch()

    with translation.override("en"):
        shown = _item(message)["media"]

    assert (shown["state"], shown["type"]) == ("here", "audio/wav")
    assert shown["transcript"] == "头有点晕"
    assert shown["caution"] == "Transcribed by machine, may be wrong"
    client.force_login(nurse)
    played = client.get(shown["url"])
    assert (played.content, played["Content-Type"]) == (WAV, "audio/wav")
    assert played["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("wanted", "status", "part", "content"),
    [
        ("bytes=0-1", 206, "bytes 0-1/12", WAV[:2]),
        ("bytes=4-", 206, "bytes 4-11/12", WAV[4:]),
        ("bytes=4-99", 206, "bytes 4-11/12", WAV[4:]),
        ("bytes=12-", 416, "bytes */12", b""),
        ("bytes=5-2", 416, "bytes */12", b""),
        ("lines=1-2", 200, None, WAV),
    ],
)
def test_a_player_can_wind_back(
    wanted: str, status: int, part: str | None, content: bytes, patient_says: Any, fetch: Any,
    client: Client, nurse: StaffMember,
) -> None:  # fmt: skip
    message = patient_says()
    hand_over(message.conversation, reason=Reason.ASKED, urgency=1, now=timezone.now())
    fetch()
    client.force_login(nurse)

    played = client.get(_item(message)["media"]["url"], headers={"Range": wanted})

    assert (played.status_code, played.content) == (status, content)
    assert played.get("Content-Range") == part
    assert "sandbox" in played["Content-Security-Policy"]


def test_what_stayed_as_it_came_is_saved_and_has_no_words(
    patient_says: Any, fetch: Any, client: Client
) -> None:
    message = patient_says()
    hand_over(message.conversation, reason=Reason.ASKED, urgency=1, now=timezone.now())
    fetch(hear=None)

    shown = _item(message)["media"]

    assert shown["type"] == "audio/amr" and "transcript" not in shown
    client.force_login(StaffMember.objects.create_user("li", role=Role.NURSE))
    assert client.get(shown["url"])["Content-Disposition"].startswith("attachment")


def test_its_words_are_erased_with_the_patient(patient_says: Any, fetch: Any, ear: Ear) -> None:
    message = patient_says()
    ear.words = SECRET
    fetch()
    erase_patient(message.conversation.contact_point.patient, now=timezone.now())

    attachment = Attachment.objects.select_related("message").get()

    assert attachment.content == b"" and attachment.transcript == "⌫"
    assert "transcript" not in _item(message).get("media", {})


def test_who_is_erased_while_we_hear_leaves_nothing(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear
) -> None:
    message = patient_says()
    patient = message.conversation.contact_point.patient
    ear.words, ear.meanwhile = SECRET, lambda: erase_patient(patient, now=timezone.now())

    attachment = fetch()

    assert attachment.failure == "content" and attachment.fetch_after is None
    with pytest.raises(Erased):
        hear_voice(message, transcript=SECRET, now=timezone.now())
    assert not Alarm.objects.exists()


def test_no_log_tells_what_was_heard(
    with_hearing: None, patient_says: Any, fetch: Any, ear: Ear, answered: Any, model: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    model.broken = RuntimeError(SECRET)
    ear.words = SECRET
    with caplog.at_level(logging.DEBUG):
        patient_says()
        fetch()
        answered()

    told = [record for record in caplog.records if not record.name.startswith("django.db")]
    assert told and not any(SECRET in str(vars(record)) for record in told)
