"""用药: what is prescribed, for who proved to be whom; what a leaflet says; the rest by a person.

It never weighs one medicine against another, and says of no dose more than the prescription does.
Interactions, changes, side effects, pregnancy and children go to the pharmacy, or to a nurse.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.models import Dialogue
from assistant.policy import asks_how
from assistant.reading.allergies import states_only_allergies
from assistant.reading.spelling import rest
from assistant.skills.answer import answer
from assistant.skills.days import day_in_words
from assistant.skills.proof import PROOF, proven
from assistant.skills.whom import WHOM, is_for_self
from assistant.talk import (
    ANY,
    NONE_OF_THEM,
    UNSURE,
    Ask,
    BringNurse,
    Done,
    Found,
    Option,
    Skill,
    Slot,
    Step,
    Talk,
)
from assistant.turn import Turn, choice
from careplans.models import Due, DueKind
from careplans.services import ANSWERED_WITHIN
from conversations.models import Author, Kind, Message
from hospital.models import Department
from knowledge.models import ArticleVersion
from knowledge.retrieval import leaflet
from patients.models import Patient
from records.guard import find_drugs, stated_allergies
from records.identity import visible_medications
from records.models import Medication, MedicationRequest
from tickets.models import Reason
from triage.labels import Urgency

LISTED = 6  # prescriptions on one screen
REMEMBERED = timedelta(minutes=30)  # "and if I forget it?" is still about the same medicine
MINE, OTHER = "mine", "other"  # instead of a medicine's name
PHARMACY = ("pharmacy", "yaoxue")  # codes that a hospital may give its pharmacy


class Topic(StrEnum):
    ALLERGY = "allergy"
    OVERDOSE = "overdose"
    EFFECT = "effect"
    EXPIRED = "expired"
    TOGETHER = "together"
    CHANGE = "change"
    SPECIAL = "special"
    CHOICE = "choice"
    REFILL = "refill"
    REMIND = "remind"
    MINE = "mine"
    DOSE = "dose"
    MISSED = "missed"
    KEEP = "keep"
    WATCH = "watch"
    HOW = "how"


# In this order: who asks two things gets the one that a person has to answer.
_TOPICS = [
    (topic, re.compile(words, re.IGNORECASE))
    for topic, words in (
        (Topic.OVERDOSE,
            "[吃服用喝]多了|多[吃服喝]了|[吃服]重了?|[吃服]了(?:两|2|双)(?:次|份|遍|倍|回)"
            "|[吃服打]成了?(?:两|2|双|三|3)|过量"
            "|加倍[吃服]了"
            "|[吃服]错了?药|[吃服]错了"
            r"|\boverdos|\btoo (?:many|much)\b|\btook (?:it )?(?:twice|two doses|double|extra)"
            r"|\b(?:took|taken|had) (?:\w+ ){1,6}twice\b(?! (?:a|per|every) )"
            r"|\bdouble dose"
            r"|\bwrong (?:pill|medicine|tablet|medication)"),
        (Topic.EFFECT,
            "副作用了|不良反应了|(?:[吃服用]了?|打了|喝了).{0,12}?(?:后|以后|之后|完|就|老|总"
            "|一直|有点|开始|感觉|觉得)"
            ".{0,12}?(?:不(?:太|大|怎么|是很|很)?(?:舒服|对劲)|难受|恶心|想?吐|头[晕疼痛昏]|拉肚子|腹泻|肚子[疼痛]|胃[疼痛]"
            "|起?疹|痒|心慌|咳|乏力|没劲|肿|酸|睡不着|犯困|便秘|口干|耳鸣|麻)"
            "|[吃服用]了[,，、。 ]?[^没不无还吗?？]{0,4}?"
            "(?:头[晕疼痛昏]|恶心|想吐|拉肚子|起?疹|(?<!消)肿|心慌)"
            r"|\bsince (?:i )?(?:started|starting|taking)|\b(?:makes?|made|making|gives?|gave"
            r"|giving) me\b"
            r"|\b(?:makes?|made|making) my (?:\w+ ){1,2}(?:swell|swollen|itch|hurt|ache|sore|burn)"
            r"|\bafter (?:taking|i took).{0,40}(?:dizzy|sick|nause|rash|itch|vomit|headache"
            r"|stomach|tired|cough|swollen|pain)"
            r"|\bi(?:'m| am) having side effects|\bside effects? (?:from|since)"),
        (Topic.EXPIRED,
            "过期.{0,10}(?:[吃服喝用]|行|可以|能)|[吃服喝用].{0,8}过期"
            r"|\bexpired\b|\b(?:out of|past (?:its|the|their)) (?:expiry )?date"),
        (Topic.SPECIAL,
            "怀孕|怀上|有喜|两条杠|孕妇|孕期|备孕|哺乳|喂奶|母乳|儿童|小孩|孩子|宝宝|娃|婴儿|几岁"
            "|喂(?:几|多少|[0-9一二两三四五六七八九十半])"
            "|(?<![0-9])(?:1[0-7]|[0-9])岁|(?<!十)[一二两三四五六七八九]岁|个月大"
            r"|\bpregnan|\bbreast ?feed|\bnursing (?:a|my)|\bconceive|\b(?:my )?(?:child|kid"
            r"|baby|toddler|son|daughter)\b"
            r"|\b\d+[- ]year[- ]old"),
        (Topic.CHANGE,
            "(?:停|断|减|加|换|改)(?:药|量|掉|[几一两三]天|一半|成|吗)|停[了吃]|想停|不[想再]?[吃服]了"
            "|加[一两半](?:片|粒|颗|次)|[吃服补](?:两|2|双|三|3)(?:片|粒|颗|份).{0,3}(?:行|可以|能|吗|不)"
            "|[吃服用]了.{0,6}(?:还是|仍|不管用|没用|没效|不见好|不退|压不住|没降)"
            "|跳过|skip(?=[ ]?[\u4e00-\u9fff])"
            "|不吃行|(?:少|多)[吃服]|减半|掰[开成]?半|[吃服]半[片颗粒]"
            "|能不能(?:停|不吃)|可以(?:停|不吃)|还(?:要|用|需要)(?:继续)?[吃服]吗"
            "|要[吃服](?:一辈子|到什么)|[吃服]多久|替代|血压正常|好了还"
            r"|\b(?:stop|quit|come off|halve|cut|lower|raise|increase|reduce|change|switch"
            r"|double|skip)(?:ping|ting|ing)? (?:taking|my|the|it|to|a|his|her)"
            r"|\bdo i still (?:need|have)|\b(?:higher|lower|more|less) (?:dose|of)"),
        (Topic.TOGETHER,
            "一起[吃服用]|一块[儿]?[吃服用]|同时[吃服用]|同吃|同服|合用|混着|叠着|相互作用"
            "|冲突|相克|间隔|隔多久"
            "|(?:喝|饮).{0,4}酒|酒局|饭局|酒(?:后|精)?能|喝(?:茶|咖啡|牛奶)|西柚|葡萄柚|忌口|保健品"
            "|(?:和|跟|与|加).{1,12}?(?:能|可以).{0,4}(?:吃|服|用)|(?:能|可以)(?:和|跟|与"
            "|同).{1,14}(?:吃|服|用)"
            r"|\btogether\b|\binteract|\bmix\b|\bcombine|\balongside\b|\bat the same time\b"
            r"|\balcohol\b|\bdrink\b|\bgrapefruit"
            r"|\b(?:with|and) (?:my|other|another) (?:\w+ ){0,2}(?:pills?|tablets?|medicines?"
            r"|medication|drugs?)"),
        (Topic.CHOICE,
            "(?:该|应该|要)?[吃用买]什么药|哪[种个](?:药|好)|推荐.{0,6}药|开点.{0,4}药"
            "|开[点些个]药|给我开"
            r"|\bwhat (?:medicine|medication|drug|pill)s? (?:should|can|do)|\bwhich (?:medicine"
            r"|drug|one)|\brecommend|\b(?:can|could|will|please) (?:you )?prescribe"),
        (Topic.REFILL,
            "续方|续药|续开|再开(?:点|些|一?盒|药)|配药|药(?:快)?(?:吃|用)?(?:完|没)了|快吃完"
            "|开(?:长期|慢病)|复诊开药"
            r"|\brefill|\brepeat prescription|\brun(?:ning)? out|\brenew|\bran out"),
        (Topic.REMIND,
            "(?:提醒|叫|喊|催|闹钟).{0,8}?[吃服用]药|(?:吃|用|服)药.{0,4}(?:提醒|闹钟)"
            "|老?忘(?:记)?[了]?吃药(?!了?怎么)|按时吃药"
            r"|\bremind(?:er)?s?\b|\balarm\b"),
        (Topic.MISSED,
            "漏[吃服了]?|忘(?:了|记)[吃服]|忘[吃服]|没吃怎么|少吃了一|补[吃服]"
            "|\\bmiss(?:ed)?\\b|\\bforgot|\\bforget"),
        (Topic.KEEP,
            r"保存|存放|储存|放冰箱|放哪|冷藏|过期|开封|保质|\bstor(?:e|age|ing)|\bfridge"
            r"|\bkeep it|\bexpir"),
        (Topic.WATCH,
            r"副作用|不良反应|注意|要留意|伤[肝肾胃]|禁忌|\bside effects?|\bwatch|\bcareful"
            r"|\bwarnings?"),
        (Topic.DOSE,
            "[吃服用](?:几|多少)|几[片粒颗袋次]|一[天日次](?:[吃服用])?(?:几|多少)|剂量|用量"
            r"|\bhow (?:many|much|often)\b|\bdose|\bdosage"),
        (Topic.HOW,
            "饭前|饭后|空腹|随餐|睡前|早上|晚上|什么时候[吃服用]|怎么[吃服用喝]|咋[吃服用]"
            "|如何[吃服用]|用法|吃法|啥时候[吃服]|嚼|用水"
            r"|\bhow (?:do|should|to|must) .{0,12}(?:take|use)|\bfood\b|\bmeals?\b"
            r"|\bempty stomach|\bwhen (?:do|should|to|can)|\bbefore or after|\bbedtime"
            r"|\bmorning|\bevening"),
    )
]  # fmt: skip
_MINE = re.compile(
    r"(?:我|俺)(?:的|这|那|开|现在|在|家)*(?:药|处方|方子)|医生(?:给我)?开的|(?:给|帮)我开的"
    r"|开的(?:那些?|这些?|几种)?药|我(?:在|正在|现在)?[吃服用](?:的|哪些|什么)"
    r"|(?:我的?|查|看|查看)处方|药单|处方单"
    r"|\bmy (?:\w+ )?(?:medicines?|medications?|pills?|tablets?|prescriptions?|meds|drugs)\b"
    r"|\bprescribed (?:to )?me\b"
    r"|\bdid (?:the|my) doctor prescribe|\bwas i prescribed",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"吃了|服了|用了|喝了|打了|已经|刚|在吃|在用|\btook\b|\btaken\b|\balready\b|\bjust\b",
    re.IGNORECASE,
)
_APART = dict(_TOPICS)[Topic.SPECIAL]
_NOT_APART = re.compile(
    r"(?:没|不是|未|没有|不|不可能|不会)(?:有|在|打算)?(?:怀孕|怀上|备孕|哺乳|喂奶|孕妇)"
    r"|\b(?:not|isn't|never) (?:pregnant|breast ?feeding)",
    re.IGNORECASE,
)
_OWN = re.compile(r"我自己|本人|大人|\b(?:for myself|my own)\b", re.IGNORECASE)
_BY_A_PERSON = frozenset({
    Topic.OVERDOSE, Topic.EFFECT, Topic.EXPIRED, Topic.SPECIAL, Topic.CHANGE, Topic.TOGETHER,
    Topic.CHOICE,
})  # fmt: skip
_SOON = frozenset({Topic.OVERDOSE, Topic.EFFECT})
# What answers it on a leaflet: the line that begins so.
_LINES = {
    Topic.HOW: ("怎么吃", "How to take"),
    Topic.MISSED: ("漏服", "Missed"),
    Topic.KEEP: ("保存", "Storage"),
    Topic.WATCH: ("留意", "Watch for"),
}
_LABELS = {
    Topic.OVERDOSE: gettext_lazy("took too much, or the wrong medicine"),
    Topic.EFFECT: gettext_lazy("feels a side effect"),
    Topic.EXPIRED: gettext_lazy("a medicine past its date"),
    Topic.TOGETHER: gettext_lazy("taking things together"),
    Topic.CHANGE: gettext_lazy("changing or stopping a medicine"),
    Topic.SPECIAL: gettext_lazy("pregnancy, breastfeeding, or a child"),
    Topic.CHOICE: gettext_lazy("which medicine to take"),
    Topic.REFILL: gettext_lazy("a repeat prescription"),
    Topic.REMIND: gettext_lazy("a reminder to take medicines"),
    Topic.ALLERGY: gettext_lazy("an allergy"),
    Topic.MINE: gettext_lazy("what is prescribed"),
    Topic.DOSE: gettext_lazy("how much to take"),
    Topic.MISSED: gettext_lazy("a missed dose"),
    Topic.KEEP: gettext_lazy("how to store it"),
    Topic.WATCH: gettext_lazy("what to watch for"),
    Topic.HOW: gettext_lazy("how to take it"),
}


# --- slots ---------------------------------------------------------------------------------------


def by_a_person(words: str) -> bool:
    """Whether these words, of a medicine, are not for us to answer."""
    found = _topic_in(words)
    return found is not None and Topic(found.value) in _BY_A_PERSON


def tells_of_harm(words: str) -> bool:
    """Whether a medicine has done them ill by these words, or may: a side effect, a double dose."""
    found = _topic_in(words)
    return found is not None and Topic(found.value) in _SOON


def _topic_in(words: str) -> Found | None:
    for topic, pattern in _TOPICS:
        if found := pattern.search(words):
            return Found(str(topic), [found.span()])
    return None


def _read_topic(talk: Talk, asked: bool) -> Found | None:
    if talk.asked in ("name", "phone", "code"):
        return None  # who proves who they are asks nothing new
    words = talk.words
    if (topic := _topic_in(words)) is not None:
        return topic
    if states_only_allergies(words):
        return Found(str(Topic.ALLERGY), [(0, len(words))])
    if found := _MINE.search(words):
        return Found(str(Topic.MINE), [found.span()])
    return None


def _read_drug(talk: Talk, asked: bool) -> Found | None:
    """The first medicine that is named, not what the patient is allergic to; no shelf of them."""
    if talk.asked in ("name", "phone", "code"):
        return None
    stated = {each.span for each in stated_allergies(talk.words)}
    named = [each for each in find_drugs(talk.words) if each.span not in stated]
    meant = [each for each in named if not each.name.vague]
    if not meant:
        return None
    first = meant[0]
    value = {"ids": list(first.ids), "words": talk.words[slice(*first.span)]}
    return Found(value, [each.span for each in meant])


def _show_topic(value: Any) -> str:
    return str(_LABELS[Topic(value)]) if value in set(Topic) else str(value)


def _show_drug(value: Any) -> str:
    return value["words"] if isinstance(value, dict) else str(_LABELS[Topic.MINE])


def wants(talk: Talk) -> bool:
    """What no model need be asked about: an allergy, and plain questions about one's medicines."""
    words = talk.words
    if states_only_allergies(words):
        return True
    topic = _read_topic(talk, False)
    if topic is None or len(words) > 30 or Topic(topic.value) in _BY_A_PERSON:
        return False
    if topic.value in (Topic.HOW, Topic.MISSED, Topic.KEEP, Topic.WATCH, Topic.DOSE):
        about = _read_drug(talk, False) is not None or bool(_MINE.search(words))
        return about or _spoken_of_before(talk) is not None
    return topic.value in (Topic.REFILL, Topic.MINE)


