"""The admin's look and its way around, by rooms."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

# The words of `config` itself, and unfold's own, which come without Chinese.
LOCALE_PATHS = [Path(__file__).resolve().parents[1] / "locale"]


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    def asked(request: HttpRequest) -> bool:
        return request.user.has_perm(permission)

    return asked


def _list(title: Any, icon: str, model: str) -> dict[str, Any]:
    """A link to the list of a model, for those who may see it."""
    room, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{room}_{name}_changelist"),
        "permission": _may(f"{room}.view_{name}"),
    }


NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            {"title": _("Overview"), "icon": "monitoring", "link": reverse_lazy("admin:index")},
            {"title": _("Nurses' console"), "icon": "support_agent", "link": "/console/"},
            {"title": _("Patients' chat"), "icon": "chat", "link": "/chat/web/"},
        ]
    },
    {
        "title": _("Care"),
        "separator": True,
        "items": [
            _list(_("Tickets"), "confirmation_number", "tickets.ticket"),
            _list(_("Alarms"), "notifications_active", "tickets.alarm"),
            _list(_("Conversations"), "forum", "conversations.conversation"),
            _list(_("Canned replies"), "quickreply", "tickets.cannedreply"),
        ],
    },
    {
        "title": _("Patients"),
        "separator": True,
        "items": [
            _list(_("Patients"), "personal_injury", "patients.patient"),
            _list(_("Family members who write"), "family_restroom", "patients.proxy"),
            _list(_("Consents"), "handshake", "patients.consent"),
            _list(_("Allergies"), "allergy", "records.allergyintolerance"),
            _list(_("Reports"), "lab_profile", "records.diagnosticreport"),
            _list(_("Prescriptions"), "prescriptions", "records.medicationrequest"),
            _list(_("Medicines"), "medication", "records.medication"),
            _list(_("Contact points"), "contact_phone", "patients.contactpoint"),
            _list(_("Differences to settle"), "rule_folder", "patients.conflict"),
        ],
    },
    {
        "title": _("Appointments"),
        "separator": True,
        "items": [
            _list(_("Appointments"), "event_available", "appointments.appointment"),
            _list(_("Waitlist"), "hourglass_top", "appointments.waitlistentry"),
            _list(_("Slots"), "view_timeline", "appointments.slot"),
            _list(_("Schedules"), "calendar_clock", "appointments.schedule"),
            _list(_("Closures"), "event_busy", "appointments.closure"),
        ],
    },
    {
        "title": _("Care over time"),
        "separator": True,
        "items": [
            _list(_("Tasks"), "checklist", "careplans.task"),
            _list(_("Care plans"), "event_note", "careplans.careplan"),
            _list(_("Due rows"), "notifications", "careplans.due"),
            _list(_("Plan templates"), "assignment", "careplans.plantemplate"),
            _list(_("Questionnaires"), "quiz", "careplans.questionnaire"),
            _list(_("Questionnaire responses"), "rule", "careplans.questionnaireresponse"),
            _list(_("Feedback"), "reviews", "careplans.feedback"),
            _list(_("Feedback digests"), "summarize", "careplans.feedbackdigest"),
        ],
    },
    {
        "title": _("Knowledge"),
        "separator": True,
        "items": [
            _list(_("Articles"), "menu_book", "knowledge.article"),
            _list(_("Versions and sign-off"), "fact_check", "knowledge.articleversion"),
            _list(_("Triage rules"), "rule", "triage.ruleset"),
        ],
    },
    {
        "title": _("Understanding"),
        "separator": True,
        "items": [
            _list(_("Reviews"), "rate_review", "insight.review"),
            _list(_("Dialogues"), "conversion_path", "assistant.dialogue"),
            _list(_("Days of the models"), "query_stats", "insight.modelday"),
            _list(_("Reference weeks"), "event_repeat", "insight.referenceweek"),
        ],
    },
    {
        "title": _("Hospital"),
        "separator": True,
        "items": [
            _list(_("Hospital"), "local_hospital", "hospital.hospital"),
            _list(_("Departments"), "account_tree", "hospital.department"),
            _list(_("Doctors"), "stethoscope", "hospital.doctor"),
            _list(_("Places"), "location_on", "hospital.place"),
            _list(_("Opening hours"), "schedule", "hospital.openinghours"),
            _list(_("Prices"), "payments", "hospital.price"),
            _list(_("Holidays"), "event", "hospital.holiday"),
        ],
    },
    {
        "title": _("Staff"),
        "separator": True,
        "items": [
            _list(_("Staff members"), "badge", "staff.staffmember"),
            _list(_("Shifts"), "calendar_month", "staff.shift"),
            _list(_("Groups"), "groups", "auth.group"),
        ],
    },
    {
        "title": _("Operations"),
        "separator": True,
        "items": [
            _list(_("Channels"), "hub", "patients.channel"),
            _list(_("Accounts"), "key", "adapters.account"),
            _list(_("Delivery log"), "outgoing_mail", "adapters.attempt"),
            _list(_("Outside systems"), "domain", "fhir.system"),
            _list(_("Records left out"), "move_to_inbox", "fhir.leftout"),
            _list(_("Told to outside systems"), "outbox", "fhir.push"),
            _list(_("Reconciliations"), "difference", "fhir.reconciliation"),
            _list(_("Access log"), "policy", "vault.accessentry"),
            _list(_("Identity checks"), "passkey", "records.identitycheck"),
            _list(_("Guessing"), "gpp_maybe", "records.guessing"),
            _list(_("Rings"), "doorbell", "workers.ring"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Wenan"),
    "SITE_HEADER": _("Wenan"),
    "SITE_SUBHEADER": _("Administration"),
    "SITE_SYMBOL": "forum",
    "SITE_URL": "/console/",
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "config.dashboard.show",
    "STYLES": [lambda request: static("wenan/admin/admin.css")],
    # Searching models from the menu would put what is typed into a URL.
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
    "COMMAND": {"search_models": False, "show_history": False},
    "COLORS": {
        "primary": {
            "50": "#eef8f8",
            "100": "#d6eeee",
            "200": "#aedddd",
            "300": "#7cc5c7",
            "400": "#45a5aa",
            "500": "#1f878d",
            "600": "#0b6e75",
            "700": "#07545a",
            "800": "#0a454a",
            "900": "#0c393d",
            "950": "#052427",
        }
    },
}
