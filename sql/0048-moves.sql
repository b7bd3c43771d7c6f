-- A payment that settled the wrong dossier is moved: asked by one person, approved by another, and booked by entries that take back the
-- old allocation before the new one.

CREATE TABLE payment_move (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id   bigint      NOT NULL REFERENCES payment,
    from_request bigint      NOT NULL REFERENCES payment_request,
    to_request   bigint      NOT NULL REFERENCES payment_request CHECK (to_request <> from_request),
    amount       bigint      NOT NULL CHECK (amount > 0),      -- đồng, the whole payment
    reason       text        NOT NULL CHECK (length(reason) >= 3),
    state        text        NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'done', 'refused')),
    asked_by     text        NOT NULL,
    asked_at     timestamptz NOT NULL,
    decided_by   text        CHECK (decided_by <> asked_by OR state = 'refused'),
    decided_at   timestamptz,
    why          text,                                         -- of a refusal
    CHECK ((state = 'asked') = (decided_by IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX payment_move_open ON payment_move (payment_id) WHERE state = 'asked';
CREATE INDEX payment_move_of_payment ON payment_move (payment_id, id);
CREATE INDEX payment_move_from ON payment_move (from_request) WHERE state = 'done';
COMMENT ON TABLE payment_move IS 'Payments that named or were given the wrong request; what the payer wrote stays on the payment.';
CREATE TRIGGER payment_move_stays BEFORE DELETE OR TRUNCATE ON payment_move
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Cases of the fee (its rule, an adjustment) outlive a new allocation; only what is over is counted anew.
DO $$
DECLARE
    old text := pg_get_functiondef('request_rebalance'::regproc);
    new text := replace(old, 'DELETE FROM refund WHERE request_id = wanted AND state = ''proposed'';',
        'DELETE FROM refund WHERE request_id = wanted AND state = ''proposed'' AND (refund_pot(reason) = ''surplus'' OR payment_id = of_payment);');
BEGIN
    IF new = old THEN
        RAISE EXCEPTION 'request_rebalance has changed: the line that ends proposed refunds is not found';
    END IF;
    EXECUTE new;
    -- A moved payment goes on answering to the words its payer wrote: its bank line says the old request for ever.
    old := pg_get_functiondef('match_paid_fill'::regproc);
    new := replace(replace(old, 'SELECT p.id, p.account_id, p.amount, p.request_id,',
        'SELECT p.id, p.account_id, p.amount, coalesce((SELECT v.from_request FROM payment_move v WHERE v.payment_id = p.id AND v.state = ''done'' ORDER BY v.id LIMIT 1), p.request_id),'),
        'WHERE p.id IN (SELECT p2.id FROM match_work w JOIN payment p2 ON p2.request_id = w.request_id AND p2.amount = w.amount',
        'WHERE p.id IN (SELECT p2.id FROM match_work w JOIN payment p2 ON p2.request_id = w.request_id AND p2.amount = w.amount
                   UNION
                   SELECT v.payment_id FROM match_work w JOIN payment_move v ON v.from_request = w.request_id AND v.state = ''done'' AND v.amount = w.amount');
    IF length(new) < length(old) + 250 THEN
        RAISE EXCEPTION 'match_paid_fill has changed: the words are not found';
    END IF;
    EXECUTE new;
    -- The audit: moves are allocations; wallets, terminals, portals and counters have accounts of their own; a delegate's receipt is a receipt.
    old := pg_get_functiondef('reconcile_audit'::regproc);
    new := replace(replace(replace(old, 'j.kind IN (''payment'', ''settle'', ''assign'', ''reversal'')', 'j.kind IN (''payment'', ''settle'', ''assign'', ''reversal'', ''move'')'),
        'WHERE r.account_id <> p.account_id', 'WHERE r.account_id <> p.account_id AND p.method NOT IN (''wallet'', ''pos'', ''portal'', ''cash'')'),
        'WHERE x.request_id = r.id AND x.collector = r.collector)', 'WHERE x.request_id = r.id AND x.collector = r.collector)
      AND NOT EXISTS (SELECT FROM receipt_delegated x WHERE x.request_id = r.id)');
    IF length(new) < length(old) + 130 THEN
        RAISE EXCEPTION 'reconcile_audit has changed: the words are not found';
    END IF;
    EXECUTE new;
END $$;

-- What stands against a move; NULL: nothing.
CREATE FUNCTION payment_move_problem(p payment, wanted payment_request) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE
        WHEN p.request_id IS NULL OR EXISTS (SELECT FROM basket_share s WHERE s.payment_id = p.id) OR p.method = 'post'
             OR EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id) THEN 'not_movable'
        WHEN wanted.id = p.request_id THEN 'same'
        WHEN wanted.account_id IS DISTINCT FROM p.account_id AND p.method NOT IN ('wallet', 'pos', 'portal', 'cash') THEN 'other_account'
        WHEN wanted.status NOT IN ('pending', 'partly_paid', 'expired') THEN 'was ' || wanted.status
        WHEN EXISTS (SELECT FROM refund f WHERE (f.payment_id = p.id OR f.request_id IN (p.request_id, wanted.id)) AND f.state NOT IN ('proposed', 'refused'))
             THEN 'refunding' END
$$;

CREATE FUNCTION payment_move_ask(at timestamptz, chosen bigint, reference_to text, said text, actor text)
    RETURNS TABLE (id bigint, problem text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
    p payment;
    q payment_request;
    what text;
    made bigint;
BEGIN
    SELECT * INTO p FROM payment x WHERE x.id = chosen FOR UPDATE;
    SELECT * INTO q FROM payment_request x WHERE x.reference = reference_to;
    what := CASE WHEN p.id IS NULL THEN 'not_found' WHEN q.id IS NULL THEN 'unknown_reference' ELSE payment_move_problem(p, q) END;
    IF what IS NOT NULL THEN
        RETURN QUERY SELECT NULL::bigint, what;
        RETURN;
    END IF;
    INSERT INTO payment_move (payment_id, from_request, to_request, amount, reason, asked_by, asked_at)
    VALUES (p.id, p.request_id, q.id, p.amount, said, actor, payment_move_ask.at)
    ON CONFLICT (payment_id) WHERE state = 'asked' DO NOTHING RETURNING payment_move.id INTO made;
    IF made IS NULL THEN
        RETURN QUERY SELECT NULL::bigint, 'asked_already';
        RETURN;
    END IF;
    PERFORM audit_record(payment_move_ask.at, actor, 'payment.move.ask', p.id::text, jsonb_build_object('to', reference_to, 'reason', said));
    RETURN QUERY SELECT made, NULL::text;
END $$;

-- The second person. Locks requests in their order, then the payment. Returns the state, `same_person`, or the problem; NULL: no such move.
CREATE FUNCTION payment_move_decide(at timestamptz, wanted bigint, decision text, said text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    m payment_move;
    p payment;
    q payment_request;
    number text;
    what text;
BEGIN
    SELECT * INTO m FROM payment_move WHERE id = wanted FOR UPDATE;
    IF m.id IS NULL OR m.state <> 'asked' THEN
        RETURN 'was ' || m.state;
    END IF;
    IF decision = 'refused' THEN
        UPDATE payment_move SET state = 'refused', decided_by = actor, decided_at = at, why = said WHERE id = wanted;
        PERFORM audit_record(at, actor, 'payment.move.refuse', m.payment_id::text, jsonb_build_object('why', said));
        RETURN 'refused';
    ELSIF m.asked_by = actor THEN
        RETURN 'same_person';
    END IF;
    PERFORM 1 FROM payment_request WHERE id IN (m.from_request, m.to_request) ORDER BY id FOR UPDATE;
    SELECT * INTO p FROM payment WHERE id = m.payment_id FOR UPDATE;
    SELECT * INTO q FROM payment_request WHERE id = m.to_request;
    what := CASE WHEN p.request_id IS DISTINCT FROM m.from_request THEN 'not_movable' ELSE payment_move_problem(p, q) END;
    IF what IS NOT NULL THEN
        RETURN what;
    END IF;
    SELECT account_number INTO number FROM receiving_account WHERE id = p.account_id;
    UPDATE payment SET request_id = NULL, allocated = 0, surplus = 0 WHERE id = p.id;
    IF NOT request_rebalance(at, m.from_request, 'suspense:' || number, -p.amount, 'move', p.id) THEN
        RAISE EXCEPTION 'the money is being refunded' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE payment SET request_id = q.id, allocated = 0, surplus = amount WHERE id = p.id;
    IF NOT request_rebalance(at, q.id, 'suspense:' || number, p.amount, 'move', p.id) THEN
        RAISE EXCEPTION 'the money is being refunded' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE payment_move SET state = 'done', decided_by = actor, decided_at = at WHERE id = wanted;
    PERFORM event_record(at, ARRAY['payment.moved', 'payment.moved'], array_agg(r.dossier ORDER BY r.id), array_agg(r.id ORDER BY r.id),
                         array_agg(jsonb_build_object('payment', p.id, 'amount', p.amount, 'reference', r.reference, 'status', r.status,
                                   'direction', CASE WHEN r.id = m.to_request THEN 'in' ELSE 'out' END, 'reason', m.reason) ORDER BY r.id))
    FROM payment_request r WHERE r.id IN (m.from_request, m.to_request);
    PERFORM audit_record(at, actor, 'payment.move', p.id::text,
                         jsonb_build_object('from', (SELECT reference FROM payment_request WHERE id = m.from_request), 'to', q.reference,
                                            'amount', p.amount, 'reason', m.reason, 'asked_by', m.asked_by));
    RETURN 'done';
END $$;

-- Receipts: one whose money was moved away says what is not so. A person sees to it: notice 04/SS-CTĐT, or the money that is asked for again.
CREATE FUNCTION receipt_lost_its_money() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM receipt_concern_open(NEW.decided_at, ARRAY['receipt_without_money'], ARRAY['receipt ' || x.id],
        ARRAY['Tiền của biên lai số ' || x.number || ' (' || b.symbol || ') đã chuyển sang hồ sơ khác: gửi thông báo sai sót, hoặc chờ người nộp nộp lại.'])
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id JOIN payment_request r ON r.id = x.request_id
    WHERE x.request_id = NEW.from_request AND r.settled_at IS NULL;
    PERFORM receipt_concern_gone(NEW.decided_at, 'receipt_without_money', 'receipt ' || x.id)
    FROM receipt x JOIN payment_request r ON r.id = x.request_id WHERE x.request_id = NEW.to_request AND r.settled_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER receipt_lost_its_money AFTER UPDATE ON payment_move FOR EACH ROW WHEN (NEW.state = 'done' AND OLD.state = 'asked')
    EXECUTE FUNCTION receipt_lost_its_money();
