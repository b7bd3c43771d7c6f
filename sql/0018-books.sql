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
           CASE WHEN l.id IS NOT NULL THEN line_key(l) ELSE p.source || '/' || p.external_id END AS key
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
               line_key(l) AS key, p.place
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
    UNION ALL SELECT '08 owed back to payers', 'surplus', s.key, s.over FROM settled s WHERE s.over > 0
    UNION ALL SELECT '09 refunds', f.reason, coalesce(r.reference, f.id::text), f.amount
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
        LEFT JOIN settlement_batch b ON b.id = e.batch_id WHERE e.booked_on <= wanted AND e.state <> 'resolved'
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
