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
GROUP BY s.name

-- count_measurements --
-- How many measurements there are.
SELECT count(*) FROM measurement

-- observations --
-- What the cross-match needs of every measurement; names are hashed as they are written in star.identity.
SELECT m.measurement_id, m.survey_id, m.gaia_dr3, m.gaia_dr2,
       hashtextextended(s.name || ':' || m.object_id, 0) AS object_key,
       hashtextextended('2mass:' || m.tmass, 0) AS tmass_key,
       m.ra, m.dec, m.epoch_jyear, m.pm_ra_cosdec_masyr, m.pm_dec_masyr, m.g_mag, m.bp_mag, m.rp_mag, m.k_mag
FROM measurement AS m JOIN survey AS s USING (survey_id)

-- tmass --
-- The 2MASS designation of every measurement that has one.
SELECT measurement_id, tmass AS name FROM measurement WHERE tmass IS NOT NULL

-- objects --
-- The survey's own name of every measurement's object.
SELECT m.measurement_id, s.name || ':' || m.object_id AS name FROM measurement AS m JOIN survey AS s USING (survey_id)

-- matches --
-- Which star each measurement belongs to.
SELECT measurement_id, star_id FROM match

-- known_stars --
-- Every star's number, split, and what its identity names: a Gaia DR3 id, or the hash of another name.
SELECT star_id, split,
       CASE WHEN is_gaia THEN substr(identity, 6)::bigint END AS gaia_dr3,
       CASE WHEN NOT is_gaia THEN hashtextextended(identity, 0) END AS name_key
FROM (SELECT *, identity LIKE 'gaia:%' AND translate(substr(identity, 6), '0123456789', '') = '' AS is_gaia
      FROM star OFFSET 0) AS named
ORDER BY star_id

-- identities --
-- Every star's number and identity.
SELECT star_id, identity FROM star ORDER BY star_id

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
