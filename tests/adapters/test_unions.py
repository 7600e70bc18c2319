"""One person on the Official Account and in the mini-program is one patient."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.links import find_link
from adapters.unions import name_unnamed
from adapters.weixin.stand_in import WeChatStandIn
from harness.accounts import open_account
from patients.models import Channel, ContactPoint, Patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_app(wechat: WeChatStandIn, hospital: Any) -> Channel:
    return open_account("miniprogram", settings=wechat.settings(), secrets=wechat.secrets())


def log_in(client: Client, channel: Channel, code: Any) -> Any:
    return client.post(
        f"/channels/{channel.slug}/login", {"code": code}, content_type="application/json"
    )


def test_a_code_of_the_mini_program_opens_the_conversation(
    client: Client, wechat: WeChatStandIn, in_app: Channel
) -> None:
    wechat.codes["c-1"] = "oApp"
    answer = log_in(client, in_app, "c-1")

    assert answer.status_code == 200
    link = find_link(answer.json()["path"].removeprefix("/s/"), now=timezone.now())
    assert link is not None and link.contact_point.address == "oApp"
    assert client.get(answer.json()["path"]).status_code == 200
    assert log_in(client, in_app, "c-1").status_code == 403  # good for one time


@pytest.mark.parametrize("code", ["", None, 5, "x" * 129, "码", ["c"]])
def test_what_is_no_code_is_refused(client: Client, in_app: Channel, code: Any) -> None:
    assert log_in(client, in_app, code).status_code == 400


def test_only_a_mini_program_lets_in(
    client: Client, wechat_channel: Channel, in_app: Channel
) -> None:
    assert log_in(client, wechat_channel, "c-1").status_code == 404
    url = f"/channels/{in_app.slug}/login"
    assert client.get(url).status_code == 405
    for body in ("", "[", "[]", "[" * 5_000, "x" * 2_000):
        assert client.post(url, body, content_type="application/json").status_code == 400


def test_a_unionid_joins_two_records(
    client: Client, wechat: WeChatStandIn, wechat_channel: Channel, in_app: Channel, call_back: Any
) -> None:
    wechat.unions |= {"oFan": "u-1", "oApp": "u-1", "oOther": "u-2"}
    for openid in ("oFan", "oOther", "oLone"):
        call_back(wechat.writes(openid, "你好"))
    assert name_unnamed(now=timezone.now()) == 3
    assert name_unnamed(now=timezone.now()) == 0  # once for each
    wechat.codes["c-1"] = "oApp"
    log_in(client, in_app, "c-1")

    points = {point.address: point.patient_id for point in ContactPoint.objects.all()}
    assert points["oApp"] == points["oFan"] != points["oOther"]
    assert Patient.objects.filter(merged_into=None).count() == 3
    assert not ContactPoint.objects.filter(union_index__contains="u-1").exists()


def test_while_wechat_is_busy_nobody_is_named(
    wechat: WeChatStandIn, wechat_channel: Channel, call_back: Any
) -> None:
    call_back(wechat.writes("oFan", "你好"))
    wechat.busy_with.add("/cgi-bin/user/info")

    assert name_unnamed(now=timezone.now()) == 0
    assert ContactPoint.objects.get().union_index == ""
