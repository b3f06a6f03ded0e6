-- backend --
-- Names the transaction that asks.
SELECT pg_backend_pid() || ' ' || now()

-- claim --
-- The job that waits longest, taken by whoever asks.
UPDATE tap_job SET phase = 'EXECUTING', started_at = now()
WHERE job_id = (SELECT job_id FROM tap_job WHERE phase = 'QUEUED' ORDER BY created_at FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING job_id

-- started --
-- Says which transaction runs a job, unless it was stopped meanwhile.
UPDATE tap_job SET backend = %(backend)s WHERE job_id = %(job_id)s AND phase = 'EXECUTING' RETURNING job_id

-- finish --
-- Ends a job that runs.
UPDATE tap_job SET phase = %(phase)s, ended_at = clock_timestamp(), problem = %(problem)s, media_type = %(media_type)s,
       version = %(version)s, bytes = bytes + %(bytes)s
WHERE job_id = %(job_id)s AND phase = 'EXECUTING'

-- abort --
-- Ends a job that has not ended, and stops the transaction that runs it.
WITH aborted AS (
    UPDATE tap_job SET phase = 'ABORTED', ended_at = clock_timestamp()
    WHERE job_id = %(job_id)s AND phase IN ('PENDING', 'QUEUED', 'EXECUTING')
    RETURNING backend
)
SELECT pg_cancel_backend(a.pid) FROM aborted JOIN pg_stat_activity AS a ON a.pid || ' ' || a.xact_start = aborted.backend

-- bury --
-- Ends jobs whose transaction is gone, for the process that ran them is, and returns them. A process spares those that
-- it is ending itself.
UPDATE tap_job SET phase = 'ERROR', ended_at = clock_timestamp(),
       problem = 'the service was restarted while the query ran: send it again'
WHERE phase = 'EXECUTING'
  AND job_id <> ALL (%(spared)s)
  AND CASE WHEN backend IS NULL THEN started_at < now() - interval '2 minutes'
           ELSE NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid || ' ' || a.xact_start = backend) END
RETURNING job_id

-- expired --
-- Forgets jobs whose time is over, and stops those of them that run.
WITH gone AS (DELETE FROM tap_job WHERE destruction_at < now() RETURNING job_id, backend)
SELECT job_id, (SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity AS a
                WHERE a.pid || ' ' || a.xact_start = gone.backend) AS stopped
FROM gone

-- lock --
-- Let only one transaction at a time count jobs.
SELECT pg_advisory_xact_lock(hashtext('sos tap jobs'), 0)

-- held --
-- What a client has: jobs, those that have not ended, bytes of files and parameters, seconds until the first job goes.
SELECT count(*) AS kept,
       count(*) FILTER (WHERE phase IN ('PENDING', 'QUEUED', 'EXECUTING')) AS open,
       coalesce(sum(bytes + pg_column_size(parameters)), 0)::bigint AS bytes,
       coalesce(extract(epoch FROM min(destruction_at) - now()), 0)::float8 AS seconds
FROM tap_job WHERE client = %(client)s AND destruction_at >= now()

-- held_with --
-- Bytes that the client of a job has, this job included; nothing for a job that nobody counts.
SELECT sum(other.bytes + pg_column_size(other.parameters))::bigint
FROM tap_job AS one JOIN tap_job AS other USING (client)
WHERE one.job_id = %(job_id)s AND other.destruction_at >= now()
