-- Matching that does not depend on the order in which files come.
--
-- The pairs of lines and payments are a function of the facts: whenever a new line may change a pair that the machine made, all lines
-- and payments that share its request, or the bank's reference, are paired anew from the most certain rule to the least, in the order of
-- their natural keys, and only what differs is taken back and made again. Taking back appends. What a person decided is an input.

-- Batches: what a gateway, wallet, terminal, carrier or payer says belongs together ------------------------------------------

-- A settlement file as the readers took it (settlement_batch) tells of a pay-out; this is the pay-out itself.
CREATE TABLE pay_out (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source     text        NOT NULL,            -- who pays it out; 'declared': a payer named several requests
    batch      text        NOT NULL,            -- as it stands in the words of the bank's line
    version    integer     NOT NULL DEFAULT 1,
    account_id integer     NOT NULL REFERENCES receiving_account,
    day        date        NOT NULL,            -- paid out on
    gross      bigint      NOT NULL CHECK (gross >= 0),
    fees       bigint      NOT NULL CHECK (fees >= 0),
    net        bigint      NOT NULL,            -- what the bank credits
    current    boolean     NOT NULL DEFAULT true,  -- a corrected file makes the next version
    content    bytea       NOT NULL,
    taken_at   timestamptz NOT NULL,
    taken_by   text        NOT NULL,
    UNIQUE (source, batch, version),
    CHECK (gross - fees = net)
);
CREATE UNIQUE INDEX pay_out_current ON pay_out (source, batch) WHERE current;
CREATE INDEX pay_out_by_day ON pay_out (account_id, day) WHERE current;
COMMENT ON TABLE pay_out IS 'One pay-out: gross − fees = net, by the files that proved themselves. Fees are a claim on the collector''s operating budget, never less of a fee.';

CREATE TABLE pay_out_item (
    batch_id    bigint  NOT NULL REFERENCES pay_out,
    ordinal     integer NOT NULL CHECK (ordinal > 0),
    external_id text    NOT NULL,
    reference   text    NOT NULL DEFAULT '',
    amount      bigint  NOT NULL,
    fee         bigint  NOT NULL DEFAULT 0,
    paid_on     date,
    PRIMARY KEY (batch_id, ordinal)
);
COMMENT ON TABLE pay_out_item IS 'The lines of a batch.';
CREATE TRIGGER pay_out_item_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON pay_out_item
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE batch_payment (
    payment_id bigint  PRIMARY KEY REFERENCES payment,
    batch_id   bigint  NOT NULL REFERENCES pay_out,
    ordinal    integer NOT NULL,
    rule       text    NOT NULL CHECK (rule IN ('external_id', 'reference', 'declared_set', 'person')),
    actor      text    NOT NULL,
    at         timestamptz NOT NULL,
    UNIQUE (batch_id, ordinal)
);
COMMENT ON TABLE batch_payment IS 'Which payment an item of a batch is: each payment once, each item once.';

CREATE TABLE batch_journal (
    batch_id   bigint PRIMARY KEY REFERENCES pay_out,
    journal_id bigint NOT NULL
);
COMMENT ON TABLE batch_journal IS 'The journal of a batch''s fees, once.';

CREATE TABLE virtual_account (
    account_id integer NOT NULL REFERENCES receiving_account,
    number     text    NOT NULL CHECK (number ~ '^[A-Z0-9]{6,30}$'),
    request_id bigint  NOT NULL REFERENCES payment_request,
    PRIMARY KEY (account_id, number)
);
COMMENT ON TABLE virtual_account IS 'Numbers a bank lent for one request each; they stand in the line''s references.';

CREATE TABLE channel_grace (
    method       text    PRIMARY KEY,
    working_days integer NOT NULL CHECK (working_days BETWEEN 0 AND 60)
);
COMMENT ON TABLE channel_grace IS 'How many working days after the payment its money may take to the bank; data, by contract with each channel.';
INSERT INTO channel_grace VALUES ('vietqr', 1), ('pos', 2), ('wallet', 2), ('portal', 2), ('post', 5), ('cash', 1);

-- Pairs ------------------------------------------------------------------------------------------------------------------------

CREATE TABLE line_unmatch (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line_id    bigint      NOT NULL REFERENCES statement_line,
    payment_id bigint,
    batch_id   bigint,
    rule       text        NOT NULL,
    matched_by text        NOT NULL,
    matched_at timestamptz NOT NULL,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    why        text        NOT NULL
);
CREATE INDEX line_unmatch_of_line ON line_unmatch (line_id);
COMMENT ON TABLE line_unmatch IS 'Matches that were taken back: appended before the match goes.';
CREATE TRIGGER line_unmatch_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON line_unmatch
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE line_evidence (
    line_id bigint      NOT NULL REFERENCES statement_line,
    at      timestamptz NOT NULL,
    rule    text        NOT NULL,
    told    jsonb       NOT NULL,               -- inputs, the edit applied, candidates rejected
    PRIMARY KEY (line_id, at, rule)
);
COMMENT ON TABLE line_evidence IS 'Why a match that is not plain was made: repaired, batch, declared set, person. Plain matches are one narrow row.';

ALTER TABLE line_match DROP CONSTRAINT line_match_rule_check;
ALTER TABLE line_match
    ADD CONSTRAINT line_match_rule_check CHECK (rule IN ('virtual_account', 'bank_reference', 'reference', 'batch', 'repaired',
                                                         'declared_set', 'memo', 'person')),
    ALTER COLUMN payment_id DROP NOT NULL,
    ADD COLUMN batch_id bigint REFERENCES pay_out,
    ADD CONSTRAINT line_match_of_one CHECK (num_nonnulls(payment_id, batch_id) = 1);
CREATE INDEX line_match_of_batch ON line_match (batch_id) WHERE batch_id IS NOT NULL;
COMMENT ON TABLE line_match IS 'What a line is: one payment, or (a share of) one batch. Each line once, each payment once.';

-- A match goes only after its record in line_unmatch stands.
CREATE FUNCTION line_match_goes() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM gone g WHERE NOT EXISTS (
                   SELECT FROM line_unmatch u WHERE u.line_id = g.line_id AND u.matched_at = g.at AND u.rule = g.rule
                   AND u.payment_id IS NOT DISTINCT FROM g.payment_id AND u.batch_id IS NOT DISTINCT FROM g.batch_id)) THEN
        RAISE EXCEPTION 'a match is only taken back by record' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER line_match_for_ever ON line_match;
CREATE TRIGGER line_match_for_ever BEFORE UPDATE OR TRUNCATE ON line_match FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER line_match_goes AFTER DELETE ON line_match REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION line_match_goes();

-- A payment is never both a line's and a batch's. The foreign key of a match holds a key share lock on the payment, which waits for this
-- FOR UPDATE and the other way round: whoever comes second sees the first.
CREATE FUNCTION batch_payment_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM 1 FROM payment p JOIN fresh f ON f.payment_id = p.id ORDER BY p.id FOR UPDATE OF p;
    IF EXISTS (SELECT FROM fresh f JOIN line_match m ON m.payment_id = f.payment_id) THEN
        RAISE EXCEPTION 'the payment is matched to a line' USING ERRCODE = 'unique_violation', CONSTRAINT = 'payment_once';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER batch_payment_once AFTER INSERT ON batch_payment REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION batch_payment_once();
CREATE FUNCTION line_match_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM fresh f JOIN batch_payment b ON b.payment_id = f.payment_id) THEN
        RAISE EXCEPTION 'the payment is in a batch' USING ERRCODE = 'unique_violation', CONSTRAINT = 'payment_once';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_match_once AFTER INSERT ON line_match REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION line_match_once();

CREATE TABLE line_reversal (
    line_id     bigint PRIMARY KEY REFERENCES statement_line,
    of_line     bigint NOT NULL UNIQUE REFERENCES statement_line,
    payment_id  bigint REFERENCES payment,
    request_id  bigint REFERENCES payment_request,
    allocated   bigint NOT NULL,                -- what the payment had been worth to its request
    surplus     bigint NOT NULL,
    at          timestamptz NOT NULL
);
COMMENT ON TABLE line_reversal IS 'Which line took which line back, and what it undid.';
CREATE TRIGGER line_reversal_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON line_reversal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE line_refund (
    line_id   bigint PRIMARY KEY REFERENCES statement_line,
    refund_id bigint NOT NULL UNIQUE REFERENCES refund,
    at        timestamptz NOT NULL
);
COMMENT ON TABLE line_refund IS 'Which line carried which refund to its payer.';

-- Exceptions: more reasons, also for items of batches --------------------------------------------------------------------------

ALTER TABLE exception_case DROP CONSTRAINT exception_case_reason_check, DROP CONSTRAINT exception_case_check,
    DROP CONSTRAINT exception_case_resolution_check;
ALTER TABLE exception_case
    ADD COLUMN batch_id bigint REFERENCES pay_out,
    ADD COLUMN batch_ordinal integer,
    ADD COLUMN owner text,
    ADD COLUMN found jsonb,                     -- what a person's act made of it
    ADD CONSTRAINT exception_case_reason_check CHECK (reason IN ('no_reference', 'unknown_reference', 'wrong_amount', 'amount_differs',
        'ambiguous', 'duplicate_line', 'may_be_known', 'reversal', 'bank_charge', 'bank_interest', 'own_transfer', 'refund_out', 'outgoing',
        'zero_amount', 'payment_without_line', 'batch_differs', 'item_without_payment', 'item_amount_differs')),
    ADD CONSTRAINT exception_case_of_something CHECK (num_nonnulls(line_id, payment_id, batch_id) > 0),
    ADD CONSTRAINT exception_case_resolution_check CHECK (resolution IN ('matched', 'explained', 'nothing_moved', 'assigned', 'split',
        'refunded', 'suspense', 'written_off', 'taken_back'));
CREATE UNIQUE INDEX exception_of_item ON exception_case (batch_id, batch_ordinal) WHERE batch_id IS NOT NULL;

