-- seen_together --
-- For every set of two or more surveys: how many stars were seen by exactly these.
SELECT surveys, count(*) AS n_stars
FROM (SELECT array_agg(DISTINCT s.name ORDER BY s.name) AS surveys
      FROM star JOIN match USING (star_id) JOIN survey AS s USING (survey_id)
      WHERE star.n_surveys > 1
      GROUP BY star_id) AS seen
GROUP BY surveys

-- by_number --
-- The star with this number.
SELECT star_id FROM star WHERE star_id = %(number)s::bigint

-- by_gaia --
-- The star with this Gaia DR3 source id.
SELECT star_id FROM star WHERE gaia_dr3_source_id = %(source_id)s::bigint

-- by_object --
-- The star that a survey's object is, the first of several.
SELECT x.star_id
FROM survey AS s
JOIN present_measurement AS m ON m.survey_id = s.survey_id
JOIN match AS x ON x.measurement_id = m.measurement_id
WHERE s.name = %(survey)s AND m.object_id = %(object_id)s
ORDER BY x.star_id LIMIT 1
