-- stars --
-- The stars of a version that a list of identifiers names: the place in the list and the row as JSON, in that order.
-- Of several stars of one identifier (an ambiguous object) the first.
WITH asked AS (
    SELECT *
    FROM unnest(%(places)s::int[], %(ids)s::text[], %(numbers)s::bigint[], %(gaia)s::bigint[], %(surveys)s::text[],
                %(objects)s::text[]) AS list (place, id, number, gaia, survey, object_id)
), named AS (
    SELECT place, id, number AS star_id FROM asked WHERE number IS NOT NULL
    UNION ALL
    SELECT place, id, min(h.star_id)
    FROM asked JOIN {homogenized} AS h ON h.version_id = {version} AND h.gaia_dr3_source_id = gaia
    GROUP BY place, id
    UNION ALL
    SELECT place, id, min(c.star_id)
    FROM asked
    JOIN survey AS s ON s.name = survey
    JOIN measurement AS m ON m.survey_id = s.survey_id AND m.object_id = asked.object_id
    JOIN {calibrated} AS c ON c.version_id = {version} AND c.measurement_id = m.measurement_id
    GROUP BY place, id
)
SELECT place, (SELECT row_to_json(columns) FROM (SELECT id, {columns}) AS columns)::text AS line
FROM named JOIN {homogenized} AS h ON h.version_id = {version} AND h.star_id = named.star_id
ORDER BY place

-- surveys --
-- The names of all surveys.
SELECT name FROM survey
