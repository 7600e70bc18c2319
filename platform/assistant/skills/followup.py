"""A follow-up with a questionnaire: one question at a time, and a nurse where an answer worries."""

import contextlib
import re
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.choices import Answer, yes_or_no
from assistant.reading.measures import find_severity, find_temperature
from assistant.reading.numbers import find_numbers
from assistant.skills.awaited import Awaited, awaited
from assistant.talk import Ask, BringNurse, Done, Found, Option, Skill, Step, Talk
from assistant.talk import Slot as Needs
from careplans import forms, services
from careplans.answers import Meaning, read_answer
from careplans.models import Due, Question, QuestionKind, QuestionnaireResponse, Reason, State
from tickets.models import Reason as TicketReason
from triage.labels import Urgency

AT_ONCE = Urgency.SAME_DAY  # from here on a nurse comes before the rest is asked
LATER_M = 120  # minutes
BEGIN, LATER, REFUSED, STOP, UNABLE = "begin", "later", "refused", "stop", "unable"
_BEGINS = re.compile(
    r"^回?答(吧|题)?$|现在答|开始|来吧|问吧|你问|您问|\b(?:answer now|start|begin|go ahead|ask)\b",
    re.IGNORECASE,
)
_NOW = re.compile(r"(?:我)?现在(?:就)?答|回?答|answer now", re.IGNORECASE)
_NOT_NOW = re.compile(
    r"(以后|回头|改天|明天|下次|晚点|晚上|下午|中午|等会儿?|过会儿?|待会儿?|有空)再?(说|答|填|问|来|聊)?|现在(没空|不方便|忙)|在忙|没空"
    r"|\b(?:later|not now|busy|another time|tomorrow|in a while)\b",
    re.IGNORECASE,
)
_NO_MORE = re.compile(
    r"不想(回答|答|填|说)|不(回答|答|填)了?|\b(?:don'?t want to answer|no questions|won'?t answer)\b",
    re.IGNORECASE,
)
_UNABLE = re.compile(
    r"没有?(?:电子)?(?:血压计|血压仪|血糖仪|血糖机|试纸|体温计|体温表|温度计|秤)|(?:血压计|血压仪|血糖仪|体温计).{0,3}(?:坏|没电|不在)"
    r"|(?:没法|不会|不能|没办法)(?:量|测)|(?:量|测)不了"
    r"|\bno (?:\w+ ){0,2}(?:monitor|meter|thermometer|cuff|scales?)\b"
    r"|\b(?:don'?t have|haven'?t got) (?:\w+ ){0,3}(?:monitor|meter|thermometer|cuff|scales?)\b",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"(?:都|也|就)?(?:没|无)(?:有|出|流|渗|红|肿|脓|血|水|液|啥|什么|事|得)*(?:的|了|啊|呀|哦|呢)*[。.!！~]*"
)


# --- reading -------------------------------------------------------------------------------------


def _read_due(talk: Talk, asked: bool) -> Found | None:
    """Only where a talk begins: which follow-up these words are for."""
    if talk.asked or talk.facts.get("due"):
        return None
    found = awaited(talk)
    if found is None or found.is_button or _first_question(found.due) is None:
        return None
    wish = _wish(talk, _first_question(found.due), is_newest=_is_meant(found))
    return Found(found.due.pk) if wish is not None else None


def _is_meant(found: Awaited) -> bool:
    """Whether nothing was said since; or it was put off, and is put off once more."""
    again = len(found.words) <= 8 and _NOT_NOW.search(found.words) is not None
    return found.is_newest or (found.due.state == State.SNOOZED and again)


def _first_question(due: Due) -> Question | None:
    if due.step is None or due.step.questionnaire is None:
        return None
    return due.step.questionnaire.questions.order_by("number").first()


def _wish(talk: Talk, question: Question | None, *, is_newest: bool) -> str | None:
    """What somebody says to the invitation; an answer to the first question is a yes."""
    words = talk.words
    if question is not None and is_newest and _read(question, _after(question), words) is not None:
        return BEGIN
    if _NO_MORE.search(words):
        return REFUSED
    if _NOW.fullmatch(words.strip()):
        return BEGIN
    answer = read_answer(words)
    if is_newest and _is_unable(words):
        return UNABLE
    if answer.meaning is Meaning.STOP:
        return STOP
    if not is_newest or answer.meaning is Meaning.WORRIED or len(words) > 40:
        return None
    if _NOT_NOW.search(words) or answer.meaning is Meaning.LATER:
        return LATER
    if _BEGINS.search(words):
        return BEGIN
    agreed = yes_or_no(words)
    if agreed is not None and not re.search(r"[?？吗]", words):
        return {Answer.YES: BEGIN, Answer.NO: REFUSED}.get(agreed.answer)
    return None


def _is_unable(words: str) -> bool:
    """ "我没有血压计"; who feels ill besides is heard as anybody is."""
    if len(words) > 60 or read_answer(words).meaning is Meaning.WORRIED:
        return False
    return _UNABLE.search(words) is not None


