"""Changed rules: drafted, tried on the bench, signed off, put into force, and never at a loss."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import pytest
from django.test import Client

from conftest import NOON
from staff.models import Role, StaffMember
from triage import services
from triage.bench import bank, compare, run
from triage.interview_rules import BadRules, build_rules, shipped_texts
from triage.models import RuleChange, RulesAreFixed, RuleSet, State

pytestmark = pytest.mark.django_db

TEXTS = shipped_texts()
SHIPPED = build_rules(TEXTS)


@pytest.fixture(autouse=True)
def fresh_rules() -> Iterator[None]:
    """What one test put into force is nobody else's."""
    services.forget()
    yield
    services.forget()


@pytest.fixture
def boss(staff: Callable[..., StaffMember]) -> StaffMember:
    return staff(Role.ADMIN, is_staff=True)


def changed(boss: StaffMember, file: str, old: str, new: str) -> RuleSet:
    """A draft in which one passage of one file reads otherwise."""
    assert old in TEXTS[file]
    draft = services.draft_rule_set(author=boss, now=NOON, note="a trial")
    RuleChange.objects.create(rule_set=draft, file=file, text=TEXTS[file].replace(old, new, 1))
    return draft


def in_force(boss: StaffMember, draft: RuleSet) -> RuleSet:
    signed = services.sign_off(draft, by=boss, now=NOON)
    return services.activate(signed, by=boss, now=NOON)


def harmless(boss: StaffMember) -> RuleSet:
    return changed(boss, "senses", "别掏耳朵，别进水。", "不要掏耳朵。")


def dangerous(boss: StaffMember) -> RuleSet:
    """Without the rule on weak legs, the bank's patient with back pain is told to wait."""
    return changed(boss, "bones_skin", 'level = 2\nsigns = [["back_pain"], ["fever"]]',
                   'level = 4\nsigns = [["back_pain"], ["fever"]]')  # fmt: skip


def test_the_shipped_rules_are_in_force_until_somebody_changes_them() -> None:
    assert services.rules_in_force().checksum == SHIPPED.checksum


def test_a_version_is_drafted_signed_off_and_put_into_force(boss: StaffMember) -> None:
    active = in_force(boss, harmless(boss))

    assert active.state is State.ACTIVE
    assert services.rules_in_force().checksum == active.checksum
    assert services.rules_in_force().complaints["ear_pain"].care_zh == "不要掏耳朵。"


def test_the_next_draft_starts_from_what_is_in_force(boss: StaffMember) -> None:
    in_force(boss, harmless(boss))

    draft = services.draft_rule_set(author=boss, now=NOON)

    assert draft.version == 2
    assert "不要掏耳朵。" in draft.changes.get(file="senses").text


def test_a_newer_version_takes_the_place_of_the_older(boss: StaffMember) -> None:
    first = in_force(boss, harmless(boss))

    second = in_force(boss, services.draft_rule_set(author=boss, now=NOON))

    first.refresh_from_db()
    assert (first.state, second.state) == (State.RETIRED, State.ACTIVE)


def test_another_process_follows_within_seconds(boss: StaffMember) -> None:
    there = services.Held(check_every_s=0.2)
    assert there.get().checksum == SHIPPED.checksum

    active = in_force(boss, harmless(boss))

    until = monotonic() + 60
    while there.get().checksum != active.checksum and monotonic() < until:
        sleep(0.05)
    assert there.get().checksum == active.checksum


def test_a_change_that_loses_a_red_flag_is_refused(boss: StaffMember) -> None:
    signed = services.sign_off(dangerous(boss), by=boss, now=NOON)

    with pytest.raises(services.LosesRedFlag) as refused:
        services.activate(signed, by=boss, now=NOON)

    lost = {case.text for case in bank() if case.id in refused.value.cases}
    assert "腰疼发烧" in lost
    assert services.rules_in_force().checksum == SHIPPED.checksum


def test_the_bench_shows_what_would_change(boss: StaffMember) -> None:
    trial = services.try_out(dangerous(boss))

    assert trial.lost
    worst = trial.changes[0]
    assert worst.loses_red_flag
    assert (worst.level_before, worst.level_after) < (worst.level_after, worst.level_after)
    assert trial.after.under_triage > trial.before.under_triage


