-- Bank files as evidence, statements that continue each other, lines already had by name, settlement files, confirmed mappings.

CREATE TABLE statement_file_piece (
    file_id bigint  NOT NULL REFERENCES statement_file,
    piece   integer NOT NULL CHECK (piece > 0),
    bytes   bytea   NOT NULL,
    PRIMARY KEY (file_id, piece)
);
ALTER TABLE statement_file_piece ALTER COLUMN bytes SET STORAGE EXTENDED;
COMMENT ON TABLE statement_file_piece IS 'The raw bytes of a file as it came, in pieces of 8 MiB in order: evidence, and what a quarantined statement is read from again.';
CREATE TRIGGER statement_file_piece_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_file_piece
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE statement DROP CONSTRAINT statement_reason_check;
ALTER TABLE statement ADD CONSTRAINT statement_reason_check CHECK (reason IN
    ('balance', 'account_unknown', 'currency', 'bad_date', 'no_lines', 'gap', 'number_reused'));
CREATE INDEX statement_waiting ON statement (account_id, file_id) WHERE state = 'quarantined';

CREATE TABLE statement_known (
    statement_id bigint  NOT NULL REFERENCES statement,
    page         integer NOT NULL,
    ordinal      bigint  NOT NULL,
    line_id      bigint  NOT NULL REFERENCES statement_line,
    PRIMARY KEY (statement_id, page, ordinal)
);
COMMENT ON TABLE statement_known IS 'Lines of a statement that an earlier file had brought already: which line each of them is.';
CREATE TRIGGER statement_known_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_known
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Does a statement of an account follow from those that are taken? NULL: yes, or nobody can say; else the difference, named.
-- Neighbours join closing to opening. Where days overlap, the balance at the start of the first day must be the one the earlier
-- statement has there, or one begins where the other ended (several statements of one day).
CREATE FUNCTION statement_gap(ours integer, first date, last date, said_opening bigint, said_closing bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    other record;
BEGIN
    IF EXISTS (SELECT FROM statement s WHERE s.account_id = ours AND s.state = 'accepted' AND s.first_day <= last AND s.last_day >= first) THEN
        SELECT o.expected, o.closing = said_opening OR o.opening = said_closing
               OR (o.first_day <= first AND said_opening = o.expected)
               OR (o.first_day > first AND o.opening = said_opening + coalesce((SELECT sum(i.amount) FROM import_line i
                                                                                WHERE i.booked_on < o.first_day), 0)) AS joins
        INTO other
        FROM (SELECT s.*, s.opening + coalesce((SELECT sum(l.amount) FROM statement_line l WHERE l.account_id = ours
                                                AND l.booked_on >= s.first_day AND l.booked_on < first), 0) AS expected
              FROM statement s
              WHERE s.account_id = ours AND s.state = 'accepted' AND s.first_day <= last AND s.last_day >= first) o
        ORDER BY joins DESC, o.first_day, o.id LIMIT 1;
        IF other.joins THEN
            RETURN NULL;
        END IF;
        RETURN format('the account stood at %s when %s began, this statement opens at %s: difference %s', other.expected, first,
                      said_opening, said_opening - other.expected);
    END IF;
    SELECT s.closing, s.last_day, bool_or(s.closing = said_opening) OVER () AS joins INTO other FROM statement s
    WHERE s.account_id = ours AND s.state = 'accepted'
      AND s.last_day = (SELECT max(b.last_day) FROM statement b WHERE b.account_id = ours AND b.state = 'accepted' AND b.last_day < first)
    ORDER BY s.id DESC LIMIT 1;
    IF FOUND AND NOT other.joins THEN
        RETURN format('the statement up to %s closed at %s, this one opens at %s: difference %s', other.last_day, other.closing,
                      said_opening, said_opening - other.closing);
    END IF;
    SELECT s.opening, s.first_day, bool_or(s.opening = said_closing) OVER () AS joins INTO other FROM statement s
    WHERE s.account_id = ours AND s.state = 'accepted'
      AND s.first_day = (SELECT min(b.first_day) FROM statement b WHERE b.account_id = ours AND b.state = 'accepted' AND b.first_day > last)
    ORDER BY s.id LIMIT 1;
    IF FOUND AND NOT other.joins THEN
        RETURN format('the statement from %s opened at %s, this one closes at %s: difference %s', other.first_day, other.opening,
                      said_closing, other.opening - said_closing);
    END IF;
    RETURN NULL;
END $$;

-- The same statement number with other content: a bank's own correction, or somebody's. Pages that join are no reuse.
CREATE FUNCTION statement_reuse(ours integer, written_number text, last date, said_opening bigint, said_closing bigint,
                                lines bigint, come bigint, gone bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT format('number %s was taken from %s with %s lines, %s to %s; this one has %s lines, %s to %s: difference %s', written_number,
                  f.name, s.line_count, s.opening, s.closing, lines, said_opening, said_closing, said_closing - s.closing)
    FROM statement s JOIN statement_file f ON f.id = s.file_id
    WHERE s.account_id = ours AND s.state = 'accepted' AND written_number <> '' AND s.number = written_number
      AND extract(year FROM s.last_day) IS NOT DISTINCT FROM extract(year FROM last)
      AND (s.opening, s.closing, s.line_count, s.sum_in, s.sum_out) IS DISTINCT FROM (said_opening, said_closing, lines, come, gone)
      AND s.closing <> said_opening AND s.opening <> said_closing
    ORDER BY s.id LIMIT 1
$$;

-- Takes the new lines of an accepted statement out of import_line; notes which it had. Returns how many were new.
CREATE FUNCTION statement_lines_take(made bigint, ours integer) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh bigint;
BEGIN
    WITH numbered AS MATERIALIZED (
        SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY n) AS occurrence FROM import_line
    ), line AS (
        INSERT INTO statement_line (account_id, booked_on, amount, fingerprint, occurrence, statement_id, page, ordinal)
        SELECT ours, booked_on, amount, fingerprint, occurrence, made, page, ordinal FROM numbered ORDER BY n
        ON CONFLICT (account_id, fingerprint, occurrence) DO NOTHING
        RETURNING id, fingerprint, occurrence
    ), told AS MATERIALIZED (
        SELECT line.id, numbered.* FROM line JOIN numbered USING (fingerprint, occurrence)
    ), words AS (
        INSERT INTO statement_line_text (booked_month, line_id, value_on, reversal, type, bank_reference, customer_reference,
                                         counterparty, counterparty_account, memo, supplementary)
        SELECT date_trunc('month', booked_on)::date, id, value_on, reversal, type, bank_reference, customer_reference,
               counterparty, counterparty_account, memo, supplementary FROM told
    ), candidate AS (
        INSERT INTO line_candidate (line_id, rank, reference, edits)
        SELECT id, c.rank, c.reference, c.edits
        FROM told, unnest(candidates, told.edits) WITH ORDINALITY AS c (reference, edits, rank)
    ), pending AS (
        INSERT INTO line_pending SELECT id FROM told
    ), unposted AS (
        INSERT INTO line_unposted SELECT id FROM told WHERE amount <> 0
    )
    SELECT count(*) INTO fresh FROM line;
    IF fresh < (SELECT count(*) FROM import_line) THEN
        INSERT INTO statement_known (statement_id, page, ordinal, line_id)
        SELECT made, w.page, w.ordinal, l.id
        FROM (SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY n) AS occurrence FROM import_line) w
        JOIN statement_line l ON l.account_id = ours AND l.fingerprint = w.fingerprint AND l.occurrence = w.occurrence
        WHERE l.statement_id <> made;
    END IF;
    RETURN fresh;