def _read_wish(talk: Talk, asked: bool) -> Found | None:
    if talk.asked:
        # While questions are open only a plain "later" or "no more" is meant for all of them.
        short = len(talk.words) <= 16
        if _is_unable(talk.words):
            return Found(UNABLE, [(0, len(talk.words))])
        for wish, words in ((REFUSED, _NO_MORE), (LATER, _NOT_NOW)):
            if short and (said := words.search(talk.words)):
                return Found(wish, [said.span()])
        return None
    found = awaited(talk)
    if found is None or _first_question(found.due) is None:
        return None
    meant = _wish(talk, _first_question(found.due), is_newest=_is_meant(found))
    return Found(meant) if meant else None


def _read_reply(talk: Talk, asked: bool) -> Found | None:
    """The answer to the question that is asked, and to the next where one says both: 130/80."""
    whole = [(0, len(talk.words))]
    if not talk.asked:
        found = awaited(talk)
        question = _first_question(found.due) if found and found.is_newest else None
        if question is None or (said := _read(question, _after(question), talk.words)) is None:
            return None
        return Found(said, whole)
    response = _response(talk)
    question = forms.next_question(response) if response is not None and asked else None
    if question is None:
        return None
    if (said := _read(question, _after(question), talk.words)) is not None:
        # Free text may say anything: a model looks at it, too, before it is taken for an answer.
        return Found(said, [] if question.kind == QuestionKind.TEXT else whole)
    return None


def _read(question: Question, following: Question | None, words: str) -> list[str] | None:
    if question.kind == QuestionKind.TEXT:
        return [words] if words.strip() and not re.search(r"[?？]|吗$", words) else None
    if question.kind == QuestionKind.CHOICE:
        return _chosen(question, words)
    words = re.sub(r"(?<=[0-9])点(?=[0-9])", ".", words)  # "8点6", as a machine hears it
    numbers = [each.value for each in find_numbers(words)]
    if following is not None and following.kind == QuestionKind.NUMBER and len(numbers) == 2:
        pair = [f"{each:g}" for each in numbers]
        return pair if _fits(question, pair[0]) and _fits(following, pair[1]) else None
    if (said := _measured(question, words)) is not None:
        return [said]
    if len(numbers) == 1 and _fits(question, f"{numbers[0]:g}"):
        return [f"{numbers[0]:g}"]
    return None


def _chosen(question: Question, words: str) -> list[str] | None:
    if re.search(r"[?？]", words):
        return None
    try:
        return [str(forms.read_reply(question, words).value)]
    except forms.NotUnderstood:
        pass
    if _NONE.fullmatch(words.strip()):
        none = [each for each in question.options if re.match(r"没|无|不", str(each["text"]))]
        return [str(none[0]["text"])] if len(none) == 1 else None
    # A yes or a no, where just these two stand to choose from.
    agreed, options = yes_or_no(words), question.options
    if agreed is None or len(options) != 2 or len(words) > 16:
        return None
    no = next((each for each in options if not each.get("score")), None)
    yes = next((each for each in options if each is not no), None)
    picked = {Answer.NO: no, Answer.YES: yes}.get(agreed.answer)
    return [str(picked["text"])] if picked else None


def _measured(question: Question, words: str) -> str | None:
    if question.kind == QuestionKind.SCALE:
        said = find_severity(words, asked=True)
        if said is not None and said.score is not None:
            return f"{said.score}"
        if re.search(
            r"(一点|完全|都|已经)?(也)?不(怎么)?[疼痛]|没(有)?(什么)?感觉|\bno pain\b",
            words,
            re.IGNORECASE,
        ):
            return "0"
    if question.unit == "°C":
        degrees = find_temperature(words, asked=True)
        return f"{degrees.celsius:g}" if degrees is not None else None
    return None


def _fits(question: Question, said: str) -> bool:
    try:
        forms.read_reply(question, said)
    except forms.NotUnderstood:
        return False
    return True


def _after(question: Question) -> Question | None:
    later = question.questionnaire.questions.filter(number__gt=question.number)
    following: Question | None = later.order_by("number").first()
    return following if question.kind == QuestionKind.NUMBER else None


def wants(talk: Talk) -> bool:
    return _read_due(talk, False) is not None


def claims(talk: Talk, answers: bool) -> bool:
    """ "现在答", though something else was begun meanwhile."""
    return not answers and _NOW.fullmatch(talk.words.strip()) is not None and wants(talk)


# --- asking --------------------------------------------------------------------------------------


def proceed(talk: Talk) -> Step:
    facts = talk.facts
    due = Due.objects.select_related("plan__patient", "step__questionnaire").get(pk=facts["due"])
    match facts.pop("wish", None):
        case "later":
            return _later(due, talk)
        case "stop":
            return Done("", then="reminder", with_facts={"what": "stop", "near": due.plan_id})
        case "refused":
            return _leave(due, talk)
        case "unable":
            return BringNurse(text=_("Never mind; a nurse sees with you how it can be measured."))
    response = _response(talk) or _begin(due, talk)
    _step_back(response, talk)
    for said in facts.pop("reply", None) or ():
        if forms.next_question(response) is None:
            break
        forms.answer(response, said, now=talk.now, is_handed_over=True)
        if response.urgency >= AT_ONCE:
            return _bring(due, response, talk)
    question = forms.next_question(response)
    if question is None:
        return _close(due, response, talk)
    facts["number"] = question.number
    return _ask(question, response, talk)


