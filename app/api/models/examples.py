"""One answer of each call, for the documentation."""

from __future__ import annotations

from typing import Any

_TEFF = {"value": 4811.3, "lower": 4788.0, "upper": 4835.1}
_LOGG = {"value": 2.51, "lower": 2.46, "upper": 2.56}
_FEH = {"value": -0.04, "lower": -0.07, "upper": -0.01}
_AGREEMENT = {"n": 2, "chi2": 0.41, "p_value": 0.52, "flags": 0}
_MODEL = {"model_id": 8, "stage": "bridge", "kind": "boosted", "direction": "forward", "sha256": "9f86d081884c7d65"}


def _correction(raw: float, calibrated: float, half: float) -> dict[str, Any]:
    difference = round(calibrated - raw, 4)
    return {
        "raw": {"value": raw, "lower": raw - half, "upper": raw + half},
        "correction": {"value": difference, "lower": difference - half, "upper": difference + half},
        "calibrated": {"value": calibrated, "lower": calibrated - half, "upper": calibrated + half},
        "weight": 0.38,
        "excluded": False,
        "model": _MODEL,
    }


CONVERSION_REQUEST: dict[str, Any] = {
    "from": "lamost_lrs",
    "to": "unified",
    "stars": [{"teff": 4790.0, "logg": 2.43, "feh": -0.21, "snr": 85.0, "g_mag": 12.1}, {"teff": 5100, "logg": 2.9}],
}

CONVERSION: dict[str, Any] = {
    "version": 3,
    "from": "lamost_lrs",
    "to": "unified",
    "units": {"teff": "K", "logg": "dex", "feh": "dex"},
    "columns": {"teff": "teff", "logg": "logg", "feh": "feh", "snr": "snr", "g_mag": "g_mag"},
    "models": [
        {
            "model_id": 8,
            "survey": "lamost_lrs",
            "parameter": "teff",
            "kind": "boosted",
            "direction": "forward",
            "sha256": "9f86d081884c7d65",
        }
    ],
    "count": 2,
    "stars": [
        {
            "row": 1,
            "teff": _TEFF,
            "logg": _LOGG,
            "feh": _FEH,
            "in_domain": True,
            "converged": True,
            "flags": 0,
        },
        {
            "row": 2,
            "teff": {"value": None, "lower": None, "upper": None},
            "logg": {"value": None, "lower": None, "upper": None},
            "feh": {"value": None, "lower": None, "upper": None},
            "in_domain": False,
            "converged": False,
            "flags": 59,
        },
    ],
}

STAR: dict[str, Any] = {
    "version": 3,
    "star_id": "42",
    "gaia_dr3_source_id": "604906737317927296",
    "ra": 132.8646,
    "dec": 11.8235,
    "g_mag": 10.48,
    "bp_mag": 11.02,
    "rp_mag": 9.81,
    "k_mag": 8.11,
    "teff": {**_TEFF, "unit": "K", **_AGREEMENT},
    "logg": {**_LOGG, "unit": "dex", **_AGREEMENT},
    "feh": {**_FEH, "unit": "dex", **_AGREEMENT},
    "correlation": {"teff_logg": 0.41, "teff_feh": 0.36, "logg_feh": 0.18},
    "contributions": [
        {
            "survey": "galah_dr3",
            "object_id": "131217003901002",
            "measurement_id": "1203",
            "row_number": 1203,
            "file": {
                "name": "galah_dr3.fits",
                "sha256": "2c26b46b68ffc68f",
                "descriptor_sha256": "fcde2b2edba56bf4",
            },
            "snr": 83.5,
            "in_domain": True,
            "split": "test",
            "flags": 0,
            "teff": _correction(4779.0, 4806.0, 40.0),
            "logg": _correction(2.43, 2.5, 0.08),
            "feh": _correction(-0.01, -0.05, 0.05),
        }
    ],
}

_STAR_ROW: dict[str, Any] = {
    "star_id": "42",
    "gaia_dr3_source_id": "604906737317927296",
    "ra": 132.8646,
    "dec": 11.8235,
    **{
        name: value
        for parameter, interval in (("teff", _TEFF), ("logg", _LOGG), ("feh", _FEH))
        for name, value in {
            parameter: interval["value"],
            f"{parameter}_lower": interval["lower"],
            f"{parameter}_upper": interval["upper"],
            f"{parameter}_n": 2,
            f"{parameter}_chi2": 0.41,
            f"{parameter}_flags": 0,
        }.items()
    },
    "g_mag": 10.48,
    "bp_mag": 11.02,
    "rp_mag": 9.81,
    "k_mag": 8.11,
    "version": 3,
}

