"""Ask again, differently, when a message was not understood."""

from django.utils.translation import gettext as _

from assistant.skills.greet import menu
from assistant.turn import Reply, Turn, choice


def clarify(turn: Turn) -> Reply:
    if turn.tap == "unwell":
        return Reply(
            _(
                "I'm sorry that you feel unwell. Please tell me in your own words: where does it"
                " trouble you, since when, and how old is the patient? If it is severe or getting"
                " worse quickly, call 120 now."
            ),
            {"choices": [choice(_("Talk to a nurse"), tap="nurse")]},
        )
    return Reply(
        _(
            "I'm not sure that I understood you. Could you say it in other words, or choose one of"
            " these? I can also bring a nurse."
        ),
        {"choices": menu()},
    )
