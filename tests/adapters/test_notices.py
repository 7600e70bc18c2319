"""When the 48 hours are over: a notice by a template, with a link, and no word of what was said."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.delivery import deliver
from adapters.links import find_link
from adapters.models import Account, Allowance, Attempt, Grant
from adapters.weixin.notices import fields_of, too_long
from adapters.weixin.stand_in import WeChatStandIn
from conversations.models import Author, Conversation, Message
from conversations.services import queue_reply
from harness.accounts import open_account
from patients.models import Channel

TEMPLATE = "tmpl-1"
FIELDS = "thing1=您有新的回复; time2={time}"
pytestmark = pytest.mark.django_db


@pytest.fixture(params=["wechat", "miniprogram"])
def channel(
    request: pytest.FixtureRequest, wechat: WeChatStandIn, hospital: Any
) -> Iterator[Channel]:
    wechat.templates[TEMPLATE] = {"thing1", "time2"}
    more = {
        "notice_template": TEMPLATE, "notice_fields": FIELDS, "site_url": "https://wenan.example/",
        "notice_page": "pages/chat",
    }  # fmt: skip
    yield open_account(
        request.param, settings={**wechat.settings(), **more}, secrets=wechat.secrets()
    )


@pytest.fixture
def conversation(client: Client, wechat: WeChatStandIn, channel: Channel) -> Conversation:
    """Somebody wrote, more than 48 hours ago."""
    hear(client, channel, wechat.writes("oFan", "你好"))
    Allowance.objects.update(closes_at=timezone.now() - timedelta(hours=1))
    return Conversation.objects.get()


def hear(client: Client, channel: Channel, outgoing: Any) -> None:
    answer = client.post(
        f"/channels/{channel.slug}/callback{outgoing.path}", outgoing.body, "text/xml"
    )
    assert answer.status_code == 200


def answer(conversation: Conversation, text: str = "化验结果正常") -> Message:
    conversation.refresh_from_db()
    return queue_reply(
        conversation,
        text=text,
        author=Author.ASSISTANT,
        epoch=conversation.epoch,
        now=timezone.now(),
    )


def test_a_notice_brings_the_patient_to_the_words(
    client: Client, wechat: WeChatStandIn, channel: Channel, conversation: Conversation
) -> None:
    if channel.kind == "miniprogram":
        hear(client, channel, wechat.grants("oFan", TEMPLATE))
    message = answer(conversation)
    deliver(conversation.pk, clock=timezone.now)

    [(openid, body)] = wechat.notices_sent
    assert openid == "oFan" and not wechat.sent
    assert "化验" not in str(body)
    assert body["data"]["thing1"] == {"value": "您有新的回复"}
    message.refresh_from_db()
    assert message.sent_at is not None
    tried = list(Attempt.objects.order_by("pk").values_list("is_notice", "result", "category"))
    assert tried == [(False, "rejected", "window_closed"), (True, "accepted", "")]
    if channel.kind == "wechat":
        link = find_link(body["url"].rpartition("/")[2], now=timezone.now())
        assert link is not None and link.contact_point == conversation.contact_point
    else:
        assert body["page"] == "pages/chat" and Grant.objects.get().left == 0


@pytest.mark.parametrize("channel", ["miniprogram"], indirect=True)
def test_what_nobody_agreed_to_is_not_sent(
    client: Client, wechat: WeChatStandIn, channel: Channel, conversation: Conversation
) -> None:
    hear(client, channel, wechat.grants("oFan", TEMPLATE))
    hear(client, channel, wechat.grants("oFan", TEMPLATE, "reject"))
    message = answer(conversation)
    deliver(conversation.pk, clock=timezone.now)

    message.refresh_from_db()
    assert message.given_up_at is not None and not wechat.notices_sent


def test_a_second_answer_within_minutes_waits(
    client: Client, wechat: WeChatStandIn, channel: Channel, conversation: Conversation
) -> None:
    hear(client, channel, wechat.grants("oFan", TEMPLATE))
    Grant.objects.update(left=2)  # a second tap can't come within the same second
    wechat.granted["oFan", TEMPLATE] = 2
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    answer(conversation, "另外请复查")
    deliver(conversation.pk, clock=timezone.now)
    assert len(wechat.notices_sent) == 1

    soon = timezone.now() + timedelta(minutes=11)
    deliver(conversation.pk, clock=lambda: soon)
    assert len(wechat.notices_sent) == 2
    assert not Message.objects.unsent().exists()


def test_a_template_that_was_deleted_is_told_to_a_nurse(
    client: Client, wechat: WeChatStandIn, channel: Channel, conversation: Conversation
) -> None:
    hear(client, channel, wechat.grants("oFan", TEMPLATE))
    wechat.templates.clear()
    message = answer(conversation)
    deliver(conversation.pk, clock=timezone.now)

    message.refresh_from_db()
    conversation.refresh_from_db()
    assert message.given_up_at is not None and conversation.owner == "queue"
    assert [*Account.objects.values_list("failures", flat=True)] == [0]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("thing1=您有新的回复; time2={time}", []),
        (f"thing1={'长' * 21}", ["thing1"]),
        ("thing1=", ["thing1"]),
        ("诊断=肺炎", ["诊断"]),
        ("name1=王小明；phrase2=已回复", []),
        ("phrase1=已经回复您了", ["phrase1"]),
    ],
)
def test_fields_that_wechat_would_refuse(said: str, wrong: list[str]) -> None:
    assert too_long(fields_of(said)) == wrong
