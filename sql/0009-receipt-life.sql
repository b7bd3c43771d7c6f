-- The life of a receipt: who numbers it where, what a delegate issued in our name, what a person must look at.
--
-- Law: NĐ 254/2026/NĐ-CP art. 25 (delegation in writing, both tax offices told at least 3 days before, ranges per outlet used
-- from low to high), art. 24 (issued when collected, dated when signed).

-- Who gives the numbers of a range, and under which agreement: {number, purpose, from, to, notified_on}.
ALTER TABLE receipt_range
    ADD COLUMN numbered_by text NOT NULL DEFAULT 'us' CHECK (numbered_by IN ('us', 'delegate')),
    ADD COLUMN agreement jsonb,
    ADD CHECK (numbered_by = 'us' OR (delegate IS NOT NULL AND agreement IS NOT NULL));
COMMENT ON COLUMN receipt_range.numbered_by IS 'us: our jobs number and sign. delegate: its own software does, and hands in lists.';

CREATE OR REPLACE FUNCTION receipt_range_keeps() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.closed_at IS NOT NULL
           OR (NEW.id, NEW.book_id, NEW.outlet, NEW.delegate, NEW.first_number, NEW.last_number, NEW.renews, NEW.opened_at, NEW.opened_by,
               NEW.numbered_by, NEW.agreement)
              IS DISTINCT FROM
              (OLD.id, OLD.book_id, OLD.outlet, OLD.delegate, OLD.first_number, OLD.last_number, OLD.renews, OLD.opened_at, OLD.opened_by,
               OLD.numbered_by, OLD.agreement)
           OR NEW.closed_after IS DISTINCT FROM receipt_range_used(NEW.id) THEN
            RAISE EXCEPTION 'receipt range % may only be closed, after its last used number', OLD.id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM 1 FROM receipt_book WHERE id = NEW.book_id FOR UPDATE;   -- one opening at a time
    IF EXISTS (SELECT FROM receipt_range r WHERE r.book_id = NEW.book_id
               AND r.first_number <= NEW.last_number AND r.last_number >= NEW.first_number) THEN
        RAISE EXCEPTION 'receipt range % to % overlaps another', NEW.first_number, NEW.last_number
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'receipt_ranges_apart';
    END IF;
    -- NĐ 254/2026 art. 25: both tax offices know at least three days before the delegate begins.
    IF NEW.agreement IS NOT NULL AND (NEW.agreement ->> 'notified_on')::date > (NEW.agreement ->> 'from')::date - 3 THEN
        RAISE EXCEPTION 'the tax offices must be told three days before' USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_range_notified';
    END IF;
    RETURN NEW;
END $$;

-- What a delegate's own software issued, as its lists say. A hole in a list is a difference for a person, never a refusal: what
-- citizens hold in their hands cannot be refused.
CREATE TABLE receipt_list (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea       NOT NULL UNIQUE,    -- SHA-256 of the file
    name        text        NOT NULL,
    imported_at timestamptz NOT NULL,
    imported_by text        NOT NULL,
    lines       integer     NOT NULL
);
COMMENT ON TABLE receipt_list IS 'Files in which a delegate tells what it issued in the collector''s name.';
CREATE TRIGGER receipt_list_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_list
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE receipt_delegated (
    book_id      integer NOT NULL REFERENCES receipt_book,
    number       integer NOT NULL,
    range_id     integer NOT NULL REFERENCES receipt_range,
    list_id      bigint  NOT NULL REFERENCES receipt_list,
    line         integer NOT NULL,
    issued_on    date    NOT NULL,
    collected_on date    NOT NULL,
    parcel       text    NOT NULL,              -- the carrier's item or our parcel code; '' none
    dossier      text    NOT NULL,              -- as written; '' none
    reference    text    NOT NULL,
    fee_names    text    NOT NULL,
    amount       bigint  NOT NULL CHECK (amount > 0),
    payer        text    NOT NULL,              -- erased after retention
    payer_tax    text    NOT NULL,
    replaces     integer,                       -- number of the same book
    request_id   bigint  REFERENCES payment_request,
    erased_at    timestamptz,
    PRIMARY KEY (book_id, number)
);
CREATE INDEX receipt_delegated_of_range ON receipt_delegated (range_id, number);
CREATE INDEX receipt_delegated_by_day ON receipt_delegated (issued_on);
CREATE INDEX receipt_delegated_of_request ON receipt_delegated (request_id) WHERE request_id IS NOT NULL;
COMMENT ON TABLE receipt_delegated IS 'One receipt of a delegate, once; tied to parcel, dossier and money by what the list says.';

