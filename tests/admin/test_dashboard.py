"""The first page and the monitor: the same counts, cheap, and nobody's name."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from channels_app.metrics import count
from config.dashboard import show, since
from conversations.models import Message
from tickets.models import Alarm, Ticket
from tickets.services import claim_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def dashboard() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    page = show(None, {})  # type: ignore[arg-type]
    numbers = {number.link.split("?")[0]: number.value for number in page["numbers"]}
    panels = {
        panel.title: [(row.name, row.value) for row in panel.rows] for panel in page["panels"]
    }
    return numbers, panels


def test_the_page_says_what_waits(superuser: Client, house: SimpleNamespace) -> None:
    numbers, panels = dashboard()

    assert numbers["/admin/tickets/ticket/"] == "1"
    assert numbers["/admin/tickets/alarm/"] == "1"
    assert any(("紧急", "1") in rows or ("emergency", "1") in rows for rows in panels.values())


def test_what_a_nurse_has_is_hers(superuser: Client, house: SimpleNamespace, nurse) -> None:  # type: ignore[no-untyped-def]
    claim_ticket(house.ticket.pk, nurse=nurse, now=timezone.now())

    _numbers, panels = dashboard()

    assert any(("王芳", "1") in rows for rows in panels.values())
    assert count(timezone.now())["queue_waiting"] == 0


def test_the_page_and_the_monitor_name_nobody(superuser: Client, house: SimpleNamespace) -> None:
    seen = superuser.get("/admin/").content.decode() + superuser.get("/metrics").content.decode()

    for word in ("王小明", "13800000001", "胸口", "visitor-1"):
        assert word not in seen


def test_an_empty_house_has_a_first_page(superuser: Client) -> None:
    assert superuser.get("/admin/").status_code == 200
    assert count(timezone.now())["queue_oldest_wait_seconds"] == 0


def test_today_is_found_by_growing_ids(house: SimpleNamespace) -> None:
    yesterday = house.now - timedelta(days=1)
    first = Message.objects.order_by("pk").first()
    assert first is not None
    Message.objects.filter(pk=first.pk).update(created_at=yesterday)

    found = since(Message.objects.all(), "created_at", house.now - timedelta(hours=1))

    assert set(found) == set(Message.objects.exclude(pk=first.pk))
    assert since(Alarm.objects.all(), "raised_at", house.now + timedelta(hours=1)).count() == 0
    assert since(Ticket.objects.none(), "opened_at", yesterday).count() == 0


def test_the_number_of_questions_does_not_grow_with_the_house(house: SimpleNamespace) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        show(None, {})  # type: ignore[arg-type]

    assert len(asked) < 60


def test_the_monitor_counts_debts_older_than_ten_seconds(house: SimpleNamespace) -> None:
    Message.objects.update(sent_at=None, created_at=house.now)

    assert count(house.now + timedelta(seconds=9))["messages_unsent"] == 0
    assert count(house.now + timedelta(seconds=11))["messages_unsent"] == Message.objects.count()


def test_the_monitor_speaks_prometheus(client: Client, house: SimpleNamespace) -> None:
    page = client.get("/metrics").content.decode()

    assert "wenan_queue_waiting 1.0" in page
    assert "wenan_alarms_ringing 1.0" in page
    assert "process_" in page


@pytest.mark.parametrize(
    "asker",
    [{"REMOTE_ADDR": "10.0.0.7"}, {"HTTP_X_FORWARDED_FOR": "10.0.0.7"}],
    ids=["another machine", "through a proxy"],
)
def test_strangers_learn_nothing(client: Client, asker: dict[str, str]) -> None:
    assert client.get("/metrics", **asker).status_code == 403  # type: ignore[arg-type]


def test_the_bearer_of_the_token_may_ask_from_anywhere(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a token of the hospital"
    far = {"REMOTE_ADDR": "10.0.0.7"}

    def asks(token: str) -> int:
        return client.get("/metrics", headers={"authorization": token}, **far).status_code  # type: ignore[arg-type]

    assert asks("Bearer a token of the hospital") == 200
    assert asks("Bearer another") == asks("") == 403
    assert (
        client.get("/metrics").status_code == 403
    )  # with a token set, even this machine brings it