CREATE OR REPLACE FUNCTION exception_explain(reason text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN CASE reason
        WHEN 'no_reference' THEN 'Tiền đã về nhưng nội dung chuyển khoản không có mã nộp tiền.'
        WHEN 'unknown_reference' THEN 'Có mã nộp tiền nhưng không khớp yêu cầu nào của tài khoản này.'
        WHEN 'wrong_amount' THEN 'Mã nộp tiền phải sửa mới đọc được và số tiền không khớp.'
        WHEN 'amount_differs' THEN 'Số tiền trên sao kê khác số tiền đã báo.'
        WHEN 'ambiguous' THEN 'Có nhiều cách hiểu, không cách nào chắc chắn hơn.'
        WHEN 'duplicate_line' THEN 'Dòng sao kê giống hệt một dòng đã ghi.'
        WHEN 'may_be_known' THEN 'Có thể là khoản tiền đã ghi mà chưa rõ hồ sơ.'
        WHEN 'reversal' THEN 'Ngân hàng thu hồi một khoản đã ghi.'
        WHEN 'bank_charge' THEN 'Phí ngân hàng.'
        WHEN 'bank_interest' THEN 'Lãi tiền gửi.'
        WHEN 'own_transfer' THEN 'Chuyển giữa các tài khoản của đơn vị.'
        WHEN 'refund_out' THEN 'Tiền hoàn trả người nộp.'
        WHEN 'outgoing' THEN 'Tiền chuyển đi.'
        WHEN 'zero_amount' THEN 'Dòng sao kê có số tiền bằng không.'
        WHEN 'payment_without_line' THEN 'Đã được báo có tiền nhưng sao kê không có dòng này.'
        WHEN 'batch_differs' THEN 'Tiền về theo lô khác số thực nhận của bảng kê.'
        WHEN 'item_without_payment' THEN 'Bảng kê có khoản mà sổ không có.'
        WHEN 'item_amount_differs' THEN 'Số tiền trong bảng kê khác số tiền đã ghi.' END;

ALTER TABLE account DROP CONSTRAINT account_code_check;
ALTER TABLE account ADD CONSTRAINT account_code_check CHECK
    (code ~ '^(clearing|bank|post|payable|deposit|refund_due|suspense|charges|interest|transfer|unclaimed|treasury|retained):[A-Za-z0-9:._-]+$');
COMMENT ON COLUMN account.code IS 'Beside those of the table: charges:ACCOUNT a claim on the collector''s operating budget for what banks and gateways took; interest:ACCOUNT follows its fund; transfer:ACCOUNT under way between own accounts; unclaimed:ACCOUNT left suspense by a decision; treasury:TAX-CODE remitted; retained:TAX-CODE kept by right.';

-- One journal for each statement, account and source -----------------------------------------------------------------------------

CREATE TABLE statement_journal (
    statement_id bigint NOT NULL REFERENCES statement,
    ordinal      integer NOT NULL CHECK (ordinal > 0),   -- 1 the statement itself, later ones what became of it since
    booked_month date   NOT NULL,
    journal_id   bigint NOT NULL,
    PRIMARY KEY (statement_id, ordinal)
);
COMMENT ON TABLE statement_journal IS 'The journals of a statement: the first moves its money, each further one takes back and books anew what changed.';
CREATE TRIGGER statement_journal_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
INSERT INTO statement_journal (statement_id, ordinal, booked_month, journal_id)
SELECT l.statement_id, row_number() OVER (PARTITION BY l.statement_id ORDER BY p.journal_id), j.booked_month, p.journal_id
FROM line_posting p JOIN statement_line l ON l.id = p.line_id JOIN journal j ON j.id = p.journal_id;
DROP TABLE line_posting;

-- Dates -----------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION working_day(wanted date) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce((SELECT kind = 'working' FROM calendar_day WHERE day = wanted), extract(isodow FROM wanted) < 6)
$$;

-- The day on which `days` working days after `from_day` are over; bounded, for Tết is the longest hole.
CREATE FUNCTION working_days_after(from_day date, days integer) RETURNS date
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN days = 0 THEN from_day ELSE
        (SELECT d FROM (SELECT from_day + n AS d, count(*) FILTER (WHERE working_day(from_day + n)) OVER (ORDER BY n) AS passed
                        FROM generate_series(1, days * 2 + 30) n) x WHERE passed = days ORDER BY d LIMIT 1) END
$$;

-- Money of a request, moved between payments -------------------------------------------------------------------------------------
-- Allocates the money of a request anew over its payments, in the order of their natural keys, and books the difference against `other`
-- (whose debit is given). Money on a request is fungible: it does not matter which payment came first. Returns false, and does nothing,
-- when people have begun to give some of it back.
CREATE FUNCTION request_rebalance(at timestamptz, wanted bigint, other text, debit bigint, why text, of_payment bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r payment_request;
    money bigint;
    part bigint;
    settled boolean;
    number text;
    codes text[];
    amounts bigint[];
BEGIN
    SELECT * INTO r FROM payment_request WHERE id = wanted FOR UPDATE;
    IF EXISTS (SELECT FROM refund WHERE request_id = wanted AND state NOT IN ('proposed', 'refused')) THEN
        RETURN false;
    END IF;
    SELECT coalesce(sum(amount), 0) INTO money FROM payment WHERE request_id = wanted;
    part := CASE WHEN r.status = 'cancelled' THEN 0 ELSE least(r.amount, money) END;
    settled := r.amount > 0 AND part = r.amount;
    SELECT account_number INTO number FROM receiving_account
    WHERE id = coalesce(r.account_id, (SELECT min(account_id) FROM payment WHERE request_id = wanted OR id = of_payment));
    codes := ARRAY[other, 'payable:' || r.collector, 'deposit:' || r.collector, 'refund_due:' || number];
    amounts := ARRAY[debit,
        CASE WHEN r.settled_at IS NOT NULL THEN r.allocated ELSE 0 END - CASE WHEN settled THEN part ELSE 0 END,
        CASE WHEN r.settled_at IS NULL THEN r.allocated ELSE 0 END - CASE WHEN settled THEN 0 ELSE part END,
        r.surplus - (money - part)];
    WITH running AS (
        SELECT id, amount, coalesce(sum(amount) OVER (ORDER BY paid_at, source, external_id
                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM payment WHERE request_id = wanted
    ), share AS (
        SELECT id, amount, least(part, before + amount) - least(part, before) AS mine FROM running
    )
    UPDATE payment p SET allocated = s.mine, surplus = s.amount - s.mine FROM share s
    WHERE p.id = s.id AND (p.allocated, p.surplus) IS DISTINCT FROM (s.mine, s.amount - s.mine);
    DELETE FROM refund WHERE request_id = wanted AND state = 'proposed';   -- cases no person has taken up: opened anew below
    INSERT INTO refund (payment_id, request_id, amount, reason, created_at, changed_at)
    SELECT p.id, wanted, p.surplus, CASE WHEN r.status = 'cancelled' THEN 'after_cancel' WHEN r.amount = 0 THEN 'nothing_due'
                                         WHEN p.surplus = p.amount THEN 'double' ELSE 'surplus' END, request_rebalance.at, request_rebalance.at
    FROM payment p WHERE p.request_id = wanted AND p.surplus > 0 ORDER BY p.paid_at, p.source, p.external_id;
    UPDATE payment_request SET allocated = part, surplus = money - part, changed_at = request_rebalance.at,
        settled_at = CASE WHEN settled THEN coalesce(r.settled_at, request_rebalance.at) END,
        paid_on = CASE WHEN settled THEN coalesce(r.paid_on, (SELECT max(business_day(paid_at)) FROM payment WHERE request_id = wanted)) END,
        status = CASE WHEN r.status IN ('cancelled', 'nothing_due') THEN r.status
                      WHEN part = 0 THEN CASE WHEN r.expires_at <= request_rebalance.at THEN 'expired' ELSE 'pending' END
                      WHEN part < r.amount THEN 'partly_paid' WHEN money > part THEN 'overpaid' ELSE 'paid' END
    WHERE id = wanted;
    PERFORM journal_post(at, business_day(at), why, of_payment, wanted, codes, amounts);
    IF settled AND r.settled_at IS NULL THEN
        PERFORM event_record(at, ARRAY['request.paid'], ARRAY[r.dossier], ARRAY[r.id],
                             ARRAY[jsonb_build_object('reference', r.reference, 'amount', r.amount, 'collector', r.collector,
                                                      'paid_on', (SELECT paid_on FROM payment_request WHERE id = wanted))]);
    END IF;
    RETURN true;
END $$;

-- Money not known whose becomes a request's. False: it is known already, or people give some of the request's money back.
CREATE FUNCTION payment_assign(at timestamptz, chosen bigint, wanted bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p payment;
    number text;
BEGIN
    PERFORM 1 FROM payment_request WHERE id = wanted FOR UPDATE;
    SELECT * INTO p FROM payment WHERE id = chosen FOR UPDATE;
    IF p.request_id IS NOT NULL OR EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = chosen)
       OR EXISTS (SELECT FROM refund WHERE request_id = wanted AND state NOT IN ('proposed', 'refused')) THEN
        RETURN false;
    END IF;
    SELECT account_number INTO number FROM receiving_account WHERE id = p.account_id;
    UPDATE payment SET request_id = wanted, allocated = 0, surplus = amount WHERE id = chosen;
    RETURN request_rebalance(at, wanted, 'suspense:' || number, p.amount, 'assign', chosen);
END $$;

-- The bank took money back: its request is open again by that much. Returns what the payment had been worth; NULL when a person must act.
CREATE FUNCTION payment_withdraw(at timestamptz, chosen bigint) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p payment;
    number text;
BEGIN
    SELECT * INTO p FROM payment WHERE id = chosen;
    PERFORM 1 FROM payment_request WHERE id = p.request_id FOR UPDATE;
    SELECT * INTO p FROM payment WHERE id = chosen FOR UPDATE;
    IF EXISTS (SELECT FROM refund WHERE (request_id = p.request_id OR payment_id = chosen) AND state NOT IN ('proposed', 'refused')) THEN
        RETURN NULL;
    END IF;
    SELECT account_number INTO number FROM receiving_account WHERE id = p.account_id;
    UPDATE payment SET request_id = NULL, allocated = 0, surplus = 0 WHERE id = chosen;
    IF p.request_id IS NULL THEN
        PERFORM journal_post(at, business_day(at), 'reversal', chosen, NULL, ARRAY['clearing:' || number, 'suspense:' || number],
                             ARRAY[-p.amount, p.amount]);
    ELSE
        PERFORM request_rebalance(at, p.request_id, 'clearing:' || number, -p.amount, 'reversal', chosen);
    END IF;
    PERFORM event_record(at, ARRAY['payment.reversed'], ARRAY[r.dossier], ARRAY[p.request_id],
                         ARRAY[jsonb_build_object('source', p.source, 'external_id', p.external_id, 'amount', p.amount,
                                                  'reference', r.reference, 'status', r.status)])
    FROM (SELECT 1) one LEFT JOIN payment_request r ON r.id = p.request_id;
    RETURN ARRAY[p.allocated, p.surplus];
END $$;

-- Claims: what the words of a line say, by facts that do not move (never by what happens to be paid already) ----------------------

CREATE FUNCTION match_tables() RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS match_work (
        line_id bigint PRIMARY KEY, account_id integer, amount bigint, booked_on date, fingerprint bytea, occurrence integer,
        bank_reference text, memo text, request_id bigint, rule text, edits integer, why text) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS match_paid (
        id bigint, account_id integer, amount bigint, request_id bigint, bank_reference text, own boolean, paid_at timestamptz, source text,
        external_id text, paid_day date, memo text) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS match_want (line_id bigint, payment_id bigint, rule text, edits integer) ON COMMIT DELETE ROWS;
    TRUNCATE match_work, match_paid, match_want;
END $$;

-- Reasons whose lines are looked at again in every run until a person takes them up.
CREATE FUNCTION exception_retried(reason text) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN reason IN ('no_reference', 'unknown_reference', 'wrong_amount', 'ambiguous', 'duplicate_line', 'may_be_known', 'batch_differs');

-- Adds lines with their claims to match_work: those given, or (NULL) all that wait. Returns how many.
CREATE FUNCTION match_work_fill(day date, ids bigint[]) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made integer;
BEGIN
    INSERT INTO match_work
    WITH wanted AS (
        SELECT w.line_id FROM line_pending w WHERE ids IS NULL
        UNION ALL
        SELECT e.line_id FROM exception_case e
        WHERE ids IS NULL AND e.state = 'open' AND e.line_id IS NOT NULL AND e.amount > 0 AND exception_retried(e.reason)
          AND e.payment_id IS NULL AND NOT EXISTS (SELECT FROM line_pending w WHERE w.line_id = e.line_id)
        UNION ALL
        SELECT unnest(ids)
    ), line AS MATERIALIZED (
        SELECT l.id, l.account_id, l.amount, l.booked_on, l.fingerprint, l.occurrence, nullif(t.bank_reference, '') AS bank_reference, t.memo,
               t.customer_reference, t.supplementary
        FROM wanted x JOIN statement_line l ON l.id = x.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        WHERE l.amount > 0 AND l.booked_on <= day AND NOT t.reversal
          AND NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = l.id AND (m.rule = 'person' OR m.batch_id IS NOT NULL))
    ), claim AS (
        SELECT l.id, count(*) FILTER (WHERE c.edits = 0) AS intact, min(r.id) FILTER (WHERE c.edits = 0) AS one,
               count(*) FILTER (WHERE c.edits = 0 AND r.amount = l.amount) AS exact,
               min(r.id) FILTER (WHERE c.edits = 0 AND r.amount = l.amount) AS exact_one,
               sum(r.amount) FILTER (WHERE c.edits = 0) AS total,
               count(*) FILTER (WHERE c.edits > 0 AND r.amount = l.amount) AS repaired,
               min(r.id) FILTER (WHERE c.edits > 0 AND r.amount = l.amount) AS repaired_one,
               min(c.edits) FILTER (WHERE c.edits > 0 AND r.amount = l.amount) AS repaired_edits
        FROM line l JOIN line_candidate c ON c.line_id = l.id
        JOIN payment_request r ON r.reference = c.reference AND (r.account_id = l.account_id OR r.account_id IS NULL)
        GROUP BY l.id
    ), lent AS (
        SELECT l.id, min(v.request_id) AS one, count(DISTINCT v.request_id) AS requests
        FROM line l CROSS JOIN LATERAL regexp_split_to_table(upper(concat_ws(' ', l.customer_reference, l.supplementary, l.memo)), '[^A-Z0-9]+') AS w
        JOIN virtual_account v ON v.account_id = l.account_id AND v.number = w
        JOIN payment_request r ON r.id = v.request_id AND r.amount = l.amount
        WHERE (SELECT count(*) FROM virtual_account) > 0 GROUP BY l.id
    )
    SELECT l.id, l.account_id, l.amount, l.booked_on, l.fingerprint, l.occurrence, l.bank_reference, l.memo,
           CASE WHEN lent.requests = 1 THEN lent.one WHEN c.exact = 1 THEN c.exact_one WHEN c.exact = 0 AND c.intact = 1 THEN c.one
                WHEN c.intact = 0 AND c.repaired = 1 THEN c.repaired_one END,
           CASE WHEN lent.requests = 1 THEN 'virtual_account' WHEN c.exact = 1 OR c.exact = 0 AND c.intact = 1 THEN 'reference'
                WHEN c.exact = 0 AND c.intact > 1 AND c.total = l.amount THEN 'declared_set'
                WHEN c.intact = 0 AND c.repaired = 1 THEN 'repaired' END,
           CASE WHEN coalesce(lent.requests, 0) <> 1 AND c.intact = 0 AND c.repaired = 1 THEN c.repaired_edits ELSE 0 END,
           CASE WHEN c.exact > 1 OR c.intact > 1 OR c.repaired > 1 THEN 'ambiguous'
                WHEN c.intact = 0 AND c.repaired = 0 THEN 'wrong_amount' END
    FROM line l LEFT JOIN claim c ON c.id = l.id LEFT JOIN lent ON lent.id = l.id
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    -- The bank's own reference was announced with another amount: the words of the line settle nothing.
    UPDATE match_work w SET why = 'amount_differs', request_id = NULL, rule = NULL
    WHERE w.bank_reference IS NOT NULL AND EXISTS (
        SELECT FROM payment p WHERE p.account_id = w.account_id AND p.bank_reference = w.bank_reference AND p.amount <> w.amount
          AND p.source <> 'statement' AND abs(business_day(p.paid_at) - w.booked_on) <= 60);
    RETURN made;
END $$;

-- Takes matches back: recorded first, then the lines wait again.
CREATE FUNCTION match_take_back(at timestamptz, lines bigint[], by text, reason text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO line_unmatch (line_id, payment_id, batch_id, rule, matched_by, matched_at, at, actor, why)
    SELECT m.line_id, m.payment_id, m.batch_id, m.rule, m.actor, m.at, match_take_back.at, by, reason
    FROM line_match m WHERE m.line_id = ANY (lines) ORDER BY m.line_id;
    DELETE FROM line_match WHERE line_id = ANY (lines);
    INSERT INTO line_pending SELECT unnest(lines) ON CONFLICT DO NOTHING;
    INSERT INTO line_unposted SELECT unnest(lines) ON CONFLICT DO NOTHING;
END $$;

-- Step 1: pairs of lines and payments ---------------------------------------------------------------------------------------------

DROP FUNCTION reconcile_match(timestamptz, date, text);

-- Which payments the lines of match_work may be. A reversed line, a person's match and a batch stay as they are.
CREATE FUNCTION match_paid_fill() RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO match_paid
    SELECT p.id, p.account_id, p.amount, p.request_id, p.bank_reference, p.source = 'statement', p.paid_at, p.source, p.external_id,
           business_day(p.paid_at), CASE WHEN p.request_id IS NULL THEN upper(regexp_replace(p.memo, '[^[:alnum:]]', '', 'g')) END
    FROM payment p
    WHERE p.id IN (SELECT p2.id FROM match_work w JOIN payment p2 ON p2.request_id = w.request_id AND p2.amount = w.amount
                   UNION
                   SELECT p2.id FROM match_work w JOIN payment p2 ON p2.account_id = w.account_id AND p2.bank_reference = w.bank_reference
                                                                    AND p2.amount = w.amount
                   WHERE w.bank_reference IS NOT NULL
                   UNION
                   SELECT p2.id FROM match_work w JOIN payment p2 ON p2.account_id = w.account_id AND p2.amount = w.amount
                   WHERE p2.request_id IS NULL AND p2.source <> 'statement' AND w.request_id IS NULL
                   UNION
                   SELECT p2.id FROM match_work w JOIN line_candidate c ON c.line_id = w.line_id JOIN payment_request r ON r.reference = c.reference
                   JOIN payment p2 ON p2.request_id = r.id AND p2.amount = w.amount WHERE w.request_id IS NULL AND c.edits = 0)
      AND p.method = 'vietqr'
      AND NOT EXISTS (SELECT FROM batch_payment b WHERE b.payment_id = p.id)
      AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id
                      AND (m.rule = 'person' OR EXISTS (SELECT FROM line_reversal v WHERE v.of_line = m.line_id)));
END $$;

-- Lines that the machine matched to payments the work may need: they are paired anew together. Returns how many were added.
CREATE FUNCTION match_work_widen(day date) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ids bigint[];
BEGIN
    TRUNCATE match_paid;
    PERFORM match_paid_fill();
    SELECT array_agg(m.line_id) INTO ids
    FROM match_paid p JOIN line_match m ON m.payment_id = p.id
    WHERE NOT EXISTS (SELECT FROM match_work w WHERE w.line_id = m.line_id);
    RETURN CASE WHEN ids IS NULL THEN 0 ELSE match_work_fill('9999-12-31', ids) END;
END $$;

-- The wanted pairs, from the most certain rule to the least; alike lines and payments in the order of their natural keys, payments that
-- somebody announced before those made from lines.
CREATE FUNCTION match_decide() RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    window_days CONSTANT integer := 10;         -- between the bank's booking and our notice
    reuse_days CONSTANT integer := 60;          -- banks use their references again, a year later
BEGIN
    INSERT INTO match_want
    SELECT l.line_id, r.id, CASE WHEN r.own THEN coalesce(l.rule, 'bank_reference') ELSE 'bank_reference' END, CASE WHEN r.own THEN l.edits ELSE 0 END
    FROM (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount ORDER BY booked_on, fingerprint, occurrence) AS k
          FROM match_work WHERE bank_reference IS NOT NULL) l
    JOIN (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount ORDER BY own, paid_at, source, external_id) AS k
          FROM match_paid WHERE bank_reference IS NOT NULL) r USING (account_id, bank_reference, amount, k)
    WHERE abs(l.booked_on - r.paid_day) <= reuse_days;

    INSERT INTO match_want
    SELECT l.line_id, r.id, l.rule, l.edits
    FROM (SELECT *, row_number() OVER (PARTITION BY request_id, amount ORDER BY array_position(ARRAY['virtual_account', 'reference', 'repaired'], rule),
                                       booked_on, fingerprint, occurrence) AS k
          FROM match_work w WHERE request_id IS NOT NULL AND NOT EXISTS (SELECT FROM match_want x WHERE x.line_id = w.line_id)) l
    JOIN (SELECT *, row_number() OVER (PARTITION BY request_id, amount ORDER BY own, paid_at, source, external_id) AS k
          FROM match_paid p WHERE request_id IS NOT NULL AND NOT EXISTS (SELECT FROM match_want x WHERE x.payment_id = p.id)) r
         USING (request_id, amount, k)
    WHERE l.account_id = r.account_id AND abs(l.booked_on - r.paid_day) <= window_days;

    -- Several references in one memo: the one whose money was announced, when there is exactly one such payment and one such line.
    INSERT INTO match_want
    SELECT min(line_id), payment, 'reference', 0
    FROM (SELECT w.line_id, min(p.id) AS payment
          FROM match_work w JOIN line_candidate c ON c.line_id = w.line_id AND c.edits = 0 JOIN payment_request r ON r.reference = c.reference
          JOIN match_paid p ON p.request_id = r.id AND p.amount = w.amount AND p.account_id = w.account_id AND NOT p.own
               AND abs(w.booked_on - p.paid_day) <= window_days
          WHERE w.request_id IS NULL AND NOT EXISTS (SELECT FROM match_want x WHERE x.line_id = w.line_id OR x.payment_id = p.id)
          GROUP BY w.line_id HAVING count(*) = 1) single
    GROUP BY payment HAVING count(*) = 1;

    -- The same words and amount, for money announced and not known whose.
    INSERT INTO match_want
    SELECT l.line_id, r.id, 'memo', 0
    FROM (SELECT *, row_number() OVER (PARTITION BY account_id, amount, words ORDER BY booked_on, fingerprint, occurrence) AS k
          FROM (SELECT *, upper(regexp_replace(memo, '[^[:alnum:]]', '', 'g')) AS words FROM match_work w
                WHERE request_id IS NULL AND NOT EXISTS (SELECT FROM match_want x WHERE x.line_id = w.line_id)) told
          WHERE length(words) >= 8) l
    JOIN (SELECT *, memo AS words, row_number() OVER (PARTITION BY account_id, amount, memo ORDER BY paid_at, source, external_id) AS k
          FROM match_paid p WHERE request_id IS NULL AND NOT own AND NOT EXISTS (SELECT FROM match_want x WHERE x.payment_id = p.id)) r
         USING (account_id, amount, words, k)
    WHERE abs(l.booked_on - r.paid_day) <= window_days;
END $$;

-- Makes the pairs true, touching only what differs. Returns how many pairs were made or taken back.
CREATE FUNCTION reconcile_match(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    rounds_max CONSTANT integer := 50;
    wrong bigint[];
    made bigint;
BEGIN
    PERFORM match_tables();
    IF match_work_fill(day, NULL) = 0 THEN
        RETURN 0;
    END IF;
    FOR round IN 1..rounds_max LOOP
        EXIT WHEN match_work_widen(day) = 0;
    END LOOP;
    PERFORM match_decide();
    wrong := ARRAY(SELECT m.line_id FROM line_match m JOIN match_work w ON w.line_id = m.line_id
                   WHERE m.payment_id IS NOT NULL
                     AND NOT EXISTS (SELECT FROM match_want x WHERE x.line_id = m.line_id AND x.payment_id = m.payment_id AND x.rule = m.rule)
                   ORDER BY 1);
    IF cardinality(wrong) > 0 THEN
        PERFORM match_take_back(reconcile_match.at, wrong, 'machine', 'other facts came');
    END IF;
    INSERT INTO line_match (line_id, payment_id, rule, healed, edits, actor, at)
    SELECT x.line_id, x.payment_id, x.rule, p.own, x.edits, 'machine', reconcile_match.at
    FROM match_want x JOIN match_paid p ON p.id = x.payment_id
    WHERE NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = x.line_id);
    GET DIAGNOSTICS made = ROW_COUNT;
    IF made > 0 THEN
        DELETE FROM line_pending w USING match_want x WHERE w.line_id = x.line_id;
        UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_by = 'machine', resolved_at = reconcile_match.at
        FROM match_want x WHERE e.line_id = x.line_id AND e.state = 'open';
        INSERT INTO line_unposted SELECT line_id FROM match_want ON CONFLICT DO NOTHING;
        PERFORM line_explain(at, ARRAY(SELECT line_id FROM match_want WHERE rule NOT IN ('bank_reference', 'reference', 'virtual_account')));
    END IF;
    RETURN made + cardinality(wrong);
END $$;

-- Evidence of matches that are not plain: inputs, the edit applied, the candidates rejected.
CREATE FUNCTION line_explain(at timestamptz, ids bigint[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO line_evidence (line_id, at, rule, told)
    SELECT m.line_id, line_explain.at, m.rule,
           jsonb_build_object('memo', t.memo, 'amount', l.amount, 'booked_on', l.booked_on, 'edits', m.edits, 'actor', m.actor, 'chosen',
               jsonb_strip_nulls(jsonb_build_object('reference', r.reference, 'dossier', r.dossier, 'batch', b.batch, 'source', coalesce(b.source, p.source))),
               'rejected', coalesce((SELECT jsonb_agg(jsonb_build_object('reference', c.reference, 'edits', c.edits, 'amount', q.amount) ORDER BY c.rank)
                                     FROM line_candidate c LEFT JOIN payment_request q ON q.reference = c.reference
                                     WHERE c.line_id = m.line_id AND c.reference IS DISTINCT FROM r.reference), '[]'))
    FROM line_match m JOIN statement_line l ON l.id = m.line_id
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    LEFT JOIN payment p ON p.id = m.payment_id LEFT JOIN payment_request r ON r.id = p.request_id LEFT JOIN pay_out b ON b.id = m.batch_id
    WHERE m.line_id = ANY (ids)
    ON CONFLICT DO NOTHING
$$;

-- Step 2: batches ---------------------------------------------------------------------------------------------------------------

-- Takes a settlement file's batch, whose items stand in arrays; the same content again changes nothing, other content is the next version
-- and reopens what the last one had closed. Returns {batch, version, state: new | known | corrected}.
CREATE FUNCTION pay_out_take(at timestamptz, actor text, from_source text, named text, account integer, paid_out date, total_gross bigint,
                                total_fees bigint, external_ids text[], item_references text[], amounts bigint[], fees bigint[], paid_days date[])
    RETURNS jsonb LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    old pay_out;
    digest bytea := sha256(convert_to(concat_ws('|', account, paid_out, total_gross, total_fees, external_ids::text, item_references::text,
                                                amounts::text, fees::text, paid_days::text), 'UTF8'));
    made bigint;
BEGIN
    SELECT * INTO old FROM pay_out WHERE source = from_source AND batch = named AND current FOR UPDATE;
    IF old.content = digest THEN
        RETURN jsonb_build_object('batch', old.id, 'version', old.version, 'state', 'known');
    END IF;
    IF old.id IS NOT NULL THEN
        PERFORM batch_reopen(at, old.id, actor, 'corrected settlement file');
        UPDATE pay_out SET current = false WHERE id = old.id;
    END IF;
    INSERT INTO pay_out (source, batch, version, account_id, day, gross, fees, net, content, taken_at, taken_by)
    VALUES (from_source, named, coalesce(old.version, 0) + 1, account, paid_out, total_gross, total_fees, total_gross - total_fees, digest,
            pay_out_take.at, actor)
    RETURNING id INTO made;
    INSERT INTO pay_out_item (batch_id, ordinal, external_id, reference, amount, fee, paid_on)
    SELECT made, n, u.e, coalesce(u.r, ''), u.a, coalesce(u.f, 0), u.d
    FROM unnest(external_ids, item_references, amounts, pay_out_take.fees, paid_days) WITH ORDINALITY AS u (e, r, a, f, d, n);
    RETURN jsonb_build_object('batch', made, 'version', coalesce(old.version, 0) + 1, 'state', CASE WHEN old.id IS NULL THEN 'new' ELSE 'corrected' END);
END $$;

-- Frees the lines and payments of a batch and takes its fees back by a reversing journal.
CREATE FUNCTION batch_reopen(at timestamptz, wanted bigint, actor text, why text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    lines bigint[] := ARRAY(SELECT line_id FROM line_match WHERE batch_id = wanted ORDER BY 1);
    posted bigint;
    number bigint;
BEGIN
    PERFORM match_take_back(at, lines, actor, why);
    PERFORM audit_record(at, actor, 'batch.reopen', b.source || '/' || b.batch,
                         jsonb_build_object('why', why, 'payments', (SELECT jsonb_agg(jsonb_build_object('source', p.source, 'external_id', p.external_id,
                                            'rule', bp.rule) ORDER BY bp.ordinal) FROM batch_payment bp JOIN payment p ON p.id = bp.payment_id
                                            WHERE bp.batch_id = wanted)))
    FROM pay_out b WHERE b.id = wanted;
    DELETE FROM batch_payment WHERE batch_id = wanted;
    UPDATE exception_case SET state = 'resolved', resolution = 'taken_back', resolved_by = actor, resolved_at = batch_reopen.at
    WHERE batch_id = wanted AND state <> 'resolved';
    DELETE FROM batch_journal WHERE batch_id = wanted RETURNING journal_id INTO posted;
    IF posted IS NOT NULL THEN
        number := nextval('journal_number');
        INSERT INTO journal (booked_month, id, at, booked_on, kind, reverses)
        VALUES (business_month(batch_reopen.at), number, batch_reopen.at, business_day(batch_reopen.at), 'batch', posted);
        INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
        SELECT business_month(batch_reopen.at), number, e.ordinal, e.account_id, -e.amount FROM entry e WHERE e.journal_id = posted;
    END IF;
END $$;

CREATE TABLE pay_out_read (
    settlement_id bigint PRIMARY KEY REFERENCES settlement_batch
);
COMMENT ON TABLE pay_out_read IS 'Settlement files whose pay-outs were taken.';

-- Pay-outs of settlement files that came: the last word on each transaction of the same number counts. What names no account of ours, and
-- whose transactions do not tell one either, waits.
CREATE FUNCTION pay_outs_take(at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    b settlement_batch;
    ours integer;
    took bigint := 0;
BEGIN
    FOR b IN SELECT * FROM settlement_batch s WHERE s.state = 'accepted' AND s.kind NOT IN ('orders', 'treasury') AND s.number <> '' AND s.gross >= 0
             AND NOT EXISTS (SELECT FROM pay_out_read r WHERE r.settlement_id = s.id) ORDER BY s.id LIMIT 1000
    LOOP
        ours := coalesce(statement_account(b.account), (SELECT min(p.account_id) FROM settlement_line l JOIN payment p ON p.external_id = l.external_id
                         WHERE l.batch_id = b.id AND p.method <> 'vietqr' HAVING count(DISTINCT p.account_id) = 1),
                         (SELECT min(id) FROM receiving_account WHERE active HAVING count(*) = 1));
        CONTINUE WHEN ours IS NULL;
        PERFORM pay_out_take(at, 'machine', lower(b.issuer), b.number, ours, coalesce(b.to_day, b.from_day, business_day(at)), b.gross,
                             b.discount + b.fee, array_agg(l.external_id ORDER BY l.external_id, l.order_ref),
                             array_agg(l.order_ref ORDER BY l.external_id, l.order_ref), array_agg(l.gross ORDER BY l.external_id, l.order_ref),
                             array_agg(l.discount + l.fee ORDER BY l.external_id, l.order_ref),
                             array_agg(l.paid_on ORDER BY l.external_id, l.order_ref))
        FROM (SELECT DISTINCT ON (x.external_id, x.order_ref) x.* FROM settlement_line x JOIN settlement_batch y ON y.id = x.batch_id
              WHERE y.issuer = b.issuer AND y.number = b.number AND y.state = 'accepted' AND x.status <> 'failed' AND x.operation <> 'other'
              ORDER BY x.external_id, x.order_ref, x.id DESC) l;
        INSERT INTO pay_out_read VALUES (b.id);
        took := took + 1;
    END LOOP;
    RETURN took;
END $$;

-- Lines that name a batch, all together: their sum is the batch's net, or none of them is matched. Then its items are the payments.
CREATE FUNCTION reconcile_batches(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    early_days CONSTANT integer := 3;
    late_days CONSTANT integer := 15;
    changed bigint := 0;
    one record;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS match_batch (batch_id bigint, line_id bigint, amount bigint) ON COMMIT DELETE ROWS;
    TRUNCATE match_batch;
    INSERT INTO match_batch
    SELECT b.id, l.id, l.amount
    FROM pay_out b JOIN statement_line l ON l.account_id = b.account_id AND l.booked_on BETWEEN b.day - early_days AND b.day + late_days
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE b.current AND b.source <> 'declared' AND l.amount > 0 AND NOT t.reversal AND l.booked_on <= reconcile_batches.day
      AND b.day BETWEEN reconcile_batches.day - 60 AND reconcile_batches.day + early_days
      AND length(b.batch) >= 5
      AND upper(concat_ws(' ', t.memo, t.customer_reference, t.supplementary)) ~ ('(^|[^A-Z0-9])' || regexp_replace(upper(b.batch), '([^A-Z0-9])', '\\\1', 'g') || '($|[^A-Z0-9])')
      AND NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = l.id AND (m.rule = 'person' OR m.batch_id IS DISTINCT FROM b.id))
      AND NOT EXISTS (SELECT FROM line_candidate c JOIN payment_request r ON r.reference = c.reference AND r.account_id = l.account_id
                      WHERE c.line_id = l.id AND c.edits = 0)
      AND NOT EXISTS (SELECT FROM exception_case e WHERE e.line_id = l.id AND (e.state = 'proposed' OR e.state = 'resolved' AND e.resolved_by <> 'machine'));
    FOR one IN
        SELECT b.*, array_agg(x.line_id ORDER BY x.line_id) AS lines, sum(x.amount) AS come,
               array_agg(x.line_id) FILTER (WHERE m.line_id IS NOT NULL) AS matched
        FROM match_batch x JOIN pay_out b ON b.id = x.batch_id LEFT JOIN line_match m ON m.line_id = x.line_id
        WHERE NOT EXISTS (SELECT FROM match_batch y WHERE y.line_id = x.line_id AND y.batch_id <> x.batch_id)
        GROUP BY b.id ORDER BY b.source, b.batch
    LOOP
        IF one.come = one.net AND cardinality(coalesce(one.matched, '{}')) < cardinality(one.lines) THEN
            INSERT INTO line_match (line_id, batch_id, rule, healed, actor, at)
            SELECT i, one.id, 'batch', false, 'machine', reconcile_batches.at FROM unnest(one.lines) i
            WHERE NOT i = ANY (coalesce(one.matched, '{}'));
            DELETE FROM line_pending WHERE line_id = ANY (one.lines);
            INSERT INTO line_unposted SELECT unnest(one.lines) ON CONFLICT DO NOTHING;
            UPDATE exception_case SET state = 'resolved', resolution = 'matched', resolved_by = 'machine', resolved_at = reconcile_batches.at
            WHERE line_id = ANY (one.lines) AND state = 'open';
            PERFORM line_explain(at, one.lines);
            changed := changed + 1;
        ELSIF one.come <> one.net THEN
            IF one.matched IS NOT NULL THEN
                PERFORM batch_reopen(at, one.id, 'machine', 'another line of the batch came');
                changed := changed + 1;
            END IF;
            PERFORM exceptions_open(at, one.lines, array_fill('batch_differs'::text, ARRAY[cardinality(one.lines)]),
                                    array_fill(NULL::bigint, ARRAY[cardinality(one.lines)]),
                                    array_fill(jsonb_build_object('source', one.source, 'batch', one.batch, 'gross', one.gross, 'fees', one.fees,
                                               'net', one.net, 'come', one.come, 'difference', one.come - one.net), ARRAY[cardinality(one.lines)]));
        END IF;
    END LOOP;
    PERFORM batch_items(at);
    RETURN changed;
END $$;

-- Payments of batches whose credit came; fees become a claim on the operating budget. What has no payment, or another amount, is an exception.
CREATE FUNCTION batch_items(at timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    b record;
    posted bigint;
BEGIN
    FOR b IN SELECT s.*, a.account_number FROM pay_out s JOIN receiving_account a ON a.id = s.account_id
             WHERE s.current AND s.source <> 'declared' AND EXISTS (SELECT FROM line_match m WHERE m.batch_id = s.id)
             ORDER BY s.source, s.batch
    LOOP
        INSERT INTO batch_payment (payment_id, batch_id, ordinal, rule, actor, at)
        SELECT DISTINCT ON (pay) pay, b.id, ordinal, rule, 'machine', batch_items.at
        FROM (SELECT DISTINCT ON (i.ordinal) i.ordinal, p.id AS pay, CASE WHEN p.external_id = i.external_id THEN 'external_id' ELSE 'reference' END AS rule
              FROM pay_out_item i JOIN payment p
                   ON p.account_id = b.account_id AND p.amount = i.amount AND p.method <> 'vietqr'
                      AND (p.external_id = i.external_id OR p.reference = i.reference AND i.reference <> '')
              WHERE i.batch_id = b.id AND NOT EXISTS (SELECT FROM batch_payment x WHERE x.payment_id = p.id OR x.batch_id = b.id AND x.ordinal = i.ordinal)
                AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
              ORDER BY i.ordinal, (p.external_id = i.external_id) DESC, p.paid_at, p.source, p.external_id) found
        ORDER BY pay, ordinal;
        INSERT INTO exception_case (reason, batch_id, batch_ordinal, payment_id, account_id, amount, booked_on, suggestion, opened_at)
        SELECT CASE WHEN other.id IS NULL THEN 'item_without_payment' ELSE 'item_amount_differs' END, b.id, i.ordinal, other.id, b.account_id, i.amount,
               coalesce(i.paid_on, b.day), jsonb_build_object('source', b.source, 'batch', b.batch, 'external_id', i.external_id, 'reference', i.reference,
               'booked', other.amount), batch_items.at
        FROM pay_out_item i LEFT JOIN payment other ON other.account_id = b.account_id AND other.external_id = i.external_id AND other.method <> 'vietqr'
        WHERE i.batch_id = b.id AND NOT EXISTS (SELECT FROM batch_payment x WHERE x.batch_id = b.id AND x.ordinal = i.ordinal)
        ORDER BY i.ordinal ON CONFLICT DO NOTHING;
        UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_by = 'machine', resolved_at = batch_items.at
        WHERE e.batch_id = b.id AND e.state = 'open' AND EXISTS (SELECT FROM batch_payment x WHERE x.batch_id = b.id AND x.ordinal = e.batch_ordinal);
        IF b.fees > 0 AND NOT EXISTS (SELECT FROM batch_journal WHERE batch_id = b.id) THEN
            posted := journal_post(at, b.day, 'batch', NULL, NULL, ARRAY['charges:' || b.account_number, 'clearing:' || b.account_number],
                                   ARRAY[b.fees, -b.fees]);
            INSERT INTO batch_journal (batch_id, journal_id) VALUES (b.id, posted);
        END IF;
    END LOOP;
END $$;

-- One exception for each given line; takes it out of the pending ones. One the machine had closed is opened again.
CREATE OR REPLACE FUNCTION exceptions_open(at timestamptz, lines bigint[], reasons text[], payments bigint[], suggestions jsonb[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH opened AS (
        INSERT INTO exception_case (reason, line_id, payment_id, account_id, amount, booked_on, suggestion, opened_at)
        SELECT u.reason, l.id, u.payment, l.account_id, l.amount, l.booked_on, coalesce(u.suggestion, '{}'), exceptions_open.at
        FROM unnest(lines, reasons, payments, suggestions) WITH ORDINALITY AS u (line, reason, payment, suggestion, n)
        JOIN statement_line l ON l.id = u.line ORDER BY u.n
        ON CONFLICT (line_id) DO UPDATE SET reason = excluded.reason, payment_id = excluded.payment_id, suggestion = excluded.suggestion,
            state = 'open', resolution = NULL, resolved_by = NULL, resolved_at = NULL
        WHERE exception_case.state = 'open' AND (exception_case.reason, exception_case.suggestion) IS DISTINCT FROM (excluded.reason, excluded.suggestion)
           OR exception_case.state = 'resolved' AND exception_case.resolved_by = 'machine'
        RETURNING line_id, reason, amount, booked_on, account_id
    ), done AS (
        DELETE FROM line_pending WHERE line_id = ANY (lines)
    ), moved AS (
        INSERT INTO line_unposted SELECT line_id FROM opened ON CONFLICT DO NOTHING
    )
    SELECT event_record(exceptions_open.at, array_agg('exception.opened'::text), array_agg(NULL::text), array_agg(NULL::bigint),
                        array_agg(jsonb_build_object('reason', o.reason, 'amount', o.amount, 'booked_on', o.booked_on,
                                                     'account', a.account_number) ORDER BY o.booked_on, o.amount))
    FROM opened o JOIN receiving_account a ON a.id = o.account_id HAVING count(*) > 0
$$;

-- Step 3: what is no collection ---------------------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION reconcile_set_aside(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ids bigint[];
    whys text[];
BEGIN
    SELECT array_agg(id ORDER BY booked_on, account_id, fingerprint, occurrence),
           array_agg(reason ORDER BY booked_on, account_id, fingerprint, occurrence) INTO ids, whys
    FROM (SELECT l.*, CASE WHEN l.amount = 0 THEN 'zero_amount' WHEN t.reversal THEN 'reversal'
                           WHEN t.counterparty_account <> '' AND EXISTS (SELECT FROM receiving_account o WHERE o.account_number = t.counterparty_account)
                                THEN 'own_transfer'
                           WHEN l.amount < 0 AND EXISTS (SELECT FROM line_candidate c JOIN payment_request r ON r.reference = c.reference
                                JOIN refund f ON f.request_id = r.id AND f.amount = -l.amount AND f.state IN ('sent', 'paid')
                                WHERE c.line_id = l.id AND c.edits = 0) THEN 'refund_out'
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

-- Step 4: money nobody announced ----------------------------------------------------------------------------------------------------
-- A line whose request its words tell goes through the same confirmation as every call-back. What nobody can tell is an exception, its
-- money stands in suspense, and no payment is made up for it.
CREATE OR REPLACE FUNCTION reconcile_heal(at timestamptz, day date, most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT l.id FROM line_pending w JOIN statement_line l ON l.id = w.line_id
                          WHERE l.booked_on <= day AND l.amount > 0
                          ORDER BY l.booked_on, l.account_id, l.fingerprint, l.occurrence LIMIT most);
    sure bigint[];
    sets bigint[];
    others bigint[];
BEGIN
    IF cardinality(ids) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM match_tables();
    PERFORM match_work_fill(day, ids);
    -- The bank's own reference on an earlier line of the same amount: an overlap that changed its day, never booked twice.
    UPDATE match_work w SET why = 'duplicate_line', request_id = NULL, rule = NULL
    WHERE w.bank_reference IS NOT NULL AND EXISTS (
        SELECT FROM payment p JOIN line_match m ON m.payment_id = p.id JOIN statement_line l ON l.id = m.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        WHERE p.account_id = w.account_id AND p.bank_reference = w.bank_reference AND p.amount = w.amount AND t.bank_reference = w.bank_reference
          AND l.booked_on < w.booked_on AND l.booked_on >= w.booked_on - 10);
    sure := ARRAY(SELECT line_id FROM match_work WHERE rule IS NOT NULL AND rule <> 'declared_set'
                  ORDER BY booked_on, account_id, fingerprint, occurrence);
    sets := ARRAY(SELECT line_id FROM match_work WHERE rule = 'declared_set' ORDER BY booked_on, account_id, fingerprint, occurrence);
    others := ARRAY(SELECT i FROM unnest(ids) WITH ORDINALITY AS u (i, n) WHERE NOT i = ANY (sure || sets) ORDER BY n);
    IF cardinality(others) > 0 THEN
        PERFORM exceptions_open(at, array_agg(u.i ORDER BY n), array_agg(line_reason(u.i, w.why) ORDER BY n), array_agg(NULL::bigint),
                                array_agg(line_suggestion(u.i) ORDER BY n))
        FROM unnest(others) WITH ORDINALITY AS u (i, n) LEFT JOIN match_work w ON w.line_id = u.i;
    END IF;
    IF cardinality(sure || sets) > 0 THEN
        PERFORM reconcile_confirm(at, sure || sets);
    END IF;
    RETURN cardinality(ids);
END $$;

-- Why a line waits, by what is known now; `why` is what its claims said.
CREATE FUNCTION line_reason(line bigint, why text) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN why = 'duplicate_line' OR EXISTS (
                     SELECT FROM exception_case e JOIN statement_line l2 ON l2.id = e.line_id
                     JOIN statement_line_text t2 ON t2.line_id = l2.id AND t2.booked_month = date_trunc('month', l2.booked_on)::date
                     WHERE e.state <> 'resolved' AND e.account_id = l.account_id AND e.amount = l.amount AND t.bank_reference <> ''
                       AND t2.bank_reference = t.bank_reference AND l2.booked_on < l.booked_on AND l2.booked_on >= l.booked_on - 10)
                     THEN 'duplicate_line'
                WHEN why = 'amount_differs' THEN why
                WHEN EXISTS (SELECT FROM payment p
                             WHERE p.account_id = l.account_id AND p.amount = l.amount AND p.request_id IS NULL AND p.method = 'vietqr'
                               AND abs(business_day(p.paid_at) - l.booked_on) <= 10 AND p.source <> 'statement'
                               AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)) THEN 'may_be_known'
                WHEN why IS NOT NULL THEN why
                WHEN EXISTS (SELECT FROM line_candidate c WHERE c.line_id = l.id) THEN 'unknown_reference'
                ELSE 'no_reference' END
    FROM statement_line l JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE l.id = line
$$;

-- What a person should look at first: references the words may hold, payments announced, who learned payers are. Natural keys only.
CREATE FUNCTION line_suggestion(line bigint) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'references', (SELECT jsonb_agg(jsonb_build_object('reference', c.reference, 'edits', c.edits, 'dossier', q.dossier, 'amount', q.amount)
                                        ORDER BY c.rank)
                       FROM line_candidate c LEFT JOIN payment_request q ON q.reference = c.reference WHERE c.line_id = l.id),
        'payments', (SELECT jsonb_agg(jsonb_build_object('source', p.source, 'external_id', p.external_id, 'paid_at', p.paid_at, 'memo', p.memo)
                                      ORDER BY p.paid_at, p.source, p.external_id)
                     FROM payment p WHERE p.account_id = l.account_id AND p.amount = l.amount AND p.request_id IS NULL AND p.method = 'vietqr'
                       AND abs(business_day(p.paid_at) - l.booked_on) <= 10 AND p.source <> 'statement'
                       AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id))))
    FROM statement_line l WHERE l.id = line
$$;

-- Lines of match_work to payments by confirm(), one candidate each; a declared set gives one notice for each of its requests.
CREATE OR REPLACE FUNCTION reconcile_confirm(at timestamptz, ids bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    told record;
    lost record;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS reconcile_notice (n integer, line_id bigint, part integer, request_id bigint, reference text, amount bigint,
        edits integer, rule text, outcome text, payment bigint) ON COMMIT DELETE ROWS;
    TRUNCATE reconcile_notice;
    INSERT INTO reconcile_notice
    SELECT row_number() OVER (ORDER BY u.n, r.reference), w.line_id, row_number() OVER (PARTITION BY w.line_id ORDER BY r.reference),
           r.id, r.reference, CASE WHEN w.rule = 'declared_set' THEN r.amount ELSE w.amount END, w.edits, w.rule
    FROM unnest(ids) WITH ORDINALITY AS u (id, n) JOIN match_work w ON w.line_id = u.id
    JOIN payment_request r ON CASE WHEN w.rule = 'declared_set'
             THEN r.reference IN (SELECT c.reference FROM line_candidate c WHERE c.line_id = w.line_id AND c.edits = 0)
                  AND (r.account_id = w.account_id OR r.account_id IS NULL)
             ELSE r.id = w.request_id END;
    SELECT array_agg('statement'::text ORDER BY x.n) AS sources,
           array_agg(concat_ws('/', a.account_number, l.booked_on, encode(l.fingerprint, 'hex'), l.occurrence,
                               CASE WHEN x.rule = 'declared_set' THEN x.reference END,
                               -- what it had made went to an earlier line: a new name for the new payment
                               (SELECT 'again ' || count(*) FROM line_unmatch v WHERE v.line_id = l.id HAVING count(*) > 0)) ORDER BY x.n) AS external_ids,
           array_agg(sha256(l.fingerprint || int8send(x.amount) || int4send(l.occurrence)) ORDER BY x.n) AS contents,
           array_agg(x.amount ORDER BY x.n) AS amounts, array_agg(a.account_number ORDER BY x.n) AS accounts,
           array_agg('vietqr'::text ORDER BY x.n) AS methods,
           array_agg(CASE WHEN x.rule <> 'declared_set' AND t.bank_reference <> '' AND x.turn = 1 AND NOT EXISTS (   -- its own, not lent already
                              SELECT FROM external_transaction o WHERE o.source = 'account ' || a.account_number AND o.external_id = t.bank_reference)
                          THEN t.bank_reference END ORDER BY x.n) AS bank_references,
           array_agg(t.memo ORDER BY x.n) AS memos,
           array_agg((l.booked_on::timestamp - interval '7 hours') AT TIME ZONE 'UTC' ORDER BY x.n) AS paid_ats,
           array_agg(nullif(t.counterparty, '') ORDER BY x.n) AS payers,
           array_agg(nullif(t.counterparty_account, '') ORDER BY x.n) AS payer_accounts,
           array_agg(NULL::bytea ORDER BY x.n) AS raws,
           array_agg(x.n ORDER BY x.n) AS ofs, array_agg(x.reference ORDER BY x.n) AS refs, array_agg(x.edits ORDER BY x.n) AS edits
    INTO told
    FROM (SELECT y.*, row_number() OVER (PARTITION BY w.account_id, w.bank_reference ORDER BY y.n) AS turn
          FROM reconcile_notice y JOIN match_work w ON w.line_id = y.line_id) x
    JOIN statement_line l ON l.id = x.line_id
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    JOIN receiving_account a ON a.id = l.account_id;
    UPDATE reconcile_notice x SET outcome = c.outcome, payment = c.payment
    FROM confirm(at, told.sources, told.external_ids, told.contents, told.amounts, told.accounts, told.methods, told.bank_references,
                 told.memos, told.paid_ats, told.payers, told.payer_accounts, told.raws, told.ofs, told.refs, told.edits) c
    WHERE c.n = x.n;
    -- A repaired reference of a request that is paid already: its money is known all the same, and owed back.
    FOR lost IN SELECT * FROM reconcile_notice WHERE outcome = 'unallocated' ORDER BY n LOOP
        PERFORM payment_assign(at, lost.payment, lost.request_id);
    END LOOP;

    INSERT INTO line_match (line_id, payment_id, rule, healed, edits, actor, at)
    SELECT x.line_id, x.payment, x.rule, true, x.edits, 'machine', reconcile_confirm.at
    FROM reconcile_notice x JOIN payment p ON p.id = x.payment
    WHERE x.rule <> 'declared_set' AND x.outcome IN ('booked', 'unallocated', 'replayed') AND p.request_id IS NOT NULL AND p.source = 'statement'
    ON CONFLICT DO NOTHING;
    PERFORM declared_match(at, line_id) FROM (SELECT DISTINCT line_id FROM reconcile_notice WHERE rule = 'declared_set') s;
    DELETE FROM line_pending w USING line_match m WHERE m.line_id = w.line_id AND w.line_id = ANY (ids);
    UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_by = 'machine', resolved_at = reconcile_confirm.at
    FROM line_match m WHERE m.line_id = e.line_id AND e.line_id = ANY (ids) AND e.state = 'open';
    PERFORM line_explain(at, ARRAY(SELECT m.line_id FROM line_match m WHERE m.line_id = ANY (ids) AND m.rule IN ('repaired', 'declared_set')));

    PERFORM exceptions_open(at, array_agg(line_id ORDER BY n), array_agg(CASE WHEN outcome IN ('conflict', 'refused') THEN 'amount_differs'
                                ELSE 'duplicate_line' END ORDER BY n), array_agg(NULL::bigint), array_agg(line_suggestion(line_id) ORDER BY n))
    FROM (SELECT DISTINCT ON (line_id) * FROM reconcile_notice x
          WHERE NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = x.line_id) ORDER BY line_id, n) rest
    HAVING count(*) > 0;
END $$;

-- A line whose payer named several requests: one batch of its own, its items the payments just made.
CREATE FUNCTION declared_match(at timestamptz, line bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    IF EXISTS (SELECT FROM reconcile_notice x WHERE x.line_id = line AND (x.payment IS NULL OR x.outcome IN ('conflict', 'refused'))) THEN
        RETURN;
    END IF;
    SELECT id INTO made FROM pay_out b WHERE b.source = 'declared' AND b.current AND b.batch =
        (SELECT concat_ws('/', a.account_number, l.booked_on, encode(l.fingerprint, 'hex'), l.occurrence)
         FROM statement_line l JOIN receiving_account a ON a.id = l.account_id WHERE l.id = line);
    IF made IS NULL THEN
        INSERT INTO pay_out (source, batch, account_id, day, gross, fees, net, content, taken_at, taken_by)
        SELECT 'declared', concat_ws('/', a.account_number, l.booked_on, encode(l.fingerprint, 'hex'), l.occurrence), l.account_id, l.booked_on,
               l.amount, 0, l.amount, l.fingerprint, declared_match.at, 'machine'
        FROM statement_line l JOIN receiving_account a ON a.id = l.account_id WHERE l.id = line RETURNING id INTO made;
        INSERT INTO pay_out_item (batch_id, ordinal, external_id, reference, amount)
        SELECT made, x.part, p.external_id, x.reference, x.amount FROM reconcile_notice x JOIN payment p ON p.id = x.payment WHERE x.line_id = line;
        INSERT INTO batch_payment (payment_id, batch_id, ordinal, rule, actor, at)
        SELECT x.payment, made, x.part, 'declared_set', 'machine', declared_match.at FROM reconcile_notice x WHERE x.line_id = line;
    END IF;
    INSERT INTO line_match (line_id, batch_id, rule, healed, actor, at) VALUES (line, made, 'declared_set', true, 'machine', declared_match.at);
END $$;

-- Step 5: lines taken back, and refunds that left ---------------------------------------------------------------------------------
-- A reversal belongs to the one earlier line of the same account and amount that carries its bank reference, or its payment reference.
-- The payment is undone, its request open again; the case stays for a person, who sees to the receipt.
CREATE FUNCTION reconcile_reverse(at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one record;
    worth bigint[];
    made bigint := 0;
BEGIN
    FOR one IN
        SELECT e.line_id AS back, min(l0.id) AS line, min(m.payment_id) AS payment
        FROM exception_case e JOIN statement_line l ON l.id = e.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        JOIN statement_line l0 ON l0.account_id = l.account_id AND l0.amount = -l.amount AND l0.booked_on BETWEEN l.booked_on - 60 AND l.booked_on
        JOIN statement_line_text t0 ON t0.line_id = l0.id AND t0.booked_month = date_trunc('month', l0.booked_on)::date
        LEFT JOIN line_match m ON m.line_id = l0.id
        WHERE e.reason = 'reversal' AND e.state = 'open' AND l.amount < 0 AND NOT t0.reversal
          AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.line_id = l.id OR v.of_line = l0.id)
          AND NOT EXISTS (SELECT FROM line_pending w WHERE w.line_id = l0.id)
          AND m.batch_id IS NULL
          AND (t.bank_reference <> '' AND t0.bank_reference = t.bank_reference
               OR EXISTS (SELECT FROM line_candidate c JOIN line_candidate c0 USING (reference)
                          WHERE c.line_id = l.id AND c0.line_id = l0.id AND c.edits = 0 AND c0.edits = 0))
        GROUP BY e.line_id, l.booked_on, l.account_id, l.fingerprint, l.occurrence HAVING count(*) = 1
        ORDER BY l.booked_on, l.account_id, l.fingerprint, l.occurrence
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM line_reversal v WHERE v.of_line = one.line);
        IF one.payment IS NOT NULL THEN
            SELECT payment_withdraw(at, one.payment) INTO worth;
            CONTINUE WHEN worth IS NULL;
        END IF;
        INSERT INTO line_reversal (line_id, of_line, payment_id, request_id, allocated, surplus, at)
        SELECT one.back, one.line, one.payment, r.id, coalesce(worth[1], 0), coalesce(worth[2], 0), reconcile_reverse.at
        FROM (SELECT 1) x LEFT JOIN payment p ON p.id = one.payment LEFT JOIN payment_request r ON r.reference = p.reference;
        UPDATE exception_case SET state = 'resolved', resolution = 'taken_back', resolved_by = 'machine', resolved_at = reconcile_reverse.at
        WHERE line_id = one.line AND state = 'open';
        UPDATE exception_case e SET suggestion = jsonb_strip_nulls(jsonb_build_object('takes_back', jsonb_build_object('booked_on', l.booked_on,
               'reference', p.reference, 'dossier', r.dossier, 'allocated', worth[1], 'surplus', worth[2])))
        FROM statement_line l LEFT JOIN payment p ON p.id = one.payment LEFT JOIN payment_request r ON r.reference = p.reference
        WHERE e.line_id = one.back AND l.id = one.line;
        INSERT INTO line_unposted VALUES (one.back), (one.line) ON CONFLICT DO NOTHING;
        made := made + 1;
    END LOOP;
    WITH carried AS (
        INSERT INTO line_refund (line_id, refund_id, at)
        SELECT DISTINCT ON (f.id) e.line_id, f.id, reconcile_reverse.at
        FROM exception_case e JOIN line_candidate c ON c.line_id = e.line_id AND c.edits = 0 JOIN payment_request r ON r.reference = c.reference
        JOIN refund f ON f.request_id = r.id AND f.amount = -e.amount AND f.state IN ('sent', 'paid')
        WHERE e.reason = 'refund_out' AND e.state = 'open' AND NOT EXISTS (SELECT FROM line_refund x WHERE x.refund_id = f.id)
          AND NOT EXISTS (SELECT FROM line_refund x WHERE x.line_id = e.line_id)
          AND NOT EXISTS (SELECT FROM exception_case e2 JOIN line_candidate c2 ON c2.line_id = e2.line_id AND c2.edits = 0
                          WHERE e2.reason = 'refund_out' AND e2.state = 'open' AND c2.reference = c.reference AND e2.amount = e.amount
                            AND (e2.booked_on, e2.line_id) < (e.booked_on, e.line_id))
        ORDER BY f.id, e.booked_on ON CONFLICT DO NOTHING
        RETURNING line_id, refund_id
    ), proved AS (                                -- the bank's line is the proof the refund waited for
        SELECT refund_close(reconcile_reverse.at, carried.refund_id, 'paid', coalesce(nullif(t.bank_reference, ''), t.memo), l.booked_on, NULL, 'machine')
        FROM carried JOIN refund f ON f.id = carried.refund_id AND f.state = 'sent' JOIN statement_line l ON l.id = carried.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    ), posted AS (
        INSERT INTO line_unposted SELECT line_id FROM carried ON CONFLICT DO NOTHING
    )
    UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_by = 'machine', resolved_at = reconcile_reverse.at
    FROM carried WHERE e.line_id = carried.line_id AND (SELECT count(*) FROM proved) >= 0;
    -- Own transfers whose two sides are here explain each other.
    UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_by = 'machine', resolved_at = reconcile_reverse.at
    FROM own_transfers() o WHERE e.state = 'open' AND e.reason = 'own_transfer' AND e.line_id IN (o.out_line, o.in_line);
    RETURN made;
END $$;

-- Both sides of transfers between own accounts, in the order of their natural keys.
CREATE FUNCTION own_transfers() RETURNS TABLE (out_line bigint, in_line bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH side AS (
        SELECT l.id, l.amount, l.booked_on, l.account_id, o.id AS other,
               row_number() OVER (PARTITION BY l.account_id, o.id, l.amount ORDER BY l.booked_on, l.fingerprint, l.occurrence) AS k
        FROM exception_case e JOIN statement_line l ON l.id = e.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        JOIN receiving_account o ON o.account_number = t.counterparty_account
        WHERE e.reason = 'own_transfer' AND (e.state = 'open' OR e.resolved_by = 'machine')
    )
    SELECT a.id, b.id FROM side a JOIN side b ON b.account_id = a.other AND b.other = a.account_id AND b.amount = -a.amount AND b.k = a.k
    WHERE a.amount < 0 AND abs(b.booked_on - a.booked_on) <= 5
$$;

-- Step 6: why lines still wait, by what is known now -------------------------------------------------------------------------------
CREATE FUNCTION reconcile_reclassify(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM match_tables();
    PERFORM match_work_fill('9999-12-31', ARRAY(SELECT e.line_id FROM exception_case e WHERE e.state = 'open' AND e.line_id IS NOT NULL AND e.amount > 0
                                                AND e.payment_id IS NULL AND e.reason <> 'batch_differs' AND exception_retried(e.reason)));
    UPDATE exception_case e SET reason = n.reason, suggestion = n.suggestion
    FROM (SELECT w.line_id, CASE WHEN w.rule IS NOT NULL THEN 'duplicate_line' ELSE line_reason(w.line_id, w.why) END AS reason,
                 line_suggestion(w.line_id) AS suggestion FROM match_work w) n
    WHERE e.line_id = n.line_id AND e.state = 'open' AND (e.reason, e.suggestion - 'sum') IS DISTINCT FROM (n.reason, n.suggestion);
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;

-- Step 7: payments the bank should have shown by now ---------------------------------------------------------------------------------
-- Only after the channel's grace in working days, and only where what should show them came: a statement of the account that covers the
-- day, or a batch of the source. What did not come is "not received", never a difference.
CREATE OR REPLACE FUNCTION reconcile_payments(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_at = reconcile_payments.at, resolved_by = 'machine'
    WHERE e.state <> 'resolved' AND e.line_id IS NULL AND e.reason = 'payment_without_line'
      AND (EXISTS (SELECT FROM line_match m WHERE m.payment_id = e.payment_id) OR EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = e.payment_id));
    -- Money a call-back announced and nobody can tell whose it is: its line is matched, its owner is not known.
    UPDATE exception_case e SET state = 'resolved', resolution = 'matched', resolved_at = reconcile_payments.at, resolved_by = 'machine'
    FROM payment p
    WHERE e.state <> 'resolved' AND e.line_id IS NULL AND e.reason IN ('no_reference', 'unknown_reference')
      AND p.id = e.payment_id AND p.request_id IS NOT NULL;
    INSERT INTO exception_case (reason, payment_id, account_id, amount, booked_on, opened_at)
    SELECT CASE WHEN p.reference IS NULL THEN 'no_reference' ELSE 'unknown_reference' END, p.id, p.account_id, p.amount,
           business_day(p.paid_at), reconcile_payments.at
    FROM payment p
    WHERE p.request_id IS NULL AND business_day(p.paid_at) BETWEEN day - 60 AND day AND p.source <> 'statement'
      AND NOT EXISTS (SELECT FROM exception_case e WHERE e.payment_id = p.id)
      AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id)
    ORDER BY p.paid_at, p.source, p.external_id
    ON CONFLICT DO NOTHING;
    INSERT INTO exception_case (reason, payment_id, account_id, amount, booked_on, opened_at)
    SELECT 'payment_without_line', p.id, p.account_id, p.amount, business_day(p.paid_at), reconcile_payments.at
    FROM (SELECT p.*, business_day(p.paid_at) AS paid_day FROM payment p WHERE business_day(p.paid_at) BETWEEN day - 60 AND day) p
    JOIN (SELECT d::date AS paid_day, g.method, working_days_after(d::date, g.working_days) AS due
          FROM generate_series(day - 60, day, interval '1 day') d, channel_grace g) due USING (paid_day, method)
    WHERE p.source <> 'statement' AND due.due <= day
      AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
      AND NOT EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = p.id)
      AND CASE WHEN p.method = 'vietqr'
               THEN EXISTS (SELECT FROM statement s WHERE s.account_id = p.account_id AND s.state = 'accepted'
                            AND s.first_day <= p.paid_day AND s.last_day >= p.paid_day)
               ELSE EXISTS (SELECT FROM pay_out b JOIN pay_out_item i ON i.batch_id = b.id
                            WHERE b.current AND b.source = p.source AND b.account_id = p.account_id AND i.paid_on >= p.paid_day) END
    ORDER BY p.paid_at, p.source, p.external_id
    ON CONFLICT (payment_id) WHERE line_id IS NULL DO UPDATE SET state = 'open', resolution = NULL, resolved_by = NULL, resolved_at = NULL
        WHERE exception_case.state = 'resolved' AND exception_case.resolved_by = 'machine' AND exception_case.reason = 'payment_without_line';
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;

-- Step 8: one journal for each statement -------------------------------------------------------------------------------------------
-- What the statement's lines are worth on each account by their fates now, less what its journals have booked so far. The first journal
-- moves the statement's money onto bank:ACCOUNT; a later one takes back and books anew only what changed.
CREATE VIEW line_place AS
    SELECT l.id AS line_id, l.statement_id, l.account_id, l.amount, l.booked_on,
           CASE WHEN m.line_id IS NOT NULL OR v.payment_id IS NOT NULL OR f.line_id IS NOT NULL THEN 'clearing'
                WHEN e.payment_id IS NOT NULL AND e.reason IN ('no_reference', 'unknown_reference', 'wrong_amount') AND e.resolution IS NULL THEN 'clearing'
                WHEN e.reason = 'bank_charge' THEN 'charges' WHEN e.reason = 'bank_interest' THEN 'interest'
                WHEN e.reason = 'own_transfer' THEN 'transfer' WHEN e.resolution = 'written_off' THEN 'unclaimed'
                ELSE 'suspense' END AS place
    FROM statement_line l LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN exception_case e ON e.line_id = l.id
    LEFT JOIN line_reversal v ON v.line_id = l.id LEFT JOIN line_refund f ON f.line_id = l.id;
COMMENT ON VIEW line_place IS 'Which account of the ledger stands opposite bank:ACCOUNT for each line.';

DROP FUNCTION reconcile_post(timestamptz, integer);
CREATE FUNCTION reconcile_post(at timestamptz, most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    month date := business_month(at);
    ids bigint[] := ARRAY(SELECT DISTINCT l.statement_id FROM line_unposted u JOIN statement_line l ON l.id = u.line_id
                          WHERE NOT EXISTS (SELECT FROM line_pending w JOIN statement_line l2 ON l2.id = w.line_id
                                            WHERE l2.statement_id = l.statement_id)
                          ORDER BY 1 LIMIT most);
BEGIN
    IF cardinality(ids) = 0 THEN
        RETURN 0;
    END IF;
    CREATE TEMP TABLE IF NOT EXISTS post_due (statement_id bigint, code text, amount bigint) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS post_head (statement_id bigint, journal_id bigint, ordinal integer, booked_on date, first bigint)
        ON COMMIT DELETE ROWS;
    TRUNCATE post_due, post_head;
    INSERT INTO post_due
    SELECT statement_id, code, sum(amount) FROM (
        SELECT p.statement_id, x.code, sum(x.amount) AS amount
        FROM (SELECT statement_id, account_id, place, sum(amount) AS amount FROM line_place WHERE statement_id = ANY (ids) GROUP BY 1, 2, 3) p
        JOIN receiving_account a ON a.id = p.account_id,
             LATERAL (VALUES ('bank:' || a.account_number, p.amount), (p.place || ':' || a.account_number, -p.amount)) x (code, amount)
        GROUP BY 1, 2
        UNION ALL
        SELECT s.statement_id, c.code, -sum(e.amount)
        FROM statement_journal s JOIN entry e ON e.booked_month = s.booked_month AND e.journal_id = s.journal_id JOIN account c ON c.id = e.account_id
        WHERE s.statement_id = ANY (ids) GROUP BY 1, 2) told
    GROUP BY 1, 2 HAVING sum(amount) <> 0;
    PERFORM accounts_open(ARRAY(SELECT DISTINCT code FROM post_due));
    INSERT INTO post_head
    SELECT s.id, nextval('journal_number'), coalesce(o.last, 0) + 1, CASE WHEN o.last IS NULL THEN s.last_day ELSE business_day(at) END, o.first
    FROM (SELECT DISTINCT statement_id FROM post_due ORDER BY 1) d JOIN statement s ON s.id = d.statement_id
    LEFT JOIN LATERAL (SELECT max(ordinal) AS last, min(journal_id) AS first FROM statement_journal j WHERE j.statement_id = s.id) o ON true;
    INSERT INTO journal (booked_month, id, at, booked_on, kind, reverses)
    SELECT month, journal_id, reconcile_post.at, booked_on, 'statement', first FROM post_head;
    INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
    SELECT month, h.journal_id, row_number() OVER (PARTITION BY h.journal_id ORDER BY d.code COLLATE "C"), c.id, d.amount
    FROM post_due d JOIN post_head h USING (statement_id) JOIN account c ON c.code = d.code;
    INSERT INTO statement_journal (statement_id, ordinal, booked_month, journal_id) SELECT statement_id, ordinal, month, journal_id FROM post_head;
    DELETE FROM line_unposted u USING statement_line l WHERE l.id = u.line_id AND l.statement_id = ANY (ids);
    RETURN cardinality(ids);
END $$;

-- Progress ----------------------------------------------------------------------------------------------------------------------
ALTER TABLE reconciliation_run ADD COLUMN step text, ADD COLUMN done integer NOT NULL DEFAULT 0, ADD COLUMN step_at timestamptz;
COMMENT ON COLUMN reconciliation_run.step IS 'What the run is doing; with done, how many times it has done so.';

-- Which sources came for a day: a statement of each account, a batch of each source that announced payments.
CREATE FUNCTION sources_received(wanted date) RETURNS TABLE (source text, state text, quarantined bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'account ' || a.account_number,
           CASE WHEN EXISTS (SELECT FROM statement s WHERE s.account_id = a.id AND s.state = 'accepted' AND wanted BETWEEN s.first_day AND s.last_day)
                THEN 'received' ELSE 'not received' END,
           (SELECT count(*) FROM statement s WHERE s.account_id = a.id AND s.state = 'quarantined' AND wanted BETWEEN s.first_day AND s.last_day)
    FROM receiving_account a WHERE a.active
    UNION ALL
    SELECT 'settlement ' || p.source,
           CASE WHEN EXISTS (SELECT FROM pay_out b JOIN pay_out_item i ON i.batch_id = b.id
                             WHERE b.current AND b.source = p.source AND i.paid_on = wanted) THEN 'received' ELSE 'not received' END, 0
    FROM (SELECT DISTINCT p.source FROM payment p WHERE business_day(p.paid_at) = wanted AND p.method NOT IN ('vietqr', 'cash')) p
    ORDER BY 1
$$;

CREATE OR REPLACE FUNCTION reconcile_summary(wanted date) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH line AS (
        SELECT l.id, l.amount, l.account_id, m.rule, m.healed, e.reason, e.state, m.line_id IS NOT NULL AS matched,
               w.line_id IS NOT NULL AS pending
        FROM statement_line l LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN exception_case e ON e.line_id = l.id
        LEFT JOIN line_pending w ON w.line_id = l.id WHERE l.booked_on = wanted
    ), paid AS (
        SELECT p.id, p.amount, p.method, p.account_id, m.line_id IS NOT NULL OR b.payment_id IS NOT NULL AS matched,
               e.id IS NOT NULL AS excepted
        FROM payment p LEFT JOIN line_match m ON m.payment_id = p.id LEFT JOIN batch_payment b ON b.payment_id = p.id
        LEFT JOIN exception_case e ON e.payment_id = p.id AND e.state <> 'resolved' WHERE business_day(p.paid_at) = wanted
    )
    SELECT jsonb_build_object(
        'date', wanted,
        'statements', (SELECT coalesce(jsonb_agg(jsonb_build_object('account', substr(source, 9), 'state', state, 'quarantined', quarantined)
                                                 ORDER BY source), '[]') FROM sources_received(wanted) WHERE source LIKE 'account %'),
        'settlements', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', substr(source, 12), 'state', state) ORDER BY source), '[]')
                        FROM sources_received(wanted) WHERE source LIKE 'settlement %'),
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
                'every_line_has_one_fate', coalesce(bool_and((matched OR reason IS NOT NULL) OR pending), true),
                'lines_equal_matched_plus_exceptions_plus_pending', coalesce(sum(amount), 0) =
                    coalesce(sum(amount) FILTER (WHERE matched), 0) + coalesce(sum(amount) FILTER (WHERE NOT matched AND reason IS NOT NULL), 0)
                    + coalesce(sum(amount) FILTER (WHERE NOT matched AND reason IS NULL), 0),
                'nothing_pending', NOT coalesce(bool_or(pending), false)) FROM line))
$$;

-- A person's match of a line that no payment was made from: its money leaves suspense when its statement is posted anew.
CREATE OR REPLACE FUNCTION exception_resolve(at timestamptz, wanted bigint, actor text, action text, said text, with_payment bigint) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    e exception_case;
    p payment;
    chosen bigint;
BEGIN
    SELECT * INTO e FROM exception_case WHERE id = wanted FOR UPDATE;
    IF e.id IS NULL THEN
        RETURN 'not_found';
    ELSIF e.state = 'resolved' THEN
        RETURN 'conflict';
    END IF;
    IF action = 'explained' THEN
        IF e.reason NOT IN ('bank_charge', 'bank_interest', 'zero_amount', 'duplicate_line', 'own_transfer') THEN
            RETURN 'conflict';
        END IF;
        UPDATE exception_case SET state = 'resolved', resolution = 'explained', note = said, resolved_by = actor, resolved_at = at
        WHERE id = wanted;
    ELSE
        chosen := coalesce(with_payment, e.other_payment, e.payment_id);
        SELECT * INTO p FROM payment WHERE id = chosen;
        IF e.line_id IS NULL OR p.id IS NULL OR p.account_id <> e.account_id OR p.amount <> e.amount OR p.request_id IS NULL
           OR EXISTS (SELECT FROM line_match m WHERE m.payment_id = chosen) OR EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = chosen) THEN
            RETURN 'conflict';
        END IF;
        IF e.state = 'open' OR e.other_payment IS DISTINCT FROM chosen THEN
            UPDATE exception_case SET state = 'proposed', proposed_by = actor, note = said, other_payment = chosen WHERE id = wanted;
            PERFORM audit_record(at, actor, 'exception.propose', wanted::text, jsonb_build_object('payment', p.external_id, 'note', said));
            RETURN 'proposed';
        ELSIF e.proposed_by = actor THEN
            RETURN 'second_person';
        END IF;
        INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at)
        VALUES (e.line_id, chosen, 'person', p.source = 'statement', actor, at);
        -- A payment made from the line stands in suspense (as they were made once): it was the chosen payment's money in clearing.
        IF e.payment_id IS NOT NULL AND chosen <> e.payment_id THEN
            PERFORM journal_post(at, business_day(at), 'statement_match', chosen, p.request_id,
                                 ARRAY['suspense:' || a.account_number, 'clearing:' || a.account_number], ARRAY[e.amount, -e.amount])
            FROM receiving_account a WHERE a.id = e.account_id;
        END IF;
        UPDATE exception_case SET state = 'resolved', resolution = 'matched', resolved_by = actor, resolved_at = at WHERE id = wanted;
        PERFORM line_explain(at, ARRAY[e.line_id]);
        INSERT INTO line_unposted VALUES (e.line_id) ON CONFLICT DO NOTHING;
    END IF;
    PERFORM audit_record(at, actor, 'exception.resolve', wanted::text, jsonb_build_object('action', action, 'note', said));
    PERFORM event_record(at, ARRAY['exception.resolved'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('reason', e.reason, 'amount', e.amount, 'booked_on', e.booked_on)]);
    RETURN 'resolved';
END $$;
