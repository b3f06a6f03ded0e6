-- lock --
-- Let only one transaction at a time count exports.
SELECT pg_advisory_xact_lock(hashtext('sos exports'), 0)

-- kept --
-- The exports of a client that are not done or whose files are kept, those that go first in front.
SELECT j.state IN ('queued', 'running') AS open,
       extract(epoch FROM j.finished_at - now())::float8 + %(days)s * 86400 AS seconds
FROM export AS e JOIN job AS j USING (job_id)
WHERE e.client = %(client)s
  AND (j.state IN ('queued', 'running')
       OR j.state = 'succeeded' AND j.finished_at > now() - make_interval(days => %(days)s))
ORDER BY j.finished_at NULLS LAST

-- any_expired --
-- Whether the file of an export is past its time.
SELECT EXISTS (SELECT FROM export JOIN job USING (job_id)
               WHERE finished_at <= now() - make_interval(days => %(days)s))

-- remove_expired --
-- Forget exports whose files are past their time.
DELETE FROM export USING job
WHERE job.job_id = export.job_id AND job.finished_at <= now() - make_interval(days => %(days)s)