CONE: dict[str, Any] = {
    "version": 3,
    "count": 1,
    "truncated": False,
    "next": None,
    "stars": [{**_STAR_ROW, "separation_arcsec": 1.2}],
}

CATALOG: dict[str, Any] = {
    "version": 3,
    "count": 1,
    "truncated": True,
    "next": "http://127.0.0.1:8000/v1/catalog?teff_min=4500&limit=1&after=NDI&version=3",
    "stars": [_STAR_ROW],
}

REGION: dict[str, Any] = {
    "version": 3,
    "count": 1,
    "truncated": True,
    "next": "http://127.0.0.1:8000/v1/region?healpix=5%2F1074&limit=1&after=NDI&version=3",
    "stars": [_STAR_ROW],
}

STARS: dict[str, Any] = {
    "version": 3,
    "count": 1,
    "truncated": False,
    "next": None,
    "unknown": [{"place": 1, "id": "gaia:1", "detail": "version 3 has no star gaia:1"}],
    "stars": [{"id": "gaia:604906737317927296", **_STAR_ROW}],
}

_SURVEY: dict[str, Any] = {
    "name": "galah_dr3",
    "title": "GALAH",
    "release": "DR3",
    "citation": "Buder et al. 2021, MNRAS 506, 150",
    "url": None,
    "n_files": 1,
    "n_measurements": 1874,
    "n_rejects": 0,
    "n_stars": 1874,
}

SURVEYS: dict[str, Any] = {"version": 3, "surveys": [_SURVEY]}

SURVEY: dict[str, Any] = {
    **_SURVEY,
    "version": 3,
    "overlaps": {"apogee_dr17": 581, "lamost_mrs": 84},
    "ingestions": [
        {
            "file_name": "galah_dr3.fits",
            "file_sha256": "2c26b46b68ffc68f",
            "file_bytes": 1440000,
            "file_format": "fits",
            "descriptor_sha256": "fcde2b2edba56bf4",
            "rows_read": 1874,
            "rows_stored": 1874,
            "rows_rejected": 0,
            "started_at": "2026-01-05T09:00:00Z",
            "finished_at": "2026-01-05T09:00:01Z",
        }
    ],
}

MEASUREMENTS: dict[str, Any] = {
    "version": 3,
    "count": 1,
    "truncated": False,
    "next": None,
    "measurements": [
        {
            "survey": "galah_dr3",
            "object_id": "131217003901002",
            "star_id": "42",
            "ra": 132.8646,
            "dec": 11.8235,
            "snr": 83.5,
            "split": "test",
            "in_domain": True,
            "teff_raw": 4779.0,
            "teff_raw_lower": 4739.0,
            "teff_raw_upper": 4819.0,
            "teff": 4806.0,
            "teff_lower": 4766.0,
            "teff_upper": 4846.0,
            "orig_sobject_id": "131217003901002",
            "orig_flag_sp": 0,
        }
    ],
}

REJECTS: dict[str, Any] = {
    "version": 3,
    "count": 1,
    "truncated": False,
    "next": None,
    "rejects": [
        {
            "file_name": "galah_dr4.csv",
            "row_number": 467,
            "reason": "no position",
            "original": {"sobject_id": 140303000401217, "teff": 5432.1},
        }
    ],
}

_VERSION: dict[str, Any] = {
    "version": 3,
    "state": "published",
    "reason": None,
    "current": True,
    "n_stars": 61250,
    "seed": "20260101",
    "created_at": "2026-01-05T09:10:00Z",
    "finished_at": "2026-01-05T09:12:40Z",
    "published_at": "2026-01-05T09:13:00Z",
}

VERSIONS: dict[str, Any] = {"current": 3, "versions": [_VERSION]}

VERSION: dict[str, Any] = {
    **_VERSION,
    "plan": {"name": "default"},
    "inputs": {"galah_dr3": [{"file_name": "galah_dr3.fits", "rows_stored": 1874}]},
    "software": {"sos": "0.1.0", "xgboost": "3.2.0"},
    "metrics": {},
}

MODELS: dict[str, Any] = {
    "version": 3,
    "models": [{**_MODEL, "survey": "galah_dr3", "parameter": "teff", "metrics": {"links": 581}}],
}

