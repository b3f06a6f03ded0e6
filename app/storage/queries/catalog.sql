-- served --
-- The published version, and the state of the version asked for.
SELECT (SELECT version_id FROM publication) AS current,
       (SELECT state FROM version WHERE version_id = %(version)s) AS state

-- cone --
-- One row: what is served, and one page of the stars in a cone, nearest first, as the items of a JSON array.
SELECT (SELECT version_id FROM publication) AS current,
       (SELECT state FROM version WHERE version_id = %(version)s) AS state,
       string_agg(line::text, ',') FILTER (WHERE place <= %(limit)s) AS lines,
       count(*) AS n,
       max(separation_arcsec) FILTER (WHERE place = %(limit)s) AS last_separation,
       max(star_id) FILTER (WHERE place = %(limit)s) AS last_star
FROM (SELECT row_to_json(star) AS line, star_id, separation_arcsec, row_number() OVER () AS place
      FROM (SELECT {columns}, separation_arcsec
            FROM {homogenized} AS h
            CROSS JOIN LATERAL (SELECT {separation} AS separation_arcsec) AS distance
            WHERE {in_cone} AND {beyond}
            ORDER BY separation_arcsec, h.star_id
            LIMIT %(limit)s + 1) AS star) AS numbered

-- from_the_start --
-- Condition on a star in a cone: any.
true

-- after_star --
-- Condition on a star in a cone: it comes after this one.
(separation_arcsec, h.star_id) > (%(after_separation)s, %(after_star)s)

-- star --
-- One row: what is served, a star of the version as JSON (or NULL), and its contributions as a JSON array; of one whose
-- survey row has been replaced since, what the version itself holds.
SELECT (SELECT version_id FROM publication) AS current,
       (SELECT state FROM version WHERE version_id = %(version)s) AS state,
       row_to_json(star) AS star,
       (SELECT json_agg(row_to_json(contribution))
        FROM (SELECT c.survey_id, s.name AS survey, m.object_id, c.measurement_id, m.ingestion_id, m.row_number,
                     m.snr, coalesce(m.excluded, 0) AS excluded, c.in_domain, c.split, c.flags,
                     m.teff AS teff_raw, m.teff - m.teff_err_lower AS teff_raw_lower,
                     m.teff + m.teff_err_upper AS teff_raw_upper, c.teff, c.teff_lower, c.teff_upper, c.teff_weight,
                     m.logg AS logg_raw, m.logg - m.logg_err_lower AS logg_raw_lower,
                     m.logg + m.logg_err_upper AS logg_raw_upper, c.logg, c.logg_lower, c.logg_upper, c.logg_weight,
                     m.feh AS feh_raw, m.feh - m.feh_err_lower AS feh_raw_lower,
                     m.feh + m.feh_err_upper AS feh_raw_upper, c.feh, c.feh_lower, c.feh_upper, c.feh_weight
              FROM {calibrated} AS c
              LEFT JOIN measurement AS m ON m.survey_id = c.survey_id AND m.measurement_id = c.measurement_id
              JOIN survey AS s ON s.survey_id = c.survey_id
              WHERE c.version_id = %(version)s AND c.star_id = star.star_id
              ORDER BY s.name, c.measurement_id) AS contribution) AS contributions
FROM (SELECT) AS one
LEFT JOIN (SELECT h.* FROM {homogenized} AS h WHERE h.version_id = %(version)s AND {condition}) AS star ON true

-- by_number --
-- Condition on `h`: the star of this number.
h.star_id = %(number)s

-- by_gaia --
-- Condition on `h`: the star of this Gaia DR3 source id.
h.gaia_dr3_source_id = %(number)s

-- by_object --
-- Condition on `h`: the star of a survey's object; of several (an ambiguous object) the first.
h.star_id = (SELECT min(c.star_id)
             FROM measurement AS m
             JOIN {calibrated} AS c ON c.version_id = %(version)s AND c.measurement_id = m.measurement_id
             WHERE m.survey_id = (SELECT survey_id FROM survey WHERE name = %(survey)s)
               AND m.object_id = %(object_id)s)

-- survey --
-- A row where there is a survey of this name.
SELECT survey_id FROM survey WHERE name = %(name)s

-- files --
-- The files that were taken in under these numbers.
SELECT ingestion_id, file_name, file_sha256, descriptor_sha256
FROM ingestion
WHERE ingestion_id = ANY(%(numbers)s::integer[])

-- models --
-- The models of a version by survey and parameter.
SELECT survey_id, parameter, model_id, stage, kind, direction, artifact_sha256
FROM model
WHERE version_id = %(version)s
