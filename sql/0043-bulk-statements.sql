-- A million lines in the time of their COPY and join: what every line of a statement has in common is noted once for the statement, a line
-- whose bank reference leaves no choice never enters a work list, and locks are taken by account instead of by payment.

-- Work by statement -----------------------------------------------------------------------------------------------------

CREATE TABLE statement_fresh (
    statement_id bigint PRIMARY KEY REFERENCES statement,
    first_line   bigint NOT NULL,               -- its new lines have numbers from here …
    last_line    bigint NOT NULL CHECK (last_line >= first_line) -- … to here, perhaps with those of others between
);
COMMENT ON TABLE statement_fresh IS 'Statements no run has looked at: all their new lines wait, without a row each in line_pending.';

CREATE TABLE statement_unposted (
    statement_id bigint PRIMARY KEY REFERENCES statement,
    first_line   bigint NOT NULL,
    last_line    bigint NOT NULL CHECK (last_line >= first_line)
);
COMMENT ON TABLE statement_unposted IS 'Statements whose money the ledger has not moved yet; line_unposted holds the lines that changed since.';

CREATE VIEW line_waits AS
    SELECT line_id FROM line_pending
    UNION ALL
    SELECT l.id FROM statement_fresh f JOIN statement_line l ON l.id BETWEEN f.first_line AND f.last_line AND l.statement_id = f.statement_id;
COMMENT ON VIEW line_waits IS 'Lines without a fate: those on the work list, and those of statements no run has looked at.';

