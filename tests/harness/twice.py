"""python tests/harness/twice.py [pytest's arguments]: the tests on SQLite and on real servers.

Two runs side by side, for one keeps hardly one core busy: those on SQLite; and those on servers,
which are fewer, and after them a part of the others (LATER). What that side prints comes after the
other's. Its servers are our own (see servers.py). Where their programs are not installed it is left
out and says so; with CI=true that is a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import servers

SERVER_VARIABLES = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")
LATER = ("tests/admin", "tests/browser")  # on SQLite, beside the rest of it


def main(arguments: list[str]) -> int:
    lacking = servers.missing()
    print("\n".join(lacking), flush=True)
    if lacking and os.environ.get("CI") == "true":
        return 1
    without = {name: value for name, value in os.environ.items() if name not in SERVER_VARIABLES}
    if lacking:
        return _pytest(arguments, without).wait()
    first = arguments or [f"--ignore={folder}" for folder in LATER]
    later = [] if arguments else list(LATER)
    with tempfile.TemporaryFile() as said, ThreadPoolExecutor(1) as beside:
        others = beside.submit(_on_servers_and_later, arguments, later, without, said)
        failed = _pytest(first, without).wait()
        failed = others.result() or failed
        said.seek(0)
        shutil.copyfileobj(said, sys.stdout.buffer)
        sys.stdout.flush()
        return failed


def _on_servers_and_later(
    arguments: list[str], later: list[str], without: dict[str, str], said: IO[bytes]
) -> int:
    with servers.postgres() as database, servers.rabbitmq() as broker, servers.redis() as redis:
        named = {"DATABASE_URL": database, "BROKER_URL": broker, "REDIS_URL": redis}
        failed = _pytest(arguments, without | named, said=said).wait()
    if later:
        failed = _pytest(later, without, said=said).wait() or failed
    return failed


def _pytest(
    arguments: list[str], environment: dict[str, str], *, said: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", *arguments]
    errors = subprocess.STDOUT if said else None
    return subprocess.Popen(command, env=environment, stdout=said, stderr=errors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
