-- Receipts: numbers without gap or repeat, documents that never change.
--
-- Law: NĐ 254/2026/NĐ-CP art. 23.2 c (numbers of at most 8 digits, from 1 on 1 January), art. 25 (ranges per outlet of a
-- delegate, used from low to high), TT 91/2026/TT-BTC art. 20 (a wrong receipt is notified or replaced, never deleted).

CREATE TABLE receipt_book (
    id        integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collector text        NOT NULL CHECK (collector ~ '^[0-9]{10}(-[0-9]{3})?$'),      -- tax code
    form      text        NOT NULL CHECK (form IN ('EBL01', 'EBL02')),
    symbol    text        NOT NULL CHECK (symbol ~ '^[0-9]{2}T[ABCDEGHKLMNPQRSTUVXY]{2}$'),
    year      integer     NOT NULL CHECK (year BETWEEN 2026 AND 2999),
    opened_at timestamptz NOT NULL,
    UNIQUE (collector, form, symbol, year),
    CHECK (left(symbol, 2)::integer = year % 100)
);
COMMENT ON TABLE receipt_book IS 'One collector, form, symbol and year: the scope in which a number occurs once.';
CREATE TRIGGER receipt_book_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_book
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE receipt_range (
    id           integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    book_id      integer     NOT NULL REFERENCES receipt_book,
    outlet       text        NOT NULL DEFAULT '',      -- '' the collector's own desk
    delegate     jsonb,                                -- {name, tax_code, address} of who issues in the collector's name
    first_number integer     NOT NULL CHECK (first_number >= 1),
    last_number  integer     NOT NULL CHECK (last_number <= 99999999),
    renews       boolean     NOT NULL DEFAULT true,    -- opens again under next year's symbol on its first use
    opened_at    timestamptz NOT NULL,
    opened_by    text        NOT NULL,
    closed_at    timestamptz,
    closed_by    text,
    closed_after integer,                              -- last number used; first_number - 1 when none was
    reason       text,
    CHECK (first_number <= last_number),
    CHECK (num_nonnulls(closed_at, closed_by, closed_after, reason) IN (0, 4)),
    CHECK (closed_after BETWEEN first_number - 1 AND last_number),
    UNIQUE (id, book_id, first_number, last_number)
);
CREATE INDEX receipt_range_of_book ON receipt_range (book_id, outlet);
COMMENT ON TABLE receipt_range IS 'Numbers first to last of a book for one outlet; an unused end is closed by record, never used elsewhere.';

-- Ranges of a book do not overlap, and a range changes only by being closed, once.
CREATE FUNCTION receipt_range_keeps() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.closed_at IS NOT NULL
           OR (NEW.id, NEW.book_id, NEW.outlet, NEW.delegate, NEW.first_number, NEW.last_number, NEW.renews, NEW.opened_at, NEW.opened_by)
              IS DISTINCT FROM
              (OLD.id, OLD.book_id, OLD.outlet, OLD.delegate, OLD.first_number, OLD.last_number, OLD.renews, OLD.opened_at, OLD.opened_by)
           OR NEW.closed_after IS DISTINCT FROM
              coalesce((SELECT max(number) FROM receipt_number WHERE range_id = NEW.id), NEW.first_number - 1) THEN
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
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_range_keeps BEFORE INSERT OR UPDATE ON receipt_range
    FOR EACH ROW EXECUTE FUNCTION receipt_range_keeps();
