"""What the house says of itself when the model is whole, and when it is not."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

import workers.understanding as understanding


@pytest.fixture
def no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTANDING_MODEL", str(tmp_path / "none"))
    monkeypatch.setattr(understanding, "_loaded", {})


@pytest.mark.django_db
def test_a_house_in_order_is_well() -> None:
    said = StringIO()

    call_command("doctor", stdout=said)

    assert said.getvalue().count("正常 well") == 5


@pytest.mark.django_db
def test_a_missing_model_is_named_and_what_follows(no_model: None) -> None:
    said = StringIO()

    with pytest.raises(CommandError, match="1 处需要处理"):
        call_command("doctor", stdout=said)

    assert "FileNotFoundError in the model folder" in said.getvalue()
    assert "所有消息都将交给护士" in said.getvalue()


@pytest.mark.django_db
def test_a_model_server_that_does_not_answer_is_named_and_what_follows(settings: Settings) -> None:
    settings.REPHRASING_URL, settings.REPHRASING_MODEL = "http://127.0.0.1:9", "hospital-7b"
    said = StringIO()

    with pytest.raises(CommandError, match="1 处需要处理"):
        call_command("doctor", stdout=said)

    assert "改写 Rephrasing" in said.getvalue()
    assert "患者会读到知识库原文" in said.getvalue()


@pytest.mark.django_db
def test_ready_says_how_the_model_is_and_stays_ready_without_one(client: Client) -> None:
    assert client.get("/readyz").json() == {"ready": True, "understanding": "ok"}


@pytest.mark.django_db
def test_ready_without_a_model_is_ready_for_nurses(client: Client, no_model: None) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["understanding"] == "FileNotFoundError in the model folder"
