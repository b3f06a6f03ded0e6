-- figures --
-- What who runs the service watches, in one row; a worker gave its last sign of life %(patience_s)s ago at most.
SELECT
    (SELECT coalesce(json_agg(json_build_array(kind, state, n)), '[]')
     FROM (SELECT kind, state, count(*) AS n FROM job GROUP BY kind, state) AS j) AS jobs,
    (SELECT coalesce(json_agg(json_build_array(task, state, n)), '[]')
     FROM (SELECT task, state, count(*) AS n FROM job_step GROUP BY task, state) AS s) AS steps,
    (SELECT coalesce(json_agg(json_build_array(phase, n)), '[]')
     FROM (SELECT phase, count(*) AS n FROM tap_job GROUP BY phase) AS t) AS tap_jobs,
    (SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8
     FROM job WHERE state = 'queued') AS oldest_queued_job_s,
    (SELECT extract(epoch FROM clock_timestamp() - min(s.queued_at))::float8
     FROM job_step AS s JOIN job AS j USING (job_id)
     WHERE s.state = 'queued' AND j.state = 'running') AS oldest_queued_step_s,
    w.alive AS workers, extract(epoch FROM clock_timestamp() - w.seen_at)::float8 AS worker_silence_s,
    p.version_id AS version, v.n_stars AS stars, extract(epoch FROM p.published_at)::float8 AS published_at_s
FROM (SELECT count(*) FILTER (WHERE last_heartbeat > now() - make_interval(secs => %(patience_s)s)) AS alive,
             max(last_heartbeat) AS seen_at
      FROM jobs.procrastinate_workers) AS w
LEFT JOIN publication AS p ON true
LEFT JOIN version AS v USING (version_id)
