-- Refunds: asked by one person, approved by another, sent back the way the money came, and told at each step.

ALTER TABLE refund DROP CONSTRAINT refund_reason_check;
ALTER TABLE refund ADD CONSTRAINT refund_reason_check
    CHECK (reason IN ('surplus', 'double', 'after_cancel', 'nothing_due', 'fee_rule', 'correction', 'unallocated'));
ALTER TABLE refund DROP CONSTRAINT refund_state_check;
ALTER TABLE refund ADD CONSTRAINT refund_state_check
    CHECK (state IN ('proposed', 'requested', 'approved', 'sent', 'paid', 'failed', 'refused'));
ALTER TABLE refund
    ADD COLUMN note text,
    ADD COLUMN to_bank_bin text CHECK (to_bank_bin ~ '^[0-9]{6}$'),
    ADD COLUMN to_account text CHECK (to_account ~ '^[0-9A-Za-z]{1,19}$'),
    ADD COLUMN to_name text,
    ADD COLUMN list_id bigint,
    ADD COLUMN bank_reference text,
    ADD COLUMN paid_on date,
    ADD COLUMN why text,
    ADD CONSTRAINT refund_needs_a_person CHECK (state = 'proposed' OR requested_by IS NOT NULL),
    ADD CONSTRAINT refund_sent_is_approved CHECK (state <> 'sent' OR (approved_by IS NOT NULL AND list_id IS NOT NULL)),
    ADD CONSTRAINT refund_paid_is_proved CHECK (state <> 'paid' OR (bank_reference IS NOT NULL AND paid_on IS NOT NULL));
CREATE INDEX refund_by_state ON refund (state, id);
COMMENT ON COLUMN refund.to_account IS 'Where the money goes when not back to the account it came from; only with the payer''s word, which the note tells of.';

