-- Baskets: 1 to 500 requests under one reference and one QR.
--
-- Money that names a basket is one payment, as the bank will show it. When what is held comes to what the basket's open requests lack, each
-- request gets its share in the same commit, as a payment of the source "basket" that names the one it came from; a share settles its request
-- like any payment, so each dossier has its own receipt. Too little settles none until the payer says which; what is over goes with the last
-- share, where it is surplus with its refund case. The bank's line matches the whole payment; shares are never looked for at the bank.

CREATE TABLE payment_basket (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference      text        NOT NULL UNIQUE CHECK (reference ~ '^[0-9A-HJKMNP-TV-Z]{14}$'),
    token_hash     bytea       NOT NULL UNIQUE,
    account_id     integer     NOT NULL REFERENCES receiving_account,
    created_at     timestamptz NOT NULL,
    created_by     text        NOT NULL,
    expires_at     timestamptz NOT NULL,
    cancelled_at   timestamptz
);
COMMENT ON TABLE payment_basket IS 'Several requests under one reference; what it owes is what its requests lack, never a sum of its own.';

CREATE TABLE basket_item (
    basket_id  bigint  NOT NULL REFERENCES payment_basket,
    ordinal    integer NOT NULL CHECK (ordinal BETWEEN 1 AND 500),
    request_id bigint  NOT NULL REFERENCES payment_request,
    PRIMARY KEY (basket_id, ordinal),
    UNIQUE (basket_id, request_id)
);
CREATE INDEX basket_item_of_request ON basket_item (request_id);
COMMENT ON TABLE basket_item IS 'The requests of a basket in the order the payer named them.';

CREATE TABLE basket_payment (
    payment_id bigint PRIMARY KEY REFERENCES payment,
    basket_id  bigint NOT NULL REFERENCES payment_basket
);
CREATE INDEX basket_payment_of_basket ON basket_payment (basket_id);
COMMENT ON TABLE basket_payment IS 'Payments that named a basket; their money stands in suspense until it is shared out.';

CREATE TABLE basket_share (
    payment_id bigint PRIMARY KEY REFERENCES payment,   -- the share, of source "basket"
    parent_id  bigint NOT NULL REFERENCES basket_payment,
    request_id bigint NOT NULL REFERENCES payment_request,
    amount     bigint NOT NULL CHECK (amount > 0)
);
CREATE INDEX basket_share_of_parent ON basket_share (parent_id);
COMMENT ON TABLE basket_share IS 'What of a basket''s payment went to which request; shares of a payment never come to more than it.';
CREATE TRIGGER basket_item_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON basket_item FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER basket_payment_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON basket_payment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER basket_share_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON basket_share FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION basket_share_within() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT parent_id FROM fresh) f JOIN payment p ON p.id = f.parent_id
               WHERE p.request_id IS NOT NULL OR p.amount < (SELECT sum(s.amount) FROM basket_share s WHERE s.parent_id = f.parent_id)) THEN
        RAISE EXCEPTION 'more is shared out than was paid' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER basket_share_within AFTER INSERT ON basket_share REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION basket_share_within();

-- What of a basket's payments is neither shared out nor being given back.
CREATE FUNCTION basket_left(wanted bigint) RETURNS TABLE (payment_id bigint, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT p.id, (p.amount - coalesce((SELECT sum(s.amount) FROM basket_share s WHERE s.parent_id = p.id), 0)
                  - coalesce((SELECT sum(f.amount) FROM refund f WHERE f.payment_id = p.id AND f.state NOT IN ('proposed', 'refused', 'failed')), 0))::bigint
    FROM basket_payment b JOIN payment p ON p.id = b.payment_id
    WHERE b.basket_id = wanted AND p.request_id IS NULL
      AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id)
    ORDER BY p.paid_at, p.source, p.external_id
$$;

CREATE FUNCTION basket_held(wanted bigint) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(sum(amount), 0)::bigint FROM basket_left(wanted)
$$;

-- A request takes money while it waits for some.
CREATE FUNCTION request_lacks(r payment_request) RETURNS bigint
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN (r).status IN ('pending', 'partly_paid', 'expired') THEN (r).amount - (r).allocated ELSE 0 END
$$;

