"""WeCom's API behind the secret of 微信客服: a token for each call, an errcode in each answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils import timezone

from adapters.contracts import Category, Retry, Unknown
from adapters.models import Account
from adapters.tokens import Fetched, access_token, renew_token
from adapters.vendor import NoAnswer, Vendor
from adapters.wecom.errors import TOKEN, meaning_of

TOKEN_LASTS_S = 7_200  # where WeCom does not say
Heard = TypeVar("Heard")


@dataclass(frozen=True)
class Api:
    account: Account
    corp_id: str
    secret: str
    vendor: Vendor

    def call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a call that was carried out. Raises NoAnswer for every other."""

        def ask(token: str) -> dict[str, Any]:
            return self.vendor.post(path, body=body, params={"access_token": token})

        said = self._with_token(ask)
        _raise_for(said)
        return said

    def download(self, media_id: str, *, max_bytes: int) -> bytes:
        """Raises NoAnswer, TooBig."""

        def ask(token: str) -> bytes | dict[str, Any]:
            params = {"access_token": token, "media_id": media_id}
            return self.vendor.download("/cgi-bin/media/get", params=params, max_bytes=max_bytes)

        found = self._with_token(ask)
        if isinstance(found, bytes):
            return found
        _raise_for(found)
        raise NoAnswer(Unknown("no file"))

    def fetch_token(self, _anew: bool) -> Fetched:
        """Raises NoAnswer: without a token nothing was said to the patient yet.

        WeCom can't be made to give a new one: it does so by itself when the old one is no good.
        """
        asked = {"corpid": self.corp_id, "corpsecret": self.secret}
        try:
            said = self.vendor.ask("GET", "/cgi-bin/gettoken", params=asked)
        except NoAnswer:
            raise NoAnswer(Retry(Category.PROVIDER_DOWN, "token")) from None
        token, lasts_s = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not token:
            raise NoAnswer(Retry(Category.AUTH, f"token {said.get('errcode', '')}"))
        return Fetched(token, lasts_s if isinstance(lasts_s, int) else TOKEN_LASTS_S)

    def _with_token(self, ask: Callable[[str], Heard]) -> Heard:
        """Ask with our token; one that is refused is renewed, and the call made once more."""
        token = access_token(self.account, fetch=self.fetch_token, now=timezone.now())
        heard = ask(token)
        if not isinstance(heard, dict) or heard.get("errcode") not in TOKEN:
            return heard
        return ask(renew_token(self.account, token, fetch=self.fetch_token, now=timezone.now()))


def listed(said: Mapping[str, Any], name: str) -> list[object]:
    """A list in an answer; none where it is anything else."""
    found = said.get(name)
    return found if isinstance(found, list) else []


def _raise_for(said: Mapping[str, Any]) -> None:
    code = said.get("errcode")
    if not isinstance(code, int):
        raise NoAnswer(Unknown("no errcode"))  # not WeCom's answer: a proxy's, perhaps
    if code:
        raise NoAnswer(meaning_of(code))
