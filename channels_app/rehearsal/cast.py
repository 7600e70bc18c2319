"""The vendors of a rehearsed day, and the faults that each is known for."""

from adapters.aliyun.stand_in import AliyunStandIn
from adapters.rehearsal.stand_in import Fault
from adapters.tencent.stand_in import TencentStandIn
from adapters.twilio.stand_in import TwilioStandIn
from adapters.wecom.stand_in import WeComStandIn
from adapters.weixin.stand_in import WeChatStandIn
from channels_app.rehearsal.day import Line

BROKEN = (Fault(breaks=True), Fault(status=502), Fault(delay_s=1.0))


def all_lines() -> list[Line]:
    return [
        Line("wechat", WeChatStandIn(), _openid, (*_codes("-1", "45011", "40001"), *BROKEN)),
        Line("miniprogram", WeChatStandIn(), _openid, (*_codes("-1", "45009"), *BROKEN)),
        Line("wecom", WeComStandIn(), _external_userid, (*_codes("45009", "40014"), *BROKEN)),
        Line(
            "aliyun",
            AliyunStandIn(),
            _phone,
            (*_codes("isv.BUSINESS_LIMIT_CONTROL"), *BROKEN),
            only_notices=True,
        ),
        Line(
            "tencent",
            TencentStandIn(),
            _phone,
            (*_codes("LimitExceeded.DeliveryFrequencyLimit"), *BROKEN),
            only_notices=True,
        ),
        Line("twilio", TwilioStandIn(), _abroad, (*_codes("20429"), *BROKEN)),
    ]


def _codes(*codes: str) -> tuple[Fault, ...]:
    return tuple(Fault(code) for code in codes)


def _openid(number: int) -> str:
    return f"oDay{number:024d}"


def _external_userid(number: int) -> str:
    return f"wmDay{number:027d}"


def _phone(number: int) -> str:
    return f"+86138{number:08d}"


def _abroad(number: int) -> str:
    return f"+1415555{number:04d}"
