"""查报告: after a proof, which reports there are, and one of them in plain words.

What a nurse or doctor has to tell first is listed without its name, and choosing it brings one. A
report that is shown carries `details["report"]` for a screen that draws it:

    {"id": 7, "for": "陈**", "name": "血常规", "status": "final", "date": "2026-11-17",
     "until": "2026-11-18T02:00:00+00:00",     # hide it then: the proof has ended
     "rows": [{"name": "血红蛋白", "value": "134", "unit": "g/L", "range": "115–150",
               "at": 0.521,                    # place on a bar, 0 to 1; null: no bar
               "in_range": [0.25, 0.75],       # the part of the bar that is the range
               "mark": "N",                    # N, L, H, A, or "": not known (FHIR's)
               "word": "在参考范围内", "about": "…",
               "trend": [{"date": "2026-08-20", "value": 131.0}, …]}],   # empty: no earlier one
     "conclusion": "", "outside": 0}           # how many rows are outside their range
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.commands import Command, find_command
from assistant.skills.days import day_in_words, moment_in_words
from assistant.skills.proof import PROOF, is_proven, leave, proven
from assistant.skills.whom import WHOM, WRITER_IS, is_for_self
from assistant.talk import (
    ANY,
    NONE_OF_THEM,
    Ask,
    BringNurse,
    Done,
    Found,
    Option,
    Skill,
    Slot,
    Step,
    Talk,
    read_agreement,
)
from assistant.turn import choice
from careplans.models import TaskKind
from careplans.tasks import open_task
from patients.models import Gender, Patient, Proxy
from records.identity import patients_in_view, proven_until, visible_reports
from records.models import DiagnosticReport
from records.reports import (
    IN_RANGE,
    Earlier,
    Row,
    Standing,
    report_text,
    report_view,
    standing,
    trends,
    why_talk,
)
from tickets.models import Reason
from triage.labels import Urgency

LISTED = 5  # on one screen
TREND = 6  # values of one item
OLDER = "older"

_LAB = "化验|抽血|验血|血检|验尿|blood test|lab"
_IMAGING = "拍片|片子|影像|scan|imaging"
_KINDS = re.compile(
    "血常规|尿常规|[大便]{1,2}常规|肝功能?|肾功能?|血脂|血糖|糖化血红蛋白|糖化|甲功|甲状腺|电解质|凝血"
    "|心电图|胸片|X光|CT|核磁共振|核磁|磁共振|[B彩]超|超声"
    "|(?:full )?blood count|a1c|thyroid|liver|kidney|lipids?|glucose|electrolytes|ultrasound"
    rf"|x-?ray|mri|ecg|{_LAB}|{_IMAGING}",
    re.IGNORECASE,
)
_MINE = re.compile(
    r"(?:请|麻烦)?(?:帮我|给我|我要|我想|想)?(?:查|看|取)(?:询|看|一?下|一查|一看)*(?:我的)?"
    r"(?:检查|检验|化验|体检)?(?:报告单?|化验单|结果)[。!?？！]*"
    r"|(?:我的)?(?:检查|检验|化验)?(?:报告单?|化验单|结果)(?:出来|好|有)了(?:吗|没有?|么)[。?？]*"
    r"|(?:show|check|see) (?:me )?my (?:test |lab )?(?:reports?|results?)[.?!]*",
    re.IGNORECASE,
)
# Of longer words only what can mean nothing else: "想查甲状腺" may want an examination.
_WANTS = re.compile(
    r"(?:查|看|取|拿)[^。？?]{0,12}(?:报告|化验单|检验单|检查单|结果)"
    r"|(?:查|看)[^。？?]{0,6}(?:上次|昨天|前天|刚才|刚刚|那天|今早|早上|上午|下午)"
    r"[^。？?]{0,4}[做抽拍验查]的"
    r"|(?:报告|化验单|检验单|检查单|结果)[^。？?]{0,4}(?:出来|好|有)了?(?:没|吗|么)"
    r"|\b(?:see|check|get|show|look up|view|have)\b.{0,20}"
    r"\b(?:reports?|(?:test|lab|blood) results?)\b"
    r"|\b(?:reports?|results?)\b.{0,12}\b(?:ready|out|back|in yet)\b",
    re.IGNORECASE,
)
_ASKS_MORE = re.compile(
    r"怎么|为什么|严重|要紧|正常吗|高|低|哪里|哪儿|在哪|几楼|多久|多少钱|费|空腹|挂号|预约|取消|打印|投诉"
    r"|护士|人工|医生|真人|退|气|烦|垃圾|疼|痛|药"
    r"|\b(?:how|where|why|cost|print|nurse|human|person|book|doctor|high|low|pain|mean)\b",
    re.IGNORECASE,
)
PLAIN = 60  # characters; a longer message may hold more than a wish for a report
_LEAVES = re.compile(
    r"(?:我要|请)?(?:退出|不看了|退出登录|忘记我)(?:吧|了)?[。!！]*"
    r"|(?:please )?(?:log ?out|sign out|exit)[.!]*",
    re.IGNORECASE,
)


# --- slots ---------------------------------------------------------------------------------------


def _read_whom(talk: Talk, asked: bool) -> Found | None:
    """Not while a code is awaited: "the phone is my mother's" asks for nobody else's report."""
    return None if talk.asked in ("code", "proxy") else WHOM.read(talk, asked)


