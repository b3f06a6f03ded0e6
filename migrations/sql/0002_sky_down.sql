-- The functions of 0002_sky.sql; together, because they use one another.

DROP FUNCTION q3c_poly_query, q3c_in_poly, sky_polygon_boxes, sky_polygon_cap, q3c_join_pm, q3c_join, q3c_radial_query,
    q3c_dist_pm, q3c_sindist_pm, sky_shift, sky_angle, q3c_dist, q3c_sindist, sky_boxes, sky_box, sky_half_width;
