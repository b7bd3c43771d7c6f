-- Days, periods and remittances as people close them: what was open, what came later, what each figure is made of.

-- The chapter (chương) a collector's money is booked under; data of each collector, for merged departments keep their own codes.
CREATE TABLE collector_chapter (
    collector text        PRIMARY KEY CHECK (collector ~ '^[0-9]{10}(-[0-9]{3})?$'),
    chapter   text        NOT NULL CHECK (chapter ~ '^[0-9]{3}$'),
    set_by    text        NOT NULL,
    set_at    timestamptz NOT NULL
);
COMMENT ON TABLE collector_chapter IS 'Budget chapter by collector (TT 324/2016/TT-BTC); each change stands in the audit log.';

CREATE FUNCTION collector_chapter_set(at timestamptz, of_collector text, wanted text, actor text) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM agency g WHERE g.tax_code = of_collector) THEN
        RETURN false;
    END IF;
    INSERT INTO collector_chapter VALUES (of_collector, wanted, actor, collector_chapter_set.at)
    ON CONFLICT (collector) DO UPDATE SET chapter = excluded.chapter, set_by = excluded.set_by, set_at = excluded.set_at;
    PERFORM audit_record(at, actor, 'collector.chapter', of_collector, jsonb_build_object('chapter', wanted));
    RETURN true;
END $$;

-- Days ----------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION day_digest(wanted date) RETURNS bytea
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT sha256(convert_to(coalesce(string_agg(concat_ws('|', d.section, d.key, d.item, d.amount), E'\n'
           ORDER BY d.section COLLATE "C", d.key COLLATE "C", d.item COLLATE "C", d.amount), ''), 'UTF8'))
    FROM daily_lines(wanted) d
$$;

-- Closes a day. What is open, or written to suspense, is listed with owner and age. Returns 'closed', or why not: 'closed already',
-- 'not over', 'pending' (lines without a fate).
CREATE OR REPLACE FUNCTION day_close(at timestamptz, wanted date, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF wanted >= business_day(at) THEN
        RETURN 'not over';
    ELSIF EXISTS (SELECT FROM line_pending w JOIN statement_line l ON l.id = w.line_id WHERE l.booked_on <= wanted) THEN
        RETURN 'pending';
    END IF;
    INSERT INTO day_close (day, closed_at, closed_by, digest) SELECT wanted, at, actor, day_digest(wanted) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'closed already';
    END IF;
    INSERT INTO day_close_item (day, exception_id, reason, amount, owner, age_days)
    SELECT wanted, e.id, e.reason, e.amount, e.owner, wanted - e.booked_on FROM exception_case e
    WHERE (e.state <> 'resolved' OR e.resolution = 'suspense') AND e.booked_on <= wanted;
    PERFORM audit_record(at, actor, 'day.close', wanted::text, '{}');
    RETURN 'closed';
END $$;

-- A day as it stands: what was open when it was closed and what became of each since, the lines that came late, and whether its figures
-- differ from those it was closed with.
CREATE FUNCTION day_state(wanted date) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT jsonb_build_object('date', wanted, 'state', CASE WHEN c.day IS NULL THEN 'open' ELSE 'closed' END, 'closed_at', c.closed_at,
        'closed_by', c.closed_by, 'changed_since', c.digest IS NOT NULL AND c.digest <> day_digest(wanted),
        'sources', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', s.source, 'state', s.state) ORDER BY s.source), '[]')
                    FROM sources_received(wanted) s),
        'suspense', (SELECT coalesce(jsonb_agg(jsonb_build_object('exception', i.exception_id, 'reason', i.reason, 'amount', i.amount,
                        'owner', i.owner, 'age_days', i.age_days, 'state', CASE WHEN e.resolution = 'suspense' THEN 'suspense' ELSE e.state END,
                        'resolution', e.resolution, 'solved_on', business_day(e.resolved_at), 'solved_by', e.resolved_by)
                        ORDER BY i.age_days DESC, i.exception_id), '[]')
                     FROM day_close_item i JOIN exception_case e ON e.id = i.exception_id WHERE i.day = wanted),
        'came_later', (SELECT coalesce(jsonb_agg(jsonb_build_object('line', l.id, 'account', a.account_number, 'amount', l.amount, 'file', f.name,
                          'imported_at', f.imported_at) ORDER BY a.account_number, l.amount, l.id), '[]')
                       FROM (SELECT * FROM statement_line l WHERE l.booked_on = wanted) l JOIN statement s ON s.id = l.statement_id
                       JOIN statement_file f ON f.id = s.file_id JOIN receiving_account a ON a.id = l.account_id WHERE f.imported_at > c.closed_at))
    FROM (SELECT 1) one LEFT JOIN day_close c ON c.day = wanted
$$;

-- Periods ---------------------------------------------------------------------------------------------------------------------------

