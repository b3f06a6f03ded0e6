"""Everything that can go wrong, as one tree.

```
SosError
├── InputError            what the user gave is wrong; the message says what and what would be right
│   ├── DescriptorError       a survey descriptor: file and key
│   ├── PlanError             a calibration plan: file and key
│   ├── TableError            a survey table: file, and row or column where known
│   ├── ParameterError        a request parameter or command line argument
│   │   └── TooLargeError         it, or what was uploaded, is over a limit
│   └── QueryError            a query in a language of ours: place in its text, and what would be right
├── NotFoundError         the thing asked for does not exist
│   ├── UnknownStarError
│   ├── UnknownKeyError
│   ├── UnknownSurveyError
│   ├── UnknownVersionError
│   └── UnknownJobError
├── AccessError           it is for holders of certain keys only
│   ├── UnauthenticatedError  no key was given, or none that is of use
│   └── ForbiddenError        the key does not allow it
├── ConflictError         it exists already, or is in a state that forbids the request
│   └── AlreadyRunningError   a job does the same and is not done
└── UnavailableError      the service cannot do it now
    ├── DatabaseError         the database cannot be reached, started or understood
    ├── NotPublishedError     no calibration version has been published yet
    └── TooManyRequestsError  the client has to wait
```

Doors turn a class into an exit code (`app/cli`) or an HTTP status (`app/api/errors.py`).
"""

from __future__ import annotations

from collections.abc import Sequence


class SosError(Exception):
    """Any error that SoS raises on purpose; its text is meant for the user."""


class InputError(SosError):
    """What the user gave is wrong."""


class DescriptorError(InputError):
    """A survey descriptor is wrong."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}")
        self.file, self.key, self.problem = file, key, problem


class PlanError(InputError):
    """A calibration plan is wrong."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}")
        self.file, self.key, self.problem = file, key, problem


class TableError(InputError):
    """A survey table cannot be used."""

    def __init__(self, file: str, problem: str, *, row: int | None = None, column: str | None = None) -> None:
        place = file + (f", column {column}" if column else "") + (f", row {row}" if row is not None else "")
        super().__init__(f"{place}: {problem}")
        self.file, self.row, self.column, self.problem = file, row, column, problem


class ParameterError(InputError):
    """A parameter of a request has no usable value."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter, self.problem = parameter, problem


class TooLargeError(ParameterError):
    """What a request asks for or uploads is over a limit."""


class QueryError(InputError):
    """A query cannot be answered; `line` and `column` (from 1) say where in its text the cause stands."""

    def __init__(self, problem: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}, column {column}: {problem}")
        self.problem, self.line, self.column = problem, line, column


class NotFoundError(SosError):
    """What was asked for does not exist."""


class UnknownStarError(NotFoundError):
    """No star has this identifier."""


class UnknownSurveyError(NotFoundError):
    """No survey has this name."""


class UnknownVersionError(NotFoundError):
    """No calibration version has this number."""


class UnknownJobError(NotFoundError):
    """No job has this number."""


class UnknownKeyError(NotFoundError):
    """No access key has this number."""


class AccessError(SosError):
    """Only holders of certain keys may do this."""


class UnauthenticatedError(AccessError):
    """No key was given, or none that is of use.

    Args:
        problem: what the client is told.
        given: whether something was given that should be a key.
        key_id: the key that was recognised and is of no use any more.
        claimed_id: the key that was named without its secret; not for the client's eyes.
    """

    def __init__(
        self, problem: str, *, given: bool = True, key_id: int | None = None, claimed_id: int | None = None
    ) -> None:
        super().__init__(problem)
        self.given, self.key_id, self.claimed_id = given, key_id, claimed_id


class ForbiddenError(AccessError):
    """The key does not allow this."""

    def __init__(self, needed: str, held: Sequence[str], *, key_id: int) -> None:
        super().__init__(f"this needs a key with the scope '{needed}'; the scopes of this key: {', '.join(held)}")
        self.needed, self.key_id = needed, key_id


class ConflictError(SosError):
    """The request does not fit the present state."""


class AlreadyRunningError(ConflictError):
    """A job does the same and is not done."""

    def __init__(self, job_id: int, problem: str) -> None:
        super().__init__(problem)
        self.job_id = job_id


class UnavailableError(SosError):
    """The service cannot do this at present."""


class DatabaseError(UnavailableError):
    """The database cannot be reached, started or understood."""


class NotPublishedError(UnavailableError):
    """No calibration version has been published yet."""


class TooManyRequestsError(UnavailableError):
    """The client has to wait.

    Args:
        problem: what there was too much of.
        retry_after_s: how long to wait.
        count: how many requests of this client in a row were refused so, this one included.
    """

    def __init__(self, problem: str, *, retry_after_s: int, count: int = 1) -> None:
        super().__init__(f"{problem}: ask again in {retry_after_s} s")
        self.retry_after_s, self.count = retry_after_s, count
