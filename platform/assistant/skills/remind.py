"""Set up a reminder of a medicine: as it was prescribed, or as the patient says it was.

What is said is kept and said again; we neither advise a dose nor an hour. A medicine that speaks
against the record goes to a nurse before anything is set up.
"""

import re
from contextlib import suppress
from datetime import date, time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.skills.agreeing import agree, has_agreed
from assistant.skills.regimen import (
    FOR_GOOD,
    TooOften,
    clock_in_words,
    hours_of,
    until_in_words,
)
from assistant.skills.whom import is_for_self, know_patient
from assistant.talk import Ask, BringNurse, Done, Option, Step, Talk
from assistant.talk import Slot as Needs
from assistant.turn import choice
from careplans.models import CarePlan, Meal, PlanKind, Status
from careplans.planning import NoConsent, start_medication
from patients.models import Patient
from records import guard
from records.identity import NotVerified, verified_patient, visible_medications
from records.models import MedicationRequest
from triage.labels import Urgency

OTHER, EDIT = "other", "edit"
SHOWN = 5  # prescriptions that can be tapped
_OTHER_THAN_MEDICINE = re.compile(
    r"(量|测|监测)(一下)?(血压|血糖|体温|体重|心率)|复查|复诊|打疫苗|接种|喝水|锻炼|运动|康复训练|换药"
    r"|\b(?:measure|check) my\b|\b(?:blood pressure check|vaccin\w+|check-?up|exercise|drink water)\b",
    re.IGNORECASE,
)
PRESCRIBED = Needs("rx", gettext_lazy("Prescription"), show=None)


def set_up(talk: Talk) -> Step:
    facts = talk.facts
    if not facts.get("medicine") and _OTHER_THAN_MEDICINE.search(talk.words) and not talk.asked:
        return BringNurse(
            text=_("I can remind of medicines and visits. For other things a nurse sets up a plan.")
        )
    patient = _whose(talk)
    if isinstance(patient, Ask):
        return patient
    request = _prescribed(patient, talk)
    if isinstance(request, Ask):
        return request
    if not facts.get("medicine"):
        return Ask(
            "medicine",
            _("Of which medicine shall I remind you? One at a time, please."),
            again=_(
                "Please write the name as it stands on the box, or what it is for, such as “blood"
                " pressure tablets”."
            ),
        )
    if (nurse := _guarded(patient, talk)) is not None:
        return nurse
    if not facts.get("often"):
        return _ask_often(talk)
    if (question := _ask_the_rest(talk)) is not None:
        return question
    plan = _plan_of(patient, talk)
    meals = {**(plan.meals if plan else {}), **(facts.get("meals") or {})}
    try:
        hours = hours_of(facts["often"], meal=facts.get("meal") or "", meals=meals)
    except TooOften:
        return for_a_nurse()
    match facts.get("sure"):
        case True:
            return _start(patient, hours, request, meals, talk)
        case False:
            return Done(_("All right, no reminder was set up."))
        case "edit":
            for name in ("sure", "often"):
                facts.pop(name, None)
            return Ask(
                "often",
                _("At what times would you like it? For example “7:00 and 19:30”."),
                again=_("Please name the hours, such as “7 in the morning and 7 in the evening”."),
            )
    return _ask_sure(patient, hours, meals, talk)


def _whose(talk: Talk) -> Patient | Ask:
    """Whose medicine it is; of who has proven to be a patient, that patient's."""
    if is_for_self(talk):
        with suppress(NotVerified):
            return verified_patient(talk.conversation.pk, now=talk.now)
    return know_patient(talk)


def for_a_nurse() -> BringNurse:
    return BringNurse(text=_("So many times a day a nurse should look at with you."))


# --- which medicine ------------------------------------------------------------------------------


def _prescribed(patient: Patient, talk: Talk) -> MedicationRequest | Ask | None:
    """The prescription that is meant, where somebody has proven who they are; else None."""
    facts = talk.facts
    if facts.get("rx") == OTHER:
        return None
    try:
        requests = visible_medications(talk.conversation.pk, talk.now)
    except NotVerified:
        return None
    requests = [each for each in requests if each.patient_id == patient.pk]
    if isinstance(facts.get("rx"), int):
        request = next((each for each in requests if each.pk == facts["rx"]), None)
        return _fill_in(request, talk)
    if name := facts.get("medicine"):
        named = [each for each in requests if name in each.drug or each.drug in name]
        return _fill_in(named[0], talk) if len(named) == 1 else None
    if not requests:
        return None
    options = [Option(f"{each.drug} {each.dose}", each.pk) for each in requests[:SHOWN]]
    return Ask(
        "rx",
        _("Of which of your prescriptions shall I remind you?"),
        [*options, Option(_("Another medicine"), OTHER)],
    )


def _fill_in(request: MedicationRequest | None, talk: Talk) -> MedicationRequest | None:
    """What a doctor wrote counts before what is asked."""
    if request is None:
        return None
    facts: dict[str, Any] = {"rx": request.pk, "medicine": request.drug, "dose": request.dose}
    meal = "" if request.meals == MedicationRequest.Meals.ANY else str(request.meals)
    if request.times_per_day:
        facts["often"] = {"count": request.times_per_day}
        facts["meal"] = meal
    facts["until"] = request.ends_at.date().isoformat() if request.ends_at else FOR_GOOD
    for name, value in facts.items():
        talk.facts.setdefault(name, value)
    return request