-- Whoever looks from outside a run sees both.
CREATE FUNCTION body_change(of regproc, was text, becomes text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    body text := pg_get_functiondef(of);
BEGIN
    IF strpos(body, was) = 0 THEN
        RAISE EXCEPTION '% has changed: "%" is not found', of, was;
    END IF;
    EXECUTE replace(body, was, becomes);
END $$;
SELECT body_change('daily_lines', 'LEFT JOIN line_pending w', 'LEFT JOIN line_waits w');
SELECT body_change('daily_lines', 'settled AS MATERIALIZED (
        SELECT s.request_id, s.part, s.over, s.key, s.settles
        FROM money_shares(ARRAY(SELECT DISTINCT request_id FROM paid WHERE request_id IS NOT NULL)) s WHERE s.day = wanted',
                   'share AS MATERIALIZED (
        SELECT s.* FROM money_shares(ARRAY(SELECT DISTINCT request_id FROM paid WHERE request_id IS NOT NULL)) s
    ), settled AS MATERIALIZED (
        SELECT s.request_id, s.part, s.over, s.key, s.settles FROM share s WHERE s.day = wanted');
SELECT body_change('daily_lines', 'FROM money_shares(ARRAY(SELECT DISTINCT request_id FROM settled)) s GROUP BY 1',
                   'FROM share s WHERE s.request_id IN (SELECT request_id FROM settled) GROUP BY 1');
SELECT body_change('reconcile_summary', 'LEFT JOIN line_pending w', 'LEFT JOIN line_waits w');
SELECT body_change('day_close', 'FROM line_pending w', 'FROM line_waits w');
SELECT body_change('reconcile_audit', 'FROM line_pending w', 'FROM line_waits w');
SELECT body_change('reconcile_audit', 'AND NOT EXISTS (SELECT FROM line_unposted u JOIN statement_line l ON l.id = u.line_id WHERE l.statement_id = s.id)',
                   'AND NOT EXISTS (SELECT FROM line_unposted u JOIN statement_line l ON l.id = u.line_id WHERE l.statement_id = s.id)
      AND NOT EXISTS (SELECT FROM statement_unposted u WHERE u.statement_id = s.id) AND NOT EXISTS (SELECT FROM statement_fresh f WHERE f.statement_id = s.id)');
SELECT body_change('reconcile_reverse', 'FROM line_pending x', 'FROM line_waits x');
SELECT body_change('reversals_doubtful', 'JOIN line_pending w', 'JOIN line_waits w');

-- References stand on their line --------------------------------------------------------------------------------------------

ALTER TABLE statement_line ADD COLUMN candidates text NOT NULL DEFAULT '';
COMMENT ON COLUMN statement_line.candidates IS 'Payment references its words may hold, best first, separated by spaces; +n: n symbols were repaired.';
ALTER TABLE statement_line DISABLE TRIGGER statement_line_for_ever;
UPDATE statement_line l SET candidates = c.told
FROM (SELECT line_id, string_agg(reference || CASE WHEN edits > 0 THEN '+' || edits ELSE '' END, ' ' ORDER BY rank) AS told
      FROM line_candidate GROUP BY line_id) c WHERE c.line_id = l.id;
ALTER TABLE statement_line ENABLE TRIGGER statement_line_for_ever;
DROP TABLE line_candidate;
CREATE VIEW line_candidate AS
    SELECT l.id AS line_id, c.rank::integer AS rank, split_part(c.told, '+', 1) AS reference,
           CASE WHEN strpos(c.told, '+') > 0 THEN split_part(c.told, '+', 2)::integer ELSE 0 END AS edits
    FROM statement_line l CROSS JOIN LATERAL string_to_table(l.candidates, ' ') WITH ORDINALITY AS c (told, rank) WHERE l.candidates <> '';
COMMENT ON VIEW line_candidate IS 'Payment references the words of a line may hold, one a row.';

-- Raw files are evidence, read again only when somebody asks: a quick compression will do, where the server has it.
DO $$
BEGIN
    ALTER TABLE statement_file_piece ALTER COLUMN bytes SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

-- Takes the new lines of an accepted statement out of import_line; notes which it had. Returns how many were new. A line's day is part of
-- what it is known by, so only lines of the same days can be known; the account is locked (statement_take), so nobody adds one meanwhile.
-- A statement's numbers lie side by side in the order of its lines.
CREATE OR REPLACE FUNCTION statement_lines_take(made bigint, ours integer) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET work_mem = '64MB' AS $$
DECLARE
    numbers regclass := pg_get_serial_sequence('statement_line', 'id')::regclass;
    lines record;
    before bigint;                              -- the number before the first
    fresh bigint;
BEGIN
    SELECT min(booked_on) AS since, max(booked_on) AS until, count(*) AS count, max(n) AS last INTO lines FROM import_line;
    IF lines.count = 0 THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_lock(hashtext('statement_line numbers ' || current_schema()));
    before := nextval(numbers) - 1;
    PERFORM setval(numbers, before + lines.last);
    PERFORM pg_advisory_unlock(hashtext('statement_line numbers ' || current_schema()));
    IF EXISTS (SELECT FROM statement_line l WHERE l.account_id = ours AND l.booked_on BETWEEN lines.since AND lines.until)
       OR EXISTS (SELECT FROM import_line GROUP BY fingerprint HAVING count(*) > 1) THEN
        WITH numbered AS MATERIALIZED (
            SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY n) AS occurrence FROM import_line) w
            WHERE NOT EXISTS (SELECT FROM statement_line l WHERE l.account_id = ours AND l.fingerprint = w.fingerprint AND l.occurrence = w.occurrence)
        ), line AS (
            INSERT INTO statement_line (id, account_id, booked_on, amount, fingerprint, occurrence, statement_id, page, ordinal, candidates)
            OVERRIDING SYSTEM VALUE
            SELECT before + n, ours, booked_on, amount, fingerprint, occurrence, made, page, ordinal, candidates FROM numbered
        ), words AS (
            INSERT INTO statement_line_text (booked_month, line_id, value_on, reversal, type, bank_reference, customer_reference,
                                             counterparty, counterparty_account, memo, supplementary)
            SELECT date_trunc('month', booked_on)::date, before + n, value_on, reversal, type, bank_reference, customer_reference,
                   counterparty, counterparty_account, memo, supplementary FROM numbered
        )
        SELECT count(*) INTO fresh FROM numbered;
        INSERT INTO statement_known (statement_id, page, ordinal, line_id)
        SELECT made, w.page, w.ordinal, l.id
        FROM (SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY n) AS occurrence FROM import_line) w
        JOIN statement_line l ON l.account_id = ours AND l.fingerprint = w.fingerprint AND l.occurrence = w.occurrence
        WHERE l.statement_id <> made;
    ELSE                                        -- nothing known, no two alike: every line as it stands
        INSERT INTO statement_line (id, account_id, booked_on, amount, fingerprint, occurrence, statement_id, page, ordinal, candidates)
        OVERRIDING SYSTEM VALUE
        SELECT before + n, ours, booked_on, amount, fingerprint, 1, made, page, ordinal, candidates FROM import_line ORDER BY fingerprint;
        INSERT INTO statement_line_text (booked_month, line_id, value_on, reversal, type, bank_reference, customer_reference,
                                         counterparty, counterparty_account, memo, supplementary)
        SELECT date_trunc('month', booked_on)::date, before + n, value_on, reversal, type, bank_reference, customer_reference,
               counterparty, counterparty_account, memo, supplementary FROM import_line;
        fresh := lines.count;
    END IF;
    IF fresh > 0 THEN
        INSERT INTO statement_fresh (statement_id, first_line, last_line) VALUES (made, before + 1, before + lines.last);
    END IF;
    RETURN fresh;
