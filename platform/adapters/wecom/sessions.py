"""Whose a patient's session is, and where it may go from there.

Source: "分配客服会话" of 微信客服. A session lasts 48 hours, or until it is ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from adapters.contracts import Accepted, Category, Rejected, SendResult, Unknown
from adapters.vendor import NoAnswer
from adapters.wecom.api import Api


class State(IntEnum):
    NEW = 0
    OURS = 1  # 智能助手: whoever speaks by API
    WAITING = 2  # for somebody in the WeCom app
    WITH_SERVICER = 3
    OVER = 4  # until the patient writes again


LEADS_TO: dict[int, frozenset[int]] = {
    State.NEW: frozenset({1, 2, 3, 4}),
    State.OURS: frozenset({1, 2, 3, 4}),
    State.WAITING: frozenset({2, 3, 4}),
    State.WITH_SERVICER: frozenset({3, 4}),
}


@dataclass(frozen=True)
class Sessions:
    api: Api
    open_kfid: str
    servicers: Sequence[str] = ()  # userids in WeCom

    def state_of(self, address: str) -> int:
        """A `State`. Raises NoAnswer."""
        asked = {"open_kfid": self.open_kfid, "external_userid": address}
        state = self.api.call("/cgi-bin/kf/service_state/get", asked).get("service_state")
        if not isinstance(state, int):
            raise NoAnswer(Unknown("no state"))
        return state

    def move(self, address: str, state: int, *, servicer: str = "") -> SendResult:
        """Lead a session to another state; WINDOW_CLOSED where no way leads there."""
        try:
            current = self.state_of(address)
            if state not in LEADS_TO.get(current, ()):
                return Rejected(Category.WINDOW_CLOSED, f"state {current}")
            self.put(address, state, servicer=servicer)
        except NoAnswer as none:
            return none.result
        return Accepted()

    def pass_on(self, address: str) -> SendResult:
        """Leave it to a servicer who is named and takes it, else to whoever is free. Twice is once.

        A servicer who is off duty is refused by WeCom.
        """
        try:
            state = self.state_of(address)
        except NoAnswer as none:
            return none.result
        if state in (State.WAITING, State.WITH_SERVICER):
            return Accepted()
        for servicer in self.servicers:
            if isinstance(self.move(address, State.WITH_SERVICER, servicer=servicer), Accepted):
                return Accepted()
        return self.move(address, State.WAITING)

    def put(self, address: str, state: int, *, servicer: str = "") -> None:
        """Raises NoAnswer; WeCom itself refuses where no way leads."""
        body: dict[str, Any] = {
            "open_kfid": self.open_kfid, "external_userid": address, "service_state": int(state),
        }  # fmt: skip
        if servicer:
            body["servicer_userid"] = servicer
        self.api.call("/cgi-bin/kf/service_state/trans", body)
