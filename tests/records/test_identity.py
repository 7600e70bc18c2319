"""Identity first: who proves it sees their own, and nobody learns from asking."""

import random
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import NOON
from harness.letters import letter_of
from patients.models import Channel, Proxy, Purpose
from patients.services import (
    create_patient,
    erase_patient,
    give_consent,
    meet,
    merge_patients,
    update_patient,
)
from records.identity import (
    CHECKS_A_HOUSE,
    Asked,
    NotVerified,
    Reply,
    Verdict,
    confirm_code,
    patients_in_view,
    start_check,
    verified_patient,
    visible_medications,
    visible_reports,
    write_letter,
)
from records.medications import file_prescription
from records.models import Guessing, IdentityCheck
from records.reports import file_report
from vault import access, datakeys
from vault.models import AccessEntry

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def blood_count(patient, **fields):  # type: ignore[no-untyped-def]
    given = {
        "external_id": f"r{patient.pk}",
        "name": "血常规",
        "category": "lab",
        "status": "final",
    }
    return file_report(patient, **{**given, **fields}, now=NOON)


# --- the way of an honest patient ----------------------------------------------------------------


def test_a_patient_proves_who_they_are_and_sees_their_reports(wang, asks) -> None:  # type: ignore[no-untyped-def]
    report = blood_count(wang)

    asked = asks()
    answered = confirm_code(1, asked.letter.code, now=NOON + MINUTE)

    assert asked.reply == Reply.CODE_ON_ITS_WAY
    assert (asked.letter.patient, asked.letter.phone) == (wang, "13800000001")
    assert answered.verdict == Verdict.VERIFIED
    assert visible_reports(1, NOON + MINUTE) == [report]


@pytest.mark.parametrize(
    ("name", "phone", "tail"),
    [
        ("王小明", "+86 138-0000-0001", ""),
        ("王 小明先生", "１３８０００００００１", "002x"),
    ],
)
def test_names_and_numbers_are_taken_as_people_write_them(wang, asks, name, phone, tail) -> None:  # type: ignore[no-untyped-def]
    assert asks(name, phone, tail=tail).letter is not None


@pytest.mark.parametrize("typed", ["{}", " {} ", "验证码是{}"])
def test_a_code_is_taken_as_people_type_it(wang, asks, typed) -> None:  # type: ignore[no-untyped-def]
    code = asks().letter.code

    assert confirm_code(1, typed.format(code), now=NOON).verdict == Verdict.VERIFIED


def test_the_code_lasts_ten_minutes(wang, asks) -> None:  # type: ignore[no-untyped-def]
    code = asks().letter.code

    assert confirm_code(1, code, now=NOON + 10 * MINUTE).verdict == Verdict.OVER


def test_three_tries_then_even_the_right_code_is_of_no_use(wang, asks) -> None:  # type: ignore[no-untyped-def]
    code = asks().letter.code
    wrong = f"{(int(code) + 1) % 10**6:06}"

    answers = [confirm_code(1, wrong, now=NOON) for _ in range(3)]

    assert [(each.verdict, each.tries_left) for each in answers] == [
        (Verdict.WRONG, 2), (Verdict.WRONG, 1), (Verdict.OVER, 0),
    ]  # fmt: skip
    assert confirm_code(1, code, now=NOON).verdict == Verdict.OVER


def test_what_was_proven_holds_half_an_hour_in_that_conversation_alone(wang, prove) -> None:  # type: ignore[no-untyped-def]
    prove(wang, conversation=1)

    assert verified_patient(1, now=NOON + 29 * MINUTE) == wang
    for conversation, when in ((1, NOON + 30 * MINUTE), (2, NOON)):
        with pytest.raises(NotVerified):
            visible_reports(conversation, when)


def test_a_code_is_good_once_and_in_its_own_conversation(wang, asks) -> None:  # type: ignore[no-untyped-def]
    code = asks().letter.code
    asks("李四", "13900000000", conversation=2)

    assert confirm_code(2, code, now=NOON).verdict == Verdict.WRONG
    assert confirm_code(1, code, now=NOON).verdict == Verdict.VERIFIED
    assert confirm_code(1, code, now=NOON).verdict == Verdict.OVER


