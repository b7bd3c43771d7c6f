-- The books: days, periods, remittance, indicators; the audit of dossiers, receipts and money; the exception desk.
--
-- Every report is made of natural keys only, from lines, payments and requests, never from when a run happened to book them: the same
-- files in any order give the same bytes. daily_lines tells what stands behind each figure; daily_books adds it up.

CREATE FUNCTION line_key(l statement_line) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT concat_ws('/', a.account_number, (l).booked_on, left(encode((l).fingerprint, 'hex'), 16), (l).occurrence)
    FROM receiving_account a WHERE a.id = (l).account_id
$$;

-- Money on its day: the bank's booking day where a line or a batch's line shows it, else the business day it was paid.
CREATE VIEW money AS
    SELECT p.id AS payment_id, p.request_id, p.account_id, a.account_number, p.method, p.amount, p.source,
           coalesce(l.booked_on, b.shown_on, business_day(p.paid_at)) AS day,
           CASE WHEN l.id IS NOT NULL THEN 'line' WHEN b.batch_id IS NOT NULL THEN 'batch' ELSE 'none' END AS shown,
           CASE WHEN p.source <> 'statement' THEN p.paid_at END AS told_at,
           CASE WHEN l.id IS NOT NULL THEN concat_ws('/', a.account_number, l.booked_on, left(encode(l.fingerprint, 'hex'), 16), l.occurrence)
                ELSE p.source || '/' || p.external_id END AS key
    FROM payment p JOIN receiving_account a ON a.id = p.account_id
    LEFT JOIN line_match m ON m.payment_id = p.id LEFT JOIN statement_line l ON l.id = m.line_id
    LEFT JOIN LATERAL (SELECT bp.batch_id, (SELECT min(l2.booked_on) FROM line_match m2 JOIN statement_line l2 ON l2.id = m2.line_id
                                            WHERE m2.batch_id = bp.batch_id) AS shown_on
                       FROM batch_payment bp WHERE bp.payment_id = p.id) b ON true
    WHERE NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id);
COMMENT ON VIEW money IS 'Payments on the day that counts, without those the bank took back.';

