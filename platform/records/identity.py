"""Who asks: a one-time code to the phone that the record knows, before anything of it is shown.

Whoever asks learns the same whether such a patient exists or not: the same answers, from the same
statements, under limits that count what was claimed and never what was found. Only the code that
reached the phone tells them apart. It is drawn when it is sent, by a worker, so that nobody can
time whether one was; the room above says what to say.
"""

import hmac
import logging
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max, Q

from events import IdentityAsked, publish
from patients.models import ContactPoint, Patient, Proxy, Purpose
from patients.services import index_phone
from records.models import DiagnosticReport, Guessing, IdentityCheck, MedicationRequest
from records.reports import Standing, settle_release, standing
from staff.models import StaffMember
from vault import access
from vault.cipher import blind_index
from vault.datakeys import open_many

logger = logging.getLogger(__name__)

CODE_LASTS = timedelta(minutes=10)
BOUND_FOR = timedelta(minutes=30)
TRIES = 3
DAY = timedelta(hours=24)
SENDS_A_RECORD = 3  # in 24 hours, as the limits that follow
CHECKS_A_CLAIM = 3  # one name with one number
CHECKS_A_PHONE = 6  # a family may share a phone
CHECKS_A_CONVERSATION = 6
FIRST_PAUSE = timedelta(seconds=30)  # doubled with each check that came to nothing
HOUSE_SPAN = timedelta(minutes=10)
CHECKS_A_HOUSE = 60  # in that span, unproven: far above a hospital's busiest hour
HOUSE_PAUSE = timedelta(minutes=1)  # doubled with every 20 refusals
LONGEST_PAUSE = timedelta(hours=1)
MANY = 20  # records of one phone number; more is a mistake of the data
_NOBODY = 0  # no row has it, so a question for it is asked and finds nothing

_TITLES = re.compile(r"(先生|女士|小姐|太太|同志)$|^(mr|mrs|ms|miss|dr)\.?\s+", re.IGNORECASE)


class NotVerified(Exception):
    """Nobody has proven in this conversation, just now, to be this patient or to act for them."""


class Reply(StrEnum):
    """What the asker is told."""

    CODE_ON_ITS_WAY = "code_on_its_way"  # "if that is what we know, a code is on its way"
    WAIT = "wait"
    ASK_NURSE = "ask_nurse"


@dataclass(frozen=True)
class Letter:
    """What to send to whom. The phone is the record's own, never the one that was typed."""

    patient: Patient
    phone: str = field(repr=False)
    code: str = field(repr=False)
    until: datetime


@dataclass(frozen=True)
class Asked:
    """The answer to who asks: the same whether there is anybody to send a code to."""

    reply: Reply
    until: datetime | None = None  # with WAIT: not before


class Verdict(StrEnum):
    VERIFIED = "verified"
    WRONG = "wrong"
    OVER = "over"  # no code is awaited: too late, too many tries, or none was asked for


@dataclass(frozen=True)
class Answered:
    verdict: Verdict
    tries_left: int = 0
    patient: Patient | None = field(default=None, repr=False)


# --- asking --------------------------------------------------------------------------------------


@transaction.atomic
def start_check(
    conversation_id: int,
    *,
    asked_by: ContactPoint,
    name: str,
    phone: str,
    identity_tail: str = "",
    now: datetime,
) -> Asked:
    """Begin to prove who asks, by a name and a phone, and the end of an identity number if given.

    Nothing is raised, so that what was counted stays counted whatever the caller does next. It
    holds the head of the access log until it commits: whoever locks other rows before calls
    `vault.access.hold_head` first.
    """
    phone_index = index_phone(phone) or index_phone("0")
    claim_index = blind_index(f"{phone_index} {_plain_name(name)}", purpose="identity.claim")
    patient = _whom(phone_index, _plain_name(name), _plain_tail(identity_tail))
    # It takes the lock of the log's head, so that nobody counts while somebody else adds.
    _log(access.Action.SEARCH, patient, reason="patient:check", now=now)
    check = IdentityCheck(
        conversation_id=conversation_id,
        asked_by=asked_by,
        phone_index=phone_index,
        claim_index=claim_index,
        started_at=now,
        expires_at=now + CODE_LASTS,
    )
    counts = _count(check, patient)
    reply, until = _may_ask(counts, now=now)
    if reply is Reply.CODE_ON_ITS_WAY:
        check.patient = patient
        check.was_sent = patient is not None and counts["record"] < SENDS_A_RECORD
        check.letter_owed_at = now
    else:
        check.refused = "too_soon" if reply is Reply.WAIT else "too_often"
    check.code_hash = _hash(check, secrets.token_hex())  # of no code: none was drawn yet
    check.save()
    if check.refused:
        _note_guessing(check, counts)
    else:
        publish(IdentityAsked(check.pk))
    return Asked(reply, until)