CREATE FUNCTION basket_due(wanted bigint) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(sum(request_lacks(r)), 0)::bigint FROM basket_item i JOIN payment_request r ON r.id = i.request_id WHERE i.basket_id = wanted
$$;

CREATE FUNCTION basket_status(b payment_basket, at timestamptz) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN (b).cancelled_at IS NOT NULL THEN 'cancelled' WHEN basket_due((b).id) = 0 THEN 'paid'
                WHEN basket_held((b).id) > 0 THEN 'partly_paid' WHEN (b).expires_at <= at THEN 'expired' ELSE 'pending' END
$$;

-- Makes a basket of open requests of one account. Returns its id, or what is wrong with which request: not_found, not_open (nothing is
-- lacking), other_account, in_basket (of another basket that is still open).
CREATE FUNCTION basket_make(at timestamptz, actor text, new_reference text, new_token_hash bytea, requests bigint[], longest timestamptz)
    RETURNS TABLE (id bigint, problem text, ordinal integer) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    account integer;
    made bigint;
BEGIN
    PERFORM 1 FROM payment_request r WHERE r.id = ANY (requests) ORDER BY r.id FOR UPDATE;
    SELECT r.account_id INTO account FROM unnest(requests) WITH ORDINALITY AS u (request, n) JOIN payment_request r ON r.id = u.request
    WHERE r.account_id IS NOT NULL ORDER BY u.n LIMIT 1;
    RETURN QUERY
        SELECT NULL::bigint, w.why, w.n::integer
        FROM (SELECT u.n, CASE WHEN r.id IS NULL THEN 'not_found' WHEN request_lacks(r) = 0 THEN 'not_open'
                               WHEN r.account_id <> account THEN 'other_account'
                               WHEN EXISTS (SELECT FROM basket_item i JOIN payment_basket b ON b.id = i.basket_id
                                            WHERE i.request_id = r.id AND b.cancelled_at IS NULL AND b.expires_at > basket_make.at) THEN 'in_basket' END AS why
              FROM unnest(requests) WITH ORDINALITY AS u (request, n) LEFT JOIN payment_request r ON r.id = u.request) w
        WHERE w.why IS NOT NULL ORDER BY w.n;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO payment_basket (reference, token_hash, account_id, created_at, created_by, expires_at)
    SELECT new_reference, new_token_hash, account, basket_make.at, actor, least(longest, min(r.expires_at) FILTER (WHERE r.expires_at > basket_make.at))
    FROM payment_request r WHERE r.id = ANY (requests) RETURNING payment_basket.id INTO made;
    INSERT INTO basket_item (basket_id, ordinal, request_id)
    SELECT made, u.n, u.request FROM unnest(requests) WITH ORDINALITY AS u (request, n);
    PERFORM event_record(at, ARRAY['basket.created'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('basket', made, 'reference', new_reference, 'amount', basket_due(made), 'requests', to_jsonb(requests))]);
    PERFORM audit_record(at, actor, 'basket.make', new_reference, jsonb_build_object('requests', to_jsonb(requests)));
    RETURN QUERY SELECT made, NULL::text, NULL::integer;
END $$;

