"""Sums, days, counts and codes in words, as people say them in Italian, English and German. Pure.

Words of our own: num2words 0.5.14 was tried, and says "zero euro e un centesimo" for one euro, "un milione e mille",
"centottantatre" without its accent and "einhunderteinstausend"; it brings an abandoned package and no types.
"""

from datetime import date

from babel.dates import format_date

from telephony.ivr.languages import Language

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN
MOST = 999_999_999
GROUP = 4  # digits; a notice number is printed in groups of four

_TO_NINETEEN = {
    IT: "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
    "diciassette diciotto diciannove",
    EN: "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen",
    DE: "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn",
}
_FROM_TWENTY = {
    IT: "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    EN: "twenty thirty forty fifty sixty seventy eighty ninety",
    DE: "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
}
_LOW = {language: tuple(words.split()) for language, words in _TO_NINETEEN.items()}
_TENS = {language: tuple(words.split()) for language, words in _FROM_TWENTY.items()}
_ORDINALS_EN = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_ORDINALS_DE = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}
# As people spell on the telephone: in Italian by towns, by ICAO in English, by DIN 5009 in German.
_SPELT = {
    IT: "Ancona Bologna Como Domodossola Empoli Firenze Genova hotel Imola jolly kiwi Livorno Milano Napoli Otranto "
    "Palermo quadro Roma Savona Torino Udine Venezia Washington xilofono yogurt Zara",
    EN: "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec "
    "Romeo Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu",
    DE: "Aachen Berlin Cottbus Düsseldorf Essen Frankfurt Goslar Hamburg Ingelheim Jena Köln Leipzig München Nürnberg "
    "Offenbach Potsdam Quickborn Rostock Salzwedel Tübingen Unna Völklingen Wuppertal Xanten Ypsilon Zwickau",
}
_AS = {IT: "come", EN: "for", DE: "wie"}
_LOCALES = {IT: "it_IT", EN: "en_GB", DE: "de_DE"}


def number(value: int, language: Language = IT) -> str:
    """A whole number from 0 to `MOST`: `ventitré`, `one hundred and one`, `einundzwanzig`."""
    if not 0 <= value <= MOST:
        raise ValueError(f"{value} is not said in words")
    match language:
        case Language.ITALIAN:
            return _italian(value)
        case Language.ENGLISH:
            return _english(value)
        case Language.GERMAN:
            return _german(value)


def euro(cents: int, language: Language = IT) -> str:
    """A sum: `un euro`, `ventuno euro e cinquanta`, `cinque centesimi`, `un milione di euro`."""
    whole, rest = divmod(cents, 100)
    if not whole and rest:
        return _cents(rest, language)
    said = _euros(whole, language)
    if not rest:
        return said
    match language:
        case Language.ITALIAN:
            return f"{said} e {number(rest, language) if rest >= 10 else _cents(rest, language)}"
        case Language.ENGLISH:
            return f"{said} and {_cents(rest, language)}"
        case Language.GERMAN:
            return f"{said} {number(rest, language)}" if rest >= 10 else f"{said} und {_cents(rest, language)}"


def counted(value: int, one: str, many: str, language: Language = IT) -> str:
    """`una rata`, `three instalments`: `one` is said whole, `many` after its number."""
    return one if value == 1 else f"{number(value, language)} {many}"


def year(value: int, language: Language = IT) -> str:
    """`duemilaventisei`, `twenty twenty-six`, `zweitausendsechsundzwanzig`."""
    century, rest = divmod(value, 100)
    if language is EN and (century != 20 or rest >= 10):
        said = _english(rest) if rest >= 10 else f"oh {_english(rest)}" if rest else "hundred"
        return f"{_english(century)} {said}"
    if language is DE and 11 <= century <= 19:
        return f"{_LOW[DE][century]}hundert{_german(rest) if rest else ''}"
    return number(value, language)


def on(day: date, language: Language = IT) -> str:
    """`il primo gennaio duemilaventisei`, `on the first of January …`, `am ersten Januar …`."""
    return _preceded(("il ", "on the ", "am "), day, language)


def by(day: date, language: Language = IT) -> str:
    """Not after that day: `entro l'otto novembre …`, `by the …`, `bis zum …`."""
    return _preceded(("entro il ", "by the ", "bis zum "), day, language)


def since(day: date, language: Language = IT) -> str:
    """From that day on: `dal tre novembre …`, `since the …`, `seit dem …`."""
    return _preceded(("dal ", "since the ", "seit dem "), day, language)


def as_of(day: date, language: Language = IT) -> str:
    """How things stood on that day: `al tre novembre …`, `as of the …`, `vom …`."""
    return _preceded(("al ", "as of the ", "vom "), day, language)


def digits(code: str, language: Language = IT) -> str:
    """A code digit by digit, in groups of four, with a short rest after each."""
    groups = [code[start : start + GROUP] for start in range(0, len(code), GROUP)]
    return ", ".join(" ".join(_LOW[language][int(one)] for one in group) for group in groups)


