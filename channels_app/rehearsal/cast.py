"""The vendors of a rehearsed day, and the faults that each is known for."""

from adapters.aliyun.stand_in import AliyunStandIn
from adapters.rehearsal.stand_in import Fault
from adapters.tencent.stand_in import TencentStandIn
from adapters.twilio.stand_in import TwilioStandIn
from adapters.wecom.stand_in import WeComStandIn
from adapters.weixin.stand_in import WeChatStandIn
from channels_app.rehearsal.day import Line


def all_lines() -> list[Line]:
    return [
        Line("wechat", WeChatStandIn(), _openid, _faults("-1", "45011", "40001")),
        Line("miniprogram", WeChatStandIn(), _openid, _faults("-1", "45009")),
        Line("wecom", WeComStandIn(), _external_userid, _faults("45009", "40014")),
        Line("aliyun", AliyunStandIn(), _phone, _faults("Throttling"), only_notices=True),
        Line("tencent", TencentStandIn(), _phone, _faults("InternalError"), only_notices=True),
        Line("twilio", TwilioStandIn(), _abroad, _faults("20429")),
    ]


def _faults(*codes: str) -> tuple[Fault, ...]:
    """These codes, a broken line, a gateway's error, and a slow answer."""
    named = [Fault(code) for code in codes]
    return (*named, Fault(breaks=True), Fault(status=502), Fault(delay_s=1.0))


def _openid(number: int) -> str:
    return f"oDay{number:024d}"


def _external_userid(number: int) -> str:
    return f"wmDay{number:027d}"


def _phone(number: int) -> str:
    return f"+86138{number:08d}"


def _abroad(number: int) -> str:
    return f"+1415555{number:04d}"
