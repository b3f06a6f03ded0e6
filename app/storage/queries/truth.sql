-- create_truth_row --
-- Where a survey's row stands in a table of truth, for one transaction.
CREATE TEMPORARY TABLE truth_row (survey_id smallint NOT NULL, object_id text NOT NULL, place integer NOT NULL)
ON COMMIT DROP

-- analyze_truth_row --
-- Let the planner know how many there are.
ANALYZE truth_row

-- calibrated_with_truth --
-- Every calibrated measurement of a version beside what was reported, and the place of its truth, 0 where there is none.
SELECT t.place, c.star_id, c.survey_id, c.split, s.n_surveys, c.in_domain, m.excluded, m.snr, m.g_mag, m.k_mag,
       m.teff AS teff_raw, m.logg AS logg_raw, m.feh AS feh_raw,
       c.teff, c.teff_lower, c.teff_upper, c.teff_weight, c.logg, c.logg_lower, c.logg_upper, c.logg_weight,
       c.feh, c.feh_lower, c.feh_upper, c.feh_weight
FROM calibrated AS c
JOIN measurement AS m ON m.measurement_id = c.measurement_id AND m.survey_id = c.survey_id
JOIN star AS s ON s.star_id = c.star_id
LEFT JOIN truth_row AS t ON t.survey_id = m.survey_id AND t.object_id = m.object_id
WHERE c.version_id = %(version_id)s
ORDER BY c.star_id, c.survey_id, c.measurement_id

-- homogenized_values --
-- The values of all stars of a version, in star order.
SELECT star_id, teff, teff_lower, teff_upper, logg, logg_lower, logg_upper, feh, feh_lower, feh_upper
FROM homogenized WHERE version_id = %(version_id)s ORDER BY star_id
