"""How a channel does, by counts: what was heard, tried, held back, and what waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from adapters.contracts import Category
from adapters.health import condition_of, health_of, missing, with_error_rate
from adapters.models import Account, Attempt
from conftest import PatientWrites
from conversations.models import Author, Message
from conversations.services import queue_reply
from harness.accounts import open_account
from patients.models import Channel, ContactPoint
from patients.services import meet

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


@pytest.fixture
def channel() -> Channel:
    settings = {
        "access_key_id": "LTAI1", "sign_name": "问安", "template": "SMS_1", "template_en": "",
    }  # fmt: skip
    secrets = {"access_key_secret": "s", "callback_key": "k" * 16}
    return open_account("aliyun", settings=settings, secrets=secrets)


@pytest.fixture
def message(patient_writes: PatientWrites) -> Message:
    return patient_writes("你好", attended=False).message


@pytest.fixture
def tried(channel: Channel, message: Message) -> Any:
    def note(result: str, *, ago: timedelta = timedelta(minutes=5), **fields: Any) -> Attempt:
        said = {"channel": channel, "message": message, "began_at": NOW - ago, **fields}
        return Attempt.objects.create(result=result, **said)

    return note


def test_nothing_was_tried(channel: Channel) -> None:
    health = health_of(channel, NOW)

    assert health.today.error_rate is None
    assert not health.was_tried
    assert (health.causes, health.closed, health.waiting) == ([], [], 0)


def test_what_was_tried_is_counted_by_how_it_ended(channel: Channel, tried: Any) -> None:
    tried("accepted", segments=2, status="delivered")
    tried("accepted", segments=3, status="failed", category="invalid_recipient", code="isv.NONE")
    tried("retry", category="throttled", code="isv.BUSY")
    tried("unknown")
    tried("rejected", category="content", code="isv.WORDS", segments=9)
    tried("rejected", category="no_consent")  # ours: the vendor was not asked
    tried("in_flight")
    tried("accepted", ago=timedelta(hours=3))
    tried("accepted", ago=timedelta(hours=13))  # yesterday
    hour, today = health_of(channel, NOW).hour, health_of(channel, NOW).today

    assert (hour.accepted, hour.lost, hour.retry, hour.unknown, hour.rejected) == (2, 1, 1, 1, 1)
    assert (hour.held_back, hour.segments, hour.error_rate) == (1, 5, 80)
    assert (today.accepted, today.segments, today.error_rate) == (3, 6, 67)


def test_the_commonest_reasons_come_first(channel: Channel, tried: Any) -> None:
    for _time in range(3):
        tried("retry", category="throttled", code="isv.BUSY", ago=timedelta(hours=20))
    tried("unknown")
    tried("accepted", status="failed")
    for number in range(6):
        tried("rejected", category="content", code=f"c{number}", ago=timedelta(hours=25))
    causes = health_of(channel, NOW).causes

    assert [(cause.count, str(cause.words), cause.code) for cause in causes] == [
        (3, "too fast", "isv.BUSY"),
        (1, "failed", ""),
        (1, "not known", ""),
    ]


def test_addresses_that_nothing_reaches_are_counted_by_why(channel: Channel) -> None:
    for number, why in enumerate(["opted_out", "opted_out", "invalid_recipient", ""]):
        point = meet(channel, address=f"+861380000000{number}")
        ContactPoint.objects.filter(pk=point.pk).update(
            closed_why=why, closed_at=NOW if why else None
        )
    health = health_of(channel, NOW)

    assert [(each.count, str(each.words)) for each in health.closed] == [
        (2, "opted out"),
        (1, "no such recipient"),
    ]
    assert health.closed_in_all == 3


def test_messages_that_wait_are_counted(channel: Channel, message: Message) -> None:
    queue_reply(message.conversation, text="您好", author=Author.ASSISTANT, epoch=0, now=NOW)
    assert health_of(message.conversation.contact_point.channel, NOW).waiting == 1
    assert health_of(channel, NOW).waiting == 0


@pytest.mark.parametrize(
    ("fields", "account", "code", "words"),
    [
        ({"heard_at": NOW}, {}, "well", "well"),
        ({}, {}, "silent", "nothing heard yet"),
        ({"heard_at": NOW - timedelta(days=3)}, {}, "silent", "nothing heard for 3 days"),
        ({"heard_at": NOW - timedelta(hours=40)}, {}, "well", "well"),
        ({"heard_at": NOW, "is_active": False}, {}, "off", "switched off"),
        ({"heard_at": NOW}, {"open_until": NOW + timedelta(minutes=1)}, "resting",
         "resting until 12:01:00"),
        ({"heard_at": NOW}, {"open_until": NOW}, "well", "well"),
        ({"failed_at": NOW}, {"failures": 1}, "failing", "failing"),
        ({"heard_at": NOW}, {"failures": 1}, "failing", "failing"),
        ({"heard_at": NOW, "failed_at": NOW}, {}, "well", "well"),  # and something went out since
        ({"heard_at": NOW, "failed_at": NOW}, {"rang_at": NOW}, "failing", "failing"),
        ({"heard_at": NOW, "failed_at": NOW - timedelta(minutes=5)},
         {"rang_at": NOW, "pulled_at": NOW}, "well", "well"),
        ({"heard_at": NOW}, {"settings": {}}, "unfinished", "not set up yet"),
    ],
)  # fmt: skip
def test_how_it_does_is_said_in_words(
    channel: Channel, fields: dict[str, Any], account: dict[str, Any], code: str, words: str
) -> None:
    Channel.objects.filter(pk=channel.pk).update(**fields)
    Account.objects.update(**account)
    channel.refresh_from_db()
    found = condition_of(channel, Account.objects.get(), NOW)

    assert (found.code, str(found.words)) == (code, words)


def test_what_is_not_filled_in_is_named(channel: Channel) -> None:
    account = Account.objects.get()
    assert missing(account) == []
    account.secrets = {"callback_key": "k" * 16}
    assert [field.name for field in missing(account)] == ["access_key_secret"]


def test_the_error_rate_of_a_list_comes_by_one_query(
    channel: Channel, tried: Any, django_assert_num_queries: Any
) -> None:
    open_account("twilio", settings={}, secrets={})
    tried("accepted")
    tried("retry", category="throttled")
    tried("rejected", category="muted")
    tried("in_flight")
    tried("retry", category="throttled", ago=timedelta(hours=2))
    with django_assert_num_queries(1):
        found = {
            account.channel_id: (account.failed_lately, account.tried_lately)
            for account in with_error_rate(Account.objects.all(), NOW)
        }

    assert found.pop(channel.pk) == (1, 2)
    assert list(found.values()) == [(0, 0)]


def test_a_page_asks_as_often_for_many_as_for_none(
    channel: Channel, tried: Any, django_assert_num_queries: Any
) -> None:
    for category in Category:
        for code in range(3):
            tried("rejected", category=str(category), code=f"c{code}")
    with django_assert_num_queries(6):
        health = health_of(channel, NOW)

    assert len(health.causes) == 5


def test_a_channel_without_an_account_has_a_condition_too(web: Channel) -> None:
    assert health_of(web, NOW).condition.code == "unfinished"
