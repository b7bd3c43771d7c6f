-- What banks say, and how it agrees with what we booked.
--
-- A statement line is stored once, by content: which file brought it first is told beside it but means nothing. It waits in
-- line_pending until the nightly run gives it a fate: a match with one payment, or an exception. Nothing is ever netted.

CREATE TABLE statement_file (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256      bytea       NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    name        text        NOT NULL,
    format      text        NOT NULL,
    size        bigint      NOT NULL,           -- bytes
    imported_at timestamptz NOT NULL,
    imported_by text        NOT NULL
);
COMMENT ON TABLE statement_file IS 'A file a bank gave us, known by its SHA-256.';

CREATE TABLE statement (
    id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id     bigint  NOT NULL REFERENCES statement_file,
    ordinal     integer NOT NULL,               -- in the file, from 1
    account     text    NOT NULL,               -- as the bank writes it
    account_id  integer REFERENCES receiving_account,
    currency    text    NOT NULL,
    number      text    NOT NULL,
    first_day   date,                           -- of its lines and its closing balance
    last_day    date,
    opening     bigint,                         -- minor units
    closing     bigint,
    line_count  bigint  NOT NULL,
    sum_in      bigint  NOT NULL CHECK (sum_in >= 0),
    sum_out     bigint  NOT NULL CHECK (sum_out >= 0),
    state       text    NOT NULL CHECK (state IN ('accepted', 'quarantined')),
    reason      text    CHECK (reason IN ('balance', 'account_unknown', 'currency', 'bad_date')),
    detail      text    NOT NULL DEFAULT '',    -- the difference, named
    new_lines   bigint  NOT NULL DEFAULT 0,
    known_lines bigint  NOT NULL DEFAULT 0,
    UNIQUE (file_id, ordinal),
    CHECK ((state = 'quarantined') = (reason IS NOT NULL)),
    CHECK (state = 'quarantined' OR (account_id IS NOT NULL AND opening + sum_in - sum_out = closing))
);
CREATE INDEX statement_of_account ON statement (account_id, last_day) WHERE state = 'accepted';
COMMENT ON TABLE statement IS 'One statement of one account. Quarantined: it does not prove itself, so none of its lines is used.';

-- Identity: narrow, never partitioned, never purged.
CREATE TABLE statement_line (
    id           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   integer NOT NULL REFERENCES receiving_account,
    booked_on    date    NOT NULL,
    amount       bigint  NOT NULL,              -- đồng, money in positive
    fingerprint  bytea   NOT NULL CHECK (octet_length(fingerprint) = 16),
    occurrence   integer NOT NULL CHECK (occurrence > 0), -- genuine twins within one statement
    statement_id bigint  NOT NULL REFERENCES statement,   -- that brought it first
    page         integer NOT NULL,
    ordinal      bigint  NOT NULL,
    UNIQUE (account_id, fingerprint, occurrence)
);
CREATE INDEX statement_line_by_day ON statement_line (booked_on, account_id);
COMMENT ON TABLE statement_line IS 'A line of a bank statement, once: day, amount and the bank''s reference, else its whole content, and which of several alike.';
CREATE TRIGGER statement_line_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE statement_line_text (
    booked_month         date    NOT NULL,
    line_id              bigint  NOT NULL,
    value_on             date,
    reversal             boolean NOT NULL,
    type                 text    NOT NULL,
    bank_reference       text    NOT NULL,
    customer_reference   text    NOT NULL,
    counterparty         text    NOT NULL,
    counterparty_account text    NOT NULL,
    memo                 text    NOT NULL,
    supplementary        text    NOT NULL,
    PRIMARY KEY (booked_month, line_id)
);
COMMENT ON TABLE statement_line_text IS 'What a line says in words; wide, so that old months can be moved away.';
CREATE TRIGGER statement_line_text_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_line_text
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE line_candidate (
    line_id   bigint  NOT NULL REFERENCES statement_line,
    rank      integer NOT NULL,                 -- best first
    reference text    NOT NULL,
    edits     integer NOT NULL CHECK (edits >= 0), -- symbols repaired
    PRIMARY KEY (line_id, rank)
);
COMMENT ON TABLE line_candidate IS 'Payment references the words of a line may hold.';

CREATE TABLE line_pending (
    line_id bigint PRIMARY KEY REFERENCES statement_line
);
COMMENT ON TABLE line_pending IS 'Lines without a fate yet: neither matched nor an exception.';

CREATE TABLE line_unposted (
    line_id bigint PRIMARY KEY REFERENCES statement_line
);
COMMENT ON TABLE line_unposted IS 'Lines whose money the ledger has not moved onto bank:ACCOUNT yet.';

CREATE TABLE reconciliation_run (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day         date        NOT NULL,
    started_at  timestamptz NOT NULL,
    started_by  text        NOT NULL,
    finished_at timestamptz,
    summary     jsonb
);
COMMENT ON TABLE reconciliation_run IS 'Each run and what it found; a run without an end was killed, the next one goes on where it stopped.';

