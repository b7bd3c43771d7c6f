-- Collection at the door is an attempt like a card or a wallet: one way at a time takes the money of a request. The QR stays payable.

-- What is being collected at the door for a request, as a row like an attempt's: its id is the parcel's with a minus.
CREATE FUNCTION attempt_at_door(wanted bigint)
    RETURNS TABLE (id bigint, number integer, source text, order_id text, amount bigint, state text, redirect_url text, made_at timestamptz,
                   expires_at timestamptz, actor text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT -p.id, 0, 'post', p.code, p.collect, 'sent', NULL::text, p.created_at, p.created_at + interval '60 days', p.created_by
    FROM payment_request r JOIN parcel p ON p.dossier = r.dossier
    WHERE r.id = wanted AND r.status IN ('pending', 'partly_paid', 'expired') AND p.collect > 0
      AND p.state IN ('wanted', 'sent', 'booked', 'cancelling') AND p.status NOT IN ('delivered', 'returned', 'damaged', 'cancelled')
      AND p.lost_at IS NULL
    ORDER BY p.id DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION attempt_open(at timestamptz, wanted bigint, new_source text, new_account text, prefix text, life interval,
                             ask_after interval, job_kind text, new_actor text)
    RETURNS TABLE (id bigint, number integer, source text, order_id text, amount bigint, state text, redirect_url text,
                   made_at timestamptz, expires_at timestamptz, made boolean)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
    r payment_request;
    a payment_attempt;
    next integer;
BEGIN
    SELECT * INTO r FROM payment_request q WHERE q.id = wanted FOR UPDATE;
    IF r.id IS NULL OR r.status NOT IN ('pending', 'partly_paid') THEN
        RETURN;
    END IF;
    SELECT * INTO a FROM payment_attempt p WHERE p.request_id = wanted AND p.state IN ('sent', 'unknown');
    IF a.id IS NOT NULL THEN
        RETURN QUERY SELECT a.id, a.number, a.source, a.order_id, a.amount, a.state, a.redirect_url, a.made_at, a.expires_at, false;
        RETURN;
    END IF;
    RETURN QUERY SELECT d.id, d.number, d.source, d.order_id, d.amount, d.state, d.redirect_url, d.made_at, d.expires_at, false FROM attempt_at_door(wanted) d;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT coalesce(max(p.number), 0) + 1 INTO next FROM payment_attempt p WHERE p.request_id = wanted;
    INSERT INTO payment_attempt (request_id, number, source, source_account, order_id, amount, actor, made_at, expires_at, changed_at)
    VALUES (wanted, next, new_source, new_account, prefix || r.reference || '-' || next, r.amount - r.allocated, new_actor, at,
            at + life, at)
    RETURNING * INTO a;
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES (job_kind, 'attempt ' || a.id, jsonb_build_object('attempt', a.id), at + ask_after, at);
    PERFORM event_record(at, ARRAY['attempt.opened'], ARRAY[r.dossier], ARRAY[r.id],
                         ARRAY[jsonb_build_object('source', a.source, 'order', a.order_id, 'amount', a.amount)]);
    RETURN QUERY SELECT a.id, a.number, a.source, a.order_id, a.amount, a.state, a.redirect_url, a.made_at, a.expires_at, true;
END $$;

-- A parcel that collects waits for no other attempt, and no other waits for it. NULL: the dossier has an open one in this direction; -1: a
-- card, a wallet or a portal is taking the money already. Requests are locked in their order, as attempts lock them.
CREATE OR REPLACE FUNCTION parcel_want(at timestamptz, actor text, new_code text, new_carrier text, of_dossier text, way text, new_wish jsonb,
                            grams integer, to_collect bigint, price bigint)
    RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    IF to_collect > 0 THEN
        PERFORM 1 FROM payment_request r WHERE r.dossier = of_dossier AND r.status IN ('pending', 'partly_paid', 'expired') ORDER BY r.id FOR UPDATE;
        IF EXISTS (SELECT FROM payment_attempt a JOIN payment_request r ON r.id = a.request_id
                   WHERE r.dossier = of_dossier AND a.state IN ('sent', 'unknown')) THEN
            RETURN -1;
        END IF;
    END IF;
    INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, collect, quoted, created_at, created_by, changed_at)
    VALUES (new_code, new_carrier, of_dossier, way, 'wanted', new_wish, grams, to_collect, price, parcel_want.at, actor, parcel_want.at)
    ON CONFLICT (dossier, direction) WHERE state IN ('wanted', 'sent', 'booked', 'cancelling')
        AND status NOT IN ('delivered', 'returned', 'cancelled') AND lost_at IS NULL DO NOTHING
    RETURNING id INTO made;
    IF made IS NOT NULL THEN
        INSERT INTO job (kind, key, body, run_at, created_at)
        VALUES ('postal_book', new_code, jsonb_build_object('parcel', made), parcel_want.at, parcel_want.at);
        PERFORM audit_record(parcel_want.at, actor, 'parcel.want', new_code, jsonb_build_object('dossier', of_dossier, 'direction', way));
    END IF;
    RETURN made;
END $$;
