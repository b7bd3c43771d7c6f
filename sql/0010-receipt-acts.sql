-- Acts upon receipts: corrections by two people, messages to the tax authority, delivery to citizens, retention.
--
-- Law: TT 91/2026/TT-BTC art. 20 (notice 04/SS-CTĐT, replacement), NĐ 254/2026/NĐ-CP art. 29.3 b and TT 91/2026 art. 4.6 d (the data of
-- a day go to the tax authority the same day, form 01/TH-BLĐT), art. 27 (after an outage within three working days), art. 5 (retention).

-- Messages to the tax authority -----------------------------------------------------------------------------------------

CREATE TABLE tax_message (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text        NOT NULL UNIQUE,   -- sent with it, the same at every try: the other side knows it again
    kind         text        NOT NULL CHECK (kind IN ('summary', 'error_notice')),
    form         text        NOT NULL CHECK (form IN ('01/TH-BLĐT', '04/SS-CTĐT')),
    collector    text        NOT NULL,
    day          date        NOT NULL,
    ordinal      integer     NOT NULL CHECK (ordinal >= 0),   -- of a summary: 0 first, n amended for the n-th time
    content      bytea       NOT NULL,          -- digest of what it says, whatever its ordinal
    lines        integer     NOT NULL CHECK (lines > 0),
    amount       bigint      NOT NULL,
    unsigned_xml bytea       NOT NULL,
    signed_xml   bytea,
    signed_at    timestamptz,
    state        text        NOT NULL DEFAULT 'unsigned' CHECK (state IN ('unsigned', 'queued', 'unknown', 'accepted', 'refused')),
    due_on       date        NOT NULL,          -- the day itself; after an outage three working days
    tries        integer     NOT NULL DEFAULT 0,
    tried_at     timestamptz,
    problem      text,
    answered_at  timestamptz,
    answer       text,                          -- as the authority wrote it
    made_at      timestamptz NOT NULL,
    made_by      text        NOT NULL,
    UNIQUE (kind, collector, day, ordinal),
    CHECK ((signed_xml IS NULL) = (signed_at IS NULL)),
    CHECK ((state = 'unsigned') = (signed_xml IS NULL)),
    CHECK ((state IN ('accepted', 'refused')) = (answered_at IS NOT NULL))
);
CREATE INDEX tax_message_open ON tax_message (due_on) WHERE state NOT IN ('accepted', 'refused');
COMMENT ON TABLE tax_message IS 'unknown: sent without an answer, so ask before sending again. Bytes are written once.';

CREATE FUNCTION tax_message_stays() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (NEW.id, NEW.code, NEW.kind, NEW.form, NEW.collector, NEW.day, NEW.ordinal, NEW.content, NEW.lines, NEW.amount, NEW.made_at, NEW.made_by)
       IS DISTINCT FROM
       (OLD.id, OLD.code, OLD.kind, OLD.form, OLD.collector, OLD.day, OLD.ordinal, OLD.content, OLD.lines, OLD.amount, OLD.made_at, OLD.made_by)
       OR (NEW.unsigned_xml IS DISTINCT FROM OLD.unsigned_xml AND NOT receipt_erasing())
       OR (OLD.signed_xml IS NOT NULL AND NEW.signed_xml IS DISTINCT FROM OLD.signed_xml AND NOT receipt_erasing())
       OR (OLD.state = 'accepted' AND NEW.state <> 'accepted') THEN
        RAISE EXCEPTION 'tax message % never changes', OLD.code USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tax_message_stays BEFORE UPDATE ON tax_message FOR EACH ROW EXECUTE FUNCTION tax_message_stays();
CREATE TRIGGER tax_message_for_ever BEFORE DELETE OR TRUNCATE ON tax_message
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE tax_policy (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    summary_at time    NOT NULL DEFAULT '22:30'   -- local time at which the first summary of a day is made
);
INSERT INTO tax_policy DEFAULT VALUES;
COMMENT ON TABLE tax_policy IS 'Of the installation: when the daily summary is made; receipts signed later come in an amended one.';

