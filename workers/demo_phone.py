"""The phone of the demo's patients: what leaves the house by SMS is read on a page of this machine.

Behind it stands Alibaba Cloud's stand-in, on loopback alone. An account of its own in the demo
hospital leads there; whoever deletes or switches off that channel has no such phone.
"""

import threading
from collections import deque
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
from django.template import Context, Template
from django.utils import timezone

from adapters.aliyun.stand_in import AliyunStandIn
from adapters.models import Account
from adapters.rehearsal.stand_in import Asked, Said
from patients.models import Channel
from records.demo import PEOPLE
from vault.datakeys import create_data_key

SLUG = "demo-sms"
SHOWN = 50
DELIVERED_AFTER_S = 1.0
PAGE = Path(__file__).with_name("demo_phone.html")


class DemoPhone(AliyunStandIn):
    """The vendor, and at `/` the phone. Use it as a context."""

    def __init__(self, house: str) -> None:
        """`house`: where patients and callbacks reach us, as http://127.0.0.1:8000."""
        super().__init__()
        self._house = house
        self._arrived: deque[tuple[datetime, str, str]] = deque(maxlen=SHOWN)
        for template in (self.credentials.template, self.credentials.template_en):
            words = self.templates[template]
            self.templates[template] = words.replace("https://wenan.example", house)

    def answer(self, asked: Asked) -> Said:
        if asked.method == "GET":
            headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
            return Said(self._page().encode(), headers=headers)
        self.asked.clear()  # it rings as long as the house is open
        said = super().answer(asked)
        for number, words in self.sent:
            self._arrived.appendleft((timezone.now(), number, words))
            threading.Timer(DELIVERED_AFTER_S, self._report, [said.body["BizId"]]).start()
        self.sent.clear()
        return said

    def connect(self) -> None:
        """Lead the demo's SMS account here: the address and the secrets are new at each start."""
        channel = Channel.objects.get(slug=SLUG)
        account = Account.objects.filter(channel=channel).first()
        account = account or Account(channel=channel, data_key=create_data_key())
        account.settings = {
            **self.settings(),
            "code_template": self.credentials.code_template,
        }
        account.secrets = self.secrets()
        account.save()

    def _report(self, vendor_id: str) -> None:
        receipt = self.reports(vendor_id)
        with suppress(httpx.HTTPError):  # the house is closing; a vendor would try again
            httpx.post(
                f"{self._house}/channels/{SLUG}/callback",
                params=receipt.query,
                content=receipt.body,
                headers={"Content-Type": receipt.content_type},
                timeout=10,
            )

    def _page(self) -> str:
        people = [(name, phone) for name, phone, *_rest in PEOPLE.values()]
        shown = {"arrived": list(self._arrived), "people": people}
        return Template(PAGE.read_text("utf-8")).render(Context(shown))


def is_wanted() -> bool:
    return Channel.objects.filter(slug=SLUG, kind="aliyun", is_active=True).exists()


def install() -> None:
    """The channel, for an empty house that becomes the demo."""
    Channel.objects.get_or_create(slug=SLUG, defaults={"kind": "aliyun", "name": "演示短信"})
