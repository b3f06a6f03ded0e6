-- lock_survey --
-- Waits until no other transaction ingests into this survey, and none cross-matches.
SELECT pg_advisory_xact_lock_shared(hashtextextended('ingest', 0)),
       pg_advisory_xact_lock(hashtextextended('survey ' || %(name)s, 0))

-- surveys --
-- Every survey, or the one of this name, with what is in of it.
SELECT s.survey_id, s.name, s.title, s.release, s.citation, s.url, s.created_at,
       count(i.ingestion_id)::integer AS n_files,
       coalesce(sum(i.rows_stored), 0)::bigint AS n_rows,
       coalesce(sum(i.rows_rejected), 0)::bigint AS n_rejects
FROM survey AS s LEFT JOIN ingestion AS i ON i.survey_id = s.survey_id AND i.superseded_at IS NULL
WHERE %(name)s::text IS NULL OR s.name = %(name)s
GROUP BY s.survey_id
ORDER BY s.name

-- add_survey --
-- The number of the survey of this name, which is added where it is new; whoever asks holds its lock.
WITH found AS (
    SELECT survey_id FROM survey WHERE name = %(name)s
), added AS (
    INSERT INTO survey (name, title, release, citation, url)
    SELECT %(name)s, %(title)s, %(release)s, %(citation)s, %(url)s WHERE NOT EXISTS (SELECT FROM found)
    RETURNING survey_id
)
SELECT survey_id FROM found UNION ALL SELECT survey_id FROM added

-- ingestions --
-- The files taken into a survey and not replaced, oldest first; optionally only those of one content.
SELECT i.ingestion_id, s.name AS survey, i.file_name, i.file_sha256, i.file_bytes, i.file_format, i.descriptor_sha256,
       i.rows_read, i.rows_stored, i.rows_rejected, i.started_at, i.finished_at
FROM ingestion AS i JOIN survey AS s USING (survey_id)
WHERE s.name = %(name)s AND i.superseded_at IS NULL
  AND (%(file_sha256)s::text IS NULL OR i.file_sha256 = %(file_sha256)s)
ORDER BY i.ingestion_id

-- add_ingestion --
-- Opens the record of a file; its counts follow when all rows are in.
INSERT INTO ingestion (survey_id, file_name, file_sha256, file_bytes, file_format, descriptor, descriptor_sha256,
                       rows_read, rows_stored, rows_rejected, started_at, finished_at)
VALUES (%(survey_id)s, %(file_name)s, %(file_sha256)s, %(file_bytes)s, %(file_format)s, %(descriptor)s,
        %(descriptor_sha256)s, 0, 0, 0, clock_timestamp(), clock_timestamp())
RETURNING ingestion_id

-- finish_ingestion --
-- Counts the rows of an ingestion that are stored and rejected.
UPDATE ingestion SET rows_read = %(rows_stored)s::bigint + %(rows_rejected)s::bigint, rows_stored = %(rows_stored)s,
       rows_rejected = %(rows_rejected)s, finished_at = clock_timestamp()
WHERE ingestion_id = %(ingestion_id)s

-- supersede --
-- Takes the measurements of files out of those that are present, and forgets their rejects.
WITH rejects AS (DELETE FROM reject WHERE ingestion_id = ANY(%(ingestion_ids)s))
UPDATE ingestion SET superseded_at = clock_timestamp() WHERE ingestion_id = ANY(%(ingestion_ids)s)

-- rejects --
-- Rejected rows of a survey by file and row, after a given one.
SELECT s.name AS survey, i.file_name, r.row_number, r.reason, r.original, r.ingestion_id
FROM reject AS r JOIN ingestion AS i USING (ingestion_id) JOIN survey AS s ON s.survey_id = r.survey_id
WHERE s.name = %(name)s AND (r.ingestion_id, r.row_number) > (%(after_ingestion)s, %(after_row)s)
ORDER BY r.ingestion_id, r.row_number
LIMIT %(limit)s

-- reject_reasons --
-- How many rows of a survey were rejected, by reason.
SELECT r.reason, count(*) AS n_rows FROM reject AS r JOIN survey AS s USING (survey_id)
WHERE s.name = %(name)s GROUP BY r.reason ORDER BY n_rows DESC, r.reason
