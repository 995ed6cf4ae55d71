"""The stand-in for a gestionale, which takes proposals too."""

from tests.crm.collection.sources.conftest import served

__all__ = ["served"]
