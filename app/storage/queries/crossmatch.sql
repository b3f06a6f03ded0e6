-- try_lock --
-- Whether this transaction is the only one that cross-matches.
SELECT pg_try_advisory_xact_lock(hashtextextended('crossmatch', 0))

-- lock_ingest --
-- Waits until no other transaction ingests into any survey.
SELECT pg_advisory_xact_lock(hashtextextended('ingest', 0))

-- survey_names --
-- Name of every survey by its number.
SELECT survey_id, name FROM survey

-- radii --
-- Match radius of every survey that has been ingested, by name: the largest of its formats.
SELECT s.name, max((i.descriptor #>> '{position,match_radius_arcsec}')::float8) AS radius_arcsec
FROM survey AS s JOIN ingestion AS i USING (survey_id)
WHERE i.superseded_at IS NULL
GROUP BY s.name

-- count_present --
-- How many measurements are present.
SELECT count(*) FROM present_measurement

-- files --
-- How many measurements are of each file, and whether it was replaced.
SELECT counted.survey_id, s.name AS survey, counted.ingestion_id, counted.n_rows,
       EXISTS (SELECT FROM ingestion AS i
               WHERE i.ingestion_id = counted.ingestion_id AND i.superseded_at IS NOT NULL) AS superseded
FROM (SELECT survey_id, ingestion_id, count(*) AS n_rows FROM measurement GROUP BY survey_id, ingestion_id) AS counted
JOIN survey AS s USING (survey_id)
ORDER BY counted.survey_id, counted.ingestion_id

-- observations --
-- What the cross-match needs of measurements, with the stars that they belong to; names are hashed as they are written
-- in star.identity.
SELECT m.measurement_id, m.survey_id, m.gaia_dr3, m.gaia_dr2,
       m.ingestion_id NOT IN (SELECT ingestion_id FROM ingestion WHERE superseded_at IS NOT NULL) AS present,
       hashtextextended(s.name || ':' || m.object_id, 0) AS object_key,
       hashtextextended('2mass:' || m.tmass, 0) AS tmass_key,
       m.ra, m.dec, m.epoch_jyear, m.pm_ra_cosdec_masyr, m.pm_dec_masyr, m.g_mag, m.bp_mag, m.rp_mag, m.k_mag,
       x.star_id AS star, x.how, x.ambiguous
FROM {measurements} AS m
JOIN survey AS s USING (survey_id)
LEFT JOIN match AS x ON x.measurement_id = m.measurement_id

-- present_measurements --
-- Measurements whose file was not replaced, as a source of rows.
present_measurement

-- pool_of_step --
-- The measurements that were put into the pool last, as a source of rows.
(SELECT o.* FROM pool AS p JOIN measurement AS o USING (survey_id, measurement_id) WHERE p.step = {step})

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

-- identities_elsewhere --
-- Identities that begin with one of some names, of stars that do not change.
SELECT t.identity FROM unnest(%(names)s::text[]) AS n (name) JOIN star AS t ON starts_with(t.identity, n.name)
WHERE t.star_id NOT IN (SELECT star_id FROM affected_star)

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

-- open_pool --
-- Room for the measurements around those that came or went, and for the cells of the sky to look into.
CREATE TEMPORARY TABLE pool (survey_id smallint NOT NULL, measurement_id bigint PRIMARY KEY, step integer NOT NULL)
ON COMMIT DROP;
CREATE TEMPORARY TABLE fresh (LIKE measurement) ON COMMIT DROP;
CREATE TEMPORARY TABLE span (low integer NOT NULL, high integer NOT NULL) ON COMMIT DROP

-- seed_pool --
-- Puts the measurements of files and stars into the pool, and all that are so fast that they may come from far.
INSERT INTO pool
SELECT m.survey_id, m.measurement_id, 0
FROM unnest(%(surveys)s::smallint[], %(ingestions)s::integer[]) AS f (survey_id, ingestion_id)
JOIN measurement AS m USING (survey_id, ingestion_id)
UNION
SELECT survey_id, measurement_id, 0 FROM match WHERE star_id = ANY(%(stars)s::bigint[])
UNION
SELECT survey_id, measurement_id, 0 FROM measurement
WHERE pm_ra_cosdec_masyr * pm_ra_cosdec_masyr + pm_dec_masyr * pm_dec_masyr > 250000

-- open_step --
-- Lays out the measurements whose names are to be looked up: those that were put into the pool last.
TRUNCATE fresh, span;
INSERT INTO fresh SELECT o.* FROM pool AS p JOIN measurement AS o USING (survey_id, measurement_id)
WHERE p.step = {step};
ANALYZE fresh, pool

-- analyze_span --
-- Lets the planner know how many there are.
ANALYZE span

-- grow_pool --
-- Puts into the pool what lies in the cells and shares a name with what was put in last.
INSERT INTO pool
SELECT DISTINCT survey_id, measurement_id, %(step)s::integer
FROM (SELECT m.survey_id, m.measurement_id
      FROM span AS s
      JOIN measurement AS m
          ON (floor((m.dec + 90) * 60)::integer * 21600 + floor(m.ra * 60)::integer) BETWEEN s.low AND s.high
      UNION ALL
      SELECT m.survey_id, m.measurement_id FROM fresh AS f JOIN measurement AS m ON m.gaia_dr3 = f.gaia_dr3
      UNION ALL
      SELECT m.survey_id, m.measurement_id FROM fresh AS f JOIN measurement AS m ON m.gaia_dr2 = f.gaia_dr2
      UNION ALL
      SELECT m.survey_id, m.measurement_id FROM fresh AS f JOIN measurement AS m ON m.tmass = f.tmass
      UNION ALL
      SELECT m.survey_id, m.measurement_id
      FROM fresh AS f JOIN measurement AS m ON m.survey_id = f.survey_id AND m.object_id = f.object_id) AS found
ON CONFLICT DO NOTHING

-- open_affected --
-- Room for what is matched anew, and for what it becomes.
CREATE TEMPORARY TABLE affected_measurement (survey_id smallint NOT NULL, measurement_id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE affected_star (star_id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE new_star (LIKE star) ON COMMIT DROP;
CREATE TEMPORARY TABLE new_match (LIKE match) ON COMMIT DROP

-- analyze_affected --
-- Lets the planner know how many there are.
ANALYZE affected_measurement, affected_star

-- named --
-- Stars whose identity is a name of a measurement that came.
SELECT DISTINCT t.star_id
FROM unnest(%(surveys)s::smallint[], %(ingestions)s::integer[]) AS f (survey_id, ingestion_id)
JOIN measurement AS m USING (survey_id, ingestion_id)
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

-- made_of --
-- What the stars and matches that are there were made of.
SELECT edition, radii, files, counts, first_epoch, last_epoch FROM crossmatch

-- keep --
-- Writes down what the stars and matches are made of.
INSERT INTO crossmatch (edition, radii, files, counts, first_epoch, last_epoch)
VALUES (%(edition)s, %(radii)s, %(files)s, %(counts)s, %(first_epoch)s, %(last_epoch)s)
ON CONFLICT (only_row) DO UPDATE
SET edition = excluded.edition, radii = excluded.radii, files = excluded.files, counts = excluded.counts,
    first_epoch = excluded.first_epoch, last_epoch = excluded.last_epoch, finished_at = now()

-- count_matches --
-- How many matches there are.
SELECT count(*) FROM match
