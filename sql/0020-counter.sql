-- The counter: card terminals, shifts, cash, printed codes. Each act of a cashier names its shift.

-- Shifts ---------------------------------------------------------------------------------------------------------------

CREATE TABLE shift (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency         text        NOT NULL REFERENCES agency,
    desk           text        NOT NULL CHECK (length(desk) BETWEEN 1 AND 40),
    cashier        text        NOT NULL,            -- 'staff:login'
    state          text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'counted', 'closed')),
    opening_float  bigint      NOT NULL CHECK (opening_float >= 0),
    handed_by      bigint      REFERENCES shift,    -- whose counted cash this one began with
    opened_at      timestamptz NOT NULL,
    counted        bigint      CHECK (counted >= 0),
    expected       bigint,                          -- by our books, at the moment of the count
    counted_at     timestamptz,
    closed_at      timestamptz,
    released_by    text,
    release_reason text,
    CHECK ((state = 'open') = (counted IS NULL) AND (counted IS NULL) = (expected IS NULL) AND (counted IS NULL) = (counted_at IS NULL)),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK (released_by IS NULL OR (released_by <> cashier AND release_reason IS NOT NULL)),
    CONSTRAINT shift_difference_is_released CHECK (state <> 'closed' OR counted = expected OR released_by IS NOT NULL)
);
CREATE UNIQUE INDEX shift_of_cashier ON shift (cashier) WHERE state <> 'closed';
CREATE UNIQUE INDEX shift_of_desk ON shift (agency, desk) WHERE state <> 'closed';
COMMENT ON TABLE shift IS 'A cashier at a desk, from the float to the count. The count is blind and final; a difference needs a supervisor.';

CREATE TABLE counter_payment (
    payment_id bigint      PRIMARY KEY REFERENCES payment,
    shift_id   bigint      REFERENCES shift,
    way        text        NOT NULL CHECK (way IN ('cash', 'terminal', 'static')),
    tendered   bigint,
    change_due bigint,
    actor      text        NOT NULL,
    at         timestamptz NOT NULL,
    -- A terminal that stands alone is started by a system and belongs to nobody's shift; a person always has one.
    CHECK (shift_id IS NOT NULL OR (way = 'terminal' AND actor LIKE 'system:%')),
    CHECK ((way = 'cash') = (tendered IS NOT NULL AND change_due IS NOT NULL)),
    CHECK (change_due >= 0 AND tendered > change_due)
);
CREATE INDEX counter_payment_of_shift ON counter_payment (shift_id);
COMMENT ON TABLE counter_payment IS 'Which shift took a payment of the counter, and how.';
CREATE TRIGGER counter_payment_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON counter_payment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Money of the counter lies in accounts of its own, as a gateway's does: none is ever chosen for a transfer.
CREATE FUNCTION counter_account(of_agency text, number text, words text, of_source text) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    found integer;
BEGIN
    INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source, active)
    VALUES (of_agency, '000000', number, words, of_source, false) ON CONFLICT DO NOTHING;
    SELECT id INTO found FROM receiving_account WHERE account_number = number AND agency = of_agency;
    RETURN found;
END $$;

DO $$
DECLARE
    old text := pg_get_functiondef('confirm_allocate'::regproc);
    new text := replace(old, 'w.method IN (''wallet'', ''pos'', ''portal'')', 'w.method IN (''wallet'', ''pos'', ''portal'', ''cash'')');
BEGIN
    IF new = old THEN
        RAISE EXCEPTION 'confirm_allocate has changed: the condition on the method is not found';
    END IF;
    EXECUTE new;
END $$;

CREATE FUNCTION shift_tell(at timestamptz, wanted bigint, kind text, actor text, more jsonb) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT event_record(shift_tell.at, ARRAY['shift.' || kind], ARRAY[NULL::text], ARRAY[NULL::bigint],
                        ARRAY[jsonb_build_object('shift', s.id, 'agency', s.agency, 'desk', s.desk, 'cashier', s.cashier) || more])
    FROM shift s WHERE s.id = wanted;
    SELECT audit_record(shift_tell.at, actor, 'shift.' || kind, wanted::text, more)
$$;

