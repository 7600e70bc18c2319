"""Reading a conversation in the admin: by grant, with a reason, and always logged."""

from types import SimpleNamespace

import pytest

from staff.models import Role
from staff.roles import READERS
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

REASON = "复核红旗处置是否及时，质控抽查"


def page_of(house: SimpleNamespace) -> str:
    return f"/admin/conversations/conversation/{house.conversation.pk}/read/"


@pytest.mark.parametrize("superuser", [False, True])
def test_an_admin_does_not_read_unless_granted(sign_in, house, superuser: bool) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(is_superuser=superuser)

    answer = client.post(page_of(house), {"reason": REASON})

    assert answer.status_code == 403
    assert not AccessEntry.objects.exists()


def test_without_a_reason_nothing_is_shown(sign_in, house) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(reads=True)

    for answer in (client.get(page_of(house)), client.post(page_of(house), {"reason": "太短了"})):
        assert answer.status_code == 200
        assert "胸口很痛" not in answer.content.decode()
    assert not AccessEntry.objects.exists()


def test_with_a_reason_the_thread_is_shown_and_the_look_is_logged(sign_in, house) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(reads=True)

    page = client.post(page_of(house), {"reason": REASON}).content.decode()

    assert "胸口很痛" in page
    assert "red flag" in page
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.subject, entry.subject_id, entry.reason) == (
        "read", "conversation", house.conversation.pk, f"admin: {REASON}",
    )  # fmt: skip
    assert entry.actor_id == client.member.pk


def test_a_long_reason_is_cut_to_what_the_log_holds(sign_in, house) -> None:  # type: ignore[no-untyped-def]
    sign_in(reads=True).post(page_of(house), {"reason": "质控" * 80})

    assert len(AccessEntry.objects.get().reason) == 64


def test_readers_are_a_group_of_their_own(sign_in, house) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(Role.NURSE, is_staff=True)
    client.member.groups.add(client.member.groups.model.objects.get(name=READERS))

    assert client.post(page_of(house), {"reason": REASON}).status_code == 200


def test_an_erased_conversation_reads_as_erased(sign_in, house) -> None:  # type: ignore[no-untyped-def]
    from patients.services import erase_patient

    erase_patient(house.patient, now=house.now)

    page = sign_in(reads=True).post(page_of(house), {"reason": REASON}).content.decode()

    assert "⌫" in page
