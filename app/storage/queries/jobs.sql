-- newest_jobs --
-- Jobs, newest first, after a given one; of one state where it is named.
SELECT *, clock_timestamp() AS seen_at FROM job
WHERE job_id < %(before)s::bigint AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY job_id DESC
LIMIT %(limit)s::bigint

-- job --
-- One job.
SELECT *, clock_timestamp() AS seen_at FROM job WHERE job_id = %(job_id)s::bigint

-- add_job --
-- Add a job, unless one with the same key is not done.
INSERT INTO job (kind, state, arguments, key, holds, shares, requested_by, version_id)
VALUES (%(kind)s, 'queued', %(arguments)s, %(key)s, %(holds)s, %(shares)s, %(requested_by)s, %(version_id)s)
ON CONFLICT (key) WHERE state IN ('queued', 'running') DO NOTHING
RETURNING job_id

-- open_with_key --
-- The job with this key that is not done.
SELECT job_id FROM job WHERE key = %(key)s AND state IN ('queued', 'running')

-- lock_jobs --
-- Let only one transaction at a time decide which jobs start.
SELECT pg_advisory_xact_lock(hashtext('sos jobs'), 0)

-- startable --
-- Jobs that wait for nothing any more: no earlier job that is not done uses what they use.
SELECT job_id FROM job AS j
WHERE state = 'queued' AND NOT EXISTS (
  SELECT FROM job AS e
  WHERE e.job_id < j.job_id AND e.state IN ('queued', 'running')
    AND (e.holds && (j.holds || j.shares) OR e.shares && j.holds))
ORDER BY job_id

-- in_the_way --
-- The first job that is not done and uses what %(holds)s and %(shares)s name.
SELECT *, clock_timestamp() AS seen_at FROM job AS e
WHERE e.state IN ('queued', 'running')
  AND (e.holds && (%(holds)s::text[] || %(shares)s::text[]) OR e.shares && %(holds)s::text[])
ORDER BY job_id LIMIT 1

-- start_job --
-- Mark a job as running.
UPDATE job SET state = 'running', started_at = now() WHERE job_id = %(job_id)s AND state = 'queued'

-- lock_job --
-- The state of a job, which no other transaction changes until this one ends.
SELECT state FROM job WHERE job_id = %(job_id)s FOR UPDATE

-- end_job --
-- Write down how a job ended; a job that has ended stays as it is.
UPDATE job SET state = %(state)s, reason = %(reason)s, finished_at = now(), stage = NULL, done = NULL, total = NULL
WHERE job_id = %(job_id)s AND state IN ('queued', 'running')

-- end_steps --
-- End the steps of a job that are not done.
UPDATE job_step SET state = %(state)s, finished_at = now()
WHERE job_id = %(job_id)s AND state IN ('queued', 'running')

-- drop_data --
-- Forget what steps of a job left for each other.
DELETE FROM job_data WHERE job_id = %(job_id)s

-- set_result --
-- Add to the result of a job.
UPDATE job SET result = coalesce(result, '{}'::jsonb) || %(result)s WHERE job_id = %(job_id)s

-- set_version --
-- Say which version a job makes.
UPDATE job SET version_id = %(version_id)s WHERE job_id = %(job_id)s

-- progress --
-- Say how far a job is; the clock of a stage starts with its first word.
UPDATE job SET stage = %(stage)s, done = %(done)s, total = %(total)s,
    stage_started_at = CASE WHEN stage IS DISTINCT FROM %(stage)s THEN clock_timestamp() ELSE stage_started_at END
WHERE job_id = %(job_id)s AND state = 'running'

-- progress_by_steps --
-- Say how far the stage of a job is by its steps.
UPDATE job SET stage = %(stage)s, done = s.done, total = s.total,
    stage_started_at = CASE WHEN job.stage IS DISTINCT FROM %(stage)s THEN clock_timestamp()
                            ELSE job.stage_started_at END
FROM (SELECT count(*) FILTER (WHERE state = 'done') AS done, count(*) AS total
      FROM job_step WHERE job_id = %(job_id)s AND stage = %(stage)s) AS s
WHERE job_id = %(job_id)s AND job.state = 'running'

-- log --
-- Add a line to a job's log.
INSERT INTO job_log (job_id, level, message) VALUES (%(job_id)s, %(level)s, %(message)s)

-- log_tail --
-- The last lines of a job's log after a given one, oldest first.
SELECT line_id, at, level, message FROM (
  SELECT * FROM job_log WHERE job_id = %(job_id)s::bigint AND line_id > %(after)s::bigint
  ORDER BY line_id DESC LIMIT %(limit)s::bigint) AS tail
ORDER BY line_id

-- put_data --
-- Keep what a step leaves for others; done again it replaces what was there.
INSERT INTO job_data (job_id, name, content) VALUES (%(job_id)s, %(name)s, %(content)s)
ON CONFLICT (job_id, name) DO UPDATE SET content = excluded.content

-- get_data --
-- What a step has left under a name.
SELECT content FROM job_data WHERE job_id = %(job_id)s AND name = %(name)s

-- data_names --
-- The names under which steps have left something.
SELECT name FROM job_data WHERE job_id = %(job_id)s AND name LIKE %(pattern)s ORDER BY name

-- terminate --
-- End what connections of a job's steps still do in the server; those of one step where it is named.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE %(pattern)s AND pid <> pg_backend_pid()

-- forget_jobs --
-- Forget jobs that ended long ago.
DELETE FROM job WHERE state NOT IN ('queued', 'running') AND finished_at < now() - make_interval(days => %(days)s)
