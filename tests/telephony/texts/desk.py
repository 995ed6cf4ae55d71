"""The stage for conversations by SMS: citizens who write, and a phone that shows what they got."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

from sqlalchemy import select, text, update

from crm.access.permissions import Principal
from crm.core.db import Scope
from crm.messages.models import Message, MessageState
from telephony.lines import queries as lines
from telephony.texts import conversation, reception
from telephony.texts.models import TextEvent, TextMessage, TextSetting, TextThread
from telephony.texts.reception import Received
from tests.cast import EMPOLI_LINE, MARIO_MOBILE
from tests.telephony.stage import Stage

WORDS = "Buongiorno, ho ricevuto una lettera e non posso telefonare."


@dataclass
class Texts:
    """A stage whose contract holds conversations by SMS."""

    stage: Stage
    sids: count = field(default_factory=lambda: count(1))  # type: ignore[type-arg]

    def hold(self, **wanted: object) -> None:
        """The contract's wishes."""
        usual = {
            "queue_id": self.stage.cast.operator, "most": 2, "beside_calls": True, "most_waiting": None,
            "idle_min": 15, "close_h": 8, "kept_days": 365,
        }  # fmt: skip
        with self.stage.database.begin(Scope.nothing()) as session:
            row = session.get(TextSetting, self.stage.cast.contract) or TextSetting(
                contract_id=self.stage.cast.contract
            )
            for name, value in {**usual, **wanted}.items():
                setattr(row, name, value)
            session.add(row)

    def writes(
        self, body: str = WORDS, citizen: str = MARIO_MOBILE, line: str = EMPOLI_LINE, *, sid: str = "", media: int = 0
    ) -> TextThread:  # fmt: skip
        """A citizen writes; the thread in which it stands."""
        told = Received(sid or f"SM{next(self.sids)}", citizen, body, media)

        def work(session):  # type: ignore[no-untyped-def]
            found = lines.line(session, line)
            assert found is not None
            assert reception.receive(session, told, found)

        self.stage.work(work)
        return self.last(citizen)

    def last(self, citizen: str = MARIO_MOBILE) -> TextThread:
        newest = select(TextThread).where(TextThread.citizen == citizen).order_by(TextThread.begun_at.desc()).limit(1)
        return self.stage.work(lambda s: s.execute(newest).scalar_one())

    def thread(self, thread_id: UUID) -> TextThread:
        return self.stage.work(lambda s: s.get_one(TextThread, thread_id))

    def by(self, agent: int) -> Principal:
        return self.stage.principal(agent)

    def takes(self, agent: int, thread_id: UUID) -> None:
        self.stage.work(lambda s: conversation.take(s, self.by(agent), thread_id=thread_id))

    def offered(self, citizen: str = MARIO_MOBILE) -> TextThread:
        """Whatever is to be done after commits is done; the thread as it stands then."""
        self.stage.run()
        return self.last(citizen)

    def replies(self, agent: int, thread_id: UUID, body: str, *, sure: bool = False, once: str = "") -> None:
        form = once or str(uuid4())
        self.stage.work(
            lambda s: conversation.reply(s, self.by(agent), thread_id=thread_id, body=body, once=form, sure=sure)
        )

    def closes(self, agent: int, thread_id: UUID) -> None:
        self.stage.work(
            lambda s: conversation.close(
                s, self.by(agent), thread_id=thread_id, topic="payment", disposition="answered", note="Spiegato."
            )
        )

    def said(self, thread_id: UUID) -> list[str]:
        """What was written, in order: `>` by the citizen, `<` by an agent, `*` by the system."""
        rows = select(TextMessage).where(TextMessage.thread_id == thread_id).order_by(TextMessage.id)
        found = self.stage.work(lambda s: s.execute(rows).scalars().all())
        return [f"{'>' if one.inbound else '<' if one.agent_id else '*'} {one.body}" for one in found]

    def owed(self) -> list[Message]:
        """What the outbox has."""
        rows = select(Message).where(Message.template == "conversation").order_by(Message.made_at)
        return list(self.stage.work(lambda s: s.execute(rows).scalars().all()))

    def arrived(self) -> None:
        """Everything that was owed has been sent, and arrived."""
        gone = update(Message).values(state=MessageState.DELIVERED, ended_at=Message.made_at, external_id="SM0")
        self.stage.work(lambda s: s.execute(gone))

    def log(self, thread_id: UUID) -> list[str]:
        rows = select(TextEvent.kind).where(TextEvent.thread_id == thread_id).order_by(TextEvent.id)
        return list(self.stage.work(lambda s: s.execute(rows).scalars().all()))

    def passes(self, seconds: float) -> None:
        """Time passes for threads; what is due then happens."""
        columns = (
            "due_at", "entered_at", "offered_at", "waiting_since", "wrote_at", "replied_at", "missed_at", "closed_at",
            "begun_at", "not_before", "taken_at", "answered_at",
        )  # fmt: skip
        back = ", ".join(f"{one} = {one} - make_interval(secs => :s)" for one in columns)
        with self.stage.database.begin(Scope.across_enti()) as session:
            session.execute(text(f"UPDATE text_thread SET {back}"), {"s": seconds})
        self.stage.engine.fire_threads()
        self.stage.run()


HOUR = timedelta(hours=1)