-- How the money of requests counts: which đồng were the price and which were too many is decided here, by the order of natural keys.
CREATE FUNCTION money_shares(requests bigint[])
    RETURNS TABLE (payment_id bigint, request_id bigint, day date, key text, part bigint, over bigint, settles boolean)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH one AS (
        SELECT m.*, CASE WHEN r.status = 'cancelled' THEN 0 ELSE r.amount END AS price,
               coalesce(sum(m.amount) OVER (PARTITION BY m.request_id ORDER BY m.day, m.account_number, m.key
                                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM money m JOIN payment_request r ON r.id = m.request_id WHERE m.request_id = ANY (requests)
    )
    SELECT payment_id, request_id, day, key, (least(price, before + amount) - least(price, before))::bigint,
           (amount - (least(price, before + amount) - least(price, before)))::bigint, before < price AND before + amount >= price
    FROM one
$$;

CREATE TABLE counted_method (
    indicator text NOT NULL CHECK (indicator IN ('cash_free', 'online_payment')),
    method    text NOT NULL,
    basis     text NOT NULL,
    PRIMARY KEY (indicator, method)
);
COMMENT ON TABLE counted_method IS 'What counts for which indicator; two lists, for the figures are not the same: cash-free collection, and online payment on the National Portal''s platform (QĐ 766/QĐ-TTg).';
INSERT INTO counted_method VALUES
    ('cash_free', 'vietqr', 'Thanh toán không dùng tiền mặt: chuyển khoản'), ('cash_free', 'pos', 'Thanh toán không dùng tiền mặt: thẻ'),
    ('cash_free', 'wallet', 'Thanh toán không dùng tiền mặt: ví điện tử'), ('cash_free', 'portal', 'Thanh toán không dùng tiền mặt: Cổng DVCQG'),
    ('online_payment', 'portal', 'QĐ 766/QĐ-TTg, nhóm 4: nền tảng thanh toán trực tuyến của Cổng DVCQG');

-- What stands behind each figure of a day: section, key of the figure, natural key of the line behind it, amount.
CREATE FUNCTION daily_lines(wanted date) RETURNS TABLE (section text, key text, item text, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH paid AS MATERIALIZED (
        SELECT m.*, r.reference, r.dossier, d.agency, d.applicant_commune, r.created_by, r.settled_at
        FROM money m LEFT JOIN payment_request r ON r.id = m.request_id LEFT JOIN dossier d ON d.code = r.dossier
        WHERE m.day = wanted
    ), settled AS MATERIALIZED (
        SELECT s.request_id, s.part, s.over, s.key, s.settles
        FROM money_shares(ARRAY(SELECT DISTINCT request_id FROM paid WHERE request_id IS NOT NULL)) s WHERE s.day = wanted
    ), line AS MATERIALIZED (
        SELECT l.amount, a.account_number, m.rule, m.line_id IS NOT NULL AS matched, e.reason, e.state, w.line_id IS NOT NULL AS pending,
               concat_ws('/', a.account_number, l.booked_on, left(encode(l.fingerprint, 'hex'), 16), l.occurrence) AS key, p.place
        FROM statement_line l JOIN receiving_account a ON a.id = l.account_id JOIN line_place p ON p.line_id = l.id
        LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN exception_case e ON e.line_id = l.id
        LEFT JOIN line_pending w ON w.line_id = l.id WHERE l.booked_on = wanted
    )
    SELECT '01 collections by method', method, p.key, p.amount FROM paid p
    UNION ALL SELECT '02 collections by agency', coalesce(agency, 'unallocated'), p.key, p.amount FROM paid p
    UNION ALL SELECT '03 settled requests by fee', l.fee, r.reference, l.net
        FROM settled s JOIN payment_request r ON r.id = s.request_id JOIN request_line l ON l.request_id = r.id WHERE s.settles
    UNION ALL SELECT '04 collections by commune', coalesce(applicant_commune, 'unknown'), p.key, p.amount FROM paid p
    UNION ALL SELECT '05 collections by cashier', coalesce(created_by, 'unallocated'), p.key, p.amount FROM paid p WHERE created_by LIKE 'staff:%'
    UNION ALL SELECT '06 collections by hour', coalesce(to_char(told_at AT TIME ZONE 'UTC' + interval '7 hours', 'HH24'), 'statement'), p.key, p.amount FROM paid p
    UNION ALL SELECT '07 cash free', CASE WHEN c.method IS NOT NULL THEN 'cash_free' ELSE 'other' END, p.key, p.amount
        FROM paid p LEFT JOIN counted_method c ON c.indicator = 'cash_free' AND c.method = p.method
    UNION ALL SELECT '08 refunds', 'surplus', s.key, s.over FROM settled s WHERE s.over > 0
    UNION ALL SELECT '09 refunds paid', f.reason, coalesce(r.reference, f.id::text), f.amount
        FROM line_refund x JOIN statement_line l ON l.id = x.line_id JOIN refund f ON f.id = x.refund_id LEFT JOIN payment_request r ON r.id = f.request_id
        WHERE l.booked_on = wanted
    UNION ALL SELECT '10 receipts issued', b.collector || ' ' || b.form || ' ' || b.symbol, lpad(x.number::text, 8, '0'), x.total
        FROM receipt x JOIN receipt_book b ON b.id = x.book_id WHERE x.issued_on = wanted
    UNION ALL SELECT '11 exemptions by ground', coalesce(l.reduction_basis, l.legal_basis), r.reference, l.reduction
        FROM payment_request r JOIN request_line l ON l.request_id = r.id WHERE r.priced_on = wanted AND l.reduction > 0
    UNION ALL SELECT '12 at the post office', p.carrier, p.code, p.collect
        FROM parcel p WHERE p.collect > 0 AND p.collected_paid IS NULL AND p.status = 'delivered' AND business_day(p.status_at) <= wanted
    UNION ALL SELECT '13 statement in', account_number, l.key, l.amount FROM line l WHERE l.amount > 0
    UNION ALL SELECT '14 statement out', account_number, l.key, -l.amount FROM line l WHERE l.amount < 0
    UNION ALL SELECT '15 not received', s.source, '', 0 FROM sources_received(wanted) s WHERE s.state = 'not received'
    UNION ALL SELECT '16 lines matched', account_number, l.key, l.amount FROM line l WHERE matched
    UNION ALL SELECT '17 lines by place plus', place || ':' || account_number, l.key, l.amount FROM line l WHERE l.amount > 0
    UNION ALL SELECT '18 lines by place minus', place || ':' || account_number, l.key, -l.amount FROM line l WHERE l.amount < 0
    UNION ALL SELECT '19 exceptions open', e.reason || CASE WHEN e.amount < 0 THEN ' minus' ELSE ' plus' END,
            CASE WHEN e.line_id IS NOT NULL THEN line_key(l) WHEN e.payment_id IS NOT NULL THEN p.source || '/' || p.external_id
                 ELSE b.source || '/' || b.batch || '/' || e.batch_ordinal END, abs(e.amount)
        FROM exception_case e LEFT JOIN statement_line l ON l.id = e.line_id LEFT JOIN payment p ON p.id = e.payment_id
        LEFT JOIN pay_out b ON b.id = e.batch_id WHERE e.booked_on <= wanted AND e.state <> 'resolved'
    UNION ALL SELECT '20 announced and not on a statement', p.method, p.key, p.amount FROM paid p WHERE shown = 'none' AND method <> 'cash'
    UNION ALL SELECT '21 differences', 'bank payments without a statement line', p.key, p.amount
        FROM paid p WHERE method = 'vietqr' AND shown = 'none' AND p.source <> 'statement'
    UNION ALL SELECT '21 differences', 'money in without a payment', l.key, l.amount
        FROM line l WHERE l.amount > 0 AND NOT matched AND place NOT IN ('interest', 'transfer')
    UNION ALL SELECT '21 differences', 'lines without a fate', l.key, l.amount FROM line l WHERE pending
    UNION ALL SELECT '21 differences', 'requests and their payments', r.reference, r.allocated - x.told
        FROM (SELECT s.request_id, sum(s.part)::bigint AS told FROM money_shares(ARRAY(SELECT DISTINCT request_id FROM settled)) s GROUP BY 1) x
        JOIN payment_request r ON r.id = x.request_id WHERE r.allocated <> x.told
    UNION ALL SELECT '21 differences', 'settled requests without their receipt', r.reference, due.fees
        FROM settled s JOIN payment_request r ON r.id = s.request_id,
             LATERAL (SELECT sum(l.net)::bigint AS fees FROM request_line l WHERE l.request_id = r.id AND l.document = 'state_receipt') due
        WHERE s.settles AND due.fees > 0 AND NOT EXISTS (SELECT FROM receipt x WHERE x.request_id = r.id)
    UNION ALL SELECT '21 differences', 'receipts of another sum than their request', r.reference, abs(issued.total - due.fees)
        FROM settled s JOIN payment_request r ON r.id = s.request_id,
             LATERAL (SELECT sum(l.net)::bigint AS fees FROM request_line l WHERE l.request_id = r.id AND l.document = 'state_receipt') due,
             LATERAL (SELECT sum(x.total)::bigint AS total FROM receipt x WHERE x.request_id = r.id
                      AND NOT EXISTS (SELECT FROM receipt y WHERE y.replaces = x.id)) issued
        WHERE s.settles AND issued.total <> due.fees
$$;

CREATE OR REPLACE FUNCTION daily_books(wanted date) RETURNS TABLE (section text, key text, count bigint, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT substr(b.section, 4), b.key, count(*), sum(b.amount)::bigint FROM daily_lines(wanted) b
    GROUP BY b.section, b.key ORDER BY b.section COLLATE "C", b.key COLLATE "C"
$$;

-- The audit: a paid dossier, its receipt and its money are three tellings of one fact. Each break is one row; nothing here is repaired. ---

CREATE FUNCTION reconcile_audit() RETURNS TABLE (problem text, subject text, difference bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    -- Requests and their money
    SELECT 'request_allocated_differs', r.reference, r.allocated - coalesce(p.allocated, 0)
    FROM payment_request r LEFT JOIN (SELECT request_id, sum(allocated)::bigint AS allocated FROM payment GROUP BY 1) p ON p.request_id = r.id
    WHERE r.allocated <> coalesce(p.allocated, 0)
    UNION ALL
    SELECT 'request_surplus_differs', r.reference, r.surplus - coalesce(p.surplus, 0)
    FROM payment_request r LEFT JOIN (SELECT request_id, sum(surplus)::bigint AS surplus FROM payment GROUP BY 1) p ON p.request_id = r.id
    WHERE r.surplus <> coalesce(p.surplus, 0)
    UNION ALL
    SELECT 'request_price_differs', r.reference, r.amount - l.total
    FROM payment_request r JOIN (SELECT request_id, sum(net)::bigint AS total FROM request_line GROUP BY 1) l ON l.request_id = r.id
    WHERE l.total <> r.amount
    UNION ALL
    SELECT 'request_status_differs', r.reference, 0
    FROM payment_request r
    WHERE r.status IN ('pending', 'expired', 'partly_paid', 'paid', 'overpaid')
      AND CASE WHEN r.allocated = 0 THEN r.status NOT IN ('pending', 'expired') WHEN r.allocated < r.amount THEN r.status <> 'partly_paid'
               WHEN r.surplus > 0 THEN r.status <> 'overpaid' ELSE r.status <> 'paid' END
    UNION ALL
    SELECT 'settled_day_missing', r.reference, 0 FROM payment_request r WHERE (r.settled_at IS NULL) <> (r.paid_on IS NULL)
    UNION ALL
    SELECT 'payment_on_another_account', p.source || '/' || p.external_id, p.amount
    FROM payment p JOIN payment_request r ON r.id = p.request_id WHERE r.account_id <> p.account_id
    UNION ALL
    SELECT 'surplus_without_refund_case', p.source || '/' || p.external_id, p.surplus - coalesce(f.amount, 0)
    FROM payment p LEFT JOIN (SELECT payment_id, sum(amount)::bigint AS amount FROM refund WHERE reason IN ('surplus', 'double', 'after_cancel', 'nothing_due') AND state NOT IN ('refused', 'failed')
                              GROUP BY 1) f ON f.payment_id = p.id WHERE coalesce(f.amount, 0) <> p.surplus
    UNION ALL
    SELECT 'payment_without_identity', p.source || '/' || p.external_id, p.amount
    FROM payment p LEFT JOIN external_transaction t ON t.source = p.source AND t.external_id = p.external_id WHERE t.payment_id IS DISTINCT FROM p.id
    UNION ALL
    SELECT 'identity_without_payment', t.source || '/' || t.external_id, 0
    FROM external_transaction t WHERE t.payment_id IS NOT NULL AND NOT EXISTS (SELECT FROM payment p WHERE p.id = t.payment_id)
    UNION ALL
    -- The ledger
    SELECT 'payment_without_journal', p.source || '/' || p.external_id, p.amount
    FROM payment p WHERE NOT EXISTS (SELECT FROM journal j WHERE j.payment_id = p.id AND j.kind = 'payment')
    UNION ALL
    SELECT 'payment_journalled_twice', p.source || '/' || p.external_id, p.amount
    FROM payment p WHERE (SELECT count(*) FROM journal j WHERE j.payment_id = p.id AND j.kind = 'payment') > 1
    UNION ALL
    SELECT 'payment_journal_amount', p.source || '/' || p.external_id, e.amount - p.amount
    FROM payment p JOIN journal j ON j.payment_id = p.id AND j.kind = 'payment'
    JOIN entry e ON e.booked_month = j.booked_month AND e.journal_id = j.id AND e.ordinal = 1 WHERE e.amount <> p.amount
    UNION ALL
    SELECT 'payment_journal_account', p.source || '/' || p.external_id, p.amount
    FROM payment p JOIN receiving_account ra ON ra.id = p.account_id JOIN journal j ON j.payment_id = p.id AND j.kind = 'payment'
    JOIN entry e ON e.booked_month = j.booked_month AND e.journal_id = j.id AND e.ordinal = 1
    JOIN account a ON a.id = e.account_id WHERE a.code NOT IN ('clearing:' || ra.account_number, 'post:' || ra.account_number)
    UNION ALL
    SELECT 'journal_unbalanced', j.kind || ' ' || j.booked_on || ' ' || j.id, sum(e.amount)::bigint
    FROM journal j JOIN entry e ON e.booked_month = j.booked_month AND e.journal_id = j.id GROUP BY j.booked_month, j.id HAVING sum(e.amount) <> 0
    UNION ALL
    SELECT 'journal_empty', j.kind || ' ' || j.booked_on || ' ' || j.id, 0
    FROM journal j WHERE NOT EXISTS (SELECT FROM entry e WHERE e.booked_month = j.booked_month AND e.journal_id = j.id)
    UNION ALL
    SELECT 'collector_balance_differs', c.collector, coalesce(b.owed, 0) - c.settled
    FROM (SELECT collector, sum(CASE WHEN settled_at IS NOT NULL THEN allocated ELSE 0 END)::bigint AS settled FROM payment_request
          WHERE account_id IS NOT NULL GROUP BY 1) c
    LEFT JOIN (SELECT substr(a.code, 9) AS collector, -sum(e.amount)::bigint AS owed FROM entry e JOIN account a ON a.id = e.account_id
               JOIN journal j ON j.booked_month = e.booked_month AND j.id = e.journal_id
               WHERE a.code LIKE 'payable:%' AND j.kind IN ('payment', 'settle', 'assign', 'reversal') GROUP BY 1) b ON b.collector = c.collector
    WHERE coalesce(b.owed, 0) <> c.settled
    UNION ALL
    -- Statements and their lines
    SELECT 'line_without_fate', line_key(l), l.amount FROM statement_line l
    WHERE NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = l.id) AND NOT EXISTS (SELECT FROM exception_case e WHERE e.line_id = l.id)
      AND NOT EXISTS (SELECT FROM line_pending w WHERE w.line_id = l.id)
    UNION ALL
    SELECT 'line_without_words', line_key(l), l.amount FROM statement_line l
    WHERE NOT EXISTS (SELECT FROM statement_line_text t WHERE t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date)
    UNION ALL
    SELECT 'match_amount_differs', line_key(l), l.amount - p.amount
    FROM line_match m JOIN statement_line l ON l.id = m.line_id JOIN payment p ON p.id = m.payment_id WHERE l.amount <> p.amount
    UNION ALL
    SELECT 'match_on_another_account', line_key(l), l.amount
    FROM line_match m JOIN statement_line l ON l.id = m.line_id JOIN payment p ON p.id = m.payment_id WHERE l.account_id <> p.account_id
    UNION ALL
    SELECT 'match_far_apart', line_key(l), l.booked_on - business_day(p.paid_at)
    FROM line_match m JOIN statement_line l ON l.id = m.line_id JOIN payment p ON p.id = m.payment_id
    WHERE m.rule <> 'person' AND abs(l.booked_on - business_day(p.paid_at)) > 60
    UNION ALL
    SELECT 'matched_line_still_open', line_key(l), l.amount
    FROM line_match m JOIN statement_line l ON l.id = m.line_id JOIN exception_case e ON e.line_id = l.id AND e.state <> 'resolved'
    UNION ALL
    SELECT 'statement_sum_differs', s.account || ' ' || s.number, s.sum_in - s.sum_out - (s.closing - s.opening)
    FROM statement s WHERE s.state = 'accepted' AND s.opening + s.sum_in - s.sum_out <> s.closing
    UNION ALL
    SELECT 'statement_lines_missing', s.account || ' ' || s.number, s.new_lines - coalesce(l.count, 0)
    FROM statement s LEFT JOIN (SELECT statement_id, count(*) FROM statement_line GROUP BY 1) l ON l.statement_id = s.id
    WHERE s.state = 'accepted' AND s.new_lines <> coalesce(l.count, 0)
    UNION ALL
    SELECT 'statement_not_journalled', s.account || ' ' || s.number, s.sum_in - s.sum_out
    FROM statement s WHERE s.state = 'accepted' AND s.new_lines > 0 AND NOT EXISTS (SELECT FROM statement_journal j WHERE j.statement_id = s.id)
      AND EXISTS (SELECT FROM statement_line l WHERE l.statement_id = s.id AND l.amount <> 0)
      AND NOT EXISTS (SELECT FROM line_unposted u JOIN statement_line l ON l.id = u.line_id WHERE l.statement_id = s.id)
    UNION ALL
    SELECT 'statement_journal_differs', s.account || ' ' || s.number, d.amount
    FROM (SELECT statement_id, sum(amount)::bigint AS amount FROM (
              SELECT l.statement_id, -l.amount AS amount FROM statement_line l
              UNION ALL
              SELECT j.statement_id, e.amount FROM statement_journal j JOIN entry e ON e.booked_month = j.booked_month AND e.journal_id = j.journal_id
              JOIN account a ON a.id = e.account_id WHERE a.code LIKE 'bank:%') x GROUP BY 1 HAVING sum(amount) <> 0) d
    JOIN statement s ON s.id = d.statement_id
    WHERE EXISTS (SELECT FROM statement_journal j WHERE j.statement_id = s.id)
    UNION ALL
    -- Batches
    SELECT 'batch_credit_differs', b.source || '/' || b.batch, x.come - b.net
    FROM pay_out b JOIN (SELECT m.batch_id, sum(l.amount)::bigint AS come FROM line_match m JOIN statement_line l ON l.id = m.line_id
                                  WHERE m.batch_id IS NOT NULL GROUP BY 1) x ON x.batch_id = b.id WHERE x.come <> b.net
    UNION ALL
    SELECT 'batch_items_differ', b.source || '/' || b.batch, b.gross - coalesce(i.gross, 0)
    FROM pay_out b LEFT JOIN (SELECT batch_id, sum(amount)::bigint AS gross FROM pay_out_item GROUP BY 1) i ON i.batch_id = b.id
    WHERE b.gross <> coalesce(i.gross, 0)
    UNION ALL
    SELECT 'batch_payment_differs', p.source || '/' || p.external_id, p.amount - i.amount
    FROM batch_payment bp JOIN payment p ON p.id = bp.payment_id JOIN pay_out_item i ON i.batch_id = bp.batch_id AND i.ordinal = bp.ordinal
    WHERE p.amount <> i.amount
    UNION ALL
    SELECT 'batch_payment_without_credit', p.source || '/' || p.external_id, p.amount
    FROM batch_payment bp JOIN payment p ON p.id = bp.payment_id WHERE NOT EXISTS (SELECT FROM line_match m WHERE m.batch_id = bp.batch_id)
    UNION ALL
    -- Receipts
    SELECT 'receipt_missing', r.reference, due.fees
    FROM payment_request r, LATERAL (SELECT sum(l.net)::bigint AS fees FROM request_line l WHERE l.request_id = r.id AND l.document = 'state_receipt') due
    WHERE r.settled_at IS NOT NULL AND due.fees > 0 AND NOT EXISTS (SELECT FROM receipt x WHERE x.request_id = r.id AND x.collector = r.collector)
    UNION ALL
    SELECT 'receipt_without_money', b.form || '/' || b.symbol || '/' || x.number, x.total
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id JOIN payment_request r ON r.id = x.request_id
    WHERE r.settled_at IS NULL AND NOT EXISTS (SELECT FROM receipt y WHERE y.replaces = x.id)
    UNION ALL
    SELECT 'receipt_total_differs', b.form || '/' || b.symbol || '/' || x.number, x.total - due.fees
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id,
         LATERAL (SELECT coalesce(sum(l.net), 0)::bigint AS fees FROM request_line l WHERE l.request_id = x.request_id AND l.document = 'state_receipt') due
    WHERE x.total <> due.fees AND NOT EXISTS (SELECT FROM receipt y WHERE y.replaces = x.id)
    UNION ALL
    SELECT 'receipt_doubled', r.reference, sum(x.total)::bigint
    FROM receipt x JOIN payment_request r ON r.id = x.request_id WHERE NOT EXISTS (SELECT FROM receipt y WHERE y.replaces = x.id)
    GROUP BY r.reference, x.collector HAVING count(*) > 1
    UNION ALL
    SELECT 'receipt_of_another_collector', b.form || '/' || b.symbol || '/' || x.number, x.total
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id JOIN payment_request r ON r.id = x.request_id
    WHERE x.collector <> r.collector OR b.collector <> x.collector
    UNION ALL
    SELECT 'receipt_for_no_number', b.form || '/' || b.symbol || '/' || x.number, x.total
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id
    WHERE NOT EXISTS (SELECT FROM receipt_number n WHERE n.book_id = x.book_id AND n.number = x.number)
    UNION ALL
    SELECT 'receipt_number_gap', b.form || '/' || b.symbol || '/' || n.number, 0
    FROM receipt_number n JOIN receipt_book b ON b.id = n.book_id
    WHERE n.number > n.first_number AND NOT EXISTS (SELECT FROM receipt_number o WHERE o.book_id = n.book_id AND o.number = n.number - 1)
    UNION ALL
    SELECT 'receipt_before_money', b.form || '/' || b.symbol || '/' || x.number, 0
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id JOIN payment_request r ON r.id = x.request_id WHERE x.issued_on < r.priced_on
    ORDER BY 1, 2
$$;
COMMENT ON FUNCTION reconcile_audit IS 'Paid dossier ⇔ receipt ⇔ money: every break, one row each; empty when the books are whole.';

-- Periods ------------------------------------------------------------------------------------------------------------------------

CREATE TABLE treasury_remittance (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collector   text        NOT NULL,
    fee         text        NOT NULL,
    remitted_on date        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount >= 0),
    retained    bigint      NOT NULL CHECK (retained >= 0),
    document    text        NOT NULL,           -- giấy nộp tiền
    proposed_by text        NOT NULL,
    approved_by text,
    at          timestamptz NOT NULL,
    UNIQUE (collector, fee, document),
    CHECK (approved_by <> proposed_by)
);
COMMENT ON TABLE treasury_remittance IS 'What went to the treasury and what the collector kept, by the slip that proves it; counts when a second person approved.';

-- Fees of settled requests by the day their last đồng came, by natural keys.
CREATE FUNCTION fees_settled(first date, last date) RETURNS TABLE (collector text, fee text, name text, reference text, day date, net bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.collector, l.fee, l.name, r.reference, s.day, l.net
    FROM money_shares(ARRAY(SELECT DISTINCT m.request_id FROM money m WHERE m.request_id IS NOT NULL AND m.day BETWEEN first AND last)) s
    JOIN payment_request r ON r.id = s.request_id JOIN request_line l ON l.request_id = r.id
    WHERE s.settles AND s.day BETWEEN first AND last AND l.kind <> 'postal'
$$;

-- Collector by collector and fee by fee: opening + collected − refunded − remitted − retained = closing.
CREATE FUNCTION period_books(first date, last date)
    RETURNS TABLE (collector text, fee text, name text, opening bigint, collected bigint, refunded bigint, remitted bigint, retained bigint, closing bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH moved AS (
        SELECT f.collector, f.fee, f.day, f.net AS collected, 0::bigint AS refunded, 0::bigint AS remitted, 0::bigint AS retained
        FROM fees_settled('0001-01-01', last) f
        UNION ALL
        SELECT r.collector, (SELECT l.fee FROM request_line l WHERE l.request_id = r.id ORDER BY l.net DESC, l.ordinal LIMIT 1),
               x.paid_day, 0, x.amount, 0, 0
        FROM (SELECT f.*, coalesce((SELECT l.booked_on FROM line_refund v JOIN statement_line l ON l.id = v.line_id WHERE v.refund_id = f.id),
                                   business_day(f.changed_at)) AS paid_day FROM refund f) x JOIN payment_request r ON r.id = x.request_id
        WHERE x.state = 'paid' AND x.reason IN ('fee_rule', 'correction') AND x.paid_day <= last
        UNION ALL
        SELECT t.collector, t.fee, t.remitted_on, 0, 0, t.amount, t.retained FROM treasury_remittance t
        WHERE t.approved_by IS NOT NULL AND t.remitted_on <= last
    )
    SELECT m.collector, m.fee, coalesce((SELECT min(l.name) FROM request_line l WHERE l.fee = m.fee), m.fee),
           coalesce(sum(m.collected - m.refunded - m.remitted - m.retained) FILTER (WHERE m.day < first), 0)::bigint,
           coalesce(sum(m.collected) FILTER (WHERE m.day >= first), 0)::bigint, coalesce(sum(m.refunded) FILTER (WHERE m.day >= first), 0)::bigint,
           coalesce(sum(m.remitted) FILTER (WHERE m.day >= first), 0)::bigint, coalesce(sum(m.retained) FILTER (WHERE m.day >= first), 0)::bigint,
           sum(m.collected - m.refunded - m.remitted - m.retained)::bigint
    FROM moved m GROUP BY m.collector, m.fee ORDER BY m.collector COLLATE "C", m.fee COLLATE "C"
$$;

-- What a month up to a day collected for the budget, by collector and fee; the catalogue's facts split it.
CREATE FUNCTION treasury_due(wanted date) RETURNS TABLE (collector text, fee text, name text, since date, until date, collected bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT f.collector, f.fee, min(f.name), date_trunc('month', wanted)::date, wanted, sum(f.net)::bigint
    FROM fees_settled(date_trunc('month', wanted)::date, wanted) f GROUP BY 1, 2 ORDER BY f.collector COLLATE "C", f.fee COLLATE "C"
$$;

-- Two figures that are often taken for one: money collected without cash (đồng), and dossiers with something to pay that were paid online
-- on the National Portal (QĐ 766/QĐ-TTg; what costs nothing leaves the denominator). Each names the methods it counts.
CREATE FUNCTION indicators(first date, last date)
    RETURNS TABLE (indicator text, agency text, numerator bigint, denominator bigint, share text, counted text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH told AS (
        SELECT d.agency, d.code, m.method, m.amount FROM money m JOIN payment_request r ON r.id = m.request_id JOIN dossier d ON d.code = r.dossier
        WHERE m.day BETWEEN first AND last
    ), figure AS (
        SELECT 'cash_free' AS indicator, agency, coalesce(sum(amount) FILTER (WHERE method IN (SELECT method FROM counted_method
               WHERE indicator = 'cash_free')), 0)::bigint AS up, sum(amount)::bigint AS down FROM told GROUP BY agency
        UNION ALL
        SELECT 'online_payment', agency, count(DISTINCT code) FILTER (WHERE method IN (SELECT method FROM counted_method
               WHERE indicator = 'online_payment')), count(DISTINCT code) FROM told GROUP BY agency
    )
    SELECT f.indicator, f.agency, f.up, f.down, to_char(round(f.up * 100.0 / nullif(f.down, 0), 2), 'FM990.00'),
           (SELECT string_agg(c.method, ' ' ORDER BY c.method COLLATE "C") FROM counted_method c WHERE c.indicator = f.indicator)
    FROM figure f ORDER BY f.indicator COLLATE "C", f.agency COLLATE "C"
$$;

-- Closing of days and periods -----------------------------------------------------------------------------------------------------

CREATE TABLE day_close (
    day       date        PRIMARY KEY,
    closed_at timestamptz NOT NULL,
    closed_by text        NOT NULL,
    digest    bytea       NOT NULL              -- SHA-256 over the day's lines when it was closed
);
COMMENT ON TABLE day_close IS 'Days that are closed: what was still open stands in day_close_item, its later solution is booked in the open day.';
CREATE TRIGGER day_close_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON day_close FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE day_close_item (
    day          date    NOT NULL REFERENCES day_close,
    exception_id bigint  NOT NULL REFERENCES exception_case,
    reason       text    NOT NULL,
    amount       bigint  NOT NULL,
    owner        text,
    age_days     integer NOT NULL,
    PRIMARY KEY (day, exception_id)
);
COMMENT ON TABLE day_close_item IS 'The suspense list of a closed day, with owner and age.';
CREATE TRIGGER day_close_item_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON day_close_item
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Back from a solution to the days that had listed it as open.
CREATE VIEW day_close_solved AS
    SELECT i.day, i.exception_id, e.reason, e.amount, business_day(e.resolved_at) AS solved_on, e.resolution, e.resolved_by
    FROM day_close_item i JOIN exception_case e ON e.id = i.exception_id WHERE e.state = 'resolved';
COMMENT ON VIEW day_close_solved IS 'Later solutions of what a closed day had listed, with the day they are booked in.';

-- Returns 'closed', or why not: 'closed already', 'not over', 'pending' (lines without a fate).
CREATE FUNCTION day_close(at timestamptz, wanted date, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF wanted >= business_day(at) THEN
        RETURN 'not over';
    ELSIF EXISTS (SELECT FROM line_pending w JOIN statement_line l ON l.id = w.line_id WHERE l.booked_on <= wanted) THEN
        RETURN 'pending';
    END IF;
    INSERT INTO day_close (day, closed_at, closed_by, digest)
    SELECT wanted, at, actor, sha256(convert_to(coalesce(string_agg(concat_ws('|', d.section, d.key, d.item, d.amount), E'\n'
           ORDER BY d.section COLLATE "C", d.key COLLATE "C", d.item COLLATE "C", d.amount), ''), 'UTF8'))
    FROM daily_lines(wanted) d ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'closed already';
    END IF;
    INSERT INTO day_close_item (day, exception_id, reason, amount, owner, age_days)
    SELECT wanted, e.id, e.reason, e.amount, e.owner, wanted - e.booked_on FROM exception_case e WHERE e.state <> 'resolved' AND e.booked_on <= wanted;
    PERFORM audit_record(at, actor, 'day.close', wanted::text, '{}');
    RETURN 'closed';
END $$;

CREATE TABLE period_act (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collector   text        NOT NULL,
    first_day   date        NOT NULL,
    last_day    date        NOT NULL CHECK (last_day >= first_day),
    act         text        NOT NULL CHECK (act IN ('lock', 'reopen')),
    why         text        NOT NULL,
    proposed_by text        NOT NULL,
    approved_by text,
    at          timestamptz NOT NULL,
    CHECK (approved_by <> proposed_by)
);
COMMENT ON TABLE period_act IS 'Months, quarters and years of a collector are locked and opened again by two people; the last approved act counts.';

-- Proposes an act, or approves the one another person proposed. Returns 'proposed', 'approved' or 'second_person'.
CREATE FUNCTION period_decide(at timestamptz, actor text, of_collector text, first date, last date, wanted text, because text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    open period_act;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('period ' || current_schema() || of_collector));
    SELECT * INTO open FROM period_act p WHERE p.collector = of_collector AND p.first_day = first AND p.last_day = last AND p.act = wanted
        AND p.approved_by IS NULL ORDER BY p.id DESC LIMIT 1;
    IF open.id IS NULL THEN
        INSERT INTO period_act (collector, first_day, last_day, act, why, proposed_by, at)
        VALUES (of_collector, first, last, wanted, because, actor, period_decide.at);
    ELSIF open.proposed_by = actor THEN
        RETURN 'second_person';
    ELSE
        UPDATE period_act SET approved_by = actor WHERE id = open.id;
    END IF;
    PERFORM audit_record(at, actor, 'period.' || wanted, of_collector || ' ' || first || ' ' || last, jsonb_build_object('why', because));
    RETURN CASE WHEN open.id IS NULL THEN 'proposed' ELSE 'approved' END;
END $$;

CREATE FUNCTION period_locked(of_collector text, day date) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce((SELECT act = 'lock' FROM period_act p WHERE p.collector = of_collector AND day BETWEEN p.first_day AND p.last_day
                     AND p.approved_by IS NOT NULL ORDER BY p.id DESC LIMIT 1), false)
$$;
CREATE FUNCTION remittance_keeps_out() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF period_locked(NEW.collector, NEW.remitted_on) THEN
        RAISE EXCEPTION 'the period is locked' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER remittance_keeps_out BEFORE INSERT OR UPDATE ON treasury_remittance FOR EACH ROW EXECUTE FUNCTION remittance_keeps_out();
