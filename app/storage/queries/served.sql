-- star --
-- The homogenized stars of a version; the number stands in the text, so that only this version's table is opened.
SELECT {columns} FROM homogenized AS h WHERE h.version_id = {version}

-- measurement --
-- The measurements of every survey, with what a version made of them.
SELECT s.name AS survey, m.object_id, c.star_id, m.ra, m.dec, m.snr,
       ({splits}::text[])[c.split + 1] AS split, c.in_domain,
       m.teff AS teff_raw, m.teff - m.teff_err_lower AS teff_raw_lower, m.teff + m.teff_err_upper AS teff_raw_upper,
       c.teff, c.teff_lower, c.teff_upper,
       m.logg AS logg_raw, m.logg - m.logg_err_lower AS logg_raw_lower, m.logg + m.logg_err_upper AS logg_raw_upper,
       c.logg, c.logg_lower, c.logg_upper,
       m.feh AS feh_raw, m.feh - m.feh_err_lower AS feh_raw_lower, m.feh + m.feh_err_upper AS feh_raw_upper,
       c.feh, c.feh_lower, c.feh_upper
FROM measurement AS m
JOIN survey AS s ON s.survey_id = m.survey_id
LEFT JOIN calibrated AS c
    ON c.version_id = {version} AND c.measurement_id = m.measurement_id AND c.survey_id = m.survey_id

-- survey --
-- Every survey with its paper, and how much is in of it.
SELECT s.name, s.title, s.release, s.citation, s.url, i.n_files, i.n_rows, i.n_rejects
FROM survey AS s
CROSS JOIN LATERAL (SELECT count(*)::int AS n_files, coalesce(sum(rows_stored), 0)::int8 AS n_rows,
                           coalesce(sum(rows_rejected), 0)::int8 AS n_rejects
                    FROM ingestion WHERE ingestion.survey_id = s.survey_id) AS i

-- version --
-- Every calibration version; times are written as DALI has them.
SELECT v.version_id AS version, v.state, v.n_stars, v.seed,
       to_char(v.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS') AS created_at,
       to_char(v.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS') AS finished_at,
       to_char(v.published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS') AS published_at
FROM version AS v

-- grants --
-- Lets the reading role see what the tables above are made of, and nothing else.
GRANT SELECT ON homogenized, calibrated, measurement, survey TO {role};
GRANT SELECT (version_id, state, n_stars, seed, created_at, finished_at, published_at) ON version TO {role};
GRANT SELECT (survey_id, rows_stored, rows_rejected) ON ingestion TO {role}

-- revokes --
-- Takes it back.
REVOKE ALL ON homogenized, calibrated, measurement, survey, version, ingestion FROM {role}
