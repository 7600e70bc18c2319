"""Pictures and voices: fetched, checked, sealed, and shown to who may read the conversation."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image

from adapters import sniffing
from adapters.media import UNHEARD, bring, not_brought
from adapters.models import Attachment
from adapters.rehearsal.stand_in import Said
from adapters.weixin.stand_in import WeChatStandIn
from channels_app.console_frames import frame_of
from conversations.models import Message
from patients.services import erase_patient
from staff.models import Role, StaffMember
from tickets.models import Reason
from tickets.services import hand_over
from vault.models import AccessEntry

HIDDEN = b"GPS 39.9 116.4"
AMR = b"#!AMR\n" + bytes(64)


def picture(size: tuple[int, int] = (64, 48), form: str = "JPEG", **more: Any) -> bytes:
    drawn = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = HIDDEN.decode()
    Image.new("RGB", size, "red").save(drawn, form, exif=exif, **more)
    return drawn.getvalue()


@pytest.fixture
def sent(wechat: WeChatStandIn, call_back: Any) -> Callable[..., Attachment]:
    """A patient sends a file, and a worker fetches it."""

    def send(content: bytes | None, kind: str = "image") -> Attachment:
        if content is not None:
            wechat.files["m-1"] = content
        wechat.writes("oFan", "看看这个")
        fields = {"MsgType": kind, "MediaId": "m-1", "MsgId": "77", "Format": "amr"}
        assert call_back(wechat.calls("oFan", fields)).status_code == 200
        for pk in not_brought(now=timezone.now()):
            bring(pk, clock=timezone.now)
        return Attachment.objects.get()

    return send


def test_a_picture_is_drawn_anew_and_sealed(sent: Callable[..., Attachment]) -> None:
    attachment = sent(picture())

    assert attachment.content_type == "image/jpeg" and attachment.fetch_after is None
    assert HIDDEN not in attachment.content
    assert Image.open(io.BytesIO(attachment.content)).size == (64, 48)
    with connection.cursor() as cursor:
        cursor.execute("SELECT content, ref FROM adapters_attachment")
        content, ref = cursor.fetchone()
    assert b"JFIF" not in bytes(content) and b"m-1" not in bytes(ref)


def test_a_voice_is_kept_as_it_is(sent: Callable[..., Attachment]) -> None:
    attachment = sent(AMR, "voice")

    assert (attachment.content_type, attachment.content) == ("audio/amr", AMR)


FILM = b"\0\0\0\x18ftypmp42" + bytes(64)


@pytest.mark.parametrize("is_told_where", [False, True])
def test_a_film_comes_at_once_or_by_its_address(
    wechat: WeChatStandIn, sent: Callable[..., Attachment], is_told_where: bool
) -> None:
    if is_told_where:
        wechat.films["m-1"] = ""
    attachment = sent(FILM, "video")

    assert (attachment.content_type, attachment.content) == ("video/mp4", FILM)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/film", "https://qq.com.evil.example/f", "file:///etc/passwd"]
)
def test_a_film_is_fetched_from_nobody_else(
    wechat: WeChatStandIn, sent: Callable[..., Attachment], address: str
) -> None:
    wechat.films["m-1"] = address

    assert sent(FILM, "video").failure == "content"


@pytest.mark.parametrize(
    "content",
    [b"<svg onload=alert(1)>", b"MZ\x90\x00", picture()[:200], b"", AMR],
    ids=["svg", "program", "half", "empty", "voice"],
)
def test_what_is_no_picture_is_not_taken(content: bytes, sent: Callable[..., Attachment]) -> None:
    attachment = sent(content)

    assert attachment.failure == "content" and not attachment.content


def test_a_bomb_of_pixels_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniffing, "MAX_PIXELS", 1_000)

    with pytest.raises(sniffing.NotTaken):
        sniffing.clean(picture(), kind="image")


def test_what_wechat_has_no_more_is_said_so(sent: Callable[..., Attachment]) -> None:
    assert sent(None).failure == "content"


def test_a_token_that_ended_is_renewed_for_a_picture_too(
    wechat: WeChatStandIn, sent: Callable[..., Attachment]
) -> None:
    wechat.forget_tokens()

    assert sent(picture()).content_type == "image/jpeg"


def test_while_wechat_is_busy_it_is_tried_again(
    wechat: WeChatStandIn, sent: Callable[..., Attachment]
) -> None:
    wechat.busy_with.add("/cgi-bin/media/get")
    attachment = sent(picture())
    assert attachment.tries == 1 and attachment.fetch_after > timezone.now()

    wechat.busy_with.clear()
    bring(attachment.pk, clock=timezone.now)
    assert Attachment.objects.get().content_type == "image/jpeg"


def later(hours: float) -> Callable[[], datetime]:
    at = timezone.now() + timedelta(hours=hours)
    return lambda: at


def test_a_night_without_wechat_costs_nobody_their_picture(
    wechat: WeChatStandIn, sent: Callable[..., Attachment]
) -> None:
    wechat.busy_with.add("/cgi-bin/media/get")
    attachment = sent(picture())
    for hour in range(12):
        bring(attachment.pk, clock=later(hour))
    attachment.refresh_from_db()
    assert attachment.fetch_after is not None and attachment.fetch_after <= later(12)()

    wechat.busy_with.clear()
    bring(attachment.pk, clock=later(12))
    assert Attachment.objects.get().content_type == "image/jpeg"


def test_nobody_waits_for_a_voice_as_long_as_that(
    wechat: WeChatStandIn, sent: Callable[..., Attachment], settings: Any
) -> None:
    settings.HEARING_MODEL = "/somewhere"
    wechat.busy_with.add("/cgi-bin/media/get")
    attachment = sent(AMR, "voice")
    assert (Message.objects.get(pk=attachment.message_id).details or {})["media"]["waits"]
    for _try in range(UNHEARD - 1):
        bring(attachment.pk, clock=timezone.now)

    message = Message.objects.get(pk=attachment.message_id)
    assert message.details is not None and "waits" not in message.details["media"]
    wechat.busy_with.clear()
    bring(attachment.pk, clock=later(1))
    assert Attachment.objects.get().content == AMR


def test_an_account_that_is_let_in_again_gets_the_picture(
    wechat: WeChatStandIn, sent: Callable[..., Attachment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wechat, "_file", lambda _media_id: Said({"errcode": 48001}))
    attachment = sent(picture())
    assert attachment.fetch_after is not None and not attachment.failure


def test_nobody_tries_for_ever(wechat: WeChatStandIn, sent: Callable[..., Attachment]) -> None:
    wechat.busy_with.add("/cgi-bin/media/get")
    attachment = sent(picture())
    bring(attachment.pk, clock=later(72.1))

    attachment.refresh_from_db()
    assert attachment.fetch_after is None and attachment.failure == "provider_down"


def test_a_nurse_sees_it_by_a_link_of_minutes_and_leaves_a_trace(
    sent: Callable[..., Attachment], client: Client
) -> None:
    attachment = sent(picture())
    message = Message.objects.select_related("conversation").get(pk=attachment.message_id)
    hand_over(message.conversation, reason=Reason.ASKED, urgency=1, now=timezone.now())
    [item] = frame_of([message], conversation_id=message.conversation_id, last_seq=9)["items"]
    url = item["media"]["url"]

    assert client.get(url).status_code == 302  # nobody is signed in
    nurse = StaffMember.objects.create_user("li", role=Role.NURSE)
    client.force_login(nurse)
    seen = client.get(url)
    assert seen.content == attachment.content
    assert seen["Content-Type"] == "image/jpeg"
    assert seen["X-Content-Type-Options"] == "nosniff"
    assert seen["Content-Security-Policy"].endswith("; sandbox")  # a blank after it is refused
    assert AccessEntry.objects.filter(reason="media").count() == 1
    assert client.get(url[:-3] + "abc").status_code == 404


def test_what_was_erased_can_be_seen_by_nobody(sent: Callable[..., Attachment]) -> None:
    attachment = sent(picture())
    erase_patient(attachment.message.conversation.contact_point.patient, now=timezone.now())

    assert Attachment.objects.get().content == b""
