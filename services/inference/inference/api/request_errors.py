"""The errors of requests that are refused before the application sees them."""

from __future__ import annotations

from contract.errors import LapwingError


class MalformedRequestError(LapwingError):
    """What arrived is no HTTP request."""


class LateHeadError(LapwingError):
    """The head of a request did not arrive in time."""


class LongMessageError(LapwingError):
    """A request has far more bytes than its body may have."""


class HeadTooLargeError(LapwingError):
    """The head of a request has too many bytes or headers."""
