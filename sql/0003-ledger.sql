-- Money that came, booked once, in double entry.

-- Identity: narrow, never partitioned, never purged. Each notice has its own row, and where the bank gives its own reference
-- the same money has a second one under 'account NUMBER', so that a call-back and a statement line are one payment.
CREATE TABLE external_transaction (
    source      text   NOT NULL,
    external_id text   NOT NULL,
    content     bytea  NOT NULL,                -- digest of what must not change between repeats
    payment_id  bigint,                         -- NULL: known and refused
    PRIMARY KEY (source, external_id)
);
COMMENT ON TABLE external_transaction IS 'An external transaction is booked at most once, whatever is repeated, reordered or retried.';
CREATE TRIGGER external_transaction_stays BEFORE DELETE OR TRUNCATE ON external_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE SEQUENCE payment_number;
CREATE TABLE payment (
    id             bigint      PRIMARY KEY,
    source         text        NOT NULL,
    external_id    text        NOT NULL,
    method         text        NOT NULL CHECK (method IN ('vietqr', 'pos', 'wallet', 'post', 'portal', 'cash')),
    amount         bigint      NOT NULL CHECK (amount > 0),
    account_id     integer     NOT NULL REFERENCES receiving_account,
    request_id     bigint      REFERENCES payment_request,       -- NULL: unallocated, waits for a person
    allocated      bigint      NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    surplus        bigint      NOT NULL DEFAULT 0 CHECK (surplus >= 0),
    reference      text,                                         -- as read from the memo
    edits          integer     NOT NULL DEFAULT 0 CHECK (edits >= 0), -- symbols repaired in it
    bank_reference text,
    memo           text        NOT NULL,
    payer_name     text,
    payer_account  text,
    paid_at        timestamptz NOT NULL,                         -- the bank's time
    booked_at      timestamptz NOT NULL,                         -- ours
    booked_month   date        NOT NULL,
    UNIQUE (source, external_id),
    FOREIGN KEY (source, external_id) REFERENCES external_transaction,
    CHECK (CASE WHEN request_id IS NULL THEN allocated = 0 AND surplus = 0 ELSE allocated + surplus = amount END)
);
CREATE INDEX payment_of_request ON payment (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX payment_by_bank_reference ON payment (account_id, bank_reference);
CREATE INDEX payment_by_day ON payment (business_day(paid_at), account_id);
COMMENT ON TABLE payment IS 'Money that reached one of our accounts, as a source told us.';

CREATE TABLE notice_log (
    booked_month date        NOT NULL,
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    at           timestamptz NOT NULL,
    source       text        NOT NULL,
    external_id  text        NOT NULL,
    outcome      text        NOT NULL,
    raw          bytea       NOT NULL,
    PRIMARY KEY (booked_month, id)
);
COMMENT ON TABLE notice_log IS 'The bytes each source sent and what we made of them.';
CREATE INDEX notice_log_trouble ON notice_log (at) WHERE outcome IN ('conflict', 'refused');

-- The books ---------------------------------------------------------------------------------------------------------

CREATE TABLE account (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text    NOT NULL UNIQUE CHECK (code ~ '^(clearing|bank|post|payable|deposit|refund_due|suspense|charges):[A-Za-z0-9:._-]+$')
);
COMMENT ON TABLE account IS 'clearing:ACCOUNT money announced, not yet on a statement; bank:ACCOUNT money on statements; payable:TAX-CODE owed to a collector; deposit:TAX-CODE parts of requests not settled; refund_due:ACCOUNT owed back to payers; suspense:ACCOUNT not known whose.';

CREATE SEQUENCE journal_number;
CREATE TABLE journal (
    booked_month date        NOT NULL,
    id           bigint      NOT NULL,
    at           timestamptz NOT NULL,
    booked_on    date        NOT NULL,
    kind         text        NOT NULL,
    payment_id   bigint,
    request_id   bigint,
    reverses     bigint,                        -- the journal this one takes back
    PRIMARY KEY (booked_month, id)
);
CREATE INDEX journal_by_day ON journal (booked_on);
CREATE TABLE entry (
    booked_month date    NOT NULL,
    journal_id   bigint  NOT NULL,
    ordinal      integer NOT NULL CHECK (ordinal > 0),
    account_id   integer NOT NULL REFERENCES account,
    amount       bigint  NOT NULL CHECK (amount <> 0),   -- đồng; debit positive, credit negative
    PRIMARY KEY (booked_month, journal_id, ordinal),
    FOREIGN KEY (booked_month, journal_id) REFERENCES journal (booked_month, id)
);
CREATE INDEX entry_of_account ON entry (account_id, booked_month);
COMMENT ON TABLE entry IS 'Double-entry lines; balance(account) = sum(amount). All entries of a journal come in one statement and add up to zero.';

-- A statement must bring every journal whole: its sum is zero and it holds entry 1, so a later statement cannot add to it
-- (entry 1 exists already). A row-level deferred trigger costs half the throughput; this one reads the batch once.
CREATE FUNCTION journal_balances() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    wrong record;
BEGIN
    SELECT journal_id, sum(amount) AS difference, min(ordinal) AS first INTO wrong
    FROM fresh GROUP BY booked_month, journal_id HAVING sum(amount) <> 0 OR min(ordinal) <> 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % does not balance: % đồng over, first entry %', wrong.journal_id, wrong.difference, wrong.first
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_balances AFTER INSERT ON entry REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION journal_balances();
CREATE TRIGGER entries_are_forever BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journals_are_forever BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION accounts_open(codes text[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO account (code)
    SELECT DISTINCT c FROM unnest(codes) AS u (c)
    WHERE c IS NOT NULL AND NOT EXISTS (SELECT FROM account a WHERE a.code = c) ORDER BY c
    ON CONFLICT DO NOTHING
$$;

-- One journal for rooms above: codes and amounts run in step (debit positive). Returns its number.
CREATE FUNCTION journal_post(at timestamptz, booked_on date, kind text, payment bigint, request bigint, codes text[], amounts bigint[])
    RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    number bigint := nextval('journal_number');
BEGIN
    PERFORM accounts_open(codes);
    INSERT INTO journal (booked_month, id, at, booked_on, kind, payment_id, request_id)
    VALUES (business_month(at), number, at, booked_on, kind, payment, request);
    INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
    SELECT business_month(at), number, row_number() OVER (ORDER BY n), a.id, m
    FROM unnest(codes, amounts) WITH ORDINALITY AS u (c, m, n) JOIN account a ON a.code = c WHERE m <> 0;
    RETURN number;
END $$;

CREATE TABLE refund (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id   bigint      NOT NULL REFERENCES payment,
    request_id   bigint      REFERENCES payment_request,
    amount       bigint      NOT NULL CHECK (amount > 0),
    reason       text        NOT NULL CHECK (reason IN ('surplus', 'double', 'after_cancel', 'nothing_due', 'fee_rule', 'correction')),
    state        text        NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'requested', 'approved', 'paid', 'failed', 'refused')),
    requested_by text,
    approved_by  text,
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    CHECK (approved_by IS NULL OR approved_by <> requested_by),
    CHECK (state NOT IN ('approved', 'paid', 'failed') OR approved_by IS NOT NULL)
);
CREATE INDEX refund_of_payment ON refund (payment_id);
COMMENT ON TABLE refund IS 'Money to give back; surplus opens its own case, a person asks, another approves.';

-- Confirmation --------------------------------------------------------------------------------------------------------
-- One path for every source, set-based. Arrays run in step, one element a notice; candidates are the references a memo may
-- hold, best first (candidate_of is the notice's ordinal from 1, candidate_edits how many symbols were repaired).
-- Every notice gets one row back: booked (with its request), unallocated, replayed (the stored answer), conflict (the same
-- identity with other content: nothing booked) or refused (not our account: nothing booked). Raises for none of them.
-- Lock order everywhere: identities, then requests by id, then accounts.

CREATE TYPE confirm_work AS (
    n integer, source text, external_id text, content bytea, amount bigint, account_id integer, account_number text, method text,
    bank_reference text, memo text, paid_at timestamptz, payer_name text, payer_account text, raw bytea,
    payment bigint, fresh boolean, outcome text,
    request bigint, reference text, edits integer, allocated bigint, surplus bigint, settles boolean
);

-- Step 1: who is new. Identities are inserted in (source, external id) order, the bank's own after the notices'.
CREATE FUNCTION confirm_identify(work confirm_work[]) RETURNS confirm_work[]
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    mine bigint[];
    owners bigint[];
BEGIN
    WITH made AS (
        INSERT INTO external_transaction (source, external_id, content, payment_id)
        SELECT DISTINCT ON (w.source, w.external_id) w.source, w.external_id, w.content, CASE WHEN w.account_id IS NOT NULL THEN w.payment END
        FROM unnest(work) w ORDER BY w.source, w.external_id, w.n
        ON CONFLICT DO NOTHING RETURNING source, external_id, payment_id
    ), fresh AS (
        SELECT DISTINCT ON (w.source, w.external_id) w.n
        FROM unnest(work) w JOIN made USING (source, external_id) ORDER BY w.source, w.external_id, w.n
    )
    SELECT array_agg(n) INTO mine FROM fresh;
    mine := coalesce(mine, '{}');

    WITH named AS (
        SELECT w.*, 'account ' || w.account_number AS bank FROM unnest(work) w
        WHERE w.n = ANY (mine) AND w.bank_reference IS NOT NULL AND w.account_id IS NOT NULL
    )
    INSERT INTO external_transaction (source, external_id, content, payment_id)
    SELECT DISTINCT ON (bank, bank_reference) bank, bank_reference, int8send(amount), payment
    FROM named ORDER BY bank, bank_reference, n
    ON CONFLICT DO NOTHING;

    -- The same bank transaction told by another source: this notice is a further name of that payment, or contradicts it.
    UPDATE external_transaction t SET payment_id = CASE WHEN b.content = int8send(w.amount) THEN b.payment_id END
    FROM unnest(work) w
    JOIN external_transaction b ON b.source = 'account ' || w.account_number AND b.external_id = w.bank_reference
    WHERE w.n = ANY (mine) AND w.account_id IS NOT NULL AND b.payment_id <> w.payment
      AND t.source = w.source AND t.external_id = w.external_id;

    RETURN ARRAY(
        SELECT (w.n, w.source, w.external_id, w.content, w.amount, w.account_id, w.account_number, w.method, w.bank_reference,
                w.memo, w.paid_at, w.payer_name, w.payer_account, w.raw, t.payment_id,
                w.n = ANY (mine) AND t.payment_id IS NOT DISTINCT FROM w.payment AND w.account_id IS NOT NULL,
                CASE WHEN t.content <> w.content THEN 'conflict'
                     WHEN w.account_id IS NULL THEN 'refused'
                     WHEN t.payment_id IS NULL THEN 'conflict'
                     WHEN NOT (w.n = ANY (mine) AND t.payment_id = w.payment) THEN 'replayed' END,
                NULL, NULL, 0, 0, 0, false)::confirm_work
        FROM unnest(work) w JOIN external_transaction t ON t.source = w.source AND t.external_id = w.external_id
        ORDER BY w.n);
END $$;

-- Step 2: whose money it is. An intact reference wins; a repaired one settles only an open request of exactly this amount,
-- and only when no other candidate does so too.
CREATE FUNCTION confirm_allocate(work confirm_work[], candidate_of integer[], candidate_reference text[], candidate_edits integer[])
    RETURNS confirm_work[] LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM 1 FROM payment_request r
    WHERE r.id IN (SELECT q.id FROM unnest(candidate_of, candidate_reference) AS c (n, reference)
                   JOIN payment_request q ON q.reference = c.reference
                   JOIN unnest(work) w ON w.n = c.n AND w.fresh)
    ORDER BY r.id FOR UPDATE;

    RETURN ARRAY(
        WITH candidate AS (
            SELECT w.n, w.amount AS money, r.id, r.reference, c.edits, c.rank, r.amount - r.allocated AS due,
                   CASE WHEN c.edits = 0 AND r.status IN ('pending', 'partly_paid', 'expired') AND r.amount - r.allocated = w.amount THEN 1
                        WHEN c.edits = 0 AND r.status IN ('pending', 'partly_paid', 'expired') THEN 2
                        WHEN c.edits = 0 THEN 3
                        WHEN r.status IN ('pending', 'partly_paid') AND r.amount - r.allocated = w.amount THEN 4 END AS class
            FROM unnest(candidate_of, candidate_reference, candidate_edits) WITH ORDINALITY AS c (n, reference, edits, rank)
            JOIN unnest(work) w ON w.n = c.n AND w.fresh
            -- Where nothing is due no account was named: money that comes all the same is known, and owed back.
            JOIN payment_request r ON r.reference = c.reference AND (r.account_id = w.account_id OR r.account_id IS NULL)
        ), chosen AS (
            SELECT DISTINCT ON (n) n, id, reference, edits, class,
                   count(*) FILTER (WHERE class = 4) OVER (PARTITION BY n) AS repaired_choices
            FROM candidate WHERE class IS NOT NULL ORDER BY n, class, rank
        ), taken AS (
            SELECT n, id, reference, edits FROM chosen WHERE class < 4 OR repaired_choices = 1
        ), running AS (
            SELECT w AS row, t.id, t.reference, t.edits, r.amount AS price, r.allocated AS before, r.status,
                   coalesce(sum(w.amount) OVER (PARTITION BY t.id ORDER BY w.paid_at, w.source, w.external_id
                                                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS prior
            FROM unnest(work) w LEFT JOIN taken t ON t.n = w.n LEFT JOIN payment_request r ON r.id = t.id
        ), split AS (
            SELECT row, id, reference, edits, price, before, prior,
                   CASE WHEN id IS NULL OR status = 'cancelled' THEN 0
                        ELSE least(price, before + prior + (row).amount) - least(price, before + prior) END AS part
            FROM running
        )
        SELECT ((row).n, (row).source, (row).external_id, (row).content, (row).amount, (row).account_id, (row).account_number,
                (row).method, (row).bank_reference, (row).memo, (row).paid_at, (row).payer_name, (row).payer_account, (row).raw,
                (row).payment, (row).fresh,
                coalesce((row).outcome, CASE WHEN keep THEN 'booked' ELSE 'unallocated' END),
                CASE WHEN keep THEN id END, reference, coalesce(edits, 0),
                CASE WHEN keep THEN part ELSE 0 END, CASE WHEN keep THEN (row).amount - part ELSE 0 END,
                keep AND part > 0 AND before + least(prior, price) + part = price)::confirm_work
        -- A repaired reference never takes less than the whole: an earlier notice of this batch may have paid meanwhile.
        FROM split, LATERAL (SELECT id IS NOT NULL AND (edits = 0 OR part = (row).amount) AS keep) k
        ORDER BY (row).n);
END $$;

-- Step 3: the books. A payment that settles its request alone goes straight to the collector's account; parts wait as
-- deposits until the last one comes.
CREATE FUNCTION confirm_book(at timestamptz, work confirm_work[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    month date := business_month(at);
    settled bigint[];
BEGIN
    INSERT INTO payment (id, source, external_id, method, amount, account_id, request_id, allocated, surplus, reference, edits,
                         bank_reference, memo, payer_name, payer_account, paid_at, booked_at, booked_month)
    SELECT w.payment, w.source, w.external_id, w.method, w.amount, w.account_id, w.request, w.allocated, w.surplus, w.reference,
           w.edits, w.bank_reference, w.memo, w.payer_name, w.payer_account, w.paid_at, at, month
    FROM unnest(work) w WHERE w.fresh;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    settled := ARRAY(SELECT w.request FROM unnest(work) w WHERE w.settles);

    PERFORM accounts_open(ARRAY(
        SELECT DISTINCT c FROM unnest(work) w LEFT JOIN payment_request r ON r.id = w.request,
             LATERAL (VALUES ('clearing:' || w.account_number), ('payable:' || r.collector), ('deposit:' || r.collector),
                             ('refund_due:' || w.account_number), ('suspense:' || w.account_number)) AS v (c)
        WHERE w.fresh AND c IS NOT NULL));

    WITH numbered AS MATERIALIZED (
        SELECT nextval('journal_number') AS journal, w.payment, w.request, w.amount, w.allocated, w.surplus, w.account_number,
               r.collector, w.settles AND r.allocated = 0 AND w.allocated = r.amount AS alone
        FROM unnest(work) w LEFT JOIN payment_request r ON r.id = w.request WHERE w.fresh
    ), head AS (
        INSERT INTO journal (booked_month, id, at, booked_on, kind, payment_id, request_id)
        SELECT month, journal, at, business_day(at), 'payment', payment, request FROM numbered
    )
    INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
    SELECT month, journal, v.ordinal, a.id, v.amount
    FROM numbered, LATERAL (VALUES
            (1, 'clearing:' || account_number, amount),
            (2, CASE WHEN alone THEN 'payable:' ELSE 'deposit:' END || collector, -allocated),
            (3, 'refund_due:' || account_number, -surplus),
            (4, 'suspense:' || account_number, CASE WHEN request IS NULL THEN -amount ELSE 0 END)) AS v (ordinal, code, amount)
    JOIN account a ON a.code = v.code WHERE v.amount <> 0;

    WITH numbered AS MATERIALIZED (
        SELECT nextval('journal_number') AS journal, r.id AS request, r.collector, r.amount
        FROM payment_request r
        WHERE r.id = ANY (settled)
          AND NOT (r.allocated = 0 AND EXISTS (SELECT FROM unnest(work) w WHERE w.request = r.id AND w.settles AND w.allocated = r.amount))
    ), head AS (
        INSERT INTO journal (booked_month, id, at, booked_on, kind, request_id)
        SELECT month, journal, at, business_day(at), 'settle', request FROM numbered
    )
    INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
    SELECT month, journal, v.ordinal, a.id, v.amount
    FROM numbered, LATERAL (VALUES (1, 'deposit:' || collector, amount), (2, 'payable:' || collector, -amount)) AS v (ordinal, code, amount)
    JOIN account a ON a.code = v.code;

    UPDATE payment_request r SET
        allocated = r.allocated + g.allocated, surplus = r.surplus + g.surplus, changed_at = confirm_book.at,
        settled_at = CASE WHEN r.amount > 0 AND r.allocated + g.allocated = r.amount THEN coalesce(r.settled_at, confirm_book.at) END,
        paid_on = CASE WHEN g.settles THEN g.day ELSE r.paid_on END,
        status = CASE WHEN r.status IN ('cancelled', 'nothing_due', 'refunded', 'partly_refunded') THEN r.status
                      WHEN r.allocated + g.allocated < r.amount THEN 'partly_paid'
                      WHEN r.surplus + g.surplus > 0 THEN 'overpaid' ELSE 'paid' END
    FROM (SELECT request, sum(allocated) AS allocated, sum(surplus) AS surplus, bool_or(settles) AS settles,
                 max(business_day(paid_at)) AS day
          FROM unnest(work) WHERE fresh AND request IS NOT NULL GROUP BY request) g
    WHERE r.id = g.request;

    INSERT INTO refund (payment_id, request_id, amount, reason, created_at, changed_at)
    SELECT w.payment, w.request, w.surplus,
           CASE WHEN r.status = 'cancelled' THEN 'after_cancel' WHEN r.amount = 0 THEN 'nothing_due'
                WHEN w.surplus = w.amount THEN 'double' ELSE 'surplus' END, at, at
    FROM unnest(work) w JOIN payment_request r ON r.id = w.request WHERE w.fresh AND w.surplus > 0 ORDER BY w.n;
END $$;

-- Step 4: what the rooms above must know.
CREATE FUNCTION confirm_announce(at timestamptz, work confirm_work[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH told AS (
        SELECT w.n * 10 AS rank, CASE WHEN w.request IS NULL THEN 'payment.unallocated' ELSE 'payment.settled' END AS kind,
               r.dossier, w.request,
               jsonb_build_object('source', w.source, 'external_id', w.external_id, 'method', w.method, 'amount', w.amount,
                                  'allocated', w.allocated, 'surplus', w.surplus, 'reference', w.reference,
                                  'account', w.account_number, 'bank_reference', w.bank_reference, 'paid_at', w.paid_at) AS body
        FROM unnest(work) w LEFT JOIN payment_request r ON r.id = w.request WHERE w.fresh
        UNION ALL
        SELECT w.n * 10 + 1, 'request.paid', r.dossier, r.id,
               jsonb_build_object('reference', r.reference, 'amount', r.amount, 'collector', r.collector, 'paid_on', r.paid_on)
        FROM unnest(work) w JOIN payment_request r ON r.id = w.request WHERE w.settles
    )
    SELECT event_record(confirm_announce.at, array_agg(kind ORDER BY rank), array_agg(dossier ORDER BY rank),
                        array_agg(request ORDER BY rank), array_agg(body ORDER BY rank))
    FROM told HAVING count(*) > 0
$$;

CREATE FUNCTION confirm(
    at timestamptz, sources text[], external_ids text[], contents bytea[], amounts bigint[], account_numbers text[], methods text[],
    bank_references text[], memos text[], paid_ats timestamptz[], payer_names text[], payer_accounts text[], raws bytea[],
    candidate_of integer[], candidate_reference text[], candidate_edits integer[])
    RETURNS TABLE (n integer, outcome text, payment bigint, request bigint, status text)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    work confirm_work[];
BEGIN
    work := ARRAY(
        SELECT (u.n::integer, u.s, u.e, u.c, u.m, a.id, u.a, u.method, u.b, u.memo, u.p, u.pn, u.pa, u.raw,
                nextval('payment_number'), false, NULL, NULL, NULL, 0, 0, 0, false)::confirm_work
        FROM unnest(sources, external_ids, contents, amounts, account_numbers, methods, bank_references, memos, paid_ats,
                    payer_names, payer_accounts, raws) WITH ORDINALITY AS u (s, e, c, m, a, method, b, memo, p, pn, pa, raw, n)
        LEFT JOIN receiving_account a ON a.account_number = u.a
        ORDER BY u.n);
    work := confirm_identify(work);
    work := confirm_allocate(work, candidate_of, candidate_reference, candidate_edits);
    PERFORM confirm_book(at, work);
    PERFORM confirm_announce(at, work);
    INSERT INTO notice_log (booked_month, at, source, external_id, outcome, raw)
    SELECT business_month(confirm.at), confirm.at, w.source, w.external_id, w.outcome, w.raw FROM unnest(work) w
    WHERE w.raw IS NOT NULL ORDER BY w.n;
    RETURN QUERY
        SELECT w.n, w.outcome, w.payment, p.request_id, r.status
        FROM unnest(work) w LEFT JOIN payment p ON p.id = w.payment LEFT JOIN payment_request r ON r.id = p.request_id
        ORDER BY w.n;
END $$;
