"""用药提醒: what we remind a patient of; change it, pause it, stop it, keep quiet at night."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.spelling import plain
from assistant.reading.times import TimeMention, find_times
from assistant.skills.dose import over, says_more
from assistant.skills.medicine import by_a_person
from assistant.skills.regimen import (
    DOSE,
    MEAL,
    MEALS_AT,
    MEDICINE,
    OFTEN,
    UNTIL,
    TooOften,
    clock_in_words,
    hours_of,
)
from assistant.skills.remind import PRESCRIBED, for_a_nurse, set_up
from assistant.skills.stopping import KEEP, STOP, read_stop
from assistant.skills.whom import NAME, WHOM
from assistant.talk import Ask, BringNurse, Done, Found, Option, Skill, Step, Talk, read_agreement
from assistant.talk import Slot as Needs
from assistant.turn import choice
from careplans import planning, services
from careplans.answers import Meaning, read_answer
from careplans.models import CarePlan, MedicationSchedule, PlanKind, Status, StoppedWhy
from triage.labels import Urgency

SET_UP, LIST, CHANGE, PAUSE, RESUME, QUIET = (
    "set_up", "list", "change", "pause", "resume", "quiet",
)  # fmt: skip
OTHER, ALL = "other", "all"
SHOWN = 5  # items that can be tapped
_WISHES = (
    (QUIET,
        r"免打扰|勿扰|(夜里|晚上|半夜|早上|中午|睡觉|休息).{0,10}(别|不要|不用)(再)?(给我|跟我)?(吵|发|响|提醒|打扰|推)"
        r"|(点|:\d\d)(半)?(钟)?(以|之)?[前后].{0,4}(别|不要|不用)(再)?(给我|跟我)?(吵|发|响|提醒|打扰|推)"
        r"|\b(?:quiet|do not disturb|don'?t (?:disturb|wake|message)|no (?:messages|reminders) (?:at night|after|before))\b"),
    (RESUME, r"恢复|重新(开始|打开)|继续提醒|接着提醒|又可以提醒|\b(?:resume|restart|start again|continue (?:the |my )?remind\w*|unpause)\b"),
    (PAUSE, r"暂停|先停(几|一|两|三|\d)|停(几|一|两|三|\d+)天|这(几|两|三)天(先)?(别|不用|不要)提醒|\b(?:pause|suspend|for a while|on hold)\b"),
    (STOP, r"(取消|停止|停掉|关掉|关闭|删掉|删除|停了|停用|关了|去掉).{0,8}提醒|提醒.{0,6}(取消|停掉|停止|关掉|关闭|关了|停了|删掉|删了|去掉)|(别|不要|不用|不必)(再)?(给我)?提醒|不(想|需要|要)(再)?(被|收到)?.{0,3}提醒|停掉|都停|^(停|关)了?(吧|掉)?$"
        r"|\b(?:stop|cancel|delete|remove|turn off|no more|don'?t remind)\b"),
    (CHANGE, r"(改|换|调|挪)(?!善)|(提前|推迟|晚|早)(一|半|点|些|\d)|时间不对|\b(?:change|move|different time|reschedule|earlier|later|adjust)\b"),
    (LIST, r"(我|现在|都|目前).{0,6}(有|设)?.{0,4}(哪些|什么|几个)提醒|我的(用药|吃药|服药)?提醒|(看|查)(看|一下|下)?.{0,4}提醒|提醒(列表|清单)|\b(?:my|which|what|list|show|see)\b.{0,12}\breminders?\b"),
    (SET_UP, r"提醒我?.{0,12}(吃|服|用|打|喝|滴|贴|吸)|(设|定|加|建|开|弄|再来)(置|立|个|一个|一下|个新的)?.{0,8}(提醒|闹钟)|(吃|用|服)药提醒|加一个|\b(?:remind (?:me|him|her|my|us)|set up|set (?:a|me)|add|new|another)\b"),
)  # fmt: skip
_PATTERNS = [(what, re.compile(words, re.IGNORECASE)) for what, words in _WISHES]
_OF_REMINDERS = re.compile(
    r"提醒|闹钟|叫我|喊我|催|记得|[老总常易怕别会]忘|按时|定时|准时|到点|每天|每日|每晚|每早|天天|早晚|[一两二三四]次|[点时:]"
    r"|remind|alarm|forget|every|daily|twice|once|a day"
)
_ALONE = re.compile(
    r"(请|帮我|我想|我要|能不能|可以)?(看看?|查看?|看一下|查一下|取消|停止|停掉|关掉|关闭|暂停|恢复)?(一下)?(我的|全部|所有|这些)?(用药|吃药|服药)?的?提醒(吧|了|呢)?[。.！!？?]*"
    r"|(please )?(show|list|stop|cancel|pause|resume|see)?( all)?( of)?( my| the)? reminders?[.!?]*"
    r"|(别|不要|不用)再?(给我)?(发)?提醒我?了?[。.！!]*|(please )?stop reminding me[.!]*"
    r"|.{0,6}(每天|每晚|每早|天天|早晚|定时|按时|到点).{0,12}提醒(我|一下).{0,20}(吃|服|打|用|喝).{0,12}"
    r"|.{0,4}提醒(我|一下我)(每天|每晚|每早|天天|早晚|定时|按时|到点).{0,20}(吃|服|打|用|喝).{0,14}"
    r"|(?!.*(没|怎么)).{0,6}提醒我.{0,20}(吃|服|打|用|喝|滴).{1,40}"
    r"|.{0,20}\bremind (me|my \w+) (to take|every|each|daily)\b.{0,60}",
    re.IGNORECASE,
)


def _read_what(talk: Talk, asked: bool) -> Found | None:
    if talk.asked and not asked:  # an answer to another question asks for nothing new
        return None
    for what, pattern in _PATTERNS:
        if found := pattern.search(talk.words):
            return Found(what, [found.span()])
    return None


def _read_item(talk: Talk, asked: bool) -> Found | None:
    """Which reminder, by the name of its medicine; everything."""
    if re.search(
        r"全部|所有|都(停|取消|不要|关)|\b(?:all|everything)\b", talk.words, re.IGNORECASE
    ):
        return Found(ALL)
    named = [each for each in _items(talk) if each.name and each.name in talk.words]
    if len(named) != 1:
        return None
    at = talk.words.index(named[0].name)
    return Found(named[0].key, [(at, at + len(named[0].name))])


def _read_quiet(talk: Talk, asked: bool) -> Found | None:
    """ "晚上九点到早上七点": from, until; one of them may be left open."""
    if not asked:
        wish = None if talk.asked else _read_what(talk, False)
        if wish is None or wish.value != QUIET:
            return None
    same, times = plain(talk.words), find_times(talk.words)
    spans = [each.span for each in times]
    for each in times:
        if each.clock is None and each.start != each.end:
            return Found(_span_of(same, each), spans)
    clocks = [f"{each.clock:%H:%M}" for each in times if each.clock is not None]
    if len(clocks) >= 2:
        return Found(clocks[:2], spans)
    if clocks:
        return Found(["", clocks[0]] if clocks[0] < "12" else [clocks[0], ""], spans)
    return None


def _span_of(same: str, stretch: TimeMention) -> list[str]:
    begins, ends = f"{stretch.start:%H:%M}", f"{stretch.end:%H:%M}"
    said = same[stretch.span[0] : stretch.span[1]]
    if re.search(r"到|至|-|\b(?:to|until|till)\b", said):
        return [begins, ends]
    return ["", ends] if stretch.end.hour <= 12 else [begins, ""]


def _read_sure(talk: Talk, asked: bool) -> Found | None:
    """To stop one, or to set one up; which is asked decides what a yes means."""
    return (read_stop if talk.facts.get("what") == STOP else read_agreement)(talk, asked)


def wants(talk: Talk) -> bool:
    return _ALONE.fullmatch(talk.words.strip()) is not None


def claims(talk: Talk, answers: bool) -> bool:
    return not answers and wants(talk)


# --- what there is -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One thing that we remind of: a medicine, or another plan."""

    key: str
    name: str
    line: str
    plan: CarePlan
    medication: MedicationSchedule | None = None


