"""Who asks: proven by a one-time code to the phone that the hospital knows, before any record.

For every skill that shows something of a record. What is said here does not depend on whether such
a patient exists. Where no channel takes codes to phones a nurse comes, who has other means.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.particulars import (
    Name,
    find_identity_number,
    find_name,
    find_phone,
)
from assistant.talk import NONE_OF_THEM, Ask, BringNurse, Found, Option, Slot, Step, Talk
from patients.models import Patient
from records.identity import (
    NotVerified,
    Reply,
    Verdict,
    confirm_code,
    forget,
    start_check,
    verified_patient,
)
from tickets.models import Reason
from triage.reading import Span

RESEND, OTHER, NO_PHONE = "resend", "other", "no phone"  # instead of a code
_FIGURES = str.maketrans("零〇一二三四五六七八九幺洞拐", "00123456789107")
_CODE = re.compile(r"(?<!\d)\d(?:[ ,，.。、-]{0,2}\d){5}(?![ ]?\d)")
_LED_CODE = re.compile(
    r"^\W*+(?:我的|收到了?|短信|验证码|密码|码|号码|是|为|[:：,，\s]"
    r"|(?:it'?s|the|my|code|is|sms)\b)*",
    re.IGNORECASE,
)
_BESIDE_NAME = re.compile(
    r"[,，、;；:：/+]|(?:我的?|登记的?)?(?:电话|手机)?号码?(?:是|为)?|(?:电话|手机)(?:是|为)?"
    r"|\b(?:my )?(?:full )?name(?:'s| is)?\b"
    r"|\b(?:my )?(?:mobile|phone|tel|cell)?(?: ?number)?(?: is)?\b|\band\b"
    r"|\bi(?:'m| am)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:[我俺咱偶吾]们?的?|本人的?)?(?:登记的?|医院登记的?|预留的?)*"
    r"(?:名字|姓名|大名|手机|电话|联系电话|联系方式)?(?:号码?)?(?:叫做?|是|为|就是|：|:)?\s*$"
    r"|(?:\b(?:my|the|full|name|mobile|phone|cell|tel|number|is|it|it's|i|i'm|am|this|called|and)"
    r"[\s:]*)+$",
    re.IGNORECASE,
)
_LEAD_AT_MOST = 60  # characters
_WISH = re.compile("(?:想|要|来|帮我|麻烦|请){1,9}+(?:查|看|问|取|拿).{0,30}")
_NO_NAME = re.compile(  # 查 is a surname, and what people want here
    r"报告|结果|化验|检查|查询|^查|\b(?:is|my|number|phone|mobile|reports?|results?|tests?|code)\b",
    re.IGNORECASE,
)
_NOTHING_CAME = re.compile(
    r"(?:没有?|还没|未)(?:收到|有?来|短信|看到|接到)|收不到|(?:再|重新?)(?:发|来|寄|送)|过期"
    r"|resend|send (?:it |me |one |a new one |another )?(?:again|another|a new)"
    r"|another (?:code|one)"
    r"|new code|(?:not|n't|no) (?:get|got|receive|received|come|arrive|arrived|code|text|sms)",
    re.IGNORECASE,
)
_ANOTHER_PERSON = re.compile(
    r"(?:名字|姓名|手机号?|号码|电话)(?:写|填|打|说|输|弄)?(?:错|不对)|换(?:个|一个)?(?:名字|姓名|手机|号码?)"
    r"|wrong (?:name|number|phone)|(?:other|another|different) (?:name|number|phone)",
    re.IGNORECASE,
)
_NO_PHONE = re.compile(
    r"(?:手机|电话|号码?|卡)(?:号码?)?(?:早就|已经|都|现在|也)?(?:换了?号|换了|丢了|停机|停用|注销|不用了|没带|不在|坏了|没电|打不开)(?:在?身[上边]|了)?"
    r"|换了?(?:手机)?号(?:码)?了|(?:以前|原来|之前)的(?:手机|电话|号)"
    r"|\b(?:lost|broke|changed|don'?t have|no longer have|without) (?:my |that |the )?(?:old )?"
    r"(?:phone|number|mobile)\b(?: any ?more)?|\b(?:old|previous) (?:phone|number|mobile)\b",
    re.IGNORECASE,
)


# --- slots ---------------------------------------------------------------------------------------


def _read_name(talk: Talk, asked: bool) -> Found | None:
    """ "陈晓雨,手机13900000101" says both: the name is what stands beside the number."""
    words, phone = talk.words, find_phone(talk.words)
    if phone is not None:
        words = _blanked(words, phone.span)
    name = find_name(words) or find_name(_without(_WISH, words))
    if name is None and (asked or phone is not None):
        words = _without(_BESIDE_NAME, words)
        name = find_name(words, asked=True)
        if name is None and phone is not None:
            name = _name_before(words[: phone.span[0]])
    if name is None or _NO_NAME.search(name.name):
        return None
    return Found(name.name, [_with_lead(talk.words, name.span)])


def _name_before(words: str) -> Name | None:
    """The last word before a number: "查血常规 陈晓雨"."""
    said = words.rstrip()
    start = len(said) - len(said.split(" ")[-1])
    name = find_name(said[start:], asked=True)
    return Name((start + name.span[0], start + name.span[1]), name.name) if name else None


def _read_phone(talk: Talk, asked: bool) -> Found | None:
    phone = find_phone(talk.words)
    if phone is None or not phone.mobile:
        return None
    return Found(phone.number, [_with_lead(talk.words, phone.span)])


def _read_tail(talk: Talk, asked: bool) -> Found | None:
    """An identity number that somebody gives unasked: its end tells two of one name apart."""
    number = find_identity_number(talk.words)
    return Found(number.last_four, [number.span]) if number else None


def _read_code(talk: Talk, asked: bool) -> Found | None:
    waits = talk.asked in ("phone", "code") and find_phone(talk.words) is None
    if waits and (found := _NO_PHONE.search(talk.words)):
        return Found(NO_PHONE, [found.span()])
    if not asked:
        return None
    words = unicodedata.normalize("NFKC", talk.words).translate(_FIGURES)
    if len(words) == len(talk.words) and (code := _CODE.search(words)):
        start = 0 if _LED_CODE.fullmatch(words[: code.start()]) else code.start()
        return Found(re.sub(r"\D", "", code[0]), [(start, code.end())])
    for what, pattern in ((OTHER, _ANOTHER_PERSON), (RESEND, _NOTHING_CAME)):
        if found := pattern.search(talk.words):
            if what == OTHER and find_phone(talk.words):  # "电话写错了,是139…": read as such
                return None
            return Found(what, [found.span()])
    return None


def _with_lead(words: str, span: Span) -> Span:
    """With "my name is" before it: no model need be asked what that means."""
    start, end = span
    lead = _LEAD.search(words, max(0, start - _LEAD_AT_MOST), start)
    return (lead.start() if lead else start, end)


def _without(pattern: re.Pattern[str], words: str) -> str:
    """The same words, every place kept, with what the pattern finds left blank."""
    return pattern.sub(lambda found: " " * len(found[0]), words)


def _blanked(words: str, span: Span) -> str:
    start, end = span
    return f"{words[:start]}{' ' * (end - start)}{words[end:]}"


CODE = Slot("code", gettext_lazy("Code"), _read_code, show=None, is_secret=True)
TAIL = Slot("tail", gettext_lazy("Identity number"), _read_tail, show=None, is_secret=True)
PROOF = (
    Slot("name", gettext_lazy("Name"), _read_name, clears=("tail",)),
    Slot("phone", gettext_lazy("Phone"), _read_phone),
    TAIL,
    CODE,
)


# --- the way -------------------------------------------------------------------------------------


def proven(talk: Talk) -> Patient | Step:
    """Who has proven who they are in this conversation, or what has to be said until then."""
    facts = talk.facts
    code = facts.pop("code", None)
    try:
        patient = verified_patient(talk.conversation.pk, now=talk.now)
    except NotVerified:
        pass
    else:
        facts.pop("sent", None)
        return patient
    if not _can_send_codes():
        return _by_other_means(talk)
    if code == NO_PHONE:
        return BringNurse(
            Reason.OUT_OF_SCOPE,
            text=_(
                "The code can only go to the phone that the hospital has of you. A nurse checks in"
                " another way who you are, and tells you how to change the number."
            ),
        )
    if code in (OTHER, NONE_OF_THEM):
        for name in ("name", "phone", "tail", "sent"):
            facts.pop(name, None)
        facts["anew"] = True
    if (missing := _claim(talk)) is not None:
        return missing
    if code == RESEND or _asks_again(talk):
        return _send(talk)
    if facts.get("sent") != _claimed(talk):
        return _keep_waiting(talk) or _send(talk)
    return _try(code, talk) if code and code.isdigit() else _ask_code(_sent_in_words(talk), talk)


def _claim(talk: Talk) -> Ask | None:
    """Name and phone: what the writer is known by already, or the question for it."""
    facts, writer = talk.facts, talk.writer
    if not facts.get("anew") and writer.name and writer.phone:
        facts.setdefault("name", writer.name)
        facts.setdefault("phone", writer.phone)
    if not facts.get("name"):
        return Ask(
            "name",
            _(
                "To protect your privacy I first check that it is you. What is your full name, as"
                " registered at the hospital?"
            ),
            again=_("Please write only your name, as on the identity card."),
        )
    if not facts.get("phone"):
        return Ask(
            "phone",
            _("And the mobile number that the hospital has of you? I send a code there."),
            again=_("Please write a mobile number of 11 digits."),
        )
    return None


def _claimed(talk: Talk) -> list[str]:
    return [talk.facts["name"], talk.facts["phone"], talk.facts.get("tail", "")]


def _asks_again(talk: Talk) -> bool:
    """ "再发一遍" is one of the words that steer, and so comes without a value."""
    return talk.asked == "code" and _NOTHING_CAME.search(talk.words) is not None


def _send(talk: Talk) -> Step:
    name, phone, tail = _claimed(talk)
    asked = start_check(
        talk.conversation.pk,
        asked_by=talk.conversation.contact_point,
        name=name,
        phone=phone,
        identity_tail=tail,
        now=talk.now,
    )
    match asked.reply:
        case Reply.CODE_ON_ITS_WAY:
            talk.facts["sent"] = [name, phone, tail]
            return _ask_code(_sent_in_words(talk), talk)
        case Reply.WAIT:
            until = asked.until or talk.now
            talk.facts["wait"] = [_claimed(talk), until.isoformat()]
            return _ask_to_wait(until, talk)
        case Reply.ASK_NURSE:
            return BringNurse(
                Reason.OUT_OF_SCOPE,
                text=_(
                    "For your safety I can send no more codes here today. A nurse checks with you"
                    " who you are, and helps you on."
                ),
            )


def _keep_waiting(talk: Talk) -> Ask | None:
    """Something else was said in between: the same claim is not asked for a second time."""
    claimed, until = talk.facts.get("wait") or [None, ""]
    if claimed != _claimed(talk) or talk.now >= datetime.fromisoformat(until):
        return None
    return _ask_to_wait(datetime.fromisoformat(until), talk)


def _ask_to_wait(until: datetime, talk: Talk) -> Ask:
    text = _("For safety I can send the next code only at %(time)s. Please ask again then.")
    return _ask_code(text % {"time": _clock(until, talk)}, talk)


def _sent_in_words(talk: Talk) -> str:
    return _(
        "If the hospital knows this name with the number %(phone)s, a text message with a code of 6"
        " digits arrives there within a minute. Please type it here. It is good for 10 minutes."
    ) % {"phone": masked_phone(talk.facts["phone"])}


def _ask_code(text: str, talk: Talk) -> Ask:
    return Ask(
        "code",
        text,
        [Option(_("Nothing came, send again"), RESEND), Option(_("Other name or number"), OTHER)],
        again=_(
            "Please type the 6 digits from the text message. If nothing came, tell me “send again”,"
            " or let a nurse help."
        ),
    )


def _try(code: str, talk: Talk) -> Patient | Step:
    answered = confirm_code(talk.conversation.pk, code, now=talk.now)
    match answered.verdict:
        case Verdict.VERIFIED:
            assert answered.patient is not None
            talk.facts.pop("sent", None)
            return answered.patient
        case Verdict.WRONG:
            left = answered.tries_left
            return _ask_code(
                _("That is not the code. Tries left: %(left)s.") % {"left": left}, talk
            )
        case Verdict.OVER:
            return _ask_code(_("This code can no longer be used. Shall I send a new one?"), talk)


def _by_other_means(talk: Talk) -> BringNurse:
    return BringNurse(
        Reason.OUT_OF_SCOPE,
        text=_(
            "Before I show anything of a record I have to be sure that it is you, and this hospital"
            " can't send codes by text message yet. A nurse checks with you in another way."
        ),
    )


def leave(talk: Talk) -> None:
    """Forget at once who was proven: somebody else may take the phone."""
    forget(talk.conversation.pk, now=talk.now)


def is_proven(talk: Talk) -> bool:
    try:
        verified_patient(talk.conversation.pk, now=talk.now)
    except NotVerified:
        return False
    return True


def masked_phone(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}"


def _clock(moment: datetime, talk: Talk) -> str:
    at = moment.astimezone(talk.hospital.zone)
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def _can_send_codes() -> bool:
    asked: bool = _way()()
    return asked


@lru_cache(maxsize=1)
def _way() -> Callable[[], bool]:
    """Who knows whether codes can be sent: named by the settings, for no room up here may."""
    way: Callable[[], bool] = import_string(settings.CODE_WAY)
    return way