def takes(talk: Talk) -> bool:
    """A name and nothing else: "立普妥"."""
    found = _read_drug(talk, False)
    return found is not None and not rest(talk.words, found.spans)


def claims(talk: Talk, answers: bool) -> bool:
    """ "停一天行吗" in the middle of something else, where a medicine was just spoken of."""
    found = _topic_in(talk.words)
    if answers or found is None or len(talk.words) > 30:
        return False
    if Topic(found.value) not in (Topic.OVERDOSE, Topic.CHANGE, Topic.TOGETHER):
        return False
    return _was_reminded(talk) or _spoken_of_before(talk) is not None


def _was_reminded(talk: Talk) -> bool:
    asked = Due.objects.filter(kind=DueKind.DOSE, message__conversation=talk.conversation)
    return asked.filter(message__created_at__gt=talk.now - ANSWERED_WITHIN).exists()


# --- the way -------------------------------------------------------------------------------------


def proceed(talk: Talk) -> Step:
    facts = talk.facts
    topic = Topic(facts["topic"]) if facts.get("topic") else None
    if topic in _BY_A_PERSON:
        return _by_a_person(topic, talk)
    match topic:
        case Topic.ALLERGY:
            return _heard_allergy()
        case Topic.REFILL:
            if asks_how(talk.words) and (told := _from_knowledge(talk)) is not None:
                return told
            return Done(
                _(
                    "A doctor has to see you or your record before medicines go on."
                    " I help you book."
                ),
                then="booking",
            )
        case Topic.REMIND:
            return Done(_("I remind you to take your medicines."), then="reminder")
    drug = facts.get("drug")
    if drug in (OTHER, UNSURE, NONE_OF_THEM):
        return _by_a_person(None, talk)
    if drug in (MINE, ANY) or (drug is None and topic in (Topic.MINE, Topic.DOSE)):
        return _prescribed(talk)
    drug = drug or _spoken_of_before(talk)
    if drug is None:
        if _asks_of_mine(talk):
            return _prescribed(talk)
        return (None if topic or talk.asked else _from_knowledge(talk)) or _ask_which()
    facts["drug"] = drug
    if topic in (Topic.DOSE, Topic.MINE):
        return _prescribed(talk)
    if _told_of_one_apart(talk):
        return _by_a_person(Topic.SPECIAL, talk)
    return _from_leaflet(drug, topic, talk)


