-- Wallets, gateways, terminals and the national portal: orders we begin, call-backs that only claim, money begun elsewhere.

-- A gateway holds money until it pays over: each has a clearing account of its own, which is no bank account and is never
-- chosen for a transfer. It stands under the first agency of the province until the settlement says whose it is.
CREATE FUNCTION gateway_accounts_open(numbers text[], sources text[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source, active)
    SELECT a.code, '000000', n, 'Tiền chờ chuyển: ' || s, s, false
    FROM unnest(numbers, sources) AS u (n, s),
         LATERAL (SELECT code FROM agency WHERE active ORDER BY level <> 'province', code LIMIT 1) a
    WHERE NOT EXISTS (SELECT FROM receiving_account r WHERE r.account_number = n) ORDER BY n
    ON CONFLICT DO NOTHING
$$;

-- Money of a gateway belongs to the request its order names, whatever account the request asks transfers to.
DO $$
DECLARE
    old text := pg_get_functiondef('confirm_allocate'::regproc);
    new text := replace(old, '(r.account_id = w.account_id OR r.account_id IS NULL)',
        '(r.account_id = w.account_id OR r.account_id IS NULL OR w.method IN (''wallet'', ''pos'', ''portal''))');
BEGIN
    IF new = old THEN
        RAISE EXCEPTION 'confirm_allocate has changed: the condition on the account is not found';
    END IF;
    EXECUTE new;
END $$;

-- Attempts ------------------------------------------------------------------------------------------------------------

CREATE TABLE payment_attempt (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id     bigint      NOT NULL REFERENCES payment_request,
    number         integer     NOT NULL,                -- 1, 2 … of its request
    source         text        NOT NULL,
    source_account text        NOT NULL,
    order_id       text        NOT NULL,                -- ours at the source; holds the reference
    amount         bigint      NOT NULL CHECK (amount > 0),
    state          text        NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'approved', 'declined', 'unknown', 'aborted')),
    abort_asked    boolean     NOT NULL DEFAULT false,
    redirect_url   text,
    transaction_id text,                                -- the source's own
    code           text,                                -- its result, for people
    actor          text        NOT NULL,
    made_at        timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    UNIQUE (source, order_id),
    UNIQUE (request_id, number)
);
CREATE UNIQUE INDEX payment_attempt_open ON payment_attempt (request_id) WHERE state IN ('sent', 'unknown');
COMMENT ON TABLE payment_attempt IS 'A wallet, portal or terminal asked to take money for a request: one open at a time. unknown: being asked, no other may start.';