def _read_kind(talk: Talk, asked: bool) -> Found | None:
    found = _KINDS.search(talk.words)
    return Found(found[0], [found.span()]) if found else None


def _read_leaving(talk: Talk, asked: bool) -> Found | None:
    whole = _LEAVES.fullmatch(talk.words.strip())
    return Found(True, [(0, len(talk.words))]) if whole else None


def _show_report(pk: int) -> str:
    return _("number %(number)s in the records") % {"number": pk}


def wants(talk: Talk) -> bool:
    words = talk.words.strip()
    if _LEAVES.fullmatch(words):
        return is_proven(talk)
    if _MINE.fullmatch(words):
        return True
    is_plain = len(words) <= PLAIN and not _ASKS_MORE.search(words)
    return is_plain and _WANTS.search(words) is not None


# --- the way -------------------------------------------------------------------------------------


def proceed(talk: Talk) -> Step:
    if talk.facts.pop("leave", None):
        leave(talk)
        return Done(
            _("Done: nobody sees your reports here now without a new code."),
            choices=[choice(_("Talk to a nurse"), tap="nurse")],
        )
    if not is_for_self(talk) and not talk.facts.get("proxy") and not is_proven(talk):
        return _ask_proxy(talk)
    me = proven(talk)
    if not isinstance(me, Patient):
        return me
    patient = _subject(me, talk)
    if not isinstance(patient, Patient):
        return patient
    reports = visible_reports(talk.conversation.pk, talk.now, of=patient)
    if not reports:
        return _nothing(talk)
    chosen = _chosen(reports, talk)
    if chosen is None:
        return _list(patient, reports, talk)
    match standing(chosen):
        case Standing.READY:
            return _show(chosen, patient, reports, talk)
        case Standing.NOT_READY:
            return _not_ready(chosen, reports, talk)
        case Standing.NEEDS_TALK:
            return _talk_first(chosen)


def let_go(talk: Talk) -> None:
    """Who says "stop" here leaves the room: the next one at this screen sees nothing."""
    steer = find_command(talk.words)
    if steer is not None and steer.command is Command.STOP:
        leave(talk)


# --- family --------------------------------------------------------------------------------------


def _ask_proxy(talk: Talk) -> Step:
    if talk.facts.get("proxy") is False:
        return _family_by_nurse()
    return Ask(
        "proxy",
        _(
            "I show a report to family only if they are registered at the hospital as acting for"
            " the patient, with the patient's consent. Are you registered?"
        ),
        [Option(_("Yes, I am registered"), True), Option(_("No, or not sure"), False)],
    )


def _family_by_nurse() -> BringNurse:
    return BringNurse(
        Reason.OUT_OF_SCOPE,
        text=_(
            "I understand that you care. To protect your family's privacy I can't show you their"
            " reports here. A nurse explains how to be registered; the patient can also ask me"
            " themselves, with the phone that the hospital has of them."
        ),
    )


def _subject(me: Patient, talk: Talk) -> Patient | Step:
    """Whose reports: one's own, or those of whom one acts for."""
    if is_for_self(talk):
        return me
    family = [each for each in _acts_for(me, talk) if _fits(each, talk)]
    chosen = [each for each in family if each.pk == talk.facts.get("subject")]
    if len(chosen or family) == 1:
        return (chosen or family)[0]
    if not family:
        return _family_by_nurse()
    options = [Option(each.masked_name, each.pk) for each in family[:LISTED]]
    return Ask("subject", _("Whose report is it about?"), options)