CREATE FUNCTION receipt_delegated_stays() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (NEW.book_id, NEW.number, NEW.range_id, NEW.list_id, NEW.line, NEW.issued_on, NEW.collected_on, NEW.parcel, NEW.dossier,
        NEW.reference, NEW.fee_names, NEW.amount, NEW.replaces)
       IS DISTINCT FROM
       (OLD.book_id, OLD.number, OLD.range_id, OLD.list_id, OLD.line, OLD.issued_on, OLD.collected_on, OLD.parcel, OLD.dossier,
        OLD.reference, OLD.fee_names, OLD.amount, OLD.replaces)
       OR ((NEW.payer, NEW.payer_tax) IS DISTINCT FROM (OLD.payer, OLD.payer_tax) AND NEW.erased_at IS NULL) THEN
        RAISE EXCEPTION 'what a delegate issued never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_delegated_stays BEFORE UPDATE ON receipt_delegated FOR EACH ROW EXECUTE FUNCTION receipt_delegated_stays();
CREATE TRIGGER receipt_delegated_for_ever BEFORE DELETE OR TRUNCATE ON receipt_delegated
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The last number in use of a range, whoever numbers it; first_number - 1 when none is.
CREATE FUNCTION receipt_range_used(wanted integer) RETURNS integer
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(greatest((SELECT max(number) FROM receipt_number WHERE range_id = wanted),
                             (SELECT max(number) FROM receipt_delegated WHERE range_id = wanted)), first_number - 1)
    FROM receipt_range WHERE id = wanted
$$;

CREATE OR REPLACE FUNCTION receipt_range_close(at timestamptz, actor text, wanted integer, why text) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r receipt_range;
    used integer;
BEGIN
    SELECT * INTO r FROM receipt_range WHERE id = wanted FOR UPDATE;
    IF r.id IS NULL OR r.closed_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
    used := receipt_range_used(wanted);
    UPDATE receipt_range SET closed_at = at, closed_by = actor, closed_after = used, reason = why WHERE id = wanted;
    PERFORM audit_record(at, actor, 'receipt.range_close', 'range ' || wanted, jsonb_build_object('after', used, 'reason', why));
    RETURN used;
END $$;

-- Opens a range for a delegate's outlet, under an agreement.
CREATE FUNCTION receipt_range_delegate(at timestamptz, actor text, new_collector text, new_form text, new_symbol text, new_outlet text,
                                       new_delegate jsonb, new_first integer, new_last integer, new_numbered_by text, new_agreement jsonb)
    RETURNS integer LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    book integer;
    made integer;
    book_year integer := 2000 + left(new_symbol, 2)::integer;
BEGIN
    INSERT INTO receipt_book (collector, form, symbol, year, opened_at)
    VALUES (new_collector, new_form, new_symbol, book_year, at) ON CONFLICT DO NOTHING;
    SELECT id INTO book FROM receipt_book
    WHERE collector = new_collector AND form = new_form AND symbol = new_symbol AND year = book_year;
    INSERT INTO receipt_range (book_id, outlet, delegate, first_number, last_number, renews, opened_at, opened_by, numbered_by, agreement)
    VALUES (book, new_outlet, new_delegate, new_first, new_last, true, at, actor, new_numbered_by, new_agreement) RETURNING id INTO made;
    PERFORM audit_record(at, actor, 'receipt.range_open', new_collector || '/' || new_form || '/' || new_symbol,
                         jsonb_build_object('outlet', new_outlet, 'first', new_first, 'last', new_last, 'numbered_by', new_numbered_by,
                                            'agreement', new_agreement ->> 'number'));
    RETURN made;
END $$;

