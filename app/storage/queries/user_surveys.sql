-- contributions --
-- What stands behind the combined values of some stars: surveys, their values as reported, and their weights.
SELECT c.star_id, c.survey_id, c.split, c.teff_weight, c.logg_weight, c.feh_weight, m.teff, m.logg, m.feh
FROM {calibrated} AS c
LEFT JOIN measurement AS m ON m.measurement_id = c.measurement_id AND m.survey_id = c.survey_id
WHERE c.version_id = {version} AND c.star_id = ANY (%(stars)s::bigint[])
ORDER BY c.star_id, c.survey_id, c.measurement_id

-- lock --
-- Let only one transaction at a time count the tables that are kept.
SELECT pg_advisory_xact_lock(hashtext('sos user surveys'), 0)

-- kept --
-- The tables of a client that are kept, those that go first in front: when they go, and whether their job is not done.
SELECT u.expires_at, j.state IN ('queued', 'running') AS open, now() AS seen_at
FROM user_survey AS u JOIN job AS j USING (job_id)
WHERE u.client = %(client)s AND u.expires_at > now()
ORDER BY u.expires_at

-- get --
-- A table with the job that homogenizes it, while it is kept.
SELECT u.*, j.state, j.stage, j.done, j.total, j.reason, j.started_at, j.finished_at
FROM user_survey AS u JOIN job AS j USING (job_id)
WHERE u.token = %(token)s AND u.expires_at > now()

-- set_matches --
-- Say how many rows have found a star, and what is known of them.
UPDATE user_survey SET matches = %(matches)s WHERE token = %(token)s

-- set_results --
-- Keep the report, and what the file is.
UPDATE user_survey SET report = %(report)s, file = %(file)s WHERE token = %(token)s

-- any_expired --
-- Whether a table is past its time.
SELECT EXISTS (SELECT FROM user_survey WHERE expires_at <= now())

-- expired --
-- Tables past their time, with their jobs.
SELECT token, job_id FROM user_survey WHERE expires_at <= now() ORDER BY token

-- tokens --
-- Every table that is known.
SELECT token FROM user_survey