def _acts_for(me: Patient, talk: Talk) -> list[Patient]:
    kind = (talk.facts.get("whom") or {}).get("kind", "")
    said = WRITER_IS.get(kind, Proxy.Relationship.OTHER)
    proxies = Proxy.objects.filter(writer=me, relationship__in=(said, Proxy.Relationship.OTHER))
    known = set(proxies.values_list("patient", flat=True))
    in_view = patients_in_view(talk.conversation.pk, now=talk.now)
    return [each for each in in_view if each.pk in known]


def _fits(patient: Patient, talk: Talk) -> bool:
    """ "我妈" is no man."""
    gender = (talk.facts.get("whom") or {}).get("gender", "")
    return not gender or patient.gender in (gender, Gender.UNKNOWN)


# --- which ---------------------------------------------------------------------------------------


def _is_hidden(report: DiagnosticReport) -> bool:
    """Not even its kind is told: a person does that first, or will once it is out."""
    return report.opened_at is None and (report.talk_owed_at is not None or why_talk(report) != "")


def _chosen(reports: list[DiagnosticReport], talk: Talk) -> DiagnosticReport | None:
    facts = talk.facts
    picked = facts.get("report")
    if picked == ANY:
        return reports[0]
    if picked in (OLDER, NONE_OF_THEM):
        facts.pop("report")
        facts.pop("kind", None)
        facts["page"] = facts.get("page", 0) + 1
        return None
    if picked is not None:
        return next((each for each in reports if each.pk == picked), None)
    meant = _meant(reports, talk)
    return meant[0] if len(meant) == 1 else None


def _meant(reports: list[DiagnosticReport], talk: Talk) -> list[DiagnosticReport]:
    """Those of the kind that was named; what is hidden is of no kind. All, where none is."""
    kind = (talk.facts.get("kind") or "").casefold()
    if not kind:
        return reports
    shown = [each for each in reports if not _is_hidden(each)]
    named = [each for each in shown if kind in f"{each.name} {each.name_en or ''}".casefold()]
    for words, category in ((_LAB, "lab"), (_IMAGING, "imaging")):
        if not named and re.fullmatch(words, kind, re.IGNORECASE):
            named = [each for each in shown if each.category == category]
    return named or reports


def _list(patient: Patient, reports: list[DiagnosticReport], talk: Talk) -> Step:
    meant = _meant(reports, talk)
    page = talk.facts.get("page", 0)
    here = meant[page * LISTED : (page + 1) * LISTED]
    if not here:
        return BringNurse(Reason.OUT_OF_SCOPE, text=_("I see no other reports here."))
    for report in reports:
        _owe_talk(report, patient, talk)
    options = [Option(_label(each, talk), each.pk) for each in here]
    if len(meant) > (page + 1) * LISTED:
        options.append(Option(_("Older ones"), OLDER))
    whose = _("Reports of %(who)s:") % {"who": patient.masked_name}
    text = f"{whose} {_('which one would you like to see?')}"
    return Ask("report", text, options, again=_("Please choose one of the list, or its number."))


def _owe_talk(report: DiagnosticReport, patient: Patient, talk: Talk) -> None:
    """Who asks waits for it: a nurse is reminded, once."""
    if standing(report) is not Standing.NEEDS_TALK:
        return
    open_task(
        patient,
        kind=TaskKind.CALL,
        about=f"report:{report.pk}",
        priority=int(_urgency(report)),
        department=report.department,
        now=talk.now,
    )


def _urgency(report: DiagnosticReport) -> Urgency:
    return Urgency.SAME_DAY if why_talk(report) == "critical" else Urgency.ROUTINE


def _label(report: DiagnosticReport, talk: Talk) -> str:
    at = (report.available_at if report.is_out else None) or report.registered_at
    day = day_in_words(at.astimezone(talk.hospital.zone).date(), english=talk.is_english)
    match standing(report):
        case Standing.READY:
            return f"{day} {_name(report, talk)} · {_('ready')}"
        case Standing.NOT_READY:
            return f"{day} {_name(report, talk)} · {_('not ready yet')}"
        case Standing.NEEDS_TALK:
            return f"{day} {_name(report, talk)} · {_('a nurse or doctor talks with you first')}"


def _name(report: DiagnosticReport, talk: Talk) -> str:
    if _is_hidden(report):
        return _("a report")
    return (report.name_en if talk.is_english else "") or report.name


# --- what is said of one -------------------------------------------------------------------------


def _nothing(talk: Talk) -> Done:
    return Done(
        _(
            "I find no report of you at this hospital. If you were examined lately, it may not be"
            " registered yet; a nurse can look it up."
        ),
        choices=[choice(_("Talk to a nurse"), tap="nurse")],
    )