CREATE TRIGGER receipt_range_for_ever BEFORE DELETE OR TRUNCATE ON receipt_range
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Identity: narrow, never partitioned. Gapless by declaration: every number but its range's first refers to the one before.
CREATE TABLE receipt_number (
    book_id      integer NOT NULL,
    number       integer NOT NULL,
    range_id     integer NOT NULL,
    first_number integer NOT NULL,
    last_number  integer NOT NULL,
    previous     integer,
    PRIMARY KEY (book_id, number),
    CONSTRAINT receipt_number_in_range UNIQUE (range_id, number),
    CONSTRAINT receipt_number_range FOREIGN KEY (range_id, book_id, first_number, last_number)
        REFERENCES receipt_range (id, book_id, first_number, last_number),
    CONSTRAINT receipt_number_follows FOREIGN KEY (range_id, previous) REFERENCES receipt_number (range_id, number),
    CHECK (number BETWEEN first_number AND last_number),
    CHECK (CASE WHEN number = first_number THEN previous IS NULL ELSE previous IS NOT NULL AND previous = number - 1 END)
);
COMMENT ON TABLE receipt_number IS 'Every number ever given: no gap and no repeat within its range, whatever crashes.';
CREATE TRIGGER receipt_number_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_number
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE receipt (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    book_id      integer     NOT NULL,
    number       integer     NOT NULL,
    request_id   bigint      NOT NULL REFERENCES payment_request,
    collector    text        NOT NULL,
    issued_on    date        NOT NULL,
    total        bigint      NOT NULL CHECK (total > 0),
    token_hash   bytea       NOT NULL UNIQUE,          -- of the code in the verification link
    unsigned_xml bytea       NOT NULL,                 -- canonical, frozen with the number
    frozen_at    timestamptz NOT NULL,
    signed_xml   bytea,
    signed_at    timestamptz,
    replaces     bigint      UNIQUE REFERENCES receipt,
    UNIQUE (book_id, number),
    FOREIGN KEY (book_id, number) REFERENCES receipt_number,
    CHECK ((signed_xml IS NULL) = (signed_at IS NULL)),
    CHECK (replaces <> id)
);
-- The first receipt of a request; replacements hang on it in a chain.
CREATE UNIQUE INDEX receipt_once ON receipt (request_id, collector) WHERE replaces IS NULL;
CREATE INDEX receipt_by_day ON receipt (issued_on, book_id, number);
CREATE INDEX receipt_of_request ON receipt (request_id);
CREATE INDEX receipt_unsigned ON receipt (id) WHERE signed_xml IS NULL;
COMMENT ON TABLE receipt IS 'Receipts over the state fees of settled requests; bytes are written once: unsigned with the number, signed when signed.';
-- A number without its document does not exist: both come in one transaction.
ALTER TABLE receipt_number ADD CONSTRAINT receipt_number_has_receipt FOREIGN KEY (book_id, number)
    REFERENCES receipt (book_id, number) DEFERRABLE INITIALLY DEFERRED;

CREATE FUNCTION receipt_bytes_stay() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF OLD.signed_xml IS NOT NULL OR NEW.signed_xml IS NULL
       OR (NEW.id, NEW.book_id, NEW.number, NEW.request_id, NEW.collector, NEW.issued_on, NEW.total, NEW.token_hash,
           NEW.unsigned_xml, NEW.frozen_at, NEW.replaces)
          IS DISTINCT FROM
          (OLD.id, OLD.book_id, OLD.number, OLD.request_id, OLD.collector, OLD.issued_on, OLD.total, OLD.token_hash,
           OLD.unsigned_xml, OLD.frozen_at, OLD.replaces) THEN
        RAISE EXCEPTION 'receipt % never changes', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_bytes_stay BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION receipt_bytes_stay();
CREATE TRIGGER receipt_for_ever BEFORE DELETE OR TRUNCATE ON receipt
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- No number is given from a closed range. The foreign key has locked the range by the time this looks at it.
CREATE FUNCTION receipt_range_open_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM fresh f JOIN receipt_range r ON r.id = f.range_id WHERE r.closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the receipt range is closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_range_open';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER receipt_range_open_check AFTER INSERT ON receipt_number REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_range_open_check();

CREATE TABLE receipt_notice (
    receipt_id bigint      NOT NULL REFERENCES receipt,
    ordinal    integer     NOT NULL CHECK (ordinal > 0),
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    wrong      text        NOT NULL CHECK (length(wrong) BETWEEN 1 AND 400),
    right_text text        NOT NULL CHECK (length(right_text) BETWEEN 1 AND 400),
    PRIMARY KEY (receipt_id, ordinal)
);
COMMENT ON TABLE receipt_notice IS 'Errors that touch neither tax code nor amount: payer told, 04/SS-CTĐT to the tax authority (TT 91/2026 art. 20.1).';
CREATE TRIGGER receipt_notice_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_notice
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

INSERT INTO subscription (event_kind, job_kind) VALUES ('request.paid', 'receipt.issue');

-- Opens a range, and its book when it is the first. Returns the range.
CREATE FUNCTION receipt_range_open(at timestamptz, actor text, new_collector text, new_form text, new_symbol text, new_outlet text,
                                   new_delegate jsonb, new_first integer, new_last integer, new_renews boolean)
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
    INSERT INTO receipt_range (book_id, outlet, delegate, first_number, last_number, renews, opened_at, opened_by)
    VALUES (book, new_outlet, new_delegate, new_first, new_last, new_renews, at, actor) RETURNING id INTO made;
    PERFORM audit_record(at, actor, 'receipt.range_open', new_collector || '/' || new_form || '/' || new_symbol,
                         jsonb_build_object('outlet', new_outlet, 'first', new_first, 'last', new_last));
    RETURN made;
