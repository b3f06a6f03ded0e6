-- page --
-- One page of a survey's rejected rows as the items of a JSON array, and the place of its last row.
SELECT string_agg(line::text, ',') FILTER (WHERE place <= %(limit)s) AS lines,
       count(*) AS n,
       max(ingestion_id) FILTER (WHERE place = %(limit)s) AS last_ingestion,
       max(row_number) FILTER (WHERE place = %(limit)s) AS last_row
FROM (SELECT ingestion_id, row_number, row_to_json(line) AS line, row_number() OVER () AS place
      FROM (SELECT r.ingestion_id, r.row_number, line
            FROM reject AS r
            JOIN ingestion AS i USING (ingestion_id)
            CROSS JOIN LATERAL (SELECT i.file_name, r.row_number, r.reason, {original} AS original) AS line
            WHERE r.survey_id = %(survey_id)s
              AND (r.ingestion_id, r.row_number) > (%(after_ingestion)s, %(after_row)s)
            ORDER BY r.ingestion_id, r.row_number
            LIMIT %(limit)s + 1) AS found) AS numbered

-- readable_original --
-- The original values of a rejected row `r`; whole numbers that a double cannot hold are text, as ids are everywhere.
(SELECT json_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' AND abs(value::numeric) > 9007199254740991
                                  THEN to_jsonb(value #>> '{{}}') ELSE value END)
 FROM jsonb_each(r.original))
