-- Statements of a million lines: what is checked of each row is checked of all new rows at once, lines whose bank reference leaves no
-- choice are paired in one statement, and the books of a day read that day alone.

-- A foreign key asks once per row. What bank lines refer to is for ever, so one join over the new rows of a statement says the same.
CREATE FUNCTION statement_stays() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'statement % is taken: its lines stand on it', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER statement_stays BEFORE DELETE ON statement FOR EACH ROW WHEN (OLD.state = 'accepted') EXECUTE FUNCTION statement_stays();
CREATE TRIGGER statement_stays_as_it_is BEFORE UPDATE ON statement FOR EACH ROW
    WHEN (OLD.state = 'accepted' AND (OLD.id, OLD.state, OLD.account_id) IS DISTINCT FROM (NEW.id, NEW.state, NEW.account_id))
    EXECUTE FUNCTION statement_stays();
CREATE TRIGGER payment_stays BEFORE DELETE OR TRUNCATE ON payment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION statement_line_of_statement() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT statement_id, account_id FROM fresh) f
               WHERE NOT EXISTS (SELECT FROM statement s WHERE s.id = f.statement_id AND s.account_id = f.account_id AND s.state = 'accepted')) THEN
        RAISE EXCEPTION 'a line needs an accepted statement of its account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
ALTER TABLE statement_line DROP CONSTRAINT statement_line_account_id_fkey, DROP CONSTRAINT statement_line_statement_id_fkey;
CREATE TRIGGER statement_line_of_statement AFTER INSERT ON statement_line REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION statement_line_of_statement();

CREATE FUNCTION line_is_known() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM fresh f LEFT JOIN statement_line l ON l.id = f.line_id WHERE l.id IS NULL) THEN
        RAISE EXCEPTION '% needs a statement line', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
ALTER TABLE line_candidate DROP CONSTRAINT line_candidate_line_id_fkey;
ALTER TABLE line_pending DROP CONSTRAINT line_pending_line_id_fkey;
ALTER TABLE line_unposted DROP CONSTRAINT line_unposted_line_id_fkey;
ALTER TABLE line_match DROP CONSTRAINT line_match_line_id_fkey, DROP CONSTRAINT line_match_payment_id_fkey;
CREATE TRIGGER line_candidate_is_known AFTER INSERT ON line_candidate REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION line_is_known();
CREATE TRIGGER line_pending_is_known AFTER INSERT ON line_pending REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION line_is_known();
CREATE TRIGGER line_unposted_is_known AFTER INSERT ON line_unposted REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION line_is_known();
CREATE TRIGGER line_match_is_known AFTER INSERT ON line_match REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION line_is_known();

-- A payment is never both a line's and a batch's: the match takes the key share lock a foreign key would take, and batch_payment_once waits
-- for it with FOR UPDATE and the other way round; whoever comes second sees the first.
CREATE OR REPLACE FUNCTION line_match_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    locked bigint;
BEGIN
    SELECT count(*) INTO locked FROM (SELECT FROM payment p JOIN fresh f ON f.payment_id = p.id FOR KEY SHARE OF p) held;
    IF locked <> (SELECT count(payment_id) FROM fresh) THEN
        RAISE EXCEPTION 'a match needs a payment' USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF EXISTS (SELECT FROM fresh f JOIN batch_payment b ON b.payment_id = f.payment_id) THEN
        RAISE EXCEPTION 'the payment is in a batch' USING ERRCODE = 'unique_violation', CONSTRAINT = 'payment_once';
    END IF;
    RETURN NULL;
END $$;

-- Takes the new lines of an accepted statement out of import_line; notes which it had. Returns how many were new. Numbers are given before
-- the rows go in, so that their words need no join to find them again.
CREATE OR REPLACE FUNCTION statement_lines_take(made bigint, ours integer) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh bigint;
BEGIN
    WITH numbered AS MATERIALIZED (
        SELECT nextval(pg_get_serial_sequence('statement_line', 'id')) AS id, w.*
        FROM (SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY n) AS occurrence FROM import_line) w
    ), line AS (
        INSERT INTO statement_line (id, account_id, booked_on, amount, fingerprint, occurrence, statement_id, page, ordinal)
        OVERRIDING SYSTEM VALUE
        SELECT id, ours, booked_on, amount, fingerprint, occurrence, made, page, ordinal FROM numbered
        ON CONFLICT (account_id, fingerprint, occurrence) DO NOTHING
        RETURNING id
    ), told AS MATERIALIZED (
        SELECT numbered.* FROM numbered JOIN line USING (id)
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
    IF fresh < (SELECT count(*) FROM import_line) THEN
        INSERT INTO statement_known (statement_id, page, ordinal, line_id)
        SELECT made, w.page, w.ordinal, l.id
        FROM (SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY n) AS occurrence FROM import_line) w
        JOIN statement_line l ON l.account_id = ours AND l.fingerprint = w.fingerprint AND l.occurrence = w.occurrence
        WHERE l.statement_id <> made;
    END IF;
    RETURN fresh;
