-- What was asked is never edited: other quantities, and a price that the bank's own day decides, are adjustments beside it. What is
-- missing is asked for in an additional request, what was too much opens its refund case.

INSERT INTO subscription (event_kind, job_kind, only_for) VALUES ('request.paid', 'request.day', 'later_day');

CREATE TABLE request_adjustment (
    id                 bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id         bigint      NOT NULL REFERENCES payment_request,
    cause              text        NOT NULL CHECK (cause IN ('quantities', 'payment_day')),
    reason             text        NOT NULL CHECK (length(reason) >= 3),
    quote_id           text        NOT NULL,                        -- what should have been asked, see quote_id_read
    before             bigint      NOT NULL CHECK (before >= 0),    -- đồng, asked in all until now
    after              bigint      NOT NULL CHECK (after >= 0),     -- đồng, what is right
    changes            jsonb       NOT NULL,                        -- [{fee, name, before, after}]
    lowered            bigint      NOT NULL CHECK (lowered >= 0),   -- đồng, sum of the fees that fall
    additional_request bigint      REFERENCES payment_request,      -- asks for the fees that rise
    replaced_by        bigint      REFERENCES payment_request,      -- nothing had been paid: asked anew as a whole
    actor              text        NOT NULL,
    at                 timestamptz NOT NULL,
    CHECK (replaced_by IS NULL OR (additional_request IS NULL AND lowered = 0))
);
CREATE INDEX request_adjustment_of_request ON request_adjustment (request_id, id);
CREATE INDEX request_adjustment_additional ON request_adjustment (additional_request) WHERE additional_request IS NOT NULL;
CREATE UNIQUE INDEX request_adjustment_by_day ON request_adjustment (request_id) WHERE cause = 'payment_day';
COMMENT ON TABLE request_adjustment IS 'Other quantities than were asked for, or the price of the day the bank took the money: told once, beside the request, never in it.';
CREATE TRIGGER request_adjustment_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON request_adjustment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The requests in which more was asked for one: for a benefit that was rejected, for a adjustment.
CREATE FUNCTION request_additions(wanted bigint) RETURNS SETOF bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.id FROM payment_request r WHERE r.status <> 'cancelled' AND r.id IN (
        SELECT b.additional_request FROM request_benefit b WHERE b.request_id = wanted
        UNION SELECT c.additional_request FROM request_adjustment c WHERE c.request_id = wanted)
$$;

