"""What can go wrong between a colleague and the product."""


class EdgeError(Exception):
    """The product did not do what was asked."""


class UnreachableError(EdgeError):
    """It did not answer, or was not able to: later it may."""


class SignedOutError(EdgeError):
    """It does not know us (any more), or refuses our name and password: sign in again."""


class RefusedError(EdgeError):
    """It understood and said no: the moment has passed, or the thing is not ours to do."""