def _response(talk: Talk) -> QuestionnaireResponse | None:
    known = talk.facts.get("response")
    found = QuestionnaireResponse.objects.select_related("questionnaire", "due", "conversation")
    return found.filter(pk=known).first() if known else None


def _begin(due: Due, talk: Talk) -> QuestionnaireResponse:
    assert due.step is not None and due.step.questionnaire is not None
    response = forms.start_response(
        due.step.questionnaire,
        patient=due.plan.patient,
        conversation=talk.conversation,
        due=due,
        now=talk.now,
    )
    talk.facts["response"] = response.pk
    return response


def _step_back(response: QuestionnaireResponse, talk: Talk) -> None:
    """Who went one step back is asked that question anew."""
    number = talk.facts.get("number")
    if number is not None and str(number) in response.answers and not talk.facts.get("reply"):
        forms.take_back(response, number=number)


def _ask(question: Question, response: QuestionnaireResponse, talk: Talk) -> Ask:
    text, options = forms.ask(question, language=talk.lang)
    count = response.questionnaire.questions.count()
    place = _("(%(number)s of %(count)s)") % {"number": question.number, "count": count}
    return Ask(
        "reply",
        f"{text} {place}",
        [Option(each, [each]) for each in options],
        again=_hint(question, text),
    )


def _hint(question: Question, text: str) -> str:
    if question.kind == QuestionKind.CHOICE:
        return _("Please tap what fits best. %(question)s") % {"question": text}
    if question.kind == QuestionKind.TEXT:
        return text
    return _("A number is enough. %(question)s") % {"question": text}


# --- ending --------------------------------------------------------------------------------------


def _later(due: Due, talk: Talk) -> Step:
    try:
        at = services.snooze(due, minutes=LATER_M, now=talk.now)
    except services.AlreadySettled:
        return Done(_("All right, that is over anyway."))
    if at is None:
        return Done(_("All right. Whenever you have a minute, write “answer now”."))
    clock = f"{at.astimezone(due.plan.zone):%H:%M}"
    return Done(_("No hurry. I ask again at %(time)s.") % {"time": clock})


def _leave(due: Due, talk: Talk) -> Step:
    with contextlib.suppress(services.AlreadySettled):
        services.skip(due, reason=Reason.REFUSED, now=talk.now)
    return Done(_("All right, I do not ask. If anything troubles you, write to me at any time."))


def _bring(due: Due, response: QuestionnaireResponse, talk: Talk) -> BringNurse:
    danger = response.urgency >= Urgency.EMERGENCY
    with suppress(services.AlreadySettled):  # it ended with its last answer
        services.acknowledge(due, now=talk.now)
    form = response.questionnaire
    talk.facts["told"] = _told(response)
    return BringNurse(
        TicketReason.RED_FLAG if danger else TicketReason.OUT_OF_SCOPE,
        urgency=Urgency(response.urgency),
        department=form.department,
        text="\n".join(
            [
                *_band(response, talk),
                _("Thank you for telling me. A nurse should look at this soon."),
            ]
        ),
        in_danger=danger,
        rules=[f"questionnaire.{form.code}"] if danger else [],
    )


def _close(due: Due, response: QuestionnaireResponse, talk: Talk) -> Step:
    if response.urgency >= Urgency.ROUTINE:
        return _bring(due, response, talk)
    form = response.questionnaire
    thanks = form.in_language("thanks", talk.lang) or _("Thank you, I have noted your answers.")
    return Done("\n".join([*_band(response, talk), thanks]))


def _band(response: QuestionnaireResponse, talk: Talk) -> list[str]:
    """What the score means, in the questionnaire's own plain words, once all is answered."""
    if response.completed_at is None:
        return []
    band = forms.band_of(response)
    name = band.get("name_en") if talk.is_english else None
    name = name or band.get("name")
    return [_("By your answers: %(band)s.") % {"band": name}] if name else []


def _told(response: QuestionnaireResponse) -> list[list[Any]]:
    """What was answered, for the nurse's card."""
    questions = {each.number: each for each in response.questionnaire.questions.all()}
    return [
        [questions[int(number)].text, each["value"]] for number, each in response.answers.items()
    ]


def _show_told(told: list[list[Any]]) -> str:
    return "; ".join(f"{question} {value}" for question, value in told)


FOLLOWUP = Skill(
    "followup",
    gettext_lazy("a few questions"),
    (
        Needs("due", gettext_lazy("Follow-up"), _read_due, show=None),
        Needs("wish", gettext_lazy("Wish"), _read_wish, show=None),
        Needs("reply", gettext_lazy("Answer"), _read_reply, show=None),
        Needs("told", gettext_lazy("Answers"), show=_show_told),
    ),
    proceed,
    wants=wants,
    claims=claims,
)