def _plans(talk: Talk) -> list[CarePlan]:
    """What is promised to the writer, or for somebody of the family, at this address."""
    living = CarePlan.objects.filter(
        Q(patient=talk.writer) | Q(contact_point=talk.conversation.contact_point),
        status__in=[Status.ACTIVE, Status.PAUSED],
    ).select_related("template", "patient")
    return list(living.prefetch_related("medications").order_by("pk"))


def _items(talk: Talk) -> list[Item]:
    items = []
    for plan in _plans(talk):
        paused = _(" (paused)") if plan.status == Status.PAUSED else ""
        if plan.kind != PlanKind.MEDICATION:
            name = plan.template.in_language("name", talk.lang) if plan.template else ""
            name = name or str(plan.get_kind_display())
            items.append(Item(f"p{plan.pk}", name, f"{name}{paused}", plan))
            continue
        today = talk.now.astimezone(plan.zone).date()
        for each in plan.medications.all():
            if each.last_day is not None and each.last_day < today:
                continue
            hours = clock_in_words(each.clock_times)
            line = f"{each.medicine} {hours}{paused}"
            items.append(Item(f"m{each.pk}", each.medicine, line, plan, each))
    return items


def proceed(talk: Talk) -> Step:
    what = talk.facts.get("what")
    items = _items(talk)
    if not talk.asked and (other := _not_of_reminders(what, items, talk)) is not None:
        return other
    if what == SET_UP or (what is None and (talk.facts.get("medicine") or not items)):
        talk.facts["what"] = SET_UP
        return set_up(talk)
    if not items:
        return _nothing()
    if what == QUIET:
        return _quiet(items, talk)
    if what in _ACTS:
        return _with_item(what, items, talk)
    if what == OTHER:
        return Done(_("All right, everything stays as it is."))
    return _show(items)


