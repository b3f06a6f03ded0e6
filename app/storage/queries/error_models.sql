-- declared --
-- The error model of each parameter by file of a survey: its kind, factor and floor.
SELECT i.ingestion_id, p.key AS parameter, p.value -> 'error' ->> 'kind' AS kind,
       (p.value -> 'error' ->> 'scale')::float8 AS scale, (p.value -> 'error' ->> 'floor')::float8 AS floor
FROM ingestion AS i, jsonb_each(i.descriptor -> 'parameters') AS p
WHERE i.survey_id = %(survey_id)s AND i.superseded_at IS NULL AND jsonb_typeof(p.value) = 'object'
ORDER BY i.ingestion_id, p.key

-- repeats --
-- Spectra of a survey's stars that it observed more than once, by star, blends left out.
SELECT x.star_id, m.ingestion_id, m.snr, m.excluded,
       m.teff, m.logg, m.feh,
       m.teff_err_lower, m.logg_err_lower, m.feh_err_lower,
       m.teff_err_upper, m.logg_err_upper, m.feh_err_upper
FROM match AS x
JOIN present_measurement AS m ON m.measurement_id = x.measurement_id AND m.survey_id = x.survey_id
WHERE x.survey_id = %(survey_id)s AND NOT x.ambiguous
  AND x.star_id IN (SELECT r.star_id FROM match AS r
                    JOIN present_measurement AS p ON p.measurement_id = r.measurement_id AND p.survey_id = r.survey_id
                    WHERE r.survey_id = %(survey_id)s AND NOT r.ambiguous
                    GROUP BY r.star_id HAVING count(*) > 1)
ORDER BY x.star_id, m.measurement_id

-- seen_by_three --
-- One spectrum of each survey, the least cut first, of stars that three surveys or more saw, by star.
SELECT DISTINCT ON (x.star_id, x.survey_id)
       x.star_id, x.survey_id, m.ingestion_id, m.snr, m.excluded,
       m.teff, m.logg, m.feh,
       m.teff_err_lower, m.logg_err_lower, m.feh_err_lower,
       m.teff_err_upper, m.logg_err_upper, m.feh_err_upper
FROM match AS x
JOIN present_measurement AS m ON m.measurement_id = x.measurement_id AND m.survey_id = x.survey_id
JOIN star AS s ON s.star_id = x.star_id
WHERE s.n_surveys > 2 AND NOT x.ambiguous
ORDER BY x.star_id, x.survey_id, m.excluded, m.measurement_id
