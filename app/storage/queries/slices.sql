-- page --
-- One page of rows ordered by a unique number, as the items of a JSON array, and the number of its last row.
SELECT string_agg(line::text, ',') FILTER (WHERE place <= {limit}) AS lines,
       count(*) AS n,
       max(key) FILTER (WHERE place = {limit}) AS last
FROM (SELECT key, line, row_number() OVER () AS place
      FROM (SELECT {key} AS key, (SELECT row_to_json(columns) FROM (SELECT {columns}) AS columns) AS line
            {source}
            WHERE {condition} AND {key} > {after}
            ORDER BY {key}
            LIMIT {limit} + 1) AS found) AS numbered

-- catalogue --
-- The homogenized stars of a version.
FROM {homogenized} AS h

-- measurements --
-- The measurements of a survey that are in a version, with what it made of them and every original column; those that
-- came later are in a later one.
FROM {measurement} AS m
JOIN {calibrated} AS c
    ON c.version_id = {version} AND c.measurement_id = m.measurement_id AND c.survey_id = {survey_id}
LEFT JOIN {raw} AS r ON r.measurement_id = m.measurement_id

-- seen_by --
-- Condition on a star `h`: the survey has a calibrated measurement of it.
EXISTS (SELECT
        FROM {calibrated} AS c
        WHERE c.version_id = h.version_id
          AND c.star_id = h.star_id
          AND c.survey_id = (SELECT survey_id FROM survey WHERE name = {survey}))

-- original_columns --
-- The columns of a survey's raw table, the names of their types and what is said about them, in the order of the file.
SELECT attname AS name, typname AS type, col_description(attrelid, attnum) AS comment
FROM pg_attribute
JOIN pg_type ON pg_type.oid = atttypid
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
  AND attname NOT IN ('measurement_id', 'ingestion_id', 'row_number')
ORDER BY attnum

-- text_sizes --
-- Two columns about a text column: bytes of the longest text when all but printable ASCII is escaped (4 bytes for each
-- at most), and whether all of it is ASCII.
coalesce(max(CASE WHEN {text} COLLATE "C" ~ '[^ -~]' THEN 4 ELSE 1 END * octet_length({text})), 0),
coalesce(bool_and(octet_length({text}) = char_length({text})), true)
