"""What a caller hears when nothing else can be said: the same for everybody, in each language, and then the end.

The carrier asks for it at the address of last resort, when what it asks first does not answer. It needs neither
database nor state, so that it can be hosted where this installation is not.
"""

from telephony.carriers.port import Hangup, Instruction, Say
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence

APOLOGY: tuple[Instruction, ...] = (
    *(Say(sentence(Sentence.OUT_OF_ORDER, language), language.tag) for language in Language),
    Hangup(),
)
