"""Channels in the admin: whoever looks sees which one is silent, rests or was never set up."""

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.models import Account, Attempt
from harness.accounts import open_account
from patients.models import Channel, ContactPoint
from staff.models import Role

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LIST = "/admin/adapters/account/"


@pytest.fixture
def channel(house: SimpleNamespace) -> Channel:
    settings = {"account_sid": "AC1", "sender": "+15550001111"}
    channel = open_account("twilio", settings=settings, secrets={"auth_token": "very-secret"})
    for result, category in (("accepted", ""), ("retry", "throttled"), ("rejected", "muted")):
        Attempt.objects.create(
            message=house.message, channel=channel, began_at=house.now, result=result,
            category=category, code="20429" if category == "throttled" else "", segments=2,
        )  # fmt: skip
    return channel


def page_of(channel: Channel) -> str:
    return f"{LIST}{Account.objects.get(channel=channel).pk}/change/"


def words_of(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def test_the_list_marks_in_words_what_is_not_well(sign_in: Any, channel: Channel) -> None:
    client, now = sign_in(), timezone.now()
    assert "nothing heard yet" in words_of(client.get(LIST))
    assert "50% (1 of 2)" in words_of(client.get(LIST))

    Channel.objects.filter(pk=channel.pk).update(heard_at=now - timedelta(days=4))
    assert "nothing heard for 4 days" in words_of(client.get(LIST))

    Account.objects.update(failures=6, open_until=now + timedelta(minutes=5))
    assert "resting until" in words_of(client.get(LIST))

    Channel.objects.filter(pk=channel.pk).update(is_active=False)
    assert "switched off" in words_of(client.get(LIST))


def test_one_more_channel_costs_the_list_no_query(
    sign_in: Any, channel: Channel, django_assert_max_num_queries: Any
) -> None:
    client = sign_in()
    client.get(LIST)
    for kind in ("aliyun", "tencent", "wechat", "wecom", "miniprogram"):
        open_account(kind, settings={}, secrets={})
    with django_assert_max_num_queries(14):  # a session, rights, and one for each secret
        client.get(LIST)


def test_a_page_shows_counts_and_nobody(sign_in: Any, channel: Channel) -> None:
    ContactPoint.objects.create(
        channel=channel, patient=ContactPoint.objects.first().patient, address="+8613800000001",
        closed_at=timezone.now(), closed_why="opted_out",
        data_key=ContactPoint.objects.first().data_key,
    )  # fmt: skip
    page = sign_in().get(page_of(channel))
    words = words_of(page)

    for told in ("1 × too fast 20429", "1 × opted out", "any more: 1", "segments 2 2", "50 %"):
        assert told in words, told
    for secret in ("very-secret", "13800000001", "王小明", "胸口"):
        assert secret not in page.content.decode()


def test_on_and_off_and_the_log_are_a_click_away(sign_in: Any, channel: Channel) -> None:
    client, page = sign_in(), page_of(channel)
    shown = client.get(page).content.decode()
    account = Account.objects.get()
    for name, leads_to in (
        ("channel", f"/admin/patients/channel/{channel.pk}/change/"),
        ("log", f"/admin/adapters/attempt/?channel__id__exact={channel.pk}"),
    ):
        button = f"{LIST}{account.pk}/{name}/"
        assert button in shown
        assert client.get(button)["Location"] == leads_to
        assert client.get(leads_to).status_code == 200


def test_an_account_can_not_be_found_that_is_not_there(sign_in: Any, channel: Channel) -> None:
    client = sign_in()
    assert client.get(f"{LIST}999/change/").status_code == 302
    assert client.get(f"{LIST}999/check/").status_code == 404


@pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.HEAD_NURSE])
def test_who_sets_up_no_channel_sees_none(sign_in: Any, channel: Channel, role: Role) -> None:
    client: Client = sign_in(role)
    for page in (LIST, page_of(channel), page_of(channel).replace("change", "check")):
        assert client.get(page).status_code in (302, 403)
        assert "very-secret" not in client.get(page).content.decode()


def test_a_nurse_sees_on_her_card_how_far_an_answer_came(
    client: Client, house: SimpleNamespace, channel: Channel, nurse: Any
) -> None:
    Attempt.objects.filter(result="accepted").update(status="delivered")
    for minutes in range(30):
        Attempt.objects.create(
            message=house.message, channel=channel, result="rejected", category="window_closed",
            code=f"code-{minutes}", began_at=house.now - timedelta(minutes=minutes + 1),
        )  # fmt: skip
    client.force_login(nurse)
    page = client.get(
        f"/console/conversation/{house.conversation.pk}/card/",
        headers={"accept-language": "en"},
    ).content.decode()
    section = page[page.index('id="delivery-title"') :]

    assert section.count("<time") == 20
    words = " ".join(re.sub(r"<[^>]+>", " ", section).split())
    assert "twilio accepted → delivered" in words
    assert "rejected : window closed code-0" in words or "rejected: window closed code-0" in words
    assert "code-25" not in section
    assert "胸口" not in section


def test_a_card_of_web_chat_says_that_no_vendor_was_asked(
    client: Client, house: SimpleNamespace, nurse: Any
) -> None:
    client.force_login(nurse)
    page = client.get(
        f"/console/conversation/{house.conversation.pk}/card/",
        headers={"accept-language": "en"},
    ).content.decode()

    assert "<time" not in page[page.index('id="delivery-title"') :]