def _not_of_reminders(what: str | None, items: list[Item], talk: Talk) -> Step | None:
    """What a model took for a matter of reminders, and is none: "我吃了两次", "那退热贴呢"."""
    said = read_answer(talk.words).meaning
    if said is Meaning.WORRIED:
        if by_a_person(talk.words):
            return Done("", then="medicine")
        return BringNurse(urgency=Urgency.SAME_DAY)
    if what is not None or _OF_REMINDERS.search(plain(talk.words)):
        return None
    if said in (Meaning.TAKEN, Meaning.NOT):
        return BringNurse() if says_more(talk.words) or not items else over()
    return None if items else Done("", then="medicine")


def _nothing() -> Done:
    return Done(
        _("I have no reminder for you at present. Shall I set one up?"),
        choices=[
            choice(_("Set up a reminder"), tap="reminder"),
            choice(_("Talk to a nurse"), tap="nurse"),
        ],
    )


def _show(items: list[Item]) -> Ask:
    lines = "\n".join(f"· {each.line}" for each in items)
    paused = all(each.plan.status == Status.PAUSED for each in items)
    return Ask(
        "what",
        f"{_('These are your reminders:')}\n{lines}",
        [
            Option(_("Change the time"), CHANGE),
            Option(_("Resume"), RESUME) if paused else Option(_("Pause"), PAUSE),
            Option(_("Stop"), STOP),
            Option(_("Quiet hours"), QUIET),
            Option(_("Add a medicine"), SET_UP),
            Option(_("All is well"), OTHER),
        ],
        again=_("Shall I change the time, pause, stop, or add a reminder? Or is all well?"),
    )


