"""What leaves by WeCom: windows, codes, repeats, whose session it is, and lines that break."""

from typing import Any

import pytest

from adapters.contracts import Accepted, Adapter, Category, Rejected, Retry, Unknown, Window
from adapters.models import Token
from adapters.rehearsal.stand_in import Fault
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.sessions import State
from adapters.wecom.stand_in import WeComStandIn

pytestmark = pytest.mark.vendor

CLOSED = Rejected(Category.WINDOW_CLOSED, "95018")
GET, TRANS = "/cgi-bin/kf/service_state/get", "/cgi-bin/kf/service_state/trans"


@pytest.fixture(autouse=True)
def patient(wecom: WeComStandIn) -> None:
    wecom.writes("wm1", "在吗")


def _calls(wecom: WeComStandIn, end: str) -> int:
    return sum(asked.path.endswith(end) for asked in wecom.asked)


def test_a_reply_arrives(wecom: WeComStandIn, adapter: WeComAdapter, reply: Any) -> None:
    result = adapter.send(reply('您好,"一" <二> 😀'))

    assert result == Accepted("u1")
    assert wecom.sent == [("wm1", '您好,"一" <二> 😀')]
    [body] = [asked.json for asked in wecom.asked if asked.path.endswith("send_msg")]
    assert body == {
        "touser": "wm1", "open_kfid": wecom.credentials.open_kfid, "msgid": "u1",
        "msgtype": "text", "text": {"content": '您好,"一" <二> 😀'},
    }  # fmt: skip