END $$;

-- The first thousand lines that a statement did not bring first, each by name.
CREATE FUNCTION statement_known_lines(made bigint, most integer) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('page', k.page, 'ordinal', k.ordinal, 'booked_on', l.booked_on, 'amount', l.amount,
                                                 'bank_reference', t.bank_reference, 'occurrence', l.occurrence, 'line', l.id,
                                                 'first_file', f.name, 'first_statement', s.number, 'first_page', l.page,
                                                 'first_ordinal', l.ordinal) ORDER BY k.page, k.ordinal), '[]')
    FROM (SELECT * FROM statement_known WHERE statement_id = made ORDER BY page, ordinal LIMIT most) k
    JOIN statement_line l ON l.id = k.line_id
    JOIN statement s ON s.id = l.statement_id JOIN statement_file f ON f.id = s.file_id
    LEFT JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
$$;

-- Takes one statement whose lines stand in import_line; see 0006. New here: it must continue its neighbours, must not reuse a
-- number, and says which lines were known.
CREATE OR REPLACE FUNCTION statement_take(
    at timestamptz, file bigint, in_file integer, written_account text, written_currency text, written_number text,
    said_opening bigint, said_closing bigint, closing_day date, whole boolean, detail text)
    RETURNS jsonb LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ours integer := statement_account(written_account);
    why text;
    named text := detail;
    made bigint;
    total record;
    fresh bigint := 0;
    since date;
    until date;
