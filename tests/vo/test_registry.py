"""The record for a registry: true to the schemas of the Virtual Observatory, and to the service that it describes."""

from __future__ import annotations

import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest
import pyvo
from lxml import etree
from vo_models.voresource.models import Content, Curation

from app.storage.engine import Database
from tests.support.catalogue import Truth
from tests.support.cli import sos

SCHEMAS = "uk/ac/starlink/ttools/taplint"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_WHO = {
    "SOS_PUBLIC_URL": "https://stars.example.org/sos/",
    "SOS_REGISTRY_AUTHORITY": "org.example",
    "SOS_REGISTRY_PUBLISHER": "Stars & Co <Observatory>",
    "SOS_REGISTRY_CONTACT": "A. Person",
    "SOS_REGISTRY_EMAIL": "person@example.org",
}

# SimpleDALRegExt 1.1, section 3.1: the schema itself does not come with STILTS.
_CONE_SEARCH = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0"
           xmlns:cs="http://www.ivoa.net/xml/ConeSearch/v1.0"
           targetNamespace="http://www.ivoa.net/xml/ConeSearch/v1.0" elementFormDefault="unqualified">
  <xs:import namespace="http://www.ivoa.net/xml/VOResource/v1.0" schemaLocation="VOResource-v1.1.xsd"/>
  <xs:complexType name="Query"><xs:sequence>
    <xs:element name="ra" type="xs:double"/><xs:element name="dec" type="xs:double"/>
    <xs:element name="sr" type="xs:double"/></xs:sequence></xs:complexType>
  <xs:complexType name="ConeSearch"><xs:complexContent><xs:extension base="vr:Capability"><xs:sequence>
    <xs:element name="maxSR" type="xs:float" minOccurs="0"/>
    <xs:element name="maxRecords" type="xs:positiveInteger" minOccurs="0"/>
    <xs:element name="verbosity" type="xs:boolean"/>
    <xs:element name="testQuery" type="cs:Query" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
</xs:schema>"""

# RegistryInterface 1.0: the element that holds a record in a registry.
_WHOLE = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0"
           targetNamespace="http://www.ivoa.net/xml/RegistryInterface/v1.0">
  <xs:import namespace="http://www.ivoa.net/xml/VOResource/v1.0" schemaLocation="VOResource-v1.1.xsd"/>
  <xs:import namespace="http://www.ivoa.net/xml/VODataService/v1.1" schemaLocation="VODataService-v1.2.xsd"/>
  <xs:import namespace="http://www.ivoa.net/xml/TAPRegExt/v1.0" schemaLocation="TAPRegExt-v1.0-Erratum1.xsd"/>
  <xs:import namespace="http://www.ivoa.net/xml/ConeSearch/v1.0" schemaLocation="ConeSearch-v1.0.xsd"/>
  <xs:element name="Resource" type="vr:Resource"/>
</xs:schema>"""


@pytest.fixture
def document(vo_database: Database, truth: Truth, monkeypatch: pytest.MonkeyPatch) -> etree._Element:
    """The record that `sos registry` prints."""
    for name, value in _WHO.items():
        monkeypatch.setenv(name, value)
    answer = sos("registry", database=vo_database)
    assert answer.exit_code == 0, answer.output
    return etree.fromstring(answer.stdout.encode())


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """The schemas that come with STILTS, beside each other, each import leading to the file beside it."""
    program = shutil.which("stilts")
    jar = Path("/usr/share/java/starlink-ttools.jar")
    if program is None or not jar.is_file():
        pytest.skip("STILTS, which brings the schemas, is not installed (Debian: apt-get install stilts)")
    folder = tmp_path_factory.mktemp("schemas")
    places = {"VOResource/v1.0": "VOResource-v1.1", "VODataService/v1.1": "VODataService-v1.2", "STC/stc": "stc-v1.30"}
    places |= {"xlink": "xlink", "XML/1998/namespace": "xmlnamespace"}
    with ZipFile(jar) as packed:
        for name in ("VOResource-v1.1", "VODataService-v1.2", "TAPRegExt-v1.0-Erratum1", "stc-v1.30", "xlink"):
            tree = etree.fromstring(packed.read(f"{SCHEMAS}/{name}.xsd"))
            for one in tree.iter("{http://www.w3.org/2001/XMLSchema}import"):
                file = next(file for part, file in places.items() if part in one.get("namespace"))
                one.set("schemaLocation", f"{file}.xsd")
            (folder / f"{name}.xsd").write_bytes(etree.tostring(tree))
        (folder / "xmlnamespace.xsd").write_bytes(packed.read(f"{SCHEMAS}/xmlnamespace.xsd"))
    (folder / "ConeSearch-v1.0.xsd").write_text(_CONE_SEARCH)
    (folder / "whole.xsd").write_text(_WHOLE)
    return etree.XMLSchema(file=str(folder / "whole.xsd"))


def test_the_record_is_valid(document: etree._Element, schema: etree.XMLSchema):
    assert schema.validate(document), schema.error_log
    document.find("curation/publisher").tag = "publishers"
    assert not schema.validate(document)


def test_curation_and_content_are_read_by_another_implementation(document: etree._Element):
    for name in ("curation", "content"):
        document.find(name).tag = name.capitalize()  # the name that the models have for elements on their own
    curation = Curation.from_xml_tree(document.find("Curation"))
    assert curation.publisher.value == "Stars & Co <Observatory>"
    assert (curation.contact[0].name.value, curation.contact[0].email) == ("A. Person", "person@example.org")
    assert curation.version == "2"
    content = Content.from_xml_tree(document.find("Content"))
    assert str(content.reference_url) == "https://stars.example.org/sos/"
    assert "Someone 2020" in content.description
    assert document.findtext("identifier") == "ivo://org.example/sos"


def test_what_it_says_is_where_it_says(document: etree._Element, address: str, truth: Truth):
    there = {one.get("standardID"): one for one in document.iter("capability")}
    assert there["ivo://ivoa.net/std/TAP"].get(_XSI_TYPE) == "tr:TableAccess"
    urls = [element.text for element in document.iter("accessURL")]
    assert all(url.startswith("https://stars.example.org/sos/") for url in urls)
    cone = there["ivo://ivoa.net/std/ConeSearch"]
    at = cone.findtext("interface/accessURL").replace("https://stars.example.org/sos", address)
    ra, dec, radius = (float(cone.findtext(f"testQuery/{name}")) for name in ("ra", "dec", "sr"))
    assert len(pyvo.dal.SCSService(at).search((ra, dec), radius)) >= 1
    tap = there["ivo://ivoa.net/std/TAP"].findtext("interface/accessURL")
    tables = pyvo.dal.TAPService(tap.replace("https://stars.example.org/sos", address)).tables
    listed = {table.findtext("name"): table for table in document.iter("table")}
    assert set(listed) == {name for name in tables.keys() if name.startswith("sos.")}  # noqa: SIM118 - no mapping
    columns = [column.findtext("name") for column in listed["sos.star"].iter("column")]
    assert columns == [column.name for column in tables["sos.star"].columns]


def test_a_record_without_a_publisher_is_refused(vo_database: Database, truth: Truth, monkeypatch: pytest.MonkeyPatch):
    for name, value in _WHO.items():
        monkeypatch.setenv(name, value)
    for name in _WHO:
        with monkeypatch.context() as without:
            without.delenv(name)
            answer = sos("registry", database=vo_database)
        assert answer.exit_code == 2
        assert name in answer.stderr
    monkeypatch.setenv("SOS_REGISTRY_AUTHORITY", "no/authority")
    assert sos("registry", database=vo_database).exit_code == 2
