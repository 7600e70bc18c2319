"""A hospital that wants no SMS takes the folder away: what is left works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from adapters.registry import ADAPTERS

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import django
django.setup()
from django.core.management import call_command
from adapters.registry import ADAPTERS
from channels_app.rehearsal.cast import all_lines
call_command("check")
call_command("makemigrations", "--check", "--dry-run", verbosity=0)
print(sorted(ADAPTERS), [line.kind for line in all_lines()])
"""


def test_deleting_a_folder_and_its_lines_leaves_a_working_product(tmp_path: Path) -> None:
    kinds = sorted(set(ADAPTERS) - {"web"})
    running = {kind: _run_without(kind, tmp_path / kind) for kind in kinds}  # all at once
    for kind, process in running.items():
        said, complaint = process.communicate()

        assert process.returncode == 0, (kind, complaint)
        assert str(sorted(set(ADAPTERS) - {kind})) in said
        assert f"'{kind}'" not in said


def _run_without(kind: str, folder: Path) -> "subprocess.Popen[str]":
    for name in ("platform", "channels_app", "workers"):
        shutil.copytree(
            ROOT / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.onnx", "*.jsonl", "locale"),
        )
    shutil.rmtree(folder / "platform" / "adapters" / kind)
    for page in ("platform/adapters/registry.py", "channels_app/rehearsal/cast.py"):
        _take_out(folder / page, kind)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{folder / 'platform'}{os.pathsep}{folder}",
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _take_out(page: Path, kind: str) -> None:
    """The import of this folder, and the line that names the kind."""
    lines = page.read_text().splitlines()
    gone = re.compile(rf'from adapters\.{kind}\.|^    "{kind}":|Line\("{kind}"')
    kept = [line for line in lines if not gone.search(line)]
    assert len(kept) < len(lines)
    page.write_text("\n".join(kept) + "\n")
