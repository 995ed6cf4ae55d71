"""A call in words, on the terminal: `filodiretto try-call NUMBER`."""

from collections.abc import Iterable
from datetime import datetime

import typer

from crm.contacts.phone import to_e164
from crm.core import clock
from crm.core.db import Database, Scope
from telephony.ivr.definition import OPERATOR_KEY
from telephony.ivr.rehearsal import rehearse
from telephony.ivr.turns import Await, Enter, PutThrough, Question, Turn
from telephony.lines import queries as lines
from telephony.queues import queries as queues


def try_call(
    database: Database, number: str, *, caller: str, at: datetime | None, answers: Iterable[str], full: bool = False,
    calls_back: bool = True,
) -> int:  # fmt: skip
    """Play a call on one of our lines; what the caller keys or says are `answers`. Returns the exit code.

    `full` and `calls_back` are `rehearse`'s.
    """
    with database.begin(Scope.nothing()) as session:
        line = lines.line(session, to_e164(number) or number)
        if line is None:
            typer.echo(f"{number} is none of our numbers. They are:", err=True)
            for one in lines.all_lines(session):
                typer.echo(f"  {one.number}  {one.label}", err=True)
            return 2
    scope = Scope.of_contract(line.contract_id)
    with database.begin(scope) as session:
        played = rehearse(session, line, at=at or clock.now(session), caller=caller, full=full, calls_back=calls_back)
    turn = played.begin()
    _hear(turn)
    for answer in answers:
        by_zero = turn.announces_the_end and answer == OPERATOR_KEY
        if not (by_zero or isinstance(turn.then, Await | PutThrough | Question)):
            break
        keyed = all(char in "0123456789*#" for char in answer)
        with database.begin(scope) as session:
            turn = played.answer(
                session, turn.place, keys=answer.strip("#") if keyed else "", speech="" if keyed else answer
            )
        _hear(turn)
    if isinstance(turn.then, Enter):
        with database.begin(scope) as session:
            typer.echo(f"[in queue: {queues.queue(session, turn.then.queue).name}]")
    elif not isinstance(turn.then, Await | PutThrough | Question):
        typer.echo("[the call ends]")
    return 0


def _hear(turn: Turn) -> None:
    for said in turn.says:
        typer.echo(f"{said.language.value}: {said.text}")
    if isinstance(turn.then, Await):
        wanted = "a key" if turn.then.digits == 1 else "digits, then #"
        words = f", or one of: {', '.join(turn.then.words)}" if turn.then.words else ""
        typer.echo(f"[waits for {wanted}{words}; nothing is silence]")
    if isinstance(turn.then, Question):
        typer.echo("[the questionnaire is asked; 1: to its end, 0: zero, anything else: not to its end]")
    if isinstance(turn.then, PutThrough):
        typer.echo(f"[calls {turn.then.number}; 1: somebody answers, 2: engaged, 0: zero before that, nothing: nobody]")