def _from_knowledge(talk: Talk) -> Done | None:
    """Of the pharmacy, not of a medicine: where it is, whether it mails or takes back."""
    reply = answer(Turn(text=talk.words, meaning=talk.meaning, lang=talk.lang, now=talk.now))
    if reply is None:
        return None
    details = dict(reply.details)
    return Done(reply.text, choices=details.pop("choices"), details=details)


def _asks_of_mine(talk: Talk) -> bool:
    if _MINE.search(talk.words):
        talk.facts["drug"] = MINE
        return True
    return False


def _ask_which() -> Ask:
    return Ask(
        "drug",
        _("Which medicine is it about? Write its name as it stands on the box."),
        [
            Option(_("What the hospital prescribed me"), MINE),
            Option(_("Something else about medicines"), OTHER),
        ],
        again=_(
            "I don't know that name. Please write it as on the box, for example “amlodipine”, or"
            " let a nurse help."
        ),
    )


def _spoken_of_before(talk: Talk) -> Any:
    """ "漏吃了呢?" asks about the medicine that was just spoken of."""
    before = Dialogue.objects.filter(
        conversation=talk.conversation, skill="medicine", ended_at__gt=talk.now - REMEMBERED
    )
    last = before.order_by("-ended_at").first()
    drug = (last.facts or {}).get("drug") if last else None
    return drug if isinstance(drug, dict) else None


