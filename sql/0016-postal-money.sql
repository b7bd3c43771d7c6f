-- Money the post office collects at the door: whose it is, where it lies until it is handed over, and what each list settled.
-- Basis: QĐ 45/2016/QĐ-TTg Điều 11 and 15 khoản 2 (the post office hands over fully and on time; the days are the contract's).

-- One collection a parcel. The payment it became is confirmed on the same path as any other money; a journal of its own then
-- moves it from the account's clearing to post:CARRIER:OUTLET, where it stands until a list of the carrier hands it over.
CREATE TABLE postal_collection (
    parcel_id    bigint      PRIMARY KEY REFERENCES parcel,
    payment_id   bigint      NOT NULL UNIQUE REFERENCES payment,
    carrier      text        NOT NULL,
    outlet       text        NOT NULL CHECK (outlet ~ '^[A-Za-z0-9._-]{1,40}$'),
    amount       bigint      NOT NULL CHECK (amount > 0),
    expected     bigint      NOT NULL CHECK (expected >= 0),  -- what the booking asked for; another sum is a concern
    remitted     bigint      NOT NULL DEFAULT 0 CHECK (remitted BETWEEN 0 AND amount),
    collected_at timestamptz NOT NULL,
    learned_from text        NOT NULL CHECK (learned_from IN ('reported', 'list')),
    booked_at    timestamptz NOT NULL,
    booked_by    text        NOT NULL,
    journal_id   bigint                                        -- the move to the outlet's account
);
CREATE INDEX postal_collection_open ON postal_collection (carrier, outlet, collected_at) WHERE remitted < amount;
COMMENT ON TABLE postal_collection IS 'Money taken at the door, once a parcel: at the post office until remitted = amount.';

CREATE TABLE postal_remittance (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier    text        NOT NULL,
    list       text        NOT NULL CHECK (length(list) BETWEEN 5 AND 60), -- as it stands in the words of the bank's line
    account_id integer     NOT NULL REFERENCES receiving_account,
    paid_on    date        NOT NULL,
    gross      bigint      NOT NULL CHECK (gross >= 0),
    postage    bigint      NOT NULL CHECK (postage >= 0),  -- kept back by a carrier that pays net; never less of a fee
    content    bytea       NOT NULL,
    taken_at   timestamptz NOT NULL,
    taken_by   text        NOT NULL,
    UNIQUE (carrier, list)
);
COMMENT ON TABLE postal_remittance IS 'A list by which a carrier hands money over; the bank credits gross − postage.';
CREATE TRIGGER postal_remittance_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON postal_remittance
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE postal_remittance_line (
    remittance_id bigint  NOT NULL REFERENCES postal_remittance,
    line          integer NOT NULL CHECK (line > 0),
    item          text    NOT NULL,
    amount        bigint  NOT NULL CHECK (amount >= 0),
    postage       bigint  NOT NULL CHECK (postage >= 0),
    parcel_id     bigint  REFERENCES parcel,
    settled       bigint  NOT NULL CHECK (settled BETWEEN 0 AND amount),  -- what it took off the post office's account
    outcome       text    NOT NULL CHECK (outcome IN ('settled', 'other_amount', 'repeated', 'unknown_parcel', 'not_collected', 'postage_only')),
    PRIMARY KEY (remittance_id, line)
);
CREATE INDEX postal_remittance_line_of_parcel ON postal_remittance_line (parcel_id) WHERE parcel_id IS NOT NULL;
COMMENT ON TABLE postal_remittance_line IS 'Each line as it came and what it did: a parcel on several lists has a line on each.';
CREATE TRIGGER postal_remittance_line_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON postal_remittance_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Which request the door money of a dossier belongs to: the open one of just this sum, else any open one (a part, or a sum that
-- changed), else the last that was paid meanwhile (double: all surplus, its refund case opens). An expired one is open: the price
-- holds until the hand-over.
CREATE FUNCTION postal_request_of(of_dossier text, sum bigint) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.id FROM payment_request r
    WHERE r.dossier = of_dossier AND r.amount > 0 AND r.status <> 'cancelled'
    ORDER BY r.settled_at IS NOT NULL, r.amount - r.allocated <> sum,
             CASE WHEN r.settled_at IS NULL THEN r.id ELSE -r.id END LIMIT 1
$$;

-- What postmen collected, set-based and raising for none; arrays run in step. Outcomes: collected, known (the same again),
-- conflict (another sum than before: nothing booked), no_request (nothing of the dossier could be paid), no_parcel.
CREATE FUNCTION postal_collect(at timestamptz, actor text, parcels bigint[], sums bigint[], outlets text[], times timestamptz[], how text)
    RETURNS TABLE (n bigint, outcome text, payment bigint, request bigint) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
    PERFORM 1 FROM parcel p WHERE p.id = ANY (parcels) ORDER BY p.id FOR UPDATE;
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT u.n AS place, u.sum, u.outlet, u.time, p.id, p.item, p.code, p.carrier, p.collect, c.payment_id AS had, c.amount AS had_sum,
               r.id AS request, r.reference, a.account_number,
               row_number() OVER (PARTITION BY p.id ORDER BY u.n) AS turn
        FROM unnest(parcels, sums, outlets, times) WITH ORDINALITY AS u (parcel, sum, outlet, time, n)
        LEFT JOIN parcel p ON p.id = u.parcel AND p.item IS NOT NULL
        LEFT JOIN postal_collection c ON c.parcel_id = p.id
        LEFT JOIN payment_request r ON c.parcel_id IS NULL AND r.id = postal_request_of(p.dossier, u.sum)
        LEFT JOIN receiving_account a ON a.id = r.account_id
    ), fresh AS MATERIALIZED (
        SELECT asked.*, row_number() OVER (ORDER BY place) AS k FROM asked WHERE had IS NULL AND turn = 1 AND account_number IS NOT NULL
    ), confirmed AS MATERIALIZED (
        SELECT c.* FROM (
            SELECT array_agg(f.carrier ORDER BY k) AS sources, array_agg(f.item ORDER BY k) AS ids, array_agg(int8send(f.sum) ORDER BY k) AS contents,
                   array_agg(f.sum ORDER BY k) AS amounts, array_agg(f.account_number ORDER BY k) AS accounts,
                   array_agg('post'::text ORDER BY k) AS methods, array_agg(NULL::text ORDER BY k) AS none,
                   array_agg('Bưu điện thu hộ ' || f.item || ' ' || f.reference ORDER BY k) AS memos, array_agg(f.time ORDER BY k) AS times,
                   array_agg(NULL::bytea ORDER BY k) AS raws, array_agg(k::integer ORDER BY k) AS of, array_agg(f.reference ORDER BY k) AS refs,
                   array_agg(0 ORDER BY k) AS edits
            FROM fresh f HAVING count(*) > 0) g,
            LATERAL confirm(postal_collect.at, g.sources, g.ids, g.contents, g.amounts, g.accounts, g.methods, g.none, g.memos, g.times, g.none,
                            g.none, g.raws, g.of, g.refs, g.edits) c
    ), booked AS MATERIALIZED (
        SELECT f.*, c.payment AS pay, c.request AS of_request, c.outcome AS verdict FROM fresh f JOIN confirmed c ON c.n = f.k
    ), kept AS (
        INSERT INTO postal_collection (parcel_id, payment_id, carrier, outlet, amount, expected, collected_at, learned_from, booked_at, booked_by)
        SELECT b.id, b.pay, b.carrier, b.outlet, b.sum, b.collect, b.time, how, postal_collect.at, actor
        FROM booked b WHERE b.verdict IN ('booked', 'unallocated') ORDER BY b.id
    ), told AS (
        SELECT event_record(postal_collect.at, array_agg('collection.reported'::text ORDER BY b.place), array_agg(p.dossier ORDER BY b.place),
                            array_agg(b.of_request ORDER BY b.place),
                            array_agg(jsonb_build_object('parcel', b.code, 'item', b.item, 'carrier', b.carrier, 'outlet', b.outlet, 'amount', b.sum,
                                                         'expected', b.collect, 'collected_at', b.time) ORDER BY b.place))
        FROM booked b JOIN parcel p ON p.id = b.id WHERE b.verdict IN ('booked', 'unallocated') HAVING count(*) > 0
    )
    SELECT x.place, CASE WHEN x.id IS NULL THEN 'no_parcel'
                         WHEN b.verdict IN ('booked', 'unallocated') THEN 'collected'
                         WHEN b.verdict IS NOT NULL THEN 'conflict'
                         WHEN x.had_sum = x.sum OR x.had IS NULL AND x.turn > 1 THEN 'known'
                         WHEN x.had IS NOT NULL THEN 'conflict'
                         ELSE 'no_request' END, coalesce(b.pay, x.had), b.of_request
    FROM asked x LEFT JOIN booked b ON b.place = x.place LEFT JOIN told ON true ORDER BY x.place;
    PERFORM postal_collection_post(at, parcels);
