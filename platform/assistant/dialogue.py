"""How a skill goes on from message to message: what was heard, what is asked next, how it ends.

`hear` only reads. Everything else runs in the transaction that settles the message's debt, so that
what a skill did and what the patient reads of it are stored together or not at all.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from assistant.models import Dialogue, Outcome
from assistant.reading import choices
from assistant.reading.choices import Answer, find_pick, yes_or_no
from assistant.reading.commands import Command, Steer, find_command
from assistant.reading.spelling import plain, rest, touches
from assistant.skills import book
from assistant.talk import (
    ANY,
    NONE_OF_THEM,
    UNSURE,
    Ask,
    BringNurse,
    Done,
    Found,
    Skill,
    Slot,
    Step,
    Talk,
    read_agreement,
)
from assistant.turn import Reply, choice
from conversations.models import Conversation
from events.logs import kind_and_place
from tickets.models import Reason

logger = logging.getLogger(__name__)

ANSWER_TAP = "answer"  # a tapped option: read by its label, never by a model
MAX_MISSES = 2  # the second answer in a row that nobody understood brings a nurse
MAX_TURNS = 40  # more than any skill needs: somebody runs in circles
STALE_AFTER = timedelta(hours=2)  # then it asks first whether to go on
LAPSES_AFTER = timedelta(days=7)
ON_CARD_FOR = timedelta(days=1)  # what was collected longer ago may be true no more
STEPS_BACK = 12
MOST_OPTIONS = 7  # beside the nurse's: a channel without buttons has eight letters
RESUME = "_resume"  # the engine's own question, as if it were a slot
NEXT = "_next"  # the skills that the same message asked for too


class StaleDialogue(Exception):
    """Another worker has carried this dialogue on meanwhile."""


@dataclass(frozen=True)
class Heard:
    """What a message says to the question that was asked, or to any other of the skill."""

    found: Mapping[str, Any] = field(default_factory=dict)  # slot → value
    command: Command | None = None
    rest: str = ""  # what it says besides

    @property
    def is_answer(self) -> bool:
        return bool(self.found) or self.command is not None

    @property
    def is_all(self) -> bool:
        """Whether nothing was said besides, so that no model need look at it."""
        return self.is_answer and not self.rest


@dataclass(frozen=True)
class Spoken:
    """What a dialogue comes to at this message: words for the patient, or a nurse."""

    reply: Reply | None = None
    nurse: BringNurse | None = None
    missed: bool = False


def at_hand(conversation: Conversation, *, now: datetime) -> Dialogue | None:
    """The dialogue that the next answer belongs to; None where it lapsed, or its owner changed."""
    dialogue = Dialogue.objects.at_hand().filter(conversation=conversation).first()
    if dialogue is None or dialogue.epoch != conversation.epoch:
        return None
    if dialogue.skill not in book.SKILLS or now - dialogue.touched_at > LAPSES_AFTER:
        return None
    return dialogue


def is_busy(conversation: Conversation, *, since: datetime) -> bool:
    """Whether somebody is in the middle of a dialogue, and should not be asked something else."""
    at_hand = Dialogue.objects.at_hand().filter(conversation=conversation, touched_at__gt=since)
    return at_hand.filter(epoch=conversation.epoch).exists()


def open_skills(conversation: Conversation) -> set[str]:
    """Which skills may go on at the next message: one is at hand, the others wait."""
    here = Dialogue.objects.open().filter(conversation=conversation)
    return set(here.values_list("skill", flat=True))


def talk_of(
    conversation: Conversation, *, words: str, now: datetime, dialogue: Dialogue | None
) -> Talk:
    talk = Talk(conversation, words, now)
    if dialogue is not None:
        talk.facts = dict(dialogue.facts)
        talk.asked, talk.misses = dialogue.asked, dialogue.misses
    return talk


def hear(dialogue: Dialogue, talk: Talk) -> Heard:
    """Read an answer: what was offered, what steers, then whatever else any slot finds in it."""
    slots = book.SKILLS[dialogue.skill].slots
    for label, value in dialogue.options or []:
        if plain(talk.words).strip() == plain(label):
            return Heard({dialogue.asked: value})
    picked = _picked(dialogue, talk)
    steer = find_command(talk.words)
    is_whole = picked is not None and not rest(talk.words, picked.spans)
    if steer is not None and steer.command is Command.HUMAN and not is_whole:
        return Heard(command=steer.command)
    read = _read(dialogue, talk, [slot for slot in slots if slot.first])
    first = set(read)
    if dialogue.asked in first and not rest(talk.words, read[dialogue.asked].spans):
        return Heard({dialogue.asked: read[dialogue.asked].value})
    # "是的,停掉" takes the option that is called so.
    if steer and not first and picked is None and not _says_what_instead(steer, talk.words):
        return Heard(command=steer.command)
    if picked and not is_whole and not first and (told := _told(dialogue, talk)) is not None:
        return Heard({dialogue.asked: told})
    others = [slot for slot in slots if slot.name not in first]
    if picked is not None:
        others = [slot for slot in others if slot.name != dialogue.asked]
    read |= _read(dialogue, talk, [slot for slot in others if not slot.first])
    changed = [
        read[slot.name]
        for slot in slots
        if dialogue.asked in slot.clears
        and slot.name in read
        and read[slot.name].value != talk.facts.get(slot.name)
    ]
    if dialogue.asked in first and changed:  # "不是我,是我爸" is no "no" to the sheet
        del read[dialogue.asked]
    elif picked is not None and dialogue.asked not in read and _holds(picked, changed):
        if is_whole and not first:
            return Heard({dialogue.asked: picked.value})
        read[dialogue.asked] = picked
    if steer is not None and not read:
        return Heard(command=steer.command)
    spans = [span for found in read.values() for span in found.spans]
    return Heard({name: found.value for name, found in read.items()}, rest=rest(talk.words, spans))


def _read(dialogue: Dialogue, talk: Talk, slots: Sequence[Slot]) -> dict[str, Found]:
    found = {slot.name: slot.read(talk, slot.name == dialogue.asked) for slot in slots}
    return {name: each for name, each in found.items() if each is not None}


def _holds(picked: Found, others: Sequence[Found]) -> bool:
    """Whether an option was meant, though the same words say something that it hangs on.

    "周三" may be in one label of several; still it is a day. "下午都可以" takes none of them.
    """
    if picked.value in (ANY, NONE_OF_THEM):
        return not others
    theirs = [span for found in others for span in found.spans]
    return not any(touches(mine, other) for mine in picked.spans for other in theirs)


def _says_what_instead(steer: Steer, words: str) -> bool:
    """ "不对,是三个月": what was wrong may be said anew at once, and then it is no step back."""
    return steer.command is Command.BACK and bool(rest(words, [steer.span]))


def _told(dialogue: Dialogue, talk: Talk) -> Any:
    """What the slot itself makes of all the words, where an option was named among others."""
    slot = book.SKILLS[dialogue.skill].slot(dialogue.asked)
    read = slot.read(talk, True) if slot is not None else None
    return read.value if read is not None and not rest(talk.words, read.spans) else None


def _picked(dialogue: Dialogue, talk: Talk) -> Found | None:
    """Which of the options it takes. What fits several, or is one of them and more, it leaves."""
    options: list[list[Any]] = dialogue.options or []
    if not options:
        return None
    slot = book.SKILLS[dialogue.skill].slot(dialogue.asked)
    if slot is not None and not slot.picks:
        return None
    values = [value for _label, value in options]
    if set(map(type, values)) == {bool}:
        return read_agreement(talk, True)
    picked = find_pick(talk.words, [label for label, _value in options])
    if picked is None:
        answered = yes_or_no(talk.words) if UNSURE in values else None
        unsure = answered is not None and answered.answer is Answer.UNSURE
        return Found(UNSURE, [answered.span]) if answered and unsure else None
    if picked.all_or_none is not None:
        whole = NONE_OF_THEM if picked.all_or_none is choices.NONE_OF_THEM else ANY
        return Found(whole, [picked.span])
    return Found(values[picked.places[0]], [picked.span]) if len(picked.places) == 1 else None


def is_stale(dialogue: Dialogue, *, now: datetime) -> bool:
    return now - dialogue.touched_at > STALE_AFTER


# --- What follows runs in the transaction that settles the message ------------------------------


def begin(skill: Skill, talk: Talk, *, facts: Mapping[str, Any] | None = None) -> Spoken:
    """Start a skill with what this message already says; what was at hand waits until it is done.

    Raises StaleDialogue.
    """
    dialogue = _open(skill, talk, facts=facts or {})
    talk.asked, talk.misses = "", 0
    talk.facts = dict(dialogue.facts)
    for slot in skill.slots:
        if slot.name not in talk.facts and (found := slot.read(talk, False)) is not None:
            talk.facts[slot.name] = found.value
    return _settle(dialogue, skill, skill.proceed(talk), talk)


def _open(skill: Skill, talk: Talk, *, facts: Mapping[str, Any]) -> Dialogue:
    conversation = talk.conversation
    for earlier in Dialogue.objects.at_hand().filter(conversation=conversation):
        if earlier.epoch != conversation.epoch or earlier.skill == skill.name:
            end(earlier, Outcome.LAPSED, talk=talk)
        else:
            _take(earlier)
            earlier.parked_at = talk.now
            earlier.save(update_fields=["parked_at"])
    return Dialogue.objects.create(
        conversation=conversation,
        data_key_id=conversation.data_key_id,
        skill=skill.name,
        facts=dict(facts),
        epoch=conversation.epoch,
        started_at=talk.now,
        touched_at=talk.now,
    )


def carry_on(dialogue: Dialogue, talk: Talk, heard: Heard) -> Spoken:
    """Take the answer in and go on. Raises StaleDialogue."""
    skill = book.SKILLS[dialogue.skill]
    _take(dialogue)
    if dialogue.turns > MAX_TURNS:
        return _bring(dialogue, skill, BringNurse(Reason.MISUNDERSTOOD), talk)
    match heard.command:
        case Command.STOP:
            return _stop(dialogue, skill, talk)
        case Command.BACK:
            _step_back(dialogue, talk)
        case Command.START_OVER:
            skill.let_go(talk)
            talk.facts, talk.asked, dialogue.before = {}, "", []
        case Command.REPEAT | Command.HELP:
            pass
        case _:
            return _answered(dialogue, skill, talk, heard)
    talk.misses = 0
    return _settle(dialogue, skill, skill.proceed(talk), talk)


def _answered(dialogue: Dialogue, skill: Skill, talk: Talk, heard: Heard) -> Spoken:
    found = dict(heard.found)
    if dialogue.asked == RESUME:
        if found.pop(RESUME, None) is False:
            return _stop(dialogue, skill, talk)
        talk.asked = ""
    elif not found:
        talk.misses += 1
        if talk.misses >= MAX_MISSES:
            return _bring(dialogue, skill, BringNurse(Reason.MISUNDERSTOOD), talk)
    else:
        talk.misses = 0
        _remember(dialogue)
    _learn(skill, talk, found)
    return _settle(dialogue, skill, skill.proceed(talk), talk)


def _learn(skill: Skill, talk: Talk, found: Mapping[str, Any]) -> None:
    """Put what was found into the facts; what hung on an older answer is forgotten."""
    for name, value in found.items():
        slot = skill.slot(name)
        if slot is not None and talk.facts.get(name) != value:
            for dependent in slot.clears:
                if dependent not in found:
                    talk.facts.pop(dependent, None)
        talk.facts[name] = value


def ask_again(dialogue: Dialogue, talk: Talk, *, after: Reply | None) -> Spoken:
    """Come back to what was asked, after something else was answered in between."""
    skill = book.SKILLS[dialogue.skill]
    _take(dialogue)
    talk.misses = 0
    said = _settle(dialogue, skill, skill.proceed(talk), talk)
    return replace(said, reply=_joined(after, said.reply))


def offer_to_resume(dialogue: Dialogue, talk: Talk) -> Spoken:
    """Somebody comes back after hours: go on, or leave it?"""
    skill = book.SKILLS[dialogue.skill]
    _take(dialogue)
    dialogue.asked, dialogue.touched_at = RESUME, talk.now
    dialogue.options = [[_("Go on"), True], [_("Leave it"), False]]
    dialogue.save()
    text = _("Welcome back. Last time we were at: %(what)s. Shall we go on?")
    return Spoken(Reply(text % {"what": skill.title}, {"choices": _choices(dialogue)}))


def interrupt(conversation: Conversation, *, now: datetime) -> list[dict[str, Any]]:
    """End whatever is open, because a person goes on; returns what was collected, for the card.

    What was held is given back. A dialogue that breaks here is ended all the same: it runs beside a
    red flag, and nothing of ours may stand between a patient and a person.
    """
    collected: list[dict[str, Any]] = []
    talk = Talk(conversation, "", now)
    for dialogue in Dialogue.objects.open().filter(conversation=conversation):
        try:
            with transaction.atomic():
                lately = now - dialogue.touched_at < ON_CARD_FOR
                lines = collected_in(dialogue) if lately else []
                end(dialogue, Outcome.INTERRUPTED, talk=talk)
        except Exception as error:  # its message may quote the patient
            particulars = {"dialogue": dialogue.pk, **kind_and_place(error)}
            logger.error("dialogue not closed well", extra=particulars)
            _end(dialogue, Outcome.INTERRUPTED, now=now)
        else:
            collected += lines
    return collected


def collected_in(dialogue: Dialogue) -> list[dict[str, Any]]:
    """What was found out, by label, in both languages: the nurse reads hers."""
    skill = book.SKILLS.get(dialogue.skill)
    facts: dict[str, Any] = dialogue.facts or {}
    if skill is None:
        return []
    lines = []
    for slot in skill.slots:
        value = facts.get(slot.name)
        if slot.show is None or value in (None, "", [], ANY, NONE_OF_THEM, UNSURE):
            continue
        line: dict[str, Any] = {"slot": slot.name}
        for lang, suffix in (("zh-hans", ""), ("en", "_en")):
            with translation.override(lang):
                line[f"label{suffix}"] = str(slot.label)
                line[f"value{suffix}"] = str(slot.show(value))
        lines.append(line)
    return lines


def end(dialogue: Dialogue, outcome: Outcome, *, talk: Talk) -> None:
    """Close it, and give back what it holds."""
    skill = book.SKILLS.get(dialogue.skill)
    if skill is not None and outcome is not Outcome.DONE:
        skill.let_go(replace(talk, facts=dict(dialogue.facts or {})))
    _end(dialogue, outcome, now=talk.now)


def _end(dialogue: Dialogue, outcome: Outcome, *, now: datetime) -> None:
    dialogue.ended_at, dialogue.outcome = now, outcome
    dialogue.save(update_fields=["ended_at", "outcome"])


def _take(dialogue: Dialogue) -> None:
    """Take the row for this message alone; of two workers the slower begins anew."""
    mine = Dialogue.objects.open().filter(pk=dialogue.pk, turns=dialogue.turns)
    if not mine.update(turns=dialogue.turns + 1):
        raise StaleDialogue
    dialogue.turns += 1


def _settle(dialogue: Dialogue, skill: Skill, step: Step, talk: Talk) -> Spoken:
    """Keep how the dialogue stands after this step, and put the step into words."""
    dialogue.facts, dialogue.misses, dialogue.touched_at = talk.facts, talk.misses, talk.now
    match step:
        case Ask():
            return _asking(dialogue, step, talk)
        case BringNurse():
            return _bring(dialogue, skill, step, talk)
        case Done(text="", then=then) if then not in book.SKILLS:  # this house does without it
            return _bring(dialogue, skill, BringNurse(), talk)
        case Done():
            return _finish(dialogue, step, talk)


def _asking(dialogue: Dialogue, ask: Ask, talk: Talk) -> Spoken:
    dialogue.asked = ask.slot
    dialogue.options = [[option.label, option.value] for option in ask.options]
    dialogue.save()
    text = ask.text
    if talk.misses:
        text = ask.again or _("Sorry, I didn't get that. %(question)s") % {"question": ask.text}
    return Spoken(
        Reply(text, {**ask.details, "choices": _choices(dialogue)}), missed=bool(talk.misses)
    )


def _choices(dialogue: Dialogue) -> list[dict[str, str]]:
    offered = [choice(label, tap=ANSWER_TAP) for label, _value in dialogue.options]
    if dialogue.before and len(offered) < MOST_OPTIONS:
        offered.append(choice(_("One step back"), tap=ANSWER_TAP))
    return [*offered, choice(_("Talk to a nurse"), tap="nurse")]


def _finish(dialogue: Dialogue, done: Done, talk: Talk) -> Spoken:
    dialogue.save()
    _end(dialogue, Outcome.DONE, now=talk.now)
    choices = [dict(each) for each in done.choices]
    reply = Reply(done.text, {**done.details, "choices": choices})
    if done.then and done.then in book.SKILLS:
        following = begin(book.SKILLS[done.then], talk, facts=done.with_facts)
        return replace(following, reply=_joined(reply if reply.text else None, following.reply))
    if (said := _go_on_with_parked(talk, after=reply)) is not None:
        return said
    return Spoken(_with_next(reply, dialogue))


def _with_next(reply: Reply, dialogue: Dialogue) -> Reply:
    """Come to what else the first message asked for."""
    wished = [name for name in (dialogue.facts or {}).get(NEXT, ()) if name in book.SKILLS]
    if not wished:
        return reply
    titles = [str(book.SKILLS[name].title) for name in wished]
    line = _("You also asked for: %(what)s.") % {"what": _(", ").join(titles)}
    offered = [choice(str(book.SKILLS[name].title), tap=name) for name in wished]
    details = {**reply.details, "choices": [*offered, *reply.details.get("choices", [])]}
    return Reply(f"{reply.text}\n\n{line}", details)


def _go_on_with_parked(talk: Talk, *, after: Reply) -> Spoken | None:
    parked = (
        Dialogue.objects.open()
        .filter(conversation=talk.conversation, epoch=talk.conversation.epoch)
        .exclude(parked_at=None)
        .order_by("-parked_at")
        .first()
    )
    if parked is None or parked.skill not in book.SKILLS:
        return None
    parked.parked_at = None
    skill = book.SKILLS[parked.skill]
    talk.facts, talk.asked, talk.misses = dict(parked.facts), parked.asked, 0
    said = _settle(parked, skill, skill.proceed(talk), talk)
    back = Reply(_("Back to: %(what)s.") % {"what": skill.title})
    return replace(said, reply=_joined(_joined(after, back), said.reply))


def _stop(dialogue: Dialogue, skill: Skill, talk: Talk) -> Spoken:
    end(dialogue, Outcome.STOPPED, talk=talk)
    stopped = Reply(
        _("All right, we leave that. Write to me whenever you need something."),
        {"choices": [choice(_("Talk to a nurse"), tap="nurse")]},
    )
    return _go_on_with_parked(talk, after=stopped) or Spoken(stopped)


def _bring(dialogue: Dialogue, skill: Skill, bring: BringNurse, talk: Talk) -> Spoken:
    dialogue.facts = talk.facts
    dialogue.save()
    end(dialogue, Outcome.HANDED_OVER, talk=talk)
    collected = [*collected_in(dialogue), *interrupt(talk.conversation, now=talk.now)]
    return Spoken(nurse=replace(bring, collected=collected))


def _remember(dialogue: Dialogue) -> None:
    kept = [*(dialogue.before or []), dict(dialogue.facts or {})]
    dialogue.before = kept[-STEPS_BACK:]


def _step_back(dialogue: Dialogue, talk: Talk) -> None:
    kept = list(dialogue.before or [])
    if kept:
        talk.facts = kept.pop()
        dialogue.before = kept


def _joined(first: Reply | None, second: Reply | None) -> Reply | None:
    """Two things said in one message; what can be tapped is the second's."""
    if first is None or second is None:
        return first or second
    text = "\n\n".join(reply.text for reply in (first, second) if reply.text)
    return Reply(text, {**first.details, **second.details})
