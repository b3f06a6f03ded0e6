-- try_lock --
-- Whether this transaction is the only one that cross-matches.
SELECT pg_try_advisory_xact_lock(hashtextextended('crossmatch', 0))

-- survey_names --
-- Name of every survey by its number.
SELECT survey_id, name FROM survey

-- radii --
-- Match radius of every survey that has been ingested, by name: the largest of its formats.
SELECT s.name, max((i.descriptor #>> '{position,match_radius_arcsec}')::float8) AS radius_arcsec
FROM survey AS s JOIN ingestion AS i USING (survey_id)
WHERE i.superseded_at IS NULL
GROUP BY s.name

-- count_observations --
-- How many measurements are present or belong to a star.
SELECT (SELECT count(*) FROM present_measurement)
       + (SELECT count(*) FROM ingestion AS i JOIN measurement AS m USING (survey_id, ingestion_id)
          WHERE i.superseded_at IS NOT NULL AND EXISTS (SELECT FROM match AS x WHERE x.measurement_id = m.measurement_id))

-- observations --
-- What the cross-match needs of every measurement that is present or belongs to a star; names are hashed as they are
-- written in star.identity.
SELECT m.measurement_id, m.survey_id, m.present, m.gaia_dr3, m.gaia_dr2,
       hashtextextended(s.name || ':' || m.object_id, 0) AS object_key,
       hashtextextended('2mass:' || m.tmass, 0) AS tmass_key,
       m.ra, m.dec, m.epoch_jyear, m.pm_ra_cosdec_masyr, m.pm_dec_masyr, m.g_mag, m.bp_mag, m.rp_mag, m.k_mag
FROM (SELECT p.*, true AS present FROM present_measurement AS p
      UNION ALL
      SELECT o.*, false FROM ingestion AS i JOIN measurement AS o USING (survey_id, ingestion_id)
      WHERE i.superseded_at IS NOT NULL AND EXISTS (SELECT FROM match AS x WHERE x.measurement_id = o.measurement_id)
     ) AS m
JOIN survey AS s USING (survey_id)

-- every_measurement --
-- All measurements, as a source of names.
measurement

-- affected_measurements --
-- The measurements that are matched anew, as a source of names.
(SELECT o.* FROM affected_measurement AS a JOIN measurement AS o USING (survey_id, measurement_id))

-- every_star --
-- All stars.
star

-- affected_stars --
-- The stars that may change.
(SELECT o.* FROM affected_star AS a JOIN star AS o USING (star_id))

-- tmass --
-- The 2MASS designation of every measurement that has one.
SELECT measurement_id, tmass AS name FROM {measurements} AS m WHERE tmass IS NOT NULL

-- objects --
-- The survey's own name of every measurement's object.
SELECT m.measurement_id, s.name || ':' || m.object_id AS name FROM {measurements} AS m JOIN survey AS s USING (survey_id)

-- matches --
-- Which star each measurement belongs to.
SELECT measurement_id, star_id, how, ambiguous FROM match

-- known_stars --
-- Every star's number, split, and what its identity names: a Gaia DR3 id, or the hash of another name.
SELECT star_id, split,
       CASE WHEN is_gaia THEN substr(identity, 6)::bigint END AS gaia_dr3,
       CASE WHEN NOT is_gaia THEN hashtextextended(identity, 0) END AS name_key
FROM (SELECT *, identity LIKE 'gaia:%' AND translate(substr(identity, 6), '0123456789', '') = '' AS is_gaia
      FROM {stars} AS s OFFSET 0) AS named
ORDER BY star_id

-- identities --
-- Every star's number and identity.
SELECT star_id, identity FROM {stars} AS s ORDER BY star_id

-- count_stars --
-- How many stars there are, and of how many measurements they are said to be.
SELECT count(*) AS n_stars, coalesce(sum(n_measurements), 0)::bigint AS n_measurements FROM star

-- take_star_numbers --
-- Takes a block of star numbers that no star ever had, and returns its last.
SELECT setval('star_number',
              greatest(nextval('star_number') - 1, (SELECT coalesce(max(star_id), 0) FROM star)) + %(count)s)

-- clear --
-- Empties both tables and takes their indexes away.
SET LOCAL lock_timeout = '60s';
TRUNCATE match, star;
SET LOCAL lock_timeout = 0;
ALTER TABLE match DROP CONSTRAINT pk_match;
DROP INDEX ix_match_star_id;
ALTER TABLE star DROP CONSTRAINT pk_star, DROP CONSTRAINT uq_star_identity;
DROP INDEX ix_star_gaia_dr3_source_id

-- index --
-- Gives both tables their indexes back, and the planner statistics.
SET LOCAL maintenance_work_mem = '256MB';
ALTER TABLE match ADD CONSTRAINT pk_match PRIMARY KEY (measurement_id);
CREATE INDEX ix_match_star_id ON match (star_id);
ALTER TABLE star ADD CONSTRAINT pk_star PRIMARY KEY (star_id), ADD CONSTRAINT uq_star_identity UNIQUE (identity);
CREATE UNIQUE INDEX ix_star_gaia_dr3_source_id ON star (gaia_dr3_source_id);
ANALYZE star, match

-- record_run --
-- Note a run of the cross-match.
INSERT INTO crossmatch_run (measurements, stars) VALUES (%(measurements)s, %(stars)s)
-- affected --
-- Room for what is matched anew, and for what it becomes.
CREATE TEMPORARY TABLE affected_measurement (survey_id smallint NOT NULL, measurement_id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE affected_star (star_id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE new_star (LIKE star) ON COMMIT DROP;
CREATE TEMPORARY TABLE new_match (LIKE match) ON COMMIT DROP

-- forget_affected --
-- Empties the list of measurements that are matched anew.
TRUNCATE affected_measurement

-- analyze_affected_measurement --
-- Lets the planner know how many there are.
ANALYZE affected_measurement

-- analyze_affected_star --
-- Lets the planner know how many there are.
ANALYZE affected_star

-- named --
-- Stars whose identity is a name of a measurement that is matched anew.
SELECT DISTINCT t.star_id
FROM {measurements} AS m
JOIN survey AS s USING (survey_id)
CROSS JOIN LATERAL (VALUES ('gaia:' || m.gaia_dr3), ('2mass:' || m.tmass), (s.name || ':' || m.object_id)) AS n (name)
JOIN star AS t ON t.identity = n.name

-- change --
-- Puts new rows in the place of those that differ; what stays as it is, is left alone.
ANALYZE new_star, new_match;
DELETE FROM match AS x USING affected_measurement AS a
WHERE x.measurement_id = a.measurement_id
  AND NOT EXISTS (SELECT FROM new_match AS n
                  WHERE n.measurement_id = x.measurement_id AND ROW(n.*) IS NOT DISTINCT FROM ROW(x.*));
DELETE FROM star AS t USING affected_star AS a
WHERE t.star_id = a.star_id
  AND NOT EXISTS (SELECT FROM new_star AS n WHERE n.star_id = t.star_id AND ROW(n.*) IS NOT DISTINCT FROM ROW(t.*));
INSERT INTO star SELECT n.* FROM new_star AS n WHERE NOT EXISTS (SELECT FROM star AS t WHERE t.star_id = n.star_id);
INSERT INTO match
SELECT n.* FROM new_match AS n WHERE NOT EXISTS (SELECT FROM match AS x WHERE x.measurement_id = n.measurement_id)

-- made_with --
-- What the stars and matches that are there were made with.
SELECT edition, radii FROM crossmatch

-- keep --
-- Writes down what the stars and matches are made with.
INSERT INTO crossmatch (edition, radii) VALUES (%(edition)s, %(radii)s)
ON CONFLICT (only_row) DO UPDATE SET edition = excluded.edition, radii = excluded.radii, finished_at = now()
