"""python -m workers.leash COMMAND …: run a command that ends when its parent does, however.

The supervisor ends its processes when it is asked to stop. Killed, it cannot; then the kernel
does it (Linux only; elsewhere the command runs unleashed).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def put_on() -> None:
    """Have the kernel send this process SIGTERM when its parent dies. Survives exec."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


if __name__ == "__main__":
    put_on()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
