"""How it was: a rating that we asked for, or praise, a wish or a complaint of their own accord.

What was said is kept at once, whatever is asked after it; what is urgent brings a nurse at once.
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.policy import MAX_ANGER
from assistant.skills.agreeing import agree
from assistant.skills.clinics import DEPARTMENT, DOCTOR, department_of, doctors_of
from assistant.skills.medicine import tells_of_harm
from assistant.skills.whom import PHONE
from assistant.talk import NONE_OF_THEM, Ask, BringNurse, Done, Found, Option, Skill, Step, Talk
from assistant.talk import Slot as Needs
from careplans import feedback
from careplans.feedback import CLAUSE, HIGH, LOW, read_rating, sort_of
from careplans.models import Feedback, Sort, TaskKind
from careplans.tasks import open_task
from conversations.models import Author, Kind, Message
from tickets.models import Reason
from triage.labels import Distress, Intent, Urgency

HERE, CALL, NOTHING = "here", "call", "nothing"
NO_WORDS = "_no_words"
MOST_WORDS = 1_000  # characters kept
_BUTTON = re.compile(r"(?:评分：|Rating: )([1-5])")
_STARS = re.compile(
    r"^([1-5一二三四五])\s*(?:分|颗?星|stars?|points?|/ ?5)(?![0-9])", re.IGNORECASE
)
_STARS_LAST = re.compile(r"[\s,，。]([1-5一二三四五])\s*(?:分|颗?星)[。!！]*$")
_ZH = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
_JUDGES = re.compile(
    r"谢谢|感谢|耐心|细心|热情|周到|专业|好评|赞|贴心|暖心|表扬|医德|满意|服务|态度|太慢|等(了|得|太)|排队|没人|敷衍|希望|建议|差|糟|失望|投诉"
    r"|\b(?:thank|kind|helpful|patient|friendly|great|excellent|professional|rude|slow|waited|wait|should|suggest|terrible|awful|poor|staff|service|complain)",
    re.IGNORECASE,
)
# What only announces that something will be told.
_ANNOUNCES = re.compile(
    r"(?>你好|您好|请问|我|想|要|来|给|你们|提|写|反馈|反映|一下|一?个|一?条|点|些|医院|表扬|夸夸?|投诉|意见|建议|问题|情况|评价|服务|谁|怎么|哪里?|吗|可以|能|在|的|有|对|不满|,|，|。|!|！|\?|？|\s)++"
    r"|(?>i|want|would|like|to|about|an|a|have|make|give|leave|some|file|complaint|complain|feedback|suggestion|praise|compliment|hi|hello|please|the|you|can|where|how|do|\?|\.|,|'d|'ll|\s)++",
    re.IGNORECASE,
)
_OPINES = re.compile(
    r"投诉|表扬|意见|建议|反馈|反映|夸|不满|\b(?:complain|complaint|feedback|suggestion|praise|compliment)\b",
    re.IGNORECASE,
)
_PRAISES = re.compile(
    r"(?:你好|您好|[,，\s])*(?:我|俺)?(?:想|要|来)*(?:表扬|夸|给\S{1,12}(?:点个?赞|送面?锦旗))"
    r"|(?:hi|hello|[,\s])*i(?:'d| would| want)?(?: like)?(?: to)? (?:praise|compliment|commend)\b",
    re.IGNORECASE,
)
# "王护士真好": praise, though nobody calls it so.
_GLAD_OF = re.compile(
    r"(?:护士|医生|大夫|主任|护工|保安|导诊)(?:们|长|小姐姐|姐姐|阿姨)?"
    r"(?:真的?|太|特别|非常|很|挺|可|好)(?:好|棒|耐心|细心|负责|温柔|热情|贴心|和气)(?!不好|吗|么)"
)
# Goes to law: nobody greets that.
_SUES = re.compile(
    r"(?:找|请)(?:了|好)?律师|律师函|起诉|法院见|打官司|告你们|告(?:这|你们?)(?:家|个)?医院|医疗事故鉴定"
    r"|\b(?:sue (?:you|the|this)|lawyer|malpractice)\b",
    re.IGNORECASE,
)
_SEEKS = re.compile(r"[?？]|吗|哪|谁|推荐|挂|约|号|有没有|是不是|怎么|什么")
_CALLED = (
    (str(Sort.COMPLAINT), re.compile(r"投诉|不满|\bcomplain", re.IGNORECASE)),
    (str(Sort.PRAISE), re.compile(r"表扬|夸|锦旗|\b(?:praise|compliment|thank)", re.IGNORECASE)),
    (str(Sort.SUGGESTION), re.compile(r"建议|\bsuggest", re.IGNORECASE)),
)
_NO_MORE_WORDS = re.compile(
    r"(没有?了?|不(用|说|想说|必|填)了?|算了|没什么(好说的|了)?|就这样|无)[。.!！]*|no(thing)?( more| else)?[.! ]*|no,? thanks?( you)?[.!]*|that'?s (all|it)[.!]*",
    re.IGNORECASE,
)
_CALLS = re.compile(
    r"(打|给|来|回)(我|个|一个)*电话|电话(联系|回复|告诉|打给)|联系我|\b(?:call|phone|ring)\b",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"在?这(里|儿)|发(消息|信息|微信)|告诉我|通知我|\b(?:here|message|tell me|let me know)\b",
    re.IGNORECASE,
)
_NOT_NEEDED = re.compile(
    r"不(用|必|需要|要)(了|联系|告诉|回复|管)?|算了|没必要|\b(?:no|not necessary|no need|don'?t)\b",
    re.IGNORECASE,
)


# --- reading -------------------------------------------------------------------------------------


def _awaited(talk: Talk) -> Feedback | None:
    """What we asked here, and have no word on yet."""
    row = feedback.awaiting_rating(talk.conversation, now=talk.now)
    return row if row is not None and row.answered_at is None else None


def _is_newest(talk: Talk, row: Feedback) -> bool:
    """Whether nothing was said to them since we asked, or thanked for the rating."""
    ours = Message.objects.filter(conversation=talk.conversation, kind=Kind.TEXT)
    newest = ours.exclude(author=Author.PATIENT).order_by("-seq").first()
    details = (newest.details or {}) if newest is not None else {}
    return details.get("feedback") == str(row.uid)


def _rating_in(words: str) -> tuple[int, str] | None:
    """The rating, and what else is said: "5分护士很耐心"."""
    plain = words.strip()
    if button := _BUTTON.fullmatch(plain):
        return int(button[1]), ""
    rating = read_rating(plain)
    if rating is not None:
        rest = CLAUSE.split(plain, maxsplit=1)
        return rating, rest[1].strip() if len(rest) > 1 else ""
    if stars := _STARS.match(plain):
        return _ZH.get(stars[1]) or int(stars[1]), plain[stars.end() :].strip(" ,，。")
    if stars := _STARS_LAST.search(plain):
        return _ZH.get(stars[1]) or int(stars[1]), plain[: stars.start()].strip(" ,，。")
    return None


def _read_rating(talk: Talk, asked: bool) -> Found | None:
    if talk.asked:
        return None
    said = _rating_in(talk.words)
    if said is None or not (_BUTTON.fullmatch(talk.words.strip()) or _awaited(talk)):
        return None
    return Found(said[0], [(0, len(talk.words) - len(said[1]))])


def _read_words(talk: Talk, asked: bool) -> Found | None:
    words = talk.words.strip()[:MOST_WORDS]
    if _BUTTON.fullmatch(words):
        return None
    if not talk.asked:
        if (said := _rating_in(words)) is not None and _awaited(talk):
            words = said[1]
        has_told = words and not _ANNOUNCES.fullmatch(words)
        return Found(words) if has_told else None
    if not asked:
        return None
    if _NO_MORE_WORDS.fullmatch(words):
        return Found(NO_WORDS, [(0, len(talk.words))])
    if re.search(r"[?？]$|吗$", words) and not _JUDGES.search(words):
        return None
    return Found(words) if len(words) > 1 and not _ANNOUNCES.fullmatch(words) else None


def _read_sort(talk: Talk, asked: bool) -> Found | None:
    """What somebody calls it before they tell it: "我要投诉"."""
    if talk.asked or _rating_in(talk.words) is not None:
        return None
    for sort, words in _CALLED:
        if words.search(talk.words):
            return Found(sort)
    return None


def _read_tell(talk: Talk, asked: bool) -> Found | None:
    if not asked:
        return None
    for what, words in ((NOTHING, _NOT_NEEDED), (CALL, _CALLS), (HERE, _HERE)):
        if found := words.search(talk.words):
            return Found(what, [found.span()])
    return None


def wants(talk: Talk) -> bool:
    words = talk.words.strip()
    if _BUTTON.fullmatch(words) or (_OPINES.search(words) and _ANNOUNCES.fullmatch(words)):
        return True
    if _PRAISES.match(words) and not re.search(r"[?？]|吗$", words):
        return True
    if _SUES.search(words) and not re.search(r"[?？]|吗$", words):
        return True
    if _GLAD_OF.search(words) and not _SEEKS.search(words):
        return True
    rates = _rating_in(words) is not None
    # Words instead of a rating, or after it.
    judges = _JUDGES.search(words) is not None and not re.search(r"[?？]|吗$", words)
    if not rates and not judges:
        return False
    row = feedback.awaiting_rating(talk.conversation, now=talk.now)
    if row is None or not _is_newest(talk, row):
        return False
    return (rates and row.answered_at is None) or (judges and not row.words)


def claims(talk: Talk, answers: bool) -> bool:
    return _BUTTON.fullmatch(talk.words.strip()) is not None


# --- answering -----------------------------------------------------------------------------------


def proceed(talk: Talk) -> Step:
    row = _row(talk)
    if row is None:
        rating = talk.facts.pop("rating", None)
        if rating is not None and not talk.facts.get("words"):
            return Done(_("I have your rating already. Thank you."))
        if not talk.facts.get("words"):
            return _ask_what()
        if talk.facts["words"] == NO_WORDS:
            return Done(_("All right. Write to me whenever something comes to your mind."))
        row = feedback.begin_feedback(
            talk.writer,
            talk.conversation,
            department=department_of(talk.facts),
            doctor=_doctor(talk),
            now=talk.now,
        )
        talk.facts["row"] = row.pk
    row = _keep(row, talk)
    if row.is_urgent or _is_angry(talk):
        return _bring(row)
    if row.words and tells_of_harm(row.words):  # whatever the rating
        return _bring(row, reason=Reason.OUT_OF_SCOPE)
    if row.rating is not None and row.rating < HIGH and not row.words and "words" not in talk.facts:
        return _ask_why(row.rating)
    if row.sort != Sort.COMPLAINT:
        return _thank(row)
    return _about(row, talk) or _tell(row, talk)


def _is_angry(talk: Talk) -> bool:
    meaning = talk.meaning
    return meaning.distress is Distress.ANGRY and meaning.distress_confidence >= MAX_ANGER


def _row(talk: Talk) -> Feedback | None:
    if known := talk.facts.get("row"):
        return Feedback.objects.select_related("department", "patient").get(pk=known)
    row = feedback.awaiting_rating(talk.conversation, now=talk.now)
    if row is None:
        return None
    is_meant = talk.facts.get("rating") is not None if row.answered_at is None else not row.words
    if not is_meant and not _is_newest(talk, row):
        return None
    if row.answered_at is not None and (row.words or talk.facts.get("rating") is not None):
        return None
    talk.facts["row"] = row.pk
    return row


def _doctor(talk: Talk) -> Any:
    doctors = doctors_of(talk.facts)
    return doctors[0] if len(doctors) == 1 else None


def _keep(row: Feedback, talk: Talk) -> Feedback:
    """Keep what was said and is not kept yet; whom it is about may come later."""
    words = talk.facts.get("words")
    new: dict[str, Any] = {}
    if talk.facts.get("rating") and row.rating is None:
        new["rating"] = talk.facts["rating"]
    if words and words != NO_WORDS and not row.words:
        new["words"] = words
    if new:
        new["sort"] = talk.facts.get("sort") or _heard_as(talk)
        row = feedback.give_feedback(row, now=talk.now, is_handed_over=True, **new)
    department, doctor = department_of(talk.facts), _doctor(talk)
    if doctor is not None and department is None:
        department = doctor.department
    if department is not None or doctor is not None:
        feedback.note_about(row, department=department, doctor=doctor)
    return row


def _heard_as(talk: Talk) -> str:
    """A complaint by the ear of the model, where a rule would hear a wish at most."""
    words = talk.facts.get("words") or ""
    told = talk.meaning.intent is Intent.COMPLAINT and not talk.meaning.abstained
    is_open = talk.facts.get("rating") is None and sort_of(None, words)[0] != Sort.PRAISE
    return str(Sort.COMPLAINT) if told and is_open else ""


def _bring(row: Feedback, *, reason: Reason = Reason.ANGER) -> BringNurse:
    return BringNurse(
        reason,
        urgency=Urgency.SAME_DAY,
        department=row.department,
        text=_("I am sorry that this happened. I have noted it, and a person takes it up now."),
    )


def _ask_what() -> Ask:
    return Ask(
        "words",
        _(
            "I am listening. What happened, where, and about when? Praise and wishes are welcome too."
        ),
        [Option(_("Never mind"), NO_WORDS)],
        again=_("Please tell me in your own words, as much or as little as you like."),
    )


def _ask_why(rating: int) -> Ask:
    text = (
        _("I am sorry that we did not do well. What went wrong?")
        if rating <= LOW
        else _("Thank you. What should we do better?")
    )
    return Ask("words", text, [Option(_("Nothing more"), NO_WORDS)])


def _thank(row: Feedback) -> Done:
    if row.sort == Sort.PRAISE:
        text = _("Thank you! I pass it on; it makes people here glad.")
        if not row.words:
            text = _("Thank you! If you want to add a few words, just write them.")
    else:
        text = _("Thank you. I pass it on to those whom it concerns.")
    return Done(text, details={"feedback": str(row.uid)})


def _about(row: Feedback, talk: Talk) -> Ask | None:
    """Whom a complaint concerns, where nobody has said so."""
    facts = talk.facts
    known = row.department_id or row.doctor_id or facts.get("department") or facts.get("doctor")
    if known or row.ticket_id or not row.words:
        return None
    return Ask(
        "department",
        _(
            "I am sorry about that; I have noted it. Which department, or which doctor, is it about?"
        ),
        [Option(_("None in particular"), NONE_OF_THEM)],
        again=_("The name of a department or a doctor is enough; or tap “None in particular”."),
    )


def _tell(row: Feedback, talk: Talk) -> Step:
    match talk.facts.get("tell"):
        case "here":
            agree(talk.writer, talk)
            return Done(
                _("Noted. You hear from me here what came of it. Thank you for telling us.")
            )
        case "call":
            return _call(row, talk)
        case "nothing":
            return Done(_("Noted; it goes to those whom it concerns. Thank you for telling us."))
    return Ask(
        "tell",
        _(
            "It goes to those whom it concerns. Do you want to hear what comes of it? “Tell me here”"
            " means that you agree to my writing to you here of my own accord."
        ),
        [
            Option(_("Tell me here"), HERE),
            Option(_("Please call me"), CALL),
            Option(_("Not necessary"), NOTHING),
        ],
    )


def _call(row: Feedback, talk: Talk) -> Step:
    phone = talk.facts.get("phone") or talk.writer.phone
    if not phone:
        return Ask(
            "phone",
            _("On which number can we call you?"),
            again=_("Please write a mobile number of 11 digits."),
        )
    open_task(
        talk.writer,
        kind=TaskKind.CALL,
        about=f"feedback {row.pk}",
        priority=2,
        words="\n".join(part for part in (phone, row.words) if part),
        department=row.department,
        now=talk.now,
    )
    return Done(_("Noted. A nurse calls you; thank you for telling us."))


FEEDBACK = Skill(
    "feedback",
    gettext_lazy("your opinion"),
    (
        Needs("rating", gettext_lazy("Rating"), _read_rating),
        Needs("sort", gettext_lazy("Sort"), _read_sort, show=None),
        Needs("words", gettext_lazy("Words"), _read_words),
        DEPARTMENT,
        DOCTOR,
        Needs("tell", gettext_lazy("Wants to hear of it"), _read_tell, show=None),
        PHONE,
    ),
    proceed,
    wants=wants,
    claims=claims,
    hears_anger=True,
)
