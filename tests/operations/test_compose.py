"""The containers run what the Procfile runs, and nothing of theirs is open to the world."""

from pathlib import Path

import yaml

from workers.supervise import read_procfile

ROOT = Path(__file__).parents[2]
SERVERS = {"postgres", "rabbitmq", "redis"}


def services() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
        "services"
    ]
    return found


def test_every_process_of_the_procfile_has_a_container() -> None:
    processes = read_procfile(ROOT / "Procfile")

    assert services().keys() - SERVERS - {"prepare"} == processes.keys()
    for name in processes:
        assert services()[name]["command"] == ["python", "-m", "workers.process", name]


def test_only_the_web_process_is_reached_from_outside_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}

    assert ports == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}


def test_every_server_says_when_it_is_healthy() -> None:
    assert all("healthcheck" in services()[name] for name in SERVERS)