def test_who_proves_to_be_another_is_the_first_no_longer(wang, prove) -> None:  # type: ignore[no-untyped-def]
    li = create_patient(name="李四", phone="13900000002")
    prove(wang, conversation=1)

    prove(li, conversation=1, now=NOON + MINUTE)

    assert verified_patient(1, now=NOON + 2 * MINUTE) == li


def test_two_of_a_family_on_one_phone_are_told_apart(wang, asks) -> None:  # type: ignore[no-untyped-def]
    son = create_patient(name="王明明", phone="13800000001")

    assert asks("王明明").letter.patient == son


def test_a_record_begun_in_a_chat_stands_in_no_ones_way(wang, asks) -> None:  # type: ignore[no-untyped-def]
    create_patient(name="王小明", phone="13800000001")

    assert asks().letter.patient == wang


def test_a_letter_is_written_once_and_not_too_late(wang, visitor) -> None:  # type: ignore[no-untyped-def]
    def ask(number: int) -> int:
        start_check(
            number, asked_by=visitor(number), name="王小明", phone="13800000001",
            now=NOON + number * MINUTE,
        )  # fmt: skip
        return IdentityCheck.objects.latest("pk").pk

    first, second = ask(1), ask(2)

    assert write_letter(first, now=NOON + MINUTE) is not None
    assert write_letter(first, now=NOON + MINUTE) is None
    assert write_letter(second, now=NOON + 12 * MINUTE) is None
    assert not IdentityCheck.objects.owed_a_letter().exists()


def test_no_code_is_good_before_its_letter_is_written(wang, visitor) -> None:  # type: ignore[no-untyped-def]
    start_check(1, asked_by=visitor(1), name="王小明", phone="13800000001", now=NOON)

    assert confirm_code(1, "", now=NOON).verdict == Verdict.WRONG


def test_two_of_one_name_on_one_phone_need_the_identity_number(wang, asks) -> None:  # type: ignore[no-untyped-def]
    create_patient(name="王小明", phone="13800000001", identity_number="110105200001011234")

    assert asks().letter is None
    assert asks(tail="1234", now=NOON + MINUTE).letter is not None


def test_three_sends_a_day_then_a_nurse(wang, asks) -> None:  # type: ignore[no-untyped-def]
    replies = [asks(conversation=n, now=NOON + n * HOUR) for n in range(1, 5)]

    assert [each.reply for each in replies] == [*[Reply.CODE_ON_ITS_WAY] * 3, Reply.ASK_NURSE]
    assert [each.letter is not None for each in replies] == [True, True, True, False]


def test_no_record_gets_a_fourth_code_however_it_is_asked_for(wang, asks) -> None:  # type: ignore[no-untyped-def]
    for number in range(1, 4):
        asks(conversation=number, now=NOON + number * HOUR)
    update_patient(wang, phone="13800000009")

    asked = asks(phone="13800000009", conversation=4, now=NOON + 5 * HOUR)

    assert (asked.reply, asked.letter) == (Reply.CODE_ON_ITS_WAY, None)


def test_who_asks_again_at_once_waits_longer_each_time(wang, asks) -> None:  # type: ignore[no-untyped-def]
    asks("甲", "13911111111")
    first = asks("乙", "13911111112", now=NOON + SECOND)
    asks("乙", "13911111112", now=NOON + 30 * SECOND)
    second = asks("丙", "13911111113", now=NOON + 31 * SECOND)

    assert first.until == NOON + 30 * SECOND
    assert second.until == NOON + 90 * SECOND


def test_an_erased_a_merged_or_a_dead_patient_is_nobodys(wang, prove, asks) -> None:  # type: ignore[no-untyped-def]
    prove(wang, conversation=1)
    erase_patient(wang, now=NOON)

    with pytest.raises(NotVerified):
        verified_patient(1, now=NOON)
    create_patient(name="赵六", phone="13800000007", deceased_at=NOON)
    assert asks("赵六", "13800000007", conversation=2).letter is None


def test_what_was_proven_survives_a_merge(wang, prove) -> None:  # type: ignore[no-untyped-def]
    prove(wang, conversation=1)
    into = create_patient(name="王小明")

    merge_patients(wang, into=into)

    assert verified_patient(1, now=NOON) == into


