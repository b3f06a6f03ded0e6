-- named --
-- The stars of a version that a list of identifiers names, by place in the list. Of several stars of one identifier (an
-- ambiguous object) the first.
WITH asked AS (
    SELECT *
    FROM unnest(%(places)s::int[], %(numbers)s::bigint[], %(gaia)s::bigint[], %(surveys)s::text[],
                %(objects)s::text[]) AS list (place, number, gaia, survey, object_id)
)
SELECT place, number AS star_id FROM asked WHERE number IS NOT NULL
UNION ALL
SELECT place, min(h.star_id)
FROM asked JOIN {homogenized} AS h ON h.version_id = {version} AND h.gaia_dr3_source_id = gaia
GROUP BY place
UNION ALL
SELECT place, min(c.star_id)
FROM asked
JOIN survey AS s ON s.name = survey
JOIN measurement AS m ON m.survey_id = s.survey_id AND m.object_id = asked.object_id
JOIN {calibrated} AS c ON c.version_id = {version} AND c.measurement_id = m.measurement_id
GROUP BY place

-- stars --
-- The stars named in a list: the place in it, and the row as JSON with the identifier in front, in that order.
SELECT place, (SELECT row_to_json(columns)
               FROM (SELECT (%(ids)s::text[])[place + 1] AS id, {columns}) AS columns)::text AS line
FROM ({named}) AS named JOIN {homogenized} AS h ON h.version_id = {version} AND h.star_id = named.star_id
ORDER BY place

-- rows_named --
-- The stars named in a list: the place in it, and the columns.
SELECT place, {columns}
FROM ({named}) AS named JOIN {homogenized} AS h ON h.version_id = {version} AND h.star_id = named.star_id

-- rows_near --
-- The nearest star to each position that has one within the radius: the place in the list of positions, how far the star
-- is, how many there are within the radius, and the columns. In the order of the list, which PostgreSQL knows by the
-- number: it sorts the stars around one position, never all of them, and hands out the first while it looks for the last.
SELECT DISTINCT ON (number) place, 3600 * q3c_dist(list.ra, list.dec, h.ra, h.dec) AS separation_arcsec,
       count(*) OVER (PARTITION BY number)::int AS n_candidates, {columns}
FROM unnest(%(places)s::int[], %(ra)s::float8[], %(dec)s::float8[]) WITH ORDINALITY AS list (place, ra, dec, number)
JOIN {homogenized} AS h ON {joined}
ORDER BY number, separation_arcsec, h.star_id

-- surveys --
-- The names of all surveys.
SELECT name FROM survey
