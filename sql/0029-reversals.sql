-- Which line a reversal takes back is a function of all lines that are known, like every pair: when a line comes that makes it doubtful, or
-- another reversal has the better right, what was taken back is given back, by record and by a journal of its own.

CREATE TABLE line_reversal_undone (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line_id    bigint      NOT NULL REFERENCES statement_line,
    of_line    bigint      NOT NULL REFERENCES statement_line,
    payment_id bigint      REFERENCES payment,
    request_id bigint      REFERENCES payment_request,
    made_at    timestamptz NOT NULL,
    at         timestamptz NOT NULL,
    why        text        NOT NULL
);
CREATE INDEX line_reversal_undone_of_line ON line_reversal_undone (line_id);
COMMENT ON TABLE line_reversal_undone IS 'Reversals that were given back: appended before the reversal goes.';
CREATE TRIGGER line_reversal_undone_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON line_reversal_undone
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION line_reversal_goes() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM gone g WHERE NOT EXISTS (SELECT FROM line_reversal_undone u WHERE u.line_id = g.line_id AND u.of_line = g.of_line
                                                    AND u.made_at = g.at)) THEN
        RAISE EXCEPTION 'a reversal is only given back by record' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER line_reversal_for_ever ON line_reversal;
CREATE TRIGGER line_reversal_for_ever BEFORE UPDATE OR TRUNCATE ON line_reversal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER line_reversal_goes AFTER DELETE ON line_reversal REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION line_reversal_goes();

-- The line each reversal takes back: the only earlier one of its account and amount with its bank reference or its payment reference, and of
-- several reversals that mean the same line the first by natural key. What a person closed stays as it is.
CREATE FUNCTION reversals_wanted() RETURNS TABLE (back bigint, line bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH sure AS (
        SELECT l.id AS back, min(l0.id) AS line, l.booked_on, l.account_id, l.fingerprint, l.occurrence
        FROM exception_case e JOIN statement_line l ON l.id = e.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        JOIN statement_line l0 ON l0.account_id = l.account_id AND l0.amount = -l.amount AND l0.booked_on BETWEEN l.booked_on - 60 AND l.booked_on
        JOIN statement_line_text t0 ON t0.line_id = l0.id AND t0.booked_month = date_trunc('month', l0.booked_on)::date
        WHERE e.reason = 'reversal' AND e.state = 'open' AND l.amount < 0 AND NOT t0.reversal
          AND NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = l0.id AND m.batch_id IS NOT NULL)
          AND (t.bank_reference <> '' AND t0.bank_reference = t.bank_reference
               OR EXISTS (SELECT FROM line_candidate c JOIN line_candidate c0 USING (reference)
                          WHERE c.line_id = l.id AND c0.line_id = l0.id AND c.edits = 0 AND c0.edits = 0))
        GROUP BY l.id HAVING count(*) = 1
    )
    SELECT DISTINCT ON (s.line) s.back, s.line FROM sure s
    WHERE NOT EXISTS (SELECT FROM line_reversal v JOIN exception_case e ON e.line_id = v.line_id WHERE v.of_line = s.line AND e.state <> 'open')
    ORDER BY s.line, s.booked_on, s.account_id, s.fingerprint, s.occurrence
$$;

