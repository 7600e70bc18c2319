"""What a patient answers to a reminder: taken, in a while, not this time, none left, no more.

Words that worry, or that a rule can't read, are never taken for an answer: they go the way of every
message. What such words say of the dose besides is noted all the same.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.times import find_times
from assistant.skills.awaited import Awaited, awaited, is_answer, name_of, named_in
from assistant.skills.stopping import KEEP, STOP, read_stop
from assistant.talk import Ask, BringNurse, Done, Found, Option, Skill, Step, Talk
from assistant.talk import Slot as Needs
from assistant.turn import choice
from careplans import services
from careplans.answers import Answer, Meaning, read_answer
from careplans.models import Due, DueKind, PlanKind, Reason, State
from triage.labels import Urgency

UNWELL, TOOK_IT, WRONG, DIED = "unwell", "taken", "wrong", "died"
_WELL = re.compile(
    r"(挺|很|蛮|还|都|一切|恢复得?|感觉)?(好多了|挺好|很好|不错|正常|还行|还好|好着呢|没事|平稳|没问题|没什么(不舒服|事|问题|不清楚的?)?|没啥(不舒服|事|问题)?|都清楚|没有(不舒服|问题|不清楚的?)?)(了|的|呢|啊)*"
    r"|(i'?m |i am |feeling |all |much |doing |very |quite |it'?s )*(fine|good|well|great|better|ok|okay|no problems?|all clear)"
    r"( now| today| so far)*",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"(?:发|搞|弄|认|找)错(?:了)?(?:人|号码?|病人)|你们(?:搞|弄|发)错了?|不是我的(?:药|提醒|名字)|名字不(?:是|对)"
    r"|我不(?:是|叫)(?:这个人|他|她|本人)"
    r"|\bwrong (?:person|patient|number)|\bnot my (?:medicine|reminder|name)",
    re.IGNORECASE,
)
# Of somebody, at the end: who "走了一会儿" has walked.
_DIED = re.compile(
    r"去世|过世|病逝|病故|离世|不在人世|离开(?:了)?我们|(?:人|他|她|爸|妈|爷爷|奶奶|父亲|母亲|老伴|老人)[^,，。药片粒盒瓶针出去来回]{0,6}"
    r"(?:走|没|不在)了[。.!！~ ]*$"
    r"|\bpassed away\b|\bhas died\b|\bdied (?:today|yesterday|last|this|on)\b|\bis dead\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"挂|预约|约个|帮我|另外|顺便|请问|但|可是|不过|血压|血糖|体温|\d{2,}"
    r"|\b(?:book|appointment|also|but|pressure|sugar|temperature)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,，。.;；、\s]+")
_IN_WORDS = {
    TOOK_IT: gettext_lazy("has taken it"),
    Meaning.LATER: gettext_lazy("will take it later"),
    Meaning.NOT: gettext_lazy("does not take it this time"),
    Meaning.REFILL: gettext_lazy("is running out of it"),
    Meaning.STOP: gettext_lazy("wants no more reminders"),
    Meaning.NOTED: gettext_lazy("has read it"),
    UNWELL: gettext_lazy("feels unwell after it"),
    WRONG: gettext_lazy("says that it is not meant for them; reminders are paused"),
    DIED: gettext_lazy("says that somebody has died; reminders are paused"),
}
_DISLIKED = re.compile(
    r"苦|贵|麻烦|没用|没效|不管用|好了|不疼了|吃腻|不想|懒|没胃口|就是不|不爱|怕|没吃饭|没带"
    r"|bitter|expensive|useless|don'?t (?:want|like|feel)|better now|tired of|not hungry",
    re.IGNORECASE,
)


# --- reading -------------------------------------------------------------------------------------


def _read_answer(talk: Talk, asked: bool) -> Found | None:
    """Only where a talk begins: later on the same words answer what was asked meanwhile."""
    if talk.asked:
        return None
    found = awaited(talk)
    if found is None:
        return None
    for meaning, pattern in ((WRONG, _WRONG), (DIED, _DIED)):
        if found.is_newest and pattern.search(found.words):
            return Found({"due": found.due.pk, "meaning": meaning}, [(0, len(talk.words))])
    if _is_of_a_form(found.due):
        return None
    if not is_answer(found):
        return _read_well(found.due, talk, is_newest=found.is_newest)
    answer, named, taken = _one_by_one(found)
    kept = {
        "due": found.due.pk,
        "named": named,
        "also_taken": taken,
        "meaning": str(answer.meaning),
        "minutes": answer.minutes or _until_then(talk),
        "reason": str(answer.reason),
        "taken": answer.taken,
    }
    return Found(kept, [(0, len(talk.words))])


def _one_by_one(found: Awaited) -> tuple[Answer, list[int], list[int]]:
    """What is said of which rows, and which were taken besides: "缬沙坦吃了,阿司匹林没吃"."""
    parts = [(read_answer(each), named_in(each, found.due)) for each in _CLAUSE.split(found.words)]
    taken = [pk for said, rows in parts if said.meaning is Meaning.TAKEN for pk in rows]
    for said, rows in parts:
        left = said.meaning in (Meaning.NOT, Meaning.LATER)
        if taken and rows and left and not set(taken) & set(rows):
            return said, list(rows), taken
    return found.answer, list(found.named), []


def _is_of_a_form(due: Due) -> bool:
    return due.step is not None and due.step.questionnaire_id is not None


def _read_well(due: Due, talk: Talk, *, is_newest: bool) -> Found | None:
    """ "挺好的" to the question how somebody is."""
    words = re.sub("谢谢?(您|你|关心|医生)*", "", talk.words).strip(" 。.!！,，~")
    parts = [each for each in re.split(r"[,，。.!！;；、\s]+(?![a-z])", words) if each]
    if due.kind != DueKind.STEP or not is_newest or not parts:
        return None
    if not all(_WELL.fullmatch(part) for part in parts):
        return None
    return Found({"due": due.pk, "meaning": str(Meaning.NOTED)}, [(0, len(talk.words))])


def _until_then(talk: Talk) -> int | None:
    """Minutes until the hour that was named: "九点再提醒我"."""
    here = talk.now.astimezone(talk.hospital.zone)
    for each in find_times(talk.words):
        if each.clock is not None and each.clock > here.time():
            at = here.replace(hour=each.clock.hour, minute=each.clock.minute)
            return max(1, round((at - here).total_seconds() / 60))
    return None


def _read_why(talk: Talk, asked: bool) -> Found | None:
    if not asked:
        return None
    answer, whole = read_answer(talk.words), [(0, len(talk.words))]
    match answer.meaning:
        case Meaning.WORRIED:
            return Found(UNWELL)  # no span: a model looks at it, too
        case Meaning.TAKEN:
            return Found(TOOK_IT, whole)
        case Meaning.REFILL:
            return Found(str(Reason.NO_MEDICINE), whole)
        case Meaning.NOT if answer.reason != Reason.REFUSED or _DISLIKED.search(talk.words):
            return Found(str(answer.reason), whole)
    if _DISLIKED.search(talk.words) and len(talk.words) <= 40:
        return Found(str(Reason.REFUSED), whole)
    return None


def wants(talk: Talk) -> bool:
    return not _says_more(talk) and _read_answer(talk, False) is not None


def _says_more(talk: Talk) -> bool:
    """Whether it was taken, and a model has to hear the rest; that it was is overheard."""
    found = awaited(talk)
    if found is None or found.is_button or found.answer.meaning is not Meaning.TAKEN:
        return False
    return says_more(found.words)


def says_more(words: str) -> bool:
    """ "吃了,另外帮我挂个号", "吃了,不过血糖16.8"."""
    parts = [each for each in _CLAUSE.split(words) if each]
    return any(
        _MORE.search(each) and read_answer(each).meaning is Meaning.UNCLEAR for each in parts
    )


def claims(talk: Talk, answers: bool) -> bool:
    """In the middle of something else: a button, and what the other skill can make nothing of."""
    found = awaited(talk)
    if found is None or _is_of_a_form(found.due):
        return False
    if found.is_button:
        return True
    if found.due.state == State.SKIPPED:  # put right, though it sounds like one step back
        return is_answer(found)
    told = found.answer.meaning in (Meaning.TAKEN, Meaning.STOP, Meaning.REFILL, Meaning.NOT)
    return told and not answers and is_answer(found)


def overhear(talk: Talk) -> None:
    """ "吃了,可是头晕": the dizziness goes to triage, and the dose was taken."""
    answer = read_answer(talk.words)
    if answer.meaning is not Meaning.WORRIED and not _says_more(talk):
        return
    found = awaited(talk)
    if found is not None and not found.is_button:
        services.take_answer(found.due, answer, now=talk.now)


# --- answering -----------------------------------------------------------------------------------


def proceed(talk: Talk) -> Step:
    kept: dict[str, Any] | None = talk.facts.get("answer")
    found = Due.objects.select_related("plan__patient", "step", "medication")
    due = found.filter(pk=kept["due"]).first() if kept else None
    if kept is None or due is None:
        return Done("", then="reminder")
    if kept["meaning"] in (WRONG, DIED):  # nothing more is sent until staff have looked
        services.pause_all(due.plan.patient, now=talk.now)
        return BringNurse(urgency=Urgency.SAME_DAY, text=_sorry(kept["meaning"]))
    answer = Answer(
        Meaning(kept["meaning"]),
        minutes=kept.get("minutes"),
        reason=kept.get("reason", ""),
        taken=kept.get("taken", False),
    )
    if taken := kept.pop("also_taken", None):
        with suppress(services.AlreadySettled):
            services.acknowledge(due, named=taken, now=talk.now)
    try:
        return _do(due, answer, talk)
    except services.AlreadySettled:
        return _settled(Due.objects.get(pk=due.pk))


def _sorry(meaning: str) -> str:
    if meaning == DIED:
        return _("I am very sorry for your loss. The reminders have stopped; a nurse will call.")
    return _("Sorry if this was not meant for you; a nurse looks into it.")


def _do(due: Due, answer: Answer, talk: Talk) -> Step:
    match answer.meaning:
        case Meaning.TAKEN:
            services.acknowledge(due, named=_rows(talk), now=talk.now)
            return Done(_well_done(due, _rows(talk)))
        case Meaning.LATER:
            return _later(due, answer.minutes, talk)
        case Meaning.NOT:
            return _not(due, Reason(answer.reason), talk)
        case Meaning.REFILL:
            services.ask_for_refill(due, taken=answer.taken, now=talk.now)
            return _refill()
        case Meaning.STOP:
            return Done("", then="reminder", with_facts={"what": "stop", "near": due.plan_id})
        case Meaning.NOTED if due.kind == DueKind.DOSE:
            return Done(_("All right. Tell me “taken” when you have taken it."))
    services.acknowledge(due, now=talk.now)
    if due.plan.kind == PlanKind.VISIT:
        return Done(_("All right, see you then."))
    return Done(_("Good to hear. If anything troubles you, write to me at any time."))


def _rows(talk: Talk) -> list[int]:
    """The rows that were named; none: all that was asked in the same message."""
    return (talk.facts.get("answer") or {}).get("named") or []


def _well_done(due: Due, named: list[int]) -> str:
    if due.kind != DueKind.DOSE:
        return _("Noted, thank you.")
    settled = services.together(due, named).select_related("medication").order_by("pk")
    said = _("Noted: %(medicine)s is taken. Well done.") % {"medicine": _names(settled)}
    waiting = services.together(due).unsettled().select_related("medication").order_by("pk")
    if not waiting:
        return said
    rest = _("Tell me too when you have taken %(medicine)s.") % {"medicine": _names(waiting)}
    return f"{said}\n{rest}"


def _names(dues: Iterable[Due]) -> str:
    return _(", ").join(dict.fromkeys(name_of(each) for each in dues))


def _later(due: Due, minutes: int | None, talk: Talk) -> Step:
    at = services.snooze(due, minutes=minutes, now=talk.now)
    if at is None:
        return Done(
            _("All right. I do not remind you of it again; tell me “taken” when you have taken it.")
        )
    clock = f"{at.astimezone(due.plan.zone):%H:%M}"
    return Done(_("All right, I remind you again at %(time)s.") % {"time": clock})


def _not(due: Due, reason: Reason, talk: Talk) -> Step:
    facts = talk.facts
    if "skipped" not in facts:
        services.skip(due, reason=reason, named=_rows(talk), now=talk.now)
        facts["skipped"] = True
    if due.kind != DueKind.DOSE:
        return Done(_("All right, noted."))
    why = facts.get("why") or (str(reason) if reason != Reason.REFUSED else None)
    if why is None:
        return _ask_why()
    if why == UNWELL:
        return BringNurse(
            urgency=Urgency.SAME_DAY,
            text=_("Then a nurse should hear of it before you take it again."),
        )
    if why == TOOK_IT:
        services.acknowledge(due, named=_rows(talk), now=talk.now)
        return Done(_well_done(due, _rows(talk)))
    services.give_reason(due, reason=Reason(why), named=_rows(talk), now=talk.now)
    return _because(due, Reason(why), talk)


def _ask_why() -> Ask:
    return Ask(
        "why",
        _("All right, not this time; I have noted it. May I ask why?"),
        [
            Option(_("I forgot it"), str(Reason.FORGOT)),
            Option(_("I have none left"), str(Reason.NO_MEDICINE)),
            Option(_("The doctor said so"), str(Reason.DOCTOR)),
            Option(_("I feel unwell after it"), UNWELL),
            Option(_("I just don't want it"), str(Reason.REFUSED)),
        ],
        again=_("You need not say why. If one of these fits, tap it; or tell me “don't want it”."),
    )


def _because(due: Due, reason: Reason, talk: Talk) -> Step:
    match reason:
        case Reason.NO_MEDICINE:
            return _refill()
        case Reason.FORGOT:
            return Done(
                _(
                    "That happens; I have noted it. Please do not take a double dose to make up for"
                    " it; if you are unsure, ask a nurse."
                ),
                choices=[choice(_("Talk to a nurse"), tap="nurse")],
            )
        case Reason.DOCTOR:
            return _ask_whether_to_stop(due, talk)
    return Done(
        _(
            "All right. Please do not stop a medicine for good without asking your doctor; a nurse"
            " is glad to talk about it."
        ),
        choices=[choice(_("Talk to a nurse"), tap="nurse")],
    )


def _ask_whether_to_stop(due: Due, talk: Talk) -> Step:
    match talk.facts.get("sure"):
        case "stop":
            facts = {"what": "stop", "item": f"m{due.medication_id}", "sure": STOP}
            return Done("", then="reminder", with_facts=facts)
        case "keep":
            return Done(_("All right, the reminders go on."))
    return Ask(
        "sure",
        _("What the doctor says counts. Shall I stop reminding you of %(medicine)s?")
        % {"medicine": name_of(due)},
        [Option(_("Stop them"), STOP), Option(_("Keep them"), KEEP)],
    )


def _refill() -> Done:
    return Done(
        _(
            "Noted: your medicine is running out. A nurse sees to it and gets in touch. You can"
            " also book a visit now to have it prescribed."
        ),
        choices=[
            choice(_("Book an appointment"), tap="booking"),
            choice(_("Talk to a nurse"), tap="nurse"),
        ],
    )


def _settled(due: Due) -> Done:
    """To an old button, or a second tap."""
    text = {
        State.ACKNOWLEDGED: _("I have that noted already: it is taken."),
        State.SKIPPED: _("I have noted already that it was left out this time."),
    }.get(State(due.state))
    return Done(text, choices=[choice(_("Talk to a nurse"), tap="nurse")]) if text else over()


def over() -> Done:
    """To a word that comes after its reminder is over."""
    return Done(
        _(
            "That reminder is over. If you missed a dose, please do not take a double one; a nurse"
            " can tell you what to do."
        ),
        choices=[choice(_("Talk to a nurse"), tap="nurse")],
    )


def _show_answer(kept: dict[str, Any]) -> str:
    return str(_IN_WORDS.get(kept.get("meaning", ""), ""))


def _show_why(why: str) -> str:
    if why in (UNWELL, TOOK_IT):
        return str(_IN_WORDS[why])
    return str(Reason(why).label)


DOSE = Skill(
    "dose",
    gettext_lazy("your reminder"),
    (
        Needs("answer", gettext_lazy("Answer to a reminder"), _read_answer, show=_show_answer),
        Needs("why", gettext_lazy("Not taken because"), _read_why, show=_show_why),
        Needs("sure", gettext_lazy("Agreed"), read_stop, show=None),
    ),
    proceed,
    wants=wants,
    claims=claims,
    overhear=overhear,
)
