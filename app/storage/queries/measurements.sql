-- partition_exists --
-- Whether a table of this name exists.
SELECT to_regclass(%(table)s) IS NOT NULL

-- create_partition --
-- A survey's measurements as a table of its own, without indexes until it is filled.
CREATE TABLE {table} (LIKE measurement INCLUDING DEFAULTS INCLUDING CONSTRAINTS)

-- check_partition --
-- Tells PostgreSQL what the table holds, so that it attaches without reading all rows.
ALTER TABLE {table} ADD CONSTRAINT of_survey CHECK (survey_id = {survey_id})

-- attach_partition --
-- Makes the table a part of all measurements; this builds its indexes.
ALTER TABLE measurement ATTACH PARTITION {table} FOR VALUES IN ({survey_id})

-- drop_check --
-- The partition bound says the same from now on.
ALTER TABLE {table} DROP CONSTRAINT of_survey

-- analyze --
-- Statistics for the planner.
ANALYZE {table}

-- take_numbers --
-- Takes a block of measurement numbers and returns its last; one at a time, and nothing can fail between the locks.
SELECT pg_advisory_lock(hashtextextended('measurement numbers', 0)),
       setval('measurement_number', nextval('measurement_number') + %(count)s - 1) AS last,
       pg_advisory_unlock(hashtextextended('measurement numbers', 0))

-- repeated_objects --
-- Rows of an ingestion whose object the survey has from another file already.
SELECT m.measurement_id, m.row_number, 'object ' || m.object_id || ' is in already, from ' || i.file_name AS reason
FROM measurement AS m
JOIN (
    SELECT o.object_id, min(o.ingestion_id) AS ingestion_id FROM present_measurement AS o
    WHERE o.survey_id = %(survey_id)s AND o.ingestion_id <> %(ingestion_id)s
    GROUP BY o.object_id
) AS earlier ON earlier.object_id = m.object_id
JOIN ingestion AS i ON i.ingestion_id = earlier.ingestion_id
WHERE m.survey_id = %(survey_id)s AND m.ingestion_id = %(ingestion_id)s

-- delete_rows --
-- Deletes measurements by number, with what matched them to stars.
WITH matches AS (DELETE FROM match WHERE measurement_id = ANY(%(numbers)s))
DELETE FROM measurement WHERE survey_id = %(survey_id)s AND measurement_id = ANY(%(numbers)s)

-- unneeded --
-- Replaced files whose rows no star has and no version refers to; none while a version that may is being made.
SELECT i.ingestion_id, i.survey_id, s.name AS survey
FROM ingestion AS i JOIN survey AS s USING (survey_id)
WHERE i.superseded_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM version WHERE state IN ('queued', 'running'))
  AND NOT EXISTS (SELECT FROM measurement AS m JOIN match AS x ON x.measurement_id = m.measurement_id
                  WHERE m.survey_id = i.survey_id AND m.ingestion_id = i.ingestion_id)
  AND NOT EXISTS (SELECT FROM measurement AS m CROSS JOIN version AS v
                  JOIN calibrated AS c ON c.version_id = v.version_id AND c.measurement_id = m.measurement_id
                  WHERE m.survey_id = i.survey_id AND m.ingestion_id = i.ingestion_id)
ORDER BY i.ingestion_id

-- delete_ingestion --
-- Deletes the measurements of a replaced file, and its record.
WITH gone AS (DELETE FROM measurement WHERE survey_id = %(survey_id)s AND ingestion_id = %(ingestion_id)s)
DELETE FROM ingestion WHERE ingestion_id = %(ingestion_id)s
