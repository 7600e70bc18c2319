"""What the chat page says, in the language in force: one table for the template and its scripts."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def tiles() -> list[dict[str, str]]:
    """The five things that bring people here. `tap` is what the assistant is told."""
    return [
        {
            "icon": "unwell",
            "label": pgettext("tile", "I feel unwell"),
            "hint": _("Find the right department"),
            "text": _("I feel unwell"),
            "tap": "unwell",
        },
        {
            "icon": "book",
            "label": pgettext("tile", "Booking"),
            "hint": _("Book, move, cancel"),
            "text": _("Book an appointment"),
            "tap": "booking",
        },
        {
            "icon": "report",
            "label": pgettext("tile", "Reports"),
            "hint": _("See your results"),
            "text": _("My reports"),
            "tap": "report",
        },
        {
            "icon": "medicine",
            "label": pgettext("tile", "Medicines"),
            "hint": _("Questions, reminders"),
            "text": _("My medicines"),
            "tap": "medicine",
        },
        {
            "icon": "nurse",
            "label": pgettext("tile", "Find a nurse"),
            "hint": _("A person answers"),
            "text": _("Talk to a nurse"),
            "tap": "nurse",
        },
    ]


def chat_words() -> dict[str, str]:
    """The sentences that scripts need; {name} is filled in by them."""
    return {
        "assistant": _("AI assistant"),
        "notADoctor": _("can't replace a doctor"),
        "nurse": _("Nurse"),
        "hospital": _("From the hospital"),
        "you": _("You"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "connecting": _("Connecting…"),
        "reconnecting": _("Reconnecting…"),
        "offline": _("You are offline. What you write is kept and sent later."),
        "caughtUp": _("Connected again. {count} new."),
        "backAgain": _("Connected again."),
        "closed": _("This chat is closed at the moment. Please call the hospital."),
        "waiting": _("waiting to be sent"),
        "stored": _("sent to the hospital"),
        "read": _("read by the hospital"),
        "notSent": _("not sent"),
        "editAgain": _("Edit it"),
        "source": _("Source: {title}, version {version}"),
        "reworded": _("Reworded by AI from: {title}, version {version}"),
        "original": _("Show the article's own words"),
        "readAloud": _("Read aloud"),
        "stopReading": _("Stop reading"),
        "call": _("Call {phone}"),
        "crisisLine": _("Talk to someone: {phone}"),
        "police": _("Police: {phone}"),
        "signs": _("Signs of danger in what you wrote"),
        "nearest": _("Nearest emergency department"),
        "departments": _("Departments that may fit"),
        **_cards(),
        "quickReplies": _("Quick replies"),
        "assistantTyping": _("The AI assistant is replying…"),
        "nurseTyping": _("{nurse} is typing…"),
        "aNurse": _("A nurse"),
        "queueUrgent": _("The nurses have been alarmed. Don't wait here, call {phone} now."),
        "queueNext": _("A nurse has been told. You are next."),
        "queueAhead": _("A nurse has been told. Before you: {ahead}."),
        "queueLeave": _("You can leave; the answer will be here."),
        "offHours": _("The nurses are off duty. They answer from {when}."),
        "offHoursNoTime": _("Your message is with the nurses; they answer as soon as they can."),
        "worse": _("If it gets worse, call {phone}."),
        "withYou": _("{nurse} is looking after you now"),
        "event.queued": _("Handed to the nurses"),
        "event.claimed": _("{nurse} is with you now"),
        "event.transferred": _("Handed on to {nurse}"),
        "event.transferredDepartment": _("Handed on to {department}"),
        "event.requeued": _("We are finding another nurse for you"),
        "event.resolved": _("The nurse has finished; the AI assistant is here again"),
        "event.reopened": _("{nurse} is back with you"),
        "left": _("{count} characters left"),
        "tooLong": _("{count} characters too many"),
        "newMessages": _("New messages"),
        "emergencyText": _("I need urgent help"),
    }


def _cards() -> dict[str, str]:
    """What stands on the cards of a visit, a report and a triage."""
    return {
        "appointment": _("Appointment"),
        "for": pgettext("card", "For"),
        "where": _("Place"),
        "fee": _("Fee"),
        "payThere": _("{fee}, paid at the hospital"),
        "addToCalendar": _("Add to calendar"),
        "keptFor": _("Kept for you for another {time}"),
        "keptMinutes": _("The seat is kept for you for another {n} minutes."),
        "keptSeconds": _("The seat is kept for you for less than a minute."),
        "keptNoMore": _("The seat is kept no longer. You can still try, or choose another time."),
        "movedAway": _("moved to another time"),
        "report": _("Report"),
        "rangeShort": _("Range {range}"),
        "trend": _("Since {date}: {trend}"),
        "conclusion": _("Conclusion"),
        "reportOver": _(
            "This report is closed again to protect you. Ask for it once more to see it."
        ),
        "urgency": _("How urgent"),
        "urgencyLevel": _("Level {level} of 5"),
        "examinations": _("Examinations that may be needed"),
        "watch": _("Come at once, or call {phone}, if"),
        "progress": _("Question {done} of about {total}"),
    }
