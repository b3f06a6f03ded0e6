-- step --
-- One step.
SELECT * FROM job_step WHERE step_id = %(step_id)s::bigint

-- steps --
-- The steps of a job in the order in which they were planned.
SELECT * FROM job_step WHERE job_id = %(job_id)s::bigint ORDER BY step_id

-- add_step --
-- Plan a step, unless the job has one of this name.
INSERT INTO job_step (job_id, name, task, stage, arguments, state)
VALUES (%(job_id)s, %(name)s, %(task)s, %(stage)s, %(arguments)s, 'queued')
ON CONFLICT (job_id, name) DO NOTHING
RETURNING step_id

-- claim --
-- Begin a step of a running job, for the first time or again, and count the attempt.
UPDATE job_step AS s SET state = 'running', attempt = attempt + 1, started_at = clock_timestamp(), worker = %(worker)s
FROM job AS j
WHERE s.step_id = %(step_id)s AND j.job_id = s.job_id AND j.state = 'running' AND s.state IN ('queued', 'running')
RETURNING s.attempt

-- finish --
-- A step is done, if this attempt is still the one that counts.
UPDATE job_step SET state = 'done', finished_at = clock_timestamp()
WHERE step_id = %(step_id)s AND attempt = %(attempt)s AND state = 'running'

-- give_back --
-- A step waits again, if this attempt is still the one that counts.
UPDATE job_step SET state = 'queued', queued_at = clock_timestamp()
WHERE step_id = %(step_id)s AND attempt = %(attempt)s AND state = 'running'

-- open_steps --
-- How many steps of a job are not done: of one stage, and of all.
SELECT count(*) FILTER (WHERE stage = %(stage)s), count(*) FROM job_step
WHERE job_id = %(job_id)s AND state IN ('queued', 'running')

-- queued_of_job --
-- Steps of a running job that wait, and those that count as running, in the order in which they were planned.
SELECT s.step_id FROM job_step AS s JOIN job AS j USING (job_id)
WHERE j.job_id = %(job_id)s AND j.state = 'running' AND s.state IN ('queued', 'running')
ORDER BY s.state = 'running', s.step_id

-- running --
-- Steps that count as running.
SELECT s.step_id, s.attempt FROM job_step AS s JOIN job AS j USING (job_id)
WHERE s.state = 'running' AND j.state = 'running' ORDER BY s.step_id

-- undelivered --
-- Steps that wait, and that no job of the queue will bring to a worker.
SELECT s.step_id FROM job_step AS s JOIN job AS j USING (job_id)
WHERE s.state = 'queued' AND j.state = 'running' AND s.queued_at < now() - make_interval(secs => %(patience_s)s)
  AND NOT EXISTS (SELECT FROM jobs.procrastinate_jobs AS q
                  WHERE q.status = 'todo' AND q.task_name = 'step' AND (q.args ->> 'step_id')::bigint = s.step_id)
ORDER BY s.step_id

-- deliver --
-- Put steps into the queue that workers listen to.
SELECT jobs.procrastinate_defer_jobs_v1(array_agg(
    ROW('steps', 'step', 0, NULL, NULL, jsonb_build_object('step_id', step_id), NULL)
    ::jobs.procrastinate_job_to_defer_v1 ORDER BY step_id))
FROM unnest(%(step_ids)s::bigint[]) AS step_id

-- bury --
-- End the queue's jobs whose worker gives no sign of life: their steps are delivered anew.
UPDATE jobs.procrastinate_jobs AS q SET status = 'failed'
WHERE q.status = 'doing' AND NOT EXISTS (
  SELECT FROM jobs.procrastinate_workers AS w
  WHERE w.id = q.worker_id AND w.last_heartbeat > now() - make_interval(secs => %(patience_s)s))
RETURNING q.id

-- forget_delivered --
-- Forget the queue's jobs that ended a day ago.
DELETE FROM jobs.procrastinate_jobs AS q
WHERE q.status NOT IN ('todo', 'doing') AND NOT EXISTS (
  SELECT FROM jobs.procrastinate_events AS e WHERE e.job_id = q.id AND e.at > now() - interval '1 day')

-- workers --
-- How many workers have given a sign of life lately, and when the last one did.
SELECT count(*) FILTER (WHERE last_heartbeat > now() - make_interval(secs => %(patience_s)s)), max(last_heartbeat)
FROM jobs.procrastinate_workers