@transaction.atomic
def write_letter(check_id: int, *, now: datetime) -> Letter | None:
    """Draw the code of a check, for whoever sends it in this very transaction; once.

    None where there is nobody to send it to, where it is too late, or was done before.
    """
    owed = IdentityCheck.objects.owed_a_letter().filter(pk=check_id)
    if not owed.update(letter_owed_at=None):
        return None
    check = IdentityCheck.objects.select_related("patient").get(pk=check_id)
    patient = check.patient
    if patient is None or not check.was_sent or now >= check.expires_at or not _is_there(patient):
        return None
    code = f"{secrets.randbelow(10**6):06}"
    IdentityCheck.objects.filter(pk=check_id).update(code_hash=_hash(check, code))
    return Letter(patient, patient.phone or "", code, check.expires_at)


def _whom(phone_index: str, name: str, tail: str) -> Patient | None:
    """The one living patient of this name at this number; None also where two could be meant.

    A record that somebody began in a chat, by a name and a number of their own, stands in no way of
    the hospital's.
    """
    known = Patient.objects.filter(
        phone_index=phone_index, merged_into=None, erased_at=None, deceased_at=None
    )
    candidates = list(known.order_by("pk")[:MANY])
    open_many({_NOBODY, *(each.data_key_id for each in candidates)})  # one statement, found or not
    meant = [
        each
        for each in candidates
        if hmac.compare_digest(_plain_name(each.name or "\0").encode(), name.encode())
        and (not tail or _plain_tail(each.identity_number or "").endswith(tail))
    ]
    registered = [each for each in meant if each.identity_index]
    meant = registered if len(meant) > 1 and registered else meant
    return meant[0] if len(meant) == 1 and name else None


def _count(check: IdentityCheck, patient: Patient | None) -> dict[str, Any]:
    """How often of late, by everything that was claimed: one statement."""
    asked = Q(refused="")
    unproven = asked & Q(verified_at=None)
    claim = asked & Q(claim_index=check.claim_index)
    phone = asked & Q(phone_index=check.phone_index)
    place = Q(conversation_id=check.conversation_id) | Q(asked_by=check.asked_by)
    lately = Q(started_at__gt=check.started_at - HOUSE_SPAN)
    record = Q(patient=patient.pk if patient else _NOBODY, was_sent=True)
    recent = IdentityCheck.objects.filter(started_at__gt=check.started_at - DAY)
    return recent.aggregate(
        claim=Count("pk", filter=claim),
        phone=Count("pk", filter=phone),
        phone_failed=Count("pk", filter=phone & unproven),
        phone_at=Max("started_at", filter=phone),
        phone_refused=Count("pk", filter=~asked & Q(phone_index=check.phone_index)),
        place=Count("pk", filter=asked & place),
        place_failed=Count("pk", filter=unproven & place),
        place_at=Max("started_at", filter=asked & place),
        place_refused=Count("pk", filter=~asked & place),
        record=Count("pk", filter=record),
        house=Count("pk", filter=unproven & lately),
        house_at=Max("started_at", filter=unproven & lately),
        house_refused=Count("pk", filter=~asked & lately),
    )


