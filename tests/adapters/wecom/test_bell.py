"""WeCom's bell: what is verified, what it says, what is refused; and what another library reads."""

import base64
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wechatpy.enterprise.crypto import WeChatCrypto

from adapters.contracts import Callback, EventKind, Malformed, Refused
from adapters.rehearsal.stand_in import Outgoing
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.stand_in import WeComStandIn, new_aes_key

pytestmark = pytest.mark.vendor

SIGNED = ("msg_signature", "timestamp", "nonce")


def _letter(sealed: str) -> bytes:
    return f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()


def _sealed_in(outgoing: Outgoing) -> str:
    return outgoing.body.decode().split("<Encrypt>")[1].split("</Encrypt>")[0]


def test_a_ring_names_the_account_and_brings_its_token(
    wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    outgoing = wecom.writes("wm1", "胸口有点闷")
    callback = came(outgoing)

    adapter.verify(callback)
    [event] = adapter.parse(callback)

    assert event.kind is EventKind.RANG
    assert event.address == wecom.credentials.open_kfid
    assert {event.text} == wecom.rings
    assert len(event.dedupe_key) == 40
    assert abs(event.occurred_at.timestamp() - time.time()) < 60
    assert adapter.acknowledge(callback).body == "success"
    assert "胸口" not in outgoing.body.decode()


def test_a_second_delivery_has_the_same_key_and_a_second_ring_another(
    wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    first, second = came(wecom.rang()), came(wecom.rang())

    keys = [adapter.parse(each)[0].dedupe_key for each in (first, first, second)]

    assert keys[0] == keys[1] != keys[2]


def test_another_event_is_acknowledged_and_no_ring(
    wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    callback = came(wecom.rang(event="kf_account_auth_change"))

    adapter.verify(callback)

    assert [(e.kind, e.text) for e in adapter.parse(callback)] == [(EventKind.OTHER, "")]


def test_the_address_check_is_answered_in_plain(
    wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    callback = came(wecom.challenges("5927461038"))

    adapter.verify(callback)

    assert adapter.parse(callback) == []
    assert adapter.acknowledge(callback).body == "5927461038"


@pytest.mark.parametrize("what", [*SIGNED, "echostr"])
@pytest.mark.parametrize("value", ["", "1", "²" * 10, "0" * 40, "数"])
def test_a_forged_address_check_is_refused(
    what: str, value: str, wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    outgoing = wecom.challenges("1")

    with pytest.raises(Refused):
        adapter.verify(came(Outgoing({**outgoing.query, what: value})))


@pytest.mark.parametrize("what", SIGNED)
@pytest.mark.parametrize("value", ["", "1", "²" * 10, "0" * 40, "数"])
def test_a_forged_ring_is_refused(
    what: str, value: str, wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    outgoing = wecom.rang()

    with pytest.raises(Refused):
        adapter.verify(came(Outgoing({**outgoing.query, what: value}, outgoing.body)))


@pytest.mark.parametrize("away_s", [-3_600, 3_600])
def test_a_recording_is_refused(
    away_s: int, wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    with pytest.raises(Refused):
        adapter.verify(came(wecom.rang(at=int(time.time()) + away_s)))


def test_what_was_sealed_for_another_receiver_is_refused(
    wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    with pytest.raises(Refused):
        adapter.verify(came(wecom.calls("<xml></xml>", receiver="ww-another")))


def test_what_was_sealed_under_another_key_is_refused(
    wecom: WeComStandIn, changed: Any, came: Any
) -> None:
    outgoing = wecom.rang()
    adapter = changed(secrets={"aes_key": new_aes_key()})

    with pytest.raises(Refused):
        adapter.verify(came(outgoing))


@pytest.mark.parametrize("cut", [1, 4, 16, 24, 64])
def test_a_truncated_ciphertext_is_refused_though_it_is_signed(
    cut: int, wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    from adapters.wxcrypto import sign

    outgoing = wecom.rang()
    sealed = _sealed_in(outgoing)[:-cut]
    query = outgoing.query
    signature = sign(wecom.credentials.token, query["timestamp"], query["nonce"], sealed)

    with pytest.raises(Refused):
        adapter.verify(came(Outgoing({**query, "msg_signature": signature}, _letter(sealed))))


@pytest.mark.parametrize(
    "body", [b"<xml></xml>", b"<xml><Encr", b"\xff\xfe", b"{}", b'<!DOCTYPE x []><xml a="1"/>']
)
def test_a_body_without_a_ciphertext_is_refused(
    body: bytes, wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    with pytest.raises(Refused):
        adapter.verify(came(Outgoing(wecom.rang().query, body)))


def test_the_key_before_this_one_still_opens(wecom: WeComStandIn, changed: Any, came: Any) -> None:
    old = wecom.credentials.aes_key
    adapter = changed(secrets={"aes_key": new_aes_key(), "previous_aes_key": old})
    callback = came(wecom.rang())

    adapter.verify(callback)

    assert adapter.parse(callback)[0].kind is EventKind.RANG


@pytest.mark.parametrize("missing", ["token", "aes_key", "corp_id"])
def test_an_account_that_is_not_set_up_believes_nobody(
    missing: str, wecom: WeComStandIn, changed: Any, came: Any
) -> None:
    is_secret = missing != "corp_id"
    adapter = changed(secrets={missing: ""}) if is_secret else changed(corp_id="")

    for outgoing in (wecom.rang(), wecom.challenges("1")):
        with pytest.raises(Refused):
            adapter.verify(came(outgoing))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not XML",
        "<xml><Event>kf_msg_or_event</Event><CreateTime>1</CreateTime></xml>",
        "<xml><Event>kf_msg_or_event</Event><OpenKfId>wk1</OpenKfId></xml>",
        "<xml><OpenKfId>wk1</OpenKfId><CreateTime>99999999999999</CreateTime></xml>",
        "<xml><OpenKfId>wk1</OpenKfId><CreateTime>²</CreateTime></xml>",
        "<xml>" + "<a>" * 500 + "</a>" * 500 + "</xml>",
        '<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>',
    ],
    ids=["empty", "text", "nobody", "never", "far ahead", "no digit", "deep", "entity"],
)
def test_a_signed_body_that_makes_no_sense_is_malformed(
    text: str, wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    callback = came(wecom.calls(text))

    adapter.verify(callback)

    with pytest.raises(Malformed):
        adapter.parse(callback)


# --- whatever comes ------------------------------------------------------------------------------

FUZZ = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _take_in(adapter: WeComAdapter, callback: Callback) -> None:
    try:
        adapter.verify(callback)
        adapter.parse(callback)
        adapter.acknowledge(callback)
    except (Refused, Malformed):
        pass


@FUZZ
@given(
    method=st.sampled_from(["GET", "POST"]),
    query=st.dictionaries(
        st.sampled_from([*SIGNED, "echostr"]), st.text(max_size=50) | st.integers().map(str)
    ),
    body=st.binary(max_size=200),
)
def test_nothing_unsigned_breaks_the_door(
    method: str, query: dict[str, str], body: bytes, adapter: WeComAdapter
) -> None:
    _take_in(adapter, Callback(method, query, body, {}, ""))


@FUZZ
@given(
    fields=st.dictionaries(
        st.sampled_from(["Event", "CreateTime", "OpenKfId", "Token"]),
        st.just("kf_msg_or_event")
        | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<&")),
    )
)
def test_nothing_signed_breaks_the_door(
    fields: dict[str, str], wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())

    _take_in(adapter, came(wecom.calls(f"<xml>{inner}</xml>")))


@FUZZ
@given(at=st.floats(0, 1), byte=st.integers(0, 255), cut=st.integers(0, 40))
def test_no_mutilated_ring_gets_in(
    at: float, byte: int, cut: int, wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    outgoing = wecom.rang()
    body = bytearray(outgoing.body)
    body[int(at * (len(body) - 1))] = byte
    changed = bytes(body[: len(body) - cut])

    try:
        adapter.verify(came(Outgoing(outgoing.query, changed)))
    except Refused:
        return
    assert _sealed_in(outgoing).encode() in changed  # the change was outside what is signed


# --- another implementation ----------------------------------------------------------------------


def test_what_wechatpy_seals_rings_here(
    wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    ours = wecom.credentials
    stamp = str(int(time.time()))
    text = (
        f"<xml><Event>kf_msg_or_event</Event><CreateTime>{stamp}</CreateTime>"
        f"<OpenKfId>wk1</OpenKfId><Token>铃</Token></xml>"
    )
    sealed = WeChatCrypto(ours.token, ours.aes_key, ours.corp_id).encrypt_message(
        text, "nonce", stamp
    )
    signature = sealed.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    query = {"msg_signature": signature, "timestamp": stamp, "nonce": "nonce"}
    callback = came(Outgoing(query, sealed.encode()))

    adapter.verify(callback)

    assert [(e.address, e.text) for e in adapter.parse(callback)] == [("wk1", "铃")]


def test_what_is_sealed_here_wechatpy_opens(wecom: WeComStandIn) -> None:
    ours = wecom.credentials
    crypto = WeChatCrypto(ours.token, ours.aes_key, ours.corp_id)
    ring, challenge = wecom.calls("<xml>您好</xml>"), wecom.challenges("5927")

    opened = crypto.decrypt_message(ring.body, *(ring.query[name] for name in SIGNED))
    echoed = crypto.check_signature(*(challenge.query[name] for name in (*SIGNED, "echostr")))

    assert (opened, echoed) == ("<xml>您好</xml>", "5927")


def test_base64_with_line_breaks_is_not_what_wecom_sends(
    wecom: WeComStandIn, adapter: WeComAdapter, came: Any
) -> None:
    outgoing = wecom.rang()
    broken = base64.encodebytes(base64.b64decode(_sealed_in(outgoing))).decode()

    with pytest.raises(Refused):
        adapter.verify(came(Outgoing(outgoing.query, _letter(broken))))
