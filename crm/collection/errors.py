"""What can be wrong with a feed file as a whole. A wrong line is no error: it is a row among the refusals."""

from crm.core.errors import ConflictError, InvalidError


class CollectionError(InvalidError):
    """The file cannot be imported at all; the message says why and what to do."""


class ImportBusyError(ConflictError):
    """The same file is being imported by another process at this moment."""
