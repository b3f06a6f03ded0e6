"""The import contracts hold, and each of them notices a planted import that breaks it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((CLONE / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
PLANTED = {
    "Imports point down": ("app/domain/planted.py", "import app.storage.engine"),
    "Science and domain are pure": ("app/science/planted.py", "def f():\n    import sqlalchemy"),
    "Workers and pipeline know no web": ("app/pipeline/planted.py", "import fastapi"),
    "Settings are read at the doors only": ("app/services/planted.py", "from app.settings import Settings"),
    "The API reaches the model libraries through conversion alone": (
        "app/api/planted.py",
        "from app.science.planted_model import f",
    ),
    "No cycles": ("app/surveys/planted.py", "from app.surveys import planted_too"),
}
HELPERS = {
    "app/science/planted_model.py": "def f():\n    import xgboost",
    "app/surveys/planted_too.py": "from app.surveys import planted",
}
HEAVY = ("xgboost", "sklearn", "mapie", "matplotlib")
# What the HTTP service loads when it starts, as far as it exists.
SERVICE = [name for name in ("app.main", "app.factory") if (CLONE / f"{name.replace('.', '/')}.py").exists()]


def lint(folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def planted_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on a copy of the code with one bad import for each contract."""
    copy = tmp_path_factory.mktemp("planted")
    for package in ("app", "workers", "migrations"):
        shutil.copytree(CLONE / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CLONE / "pyproject.toml", copy)
    for file, code in (*PLANTED.values(), *HELPERS.items()):
        (copy / file).write_text(code + "\n")
    return lint(copy)


def test_the_code_keeps_every_contract():
    report = lint(CLONE)
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in report, report


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_planted_import_breaks_the_contract(planted_report: str, contract: str):
    assert contract in PLANTED, f"plant an import that breaks {contract!r}"
    assert f"{contract} BROKEN" in planted_report, planted_report


@pytest.mark.parametrize("module", SERVICE)
def test_the_service_starts_without_the_model_libraries(module: str):
    code = f"import sys, {module}; print(sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
