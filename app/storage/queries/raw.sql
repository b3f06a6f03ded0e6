-- columns --
-- The columns of a raw table with their types.
SELECT attname AS name, atttypid::regtype::text AS type FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum

-- create --
-- A survey's rows as it published them; the primary key follows when the first file is in.
CREATE TABLE {table} (measurement_id bigint NOT NULL, ingestion_id integer NOT NULL, row_number bigint NOT NULL)

-- add_columns --
-- Adds columns that a file brings.
ALTER TABLE {table} {additions}

-- widen_column --
-- Gives a column the type that holds its old and new values.
ALTER TABLE {table} ALTER COLUMN {column} TYPE {type} USING {column}::{type}

-- too_large --
-- Whether a column holds whole numbers that double precision would round.
SELECT EXISTS (SELECT FROM {table} WHERE {column} NOT BETWEEN -9007199254740992 AND 9007199254740992)

-- comments --
-- What has been said about the columns of a raw table.
SELECT attname AS name, col_description(attrelid, attnum) AS comment FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NOT NULL

-- comment --
-- Say something about a column.
COMMENT ON COLUMN {table}.{column} IS {comment}

-- add_key --
-- Made after the rows are in: an index built at once is faster than one kept up row by row.
ALTER TABLE {table} ADD PRIMARY KEY (measurement_id)

-- analyze --
-- Statistics for the planner.
ANALYZE {table}

-- rows_as_json --
-- Original values of some rows as JSON, without our own columns.
SELECT measurement_id, (to_jsonb(r) - ARRAY['measurement_id', 'ingestion_id', 'row_number'])::text AS original
FROM {table} AS r WHERE measurement_id = ANY(%(numbers)s)

-- delete_rows --
-- Deletes rows by measurement number.
DELETE FROM {table} WHERE measurement_id = ANY(%(numbers)s)

-- delete_ingestions --
-- Deletes all rows of some files.
DELETE FROM {table} WHERE ingestion_id = ANY(%(ingestion_ids)s)
