"""Words shown. What a token may read."""

from enum import StrEnum

from crm.tokens.models import ApiScope

WORDS: dict[type[StrEnum], dict[str, str]] = {
    ApiScope: {
        ApiScope.REPORTS: "le relazioni e i loro file",
        ApiScope.LEVELS: "i livelli di servizio, le chiamate ora per ora, i voti, le chiusure e la continuità",
        ApiScope.CALLS: "le chiamate una per una, senza chi ha chiamato né chi ha risposto",
    },
}