def _not_ready(report: DiagnosticReport, reports: list[DiagnosticReport], talk: Talk) -> Done:
    text = _("%(name)s is not ready yet.") % {"name": _name(report, talk)}
    if report.available_at and report.available_at > talk.now:
        at = moment_in_words(
            report.available_at.astimezone(talk.hospital.zone), english=talk.is_english
        )
        text = f"{text} {_('It is expected by %(when)s.') % {'when': at}}"
    return Done(f"{text} {_('Ask me again later, I am here.')}", choices=_afterwards(reports))


def _talk_first(report: DiagnosticReport) -> BringNurse:
    return BringNurse(
        Reason.OUT_OF_SCOPE,
        urgency=_urgency(report),
        department=report.department,
        text=_("A nurse or doctor talks with you about this report first, so that nothing stays"
               " unclear."),
    )  # fmt: skip


def _show(
    report: DiagnosticReport, patient: Patient, reports: list[DiagnosticReport], talk: Talk
) -> Done:
    view, over_time = report_view(report, talk.lang), trends(reports)
    text = [report_text(report, talk.lang)]
    for row in view.rows:
        if earlier := _earlier(row, over_time):
            values = " → ".join(f"{each.value:g}" for each in earlier)
            text.append(_("%(item)s over time: %(values)s") % {"item": row.name, "values": values})
    booking: list[dict[str, str]] = []
    if view.outside:
        text.append(
            _(
                "Outside the range: %(items)s. That alone is no diagnosis; please let your doctor"
                " look at it with you."
            )
            % {"items": _(", ").join(row.name for row in view.outside)}
        )
        booking = [_book(report, talk)]
    return Done(
        "\n".join(text),
        choices=[*booking, *_afterwards(reports)],
        details={"report": _card(report, patient, over_time, talk)},
    )


def _book(report: DiagnosticReport, talk: Talk) -> dict[str, str]:
    """One tap to a doctor; the words on the button tell the booking which department."""
    if report.department is None or not report.department.is_active:
        return choice(_("Book a doctor"), tap="booking")
    department = report.department.in_language("name", talk.lang)
    return choice(_("Book %(department)s") % {"department": department}, tap="booking")


def _afterwards(reports: list[DiagnosticReport]) -> list[dict[str, str]]:
    others = [choice(_("My other reports"), tap="report")] if len(reports) > 1 else []
    return [*others, choice(_("Talk to a nurse"), tap="nurse")]


def _earlier(row: Row, over_time: dict[str, list[Earlier]]) -> list[Earlier]:
    """The values of one item in the same unit, the newest of them; empty where there is but one."""
    values = [each for each in over_time.get(row.code, ()) if each.unit == row.unit]
    return values[-TREND:] if len(values) > 1 else []


def _card(
    report: DiagnosticReport, patient: Patient, over_time: dict[str, list[Earlier]], talk: Talk
) -> dict[str, Any]:
    view, zone = report_view(report, talk.lang), talk.hospital.zone
    at = report.available_at or report.registered_at
    return {
        "id": report.pk,
        "for": patient.masked_name,
        "name": view.name,
        "status": report.status,
        "date": at.astimezone(zone).date().isoformat(),
        "until": proven_until(talk.conversation.pk, now=talk.now).isoformat(),
        "rows": [
            {
                "name": row.name,
                "value": row.value,
                "unit": row.unit,
                "range": row.range,
                "at": row.at,
                "in_range": list(IN_RANGE),
                "mark": row.interpretation,
                "word": row.word,
                "about": row.about,
                "trend": [
                    {"date": each.at.astimezone(zone).date().isoformat(), "value": each.value}
                    for each in _earlier(row, over_time)
                ],
            }
            for row in view.rows
        ],
        "conclusion": view.conclusion,
        "outside": len(view.outside),
    }


REPORT = Skill(
    "report",
    gettext_lazy("your reports"),
    (
        Slot("leave", "", _read_leaving, show=None),
        Slot("whom", WHOM.label, _read_whom, clears=("proxy", "subject"), show=WHOM.show),
        *PROOF,
        Slot("proxy", gettext_lazy("Registered for the family"), read_agreement, show=None),
        Slot("subject", "", show=None),
        Slot("kind", gettext_lazy("Report asked for"), _read_kind, clears=("report", "page")),
        Slot("report", gettext_lazy("Report"), show=_show_report),
    ),
    proceed,
    let_go,
    wants,
    reads_records=True,
)