# --- family --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verified", "agreed", "ended", "sees"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, False, False, False),
        (True, True, True, False),
    ],
)
def test_family_sees_only_with_a_checked_proof_and_consent(  # type: ignore[no-untyped-def]
    wang, web: Channel, nurse, prove, verified, agreed, ended, sees
) -> None:
    mother = create_patient(name="张兰", phone="13800000003")
    report = blood_count(mother)
    Proxy.objects.create(
        writer=wang,
        patient=mother,
        verified_at=NOON if verified else None,
        verified_by=nurse if verified else None,
        ends_at=NOON if ended else None,
    )
    if agreed:
        give_consent(mother, Purpose.HEALTH_DATA, text_version="1", channel=web, now=NOON)
    prove(wang, conversation=1)

    assert patients_in_view(1, now=NOON) == ([wang, mother] if sees else [wang])
    if sees:
        assert visible_reports(1, NOON, of=mother) == [report]
        last = AccessEntry.objects.order_by("-number").first()
        assert (last.subject_id, last.reason) == (mother.pk, f"proxy:reports by {wang.pk}")
    else:
        with pytest.raises(NotVerified):
            visible_reports(1, NOON, of=mother)


def test_a_stranger_is_no_family(wang, prove) -> None:  # type: ignore[no-untyped-def]
    prove(wang, conversation=1)

    with pytest.raises(NotVerified):
        visible_reports(1, NOON, of=create_patient(name="李四"))


def test_every_look_is_on_the_log(wang, prove) -> None:  # type: ignore[no-untyped-def]
    prescribed = file_prescription(wang, external_id="p1", drug="布洛芬", dose="0.3 g", now=NOON)
    prove(wang, conversation=1)
    visible_reports(1, NOON)
    assert visible_medications(1, NOON) == [prescribed]

    looks = AccessEntry.objects.order_by("number").values_list("actor_id", "subject_id", "reason")
    assert list(looks) == [
        (None, wang.pk, "patient:check"),
        (None, wang.pk, "patient:code"),
        (None, wang.pk, "patient:reports"),
        (None, wang.pk, "patient:medicines"),
    ]


# --- the attacker --------------------------------------------------------------------------------


def steps(act) -> tuple[object, list[str]]:  # type: ignore[no-untyped-def]
    """What an act answered, and the statements that it took, without their values."""
    datakeys.forget()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = act()
    return answer, [re.sub(r'"s\d+_x\d+"', "", query["sql"])[:40] for query in captured]


@pytest.mark.parametrize(
    ("name", "phone"),
    [("王小明", "13900000000"), ("李四", "13800000001"), ("李四", "13900000000"), ("", "")],
    ids=["wrong number", "wrong person", "nobody", "nothing"],
)
def test_right_and_wrong_are_answered_alike_by_the_same_statements(  # type: ignore[no-untyped-def]
    wang, visitor, name, phone
) -> None:
    blood_count(wang)
    for number in (1, 2):
        visitor(number)

    def ask(name: str, phone: str, *, number: int, now: datetime) -> Asked:
        return start_check(number, asked_by=visitor(number), name=name, phone=phone, now=now)

    right, right_steps = steps(lambda: ask("王小明", "13800000001", number=1, now=NOON))
    wrong, wrong_steps = steps(lambda: ask(name, phone, number=2, now=NOON + HOUR))
    letter = letter_of(1, now=NOON)
    assert letter is not None
    off = f"{(int(letter.code) + 1) % 10**6:06}"
    right_try, right_try_steps = steps(lambda: confirm_code(1, off, now=NOON))
    wrong_try, wrong_try_steps = steps(lambda: confirm_code(2, off, now=NOON + HOUR))

    assert right == wrong
    assert letter_of(2, now=NOON + HOUR) is None
    assert right_steps == wrong_steps
    assert right_try == wrong_try
    assert right_try_steps == wrong_try_steps