END $$;

-- Matches ------------------------------------------------------------------------------------------------------------------

-- A payment is never both a line's and a batch's. Both ways lock the account of the money before they look, so whoever comes second sees the
-- first; a lock on each of a million payments would write each of them anew. What a match refers to is for ever (pay-outs too, see below), so
-- one join over the new rows says what foreign keys would ask of each.
CREATE OR REPLACE FUNCTION line_match_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    said record;
    known record;
BEGIN
    SELECT count(*) AS lines, count(payment_id) AS payments, count(batch_id) AS batches INTO said FROM fresh;
    EXECUTE 'SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(payments), 0) AS payments, coalesce(array_agg(account_id), ''{}'') AS accounts
             FROM (SELECT p.account_id, count(l.id) AS lines, count(p.id) AS payments
                   FROM fresh f LEFT JOIN statement_line l ON l.id = f.line_id LEFT JOIN payment p ON p.id = f.payment_id GROUP BY 1) g'
    INTO known;                                 -- planned anew each time: for one row or for a million
    IF known.lines < said.lines OR known.payments < said.payments THEN
        RAISE EXCEPTION 'a match needs a statement line and a payment' USING ERRCODE = 'foreign_key_violation';
    END IF;
    PERFORM FROM receiving_account WHERE id = ANY (known.accounts) ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM batch_payment) AND EXISTS (SELECT FROM fresh f JOIN batch_payment b ON b.payment_id = f.payment_id) THEN
        RAISE EXCEPTION 'the payment is in a batch' USING ERRCODE = 'unique_violation', CONSTRAINT = 'payment_once';
    END IF;
    IF said.batches > 0 AND EXISTS (SELECT FROM fresh f WHERE f.batch_id IS NOT NULL AND NOT EXISTS (SELECT FROM pay_out b WHERE b.id = f.batch_id)) THEN
        RAISE EXCEPTION 'a match needs a pay-out' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER line_match_is_known ON line_match;
ALTER TABLE line_match DROP CONSTRAINT line_match_batch_id_fkey;
CREATE TRIGGER pay_out_stays BEFORE DELETE OR TRUNCATE ON pay_out FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION batch_payment_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM receiving_account a
    WHERE a.id IN (SELECT p.account_id FROM payment p JOIN fresh f ON f.payment_id = p.id) ORDER BY a.id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM fresh f JOIN line_match m ON m.payment_id = f.payment_id) THEN
        RAISE EXCEPTION 'the payment is matched to a line' USING ERRCODE = 'unique_violation', CONSTRAINT = 'payment_once';
    END IF;
    RETURN NULL;
END $$;

