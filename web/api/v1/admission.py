"""Who asks the API: the ente of a token, within its scope and as often as it may."""

from math import ceil
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from crm.core.db import Scope
from crm.enti import queries as enti
from crm.tokens import service
from crm.tokens.models import ApiScope
from crm.tokens.service import Admitted
from web.edge.errors import ApiError
from web.edge.visits import runtime_of

BEARER = HTTPBearer(auto_error=False, description="Una chiave dell'ente, creata da un amministratore: `fd1_…`")


class May:
    """A dependency: the ente of the request's token, which may read what `scope` says."""

    def __init__(self, scope: ApiScope | None = None) -> None:
        self._scope = scope

    def __call__(
        self, request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
    ) -> Admitted:
        """Each use is counted in a transaction of its own, whatever becomes of the request."""
        token = bearer.credentials if bearer else ""
        ente_id = service.ente_named(token)
        found = None
        if ente_id is not None:
            with runtime_of(request).database.begin(Scope.of_enti([ente_id])) as session:
                found = service.admit(session, token) if enti.contracts_of(session, ente_id) else None
        if found is None:
            raise ApiError("La chiave manca, non è valida o non vale più.", 401, {"WWW-Authenticate": "Bearer"})
        admitted, wait = found
        if wait:
            raise ApiError("Troppe richieste: riprova tra poco.", 429, {"Retry-After": str(ceil(wait.total_seconds()))})
        if self._scope is not None and self._scope not in admitted.scopes:
            raise ApiError("Questa chiave non permette di leggere questi dati.", 403)
        return admitted


ReadsDep = Annotated[Admitted, Depends(May(ApiScope.REPORTS))]
CallsDep = Annotated[Admitted, Depends(May(ApiScope.CALLS))]
WatchesDep = Annotated[Admitted, Depends(May(ApiScope.LEVELS))]
AnyDep = Annotated[Admitted, Depends(May())]
