"""python tests/harness/twice.py [pytest's arguments]: the tests on SQLite and on real servers.

Both at the same time, for a run on its own keeps hardly one core busy; what the servers' run prints
comes after the other's. Its servers are our own (see servers.py). Where their programs are not
installed it is left out and says so; with CI=true that is a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import servers

SERVER_VARIABLES = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")


def main(arguments: list[str]) -> int:
    lacking = servers.missing()
    print("\n".join(lacking), flush=True)
    if lacking and os.environ.get("CI") == "true":
        return 1
    without = {name: value for name, value in os.environ.items() if name not in SERVER_VARIABLES}
    if lacking:
        return _pytest(arguments, without).wait()
    with (
        servers.postgres() as database,
        servers.rabbitmq() as broker,
        servers.redis() as redis,
        tempfile.TemporaryFile() as said,
    ):
        named = {"DATABASE_URL": database, "BROKER_URL": broker, "REDIS_URL": redis}
        with _pytest(arguments, without | named, said=said) as second:
            first_failed = _pytest(arguments, without).wait()
            second_failed = second.wait()
        said.seek(0)
        shutil.copyfileobj(said, sys.stdout.buffer)
        sys.stdout.flush()
        return first_failed or second_failed


def _pytest(
    arguments: list[str], environment: dict[str, str], *, said: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", *arguments]
    errors = subprocess.STDOUT if said else None
    return subprocess.Popen(command, env=environment, stdout=said, stderr=errors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