END $$;

-- Closes a range after its last used number. Returns that number, NULL when the range is unknown or closed already.
CREATE FUNCTION receipt_range_close(at timestamptz, actor text, wanted integer, why text) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r receipt_range;
    used integer;
BEGIN
    SELECT * INTO r FROM receipt_range WHERE id = wanted FOR UPDATE;
    IF r.id IS NULL OR r.closed_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(max(number), r.first_number - 1) INTO used FROM receipt_number WHERE range_id = wanted;
    UPDATE receipt_range SET closed_at = at, closed_by = actor, closed_after = used, reason = why WHERE id = wanted;
    PERFORM audit_record(at, actor, 'receipt.range_close', 'range ' || wanted, jsonb_build_object('after', used, 'reason', why));
    RETURN used;
END $$;

-- What receipts are missing among these requests: settled, with state fees to pay, and none issued.
CREATE FUNCTION receipt_due(requests bigint[])
    RETURNS TABLE (request bigint, reference text, dossier text, collector text, collector_name text, collector_address text,
                   collector_phone text, account text, payer jsonb, applicant text, applicant_address text, applicant_id text,
                   methods text[], paid_on date, total bigint, lines jsonb)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.id, r.reference, r.dossier, r.collector, a.name_vi, a.address, a.phone, ra.account_number, r.payer, d.applicant_name,
           d.applicant_address, d.applicant_id_number,
           ARRAY(SELECT DISTINCT p.method FROM payment p WHERE p.request_id = r.id AND p.allocated > 0 ORDER BY 1),
           r.paid_on, l.total, l.lines
    FROM payment_request r
    JOIN dossier d ON d.code = r.dossier
    LEFT JOIN receiving_account ra ON ra.id = r.account_id
    LEFT JOIN LATERAL (SELECT * FROM agency WHERE tax_code = r.collector ORDER BY agency.code = d.agency DESC, agency.code LIMIT 1) a ON true
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
    ORDER BY r.id
$$;
COMMENT ON FUNCTION receipt_due IS 'Postage and services never enter; part payments have none; nothing due has none.';

-- Locks the ranges of a collector's outlet in id order and names the next numbers, low to high; fewer when they run out.
-- On the first call of a year, ranges that renew are opened again under the new year's symbol.
CREATE FUNCTION receipt_reserve(at timestamptz, wanted_collector text, wanted_outlet text, wanted_count integer)
    RETURNS TABLE (book integer, range integer, first_number integer, last_number integer, form text, symbol text, number integer, delegate jsonb)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    this_year integer := extract(year FROM business_day(at));
    still integer := wanted_count;
    r record;
    used integer;
    take integer;
BEGIN
    IF NOT EXISTS (SELECT FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
                   WHERE b.collector = wanted_collector AND b.year = this_year AND g.outlet = wanted_outlet) THEN
        PERFORM pg_advisory_xact_lock(hashtext('receipt year ' || current_schema() || wanted_collector));
        PERFORM receipt_range_open(at, 'machine', b.collector, b.form, lpad((this_year % 100)::text, 2, '0') || substr(b.symbol, 3),
                                   g.outlet, g.delegate, g.first_number, g.last_number, true)
        FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
        WHERE b.collector = wanted_collector AND b.year = this_year - 1 AND g.outlet = wanted_outlet AND g.renews
          AND g.closed_at IS NULL
          AND NOT EXISTS (SELECT FROM receipt_range g2 JOIN receipt_book b2 ON b2.id = g2.book_id
                          WHERE b2.collector = wanted_collector AND b2.year = this_year AND g2.outlet = wanted_outlet)
        ORDER BY g.id;
    END IF;
    FOR r IN
        SELECT g.*, b.form, b.symbol FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
        WHERE b.collector = wanted_collector AND b.year = this_year AND g.outlet = wanted_outlet AND g.closed_at IS NULL
        ORDER BY g.id FOR NO KEY UPDATE OF g
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

