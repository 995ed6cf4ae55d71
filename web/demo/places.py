"""The three municipalities, with their real codes, and the places where taxpayers were born.

Codes: ISTAT's list of municipalities and the Agenzia delle Entrate's cadastral codes. Everything that would happen in
them here is invented.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Municipality:
    """An ente of the demonstration. `band` is its colour; `segregation` the two digits of its notice numbers."""

    name: str
    short_name: str
    istat_code: str
    cadastral_code: str
    codice_fiscale: str
    province: str
    band: int
    patron_name: str
    patron_day: int
    patron_month: int
    postcode: str
    area_code: str
    segregation: str
    vat_office: str
    taxpayers: int
    streets: tuple[str, ...]


OVERSEEN = "D403"  # whose access log, register of breaches and requests have something in them
MUNICIPALITIES = (
    Municipality(
        "Comune di Livorno", "Livorno", "049009", "E625", "00104330493", "LI", 1, "Santa Giulia", 22, 5, "57123",
        "0586", "01", "049", 2300,
        ("Via Grande", "Via Ricasoli", "Viale Italia", "Corso Amedeo", "Via Marradi", "Scali d'Azeglio",
         "Borgo dei Cappuccini", "Via della Madonna", "Via Provinciale Pisana", "Viale Carducci", "Via Garibaldi"),
    ),
    Municipality(
        "Comune di Empoli", "Empoli", "048014", "D403", "01329160483", "FI", 2, "Sant'Andrea", 30, 11, "50053",
        "0571", "02", "048", 1400,
        ("Via Giuseppe del Papa", "Via Ridolfi", "Via Tosco Romagnola", "Via Salvagnoli", "Piazza della Vittoria",
         "Via Carraia", "Via Masini", "Viale Petrarca", "Via Roma", "Via Chiarugi"),
    ),
    Municipality(
        "Comune di Scandicci", "Scandicci", "048041", "B962", "00975370487", "FI", 3, "San Zanobi", 10, 5, "50018",
        "055", "03", "048", 1300,
        ("Via Pascoli", "Piazzale della Resistenza", "Via Roma", "Via Dante", "Via di Castelpulci", "Via Aleardi",
         "Via delle Bagnese", "Via dei Rossi", "Via Pisana", "Via Vivaldi"),
    ),
)  # fmt: skip

# Codice catastale, freephone for landlines, geographic for mobiles. None of them can be dialled from outside.
LINES = (
    ("E625", "+39800000586", "+390586000586"),
    ("D403", "+39800000571", "+390571000571"),
    ("B962", "+39800000055", "+390550000055"),
)

# Name, cadastral code, weight.
BIRTHPLACES = (
    ("Livorno", "E625", 20), ("Empoli", "D403", 18), ("Firenze", "D612", 24), ("Scandicci", "B962", 4),
    ("Pisa", "G702", 10), ("Pistoia", "G713", 5), ("Prato", "G999", 6), ("Siena", "I726", 3),
    ("Fucecchio", "D815", 3), ("Castelfiorentino", "C101", 3), ("Cecina", "C415", 2), ("Lucca", "E715", 3),
    ("Napoli", "F839", 5), ("Palermo", "G273", 3), ("Roma", "H501", 4), ("Bari", "A662", 2), ("Catania", "C351", 2),
    ("Albania", "Z100", 4), ("Romania", "Z129", 4), ("Cina", "Z210", 4), ("Marocco", "Z330", 3), ("Senegal", "Z343", 2),
)  # fmt: skip


def line_for(cadastral_code: str, caller: str) -> str:
    """The number of a municipality that somebody with this telephone calls."""
    freephone, geographic = next(numbers for code, *numbers in LINES if code == cadastral_code)
    return geographic if caller.startswith("+393") else freephone