def _told_of_one_apart(talk: Talk) -> bool:
    """Whether just now it was about a child or a pregnancy: "我怀孕5个月", then "他汀怎么吃"."""
    if _OWN.search(talk.words):
        return False
    said = Message.objects.filter(
        conversation=talk.conversation,
        author=Author.PATIENT,
        kind=Kind.TEXT,
        created_at__gt=talk.now - REMEMBERED,
    )
    return any(_APART.search(_NOT_APART.sub("", message.text)) for message in said)


def _heard_allergy() -> Done:
    return Done(
        _("Please tell every doctor and pharmacist of it, and write to me if there is more."),
        choices=[choice(_("Talk to a nurse"), tap="nurse")],
    )


# --- a person ------------------------------------------------------------------------------------


def _by_a_person(topic: Topic | None, talk: Talk) -> BringNurse:
    soon = topic in _SOON or (topic is not Topic.CHOICE and _TAKEN.search(talk.words))
    return BringNurse(
        Reason.OUT_OF_SCOPE,
        urgency=Urgency.SAME_DAY if soon else Urgency.ROUTINE,
        department=_pharmacy(),
        text=_said_before(topic),
    )


def _said_before(topic: Topic | None) -> str:
    match topic:
        case Topic.CHANGE:
            return _(
                "Please don't stop or change the medicine by yourself until somebody has looked at"
                " it with you."
            )
        case Topic.OVERDOSE:
            return _(
                "Please take no more of it now, and keep the box at hand. If you feel unwell, or a"
                " child took it, go to the emergency department at once."
            )
        case Topic.EFFECT:
            return _(
                "I'm sorry that you feel unwell. If you get a rash, a swollen face or trouble"
                " breathing, go to the emergency department at once."
            )
        case Topic.EXPIRED:
            return _("Please take none of it for now, and keep the box at hand.")
        case Topic.TOGETHER:
            return _(
                "Whether two things go together has to be checked by a person who knows yours."
            )
        case Topic.SPECIAL:
            return _(
                "In pregnancy, while breastfeeding and for children a person has to check this."
            )
        case Topic.CHOICE:
            return _("I must not choose medicines for you; a person looks at it with you.")
    return ""


