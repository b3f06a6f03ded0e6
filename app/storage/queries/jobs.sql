-- newest_jobs --
-- Jobs with their state and the time of their last event, newest first.
SELECT j.id, j.task_name, j.status::text, j.args, j.attempts, j.scheduled_at, max(e.at)
FROM jobs.procrastinate_jobs AS j
LEFT JOIN jobs.procrastinate_events AS e ON e.job_id = j.id
GROUP BY j.id
ORDER BY j.id DESC
LIMIT %(limit)s
