"""`publiccode.yml`: the rules of its standard (0.5) for which a catalogue refuses a file, and what the code says."""

import copy
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from web.edge.i18n import LANGUAGES

ROOT = Path(__file__).parents[1]
SUPPORTED = {"0.4", "0.4.0", "0.5", "0.5.0"}
STATUSES = {"concept", "development", "beta", "stable", "obsolete"}
TYPES = {
    "standalone/mobile", "standalone/iot", "standalone/desktop", "standalone/web", "standalone/backend",
    "standalone/other", "addon", "library", "configurationFiles",
}  # fmt: skip
MAINTENANCE = {"internal", "contract", "community", "none"}
PLATFORMS_OF_ITALY = {"spid", "cie", "anpr", "pagopa", "io"}
DEPRECATED = ("monochromeLogo", "inputTypes", "outputTypes", "it")

# The standard's two controlled vocabularies.
CATEGORIES = """
    accounting agile-project-management applicant-tracking application-development appointment-scheduling backup
    billing-and-invoicing blog budgeting business-intelligence business-process-management cad
    call-center-management cloud-management collaboration communications compliance-management contact-management
    content-management crm customer-service-and-support data-analytics data-collection data-visualization design
    design-system digital-asset-management digital-citizenship document-management donor-management e-commerce
    e-signature educational-content email-management email-marketing employee-management
    enterprise-project-management enterprise-social-networking erp event-management facility-management
    feedback-and-reviews-management financial-reporting fleet-management fundraising gamification
    geographic-information-systems grant-management graphic-design help-desk hr ide identity-management
    instant-messaging inventory-management it-asset-management it-development it-management it-security
    it-service-management knowledge-management learning-management-system marketing mind-mapping mobile-marketing
    mobile-payment network-management office online-booking online-community payment-gateway payroll
    predictive-analysis procurement productivity-suite project-collaboration project-management
    property-management real-estate-management remote-support resource-management sales-management seo
    service-desk social-media-management survey talent-management task-management taxes-management test-management
    time-management time-tracking translation video-conferencing video-editing visitor-management voip
    warehouse-management web-collaboration web-conferencing website-builder whistleblowing workflow-management
"""
SCOPES = """
    agriculture culture defence education emergency-services employment energy environment
    finance-and-economic-development foreign-affairs healthcare infrastructures justice local-authorities
    manufacturing research science-and-technology security society sport tourism transportation welfare
"""

Document = dict[str, Any]


def published() -> Document:
    document: Document = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    return document


def problems(document: Document) -> Iterator[str]:
    """What a catalogue would refuse, as the path of the key."""
    yield from (key for key in DEPRECATED if key in document)
    if document.get("publiccodeYmlVersion") not in SUPPORTED:
        yield "publiccodeYmlVersion"
    if not document.get("name"):
        yield "name"
    if not re.fullmatch(r"https?://[^\s/]+/\S+", str(document.get("url", ""))):
        yield "url"
    if "releaseDate" in document and not _is_date(document["releaseDate"]):
        yield "releaseDate"
    if not document.get("platforms"):
        yield "platforms"
    yield from (f"categories: {one}" for one in set(document.get("categories", [])) - set(CATEGORIES.split()))
    if document.get("developmentStatus") not in STATUSES:
        yield "developmentStatus"
    if document.get("softwareType") not in TYPES:
        yield "softwareType"
    audience = document.get("intendedAudience", {})
    yield from (f"intendedAudience/scope: {one}" for one in set(audience.get("scope", [])) - set(SCOPES.split()))
    countries = [*audience.get("countries", []), *audience.get("unsupportedCountries", [])]
    yield from (f"intendedAudience/countries: {one}" for one in countries if not re.fullmatch("[A-Z]{2}", one))
    yield from _descriptions(document.get("description") or {})
    if not document.get("legal", {}).get("license"):
        yield "legal/license"
    yield from _maintenance(document.get("maintenance") or {})
    localisation = document.get("localisation") or {}
    if not isinstance(localisation.get("localisationReady"), bool):
        yield "localisation/localisationReady"
    languages = localisation.get("availableLanguages") or []
    if not languages or any(not _is_language(one) for one in languages):
        yield "localisation/availableLanguages"
    yield from _italy(document.get("IT") or {})


def _descriptions(described: Document) -> Iterator[str]:
    if not described:
        yield "description"
    for language, text in described.items():
        here = f"description/{language}"
        if not _is_language(language):
            yield here
        short = text.get("shortDescription", "")
        if not 0 < len(short) <= 150 or "\n" in short:
            yield f"{here}/shortDescription"
        if not 150 <= len(text.get("longDescription", "")) <= 10_000:
            yield f"{here}/longDescription"
        if not text.get("features") or not all(isinstance(one, str) and one for one in text["features"]):
            yield f"{here}/features"
        if "genericName" in text:
            yield f"{here}/genericName"
        yield from (f"{here}/screenshots: {one}" for one in text.get("screenshots", []) if not (ROOT / one).is_file())