def _pharmacy() -> Department | None:
    active = Department.objects.active()
    return active.filter(code__in=PHARMACY).first() or active.filter(name__contains="药").first()


# --- the hospital's own prescriptions ------------------------------------------------------------


def _prescribed(talk: Talk) -> Step:
    if not is_for_self(talk):
        return BringNurse(
            Reason.OUT_OF_SCOPE,
            department=_pharmacy(),
            text=_(
                "What is prescribed to somebody else I must not show here. A nurse sees what can be"
                " done for your family."
            ),
        )
    me = proven(talk)
    if not isinstance(me, Patient):
        return me
    requests = visible_medications(talk.conversation.pk, talk.now)
    drug = talk.facts.get("drug")
    if isinstance(drug, dict):
        of_it = [each for each in requests if _is_of(each, drug)]
        if not of_it:
            return _not_prescribed(drug, talk)
        requests = of_it
    if not requests:
        return Done(
            _("I find no medicine that the hospital prescribed you and that you take now."),
            choices=[choice(_("Talk to a nurse"), tap="nurse")],
        )
    lines = [_in_words(each, talk) for each in requests[:LISTED]]
    head = _("This is prescribed to you:")
    tail = _("If the label on the box says something else, ask before you take it.")
    return Done(
        "\n".join([head, *lines, tail]),
        choices=[*_more_of(requests, talk), choice(_("Talk to a nurse"), tap="nurse")],
    )


