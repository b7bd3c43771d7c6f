-- The end of a dossier, closed against what happens beside it: a part that was paid ends with its request, money that settles a request
-- in the same moment gets its answer all the same, and what goes on again finds its part where it was.

ALTER TABLE subscription ADD COLUMN only_for text NOT NULL DEFAULT 'all' CHECK (only_for IN ('all', 'ended_dossier', 'later_day'));
COMMENT ON COLUMN subscription.only_for IS 'ended_dossier: events of a dossier that is refused or withdrawn; later_day: of a request paid on a later day than the one it was priced on.';
INSERT INTO subscription (event_kind, job_kind, only_for) VALUES ('request.paid', 'dossier.life', 'ended_dossier');

CREATE OR REPLACE FUNCTION event_record(at timestamptz, kinds text[], dossiers text[], requests bigint[], bodies jsonb[])
    RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    WITH made AS (
        INSERT INTO event (booked_month, kind, at, dossier, request_id, body)
        SELECT business_month(event_record.at), k, event_record.at, d, r, b
        FROM unnest(kinds, dossiers, requests, bodies) WITH ORDINALITY AS u (k, d, r, b, n) ORDER BY n
        RETURNING booked_month, id, event.kind, dossier, request_id, body
    ), fresh AS (
        INSERT INTO event_fresh (event_id, booked_month) SELECT id, booked_month FROM made
    )
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT s.job_kind, 'event ' || m.id,
           jsonb_build_object('event', m.id, 'kind', m.kind, 'dossier', m.dossier, 'request', m.request_id, 'body', m.body),
           event_record.at, event_record.at
    FROM made m JOIN subscription s ON s.event_kind = m.kind
    WHERE CASE s.only_for
              WHEN 'ended_dossier' THEN EXISTS (SELECT FROM dossier d WHERE d.code = m.dossier AND d.state IN ('refused', 'withdrawn'))
              WHEN 'later_day' THEN EXISTS (SELECT FROM payment_request r WHERE r.id = m.request_id AND r.paid_on > r.priced_on)
              ELSE true END;
END $$;

-- As before; and false when a request was settled since the answers were looked up: they are to be looked up again.
DROP FUNCTION dossier_ends(timestamptz, text, text, bigint[], integer[], text[], text[]);
CREATE FUNCTION dossier_ends(at timestamptz, code text, wanted_state text, requests bigint[], ordinals integer[], answers text[], bases text[])
    RETURNS boolean LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one record;
    words text := CASE wanted_state WHEN 'refused' THEN 'Hồ sơ bị từ chối giải quyết' ELSE 'Người nộp rút hồ sơ' END;
BEGIN
    PERFORM 1 FROM dossier d WHERE d.code = dossier_ends.code AND d.state = wanted_state FOR SHARE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    FOR one IN SELECT r.id, r.status, r.reference, r.amount, r.allocated FROM payment_request r
               WHERE r.dossier = dossier_ends.code AND r.status IN ('pending', 'expired', 'partly_paid') ORDER BY r.id FOR UPDATE
    LOOP
        IF one.allocated = 0 THEN
            PERFORM request_cancel(dossier_ends.at, one.id, 'system:dossier', words);
            CONTINUE;
        END IF;
        PERFORM refund_propose(dossier_ends.at, one.id, one.allocated, words || ': hoàn phần đã nộp trước');
        UPDATE payment_request SET status = 'cancelled', changed_at = dossier_ends.at WHERE id = one.id;
        PERFORM event_record(dossier_ends.at, ARRAY['request.cancelled'], ARRAY[dossier_ends.code], ARRAY[one.id],
                             ARRAY[jsonb_build_object('reference', one.reference, 'amount', one.amount, 'reason', words)]);
        PERFORM audit_record(dossier_ends.at, 'system:dossier', 'request.cancel', one.reference, jsonb_build_object('reason', words));
    END LOOP;
    IF EXISTS (SELECT FROM payment_request r JOIN request_line l ON l.request_id = r.id
               WHERE r.dossier = dossier_ends.code AND r.status IN ('paid', 'overpaid', 'partly_refunded') AND l.net > 0
                 AND l.kind IN ('phi', 'le_phi') AND NOT (r.id = ANY (requests))) THEN
        RETURN false;
    END IF;
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
    RETURN true;