-- Reversals that must be looked at anew: not wanted any more; taken back before anybody knew whose it was, and its payment is known now; or
-- a line came that has a better right to the payment, by the bank's reference or by the words. What people have begun to refund, or closed,
-- stays.
CREATE FUNCTION reversals_doubtful() RETURNS TABLE (back bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH taken AS MATERIALIZED (
        SELECT r.*, p.account_id, p.bank_reference
        FROM line_reversal r JOIN exception_case e ON e.line_id = r.line_id AND e.state = 'open' LEFT JOIN payment p ON p.id = r.payment_id
        WHERE NOT EXISTS (SELECT FROM refund f WHERE (f.request_id = r.request_id OR f.payment_id = r.payment_id) AND f.state NOT IN ('proposed', 'refused'))
    )
    SELECT t.line_id FROM taken t WHERE NOT EXISTS (SELECT FROM reversals_wanted() w WHERE w.back = t.line_id AND w.line = t.of_line)
    UNION
    SELECT t.line_id FROM taken t JOIN line_match m ON m.line_id = t.of_line WHERE t.payment_id IS NULL AND m.payment_id IS NOT NULL
    UNION
    SELECT t.line_id
    FROM taken t JOIN statement_line_text x ON x.bank_reference = t.bank_reference JOIN statement_line l ON l.id = x.line_id AND l.account_id = t.account_id
    JOIN line_pending w ON w.line_id = l.id
    UNION
    SELECT t.line_id
    FROM taken t JOIN payment_request r ON r.id = t.request_id JOIN line_candidate c ON c.reference = r.reference
    JOIN line_pending w ON w.line_id = c.line_id
$$;

-- Gives back what doubtful reversals took: the payment is worth again what it was, the case of its line is open again. Returns how many.
CREATE FUNCTION reversals_undo(at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v record;
    undone bigint := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM line_reversal r JOIN exception_case e ON e.line_id = r.line_id AND e.state = 'open') THEN
        RETURN 0;
    END IF;
    FOR v IN
        SELECT r.*, p.amount, a.account_number
        FROM line_reversal r LEFT JOIN payment p ON p.id = r.payment_id LEFT JOIN receiving_account a ON a.id = p.account_id
        WHERE r.line_id IN (SELECT back FROM reversals_doubtful()) ORDER BY r.line_id
    LOOP
        INSERT INTO line_reversal_undone (line_id, of_line, payment_id, request_id, made_at, at, why)
        VALUES (v.line_id, v.of_line, v.payment_id, v.request_id, v.at, reversals_undo.at, 'other lines came');
        DELETE FROM line_reversal WHERE line_id = v.line_id;
        IF v.payment_id IS NOT NULL AND v.allocated + v.surplus = 0 THEN
            PERFORM journal_post(at, business_day(at), 'reversal', v.payment_id, NULL,
                                 ARRAY['clearing:' || v.account_number, 'suspense:' || v.account_number], ARRAY[v.amount, -v.amount]);
        ELSIF v.payment_id IS NOT NULL THEN
            UPDATE payment SET request_id = v.request_id, allocated = 0, surplus = amount WHERE id = v.payment_id;
            PERFORM request_rebalance(at, v.request_id, 'clearing:' || v.account_number, v.amount, 'reversal', v.payment_id);
            PERFORM event_record(at, ARRAY['payment.restored'], ARRAY[r.dossier], ARRAY[r.id],
                                 ARRAY[jsonb_build_object('source', p.source, 'external_id', p.external_id, 'amount', p.amount,
                                                          'reference', r.reference, 'status', r.status)])
            FROM payment p JOIN payment_request r ON r.id = p.request_id WHERE p.id = v.payment_id;
        END IF;
        UPDATE exception_case SET state = 'open', resolution = NULL, resolved_by = NULL, resolved_at = NULL
        WHERE line_id = v.of_line AND state = 'resolved' AND resolution = 'taken_back' AND resolved_by = 'machine';
        UPDATE exception_case SET suggestion = '{}' WHERE line_id = v.line_id;
        INSERT INTO line_unposted VALUES (v.line_id), (v.of_line) ON CONFLICT DO NOTHING;
        undone := undone + 1;
    END LOOP;
    RETURN undone;
END $$;

-- Lines taken back, refunds that left, transfers between own accounts. The payment is undone, its request open again; the case stays for a
-- person, who sees to the receipt.
CREATE OR REPLACE FUNCTION reconcile_reverse(at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one record;
    worth bigint[];
    made bigint := 0;
BEGIN
    FOR one IN
        SELECT w.back, w.line, p.id AS payment, p.request_id AS request
        FROM reversals_wanted() w LEFT JOIN line_match m ON m.line_id = w.line LEFT JOIN payment p ON p.id = m.payment_id
        JOIN statement_line l ON l.id = w.back
        WHERE NOT EXISTS (SELECT FROM line_reversal v WHERE v.line_id = w.back OR v.of_line = w.line)
          AND NOT EXISTS (SELECT FROM line_pending x WHERE x.line_id = w.line)
        ORDER BY l.booked_on, l.account_id, l.fingerprint, l.occurrence
    LOOP
        worth := NULL;
        IF one.payment IS NOT NULL THEN
            SELECT payment_withdraw(at, one.payment) INTO worth;
            CONTINUE WHEN worth IS NULL;
        END IF;
        INSERT INTO line_reversal (line_id, of_line, payment_id, request_id, allocated, surplus, at)
        VALUES (one.back, one.line, one.payment, one.request, coalesce(worth[1], 0), coalesce(worth[2], 0), reconcile_reverse.at);
        UPDATE exception_case SET state = 'resolved', resolution = 'taken_back', resolved_by = 'machine', resolved_at = reconcile_reverse.at
        WHERE line_id = one.line AND state = 'open';
        UPDATE exception_case e SET suggestion = jsonb_strip_nulls(jsonb_build_object('takes_back', jsonb_build_object('booked_on', l.booked_on,
               'reference', r.reference, 'dossier', r.dossier, 'allocated', worth[1], 'surplus', worth[2])))
        FROM statement_line l LEFT JOIN payment_request r ON r.id = one.request
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

-- Small changes of the functions of 0017, each where its words stand; a function that has changed meanwhile stops the migration.
CREATE FUNCTION function_patch(of regproc, old text, new text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    body text := pg_get_functiondef(of);
BEGIN
    IF position(old IN body) = 0 THEN
        RAISE EXCEPTION '% has changed: "%" is not found', of, old;
    END IF;
    EXECUTE replace(body, old, new);
END $$;

-- A reversed line nobody could tell may be told by now: it is paired like one that waits.
SELECT function_patch('match_work_fill', 'UNION ALL
        SELECT unnest(ids)', 'UNION ALL
        SELECT v.of_line FROM line_reversal v WHERE ids IS NULL AND v.payment_id IS NULL
          AND NOT EXISTS (SELECT FROM line_pending w WHERE w.line_id = v.of_line)
        UNION ALL
        SELECT unnest(ids)');

SELECT function_patch('match_paid_fill', 'FROM line_reversal v WHERE v.of_line = m.line_id)',
                      'FROM line_reversal v WHERE v.of_line = m.line_id AND v.payment_id IS NOT NULL)');

-- A payment made from a line is another line's by the bank's reference only where the words of both mean the same request; with other words
-- it is other money.
SELECT function_patch('match_decide', 'FROM (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount ORDER BY booked_on, fingerprint, occurrence) AS k
          FROM match_work WHERE bank_reference IS NOT NULL) l
    JOIN (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount ORDER BY own, paid_at, source, external_id) AS k
          FROM match_paid WHERE bank_reference IS NOT NULL) r USING (account_id, bank_reference, amount, k)
    WHERE abs(l.booked_on - r.paid_day) <= reuse_days;', 'FROM (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount ORDER BY booked_on, fingerprint, occurrence) AS k
          FROM match_work WHERE bank_reference IS NOT NULL) l
    JOIN (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount ORDER BY paid_at, source, external_id) AS k
          FROM match_paid WHERE bank_reference IS NOT NULL AND NOT own) r USING (account_id, bank_reference, amount, k)
    WHERE abs(l.booked_on - r.paid_day) <= reuse_days;

    INSERT INTO match_want
    SELECT l.line_id, r.id, coalesce(l.rule, ''bank_reference''), l.edits
    FROM (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount, request_id ORDER BY booked_on, fingerprint, occurrence) AS k
          FROM match_work w WHERE bank_reference IS NOT NULL AND request_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM match_want x WHERE x.line_id = w.line_id)) l
    JOIN (SELECT *, row_number() OVER (PARTITION BY account_id, bank_reference, amount, request_id ORDER BY paid_at, source, external_id) AS k
          FROM match_paid WHERE bank_reference IS NOT NULL AND own) r USING (account_id, bank_reference, amount, request_id, k)
    WHERE abs(l.booked_on - r.paid_day) <= reuse_days;');

-- Told again: an earlier line of the same amount carries the bank's reference and the same words, whatever became of it so far.
SELECT function_patch('reconcile_heal', 'SELECT FROM payment p JOIN line_match m ON m.payment_id = p.id JOIN statement_line l ON l.id = m.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc(''month'', l.booked_on)::date
        WHERE p.account_id = w.account_id AND p.bank_reference = w.bank_reference AND p.amount = w.amount AND t.bank_reference = w.bank_reference
          AND l.booked_on < w.booked_on', 'SELECT FROM payment_request r JOIN line_candidate c ON c.reference = r.reference JOIN statement_line l ON l.id = c.line_id
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc(''month'', l.booked_on)::date
        WHERE r.id = w.request_id AND l.account_id = w.account_id AND l.amount = w.amount AND t.bank_reference = w.bank_reference AND NOT t.reversal
          AND l.booked_on < w.booked_on');
DROP FUNCTION function_patch(regproc, text, text);