def test_a_thousand_guesses_learn_nothing_are_slowed_logged_and_shown(  # type: ignore[no-untyped-def]
    wang, web: Channel
) -> None:
    """A hundred visitors guess names, phones and codes for an hour; half of them at a real patient.

    What they hear is compared between those who happen to be right and those who are not.
    """
    blood_count(wang, name="HIV抗体")
    dice = random.Random(5)
    points = [meet(web, address=f"guesser-{number}") for number in range(100)]
    heard: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    letters, now = [], NOON
    for _ in range(500):
        now += timedelta(seconds=dice.randrange(1, 15))
        number = dice.randrange(100)
        aims = number % 2 == 0
        asked = start_check(
            number,
            asked_by=points[number],
            name=dice.choice(["王小明", "王芳", "李伟"]),
            phone="13800000001" if aims else f"139{number:08}",
            now=now,
        )
        heard[aims][asked.reply] += 1
        letters += [letter] if (letter := letter_of(number, now=now)) else []
        answered = confirm_code(number, f"{dice.randrange(10**6):06}", now=now)
        heard[aims][answered.verdict] += 1
        with pytest.raises(NotVerified):
            visible_reports(number, now)

    # Nothing is learnt: nobody is let in, and three codes went to the patient's own phone at most.
    assert not IdentityCheck.objects.exclude(verified_at=None).exists()
    assert Verdict.VERIFIED not in heard[True] | heard[False]
    assert len(letters) <= 3
    # Slowed: of a thousand guesses few were even looked at.
    looked_at = IdentityCheck.objects.filter(refused="").count()
    assert looked_at < 250
    assert heard[True][Reply.WAIT] + heard[True][Reply.ASK_NURSE] > 200
    # Logged, each of them, in a chain that stands; and shown.
    assert IdentityCheck.objects.count() == 500
    assert AccessEntry.objects.filter(reason="patient:check").count() == 500
    assert access.verify() is None
    assert set(Guessing.objects.values_list("scope", flat=True)) == {"contact", "phone", "house"}
    print(f"\n1,000 guesses: {looked_at} looked at, {len(letters)} codes, {dict(heard[True])}")


def test_a_guesser_hears_the_same_of_a_patient_and_of_nobody(wang, web: Channel) -> None:  # type: ignore[no-untyped-def]
    """The same attack against a real and against an invented number: not a word differs."""
    heard = []
    for target, phone in enumerate(("13800000001", "13911111111")):
        dice, now, said = random.Random(9), NOON + target * 48 * HOUR, []
        for guess in range(60):
            now += timedelta(seconds=dice.randrange(1, 400))
            number = 1_000 * target + dice.randrange(9)
            point = meet(web, address=f"guesser-{number}")
            name = dice.choice(["王小明", "王芳"])
            asked = start_check(number, asked_by=point, name=name, phone=phone, now=now)
            wait = asked.until - now if asked.until else None
            tried = confirm_code(number, f"x{guess}", now=now)
            said.append((asked.reply, wait, tried.verdict, tried.tries_left))
        heard.append(said)

    assert heard[0] == heard[1]


def test_many_guessers_at_once_slow_the_whole_house(web: Channel) -> None:
    for number in range(CHECKS_A_HOUSE + 1):
        point = meet(web, address=f"guesser-{number}")
        asked = start_check(
            number, asked_by=point, name=f"甲{number}", phone=f"137{number:08}", now=NOON
        )

    assert asked.reply == Reply.WAIT
    assert asked.until == NOON + MINUTE
    assert Guessing.objects.get(scope="house").failures == CHECKS_A_HOUSE + 1


@pytest.mark.django_db(transaction=True)
def test_twenty_codes_at_once_are_three_tries(log_in_real_transactions, wang, asks) -> None:  # type: ignore[no-untyped-def]
    code = int(asks().letter.code)

    def guess(step: int) -> str:
        try:
            return str(confirm_code(1, f"{(code + step) % 10**6:06}", now=NOON).verdict)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        verdicts = Counter(pool.map(guess, range(1, 21)))

    assert IdentityCheck.objects.get().tries == 3
    assert verdicts[Verdict.WRONG] <= 2
    assert confirm_code(1, f"{code:06}", now=NOON).verdict == Verdict.OVER


@pytest.mark.django_db(transaction=True)
def test_ten_askers_at_once_get_three_codes_for_one_record(
    log_in_real_transactions, wang, visitor, asks
) -> None:  # type: ignore[no-untyped-def]
    for number in range(1, 11):
        visitor(number)

    def ask(number: int) -> bool:
        try:
            return asks(conversation=number, now=NOON + number * HOUR).letter is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(ask, range(1, 11)))

    assert sent == 3


def test_no_row_of_a_check_holds_name_number_or_code(wang, asks) -> None:  # type: ignore[no-untyped-def]
    asked = asks()

    row = str(IdentityCheck.objects.values().get())
    assert not any(word in row for word in ("王小明", "13800000001", asked.letter.code))
    assert not any(word in repr(asked) for word in ("王小明", "13800000001", asked.letter.code))
