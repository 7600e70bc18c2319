"""What is not WeChat, or not to be read: refused, and nothing changes."""

import time
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.models import Account, Heard
from adapters.weixin.stand_in import Outgoing
from conversations.models import Message
from patients.models import Channel, Patient

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<xml><FromUserName>&b;</FromUserName></xml>"""
BODIES = {
    "bomb": BOMB,
    "outside entity": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml>&a;</xml>',
    "deep": "<xml>" + "<a>" * 500 + "</a>" * 500 + "</xml>",
    "cut": "<xml><FromUserName>o1</From",
    "empty": "",
    "no sender": "<xml><MsgType>text</MsgType><CreateTime>1</CreateTime></xml>",
    "no time": "<xml><MsgType>text</MsgType><FromUserName>o1</FromUserName></xml>",
    "time of another world": "<xml><MsgType>text</MsgType><FromUserName>o1</FromUserName>"
    "<CreateTime>99999999999999</CreateTime></xml>",
    "a list": "[1, 2]",
    "json in depth": '{"a":' * 5_000,
    "latin": "<xml><Content>\xff</Content></xml>",
}


def _nothing_happened() -> bool:
    return not (Message.objects.exists() or Patient.objects.exists() or Heard.objects.exists())


@pytest.fixture
def open_mode(wechat_channel: Channel) -> None:
    account = Account.objects.get()
    account.settings["mode"] = "plain"
    account.save()


def test_the_address_check_is_echoed(client: Client, wechat: Any, wechat_channel: Channel) -> None:
    query = wechat.calls("o1", {}, sealed=False).query | {"echostr": "5927"}

    answer = client.get("/channels/wechat/callback", query)

    assert (answer.status_code, answer.content) == (200, b"5927")
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("what", ["signature", "timestamp", "nonce"])
def test_a_plain_call_with_a_wrong_or_missing_part_is_refused(
    what: str, wechat: Any, call_back: Any, open_mode: None
) -> None:
    outgoing = wechat.writes("o1", "你好", sealed=False)
    for value in ("", "1", "0" * 40):
        changed = Outgoing(outgoing.query | {what: value}, outgoing.body)
        assert call_back(changed).status_code == 403
    assert _nothing_happened()


def test_plain_calls_pass_only_where_the_account_allows_them(
    wechat: Any, call_back: Any, wechat_channel: Channel, hospital: Any
) -> None:
    outgoing = wechat.writes("o1", "你好", sealed=False)
    assert call_back(outgoing).status_code == 403
    assert _nothing_happened()

    account = Account.objects.get()
    account.settings["mode"] = "plain"
    account.save()
    assert call_back(outgoing).status_code == 200
    assert Message.objects.get().text == "你好"


def test_an_old_recording_is_refused(wechat: Any, call_back: Any) -> None:
    long_ago = int(time.time()) - 3_600
    fields = {"MsgType": "text", "Content": "x", "MsgId": "1"}

    assert call_back(wechat.calls("o1", fields, at=long_ago)).status_code == 403
    assert _nothing_happened()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_signed_body_that_makes_no_sense_is_a_400(
    body: str, wechat: Any, call_back: Any, open_mode: None
) -> None:
    query = wechat.calls("o1", {}, sealed=False).query

    answer = call_back(
        Outgoing(query, body.encode("latin-1" if body == BODIES["latin"] else "utf-8"))
    )

    assert answer.status_code == 400
    assert _nothing_happened()


def test_a_huge_body_is_a_413(wechat: Any, call_back: Any, open_mode: None) -> None:
    query = wechat.calls("o1", {}, sealed=False).query

    assert call_back(Outgoing(query, b"<xml>" + b"x" * 400_000)).status_code == 413
    assert _nothing_happened()


@pytest.mark.parametrize("slug", ["web", "nobody"])
def test_a_channel_that_is_never_called_is_a_404(slug: str, client: Client, web: Channel) -> None:
    assert client.post(f"/channels/{slug}/callback").status_code in (403, 404)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(at=st.floats(0, 1), byte=st.integers(0, 255), cut=st.integers(0, 40))
def test_no_mutilated_call_gets_in(
    at: float, byte: int, cut: int, wechat: Any, call_back: Any
) -> None:
    outgoing = wechat.writes("o1", "胸口有点闷")
    body = bytearray(outgoing.body)
    place = int(at * (len(body) - 1))
    changed = bytes(body[:place]) + bytes([byte]) + bytes(body[place + 1 :])
    changed = changed[: len(changed) - cut]

    answer = call_back(Outgoing(outgoing.query, changed))

    if answer.status_code == 200:  # the change was outside what is signed, or changed nothing
        Message.objects.all().delete()
        assert b"<Encrypt>" in changed
    else:
        assert answer.status_code in (400, 403)
        assert not Message.objects.exists()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(
            ["MsgType", "Event", "Content", "MsgId", "CreateTime", "MediaId", "Status"]
        ),
        st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=60),
    )
)
def test_nothing_that_is_signed_breaks_the_door(
    fields: dict[str, str], wechat: Any, call_back: Any, hospital: Any
) -> None:
    assert call_back(wechat.calls("o1", fields)).status_code in (200, 400)
