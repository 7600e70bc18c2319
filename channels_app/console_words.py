"""Every word that the console's scripts show, in the language in force."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from adapters.models import CATEGORIES
from triage.labels import Intent


def urgency(level: int) -> dict[str, Any]:
    """The word beside the stripe: colour alone tells a colour-blind nurse nothing."""
    names = {
        0: pgettext("urgency", "No hurry"),
        1: pgettext("urgency", "Routine"),
        2: pgettext("urgency", "Same day"),
        3: pgettext("urgency", "Emergency"),
    }
    return {"level": level, "name": names.get(level, names[3])}


def words() -> dict[str, Any]:
    return {
        "intents": _intents(),
        "events": _events(),
        "whyNot": {
            **{str(category): str(name) for category, name in CATEGORIES.items()},
            "unknown": _("the connection broke; it may have arrived"),
            "too_late": _("its time had passed"),
        },
        "authors": {
            "patient": pgettext("author", "Patient"),
            "assistant": pgettext("author", "AI assistant"),
            "nurse": pgettext("author", "Nurse"),
            "system": pgettext("author", "System"),
        },
        "acts": {
            "claim": _("Claimed"),
            "transfer": _("Transferred"),
            "return": _("Returned to the assistant"),
            "snooze": _("Snoozed"),
            "resolve": _("Resolved"),
            "reopen": _("Reopened"),
            "acknowledge": _("Alarm acknowledged"),
        },
        **_thread(),
        **_composer(),
        **_alarms(),
        **_line(),
    }


def _intents() -> dict[str, str]:
    return {
        Intent.BOOK_APPOINTMENT: _("booking an appointment"),
        Intent.CHANGE_APPOINTMENT: _("changing an appointment"),
        Intent.REPORT_QUERY: _("asking for a report"),
        Intent.SYMPTOM_TRIAGE: _("describing symptoms"),
        Intent.MEDICATION: _("about medication"),
        Intent.REMINDER: _("about a reminder"),
        Intent.FEES_INSURANCE: _("fees and insurance"),
        Intent.VISIT_GUIDE: _("how to visit"),
        Intent.HEALTH_INFO: _("health information"),
        Intent.COMPLAINT: _("complaint"),
        Intent.HUMAN_AGENT: _("asking for a person"),
        Intent.EMERGENCY: _("emergency"),
        Intent.CHITCHAT: _("small talk"),
        Intent.OTHER: _("something else"),
    }


def _events() -> dict[str, str]:
    """Sentences for `details.event`; a name in braces is filled from the event's own details."""
    return {
        "queued": _("Waiting for a nurse"),
        "claimed": _("{nurse} took over"),
        "transferred": _("Transferred to {nurse}{department}"),
        "requeued": _("Back in the queue: the nurse had gone"),
        "resolved": _("Resolved; the assistant answers from here"),
        "reopened": _("Reopened by {nurse}"),
        "snoozed": _("Put aside until {until}"),
        "acknowledged": _("Alarm acknowledged by {nurse}"),
        "alarm_climbed": _("Nobody answered the alarm: it now rings one step higher"),
        "more_urgent": _("Became more urgent"),
        "undelivered": _("A message did not reach the patient: {why}"),
        "rerouted": _("Sent by {channel} instead: {why}"),
        "passed_on": _("Passed on to the nurses in {channel}"),
        "noticed": _("The patient got a notice of it by {channel}: {why}"),
        "recalled": _("The patient took a message back"),
        "stopped": _("The patient wants no more reminders or health information"),
        "started_again": _("The patient wants reminders and health information again"),
    }


