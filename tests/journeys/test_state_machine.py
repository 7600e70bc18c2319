"""Any order of what patients, nurses, the assistant and crashes can do keeps every promise.

Hypothesis plays; a small model in memory says what must be true. Each play is rolled back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from assistant.services import attend, take_in
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import ClientIdReused, StaleEpoch, queue_reply
from hospital.models import Department, Hospital
from patients.models import Channel
from patients.services import meet
from staff.models import StaffMember
from tickets import services as acts
from tickets.models import Ticket
from triage.labels import NOT_UNDERSTOOD, Intent, Understanding
from vault import datakeys

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
VISITORS = ("visitor-1", "visitor-2")
TEXTS = ("你好", "怎么挂号", "胸口剧烈疼痛,大汗淋漓")
SURE = replace(NOT_UNDERSTOOD, intent=Intent.CHITCHAT, intent_confidence=0.99, abstained=False)


class Crash(Exception):
    """The process dies before its transaction commits."""


def breaks(_text: str) -> Understanding:
    raise RuntimeError


MODELS: dict[str, Callable[[str], Understanding]] = {
    "answers": lambda _text: SURE,
    "is not sure": lambda _text: NOT_UNDERSTOOD,
    "breaks": breaks,
}

visitors = st.sampled_from(VISITORS)
nurses = st.integers(0, 1)


@dataclass
class Believed:
    """What must be true of one conversation."""

    said: dict[str, str] = field(default_factory=dict)  # client id → text
    unhandled: int = 0
    owner: Owner = Owner.ASSISTANT
    nurse: int | None = None
    owner_by_epoch: list[Owner] = field(default_factory=lambda: [Owner.ASSISTANT])
    ticket: int | None = None  # the newest
    is_open: bool = False
    composed: list[int] = field(default_factory=list)  # epochs under which replies were composed

    @property
    def epoch(self) -> int:
        return len(self.owner_by_epoch) - 1

    def give(self, owner: Owner, nurse: int | None = None) -> None:
        self.owner, self.nurse = owner, nurse
        self.owner_by_epoch.append(owner)


class House(RuleBasedStateMachine):
    channel: Channel
    staff: list[StaffMember]
    department: Department

    def __init__(self) -> None:
        super().__init__()
        datakeys.forget()  # the play before was rolled back, and its ids come again
        self.play = transaction.atomic()
        self.play.__enter__()
        self.believed = {visitor: Believed() for visitor in VISITORS}
        self.now = NOON
        self.count = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.play.__exit__(None, None, None)

    # --- what can happen ---------------------------------------------------------------------

    @rule(visitor=visitors, text=st.sampled_from(TEXTS))
    def patient_writes(self, visitor: str, text: str) -> None:
        client_id = self._new_id()

        received = self._take_in(visitor, client_id, text)

        assert received.is_new
        self._believe_said(visitor, client_id, text)

    @rule(visitor=visitors, text=st.sampled_from(TEXTS))
    def web_dies_before_the_commit_and_the_browser_says_it_again(
        self, visitor: str, text: str
    ) -> None:
        client_id = self._new_id()
        with pytest.raises(Crash), transaction.atomic():
            self._take_in(visitor, client_id, text)
            raise Crash
        datakeys.forget()  # with the process

        received = self._take_in(visitor, client_id, text)

        assert received.is_new
        self._believe_said(visitor, client_id, text)

    @rule(visitor=visitors, data=st.data())
    def browser_repeats(self, visitor: str, data: st.DataObject) -> None:
        said = self.believed[visitor].said
        if not said:
            return
        client_id = data.draw(st.sampled_from(sorted(said)))

        assert not self._take_in(visitor, client_id, said[client_id]).is_new
        with pytest.raises(ClientIdReused), transaction.atomic():
            self._take_in(visitor, client_id, "别的话")

    @rule(visitor=visitors, model=st.sampled_from(sorted(MODELS)))
    def worker_attends_twice(self, visitor: str, model: str) -> None:
        believed, conversation = self.believed[visitor], self._conversation(visitor)
        if conversation is None:
            return

        attend(conversation.pk, understand=MODELS[model], now=self.now)
        stored = conversation.messages.count()
        attend(conversation.pk, understand=MODELS[model], now=self.now)

        assert conversation.messages.count() == stored
        if believed.unhandled and believed.owner == Owner.ASSISTANT and model != "answers":
            self._believe_handed_over(visitor)
        believed.unhandled = 0

    @rule(visitor=visitors)
    def worker_dies_in_the_middle(self, visitor: str) -> None:
        conversation = self._conversation(visitor)
        if conversation is None:
            return
        with pytest.raises(Crash), transaction.atomic():
            attend(conversation.pk, understand=MODELS["is not sure"], now=self.now)
            raise Crash

    @rule(visitor=visitors)
    def assistant_composes(self, visitor: str) -> None:
        self.believed[visitor].composed.append(self.believed[visitor].epoch)

    @rule(visitor=visitors)
    def assistant_says_what_it_composed(self, visitor: str) -> None:
        believed, conversation = self.believed[visitor], self._conversation(visitor)
        if conversation is None or not believed.composed:
            return
        epoch = believed.composed.pop(0)
        reply: dict[str, Any] = {"text": "好的", "author": Author.ASSISTANT, "epoch": epoch}
        if epoch == believed.epoch and believed.owner == Owner.ASSISTANT:
            queue_reply(conversation, now=self.now, **reply)
        elif epoch != believed.epoch:
            with pytest.raises(StaleEpoch), transaction.atomic():
                queue_reply(conversation, now=self.now, **reply)

    @rule(visitor=visitors, nurse=nurses)
    def nurse_claims(self, visitor: str, nurse: int) -> None:
        believed = self.believed[visitor]
        may = believed.is_open and believed.nurse is None
        if self._act(visitor, nurse, acts.claim_ticket, may, acts.AlreadyClaimed):
            believed.give(Owner.NURSE, nurse)

    @rule(visitor=visitors, nurse=nurses, way=st.sampled_from(("resolve", "return")))
    def nurse_ends_it(self, visitor: str, nurse: int, way: str) -> None:
        believed = self.believed[visitor]
        act = acts.resolve_ticket if way == "resolve" else acts.return_to_assistant
        if self._act(visitor, nurse, act, self._is_hers(visitor, nurse), acts.NotYourTicket):
            believed.give(Owner.ASSISTANT)
            believed.is_open = False

    @rule(visitor=visitors, nurse=nurses)
    def nurse_reopens(self, visitor: str, nurse: int) -> None:
        believed = self.believed[visitor]
        may = believed.ticket is not None and not believed.is_open
        if self._act(visitor, nurse, acts.reopen_ticket, may, acts.CannotReopen):
            believed.give(Owner.NURSE, nurse)
            believed.is_open = True

    @rule(visitor=visitors, nurse=nurses)
    def nurse_transfers_to_her_colleague(self, visitor: str, nurse: int) -> None:
        may, other = self._is_hers(visitor, nurse), self.staff[1 - nurse]
        if self._act(visitor, nurse, acts.transfer_ticket, may, acts.NotYourTicket, to=other):
            self.believed[visitor].give(Owner.NURSE, 1 - nurse)

    @rule(visitor=visitors, nurse=nurses)
    def nurse_transfers_to_a_department(self, visitor: str, nurse: int) -> None:
        may, where = self._is_hers(visitor, nurse), {"department": self.department}
        if self._act(visitor, nurse, acts.transfer_ticket, may, acts.NotYourTicket, **where):
            self.believed[visitor].give(Owner.QUEUE)

    @rule(visitor=visitors, nurse=nurses)
    def nurse_snoozes(self, visitor: str, nurse: int) -> None:
        until = {"until": self.now + timedelta(minutes=30)}
        may = self._is_hers(visitor, nurse)
        self._act(visitor, nurse, acts.snooze_ticket, may, acts.NotYourTicket, **until)

    @rule(visitor=visitors, nurse=nurses)
    def nurse_replies_twice_under_one_id(self, visitor: str, nurse: int) -> None:
        may, words = self._is_hers(visitor, nurse), {"text": "在的", "client_id": self._new_id()}
        if first := self._act(visitor, nurse, acts.reply, may, acts.NotYourTicket, **words):
            again = self._act(visitor, nurse, acts.reply, may, acts.NotYourTicket, **words)
            assert again.pk == first.pk

    # --- what must be true -------------------------------------------------------------------

    @invariant()
    def every_promise_holds(self) -> None:
        for visitor, believed in self.believed.items():
            conversation = self._conversation(visitor)
            if conversation is None:
                assert not believed.said
                continue
            messages = list(conversation.messages.order_by("seq"))
            self._check_thread(conversation, messages, believed)
            self._check_owner(conversation, believed)

    def _check_thread(
        self, conversation: Conversation, messages: list[Message], believed: Believed
    ) -> None:
        assert [m.seq for m in messages] == list(range(1, conversation.last_seq + 1))
        said = [(m.client_id, m.text) for m in messages if m.author == Author.PATIENT]
        assert said == list(believed.said.items())  # each once, in the order they were written
        assert sum(m.handled_at is None for m in messages) == believed.unhandled
        epochs = [m.epoch for m in messages]
        assert epochs == sorted(epochs)
        for message in messages:
            if message.author == Author.ASSISTANT:
                assert believed.owner_by_epoch[message.epoch] == Owner.ASSISTANT

    def _check_owner(self, conversation: Conversation, believed: Believed) -> None:
        nurse = None if believed.nurse is None else self.staff[believed.nurse].pk
        owns = (conversation.owner, conversation.nurse_id, conversation.epoch)
        assert owns == (believed.owner, nurse, believed.epoch)
        tickets = list(Ticket.objects.open().filter(conversation=conversation))
        assert [t.pk for t in tickets] == ([believed.ticket] if believed.is_open else [])
        assert [t.claimed_by_id for t in tickets] == ([nurse] if believed.is_open else [])

    # --- helpers -----------------------------------------------------------------------------

    def _new_id(self) -> str:
        self.count += 1
        self.now += timedelta(seconds=1)
        return f"c{self.count}"

    def _take_in(self, visitor: str, client_id: str, text: str) -> Any:
        contact_point = meet(self.channel, address=visitor)
        return take_in(contact_point, text=text, client_id=client_id, now=self.now)

    def _conversation(self, visitor: str) -> Conversation | None:
        contact_point = meet(self.channel, address=visitor)
        return Conversation.objects.filter(contact_point=contact_point).first()

    def _believe_said(self, visitor: str, client_id: str, text: str) -> None:
        believed = self.believed[visitor]
        believed.said[client_id] = text
        if text == TEXTS[-1]:  # a red flag is dealt with at the door
            if believed.owner == Owner.ASSISTANT:
                self._believe_handed_over(visitor)
        elif believed.owner != Owner.NURSE:
            believed.unhandled += 1

    def _believe_handed_over(self, visitor: str) -> None:
        believed, conversation = self.believed[visitor], self._conversation(visitor)
        believed.give(Owner.QUEUE)
        believed.ticket = Ticket.objects.open().get(conversation=conversation).pk
        believed.is_open = True

    def _is_hers(self, visitor: str, nurse: int) -> bool:
        return self.believed[visitor].is_open and self.believed[visitor].nurse == nurse

    def _act(
        self,
        visitor: str,
        nurse: int,
        act: Callable[..., Any],
        may: bool,
        otherwise: type[Exception],
        **particulars: Any,
    ) -> Any:
        """Do it where the model says that she may, and see it refused where she may not."""
        ticket = self.believed[visitor].ticket
        if ticket is None:
            return None
        if may:
            return act(ticket, nurse=self.staff[nurse], now=self.now, **particulars)
        with pytest.raises(otherwise), transaction.atomic():
            act(ticket, nurse=self.staff[nurse], now=self.now, **particulars)
        return None


@pytest.mark.django_db
def test_any_order_of_acts_keeps_every_promise(
    web: Channel, hospital: Hospital, nurse: StaffMember, other_nurse: StaffMember
) -> None:
    House.channel, House.staff = web, [nurse, other_nurse]
    House.department = Department.objects.get(name="儿科")

    run_state_machine_as_test(
        House,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