-- Pairs that leave no choice (see 0028), now straight from the statements that no run has looked at; what they leave over goes on the work
-- list. Returns how many were made. Every statement is planned for the night's own numbers: a million lines are joined table by table, a
-- hundred one by one.
CREATE OR REPLACE FUNCTION match_plain(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning SET work_mem = '128MB'
    SET plan_cache_mode = force_custom_plan SET enable_nestloop = on AS $$
DECLARE
    reuse_days CONSTANT integer := 60;          -- as in match_decide
    many CONSTANT bigint := 10000;
    new_ones bigint[] := ARRAY(SELECT statement_id FROM statement_fresh ORDER BY 1 FOR UPDATE);
    rest bigint := (SELECT sum(new_lines) FROM statement WHERE id = ANY (new_ones));
    low bigint;
    high bigint;
    made bigint;
BEGIN
    IF cardinality(new_ones) = 0 AND NOT EXISTS (SELECT FROM line_pending) THEN
        RETURN 0;
    END IF;
    SELECT min(first_line), max(last_line) INTO low, high FROM statement_fresh WHERE statement_id = ANY (new_ones);
    CREATE TEMP TABLE IF NOT EXISTS plain_line (line_id bigint, account_id integer, amount bigint, booked_on date, bank_reference text)
        ON COMMIT DELETE ROWS;
    TRUNCATE plain_line;
    IF high - low > many THEN
        PERFORM set_config('enable_nestloop', 'off', true);
    END IF;
    INSERT INTO plain_line
    SELECT l.id, l.account_id, l.amount, l.booked_on, t.bank_reference
    FROM statement_line l JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE l.id BETWEEN low AND high AND t.line_id BETWEEN low AND high AND l.statement_id = ANY (new_ones)
      AND t.bank_reference <> '' AND NOT t.reversal AND l.amount > 0 AND l.booked_on <= match_plain.day;
    PERFORM set_config('enable_nestloop', 'on', true);
    IF EXISTS (SELECT FROM line_match WHERE line_id BETWEEN low AND high) THEN
        DELETE FROM plain_line l USING line_match m WHERE m.line_id = l.line_id;
    END IF;
    IF EXISTS (SELECT FROM exception_case WHERE line_id BETWEEN low AND high) THEN
        DELETE FROM plain_line l USING exception_case e WHERE e.line_id = l.line_id;
    END IF;
    INSERT INTO plain_line
    SELECT l.id, l.account_id, l.amount, l.booked_on, t.bank_reference
    FROM line_pending w JOIN statement_line l ON l.id = w.line_id
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE t.bank_reference <> '' AND NOT t.reversal AND l.amount > 0 AND l.booked_on <= match_plain.day;
    ANALYZE plain_line;
    CREATE TEMP TABLE IF NOT EXISTS plain_pair (line_id bigint, payment_id bigint, account_id integer, bank_reference text) ON COMMIT DELETE ROWS;
    TRUNCATE plain_pair;
    INSERT INTO plain_pair
    SELECT min(l.line_id), min(p.id), l.account_id, l.bank_reference
    FROM plain_line l JOIN payment p ON p.account_id = l.account_id AND p.bank_reference = l.bank_reference AND p.amount = l.amount
    GROUP BY l.account_id, l.bank_reference
    HAVING count(*) = 1 AND bool_and(p.method = 'vietqr' AND p.source <> 'statement'
                                     AND abs(l.booked_on - (p.paid_at AT TIME ZONE 'UTC' + interval '7 hours')::date) <= reuse_days);
    ANALYZE plain_pair;
    IF EXISTS (SELECT FROM line_match) THEN
        DELETE FROM plain_pair x USING line_match m WHERE m.payment_id = x.payment_id;
    END IF;
    IF EXISTS (SELECT FROM batch_payment) THEN
        DELETE FROM plain_pair x USING batch_payment b WHERE b.payment_id = x.payment_id;
    END IF;
    DELETE FROM plain_pair x                    -- a line that waits for a person carries the same reference: they are looked at together
    USING exception_case e JOIN statement_line l ON l.id = e.line_id
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE e.state <> 'resolved' AND l.account_id = x.account_id AND t.bank_reference = x.bank_reference;
    IF (SELECT count(*) FROM plain_pair) > many THEN
        PERFORM set_config('enable_nestloop', 'off', true);
    END IF;
    INSERT INTO line_match (line_id, payment_id, rule, healed, edits, actor, at)
    SELECT line_id, payment_id, 'bank_reference', false, 0, 'machine', match_plain.at FROM plain_pair ORDER BY line_id;
    GET DIAGNOSTICS made = ROW_COUNT;
    IF made < rest OR EXISTS (SELECT FROM line_pending) THEN
        DELETE FROM line_pending w USING plain_pair x WHERE w.line_id = x.line_id;
        INSERT INTO line_pending
        SELECT l.id FROM statement_line l WHERE l.id BETWEEN low AND high AND l.statement_id = ANY (new_ones)
          AND NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = l.id AND m.line_id BETWEEN low AND high)
          AND NOT EXISTS (SELECT FROM exception_case e WHERE e.line_id = l.id)
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO statement_unposted SELECT f.* FROM statement_fresh f WHERE f.statement_id = ANY (new_ones) ON CONFLICT DO NOTHING;
    DELETE FROM statement_fresh WHERE statement_id = ANY (new_ones);
    RETURN made;