BEGIN
    SELECT count(*) AS lines, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS come,
           coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS gone, min(booked_on) AS first, max(booked_on) AS last,
           bool_or(booked_on IS NULL) AS undated
    INTO total FROM import_line;
    since := least(total.first, closing_day);
    until := greatest(total.last, closing_day);
    SELECT id INTO made FROM statement s                -- read again for a neighbour's sake: taken before
    WHERE s.file_id = file AND s.state = 'accepted' AND s.account = written_account AND s.number = written_number
      AND (s.opening, s.closing, s.line_count, s.sum_in, s.sum_out) = (said_opening, said_closing, total.lines, total.come, total.gone)
      AND s.last_day IS NOT DISTINCT FROM until;
    IF FOUND THEN
        RETURN jsonb_build_object('statement', made, 'account', written_account, 'number', written_number, 'state', 'accepted',
                                  'reason', NULL, 'detail', detail, 'lines', total.lines, 'new', 0, 'known', total.lines);
    END IF;
    IF ours IS NOT NULL THEN                            -- statements of an account are weighed one after the other
        PERFORM FROM receiving_account WHERE id = ours FOR NO KEY UPDATE;
    END IF;
    why := CASE WHEN total.lines = 0 AND said_opening <> said_closing THEN 'no_lines'
                WHEN NOT whole OR said_opening IS NULL OR said_closing IS NULL
                     OR said_opening + total.come - total.gone <> said_closing THEN 'balance'
                WHEN ours IS NULL THEN 'account_unknown'
                WHEN written_currency <> 'VND' THEN 'currency'
                WHEN total.undated THEN 'bad_date' END;
    IF why = 'no_lines' THEN
        named := format('the balance moves from %s to %s without a line: difference %s', said_opening, said_closing, said_closing - said_opening);
    END IF;
    IF why IS NULL THEN
        named := statement_reuse(ours, written_number, until, said_opening, said_closing, total.lines, total.come::bigint, total.gone::bigint);
        why := CASE WHEN named IS NOT NULL THEN 'number_reused' END;
    END IF;
    IF why IS NULL AND since IS NOT NULL THEN
        named := statement_gap(ours, since, until, said_opening, said_closing);
        why := CASE WHEN named IS NOT NULL THEN 'gap' END;
    END IF;
    named := coalesce(named, detail);
    INSERT INTO statement (file_id, ordinal, account, account_id, currency, number, first_day, last_day, opening, closing, line_count,
                           sum_in, sum_out, state, reason, detail)
    VALUES (file, in_file, written_account, ours, written_currency, written_number, since, until, said_opening, said_closing,
            total.lines, total.come, total.gone, CASE WHEN why IS NULL THEN 'accepted' ELSE 'quarantined' END, why, named)
    RETURNING id INTO made;
    IF why IS NULL THEN
        fresh := statement_lines_take(made, ours);
        UPDATE statement SET new_lines = fresh, known_lines = total.lines - fresh WHERE id = made;
    END IF;
    RETURN jsonb_build_object('statement', made, 'account', written_account, 'number', written_number,
                              'state', CASE WHEN why IS NULL THEN 'accepted' ELSE 'quarantined' END, 'reason', why,
                              'detail', named, 'lines', total.lines, 'new', fresh,
                              'known', CASE WHEN why IS NULL THEN total.lines - fresh ELSE 0 END)
        || CASE WHEN why IS NULL AND fresh < total.lines
                THEN jsonb_build_object('known_lines', statement_known_lines(made, 1000)) ELSE '{}' END;
