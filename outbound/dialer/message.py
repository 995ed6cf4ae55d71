"""What somebody hears who answers while no operator is there, pure. Who calls, and where to call back: nothing of why.

Garante 83/2014: whoever answers and finds nobody hears who called. What is owed, or to whom, is nobody's business who
may stand beside the telephone: no recorded message of ours speaks of it.
"""

from telephony.carriers.port import Hangup, Instruction, Say


def nobody_here(ente: str, line: str) -> tuple[Instruction, ...]:
    """`line`: the number that he saw, E.164."""
    digits = ", ".join(line.removeprefix("+39"))
    return (
        Say(
            f"Buongiorno. È una chiamata di servizio per conto di: {ente}. "
            "In questo momento nessun operatore è libero, e ce ne scusiamo. "
            f"Se vuole può richiamare questo numero: {digits}. Grazie, e buona giornata."
        ),
        Hangup(),
    )