END $$;

ALTER TABLE statement_journal ADD COLUMN of_day date;
COMMENT ON COLUMN statement_journal.of_day IS 'The closed day a late statement belongs to: its money was booked in the day that was open, and both know each other.';

-- One journal for each statement whose lines all have a fate (see 0017): new statements by their number, others by the lines that changed.
CREATE OR REPLACE FUNCTION reconcile_post(at timestamptz, most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    month date := business_month(at);
    held bigint[] := ARRAY(SELECT DISTINCT l.statement_id FROM line_pending w JOIN statement_line l ON l.id = w.line_id);
    news bigint[] := ARRAY(SELECT statement_id FROM statement_unposted WHERE NOT statement_id = ANY (held) ORDER BY 1 LIMIT most);
    changed bigint[] := ARRAY(SELECT DISTINCT l.statement_id FROM line_unposted u JOIN statement_line l ON l.id = u.line_id
                              WHERE NOT l.statement_id = ANY (held) AND NOT l.statement_id = ANY (news)
                                AND NOT EXISTS (SELECT FROM statement_fresh f WHERE f.statement_id = l.statement_id)
                              ORDER BY 1 LIMIT most - cardinality(news));
    ids bigint[] := news || changed;
    low bigint := 0;
    high bigint := 9223372036854775807;
BEGIN
    IF cardinality(ids) = 0 THEN
        RETURN 0;
    END IF;
    IF cardinality(changed) = 0 THEN            -- their lines lie side by side: no need to look at those of other years
        SELECT min(first_line), max(last_line) INTO low, high FROM statement_unposted WHERE statement_id = ANY (news);
    END IF;
    CREATE TEMP TABLE IF NOT EXISTS post_due (statement_id bigint, code text, amount bigint) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS post_head (statement_id bigint, journal_id bigint, ordinal integer, booked_on date, first bigint, of_day date)
        ON COMMIT DELETE ROWS;
    TRUNCATE post_due, post_head;
    INSERT INTO post_due
    SELECT statement_id, code, sum(amount) FROM (
        SELECT p.statement_id, x.code, sum(x.amount) AS amount
        FROM (SELECT statement_id, account_id, place, sum(amount) AS amount FROM line_place
              WHERE line_id BETWEEN low AND high AND statement_id = ANY (ids) GROUP BY 1, 2, 3) p
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
    SELECT s.id, nextval('journal_number'), coalesce(o.last, 0) + 1,
           CASE WHEN o.last IS NULL AND NOT closed.yes THEN s.last_day ELSE business_day(at) END, o.first,
           CASE WHEN o.last IS NULL AND closed.yes THEN s.last_day END
    FROM (SELECT DISTINCT statement_id FROM post_due ORDER BY 1) d JOIN statement s ON s.id = d.statement_id
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM day_close c WHERE c.day = s.last_day) AS yes) closed
    LEFT JOIN LATERAL (SELECT max(ordinal) AS last, min(journal_id) AS first FROM statement_journal j WHERE j.statement_id = s.id) o ON true;
    INSERT INTO journal (booked_month, id, at, booked_on, kind, reverses)
    SELECT month, journal_id, reconcile_post.at, booked_on, 'statement', first FROM post_head;
    INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
    SELECT month, h.journal_id, row_number() OVER (PARTITION BY h.journal_id ORDER BY d.code COLLATE "C"), c.id, d.amount
    FROM post_due d JOIN post_head h USING (statement_id) JOIN account c ON c.code = d.code;
    INSERT INTO statement_journal (statement_id, ordinal, booked_month, journal_id, of_day)
    SELECT statement_id, ordinal, month, journal_id, of_day FROM post_head;
    DELETE FROM statement_unposted WHERE statement_id = ANY (ids);
    DELETE FROM line_unposted u USING statement_line l WHERE l.id = u.line_id AND l.statement_id = ANY (ids);
    RETURN cardinality(ids);
