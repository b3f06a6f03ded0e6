-- seen_together --
-- For every set of surveys that saw stars of a version together: the numbers of the surveys, and how many stars.
SELECT surveys, count(*) AS n_stars
FROM (SELECT array_agg(DISTINCT survey_id) AS surveys
      FROM {calibrated} AS c
      WHERE c.version_id = {version}
      GROUP BY star_id) AS star
GROUP BY surveys

-- pixels --
-- The pixels of an order in which a survey has stars of a version.
SELECT DISTINCT {pixel} >> {shift} AS cell
FROM {homogenized} AS h
WHERE h.version_id = {version}
  AND EXISTS (SELECT FROM {calibrated} AS c
              WHERE c.version_id = {version} AND c.star_id = h.star_id AND c.survey_id = {survey_id})
