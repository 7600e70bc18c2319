"""A hospital without outside systems takes the folder away: what is left works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import django
django.setup()
from django.core.management import call_command
import workers.listeners, workers.sweeps
call_command("check")
call_command("makemigrations", "--check", "--dry-run", verbosity=0)
from workers.sweeps import SCHEDULE
print(len(SCHEDULE), "sweeps")
"""
PAGES = {
    "platform/config/settings/base.py": r'^    "adapters\.fhir",\n',
    "platform/config/settings/unfold.py": r'^.*"fhir\.\w+"\),\n',
    "workers/listeners.py": r"^from adapters\.fhir.*\n|^    owe_word\(.*\n"
    r"|^@shared_task\(name=ExchangeFellDue.*\n(?:.+\n)+\n\n",
    "workers/sweeps.py": r'^from adapters\.fhir.*\n|^    "sweep\.exchanges".*\n'
    r'|^@shared_task\(name="sweep\.exchanges".*\n(?:.+\n)+\n\n',
}


def test_deleting_the_folder_and_its_lines_leaves_a_working_product(tmp_path: Path) -> None:
    for name in ("platform", "channels_app", "workers"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.onnx", "*.jsonl", "locale"),
        )
    shutil.rmtree(tmp_path / "platform" / "adapters" / "fhir")
    for page, lines in PAGES.items():
        kept, gone = re.subn(lines, "", (tmp_path / page).read_text(), flags=re.MULTILINE)
        assert gone
        (tmp_path / page).write_text(kept)

    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path / 'platform'}{os.pathsep}{tmp_path}",
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert "sweeps" in ran.stdout
    assert not re.search(r"adapters\.fhir", "".join(_texts(tmp_path)))


def _texts(folder: Path) -> list[str]:
    return [page.read_text() for page in folder.rglob("*.py") if "migrations" not in page.parts]
