"""What is answered to an SMS that somebody writes. Pure."""

_ANSWERS = {
    True: {
        "it": "Non riceverà altri SMS da noi. Per riceverli di nuovo risponda RIPRENDI.",
        "en": "You will get no more SMS from us. To get them again, answer START.",
        "de": "Sie erhalten keine SMS mehr von uns. Um sie wieder zu erhalten, antworten Sie START.",
    },
    False: {
        "it": "Riceverà di nuovo i nostri SMS. Per non riceverne più risponda STOP.",
        "en": "You will get our SMS again. To get no more, answer STOP.",
        "de": "Sie erhalten unsere SMS wieder. Keine SMS mehr: antworten Sie STOP.",
    },
    None: {
        "it": "Gli SMS a questo numero non si leggono: per parlare con noi ci chiami. Per non riceverne risponda STOP.",
        "en": "Nobody reads SMS to this number: to speak with us, please call. To get no more SMS, answer STOP.",
        "de": "SMS an diese Nummer werden nicht gelesen: bitte rufen Sie an. Keine SMS mehr: antworten Sie STOP.",
    },
}


def answer(meant: bool | None, language: str) -> str:
    """The answer to somebody who wants no more messages, wants them again, or wrote something else."""
    return _ANSWERS[meant][language]
