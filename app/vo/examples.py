"""Queries to begin with: name, what it answers, and the query."""

EXAMPLES = (
    (
        "Stars around a place",
        "The homogenized stars within 10 arcminutes of M67, nearest first.",
        """SELECT star_id, ra, dec, teff, logg, feh,
    DISTANCE(POINT('ICRS', ra, dec), POINT('ICRS', 132.85, 11.81)) AS separation
FROM sos.star
WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 132.85, 11.81, 0.1667))
ORDER BY separation""",
    ),
    (
        "What every survey says of one star",
        "Reported and calibrated temperatures of all measurements of the stars in a small circle.",
        """SELECT m.star_id, m.survey, m.object_id, m.teff_raw, m.teff, m.teff_lower, m.teff_upper, m.in_domain
FROM sos.star AS s JOIN sos.measurement AS m ON m.star_id = s.star_id
WHERE 1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', 132.85, 11.81, 0.05))""",
    ),
    (
        "Surveys and their papers",
        "How many measurements there are of each survey, and what a product that uses it cites.",
        """SELECT name, title, n_rows, citation FROM sos.survey ORDER BY n_rows DESC""",
    ),
    (
        "Metal-poor giants",
        "A thousand giants below [Fe/H] = -1 that at least three measurements agree on.",
        """SELECT TOP 1000 star_id, gaia_dr3_source_id, teff, logg, feh, feh_lower, feh_upper
FROM sos.star
WHERE feh < -1 AND logg < 3.5 AND feh_n >= 3""",
    ),
)
