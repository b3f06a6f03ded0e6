-- linked_measurements --
-- Measurements of one survey whose star was seen by another survey too, by star, blends left out.
SELECT m.measurement_id, x.star_id, s.split, m.snr, m.g_mag, m.k_mag,
       m.teff, m.logg, m.feh,
       m.teff_err_lower, m.logg_err_lower, m.feh_err_lower,
       m.teff_err_upper, m.logg_err_upper, m.feh_err_upper,
       m.excluded
FROM present_measurement AS m
JOIN match AS x ON x.measurement_id = m.measurement_id
JOIN star AS s ON s.star_id = x.star_id
WHERE m.survey_id = %(survey_id)s AND s.n_surveys > 1 AND NOT x.ambiguous
ORDER BY x.star_id, m.measurement_id

-- typical_errors --
-- The median error of a survey in each parameter, NULL where it gives none.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (teff_err_lower + teff_err_upper) / 2) AS teff,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY (logg_err_lower + logg_err_upper) / 2) AS logg,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY (feh_err_lower + feh_err_upper) / 2) AS feh
FROM present_measurement WHERE survey_id = %(survey_id)s

-- inputs --
-- The data snapshot: every file of every survey that was not replaced, with its checksum and row counts.
SELECT s.name, i.file_name, i.file_sha256, i.descriptor_sha256, i.rows_read, i.rows_stored, i.rows_rejected
FROM survey AS s JOIN ingestion AS i USING (survey_id)
WHERE i.superseded_at IS NULL
ORDER BY s.name, i.file_sha256, i.descriptor_sha256

-- surveys_with_measurements --
-- Surveys that hold at least one measurement, by name.
SELECT s.survey_id, s.name FROM survey AS s
WHERE EXISTS (SELECT FROM present_measurement AS m WHERE m.survey_id = s.survey_id)
ORDER BY s.name

-- measurements_of_stars --
-- Every matched measurement of stars from %(first)s to below %(after)s in star order, with what calibration and combination need.
SELECT x.star_id, m.survey_id, m.measurement_id, s.split, x.ambiguous, m.snr, m.g_mag, m.k_mag,
       m.teff, m.logg, m.feh,
       m.teff_err_lower, m.logg_err_lower, m.feh_err_lower,
       m.teff_err_upper, m.logg_err_upper, m.feh_err_upper,
       m.rho_teff_logg, m.rho_teff_feh, m.rho_logg_feh, m.excluded,
       s.gaia_dr3_source_id, s.ra, s.dec, s.g_mag AS star_g_mag, s.bp_mag AS star_bp_mag,
       s.rp_mag AS star_rp_mag, s.k_mag AS star_k_mag
FROM match AS x
JOIN present_measurement AS m ON m.measurement_id = x.measurement_id AND m.survey_id = x.survey_id
JOIN star AS s ON s.star_id = x.star_id
WHERE x.star_id >= %(first)s::bigint AND x.star_id < %(after)s::bigint
ORDER BY x.star_id, m.survey_id, m.measurement_id

-- count_matches --
-- How many measurements belong to a star.
SELECT count(*) FROM match AS x
JOIN present_measurement AS m ON m.measurement_id = x.measurement_id AND m.survey_id = x.survey_id

-- validation_rows --
-- Raw and calibrated values of every measurement of a version whose star is in the test split and has two surveys.
SELECT c.star_id, c.survey_id, c.in_domain, m.excluded, m.snr, coalesce(s.g_mag, s.k_mag) AS magnitude,
       m.teff AS teff_raw, m.logg AS logg_raw, m.feh AS feh_raw,
       c.teff, c.teff_lower, c.teff_upper, c.logg, c.logg_lower, c.logg_upper, c.feh, c.feh_lower, c.feh_upper
FROM calibrated AS c
JOIN star AS s ON s.star_id = c.star_id
JOIN measurement AS m ON m.measurement_id = c.measurement_id AND m.survey_id = c.survey_id
JOIN match AS x ON x.measurement_id = c.measurement_id
WHERE c.version_id = %(version_id)s AND c.split = 2 AND s.n_surveys > 1 AND NOT x.ambiguous
ORDER BY c.star_id, c.survey_id, c.measurement_id

-- kiel_rows --
-- Raw and calibrated parameters of at most about %(most)s measurements of each survey, of test stars, for diagrams.
WITH counts AS (
  SELECT survey_id, count(*) AS n FROM calibrated WHERE version_id = %(version_id)s AND split = 2 GROUP BY survey_id
)
SELECT c.survey_id, m.teff AS teff_raw, m.logg AS logg_raw, m.feh AS feh_raw, c.teff, c.logg, c.feh
FROM calibrated AS c
JOIN counts USING (survey_id)
JOIN measurement AS m ON m.measurement_id = c.measurement_id AND m.survey_id = c.survey_id
WHERE c.version_id = %(version_id)s AND c.split = 2 AND c.in_domain AND m.excluded & 7 = 0
  AND (hashint8(c.star_id) & 65535) < 65536.0 * %(most)s / counts.n
ORDER BY c.survey_id, c.measurement_id

-- count_measurements --
-- How many measurements there are.
SELECT count(*) FROM present_measurement

-- data_state --
-- A name for the measurements and stars as they are: it changes with every file taken in and every cross-match.
SELECT md5(coalesce((SELECT string_agg(ingestion_id || ':' || rows_stored, ',' ORDER BY ingestion_id) FROM ingestion),
                    ''))
       || '/' || coalesce((SELECT max(run_id) FROM crossmatch_run), 0)

-- star_ranges --
-- The number of the first star of each part of the stars, with about %(rows)s measurements a part.
SELECT min(star_id)
FROM (SELECT star_id, sum(n_measurements) OVER (ORDER BY star_id) - n_measurements AS before FROM star) AS running
GROUP BY div(before, %(rows)s::bigint)
ORDER BY 1

-- any_within --
-- Whether a measurement of a survey lies within limits; those that are NULL are none.
SELECT EXISTS (
  SELECT FROM present_measurement
  WHERE survey_id = %(survey_id)s
    AND (%(snr_min)s::float8 IS NULL OR snr >= %(snr_min)s) AND (%(snr_max)s::float8 IS NULL OR snr <= %(snr_max)s)
    AND (%(teff_min)s::float8 IS NULL OR teff >= %(teff_min)s)
    AND (%(teff_max)s::float8 IS NULL OR teff <= %(teff_max)s)
    AND (%(logg_min)s::float8 IS NULL OR logg >= %(logg_min)s)
    AND (%(logg_max)s::float8 IS NULL OR logg <= %(logg_max)s)
    AND (%(feh_min)s::float8 IS NULL OR feh >= %(feh_min)s) AND (%(feh_max)s::float8 IS NULL OR feh <= %(feh_max)s))

-- stars_in_common --
-- How many stars each of some surveys has in common with another of them, blends left out.
SELECT survey_id, count(*)
FROM (SELECT DISTINCT x.star_id, x.survey_id,
             min(x.survey_id) OVER star AS least, max(x.survey_id) OVER star AS most
      FROM match AS x JOIN star AS s USING (star_id)
      WHERE s.n_surveys > 1 AND NOT x.ambiguous AND x.survey_id = ANY (%(surveys)s::smallint[])
      WINDOW star AS (PARTITION BY x.star_id)) AS seen
WHERE least < most
GROUP BY survey_id
