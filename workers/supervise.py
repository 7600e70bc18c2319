"""Keep the Procfile's processes running, by supervisord.

A process that dies is started again within a second; a stop ends them all. Their output goes to
var/log/<name>.log, a new file every 10 MB.
"""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

STOP_S = 15  # for a worker to finish what it does; the web process needs 5


def read_procfile(path: Path) -> dict[str, str]:
    """Process names and their shell commands."""
    lines = (line.strip() for line in path.read_text().splitlines())
    named = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _, command in named}


def configuration(processes: dict[str, str], *, root: Path, var: Path) -> str:
    """supervisord's configuration for these processes."""
    return "\n".join(
        [
            "[supervisord]",
            "nodaemon=true",
            "silent=true",  # what it has to say is in its log
            f"logfile={_escaped(var / 'log' / 'supervisord.log')}",
            "logfile_maxbytes=1MB",
            f"pidfile={_escaped(var / 'supervisord.pid')}",
            f"childlogdir={_escaped(var / 'log')}",
            *(_program(name, command, root, var) for name, command in processes.items()),
            "",
        ]
    )


def start(processes: dict[str, str], *, root: Path, var: Path) -> "subprocess.Popen[bytes]":
    """Start supervisord as a child of ours, in a session of its own."""
    (var / "log").mkdir(mode=0o700, parents=True, exist_ok=True)
    written = var / "supervisord.conf"
    written.write_text(configuration(processes, root=root, var=var))
    leashed = [sys.executable, "-m", "workers.leash", sys.executable]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(  # noqa: S603
        [*leashed, "-m", "supervisor.supervisord", "-c", str(written)],
        cwd=root,
        env=os.environ | {"PATH": path},
        start_new_session=True,  # Ctrl-C is for us; we pass it on once
    )


def stop(supervisor: "subprocess.Popen[bytes]") -> None:
    """End every process, and wait until they have ended."""
    if supervisor.poll() is None:
        supervisor.send_signal(signal.SIGTERM)
    supervisor.wait()


def _program(name: str, command: str, root: Path, var: Path) -> str:
    leashed = [sys.executable, "-m", "workers.leash", "/bin/sh", "-c", command]
    return "\n".join(
        [
            "",
            f"[program:{name}]",
            f"command={_escaped(shlex.join(leashed))}",
            f"directory={_escaped(root)}",
            "autorestart=true",
            "startsecs=1",
            "startretries=1000",  # with pauses of 1 s, 2 s, 3 s …
            # To the process alone: a prefork worker's children must finish their tasks first.
            "stopasgroup=false",
            "killasgroup=true",
            f"stopwaitsecs={STOP_S}",
            f"stdout_logfile={_escaped(var / 'log' / name)}.log",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=5",
            "redirect_stderr=true",
        ]
    )


def _escaped(text: str | Path) -> str:
    return str(text).replace("%", "%%")
