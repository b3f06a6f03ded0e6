"""What the first requests of a process still load and compile when the rehearsals are over."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from app.storage.engine import Database


@dataclass(frozen=True)
class Loaded:
    """Status of each answer, and what the requests loaded beside the standard library, and which functions."""

    statuses: list[int]
    modules: list[str]
    functions: list[str]


@dataclass(frozen=True)
class Request:
    """A request as `httpx` takes it."""

    path: str
    query: dict[str, Any] = field(default_factory=dict)
    content: str | None = None
    media_type: str = "text/csv"


def loaded_after_rehearsals(database: Database, requests: list[Request], state: Path) -> Loaded:
    """Rehearse in a fresh process, send the requests there, and return what they loaded."""
    asked = json.dumps([vars(request) for request in requests])
    command = [sys.executable, "-m", "tests.support.first_requests", database.url, str(state)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Loaded(**json.loads(done.stdout))


def _main(url: str, state: Path) -> None:
    from app.rehearsal.running import REHEARSALS
    from tests.support.http import serving

    with serving(Database(url), state=state) as service:
        for name in REHEARSALS:
            import_module(name).rehearse(service.app.state.factory)
        modules, functions = set(sys.modules), _functions()
        statuses = []
        for request in (Request(**asked) for asked in json.load(sys.stdin)):
            if request.content is None:
                answer = service.get(request.path, **request.query)
            else:
                answer = service.post(request.path, request.content, request.media_type, **request.query)
            statuses.append(answer.status_code)
    found = {name for name in set(sys.modules) - modules if name.partition(".")[0] not in sys.stdlib_module_names}
    print(json.dumps(vars(Loaded(statuses, sorted(found), sorted(_functions() - functions)))))


def _functions() -> set[str]:
    """Return the compiled functions that are ready, with the types of their arguments."""
    from numba.core.registry import CPUDispatcher

    gc.unfreeze()  # the service keeps what it begins with out of collections, and this list
    ready = [one for one in gc.get_objects() if isinstance(one, CPUDispatcher)]
    return {f"{one.py_func.__module__}.{one.py_func.__qualname__}{types}" for one in ready for types in one.overloads}


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
