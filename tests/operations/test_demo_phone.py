"""The demo's phone shows what went out by SMS, and the house hears that it arrived."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from adapters.codes import send_code
from adapters.delivery import deliver
from adapters.models import Account, Attempt
from adapters.registry import adapter_of
from adapters.rehearsal.stand_in import Asked, Listening, Said
from conversations.models import Message
from patients.models import Channel
from patients.services import create_patient, meet
from records.identity import start_check
from records.models import IdentityCheck
from workers import demo_phone, serve

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PATIENCE_S = 60


class House(Listening):
    """Hears callbacks, and hands them to a test."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: queue.Queue[Asked] = queue.Queue()

    def answer(self, asked: Asked) -> Said:
        self.heard.put(asked)
        return Said()


@pytest.fixture
def house() -> Iterator[House]:
    with House() as listening:
        yield listening


async def _here(act: Callable[..., Any], *args: Any) -> Any:
    return await sync_to_async(act)(*args)


def test_a_code_is_read_on_the_page_and_reported_as_delivered(
    house: House, web: Channel, hospital: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_phone, "DELIVERED_AFTER_S", 0)
    monkeypatch.setattr("channels_app.vendor_views.database.write", _here)
    create_patient(name="王小明", phone="13800000001")
    now, visitor = timezone.now(), meet(web, address="v")
    start_check(1, asked_by=visitor, name="王小明", phone="13800000001", now=now)
    demo_phone.install()

    with serve.phone_of_the_demo(house.url) as address:
        assert "还没有短信" in httpx.get(address).text
        assert all(step.works for step in adapter_of(Channel.objects.get(slug="demo-sms")).check())
        send_code(IdentityCheck.objects.get().pk, now=now)
        sent = Message.objects.get()
        deliver(sent.conversation_id, clock=timezone.now)
        page = httpx.get(address).text
        receipt = house.heard.get(timeout=PATIENCE_S)

    assert (sent.details or {})["code"]["digits"] in page
    assert "13800000001" in page
    answer = Client().post(
        receipt.path, receipt.body, content_type="application/json", query_params=receipt.query
    )
    assert answer.status_code == 200
    assert Attempt.objects.get().status == "delivered"


def test_each_start_leads_the_account_to_the_new_phone(db: None) -> None:
    demo_phone.install()

    addresses = []
    for _ in range(2):
        with serve.phone_of_the_demo("http://127.0.0.1:9") as address:
            addresses.append((address, Account.objects.get().settings["api_url"]))

    assert all(shown == used for shown, used in addresses)


@pytest.mark.parametrize("change", [{"is_active": False}, {"slug": "other"}])
def test_without_its_channel_there_is_no_phone(change: dict[str, Any]) -> None:
    demo_phone.install()
    Channel.objects.update(**change)

    with serve.phone_of_the_demo("http://127.0.0.1:9") as address:
        assert address == ""

    assert not Account.objects.exists()
