"""python -m workers.serve: open the house on this machine, and keep it open until Ctrl-C.

Checks what must be true, makes what is missing (secrets, tables, the demo hospital), starts the
Procfile's processes and says where to go. A failure that one can expect is one sentence in
Chinese and one in English; everything else is a traceback.
"""

import http.client
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import FrameType

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from vault.files import write_secret
from vault.keys import KeyRing
from workers import catalogs, supervise
from workers.preflight import NotReady, check_database, check_folder, check_keys, check_port

READY_S = 120  # a slow machine that is busy with other things needs half of it
SECRET_CHARACTERS = 64


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    try:
        check_port(host, port)
        make_house()
        prepare()
        return keep_open(settings.ROOT, settings.VAR, host=host, port=port)
    except NotReady as reason:
        sys.stderr.write(f"{reason}\n")
        return 1


def make_house() -> None:
    """Folder, secret key and translations, with which Django starts. Raises NotReady."""
    try:
        check_folder(settings.VAR)
        if not os.environ.get("SECRET_KEY"):
            settings.SECRET_KEY = make_secret_key(settings.VAR / "secret_key")
        catalogs.compile_stale(settings.ROOT)  # before anything is translated, and remembered
        django.setup()
    except ImproperlyConfigured as error:
        raise NotReady(f"配置不完整：{error}", f"The settings are incomplete: {error}") from error


def make_secret_key(path: Path) -> str:
    """This installation's own, made once; it signs sessions and visitors' tokens."""
    if not path.exists() or not path.read_text().strip():
        write_secret(path, secrets.token_urlsafe(SECRET_CHARACTERS))
    return path.read_text().strip()


def prepare() -> None:
    """Bring keys and tables up to date; fill an empty house with the demo."""
    check_database()
    check_keys()
    if not settings.VAULT_KEYS.exists():
        KeyRing.new().write(settings.VAULT_KEYS)
    call_command("migrate", verbosity=0, interactive=False)
    if not apps.get_model("hospital", "Hospital")._default_manager.exists():
        call_command("seed_demo", verbosity=0)
        with suppress(ModuleNotFoundError):  # without that vendor's folder the demo has no SMS
            import_module("workers.demo_phone").install()


@contextmanager
def phone_of_the_demo(address: str) -> Iterator[str]:
    """Where one reads the SMS of the demo's patients; empty where the house has no such phone."""
    try:
        demo_phone = import_module("workers.demo_phone")
    except ModuleNotFoundError:
        demo_phone = None
    if demo_phone is None or not demo_phone.is_wanted():
        yield ""
        return
    with demo_phone.DemoPhone(address) as phone:
        phone.connect()
        yield phone.url


def keep_open(root: Path, var: Path, *, host: str, port: str) -> int:
    """Start the processes, say so when they answer, and stay until somebody ends us."""
    # `kill` ends us as Ctrl-C does: by way of the finally below.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)  # a shell that starts us with & has it ignored
    processes = supervise.read_procfile(root / "Procfile")
    address = f"http://{_reachable(host)}:{port}"
    with phone_of_the_demo(address) as phone:
        supervisor = supervise.start(processes, root=root, var=var)
        try:
            wait_until_ready(supervisor, host=host, port=port, log=var / "log" / "web.log")
            sys.stdout.write(welcome(var, address=address, phone=phone))
            sys.stdout.flush()
            supervisor.wait()
            raise NotReady(
                f"进程管理程序意外停止，原因见 {var / 'log' / 'supervisord.log'}。",
                f"The supervisor stopped by itself; {var / 'log' / 'supervisord.log'} says why.",
            )
        except KeyboardInterrupt:
            sys.stdout.write("\n正在停止…… Stopping …\n")
            return 0
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave some running
            supervise.stop(supervisor)


def wait_until_ready(
    supervisor: "subprocess.Popen[bytes]", *, host: str, port: str, log: Path
) -> None:
    """Raises NotReady when the processes end, or the web process does not answer in time."""
    deadline = time.monotonic() + READY_S
    while not _is_ready(host, port):
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise NotReady(
                f"网页进程没有启动，原因见 {log}。",
                f"The web process did not start; {log} says why.",
            )
        time.sleep(0.1)


def welcome(var: Path, *, address: str, phone: str = "") -> str:
    """Where to go, and who one can be there."""
    lines = [
        "",
        "问安已启动。 Wenan is running.",
        f"  患者 Patients      {address}/",
        f"  护士 Nurses        {address}/console/",
        f"  管理 Administrators {address}/admin/",
    ]
    if phone:
        lines.append(f"  演示手机 Demo phone {phone}/  （短信在此 SMS arrive here）")
    logins = var / "demo_logins.txt"
    if logins.exists():
        lines.append("  演示账号 Demo logins:")
        for line in logins.read_text().splitlines():
            lines.append("    " + "  ".join(line.split("\t")))
    lines += [f"  日志 Logs          {var / 'log'}", "  按 Ctrl-C 停止。 Ctrl-C stops it.", "", ""]
    return "\n".join(lines)


def _is_ready(host: str, port: str) -> bool:
    line = http.client.HTTPConnection(_reachable(host), int(port), timeout=2)
    try:
        line.request("GET", "/readyz")
        return line.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