def _thread() -> dict[str, Any]:
    return {
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "new": _("New messages"),
        "earlier": _("Load earlier messages"),
        "note": _("Private note, colleagues only"),
        "read": _("Read by the patient"),
        "delivered": _("Sent"),
        "accepted": _("On its way"),
        "pending": _("Sending…"),
        "undelivered": _("Not delivered"),
        "waitingLine": _("Waiting for the connection…"),
        "failed": _("Not sent"),
        "retry": _("Send again"),
        "discard": _("Back to the editor"),
        "giveReason": _("Give a reason"),
        "source": _("Source: {title} (version {version})"),
        "reworded": _("Reworded by {model} from: {title} (version {version})"),
        "original": _("The article's own words"),
        "understood": _("Understood as"),
        "unsure": _("not sure"),
        "noConfidence": _("fixed answer, no model asked"),
        "redFlag": _("Red flag"),
        "emergencyCard": _("Emergency card shown to the patient"),
        "choices": _("Quick replies offered"),
        "patientTyping": _("The patient is typing…"),
        "media": {
            "image": _("Picture from the patient"),
            "voice": _("Voice message from the patient"),
            "video": _("Video from the patient"),
            "file": _("File from the patient"),
            "waiting": _("On its way to us…"),
            "failed": _("It could not be fetched, or is not safe to open."),
            "save": _("Save to listen or look"),
        },
        "jumped": _("Message {seq}"),
        "newBelow": _("New messages below"),
        "you": _("you"),
    }


def _composer() -> dict[str, str]:
    return {
        "saved": _("Draft saved"),
        "saving": _("Saving…"),
        "unsaved": _("Draft kept in this tab only"),
        "replyHint": _("Reply to the patient…  “/” for canned replies"),
        "noteHint": _("A note for colleagues. The patient never sees it."),
        "sendReply": _("Send to the patient"),
        "sendNote": _("Save the note"),
        "claimFirst": _("Claim this conversation to reply; what you type is kept."),
        "notYours": _("{nurse} has this conversation. You can write a note; your draft is kept."),
        "ended": _("This conversation is resolved. Reopen it to reply; your draft is kept."),
        "reachLeft": _("{left} of {allowed} messages left · {time}"),
        "reachNotice": _("The patient gets a text message with a link to this conversation."),
        "reachNot": _("Nothing reaches the patient here just now: {why}"),
        "tooLong": _("{n} characters too many"),
        "lost": _("This ticket is no longer yours. Your text is kept."),
        "noCanned": _("No canned reply fits"),
        "enterSends": _("Enter sends"),
        "owner_assistant": _("Assistant answers"),
        "owner_queue": _("Waiting in the queue"),
        "owner_mine": _("Yours"),
        "owner_other": _("With {nurse}"),
        "owner_ended": _("Resolved"),
        "snoozedUntil": _("put aside until {until}"),
        "done": _("Done: {act}"),
    }


def _alarms() -> dict[str, Any]:
    return {
        "alarmTitle": _("Red flag"),
        "alarmActs": {
            "claim": _("Claim"),
            "open": _("Open"),
            "acknowledge": _("I have seen it"),
        },
        "alarmMore": _("and {n} more"),
        "alarmSince": _("{t} without an answer"),
        "alarmSteps": [
            _("Rings for nurses"),
            _("Rings for the head nurse too"),
            _("Rings for everybody on call"),
        ],
        "alarmNotice": _("A patient may be in danger. Please look at the console."),
        "queueNotice": _("A patient is waiting."),
        "wroteNotice": _("A patient has written."),
        "titleFlash": _("RED FLAG"),
        "soundOff": _("Alarm sound is locked. Start your duty to hear alarms."),
        "soundOn": _("Alarm sound is on"),
        "newPatient": _("A new patient is waiting"),
    }


def _line() -> dict[str, Any]:
    return {
        "connecting": _("Connecting…"),
        "live": _("Live"),
        "lostShort": _("Not connected"),
        "waiting": _("Connection lost. Trying again; what you type is kept."),
        "offline": _("No network. What you type is kept."),
        "age": _("Shown as of {t} ago."),
        "back": _("Connected again, everything is up to date."),
        "taskGone": _("This task can't be opened: it is another department's, or gone."),
        "signedOut": _("Your session has ended. Sign in again in a new tab; your text stays here."),
        "notAllowed": _("This account may no longer use the console."),
        "signIn": _("Sign in"),
        "listsStale": _("The lists could not be refreshed."),
        "s": _("{n} s"),
        "min": _("{n} min"),
        "hours": _("{n} h"),
        "h": _("{h} h {m} min"),
        "d": _("{n} d"),
    }
