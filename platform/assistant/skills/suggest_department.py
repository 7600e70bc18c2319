"""Name up to three departments for a complaint, each with its reason. Never a diagnosis."""

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice
from hospital.models import Department
from triage.departments import suggest_departments

LEAST_CONFIDENCE = 0.2  # 0 to 1; a weaker guess beside a good one only confuses


def suggest_department(turn: Turn) -> Reply | None:
    scored = [s for s in turn.meaning.departments if s.confidence >= LEAST_CONFIDENCE]
    suggestions = suggest_departments(turn.text, scored, age=turn.age, gender=turn.gender)
    ours = Department.objects.active().in_bulk(
        [s.department for s in suggestions], field_name="name"
    )
    english = turn.lang == "en"
    lines, shown = [], []
    for suggestion in suggestions:
        department = ours.get(suggestion.department)
        if department is None:
            continue  # this hospital has no such department
        name = department.name_en if english else department.name
        where = department.in_language("location", turn.lang)
        reason = suggestion.reason_en if english else suggestion.reason_zh
        shown.append({"code": department.code, "name": name, "reason": reason, "location": where})
        lines.append(f"{len(shown)}. {name}" + (f" ({where})" if where else "") + f"\n{reason}")
    if not shown:
        return None
    text = "\n".join(
        [
            _("From what you wrote, these departments may fit:"),
            *lines,
            _(
                "This is a direction, not a diagnosis. If it gets worse, or you have chest pain,"
                " trouble breathing, heavy bleeding or confusion, call 120 at once."
            ),
        ]
    )
    choices = [
        choice(_("How do I book an appointment?"), tap="guide"),
        choice(_("Talk to a nurse"), tap="nurse"),
    ]
    return Reply(text, {"departments": shown, "choices": choices})