END $$;

-- Settlement files ------------------------------------------------------------------------------------------------------

CREATE TABLE settlement_batch (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id    bigint  NOT NULL REFERENCES statement_file,
    ordinal    integer NOT NULL,                -- in the file, from 1
    kind       text    NOT NULL CHECK (kind IN ('gateway', 'wallet', 'terminal', 'collection', 'orders', 'treasury')),
    issuer     text    NOT NULL,
    profile    text    NOT NULL,
    number     text    NOT NULL,
    account    text    NOT NULL,
    currency   text    NOT NULL,
    from_day   date,
    to_day     date,
    line_count bigint  NOT NULL,
    failed     bigint  NOT NULL,                -- lines that say they were not paid
    unsaid     bigint  NOT NULL,                -- lines that do not say whether
    gross      bigint  NOT NULL,                -- đồng, of the lines that count
    discount   bigint  NOT NULL,
    fee        bigint  NOT NULL,
    net        bigint  NOT NULL,                -- what one credit on the bank statement should show
    credit     bigint,                          -- what the file itself says is paid out
    state      text    NOT NULL CHECK (state IN ('accepted', 'quarantined')),
    reason     text    CHECK (reason IN ('totals', 'currency')),
    detail     text    NOT NULL DEFAULT '',     -- the difference, named
    new_lines  bigint  NOT NULL DEFAULT 0,
    known_lines bigint NOT NULL DEFAULT 0,
    UNIQUE (file_id, ordinal),
    CHECK ((state = 'quarantined') = (reason IS NOT NULL)),
    CHECK (state = 'quarantined' OR gross - discount - fee = net)
);
COMMENT ON TABLE settlement_batch IS 'What a gateway, wallet, terminal or carrier says it collected and pays out in one credit. Quarantined: its own totals disagree.';

CREATE TABLE settlement_line (
    id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id    bigint  NOT NULL REFERENCES settlement_batch,
    table_no    integer NOT NULL,               -- 1, or 2 for the second table of a carrier's file (postage)
    ordinal     bigint  NOT NULL,
    issuer      text    NOT NULL,
    fingerprint bytea   NOT NULL CHECK (octet_length(fingerprint) = 16),
    occurrence  integer NOT NULL CHECK (occurrence > 0),
    status      text    NOT NULL CHECK (status IN ('paid', 'failed', 'unsaid')),
    operation   text    NOT NULL CHECK (operation IN ('payment', 'void', 'other')),
    paid_on     date,
    paid_at_s   integer CHECK (paid_at_s BETWEEN 0 AND 86399), -- second of that day, local time
    settled_on  date,
    gross       bigint  NOT NULL,
    discount    bigint  NOT NULL,
    fee         bigint  NOT NULL,
    net         bigint  NOT NULL,
    external_id text    NOT NULL,
    order_ref   text    NOT NULL,
    batch       text    NOT NULL,
    trace       text    NOT NULL,
    approval    text    NOT NULL,
    terminal    text    NOT NULL,
    store       text    NOT NULL,
    account     text    NOT NULL,
    method      text    NOT NULL,
    memo        text    NOT NULL,
    UNIQUE (issuer, fingerprint, occurrence)
);
CREATE INDEX settlement_line_of_batch ON settlement_line (batch_id, table_no, ordinal);
CREATE INDEX settlement_line_by_external ON settlement_line (external_id, issuer);
CREATE INDEX settlement_line_by_order ON settlement_line (order_ref) WHERE order_ref <> '';
COMMENT ON TABLE settlement_line IS 'A line of a settlement file, once by content; a later word on the same transaction (another status) is a row of its own, and so is a parcel on each of its lists.';
CREATE TRIGGER settlement_line_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Takes one batch whose lines stand in the session's table import_settlement. Returns what the import report says of it.
CREATE FUNCTION settlement_take(
    file bigint, in_file integer, batch_kind text, batch_issuer text, batch_profile text, batch_number text, batch_account text,
    batch_currency text, since date, until date, lines bigint, failed_lines bigint, unsaid_lines bigint, said_gross bigint,
    said_discount bigint, said_fee bigint, said_net bigint, said_credit bigint, whole boolean, why_not text)
    RETURNS jsonb LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    why text := CASE WHEN NOT whole OR said_gross - said_discount - said_fee <> said_net THEN 'totals'
                     WHEN batch_currency <> 'VND' THEN 'currency' END;
    made bigint;
    fresh bigint := 0;