CREATE TABLE refund_list (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text        NOT NULL,           -- the account of ours that pays
    made_at timestamptz NOT NULL,
    made_by text        NOT NULL,
    count   integer     NOT NULL CHECK (count > 0),
    total   bigint      NOT NULL CHECK (total > 0)
);
ALTER TABLE refund ADD FOREIGN KEY (list_id) REFERENCES refund_list;
COMMENT ON TABLE refund_list IS 'One file of transfers for the bank.';
CREATE TRIGGER refund_list_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON refund_list
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Which part of a payment a reason draws on: what is over, what settled the fee, or money that is nobody's yet.
CREATE FUNCTION refund_pot(reason text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN reason IN ('fee_rule', 'correction') THEN 'fee' WHEN reason = 'unallocated' THEN 'unallocated' ELSE 'surplus' END
$$;

-- How much of a payment may still be asked back for a reason. A proposal takes nothing yet.
CREATE FUNCTION refundable(wanted bigint, reason text) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE refund_pot(refundable.reason)
               WHEN 'fee' THEN p.allocated
               WHEN 'unallocated' THEN CASE WHEN p.request_id IS NULL THEN p.amount ELSE 0 END
               ELSE p.surplus END
           - coalesce((SELECT sum(f.amount) FROM refund f
                       WHERE f.payment_id = p.id AND refund_pot(f.reason) = refund_pot(refundable.reason)
                         AND f.state NOT IN ('proposed', 'refused', 'failed')), 0)
    FROM payment p WHERE p.id = wanted
$$;

CREATE FUNCTION refund_tell(at timestamptz, wanted bigint, kind text, actor text) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT event_record(refund_tell.at, ARRAY['refund.' || kind], ARRAY[r.dossier], ARRAY[f.request_id],
                        ARRAY[jsonb_build_object('refund', f.id, 'payment', f.payment_id, 'amount', f.amount, 'reason', f.reason,
                                                 'state', f.state, 'bank_reference', f.bank_reference, 'why', f.why)])
    FROM refund f LEFT JOIN payment_request r ON r.id = f.request_id WHERE f.id = wanted;
    SELECT audit_record(refund_tell.at, actor, 'refund.' || kind, wanted::text,
                        (SELECT jsonb_build_object('amount', f.amount, 'reason', f.reason, 'payment', f.payment_id)
                         FROM refund f WHERE f.id = wanted))
$$;

-- Asks for a refund. `problem`: NULL, not_found, too_much, or no_destination. A case that confirmation opened for the surplus is
-- taken up, and split when less is asked.
CREATE FUNCTION refund_request(at timestamptz, wanted bigint, wanted_amount bigint, wanted_reason text, wanted_note text,
                               bank_bin text, account_number text, account_name text, actor text)
    RETURNS TABLE (id bigint, problem text, most bigint) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p payment;
    available bigint;
    taken refund;
BEGIN
    SELECT * INTO p FROM payment WHERE payment.id = wanted;
    IF p.id IS NULL THEN
        RETURN QUERY SELECT NULL::bigint, 'not_found', 0::bigint;
        RETURN;
    END IF;
    PERFORM 1 FROM payment_request r WHERE r.id = p.request_id FOR UPDATE;
    SELECT * INTO p FROM payment WHERE payment.id = wanted FOR UPDATE;
    available := refundable(wanted, wanted_reason);
    IF wanted_amount > available THEN
        RETURN QUERY SELECT NULL::bigint, 'too_much', available;
        RETURN;
    END IF;
    IF account_number IS NULL AND p.payer_account IS NULL THEN
        RETURN QUERY SELECT NULL::bigint, 'no_destination', available;
        RETURN;
    END IF;
    IF refund_pot(wanted_reason) = 'surplus' THEN
        SELECT * INTO taken FROM refund f WHERE f.payment_id = wanted AND f.state = 'proposed' AND f.amount >= wanted_amount
        ORDER BY f.amount, f.id LIMIT 1 FOR UPDATE;
        IF taken.amount > wanted_amount THEN
            UPDATE refund f SET amount = f.amount - wanted_amount, changed_at = refund_request.at WHERE f.id = taken.id;
        ELSIF taken.id IS NOT NULL THEN
            UPDATE refund f SET state = 'requested', requested_by = actor, note = wanted_note, to_bank_bin = bank_bin,
                                to_account = account_number, to_name = account_name, changed_at = refund_request.at
            WHERE f.id = taken.id;
            PERFORM refund_tell(at, taken.id, 'requested', actor);
            RETURN QUERY SELECT taken.id, NULL::text, available - wanted_amount;
            RETURN;
        END IF;
    END IF;
    INSERT INTO refund (payment_id, request_id, amount, reason, state, requested_by, note, to_bank_bin, to_account, to_name,
                        created_at, changed_at)
    VALUES (wanted, p.request_id, wanted_amount, coalesce(taken.reason, wanted_reason), 'requested', actor, wanted_note, bank_bin,
            account_number, account_name, at, at)
    RETURNING refund.id INTO taken.id;
    PERFORM refund_tell(at, taken.id, 'requested', actor);
    RETURN QUERY SELECT taken.id, NULL::text, available - wanted_amount;
END $$;

-- What stands behind a refund in the books moves to what is owed back; surplus lies there already. Direction -1 takes it back.
CREATE FUNCTION refund_owe(at timestamptz, f refund, direction integer) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    source text;
    owed text;
BEGIN
    SELECT CASE WHEN refund_pot(f.reason) = 'unallocated' THEN 'suspense:' || a.account_number
                WHEN r.settled_at IS NOT NULL THEN 'payable:' || r.collector ELSE 'deposit:' || r.collector END,
           'refund_due:' || a.account_number INTO source, owed
    FROM payment p JOIN receiving_account a ON a.id = p.account_id LEFT JOIN payment_request r ON r.id = p.request_id
    WHERE p.id = f.payment_id;
    IF refund_pot(f.reason) <> 'surplus' THEN
        PERFORM journal_post(at, business_day(at), 'refund', f.payment_id, f.request_id, ARRAY[source, owed],
                             ARRAY[direction * f.amount, -direction * f.amount]);
    END IF;
END $$;

-- Who gives a part back does not wait for the rest: the request ends, and what comes later is owed back too.
CREATE FUNCTION refund_ends_request(at timestamptz, f refund) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH ended AS (
        UPDATE payment_request r SET status = 'cancelled', changed_at = refund_ends_request.at
        WHERE r.id = f.request_id AND r.settled_at IS NULL AND r.status IN ('partly_paid', 'expired') RETURNING r.*
    )
    SELECT event_record(refund_ends_request.at, ARRAY['request.cancelled'], ARRAY[dossier], ARRAY[id],
                        ARRAY[jsonb_build_object('reference', reference, 'amount', amount, 'reason', 'refund')])
    FROM ended
$$;

-- The second person. Returns the state it has now, `same_person`, `was` and the state that forbids it, or NULL when there is no
-- such refund.
CREATE FUNCTION refund_decide(at timestamptz, wanted bigint, decision text, reason_given text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    f refund;
BEGIN
    PERFORM 1 FROM payment_request r JOIN refund x ON x.request_id = r.id WHERE x.id = wanted FOR UPDATE OF r;
    SELECT * INTO f FROM refund WHERE id = wanted FOR UPDATE;
    IF f.id IS NULL OR f.state <> 'requested' THEN
        RETURN 'was ' || f.state;
    END IF;
    IF decision = 'approved' AND f.requested_by = actor THEN
        RETURN 'same_person';
    END IF;
    IF decision = 'approved' THEN
        UPDATE refund SET state = 'approved', approved_by = actor, changed_at = at WHERE id = wanted;
        PERFORM refund_owe(at, f, 1);
        IF refund_pot(f.reason) = 'fee' THEN
            PERFORM refund_ends_request(at, f);
        END IF;
    ELSIF refund_pot(f.reason) = 'surplus' THEN -- what is over stays owed: the case waits again
        UPDATE refund SET state = 'proposed', requested_by = NULL, why = reason_given, changed_at = at WHERE id = wanted;
    ELSE
        UPDATE refund SET state = 'refused', why = reason_given, changed_at = at WHERE id = wanted;
    END IF;
    PERFORM refund_tell(at, wanted, decision, actor);
    RETURN decision;
END $$;

-- Puts every approved refund of an account that says where it goes on one list for the bank; NULL when there is none.
CREATE FUNCTION refund_list_make(at timestamptz, wanted_account text, actor text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ids bigint[];
    made bigint;
    one bigint;
BEGIN
    SELECT array_agg(id) INTO ids FROM (
        SELECT f.id FROM refund f JOIN payment p ON p.id = f.payment_id JOIN receiving_account a ON a.id = p.account_id
        WHERE f.state = 'approved' AND a.account_number = wanted_account AND coalesce(f.to_account, p.payer_account) IS NOT NULL
        ORDER BY f.id LIMIT 500 FOR UPDATE OF f) due;
    IF ids IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO refund_list (account, made_at, made_by, count, total)
    SELECT wanted_account, at, actor, cardinality(ids), sum(amount) FROM refund WHERE id = ANY (ids)
    RETURNING id INTO made;
    UPDATE refund SET state = 'sent', list_id = made, changed_at = at WHERE id = ANY (ids);
    FOREACH one IN ARRAY ids LOOP
        PERFORM refund_tell(at, one, 'sent', actor);
    END LOOP;
    RETURN made;
END $$;

-- The bank paid it (its reference and day prove it), or could not. Returns as refund_decide.
CREATE FUNCTION refund_close(at timestamptz, wanted bigint, outcome text, reference text, day date, reason_given text, actor text)
    RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    f refund;
    account_number text;
    returned bigint;
BEGIN
    PERFORM 1 FROM payment_request r JOIN refund x ON x.request_id = r.id WHERE x.id = wanted FOR UPDATE OF r;
    SELECT * INTO f FROM refund WHERE id = wanted FOR UPDATE;
    IF f.id IS NULL OR f.state <> 'sent' THEN
        RETURN 'was ' || f.state;
    END IF;
    IF outcome = 'failed' THEN -- the money is still owed: asked for again, with another account
        UPDATE refund SET state = 'failed', why = reason_given, changed_at = at WHERE id = wanted;
        PERFORM refund_owe(at, f, -1);
        IF refund_pot(f.reason) = 'surplus' THEN
            INSERT INTO refund (payment_id, request_id, amount, reason, created_at, changed_at)
            VALUES (f.payment_id, f.request_id, f.amount, f.reason, at, at);
        END IF;
        PERFORM refund_tell(at, wanted, 'failed', actor);
        RETURN 'failed';
    END IF;
    UPDATE refund SET state = 'paid', bank_reference = reference, paid_on = day, changed_at = at WHERE id = wanted;
    SELECT a.account_number INTO account_number FROM payment p JOIN receiving_account a ON a.id = p.account_id
    WHERE p.id = f.payment_id;
    PERFORM journal_post(at, business_day(at), 'refund_paid', f.payment_id, f.request_id,
                         ARRAY['refund_due:' || account_number, 'clearing:' || account_number], ARRAY[f.amount, -f.amount]);
    IF refund_pot(f.reason) = 'fee' THEN
        SELECT sum(amount) INTO returned FROM refund x
        WHERE x.request_id = f.request_id AND x.state = 'paid' AND refund_pot(x.reason) = 'fee';
        UPDATE payment_request SET status = CASE WHEN returned >= amount THEN 'refunded' ELSE 'partly_refunded' END, changed_at = at
        WHERE id = f.request_id AND settled_at IS NOT NULL;
    END IF;
    PERFORM refund_tell(at, wanted, 'paid', actor);
    RETURN 'paid';
END $$;
