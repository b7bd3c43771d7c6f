-- A backlog of receipts drains beside the payments: less work per receipt, the same promises.
--
-- Measured per receipt: what was due was looked up twice and by functions per row, each receipt had a job of its own between number
-- and signature, and plans kept from when the tables were small walked through all of them later.

-- Receipts are text that repeats itself: lz4 reads and writes it several times faster than the default. Old rows stay as they are.
DO $$
BEGIN
    ALTER TABLE receipt ALTER COLUMN unsigned_xml SET COMPRESSION lz4, ALTER COLUMN signed_xml SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;   -- a server without lz4 goes on with the default
END $$;

-- Which receipts are missing among these requests, and whose numbers they take: settled, with state fees to pay, none issued. The
-- rules are looked at per request only where there are any.
CREATE FUNCTION receipt_wanted(at timestamptz, requests bigint[])
    RETURNS TABLE (request bigint, collector text, outlet text)
    LANGUAGE sql STABLE ROWS 256 SET search_path FROM CURRENT SET enable_seqscan = off AS $$
    WITH told AS MATERIALIZED (
        SELECT r.id, r.collector,
               CASE WHEN (SELECT count(*) FROM receipt_outlet_rule) = 0 THEN '' ELSE receipt_outlet(r.id) END AS outlet
        FROM payment_request r
        WHERE r.id = ANY (requests) AND r.settled_at IS NOT NULL
          AND EXISTS (SELECT FROM request_line l WHERE l.request_id = r.id AND l.document = 'state_receipt'
                      AND l.kind IN ('phi', 'le_phi') AND l.net > 0)
          AND NOT EXISTS (SELECT FROM receipt x WHERE x.request_id = r.id AND x.collector = r.collector)
          AND NOT EXISTS (SELECT FROM receipt_delegated x WHERE x.request_id = r.id)),
    desk AS MATERIALIZED (SELECT DISTINCT t.collector, t.outlet FROM told t)
    SELECT t.id, t.collector, t.outlet FROM told t JOIN desk k ON k.collector = t.collector AND k.outlet = t.outlet
    WHERE NOT receipt_outlet_elsewhere(receipt_wanted.at, k.collector, k.outlet)
    ORDER BY t.id
$$;
COMMENT ON FUNCTION receipt_wanted IS 'Postage and services never enter; part payments have none; nothing due has none; a delegate''s are in its list.';

CREATE OR REPLACE FUNCTION receipt_due(at timestamptz, requests bigint[])
    RETURNS TABLE (request bigint, reference text, dossier text, collector text, collector_name text, collector_address text,
                   collector_phone text, account text, payer jsonb, applicant text, applicant_address text, applicant_id text,
                   methods text[], paid_on date, total bigint, lines jsonb, outlet text)
    LANGUAGE sql STABLE ROWS 256 SET search_path FROM CURRENT SET enable_seqscan = off AS $$
    SELECT r.id, r.reference, r.dossier, r.collector, a.name_vi, a.address, a.phone, ra.account_number, r.payer, d.applicant_name,
           d.applicant_address, d.applicant_id_number,
           ARRAY(SELECT DISTINCT p.method FROM payment p WHERE p.request_id = r.id AND p.allocated > 0 ORDER BY 1),
           r.paid_on, l.total, l.lines, w.outlet
    FROM receipt_wanted(receipt_due.at, requests) w
    JOIN payment_request r ON r.id = w.request
    JOIN dossier d ON d.code = r.dossier
    LEFT JOIN receiving_account ra ON ra.id = r.account_id
    LEFT JOIN LATERAL (SELECT * FROM agency WHERE tax_code = r.collector ORDER BY agency.code = d.agency DESC, agency.code LIMIT 1) a ON true
    CROSS JOIN LATERAL (SELECT r.quote::jsonb -> 'lines' AS lines OFFSET 0) q
    CROSS JOIN LATERAL (
        SELECT sum(rl.net)::bigint AS total,
               jsonb_agg(jsonb_build_object('fee', rl.fee, 'name', rl.name, 'kind', rl.kind, 'amount', rl.net, 'quantity',
                         CASE WHEN jsonb_typeof(q.lines -> (rl.ordinal - 1) -> 'quantity') IN ('string', 'number')
                              THEN q.lines -> (rl.ordinal - 1) ->> 'quantity' END) ORDER BY rl.ordinal) AS lines
        FROM request_line rl
        WHERE rl.request_id = r.id AND rl.document = 'state_receipt' AND rl.kind IN ('phi', 'le_phi')) l
    ORDER BY r.id
$$;
COMMENT ON FUNCTION receipt_due IS 'What stands on the receipts that receipt_wanted names.';

