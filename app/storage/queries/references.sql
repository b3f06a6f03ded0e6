-- forget --
-- Removes a reference table with its rows.
DELETE FROM reference_file WHERE source = %(source)s

-- files --
-- The reference tables that are loaded.
SELECT source, title, citation, file_name, file_sha256, rows_read, rows_stored, left_out, loaded_at
FROM reference_file ORDER BY source

-- stars --
-- The stars of one reference table.
SELECT row_number, name, coalesce(gaia_dr3_source_id, 0) AS gaia_dr3_source_id, tmass,
       teff, teff_err, logg, logg_err, feh, feh_err
FROM reference_star WHERE source = %(source)s ORDER BY row_number

-- clusters --
-- Mean [Fe/H] of the clusters of one kind.
SELECT cluster, name, ra, dec, feh, feh_err, coalesce(n_stars, 0) AS n_stars
FROM reference_cluster WHERE kind = %(kind)s ORDER BY cluster

-- members --
-- Members of clusters, numbered in the order of their ids.
SELECT row_number() OVER (ORDER BY source, gaia_dr3_source_id) AS row_number, gaia_dr3_source_id, cluster, name,
       probability
FROM reference_member

-- stars_by_identifier --
-- Stars of a version that share a Gaia DR3 id or a 2MASS designation with a star of a reference table.
SELECT r.row_number, h.star_id, true AS by_id, 0::float8 AS separation_arcsec, false AS other_id
FROM reference_star AS r
JOIN homogenized AS h ON h.gaia_dr3_source_id = r.gaia_dr3_source_id
WHERE r.source = %(source)s AND h.version_id = %(version_id)s
UNION
SELECT r.row_number, s.star_id, true, 0::float8, false
FROM reference_star AS r JOIN star AS s ON s.tmass = r.tmass
WHERE r.source = %(source)s

-- stars_by_position --
-- Stars of a version near the place of a star of a reference table; other_id where both have Gaia ids that differ.
SELECT r.row_number, h.star_id, false AS by_id,
       3600 * q3c_dist(r.ra, r.dec, h.ra, h.dec) AS separation_arcsec,
       coalesce(h.gaia_dr3_source_id <> r.gaia_dr3_source_id, false)
           OR coalesce(s.tmass <> r.tmass, false) AS other_id
FROM reference_star AS r
JOIN homogenized AS h ON q3c_join(r.ra, r.dec, h.ra, h.dec, %(radius_deg)s::float8)
JOIN star AS s ON s.star_id = h.star_id
WHERE r.source = %(source)s AND h.version_id = %(version_id)s

-- members_by_identifier --
-- Stars of a version that share their Gaia DR3 id with a member of a cluster.
SELECT r.row_number, h.star_id, true AS by_id, 0::float8 AS separation_arcsec, false AS other_id
FROM (SELECT row_number() OVER (ORDER BY source, gaia_dr3_source_id) AS row_number, gaia_dr3_source_id
      FROM reference_member) AS r
JOIN homogenized AS h USING (gaia_dr3_source_id)
WHERE h.version_id = %(version_id)s

-- members_by_position --
-- Stars of a version near the place of a member of a cluster.
SELECT r.row_number, h.star_id, false AS by_id,
       3600 * q3c_dist(r.ra, r.dec, h.ra, h.dec) AS separation_arcsec,
       coalesce(h.gaia_dr3_source_id <> r.gaia_dr3_source_id, false) AS other_id
FROM (SELECT row_number() OVER (ORDER BY source, gaia_dr3_source_id) AS row_number, gaia_dr3_source_id, ra, dec
      FROM reference_member) AS r
JOIN homogenized AS h ON q3c_join(r.ra, r.dec, h.ra, h.dec, %(radius_deg)s::float8)
WHERE h.version_id = %(version_id)s

-- around_clusters --
-- Stars of a version around the centres of clusters, with their distance in degrees.
SELECT r.cluster, h.star_id, q3c_dist(r.ra, r.dec, h.ra, h.dec) AS distance_deg
FROM reference_cluster AS r
JOIN homogenized AS h ON q3c_join(r.ra, r.dec, h.ra, h.dec, %(radius_deg)s::float8)
WHERE r.kind = %(kind)s AND h.version_id = %(version_id)s

-- calibrated_rows --
-- Reported and calibrated values of all measurements of some stars, blends left out.
SELECT c.star_id, c.survey_id, c.split, c.in_domain, m.excluded, m.snr,
       m.teff AS teff_raw, m.logg AS logg_raw, m.feh AS feh_raw,
       c.teff, c.teff_lower, c.teff_upper, c.teff_weight,
       c.logg, c.logg_lower, c.logg_upper, c.logg_weight,
       c.feh, c.feh_lower, c.feh_upper, c.feh_weight
FROM calibrated AS c
JOIN measurement AS m ON m.measurement_id = c.measurement_id AND m.survey_id = c.survey_id
JOIN match AS x ON x.measurement_id = c.measurement_id
WHERE c.version_id = %(version_id)s AND c.star_id = ANY(%(stars)s::bigint[]) AND NOT x.ambiguous
ORDER BY c.star_id, c.survey_id, c.measurement_id

-- homogenized_rows --
-- Combined values of some stars.
SELECT h.star_id, s.split, s.n_surveys,
       h.teff, h.teff_lower, h.teff_upper, h.logg, h.logg_lower, h.logg_upper, h.feh, h.feh_lower, h.feh_upper
FROM homogenized AS h JOIN star AS s USING (star_id)
WHERE h.version_id = %(version_id)s AND h.star_id = ANY(%(stars)s::bigint[])
ORDER BY h.star_id