-- Opens last year's ranges of an outlet again under this year's symbol, once. A delegate's only while its agreement runs.
CREATE FUNCTION receipt_year_open(at timestamptz, wanted_collector text, wanted_outlet text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    this_year integer := extract(year FROM business_day(at));
    g record;
    book integer;
    new_symbol text;
BEGIN
    IF EXISTS (SELECT FROM receipt_range r JOIN receipt_book b ON b.id = r.book_id
               WHERE b.collector = wanted_collector AND b.year = this_year AND r.outlet = wanted_outlet) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('receipt year ' || current_schema() || wanted_collector));
    FOR g IN SELECT r.*, b.form, b.symbol FROM receipt_range r JOIN receipt_book b ON b.id = r.book_id
             WHERE b.collector = wanted_collector AND b.year = this_year - 1 AND r.outlet = wanted_outlet AND r.renews
               AND r.closed_at IS NULL AND (r.agreement IS NULL OR business_day(at) <= (r.agreement ->> 'to')::date)
               AND NOT EXISTS (SELECT FROM receipt_range g2 JOIN receipt_book b2 ON b2.id = g2.book_id
                               WHERE b2.collector = wanted_collector AND b2.year = this_year AND g2.outlet = wanted_outlet)
             ORDER BY r.id
    LOOP
        new_symbol := lpad((this_year % 100)::text, 2, '0') || substr(g.symbol, 3);
        INSERT INTO receipt_book (collector, form, symbol, year, opened_at)
        VALUES (wanted_collector, g.form, new_symbol, this_year, at) ON CONFLICT DO NOTHING;
        SELECT id INTO book FROM receipt_book
        WHERE collector = wanted_collector AND form = g.form AND symbol = new_symbol AND year = this_year;
        INSERT INTO receipt_range (book_id, outlet, delegate, first_number, last_number, renews, opened_at, opened_by, numbered_by, agreement)
        VALUES (book, g.outlet, g.delegate, g.first_number, g.last_number, true, at, 'machine', g.numbered_by, g.agreement);
        PERFORM audit_record(at, 'machine', 'receipt.range_open', wanted_collector || '/' || g.form || '/' || new_symbol,
                             jsonb_build_object('outlet', g.outlet, 'first', g.first_number, 'last', g.last_number));
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION receipt_reserve(at timestamptz, wanted_collector text, wanted_outlet text, wanted_count integer)
    RETURNS TABLE (book integer, range integer, first_number integer, last_number integer, form text, symbol text, number integer, delegate jsonb)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    this_year integer := extract(year FROM business_day(at));
    still integer := wanted_count;
    r record;
    used integer;
    take integer;
BEGIN
    PERFORM receipt_year_open(at, wanted_collector, wanted_outlet);
    FOR r IN
        SELECT g.*, b.form, b.symbol FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
        WHERE b.collector = wanted_collector AND b.year = this_year AND g.outlet = wanted_outlet AND g.closed_at IS NULL
          AND g.numbered_by = 'us'
          AND (g.agreement IS NULL OR business_day(at) BETWEEN (g.agreement ->> 'from')::date AND (g.agreement ->> 'to')::date)
        ORDER BY b.form, b.symbol, g.first_number FOR NO KEY UPDATE OF g
    LOOP
        SELECT coalesce(max(n.number), r.first_number - 1) INTO used FROM receipt_number n WHERE n.range_id = r.id;
        take := least(still, r.last_number - used);
        CONTINUE WHEN take <= 0;
        still := still - take;
        RETURN QUERY SELECT r.book_id, r.id, r.first_number, r.last_number, r.form, r.symbol, used + n, r.delegate
                     FROM generate_series(1, take) n;
        EXIT WHEN still = 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION receipt_reserve IS 'Low to high: ranges of an outlet are locked and used in the order of their first numbers.';