-- What stands behind each figure of period_books: the requests settled, the refunds paid, the slips remitted.
CREATE FUNCTION period_lines(first date, last date) RETURNS TABLE (collector text, fee text, figure text, item text, day date, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT * FROM (
        SELECT f.collector, f.fee, 'collected', f.reference, f.day, f.net FROM fees_settled(first, last) f
        UNION ALL
        SELECT r.collector, (SELECT l.fee FROM request_line l WHERE l.request_id = r.id ORDER BY l.net DESC, l.ordinal LIMIT 1), 'refunded',
               r.reference || ' ' || coalesce(x.bank_reference, ''), x.paid_day, x.amount
        FROM (SELECT f.*, coalesce((SELECT l.booked_on FROM line_refund v JOIN statement_line l ON l.id = v.line_id WHERE v.refund_id = f.id),
                                   business_day(f.changed_at)) AS paid_day FROM refund f) x JOIN payment_request r ON r.id = x.request_id
        WHERE x.state = 'paid' AND x.reason IN ('fee_rule', 'correction') AND x.paid_day BETWEEN first AND last
        UNION ALL
        SELECT t.collector, t.fee, k.figure, t.document, t.remitted_on, k.amount
        FROM treasury_remittance t, LATERAL (VALUES ('remitted', t.amount), ('retained', t.retained)) k (figure, amount)
        WHERE t.approved_by IS NOT NULL AND t.remitted_on BETWEEN first AND last AND k.amount <> 0
    ) x (collector, fee, figure, item, day, amount)
    ORDER BY x.collector COLLATE "C", x.fee COLLATE "C", x.figure COLLATE "C", x.day, x.item COLLATE "C", x.amount
$$;

-- What stands behind each indicator: the payments (cash-free share) or the dossiers (online payment), and whether each counts.
CREATE FUNCTION indicator_lines(first date, last date) RETURNS TABLE (indicator text, agency text, item text, method text, counted boolean, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH told AS (
        SELECT d.agency, d.code, m.method, m.amount, m.key FROM money m JOIN payment_request r ON r.id = m.request_id JOIN dossier d ON d.code = r.dossier
        WHERE m.day BETWEEN first AND last
    )
    SELECT * FROM (
        SELECT 'cash_free', t.agency, t.key, t.method, EXISTS (SELECT FROM counted_method c WHERE c.indicator = 'cash_free' AND c.method = t.method), t.amount
        FROM told t
        UNION ALL
        SELECT 'online_payment', t.agency, t.code, string_agg(DISTINCT t.method, ' ' ORDER BY t.method),
               bool_or(EXISTS (SELECT FROM counted_method c WHERE c.indicator = 'online_payment' AND c.method = t.method)), 1
        FROM told t GROUP BY t.agency, t.code
    ) x (indicator, agency, item, method, counted, amount)
    ORDER BY x.indicator COLLATE "C", x.agency COLLATE "C", x.item COLLATE "C"
$$;

CREATE TABLE period_figure (
    act_id    bigint NOT NULL REFERENCES period_act,
    fee       text   NOT NULL,
    opening   bigint NOT NULL,
    collected bigint NOT NULL,
    refunded  bigint NOT NULL,
    remitted  bigint NOT NULL,
    retained  bigint NOT NULL,
    closing   bigint NOT NULL,
    PRIMARY KEY (act_id, fee),
    CHECK (opening + collected - refunded - remitted - retained = closing)
);
COMMENT ON TABLE period_figure IS 'The figures a period was locked with; what changes them later shows as a difference and belongs to an open period.';
CREATE TRIGGER period_figure_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON period_figure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Proposes or approves a lock or a reopening. 'not over' for a period that still runs, 'conflict' when it is locked or open already.
CREATE FUNCTION period_act_take(at timestamptz, actor text, of_collector text, first date, last date, wanted text, because text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    answer text;
    standing text;
BEGIN
    IF NOT EXISTS (SELECT FROM agency g WHERE g.tax_code = of_collector) THEN
        RETURN 'not_found';
    ELSIF last >= business_day(at) THEN
        RETURN 'not over';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('period ' || current_schema() || of_collector));
    SELECT p.act INTO standing FROM period_act p WHERE p.collector = of_collector AND p.first_day = first AND p.last_day = last
        AND p.approved_by IS NOT NULL ORDER BY p.id DESC LIMIT 1;
    IF coalesce(standing, 'reopen') = wanted THEN
        RETURN 'conflict';
    END IF;
    answer := period_decide(at, actor, of_collector, first, last, wanted, because);
    IF answer = 'approved' AND wanted = 'lock' THEN
        INSERT INTO period_figure (act_id, fee, opening, collected, refunded, remitted, retained, closing)
        SELECT (SELECT max(p.id) FROM period_act p WHERE p.collector = of_collector AND p.first_day = first AND p.last_day = last AND p.act = 'lock'
                AND p.approved_by IS NOT NULL), b.fee, b.opening, b.collected, b.refunded, b.remitted, b.retained, b.closing
        FROM period_books(first, last) b WHERE b.collector = of_collector;
    END IF;
    RETURN answer;
END $$;

-- Periods people have acted on, with what differs from the figures they were locked with.
CREATE FUNCTION period_states(of_collector text) RETURNS TABLE (id bigint, told jsonb)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT p.id, jsonb_build_object('id', p.id, 'collector', p.collector, 'from', p.first_day, 'to', p.last_day, 'act', p.act, 'why', p.why,
        'proposed_by', p.proposed_by, 'approved_by', p.approved_by, 'at', p.at,
        'locked', p.act = 'lock' AND p.approved_by IS NOT NULL AND NOT EXISTS (SELECT FROM period_act q WHERE q.collector = p.collector
            AND q.first_day = p.first_day AND q.last_day = p.last_day AND q.approved_by IS NOT NULL AND q.id > p.id),
        'differences', CASE WHEN p.act = 'lock' AND p.approved_by IS NOT NULL THEN (
            SELECT coalesce(jsonb_agg(jsonb_build_object('fee', coalesce(f.fee, b.fee), 'locked_closing', f.closing, 'closing', b.closing)
                                      ORDER BY coalesce(f.fee, b.fee) COLLATE "C"), '[]')
            FROM (SELECT * FROM period_figure WHERE act_id = p.id) f
            FULL JOIN (SELECT * FROM period_books(p.first_day, p.last_day) b WHERE b.collector = p.collector) b ON b.fee = f.fee
            WHERE (f.opening, f.collected, f.refunded, f.remitted, f.retained, f.closing)
                  IS DISTINCT FROM (b.opening, b.collected, b.refunded, b.remitted, b.retained, b.closing)) END)
    FROM period_act p WHERE of_collector IS NULL OR p.collector = of_collector
$$;

-- Remittances ---------------------------------------------------------------------------------------------------------------------
-- A slip counts when a second person approved it: then what was payable is under way to the treasury, or kept by right.

CREATE FUNCTION remittance_propose(at timestamptz, of_collector text, of_fee text, day date, sum bigint, kept bigint, slip text, actor text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
    most bigint;
BEGIN
    SELECT b.closing INTO most FROM period_books(day, day) b WHERE b.collector = of_collector AND b.fee = of_fee;
    IF most IS NULL OR most < sum + kept THEN
        RETURN desk_fault('/amount', format('Chưa nộp đến ngày đó chỉ còn %s đồng.', coalesce(most, 0)));
    ELSIF period_locked(of_collector, day) THEN
        RETURN desk_fault('/remitted_on', 'Kỳ này đã khóa.');
    END IF;
    INSERT INTO treasury_remittance (collector, fee, remitted_on, amount, retained, document, proposed_by, at)
    VALUES (of_collector, of_fee, day, sum, kept, slip, actor, remittance_propose.at) ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RETURN jsonb_build_object('state', 'conflict');
    END IF;
    PERFORM audit_record(at, actor, 'remittance.propose', made::text, jsonb_build_object('fee', of_fee, 'amount', sum, 'retained', kept, 'document', slip));
    RETURN jsonb_build_object('state', 'proposed', 'id', made);
END $$;

CREATE FUNCTION remittance_approve(at timestamptz, wanted bigint, actor text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    t treasury_remittance;
    most bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('remittance ' || current_schema()));
    SELECT * INTO t FROM treasury_remittance WHERE id = wanted FOR UPDATE;
    IF t.id IS NULL THEN
        RETURN jsonb_build_object('state', 'not_found');
    ELSIF t.approved_by IS NOT NULL THEN
        RETURN jsonb_build_object('state', 'conflict');
    ELSIF t.proposed_by = actor THEN
        RETURN jsonb_build_object('state', 'second_person');
    END IF;
    SELECT b.closing INTO most FROM period_books(t.remitted_on, t.remitted_on) b WHERE b.collector = t.collector AND b.fee = t.fee;
    IF coalesce(most, 0) < t.amount + t.retained OR period_locked(t.collector, t.remitted_on) THEN
        RETURN jsonb_build_object('state', 'conflict');
    END IF;
    UPDATE treasury_remittance SET approved_by = actor WHERE id = wanted;
    PERFORM journal_post(at, business_day(at), 'remittance', NULL, NULL,
                         ARRAY['payable:' || t.collector, 'treasury:' || t.collector, 'retained:' || t.collector],
                         ARRAY[t.amount + t.retained, -t.amount, -t.retained]);
    PERFORM audit_record(at, actor, 'remittance.approve', wanted::text, jsonb_build_object('fee', t.fee, 'amount', t.amount, 'document', t.document));
    RETURN jsonb_build_object('state', 'approved', 'id', wanted);
END $$;
