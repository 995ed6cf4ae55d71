"""Weekly hours in a sentence, so that nobody has to guess what a form with empty days comes to."""

from babel.dates import get_day_names

from crm.enti.details import Week
from web.edge.i18n import LANGUAGES, translations


def in_words(week: Week, language: str) -> str:
    """Such as `lun 08:30-13:00; gli altri giorni chiuso`."""
    gettext = translations(language).gettext
    names = get_day_names("abbreviated", locale=LANGUAGES[language])
    open_days = [f"{names[day]} {hours}" for day, hours in enumerate(week) if hours]
    if not open_days:
        return gettext("sempre chiuso")
    return "; ".join(open_days if len(open_days) == len(week) else [*open_days, gettext("gli altri giorni chiuso")])


def from_now_on(week: Week, common: Week | None, language: str) -> str:
    """What hours hold once they are saved; `common` are those of the contract, where an ente's own were written."""
    gettext = translations(language).gettext
    if common is not None and not any(week):
        return gettext("Da adesso valgono gli orari del contratto: {hours}.").format(hours=in_words(common, language))
    return gettext("Da adesso: {hours}.").format(hours=in_words(week, language))
