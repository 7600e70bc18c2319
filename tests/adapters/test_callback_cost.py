"""What a callback costs the web process, and what is never saved at its cost."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import F

from adapters import arrivals, door
from adapters.contracts import Answer, Callback
from adapters.models import Account, Allowance
from adapters.rehearsal.stand_in import Outgoing
from conversations.arrivals import find_writer
from conversations.models import Conversation, Message
from patients.models import Channel, ContactPoint
from vault.datakeys import create_data_key

pytestmark = pytest.mark.django_db

KNOWN = 20  # statements; four of them are savepoints


@dataclass(frozen=True)
class Door:
    """Our door, on which a vendor may knock several times at once."""

    slug: str

    def hears(self, *outgoing: Outgoing) -> list[Answer | Exception]:
        return door.hear_all([(self.slug, _call(each)) for each in outgoing])


def _call(outgoing: Outgoing) -> Callback:
    query = dict(outgoing.query)
    return Callback("POST", query, outgoing.body, headers={}, url="https://wenan.test/")


@pytest.fixture
def our_door(wechat_channel: Channel, hospital: Any) -> Door:
    return Door(wechat_channel.slug)


def _texts() -> list[str]:
    return [each.text for each in Message.objects.filter(author="patient").order_by("pk")]


def _ends(outcomes: list[Answer | Exception]) -> list[str]:
    return [
        each.body if isinstance(each, Answer) else f"{type(each).__name__} {each}".strip()
        for each in outcomes
    ]


def test_what_a_known_patient_writes_takes_few_statements(
    wechat: Any, our_door: Door, django_assert_max_num_queries: Any
) -> None:
    our_door.hears(wechat.writes("openid-1", "你好"))

    with django_assert_max_num_queries(KNOWN):
        outcomes = our_door.hears(wechat.writes("openid-1", "几点上班"))

    assert _ends(outcomes) == ["success"]


def test_several_at_once_share_a_transaction(
    wechat: Any, our_door: Door, django_assert_max_num_queries: Any
) -> None:
    our_door.hears(*(wechat.writes(f"openid-{n}", "你好") for n in range(4)))

    with django_assert_max_num_queries(2 + 4 * (KNOWN - 2)):
        outcomes = our_door.hears(*(wechat.writes(f"openid-{n}", "几点上班") for n in range(4)))

    assert _ends(outcomes) == ["success"] * 4
    assert Message.objects.filter(author="patient").count() == 8


def test_a_red_flag_among_them_is_seen_at_the_door(wechat: Any, our_door: Door) -> None:
    our_door.hears(
        wechat.writes("openid-1", "几点上班"),
        wechat.writes("openid-2", "我胸口压榨样疼痛,喘不上气"),
    )

    owners = Conversation.objects.order_by("pk").values_list("owner", flat=True)
    assert list(owners) == ["assistant", "queue"]


def test_what_one_patient_writes_keeps_its_order(wechat: Any, our_door: Door) -> None:
    our_door.hears(
        wechat.writes("openid-b", "一"),
        wechat.writes("openid-a", "甲"),
        wechat.writes("openid-b", "二"),
        wechat.writes("openid-b", "三"),
    )

    thread = ContactPoint.objects.get(conversation__last_seq=3).conversation
    assert [each.text for each in thread.messages.order_by("seq")] == ["一", "二", "三"]


def test_a_delivery_twice_in_one_batch_is_one_message(wechat: Any, our_door: Door) -> None:
    outgoing = wechat.writes("openid-1", "几点上班")

    assert _ends(our_door.hears(outgoing, outgoing)) == ["success"] * 2
    assert _texts() == ["几点上班"]


def test_a_stranger_among_them_is_turned_away_alone(wechat: Any, our_door: Door) -> None:
    calls = [(our_door.slug, _call(wechat.writes("openid-1", "你好")))]
    calls.append((our_door.slug, Callback("POST", {}, b"<xml/>", headers={}, url="")))
    calls.append(("nobody", calls[0][1]))

    outcomes = door.hear_all(calls)

    assert _ends(outcomes) == ["success", "TurnedAway 403", "TurnedAway 404"]
    assert _texts() == ["你好"]


def test_a_stranger_costs_one_look(our_door: Door, django_assert_num_queries: Any) -> None:
    stranger = (our_door.slug, Callback("POST", {}, b"<xml/>", headers={}, url=""))
    door.hear_all([stranger])

    with django_assert_num_queries(2):
        outcomes = door.hear_all([stranger, stranger])

    assert _ends(outcomes) == ["TurnedAway 403"] * 2


def test_one_that_cannot_be_stored_takes_no_other_with_it(
    wechat: Any, our_door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in = arrivals.take_in

    def breaks(contact_point: Any, *, text: str, **said: Any) -> Any:
        received = take_in(contact_point, text=text, **said)
        if text == "坏":
            raise ValueError
        return received

    monkeypatch.setattr(arrivals, "take_in", breaks)

    outcomes = our_door.hears(
        *(wechat.writes(f"openid-{n}", text) for n, text in enumerate(("好", "坏", "行")))
    )

    assert _ends(outcomes) == ["success", "ValueError", "success"]
    assert sorted(_texts()) == sorted(["好", "行"])


def test_an_ill_database_acknowledges_none(
    wechat: Any, our_door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_ill(*_: Any, **__: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(door, "receive_all", is_ill)

    with pytest.raises(OperationalError):
        our_door.hears(wechat.writes("openid-1", "你好"), wechat.writes("openid-2", "你好"))


def test_new_secrets_are_in_force_with_the_next_call(wechat: Any, our_door: Door) -> None:
    assert _ends(our_door.hears(wechat.writes("openid-1", "你好"))) == ["success"]

    account = Account.objects.get()
    account.secrets = {**account.secrets, "token": "revoked"}
    account.save()
    assert _ends(our_door.hears(wechat.writes("openid-1", "在吗"))) == ["TurnedAway 403"]

    account.secrets = wechat.secrets()
    account.save()
    assert _ends(our_door.hears(wechat.writes("openid-1", "在吗"))) == ["success"]


def test_new_settings_are_in_force_with_the_next_call(wechat: Any, our_door: Door) -> None:
    our_door.hears(wechat.writes("openid-1", "你好"))
    account = Account.objects.get()
    account.settings = {**account.settings, "windows": {"message": [60, 1]}}
    account.save()
    Allowance.objects.update(opened_at=F("opened_at") - timedelta(minutes=1))

    our_door.hears(wechat.writes("openid-1", "在吗"))

    assert ContactPoint.objects.get().allowances.get(trigger="message").allowed == 1


def test_a_closed_channel_is_closed_with_the_next_call(wechat: Any, our_door: Door) -> None:
    our_door.hears(wechat.writes("openid-1", "你好"))
    Channel.objects.update(is_active=False)

    assert _ends(our_door.hears(wechat.writes("openid-1", "在吗"))) == ["TurnedAway 404"]


def test_an_account_that_is_gone_speaks_for_nobody(wechat: Any, our_door: Door) -> None:
    our_door.hears(wechat.writes("openid-1", "你好"))
    was = Account.objects.get()
    Account.objects.all().delete()
    assert _ends(our_door.hears(wechat.writes("openid-1", "在吗"))) == ["TurnedAway 404"]

    Account.objects.create(
        channel=was.channel,
        settings=was.settings,
        secrets=wechat.secrets(),
        data_key=create_data_key(),
    )
    assert _ends(our_door.hears(wechat.writes("openid-1", "在吗"))) == ["success"]


def test_who_is_found_by_one_statement_is_who_the_models_find(
    wechat: Any, our_door: Door, wechat_channel: Channel, django_assert_num_queries: Any
) -> None:
    our_door.hears(wechat.writes("openid-1", "你好"))

    with django_assert_num_queries(1):
        found = find_writer(wechat_channel, address="openid-1")
        assert found is not None
        held = (found, found.patient, found.conversation)
        assert found.conversation.contact_point is found
    known = ContactPoint.objects.select_related("patient", "conversation").get()

    for ours, theirs in zip(held, (known, known.patient, known.conversation), strict=True):
        assert ours == theirs
        assert _values(ours) == _values(theirs)
    assert find_writer(wechat_channel, address="openid-2") is None


def _values(row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}