END $$;

-- Items of a pay-out that nobody announced -------------------------------------------------------------------------------------

-- The credit holds their money already, so an act says which payment it is: one that is booked under another number, or a new one for a
-- request. Both take two people. An item that is no fee (explain) takes two as well.
CREATE FUNCTION desk_item_problem(e exception_case, act text, told jsonb) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM batch_payment x WHERE x.batch_id = e.batch_id AND x.ordinal = e.batch_ordinal)
             OR NOT EXISTS (SELECT FROM pay_out b WHERE b.id = e.batch_id AND b.current) THEN jsonb_build_object('state', 'conflict')
        WHEN act = 'match' AND NOT told ? 'payment' THEN desk_fault('/payment', 'Cần giao dịch mà khoản này thuộc về.')
        WHEN act = 'match' THEN
            CASE WHEN NOT EXISTS (SELECT FROM payment p WHERE p.id = (told->>'payment')::bigint AND p.account_id = e.account_id
                                  AND p.amount = e.amount AND p.method <> 'vietqr'
                                  AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
                                  AND NOT EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = p.id)
                                  AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = p.id)
                                  AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id))
                 THEN jsonb_build_object('state', 'conflict') END
        WHEN (SELECT known FROM desk_parts(e, told)) IS DISTINCT FROM true
            THEN desk_fault('', 'Không có yêu cầu nộp tiền như vậy của tài khoản này, hoặc hồ sơ có nhiều yêu cầu.') END
$$;

-- How a source's money comes: as its other payments did, else by the kind of file it gives.
CREATE FUNCTION source_method(wanted text) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce((SELECT p.method FROM payment p WHERE p.source = wanted AND p.method <> 'vietqr' ORDER BY p.external_id LIMIT 1),
                    (SELECT CASE b.kind WHEN 'terminal' THEN 'pos' WHEN 'collection' THEN 'post' ELSE 'wallet' END
                     FROM settlement_batch b WHERE lower(b.issuer) = wanted AND b.state = 'accepted' ORDER BY b.id DESC LIMIT 1), 'wallet')
$$;

