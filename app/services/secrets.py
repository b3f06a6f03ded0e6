"""The secrets of keys: made at random, kept as Argon2id hashes, and remembered for minutes once they were right."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

REMEMBERED_S = 300.0
_BYTES = 32
_KEY = re.compile(r"sos_([1-9][0-9]{0,17})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Presented:
    """A key as somebody gives it: the number that it claims to have, and its secret.

    >>> Presented.parse("sos_7_" + 43 * "x").key_id
    7
    >>> Presented.parse("sos_7_short") is None
    True
    """

    key_id: int
    secret: str

    @classmethod
    def parse(cls, text: str) -> Presented | None:
        """Read the text of a key; None where it cannot be one."""
        found = _KEY.fullmatch(text)
        return cls(int(found[1]), found[2]) if found else None


def key_text(key_id: int, secret: str) -> str:
    """Return the text of a key."""
    return f"sos_{key_id}_{secret}"


class Secrets:
    """Hashes secrets and compares them with hashes.

    A hash takes a tenth of a second and 64 MB on purpose. So that an honest client pays once, a process remembers for
    some minutes that a secret, by its SHA-256, belongs to a hash; not the secret, and nothing about what it allows.

    Args:
        clock: seconds, of any beginning.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._hasher = PasswordHasher()
        self._clock = clock
        self._right: dict[bytes, tuple[str, float]] = {}
        self._lock = Lock()

    def make(self) -> tuple[str, str]:
        """Return a new secret of 43 characters that fit into a URL, and its hash."""
        secret = secrets.token_urlsafe(_BYTES)
        return secret, self._hasher.hash(secret)

    def remembered(self, secret: str) -> bool:
        """Whether a secret was right within the last minutes."""
        return self._remembered_hash(_digest(secret)) is not None

    def fits(self, secret: str, secret_hash: str | None) -> bool:
        """Whether a secret belongs to a hash; where there is no hash, no, after as much work."""
        digest = _digest(secret)
        if secret_hash is not None and self._remembered_hash(digest) == secret_hash:
            return True
        hopeless = self._hash_of_nothing
        if not self._verified(secret, secret_hash or hopeless) or secret_hash is None:
            return False
        with self._lock:
            self._right = {one: kept for one, kept in self._right.items() if kept[1] > self._clock()}
            self._right[digest] = (secret_hash, self._clock() + REMEMBERED_S)
        return True

    def _remembered_hash(self, digest: bytes) -> str | None:
        kept = self._right.get(digest)
        return kept[0] if kept is not None and kept[1] > self._clock() else None

    def _verified(self, secret: str, secret_hash: str) -> bool:
        try:
            return self._hasher.verify(secret_hash, secret)
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _hash_of_nothing(self) -> str:
        """A hash to which no secret belongs."""
        return self.make()[1]


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