BEGIN
    SELECT id INTO made FROM settlement_batch b WHERE b.file_id = file AND b.ordinal = in_file AND b.state = 'accepted';
    IF FOUND THEN
        RETURN jsonb_build_object('settlement', made, 'issuer', batch_issuer, 'state', 'accepted', 'lines', lines, 'new', 0, 'known', lines);
    END IF;
    DELETE FROM settlement_batch b WHERE b.file_id = file AND b.ordinal = in_file;
    INSERT INTO settlement_batch (file_id, ordinal, kind, issuer, profile, number, account, currency, from_day, to_day, line_count, failed,
                                  unsaid, gross, discount, fee, net, credit, state, reason, detail)
    VALUES (file, in_file, batch_kind, batch_issuer, batch_profile, batch_number, batch_account, batch_currency, since, until, lines,
            failed_lines, unsaid_lines, said_gross, said_discount, said_fee, said_net, said_credit,
            CASE WHEN why IS NULL THEN 'accepted' ELSE 'quarantined' END, why, why_not)
    RETURNING id INTO made;
    IF why IS NULL THEN
        WITH line AS (
            INSERT INTO settlement_line (batch_id, table_no, ordinal, issuer, fingerprint, occurrence, status, operation, paid_on, paid_at_s,
                                         settled_on, gross, discount, fee, net, external_id, order_ref, batch, trace, approval, terminal,
                                         store, account, method, memo)
            SELECT made, table_no, ordinal, batch_issuer, fingerprint, row_number() OVER (PARTITION BY fingerprint ORDER BY ordinal), status,
                   operation, paid_on, paid_at_s, settled_on, gross, discount, fee, net, external_id, order_ref, batch, trace, approval,
                   terminal, store, account, method, memo
            FROM import_settlement ORDER BY ordinal
            ON CONFLICT (issuer, fingerprint, occurrence) DO NOTHING RETURNING 1
        )
        SELECT count(*) INTO fresh FROM line;
        UPDATE settlement_batch SET new_lines = fresh, known_lines = lines - fresh WHERE id = made;
    END IF;
    RETURN jsonb_build_object('settlement', made, 'kind', batch_kind, 'issuer', batch_issuer, 'number', batch_number,
                              'state', CASE WHEN why IS NULL THEN 'accepted' ELSE 'quarantined' END, 'reason', why, 'detail', why_not,
                              'gross', said_gross, 'fee', said_fee, 'net', said_net, 'lines', lines, 'new', fresh,
                              'known', CASE WHEN why IS NULL THEN lines - fresh ELSE 0 END);
END $$;

-- Mappings that a person confirmed --------------------------------------------------------------------------------------

CREATE TABLE statement_mapping (
    fingerprint  bytea       NOT NULL CHECK (octet_length(fingerprint) = 16), -- of the header's words
    version      integer     NOT NULL CHECK (version > 0),
    name         text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('statement', 'gateway', 'wallet', 'terminal', 'collection', 'orders')),
    columns      text        NOT NULL,          -- "booked=1 debit=4 credit=5 memo=6", from 1
    confirmed_by text        NOT NULL,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (fingerprint, version)
);
COMMENT ON TABLE statement_mapping IS 'Which column of an unknown layout plays which part, as a person confirmed it after a preview; the highest version of a fingerprint counts.';
CREATE TRIGGER statement_mapping_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_mapping
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION statement_mapping_add(header bytea, said_name text, said_kind text, said_columns text, actor text, at timestamptz)
    RETURNS integer LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO statement_mapping (fingerprint, version, name, kind, columns, confirmed_by, confirmed_at)
    SELECT header, coalesce(max(version), 0) + 1, said_name, said_kind, said_columns, actor, at
    FROM statement_mapping m WHERE m.fingerprint = header
    RETURNING version
$$;
