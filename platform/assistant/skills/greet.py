"""Say hello, and what can be done here."""

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice


def greet(turn: Turn) -> Reply:
    return hello()


def hello() -> Reply:
    return Reply(
        _(
            "Hello, I am the hospital's AI assistant. I can help you find the right department,"
            " book a visit, look up reports, and tell you about fees and preparation; and I call a"
            " nurse for you at any time. I can't diagnose or prescribe."
        ),
        {"choices": menu()},
    )


def menu() -> list[dict[str, str]]:
    return [
        choice(_("I feel unwell"), tap="unwell"),
        choice(_("Book an appointment"), tap="booking"),
        choice(_("My reports"), tap="report"),
        choice(_("Medicines"), tap="medicine"),
        choice(_("Talk to a nurse"), tap="nurse"),
    ]