def _is_of(request: MedicationRequest, drug: dict[str, Any]) -> bool:
    named = {each for mention in find_drugs(request.drug) for each in mention.ids}
    if request.medication:
        named.add(request.medication.substance)
    return bool(named & set(drug["ids"]))


def _not_prescribed(drug: dict[str, Any], talk: Talk) -> Step:
    return BringNurse(
        Reason.OUT_OF_SCOPE,
        department=_pharmacy(),
        text=_("I find no current prescription of %(drug)s for you.") % {"drug": drug["words"]},
    )


def _in_words(request: MedicationRequest, talk: Talk) -> str:
    name = request.drug
    if talk.is_english and request.medication and request.medication.name_en:
        name = request.medication.name_en
    parts = [f"{name} {request.dose}", _how_often(request), request.get_meals_display()]
    if request.instructions:
        parts.append(request.instructions)
    if request.ends_at:
        day = request.ends_at.astimezone(talk.hospital.zone).date()
        parts.append(_("until %(day)s") % {"day": day_in_words(day, english=talk.is_english)})
    return "· " + _(", ").join(str(each) for each in parts if each)


def _how_often(request: MedicationRequest) -> str:
    if request.times_per_day is None:
        return _("when needed")
    if request.times_per_day == 1:
        return _("once a day")
    return _("%(times)s times a day") % {"times": request.times_per_day}


