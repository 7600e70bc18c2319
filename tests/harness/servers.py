"""PostgreSQL, RabbitMQ and Redis for the tests: our own, on loopback, gone when the tests are.

    with postgres() as url: ...

Each runs in a folder of its own under the system's temporary folder, on ports that were free, as a
child of the test process, and is stopped by its own process id. Nothing installed is configured or
started. `missing()` says what this machine lacks.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import amqp
import psycopg
import redis as redis_client

PATIENCE_S = 120  # RabbitMQ needs a quarter of this on a busy machine
_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

_BINARIES = {
    "postgres": ("PostgreSQL", "postgresql"),
    "rabbitmq-server": ("RabbitMQ", "rabbitmq-server"),
    "redis-server": ("Redis", "redis-server"),
    "chromium": ("Chromium", "chromium"),
}


def missing() -> list[str]:
    """One line for each program that is not installed, and how to install it."""
    return [
        f"{name} is not installed: apt-get install {package}"
        for binary, (name, package) in _BINARIES.items()
        if _find(binary) is None
    ]


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL with an empty database; yields its URL."""
    port = free_port()
    with _folder("postgres") as folder:
        data = folder / "data"
        bin_folder = _binary("postgres").parent
        initdb = [str(bin_folder / "initdb"), "-D", str(data), "-U", "wenan", "-A", "trust"]
        subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True,
            capture_output=True,
            user=_account("postgres"),
            cwd=folder,
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "off",  # the tests' data need not survive a power cut
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        # A child of ours: pg_ctl would leave it to init, and its end would go unnoticed.
        command = [str(bin_folder / "postgres"), "-D", str(data), *options]
        server = f"postgresql://wenan@127.0.0.1:{port}"
        with _running(command, folder, account="postgres", stop=signal.SIGINT) as alive:

            def answers() -> None:
                psycopg.connect(f"{server}/postgres", connect_timeout=2).close()

            _wait(answers, alive, folder)
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE wenan")
            yield f"{server}/wenan"


@contextmanager
def redis() -> Iterator[str]:
    """A Redis that writes nothing to disk; yields its URL."""
    port = free_port()
    with _folder("redis") as folder:
        command = [str(_binary("redis-server")), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        with _running(command, folder) as alive:

            def answers() -> None:
                with redis_client.Redis(port=port, socket_connect_timeout=2) as client:
                    client.ping()

            _wait(answers, alive, folder)
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def rabbitmq() -> Iterator[str]:
    """A RabbitMQ node with a port mapper of its own; yields its URL."""
    port, dist_port, mapper_port = free_port(), free_port(), free_port()
    with _folder("rabbitmq") as folder:
        (folder / "rabbitmq.conf").write_text("log.console = true\nlog.file = false\n")
        (folder / "advanced.config").write_text("[].\n")
        (folder / "enabled_plugins").write_text("[].\n")
        _give(folder, "rabbitmq")
        environment = {
            "HOME": str(folder),  # the Erlang cookie is made there
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper_port),
            "RABBITMQ_NODENAME": f"wenan{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel"
            " inet_dist_use_interface {127,0,0,1}",
        }
        # Started by us, or Erlang would start one that outlives the node.
        mapper = [str(_binary("epmd")), "-address", "127.0.0.1", "-port", str(mapper_port)]
        node = [str(_binary("rabbitmq-server"))]
        with (
            _running(mapper, folder, account="rabbitmq", environment=environment),
            _running(node, folder, account="rabbitmq", environment=environment) as alive,
        ):

            def answers() -> None:
                amqp.Connection(f"127.0.0.1:{port}", connect_timeout=2, read_timeout=5).connect()

            _wait(answers, alive, folder)
            yield f"amqp://guest:guest@127.0.0.1:{port}//"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: list[str],
    folder: Path,
    *,
    account: str = "",
    environment: dict[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[Callable[[], bool]]:
    """Run a server until the block ends; yields whether it is alive."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            user=_account(account),
            start_new_session=True,  # Ctrl-C is for the tests, which then stop their servers
            preexec_fn=_die_with_the_tests,  # noqa: PLW1509
        )
    try:
        yield lambda: process.poll() is None
    finally:
        _stop(process, stop)


def _stop(process: "subprocess.Popen[bytes]", sign: signal.Signals) -> None:
    """Ask the process, then end what is left of the group that it leads."""
    process.send_signal(sign)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
    with suppress(ProcessLookupError):  # it left nothing behind
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_the_tests() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(answers: Callable[[], None], alive: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return answers()
        except (OSError, psycopg.Error, redis_client.RedisError, amqp.AMQPError):
            if not alive() or time.monotonic() > deadline:
                raise RuntimeError((folder / "server.log").read_text(errors="replace")) from None
            time.sleep(0.1)


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=f"wenan-{name}-"))
    _give(path, name)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _give(path: Path, account: str) -> None:
    """Let the server's own account write there, when we are root and it has one."""
    owner = _account(account)
    if owner is not None:
        for entry in (path, *path.rglob("*")):
            os.chown(entry, owner, -1)


def _account(name: str) -> int | None:
    """PostgreSQL refuses to run as root; Debian made accounts for it and for RabbitMQ."""
    if os.geteuid() != 0 or not name:
        return None
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _binary(name: str) -> Path:
    found = _find(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def _find(name: str) -> Path | None:
    # Debian keeps both outside PATH, or behind a wrapper that insists on its own folders.
    for pattern in (f"postgresql/*/bin/{name}", f"rabbitmq/lib/rabbitmq_server-*/sbin/{name}"):
        places = sorted(Path("/usr/lib").glob(pattern))
        if places:
            return places[-1]
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None