VALIDATION: dict[str, Any] = {
    "version": 3,
    "report": {
        "stars": "test split: neither fitted nor used in the conformal step",
        "pairs": [
            {
                "survey": "lamost_lrs_giants",
                "other": "apogee_dr17",
                "parameter": "logg",
                "before": {"n": 192, "median": 0.388, "median_error": 0.011, "scatter": 0.193, "scatter_error": 0.016},
                "after": {"n": 192, "median": 0.006, "median_error": 0.013, "scatter": 0.121, "scatter_error": 0.012},
            }
        ],
        "circular": [],
        "gate": {"limits": {}, "passed": True, "failures": []},
    },
    "figures": [{"name": "offsets.png", "url": "http://127.0.0.1:8000/v1/versions/3/validation/figures/offsets.png"}],
}

_CHANGE: dict[str, Any] = {
    "n": 61250,
    "moved": 812,
    "q025": -61.2,
    "q16": -18.4,
    "median": 2.1,
    "q84": 22.9,
    "q975": 70.3,
}

DIFF: dict[str, Any] = {
    "first": 3,
    "second": 4,
    "sigma": 3.0,
    "summary": {
        "common": 61250,
        "only_first": 0,
        "only_second": 0,
        "moved": 903,
        "parameters": {
            "teff": {
                "unit": "K",
                "lost": 4,
                "gained": 11,
                "all": _CHANGE,
                "surveys": {"galah_dr3": {**_CHANGE, "n": 1874}},
                "regions": [{**_CHANGE, "n": 310, "ra_min": 0.0, "ra_max": 90.0, "dec_min": -90.0, "dec_max": -60.0}],
                "kinds": [{**_CHANGE, "n": 95, "parameter": "feh", "lowest": None, "highest": -2.0}],
            }
        },
        "plan": [{"name": "reference.teff", "first": ["apogee_dr17"], "second": ["galah_dr3"]}],
        "models": [{"name": "apogee_dr17.teff", "first": "identity", "second": "quadratic"}],
        "pairs": [
            {
                "name": "galah_dr3 - apogee_dr17.teff",
                "first": {"n": 116, "median": -1.9, "scatter": 44.2},
                "second": None,
            }
        ],
    },
    "count": 1,
    "truncated": True,
    "next": "http://127.0.0.1:8000/v1/versions/3/diff/4?limit=1&after=OC40fDQy",
    "stars": [
        {
            "star_id": "42",
            "gaia_dr3_source_id": "604906737317927296",
            "ra": 132.8646,
            "dec": 11.8235,
            "teff": [4811.3, 4993.0],
            "logg": [2.51, 2.6],
            "feh": [-0.04, 0.01],
            "pull": 8.4,
        }
    ],
}

PROVENANCE: dict[str, Any] = {
    "prefix": {
        "prov": "http://www.w3.org/ns/prov#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "sos": "urn:sos:",
    },
    "entity": {
        "sos:version/3/star/42/teff": {
            "prov:type": [{"$": "sos:HomogenizedValue", "type": "prov:QUALIFIED_NAME"}],
            "prov:label": "teff of sos:42",
            "prov:value": {"$": "4811.3", "type": "xsd:double"},
            "sos:unit": "K",
        },
        "sos:version/3/measurement/1203/teff": {
            "prov:type": [{"$": "sos:CalibratedValue", "type": "prov:QUALIFIED_NAME"}],
            "prov:label": "teff by galah_dr3 on the unified scale",
            "prov:value": {"$": "4806.0", "type": "xsd:double"},
            "sos:unit": "K",
        },
    },
    "activity": {
        "sos:version/3/homogenization": {
            "prov:type": [{"$": "sos:Homogenization", "type": "prov:QUALIFIED_NAME"}],
            "prov:label": "Calibrated measurements into one value a star",
        }
    },
    "used": {
        "_:used1": {
            "prov:activity": "sos:version/3/homogenization",
            "prov:entity": "sos:version/3/measurement/1203/teff",
        }
    },
    "wasGeneratedBy": {
        "_:wasGeneratedBy1": {
            "prov:entity": "sos:version/3/star/42/teff",
            "prov:activity": "sos:version/3/homogenization",
        }
    },
    "wasDerivedFrom": {
        "_:wasDerivedFrom1": {
            "prov:generatedEntity": "sos:version/3/star/42/teff",
            "prov:usedEntity": "sos:version/3/measurement/1203/teff",
            "prov:activity": "sos:version/3/homogenization",
        }
    },
}

_KEY: dict[str, Any] = {
    "key_id": 7,
    "name": "nightly calibration",
    "scopes": ["calibrate"],
    "state": "usable",
    "created_at": "2026-01-05T09:00:00Z",
    "created_by": 1,
    "expires_at": "2027-01-05T09:00:00Z",
    "revoked_at": None,
    "last_used_at": "2026-01-06T02:00:00Z",
}