-- Queues the summaries of these days: at the policy's hour, again after midnight (for what was signed meanwhile), and soon when the day
-- is over already. Names of jobs say which round they are, so that nothing is queued twice and nothing is missed.
CREATE FUNCTION tax_summary_want(at timestamptz, collectors text[], days date[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT 'receipt.summary', u.c || ' ' || u.d || ' ' || w.round, jsonb_build_object('collector', u.c, 'day', u.d), w.due, tax_summary_want.at
    FROM (SELECT DISTINCT c, d FROM unnest(collectors, days) AS x (c, d)) u CROSS JOIN tax_policy p
    CROSS JOIN LATERAL (
        SELECT (u.d + p.summary_at) AT TIME ZONE INTERVAL '+07:00' AS evening, (u.d + 1 + TIME '00:05') AT TIME ZONE INTERVAL '+07:00' AS midnight) t
    CROSS JOIN LATERAL (VALUES ('evening', t.evening), ('midnight', t.midnight),
        ('late ' || floor(extract(epoch FROM tax_summary_want.at) / 300), tax_summary_want.at + INTERVAL '10 seconds')) AS w (round, due)
    WHERE CASE WHEN tax_summary_want.at < t.evening THEN w.round IN ('evening', 'midnight')
               WHEN tax_summary_want.at < t.midnight THEN w.round = 'midnight' OR w.round LIKE 'late%'
               ELSE w.round LIKE 'late%' END
    ON CONFLICT DO NOTHING
$$;

-- Signed receipts want their day's summary, and a letter to whoever gave an address, in the same commit.
CREATE FUNCTION receipt_signed_wants() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM tax_summary_want(max(f.signed_at), array_agg(f.collector), array_agg(f.issued_on))
    FROM fresh f JOIN old o ON o.id = f.id WHERE o.signed_at IS NULL AND f.signed_at IS NOT NULL HAVING count(*) > 0;
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT 'receipt.deliver', 'receipt ' || f.id, jsonb_build_object('receipt', f.id), f.signed_at, f.signed_at
    FROM fresh f JOIN old o ON o.id = f.id JOIN payment_request q ON q.id = f.request_id JOIN dossier d ON d.code = q.dossier
    WHERE o.signed_at IS NULL AND f.signed_at IS NOT NULL AND d.applicant_email <> '' ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER receipt_signed_wants AFTER UPDATE ON receipt REFERENCING OLD TABLE AS old NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_signed_wants();
CREATE FUNCTION receipt_delegated_wants() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM tax_summary_want(max(l.imported_at), array_agg(b.collector), array_agg(f.issued_on))
    FROM fresh f JOIN receipt_book b ON b.id = f.book_id JOIN receipt_list l ON l.id = f.list_id HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER receipt_delegated_wants AFTER INSERT ON receipt_delegated REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_delegated_wants();

-- What a day's summary lists: signed receipts of ours with their bytes, a delegate's with what its list said.
CREATE FUNCTION tax_summary_rows(wanted_collector text, wanted_day date)
    RETURNS TABLE (form text, symbol text, number integer, issued_on date, collected_on date, xml text, fee_names text, amount bigint,
                   replaces_form text, replaces_symbol text, replaces_number integer, delegate text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT b.form, b.symbol, r.number, r.issued_on, q.paid_on, convert_from(r.signed_xml, 'UTF8'), NULL, r.total, yb.form, yb.symbol, y.number,
           g.delegate ->> 'name'
    FROM receipt r JOIN receipt_book b ON b.id = r.book_id JOIN payment_request q ON q.id = r.request_id
    JOIN receipt_number n ON n.book_id = r.book_id AND n.number = r.number JOIN receipt_range g ON g.id = n.range_id
    LEFT JOIN receipt y ON y.id = r.replaces LEFT JOIN receipt_book yb ON yb.id = y.book_id
    WHERE r.collector = wanted_collector AND r.issued_on = wanted_day AND r.signed_xml IS NOT NULL
    UNION ALL
    SELECT b.form, b.symbol, d.number, d.issued_on, d.collected_on, NULL, d.fee_names, d.amount,
           CASE WHEN d.replaces IS NOT NULL THEN b.form END, CASE WHEN d.replaces IS NOT NULL THEN b.symbol END, d.replaces,
           g.delegate ->> 'name'
    FROM receipt_delegated d JOIN receipt_book b ON b.id = d.book_id JOIN receipt_range g ON g.id = d.range_id
    WHERE b.collector = wanted_collector AND d.issued_on = wanted_day
    ORDER BY 1, 2, 3
$$;

-- Keeps a message and queues its sending. NULL when the newest of its day says the same already.
CREATE FUNCTION tax_message_make(at timestamptz, actor text, new_kind text, new_form text, new_collector text, new_day date, new_ordinal integer,
                                 new_content bytea, new_lines integer, new_amount bigint, xml text)
    RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
    new_code text := new_collector || '-' || CASE new_kind WHEN 'summary' THEN 'TH' ELSE 'SS' END || '-' || to_char(new_day, 'YYYYMMDD') || '-' || new_ordinal;
BEGIN
    INSERT INTO tax_message (code, kind, form, collector, day, ordinal, content, lines, amount, unsigned_xml, due_on, made_at, made_by)
    VALUES (new_code, new_kind, new_form, new_collector, new_day, new_ordinal, new_content, new_lines, new_amount, convert_to(xml, 'UTF8'),
            greatest(new_day, business_day(at)), at, actor) RETURNING id INTO made;
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('tax.send', new_code, jsonb_build_object('message', made), at, at);
    PERFORM audit_record(at, actor, 'tax.message_make', new_code, jsonb_build_object('lines', new_lines, 'amount', new_amount));
    RETURN made;
END $$;

-- Under the lock of a collector's day: the next ordinal of a kind, and what the newest message says.
CREATE FUNCTION tax_message_next(wanted_kind text, wanted_collector text, wanted_day date)
    RETURNS TABLE (ordinal integer, content bytea) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tax day ' || current_schema() || wanted_kind || wanted_collector || wanted_day));
    RETURN QUERY SELECT coalesce(max(m.ordinal) + 1, 0), (array_agg(m.content ORDER BY m.ordinal DESC))[1]
                 FROM tax_message m WHERE m.kind = wanted_kind AND m.collector = wanted_collector AND m.day = wanted_day;
END $$;

CREATE FUNCTION tax_message_signed(at timestamptz, wanted bigint, xml text) RETURNS boolean
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH done AS (UPDATE tax_message SET signed_xml = convert_to(xml, 'UTF8'), signed_at = at, state = 'queued'
                  WHERE id = wanted AND signed_xml IS NULL RETURNING id)
    SELECT EXISTS (SELECT FROM done)
$$;

-- What came of a try: 'unknown' (no answer), 'queued' (certainly not there), 'accepted' or 'refused' with the answer. A new due day only
-- when the authority could not be reached.
CREATE FUNCTION tax_message_tried(at timestamptz, wanted bigint, new_state text, what text, said text, new_due date) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    m tax_message;
    before text;
BEGIN
    SELECT * INTO m FROM tax_message WHERE id = wanted FOR UPDATE;
    before := m.state;
    IF before IN ('accepted', 'refused', 'unsigned') THEN
        RETURN before;
    END IF;
    UPDATE tax_message SET state = new_state, tries = tries + 1, tried_at = at, problem = what, answer = coalesce(said, answer),
        answered_at = CASE WHEN new_state IN ('accepted', 'refused') THEN at END, due_on = greatest(due_on, coalesce(new_due, due_on))
    WHERE id = wanted;
    IF new_state = 'accepted' THEN
        PERFORM receipt_concern_gone(at, 'tax_refused', m.code), receipt_concern_gone(at, 'tax_waiting', m.code);
    ELSIF new_state = 'refused' THEN
        PERFORM receipt_concern_gone(at, 'tax_waiting', m.code);
        PERFORM receipt_concern_open(at, ARRAY['tax_refused'], ARRAY[m.code],
                                     ARRAY['Cơ quan thuế từ chối ' || m.form || ' ngày ' || to_char(m.day, 'DD/MM/YYYY') || ': ' || coalesce(what, '')]);
    ELSE
        PERFORM receipt_concern_open(at, ARRAY['tax_waiting'], ARRAY[m.code],
                                     ARRAY['Chưa gửi được ' || m.form || ' ngày ' || to_char(m.day, 'DD/MM/YYYY') || ' cho cơ quan thuế; phải gửi lại chậm nhất ngày '
                                           || to_char(greatest(m.due_on, coalesce(new_due, m.due_on)), 'DD/MM/YYYY') || '.']);
    END IF;
    RETURN new_state;
END $$;

-- A refused or waiting message is sent again at once; a person asked.
CREATE FUNCTION tax_message_again(at timestamptz, actor text, wanted bigint) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    m tax_message;
BEGIN
    SELECT * INTO m FROM tax_message WHERE id = wanted FOR UPDATE;
    IF m.id IS NULL OR m.state = 'accepted' THEN
        RETURN m.state;
    END IF;
    IF m.state = 'refused' THEN
        UPDATE tax_message SET state = 'queued', answered_at = NULL WHERE id = wanted;
    END IF;
    INSERT INTO job AS j (kind, key, body, run_at, created_at)
    VALUES ('tax.send', m.code, jsonb_build_object('message', wanted), at, at)
    ON CONFLICT (kind, key) DO UPDATE SET run_at = least(j.run_at, excluded.run_at), state = 'waiting', tries = 0;
    PERFORM audit_record(at, actor, 'tax.send_again', m.code, '{}');
    RETURN 'queued';
END $$;

-- Corrections by two people ---------------------------------------------------------------------------------------------

CREATE TABLE receipt_correction (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receipt_id  bigint      NOT NULL REFERENCES receipt,
    kind        text        NOT NULL CHECK (kind IN ('notice', 'replacement')),
    content     jsonb       NOT NULL,           -- notice {wrong, right}; replacement {reason, payer, amounts}
    state       text        NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'refused')),
    proposed_by text        NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by  text,
    decided_at  timestamptz,
    note        text,
    notice      integer,                        -- ordinal of the notice it made
    replacement bigint      REFERENCES receipt, -- the receipt it made
    message_id  bigint      REFERENCES tax_message,
    CHECK ((state = 'proposed') = (decided_by IS NULL)),
    CHECK (decided_by <> proposed_by),
    CHECK (state <> 'approved' OR num_nonnulls(notice, replacement) = 1)
);
CREATE UNIQUE INDEX receipt_correction_open ON receipt_correction (receipt_id) WHERE state = 'proposed';
COMMENT ON TABLE receipt_correction IS 'A wrong receipt is notified or replaced (TT 91/2026 art. 20): one person proposes, another decides.';
CREATE TRIGGER receipt_correction_for_ever BEFORE DELETE OR TRUNCATE ON receipt_correction
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- NULL: no such receipt, not signed, replaced already, or another correction waits.
CREATE FUNCTION receipt_correction_propose(at timestamptz, actor text, wanted bigint, new_kind text, new_content jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r receipt;
    made bigint;
BEGIN
    SELECT * INTO r FROM receipt WHERE id = wanted FOR NO KEY UPDATE;
    IF r.id IS NULL OR r.signed_xml IS NULL OR EXISTS (SELECT FROM receipt x WHERE x.replaces = wanted) THEN
        RETURN NULL;
    END IF;
    INSERT INTO receipt_correction (receipt_id, kind, content, proposed_by, proposed_at)
    VALUES (wanted, new_kind, new_content, actor, at) ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NOT NULL THEN
        PERFORM audit_record(at, actor, 'receipt.' || new_kind || '_propose', 'receipt ' || wanted, jsonb_build_object('correction', made));
    END IF;
    RETURN made;
END $$;

-- Takes a proposal for deciding: locks it. 'second_person' when the proposer decides.
CREATE FUNCTION receipt_correction_take(actor text, wanted bigint)
    RETURNS TABLE (verdict text, receipt bigint, kind text, content text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    c receipt_correction;
BEGIN
    SELECT * INTO c FROM receipt_correction x WHERE x.id = wanted FOR UPDATE;
    RETURN QUERY SELECT CASE WHEN c.id IS NULL THEN 'not_found' WHEN c.state <> 'proposed' THEN 'conflict'
                             WHEN c.proposed_by = actor THEN 'second_person' ELSE 'ok' END, c.receipt_id, c.kind, c.content::text;
END $$;
CREATE FUNCTION receipt_correction_decide(at timestamptz, actor text, wanted bigint, new_state text, said text, new_notice integer,
                                          new_replacement bigint, new_message bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE receipt_correction SET state = new_state, decided_by = actor, decided_at = at, note = said, notice = new_notice,
        replacement = new_replacement, message_id = new_message WHERE id = wanted;
    PERFORM audit_record(at, actor, 'receipt.correction_' || new_state, 'correction ' || wanted, jsonb_build_object('note', said));
END $$;

-- What may be taken off a receipt's amount: money of its request that is approved for giving back, or given back, because the fee was wrong.
CREATE FUNCTION receipt_given_back(wanted_request bigint) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(sum(amount), 0)::bigint FROM refund
    WHERE request_id = wanted_request AND reason IN ('fee_rule', 'correction') AND state IN ('approved', 'paid')
$$;

-- Delivery and finding again ---------------------------------------------------------------------------------------------

CREATE TABLE receipt_delivery (
    receipt_id bigint      NOT NULL REFERENCES receipt,
    channel    text        NOT NULL CHECK (channel IN ('email')),
    state      text        NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    contact    text        NOT NULL,            -- masked: t•••@gmail.com
    at         timestamptz NOT NULL,
    problem    text,
    PRIMARY KEY (receipt_id, channel)
);
COMMENT ON TABLE receipt_delivery IS 'What was sent to the contact the citizen gave; the contact itself stays in the dossier.';

CREATE TABLE receipt_code (
    challenge  bytea       PRIMARY KEY,         -- SHA-256 of what the asker holds
    contact    bytea       NOT NULL,            -- keyed digest: counts what one contact was sent
    code       bytea       NOT NULL,            -- SHA-256 of challenge and six digits
    receipts   bigint[]    NOT NULL,            -- empty: nothing was found, and nobody can tell
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    tries      integer     NOT NULL DEFAULT 0,
    used_at    timestamptz
);
CREATE INDEX receipt_code_of_contact ON receipt_code (contact, made_at);
COMMENT ON TABLE receipt_code IS 'One-time codes to the stored contact. A miss has its row too, so that hit and miss cost and look the same.';

-- Which signed receipts somebody asks for, by number, dossier code or phone; newest first, 20 at most; with the contact on file.
CREATE FUNCTION receipt_lookup(by_form text, by_symbol text, by_number integer, by_dossier text, by_phone text)
    RETURNS TABLE (id bigint, email text, phone text) LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.id, d.applicant_email, d.applicant_phone
    FROM receipt r JOIN receipt_book b ON b.id = r.book_id JOIN payment_request q ON q.id = r.request_id JOIN dossier d ON d.code = q.dossier
    WHERE r.signed_xml IS NOT NULL
      AND CASE WHEN by_number IS NOT NULL THEN b.symbol = by_symbol AND r.number = by_number AND (by_form IS NULL OR b.form = by_form)
               WHEN by_dossier IS NOT NULL THEN q.dossier = by_dossier
               ELSE d.applicant_phone = by_phone END
    ORDER BY r.id DESC LIMIT 20
$$;
CREATE INDEX dossier_by_phone ON dossier (applicant_phone) WHERE applicant_phone IS NOT NULL;

-- At most three codes an hour to one contact. False: too many.
CREATE FUNCTION receipt_code_make(at timestamptz, new_challenge bytea, new_contact bytea, new_code bytea, new_receipts bigint[]) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('receipt code ' || current_schema() || encode(new_contact, 'hex')));
    IF (SELECT count(*) FROM receipt_code c WHERE c.contact = new_contact AND c.made_at > at - INTERVAL '1 hour') >= 3 THEN
        RETURN false;
    END IF;
    DELETE FROM receipt_code c WHERE c.expires_at < at - INTERVAL '1 day';
    INSERT INTO receipt_code (challenge, contact, code, receipts, made_at, expires_at)
    VALUES (new_challenge, new_contact, new_code, new_receipts, at, at + INTERVAL '10 minutes');
    RETURN true;
END $$;

-- The receipts, once, for the right code within ten minutes and five tries.
CREATE FUNCTION receipt_code_open(at timestamptz, given_challenge bytea, given_code bytea) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    c receipt_code;
BEGIN
    UPDATE receipt_code SET tries = tries + 1 WHERE challenge = given_challenge RETURNING * INTO c;
    IF c.challenge IS NULL OR c.used_at IS NOT NULL OR c.expires_at <= at OR c.tries > 5 OR c.code <> given_code
       OR cardinality(c.receipts) = 0 THEN
        RETURN NULL;
    END IF;
    UPDATE receipt_code SET used_at = at WHERE challenge = given_challenge;
    RETURN c.receipts;
END $$;

-- Retention --------------------------------------------------------------------------------------------------------------
-- What names a person is taken out of receipts, notices, lists, requests and dossiers when the law no longer asks for it. Number, day,
-- amount, collector, the digest of the signed bytes and every row of log and books stay.

CREATE TABLE receipt_erased (
    receipt_id    bigint      PRIMARY KEY REFERENCES receipt,
    signed_sha256 bytea       NOT NULL,         -- of the bytes that were signed: whoever still has the file can show it was ours
    at            timestamptz NOT NULL,
    actor         text        NOT NULL
);
CREATE TRIGGER receipt_erased_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_erased
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- True only inside receipt_erase.
CREATE FUNCTION receipt_erasing() RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT
    RETURN coalesce(current_setting('lephi.erasing', true), '') = 'yes';

CREATE OR REPLACE FUNCTION receipt_bytes_stay() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (NEW.id, NEW.book_id, NEW.number, NEW.request_id, NEW.collector, NEW.issued_on, NEW.total, NEW.token_hash, NEW.frozen_at, NEW.replaces)
       IS DISTINCT FROM
       (OLD.id, OLD.book_id, OLD.number, OLD.request_id, OLD.collector, OLD.issued_on, OLD.total, OLD.token_hash, OLD.frozen_at, OLD.replaces)
       OR NOT (CASE
           WHEN OLD.signed_xml IS NULL THEN NEW.signed_xml IS NOT NULL AND NEW.unsigned_xml = OLD.unsigned_xml
           -- erased by retention: its digest was kept first, and only its bytes change
           ELSE NEW.signed_at = OLD.signed_at AND receipt_erasing()
                AND EXISTS (SELECT FROM receipt_erased e WHERE e.receipt_id = OLD.id AND e.signed_sha256 = sha256(OLD.signed_xml)) END) THEN
        RAISE EXCEPTION 'receipt % never changes', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- Notices hold names too: their words, and nothing else, go with retention.
DROP TRIGGER receipt_notice_for_ever ON receipt_notice;
CREATE FUNCTION receipt_notice_stays() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (NEW.receipt_id, NEW.ordinal, NEW.at, NEW.actor) IS DISTINCT FROM (OLD.receipt_id, OLD.ordinal, OLD.at, OLD.actor) OR NOT receipt_erasing() THEN
        RAISE EXCEPTION 'a notice never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_notice_stays BEFORE UPDATE ON receipt_notice FOR EACH ROW EXECUTE FUNCTION receipt_notice_stays();
CREATE TRIGGER receipt_notice_for_ever BEFORE DELETE OR TRUNCATE ON receipt_notice
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Whose time is over: signed before `before`, not erased yet; oldest first.
CREATE FUNCTION receipt_erase_due(before date, most integer) RETURNS TABLE (id bigint, xml text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.id, convert_from(r.signed_xml, 'UTF8') FROM receipt r
    WHERE r.issued_on < before AND r.signed_xml IS NOT NULL AND NOT EXISTS (SELECT FROM receipt_erased e WHERE e.receipt_id = r.id)
    ORDER BY r.id LIMIT most
$$;

-- `nameless` are the same documents without what names a person, as our canonical bytes.
CREATE FUNCTION receipt_erase(at timestamptz, actor text, ids bigint[], nameless text[]) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    done bigint[];
BEGIN
    PERFORM set_config('lephi.erasing', 'yes', true);
    WITH kept AS (
        INSERT INTO receipt_erased (receipt_id, signed_sha256, at, actor)
        SELECT r.id, sha256(r.signed_xml), receipt_erase.at, receipt_erase.actor FROM receipt r WHERE r.id = ANY (ids) AND r.signed_xml IS NOT NULL
        ON CONFLICT DO NOTHING RETURNING receipt_id)
    SELECT coalesce(array_agg(receipt_id), '{}') INTO done FROM kept;
    UPDATE receipt r SET unsigned_xml = convert_to(u.x, 'UTF8'), signed_xml = convert_to(u.x, 'UTF8')
    FROM unnest(ids, nameless) AS u (i, x) WHERE r.id = u.i AND r.id = ANY (done);
    UPDATE receipt_notice SET wrong = '(đã xóa)', right_text = '(đã xóa)' WHERE receipt_id = ANY (done);
    UPDATE receipt_correction SET content = '{}' WHERE receipt_id = ANY (done);
    UPDATE tax_message m SET unsigned_xml = ''::bytea, signed_xml = ''::bytea
    FROM receipt_correction c WHERE c.message_id = m.id AND c.receipt_id = ANY (done) AND m.signed_xml IS NOT NULL;
    UPDATE receipt_delivery SET contact = '' WHERE receipt_id = ANY (done);
    UPDATE payment_request q SET payer = NULL FROM receipt r WHERE r.id = ANY (done) AND q.id = r.request_id;
    UPDATE dossier d SET applicant_name = '(đã xóa)', applicant_phone = NULL, applicant_email = NULL, applicant_id_number = NULL,
        applicant_address = NULL, changed_at = receipt_erase.at
    FROM payment_request q JOIN receipt r ON r.request_id = q.id WHERE r.id = ANY (done) AND d.code = q.dossier
      AND NOT EXISTS (SELECT FROM payment_request o JOIN receipt x ON x.request_id = o.id
                      WHERE o.dossier = d.code AND NOT EXISTS (SELECT FROM receipt_erased e WHERE e.receipt_id = x.id));
    PERFORM set_config('lephi.erasing', '', true);
    IF cardinality(done) > 0 THEN
        PERFORM audit_record(at, actor, 'receipt.erase', cardinality(done) || ' receipts', jsonb_build_object('first', done[1], 'count', cardinality(done)));
    END IF;
    RETURN cardinality(done);
END $$;
CREATE FUNCTION receipt_delegated_erase(at timestamptz, actor text, before date) RETURNS integer
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH done AS (UPDATE receipt_delegated SET payer = '', payer_tax = '', erased_at = at WHERE issued_on < before AND erased_at IS NULL RETURNING 1)
    SELECT count(*)::integer FROM done
$$;

-- Signed receipts whose day is over and that stand in no summary; summaries that are overdue.
CREATE FUNCTION tax_audit(at timestamptz) RETURNS TABLE (problem text, subject text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'tax_overdue', m.code FROM tax_message m WHERE m.state NOT IN ('accepted') AND m.due_on < business_day(tax_audit.at)
    UNION ALL
    SELECT DISTINCT 'tax_summary_missing', r.collector || ' ' || r.issued_on FROM receipt r
    WHERE r.signed_xml IS NOT NULL AND r.issued_on < business_day(tax_audit.at)
      AND NOT EXISTS (SELECT FROM tax_message m WHERE m.kind = 'summary' AND m.collector = r.collector AND m.day = r.issued_on)
    ORDER BY 1, 2
$$;