END $$;

-- The journals of collections that have none yet: from the account's clearing to the outlet's account.
CREATE FUNCTION postal_collection_post(at timestamptz, parcels bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    month date := business_month(at);
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS postal_posting (journal bigint, payment bigint, request bigint, amount bigint, post text, clearing text)
        ON COMMIT DELETE ROWS;
    DELETE FROM postal_posting;
    INSERT INTO postal_posting
    SELECT nextval('journal_number'), c.payment_id, p.request_id, c.amount, 'post:' || c.carrier || ':' || c.outlet, 'clearing:' || a.account_number
    FROM postal_collection c JOIN payment p ON p.id = c.payment_id JOIN receiving_account a ON a.id = p.account_id
    WHERE c.parcel_id = ANY (parcels) AND c.journal_id IS NULL;
    PERFORM accounts_open(ARRAY(SELECT post FROM postal_posting UNION SELECT clearing FROM postal_posting));
    INSERT INTO journal (booked_month, id, at, booked_on, kind, payment_id, request_id)
    SELECT month, t.journal, postal_collection_post.at, business_day(postal_collection_post.at), 'collection', t.payment, t.request FROM postal_posting t;
    INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)
    SELECT month, t.journal, v.ordinal, a.id, v.amount
    FROM postal_posting t, LATERAL (VALUES (1, t.post, t.amount), (2, t.clearing, -t.amount)) AS v (ordinal, code, amount)
    JOIN account a ON a.code = v.code;
    UPDATE postal_collection c SET journal_id = t.journal FROM postal_posting t WHERE c.payment_id = t.payment;