# --- one of them ---------------------------------------------------------------------------------


def _with_item(what: str, items: list[Item], talk: Talk) -> Step:
    able = [each for each in items if _fits(what, each)]
    if not able:
        return Done(_("There is nothing of that kind to change."), choices=_afterwards())
    picked = talk.facts.get("item")
    near = talk.facts.get("near")
    if picked is None and near is not None and len({each.plan.pk for each in able}) > 1:
        # Said in answer to a reminder of this plan; the others are not meant.
        able = [each for each in able if each.plan.pk == near] or able
    if picked is None and len(able) > 1:
        return _ask_which(what, able)
    chosen = [each for each in able if picked in (None, ALL, each.key)]
    if not chosen:
        talk.facts.pop("item", None)
        return _ask_which(what, able) if len(able) > 1 else _ACTS[what](able, talk)
    return _ACTS[what](chosen, talk)


def _fits(what: str, item: Item) -> bool:
    if what == CHANGE:
        return item.medication is not None
    if what == PAUSE:
        return item.plan.status == Status.ACTIVE
    return what != RESUME or item.plan.status == Status.PAUSED


def _ask_which(what: str, able: list[Item]) -> Ask:
    texts = {
        CHANGE: _("Which reminder shall I change?"),
        PAUSE: _("Which reminder shall I pause?"),
        RESUME: _("Which reminder shall I start again?"),
        STOP: _("Which reminder shall I stop?"),
    }
    options = [Option(each.line, each.key) for each in able[:SHOWN]]
    if what != CHANGE:
        options.append(Option(_("All of them"), ALL))
    return Ask("item", texts[what], options)


def _names(chosen: list[Item]) -> str:
    return _(", ").join(dict.fromkeys(each.name for each in chosen))


def _stop(chosen: list[Item], talk: Talk) -> Step:
    match talk.facts.get("sure"):
        case "stop":
            for each in chosen:
                _end(each, talk)
            return Done(
                _("Stopped: %(what)s. Please go on with your medicine as your doctor told you.")
                % {"what": _names(chosen)},
                choices=_afterwards(),
            )
        case "keep":
            return Done(_("All right, everything stays as it is."), choices=_afterwards())
    return Ask(
        "sure",
        _("Shall I stop these reminders: %(what)s?") % {"what": _names(chosen)},
        [Option(_("Stop them"), STOP), Option(_("Keep them"), KEEP)],
    )


def _end(item: Item, talk: Talk) -> None:
    if item.medication is not None:
        planning.end_medication(item.medication, now=talk.now)
    else:
        services.stop_plan(item.plan, why=StoppedWhy.ASKED, now=talk.now)


def _pause(chosen: list[Item], talk: Talk) -> Step:
    for each in chosen:
        services.pause_plan(each.plan, now=talk.now)
    return Done(
        _("Paused: %(what)s. Tell me “resume” when I shall begin again.")
        % {"what": _names([each for each in _items(talk) if each.plan in _plans_of(chosen)])},
        choices=_afterwards(),
    )


def _resume(chosen: list[Item], talk: Talk) -> Step:
    for each in chosen:
        services.resume_plan(each.plan, now=talk.now)
    whole = [each for each in _items(talk) if each.plan in _plans_of(chosen)]
    return Done(
        _("Started again: %(what)s.") % {"what": "\n".join(each.line for each in whole)},
        choices=_afterwards(),
    )


def _plans_of(chosen: list[Item]) -> list[CarePlan]:
    return [each.plan for each in chosen]


