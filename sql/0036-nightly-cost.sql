-- A night costs what the night brought, not what the years hold.
--
-- Measured over a generated year: every run compared the words of all lines of two months with all pay-outs, and looked again at the items
-- of every pay-out that ever came, each by a walk through all payments: 0.1 s a night in January, 8 s in July.

-- Looked at for the items of a pay-out: money that does not come by transfer.
CREATE INDEX payment_by_external_id ON payment (account_id, external_id) WHERE method <> 'vietqr';
CREATE INDEX payment_by_reference ON payment (account_id, reference) WHERE method <> 'vietqr';

ALTER TABLE pay_out ADD COLUMN items_at timestamptz;
COMMENT ON COLUMN pay_out.items_at IS 'When its items were looked up: what had no payment then has an exception, and is looked at again as long as that says so.';

-- Items given back are looked at again.
CREATE FUNCTION batch_payment_goes() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE pay_out SET items_at = NULL WHERE id IN (SELECT batch_id FROM gone);
    RETURN NULL;
END $$;
CREATE TRIGGER batch_payment_goes AFTER DELETE ON batch_payment REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION batch_payment_goes();

-- Lines that name a batch, all together: their sum is the batch's net, or none of them is matched. Then its items are the payments.
CREATE OR REPLACE FUNCTION reconcile_batches(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    early_days CONSTANT integer := 3;
    late_days CONSTANT integer := 15;
    kept_days CONSTANT integer := 60;
    changed bigint := 0;
    one record;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS match_batch (batch_id bigint, line_id bigint, amount bigint) ON COMMIT DELETE ROWS;
    TRUNCATE match_batch;
    INSERT INTO match_batch
    WITH open AS MATERIALIZED (
        SELECT l.id, l.account_id, l.booked_on, l.amount, m.batch_id, upper(concat_ws(' ', t.memo, t.customer_reference, t.supplementary)) AS words
        FROM statement_line l JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        LEFT JOIN line_match m ON m.line_id = l.id
        WHERE l.booked_on BETWEEN reconcile_batches.day - kept_days - early_days AND reconcile_batches.day
          AND l.amount > 0 AND NOT t.reversal AND m.payment_id IS NULL AND m.rule IS DISTINCT FROM 'person'
          AND NOT EXISTS (SELECT FROM line_candidate c JOIN payment_request r ON r.reference = c.reference AND r.account_id = l.account_id
                          WHERE c.line_id = l.id AND c.edits = 0)
          AND NOT EXISTS (SELECT FROM exception_case e WHERE e.line_id = l.id AND (e.state = 'proposed' OR e.state = 'resolved' AND e.resolved_by <> 'machine')))
    SELECT b.id, l.id, l.amount
    FROM pay_out b JOIN open l ON l.account_id = b.account_id AND l.booked_on BETWEEN b.day - early_days AND b.day + late_days
    WHERE b.current AND b.source <> 'declared' AND coalesce(l.batch_id, b.id) = b.id
      AND b.day BETWEEN reconcile_batches.day - kept_days AND reconcile_batches.day + early_days
      AND length(b.batch) >= 5 AND strpos(l.words, upper(b.batch)) > 0
      AND l.words ~ ('(^|[^A-Z0-9])' || regexp_replace(upper(b.batch), '([^A-Z0-9])', '\\\1', 'g') || '($|[^A-Z0-9])');
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
CREATE OR REPLACE FUNCTION batch_items(at timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    b record;
    posted bigint;
BEGIN
    FOR b IN SELECT s.*, a.account_number FROM pay_out s JOIN receiving_account a ON a.id = s.account_id
             WHERE s.current AND s.source <> 'declared' AND EXISTS (SELECT FROM line_match m WHERE m.batch_id = s.id)
               AND (s.items_at IS NULL OR s.fees > 0 AND NOT EXISTS (SELECT FROM batch_journal j WHERE j.batch_id = s.id)
                    OR EXISTS (SELECT FROM exception_case e WHERE e.batch_id = s.id
                               AND (e.state = 'open' OR NOT EXISTS (SELECT FROM batch_payment x WHERE x.batch_id = s.id AND x.ordinal = e.batch_ordinal))))
             ORDER BY s.source, s.batch
    LOOP
        INSERT INTO batch_payment (payment_id, batch_id, ordinal, rule, actor, at)
        SELECT DISTINCT ON (pay) pay, b.id, ordinal, rule, 'machine', batch_items.at
        FROM (SELECT DISTINCT ON (i.ordinal) i.ordinal, p.id AS pay, CASE WHEN p.external_id = i.external_id THEN 'external_id' ELSE 'reference' END AS rule
              FROM pay_out_item i CROSS JOIN LATERAL (
                  SELECT * FROM payment p WHERE p.account_id = b.account_id AND p.external_id = i.external_id AND p.method <> 'vietqr'
                  UNION ALL
                  SELECT * FROM payment p WHERE p.account_id = b.account_id AND p.reference = i.reference AND i.reference <> '' AND p.method <> 'vietqr') p
              WHERE p.amount = i.amount AND i.batch_id = b.id AND NOT EXISTS (SELECT FROM batch_payment x WHERE x.payment_id = p.id OR x.batch_id = b.id AND x.ordinal = i.ordinal)
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
        UPDATE pay_out SET items_at = batch_items.at WHERE id = b.id AND items_at IS NULL;
    END LOOP;
END $$;

-- What the bank has not shown is looked for among what is not matched, not among all payments of two months.
CREATE OR REPLACE FUNCTION reconcile_payments(at timestamptz, day date) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    kept_days CONSTANT integer := 60;
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
    WHERE p.request_id IS NULL AND business_day(p.paid_at) BETWEEN day - kept_days AND day AND p.source <> 'statement'
      AND NOT EXISTS (SELECT FROM basket_payment b WHERE b.payment_id = p.id)
      AND NOT EXISTS (SELECT FROM exception_case e WHERE e.payment_id = p.id)
      AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id)
    ORDER BY p.paid_at, p.source, p.external_id
    ON CONFLICT DO NOTHING;
    WITH due AS MATERIALIZED (
        SELECT d::date AS paid_day, g.method, working_days_after(d::date, g.working_days) AS due
        FROM generate_series(day - kept_days, day, interval '1 day') d, channel_grace g
    ), alone AS MATERIALIZED (
        SELECT p.id, p.account_id, p.amount, p.method, p.source, p.external_id, p.paid_at FROM payment p
        WHERE business_day(p.paid_at) BETWEEN day - kept_days AND day AND p.source NOT IN ('statement', 'basket')
          AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
          AND NOT EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = p.id)
    ), late AS (
        SELECT p.*, due.paid_day FROM alone p JOIN due ON due.paid_day = business_day(p.paid_at) AND due.method = p.method WHERE due.due <= day)
    INSERT INTO exception_case (reason, payment_id, account_id, amount, booked_on, opened_at)
    SELECT 'payment_without_line', p.id, p.account_id, p.amount, p.paid_day, reconcile_payments.at
    FROM late p
    WHERE CASE WHEN p.method = 'vietqr'
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

-- Why a line waits is asked about every line that waits, every night.
CREATE INDEX exception_of_amount ON exception_case (account_id, amount) WHERE state <> 'resolved';