def _guarded(patient: Patient, talk: Talk) -> BringNurse | None:
    """A medicine that speaks against the record: a nurse first. What is in it is not told here."""
    concerns = guard.check(str(talk.facts["medicine"]), patient, now=talk.now)
    if not any(each.is_critical for each in concerns):
        return None
    return BringNurse(
        urgency=Urgency.SAME_DAY,
        text=_(
            "Before I remind you of this medicine, a nurse has to go through it with you. Please"
            " wait for her word before you take it."
        ),
    )


# --- when ----------------------------------------------------------------------------------------


def _ask_often(talk: Talk) -> Ask:
    return Ask(
        "often",
        _("How many times a day do you take it, or at what times?"),
        [
            Option(_("Once, in the morning"), {"parts": ["breakfast"]}),
            Option(_("Twice, morning and evening"), {"parts": ["breakfast", "dinner"]}),
            Option(_("Three times a day"), {"parts": ["breakfast", "lunch", "dinner"]}),
            Option(_("At bedtime"), {"parts": ["bedtime"]}),
        ],
        again=_(
            "Please say how often, such as “twice a day”, or the hours, such as “7 and 19:00”."
        ),
    )


def _ask_the_rest(talk: Talk) -> Ask | None:
    facts = talk.facts
    often = facts["often"]
    if facts.get("meal") is None and not often.get("clock") and often.get("parts") != ["bedtime"]:
        return Ask(
            "meal",
            _("Before or after meals?"),
            [
                Option(_("Before meals"), str(Meal.BEFORE.value)),
                Option(_("After meals"), str(Meal.AFTER.value)),
                Option(_("With meals"), str(Meal.WITH.value)),
                Option(_("No matter"), ""),
            ],
        )
    if facts.get("until") is None:
        return Ask(
            "until",
            _("For how long shall I remind you?"),
            [
                Option(_("A week"), _in_days(7, talk)),
                Option(_("Two weeks"), _in_days(14, talk)),
                Option(_("A month"), _in_days(30, talk)),
                Option(_("Until I say stop"), FOR_GOOD),
            ],
            again=_("Please say how long, such as “two weeks”, or until which day."),
        )
    return None


def _in_days(days: int, talk: Talk) -> str:
    return date.fromordinal(talk.today.toordinal() + days - 1).isoformat()


# --- agreeing ------------------------------------------------------------------------------------


def _ask_sure(patient: Patient, hours: list[time], meals: dict[str, str], talk: Talk) -> Ask:
    facts = talk.facts
    what = " ".join(str(facts[name]) for name in ("medicine", "dose") if facts.get(name))
    when = _("every day at %(times)s") % {"times": clock_in_words(hours)}
    if (meal := facts.get("meal")) and meal != Meal.BEDTIME:
        when = f"{when} {Meal(meal).label}"
    lines = [
        _("Please check:"),
        _("Medicine: %(what)s") % {"what": what},
        _("Times: %(when)s") % {"when": when},
        _("Until: %(until)s") % {"until": until_in_words(facts["until"], english=talk.is_english)},
    ]
    if not is_for_self(talk):
        lines.insert(1, _("For: %(who)s") % {"who": patient.name or _("family member")})
    if not facts["often"].get("clock") and not facts.get("meals"):
        lines.append(_("If you eat at other hours, tell me, such as “breakfast at 6:30”."))
    yes = _("Set it up")
    if not has_agreed(patient):
        lines.append(
            _(
                "I would write to you here at these times, and keep what you answer in your record."
                " You can stop it at any time with “stop reminding me”. Do you agree?"
            )
        )
        yes = _("I agree, set it up")
    text = "\n".join(lines)
    return Ask(
        "sure",
        text,
        [
            Option(yes, True),
            Option(_("Change the time"), EDIT),
            Option(_("Don't set it up"), False),
        ],
        again=f"{_('Shall I set this up?')}\n{text}",
    )


def _start(
    patient: Patient,
    hours: list[time],
    request: MedicationRequest | None,
    meals: dict[str, str],
    talk: Talk,
) -> Step:
    facts = talk.facts
    agree(patient, talk)
    until = facts["until"]
    try:
        plan = start_medication(
            patient,
            contact_point=talk.conversation.contact_point,
            medicine=facts["medicine"],
            dose=facts.get("dose"),
            meal=facts.get("meal") or "",
            times=hours,
            first_day=talk.today,
            last_day=None if until == FOR_GOOD else date.fromisoformat(until),
            prescription_id=request.pk if request else None,
            now=talk.now,
        )
    except NoConsent:
        return BringNurse()
    if facts.get("meals"):
        CarePlan.objects.filter(pk=plan.pk).update(meals=meals)
    return Done(
        _(
            "Done. From now on I remind you of %(what)s at %(times)s. To stop, say “stop reminding me”."
        )
        % {"what": facts["medicine"], "times": clock_in_words(hours)},
        choices=[
            choice(_("Add another medicine"), tap="reminder"),
            choice(_("My reminders"), tap="reminder"),
            choice(_("Talk to a nurse"), tap="nurse"),
        ],
    )


def _plan_of(patient: Patient, talk: Talk) -> CarePlan | None:
    return CarePlan.objects.filter(
        patient=patient,
        kind=PlanKind.MEDICATION,
        status=Status.ACTIVE,
        contact_point=talk.conversation.contact_point,
    ).first()