CREATE TABLE line_match (
    line_id    bigint      PRIMARY KEY REFERENCES statement_line,
    payment_id bigint      NOT NULL UNIQUE REFERENCES payment,
    rule       text        NOT NULL CHECK (rule IN ('bank_reference', 'reference', 'repaired', 'memo', 'person')),
    version    integer     NOT NULL DEFAULT 1,  -- of the rule
    healed     boolean     NOT NULL,            -- booked from the statement: no call-back had come
    edits      integer     NOT NULL DEFAULT 0,
    actor      text        NOT NULL,
    at         timestamptz NOT NULL
);
COMMENT ON TABLE line_match IS 'Which payment a line is: each line once, each payment once. Rules: the bank''s reference and amount; the payment reference and amount, intact or repaired; the same words and amount for money not known whose; a person.';
CREATE TRIGGER line_match_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON line_match
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE exception_case (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason      text        NOT NULL CHECK (reason IN ('no_reference', 'unknown_reference', 'wrong_amount', 'amount_differs',
                            'duplicate_line', 'may_be_known', 'reversal', 'bank_charge', 'bank_interest', 'outgoing', 'zero_amount',
                            'payment_without_line')),
    line_id     bigint      UNIQUE REFERENCES statement_line,
    payment_id  bigint      REFERENCES payment,
    account_id  integer     NOT NULL REFERENCES receiving_account,
    amount      bigint      NOT NULL,
    booked_on   date        NOT NULL,           -- its age counts from here
    state       text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'proposed', 'resolved')),
    suggestion  jsonb       NOT NULL DEFAULT '{}',
    resolution  text        CHECK (resolution IN ('matched', 'explained', 'nothing_moved')),
    note        text,
    other_payment bigint    REFERENCES payment, -- proposed as the match of the line
    proposed_by text,
    resolved_by text,
    opened_at   timestamptz NOT NULL,
    resolved_at timestamptz,
    CHECK (line_id IS NOT NULL OR payment_id IS NOT NULL),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK (proposed_by IS NULL OR resolved_by IS NULL OR proposed_by <> resolved_by)
);
CREATE UNIQUE INDEX exception_of_payment ON exception_case (payment_id) WHERE line_id IS NULL;
CREATE INDEX exception_open ON exception_case (booked_on, id) WHERE state <> 'resolved';
COMMENT ON TABLE exception_case IS 'What does not agree, one row each, until somebody (or the missing half) explains it.';

-- What a reason means, in words for the person at the desk.
CREATE FUNCTION exception_explain(reason text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN CASE reason
        WHEN 'no_reference' THEN 'Tiền đã về nhưng nội dung chuyển khoản không có mã nộp tiền.'
        WHEN 'unknown_reference' THEN 'Có mã nộp tiền nhưng không khớp yêu cầu nào của tài khoản này.'
        WHEN 'wrong_amount' THEN 'Mã nộp tiền phải sửa mới đọc được và số tiền không khớp.'
        WHEN 'amount_differs' THEN 'Số tiền trên sao kê khác số tiền đã báo.'
        WHEN 'duplicate_line' THEN 'Dòng sao kê giống hệt một dòng đã ghi.'
        WHEN 'may_be_known' THEN 'Có thể là khoản tiền đã ghi mà chưa rõ hồ sơ.'
        WHEN 'reversal' THEN 'Ngân hàng thu hồi một khoản đã ghi.'
        WHEN 'bank_charge' THEN 'Phí ngân hàng.'
        WHEN 'bank_interest' THEN 'Lãi tiền gửi.'
        WHEN 'outgoing' THEN 'Tiền chuyển đi.'
        WHEN 'zero_amount' THEN 'Dòng sao kê có số tiền bằng không.'
        WHEN 'payment_without_line' THEN 'Đã được báo có tiền nhưng sao kê không có dòng này.' END;

CREATE TABLE line_posting (
    line_id    bigint PRIMARY KEY REFERENCES statement_line,
    journal_id bigint NOT NULL
);
COMMENT ON TABLE line_posting IS 'The journal that moved a line''s money onto bank:ACCOUNT; each line once.';
CREATE TRIGGER line_posting_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON line_posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE bank_wording (
    pattern text PRIMARY KEY,                   -- over type and words, lower case
    reason  text NOT NULL CHECK (reason IN ('bank_charge', 'bank_interest'))
);
COMMENT ON TABLE bank_wording IS 'How banks name their own charges and interest; data, to be extended per bank.';
INSERT INTO bank_wording VALUES
    ('^[nsf]chg ', 'bank_charge'), ('^[nsf]int ', 'bank_interest'),
    ('\m(thu phi|phi dich vu|phi sms|phi duy tri|phi quan ly|phi chuyen tien|service charge|bank charge)\M', 'bank_charge'),
    ('\m(thu phí|phí dịch vụ|phí sms|phí duy trì|phí quản lý|phí chuyển tiền)\M', 'bank_charge'),
    ('\m(tra lai|lai tien gui|lai nhap goc|trả lãi|lãi tiền gửi|lãi nhập gốc|interest)\M', 'bank_interest');

CREATE INDEX payment_unallocated ON payment (account_id, amount) WHERE request_id IS NULL;

-- Import --------------------------------------------------------------------------------------------------------------

-- Our account by what a bank writes in :25: — the bare number, or behind a bank's code, or with the currency glued on.
CREATE FUNCTION statement_account(written text) RETURNS integer
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT min(a.id) FROM receiving_account a
    WHERE a.account_number = ANY (regexp_split_to_array(regexp_replace(written, '[ .-]', '', 'g'), '/'))
       OR a.account_number || 'VND' = ANY (regexp_split_to_array(regexp_replace(written, '[ .-]', '', 'g'), '/'))
    HAVING count(*) = 1
$$;

-- Takes one statement whose lines stand in the session's table import_line (n, page, ordinal, booked_on, value_on, amount,
-- reversal, fingerprint, type … supplementary, candidates, edits). Refuses nothing by raising: what does not prove itself is
-- quarantined with its reason. Returns {statement, state, reason, new, known}.
CREATE FUNCTION statement_take(
    at timestamptz, file bigint, in_file integer, written_account text, written_currency text, written_number text,
    said_opening bigint, said_closing bigint, closing_day date, whole boolean, detail text)
    RETURNS jsonb LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ours integer := statement_account(written_account);
    why text;
    made bigint;
    total record;
    fresh bigint := 0;
