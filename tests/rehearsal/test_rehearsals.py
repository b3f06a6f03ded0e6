"""After the rehearsals no request of any kind waits for a library or a compiled function."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import app.rehearsal
from app.domain.files import FileFormat
from app.rehearsal.running import REHEARSALS
from app.storage.engine import Database
from app.vo.formats import FORMATS
from tests.support import catalogue
from tests.support.first_requests import Request, loaded_after_rehearsals

_UPLOAD = "name,ra,dec\none,150.0,2.0\ntwo,1.0,1.0\n"
_IDS = "star_id,n\n1,1\n2,2\n"
_QUERY = "SELECT TOP 5 * FROM sos.star ORDER BY star_id"
_TEXTS = "SELECT name, title FROM sos.survey"
_VOTABLE = """<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="ra" datatype="double" unit="deg"/><DATA><TABLEDATA><TR><TD>1.5</TD></TR></TABLEDATA></DATA>
</TABLE></RESOURCE></VOTABLE>"""
_FORM = {"LANG": "ADQL", "QUERY": "SELECT ra FROM TAP_UPLOAD.mine", "UPLOAD": "mine,param:table", "table": _VOTABLE}
_FORM_DATA = "".join(
    f'--x\r\nContent-Disposition: form-data; name="{name}"{"; filename=t" * (name == "table")}\r\n\r\n{value}\r\n'
    for name, value in _FORM.items()
)
NO_REHEARSALS = {"running", "example"}


def _requests() -> list[Request]:
    kinds = [str(file) for file in FileFormat]
    near = {"radius": "3", "unit": "arcsec"}
    return [
        *(Request("/v1/match", near | {"format": kind}, _UPLOAD) for kind in kinds),
        Request("/v1/match", near | {"columns": "star_id,gaia_dr3_source_id,ra,teff"}, _UPLOAD),
        Request("/v1/match", {}, _IDS),
        *(Request("/v1/catalog", {"format": kind}) for kind in kinds),
        *(Request("/v1/surveys/alpha_dr1/measurements", {"format": kind}) for kind in kinds),
        *(
            Request("/tap/sync", {"LANG": "ADQL", "RESPONSEFORMAT": form.aliases[0], "QUERY": query})
            for form in FORMATS
            for query in (_QUERY, _TEXTS)
        ),
        Request("/tap/sync", {}, f"{_FORM_DATA}--x--\r\n", "multipart/form-data; boundary=x"),
        Request("/scs", {"RA": 150, "DEC": 2, "SR": 0.1}),
        *(Request("/v1/surveys/alpha_dr1/coverage", {"format": kind}) for kind in ("fits", "json", "ascii")),
        Request("/v1/versions/1/diff/2"),
        Request("/"),
    ]


def test_requests_load_nothing_after_the_rehearsals(database: Database, tmp_path: Path):
    catalogue.build(database, n_versions=2)
    requests = _requests()
    loaded = loaded_after_rehearsals(database, requests, tmp_path)
    refused = [(one.path, one.query, code) for one, code in zip(requests, loaded.statuses, strict=True) if code != 200]
    assert refused == []
    assert loaded.modules == []
    assert loaded.functions == []


def test_every_rehearsal_is_on_the_list():
    names = {module.name for module in pkgutil.iter_modules(app.rehearsal.__path__)} - NO_REHEARSALS
    assert {f"app.rehearsal.{name}" for name in names} == set(REHEARSALS)
