-- pairs_within_radius --
-- Every pair of rows of two tables (id, ra, dec) closer than a radius, by one hash join over square cells in degrees.
-- The left side is repeated into each cell that its circle touches: as a rule one, never more than the cells of a band.
-- No index is needed. Cells are as wide in ra everywhere: around a pole a circle touches many, but few stars are there.
WITH reach AS (
    SELECT {left_id} AS id, ra, dec,
           floor((dec - r) / size)::int AS first_band, floor((dec + r) / size)::int AS last_band,
           CASE WHEN abs(dec) + r >= 89.9999 THEN 180
                ELSE degrees(asin(sin(radians(r)) / cos(radians(dec)))) + 1e-9 END AS half
    FROM {left}, (SELECT %(radius_arcsec)s::float8 / 3600 AS r, 360.0::float8 / %(cells)s::int AS size) AS circle
    OFFSET 0
), bands AS (
    SELECT id, ra, dec, half, generate_series(first_band, last_band) AS band FROM reach
), spans AS (
    SELECT id, ra, dec, band, floor((ra - half) * (%(cells)s::int / 360.0::float8))::int AS first,
           floor((ra + half) * (%(cells)s::int / 360.0::float8))::int AS last
    FROM bands OFFSET 0
), cells AS (
    SELECT id, ra, dec, band, generate_series(first, least(last, first + %(cells)s::int - 1)) AS bin FROM spans
), left_cells AS (
    SELECT id, ra, dec, band::bigint * %(cells)s::int + mod(bin + %(cells)s::int, %(cells)s::int) AS cell FROM cells
), right_cells AS (
    SELECT {right_id} AS id, ra, dec, floor(dec / (360.0::float8 / %(cells)s::int))::bigint * %(cells)s::int
           + floor(ra * (%(cells)s::int / 360.0::float8))::int AS cell
    FROM {right}
), pairs AS (
    SELECT l.id AS left_id, r.id AS right_id,
           power(sin(radians(l.dec - r.dec) / 2), 2)
           + cos(radians(l.dec)) * cos(radians(r.dec)) * power(sin(radians(l.ra - r.ra) / 2), 2) AS squared
    FROM left_cells AS l JOIN right_cells AS r USING (cell)
)
SELECT left_id, right_id, 7200 * degrees(asin(sqrt(least(squared, 1)))) AS separation_arcsec
FROM pairs WHERE squared < power(sin(radians(%(radius_arcsec)s::float8 / 3600) / 2), 2)

-- hash_joins --
-- Lets this transaction join by hash in memory: the planner takes the cells of a circle for thousands and would sort.
SELECT set_config('enable_mergejoin', 'off', true), set_config('work_mem', '256MB', true)
