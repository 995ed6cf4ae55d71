"""An answer by post: written on the letter's own page, seen as the PDF that it will be, taken back."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.cases import views
from crm.contacts.addresses import ITALY, Address
from crm.core.errors import InvalidError
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from outbound.letters import answers
from outbound.letters.address import COUNTRIES, amiss
from outbound.letters.answer import LONGEST_BODY, LONGEST_NAME, Draft
from outbound.letters.wording import LONGEST_SUBJECT
from web.drafts.written import Written
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.field.forms import TypedDep, pdf, told_anew
from web.letters.paper import typeset
from web.mail import replies

router = APIRouter(prefix="/cases", include_in_schema=False)


@router.get("/{case_id}/letter")
def form(request: Request, runtime: RuntimeDep, visit: VisitDep, case_id: int) -> Response:
    """The letter as it begins, or as the visitor has left it."""

    def work(session: Session) -> dict[str, Any]:
        found = answers.begun(session, visit.principal, case_id=case_id)
        row, begun = found.case, found.draft
        assert row.contact_id is not None
        place = Place(FormKind.LETTER, row.contact_id, str(case_id))
        return {
            "one": views.one(session, case_id), "begun": begun, "again": found.again,
            "wrong": amiss(begun.address), "once": uuid4(),
            "ente": enti.badges(session)[row.ente_id], "place": str(place),
            "written": Written.of(session, visit, [place]),
            "replies": replies.for_letter(session, visit.principal, row),
            "countries": [(ITALY, "ITALIA"), *COUNTRIES.items()],
            "longest": {"name": LONGEST_NAME, "subject": LONGEST_SUBJECT, "body": LONGEST_BODY},
        }  # fmt: skip

    return page(
        request, "cases/letter.html", visit.language, visit=visit, csrf=visit.csrf_token,
        **runtime.database.transact(visit.scope(Permission.CASE_WORK), work),
    )  # fmt: skip


@router.post("/{case_id}/letter/preview")
def preview(runtime: RuntimeDep, visit: ChangeDep, case_id: int, fields: TypedDep) -> Response:
    """The file that it would be today; nothing is kept."""

    def work(session: Session) -> Any:
        try:
            return answers.preview(session, visit.principal, case_id=case_id, draft=_draft(fields))
        except InvalidError as error:
            raise (error.parts[0] if error.parts else error) from None  # it stands alone on a page

    said, at = runtime.database.transact(visit.scope(Permission.CASE_WORK), work)
    return pdf(typeset(said, at).content, "anteprima")


@router.post("/{case_id}/letter")
def write(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Annotated[int, Form()],
    once: Annotated[UUID, Form()], fields: TypedDep,
) -> Response:  # fmt: skip
    """It leaves with the ente's next batch."""

    def work(session: Session) -> None:
        answers.write(
            session, visit.principal, case_id=case_id, version=version, once=once, draft=_draft(fields)
        )  # fmt: skip
        visit.sent(session)

    runtime.database.transact(visit.scope(Permission.CASE_WORK), work)
    return told_anew("Parte con il prossimo lotto: fino ad allora la puoi ritirare.", visit, at=f"/cases/{case_id}")


@router.post("/{case_id}/letter/withdraw")
def withdraw(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, answer_id: Annotated[UUID, Form()]
) -> Response:  # fmt: skip
    """It does not leave."""
    runtime.database.transact(
        visit.scope(Permission.CASE_WORK),
        lambda session: answers.withdraw(session, visit.principal, case_id=case_id, answer_id=answer_id),
    )
    return told_anew("Ritirata: non parte.", visit)


def _draft(fields: dict[str, str]) -> Draft:
    name, street, postcode, town, province, subject = (
        " ".join(fields.get(one, "").split()) for one in ("name", "street", "postcode", "town", "province", "subject")
    )
    country = fields.get("country", ITALY)
    address = Address(
        street or None, postcode or None, town or None, province.upper() or None,
        country if country in COUNTRIES else ITALY,
    )  # fmt: skip
    body = "\n".join(line.rstrip() for line in fields.get("body", "").strip().splitlines())
    return Draft(name, address, subject, body)
