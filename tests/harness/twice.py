"""python tests/harness/twice.py [pytest's arguments]: the tests on SQLite, then on real servers.

The second run's servers are our own (see servers.py). Where their programs are not installed it
is left out and says so; with CI=true that is a failure.
"""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import servers

SERVER_VARIABLES = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")


def main(arguments: list[str]) -> int:
    lacking = servers.missing()
    print("\n".join(lacking), flush=True)
    if lacking and os.environ.get("CI") == "true":
        return 1
    without = {name: value for name, value in os.environ.items() if name not in SERVER_VARIABLES}
    failed = _pytest(arguments, without)
    if failed or lacking:
        return failed
    with servers.postgres() as database, servers.rabbitmq() as broker, servers.redis() as redis:
        named = {"DATABASE_URL": database, "BROKER_URL": broker, "REDIS_URL": redis}
        return _pytest(arguments, without | named)


def _pytest(arguments: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.call(command, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
