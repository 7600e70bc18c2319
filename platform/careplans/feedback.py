"""How it was: asked once, sorted by rule, brought to whom it concerns, and answered for."""

import re
import unicodedata
from collections import defaultdict
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from django.db import transaction
from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from careplans.models import Feedback, FeedbackDigest, Sort
from careplans.timing import Quiet, instant
from conversations.models import Author, Conversation, Owner
from conversations.services import queue_reply
from hospital.models import Department, Doctor, Hospital
from patients.models import Consent, Patient, Purpose
from staff.models import StaffMember
from tickets.models import Outcome, Reason, Ticket
from tickets.services import hand_over
from triage.labels import Urgency

AFTER = timedelta(minutes=30)  # a ticket was resolved: whoever has more to say says it first
NOT_LATER = timedelta(days=2)  # what was owed longer is not asked any more
NOT_AGAIN = timedelta(days=30)  # one patient is asked at most so often
ANSWERED_WITHIN = timedelta(days=7)
AT_ONCE = 100
QUIET = Quiet(clock_time(20), clock_time(9))
LOW, HIGH = 2, 4  # ratings: up to LOW unhappy, from HIGH happy

_URGENT = re.compile(
    r"投诉|举报|误诊|漏诊|打错|发错|拿错|开错|用错|输错|医疗事故|事故|推搡|骂|歧视|泄露|隐私|告(你|他|她|医院|到)|律师|起诉|曝光|骚扰"
    r"|complain|misdiagnos|wrong (drug|medicine|medication|patient|dose)|malpractice|lawyer|sue\b"
    r"|harass|insult|privacy|leak"
)
_BAD = re.compile(
    r"不满|太差|很差|差评|糟|失望|等(了)?(太|很|好)久|等了.{0,6}(小时|钟头)|态度(不好|差|恶劣)|没人(理|管)|敷衍|乱收费|生气|难用|骗"
    r"|bad|terrible|awful|rude|waited|disappoint|unhappy|nobody (helped|answered)|useless"
)
_GOOD = re.compile(
    r"谢|感激|感恩|耐心|细心|热情|周到|专业|好评|赞|贴心|暖|表扬|很好|挺好|真好|太好|好得很|做得好|满意|清楚|放心|和气|负责"
    r"|thank|kind|helpful|patient|friendly|great|good|wonderful|excellent|professional|best|grateful"
)
_WISH = re.compile(
    r"建议|希望|能不能|可以(再|多|加)|最好|要是|如果能|应该|改进|增加|wish|suggest|should|could you|would be (nice|good|better)|please add|improve"
)
_WORDS = {
    "满分": 5, "给满分": 5, "打满分": 5, "好评": 5, "五星好评": 5, "差评": 1, "0分": 1, "零分": 1, "挺好": 4, "挺好的": 4,
    "非常满意": 5, "很满意": 5, "特别好": 5, "非常好": 5, "很好": 5, "满意": 4, "不错": 4, "还行": 3, "一般": 3,
    "还可以": 3, "不满意": 2, "不太满意": 2, "不好": 2, "很差": 1, "太差": 1, "非常不满意": 1, "很不满意": 1,
    "excellent": 5, "very good": 5, "great": 5, "good": 4, "ok": 3, "okay": 3, "so so": 3,
    "not good": 2, "bad": 2, "very bad": 1, "terrible": 1,
}  # fmt: skip
_STARS = re.compile(r"^([1-5一二两三四五])\s*(分|星|颗星|stars?|points?|/ ?5)?$")
FACES = "👍👌🌹😊🙏❤\ufe0f "
CLAUSE = re.compile(r"[,，。.!！;；\n]|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_ZH = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}


class AlreadyRated(Exception):
    """The patient has said how it was."""


def read_rating(text: str) -> int | None:
    """1 to 5 where a text, or its first clause, says so: "5", "四星", "很满意,谢谢"."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    first = CLAUSE.split(plain, maxsplit=1)[0].strip().rstrip(FACES)
    if found := _STARS.match(first):
        return _ZH.get(found[1]) or int(found[1])
    return _WORDS.get(first)


def sort_of(rating: int | None, words: str) -> tuple[str, bool]:
    """What it is, and whether somebody has to act at once. Pure.

    The rating says how they feel; words that name a wrong count whatever the rating.
    """
    plain = unicodedata.normalize("NFKC", words).casefold()
    is_urgent = bool(_URGENT.search(plain)) and (rating or LOW) <= 3
    if is_urgent or (rating is not None and rating <= LOW):
        return Sort.COMPLAINT, is_urgent
    if _BAD.search(plain) and (rating or 3) < HIGH:
        return Sort.COMPLAINT, False
    if _WISH.search(plain):
        return Sort.SUGGESTION, False
    glad = rating >= HIGH if rating is not None else _GOOD.search(plain) is not None
    return (Sort.PRAISE if glad else Sort.SUGGESTION), False


def owe_after_tickets(*, now: datetime) -> int:
    """Note that tickets which helped are to be asked about; returns how many."""
    resolved = Ticket.objects.filter(
        resolved_at__gt=now - NOT_LATER,
        resolved_at__lte=now - AFTER,
        outcome=Outcome.HELPED,
        feedback=None,
    ).select_related("conversation__contact_point__patient", "department")
    return sum(
        _owe(
            ticket.conversation.contact_point.patient,
            ticket.conversation,
            ticket=ticket,
            department=ticket.department,
            now=now,
        )
        for ticket in resolved.order_by("resolved_at")[:AT_ONCE]
    )


def owe_for_visit(
    visit_id: int,
    *,
    patient: Patient,
    conversation: Conversation,
    now: datetime,
    doctor: Doctor | None = None,
    department: Department | None = None,
) -> bool:
    """Note that a visit is to be asked about, once."""
    if Feedback.objects.filter(visit_id=visit_id).exists():
        return False
    return _owe(
        patient, conversation, now=now, visit_id=visit_id, doctor=doctor, department=department
    )


def _owe(patient: Patient, conversation: Conversation, *, now: datetime, **about: Any) -> bool:
    """False for whoever was asked lately, or wants nothing of the kind."""
    agreed = patient.consents.in_force().filter(purpose=Purpose.REMINDERS).exists()
    lately = Feedback.objects.filter(patient=patient, created_at__gt=now - NOT_AGAIN)
    if not agreed or patient.deceased_at or patient.erased_at or lately.exists():
        return False
    Feedback.objects.create(
        patient=patient,
        data_key_id=patient.data_key_id,
        conversation=conversation,
        created_at=now,
        **about,
    )
    return True


def ask_owed_feedback(*, now: datetime) -> int:
    """Ask how it was, by day and while no nurse speaks; returns how many were asked."""
    if QUIET.covers(now.astimezone(Hospital.objects.this_one().zone).time()):
        return 0
    owed = _reachable().filter(asked_at=None, created_at__gt=now - NOT_LATER)
    return sum(_ask(each, now=now) for each in owed.select_related("conversation")[:AT_ONCE])


def _reachable() -> "QuerySet[Feedback]":
    """Of those to whom something may be said unasked just now."""
    agreed = Consent.objects.in_force().filter(
        purpose=Purpose.REMINDERS, patient=OuterRef("patient")
    )
    return Feedback.objects.filter(
        Exists(agreed),
        patient__deceased_at=None,
        patient__erased_at=None,
        conversation__owner=Owner.ASSISTANT,
    )


@transaction.atomic
def _ask(feedback: Feedback, *, now: datetime) -> bool:
    conversation = feedback.conversation
    with translation.override(conversation.language):
        text = _("How was our help? From 5, very good, to 1, poor. A few words are welcome too.")
        labels = [_("5 very good"), _("4 good"), _("3 so so"), _("2 not good"), _("1 poor")]
    queue_reply(
        conversation,
        text=text,
        author=Author.SYSTEM,
        epoch=conversation.epoch,
        details={
            "purpose": Purpose.REMINDERS.value,
            "feedback": str(feedback.uid),
            # A digit alone might answer something else that was asked meanwhile.
            "choices": [
                {
                    "label": each,
                    "text": _("Rating: %(stars)s") % {"stars": each[0]},
                    "tap": "answer",
                }
                for each in labels
            ],
        },
        client_id=feedback.uid.hex,
        now=now,
    )
    unasked = Feedback.objects.filter(pk=feedback.pk, asked_at=None)
    return bool(unasked.update(asked_at=now))


def awaiting_rating(conversation: Conversation, *, now: datetime) -> Feedback | None:
    """What we asked here and may still be told; also words that follow a rating."""
    asked = Feedback.objects.filter(conversation=conversation, asked_at__gt=now - ANSWERED_WITHIN)
    newest = asked.select_related("patient", "department").order_by("-pk").first()
    return newest if newest is not None and newest.digest_id is None else None


def begin_feedback(
    patient: Patient,
    conversation: Conversation,
    *,
    now: datetime,
    doctor: Doctor | None = None,
    department: Department | None = None,
) -> Feedback:
    """Begin what somebody tells us unasked: there is nothing to ask any more."""
    return Feedback.objects.create(
        patient=patient,
        data_key_id=patient.data_key_id,
        conversation=conversation,
        doctor=doctor,
        department=department or (doctor.department if doctor else None),
        created_at=now,
        asked_at=now,
    )


def note_about(feedback: Feedback, *, department: Department | None, doctor: Doctor | None) -> None:
    """Whom it concerns, once the patient says so; a digest that has begun keeps its own."""
    about = {"department": department, "doctor": doctor}
    said = {name: value for name, value in about.items() if value is not None}
    if Feedback.objects.filter(pk=feedback.pk, digest=None).update(**said):
        for name, value in said.items():
            setattr(feedback, name, value)


@transaction.atomic
def give_feedback(
    feedback: Feedback,
    *,
    now: datetime,
    rating: int | None = None,
    words: str = "",
    sort: str = "",
    is_handed_over: bool = False,
) -> Feedback:
    """Keep what a patient thought; what is urgent opens a ticket at once. Raises AlreadyRated.

    Words may follow a rating, each once. `sort` is what the patient calls it, which counts before
    our reading. With `is_handed_over` whoever asks brings the nurse.
    """
    row = Feedback.objects.select_for_update().get(pk=feedback.pk)
    if (rating and row.rating) or (words and row.words) or row.digest_id:
        raise AlreadyRated
    was_urgent = row.is_urgent
    row.rating = rating or row.rating
    row.words = words or row.words
    read, row.is_urgent = sort_of(row.rating, row.words or "")
    row.sort = sort or read
    row.answered_at = row.answered_at or now
    row.save()
    if row.is_urgent and not was_urgent and not is_handed_over:
        hand_over(
            row.conversation,
            reason=Reason.ANGER,
            urgency=int(Urgency.SAME_DAY),
            department=row.department,
            now=now,
        )
    return row


@transaction.atomic
def digest_feedback(*, now: datetime) -> int:
    """Put what was said in the weeks that are over before each doctor and department concerned.

    A week begins on Monday by the hospital's clock. Returns how many digests that made.
    """
    zone = Hospital.objects.this_one().zone
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    over = Feedback.objects.filter(
        digest=None, answered_at__lt=instant(monday, clock_time(0), zone)
    ).exclude(answered_at=None)
    weeks: dict[tuple[str, date], list[Feedback]] = defaultdict(list)
    for each in over.select_related("doctor", "department").defer("words"):
        assert each.answered_at is not None
        day = each.answered_at.astimezone(zone).date()
        weeks[_about(each), day - timedelta(days=day.weekday())].append(each)
    for (about, first_day), rows in weeks.items():
        digest, _is_new = FeedbackDigest.objects.get_or_create(
            about=about,
            first_day=first_day,
            defaults={
                "doctor": rows[0].doctor,
                "department": rows[0].department,
                "last_day": first_day + timedelta(days=6),
                "created_at": now,
            },
        )
        Feedback.objects.filter(pk__in=[row.pk for row in rows]).update(digest=digest)
        _count(digest)
    return len(weeks)


def _about(feedback: Feedback) -> str:
    if feedback.doctor_id:
        return f"doctor {feedback.doctor_id}"
    return f"department {feedback.department_id}" if feedback.department_id else "house"


def _count(digest: FeedbackDigest) -> None:
    counted = digest.feedback.aggregate(
        answers=Count("pk"),
        average=Avg("rating"),
        praise=Count("pk", filter=Q(sort=Sort.PRAISE)),
        suggestions=Count("pk", filter=Q(sort=Sort.SUGGESTION)),
        complaints=Count("pk", filter=Q(sort=Sort.COMPLAINT)),
    )
    counted["average"] = round(counted["average"] or 0, 2)
    FeedbackDigest.objects.filter(pk=digest.pk).update(**counted)


@transaction.atomic
def respond(digest: FeedbackDigest, *, text: str, by: StaffMember, now: datetime) -> None:
    """Say what was done; patients who wrote something are told, by and by."""
    FeedbackDigest.objects.filter(pk=digest.pk).update(
        response=text, responded_by=by, responded_at=now
    )


def tell_responses(*, now: datetime) -> int:
    """Tell patients what was done about what they wrote, by day; returns how many were told."""
    if QUIET.covers(now.astimezone(Hospital.objects.this_one().zone).time()):
        return 0
    untold = _reachable().filter(told_at=None, words__isnull=False).exclude(digest=None)
    untold = untold.exclude(digest__response="").select_related("conversation", "digest")
    return sum(_tell(each, now=now) for each in untold[:AT_ONCE])


@transaction.atomic
def _tell(feedback: Feedback, *, now: datetime) -> bool:
    conversation, digest = feedback.conversation, feedback.digest
    assert digest is not None
    with translation.override(conversation.language):
        text = _("You told us how our help was. This is what we did about it: %(response)s") % {
            "response": digest.response
        }
    queue_reply(
        conversation,
        text=text,
        author=Author.SYSTEM,
        epoch=conversation.epoch,
        details={"purpose": Purpose.REMINDERS.value},
        client_id=f"{feedback.uid.hex}-told",
        now=now,
    )
    untold = Feedback.objects.filter(pk=feedback.pk, told_at=None)
    return bool(untold.update(told_at=now))
