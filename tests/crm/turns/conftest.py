"""The tax office of Empoli, as for its appointments."""

from tests.crm.agendas.conftest import clock, desks

__all__ = ["clock", "desks"]