-- The payment of an item, by the same confirmation as every call-back; one that comes later under the same number is a conflict, never money.
CREATE FUNCTION desk_item_payment(at timestamptz, e exception_case, wanted bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made record;
BEGIN
    SELECT c.* INTO made
    FROM pay_out b JOIN pay_out_item i ON i.batch_id = b.id JOIN receiving_account a ON a.id = b.account_id
    JOIN payment_request r ON r.id = wanted,
         LATERAL (SELECT coalesce(nullif(i.external_id, ''), b.batch || '/' || i.ordinal) AS number) x,
         LATERAL confirm(desk_item_payment.at, ARRAY[b.source], ARRAY[x.number],
             ARRAY[sha256(convert_to(concat_ws('/', 'desk', b.source, b.batch, x.number, i.amount), 'UTF8'))], ARRAY[i.amount],
             ARRAY[a.account_number], ARRAY[source_method(b.source)], ARRAY[NULL::text], ARRAY[b.source || ' ' || b.batch],
             ARRAY[(coalesce(i.paid_on, b.day)::timestamp + interval '5 hours') AT TIME ZONE 'UTC'], ARRAY[NULL::text], ARRAY[NULL::text],
             ARRAY[NULL::bytea], ARRAY[1], ARRAY[r.reference], ARRAY[0]) c
    WHERE b.id = e.batch_id AND i.ordinal = e.batch_ordinal;
    IF made.outcome IS DISTINCT FROM 'booked' OR made.request IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'the item became % instead of a payment', made.outcome USING ERRCODE = 'check_violation';
    END IF;
    RETURN made.payment;
END $$;

CREATE FUNCTION desk_item_do(at timestamptz, e exception_case, act text, told jsonb, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO batch_payment (payment_id, batch_id, ordinal, rule, actor, at)
    VALUES (CASE act WHEN 'match' THEN (told->>'payment')::bigint ELSE desk_item_payment(at, e, desk_request(told)) END, e.batch_id, e.batch_ordinal,
            'person', actor, desk_item_do.at);
    RETURN CASE act WHEN 'match' THEN 'matched' ELSE 'assigned' END;
END $$;
SELECT body_change('desk_problem', 'ELSIF act = ''match'' THEN', 'ELSIF e.reason = ''item_without_payment'' AND act IN (''match'', ''assign'') THEN
        RETURN desk_item_problem(e, act, told);
    ELSIF act = ''match'' THEN');
SELECT body_change('desk_do', '    CASE act
', '    IF e.reason = ''item_without_payment'' AND act IN (''match'', ''assign'') THEN
        RETURN desk_item_do(at, e, act, told, actor);
    END IF;
    CASE act
');

-- What the nightly audit found ---------------------------------------------------------------------------------------------------

CREATE TABLE audit_finding (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    problem    text        NOT NULL,
    subject    text        NOT NULL,            -- natural key of what is wrong
    difference bigint      NOT NULL,
    day        date        NOT NULL,            -- the day whose night first found it
    found_at   timestamptz NOT NULL,
    gone_at    timestamptz CHECK (gone_at >= found_at) -- the audit that found it no more
);
CREATE UNIQUE INDEX audit_finding_open ON audit_finding (problem, subject, difference) WHERE gone_at IS NULL;
CREATE INDEX audit_finding_of_day ON audit_finding (day) WHERE gone_at IS NULL;
COMMENT ON TABLE audit_finding IS 'Breaks between dossiers, receipts and money as the nights found them, until a night finds them no more. Nothing is repaired here.';
CREATE TRIGGER audit_finding_stays BEFORE DELETE OR TRUNCATE ON audit_finding FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Looks at the whole house and notes what is new and what is gone. Returns what is open now, by problem.
CREATE FUNCTION audit_findings_take(at timestamptz, of_day date) RETURNS TABLE (problem text, count bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
#variable_conflict use_column
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS audit_now (problem text, subject text, difference bigint) ON COMMIT DELETE ROWS;
    TRUNCATE audit_now;
    INSERT INTO audit_now SELECT DISTINCT a.problem, coalesce(a.subject, ''), coalesce(a.difference, 0) FROM reconcile_audit() a;
    UPDATE audit_finding f SET gone_at = audit_findings_take.at WHERE f.gone_at IS NULL AND NOT EXISTS (
        SELECT FROM audit_now n WHERE (n.problem, n.subject, n.difference) = (f.problem, f.subject, f.difference));
    INSERT INTO audit_finding (problem, subject, difference, day, found_at)
    SELECT n.problem, n.subject, n.difference, of_day, audit_findings_take.at FROM audit_now n
    ORDER BY n.problem COLLATE "C", n.subject COLLATE "C", n.difference ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT n.problem, count(*) FROM audit_now n GROUP BY n.problem ORDER BY n.problem COLLATE "C";
END $$;

SELECT body_change('daily_lines', 'WHERE s.settles AND issued.total <> due.fees', 'WHERE s.settles AND issued.total <> due.fees
    UNION ALL SELECT ''22 found by the audit'', f.problem, f.subject, abs(f.difference) FROM audit_finding f WHERE f.day = wanted AND f.gone_at IS NULL');
SELECT body_change('day_state', '''came_later'',', '''findings'', (SELECT coalesce(jsonb_agg(jsonb_build_object(''problem'', f.problem, ''subject'', f.subject,
                         ''difference'', f.difference, ''since'', f.day) ORDER BY f.day, f.problem COLLATE "C", f.subject COLLATE "C", f.difference), ''[]'')
                     FROM (SELECT * FROM audit_finding f WHERE f.gone_at IS NULL AND f.day <= wanted ORDER BY f.id LIMIT 500) f),
        ''late_journals'', (SELECT coalesce(jsonb_agg(jsonb_build_object(''account'', s.account, ''number'', s.number, ''booked_on'', j.booked_on,
                              ''of_day'', x.of_day) ORDER BY s.account, s.number), ''[]'')
                          FROM statement_journal x JOIN journal j ON j.booked_month = x.booked_month AND j.id = x.journal_id
                          JOIN statement s ON s.id = x.statement_id WHERE x.of_day = wanted OR x.of_day IS NOT NULL AND j.booked_on = wanted),
        ''came_later'',');
DROP FUNCTION body_change(regproc, text, text);
