"""Polygons on the sphere: great circles join their corners, and they fit into less than a hemisphere.

Corners are unit vectors, an array (n, 3), in order; the last one is joined to the first. What lies on an edge belongs
to the polygon.
"""

from __future__ import annotations

import numpy as np

from app.science.arrays import Booleans, Floats

SAME_RAD = 1e-11
"""Positions nearer than this (2 microarcseconds) are one."""


def vectors(positions: Floats) -> Floats:
    """Return the unit vectors (n, 3) of positions (n, 2), ra and dec in degrees."""
    ra, dec = np.radians(positions).T
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def position(vector: Floats) -> tuple[float, float]:
    """Return ra and dec of a vector (3,), in degrees.

    >>> position(np.array([0.0, -1.0, 0.0]))
    (270.0, 0.0)
    """
    x, y, z = vector
    return float(np.degrees(np.arctan2(y, x)) % 360.0), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def is_below_hemisphere(corners: Floats) -> bool:
    """Return whether a polygon fits into less than the hemisphere around the mean of its corners."""
    mean = corners.mean(axis=0)
    size = float(np.linalg.norm(mean))
    return size > SAME_RAD and float((corners @ mean).min()) > SAME_RAD * size


def reach_rad(corners: Floats, place: Floats) -> float:
    """Return the distance of the farthest corner from a place (3,), in radians."""
    chord = np.linalg.norm(corners - place, axis=1).max()
    return float(2 * np.arcsin(min(chord / 2, 1.0)))


def middle(corners: Floats) -> Floats:
    """Return the direction of the mean of the corners (3,)."""
    mean = corners.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def signed_area_sr(corners: Floats) -> float:
    """Return the area in steradians, above zero where the corners run counter-clockwise as seen from outside.

    It is the sum of the triangles between the middle and each edge; one of unit vectors a, b, c has the excess E with
    tan(E / 2) = a.(b x c) / (1 + a.b + b.c + c.a) (Van Oosterom & Strackee 1983, IEEE Trans. Biomed. Eng. 30, 125).

    >>> octant = np.eye(3)
    >>> float(round(signed_area_sr(octant) / np.pi, 12))
    0.5
    """
    centre = middle(corners)
    following = np.roll(corners, -1, axis=0)
    triple = np.cross(corners, following) @ centre
    scale = 1 + corners @ centre + following @ centre + (corners * following).sum(axis=1)
    return float(2 * np.arctan2(triple, scale).sum())


def centroid(corners: Floats) -> Floats:
    """Return the direction (3,) of the mean of all positions in a polygon.

    By Stokes' theorem the integral of the positions is half the sum over the edges of the normal of each one's plane
    times its length.

    >>> centroid(np.eye(3)).round(6).tolist()
    [0.57735, 0.57735, 0.57735]
    """
    normals = np.cross(corners, np.roll(corners, -1, axis=0))
    sines = np.linalg.norm(normals, axis=1)
    lengths = np.arctan2(sines, (corners * np.roll(corners, -1, axis=0)).sum(axis=1))
    total = (normals * (lengths / np.where(sines > 0, sines, 1))[:, None]).sum(axis=0)
    total *= np.sign(total @ middle(corners)) or 1.0
    return np.asarray(total / np.linalg.norm(total))


def is_simple(corners: Floats) -> bool:
    """Return whether no two edges meet but neighbours, and these in their common corner alone.

    >>> is_simple(np.eye(3))
    True
    """
    count = len(corners)
    first, second = np.nonzero(_meeting(corners, corners)[1])
    apart = (second - first) % count
    if np.any((apart > 1) & (apart < count - 1)):
        return False
    before, after = np.cross(corners, np.roll(corners, 1, axis=0)), np.cross(corners, np.roll(corners, -1, axis=0))
    turn = np.linalg.norm(np.cross(before, after), axis=1)
    back = (before * after).sum(axis=1) > 0
    return not np.any(back & (turn <= SAME_RAD * np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)))


