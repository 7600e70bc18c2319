"""The log keeps ids, reasons, and where an error came from: never what somebody wrote."""

import logging
import subprocess
import sys

import pytest
from celery import Celery

from events.logs import LineFormatter, kind_and_place

WORDS = "我膝盖疼了三天"


def fail() -> None:
    try:
        int(WORDS)
    except ValueError as error:
        raise KeyError(WORDS) from error


def logged(record_of: logging.Logger, caplog: pytest.LogCaptureFixture) -> str:
    try:
        fail()
    except KeyError:
        record_of.exception("a reply failed", extra={"conversation": 7})
    return LineFormatter().format(caplog.records[-1])


@pytest.mark.parametrize(
    "name", ["assistant.services", "workers", "channels_app.visit", "django.request", "elsewhere"]
)
def test_a_traceback_says_kinds_and_places_and_nobodys_words(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    line = logged(logging.getLogger(name), caplog)

    assert WORDS not in line
    assert "a reply failed conversation=7 | KeyError at operations/test_logs.py:" in line
    assert "| ValueError at operations/test_logs.py:" in line
    assert "\n" not in line


def test_a_task_that_fails_quotes_nobody(caplog: pytest.LogCaptureFixture) -> None:
    app = Celery("apart", set_as_current=False)
    app.conf.update(task_always_eager=True, task_ignore_result=True)
    task = app.task(name="fails")(fail)

    task.delay()

    lines = [LineFormatter().format(record) for record in caplog.records]
    assert any("Task fails" in line and "KeyError at" in line for line in lines)
    assert not any(WORDS in line for line in lines)


def test_an_error_has_a_kind_and_a_place() -> None:
    try:
        fail()
    except KeyError as error:
        told = kind_and_place(error)

    assert told["error"] == "KeyError"
    assert told["place"].startswith("operations/test_logs.py:")
    assert kind_and_place(ValueError(WORDS)) == {"error": "ValueError", "place": "nowhere"}


def test_the_web_server_speaks_through_our_formatter_and_not_of_every_socket() -> None:
    # As in a web process: uvicorn sets up its own logs first, then Django those of the house.
    program = (
        "import logging, uvicorn, django; uvicorn.Config('config.asgi:application');"
        " django.setup(); log = logging.getLogger('uvicorn.error'); log.info('connection open')\n"
        "try: int('" + WORDS + "')\n"
        "except ValueError: log.exception('Exception in ASGI application')\n"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stderr

    assert "connection open" not in said
    assert WORDS not in said
    assert "Exception in ASGI application | ValueError at <string>:2" in said
