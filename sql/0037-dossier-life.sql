-- The life of a dossier: what the one-stop shop says of it, and what becomes of its money when it is refused or withdrawn.

CREATE TABLE dossier_state (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier text        NOT NULL REFERENCES dossier,
    state   text        NOT NULL,
    at      timestamptz NOT NULL
);
CREATE INDEX dossier_state_of_dossier ON dossier_state (dossier, id);
COMMENT ON TABLE dossier_state IS 'Each state a dossier was in, as the one-stop shop told it; never changed.';
CREATE TRIGGER dossier_state_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON dossier_state
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
INSERT INTO dossier_state (dossier, state, at) SELECT code, state, changed_at FROM dossier ORDER BY registered_at, code;

-- A changed state is followed up by a job (payments/ledger/life.c).
CREATE FUNCTION dossier_state_note() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    noted bigint;
BEGIN
    INSERT INTO dossier_state (dossier, state, at) VALUES (NEW.code, NEW.state, NEW.changed_at) RETURNING id INTO noted;
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO job (kind, key, body, run_at, created_at)
        VALUES ('dossier.life', 'state ' || noted, jsonb_build_object('dossier', NEW.code), NEW.changed_at, NEW.changed_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dossier_state_first AFTER INSERT ON dossier FOR EACH ROW EXECUTE FUNCTION dossier_state_note();
CREATE TRIGGER dossier_state_next AFTER UPDATE OF state ON dossier FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION dossier_state_note();

CREATE TABLE refund_answer (
    request_id  bigint      NOT NULL,
    ordinal     integer     NOT NULL,
    state       text        NOT NULL CHECK (state IN ('refused', 'withdrawn')),
    answer      text        NOT NULL CHECK (answer IN ('yes', 'no', 'unset')),
    legal_basis text        NOT NULL,
    at          timestamptz NOT NULL,
    void_at     timestamptz,                    -- the dossier goes on after all
    PRIMARY KEY (request_id, ordinal, state),
    FOREIGN KEY (request_id, ordinal) REFERENCES request_line
);
COMMENT ON TABLE refund_answer IS 'What the rule of each fee says when its dossier ends without a result: given back, not given back, or not set, which people decide.';

-- Asks for a refund. `problem`: NULL, not_found, too_much, or no_destination. A case that was opened already, for a surplus or by
-- the fee's rule, is taken up, and split when less is asked.
CREATE OR REPLACE FUNCTION refund_request(at timestamptz, wanted bigint, wanted_amount bigint, wanted_reason text, wanted_note text,
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
    IF refund_pot(wanted_reason) IN ('surplus', 'fee') THEN
        SELECT * INTO taken FROM refund f
        WHERE f.payment_id = wanted AND f.state = 'proposed' AND f.amount >= wanted_amount AND refund_pot(f.reason) = refund_pot(wanted_reason)
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

-- Opens the case for so much of a settled fee, over the payments that paid it, the last one first.
CREATE FUNCTION refund_propose(at timestamptz, wanted bigint, wanted_amount bigint, said text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p record;
    rest bigint := wanted_amount;
    part bigint;
    made bigint;
BEGIN
    FOR p IN SELECT x.id, refundable(x.id, 'fee_rule') - coalesce((SELECT sum(f.amount) FROM refund f WHERE f.payment_id = x.id
                    AND f.state = 'proposed' AND refund_pot(f.reason) = 'fee'), 0) AS free
             FROM payment x WHERE x.request_id = wanted AND x.allocated > 0 ORDER BY x.paid_at DESC, x.id DESC
    LOOP
        part := least(rest, p.free);
        CONTINUE WHEN part <= 0;
        INSERT INTO refund (payment_id, request_id, amount, reason, note, created_at, changed_at)
        VALUES (p.id, wanted, part, 'fee_rule', said, refund_propose.at, refund_propose.at) RETURNING id INTO made;
        PERFORM refund_tell(refund_propose.at, made, 'proposed', 'system:dossier');
        rest := rest - part;
    END LOOP;
END $$;

-- What follows from a dossier's state. Answers run in step with lines of settled requests. Again, or for a state that is no longer the
-- dossier's, it changes nothing.
CREATE FUNCTION dossier_ends(at timestamptz, code text, wanted_state text, requests bigint[], ordinals integer[], answers text[], bases text[])
    RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one record;
    words text := CASE wanted_state WHEN 'refused' THEN 'Hồ sơ bị từ chối giải quyết' ELSE 'Người nộp rút hồ sơ' END;
BEGIN
    PERFORM 1 FROM dossier d WHERE d.code = dossier_ends.code AND d.state = wanted_state FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR one IN SELECT r.id, r.status, r.allocated FROM payment_request r
               WHERE r.dossier = dossier_ends.code AND r.status IN ('pending', 'expired', 'partly_paid') ORDER BY r.id FOR UPDATE
    LOOP
        IF one.allocated = 0 THEN
            PERFORM request_cancel(dossier_ends.at, one.id, 'system:dossier', words);
        ELSE
            PERFORM refund_propose(dossier_ends.at, one.id, one.allocated, words || ': hoàn phần đã nộp trước');
        END IF;
    END LOOP;
    CREATE TEMP TABLE IF NOT EXISTS answered (request_id bigint, ordinal integer, answer text, legal_basis text) ON COMMIT DELETE ROWS;
    TRUNCATE answered;
    WITH fresh AS (
        INSERT INTO refund_answer AS a (request_id, ordinal, state, answer, legal_basis, at)
        SELECT q, o, wanted_state, w, b, dossier_ends.at FROM unnest(requests, ordinals, answers, bases) AS u (q, o, w, b) ORDER BY q, o
        ON CONFLICT (request_id, ordinal, state) DO UPDATE SET answer = excluded.answer, legal_basis = excluded.legal_basis, at = excluded.at,
            void_at = NULL WHERE a.void_at IS NOT NULL
        RETURNING a.request_id, a.ordinal, a.answer, a.legal_basis)
    INSERT INTO answered SELECT * FROM fresh;
    FOR one IN SELECT x.request_id, x.answer, sum(l.net)::bigint AS amount, string_agg(l.name, ', ' ORDER BY l.ordinal) AS fees,
                      string_agg(DISTINCT x.legal_basis, ', ') AS bases
               FROM answered x JOIN request_line l ON l.request_id = x.request_id AND l.ordinal = x.ordinal
               GROUP BY 1, 2 ORDER BY 1, 2 DESC
    LOOP
        IF one.answer = 'no' THEN
            PERFORM event_record(dossier_ends.at, ARRAY['refund.denied'], ARRAY[dossier_ends.code], ARRAY[one.request_id],
                                 ARRAY[jsonb_build_object('amount', one.amount, 'fees', one.fees, 'legal_basis', one.bases, 'state', wanted_state)]);
        ELSE
            PERFORM refund_propose(dossier_ends.at, one.request_id, one.amount, words || CASE one.answer
                WHEN 'yes' THEN ': hoàn theo ' || one.bases ELSE ': quy định hoàn chưa được đặt, cơ quan thu quyết định (' || one.fees || ')' END);
        END IF;
    END LOOP;
END $$;

-- The dossier goes on after all: what nobody has taken up yet is closed, with the reason.
CREATE FUNCTION dossier_goes_on(at timestamptz, code text, wanted_state text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one bigint;
BEGIN
    PERFORM 1 FROM dossier d WHERE d.code = dossier_goes_on.code AND d.state = wanted_state FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE refund_answer a SET void_at = dossier_goes_on.at FROM payment_request r
    WHERE r.id = a.request_id AND r.dossier = dossier_goes_on.code AND a.void_at IS NULL;
    FOR one IN UPDATE refund f SET state = 'refused', requested_by = 'system:dossier', why = 'Hồ sơ được giải quyết tiếp', changed_at = dossier_goes_on.at
               FROM payment_request r WHERE r.id = f.request_id AND r.dossier = dossier_goes_on.code AND f.state = 'proposed' AND f.reason = 'fee_rule'
               RETURNING f.id
    LOOP
        PERFORM refund_tell(dossier_goes_on.at, one, 'refused', 'system:dossier');
    END LOOP;
END $$;