END $$;

-- Takes a carrier's list whole or not at all. A line of a parcel whose collection nobody reported is the report. The journal takes
-- what is settled off each outlet; the pay-out waits for the bank's credit of gross − postage. Repeated: known, nothing changes;
-- the same number with other content: conflict, a person must look.
CREATE FUNCTION postal_remit(at timestamptz, actor text, from_carrier text, named text, account text, day date, items text[],
                             sums bigint[], postages bigint[], outlets text[])
    RETURNS TABLE (state text, remittance bigint) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
    digest bytea := sha256(convert_to(concat_ws('|', account, day, items::text, sums::text, postages::text), 'UTF8'));
    ours integer;
    old postal_remittance;
    made bigint;
    codes text[];
    amounts bigint[];
BEGIN
    SELECT a.id INTO ours FROM receiving_account a WHERE a.account_number = account;
    IF ours IS NULL THEN
        RETURN QUERY SELECT 'no_account'::text, NULL::bigint;
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('postal_remit ' || from_carrier || ' ' || named, 0));
    SELECT * INTO old FROM postal_remittance r WHERE r.carrier = from_carrier AND r.list = named;
    IF FOUND THEN
        RETURN QUERY SELECT CASE WHEN old.content = digest THEN 'known' ELSE 'conflict' END, old.id;
        RETURN;
    END IF;
    PERFORM 1 FROM parcel p WHERE p.item = ANY (items) ORDER BY p.id FOR UPDATE;
    PERFORM count(*) FROM (
        SELECT array_agg(p.id ORDER BY u.n) AS ids, array_agg(u.s ORDER BY u.n) AS sums, array_agg(u.o ORDER BY u.n) AS outlets,
               array_agg((day::timestamp - interval '7 hours') AT TIME ZONE 'UTC' ORDER BY u.n) AS times
        FROM unnest(items, sums, outlets) WITH ORDINALITY AS u (i, s, o, n) JOIN parcel p ON p.item = u.i
        WHERE p.collect > 0 AND u.s > 0 AND p.carrier = from_carrier AND NOT EXISTS (SELECT FROM postal_collection c WHERE c.parcel_id = p.id)
        HAVING count(*) > 0) g, LATERAL postal_collect(at, actor, g.ids, g.sums, g.outlets, g.times, 'list') c;
    INSERT INTO postal_remittance (carrier, list, account_id, paid_on, gross, postage, content, taken_at, taken_by)
    SELECT from_carrier, named, ours, day, sum(s), sum(f), digest, at, actor FROM unnest(sums, postages) AS u (s, f)
    RETURNING id INTO made;
    INSERT INTO postal_remittance_line (remittance_id, line, item, amount, postage, parcel_id, settled, outcome)
    SELECT made, n, i, s, f, parcel, settled,
           CASE WHEN s = 0 THEN 'postage_only' WHEN parcel IS NULL THEN 'unknown_parcel' WHEN owed IS NULL THEN 'not_collected'
                WHEN open = 0 THEN 'repeated' WHEN s = open THEN 'settled' ELSE 'other_amount' END
    FROM (SELECT w.*, least(s, open) AS settled
          FROM (SELECT v.*, greatest(coalesce(owed, 0) - had - prior, 0) AS open
                FROM (SELECT u.n, u.i, u.s, u.f, p.id AS parcel, c.amount AS owed, coalesce(c.remitted, 0) AS had,
                             coalesce(sum(u.s) OVER (PARTITION BY u.i ORDER BY u.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS prior
                      FROM unnest(items, sums, postages) WITH ORDINALITY AS u (i, s, f, n)
                      LEFT JOIN parcel p ON p.item = u.i AND p.carrier = from_carrier
                      LEFT JOIN postal_collection c ON c.parcel_id = p.id) v) w) x;
    UPDATE postal_collection c SET remitted = c.remitted + l.settled
    FROM (SELECT parcel_id, sum(settled)::bigint AS settled FROM postal_remittance_line WHERE remittance_id = made AND settled > 0 GROUP BY 1) l
    WHERE c.parcel_id = l.parcel_id;
    UPDATE parcel p SET collected_paid = c.remitted, settlement = named, changed_at = postal_remit.at
    FROM postal_remittance_line l JOIN postal_collection c ON c.parcel_id = l.parcel_id
    WHERE l.remittance_id = made AND l.settled > 0 AND p.id = l.parcel_id;
    SELECT array_agg(v.code ORDER BY v.code), array_agg(v.amount ORDER BY v.code) INTO codes, amounts
    FROM (SELECT 'post:' || c.carrier || ':' || c.outlet AS code, -sum(l.settled)::bigint AS amount
          FROM postal_remittance_line l JOIN postal_collection c ON c.parcel_id = l.parcel_id WHERE l.remittance_id = made AND l.settled > 0 GROUP BY 1
          UNION ALL
          SELECT 'clearing:' || a.account_number, sum(l.settled)::bigint
          FROM postal_remittance_line l JOIN postal_collection c ON c.parcel_id = l.parcel_id JOIN payment p ON p.id = c.payment_id
          JOIN receiving_account a ON a.id = p.account_id WHERE l.remittance_id = made AND l.settled > 0 GROUP BY 1) v;
    IF codes IS NOT NULL THEN
        PERFORM journal_post(at, day, 'remitted', NULL, NULL, codes, amounts);
    END IF;
    PERFORM pay_out_take(at, actor, from_carrier, named, ours, day, (SELECT sum(s)::bigint FROM unnest(sums) s),
                         (SELECT sum(f)::bigint FROM unnest(postages) f), array_agg(l.item ORDER BY l.line), array_agg(''::text ORDER BY l.line),
                         array_agg(l.amount ORDER BY l.line), array_agg(l.postage ORDER BY l.line), array_agg(day ORDER BY l.line))
    FROM postal_remittance_line l WHERE l.remittance_id = made AND l.amount > 0;
    PERFORM event_record(at, ARRAY['collection.remitted'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('carrier', from_carrier, 'settlement', named, 'account', account, 'paid_on', day,
                                                  'lines', cardinality(items), 'amount', (SELECT sum(s) FROM unnest(sums) s))]);
    PERFORM audit_record(at, actor, 'postal.remit', from_carrier || '/' || named, jsonb_build_object('lines', cardinality(items)));
    RETURN QUERY SELECT 'taken'::text, made;
END $$;

-- Money still at the post office at the end of a day, by outlet and day of collection.
CREATE FUNCTION postal_ageing(wanted date) RETURNS TABLE (carrier text, outlet text, collected_on date, parcels bigint, amount bigint, age_days integer)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT c.carrier, c.outlet, business_day(c.collected_at), count(*), sum(c.amount - coalesce(l.settled, 0))::bigint,
           wanted - business_day(c.collected_at)
    FROM postal_collection c
    LEFT JOIN LATERAL (SELECT sum(l.settled)::bigint AS settled FROM postal_remittance_line l JOIN postal_remittance r ON r.id = l.remittance_id
                       WHERE l.parcel_id = c.parcel_id AND r.paid_on <= wanted) l ON true
    WHERE business_day(c.collected_at) <= wanted AND c.amount > coalesce(l.settled, 0)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;

-- What must hold: the outlet's account is what is still there, and a collection is what its lines left over.
CREATE FUNCTION postal_audit() RETURNS TABLE (problem text, subject text, difference bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'post_balance_differs', coalesce(b.code, c.code), coalesce(b.balance, 0) - coalesce(c.open, 0)
    FROM (SELECT a.code, sum(e.amount)::bigint AS balance FROM entry e JOIN account a ON a.id = e.account_id WHERE a.code LIKE 'post:%' GROUP BY 1) b
    FULL JOIN (SELECT 'post:' || carrier || ':' || outlet AS code, sum(amount - remitted)::bigint AS open FROM postal_collection GROUP BY 1) c
        ON c.code = b.code
    WHERE coalesce(b.balance, 0) <> coalesce(c.open, 0)
    UNION ALL
    SELECT 'collection_remitted_differs', p.code, c.remitted - coalesce(l.settled, 0)
    FROM postal_collection c JOIN parcel p ON p.id = c.parcel_id
    LEFT JOIN (SELECT parcel_id, sum(settled)::bigint AS settled FROM postal_remittance_line GROUP BY 1) l ON l.parcel_id = c.parcel_id
    WHERE c.remitted <> coalesce(l.settled, 0)
    UNION ALL
    SELECT 'collection_payment_differs', p.code, c.amount - y.amount
    FROM postal_collection c JOIN parcel p ON p.id = c.parcel_id JOIN payment y ON y.id = c.payment_id WHERE y.amount <> c.amount
$$;

-- Times ---------------------------------------------------------------------------------------------------------------------

ALTER TABLE parcel ADD COLUMN transit_days integer CHECK (transit_days BETWEEN 1 AND 60);
COMMENT ON COLUMN parcel.transit_days IS 'Working days the tariff allows from hand-over to the carrier (TT 17/2017/TT-BTTTT); NULL: not promised.';

-- The day by which a parcel must have arrived; NULL while the carrier has not taken it, or promised nothing.
CREATE FUNCTION parcel_due(wanted bigint) RETURNS date LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN (SELECT working_days_after(business_day(min(e.at)), p.transit_days)
            FROM parcel p JOIN parcel_event e ON e.parcel_id = p.id AND e.status NOT IN ('created', 'cancelled', 'unknown')
            WHERE p.id = wanted AND p.transit_days IS NOT NULL GROUP BY p.id);
END $$;

-- What a person must look at, as of a day. Nothing here changes anything.
CREATE FUNCTION postal_concerns(wanted date) RETURNS TABLE (concern text, parcel text, dossier text, since date, days integer, amount bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 'late'::text, p.code, p.dossier, d.due, wanted - d.due, p.collect
    FROM parcel p, LATERAL (SELECT parcel_due(p.id) AS due) d
    WHERE p.state = 'booked' AND p.status NOT IN ('delivered', 'returned', 'cancelled') AND d.due < wanted
    UNION ALL
    -- A word of the carrier that no table of ours knows: kept and shown, and raised until a later word is understood.
    SELECT 'unknown_status', p.code, p.dossier, business_day(e.at), wanted - business_day(e.at), p.collect
    FROM parcel p JOIN LATERAL (SELECT x.* FROM parcel_event x WHERE x.parcel_id = p.id ORDER BY x.at DESC, x.learned DESC LIMIT 1) e ON true
    WHERE e.status = 'unknown'
    UNION ALL
    -- Two invitations, two working days apart (TT 17/2017/TT-BTTTT): the second one did not come in time …
    SELECT 'second_attempt_missing', p.code, p.dossier, a.first, wanted - a.first, p.collect
    FROM parcel p JOIN LATERAL (SELECT min(business_day(e.at)) AS first, count(DISTINCT business_day(e.at)) AS times FROM parcel_event e
                                WHERE e.parcel_id = p.id AND e.status = 'failed_attempt') a ON a.times = 1
    WHERE p.status = 'failed_attempt' AND working_days_after(a.first, 2) < wanted
    UNION ALL
    -- … or it went back without them.
    SELECT 'returned_early', p.code, p.dossier, business_day(p.status_at), wanted - business_day(p.status_at), p.collect
    FROM parcel p JOIN LATERAL (SELECT min(business_day(e.at)) AS first, max(business_day(e.at)) AS last FROM parcel_event e
                                WHERE e.parcel_id = p.id AND e.status = 'failed_attempt') a ON true
    WHERE p.direction = 'receive' AND p.status IN ('returning', 'returned') AND (a.first IS NULL OR a.last < working_days_after(a.first, 2))
    UNION ALL
    SELECT 'moves_after_cancel', p.code, p.dossier, business_day(e.at), wanted - business_day(e.at), p.collect
    FROM parcel p JOIN LATERAL (SELECT min(x.at) AS at FROM parcel_event x WHERE x.parcel_id = p.id AND x.status NOT IN ('created', 'cancelled')
                                AND x.learned_at >= p.changed_at) e ON e.at IS NOT NULL
    WHERE p.state = 'cancelled'
    UNION ALL
    SELECT 'delivered_without_money', p.code, p.dossier, business_day(p.status_at), wanted - business_day(p.status_at), p.collect
    FROM parcel p WHERE p.collect > 0 AND p.status = 'delivered' AND business_day(p.status_at) < wanted
      AND NOT EXISTS (SELECT FROM postal_collection c WHERE c.parcel_id = p.id)
    UNION ALL
    SELECT 'other_sum_collected', p.code, p.dossier, business_day(c.collected_at), wanted - business_day(c.collected_at), c.amount - c.expected
    FROM postal_collection c JOIN parcel p ON p.id = c.parcel_id WHERE c.amount <> c.expected AND business_day(c.collected_at) <= wanted
    UNION ALL
    SELECT 'list_' || l.outcome, coalesce(p.code, l.item), p.dossier, r.paid_on, wanted - r.paid_on, l.amount - l.settled
    FROM postal_remittance_line l JOIN postal_remittance r ON r.id = l.remittance_id LEFT JOIN parcel p ON p.id = l.parcel_id
    WHERE l.outcome NOT IN ('settled', 'postage_only') AND r.paid_on <= wanted
    ORDER BY 1, 4, 2;
END $$;

-- The report of a quarter, half-year or year (TT 17/2017/TT-BTTTT): what went by post, in time or not, and the money.
CREATE FUNCTION postal_report(first date, last date) RETURNS TABLE (figure text, service text, amount bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH letter AS MATERIALIZED (
        SELECT p.*, parcel_due(p.id) AS due, business_day(p.status_at) AS ended FROM parcel p
        WHERE p.state IN ('booked', 'cancelling') AND business_day(p.created_at) BETWEEN first AND last
    ), filed AS MATERIALIZED (
        SELECT d.code, d.channel = 'post' OR EXISTS (SELECT FROM parcel p WHERE p.dossier = d.code AND p.state IN ('booked', 'cancelling')) AS by_post
        FROM dossier d WHERE business_day(d.submitted_at) BETWEEN first AND last
    )
    SELECT '01 parcels booked'::text, l.direction, count(*) FROM letter l GROUP BY 2
    UNION ALL SELECT '02 delivered', l.direction, count(*) FROM letter l WHERE l.status = 'delivered' GROUP BY 2
    UNION ALL SELECT '03 delivered late', l.direction, count(*) FROM letter l WHERE l.status = 'delivered' AND l.ended > l.due GROUP BY 2
    UNION ALL SELECT '04 returned', l.direction, count(*) FROM letter l WHERE l.status IN ('returned', 'returning') GROUP BY 2
    UNION ALL SELECT '05 on the way', l.direction, count(*) FROM letter l WHERE l.status NOT IN ('delivered', 'returned', 'returning', 'cancelled') GROUP BY 2
    UNION ALL SELECT '06 postage charged (VND)', l.direction, coalesce(sum(l.fee), 0)::bigint FROM letter l GROUP BY 2
    UNION ALL SELECT '07 collected at the door (VND)', p.direction, sum(c.amount)::bigint FROM postal_collection c JOIN parcel p ON p.id = c.parcel_id
        WHERE business_day(c.collected_at) BETWEEN first AND last GROUP BY 2
    UNION ALL SELECT '08 handed over (VND)', 'all', coalesce(sum(l.settled), 0)::bigint FROM postal_remittance r JOIN postal_remittance_line l
        ON l.remittance_id = r.id WHERE r.paid_on BETWEEN first AND last
    UNION ALL SELECT '09 still at the post office (VND)', 'all', coalesce(sum(a.amount), 0)::bigint FROM postal_ageing(last) a
    UNION ALL SELECT '10 dossiers filed', 'all', count(*) FROM filed
    UNION ALL SELECT '11 dossiers by post', 'all', count(*) FROM filed WHERE by_post
    UNION ALL SELECT '12 dossiers by post, in thousandths', 'all', coalesce(round(1000.0 * count(*) FILTER (WHERE by_post) / nullif(count(*), 0)), 0)::bigint FROM filed
    ORDER BY 1, 2;
END $$;