def test_a_repeat_with_the_same_id_arrives_once(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    results = [adapter.send(reply()) for _ in range(3)]

    assert results == [Accepted("u1")] * 3
    assert len(wecom.sent) == 1


def test_the_sixth_message_is_over_the_quota(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    results = [adapter.send(reply(uid=f"u{number}")) for number in range(6)]

    assert all(isinstance(each, Accepted) for each in results[:5])
    assert results[5] == Rejected(Category.QUOTA, "95001")


def test_after_48_hours_the_window_is_closed(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.customers["wm1"].closes_at = 0

    assert adapter.send(reply()) == Rejected(Category.WINDOW_CLOSED, "95002")


def test_somebody_who_never_came_is_no_recipient(adapter: WeComAdapter, reply: Any) -> None:
    assert adapter.send(reply(address="wm9")) == Rejected(Category.INVALID_RECIPIENT, "40096")


def test_a_welcome_is_said_by_its_code_once(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.enters("wm2")
    [code] = wecom.codes

    results = [
        adapter.send(reply("欢迎", address="wm2", uid=uid, reply_code=code)) for uid in ("a", "b")
    ]

    assert results == [Accepted("a"), Rejected(Category.WINDOW_CLOSED, "95002")]
    assert wecom.sent == [("wm2", "欢迎")]
    body = next(asked.json for asked in wecom.asked if asked.path.endswith("send_msg_on_event"))
    assert body == {"code": code, "msgid": "a", "msgtype": "text", "text": {"content": "欢迎"}}


def test_whoever_wrote_meanwhile_is_answered_without_the_code(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    assert adapter.send(reply(reply_code="long over")) == Accepted("u1")
    assert wecom.sent == [("wm1", "您好")]


def test_a_welcome_that_may_have_arrived_is_not_said_another_way(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.enters("wm1")
    wecom.faults.append(Fault(breaks=True))

    assert isinstance(adapter.send(reply("欢迎", reply_code=next(iter(wecom.codes)))), Unknown)
    assert wecom.sent == [("wm1", "欢迎")]
    assert _calls(wecom, "send_msg") == 0


def test_the_end_of_a_session_has_one_last_word(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.ends("wm1")
    code = adapter.pull("", ring="").events[-1].reply_code

    assert adapter.send(reply("再见", reply_code=code)) == Accepted("u1")
    assert adapter.send(reply("还有", uid="u2")) == CLOSED


# --- lines and tokens ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [Fault(breaks=True), Fault(status=502), Fault(status=200)], ids=str
)
def test_what_may_have_arrived_is_unknown_and_not_sent_again(
    fault: Fault, wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.faults.append(fault)

    result = adapter.send(reply())

    assert isinstance(result, Unknown)
    assert _calls(wecom, "send_msg") == 1
    assert wecom.sent == [("wm1", "您好")]


def test_a_vendor_that_is_away_got_nothing(changed: Any, reply: Any) -> None:
    adapter = changed(api_url="http://127.0.0.1:9")  # nobody listens

    assert adapter.send(reply()) == Retry(Category.PROVIDER_DOWN, "token")


def test_a_token_is_fetched_once_for_all(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    for uid in ("a", "b", "c"):
        adapter.send(reply(uid=uid))

    assert _calls(wecom, "gettoken") == 1


def test_a_token_that_was_ended_is_renewed_once(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    adapter.send(reply())
    wecom.forget_tokens()

    result = adapter.send(reply(uid="u2"))

    assert result == Accepted("u2")
    assert _calls(wecom, "gettoken") == 2
    assert Token.objects.get().value == wecom.tokens[-1]


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_that_stays_refused_is_tried_twice_only(
    code: int, wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.faults.extend([Fault(code=str(code))] * 9)

    assert adapter.send(reply()) == Retry(Category.AUTH, str(code))
    assert _calls(wecom, "send_msg") == 2


def test_a_secret_that_is_wrong_is_tried_again_later(changed: Any, reply: Any) -> None:
    adapter = changed(secrets={"secret": "wrong"})

    assert adapter.send(reply()) == Retry(Category.AUTH, "token 40001")


# --- whose session it is -------------------------------------------------------------------------


def test_a_new_session_that_is_refused_is_taken_and_tried_once_more(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.faults.append(Fault(code="95018"))

    assert adapter.send(reply()) == Accepted("u1")
    assert wecom.customers["wm1"].state == State.OURS
    assert wecom.sent == [("wm1", "您好")]


def test_it_is_tried_once_more_and_not_for_ever(
    wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.faults.extend([Fault(code="95018")] * 9)

    assert adapter.send(reply()) == CLOSED
    assert _calls(wecom, "send_msg") == 2


@pytest.mark.parametrize("state", [State.WAITING, State.WITH_SERVICER, State.OVER])
def test_a_session_that_others_have_or_that_is_over_is_left(
    state: State, wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.customers["wm1"].state = state

    assert adapter.send(reply()) == CLOSED
    assert wecom.customers["wm1"].state == state
    assert _calls(wecom, "trans") == 0


def test_where_nurses_answer_in_wecom_a_refusal_is_the_answer(
    wecom: WeComStandIn, changed: Any, reply: Any
) -> None:
    wecom.faults.append(Fault(code="95018"))

    assert changed(handoff="wecom").send(reply()) == CLOSED
    assert _calls(wecom, "service_state/get") == 0


@pytest.mark.parametrize("path", [GET, TRANS])
def test_a_state_that_can_not_be_had_means_that_nothing_went(
    path: str, wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.faults.append(Fault(code="95018"))
    wecom.refuses[path] = -1

    assert adapter.send(reply()) == Retry(Category.PROVIDER_DOWN, "-1")
    assert wecom.sent == []


ALLOWED = {
    (0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (1, 2), (1, 3), (1, 4),
    (2, 2), (2, 3), (2, 4), (3, 3), (3, 4),
}  # fmt: skip


@pytest.mark.parametrize("there", range(5))
@pytest.mark.parametrize("here", range(5))
def test_a_session_goes_only_where_it_may(
    here: int, there: int, wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.customers["wm1"].state = here
    wecom.on_duty = {"wangfang"}

    result = adapter.move("wm1", there, "wangfang" if there == 3 else "")

    if (here, there) in ALLOWED:
        assert result == Accepted()
        assert adapter.state_of("wm1") == there
    else:
        assert result == Rejected(Category.WINDOW_CLOSED, f"state {here}")
        assert (adapter.state_of("wm1"), _calls(wecom, "trans")) == (here, 0)


def test_a_session_is_passed_on_to_whoever_is_free(wecom: WeComStandIn, changed: Any) -> None:
    adapter = changed(handoff="wecom")

    results = [adapter.pass_on("wm1") for _ in range(2)]

    assert results == [Accepted()] * 2
    assert wecom.customers["wm1"].state == State.WAITING
    assert _calls(wecom, "trans") == 1


def test_a_servicer_on_duty_is_asked_before_all(wecom: WeComStandIn, changed: Any) -> None:
    adapter = changed(handoff="wecom", servicers="liuyang, wangfang，")
    wecom.on_duty = {"wangfang"}

    assert adapter.pass_on("wm1") == Accepted()
    assert (adapter.state_of("wm1"), wecom.customers["wm1"].servicer) == (3, "wangfang")
    assert adapter.pass_on("wm1") == Accepted()


def test_with_nobody_on_duty_the_session_waits(wecom: WeComStandIn, changed: Any) -> None:
    adapter = changed(handoff="wecom", servicers="liuyang,wangfang")

    assert adapter.pass_on("wm1") == Accepted()
    assert adapter.state_of("wm1") == State.WAITING


def test_a_session_that_is_over_is_passed_to_nobody(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.ends("wm1")

    assert adapter.pass_on("wm1") == Rejected(Category.WINDOW_CLOSED, "state 4")


@pytest.mark.parametrize("act", ["move", "pass_on"])
@pytest.mark.parametrize("path", [GET, TRANS])
def test_a_session_that_can_not_be_moved_now_says_why(
    act: str, path: str, wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.refuses[path] = 45009
    result = adapter.move("wm1", 2) if act == "move" else adapter.pass_on("wm1")

    assert result == Retry(Category.THROTTLED, "45009", after_s=60.0)


# --- what it promises ----------------------------------------------------------------------------


def test_windows_are_wecoms_or_as_the_account_says(adapter: WeComAdapter, changed: Any) -> None:
    asked: Adapter = adapter

    assert asked.capabilities.windows == {
        "message": Window(172_800, 5), "enter": Window(20, 1), "ended": Window(20, 1),
    }  # fmt: skip
    assert (asked.capabilities.max_length, asked.capabilities.length_unit) == (2_048, "bytes")
    assert asked.capabilities.takes_idempotency_id
    other = changed(windows={"message": [3_600, None]}).capabilities.windows
    assert (other["message"], other["enter"]) == (Window(3_600, None), Window(20, 1))
