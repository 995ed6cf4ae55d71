"""Reading what was asked of somebody's data."""

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.privacy.models import PersonErasure, PersonExport

Asked = TypeVar("Asked", PersonExport, PersonErasure)


def asked(session: Session, by: Principal, model: type[Asked], *, limit: int) -> list[Asked]:
    """The copies, or the erasures, asked for in somebody's enti, the newest first. Raises `ForbiddenError`."""
    by.require(Permission.PRIVACY_MANAGE)
    his = model.ente_id.in_(scope_for(session, by, Permission.PRIVACY_MANAGE).enti or ())
    newest = select(model).where(his).order_by(model.id.desc()).limit(limit)
    return list(session.scalars(newest.execution_options(populate_existing=True)))