-- Closes a basket that holds no money. Returns its status afterwards; NULL when there is none.
CREATE FUNCTION basket_cancel(at timestamptz, wanted bigint, actor text, reason text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    b payment_basket;
    state text;
BEGIN
    SELECT * INTO b FROM payment_basket WHERE id = wanted FOR UPDATE;
    state := CASE WHEN b.id IS NOT NULL THEN basket_status(b, at) END;
    IF state IS NULL OR state NOT IN ('pending', 'expired') THEN
        RETURN state;
    END IF;
    UPDATE payment_basket SET cancelled_at = basket_cancel.at WHERE id = wanted;
    PERFORM event_record(at, ARRAY['basket.cancelled'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('basket', wanted, 'reference', b.reference, 'reason', reason)]);
    PERFORM audit_record(at, actor, 'basket.cancel', b.reference, jsonb_build_object('reason', reason));
    RETURN 'cancelled';
END $$;

-- Shares what a basket holds out to `chosen` of its requests, in its own order; with `rest` what is over goes with the last one. The caller
-- has seen that enough is held. Payments and requests are laid side by side: a share is where one of each overlaps.
CREATE FUNCTION basket_share_out(at timestamptz, wanted bigint, chosen bigint[], rest boolean) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    told record;
BEGIN
    WITH paid AS (
        SELECT x.payment_id, x.amount, sum(x.amount) OVER w - x.amount AS since, sum(x.amount) OVER w AS until
        FROM basket_left(wanted) WITH ORDINALITY AS x (payment_id, amount, n) WHERE x.amount > 0 WINDOW w AS (ORDER BY x.n)
    ), lacking AS (
        SELECT r.id, r.reference, i.ordinal, request_lacks(r) AS lacks, max(i.ordinal) OVER () AS last
        FROM basket_item i JOIN payment_request r ON r.id = i.request_id WHERE i.basket_id = wanted AND r.id = ANY (chosen) AND request_lacks(r) > 0
    ), owed AS (
        SELECT id, reference, ordinal, sum(lacks) OVER w - lacks AS since,
               CASE WHEN rest AND ordinal = last THEN greatest(sum(lacks) OVER w, (SELECT sum(amount) FROM paid)) ELSE sum(lacks) OVER w END AS until
        FROM lacking WINDOW w AS (ORDER BY ordinal)
    ), share AS (
        SELECT row_number() OVER (ORDER BY o.ordinal, d.since) AS n, d.payment_id AS parent, o.id AS request, o.reference,
               (least(d.until, o.until) - greatest(d.since, o.since))::bigint AS amount
        FROM paid d JOIN owed o ON d.since < o.until AND o.since < d.until
    )
    SELECT array_agg('basket'::text ORDER BY s.n) AS sources,
           array_agg(p.source || '/' || p.external_id || '/' || s.reference ORDER BY s.n) AS names,
           array_agg(sha256(convert_to(p.source || '/' || p.external_id || '/' || s.reference || '/' || s.amount, 'UTF8')) ORDER BY s.n) AS contents,
           array_agg(s.amount ORDER BY s.n) AS amounts, array_agg(a.account_number ORDER BY s.n) AS accounts,
           array_agg(p.method ORDER BY s.n) AS methods, array_agg(NULL::text ORDER BY s.n) AS nothing, array_agg(p.memo ORDER BY s.n) AS memos,
           array_agg(p.paid_at ORDER BY s.n) AS paid_ats, array_agg(p.payer_name ORDER BY s.n) AS payers,
           array_agg(p.payer_account ORDER BY s.n) AS payer_accounts, array_agg(NULL::bytea ORDER BY s.n) AS raws,
           array_agg(s.n::integer ORDER BY s.n) AS ofs, array_agg(s.reference ORDER BY s.n) AS refs, array_agg(0 ORDER BY s.n) AS edits,
           array_agg(s.parent ORDER BY s.n) AS parents, array_agg(s.request ORDER BY s.n) AS requests
    INTO told
    FROM share s JOIN payment p ON p.id = s.parent JOIN receiving_account a ON a.id = p.account_id;

    INSERT INTO basket_share (payment_id, parent_id, request_id, amount)
    SELECT c.payment, told.parents[c.n], told.requests[c.n], told.amounts[c.n]
    FROM confirm(at, told.sources, told.names, told.contents, told.amounts, told.accounts, told.methods, told.nothing, told.memos, told.paid_ats,
                 told.payers, told.payer_accounts, told.raws, told.ofs, told.refs, told.edits) c;
    -- The shares were booked as new money; it is the money that stood in suspense.
    PERFORM journal_post(at, business_day(at), 'basket', x.parent, NULL, ARRAY['suspense:' || x.number, 'clearing:' || x.number], ARRAY[x.amount, -x.amount])
    FROM (SELECT u.parent, u.number, sum(u.amount)::bigint AS amount FROM unnest(told.parents, told.accounts, told.amounts) AS u (parent, number, amount)
          GROUP BY 1, 2 ORDER BY 1) x;
END $$;

-- Settles a basket when it holds what all its open requests lack. True when it did.
CREATE FUNCTION basket_settle(at timestamptz, wanted bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    b payment_basket;
    due bigint;
BEGIN
    SELECT * INTO b FROM payment_basket WHERE id = wanted FOR UPDATE;
    PERFORM 1 FROM payment_request r WHERE r.id IN (SELECT i.request_id FROM basket_item i WHERE i.basket_id = wanted) ORDER BY r.id FOR UPDATE;
    due := basket_due(wanted);
    IF b.cancelled_at IS NOT NULL OR due = 0 OR basket_held(wanted) < due THEN
        RETURN false;
    END IF;
    PERFORM basket_share_out(at, wanted, ARRAY(SELECT i.request_id FROM basket_item i WHERE i.basket_id = wanted), true);
    PERFORM event_record(at, ARRAY['basket.paid'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('basket', wanted, 'reference', b.reference, 'amount', due)]);
    RETURN true;
END $$;

-- The payer says which requests the money held is for. Returns what became of it: settled, not_found, or why not: no_money, too_much (they
-- lack more than is held), not_here (a request that is not the basket's or lacks nothing).
CREATE FUNCTION basket_choose(at timestamptz, wanted bigint, chosen bigint[], actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    b payment_basket;
    held bigint;
    wants bigint;
BEGIN
    SELECT * INTO b FROM payment_basket WHERE id = wanted FOR UPDATE;
    IF b.id IS NULL THEN
        RETURN 'not_found';
    END IF;
    PERFORM 1 FROM payment_request r WHERE r.id IN (SELECT i.request_id FROM basket_item i WHERE i.basket_id = wanted) ORDER BY r.id FOR UPDATE;
    IF cardinality(chosen) = 0 OR EXISTS (SELECT FROM unnest(chosen) AS u (id) WHERE NOT EXISTS (
            SELECT FROM basket_item i JOIN payment_request r ON r.id = i.request_id
            WHERE i.basket_id = wanted AND r.id = u.id AND request_lacks(r) > 0)) THEN
        RETURN 'not_here';
    END IF;
    held := basket_held(wanted);
    SELECT sum(request_lacks(r)) INTO wants FROM payment_request r WHERE r.id = ANY (chosen);
    IF held = 0 THEN
        RETURN 'no_money';
    ELSIF wants > held THEN
        RETURN 'too_much';
    END IF;
    PERFORM basket_share_out(at, wanted, chosen, wants = basket_due(wanted));
    PERFORM event_record(at, ARRAY['basket.shared'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('basket', wanted, 'reference', b.reference, 'amount', wants, 'requests', to_jsonb(chosen))]);
    PERFORM audit_record(at, actor, 'basket.choose', b.reference, jsonb_build_object('requests', to_jsonb(chosen), 'amount', wants));
    RETURN 'settled';
END $$;

-- Part of confirm(): money whose reference names a basket is the basket's, and settles it when it is enough. An intact reference wins; a
-- repaired one counts only for exactly what is lacking. Returns the notices that are left to announce.
CREATE FUNCTION baskets_take(at timestamptz, work confirm_work[], candidate_of integer[], candidate_reference text[], candidate_edits integer[])
    RETURNS confirm_work[] LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    taken record;
    one record;
BEGIN
    IF NOT EXISTS (SELECT FROM payment_basket b WHERE b.reference = ANY (candidate_reference)) THEN
        RETURN work;
    END IF;
    WITH found AS (
        SELECT DISTINCT ON (w.n) w.n, w.payment, b.id, b.reference
        FROM unnest(candidate_of, candidate_reference, candidate_edits) WITH ORDINALITY AS c (n, reference, edits, rank)
        JOIN unnest(work) w ON w.n = c.n AND w.fresh AND w.request IS NULL
        JOIN payment_basket b ON b.reference = c.reference AND b.account_id = w.account_id
        WHERE c.edits = 0 OR w.amount = basket_due(b.id) - basket_held(b.id) AND b.cancelled_at IS NULL
        ORDER BY w.n, c.edits, c.rank
    ), kept AS (
        INSERT INTO basket_payment (payment_id, basket_id) SELECT payment, id FROM found RETURNING payment_id
    )
    SELECT coalesce(array_agg(n), '{}') AS ns, array_agg(DISTINCT id) AS baskets INTO taken FROM found;
    PERFORM event_record(at, array_agg('payment.basket'::text ORDER BY w.n), array_agg(NULL::text), array_agg(NULL::bigint),
                         array_agg(jsonb_build_object('source', w.source, 'external_id', w.external_id, 'method', w.method, 'amount', w.amount,
                                                      'basket', b.reference, 'account', w.account_number, 'bank_reference', w.bank_reference,
                                                      'paid_at', w.paid_at) ORDER BY w.n))
    FROM unnest(work) w JOIN basket_payment x ON x.payment_id = w.payment JOIN payment_basket b ON b.id = x.basket_id
    WHERE w.n = ANY (taken.ns) HAVING count(*) > 0;
    FOR one IN SELECT b.* FROM payment_basket b WHERE b.id = ANY (taken.baskets) ORDER BY b.id LOOP
        IF NOT basket_settle(at, one.id) THEN
            PERFORM event_record(at, ARRAY['basket.partly_paid'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                                 ARRAY[jsonb_build_object('basket', one.id, 'reference', one.reference, 'held', basket_held(one.id), 'due', basket_due(one.id))]);
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT w FROM unnest(work) w WHERE NOT w.n = ANY (taken.ns) ORDER BY w.n);
END $$;

-- Where money of baskets meets what stands: each change where its words are; a function that has changed meanwhile stops the migration.
CREATE FUNCTION function_patch(of regproc, old text, new text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    body text := pg_get_functiondef(of);
BEGIN
    IF position(old IN body) = 0 THEN
        RAISE EXCEPTION '% has changed: "%" is not found', of, old;
    END IF;
    EXECUTE replace(body, old, new);
END $$;
SELECT function_patch('confirm', 'PERFORM confirm_announce(at, work);',
                      'PERFORM confirm_announce(at, baskets_take(at, work, candidate_of, candidate_reference, candidate_edits));');
-- A payment that was shared out is nobody's to assign, to take back by machine, or to give back as money nobody knows.
SELECT function_patch('payment_assign', 'IF p.request_id IS NOT NULL OR', 'IF p.request_id IS NOT NULL OR EXISTS (SELECT FROM basket_payment b WHERE b.payment_id = chosen) OR');
SELECT function_patch('payment_withdraw', 'IF EXISTS (SELECT FROM refund WHERE', 'IF EXISTS (SELECT FROM basket_share s WHERE s.parent_id = chosen) OR EXISTS (SELECT FROM refund WHERE');
SELECT function_patch('refundable', 'THEN p.amount ELSE 0 END',
                      'THEN p.amount - coalesce((SELECT sum(s.amount) FROM basket_share s WHERE s.parent_id = p.id), 0)::bigint ELSE 0 END');
-- Shares have no line of their own, and a basket's payment is known whose it is.
SELECT function_patch('match_paid_fill', 'AND p.method = ''vietqr''', 'AND p.method = ''vietqr'' AND p.source <> ''basket''
      AND NOT EXISTS (SELECT FROM basket_payment b WHERE b.payment_id = p.id)');
SELECT function_patch('reconcile_payments', 'WHERE p.request_id IS NULL AND business_day(p.paid_at) BETWEEN day - 60 AND day AND p.source <> ''statement''',
                      'WHERE p.request_id IS NULL AND business_day(p.paid_at) BETWEEN day - 60 AND day AND p.source <> ''statement''
      AND NOT EXISTS (SELECT FROM basket_payment b WHERE b.payment_id = p.id)');
SELECT function_patch('reconcile_payments', 'WHERE p.source <> ''statement'' AND due.due <= day', 'WHERE p.source NOT IN (''statement'', ''basket'') AND due.due <= day');
DROP FUNCTION function_patch(regproc, text, text);

-- Money on its day. A share stands for its part of the bank's line; of the payment it came from only the rest is left.
CREATE OR REPLACE VIEW money AS
    SELECT p.id AS payment_id, p.request_id, p.account_id, a.account_number, p.method,
           (p.amount - coalesce((SELECT sum(s.amount) FROM basket_share s WHERE s.parent_id = p.id), 0))::bigint AS amount, p.source,
           coalesce(l.booked_on, b.shown_on, whole.booked_on, business_day(p.paid_at)) AS day,
           CASE WHEN l.id IS NOT NULL OR whole.booked_on IS NOT NULL THEN 'line' WHEN b.batch_id IS NOT NULL THEN 'batch' ELSE 'none' END AS shown,
           CASE WHEN p.source <> 'statement' THEN p.paid_at END AS told_at,
           CASE WHEN l.id IS NOT NULL THEN concat_ws('/', a.account_number, l.booked_on, left(encode(l.fingerprint, 'hex'), 16), l.occurrence)
                ELSE p.source || '/' || p.external_id END AS key
    FROM payment p JOIN receiving_account a ON a.id = p.account_id
    LEFT JOIN line_match m ON m.payment_id = p.id LEFT JOIN statement_line l ON l.id = m.line_id
    LEFT JOIN LATERAL (SELECT bp.batch_id, (SELECT min(l2.booked_on) FROM line_match m2 JOIN statement_line l2 ON l2.id = m2.line_id
                                            WHERE m2.batch_id = bp.batch_id) AS shown_on
                       FROM batch_payment bp WHERE bp.payment_id = p.id) b ON true
    LEFT JOIN LATERAL (SELECT wl.booked_on FROM basket_share s JOIN line_match wm ON wm.payment_id = s.parent_id JOIN statement_line wl ON wl.id = wm.line_id
                       WHERE s.payment_id = p.id) whole ON true
    WHERE NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id) AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = p.id)
      AND p.amount > coalesce((SELECT sum(s.amount) FROM basket_share s WHERE s.parent_id = p.id), 0);

CREATE OR REPLACE FUNCTION payments_near_day(wanted date) RETURNS SETOF bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH shown AS MATERIALIZED (
        SELECT m.payment_id, m.batch_id FROM statement_line l JOIN line_match m ON m.line_id = l.id WHERE l.booked_on = wanted
    )
    SELECT payment_id FROM shown WHERE payment_id IS NOT NULL
    UNION
    SELECT b.payment_id FROM shown JOIN batch_payment b ON b.batch_id = shown.batch_id
    UNION
    SELECT s.payment_id FROM shown JOIN basket_share s ON s.parent_id = shown.payment_id
    UNION
    SELECT p.id FROM payment p WHERE business_day(p.paid_at) = wanted
$$;

-- Part of the nightly run: waiting lines whose words name a basket are the payment that was announced for it, by natural keys, or money
-- nobody announced, which goes through confirm() like a call-back. Returns how many lines found their payment.
CREATE FUNCTION reconcile_baskets(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    window_days CONSTANT integer := 10;         -- as in match_decide
    told record;
    made bigint := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM payment_basket) OR NOT EXISTS (SELECT FROM line_pending) THEN
        RETURN 0;
    END IF;
    CREATE TEMP TABLE IF NOT EXISTS basket_line (line_id bigint, basket_id bigint, reference text, edits integer, payment_id bigint, healed boolean)
        ON COMMIT DELETE ROWS;
    TRUNCATE basket_line;
    INSERT INTO basket_line
    SELECT DISTINCT ON (l.id) l.id, b.id, b.reference, c.edits, NULL, false
    FROM line_pending w JOIN statement_line l ON l.id = w.line_id AND l.amount > 0 AND l.booked_on <= reconcile_baskets.day
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date AND NOT t.reversal
    JOIN line_candidate c ON c.line_id = l.id JOIN payment_basket b ON b.reference = c.reference AND b.account_id = l.account_id
    WHERE c.edits = 0 OR EXISTS (SELECT FROM basket_payment x JOIN payment p ON p.id = x.payment_id WHERE x.basket_id = b.id AND p.amount = l.amount)
       OR l.amount = basket_due(b.id) - basket_held(b.id)
    ORDER BY l.id, c.edits, c.rank;
    UPDATE basket_line x SET payment_id = found.payment_id
    FROM (SELECT l.line_id, p.payment_id
          FROM (SELECT b.line_id, b.basket_id, s.amount, s.booked_on,
                       row_number() OVER (PARTITION BY b.basket_id, s.amount ORDER BY s.booked_on, s.fingerprint, s.occurrence) AS k
                FROM basket_line b JOIN statement_line s ON s.id = b.line_id) l
          JOIN (SELECT b.payment_id, b.basket_id, p.amount, business_day(p.paid_at) AS paid_day,
                       row_number() OVER (PARTITION BY b.basket_id, p.amount ORDER BY p.paid_at, p.source, p.external_id) AS k
                FROM basket_payment b JOIN payment p ON p.id = b.payment_id
                WHERE p.method = 'vietqr' AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)) p USING (basket_id, amount, k)
          WHERE abs(l.booked_on - p.paid_day) <= window_days) found
    WHERE found.line_id = x.line_id;
    SELECT array_agg('statement'::text ORDER BY x.n) AS sources,
           array_agg(concat_ws('/', a.account_number, l.booked_on, encode(l.fingerprint, 'hex'), l.occurrence) ORDER BY x.n) AS names,
           array_agg(sha256(l.fingerprint || int8send(l.amount) || int4send(l.occurrence)) ORDER BY x.n) AS contents,
           array_agg(l.amount ORDER BY x.n) AS amounts, array_agg(a.account_number ORDER BY x.n) AS accounts, array_agg('vietqr'::text ORDER BY x.n) AS methods,
           array_agg(CASE WHEN NOT EXISTS (SELECT FROM external_transaction o WHERE o.source = 'account ' || a.account_number AND o.external_id = t.bank_reference)
                          THEN nullif(t.bank_reference, '') END ORDER BY x.n) AS bank_references,
           array_agg(t.memo ORDER BY x.n) AS memos,
           array_agg((l.booked_on::timestamp - interval '7 hours') AT TIME ZONE 'UTC' ORDER BY x.n) AS paid_ats,
           array_agg(nullif(t.counterparty, '') ORDER BY x.n) AS payers, array_agg(nullif(t.counterparty_account, '') ORDER BY x.n) AS payer_accounts,
           array_agg(NULL::bytea ORDER BY x.n) AS raws, array_agg(x.n::integer ORDER BY x.n) AS ofs, array_agg(x.reference ORDER BY x.n) AS refs,
           array_agg(x.edits ORDER BY x.n) AS edits, array_agg(x.line_id ORDER BY x.n) AS lines
    INTO told
    FROM (SELECT b.*, row_number() OVER (ORDER BY s.booked_on, s.account_id, s.fingerprint, s.occurrence) AS n
          FROM basket_line b JOIN statement_line s ON s.id = b.line_id WHERE b.payment_id IS NULL) x
    JOIN statement_line l ON l.id = x.line_id
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    JOIN receiving_account a ON a.id = l.account_id;
    IF told.lines IS NOT NULL THEN
        UPDATE basket_line x SET payment_id = c.payment, healed = true
        FROM confirm(at, told.sources, told.names, told.contents, told.amounts, told.accounts, told.methods, told.bank_references, told.memos,
                     told.paid_ats, told.payers, told.payer_accounts, told.raws, told.ofs, told.refs, told.edits) c
        WHERE x.line_id = told.lines[c.n] AND c.outcome IN ('booked', 'unallocated', 'replayed')
          AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = c.payment);
        UPDATE basket_line x SET payment_id = NULL
        WHERE x.healed AND NOT EXISTS (SELECT FROM basket_payment b WHERE b.payment_id = x.payment_id AND b.basket_id = x.basket_id);
    END IF;
    INSERT INTO line_match (line_id, payment_id, rule, healed, edits, actor, at)
    SELECT line_id, payment_id, CASE WHEN edits = 0 THEN 'reference' ELSE 'repaired' END, healed, edits, 'machine', reconcile_baskets.at
    FROM basket_line WHERE payment_id IS NOT NULL ORDER BY line_id;
    GET DIAGNOSTICS made = ROW_COUNT;
    DELETE FROM line_pending w USING basket_line x WHERE w.line_id = x.line_id AND x.payment_id IS NOT NULL;
    PERFORM line_explain(at, ARRAY(SELECT line_id FROM basket_line WHERE payment_id IS NOT NULL AND edits > 0));
    RETURN made;
END $$;