-- Opens an attempt and the job that asks for its end, or says which one is open: made false then. NULL: no such request, or
-- nothing to pay. The order id is prefix, reference and number.
CREATE FUNCTION attempt_open(at timestamptz, wanted bigint, new_source text, new_account text, prefix text, life interval,
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

-- An attempt moves only forward: what is decided stays decided. False when it had been decided before.
CREATE FUNCTION attempt_become(at timestamptz, wanted bigint, new_state text, new_code text, new_transaction text)
    RETURNS boolean LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    a payment_attempt;
BEGIN
    UPDATE payment_attempt SET state = new_state, code = coalesce(new_code, code), changed_at = attempt_become.at,
                               transaction_id = coalesce(new_transaction, transaction_id)
    WHERE id = wanted AND state IN ('sent', 'unknown') RETURNING * INTO a;
    IF a.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM event_record(at, ARRAY['attempt.' || new_state], ARRAY[r.dossier], ARRAY[r.id],
                         ARRAY[jsonb_build_object('source', a.source, 'order', a.order_id, 'amount', a.amount, 'code', a.code)])
    FROM payment_request r WHERE r.id = a.request_id;
    RETURN true;
END $$;

-- Claims --------------------------------------------------------------------------------------------------------------

CREATE TABLE notice_claim (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source         text        NOT NULL,
    source_account text        NOT NULL,
    external_id    text        NOT NULL,
    order_id       text        NOT NULL,
    amount         bigint      NOT NULL CHECK (amount > 0),
    content        bytea       NOT NULL,
    words          text        NOT NULL,
    raw            bytea       NOT NULL,
    state          text        NOT NULL DEFAULT 'claimed' CHECK (state IN ('claimed', 'confirmed', 'denied')),
    made_at        timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    UNIQUE (source, external_id)
);
COMMENT ON TABLE notice_claim IS 'Call-backs that prove too little: answered, kept, and believed only when the source says the same to our own question.';

CREATE FUNCTION claim_store(at timestamptz, new_source text, new_account text, new_external text, new_order text, new_amount bigint,
                            new_content bytea, new_words text, new_raw bytea)
    RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
    known bytea;
BEGIN
    INSERT INTO notice_claim (source, source_account, external_id, order_id, amount, content, words, raw, made_at, changed_at)
    VALUES (new_source, new_account, new_external, new_order, new_amount, new_content, new_words, new_raw, at, at)
    ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NOT NULL THEN
        INSERT INTO job (kind, key, body, run_at, created_at)
        VALUES ('source.ask', 'claim ' || made, jsonb_build_object('claim', made), at, at);
        RETURN 'booked';
    END IF;
    SELECT content INTO known FROM notice_claim WHERE source = new_source AND external_id = new_external;
    IF known = new_content THEN
        RETURN 'replayed';
    END IF;
    INSERT INTO notice_log (booked_month, at, source, external_id, outcome, raw)
    VALUES (business_month(at), at, new_source, new_external, 'conflict', new_raw);
    RETURN 'conflict';
END $$;

CREATE FUNCTION claim_become(at timestamptz, wanted bigint, new_state text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    c notice_claim;
BEGIN
    UPDATE notice_claim SET state = new_state, changed_at = claim_become.at WHERE id = wanted AND state = 'claimed'
    RETURNING * INTO c;
    IF c.id IS NOT NULL AND new_state = 'denied' THEN   -- somebody told us of money that the source knows nothing of
        INSERT INTO notice_log (booked_month, at, source, external_id, outcome, raw)
        VALUES (business_month(at), at, c.source, c.external_id, 'refused', c.raw);
        PERFORM event_record(at, ARRAY['notice.denied'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                             ARRAY[jsonb_build_object('source', c.source, 'external_id', c.external_id, 'amount', c.amount)]);
    END IF;
END $$;

-- Money begun elsewhere ------------------------------------------------------------------------------------------------

CREATE INDEX dossier_by_letters ON dossier (regexp_replace(code, '\W', '', 'g'));

CREATE TABLE outside_payment (
    payment_id     bigint      PRIMARY KEY REFERENCES payment,
    dossier_told   text        NOT NULL,        -- the code as the platform wrote it, without marks
    dossier        text        REFERENCES dossier,
    receipt_issuer text        NOT NULL,        -- who gave the receipt: 'dvcqg', a ministry's system, 'none'
    receipt_number text,
    made_at        timestamptz NOT NULL
);
COMMENT ON TABLE outside_payment IS 'Paid on the national portal or a ministry''s system without a request of ours: booked in its clearing account against the dossier. Who issued the receipt is recorded; we make no second one.';

CREATE FUNCTION outside_payment_note(at timestamptz, payment bigint, told text, issuer text) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO outside_payment (payment_id, dossier_told, dossier, receipt_issuer, made_at)
    VALUES (payment, told, (SELECT min(d.code) FROM dossier d WHERE regexp_replace(d.code, '\W', '', 'g') = told
                            HAVING count(*) = 1), issuer, at)
    ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION outside_payment_has_its_receipt() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM outside_payment o WHERE o.payment_id = NEW.id AND o.receipt_issuer <> 'none') THEN
        RAISE EXCEPTION 'payment % has a receipt made elsewhere: a request would give it a second one', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'outside_payment_has_its_receipt';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outside_payment_has_its_receipt BEFORE UPDATE OF request_id ON payment
    FOR EACH ROW WHEN (OLD.request_id IS NULL AND NEW.request_id IS NOT NULL) EXECUTE FUNCTION outside_payment_has_its_receipt();
