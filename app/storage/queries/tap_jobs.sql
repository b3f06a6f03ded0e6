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
UPDATE tap_job SET phase = %(phase)s, ended_at = clock_timestamp(), problem = %(problem)s, media_type = %(media_type)s
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
-- Ends jobs whose transaction is gone: the process that ran them was. A process spares those that it is ending itself.
UPDATE tap_job SET phase = 'ERROR', ended_at = clock_timestamp(),
       problem = 'the service was restarted while the query ran: send it again'
WHERE phase = 'EXECUTING'
  AND job_id <> ALL (%(spared)s)
  AND CASE WHEN backend IS NULL THEN started_at < now() - interval '2 minutes'
           ELSE NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid || ' ' || a.xact_start = backend) END

-- expired --
-- Forgets jobs whose time is over, and stops those of them that run.
WITH gone AS (DELETE FROM tap_job WHERE destruction_at < now() RETURNING job_id, backend)
SELECT job_id, (SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity AS a
                WHERE a.pid || ' ' || a.xact_start = gone.backend) AS stopped
FROM gone