def test_rules_that_cannot_be_read_are_not_signed_off(boss: StaffMember) -> None:
    draft = changed(boss, "head", 'id = "headache"', 'id = "fever"')

    with pytest.raises(BadRules, match="written twice"):
        services.sign_off(draft, by=boss, now=NOON)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("this is no TOML [", "head"),
        ('status = "x"\n[[rule]]\nid = "a"', "head: KeyError"),
        (TEXTS["head"].replace('["stiff_neck"]', '["stiff_nek"]'), "stiff_nek"),
        (
            TEXTS["head"].replace('departments = ["神经内科"]', 'departments = ["魔法科"]', 1),
            "魔法科",
        ),
        (TEXTS["head"].replace("min_months", "min_moths", 1), "min_moths"),
    ],
    ids=["no toml", "no name", "unknown sign", "unknown department", "unknown condition"],
)
def test_a_broken_rule_says_where(broken: str, why: str) -> None:
    with pytest.raises(BadRules, match=why):
        build_rules(TEXTS | {"head": broken})


def test_what_becomes_unreadable_gives_way_to_the_shipped_rules(boss: StaffMember) -> None:
    active = in_force(boss, harmless(boss))
    RuleChange.objects.filter(rule_set=active).update(text="gone wrong [")
    services.forget()

    assert services.rules_in_force().checksum == SHIPPED.checksum


def test_a_signed_off_version_stays_as_it_is(boss: StaffMember) -> None:
    signed = services.sign_off(harmless(boss), by=boss, now=NOON)
    changed_file = signed.changes.get()

    with pytest.raises(RulesAreFixed):
        changed_file.save()
    with pytest.raises(RulesAreFixed):
        changed_file.delete()
    with pytest.raises(RulesAreFixed):
        signed.delete()
    with pytest.raises(services.AlreadySignedOff):
        services.sign_off(signed, by=boss, now=NOON)


def test_a_draft_is_not_put_into_force(boss: StaffMember) -> None:
    with pytest.raises(services.NotSignedOff):
        services.activate(harmless(boss), by=boss, now=NOON)


def test_who_lacks_the_right_changes_nothing(
    boss: StaffMember, staff: Callable[..., StaffMember]
) -> None:
    nurse, head = staff(Role.NURSE), staff(Role.HEAD_NURSE)
    draft = harmless(boss)

    with pytest.raises(services.MayNot):
        services.sign_off(draft, by=nurse, now=NOON)
    signed = services.sign_off(draft, by=head, now=NOON)
    with pytest.raises(services.MayNot):
        services.activate(signed, by=head, now=NOON)
    with pytest.raises(services.MayNot):
        services.return_to_shipped(by=head)


def test_one_can_always_return_to_the_shipped_rules(boss: StaffMember) -> None:
    in_force(boss, harmless(boss))

    services.return_to_shipped(by=boss)

    assert services.rules_in_force().checksum == SHIPPED.checksum


@pytest.fixture
def browser(boss: StaffMember) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(boss)
    return client


def _says(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_the_admin_drafts_a_version_and_copies_the_file_to_edit(browser: Client) -> None:
    browser.post("/admin/triage/ruleset/add/", {"note": "ears"})
    draft = RuleSet.objects.get()

    browser.post(
        f"/admin/triage/ruleset/{draft.pk}/change/",
        {
            "note": "ears", "changes-TOTAL_FORMS": "1", "changes-INITIAL_FORMS": "0",
            "changes-0-file": "senses", "changes-0-text": "",
        },
    )  # fmt: skip

    assert draft.changes.get().text == TEXTS["senses"]


def test_the_page_shows_the_bench_and_refuses_what_loses_a_red_flag(
    browser: Client, boss: StaffMember
) -> None:
    draft = dangerous(boss)
    where = f"/admin/triage/ruleset/{draft.pk}"

    bench = browser.get(f"{where}/bench/").content.decode()
    signed = browser.get(f"{where}/sign-off/", follow=True)
    refused = browser.get(f"{where}/activate/", follow=True)

    assert "腰疼发烧" in bench
    assert "loses a red flag" in bench
    assert _says(signed) == ["The version is signed off."]
    assert "it would lose a red flag" in _says(refused)[0]
    assert not RuleSet.objects.active().exists()


def test_the_page_puts_a_harmless_version_into_force(browser: Client, boss: StaffMember) -> None:
    where = f"/admin/triage/ruleset/{harmless(boss).pk}"

    browser.get(f"{where}/sign-off/")
    done = browser.get(f"{where}/activate/", follow=True)

    assert _says(done)[-1] == "The version is in force."
    assert RuleSet.objects.active().exists()
    back = browser.get("/admin/triage/ruleset/shipped/", follow=True)
    assert _says(back)[-1] == "The shipped rules are in force."


def test_a_bench_compares_case_by_case() -> None:
    results = run(SHIPPED, bank()[:20])

    assert compare(results, results) == []