def _maintenance(kept: Document) -> Iterator[str]:
    kind = kept.get("type")
    if kind not in MAINTENANCE:
        yield "maintenance/type"
    needed = {"internal": "contacts", "community": "contacts", "contract": "contractors"}.get(str(kind))
    if needed and not kept.get(needed):
        yield f"maintenance/{needed}"
    if kind != "contract" and "contractors" in kept:
        yield "maintenance/contractors"
    people = [*(kept.get("contacts") or []), *(kept.get("contractors") or [])]
    if any(not one.get("name") for one in people):
        yield "maintenance: a name"
    if any(not _is_date(one.get("until")) for one in kept.get("contractors") or []):
        yield "maintenance/contractors: until"


def _italy(section: Document) -> Iterator[str]:
    if section.get("countryExtensionVersion") != "1.0":
        yield "IT/countryExtensionVersion"
    if "conforme" in section:
        yield "IT/conforme"
    platforms = section.get("piattaforme", {})
    if set(platforms) - PLATFORMS_OF_ITALY or not all(isinstance(value, bool) for value in platforms.values()):
        yield "IT/piattaforme"


def _is_date(value: object) -> bool:
    try:
        return date.fromisoformat(str(value)).isoformat() == str(value)
    except ValueError:
        return False


def _is_language(tag: object) -> bool:
    return re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", str(tag)) is not None


def test_our_file_keeps_the_rules() -> None:
    assert list(problems(published())) == []


def test_our_file_says_what_the_package_says() -> None:
    document = published()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert document["softwareVersion"] == project["version"]
    assert document["legal"]["license"] == project["license"]


def test_our_file_describes_the_languages_that_the_product_speaks() -> None:
    document = published()
    assert set(document["localisation"]["availableLanguages"]) == set(LANGUAGES)
    assert set(document["description"]) == set(LANGUAGES)


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in text
    articles = re.findall(r"^(\d+)\. [A-Z]", text, flags=re.MULTILINE)
    assert articles == [str(number) for number in range(1, 16)]
    assert "\nAppendix\n" in text
    assert text.endswith(
        "All other changes or additions to this Appendix require the production of a new\nEUPL version.\n"
    )


def _set(*path: str, to: object) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_set("publiccodeYmlVersion", to="0.1"), "publiccodeYmlVersion"),
        (_set("name", to=""), "name"),
        (_set("url", to="filodiretto"), "url"),
        (_set("releaseDate", to="21/11/2026"), "releaseDate"),
        (_set("platforms", to=[]), "platforms"),
        (_set("categories", to=["call-centre"]), "categories: call-centre"),
        (_set("developmentStatus", to="alpha"), "developmentStatus"),
        (_set("softwareType", to="standalone"), "softwareType"),
        (_set("intendedAudience", "scope", to=["municipalities"]), "intendedAudience/scope: municipalities"),
        (_set("intendedAudience", "countries", to=["it"]), "intendedAudience/countries: it"),
        (_set("description", to={}), "description"),
        (_set("description", "it", "shortDescription", to="x" * 151), "description/it/shortDescription"),
        (_set("description", "en", "longDescription", to="x" * 149), "description/en/longDescription"),
        (_set("description", "en", "longDescription", to="x" * 10_001), "description/en/longDescription"),
        (_set("description", "it", "features", to=[]), "description/it/features"),
        (_set("description", "it", "screenshots", to=["no/such.png"]), "description/it/screenshots: no/such.png"),
        (_set("legal", "license", to=""), "legal/license"),
        (_set("maintenance", "type", to="volunteers"), "maintenance/type"),
        (_set("maintenance", "contacts", to=[]), "maintenance/contacts"),
        (_set("maintenance", "contacts", to=[{"email": "a@example.org"}]), "maintenance: a name"),
        (_set("localisation", "localisationReady", to="yes"), "localisation/localisationReady"),
        (_set("localisation", "availableLanguages", to=[]), "localisation/availableLanguages"),
        (_set("it", to={}), "it"),
        (_set("IT", "countryExtensionVersion", to="0.2"), "IT/countryExtensionVersion"),
        (_set("IT", "piattaforme", "spid", to="no"), "IT/piattaforme"),
    ],
)
def test_a_broken_rule_is_seen(change: Callable[[Document], None], problem: str) -> None:
    document = copy.deepcopy(published())
    change(document)
    assert list(problems(document)) == [problem]
