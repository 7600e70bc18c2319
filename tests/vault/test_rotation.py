"""Rotating the keys: patients stay readable at every step, and a rotation can be broken off."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from stat import S_IMODE

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from vault import datakeys, keys
from vault.management.commands import keys as command
from vault.models import DataKey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ring_file(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.VAULT_KEYS = tmp_path / "keys.json"
    run("init")
    yield settings.VAULT_KEYS
    keys.forget()
    datakeys.forget()


def run(act: str, *options: str) -> str:
    said = StringIO()
    call_command("keys", act, *options, stdout=said)
    return said.getvalue()


def opened(data_key: DataKey) -> bytes:
    # Nothing is remembered: it is unwrapped anew.
    return datakeys._unwrap(DataKey.objects.get(pk=data_key.pk))


def test_init_makes_a_ring_for_its_owner_alone_and_never_replaces_one(ring_file: Path) -> None:
    before = ring_file.read_text()

    run("init", "--if-missing")
    with pytest.raises(CommandError, match="exists"):
        run("init")

    assert ring_file.read_text() == before
    assert S_IMODE(ring_file.stat().st_mode) == 0o600


@pytest.mark.parametrize("options", [[], ["--if-missing"]])
def test_over_data_that_were_sealed_no_new_ring_is_made(
    ring_file: Path, options: list[str]
) -> None:
    datakeys.create_data_key()
    ring_file.unlink()

    with pytest.raises(CommandError) as refused:
        run("init", *options)

    chinese, english = str(refused.value).splitlines()
    assert "从备份中恢复" in chinese
    assert "restore it from its backup" in english
    assert not ring_file.exists()


def test_a_whole_rotation_keeps_every_data_key_readable(ring_file: Path) -> None:
    old = datakeys.create_data_key()
    plain = opened(old)

    run("add")
    between = datakeys.create_data_key()
    assert opened(old) == plain
    run("rewrap")
    assert opened(old) == plain
    run("retire")

    assert opened(old) == plain
    assert opened(between)
    assert set(DataKey.objects.values_list("ring_key", flat=True)) == {"k2"}
    assert set(keys.KeyRing.read(ring_file).keys) == {"k2"}


def test_old_backups_stay_readable_with_the_ring_that_was_put_away(ring_file: Path) -> None:
    first = keys.ring().keys["k1"]
    run("add")

    run("retire")

    put_away = ring_file.with_name("keys.until-k2.json")
    assert keys.KeyRing.read(put_away).keys["k1"] == first
    assert S_IMODE(put_away.stat().st_mode) == 0o600


def test_nothing_is_retired_that_is_still_needed() -> None:
    datakeys.create_data_key()
    run("add")

    with pytest.raises(CommandError, match="rewrap first"):
        run("retire")


def test_the_only_key_is_not_retired() -> None:
    with pytest.raises(CommandError, match="only key"):
        run("retire")


def test_a_rotation_that_broke_off_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "BATCH", 2)
    data_keys = [datakeys.create_data_key() for _ in range(5)]
    plain = [opened(data_key) for data_key in data_keys]
    run("add")
    for data_key in data_keys[:3]:
        datakeys.rewrap(data_key)  # and then the power failed

    said = run("rewrap")

    assert "2 data keys rewrapped" in said
    assert [opened(data_key) for data_key in data_keys] == plain
    assert set(DataKey.objects.values_list("ring_key", flat=True)) == {"k2"}


def test_an_erased_patient_neither_stops_a_rotation_nor_comes_back() -> None:
    erased = datakeys.create_data_key()
    datakeys.destroy_data_key(erased.pk, now=timezone.now())

    run("add")
    run("rewrap")
    run("retire")

    with pytest.raises(datakeys.Erased):
        opened(erased)


def test_status_counts_what_each_key_wraps_and_misses_none() -> None:
    datakeys.create_data_key()
    run("add")
    DataKey.objects.create(wrapped=b"from elsewhere", ring_key="k9")

    assert run("status").splitlines() == [
        "k1  1 data keys",
        "k2  0 data keys, active",
        "k9  1 data keys, NOT ON THE RING",
    ]
