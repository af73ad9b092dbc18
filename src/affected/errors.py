"""The drawn tree of errors: everything the tool raises on purpose.

    AffectedError
    ├── UserError            wrong usage or configuration; exit 2
    │   └── BaseUnresolved   the base could not be resolved under --strict; exit 3
    └── RemoteTrouble        a shared cache misbehaved; never fails a run
        ├── CallFailed       it did not answer, or refused
        └── Falsehood        it answered with what was not asked for

Anything else that escapes is a bug and shows a traceback.
"""

from __future__ import annotations


class AffectedError(Exception):
    """Root of the tree; carries one sentence for the user."""


class UserError(AffectedError):
    """The user can mend this: `message` names the thing, `hint` the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BaseUnresolved(UserError):
    """No base could be found and `--strict` forbids running everything instead."""


class RemoteTrouble(AffectedError):
    """The shared cache failed; the caller turns this into a miss and one warning."""


class CallFailed(RemoteTrouble):
    """A call came to nothing; `code` is gRPC's name for why ("UNAVAILABLE")."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(words or code)
        self.code = code


class Falsehood(RemoteTrouble):
    """An answer that does not hold what it must: wrong bytes, a wrong size, no message at all."""
