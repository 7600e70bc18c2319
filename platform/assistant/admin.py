"""What dialogues came to: skills, turns and outcomes; nothing of what was said in them."""

from typing import Any, ClassVar

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from assistant.models import Dialogue
from assistant.skills import book
from vault.admin import ReadOnlyAdmin


@admin.register(Dialogue)
class DialogueAdmin(ReadOnlyAdmin, ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["id", "title", "outcome", "turns", "misses", "started_at", "ended_at"]
    list_filter: ClassVar = ["outcome", "skill", ("started_at", RangeDateTimeFilter)]
    list_filter_submit = True
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        "conversation", "skill", "outcome", "turns", "misses", "started_at", "touched_at",
        "parked_at", "ended_at",
    ]  # fmt: skip

    @display(description=Dialogue._meta.get_field("skill").verbose_name)  # type: ignore[untyped-decorator]
    def title(self, dialogue: Dialogue) -> Any:
        skill = book.SKILLS.get(dialogue.skill)
        return skill.title if skill else dialogue.skill