END $$;

-- The dossier goes on after all: what nobody has taken up yet is closed, with the reason; a part that lies in such a case waits for the rest again.
CREATE OR REPLACE FUNCTION dossier_goes_on(at timestamptz, code text, wanted_state text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one record;
BEGIN
    PERFORM 1 FROM dossier d WHERE d.code = dossier_goes_on.code AND d.state = wanted_state FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE refund_answer a SET void_at = dossier_goes_on.at FROM payment_request r
    WHERE r.id = a.request_id AND r.dossier = dossier_goes_on.code AND a.void_at IS NULL;
    PERFORM 1 FROM payment_request r WHERE r.dossier = dossier_goes_on.code ORDER BY r.id FOR UPDATE;
    FOR one IN UPDATE refund f SET state = 'refused', requested_by = 'system:dossier', why = 'Hồ sơ được giải quyết tiếp', changed_at = dossier_goes_on.at
               FROM payment_request r WHERE r.id = f.request_id AND r.dossier = dossier_goes_on.code AND f.state = 'proposed' AND f.reason = 'fee_rule'
               RETURNING f.id
    LOOP
        PERFORM refund_tell(dossier_goes_on.at, one.id, 'refused', 'system:dossier');
    END LOOP;
    FOR one IN UPDATE payment_request r SET status = 'partly_paid', changed_at = dossier_goes_on.at
               WHERE r.dossier = dossier_goes_on.code AND r.status = 'cancelled' AND r.allocated > 0
                 AND EXISTS (SELECT FROM refund f WHERE f.request_id = r.id AND f.reason = 'fee_rule' AND f.requested_by = 'system:dossier')
                 AND NOT EXISTS (SELECT FROM refund f WHERE f.request_id = r.id AND refund_pot(f.reason) = 'fee' AND f.state NOT IN ('refused', 'failed'))
               RETURNING r.id, r.reference, r.amount
    LOOP
        PERFORM event_record(dossier_goes_on.at, ARRAY['request.reopened'], ARRAY[dossier_goes_on.code], ARRAY[one.id],
                             ARRAY[jsonb_build_object('reference', one.reference, 'amount', one.amount)]);
        PERFORM audit_record(dossier_goes_on.at, 'system:dossier', 'request.reopen', one.reference, '{}');
    END LOOP;
END $$;

-- What the one-stop shop says beside the state, and why a request is asked for.
ALTER TABLE dossier ADD COLUMN state_reason text CHECK (length(state_reason) BETWEEN 1 AND 500), ADD COLUMN state_at timestamptz;
COMMENT ON COLUMN dossier.state_at IS 'Since when it is so by the one-stop shop; unset: since it told us.';
ALTER TABLE dossier_state ADD COLUMN reason text, ADD COLUMN since timestamptz;
ALTER TABLE payment_request ADD COLUMN reason text CHECK (length(reason) BETWEEN 1 AND 300);
COMMENT ON COLUMN payment_request.reason IS 'Why it is asked for, in the words of who asks; the legal basis stands in its lines.';

CREATE OR REPLACE FUNCTION dossier_state_note() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    noted bigint;
BEGIN
    INSERT INTO dossier_state (dossier, state, at, reason, since)
    VALUES (NEW.code, NEW.state, NEW.changed_at, NEW.state_reason, NEW.state_at) RETURNING id INTO noted;
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO job (kind, key, body, run_at, created_at)
        VALUES ('dossier.life', 'state ' || noted, jsonb_build_object('dossier', NEW.code), NEW.changed_at, NEW.changed_at);
    END IF;
    RETURN NULL;
END $$;