END $$;

-- Pairs that leave no choice: the bank's own reference and amount stand on one waiting line and on one payment somebody announced, neither
-- of them matched or questioned. match_decide() would make the same pair by its first rule; here no other line or payment need be looked at.
-- Returns how many were made.
CREATE FUNCTION match_plain(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    reuse_days CONSTANT integer := 60;          -- as in match_decide
    made bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM line_pending) THEN
        RETURN 0;
    END IF;
    CREATE TEMP TABLE IF NOT EXISTS plain_line (line_id bigint, account_id integer, amount bigint, booked_on date, bank_reference text)
        ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS plain_pair (line_id bigint, payment_id bigint, account_id integer, bank_reference text) ON COMMIT DELETE ROWS;
    TRUNCATE plain_line, plain_pair;
    INSERT INTO plain_line
    SELECT l.id, l.account_id, l.amount, l.booked_on, t.bank_reference
    FROM line_pending w JOIN statement_line l ON l.id = w.line_id
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE t.bank_reference <> '' AND NOT t.reversal AND l.amount > 0 AND l.booked_on <= match_plain.day;
    ANALYZE plain_line;
    INSERT INTO plain_pair
    SELECT line_id, payment_id, account_id, bank_reference
    FROM (SELECT l.*, p.id AS payment_id, p.method, p.source, business_day(p.paid_at) AS paid_day,
                 count(*) OVER (PARTITION BY l.account_id, l.bank_reference) AS alike
          FROM plain_line l JOIN payment p ON p.account_id = l.account_id AND p.bank_reference = l.bank_reference AND p.amount = l.amount) pair
    WHERE alike = 1 AND method = 'vietqr' AND source <> 'statement' AND abs(booked_on - paid_day) <= reuse_days;
    ANALYZE plain_pair;
    DELETE FROM plain_pair x USING line_match m WHERE m.payment_id = x.payment_id;
    DELETE FROM plain_pair x USING batch_payment b WHERE b.payment_id = x.payment_id;
    DELETE FROM plain_pair x                    -- a line that waits for a person carries the same reference: they are looked at together
    USING exception_case e JOIN statement_line l ON l.id = e.line_id
    JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE e.state <> 'resolved' AND l.account_id = x.account_id AND t.bank_reference = x.bank_reference;
    INSERT INTO line_match (line_id, payment_id, rule, healed, edits, actor, at)
    SELECT line_id, payment_id, 'bank_reference', false, 0, 'machine', match_plain.at FROM plain_pair ORDER BY line_id;
    GET DIAGNOSTICS made = ROW_COUNT;
    DELETE FROM line_pending w USING plain_pair x WHERE w.line_id = x.line_id;
    RETURN made;
END $$;

-- Payments that may be a day's money, found from that day's lines, batches and payments; the view alone would look at every payment there is.
CREATE FUNCTION payments_near_day(wanted date) RETURNS SETOF bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT m.payment_id FROM statement_line l JOIN line_match m ON m.line_id = l.id WHERE l.booked_on = wanted AND m.payment_id IS NOT NULL
    UNION
    SELECT b.payment_id FROM statement_line l JOIN line_match m ON m.line_id = l.id JOIN batch_payment b ON b.batch_id = m.batch_id
    WHERE l.booked_on = wanted
    UNION
    SELECT p.id FROM payment p WHERE business_day(p.paid_at) = wanted
$$;
DO $$
DECLARE
    old text := pg_get_functiondef('daily_lines'::regproc);
    new text := replace(old, 'WHERE m.day = wanted', 'WHERE m.day = wanted AND m.payment_id = ANY (ARRAY(SELECT payments_near_day(wanted)))');
BEGIN
    IF new = old THEN
        RAISE EXCEPTION 'daily_lines has changed: where it reads the money of the day is not found';
    END IF;
    EXECUTE new;
END $$;