def inside(points: Floats, corners: Floats) -> Booleans:
    """Return which points (m, 3) lie in a polygon.

    Seen from the centre of the sphere, on the plane that touches it in the polygon's middle, great circles are
    straight: a point is inside where a ray from it crosses an odd number of edges.
    """
    centre = middle(corners)
    east = np.cross([0.0, 0.0, 1.0] if abs(centre[2]) < 0.9 else [1.0, 0.0, 0.0], centre)
    east /= np.linalg.norm(east)
    axes = np.column_stack([east, np.cross(centre, east)])
    ahead = points @ centre
    x, y = np.where(ahead > 0, points @ axes[:, 0], np.inf), np.where(ahead > 0, points @ axes[:, 1], np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.column_stack([x, y]) / np.where(ahead > 0, ahead, 1)[:, None]
        corner = corners @ axes / (corners @ centre)[:, None]
        following = np.roll(corner, -1, axis=0)
        rises = (corner[:, 1] > place[:, 1:]) != (following[:, 1] > place[:, 1:])
        slope = (following[:, 0] - corner[:, 0]) / (following[:, 1] - corner[:, 1])
        right = place[:, :1] < corner[:, 0] + slope * (place[:, 1:] - corner[:, 1])
    odd = np.asarray((rises & right).sum(axis=1) % 2 == 1) & (ahead > 0)
    return odd | (distance_rad(points, corners) <= SAME_RAD)


def distance_rad(points: Floats, corners: Floats) -> Floats:
    """Return the distance of points (m, 3) from the nearest place on a polygon's edges, in radians (m,)."""
    normals, starts, ends, _ = np.split(edges(corners), 4, axis=1)
    ahead, before = points @ starts.T >= 0, points @ ends.T >= 0
    beside = np.abs(np.arcsin(np.clip(points @ normals.T, -1, 1)))
    chord = np.linalg.norm(points[:, None, :] - corners[None, :, :], axis=2)
    to_corner = 2 * np.arcsin(np.clip(chord / 2, 0, 1))
    return np.asarray(np.minimum(np.where(ahead & before, beside, np.pi), to_corner).min(axis=1))


def edges(corners: Floats) -> Floats:
    """Return the edges (n, 12), vectors of each: the normal of its plane, those of the two at its ends, and its start.

    A place lies beside an edge where it is on the positive side of the planes at its ends.
    """
    following = np.roll(corners, -1, axis=0)
    normals = np.cross(corners, following)
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    return np.hstack([normals, np.cross(normals, corners), np.cross(following, normals), corners])


def meet(first: Floats, second: Floats) -> bool:
    """Return whether two polygons have a position in common."""
    if inside(first, second).any() or inside(second, first).any():
        return True
    return bool(_meeting(first, second)[1].any())


def covers(outer: Floats, inner: Floats) -> bool:
    """Return whether one polygon holds all of another.

    It does where it holds the other's edges, and these where it holds the middle of each piece between two places at
    which they meet its own.
    """
    if not inside(inner, outer).all():
        return False
    places, meeting = _meeting(inner, outer)
    following = np.roll(inner, -1, axis=0)
    for edge, (start, end) in enumerate(zip(inner, following, strict=True)):
        crossed = places[edge][meeting[edge]]
        touched = outer[_on_arc(outer, start, end)]
        stops = np.vstack([start, crossed, touched, end])
        stops = stops[np.argsort(stops @ (end - start))]
        pieces = stops[1:] + stops[:-1]
        pieces /= np.linalg.norm(pieces, axis=1)[:, None]
        if not inside(pieces, outer).all():
            return False
    return True


def _meeting(first: Floats, second: Floats) -> tuple[Floats, Booleans]:
    """Return where the great circles of two polygons' edges meet (n, m, 3), and whether both edges reach there."""
    starts, ends = (first, np.roll(first, -1, axis=0)), (second, np.roll(second, -1, axis=0))
    normals, others = np.cross(*starts), np.cross(*ends)
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    others /= np.linalg.norm(others, axis=1)[:, None]
    places = np.cross(normals[:, None, :], others[None, :, :])
    sines = np.linalg.norm(places, axis=2)
    crossing = sines > SAME_RAD
    places /= np.where(crossing, sines, 1)[:, :, None]
    # Great circles meet in two opposite places: that on the side of the first edge counts.
    side = np.einsum("ijk,ik->ij", places, starts[0] + starts[1])
    places *= np.where(side < 0, -1.0, 1.0)[:, :, None]
    reached = crossing
    for edges, planes, axis in ((starts, normals, "ijk,ik->ij"), (ends, others, "ijk,jk->ij")):
        reached = reached & (np.einsum(axis, places, np.cross(planes, edges[0])) >= -SAME_RAD)
        reached = reached & (np.einsum(axis, places, np.cross(edges[1], planes)) >= -SAME_RAD)
    return places, reached


def _on_arc(points: Floats, start: Floats, end: Floats) -> Booleans:
    """Return which points (m, 3) lie on the arc between two others."""
    normal = np.cross(start, end)
    normal = normal / np.linalg.norm(normal)
    beside = np.abs(points @ normal) <= SAME_RAD
    return np.asarray(beside & (points @ np.cross(normal, start) >= 0) & (points @ np.cross(end, normal) >= 0))