def spelled(code: str, language: Language = IT) -> str:
    """Capital letters and digits one by one, with a rest after each, a longer one after four: `C come Como, tre, …`."""
    names = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _SPELT[language].split(), strict=True))
    said = [f"{one} {_AS[language]} {names[one]}" if one in names else _LOW[language][int(one)] for one in code]
    return "; ".join(", ".join(said[start : start + GROUP]) for start in range(0, len(said), GROUP))


# -- parts ------------------------------------------------------------------------------------------------------


def _euros(whole: int, language: Language) -> str:
    match language:
        case Language.ITALIAN:
            said = "un" if whole == 1 else _italian(whole)
            return f"{said} di euro" if whole and not whole % 1_000_000 else f"{said} euro"
        case Language.ENGLISH:
            return "one euro" if whole == 1 else f"{_english(whole)} euros"
        case Language.GERMAN:
            return f"{_german_head(whole)} Euro"


def _cents(rest: int, language: Language) -> str:
    match language:
        case Language.ITALIAN:
            return "un centesimo" if rest == 1 else f"{_italian(rest)} centesimi"
        case Language.ENGLISH:
            return "one cent" if rest == 1 else f"{_english(rest)} cents"
        case Language.GERMAN:
            return "ein Cent" if rest == 1 else f"{_german(rest)} Cent"


def _preceded(words: tuple[str, str, str], day: date, language: Language) -> str:
    before = dict(zip((IT, EN, DE), words, strict=True))[language]
    month = format_date(day, "MMMM", locale=_LOCALES[language])
    match language:
        case Language.ITALIAN:
            if day.day in {8, 11}:
                before = f"{before[:-3]}l'" if before.endswith("il ") else f"{before[:-1]}l'"  # l'otto, dall'undici
            said = "primo" if day.day == 1 else _italian(day.day)
            return f"{before}{said} {month} {year(day.year, language)}"
        case Language.ENGLISH:
            return f"{before}{_ordinal_en(day.day)} of {month} {year(day.year, language)}"
        case Language.GERMAN:
            return f"{before}{_ordinal_de(day.day)} {month} {year(day.year, language)}"


def _ordinal_en(value: int) -> str:
    head, dash, last = _english(value).rpartition("-")
    last = _ORDINALS_EN.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{head}{dash}{last}"


def _ordinal_de(value: int) -> str:
    return _ORDINALS_DE.get(value) or f"{_german(value)}{'ten' if value < 20 else 'sten'}"


def _italian(value: int) -> str:
    millions, rest = divmod(value, 1_000_000)
    if millions:
        head = "un milione" if millions == 1 else f"{_italian(millions)} milioni"
        return f"{head} {_italian(rest)}" if rest else head
    said = _italian_below(value)
    return f"{said[:-3]}tré" if said.endswith("tre") and value > 3 else said


def _italian_below(value: int) -> str:
    """Below a million, without the accent of a last *tre*."""
    if value >= 1_000:
        thousands, rest = divmod(value, 1_000)
        head = "mille" if thousands == 1 else f"{_italian_below(thousands)}mila"
        return head + (_italian_below(rest) if rest else "")
    if value >= 100:
        hundreds, rest = divmod(value, 100)
        head = "cento" if hundreds == 1 else f"{_LOW[IT][hundreds]}cento"
        if rest == 8 or 80 <= rest < 90:
            head = head[:-1]  # centotto, centottanta
        return head + (_italian_below(rest) if rest else "")
    if value >= 20:
        tens, rest = divmod(value, 10)
        head = _TENS[IT][tens - 2]
        return (head[:-1] if rest in {1, 8} else head) + (_LOW[IT][rest] if rest else "")
    return _LOW[IT][value]


def _english(value: int) -> str:
    for size, name in ((1_000_000, "million"), (1_000, "thousand")):
        many, rest = divmod(value, size)
        if many:
            joined = f"{' and' if rest < 100 else ''} {_english(rest)}" if rest else ""
            return f"{_english(many)} {name}{joined}"
    if value >= 100:
        hundreds, rest = divmod(value, 100)
        return f"{_LOW[EN][hundreds]} hundred{f' and {_english(rest)}' if rest else ''}"
    if value >= 20:
        tens, rest = divmod(value, 10)
        return f"{_TENS[EN][tens - 2]}{f'-{_LOW[EN][rest]}' if rest else ''}"
    return _LOW[EN][value]


def _german(value: int) -> str:
    millions, rest = divmod(value, 1_000_000)
    if millions:
        name = "Million" if millions == 1 else "Millionen"
        head = f"{_german_head(millions)}{'e' if millions % 100 == 1 else ''} {name}"
        return f"{head} {_german(rest)}" if rest else head
    if value >= 1_000:
        thousands, rest = divmod(value, 1_000)
        return f"{_german_head(thousands)}tausend{_german(rest) if rest else ''}"
    if value >= 100:
        hundreds, rest = divmod(value, 100)
        return f"{_german_head(hundreds)}hundert{_german(rest) if rest else ''}"
    if value >= 20:
        tens, rest = divmod(value, 10)
        return f"{f'{_german_head(rest)}und' if rest else ''}{_TENS[DE][tens - 2]}"
    return _LOW[DE][value]


def _german_head(value: int) -> str:
    """Before what it counts: *ein*, where it would be *eins* alone."""
    said = _german(value)
    return said.removesuffix("s") if value % 100 == 1 else said