-- Answers of the acts on shifts: the shift, and NULL or what forbids it.
CREATE FUNCTION shift_open(at timestamptz, wanted_agency text, wanted_desk text, wanted_float bigint, actor text, from_shift bigint)
    RETURNS TABLE (id bigint, problem text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM agency a WHERE a.code = wanted_agency AND a.active) THEN
        RETURN QUERY SELECT NULL::bigint, 'no_agency';
        RETURN;
    END IF;
    INSERT INTO shift (agency, desk, cashier, opening_float, handed_by, opened_at)
    VALUES (wanted_agency, wanted_desk, actor, wanted_float, from_shift, at) ON CONFLICT DO NOTHING RETURNING shift.id INTO made;
    IF made IS NULL THEN
        RETURN QUERY SELECT s.id, CASE WHEN s.cashier = actor THEN 'yours_open' ELSE 'desk_open' END FROM shift s
                     WHERE s.state <> 'closed' AND (s.cashier = actor OR (s.agency = wanted_agency AND s.desk = wanted_desk))
                     ORDER BY s.cashier <> actor LIMIT 1;
        RETURN;
    END IF;
    PERFORM shift_tell(at, made, 'opened', actor, jsonb_build_object('float', wanted_float, 'handed_by', from_shift));
    RETURN QUERY SELECT made, NULL::text;
END $$;

CREATE FUNCTION shift_expected(wanted bigint) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT s.opening_float + coalesce((SELECT sum(c.tendered - c.change_due) FROM counter_payment c WHERE c.shift_id = s.id), 0)::bigint
    FROM shift s WHERE s.id = wanted
$$;

-- The count is locked with what our books say at that moment; only then may anybody see the difference.
CREATE FUNCTION shift_count(at timestamptz, wanted bigint, cash bigint, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    s shift;
BEGIN
    SELECT * INTO s FROM shift WHERE shift.id = wanted FOR UPDATE;
    IF s.id IS NULL THEN RETURN 'not_found'; END IF;
    IF s.cashier <> actor THEN RETURN 'not_yours'; END IF;
    IF s.state <> 'open' THEN RETURN 'was ' || s.state; END IF;
    UPDATE shift SET state = 'counted', counted = cash, expected = shift_expected(wanted), counted_at = at WHERE shift.id = wanted
    RETURNING * INTO s;
    PERFORM shift_tell(at, wanted, 'counted', actor, jsonb_build_object('counted', s.counted, 'expected', s.expected));
    RETURN NULL;
END $$;

-- Terminals ------------------------------------------------------------------------------------------------------------

CREATE TABLE terminal (
    id            integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text        NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9._-]{1,40}$'),  -- POIID
    driver        text        NOT NULL,
    agency        text        NOT NULL REFERENCES agency,
    desk          text        NOT NULL DEFAULT '',
    address       text        NOT NULL CHECK (address ~ '^https?://'),
    account_id    integer     NOT NULL REFERENCES receiving_account,                     -- clearing
    active        boolean     NOT NULL DEFAULT true,
    registered_at timestamptz NOT NULL,
    registered_by text        NOT NULL
);
COMMENT ON TABLE terminal IS 'Card terminals: where each stands, how it is spoken to, and the clearing account its money waits in until the acquirer pays.';

CREATE SEQUENCE terminal_message;   -- ServiceID: never used twice

CREATE TABLE terminal_reconciliation (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    terminal_id     integer     NOT NULL REFERENCES terminal,
    state           text        NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'unknown', 'matched', 'differs')),
    asked_at        timestamptz NOT NULL,
    asked_by        text        NOT NULL,
    sent_at         timestamptz,
    answered_at     timestamptz,
    reference       text,                            -- the terminal's own number of it
    our_count       integer, our_amount bigint, our_reversed_count integer, our_reversed_amount bigint,
    their_count     integer, their_amount bigint, their_reversed_count integer, their_reversed_amount bigint,
    undecided       integer,                         -- attempts whose outcome was not known then
    CHECK ((state IN ('matched', 'differs')) = (answered_at IS NOT NULL AND their_count IS NOT NULL AND our_count IS NOT NULL))
);
CREATE UNIQUE INDEX terminal_reconciliation_open ON terminal_reconciliation (terminal_id) WHERE state IN ('sent', 'unknown');
COMMENT ON TABLE terminal_reconciliation IS 'The terminal''s own totals beside ours, since the one before.';

