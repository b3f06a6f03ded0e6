-- moves --
-- Each star of two versions: both values of each parameter, and their difference in units of the mean error of the two.
SELECT a.star_id, a.gaia_dr3_source_id, a.ra, a.dec,
       a.teff AS teff_before, b.teff AS teff_after,
       abs(b.teff::float8 - a.teff) / nullif(sqrt(((a.teff_upper::float8 - a.teff_lower) ^ 2
           + (b.teff_upper::float8 - b.teff_lower) ^ 2) / 8), 0) AS teff_pull,
       a.logg AS logg_before, b.logg AS logg_after,
       abs(b.logg::float8 - a.logg) / nullif(sqrt(((a.logg_upper::float8 - a.logg_lower) ^ 2
           + (b.logg_upper::float8 - b.logg_lower) ^ 2) / 8), 0) AS logg_pull,
       a.feh AS feh_before, b.feh AS feh_after,
       abs(b.feh::float8 - a.feh) / nullif(sqrt(((a.feh_upper::float8 - a.feh_lower) ^ 2
           + (b.feh_upper::float8 - b.feh_lower) ^ 2) / 8), 0) AS feh_pull
FROM {first} AS a
JOIN {second} AS b ON b.star_id = a.star_id

-- moves_of_stars --
-- The moves of all stars, without their names.
SELECT ra, dec, teff_before, teff_after, teff_pull, logg_before, logg_after, logg_pull, feh_before, feh_after, feh_pull
FROM ({moves}) AS moves

-- moves_by_survey --
-- The moves of the stars that each survey measured, once a star and survey.
SELECT s.survey_id, teff_before, teff_after, teff_pull, logg_before, logg_after, logg_pull,
       feh_before, feh_after, feh_pull
FROM ({moves}) AS moves
JOIN (SELECT DISTINCT star_id, survey_id FROM {calibrated}) AS s ON s.star_id = moves.star_id

-- moved --
-- One page of the stars that moved by more than %(sigma)s errors in some parameter, the farthest first.
SELECT star_id, gaia_dr3_source_id, ra, dec, teff_before, teff_after, logg_before, logg_after, feh_before, feh_after,
       pull
FROM (SELECT moves.*, greatest(teff_pull, logg_pull, feh_pull) AS pull FROM ({moves}) AS moves) AS ranked
WHERE pull > %(sigma)s::float8
  AND (pull < %(after_pull)s::float8 OR (pull = %(after_pull)s::float8 AND star_id > %(after_star)s::bigint))
ORDER BY pull DESC, star_id
LIMIT %(limit)s::bigint + 1

-- survey_names --
-- The name of every survey, by number.
SELECT survey_id, name FROM survey ORDER BY name

-- left_over --
-- Versions that failed or were removed and still have tables of their own.
SELECT DISTINCT v.version_id FROM version AS v
JOIN pg_class AS c ON c.relname IN ('calibrated_' || v.version_id, 'homogenized_' || v.version_id)
WHERE v.state IN ('failed', 'removed') AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition

-- tables_of --
-- Which of its two tables a version has, and whether they are partitions.
SELECT t.name, c.relispartition FROM (VALUES ('calibrated'), ('homogenized')) AS t (name)
JOIN pg_class AS c ON c.relname = t.name || '_' || %(version_id)s::int AND c.relnamespace = 'public'::regnamespace

-- catalogue_sha256 --
-- The SHA-256 of the rows of a version's catalogue.
SELECT metrics ->> 'catalogue_sha256' FROM version WHERE version_id = %(version_id)s