BEGIN
    SELECT count(*) AS lines, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS come,
           coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS gone, min(booked_on) AS first, max(booked_on) AS last,
           bool_or(booked_on IS NULL) AS undated
    INTO total FROM import_line;
    why := CASE WHEN NOT whole OR said_opening IS NULL OR said_closing IS NULL
                     OR said_opening + total.come - total.gone <> said_closing THEN 'balance'
                WHEN ours IS NULL THEN 'account_unknown'
                WHEN written_currency <> 'VND' THEN 'currency'
                WHEN total.undated THEN 'bad_date' END;
    INSERT INTO statement (file_id, ordinal, account, account_id, currency, number, first_day, last_day, opening, closing, line_count,
                           sum_in, sum_out, state, reason, detail)
    VALUES (file, in_file, written_account, ours, written_currency, written_number, least(total.first, closing_day),
            greatest(total.last, closing_day), said_opening, said_closing, total.lines, total.come, total.gone,
            CASE WHEN why IS NULL THEN 'accepted' ELSE 'quarantined' END, why, statement_take.detail)
    RETURNING id INTO made;
    IF why IS NULL THEN
        WITH numbered AS MATERIALIZED (
            SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY n) AS occurrence FROM import_line
        ), line AS (
            INSERT INTO statement_line (account_id, booked_on, amount, fingerprint, occurrence, statement_id, page, ordinal)
            SELECT ours, booked_on, amount, fingerprint, occurrence, made, page, ordinal FROM numbered ORDER BY n
            ON CONFLICT (account_id, fingerprint, occurrence) DO NOTHING
            RETURNING id, fingerprint, occurrence
        ), told AS MATERIALIZED (
            SELECT line.id, numbered.* FROM line JOIN numbered USING (fingerprint, occurrence)
        ), words AS (
            INSERT INTO statement_line_text (booked_month, line_id, value_on, reversal, type, bank_reference, customer_reference,
                                             counterparty, counterparty_account, memo, supplementary)
            SELECT date_trunc('month', booked_on)::date, id, value_on, reversal, type, bank_reference, customer_reference,
                   counterparty, counterparty_account, memo, supplementary FROM told
        ), candidate AS (
            INSERT INTO line_candidate (line_id, rank, reference, edits)
            SELECT id, c.rank, c.reference, c.edits
            FROM told, unnest(candidates, told.edits) WITH ORDINALITY AS c (reference, edits, rank)
        ), pending AS (
            INSERT INTO line_pending SELECT id FROM told
        ), unposted AS (
            INSERT INTO line_unposted SELECT id FROM told WHERE amount <> 0
        )
        SELECT count(*) INTO fresh FROM line;
        UPDATE statement SET new_lines = fresh, known_lines = total.lines - fresh WHERE id = made;
    END IF;
    RETURN jsonb_build_object('statement', made, 'account', written_account, 'number', written_number,
                              'state', CASE WHEN why IS NULL THEN 'accepted' ELSE 'quarantined' END, 'reason', why,
                              'detail', detail, 'lines', total.lines, 'new', fresh,
                              'known', CASE WHEN why IS NULL THEN total.lines - fresh ELSE 0 END);
END $$;

-- The nightly run -----------------------------------------------------------------------------------------------------
-- Steps in order; each is safe to repeat and touches pending lines only, so a killed run is continued by the next one.
-- Lines and payments that are alike (same account, reference and amount) are paired in the order of their natural keys.