-- Gives the numbers and freezes the documents, in one statement each; signing follows as one job for all of them. Arrays run in step.
-- Checks of foreign keys keep their first plan for the connection's life, so it must be one for large tables.
CREATE OR REPLACE FUNCTION receipt_freeze(at timestamptz, books integer[], ranges integer[], firsts integer[], lasts integer[], numbers integer[],
                                          requests bigint[], collectors text[], totals bigint[], tokens text[], xmls text[], replaced bigint[])
    RETURNS integer LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint[];
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true);   -- to the end of the transaction: deferred checks are planned at its end
    INSERT INTO receipt_number (book_id, number, range_id, first_number, last_number, previous)
    SELECT b, n, g, f, l, CASE WHEN n > f THEN n - 1 END FROM unnest(books, ranges, firsts, lasts, numbers) AS u (b, g, f, l, n);
    WITH frozen AS (
        INSERT INTO receipt (book_id, number, request_id, collector, issued_on, total, token_hash, unsigned_xml, frozen_at, replaces)
        SELECT b, n, r, c, business_day(at), t, decode(h, 'hex'), convert_to(x, 'UTF8'), at, o
        FROM unnest(books, numbers, requests, collectors, totals, tokens, xmls, replaced) AS u (b, n, r, c, t, h, x, o)
        RETURNING id)
    SELECT array_agg(id ORDER BY id) INTO made FROM frozen;
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT 'receipt.sign', 'receipts from ' || made[1], jsonb_build_object('receipts', made), at, at WHERE cardinality(made) > 0;
    RETURN coalesce(cardinality(made), 0);
END $$;

-- Stores signed bytes where none are yet, and says so. Returns how many were new.
CREATE OR REPLACE FUNCTION receipt_store(at timestamptz, ids bigint[], xmls text[]) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    stored bigint[];
BEGIN
    WITH fresh AS (
        UPDATE receipt r SET signed_xml = convert_to(u.x, 'UTF8'), signed_at = receipt_store.at
        FROM (SELECT i, x FROM unnest(ids, xmls) AS w (i, x) ORDER BY i) u WHERE r.id = u.i AND r.signed_xml IS NULL RETURNING r.id)
    SELECT coalesce(array_agg(id), '{}') INTO stored FROM fresh;
    PERFORM event_record(receipt_store.at,
                         array_agg(CASE WHEN r.replaces IS NULL THEN 'receipt.issued' ELSE 'receipt.replaced' END ORDER BY r.id),
                         array_agg(q.dossier ORDER BY r.id), array_agg(r.request_id ORDER BY r.id),
                         array_agg(jsonb_build_object('collector', b.collector, 'form', b.form, 'symbol', b.symbol, 'number', r.number,
                                   'issued_on', r.issued_on, 'amount', r.total, 'reference', q.reference) ORDER BY r.id))
    FROM receipt r JOIN receipt_book b ON b.id = r.book_id JOIN payment_request q ON q.id = r.request_id
    WHERE r.id = ANY (stored) HAVING count(*) > 0;
    RETURN cardinality(stored);
END $$;

-- The trigger looks only at changes that are not the plain one: signed bytes coming to a receipt that has none.
DROP TRIGGER receipt_bytes_stay ON receipt;
CREATE TRIGGER receipt_bytes_stay BEFORE UPDATE ON receipt FOR EACH ROW
    WHEN (OLD.signed_xml IS NOT NULL OR NEW.signed_xml IS NULL
          OR (NEW.id, NEW.book_id, NEW.number, NEW.request_id, NEW.collector, NEW.issued_on, NEW.total, NEW.token_hash, NEW.unsigned_xml,
              NEW.frozen_at, NEW.replaces)
             IS DISTINCT FROM
             (OLD.id, OLD.book_id, OLD.number, OLD.request_id, OLD.collector, OLD.issued_on, OLD.total, OLD.token_hash, OLD.unsigned_xml,
              OLD.frozen_at, OLD.replaces))
    EXECUTE FUNCTION receipt_bytes_stay();

-- Statements that run for every payment: planned once a connection, not at every call. Planning was half of what one payment costs.
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
    FROM made m JOIN subscription s ON s.event_kind = m.kind;
END $$;

CREATE OR REPLACE FUNCTION accounts_open(codes text[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO account (code)
    SELECT DISTINCT c FROM unnest(codes) AS u (c)
    WHERE c IS NOT NULL AND NOT EXISTS (SELECT FROM account a WHERE a.code = c) ORDER BY c
    ON CONFLICT DO NOTHING;
END $$;

CREATE OR REPLACE FUNCTION confirm_announce(at timestamptz, work confirm_work[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM event_record(confirm_announce.at, array_agg(told.kind ORDER BY told.rank), array_agg(told.dossier ORDER BY told.rank),
                        array_agg(told.request ORDER BY told.rank), array_agg(told.body ORDER BY told.rank))
    FROM (
        SELECT w.n * 10 AS rank, CASE WHEN w.request IS NULL THEN 'payment.unallocated' ELSE 'payment.settled' END AS kind,
               r.dossier, w.request,
               jsonb_build_object('source', w.source, 'external_id', w.external_id, 'method', w.method, 'amount', w.amount,
                                  'allocated', w.allocated, 'surplus', w.surplus, 'reference', w.reference,
                                  'account', w.account_number, 'bank_reference', w.bank_reference, 'paid_at', w.paid_at) AS body
        FROM unnest(work) w LEFT JOIN payment_request r ON r.id = w.request WHERE w.fresh
        UNION ALL
        SELECT w.n * 10 + 1, 'request.paid', r.dossier, r.id,
               jsonb_build_object('reference', r.reference, 'amount', r.amount, 'collector', r.collector, 'paid_on', r.paid_on)
        FROM unnest(work) w JOIN payment_request r ON r.id = w.request WHERE w.settles) told HAVING count(*) > 0;
END $$;
ALTER FUNCTION confirm(timestamptz, text[], text[], bytea[], bigint[], text[], text[], text[], text[], timestamptz[], text[], text[], bytea[],
                       integer[], text[], integer[]) SET plan_cache_mode = force_generic_plan;
