"""How an attempt at a step ended, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.jobs import Step
from app.pipeline.ending import fail_job
from app.storage import steps
from app.storage.engine import Database

MOST_ATTEMPTS = 20
"""Attempts at a step after which what interrupts it is no accident any more."""
MOST_CRASHES = 5
"""The same where the step's own process ends: it is more likely to be the reason."""


class Ending(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    LOST = "lost"
    REFUSED = "refused"
    BROKEN = "broken"
    CRASHED = "crashed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, with the reason where it is not done.

    done and lost need nothing more; refused is what the request is to blame for; broken what the world broke; crashed
    where the process ended; stopped where the worker was asked to end.
    """

    ending: Ending
    reason: str = ""


def settle(database: Database, step: Step, attempt: int, outcome: Outcome) -> None:
    """Let the step wait again or the job fail, as the outcome asks for."""
    match outcome.ending:
        case Ending.DONE | Ending.LOST:
            return
        case Ending.REFUSED:
            fail_job(database, step.job_id, outcome.reason)
        case Ending.CRASHED if attempt >= MOST_CRASHES:
            fail_job(database, step.job_id, f"step {step.name}, attempt {attempt}: {outcome.reason}")
        case Ending.BROKEN if attempt >= MOST_ATTEMPTS:
            fail_job(database, step.job_id, f"step {step.name}, attempt {attempt}: {outcome.reason}")
        case _:
            with database.begin() as connection:
                if steps.give_back(connection, step.step_id, attempt):
                    steps.deliver(connection, [step.step_id])
