"""Ask again, differently, when a message was not understood."""

from django.utils.translation import gettext as _

from assistant.skills.greet import menu
from assistant.turn import Reply, Turn


def clarify(turn: Turn) -> Reply:
    return Reply(
        _(
            "I'm not sure that I understood you. Could you say it in other words, or choose one of"
            " these? I can also bring a nurse."
        ),
        {"choices": menu()},
    )
