-- Sky queries in core PostgreSQL, with the names, argument order and results of the q3c extension (2.0).
--
-- The index is SP-GiST on point(ra, dec) in degrees. A circle is one box in (ra, dec), or two where it crosses RA 0;
-- around a pole it is the whole band. `<@ ANY (boxes)` is one bitmap index scan over these boxes, also in a generic
-- plan; the exact distance decides afterwards. Everything but the polygons is a single expression that the planner
-- puts in place of the call, so that the index is seen: no function here is STRICT, and no argument is computed twice
-- from a long expression. Bodies are bound when created: no search_path changes what they mean.
--
-- Positions: 0 <= ra <= 360, -90 <= dec <= 90. Like q3c, a circle does not hold its own rim: radius 0 finds nothing.

CREATE FUNCTION sky_half_width("dec" float8, radius float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN abs("dec") + radius >= 89.9999 THEN 360
            ELSE degrees(asin(sin(radians(radius)) / cos(radians("dec")))) + 1e-9 END;
COMMENT ON FUNCTION sky_half_width IS 'how far a circle reaches in right ascension on either side of its centre';

CREATE FUNCTION sky_box(ra float8, "dec" float8, radius float8) RETURNS box
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN box(point(ra - sky_half_width("dec", radius), "dec" - radius - 1e-9),
           point(ra + sky_half_width("dec", radius), "dec" + radius + 1e-9));
COMMENT ON FUNCTION sky_box IS 'the box around a circle; it may reach below RA 0 or above RA 360';

CREATE FUNCTION sky_boxes(ra float8, "dec" float8, radius float8) RETURNS box[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
    sky_box(ra, "dec", radius),
    CASE WHEN abs("dec") + radius >= 89.9999 THEN NULL
         WHEN ra < sky_half_width("dec", radius) THEN sky_box(ra, "dec", radius) + point(360, 0)
         WHEN ra + sky_half_width("dec", radius) >= 360 THEN sky_box(ra, "dec", radius) - point(360, 0) END];
COMMENT ON FUNCTION sky_boxes IS 'the boxes that hold a circle, on both sides of RA 0';

CREATE FUNCTION q3c_sindist(ra1 float8, dec1 float8, ra2 float8, dec2 float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN power(sin(radians(dec1 - dec2) / 2), 2)
     + cos(radians(dec1)) * cos(radians(dec2)) * power(sin(radians(ra1 - ra2) / 2), 2);
COMMENT ON FUNCTION q3c_sindist IS 'squared sine of half the distance between two positions';

CREATE FUNCTION q3c_dist(ra1 float8, dec1 float8, ra2 float8, dec2 float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN degrees(atan2(
    sqrt(power(cos(radians(dec2)) * sin(radians(ra2 - ra1)), 2)
       + power(cos(radians(dec1)) * sin(radians(dec2))
             - sin(radians(dec1)) * cos(radians(dec2)) * cos(radians(ra2 - ra1)), 2)),
    sin(radians(dec1)) * sin(radians(dec2)) + cos(radians(dec1)) * cos(radians(dec2)) * cos(radians(ra2 - ra1))));
COMMENT ON FUNCTION q3c_dist IS 'distance in degrees between two positions';

CREATE FUNCTION sky_angle(sindist float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN degrees(2 * asin(sqrt(CASE WHEN sindist > 1 THEN 1 ELSE sindist END)));
COMMENT ON FUNCTION sky_angle IS 'the angle in degrees whose half has this squared sine';

CREATE FUNCTION sky_shift(pm float8, other_pm float8, years float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pm IS NULL OR other_pm IS NULL OR years IS NULL THEN 0 ELSE pm * years / 3600000 END;
COMMENT ON FUNCTION sky_shift IS 'degrees travelled at pm mas/yr; none where either component or the time is unknown';

CREATE FUNCTION q3c_sindist_pm(ra1 float8, dec1 float8, pmra1 float8, pmdec1 float8, cosdec_flag int, epoch1 float8,
                               ra2 float8, dec2 float8, epoch2 float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN q3c_sindist(
    ra1 + sky_shift(pmra1, pmdec1, epoch2 - epoch1) / CASE WHEN cosdec_flag = 0 THEN 1 ELSE cos(radians(dec1)) END,
    dec1 + sky_shift(pmdec1, pmra1, epoch2 - epoch1), ra2, dec2);
COMMENT ON FUNCTION q3c_sindist_pm IS 'q3c_sindist after the first position has moved to the epoch of the second';

CREATE FUNCTION q3c_dist_pm(ra1 float8, dec1 float8, pmra1 float8, pmdec1 float8, cosdec_flag int, epoch1 float8,
                            ra2 float8, dec2 float8, epoch2 float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sky_angle(q3c_sindist_pm(ra1, dec1, pmra1, pmdec1, cosdec_flag, epoch1, ra2, dec2, epoch2));
COMMENT ON FUNCTION q3c_dist_pm IS
    'distance in degrees, the first position moved to the second''s epoch; pm in mas/yr, pmra times cos(dec) if flag = 1';

CREATE FUNCTION q3c_radial_query(ra float8, "dec" float8, center_ra float8, center_dec float8, radius float8)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN point(ra, "dec") <@ ANY (sky_boxes(center_ra, center_dec, radius))
   AND q3c_sindist(ra, "dec", center_ra, center_dec) < power(sin(radians(radius) / 2), 2);
COMMENT ON FUNCTION q3c_radial_query IS 'whether (ra, dec), the indexed columns, lies in a circle; all in degrees';

CREATE FUNCTION q3c_join(leftra float8, leftdec float8, rightra float8, rightdec float8, radius float8)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN point(rightra, rightdec) <@ ANY (sky_boxes(leftra, leftdec, radius))
   AND q3c_sindist(leftra, leftdec, rightra, rightdec) < power(sin(radians(radius) / 2), 2);
COMMENT ON FUNCTION q3c_join IS 'whether two positions are closer than radius degrees; the right side is the indexed one';

CREATE FUNCTION q3c_join_pm(left_ra float8, left_dec float8, left_pmra float8, left_pmdec float8, cosdec_flag int,
                            left_epoch float8, right_ra float8, right_dec float8, right_epoch float8,
                            max_epoch_delta float8, radius float8)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN point(right_ra, right_dec) <@ ANY (sky_boxes(left_ra, left_dec,
           radius + sky_shift(abs(left_pmra) + abs(left_pmdec), 0, max_epoch_delta)))
   AND q3c_sindist_pm(left_ra, left_dec, left_pmra, left_pmdec, cosdec_flag, left_epoch,
                      right_ra, right_dec, right_epoch) < power(sin(radians(radius) / 2), 2);
COMMENT ON FUNCTION q3c_join_pm IS
    'q3c_join after the left position has moved to the right one''s epoch, at most max_epoch_delta years away';

CREATE FUNCTION sky_polygon_cap(poly float8[]) RETURNS float8[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
    n int := array_length(poly, 1) / 2;
    x float8 := 0;
    y float8 := 0;
    z float8 := 0;
    ra float8;
    "dec" float8;
    largest float8 := 0;
BEGIN
    IF array_length(poly, 1) % 2 <> 0 OR n < 3 THEN
        RAISE EXCEPTION 'a polygon is an array of ra and dec of three or more corners, got % numbers',
            array_length(poly, 1) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR i IN 1..n LOOP
        x := x + cos(radians(poly[2 * i])) * cos(radians(poly[2 * i - 1]));
        y := y + cos(radians(poly[2 * i])) * sin(radians(poly[2 * i - 1]));
        z := z + sin(radians(poly[2 * i]));
    END LOOP;
    ra := degrees(atan2(y, x));
    ra := CASE WHEN ra < 0 THEN ra + 360 ELSE ra END;
    "dec" := degrees(atan2(z, sqrt(x * x + y * y)));
    FOR i IN 1..n LOOP
        largest := greatest(largest, q3c_dist(ra, "dec", poly[2 * i - 1], poly[2 * i]));
    END LOOP;
    IF largest >= 90 THEN
        RAISE EXCEPTION 'a polygon must fit into less than a hemisphere' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN ARRAY[ra, "dec", largest];
END
$$;
COMMENT ON FUNCTION sky_polygon_cap IS 'centre and radius (degrees) of a circle that holds a polygon';

CREATE FUNCTION sky_polygon_boxes(poly float8[]) RETURNS box[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
    cap float8[] := sky_polygon_cap(poly);
BEGIN
    RETURN sky_boxes(cap[1], cap[2], cap[3]);
END
$$;
COMMENT ON FUNCTION sky_polygon_boxes IS 'the boxes that hold a polygon, on both sides of RA 0';

-- Corners and point are projected from the centre of the sphere onto the plane that touches it at the polygon's middle:
-- great circles become straight lines, and the point is inside where a ray crosses an odd number of edges.
CREATE FUNCTION q3c_in_poly(ra float8, "dec" float8, poly float8[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
    cap float8[] := sky_polygon_cap(poly);
    n int := array_length(poly, 1) / 2;
    sine float8 := sin(radians(cap[2]));
    cosine float8 := cos(radians(cap[2]));
    turn float8 := radians(ra - cap[1]);
    depth float8 := sine * sin(radians("dec")) + cosine * cos(radians("dec")) * cos(turn);
    x float8;
    y float8;
    x1 float8;
    y1 float8;
    x2 float8;
    y2 float8;
    inside boolean := false;
BEGIN
    IF depth <= 0 THEN
        RETURN false;
    END IF;
    x := cos(radians("dec")) * sin(turn) / depth;
    y := (cosine * sin(radians("dec")) - sine * cos(radians("dec")) * cos(turn)) / depth;
    FOR i IN 0..n LOOP
        turn := radians(poly[2 * (i % n) + 1] - cap[1]);
        "dec" := radians(poly[2 * (i % n) + 2]);
        depth := sine * sin("dec") + cosine * cos("dec") * cos(turn);
        x2 := cos("dec") * sin(turn) / depth;
        y2 := (cosine * sin("dec") - sine * cos("dec") * cos(turn)) / depth;
        IF i > 0 AND (y1 > y) <> (y2 > y) AND x < x1 + (x2 - x1) * (y - y1) / (y2 - y1) THEN
            inside := NOT inside;
        END IF;
        x1 := x2;
        y1 := y2;
    END LOOP;
    RETURN inside;
END
$$;
COMMENT ON FUNCTION q3c_in_poly IS 'whether a position lies in a polygon whose edges are great circles';

CREATE FUNCTION q3c_poly_query(ra float8, "dec" float8, poly float8[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN point(ra, "dec") <@ ANY (sky_polygon_boxes(poly)) AND q3c_in_poly(ra, "dec", poly);
COMMENT ON FUNCTION q3c_poly_query IS 'whether (ra, dec), the indexed columns, lies in a polygon';