CREATE TABLE pos_payment (
    attempt_id        bigint      PRIMARY KEY REFERENCES payment_attempt,
    terminal_id       integer     NOT NULL REFERENCES terminal,
    shift_id          bigint      REFERENCES shift,
    service_id        text        NOT NULL,
    sent_at           timestamptz,                   -- committed before the first byte leaves: never sent twice
    told_at           timestamptz,
    approved_amount   bigint,
    poi_transaction   text,
    poi_time          text,
    card              text,                          -- masked, as the terminal tells it
    approval          text,
    payment_id        bigint      REFERENCES payment,
    reconciliation_id bigint      REFERENCES terminal_reconciliation,
    reversal_state    text        CHECK (reversal_state IN ('requested', 'sent', 'unknown', 'done', 'refused')),
    reversal_reason   text,
    reversal_by       text,
    reversal_approved text,
    reversal_service  text,
    reversal_sent_at  timestamptz,
    reversal_code     text,
    reversal_reconciliation_id bigint REFERENCES terminal_reconciliation,
    UNIQUE (terminal_id, service_id),
    CHECK (reversal_approved <> reversal_by),
    CHECK (reversal_state IS NULL OR reversal_state IN ('requested', 'refused') OR reversal_approved IS NOT NULL)
);
CREATE INDEX pos_payment_of_shift ON pos_payment (shift_id);
COMMENT ON TABLE pos_payment IS 'What a card terminal was asked and what it answered; its state is the attempt''s.';

