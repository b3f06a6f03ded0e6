-- The audit can only grow: whoever would change, remove or truncate its rows is refused, also where there are none.

CREATE FUNCTION audit_only_grows() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the audit can only grow: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION audit_only_grows IS 'refuses what would change the record';

CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
