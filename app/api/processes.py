"""Figures of every process that serves: of the one that there is, or of several that keep theirs in a folder.

`sos serve --workers N` gives its processes a folder; the library `prometheus_client` writes there what each counts, and
whichever of them is asked adds all up. Counts of a process that has ended remain; what stood in it does not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from prometheus_client import REGISTRY, Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_given = os.environ.get(VARIABLE)
FOLDER = Path(_given) if _given else None
_OF_PROCESS = re.compile(r"_(\d+)\.db")


def figures() -> Iterator[Metric]:
    """Yield what the processes have counted, and what they use of the machine."""
    yield InfoMetricFamily(
        "sos_build", "What runs", value={"version": version("survey-of-surveys"), "python": python_version()}
    )
    if FOLDER is None:
        yield GaugeMetricFamily("sos_processes", "Processes that serve HTTP", 1)
        yield from REGISTRY.collect()
        return
    living = list(_living(FOLDER))
    yield GaugeMetricFamily("sos_processes", "Processes that serve HTTP", len(living))
    yield from MultiProcessCollector(None, str(FOLDER)).collect()  # type: ignore[no-untyped-call]
    yield from _used_by(living)


def _living(folder: Path) -> Iterator[int]:
    """Yield the processes that live, and forget what stood in those that do not."""
    found = {int(name[1]) for file in folder.iterdir() if (name := _OF_PROCESS.search(file.name))}
    for process in sorted(found):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
        else:
            yield process


def _used_by(living: list[int]) -> Iterator[Metric]:
    """Yield memory, processor time and open files of each process."""
    families: dict[str, Metric] = {}
    for process in living:
        for metric in ProcessCollector(pid=partial(int, process), registry=None).collect():
            family = families.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                family.add_sample(sample.name, {"pid": str(process)}, sample.value)
    yield from families.values()