def _change(chosen: list[Item], talk: Talk) -> Step:
    item = chosen[0]
    assert item.medication is not None
    often = talk.facts.get("often")
    if not often:
        return Ask(
            "often",
            _("At what times shall I remind you of %(what)s? For example “7:00 and 19:30”.")
            % {"what": item.name},
            again=_("Please name the hours, such as “7 in the morning and 7 in the evening”."),
        )
    meals = {**item.plan.meals, **(talk.facts.get("meals") or {})}
    try:
        hours = hours_of(often, meal=talk.facts.get("meal") or item.medication.meal, meals=meals)
    except TooOften:
        return for_a_nurse()
    if len(hours) != len(item.medication.times):
        # Another number of doses is another regimen, which is not ours to change.
        if talk.facts.get("sure") is None:
            return Ask(
                "sure",
                _(
                    "Until now I remind you %(before)s times a day, from now on it would be"
                    " %(after)s times (%(times)s). Did your doctor say so?"
                )
                % {
                    "before": len(item.medication.times),
                    "after": len(hours),
                    "times": clock_in_words(hours),
                },
                [
                    Option(_("Yes, the doctor said so"), True),
                    Option(_("No, not the doctor"), False),
                ],
            )
        if not talk.facts["sure"]:
            return BringNurse(
                text=_("Then please ask first; a nurse helps you. I leave the reminder as it is.")
            )
    planning.change_times(item.medication, times=hours, now=talk.now)
    return Done(
        _("Changed: from now on I remind you of %(what)s at %(times)s.")
        % {"what": item.name, "times": clock_in_words(hours)},
        choices=_afterwards(),
    )


_ACTS: dict[str, Callable[[list[Item], Talk], Step]] = {
    STOP: _stop,
    PAUSE: _pause,
    RESUME: _resume,
    CHANGE: _change,
}


def _quiet(items: list[Item], talk: Talk) -> Step:
    said = talk.facts.get("quiet")
    plans = {each.plan.pk: each.plan for each in items}
    if not said:
        now = next(iter(plans.values()))
        return Ask(
            "quiet",
            _(
                "At present I write nothing from %(begins)s to %(ends)s. Between which hours do you"
                " want to be left in peace?"
            )
            % {"begins": f"{now.quiet_from:%H:%M}", "ends": f"{now.quiet_until:%H:%M}"},
            [
                Option("21:00–07:00", ["21:00", "07:00"]),
                Option("22:00–06:30", ["22:00", "06:30"]),
                Option(_("Leave it as it is"), ["", ""]),
            ],
            again=_("Please name two hours, such as “from 9 in the evening to 7 in the morning”."),
        )
    begins, ends = said
    for plan in plans.values():
        planning.change_hours(
            plan,
            quiet_from=time.fromisoformat(begins) if begins else plan.quiet_from,
            quiet_until=time.fromisoformat(ends) if ends else plan.quiet_until,
            now=talk.now,
        )
    first = next(iter(plans.values()))
    return Done(
        _("All right: from %(begins)s to %(ends)s I write nothing of my own accord.")
        % {"begins": f"{first.quiet_from:%H:%M}", "ends": f"{first.quiet_until:%H:%M}"},
        choices=_afterwards(),
    )


def _afterwards() -> list[dict[str, str]]:
    return [
        choice(_("My reminders"), text=_("My reminders"), tap="reminder"),
        choice(_("Talk to a nurse"), tap="nurse"),
    ]


REMINDER = Skill(
    "reminder",
    gettext_lazy("medicine reminders"),
    (
        Needs("what", gettext_lazy("Wish"), _read_what, clears=("sure", "item"), show=None),
        Needs("item", gettext_lazy("Reminder"), _read_item, clears=("sure",), show=None),
        PRESCRIBED,
        MEDICINE,
        DOSE,
        OFTEN,
        MEAL,
        MEALS_AT,
        UNTIL,
        Needs("quiet", gettext_lazy("Quiet hours"), _read_quiet, show=None),
        WHOM,
        NAME,
        Needs("sure", gettext_lazy("Agreed"), _read_sure, show=None),
    ),
    proceed,
    wants=wants,
    claims=claims,
)