KEYS: dict[str, Any] = {"keys": [_KEY]}

NEW_KEY: dict[str, Any] = {
    **_KEY,
    "last_used_at": None,
    "key": "sos_7_hV2nM8sT0qkqg9oQyYb5b3vJx4mWcR1LrZ6uEa7dPfI",
}

REVOKED_KEY: dict[str, Any] = {**_KEY, "state": "revoked", "revoked_at": "2026-02-01T12:00:00Z"}

AUDIT: dict[str, Any] = {
    "count": 1,
    "truncated": True,
    "next": "http://127.0.0.1:8000/v1/admin/audit?limit=1&after=MTIz",
    "events": [
        {
            "event_id": "123",
            "at": "2026-01-05T09:00:00Z",
            "actor": "key",
            "key_id": 1,
            "key_name": "operator",
            "action": "key.create",
            "target": "key 7",
            "parameters": {"name": "nightly calibration", "scopes": ["calibrate"], "expires_in_days": 365},
            "outcome": "done",
            "status": 201,
            "detail": None,
            "client": "192.0.2.17",
        }
    ],
}

METRICS = """\
# HELP sos_http_requests_total Requests that were answered
# TYPE sos_http_requests_total counter
sos_http_requests_total{method="GET",route="/v1/cone",status="2xx"} 48211.0
# HELP sos_database_up Whether the database answered in time
# TYPE sos_database_up gauge
sos_database_up 1.0
# HELP sos_published_version The version that is served
# TYPE sos_published_version gauge
sos_published_version 3.0
"""

READY: dict[str, Any] = {
    "ready": True,
    "schema": "0007",
    "expected_schema": "0007",
    "version": 3,
    "problems": [],
    "workers": 1,
    "worker_seen_at": "2026-01-06T02:01:10Z",
}

_JOB: dict[str, Any] = {
    "job": 12,
    "kind": "calibrate",
    "state": "running",
    "arguments": {"plan": "default", "publish": False, "reuse": True},
    "requested_by": "nightly calibration",
    "version": 4,
    "stage": "fit bridge",
    "done": 1,
    "total": 3,
    "rate": 0.0412,
    "eta": "2026-01-06T02:01:37Z",
    "reason": None,
    "result": None,
    "created_at": "2026-01-06T02:00:00Z",
    "started_at": "2026-01-06T02:00:00Z",
    "finished_at": None,
    "url": "http://127.0.0.1:8000/v1/jobs/12",
    "events": "http://127.0.0.1:8000/v1/jobs/12/events",
}

QUEUED_JOB: dict[str, Any] = {
    **_JOB,
    "state": "queued",
    "stage": None,
    "done": None,
    "total": None,
    "rate": None,
    "eta": None,
    "started_at": None,
}

JOB: dict[str, Any] = {
    **_JOB,
    "steps": [
        {
            "name": "fit:lamost_lrs:0",
            "stage": "fit bridge",
            "state": "running",
            "attempt": 1,
            "worker": "node3:4711",
            "started_at": "2026-01-06T02:00:41Z",
            "finished_at": None,
        }
    ],
    "log": [
        {
            "line": 301,
            "at": "2026-01-06T02:00:40Z",
            "level": "info",
            "message": "lamost_lrs: 61235 stars in common with the scale",
        }
    ],
}

JOBS: dict[str, Any] = {
    "count": 1,
    "truncated": True,
    "next": "http://127.0.0.1:8000/v1/jobs?limit=1&after=12",
    "jobs": [_JOB],
}

CANCELLED_JOB: dict[str, Any] = {**_JOB, "state": "cancelled", "reason": "cancelled by operator", "eta": None}

SERVED: dict[str, Any] = {"version": 4, "previous": 3}

QUEUED_EXPORT: dict[str, Any] = {
    "export": 15,
    "state": "queued",
    "reason": None,
    "created_at": "2026-01-06T10:00:00Z",
    "finished_at": None,
    "url": "http://127.0.0.1:8000/v1/exports/15",
    "job": "http://127.0.0.1:8000/v1/jobs/15",
    "file": None,
}

EXPORT: dict[str, Any] = {
    **QUEUED_EXPORT,
    "state": "succeeded",
    "finished_at": "2026-01-06T10:00:07Z",
    "file": {
        "url": "http://127.0.0.1:8000/v1/exports/15/file",
        "name": "sos_v3_export_15.parquet",
        "format": "parquet",
        "version": 3,
        "rows": 155817,
        "bytes": 21043377,
        "sha256": "3f5d0f6b2a1c0e9b6a7d8c9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c",
        "folder": None,
    },
}
