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

-- pixel --
-- The nested HEALPix pixel of order 29 of the columns ra and dec (Gorski et al. 2005, ApJ 622, 759). Each OFFSET keeps the planner from writing a step out at every place that uses it. The outer five
-- steps take the bits of x and y, which stand in the lower and the upper half, in turn.
(SELECT (face << 58) | bits
 FROM (
  SELECT face, (bits & 1844674407370955161)
               | ((bits & 2459565876494606882) << 1) | ((bits >> 1) & 2459565876494606882) AS bits FROM (
  SELECT face, (bits & 4882961666570175427)
               | ((bits & 868082074056920076) << 2) | ((bits >> 2) & 868082074056920076) AS bits FROM (
  SELECT face, (bits & 8074936608141340687)
               | ((bits & 67555025218437360) << 4) | ((bits >> 4) & 67555025218437360) AS bits FROM (
  SELECT face, (bits & 9151315542311698687)
               | ((bits & 280375465148160) << 8) | ((bits >> 8) & 280375465148160) AS bits FROM (
  SELECT face, (bits & 9223090561878130687)
               | ((bits & 4294901760) << 16) | ((bits >> 16) & 4294901760) AS bits FROM (
  SELECT face, CASE WHEN abs(sine) <= 2 / 3.0::float8
                    THEN (rising & 536870911) | ((536870911 - (falling & 536870911)) << 32)
                    WHEN sine > 0 THEN (536870911 - farther) | ((536870911 - nearer) << 32)
                    ELSE nearer | (farther << 32) END AS bits
  FROM (SELECT sine, rising, falling, nearer, farther,
               CASE WHEN abs(sine) > 2 / 3.0::float8 THEN quarter + CASE WHEN sine > 0 THEN 0 ELSE 8 END
                    WHEN falling >> 29 = rising >> 29 THEN (rising >> 29) | 4
                    WHEN falling >> 29 < rising >> 29 THEN falling >> 29
                    ELSE (rising >> 29) + 8 END AS face
        FROM (SELECT sine, quarter,
                     floor(536870912 * (0.5::float8 + turn - 0.75::float8 * sine))::bigint AS falling,
                     floor(536870912 * (0.5::float8 + turn + 0.75::float8 * sine))::bigint AS rising,
                     least(536870911, floor((turn - quarter) * reach)::bigint) AS nearer,
                     least(536870911, floor((1 - turn + quarter) * reach)::bigint) AS farther
              FROM (SELECT turn, sine, least(3, floor(turn)::bigint) AS quarter,
                           536870912 * cosine / sqrt((1 + abs(sine)) / 3) AS reach
                    FROM (SELECT ra / 90 AS turn, sin(radians(dec)) AS sine, cos(radians(dec)) AS cosine
                          OFFSET 0) AS direction
                    OFFSET 0) AS polar
              OFFSET 0) AS numbers
        OFFSET 0) AS faces
  OFFSET 0
  ) AS step_1 OFFSET 0
  ) AS step_2 OFFSET 0
  ) AS step_3 OFFSET 0
  ) AS step_4 OFFSET 0
  ) AS step_5 OFFSET 0
 ) AS interleaved)

-- in_pixels --
-- Condition on the columns ra and dec: their pixel lies in ranges of pixels.
{pixel} <@ {ranges}::int8multirange
