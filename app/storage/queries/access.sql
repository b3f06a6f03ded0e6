-- add --
-- Adds a key and returns it.
INSERT INTO access_key (name, secret_hash, scopes, expires_at, created_by)
VALUES (%(name)s, %(secret_hash)s, %(scopes)s, %(expires_at)s, %(created_by)s)
RETURNING key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at

-- find --
-- One key, with the hash of its secret.
SELECT key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at, secret_hash
FROM access_key WHERE key_id = %(key_id)s::bigint

-- keys --
-- Every key, newest first.
SELECT key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at
FROM access_key ORDER BY key_id DESC

-- revoke --
-- Revokes a key that is not revoked yet, and returns it.
UPDATE access_key SET revoked_at = now()
WHERE key_id = %(key_id)s::bigint AND revoked_at IS NULL
RETURNING key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at

-- used --
-- Notes that a key was used now.
UPDATE access_key SET last_used_at = now() WHERE key_id = %(key_id)s

-- lock --
-- Lets nobody else add or change a key until the transaction ends.
LOCK TABLE access_key IN SHARE ROW EXCLUSIVE MODE
