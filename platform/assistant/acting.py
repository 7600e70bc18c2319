"""What was planned, done and said: one transaction that settles the message's debt."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from assistant import dialogue, policy
from assistant.danger import say, show_danger
from assistant.dialogue import Spoken
from assistant.guard import (
    Objection,
    acknowledge,
    find_objection,
    hold_back,
    line_of,
    trace_of,
)
from assistant.planning import IN_DIALOGUE, Ear, Plan, media_of
from assistant.policy import Act, Decision
from assistant.skills import book
from assistant.skills.nurse import announce_nurse
from assistant.talk import BringNurse, Talk
from assistant.turn import Reply
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import (
    mark_handled,
    mark_seen,
    masked,
    queue_reply,
)
from hospital.models import Department
from tickets.models import Reason
from tickets.services import ahead_of, hand_over, hear_patients, lock
from triage.labels import Intent, Understanding
from vault import access

SURE_OF_DEPARTMENT = 0.6  # 0 to 1; a ticket in the wrong department is seen by the wrong nurses
MISSES = frozenset({Act.CLARIFY, Act.ASK_TO_TYPE})
COMPLAINTS = frozenset({Intent.SYMPTOM_TRIAGE, Intent.EMERGENCY, Intent.MEDICATION})


class HeardMeanwhile(Exception):
    """A voice was put into words while we composed what to say without them."""


@transaction.atomic
def act_on(message: Message, ear: Ear, plan: Plan, *, now: datetime) -> None:
    """Settle the debt, and do and say what was planned, all or nothing.

    Raises StaleEpoch, StaleDialogue, HeardMeanwhile.
    """
    conversation, epoch = message.conversation, message.conversation.epoch
    if _reads_records(plan):
        access.hold_head()
    if not mark_handled(message.pk, now=now):
        return  # another worker was faster
    if media_of(message) and not ear.words:
        message.refresh_from_db(fields=["details"])
        if media_of(message).get("transcript"):
            raise HeardMeanwhile
    trace = {"understanding": _trace(ear.asked, plan.decision)}
    message.details = {**(message.details or {}), **trace}
    if _holds_secret(plan):
        message.text = masked(message.text)
        message.save(update_fields=["text"])
    mark_seen(conversation, by_patient=False, seq=message.seq)
    book.overhear(Talk(conversation, ear.words, now))
    said = Spoken(plan.reply)
    if conversation.owner == Owner.ASSISTANT and plan.decision.act is not Act.HAND_OVER:
        said = _said(plan)
    said, objection = _guarded(said, message, ear, now=now)
    if said.nurse is not None or said.reply is None:
        decision = _decision_of(said.nurse) if said.nurse else plan.decision
        _hand_over(message, ear.asked, decision, now=now, nurse=said.nurse, objection=objection)
        return
    message.save(update_fields=["details"])
    missed = said.missed or (plan.decision.act in MISSES and not ear.tap)
    queue_reply(
        conversation,
        text="\n\n".join(filter(None, [acknowledge(message), said.reply.text])),
        author=Author.ASSISTANT,
        epoch=epoch,
        details={**said.reply.details, **_signature(plan, ear)},
        now=now,
    )
    Conversation.objects.filter(pk=conversation.pk).update(misses=F("misses") + 1 if missed else 0)


def _reads_records(plan: Plan) -> bool:
    """Whether a skill may write the access log here: the one at hand, begun, or gone back to."""
    names = {plan.decision.skill}
    if plan.talk is not None and plan.at_hand is not None:
        names |= dialogue.open_skills(plan.talk.conversation)
    return any(book.SKILLS[name].reads_records for name in names if name in book.SKILLS)


def _holds_secret(plan: Plan) -> bool:
    skill = book.SKILLS.get(plan.at_hand.skill) if plan.at_hand else None
    return skill is not None and any(
        slot.is_secret for slot in skill.slots if slot.name in plan.heard.found
    )


def _said(plan: Plan) -> Spoken:
    """What a dialogue makes of it; something else in between comes back to what was asked."""
    at_hand, talk, decision = plan.at_hand, plan.talk, plan.decision
    assert talk is not None
    if decision.act is Act.START:
        return dialogue.begin(book.SKILLS[decision.skill], talk, facts=_next(plan))
    if at_hand is None:
        return Spoken(plan.reply)
    if decision.act is Act.CARRY_ON:
        return dialogue.carry_on(at_hand, talk, plan.heard)
    if decision.act is Act.RESUME:
        return dialogue.offer_to_resume(at_hand, talk)
    return dialogue.ask_again(at_hand, talk, after=plan.reply)


def _next(plan: Plan) -> dict[str, Any]:
    """What else the same message asks for, to come to later."""
    assert plan.talk is not None
    wished = [policy.SKILL_BY_INTENT.get(intent) for intent in plan.talk.meaning.also]
    others = [name for name in wished if name and name != plan.decision.skill]
    return {dialogue.NEXT: others} if others else {}


def _signature(plan: Plan, ear: Ear) -> dict[str, Any]:
    """Which skill and which model a reply comes from."""
    skill = plan.decision.skill or (plan.at_hand.skill if plan.at_hand else "")
    act = plan.decision.act
    return {
        "skill": skill if act in IN_DIALOGUE and skill else str(act),
        "model": ear.asked.model,
    }


def _guarded(
    said: Spoken, message: Message, ear: Ear, *, now: datetime
) -> tuple[Spoken, Objection | None]:
    """A nurse in place of what this patient must not just be told; and why, for the card."""
    conversation = message.conversation
    objection = find_objection(conversation, words=ear.words, reply=said.reply, now=now)
    if objection is None:
        return said, None
    stopped = said.reply.text if said.reply and said.nurse is None else ""
    message.details = {**(message.details or {}), **trace_of(objection, stopped=stopped)}
    if said.reply is not None and said.nurse is None:
        said = Spoken(nurse=hold_back(conversation, objection, now=now))
    return said, objection


def _decision_of(nurse: BringNurse) -> Decision:
    return Decision(Act.HAND_OVER, nurse.reason, nurse.urgency, nurse.in_danger)


def _hand_over(
    message: Message,
    meaning: Understanding,
    decision: Decision,
    *,
    now: datetime,
    nurse: BringNurse | None = None,
    objection: Objection | None = None,
) -> None:
    """Bring a nurse, or, where one has it already, only raise the urgency."""
    conversation = message.conversation
    lock(conversation)
    was_ours = conversation.owner == Owner.ASSISTANT
    if was_ours:
        collected = nurse.collected if nurse else dialogue.interrupt(conversation, now=now)
        if objection is not None:
            collected = [*collected, line_of(objection)]
        if collected:
            message.details = {**(message.details or {}), "collected": collected}
    message.save(update_fields=["details"])
    department = nurse.department if nurse and nurse.department else _department(meaning)
    ticket = hand_over(
        conversation,
        reason=decision.reason or Reason.UNSURE,
        urgency=int(decision.urgency),
        department=department,
        seq=message.seq,
        now=now,
    )
    hear_patients([conversation.pk], now=now)
    if decision.in_danger:
        in_crisis = decision.reason == Reason.DISTRESS
        rule = f"model:{meaning.distress if in_crisis else Intent.EMERGENCY}"
        rules = list(nurse.rules) if nurse and nurse.rules else [rule]
        signs = nurse.signs if nurse else ()
        show_danger(ticket, message, rules=rules, signs=signs, self_harm=in_crisis, now=now)
        if nurse and nurse.text:
            say(conversation, Reply(nurse.text, dict(nurse.details)), now=now)
    elif was_ours:
        announced = announce_nurse(ahead=ahead_of(ticket), now=now)
        before = [acknowledge(message), nurse.text if nurse else ""]
        text = "\n\n".join(filter(None, [*before, announced.text]))
        details = {**nurse.details, **announced.details} if nurse else announced.details
        announced = Reply(text, details)
        say(conversation, announced, now=now)


def _department(meaning: Understanding) -> Department | None:
    """Whose ticket this is: only for a complaint, and only when sure; else it is everybody's."""
    if meaning.abstained or meaning.intent not in COMPLAINTS or not meaning.departments:
        return None
    if meaning.departments[0].confidence < SURE_OF_DEPARTMENT:
        return None
    return Department.objects.active().filter(name=meaning.departments[0].name).first()


def _trace(meaning: Understanding, decision: Decision) -> dict[str, Any]:
    """What was understood and decided, kept with the message so that it can be explained."""
    return {**asdict(meaning), "act": str(decision.act), "reason": decision.reason}