def _more_of(requests: list[MedicationRequest], talk: Talk) -> list[dict[str, str]]:
    """What can be asked of each, one tap away."""
    if len(requests) == 1:
        return _follow_ups(_name_of(requests[0].medication, talk) or requests[0].drug, None)
    names = [_name_of(each.medication, talk) or each.drug for each in requests[:3]]
    return [choice(_("%(drug)s: the leaflet") % {"drug": name}, tap="medicine") for name in names]


# --- leaflets ------------------------------------------------------------------------------------


def _from_leaflet(drug: dict[str, Any], topic: Topic | None, talk: Talk) -> Step:
    medicine = Medication.objects.filter(substance__in=drug["ids"], is_active=True).first()
    version = leaflet(medicine.leaflet, now=talk.now) if medicine and medicine.leaflet else None
    if medicine is None or version is None or not version.in_language("body", talk.lang):
        return BringNurse(
            Reason.OUT_OF_SCOPE,
            department=_pharmacy(),
            text=_("I have no leaflet of %(drug)s here.") % {"drug": drug["words"]},
        )
    name = _name_of(medicine, talk)
    mine = choice(_("My prescription of it"), text=_mine_in_words(name), tap="medicine")
    return Done(
        _answer(version, topic, talk),
        choices=[*_follow_ups(name, topic), mine, choice(_("Talk to a nurse"), tap="nurse")],
        details={
            "source": {
                "title": version.in_language("title", talk.lang),
                "version": version.number,
                "article_version_id": version.pk,
            }
        },
    )


def _answer(version: ArticleVersion, topic: Topic | None, talk: Talk) -> str:
    """The line that was asked for, and what to watch for; all of it where nothing was."""
    title = version.in_language("title", talk.lang)
    lines = version.in_language("body", talk.lang).splitlines()
    wanted = _LINES.get(topic) if topic else None
    if wanted:
        lines = [line for line in lines if line.startswith(wanted)] or lines
    own = _("Your own prescription and its label come first.")
    return "\n".join([title, *lines, own])


def _follow_ups(name: str, topic: Topic | None) -> list[dict[str, str]]:
    asked = {
        Topic.HOW: _("How to take %(drug)s"),
        Topic.MISSED: _("Missed a dose of %(drug)s"),
        Topic.KEEP: _("How to store %(drug)s"),
        Topic.WATCH: _("What to watch for with %(drug)s"),
    }
    return [
        choice(label % {"drug": name}, tap="medicine")
        for each, label in asked.items()
        if each is not topic
    ][:3]


def _name_of(medicine: Medication | None, talk: Talk) -> str:
    if medicine is None:
        return ""
    return (medicine.name_en if talk.is_english else "") or medicine.name


def _mine_in_words(name: str) -> str:
    return _("My prescription: how often do I take %(drug)s?") % {"drug": name}


MEDICINE = Skill(
    "medicine",
    gettext_lazy("your medicines"),
    (
        Slot("topic", gettext_lazy("Asks about"), _read_topic, show=_show_topic),
        Slot("drug", gettext_lazy("Medicine"), _read_drug, show=_show_drug),
        WHOM,
        *PROOF,
    ),
    proceed,
    wants=wants,
    takes=takes,
    claims=claims,
    reads_records=True,
)
