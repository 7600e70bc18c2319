"""What an admin reads when the house cannot open: one sentence in Chinese, one in English."""

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from staff.models import StaffMember
from vault import datakeys
from workers import preflight, serve
from workers.preflight import NotReady

HAN = re.compile(r"[一-鿿]")


def complaint(check: Callable[[], None]) -> tuple[str, str]:
    with pytest.raises(NotReady) as raised:
        check()
    chinese, english = str(raised.value).splitlines()
    assert HAN.search(chinese)
    assert not HAN.search(english)
    return chinese, english


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])

        _, english = complaint(lambda: preflight.check_port("127.0.0.1", port))

    assert port in english
    preflight.check_port("127.0.0.1", port)


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1", "８０００"])
def test_a_port_that_is_no_port_is_refused(port: str) -> None:
    complaint(lambda: preflight.check_port("127.0.0.1", port))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    _, english = complaint(lambda: preflight.check_folder(tmp_path / "file" / "var"))

    assert "file/var" in english


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    preflight.check_folder(tmp_path / "var")

    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


@pytest.mark.django_db
def test_a_database_of_a_newer_version_is_refused() -> None:
    MigrationRecorder.Migration.objects.create(app="workers", name="0999_from_the_future")

    _, english = complaint(preflight.check_database)

    assert "workers.0999_from_the_future" in english


@pytest.mark.django_db
def test_the_database_of_this_version_is_accepted() -> None:
    preflight.check_database()


def test_a_damaged_database_file_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "wenan.sqlite3"
    damaged.write_bytes(b"no database at all " * 100)

    _, english = complaint(lambda: preflight.check_sqlite_file(damaged))

    assert "damaged" in english


@pytest.mark.django_db
def test_sealed_data_without_its_keys_are_refused(settings: Settings, tmp_path: Path) -> None:
    datakeys.create_data_key()
    settings.VAULT_KEYS = tmp_path / "gone.json"

    _, english = complaint(preflight.check_keys)

    assert "gone.json" in english


@pytest.mark.parametrize("url", ["10.0.0.5:8000", "ftp://10.0.0.5", "http://"])
def test_a_model_server_without_an_address_is_refused(settings: Settings, url: str) -> None:
    settings.REPHRASING_URL, settings.REPHRASING_MODEL = url, "hospital-7b"

    complaint(preflight.check_rephrasing)


def test_a_model_server_without_a_model_is_refused(settings: Settings) -> None:
    settings.REPHRASING_URL, settings.REPHRASING_MODEL = "http://10.0.0.5:8000", ""

    complaint(preflight.check_rephrasing)


def test_a_model_server_beyond_the_hospitals_network_is_refused_unless_allowed(
    settings: Settings,
) -> None:
    settings.REPHRASING_URL, settings.REPHRASING_MODEL = "https://8.8.8.8", "hospital-7b"

    _, english = complaint(preflight.check_rephrasing)
    assert "8.8.8.8" in english

    settings.REPHRASING_ALLOW_PUBLIC = True
    preflight.check_rephrasing()


@pytest.mark.parametrize("url", ["", "http://10.0.0.5:8000", "http://no-such-host.invalid"])
def test_a_model_server_of_the_hospitals_own_or_none_or_one_that_is_away_opens_the_house(
    settings: Settings, url: str
) -> None:
    settings.REPHRASING_URL, settings.REPHRASING_MODEL = url, "hospital-7b"

    preflight.check_rephrasing()


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"

    first = serve.make_secret_key(path)

    assert serve.make_secret_key(path) == first == path.read_text()
    assert len(first) >= 50
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_key_that_was_never_finished_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()  # killed before the first byte

    assert len(serve.make_secret_key(tmp_path / "secret_key")) >= 50


@pytest.mark.django_db
def test_no_demo_house_stands_without_its_logins(settings: Settings, tmp_path: Path) -> None:
    settings.VAR = tmp_path / "file"
    settings.VAR.write_text("")  # nothing can be written there

    with pytest.raises(OSError):
        call_command("seed_demo", verbosity=0)
    assert not StaffMember.objects.exists()

    settings.VAR = tmp_path / "var"
    call_command("seed_demo", verbosity=0)
    logins = (settings.VAR / "demo_logins.txt").read_text().splitlines()
    assert len(logins) == StaffMember.objects.count()


def test_the_welcome_names_addresses_and_demo_logins(tmp_path: Path) -> None:
    (tmp_path / "demo_logins.txt").write_text("wangfang\tsecret word\tnurse\n")

    said = serve.welcome(tmp_path, address="http://127.0.0.1:8123", phone="http://127.0.0.1:9")

    assert "http://127.0.0.1:8123/console/" in said
    assert "http://127.0.0.1:9/" in said
    assert "wangfang  secret word  nurse" in said