-- Registers or changes a terminal. `clearing` NULL: an account of its own. Returns what is wrong: no_agency, no_account, or NULL.
CREATE FUNCTION terminal_put(at timestamptz, new_name text, new_driver text, new_agency text, new_desk text, new_address text,
                             clearing text, is_active boolean, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    account integer;
BEGIN
    IF NOT EXISTS (SELECT FROM agency a WHERE a.code = new_agency) THEN
        RETURN 'no_agency';
    END IF;
    IF clearing IS NOT NULL THEN
        SELECT id INTO account FROM receiving_account WHERE account_number = clearing;
    ELSE
        SELECT account_id INTO account FROM terminal WHERE name = new_name;
        IF account IS NULL THEN
            account := counter_account(new_agency, 'POS' || upper(substr(md5(new_name), 1, 12)), 'Tiền thẻ chờ chuyển: ' || new_name, 'nexo');
        END IF;
    END IF;
    IF account IS NULL THEN
        RETURN 'no_account';
    END IF;
    INSERT INTO terminal (name, driver, agency, desk, address, account_id, active, registered_at, registered_by)
    VALUES (new_name, new_driver, new_agency, new_desk, new_address, account, is_active, at, actor)
    ON CONFLICT (name) DO UPDATE SET driver = new_driver, agency = new_agency, desk = new_desk, address = new_address,
                                     account_id = account, active = is_active;
    PERFORM audit_record(at, actor, 'terminal.put', new_name,
                         jsonb_build_object('driver', new_driver, 'agency', new_agency, 'desk', new_desk, 'address', new_address, 'active', is_active));
    RETURN NULL;
END $$;

-- The shift a person works in; for a system the one it names, or the one open at the terminal's desk, or none.
CREATE FUNCTION shift_for(actor text, named bigint, of_agency text, of_desk text) RETURNS TABLE (shift bigint, problem text)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    mine bigint;
BEGIN
    SELECT s.id INTO mine FROM shift s
    WHERE s.state = 'open' AND CASE WHEN actor LIKE 'staff:%' THEN s.cashier = actor AND (named IS NULL OR s.id = named)
                                    WHEN named IS NOT NULL THEN s.id = named
                                    ELSE s.agency = of_agency AND s.desk = of_desk END;
    RETURN QUERY SELECT mine, CASE WHEN mine IS NULL AND (named IS NOT NULL OR actor LIKE 'staff:%') THEN 'no_shift' END;
END $$;

-- Begins a card payment: an attempt, the message's number, the job that sends it and the job that asks what became of it.
CREATE FUNCTION pos_open(at timestamptz, wanted bigint, wanted_terminal text, named_shift bigint, actor text, life interval, ask_after interval)
    RETURNS TABLE (problem text, number integer) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    t terminal;
    s record;
    a record;
BEGIN
    SELECT * INTO t FROM terminal x WHERE x.name = wanted_terminal AND x.active;
    IF t.id IS NULL THEN
        RETURN QUERY SELECT 'no_terminal', NULL::integer;
        RETURN;
    END IF;
    SELECT * INTO s FROM shift_for(actor, named_shift, t.agency, t.desk);
    IF s.problem IS NOT NULL THEN
        RETURN QUERY SELECT s.problem, NULL::integer;
        RETURN;
    END IF;
    SELECT * INTO a FROM attempt_open(at, wanted, t.driver, t.name, '', life, interval '0', 'terminal.pay', actor);
    IF a.id IS NULL THEN
        RETURN QUERY SELECT 'nothing_due', NULL::integer;
        RETURN;
    END IF;
    IF NOT a.made THEN
        RETURN QUERY SELECT 'open ' || a.state, a.number;
        RETURN;
    END IF;
    INSERT INTO pos_payment (attempt_id, terminal_id, shift_id, service_id)
    VALUES (a.id, t.id, s.shift, nextval('terminal_message')::text);
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('terminal.ask', 'attempt ' || a.id || ' #0', jsonb_build_object('attempt', a.id, 'n', 0), at + ask_after, at);
    PERFORM audit_record(at, actor, 'pos.begin', a.order_id, jsonb_build_object('terminal', t.name, 'amount', a.amount, 'shift', s.shift));
    RETURN QUERY SELECT NULL::text, a.number;
END $$;

-- Takes the right to send, once for ever; false when it was taken before (whoever took it died) or the payment was withdrawn.
CREATE FUNCTION pos_take(at timestamptz, wanted bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    a payment_attempt;
    before timestamptz;
BEGIN
    SELECT * INTO a FROM payment_attempt WHERE id = wanted FOR UPDATE;
    SELECT sent_at INTO before FROM pos_payment WHERE attempt_id = wanted;
    IF a.state <> 'sent' OR before IS NOT NULL THEN
        RETURN false;
    END IF;
    IF a.abort_asked THEN
        PERFORM attempt_become(at, wanted, 'aborted', 'NotSent', NULL);
        RETURN false;
    END IF;
    UPDATE pos_payment SET sent_at = at WHERE attempt_id = wanted;
    RETURN true;
END $$;

-- Asks again later, as long as it is not known: the number in the key makes each question one job.
CREATE FUNCTION pos_ask_again(at timestamptz, wanted bigint, n integer, pause interval) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('terminal.ask', 'attempt ' || wanted || ' #' || n, jsonb_build_object('attempt', wanted, 'n', n), at + pause, at)
    ON CONFLICT DO NOTHING
$$;

-- The terminal took the money and it is booked: the attempt is approved, whatever was thought of it before.
CREATE FUNCTION pos_approve(at timestamptz, wanted bigint, payment bigint, amount_told bigint, transaction text, transaction_time text,
                            card_told text, approval_told text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    a payment_attempt;
BEGIN
    SELECT * INTO a FROM payment_attempt WHERE id = wanted FOR UPDATE;
    UPDATE pos_payment SET told_at = coalesce(told_at, at), approved_amount = amount_told, poi_transaction = transaction,
                           poi_time = transaction_time, card = card_told, approval = approval_told, payment_id = payment
    WHERE attempt_id = wanted AND pos_payment.payment_id IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO counter_payment (payment_id, shift_id, way, actor, at)
    SELECT payment, p.shift_id, 'terminal', a.actor, pos_approve.at FROM pos_payment p WHERE p.attempt_id = wanted
    ON CONFLICT DO NOTHING;
    IF NOT attempt_become(at, wanted, 'approved', NULL, transaction) THEN
        UPDATE payment_attempt SET state = 'approved', transaction_id = transaction, changed_at = at WHERE id = wanted;
        PERFORM event_record(at, ARRAY['attempt.late'], ARRAY[r.dossier], ARRAY[r.id],
                             ARRAY[jsonb_build_object('order', a.order_id, 'was', a.state, 'amount', amount_told)])
        FROM payment_request r WHERE r.id = a.request_id;
    END IF;
    IF amount_told <> a.amount THEN
        PERFORM event_record(at, ARRAY['attempt.differs'], ARRAY[r.dossier], ARRAY[r.id],
                             ARRAY[jsonb_build_object('order', a.order_id, 'asked', a.amount, 'approved', amount_told)])
        FROM payment_request r WHERE r.id = a.request_id;
    END IF;
END $$;

-- Somebody wants the attempt given up. What was not sent never will be; what was sent is asked to stop and its own answer decides.
CREATE FUNCTION pos_abort(at timestamptz, wanted bigint, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    a payment_attempt;
BEGIN
    SELECT * INTO a FROM payment_attempt WHERE id = wanted FOR UPDATE;
    IF a.state NOT IN ('sent', 'unknown') THEN
        RETURN 'was ' || a.state;
    END IF;
    UPDATE payment_attempt SET abort_asked = true WHERE id = wanted AND NOT abort_asked;
    IF FOUND THEN
        INSERT INTO job (kind, key, body, run_at, created_at)
        VALUES ('terminal.abort', 'attempt ' || wanted, jsonb_build_object('attempt', wanted), at, at) ON CONFLICT DO NOTHING;
        PERFORM audit_record(at, actor, 'pos.abort', a.order_id, '{}');
    END IF;
    RETURN NULL;
END $$;

-- Reversals: one person asks, another approves; the terminal gives the money back to the card, and the books follow.
CREATE FUNCTION pos_reversal_ask(at timestamptz, wanted bigint, reason text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p pos_payment;
    a payment_attempt;
BEGIN
    SELECT * INTO a FROM payment_attempt WHERE id = wanted FOR UPDATE;
    SELECT * INTO p FROM pos_payment WHERE attempt_id = wanted FOR UPDATE;
    IF a.state <> 'approved' OR p.payment_id IS NULL THEN RETURN 'not_approved'; END IF;
    IF p.reconciliation_id IS NOT NULL THEN RETURN 'settled'; END IF;
    IF p.reversal_state IN ('requested', 'sent', 'unknown', 'done') THEN RETURN 'was ' || p.reversal_state; END IF;
    IF EXISTS (SELECT FROM refund f WHERE (f.payment_id = p.payment_id OR f.request_id = a.request_id)
               AND f.state NOT IN ('proposed', 'refused', 'failed')) THEN RETURN 'refund'; END IF;
    UPDATE pos_payment SET reversal_state = 'requested', reversal_reason = reason, reversal_by = actor, reversal_approved = NULL,
                           reversal_service = NULL, reversal_sent_at = NULL, reversal_code = NULL WHERE attempt_id = wanted;
    PERFORM audit_record(at, actor, 'pos.reversal_ask', a.order_id, jsonb_build_object('reason', reason));
    RETURN NULL;
END $$;

CREATE FUNCTION pos_reversal_approve(at timestamptz, wanted bigint, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p pos_payment;
BEGIN
    SELECT * INTO p FROM pos_payment WHERE attempt_id = wanted FOR UPDATE;
    IF p.reversal_state IS DISTINCT FROM 'requested' THEN RETURN 'was ' || coalesce(p.reversal_state, 'none'); END IF;
    IF p.reversal_by = actor THEN RETURN 'same_person'; END IF;
    UPDATE pos_payment SET reversal_state = 'sent', reversal_approved = actor, reversal_service = nextval('terminal_message')::text
    WHERE attempt_id = wanted;
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('terminal.reverse', 'message ' || currval('terminal_message'), jsonb_build_object('attempt', wanted), at, at);
    PERFORM audit_record(at, actor, 'pos.reversal_approve', (SELECT order_id FROM payment_attempt WHERE id = wanted), '{}');
    RETURN NULL;
END $$;

-- The terminal gave the money back (done) or not (refused). False: the books cannot follow now, a person acts on the request.
CREATE FUNCTION pos_reversal_end(at timestamptz, wanted bigint, outcome text, code text) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p pos_payment;
BEGIN
    SELECT * INTO p FROM pos_payment WHERE attempt_id = wanted;
    IF p.reversal_state NOT IN ('sent', 'unknown') THEN
        RETURN true;
    END IF;
    IF outcome = 'done' AND payment_withdraw(at, p.payment_id) IS NULL THEN
        RETURN false;
    END IF;
    UPDATE pos_payment SET reversal_state = outcome, reversal_code = code WHERE attempt_id = wanted;
    PERFORM audit_record(at, 'machine', 'pos.reversal_' || outcome, (SELECT order_id FROM payment_attempt WHERE id = wanted),
                         jsonb_build_object('code', code));
    RETURN true;
END $$;

-- The end of a terminal's day ------------------------------------------------------------------------------------------

CREATE FUNCTION terminal_reconcile_ask(at timestamptz, wanted_terminal text, actor text) RETURNS TABLE (id bigint, problem text)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    t terminal;
    made bigint;
BEGIN
    SELECT * INTO t FROM terminal x WHERE x.name = wanted_terminal;
    IF t.id IS NULL THEN
        RETURN QUERY SELECT NULL::bigint, 'no_terminal';
        RETURN;
    END IF;
    INSERT INTO terminal_reconciliation (terminal_id, asked_at, asked_by) VALUES (t.id, at, actor)
    ON CONFLICT DO NOTHING RETURNING terminal_reconciliation.id INTO made;
    IF made IS NULL THEN
        RETURN QUERY SELECT x.id, 'open' FROM terminal_reconciliation x WHERE x.terminal_id = t.id AND x.state IN ('sent', 'unknown');
        RETURN;
    END IF;
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('terminal.reconcile', 'reconciliation ' || made, jsonb_build_object('reconciliation', made), at, at);
    PERFORM audit_record(at, actor, 'terminal.reconcile', t.name, '{}');
    RETURN QUERY SELECT made, NULL::text;
END $$;

CREATE FUNCTION terminal_reconcile_end(at timestamptz, wanted bigint, told_reference text, count_told integer, amount_told bigint,
                                       reversed_count_told integer, reversed_amount_told bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    t terminal_reconciliation;
BEGIN
    SELECT * INTO t FROM terminal_reconciliation WHERE id = wanted FOR UPDATE;
    IF t.state NOT IN ('sent', 'unknown') THEN
        RETURN;
    END IF;
    UPDATE pos_payment SET reconciliation_id = wanted
    WHERE terminal_id = t.terminal_id AND payment_id IS NOT NULL AND reconciliation_id IS NULL;
    UPDATE pos_payment SET reversal_reconciliation_id = wanted
    WHERE terminal_id = t.terminal_id AND reversal_state = 'done' AND reversal_reconciliation_id IS NULL;
    UPDATE terminal_reconciliation x SET answered_at = at, reference = told_reference, their_count = count_told, their_amount = amount_told,
        their_reversed_count = reversed_count_told, their_reversed_amount = reversed_amount_told,
        our_count = o.n, our_amount = o.sum, our_reversed_count = v.n, our_reversed_amount = v.sum, undecided = u.n,
        state = CASE WHEN (o.n, o.sum, v.n, v.sum) = (count_told, amount_told, reversed_count_told, reversed_amount_told)
                     THEN 'matched' ELSE 'differs' END
    FROM (SELECT count(*)::integer AS n, coalesce(sum(approved_amount), 0)::bigint AS sum FROM pos_payment WHERE reconciliation_id = wanted) o,
         (SELECT count(*)::integer AS n, coalesce(sum(approved_amount), 0)::bigint AS sum FROM pos_payment WHERE reversal_reconciliation_id = wanted) v,
         (SELECT count(*)::integer AS n FROM pos_payment p JOIN payment_attempt a ON a.id = p.attempt_id
          WHERE p.terminal_id = t.terminal_id AND a.state IN ('sent', 'unknown')) u
    WHERE x.id = wanted RETURNING x.* INTO t;
    PERFORM event_record(at, ARRAY['terminal.' || t.state], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('terminal', (SELECT name FROM terminal WHERE terminal.id = t.terminal_id), 'reconciliation', t.id,
                                                  'our_amount', t.our_amount, 'their_amount', t.their_amount, 'undecided', t.undecided)]);
END $$;

-- Cash -----------------------------------------------------------------------------------------------------------------

-- Takes the turn of a cash payment: the attempt that excludes the others, decided at once. The confirmation follows in the
-- same transaction. `account`: the cash box of the shift's agency.
CREATE FUNCTION cash_open(at timestamptz, wanted bigint, wanted_amount bigint, named_shift bigint, actor text)
    RETURNS TABLE (problem text, shift bigint, order_id text, amount bigint, account text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    s record;
    a record;
    box text;
    of_agency text;
BEGIN
    SELECT * INTO s FROM shift_for(actor, named_shift, NULL, NULL);
    IF s.shift IS NULL THEN
        RETURN QUERY SELECT 'no_shift', NULL::bigint, NULL::text, NULL::bigint, NULL::text;
        RETURN;
    END IF;
    PERFORM 1 FROM shift x WHERE x.id = s.shift AND x.state = 'open' FOR SHARE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'no_shift', NULL::bigint, NULL::text, NULL::bigint, NULL::text;
        RETURN;
    END IF;
    SELECT * INTO a FROM attempt_open(at, wanted, 'cash', s.shift::text, '', interval '0', interval '10 years', 'terminal.none', actor);
    IF a.id IS NULL THEN
        RETURN QUERY SELECT 'nothing_due', s.shift, NULL::text, NULL::bigint, NULL::text;
        RETURN;
    END IF;
    IF NOT a.made THEN
        RETURN QUERY SELECT 'open ' || a.state, s.shift, NULL::text, NULL::bigint, NULL::text;
        RETURN;
    END IF;
    DELETE FROM job j WHERE j.kind = 'terminal.none' AND j.key = 'attempt ' || a.id;   -- nobody is asked about cash
    IF wanted_amount > a.amount THEN
        RETURN QUERY SELECT 'too_much', s.shift, NULL::text, a.amount, NULL::text;
        RETURN;
    END IF;
    IF wanted_amount IS NOT NULL THEN
        UPDATE payment_attempt x SET amount = wanted_amount WHERE x.id = a.id;
    END IF;
    PERFORM attempt_become(at, a.id, 'approved', NULL, NULL);
    SELECT x.agency INTO of_agency FROM shift x WHERE x.id = s.shift;
    box := 'CASH' || upper(substr(md5(of_agency), 1, 12));
    PERFORM counter_account(of_agency, box, 'Tiền mặt tại quầy: ' || of_agency, 'cash');
    RETURN QUERY SELECT NULL::text, s.shift, a.order_id, coalesce(wanted_amount, a.amount), box;
END $$;

-- Printed codes --------------------------------------------------------------------------------------------------------

CREATE TABLE static_code (
    code          text        PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{4,12}$'),     -- stands in the memo
    agency        text        NOT NULL REFERENCES agency,
    account_id    integer     NOT NULL REFERENCES receiving_account,
    place         text        NOT NULL,
    payload       text        NOT NULL,
    active        boolean     NOT NULL DEFAULT true,
    registered_at timestamptz NOT NULL,
    registered_by text        NOT NULL
);
COMMENT ON TABLE static_code IS 'VietQR codes printed without an amount and set up at a counter.';

CREATE TABLE static_claim (
    payment_id     bigint      PRIMARY KEY REFERENCES payment,   -- once
    code           text        NOT NULL REFERENCES static_code,
    request_id     bigint      NOT NULL REFERENCES payment_request,
    bank_reference text        NOT NULL,
    shift_id       bigint      NOT NULL REFERENCES shift,
    actor          text        NOT NULL,
    at             timestamptz NOT NULL
);
COMMENT ON TABLE static_claim IS 'Money that came by a printed code, given to a dossier by a cashier who saw the bank''s transaction code.';
CREATE TRIGGER static_claim_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON static_claim
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- NULL and the payment, or what forbids it: no_shift, no_code, not_seen, claimed, known, other_code, other_account, not_due, refund.
CREATE FUNCTION static_claim_make(at timestamptz, wanted bigint, wanted_code text, reference_told text, named_shift bigint, actor text)
    RETURNS TABLE (problem text, payment bigint) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    s record;
    r payment_request;
    c static_code;
    p payment;
BEGIN
    SELECT * INTO s FROM shift_for(actor, named_shift, NULL, NULL);
    SELECT * INTO c FROM static_code x WHERE x.code = wanted_code AND x.active;
    SELECT * INTO r FROM payment_request q WHERE q.id = wanted FOR UPDATE;
    SELECT * INTO p FROM payment x WHERE x.account_id = c.account_id AND upper(x.bank_reference) = upper(reference_told)
    ORDER BY x.request_id IS NOT NULL, x.id LIMIT 1 FOR UPDATE;
    RETURN QUERY SELECT v.problem, p.id FROM (SELECT CASE
        WHEN s.shift IS NULL THEN 'no_shift' WHEN c.code IS NULL THEN 'no_code' WHEN p.id IS NULL THEN 'not_seen'
        WHEN EXISTS (SELECT FROM static_claim k WHERE k.payment_id = p.id) THEN 'claimed'
        WHEN p.request_id IS NOT NULL THEN 'known'
        WHEN position(c.code IN regexp_replace(upper(p.memo), '[^A-Z0-9]', '', 'g')) = 0 THEN 'other_code'
        WHEN r.account_id IS DISTINCT FROM p.account_id THEN 'other_account'
        WHEN r.status NOT IN ('pending', 'partly_paid', 'expired') THEN 'not_due' END AS problem) v WHERE v.problem IS NOT NULL;
    IF FOUND THEN
        RETURN;
    END IF;
    IF NOT payment_assign(at, p.id, wanted) THEN
        RETURN QUERY SELECT 'refund', p.id;
        RETURN;
    END IF;
    INSERT INTO static_claim (payment_id, code, request_id, bank_reference, shift_id, actor, at)
    VALUES (p.id, c.code, wanted, p.bank_reference, s.shift, actor, at);
    INSERT INTO counter_payment (payment_id, shift_id, way, actor, at) VALUES (p.id, s.shift, 'static', actor, at);
    PERFORM event_record(at, ARRAY['payment.claimed'], ARRAY[r.dossier], ARRAY[r.id],
                         ARRAY[jsonb_build_object('reference', r.reference, 'code', c.code, 'bank_reference', p.bank_reference, 'amount', p.amount)]);
    PERFORM audit_record(at, actor, 'static.claim', r.reference,
                         jsonb_build_object('code', c.code, 'bank_reference', p.bank_reference, 'amount', p.amount, 'shift', s.shift));
    RETURN QUERY SELECT NULL::text, p.id;
END $$;

-- The end of a shift ---------------------------------------------------------------------------------------------------

CREATE FUNCTION shift_undecided(wanted bigint) RETURNS TABLE (dossier text, order_id text, state text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.dossier, a.order_id, a.state FROM pos_payment p JOIN payment_attempt a ON a.id = p.attempt_id
    JOIN payment_request r ON r.id = a.request_id WHERE p.shift_id = wanted AND a.state IN ('sent', 'unknown') ORDER BY a.id
$$;

CREATE FUNCTION shift_close(at timestamptz, wanted bigint, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    s shift;
BEGIN
    SELECT * INTO s FROM shift WHERE shift.id = wanted FOR UPDATE;
    IF s.id IS NULL THEN RETURN 'not_found'; END IF;
    IF s.cashier <> actor THEN RETURN 'not_yours'; END IF;
    IF s.state = 'open' THEN RETURN 'not_counted'; END IF;
    IF s.state = 'closed' THEN RETURN 'was closed'; END IF;
    IF EXISTS (SELECT FROM shift_undecided(wanted)) THEN RETURN 'undecided'; END IF;
    IF s.counted <> s.expected THEN RETURN 'difference'; END IF;
    UPDATE shift SET state = 'closed', closed_at = at WHERE shift.id = wanted;
    PERFORM shift_tell(at, wanted, 'closed', actor, jsonb_build_object('difference', 0));
    RETURN NULL;
END $$;

-- A supervisor who is not the cashier closes in spite of a difference or an outcome not known yet. Only the shift is closed: an
-- attempt stays what it is and goes on being asked for.
CREATE FUNCTION shift_release(at timestamptz, wanted bigint, reason text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    s shift;
BEGIN
    SELECT * INTO s FROM shift WHERE shift.id = wanted FOR UPDATE;
    IF s.id IS NULL THEN RETURN 'not_found'; END IF;
    IF s.cashier = actor THEN RETURN 'same_person'; END IF;
    IF s.state = 'open' THEN RETURN 'not_counted'; END IF;
    IF s.state = 'closed' THEN RETURN 'was closed'; END IF;
    UPDATE shift SET state = 'closed', closed_at = at, released_by = actor, release_reason = reason WHERE shift.id = wanted;
    PERFORM shift_tell(at, wanted, 'released', actor,
                       jsonb_build_object('difference', s.counted - s.expected, 'reason', reason,
                                          'undecided', (SELECT count(*) FROM shift_undecided(wanted))));
    RETURN NULL;
END $$;

-- The counted cash goes on to the next cashier at the same desk. Closes this shift as shift_close would.
CREATE FUNCTION shift_hand_over(at timestamptz, wanted bigint, next_cashier text, actor text) RETURNS TABLE (id bigint, problem text)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    s shift;
    why text;
BEGIN
    IF NOT EXISTS (SELECT FROM staff f WHERE f.login = next_cashier AND f.disabled_at IS NULL AND f.role IN ('cashier', 'supervisor', 'admin'))
       OR 'staff:' || next_cashier = actor THEN
        RETURN QUERY SELECT NULL::bigint, 'no_cashier';
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM shift x WHERE x.cashier = 'staff:' || next_cashier AND x.state <> 'closed') THEN
        RETURN QUERY SELECT NULL::bigint, 'cashier_busy';
        RETURN;
    END IF;
    why := shift_close(at, wanted, actor);
    IF why IS NOT NULL THEN
        RETURN QUERY SELECT NULL::bigint, why;
        RETURN;
    END IF;
    SELECT * INTO s FROM shift x WHERE x.id = wanted;
    RETURN QUERY SELECT o.id, o.problem FROM shift_open(at, s.agency, s.desk, s.counted, 'staff:' || next_cashier, wanted) o;
END $$;
