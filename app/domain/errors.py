"""Everything that can go wrong, as one tree.

```
SosError
├── InputError            what the user gave is wrong; the message says what and what would be right
│   ├── DescriptorError       a survey descriptor: file and key
│   ├── PlanError             a calibration plan: file and key
│   ├── TableError            a survey table: file, and row or column where known
│   ├── ParameterError        a request parameter or command line argument
│   └── QueryError            a query in a language of ours: place in its text, and what would be right
├── NotFoundError         the thing asked for does not exist
│   ├── UnknownStarError
│   ├── UnknownSurveyError
│   └── UnknownVersionError
├── ConflictError         it exists already, or is in a state that forbids the request
└── UnavailableError      the service cannot do it now
    ├── DatabaseError         the database cannot be reached, started or understood
    └── NotPublishedError     no calibration version has been published yet
```

Doors turn a class into an exit code (`app/cli`) or an HTTP status (`app/api/errors.py`).
"""

from __future__ import annotations


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


class ConflictError(SosError):
    """The request does not fit the present state."""


class UnavailableError(SosError):
    """The service cannot do this at present."""


class DatabaseError(UnavailableError):
    """The database cannot be reached, started or understood."""


class NotPublishedError(UnavailableError):
    """No calibration version has been published yet."""
