-- seen_together --
-- For every set of surveys that saw stars of a version together: the numbers of the surveys, and how many stars.
SELECT surveys, count(*) AS n_stars
FROM (SELECT array_agg(DISTINCT survey_id) AS surveys
      FROM {calibrated} AS c
      WHERE c.version_id = {version}
      GROUP BY star_id) AS star
GROUP BY surveys
