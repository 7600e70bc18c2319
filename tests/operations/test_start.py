"""What a process must not pay for when it starts."""

import os
import subprocess
import sys

from triage.redflags import RULE_BOOK, find_red_flags

HEAVY = {"onnxruntime", "tokenizers", "numpy", "redis", "babel"}


def test_every_phrase_of_the_rule_book_compiles() -> None:
    RULE_BOOK.warm_up()

    assert find_red_flags("我胸口痛得喘不上气")


def test_the_clock_and_the_web_process_load_nothing_heavy() -> None:
    rooms = "config.asgi, config.urls, workers.clock, workers.serve, workers.sweeps"
    program = f"import {rooms}, sys; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"REDIS_URL": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not HEAVY & set(loaded)
