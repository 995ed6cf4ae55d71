"""Words shown. What a token may read."""

from enum import StrEnum

from crm.tokens.models import ApiScope

WORDS: dict[type[StrEnum], dict[str, str]] = {
    ApiScope: {
        ApiScope.REPORTS: "le relazioni e i loro file",
        ApiScope.LEVELS: "i livelli di servizio e le chiamate ora per ora",
    },
}
