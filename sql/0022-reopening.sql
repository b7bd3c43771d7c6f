-- A request that ran out is opened again at the price of the day. The same price keeps reference and request; another price makes a new request, because
-- what was asked once is never edited, and the two stay tied together.

CREATE TABLE request_repricing (
    request_id  bigint      PRIMARY KEY REFERENCES payment_request,
    replaced_by bigint      NOT NULL UNIQUE REFERENCES payment_request,
    before      bigint      NOT NULL CHECK (before > 0),     -- đồng
    after       bigint      NOT NULL CHECK (after >= 0),     -- đồng
    at          timestamptz NOT NULL,
    actor       text        NOT NULL,
    CHECK (before <> after),
    CHECK (request_id <> replaced_by)
);
COMMENT ON TABLE request_repricing IS 'An expired request and the one that asks for today''s price in its place; both prices were shown and the new one accepted.';
CREATE TRIGGER request_repricing_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON request_repricing
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Holds a request until the transaction ends, so that two who reopen it make one new request. Its status, or NULL.
CREATE FUNCTION request_hold(wanted bigint) RETURNS text
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT status FROM payment_request WHERE id = wanted FOR UPDATE
$$;

-- Ends the old request for the new one; the old one is held and expired. Money that still comes for it is owed back.
CREATE FUNCTION request_replace(at timestamptz, old_request bigint, new_request bigint, actor text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    o payment_request;
    n payment_request;
BEGIN
    SELECT * INTO STRICT o FROM payment_request WHERE id = old_request AND status = 'expired' AND allocated = 0;
    SELECT * INTO STRICT n FROM payment_request WHERE id = new_request AND dossier = o.dossier;
    INSERT INTO request_repricing (request_id, replaced_by, before, after, at, actor)
    VALUES (o.id, n.id, o.amount, n.amount, request_replace.at, request_replace.actor);
    UPDATE payment_request SET status = 'cancelled', changed_at = request_replace.at WHERE id = o.id;
    PERFORM event_record(at, ARRAY['request.cancelled'], ARRAY[o.dossier], ARRAY[o.id],
                         ARRAY[jsonb_build_object('reference', o.reference, 'amount', o.amount, 'reason', 'repriced',
                                                  'replaced_by', n.reference, 'new_amount', n.amount)]);
    PERFORM audit_record(at, actor, 'request.reprice', o.reference,
                         jsonb_build_object('replaced_by', n.reference, 'before', o.amount, 'after', n.amount));
END $$;