-- Gives the numbers and freezes the documents, in one statement each; signing follows as jobs. Arrays run in step.
CREATE FUNCTION receipt_freeze(at timestamptz, books integer[], ranges integer[], firsts integer[], lasts integer[], numbers integer[],
                               requests bigint[], collectors text[], totals bigint[], tokens text[], xmls text[], replaced bigint[])
    RETURNS integer LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made integer;
BEGIN
    INSERT INTO receipt_number (book_id, number, range_id, first_number, last_number, previous)
    SELECT b, n, g, f, l, CASE WHEN n > f THEN n - 1 END FROM unnest(books, ranges, firsts, lasts, numbers) AS u (b, g, f, l, n);
    WITH frozen AS (
        INSERT INTO receipt (book_id, number, request_id, collector, issued_on, total, token_hash, unsigned_xml, frozen_at, replaces)
        SELECT b, n, r, c, business_day(at), t, decode(h, 'hex'), convert_to(x, 'UTF8'), at, o
        FROM unnest(books, numbers, requests, collectors, totals, tokens, xmls, replaced) AS u (b, n, r, c, t, h, x, o)
        RETURNING id)
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT 'receipt.sign', 'receipt ' || id, jsonb_build_object('receipt', id), at, at FROM frozen;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;

-- Stores signed bytes where none are yet, and says so. Returns how many were new.
CREATE FUNCTION receipt_store(at timestamptz, ids bigint[], xmls text[]) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    stored bigint[];
BEGIN
    PERFORM 1 FROM receipt WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
    WITH fresh AS (
        UPDATE receipt r SET signed_xml = convert_to(u.x, 'UTF8'), signed_at = receipt_store.at
        FROM unnest(ids, xmls) AS u (i, x) WHERE r.id = u.i AND r.signed_xml IS NULL RETURNING r.id)
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

-- Records an error that needs no new receipt. Returns its ordinal; NULL when the receipt is not there, not signed or replaced.
CREATE FUNCTION receipt_notify(at timestamptz, new_actor text, wanted bigint, new_wrong text, new_right text) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r receipt;
    b receipt_book;
    made integer;
BEGIN
    SELECT * INTO r FROM receipt WHERE id = wanted FOR NO KEY UPDATE;
    IF r.id IS NULL OR r.signed_xml IS NULL OR EXISTS (SELECT FROM receipt x WHERE x.replaces = wanted) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO b FROM receipt_book WHERE id = r.book_id;
    SELECT coalesce(max(ordinal), 0) + 1 INTO made FROM receipt_notice WHERE receipt_id = wanted;
    INSERT INTO receipt_notice (receipt_id, ordinal, at, actor, wrong, right_text) VALUES (wanted, made, at, new_actor, new_wrong, new_right);
    PERFORM event_record(at, ARRAY['receipt.notified'], ARRAY[q.dossier], ARRAY[q.id],
                         ARRAY[jsonb_build_object('collector', b.collector, 'form', b.form, 'symbol', b.symbol, 'number', r.number,
                               'wrong', new_wrong, 'right', new_right, 'ordinal', made)])
    FROM payment_request q WHERE q.id = r.request_id;
    PERFORM audit_record(at, new_actor, 'receipt.error_notice', b.collector || '/' || b.form || '/' || b.symbol || '/' || r.number,
                         jsonb_build_object('wrong', new_wrong, 'right', new_right));
    RETURN made;
END $$;

-- For the nightly run: settled state fees without a receipt, receipts waiting for their signature, ranges with a hole.
CREATE FUNCTION receipt_audit() RETURNS TABLE (problem text, subject text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'receipt_missing', r.reference FROM payment_request r
    WHERE r.settled_at IS NOT NULL
      AND EXISTS (SELECT FROM request_line l WHERE l.request_id = r.id AND l.document = 'state_receipt' AND l.net > 0)
      AND NOT EXISTS (SELECT FROM receipt x WHERE x.request_id = r.id AND x.collector = r.collector)
    UNION ALL
    SELECT 'receipt_unsigned', b.collector || '/' || b.form || '/' || b.symbol || '/' || x.number
    FROM receipt x JOIN receipt_book b ON b.id = x.book_id WHERE x.signed_xml IS NULL
    UNION ALL
    SELECT 'receipt_number_gap', b.collector || '/' || b.form || '/' || b.symbol || '/' || g.first_number
    FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id
    JOIN (SELECT range_id, count(*) AS given, max(number) AS last FROM receipt_number GROUP BY range_id) n ON n.range_id = g.id
    WHERE n.given <> n.last - g.first_number + 1
    ORDER BY 1, 2
$$;
