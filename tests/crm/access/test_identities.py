"""Who comes from an identity provider, and comes in by several browsers at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from crm.access.identities import Claims, UnknownIdentityError, user_for
from crm.access.models import User, UserEvent, UserIdentity
from crm.core.db import Database, Scope
from tests.cast import Cast

pytestmark = pytest.mark.integration
ISSUER = "https://id.example.it"


@pytest.mark.parametrize("email", ["marta@example.it", "nuova@example.it"])
def test_a_first_sign_in_by_four_browsers_at_once_is_one_user_linked_once(
    database: Database, cast: Cast, email: str
) -> None:
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(email=User.username + "@example.it"))
    claims = Claims("prova", ISSUER, "s-1", email, "Marta Nuova")

    def come_in(_: int) -> int:
        return database.transact(
            Scope.nothing(), lambda session: user_for(session, claims, links_by_email=True, creates=True)
        )

    with ThreadPoolExecutor(4) as browsers:
        (user_id,) = set(browsers.map(come_in, range(4)))
    with database.begin(Scope.nothing()) as session:
        assert session.scalars(select(UserIdentity.user_id)).all() == [user_id]
        linked = UserEvent.user_id == user_id, UserEvent.kind == "user.identity_linked"
        assert len(session.scalars(select(UserEvent.id).where(*linked)).all()) == 1
        other = Claims("prova", ISSUER, "s-2", email)
        with pytest.raises(UnknownIdentityError):  # the address was given to somebody new
            user_for(session, other, links_by_email=True, creates=True)
