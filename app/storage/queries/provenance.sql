-- ingestions --
-- The files that had been taken in when a version was made, replaced since or not.
SELECT i.ingestion_id, s.name AS survey, i.file_name, i.file_sha256, i.file_bytes, i.file_format, i.descriptor_sha256,
       i.rows_read, i.rows_stored, i.rows_rejected, i.started_at, i.finished_at
FROM version AS v
JOIN ingestion AS i ON i.finished_at <= v.created_at
JOIN survey AS s USING (survey_id)
WHERE v.version_id = %(version)s
ORDER BY s.name, i.ingestion_id

-- figures --
-- The figures of a version's report, without their bytes.
SELECT f.name, a.media_type, a.sha256
FROM figure AS f
JOIN artifact AS a ON a.sha256 = f.artifact_sha256
WHERE f.version_id = %(version)s
ORDER BY f.name

-- publications --
-- Every moment from which a version was served.
SELECT event_id, action, previous_id, at FROM publication_event WHERE version_id = %(version)s ORDER BY event_id
