"""Data keys: one for each patient, wrapped in the row, and gone for good when destroyed."""

import pytest
from django.utils import timezone

from vault import datakeys
from vault.cipher import Unreadable
from vault.datakeys import Erased, create_data_key, destroy_data_key, open_data_key
from vault.models import DataKey

pytestmark = pytest.mark.django_db


def test_a_key_opens_the_same_with_and_without_the_cache() -> None:
    fresh = create_data_key()
    cached = open_data_key(fresh.pk)

    datakeys.forget()

    assert open_data_key(fresh.pk) == cached
    assert bytes(fresh.wrapped or b"").find(cached) == -1


def test_no_two_patients_share_a_key() -> None:
    assert open_data_key(create_data_key().pk) != open_data_key(create_data_key().pk)


def test_a_wrapped_key_moved_to_another_row_does_not_open() -> None:
    one, two = create_data_key(), create_data_key()
    datakeys.forget()

    DataKey.objects.filter(pk=one.pk).update(wrapped=two.wrapped)

    with pytest.raises(Unreadable):
        open_data_key(one.pk)


def test_a_destroyed_key_is_gone_and_twice_is_once() -> None:
    fresh, now = create_data_key(), timezone.now()

    destroy_data_key(fresh.pk, now=now)
    destroy_data_key(fresh.pk, now=timezone.now())

    with pytest.raises(Erased):
        open_data_key(fresh.pk)
    gone = DataKey.objects.get(pk=fresh.pk)
    assert gone.wrapped is None
    assert gone.destroyed_at == now


def test_another_process_notices_an_erasure_within_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = create_data_key()
    # Another process destroys it: our own cache is not told.
    DataKey.objects.filter(pk=fresh.pk).update(wrapped=None, destroyed_at=timezone.now())
    open_data_key(fresh.pk)  # still held open here

    later = datakeys.time.monotonic() + datakeys.CACHED_S + 1
    monkeypatch.setattr(datakeys.time, "monotonic", lambda: later)

    assert datakeys.CACHED_S <= 60
    with pytest.raises(Erased):
        open_data_key(fresh.pk)


def test_the_cache_forgets_the_key_used_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datakeys, "CACHED", 2)
    first, second = create_data_key(), create_data_key()
    open_data_key(first.pk)
    create_data_key()

    DataKey.objects.filter(pk__in=[first.pk, second.pk]).update(wrapped=None)

    open_data_key(first.pk)  # still held
    with pytest.raises(Erased):
        open_data_key(second.pk)
