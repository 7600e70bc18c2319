"""What is fetched after a ring: every kind of message, page by page, and nothing lost."""

from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contracts import (
    Category,
    EventKind,
    InboundEvent,
    Malformed,
    Media,
    NotPulled,
    Pulling,
    Rejected,
    Retry,
    Unknown,
)
from adapters.rehearsal.stand_in import Fault
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.messages import read_message
from adapters.wecom.stand_in import WeComStandIn

pytestmark = pytest.mark.vendor


def _all(adapter: WeComAdapter, *, ring: str = "") -> list[InboundEvent]:
    assert isinstance(adapter, Pulling)
    events: list[InboundEvent] = []
    cursor, has_more = "", True
    while has_more:
        batch = adapter.pull(cursor, ring=ring)
        events += batch.events
        cursor, has_more = batch.cursor, batch.has_more
    return events


def _last(adapter: WeComAdapter) -> InboundEvent:
    return _all(adapter)[-1]


# --- pages ---------------------------------------------------------------------------------------


def test_pages_come_in_order_and_each_message_once(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.page_size = 3
    for number in range(8):
        wecom.writes("wm1", str(number))

    first = adapter.pull("", ring="")
    events = _all(adapter)

    assert (len(first.events), first.cursor, first.has_more) == (3, "3", True)
    assert [event.text for event in events] == list("01234567")
    assert len({event.dedupe_key for event in events}) == 8


def test_an_empty_page_is_not_the_last(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.empty_pages = 2
    wecom.writes("wm1", "在吗")

    batch = adapter.pull("", ring="")

    assert (list(batch.events), batch.has_more) == ([], True)
    assert [event.text for event in _all(adapter)] == ["在吗"]


def test_only_what_is_new_comes_after_a_cursor(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.writes("wm1", "一")
    cursor = adapter.pull("", ring="").cursor
    wecom.writes("wm1", "二")

    batch = adapter.pull(cursor, ring="")
    again = adapter.pull(batch.cursor, ring="")

    assert [event.text for event in batch.events] == ["二"]
    assert (list(again.events), again.cursor, again.has_more) == ([], batch.cursor, False)


def test_what_is_fetched_twice_has_the_same_key(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.writes("wm1", "在吗")
    wecom.notes(origin=3, msgtype="text", external_userid="wm1", msgid="m" * 90, text={})
    wecom.notes(origin=3, msgtype="text", external_userid="wm1", msgid="", text={"content": "无"})

    first, second = _all(adapter), _all(adapter)

    keys = [event.dedupe_key for event in first]
    assert keys == [event.dedupe_key for event in second]
    assert keys[0] == wecom.log[0]["msgid"]
    assert all(0 < len(key) <= 64 for key in keys)


def test_the_ring_and_the_account_are_named(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.writes("wm1", "在吗")
    [ring] = wecom.rings

    adapter.pull("", ring=ring)
    adapter.pull("1", ring="")

    first, second = (asked.json for asked in wecom.asked if asked.path.endswith("sync_msg"))
    ours = {"limit": 100, "voice_format": 0, "open_kfid": wecom.credentials.open_kfid}
    assert first == {**ours, "token": ring}
    assert second == {**ours, "cursor": "1"}


def test_with_a_ring_that_is_over_it_is_asked_without_one(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.writes("wm1", "在吗")
    wecom.rings.clear()

    assert [event.text for event in _all(adapter, ring="ENCold")] == ["在吗"]


def test_a_cursor_that_stands_still_ends_it(
    wecom: WeComStandIn, adapter: WeComAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.wecom import stand_in

    monkeypatch.setattr(
        wecom, "_sync", lambda asked: stand_in._done(next_cursor="9", has_more=1, msg_list=[])
    )

    assert adapter.pull("9", ring="").has_more is False


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (Fault(code="-1"), Retry(Category.PROVIDER_DOWN, "-1")),
        (Fault(code="45009"), Retry(Category.THROTTLED, "45009", after_s=60.0)),
        (Fault(code="95017"), Rejected(Category.AUTH, "95017")),
        (Fault(status=502), Unknown("502")),
        (Fault(status=200), Unknown("no errcode")),
    ],
    ids=["busy", "too fast", "switched off", "gateway", "not WeCom's"],
)
def test_why_nothing_came_is_said(
    fault: Fault, result: Any, wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.writes("wm1", "在吗")
    wecom.sync_faults.append(fault)

    with pytest.raises(NotPulled) as none:
        adapter.pull("", ring="")

    assert none.value.result == result
    assert [event.text for event in _all(adapter)] == ["在吗"]  # and nothing was lost


def test_a_broken_line_is_said(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.sync_faults.append(Fault(breaks=True))

    with pytest.raises(NotPulled) as none:
        adapter.pull("", ring="")

    assert isinstance(none.value.result, Unknown)


def test_a_vendor_that_is_away_is_said(changed: Any) -> None:
    adapter = changed(api_url="http://127.0.0.1:9")  # nobody listens

    with pytest.raises(NotPulled) as none:
        adapter.pull("", ring="")

    assert none.value.result == Retry(Category.PROVIDER_DOWN, "token")


# --- kinds ---------------------------------------------------------------------------------------

SAID = {
    "text": ({"content": "胸口有点闷"}, EventKind.TEXT, "胸口有点闷", None),
    "image": ({"media_id": "M1"}, EventKind.MEDIA, "", Media("image", "M1")),
    "voice": ({"media_id": "M2"}, EventKind.MEDIA, "", Media("voice", "M2", "amr")),
    "video": ({"media_id": "M3"}, EventKind.MEDIA, "", Media("video", "M3")),
    "file": ({"media_id": "M4"}, EventKind.MEDIA, "", Media("file", "M4")),
    "location": (
        {"latitude": 39.9, "longitude": 116.4, "name": "东门", "address": "长安街1号"},
        EventKind.PLACE, "东门 长安街1号", None,
    ),
    "link": ({"title": "看这个", "url": "https://x"}, EventKind.TEXT, "看这个 https://x", None),
    "miniprogram": ({"title": "挂号", "appid": "wx1"}, EventKind.TEXT, "挂号", None),
    "business_card": ({"userid": "u"}, EventKind.MEDIA, "", Media("file", "")),
    "merged_msg": ({"title": "聊天记录"}, EventKind.MEDIA, "", Media("file", "")),
}  # fmt: skip


@pytest.mark.parametrize("msgtype", SAID)
def test_a_kind_of_message(msgtype: str, wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    said, kind, text, media = SAID[msgtype]
    wecom.sends("wm1", msgtype, said)

    event = _last(adapter)

    assert (event.kind, event.text, event.media) == (kind, text, media)
    assert (event.address, event.trigger) == ("wm1", "message")
    assert event.occurred_at.timestamp() == wecom.log[0]["send_time"]


def test_a_place_without_a_name_is_found_on_a_map(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.sends("wm1", "location", {"latitude": 39.9087, "longitude": -116.3974, "name": ""})

    assert _last(adapter).text == "[位置] 39.9087,-116.3974"


def test_a_tap_on_a_menu_keeps_its_words(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.writes("wm1", "转人工", menu_id="d")

    event = _last(adapter)

    assert (event.kind, event.text, event.trigger) == (EventKind.TAP, "转人工", "message")


def test_a_welcome_can_be_said_once(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.enters("wm1")
    wecom.enters("wm2", is_welcomed=False)

    first, second = _all(adapter)

    assert (first.kind, first.address, first.trigger) == (EventKind.FOLLOWED, "wm1", "enter")
    assert first.reply_code in wecom.codes
    assert (second.kind, second.trigger, second.reply_code) == (EventKind.OTHER, "", "")


def test_what_a_nurse_says_in_their_app_is_mirrored(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.servicer_says("wm1", "请先空腹", servicer="wangfang")
    wecom.notes(
        origin=5, msgtype="image", external_userid="wm1", servicer_userid="liuyang",
        image={"media_id": "M"},
    )  # fmt: skip
    wecom.notes(origin=5, msgtype="msgmenu", external_userid="wm1", servicer_userid="liuyang")

    told = [(e.kind, e.address, e.text, e.author, e.trigger) for e in _all(adapter)]

    assert told == [
        (EventKind.MIRRORED, "wm1", "请先空腹", "wangfang", ""),
        (EventKind.MIRRORED, "wm1", "[图片]", "liuyang", ""),
        (EventKind.MIRRORED, "wm1", "[其他消息]", "liuyang", ""),
    ]


def test_the_end_of_a_session(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.writes("wm1", "谢谢")
    wecom.ends("wm1")
    wecom.notices("wm1", "session_status_change", change_type=3)

    _, ended, silent = _all(adapter)

    assert (ended.kind, ended.address, ended.trigger) == (EventKind.ENDED, "wm1", "ended")
    assert ended.reply_code in wecom.codes
    assert (silent.kind, silent.trigger, silent.reply_code) == (EventKind.ENDED, "", "")


def test_what_a_patient_takes_back_is_named_by_its_key(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.writes("wm1", "发错了")
    wecom.recalls("wm1", wecom.log[0]["msgid"])
    wecom.notes(origin=3, msgtype="text", external_userid="wm1", msgid="m" * 90, text={})
    wecom.recalls("wm1", "m" * 90)

    said, recalled, long, long_recalled = _all(adapter)

    assert (recalled.kind, recalled.address) == (EventKind.RECALLED, "wm1")
    assert (recalled.text, long_recalled.text) == (said.dedupe_key, long.dedupe_key)


@pytest.mark.parametrize(
    ("event_type", "fields"),
    [
        ("session_status_change", {"change_type": 1}),
        ("session_status_change", {"change_type": 2}),
        ("session_status_change", {}),
        ("servicer_recall_msg", {"recall_msgid": "m1"}),
        ("servicer_status_change", {"status": 1}),
        ("user_recall_msg", {}),
        ("reject_customer_msg_switch_change", {}),
        ("", {}),
    ],
)
def test_an_event_that_asks_for_nothing(
    event_type: str, fields: dict[str, Any], wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.notices("wm1", event_type, **fields)

    assert (_last(adapter).kind, _last(adapter).trigger) == (EventKind.OTHER, "")


def test_an_event_of_a_servicer_has_no_patient(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.notices("", "servicer_status_change", servicer_userid="wangfang", status=2)

    assert (_last(adapter).kind, _last(adapter).address) == (EventKind.OTHER, "")


def test_what_is_another_accounts_is_left_to_it(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.notes(
        origin=3, msgtype="text", external_userid="wm1", open_kfid="wk2", text={"content": "x"}
    )

    assert _last(adapter).kind is EventKind.OTHER


# --- what makes no sense -------------------------------------------------------------------------


def test_one_bad_message_does_not_lose_the_others(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.writes("wm1", "一")
    wecom.log += [None, 7, [], {}, {"origin": 3, "msgtype": "text"}, {"origin": "x", "msgid": {}}]
    wecom.writes("wm1", "二")

    events = _all(adapter)

    assert [event.text for event in events if event.kind is EventKind.TEXT] == ["一", "二"]
    assert {e.kind for e in events} == {EventKind.TEXT, EventKind.OTHER}


@pytest.mark.parametrize("send_time", [None, "soon", -5, 10**14, 1.5, True])
def test_a_date_that_makes_no_sense_costs_nobody_their_message(
    send_time: Any, wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.writes("wm1", "胸口有点闷")
    wecom.log[0]["send_time"] = send_time
    before = timezone.now()

    event = _last(adapter)

    assert event.text == "胸口有点闷"
    assert before <= event.occurred_at <= timezone.now()


def test_text_is_as_a_database_takes_it(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.writes("wm1", "在\0吗\ud800")

    assert _last(adapter).text == "在吗"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = (
    "msgid", "open_kfid", "external_userid", "send_time", "origin", "msgtype", "servicer_userid",
    "text", "image", "event", "event_type", "fail_type", "change_type", "recall_msgid", "location",
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        JSON
        | st.sampled_from([3, 4, 5, "text", "image", "event", "location"])
        | st.dictionaries(st.sampled_from([*NAMES, "content", "media_id", "name"]), JSON),
    )
)
def test_nothing_in_a_list_breaks_it(entry: dict[str, Any]) -> None:
    try:
        event = read_message(entry, mailbox="wk1", now=timezone.now())
    except Malformed:
        return
    assert 0 < len(event.dedupe_key) <= 64