-- Step 1: lines of payments we know already. Days between the bank's booking and our notice are bounded.
CREATE FUNCTION reconcile_match(at timestamptz, day date, rule text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    window_days CONSTANT integer := 10;
    made bigint;
BEGIN
    WITH line AS MATERIALIZED (
        SELECT l.id, l.account_id, l.amount, l.booked_on, l.fingerprint, l.occurrence, nullif(t.bank_reference, '') AS bank_reference,
               regexp_replace(upper(t.memo), '[^[:alnum:]]', '', 'g') AS words
        FROM line_pending w JOIN statement_line l ON l.id = w.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        WHERE l.booked_on <= day AND l.amount > 0 AND NOT t.reversal
    ), span AS (
        SELECT min(booked_on) AS first, max(booked_on) AS last FROM line
    ), open AS MATERIALIZED (
        SELECT p.id, p.account_id, p.amount, p.reference, p.bank_reference, p.request_id, p.paid_at, p.source, p.external_id,
               business_day(p.paid_at) AS paid_day, regexp_replace(upper(p.memo), '[^[:alnum:]]', '', 'g') AS words
        FROM payment p, span
        WHERE business_day(p.paid_at) BETWEEN span.first - window_days AND span.last + window_days
          AND p.method = 'vietqr' AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
    ), said AS (                                -- what would identify the payment under this rule
        SELECT id AS line, bank_reference AS mark, 0 AS edits, 1 AS rank FROM line
        WHERE rule = 'bank_reference' AND bank_reference IS NOT NULL
        UNION ALL
        SELECT line.id, c.reference, c.edits, c.rank FROM line JOIN line_candidate c ON c.line_id = line.id
        WHERE rule = 'reference' AND c.edits = 0 OR rule = 'repaired' AND c.edits > 0
        UNION ALL
        SELECT id, words, 0, 1 FROM line WHERE rule = 'memo' AND length(words) >= 8
    ), meant AS (
        SELECT id, account_id, amount, paid_day, paid_at, source, external_id,
               CASE rule WHEN 'bank_reference' THEN bank_reference WHEN 'memo' THEN words ELSE reference END AS mark
        FROM open WHERE rule <> 'memo' OR request_id IS NULL
    ), possible AS (
        SELECT DISTINCT ON (line.id) line.id, line.account_id, line.amount, s.mark, s.edits, line.booked_on, line.fingerprint,
               line.occurrence, count(*) OVER (PARTITION BY line.id) AS choices
        FROM line JOIN said s ON s.line = line.id
        WHERE EXISTS (SELECT FROM meant m WHERE m.account_id = line.account_id AND m.mark = s.mark AND m.amount = line.amount
                      AND abs(line.booked_on - m.paid_day) <= window_days)
        ORDER BY line.id, s.rank
    ), left_side AS (
        SELECT *, row_number() OVER (PARTITION BY account_id, mark, amount ORDER BY booked_on, fingerprint, occurrence) AS k
        FROM possible WHERE rule <> 'repaired' OR choices = 1
    ), right_side AS (
        SELECT *, row_number() OVER (PARTITION BY account_id, mark, amount ORDER BY paid_at, source, external_id) AS k FROM meant
    ), matched AS (
        INSERT INTO line_match (line_id, payment_id, rule, healed, edits, actor, at)
        SELECT l.id, r.id, rule, r.source = 'statement', l.edits, 'machine', reconcile_match.at
        FROM left_side l JOIN right_side r USING (account_id, mark, amount, k)
        WHERE abs(l.booked_on - r.paid_day) <= window_days
        ON CONFLICT DO NOTHING RETURNING line_id
    ), done AS (
        DELETE FROM line_pending WHERE line_id IN (SELECT line_id FROM matched) RETURNING 1
    )
    SELECT count(*) INTO made FROM done;
    RETURN made;
END $$;

-- One exception for each given line; takes it out of the pending ones.
CREATE FUNCTION exceptions_open(at timestamptz, lines bigint[], reasons text[], payments bigint[], suggestions jsonb[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH opened AS (
        INSERT INTO exception_case (reason, line_id, payment_id, account_id, amount, booked_on, suggestion, opened_at)
        SELECT u.reason, l.id, u.payment, l.account_id, l.amount, l.booked_on, coalesce(u.suggestion, '{}'), exceptions_open.at
        FROM unnest(lines, reasons, payments, suggestions) WITH ORDINALITY AS u (line, reason, payment, suggestion, n)
        JOIN statement_line l ON l.id = u.line ORDER BY u.n
        ON CONFLICT DO NOTHING RETURNING line_id, reason, amount, booked_on, account_id
    ), done AS (
        DELETE FROM line_pending WHERE line_id = ANY (lines)
    )
    SELECT event_record(exceptions_open.at, array_agg('exception.opened'::text), array_agg(NULL::text), array_agg(NULL::bigint),
                        array_agg(jsonb_build_object('reason', o.reason, 'amount', o.amount, 'booked_on', o.booked_on,
                                                     'account', a.account_number)))
    FROM opened o JOIN receiving_account a ON a.id = o.account_id HAVING count(*) > 0
$$;

-- Step 2: what is no collection: money out, reversals, the bank's own interest and charges.
CREATE FUNCTION reconcile_set_aside(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ids bigint[];
    whys text[];
BEGIN
    SELECT array_agg(id ORDER BY booked_on, account_id, fingerprint, occurrence),
           array_agg(reason ORDER BY booked_on, account_id, fingerprint, occurrence) INTO ids, whys
    FROM (SELECT l.*, CASE WHEN l.amount = 0 THEN 'zero_amount' WHEN t.reversal THEN 'reversal'
                           ELSE coalesce((SELECT min(w.reason) FROM bank_wording w
                                          WHERE lower(t.type || ' ' || t.memo) ~ w.pattern
                                            AND NOT EXISTS (SELECT FROM line_candidate c WHERE c.line_id = l.id AND c.edits = 0)),
                                         CASE WHEN l.amount < 0 THEN 'outgoing' END) END AS reason
          FROM line_pending w JOIN statement_line l ON l.id = w.line_id
          JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
          WHERE l.booked_on <= day) told
    WHERE reason IS NOT NULL;
    IF ids IS NOT NULL THEN
        PERFORM exceptions_open(at, ids, whys, array_fill(NULL::bigint, ARRAY[cardinality(ids)]),
                                array_fill(NULL::jsonb, ARRAY[cardinality(ids)]));
    END IF;
    RETURN coalesce(cardinality(ids), 0);
END $$;

-- Step 3: money nobody announced. It goes through the same confirmation as every call-back; what no request can be told from is
-- booked in suspense and is an exception. A line that may be an unallocated payment we know already is never booked twice.
CREATE FUNCTION reconcile_heal(at timestamptz, day date, most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    window_days CONSTANT integer := 10;
    ids bigint[];
    held bigint[];
    helds jsonb[];
    twins bigint[];
    twin_payments bigint[];
BEGIN
    ids := ARRAY(SELECT l.id FROM line_pending w JOIN statement_line l ON l.id = w.line_id
                 WHERE l.booked_on <= day AND l.amount > 0
                 ORDER BY l.booked_on, l.account_id, l.fingerprint, l.occurrence LIMIT most);
    IF cardinality(ids) = 0 THEN
        RETURN 0;
    END IF;

    -- The same bank transaction on two lines (an overlap that changed its day): the second is never booked.
    SELECT array_agg(line), array_agg(payment) INTO twins, twin_payments
    FROM (SELECT DISTINCT ON (l.id) l.id AS line, m.payment_id AS payment
          FROM statement_line l
          JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
          JOIN payment p ON p.account_id = l.account_id AND p.bank_reference = t.bank_reference AND p.amount = l.amount
          JOIN line_match m ON m.payment_id = p.id JOIN statement_line l2 ON l2.id = m.line_id
          JOIN statement_line_text t2 ON t2.line_id = l2.id AND t2.booked_month = date_trunc('month', l2.booked_on)::date
          WHERE l.id = ANY (ids) AND t.bank_reference <> '' AND t2.bank_reference = t.bank_reference
            AND l2.booked_on <> l.booked_on
          ORDER BY l.id, m.payment_id) found;

    -- Money in suspense of the same amount whose own line has not come: perhaps this one.
    SELECT array_agg(line), array_agg(evidence) INTO held, helds
    FROM (SELECT l.id AS line, jsonb_build_object('payments', jsonb_agg(jsonb_build_object('source', p.source, 'external_id',
                     p.external_id, 'paid_at', p.paid_at, 'memo', p.memo) ORDER BY p.paid_at, p.source, p.external_id)) AS evidence
          FROM statement_line l
          JOIN payment p ON p.account_id = l.account_id AND p.amount = l.amount AND p.request_id IS NULL AND p.method = 'vietqr'
               AND abs(business_day(p.paid_at) - l.booked_on) <= window_days AND p.source <> 'statement'
          WHERE l.id = ANY (ids) AND NOT l.id = ANY (coalesce(twins, '{}'))
            AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
            AND NOT EXISTS (SELECT FROM line_candidate c JOIN payment_request r ON r.reference = c.reference
                            WHERE c.line_id = l.id AND c.edits = 0 AND r.account_id = l.account_id)
          GROUP BY l.id) found;

    IF twins IS NOT NULL THEN
        PERFORM exceptions_open(at, twins, array_fill('duplicate_line'::text, ARRAY[cardinality(twins)]), twin_payments,
                                array_fill(NULL::jsonb, ARRAY[cardinality(twins)]));
    END IF;
    IF held IS NOT NULL THEN
        PERFORM exceptions_open(at, held, array_fill('may_be_known'::text, ARRAY[cardinality(held)]),
                                array_fill(NULL::bigint, ARRAY[cardinality(held)]), helds);
    END IF;
    ids := ARRAY(SELECT i FROM unnest(ids) WITH ORDINALITY AS u (i, n)
                 WHERE NOT i = ANY (coalesce(twins, '{}') || coalesce(held, '{}')) ORDER BY n);
    IF cardinality(ids) > 0 THEN
        PERFORM reconcile_confirm(at, ids);
    END IF;
    RETURN cardinality(ids) + coalesce(cardinality(twins), 0) + coalesce(cardinality(held), 0);
END $$;

CREATE FUNCTION reconcile_confirm(at timestamptz, ids bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    told record;
    candidate record;
BEGIN
    WITH line AS (
        SELECT u.n, l.*, t.*, a.account_number,
               CASE WHEN t.bank_reference <> '' AND NOT EXISTS (     -- its own, not lent to another line already
                        SELECT FROM payment p JOIN line_match m ON m.payment_id = p.id
                        WHERE p.account_id = l.account_id AND p.bank_reference = t.bank_reference)
                    AND row_number() OVER (PARTITION BY l.account_id, t.bank_reference ORDER BY u.n) = 1
                    THEN t.bank_reference END AS own_reference
        FROM unnest(ids) WITH ORDINALITY AS u (id, n) JOIN statement_line l ON l.id = u.id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        JOIN receiving_account a ON a.id = l.account_id
    )
    SELECT array_agg('statement'::text ORDER BY n) AS sources,
           array_agg(concat_ws('/', account_number, booked_on, encode(fingerprint, 'hex'), occurrence) ORDER BY n) AS external_ids,
           array_agg(sha256(fingerprint || int8send(amount) || int4send(occurrence)) ORDER BY n) AS contents,
           array_agg(amount ORDER BY n) AS amounts, array_agg(account_number ORDER BY n) AS accounts,
           array_agg('vietqr'::text ORDER BY n) AS methods, array_agg(own_reference ORDER BY n) AS bank_references,
           array_agg(memo ORDER BY n) AS memos,
           array_agg((booked_on::timestamp - interval '7 hours') AT TIME ZONE 'UTC' ORDER BY n) AS paid_ats,
           array_agg(nullif(counterparty, '') ORDER BY n) AS payers,
           array_agg(nullif(counterparty_account, '') ORDER BY n) AS payer_accounts,
           array_agg(NULL::bytea ORDER BY n) AS raws
    INTO told FROM line;
    SELECT coalesce(array_agg(u.n::integer ORDER BY u.n, c.rank), '{}') AS ofs,
           coalesce(array_agg(c.reference ORDER BY u.n, c.rank), '{}') AS refs,
           coalesce(array_agg(c.edits ORDER BY u.n, c.rank), '{}') AS edits
    INTO candidate FROM unnest(ids) WITH ORDINALITY AS u (id, n) JOIN line_candidate c ON c.line_id = u.id;

    CREATE TEMP TABLE IF NOT EXISTS reconcile_answer (
        line_id bigint, outcome text, payment bigint, request bigint, edits integer) ON COMMIT DELETE ROWS;
    TRUNCATE reconcile_answer;
    INSERT INTO reconcile_answer
    SELECT ids[c.n], c.outcome, c.payment, c.request, coalesce(p.edits, 0)
    FROM confirm(at, told.sources, told.external_ids, told.contents, told.amounts, told.accounts, told.methods,
                 told.bank_references, told.memos, told.paid_ats, told.payers, told.payer_accounts, told.raws,
                 candidate.ofs, candidate.refs, candidate.edits) c
    LEFT JOIN payment p ON p.id = c.payment;

    -- Booked, or known under the bank's reference with no line of its own yet.
    WITH matched AS (
        INSERT INTO line_match (line_id, payment_id, rule, healed, edits, actor, at)
        SELECT r.line_id, r.payment,
               CASE WHEN r.outcome = 'replayed' THEN 'bank_reference' WHEN r.edits > 0 THEN 'repaired' ELSE 'reference' END,
               p.source = 'statement', r.edits, 'machine', reconcile_confirm.at
        FROM reconcile_answer r JOIN payment p ON p.id = r.payment
        WHERE r.outcome = 'booked' OR (r.outcome = 'replayed' AND p.request_id IS NOT NULL)
        ON CONFLICT DO NOTHING RETURNING line_id)
    DELETE FROM line_pending WHERE line_id IN (SELECT line_id FROM matched);

    PERFORM exceptions_open(at, array_agg(line_id ORDER BY n), array_agg(reason ORDER BY n), array_agg(payment ORDER BY n),
                            array_agg(suggestion ORDER BY n))
    FROM (SELECT u.n, r.line_id, r.payment,
                 CASE WHEN r.outcome IN ('conflict', 'refused') THEN 'amount_differs'
                      WHEN r.outcome = 'replayed' AND EXISTS (SELECT FROM line_match m WHERE m.payment_id = r.payment) THEN 'duplicate_line'
                      WHEN NOT EXISTS (SELECT FROM line_candidate c WHERE c.line_id = r.line_id) THEN 'no_reference'
                      WHEN EXISTS (SELECT FROM line_candidate c JOIN payment_request q ON q.reference = c.reference
                                   WHERE c.line_id = r.line_id) THEN 'wrong_amount'
                      ELSE 'unknown_reference' END AS reason,
                 (SELECT jsonb_build_object('references', jsonb_agg(jsonb_build_object('reference', c.reference, 'edits', c.edits,
                             'dossier', q.dossier, 'due', q.amount - q.allocated, 'status', q.status) ORDER BY c.rank))
                  FROM line_candidate c LEFT JOIN payment_request q ON q.reference = c.reference
                  WHERE c.line_id = r.line_id) AS suggestion
          FROM reconcile_answer r JOIN unnest(ids) WITH ORDINALITY AS u (id, n) ON u.id = r.line_id
          WHERE NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = r.line_id)) left_over
    HAVING count(*) > 0;
END $$;

-- Step 4: payments the bank should have shown by now. Only where a statement covers the day: a statement that did not come is
-- "not received", never a difference.
CREATE FUNCTION reconcile_payments(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_at = reconcile_payments.at, resolved_by = 'machine'
    WHERE e.state <> 'resolved' AND e.line_id IS NULL AND e.reason = 'payment_without_line'
      AND EXISTS (SELECT FROM line_match m WHERE m.payment_id = e.payment_id);
    -- Money a call-back announced and nobody can tell whose it is: its line is matched, its owner is not known.
    UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_at = reconcile_payments.at, resolved_by = 'machine'
    FROM payment p
    WHERE e.state <> 'resolved' AND e.line_id IS NULL AND e.reason IN ('no_reference', 'unknown_reference')
      AND p.id = e.payment_id AND p.request_id IS NOT NULL;
    INSERT INTO exception_case (reason, payment_id, account_id, amount, booked_on, opened_at)
    SELECT CASE WHEN p.reference IS NULL THEN 'no_reference' ELSE 'unknown_reference' END, p.id, p.account_id, p.amount,
           business_day(p.paid_at), reconcile_payments.at
    FROM payment p
    WHERE p.request_id IS NULL AND business_day(p.paid_at) BETWEEN day - 60 AND day
      AND NOT EXISTS (SELECT FROM exception_case e WHERE e.payment_id = p.id)
    ORDER BY p.paid_at, p.source, p.external_id
    ON CONFLICT DO NOTHING;
    INSERT INTO exception_case (reason, payment_id, account_id, amount, booked_on, opened_at)
    SELECT 'payment_without_line', p.id, p.account_id, p.amount, business_day(p.paid_at), reconcile_payments.at
    FROM payment p
    WHERE business_day(p.paid_at) BETWEEN day - 60 AND day AND p.method = 'vietqr' AND p.source <> 'statement'
      AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
      AND EXISTS (SELECT FROM statement s WHERE s.account_id = p.account_id AND s.state = 'accepted'
                  AND s.first_day <= business_day(p.paid_at) AND s.last_day >= business_day(p.paid_at))
    ORDER BY p.paid_at, p.source, p.external_id
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;

-- Step 5: lines with a fate move onto bank:ACCOUNT, each once. Money in of a payment leaves clearing; charges and interest go to
-- charges; everything else waits in suspense.
-- A foreign key check planned while journal was small reads all of it for every entry; without sequential scans it never does.
CREATE FUNCTION reconcile_post(at timestamptz, most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    month date := business_month(at);
    posted integer;
BEGIN
    PERFORM accounts_open(ARRAY(SELECT k || a.account_number FROM receiving_account a,
                                unnest(ARRAY['bank:', 'clearing:', 'suspense:', 'charges:']) k));
    WITH taken AS MATERIALIZED (
        SELECT u.line_id, l.account_id, l.amount, l.booked_on, l.fingerprint, l.occurrence
        FROM line_unposted u JOIN statement_line l ON l.id = u.line_id
        WHERE NOT EXISTS (SELECT FROM line_pending w WHERE w.line_id = u.line_id)
        ORDER BY l.booked_on, l.account_id, l.fingerprint, l.occurrence LIMIT most
    ), gone AS (
        DELETE FROM line_unposted WHERE line_id IN (SELECT line_id FROM taken)
    ), due AS MATERIALIZED (
        SELECT l.line_id AS id, l.amount, l.booked_on, a.account_number,
               coalesce(m.payment_id, CASE WHEN e.reason IN ('no_reference', 'unknown_reference', 'wrong_amount') THEN e.payment_id END) AS payment,
               e.reason
        FROM taken l JOIN receiving_account a ON a.id = l.account_id
        LEFT JOIN line_match m ON m.line_id = l.line_id LEFT JOIN exception_case e ON e.line_id = l.line_id
        ORDER BY l.booked_on, l.account_id, l.fingerprint, l.occurrence
    ), numbered AS MATERIALIZED (
        INSERT INTO line_posting (line_id, journal_id) SELECT id, nextval('journal_number') FROM due RETURNING line_id, journal_id
    ), head AS (
        INSERT INTO journal (booked_month, id, at, booked_on, kind, payment_id)
        SELECT month, n.journal_id, reconcile_post.at, d.booked_on, 'statement', d.payment FROM numbered n JOIN due d ON d.id = n.line_id
    ), lines AS (
        INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
        SELECT month, n.journal_id, v.ordinal, c.id, v.amount
        FROM numbered n JOIN due d ON d.id = n.line_id,
             LATERAL (VALUES (1, 'bank:' || d.account_number, d.amount),
                             (2, CASE WHEN d.payment IS NOT NULL THEN 'clearing:'
                                      WHEN d.reason IN ('bank_charge', 'bank_interest') THEN 'charges:'
                                      ELSE 'suspense:' END || d.account_number, -d.amount)) AS v (ordinal, code, amount)
        JOIN account c ON c.code = v.code
    )
    SELECT count(*) INTO posted FROM numbered;
    RETURN posted;
END $$;

-- What a day looks like from both sides: natural keys and sums only, plus and minus never netted.
CREATE FUNCTION reconcile_summary(wanted date) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH line AS (
        SELECT l.id, l.amount, l.account_id, m.rule, m.healed, e.reason, e.state, m.line_id IS NOT NULL AS matched,
               w.line_id IS NOT NULL AS pending
        FROM statement_line l LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN exception_case e ON e.line_id = l.id
        LEFT JOIN line_pending w ON w.line_id = l.id WHERE l.booked_on = wanted
    ), paid AS (
        SELECT p.id, p.amount, p.method, p.account_id, m.line_id IS NOT NULL AS matched, e.id IS NOT NULL AS excepted
        FROM payment p LEFT JOIN line_match m ON m.payment_id = p.id
        LEFT JOIN exception_case e ON e.payment_id = p.id WHERE business_day(p.paid_at) = wanted
    )
    SELECT jsonb_build_object(
        'date', wanted,
        'statements', (SELECT coalesce(jsonb_agg(jsonb_build_object('account', a.account_number, 'state',
                CASE WHEN EXISTS (SELECT FROM statement s WHERE s.account_id = a.id AND s.state = 'accepted'
                                  AND wanted BETWEEN s.first_day AND s.last_day) THEN 'received' ELSE 'not received' END,
                'quarantined', (SELECT count(*) FROM statement s WHERE s.account_id = a.id AND s.state = 'quarantined'
                                AND wanted BETWEEN s.first_day AND s.last_day))
                ORDER BY a.account_number), '[]') FROM receiving_account a),
        'lines', (SELECT jsonb_build_object('count', count(*), 'plus', coalesce(sum(amount) FILTER (WHERE amount > 0), 0),
                'minus', coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)) FROM line),
        'matched', (SELECT coalesce(jsonb_agg(r ORDER BY r->>'rule', r->>'healed'), '[]') FROM (
                SELECT jsonb_build_object('rule', rule, 'healed', healed, 'count', count(*), 'amount', sum(amount)) AS r
                FROM line WHERE matched GROUP BY rule, healed) x),
        'healed', (SELECT jsonb_build_object('count', count(*), 'amount', coalesce(sum(amount), 0)) FROM line WHERE matched AND healed),
        'exceptions', (SELECT coalesce(jsonb_agg(r ORDER BY r->>'reason'), '[]') FROM (
                SELECT jsonb_build_object('reason', reason, 'count', count(*), 'open', count(*) FILTER (WHERE state <> 'resolved'),
                    'plus', coalesce(sum(amount) FILTER (WHERE amount > 0), 0),
                    'minus', coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)) AS r
                FROM line WHERE NOT matched AND reason IS NOT NULL GROUP BY reason) x),
        'payments', (SELECT jsonb_build_object('count', count(*), 'amount', coalesce(sum(amount), 0),
                'matched', coalesce(sum(amount) FILTER (WHERE matched), 0),
                'without_line', coalesce(sum(amount) FILTER (WHERE NOT matched AND excepted), 0),
                'open', coalesce(sum(amount) FILTER (WHERE NOT matched AND NOT excepted AND method = 'vietqr'), 0),
                'settled_elsewhere', coalesce(sum(amount) FILTER (WHERE NOT matched AND NOT excepted AND method <> 'vietqr'), 0)) FROM paid),
        'invariants', (SELECT jsonb_build_object(
                'every_line_has_one_fate', coalesce(bool_and((matched OR reason IS NOT NULL) <> pending), true),
                'lines_equal_matched_plus_exceptions_plus_pending', coalesce(sum(amount), 0) =
                    coalesce(sum(amount) FILTER (WHERE matched), 0) + coalesce(sum(amount) FILTER (WHERE NOT matched AND reason IS NOT NULL), 0)
                    + coalesce(sum(amount) FILTER (WHERE NOT matched AND reason IS NULL), 0),
                'nothing_pending', NOT coalesce(bool_or(pending), false)) FROM line))
$$;

-- A person's answer to an exception. What moves or identifies money ('matched') needs a second person; explaining what moved
-- nothing of ours ('explained') needs one. Returns the state afterwards, or why not: 'not_found', 'second_person', 'conflict'.
CREATE FUNCTION exception_resolve(at timestamptz, wanted bigint, actor text, action text, said text, with_payment bigint) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    e exception_case;
    p payment;
    chosen bigint;
    number text;
BEGIN
    SELECT * INTO e FROM exception_case WHERE id = wanted FOR UPDATE;
    IF e.id IS NULL THEN
        RETURN 'not_found';
    ELSIF e.state = 'resolved' THEN
        RETURN 'conflict';
    END IF;
    IF action = 'explained' THEN
        IF e.reason NOT IN ('bank_charge', 'bank_interest', 'zero_amount', 'duplicate_line') THEN
            RETURN 'conflict';
        END IF;
        UPDATE exception_case SET state = 'resolved', resolution = 'explained', note = said, resolved_by = actor, resolved_at = at
        WHERE id = wanted;
    ELSE
        chosen := coalesce(with_payment, e.other_payment, e.payment_id);
        SELECT * INTO p FROM payment WHERE id = chosen;
        IF e.line_id IS NULL OR p.id IS NULL OR p.account_id <> e.account_id OR p.amount <> e.amount OR p.request_id IS NULL
           OR EXISTS (SELECT FROM line_match m WHERE m.payment_id = chosen) THEN
            RETURN 'conflict';
        END IF;
        IF e.state = 'open' OR e.other_payment <> chosen THEN
            UPDATE exception_case SET state = 'proposed', proposed_by = actor, note = said, other_payment = chosen WHERE id = wanted;
            PERFORM audit_record(at, actor, 'exception.propose', wanted::text, jsonb_build_object('payment', p.external_id, 'note', said));
            RETURN 'proposed';
        ELSIF e.proposed_by = actor THEN
            RETURN 'second_person';
        END IF;
        INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at)
        VALUES (e.line_id, chosen, 'person', p.source = 'statement', actor, at);
        -- The line, or the payment made from it, stands in suspense: it was the chosen payment's money in clearing.
        IF chosen IS DISTINCT FROM e.payment_id THEN
            SELECT account_number INTO number FROM receiving_account WHERE id = e.account_id;
            PERFORM journal_post(at, business_day(at), 'statement_match', chosen, p.request_id,
                                 ARRAY['suspense:' || number, 'clearing:' || number], ARRAY[e.amount, -e.amount]);
        END IF;
        UPDATE exception_case SET state = 'resolved', resolution = 'matched', resolved_by = actor, resolved_at = at WHERE id = wanted;
    END IF;
    PERFORM audit_record(at, actor, 'exception.resolve', wanted::text, jsonb_build_object('action', action, 'note', said));
    PERFORM event_record(at, ARRAY['exception.resolved'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('reason', e.reason, 'amount', e.amount, 'booked_on', e.booked_on)]);
    RETURN 'resolved';
END $$;

-- The books of a day ----------------------------------------------------------------------------------------------------
-- Rows (section, key, count, amount), sorted, made of natural keys only. Money of the bank counts on the day the bank booked it
-- (its statement line), other money on the business day it was paid.

CREATE FUNCTION daily_books(wanted date) RETURNS TABLE (section text, key text, count bigint, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH line AS (
        SELECT l.id, l.amount, a.account_number, m.rule, m.healed, m.line_id IS NOT NULL AS matched, e.reason
        FROM statement_line l JOIN receiving_account a ON a.id = l.account_id
        LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN exception_case e ON e.line_id = l.id WHERE l.booked_on = wanted
    ), paid AS (
        SELECT p.*, m.line_id, a.account_number FROM payment p JOIN receiving_account a ON a.id = p.account_id
        LEFT JOIN line_match m ON m.payment_id = p.id LEFT JOIN statement_line l ON l.id = m.line_id
        WHERE l.booked_on = wanted OR (l.id IS NULL AND business_day(p.paid_at) = wanted)
    ), books (section, key, count, amount) AS (
        SELECT '01 collections by method', method, count(*), sum(amount) FROM paid GROUP BY method
        UNION ALL
        SELECT '02 collections by agency', coalesce(d.agency, 'unallocated'), count(*), sum(p.amount)
        FROM paid p LEFT JOIN payment_request r ON r.id = p.request_id LEFT JOIN dossier d ON d.code = r.dossier GROUP BY 2
        UNION ALL
        SELECT '03 settled requests by fee', l.fee, count(*), sum(l.net)
        FROM payment_request r JOIN request_line l ON l.request_id = r.id WHERE r.paid_on = wanted AND r.settled_at IS NOT NULL GROUP BY l.fee
        UNION ALL
        SELECT '03 refunds', f.reason || ' ' || f.state, count(*), sum(f.amount)
        FROM refund f WHERE business_day(f.changed_at) = wanted GROUP BY 2
        UNION ALL
        SELECT '04 receipts issued', r.collector, count(*), sum(r.total) FROM receipt r WHERE r.issued_on = wanted GROUP BY 2
        UNION ALL
        SELECT '05 statement in', account_number, count(*), sum(amount) FROM line WHERE amount > 0 GROUP BY account_number
        UNION ALL
        SELECT '06 statement out', account_number, count(*), -sum(amount) FROM line WHERE amount < 0 GROUP BY account_number
        UNION ALL
        SELECT '07 statement not received', a.account_number, count(*), sum(p.amount)
        FROM payment p JOIN receiving_account a ON a.id = p.account_id
        WHERE business_day(p.paid_at) = wanted AND p.method = 'vietqr'
          AND NOT EXISTS (SELECT FROM statement s WHERE s.account_id = a.id AND s.state = 'accepted'
                          AND wanted BETWEEN s.first_day AND s.last_day) GROUP BY 2
        UNION ALL
        -- Which of two alike lines a rule paired with which payment depends on what came first; the sums do not.
        SELECT '08 lines matched', account_number, count(*), sum(amount) FROM line WHERE matched GROUP BY 2
        UNION ALL
        SELECT '09 exceptions open', e.reason || CASE WHEN e.amount < 0 THEN ' minus' ELSE ' plus' END, count(*), sum(abs(e.amount))
        FROM exception_case e WHERE e.booked_on <= wanted AND e.state <> 'resolved' GROUP BY 2
        UNION ALL
        SELECT '10 ledger', a.code, count(*), sum(e.amount)
        FROM entry e JOIN account a ON a.id = e.account_id JOIN journal j ON j.booked_month = e.booked_month AND j.id = e.journal_id
        WHERE j.booked_on <= wanted AND a.code ~ '^(bank|clearing|suspense|charges|post):' GROUP BY a.code
        UNION ALL
        SELECT '11 differences', 'statement and bank account of the ledger', 0,
               (SELECT coalesce(sum(amount), 0) FROM line)
               - (SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN account a ON a.id = e.account_id
                  JOIN journal j ON j.booked_month = e.booked_month AND j.id = e.journal_id
                  WHERE j.booked_on = wanted AND j.kind = 'statement' AND a.code LIKE 'bank:%')
        UNION ALL
        SELECT '11 differences', 'bank payments without a statement line', count(*), coalesce(sum(amount), 0)
        FROM paid WHERE method = 'vietqr' AND line_id IS NULL AND source <> 'statement'
        UNION ALL
        SELECT '11 differences', 'money in without a payment', count(*), coalesce(sum(amount), 0)
        FROM line WHERE amount > 0 AND NOT matched
        UNION ALL
        SELECT '11 differences', 'requests and their payments', count(*), coalesce(sum(abs(difference)), 0)
        FROM (SELECT r.id, r.allocated - coalesce(sum(p.allocated), 0) AS difference
              FROM payment_request r LEFT JOIN payment p ON p.request_id = r.id
              WHERE r.id IN (SELECT request_id FROM paid) GROUP BY r.id, r.allocated) x WHERE difference <> 0
        UNION ALL
        SELECT '11 differences', 'settled requests without their receipt', count(*), coalesce(sum(due.fees), 0)
        FROM (SELECT r.id, sum(l.net) AS fees FROM payment_request r JOIN request_line l ON l.request_id = r.id
              WHERE r.paid_on = wanted AND r.settled_at IS NOT NULL AND l.document = 'state_receipt' GROUP BY r.id) due
        WHERE due.fees > 0 AND NOT EXISTS (SELECT FROM receipt x WHERE x.request_id = due.id)
        UNION ALL
        SELECT '11 differences', 'receipts of another sum than their request', count(*), coalesce(sum(abs(issued.total - due.fees)), 0)
        FROM (SELECT r.id, sum(l.net) AS fees FROM payment_request r JOIN request_line l ON l.request_id = r.id
              WHERE r.paid_on = wanted AND l.document = 'state_receipt' GROUP BY r.id) due
        JOIN (SELECT x.request_id, sum(x.total) AS total FROM receipt x
              WHERE NOT EXISTS (SELECT FROM receipt y WHERE y.replaces = x.id) GROUP BY x.request_id) issued ON issued.request_id = due.id
        WHERE issued.total <> due.fees
    )
    SELECT substr(b.section, 4), b.key, b.count, b.amount::bigint FROM books b
    WHERE b.section NOT LIKE '11%' OR b.amount <> 0 ORDER BY b.section COLLATE "C", b.key COLLATE "C"
$$;
