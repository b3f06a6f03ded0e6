-- add --
-- Puts an action on record; where only the number of the key is given, its present name goes with it.
INSERT INTO audit (actor, key_id, key_name, action, target, parameters, outcome, status, detail, client)
VALUES (%(actor)s, %(key_id)s,
        coalesce(%(key_name)s::text, (SELECT name FROM access_key WHERE key_id = %(key_id)s::integer)),
        %(action)s, %(target)s, %(parameters)s, %(outcome)s, %(status)s, %(detail)s, %(client)s)
RETURNING event_id

-- page --
-- One page of the record, newest first, and one event more where there are more.
SELECT event_id, at, key_id, key_name, actor, action, target, parameters, outcome, status, detail, client
FROM audit
WHERE (%(before)s::bigint IS NULL OR event_id < %(before)s::bigint)
  AND (%(action)s::text IS NULL OR action = %(action)s::text)
  AND (%(key_id)s::bigint IS NULL OR key_id = %(key_id)s::bigint)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s::timestamptz)
ORDER BY event_id DESC
LIMIT %(limit)s::bigint + 1