-- What is asked for each fee of a request in all. Postage is not corrected here.
CREATE FUNCTION request_asked(wanted bigint) RETURNS TABLE (fee text, name text, asked bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT a.fee, min(a.name), sum(a.net)::bigint FROM (
        SELECT l.fee, l.name, l.net FROM request_line l
        WHERE (l.request_id = wanted OR l.request_id IN (SELECT request_additions(wanted))) AND l.kind IN ('phi', 'le_phi')
        UNION ALL
        SELECT c ->> 'fee', c ->> 'name', least((c ->> 'after')::bigint - (c ->> 'before')::bigint, 0)
        FROM request_adjustment x, jsonb_array_elements(x.changes) c WHERE x.request_id = wanted AND x.replaced_by IS NULL) a
    GROUP BY a.fee ORDER BY a.fee
$$;

-- Additions that nobody has paid yet give way to the next adjustment; where the request itself gives way, those for rejected benefits too.
-- How many are left.
CREATE FUNCTION request_additions_drop(at timestamptz, wanted bigint, whole boolean, actor text, why text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM request_cancel(request_additions_drop.at, r.id, actor, why) FROM (
        SELECT q.id FROM payment_request q
        WHERE q.status IN ('pending', 'expired') AND q.id IN (SELECT request_additions(wanted))
          AND (whole OR EXISTS (SELECT FROM request_adjustment c WHERE c.additional_request = q.id AND c.cause = 'quantities'))
        ORDER BY q.id FOR UPDATE) r;
    RETURN (SELECT count(*) FROM request_additions(wanted));
END $$;

-- Opens the case for so much of settled fees, over the payments that paid them, the last one first; returns what could not be placed.
CREATE FUNCTION refund_propose_as(at timestamptz, wanted bigint, wanted_amount bigint, why text, said text, actor text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p record;
    rest bigint := wanted_amount;
    part bigint;
    made bigint;
BEGIN
    FOR p IN SELECT x.id, refundable(x.id, why) - coalesce((SELECT sum(f.amount) FROM refund f WHERE f.payment_id = x.id
                    AND f.state = 'proposed' AND refund_pot(f.reason) = 'fee'), 0) AS free
             FROM payment x WHERE x.request_id = wanted AND x.allocated > 0 ORDER BY x.paid_at DESC, x.id DESC
    LOOP
        part := least(rest, p.free);
        CONTINUE WHEN part <= 0;
        INSERT INTO refund (payment_id, request_id, amount, reason, note, created_at, changed_at)
        VALUES (p.id, wanted, part, why, said, refund_propose_as.at, refund_propose_as.at) RETURNING id INTO made;
        PERFORM refund_tell(refund_propose_as.at, made, 'proposed', actor);
        rest := rest - part;
    END LOOP;
    RETURN rest;
END $$;
CREATE OR REPLACE FUNCTION refund_propose(at timestamptz, wanted bigint, wanted_amount bigint, said text) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT refund_propose_as(refund_propose.at, wanted, wanted_amount, 'fee_rule', said, 'system:dossier')
$$;

-- Keeps a adjustment and opens the refund case for what falls. NULL when the bank's day was looked at before.
CREATE FUNCTION request_adjust(at timestamptz, wanted bigint, cause text, reason text, quote_id text, before bigint, after bigint,
                                changes jsonb, lowered bigint, additional bigint, replacement bigint, actor text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r payment_request;
    made bigint;
    rest bigint := lowered;
    place bigint;
BEGIN
    SELECT * INTO STRICT r FROM payment_request WHERE id = wanted;
    INSERT INTO request_adjustment (request_id, cause, reason, quote_id, before, after, changes, lowered, additional_request, replaced_by, actor, at)
    VALUES (wanted, request_adjust.cause, request_adjust.reason, request_adjust.quote_id, request_adjust.before, request_adjust.after,
            request_adjust.changes, request_adjust.lowered, additional, replacement, request_adjust.actor, request_adjust.at)
    ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RETURN NULL;
    END IF;
    IF replacement IS NOT NULL THEN
        PERFORM request_cancel(request_adjust.at, wanted, request_adjust.actor, request_adjust.reason);
    END IF;
    FOR place IN SELECT wanted UNION ALL (SELECT * FROM request_additions(wanted) ORDER BY 1) LOOP
        EXIT WHEN rest <= 0;
        rest := refund_propose_as(request_adjust.at, place, rest, 'correction', request_adjust.reason, request_adjust.actor);
    END LOOP;
    PERFORM event_record(request_adjust.at, ARRAY['request.adjusted'], ARRAY[r.dossier], ARRAY[wanted],
        ARRAY[jsonb_build_object('reference', r.reference, 'cause', request_adjust.cause, 'reason', request_adjust.reason, 'before', request_adjust.before,
            'after', request_adjust.after, 'to_refund', request_adjust.lowered,
            'additional', (SELECT reference FROM payment_request WHERE id = additional),
            'replaced_by', (SELECT reference FROM payment_request WHERE id = replacement))]);
    PERFORM audit_record(request_adjust.at, request_adjust.actor, 'request.adjust', r.reference,
        jsonb_build_object('cause', request_adjust.cause, 'reason', request_adjust.reason, 'before', request_adjust.before, 'after', request_adjust.after,
                           'changes', request_adjust.changes));
    RETURN made;
END $$;
