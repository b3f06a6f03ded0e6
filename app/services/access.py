"""Who may administer: keys are made, recognised, held to their scopes and revoked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from app.domain.access import AccessKey, IssuedKey, Scope
from app.domain.errors import ConflictError, ForbiddenError, ParameterError, UnauthenticatedError, UnknownKeyError
from app.services import audit
from app.services.guesses import Guesses
from app.services.secrets import Presented, Secrets, key_text
from app.storage import access
from app.storage.engine import Database

DEMO = "demo"
LONGEST_NAME = 100


class Access:
    """The keys of a database, and what one process remembers of them.

    Args:
        database: where the keys are.
        secrets: makes and compares their secrets.
        guesses: counts wrong ones.
    """

    def __init__(self, database: Database, *, secrets: Secrets | None = None, guesses: Guesses | None = None) -> None:
        self._database = database
        self._secrets = secrets or Secrets()
        self._guesses = guesses or Guesses()

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        expires_at: datetime | None = None,
        *,
        created_by: int | None = None,
    ) -> IssuedKey:
        """Make a key; its text can be read here and never again.

        Args:
            name: whose it is, or what for.
            scopes: what it allows.
            expires_at: from when on it is of no use; None for never.
            created_by: the key that makes it; None for the command line.

        Raises:
            ParameterError: the name is empty or too long, a scope unknown, or the end has passed.
        """
        name, allowed, end = _checked_name(name), _checked_scopes(scopes), _checked_end(expires_at)
        secret, secret_hash = self._secrets.make()
        with self._database.begin() as connection:
            key = access.add(connection, name, allowed, secret_hash=secret_hash, expires_at=end, created_by=created_by)
        return IssuedKey(key, key_text(key.key_id, secret))

    def authenticate(self, bearer: str | None, client: str) -> AccessKey:
        """Return the key whose text a client gives; its state and scopes are those of this moment.

        Args:
            bearer: the text, None where there is none.
            client: the address that it comes from.

        Raises:
            UnauthenticatedError: there is none, or it is malformed, wrong, expired or revoked.
            TooManyRequestsError: too many from this address were.
        """
        if not self.remembers(bearer):
            self._guesses.check(client)
        try:
            return self._recognised(bearer, Presented.parse(bearer or ""))
        except UnauthenticatedError:
            self._guesses.failed(client)
            raise

    def remembers(self, bearer: str | None) -> bool:
        """Whether the secret of a key was right within the last minutes, so that no work is spent on it now."""
        presented = Presented.parse(bearer or "")
        return presented is not None and self._secrets.remembered(presented.secret)

    def _recognised(self, bearer: str | None, presented: Presented | None) -> AccessKey:
        if bearer is None:
            raise UnauthenticatedError(
                "this call needs a key: send the header 'Authorization: Bearer KEY'", given=False
            )
        if presented is None:
            raise UnauthenticatedError("this is no key: the header is 'Authorization: Bearer KEY', and KEY is sos_...")
        with self._database.connect() as connection:
            found = access.find(connection, presented.key_id)
        key, secret_hash = found or (None, None)
        if not self._secrets.fits(presented.secret, secret_hash) or key is None:
            raise UnauthenticatedError("there is no such key", claimed_id=presented.key_id)
        _insist_usable(key)
        return key

    def revoke(self, key_id: int) -> AccessKey:
        """Make a key useless from now on, wherever it is remembered, and return it.

        Raises:
            UnknownKeyError: there is no such key.
            ConflictError: it is revoked already.
        """
        with self._database.begin() as connection:
            revoked = access.revoke(connection, key_id)
            if revoked is not None:
                return revoked
            found = access.find(connection, key_id)
        if found is None:
            raise UnknownKeyError(f"there is no key {key_id}; `sos key list` and /v1/admin/keys list them")
        raise ConflictError(f"key {key_id} was revoked on {found[0].revoked_at:%Y-%m-%d at %H:%M} already")

    def list_all(self) -> list[AccessKey]:
        """Return every key in whatever state, newest first."""
        with self._database.connect() as connection:
            return access.list_all(connection)


def require(key: AccessKey, scope: Scope) -> None:
    """Insist that a key allows something.

    Raises:
        ForbiddenError: it does not; the message names the scope that is needed and those that it has.
    """
    if not scope.within(key.scopes):
        raise ForbiddenError(scope, key.scopes, key_id=key.key_id)


def ensure_demo_key(database: Database) -> str | None:
    """Make a key to everything where no key is of use, and return its text; None where there is one already."""
    secret, secret_hash = Secrets().make()
    with database.begin() as connection:
        access.lock(connection)
        if any(key.state(_now()) == "usable" for key in access.list_all(connection)):
            return None
        key = access.add(connection, DEMO, (Scope.ADMIN,), secret_hash=secret_hash, expires_at=None, created_by=None)
        audit.record(connection, "key.create", f"key {key.key_id}", {"name": DEMO, "scopes": [Scope.ADMIN]})
    return key_text(key.key_id, secret)


def _now() -> datetime:
    return datetime.now(UTC)


def _insist_usable(key: AccessKey) -> None:
    match key.state(_now()):
        case "revoked":
            raise UnauthenticatedError(f"the key was revoked on {key.revoked_at:%Y-%m-%d}", key_id=key.key_id)
        case "expired":
            raise UnauthenticatedError(f"the key expired on {key.expires_at:%Y-%m-%d}", key_id=key.key_id)


def _checked_name(name: str) -> str:
    kept = name.strip()
    if not kept or len(kept) > LONGEST_NAME or not kept.isprintable():
        raise ParameterError("name", f"must be a text of 1 to {LONGEST_NAME} characters on one line, got {name!r}")
    return kept


def _checked_scopes(scopes: Iterable[str]) -> tuple[Scope, ...]:
    asked = set(scopes)
    unknown = sorted(asked - set(Scope))
    if unknown or not asked:
        got = f"got {', '.join(map(repr, unknown))}" if unknown else "got none"
        raise ParameterError("scopes", f"must be some of {', '.join(Scope)}, {got}")
    return tuple(scope for scope in Scope if scope in asked)


def _checked_end(expires_at: datetime | None) -> datetime | None:
    if expires_at is not None and expires_at <= _now():
        raise ParameterError("expires_at", f"must be in the future, got {expires_at.isoformat()}")
    return expires_at
