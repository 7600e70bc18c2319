"""Say hello, and what can be done here."""

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice


def greet(turn: Turn) -> Reply:
    return hello()


def hello() -> Reply:
    return Reply(
        _(
            "Hello, I am the hospital's AI assistant. I can tell you about visits, fees and"
            " preparation, help you find the right department, and call a nurse for you at any"
            " time. I can't diagnose or prescribe."
        ),
        {"choices": menu()},
    )


def menu() -> list[dict[str, str]]:
    return [
        choice(_("I feel unwell"), tap="unwell"),
        choice(_("How do I book an appointment?"), tap="guide"),
        choice(_("Where do I get my report?"), tap="guide"),
        choice(_("Talk to a nurse"), tap="nurse"),
    ]
