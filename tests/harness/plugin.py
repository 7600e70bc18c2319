"""How the same tests run twice: on SQLite and the embedded broker, then on real servers.

The first run leaves out what is marked `servers`. The second, whose environment names the
servers, leaves out what touches no database, or only an account's row to speak with a vendor
(`vendor`), or proves the same whatever stores it (`once`), and so has nothing new to say. With CI
set, a skipped test fails the run: whatever is left out there has to be left out by one of these
rules.
"""

import os

import pytest

ON_SERVERS = bool(os.environ.get("BROKER_URL"))
NOTHING_MAY_BE_SKIPPED = os.environ.get("CI") == "true"

_skipped: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers: needs PostgreSQL, RabbitMQ or Redis")
    config.addinivalue_line(
        "markers", "vendor: asks how we speak with a vendor, not what is stored"
    )
    config.addinivalue_line("markers", "once: what it proves does not hang on the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = [item for item in items if _belongs_here(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if NOTHING_MAY_BE_SKIPPED and _skipped and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if NOTHING_MAY_BE_SKIPPED and _skipped:
        terminalreporter.section("skipped, which fails this run")
        terminalreporter.write_line("\n".join(_skipped))


def _belongs_here(item: pytest.Item) -> bool:
    needs_servers = item.get_closest_marker("servers") is not None
    if not ON_SERVERS:
        return not needs_servers
    if any(item.get_closest_marker(said_once) for said_once in ("vendor", "once")):
        return False
    fixtures = getattr(item, "fixturenames", ())
    touches_rows = item.get_closest_marker("django_db") is not None or any(
        name in fixtures for name in ("db", "transactional_db", "live_server", "house")
    )
    return needs_servers or touches_rows