def _may_ask(counts: dict[str, Any], *, now: datetime) -> tuple[Reply, datetime | None]:
    """By what was claimed and from where; whether somebody was found is not asked."""
    used_up = (
        counts["claim"] >= CHECKS_A_CLAIM,
        counts["phone"] >= CHECKS_A_PHONE,
        counts["place"] >= CHECKS_A_CONVERSATION,
    )
    if any(used_up):
        return Reply.ASK_NURSE, None
    pauses = [
        _pause_after(counts["place_at"], FIRST_PAUSE, counts["place_failed"] - 1),
        _pause_after(counts["phone_at"], FIRST_PAUSE, counts["phone_failed"] - 1),
    ]
    if counts["house"] >= CHECKS_A_HOUSE:
        pauses.append(_pause_after(counts["house_at"], HOUSE_PAUSE, counts["house_refused"] // 20))
    until = max((each for each in pauses if each), default=None)
    return (Reply.WAIT, until) if until and now < until else (Reply.CODE_ON_ITS_WAY, None)


def _pause_after(last: datetime | None, first: timedelta, doubled: int) -> datetime | None:
    if last is None or doubled < 0:
        return None
    pause: timedelta = first * 2 ** min(doubled, 10)
    return last + min(LONGEST_PAUSE, pause)


# --- answering -----------------------------------------------------------------------------------


@transaction.atomic
def confirm_code(conversation_id: int, code: str, *, now: datetime) -> Answered:
    """Try a code. One UPDATE counts the try before it is looked at, so no two share one."""
    check = (
        IdentityCheck.objects.select_related("patient")
        .filter(conversation_id=conversation_id, refused="")
        .order_by("-pk")
        .first()
    )
    if check is None:
        return Answered(Verdict.OVER)
    awaited = IdentityCheck.objects.filter(pk=check.pk, verified_at=None, expires_at__gt=now)
    if not awaited.filter(tries__lt=TRIES).update(tries=F("tries") + 1):
        return Answered(Verdict.OVER)
    is_right = hmac.compare_digest(_hash(check, _digits(code)), check.code_hash)
    patient = check.patient
    if not (is_right and check.was_sent and patient and _is_there(patient)):
        left = TRIES - IdentityCheck.objects.values_list("tries", flat=True).get(pk=check.pk)
        return Answered(Verdict.WRONG if left else Verdict.OVER, left)
    mine = IdentityCheck.objects.filter(conversation_id=conversation_id)
    mine.filter(verified_until__gt=now).update(verified_until=now)  # one patient at a time
    mine.filter(pk=check.pk).update(verified_at=now, verified_until=now + BOUND_FOR)
    _log(access.Action.READ, patient, reason="patient:code", now=now)
    return Answered(Verdict.VERIFIED, patient=patient)


def forget(conversation_id: int, *, now: datetime) -> None:
    """End what was proven in a conversation: another person has taken the phone."""
    proven = IdentityCheck.objects.filter(conversation_id=conversation_id)
    proven.filter(verified_until__gt=now).update(verified_until=now)


# --- what a proven asker may see -----------------------------------------------------------------


def verified_patient(conversation_id: int, *, now: datetime) -> Patient:
    """Who has proven to be whom in this conversation, just now. Raises NotVerified."""
    patient, _until = _proven(conversation_id, now=now)
    return patient


def proven_until(conversation_id: int, *, now: datetime) -> datetime:
    """How long that holds. Raises NotVerified."""
    _patient, until = _proven(conversation_id, now=now)
    return until


def _proven(conversation_id: int, *, now: datetime) -> tuple[Patient, datetime]:
    proven = IdentityCheck.objects.select_related("patient").filter(
        conversation_id=conversation_id, verified_until__gt=now, verified_at__lte=now
    )
    check = proven.order_by("-verified_at", "-pk").first()
    if check is None or check.patient is None or not _is_there(check.patient):
        raise NotVerified
    assert check.verified_until is not None
    return check.patient, check.verified_until


def patients_in_view(conversation_id: int, *, now: datetime) -> list[Patient]:
    """Oneself, and those for whom one acts with a checked proof and their consent."""
    me = verified_patient(conversation_id, now=now)
    proxies = Proxy.objects.filter(writer=me).select_related("patient").order_by("pk")
    return [me, *(each.patient for each in proxies if _may_see(each, now=now))]


def visible_reports(
    conversation_id: int, now: datetime, *, of: Patient | None = None
) -> list[DiagnosticReport]:
    """The reports of who has proven to be the patient, or acts for them. Raises NotVerified.

    `reports.standing` says what may be told of each. It is on the access log.
    """
    patient = _subject(conversation_id, of, what="reports", now=now)
    reports = list(DiagnosticReport.objects.of(patient.pk))
    for report in reports:
        if report.talk_owed_at is None and standing(report) is Standing.NEEDS_TALK:
            settle_release(report, now=now)  # a rule is newer than the report
    return reports


def visible_medications(
    conversation_id: int, now: datetime, *, of: Patient | None = None
) -> list[MedicationRequest]:
    """The same of what is prescribed and still to be taken. Raises NotVerified."""
    patient = _subject(conversation_id, of, what="medicines", now=now)
    requests = MedicationRequest.objects.filter(patient=patient).select_related("medication")
    return list(requests.current(now=now))


def _subject(conversation_id: int, of: Patient | None, *, what: str, now: datetime) -> Patient:
    me = verified_patient(conversation_id, now=now)
    if of is None or of.pk == me.pk:
        _log(access.Action.READ, me, reason=f"patient:{what}", now=now)
        return me
    proxy = Proxy.objects.select_related("patient").filter(writer=me, patient=of).first()
    if proxy is None or not _may_see(proxy, now=now):
        raise NotVerified
    _log(access.Action.READ, proxy.patient, reason=f"proxy:{what} by {me.pk}", now=now)
    return proxy.patient


def _may_see(proxy: Proxy, *, now: datetime) -> bool:
    """Staff saw the proof, and the patient agrees to the use of their health data."""
    agrees = proxy.patient.consents.in_force().filter(purpose=Purpose.HEALTH_DATA)
    return proxy.is_in_force(now) and _is_there(proxy.patient) and agrees.exists()


def _is_there(patient: Patient) -> bool:
    return patient.erased_at is None and patient.deceased_at is None


# --- guessing ------------------------------------------------------------------------------------


def _note_guessing(check: IdentityCheck, counts: dict[str, Any]) -> None:
    """Keep one open alarm for each place from which, or about which, somebody seems to guess."""
    told = (
        (Guessing.Scope.CONTACT_POINT, str(check.asked_by_id), "place"),
        (Guessing.Scope.PHONE, check.phone_index, "phone"),
        (Guessing.Scope.HOUSE, "", "house"),
    )
    limits = {"place": CHECKS_A_CONVERSATION, "phone": CHECKS_A_PHONE, "house": CHECKS_A_HOUSE}
    for scope, place, what in told:
        failed = counts.get(f"{what}_failed", counts[what])
        failures = failed + counts[f"{what}_refused"] + 1
        if failures > limits[what]:
            _raise_alarm(scope, place, failures=failures, now=check.started_at)


def _raise_alarm(scope: Guessing.Scope, place: str, *, failures: int, now: datetime) -> None:
    still_open = Guessing.objects.filter(scope=scope, place=place, seen_at=None)
    if still_open.update(failures=failures, last_at=now):
        return
    try:
        with transaction.atomic():
            Guessing.objects.create(
                scope=scope, place=place, failures=failures, noticed_at=now, last_at=now
            )
    except IntegrityError:  # another one opened it at the same moment
        still_open.update(failures=failures, last_at=now)
    else:
        logger.warning("Somebody seems to guess identities.", extra={"scope": str(scope)})


def see_guessing(guessing_id: int, *, by: StaffMember, now: datetime) -> bool:
    """Note that somebody has seen to it. False: a colleague had."""
    still_open = Guessing.objects.filter(pk=guessing_id, seen_at=None)
    return still_open.update(seen_at=now, seen_by=by) > 0


# --- small print ---------------------------------------------------------------------------------


def _log(action: access.Action, patient: Patient | None, *, reason: str, now: datetime) -> None:
    access.record(
        action,
        actor_id=None,
        subject="patient",
        subject_id=patient.pk if patient else None,
        reason=reason,
        now=now,
    )


def _hash(check: IdentityCheck, code: str) -> str:
    """Bound to its check: the same code of another one is another hash."""
    place = f"{check.conversation_id} {check.started_at.timestamp()} {check.claim_index}"
    return blind_index(f"{place} {code}", purpose="identity.code")


def _plain_name(name: str) -> str:
    plain = _TITLES.sub("", unicodedata.normalize("NFKC", name).strip().casefold())
    return re.sub(r"[\s·•.'-]", "", plain)


def _plain_tail(number: str) -> str:
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number)).upper()


def _digits(code: str) -> str:
    return re.sub(r"\D", "", unicodedata.normalize("NFKC", code))