-- Where a request is receipted: by who made it (a post office's key or a member of its staff), by the account the money came to,
-- or by how it was paid. Data of the installation; nothing said means the collector's own desk.
CREATE TABLE receipt_outlet_rule (
    collector text        NOT NULL,
    kind      text        NOT NULL CHECK (kind IN ('actor', 'account', 'method')),
    value     text        NOT NULL,
    outlet    text        NOT NULL,
    set_at    timestamptz NOT NULL,
    set_by    text        NOT NULL,
    PRIMARY KEY (collector, kind, value)
);
COMMENT ON TABLE receipt_outlet_rule IS 'actor before account before method; the outlet whose range a receipt is numbered from.';

CREATE FUNCTION receipt_outlet(wanted bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce((
        SELECT u.outlet FROM payment_request r
        LEFT JOIN receiving_account a ON a.id = r.account_id
        JOIN receipt_outlet_rule u ON u.collector = r.collector
            AND CASE u.kind WHEN 'actor' THEN u.value = r.created_by WHEN 'account' THEN u.value = a.account_number
                ELSE EXISTS (SELECT FROM payment p WHERE p.request_id = r.id AND p.allocated > 0)
                     AND NOT EXISTS (SELECT FROM payment p WHERE p.request_id = r.id AND p.allocated > 0 AND p.method <> u.value) END
        WHERE r.id = wanted ORDER BY array_position(ARRAY['actor', 'account', 'method'], u.kind) LIMIT 1), '')
$$;

-- Whether a delegate's own software numbers there: then its list is waited for.
CREATE FUNCTION receipt_outlet_elsewhere(at timestamptz, wanted_collector text, wanted_outlet text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(bool_and(g.numbered_by = 'delegate'), false) FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
    WHERE b.collector = wanted_collector AND g.outlet = wanted_outlet AND g.closed_at IS NULL
      AND b.year = extract(year FROM business_day(at))
$$;

DROP FUNCTION receipt_due(bigint[]);
CREATE FUNCTION receipt_due(at timestamptz, requests bigint[])
    RETURNS TABLE (request bigint, reference text, dossier text, collector text, collector_name text, collector_address text,
                   collector_phone text, account text, payer jsonb, applicant text, applicant_address text, applicant_id text,
                   methods text[], paid_on date, total bigint, lines jsonb, outlet text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.id, r.reference, r.dossier, r.collector, a.name_vi, a.address, a.phone, ra.account_number, r.payer, d.applicant_name,
           d.applicant_address, d.applicant_id_number,
           ARRAY(SELECT DISTINCT p.method FROM payment p WHERE p.request_id = r.id AND p.allocated > 0 ORDER BY 1),
           r.paid_on, l.total, l.lines, o.outlet
    FROM payment_request r
    JOIN dossier d ON d.code = r.dossier
    LEFT JOIN receiving_account ra ON ra.id = r.account_id
    LEFT JOIN LATERAL (SELECT * FROM agency WHERE tax_code = r.collector ORDER BY agency.code = d.agency DESC, agency.code LIMIT 1) a ON true
    CROSS JOIN LATERAL (SELECT receipt_outlet(r.id) AS outlet) o
    CROSS JOIN LATERAL (
        SELECT sum(rl.net)::bigint AS total,
               jsonb_agg(jsonb_build_object('fee', rl.fee, 'name', rl.name, 'kind', rl.kind, 'amount', rl.net, 'quantity',
                         CASE WHEN jsonb_typeof(q.line -> 'quantity') IN ('string', 'number') THEN q.line ->> 'quantity' END)
                         ORDER BY rl.ordinal) AS lines
        FROM request_line rl
        LEFT JOIN LATERAL (SELECT r.quote::jsonb -> 'lines' -> (rl.ordinal - 1) AS line) q ON true
        WHERE rl.request_id = r.id AND rl.document = 'state_receipt' AND rl.kind IN ('phi', 'le_phi')) l
    WHERE r.id = ANY (requests) AND r.settled_at IS NOT NULL AND l.total > 0
      AND NOT EXISTS (SELECT FROM receipt x WHERE x.request_id = r.id AND x.collector = r.collector)
      AND NOT EXISTS (SELECT FROM receipt_delegated x WHERE x.request_id = r.id)
      AND NOT receipt_outlet_elsewhere(receipt_due.at, r.collector, o.outlet)
    ORDER BY r.id
$$;
COMMENT ON FUNCTION receipt_due IS 'Postage and services never enter; part payments have none; nothing due has none; a delegate''s are in its list.';

-- What a person must look at -------------------------------------------------------------------------------------------
-- One open row per kind and subject: receipts that wait for a key, a delegate's list that does not agree, a tax message refused.

CREATE TABLE receipt_concern (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      text        NOT NULL CHECK (kind ~ '^[a-z_]{3,40}$'),
    subject   text        NOT NULL,             -- natural key
    words     text        NOT NULL,             -- for the person, in Vietnamese
    state     text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'gone', 'explained')),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    note      text,
    UNIQUE (kind, subject),
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK (state <> 'explained' OR (closed_by IS NOT NULL AND note IS NOT NULL))
);
CREATE INDEX receipt_concern_open ON receipt_concern (opened_at) WHERE state = 'open';
COMMENT ON TABLE receipt_concern IS 'gone: the cause went away. explained: a person said why it stays; the machine does not open it again.';

-- Opens what is new and opens again what came back; what is open already stays as it is. Each opening is an event.
CREATE FUNCTION receipt_concern_open(at timestamptz, kinds text[], subjects text[], texts text[]) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    opened bigint[];
BEGIN
    WITH put AS (
        INSERT INTO receipt_concern AS c (kind, subject, words, opened_at)
        SELECT DISTINCT ON (k, s) k, s, w, receipt_concern_open.at FROM unnest(kinds, subjects, texts) AS u (k, s, w) ORDER BY k, s
        ON CONFLICT (kind, subject) DO UPDATE SET state = 'open', opened_at = receipt_concern_open.at, words = excluded.words,
            closed_at = NULL, closed_by = NULL WHERE c.state = 'gone'
        RETURNING c.id)
    SELECT coalesce(array_agg(id), '{}') INTO opened FROM put;
    UPDATE receipt_concern c SET words = u.w FROM unnest(kinds, subjects, texts) AS u (k, s, w)   -- the cause is another by now
    WHERE c.kind = u.k AND c.subject = u.s AND c.state = 'open' AND c.words <> u.w;
    PERFORM event_record(receipt_concern_open.at, array_agg('exception.opened'::text ORDER BY c.id), array_agg(NULL::text),
                         array_agg(NULL::bigint), array_agg(jsonb_build_object('room', 'receipts', 'reason', c.kind, 'subject', c.subject,
                                                                               'words', c.words) ORDER BY c.id))
    FROM receipt_concern c WHERE c.id = ANY (opened) HAVING count(*) > 0;
    RETURN cardinality(opened);
END $$;

-- Closes what is no longer so: every open concern of this kind whose subject is not among `still` (NULL element: none is).
CREATE FUNCTION receipt_concern_gone(at timestamptz, wanted_kind text, wanted_subject text) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    closed bigint[];
BEGIN
    WITH gone AS (
        UPDATE receipt_concern c SET state = 'gone', closed_at = receipt_concern_gone.at, closed_by = 'machine'
        WHERE c.kind = wanted_kind AND c.state = 'open' AND (wanted_subject IS NULL OR c.subject = wanted_subject) RETURNING c.id)
    SELECT coalesce(array_agg(id), '{}') INTO closed FROM gone;
    PERFORM event_record(receipt_concern_gone.at, array_agg('exception.resolved'::text ORDER BY c.id), array_agg(NULL::text),
                         array_agg(NULL::bigint), array_agg(jsonb_build_object('room', 'receipts', 'reason', c.kind, 'subject', c.subject)
                                                            ORDER BY c.id))
    FROM receipt_concern c WHERE c.id = ANY (closed) HAVING count(*) > 0;
    RETURN cardinality(closed);
END $$;

-- A person says why it stays. False when there is no such open concern.
CREATE FUNCTION receipt_concern_explain(at timestamptz, actor text, wanted bigint, said text) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    c receipt_concern;
BEGIN
    UPDATE receipt_concern SET state = 'explained', closed_at = at, closed_by = actor, note = said
    WHERE id = wanted AND state = 'open' RETURNING * INTO c;
    IF c.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM audit_record(at, actor, 'receipt.concern_explain', c.kind || ' ' || c.subject, jsonb_build_object('note', said));
    PERFORM event_record(at, ARRAY['exception.resolved'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('room', 'receipts', 'reason', c.kind, 'subject', c.subject, 'note', said)]);
    RETURN true;
END $$;

-- A delegate's list -----------------------------------------------------------------------------------------------------

-- Takes a list, line by line, raising for none. Arrays run in step. Outcomes: new, known (the same again), other_content (this number
-- was told before with another content: the first stays), no_range (the number is in no range that this collector gave a delegate to
-- number). Returns nothing when this very file was taken before.
CREATE FUNCTION receipt_list_take(at timestamptz, actor text, file_name text, file_digest bytea, collectors text[], forms text[], symbols text[],
                                  numbers integer[], issued date[], collected date[], parcels text[], dossiers text[], refs text[],
                                  fees text[], amounts bigint[], payers text[], payer_taxes text[], replaced integer[])
    RETURNS TABLE (n bigint, outcome text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    list bigint;
    who text;
BEGIN
    INSERT INTO receipt_list (digest, name, imported_at, imported_by, lines)
    VALUES (file_digest, file_name, at, actor, cardinality(numbers)) ON CONFLICT (digest) DO NOTHING RETURNING id INTO list;
    IF list IS NULL THEN
        RETURN;
    END IF;
    CREATE TEMP TABLE IF NOT EXISTS receipt_list_work (
        n bigint, collector text, form text, symbol text, number integer, issued_on date, collected_on date, parcel text, dossier text,
        reference text, fee_names text, amount bigint, payer text, payer_tax text, replaces integer, book integer, range integer,
        request bigint, verdict text) ON COMMIT DROP;
    TRUNCATE receipt_list_work;
    INSERT INTO receipt_list_work
    SELECT u.ordinality, u.c, u.f, u.s, u.num, u.i, u.k, u.p, u.d, u.r, u.e, u.a, u.y, u.t, u.o, b.id, g.id,
           coalesce((SELECT q.id FROM payment_request q WHERE q.reference = u.r),
                    (SELECT q.id FROM payment_request q WHERE q.collector = u.c
                         AND q.dossier IN (u.d, (SELECT x.dossier FROM parcel x WHERE x.item = nullif(u.p, '') OR x.code = nullif(u.p, '')))
                         AND q.status <> 'cancelled'
                         AND u.a = (SELECT sum(l.net) FROM request_line l WHERE l.request_id = q.id AND l.document = 'state_receipt')
                     ORDER BY q.id LIMIT 1)),
           NULL
    FROM unnest(collectors, forms, symbols, numbers, issued, collected, parcels, dossiers, refs, fees, amounts, payers, payer_taxes, replaced)
         WITH ORDINALITY AS u (c, f, s, num, i, k, p, d, r, e, a, y, t, o, ordinality)
    LEFT JOIN receipt_book b ON b.collector = u.c AND b.form = u.f AND b.symbol = u.s
    LEFT JOIN receipt_range g ON g.book_id = b.id AND g.numbered_by = 'delegate' AND u.num BETWEEN g.first_number AND g.last_number
                             AND (g.closed_at IS NULL OR u.num <= g.closed_after);
    PERFORM 1 FROM payment_request q WHERE q.id IN (SELECT w.request FROM receipt_list_work w) ORDER BY q.id FOR NO KEY UPDATE;
    UPDATE receipt_list_work w SET verdict = 'no_range' WHERE w.range IS NULL;
    WITH fresh AS (
        INSERT INTO receipt_delegated (book_id, number, range_id, list_id, line, issued_on, collected_on, parcel, dossier, reference,
                                       fee_names, amount, payer, payer_tax, replaces, request_id)
        SELECT DISTINCT ON (w.book, w.number) w.book, w.number, w.range, list, w.n, w.issued_on, w.collected_on, w.parcel, w.dossier,
               w.reference, w.fee_names, w.amount, w.payer, w.payer_tax, w.replaces, w.request
        FROM receipt_list_work w WHERE w.verdict IS NULL ORDER BY w.book, w.number, w.n
        ON CONFLICT DO NOTHING RETURNING book_id, number, line)
    UPDATE receipt_list_work w SET verdict = 'new' FROM fresh f WHERE f.book_id = w.book AND f.number = w.number AND f.line = w.n;
    UPDATE receipt_list_work w SET verdict =
        CASE WHEN (d.issued_on, d.collected_on, d.parcel, d.dossier, d.reference, d.amount, d.payer, d.payer_tax)
                  IS NOT DISTINCT FROM (w.issued_on, w.collected_on, w.parcel, w.dossier, w.reference, w.amount, w.payer, w.payer_tax)
             THEN 'known' ELSE 'other_content' END
    FROM receipt_delegated d WHERE w.verdict IS NULL AND d.book_id = w.book AND d.number = w.number;
    PERFORM receipt_concern_open(receipt_list_take.at,
        array_agg(CASE w.verdict WHEN 'no_range' THEN 'list_no_range' ELSE 'list_other_content' END),
        array_agg(w.collector || '/' || w.form || '/' || w.symbol || '/' || w.number || ' ' || file_name || ':' || w.n),
        array_agg(CASE w.verdict WHEN 'no_range' THEN 'Bảng kê có số biên lai ngoài dải đã giao cho đơn vị được ủy nhiệm.'
                                 ELSE 'Số biên lai này đã được kê trước đó với nội dung khác.' END))
    FROM receipt_list_work w WHERE w.verdict IN ('no_range', 'other_content') HAVING count(*) > 0;
    PERFORM audit_record(at, actor, 'receipt.list_import', file_name,
                         (SELECT jsonb_object_agg(v.verdict, v.c) FROM (SELECT verdict, count(*) AS c FROM receipt_list_work GROUP BY 1) v));
    PERFORM receipt_list_check(receipt_list_take.at);
    RETURN QUERY SELECT w.n, w.verdict FROM receipt_list_work w ORDER BY w.n;
END $$;

-- Where lists, parcels, dossiers and money do not agree now.
CREATE FUNCTION receipt_list_differences() RETURNS TABLE (kind text, subject text, words text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH told AS (
        SELECT d.*, b.collector || '/' || b.form || '/' || b.symbol || '/' || d.number AS subject, q.settled_at, q.dossier AS of_dossier,
               p.dossier AS parcel_dossier, p.id AS parcel_id, p.collected_paid,
               (SELECT sum(l.net) FROM request_line l WHERE l.request_id = q.id AND l.document = 'state_receipt') AS due,
               lag(d.issued_on) OVER (PARTITION BY d.range_id ORDER BY d.number) AS before,
               EXISTS (SELECT FROM receipt_delegated y WHERE y.book_id = d.book_id AND y.replaces = d.number) AS replaced
        FROM receipt_delegated d JOIN receipt_book b ON b.id = d.book_id
        LEFT JOIN payment_request q ON q.id = d.request_id
        LEFT JOIN parcel p ON d.parcel <> '' AND (p.item = d.parcel OR p.code = d.parcel))
    SELECT 'list_no_dossier', t.subject, 'Biên lai trong bảng kê không khớp yêu cầu nộp tiền nào.' FROM told t WHERE t.request_id IS NULL
    UNION ALL
    SELECT 'list_other_dossier', t.subject, 'Bảng kê ghi hồ sơ khác với hồ sơ của khoản thu hoặc của bưu gửi.'
    FROM told t WHERE t.request_id IS NOT NULL
        AND ((t.dossier <> '' AND t.dossier <> t.of_dossier) OR (t.parcel_id IS NOT NULL AND t.parcel_dossier <> t.of_dossier))
    UNION ALL
    SELECT 'list_no_parcel', t.subject, 'Bảng kê ghi mã bưu gửi không có trong hệ thống.' FROM told t WHERE t.parcel <> '' AND t.parcel_id IS NULL
    UNION ALL
    SELECT 'list_amount', t.subject, 'Số tiền trên biên lai khác phí, lệ phí phải thu của hồ sơ.'
    FROM told t WHERE t.request_id IS NOT NULL AND t.amount <> t.due AND NOT t.replaced
    UNION ALL
    SELECT 'list_no_money', t.subject, 'Đã lập biên lai nhưng chưa thấy tiền của hồ sơ này.'
    FROM told t WHERE t.request_id IS NOT NULL AND t.settled_at IS NULL AND t.collected_paid IS NULL
    UNION ALL
    SELECT 'list_two_receipts', t.subject, 'Một khoản thu có hai biên lai.'
    FROM told t WHERE NOT t.replaced AND t.replaces IS NULL
        AND (EXISTS (SELECT FROM receipt x WHERE x.request_id = t.request_id)
             OR EXISTS (SELECT FROM told y WHERE y.request_id = t.request_id AND y.replaces IS NULL
                        AND (y.book_id, y.number) <> (t.book_id, t.number)))
    UNION ALL
    SELECT 'list_order', t.subject, 'Số biên lai tăng nhưng ngày lập lùi lại.' FROM told t WHERE t.before > t.issued_on
    UNION ALL
    SELECT 'list_early', t.subject, 'Ngày lập nằm ngoài năm của ký hiệu hoặc ngoài thời hạn ủy nhiệm.'
    FROM told t JOIN receipt_range g ON g.id = t.range_id JOIN receipt_book b ON b.id = g.book_id
    WHERE extract(year FROM t.issued_on) <> b.year
       OR t.issued_on NOT BETWEEN (g.agreement ->> 'from')::date AND (g.agreement ->> 'to')::date
    UNION ALL
    SELECT 'list_gap', b.collector || '/' || b.form || '/' || b.symbol || ' ' || g.outlet,
           'Bảng kê còn thiếu ' || (n.last - g.first_number + 1 - n.told) || ' số trước số ' || n.last || '.'
    FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
    JOIN (SELECT range_id, count(*) AS told, max(number) AS last FROM receipt_delegated GROUP BY range_id) n ON n.range_id = g.id
    WHERE n.told <> n.last - g.first_number + 1
$$;

-- Opens what differs and closes what agrees by now; run after every list and every night.
CREATE FUNCTION receipt_list_check(at timestamptz) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    opened integer;
BEGIN
    UPDATE receipt_delegated d SET request_id = q.id FROM payment_request q
    WHERE d.request_id IS NULL AND d.reference <> '' AND q.reference = d.reference;
    SELECT receipt_concern_open(receipt_list_check.at, coalesce(array_agg(x.kind), '{}'), coalesce(array_agg(x.subject), '{}'),
                                coalesce(array_agg(x.words), '{}'))
    INTO opened FROM receipt_list_differences() x;
    PERFORM receipt_concern_gone(receipt_list_check.at, c.kind, c.subject) FROM receipt_concern c
    WHERE c.state = 'open' AND c.kind LIKE 'list\_%' AND c.kind NOT IN ('list_no_range', 'list_other_content')
      AND NOT EXISTS (SELECT FROM receipt_list_differences() x WHERE x.kind = c.kind AND x.subject = c.subject);
    RETURN opened;
END $$;

-- The payer, apart from the applicant, until the receipt is numbered: what is numbered is signed as it stands.
-- Returns 'set', 'numbered', or NULL when there is no such request.
CREATE FUNCTION receipt_payer_set(at timestamptz, actor text, wanted bigint, new_payer jsonb) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r payment_request;
BEGIN
    SELECT * INTO r FROM payment_request WHERE id = wanted FOR NO KEY UPDATE;
    IF r.id IS NULL THEN
        RETURN NULL;
    ELSIF EXISTS (SELECT FROM receipt x WHERE x.request_id = wanted) OR EXISTS (SELECT FROM receipt_delegated x WHERE x.request_id = wanted) THEN
        RETURN 'numbered';
    END IF;
    UPDATE payment_request SET payer = new_payer, changed_at = at WHERE id = wanted;
    PERFORM audit_record(at, actor, 'receipt.payer_set', r.reference, '{}');   -- the name stands in the request, not in the log
    RETURN 'set';
END $$;

CREATE OR REPLACE FUNCTION receipt_audit() RETURNS TABLE (problem text, subject text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'receipt_missing', r.reference FROM payment_request r
    WHERE r.settled_at IS NOT NULL
      AND EXISTS (SELECT FROM request_line l WHERE l.request_id = r.id AND l.document = 'state_receipt' AND l.net > 0)
      AND NOT EXISTS (SELECT FROM receipt x WHERE x.request_id = r.id AND x.collector = r.collector)
      AND NOT EXISTS (SELECT FROM receipt_delegated x WHERE x.request_id = r.id)
    UNION ALL
    SELECT 'receipt_unsigned', b.collector || '/' || b.form || '/' || b.symbol || '/' || x.number
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id WHERE x.signed_xml IS NULL
    UNION ALL
    SELECT 'receipt_number_gap', b.collector || '/' || b.form || '/' || b.symbol || '/' || g.first_number
    FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
    JOIN (SELECT range_id, count(*) AS given, max(number) AS last FROM receipt_number GROUP BY range_id) n ON n.range_id = g.id
    WHERE n.given <> n.last - g.first_number + 1
    UNION ALL
    SELECT c.kind, c.subject FROM receipt_concern c WHERE c.state = 'open' AND c.kind LIKE 'list\_%'
    ORDER BY 1, 2
$$;

-- The collection day stands beside the day of signing: money of an earlier day or year takes a number of the year it is signed in.
CREATE FUNCTION receipt_book_of(wanted_first date, wanted_last date)
    RETURNS TABLE (collector text, form text, symbol text, number integer, issued_on date, collected_on date, total bigint, dossier text,
                   reference text, outlet text, issued_by text, replaces text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT b.collector, b.form, b.symbol, r.number, r.issued_on, q.paid_on, r.total, q.dossier, q.reference, g.outlet, 'us',
           (SELECT yb.form || '/' || yb.symbol || '/' || y.number FROM receipt y JOIN receipt_book yb ON yb.id = y.book_id WHERE y.id = r.replaces)
    FROM receipt r JOIN receipt_book b ON b.id = r.book_id JOIN payment_request q ON q.id = r.request_id
    JOIN receipt_number n ON n.book_id = r.book_id AND n.number = r.number JOIN receipt_range g ON g.id = n.range_id
    WHERE r.issued_on BETWEEN wanted_first AND wanted_last
    UNION ALL
    SELECT b.collector, b.form, b.symbol, d.number, d.issued_on, d.collected_on, d.amount, d.dossier, d.reference, g.outlet, 'delegate',
           CASE WHEN d.replaces IS NOT NULL THEN b.form || '/' || b.symbol || '/' || d.replaces END
    FROM receipt_delegated d JOIN receipt_book b ON b.id = d.book_id JOIN receipt_range g ON g.id = d.range_id
    WHERE d.issued_on BETWEEN wanted_first AND wanted_last
    ORDER BY 1, 2, 3, 4
$$;
COMMENT ON FUNCTION receipt_book_of IS 'Every receipt of the days, ours and the delegates'', with the day of signing and the day of collection.';
