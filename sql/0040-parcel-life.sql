-- The end of a parcel's life that nobody wants: lost, damaged, not brought a second time, not sent back; and the claims for it.
-- Basis: QĐ 45/2016/QĐ-TTg Điều 14 (the post office restores the papers at its cost), TT 17/2017/TT-BTTTT (complaints within six
-- months, answered in 5 working days inside the province and 7 beyond; two invitations two working days apart, then back),
-- NĐ 47/2011/NĐ-CP Điều 24 to 27 (compensation).

ALTER TABLE parcel DROP CONSTRAINT parcel_status_check;
ALTER TABLE parcel ADD CONSTRAINT parcel_status_check
    CHECK (status IN ('created', 'accepted', 'in_transit', 'out_for_delivery', 'delivered', 'failed_attempt', 'returning', 'returned',
                      'lost', 'damaged', 'cancelled', 'unknown'));
ALTER TABLE parcel ADD COLUMN lost_at timestamptz;
COMMENT ON COLUMN parcel.lost_at IS 'When the carrier first said that it is lost: from then on another one may be sent, also when this one is found again.';
DROP INDEX parcel_open_of_dossier;
CREATE UNIQUE INDEX parcel_open_of_dossier ON parcel (dossier, direction)
    WHERE state IN ('wanted', 'sent', 'booked', 'cancelling') AND status NOT IN ('delivered', 'returned', 'cancelled') AND lost_at IS NULL;

CREATE TABLE postal_term (
    carrier            text    NOT NULL,
    valid_from         date    NOT NULL,
    second_after       integer NOT NULL CHECK (second_after BETWEEN 1 AND 30),
    return_after       integer NOT NULL CHECK (return_after BETWEEN 1 AND 60),
    claim_months       integer NOT NULL CHECK (claim_months BETWEEN 1 AND 60),
    answer_inside      integer NOT NULL CHECK (answer_inside BETWEEN 1 AND 90),
    answer_beyond      integer NOT NULL CHECK (answer_beyond BETWEEN 1 AND 90),
    least_times        integer CHECK (least_times BETWEEN 1 AND 1000),
    legal_basis        text    NOT NULL,
    PRIMARY KEY (carrier, valid_from)
);
COMMENT ON TABLE postal_term IS 'Days of one carrier from a date on, working days unless said otherwise; a new contract is a new row.';
COMMENT ON COLUMN postal_term.second_after IS 'Working days between the first and the second invitation (TT 17/2017/TT-BTTTT).';
COMMENT ON COLUMN postal_term.return_after IS 'Working days after the last invitation until it must be on its way back. The law names none: the contract does.';
COMMENT ON COLUMN postal_term.least_times IS 'Least compensation as a multiple of the postage; NULL until the province has entered what its contract and NĐ 47/2011/NĐ-CP give.';
INSERT INTO postal_term VALUES ('vnpost', '2017-01-01', 2, 2, 6, 5, 7, NULL, 'TT 17/2017/TT-BTTTT; QĐ 45/2016/QĐ-TTg Điều 14; NĐ 47/2011/NĐ-CP Điều 24–27');

CREATE FUNCTION postal_term_of(of_carrier text, day date) RETURNS postal_term LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT t FROM postal_term t WHERE t.carrier = of_carrier AND t.valid_from <= day ORDER BY t.valid_from DESC LIMIT 1
$$;

-- What is to happen next, and by which day; each is NULL when it is not awaited.
CREATE FUNCTION parcel_deadlines(wanted bigint, OUT due date, OUT attempts integer, OUT second_attempt_on date, OUT return_by date)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    p parcel;
    term postal_term;
    first date;
    last date;
BEGIN
    SELECT * INTO p FROM parcel WHERE id = wanted;
    term := postal_term_of(p.carrier, business_day(p.created_at));
    due := parcel_due(wanted);
    SELECT min(business_day(e.at)), max(business_day(e.at)), count(DISTINCT business_day(e.at)) INTO first, last, attempts
    FROM parcel_event e WHERE e.parcel_id = wanted AND e.status = 'failed_attempt';
    IF p.state = 'booked' AND p.status = 'failed_attempt' THEN
        IF attempts = 1 THEN
            second_attempt_on := working_days_after(first, coalesce(term.second_after, 2));
        ELSE
            return_by := working_days_after(last, coalesce(term.return_after, 2));
        END IF;
    END IF;
END $$;

-- As in 0005, and what is lost no longer stands in the way of another one.
CREATE OR REPLACE FUNCTION parcel_want(at timestamptz, actor text, new_code text, new_carrier text, of_dossier text, way text, new_wish jsonb,
                                       grams integer, to_collect bigint, price bigint)
    RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, collect, quoted, created_at, created_by, changed_at)
    VALUES (new_code, new_carrier, of_dossier, way, 'wanted', new_wish, grams, to_collect, price, parcel_want.at, actor, parcel_want.at)
    ON CONFLICT (dossier, direction) WHERE state IN ('wanted', 'sent', 'booked', 'cancelling')
        AND status NOT IN ('delivered', 'returned', 'cancelled') AND lost_at IS NULL DO NOTHING
    RETURNING id INTO made;
    IF made IS NOT NULL THEN
        INSERT INTO job (kind, key, body, run_at, created_at)
        VALUES ('postal_book', new_code, jsonb_build_object('parcel', made), parcel_want.at, parcel_want.at);
        PERFORM audit_record(parcel_want.at, actor, 'parcel.want', new_code, jsonb_build_object('dossier', of_dossier, 'direction', way));
    END IF;
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION parcel_learn(at timestamptz, which bigint, how text, times timestamptz[], carrier_words text[], words text[],
                                        names text[], places text[])
    RETURNS integer LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh integer;
    latest parcel_event;
    p parcel;
BEGIN
    SELECT * INTO p FROM parcel WHERE id = which FOR UPDATE;
    INSERT INTO parcel_event (parcel_id, at, carrier_status, status, name, place, learned_from, learned_at)
    SELECT which, u.t, u.c, u.s, u.n, u.p, how, parcel_learn.at
    FROM unnest(times, carrier_words, words, names, places) WITH ORDINALITY AS u (t, c, s, n, p, o)
    ORDER BY u.o
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS fresh = ROW_COUNT;
    SELECT e.* INTO latest FROM parcel_event e WHERE e.parcel_id = which AND e.status <> 'unknown'
    ORDER BY e.at DESC, e.learned DESC LIMIT 1;
    IF latest.status IS NOT NULL AND (latest.status, latest.at) IS DISTINCT FROM (p.status, p.status_at) THEN
        UPDATE parcel SET status = latest.status, status_at = latest.at, changed_at = parcel_learn.at,
                          lost_at = coalesce(lost_at, CASE WHEN latest.status = 'lost' THEN latest.at END)
        WHERE id = which;
        IF latest.status <> p.status THEN
            PERFORM event_record(parcel_learn.at, ARRAY['parcel.status'], ARRAY[p.dossier], ARRAY[NULL::bigint],
                                 ARRAY[jsonb_build_object('parcel', p.code, 'item', p.item, 'status', latest.status,
                                                          'status_at', latest.at, 'carrier_status', latest.carrier_status)]);
        END IF;
    END IF;
    RETURN fresh;
END $$;

-- Claims ------------------------------------------------------------------------------------------------------------------

CREATE TABLE postal_claim (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parcel_id   bigint      NOT NULL REFERENCES parcel,
    kind        text        NOT NULL CHECK (kind IN ('loss', 'damage')),
    state       text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'refused')),
    claimed     bigint      NOT NULL CHECK (claimed >= 0),             -- đồng: making the papers anew, and what else is asked for
    least       bigint      CHECK (least >= 0),                        -- đồng the rules give at least; NULL: no rule entered
    granted     bigint      CHECK (granted >= 0),                      -- đồng
    note        text        NOT NULL,
    opened_at   timestamptz NOT NULL,
    opened_by   text        NOT NULL,
    answer_due  date        NOT NULL,
    legal_basis text        NOT NULL,
    decided_at  timestamptz,
    decided_by  text,
    why         text,
    CHECK ((state = 'open') = (decided_by IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (decided_by <> opened_by),
    CHECK ((state = 'granted') = (granted IS NOT NULL)),
    CHECK (state <> 'granted' OR granted >= coalesce(least, 0)),
    CHECK (state <> 'refused' OR length(why) > 0)
);
COMMENT ON TABLE postal_claim IS 'A claim against the carrier for a lost or damaged parcel; the carrier''s answer is recorded by another person than the one who asked.';
CREATE UNIQUE INDEX postal_claim_once ON postal_claim (parcel_id, kind) WHERE state <> 'refused';
CREATE INDEX postal_claim_open ON postal_claim (answer_due) WHERE state = 'open';

-- Opens a claim. 'opened', 'known' (one is open or was granted), 'no_parcel', 'not_taken' (the carrier never had it), 'too_late'.
CREATE FUNCTION postal_claim_open(at timestamptz, actor text, which bigint, of_kind text, asked bigint, words text)
    RETURNS TABLE (outcome text, claim bigint) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p parcel;
    term postal_term;
    taken date;
    made bigint;
BEGIN
    SELECT * INTO p FROM parcel WHERE id = which FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'no_parcel'::text, NULL::bigint;
        RETURN;
    END IF;
    SELECT c.id INTO made FROM postal_claim c WHERE c.parcel_id = which AND c.kind = of_kind AND c.state <> 'refused';
    IF FOUND THEN
        RETURN QUERY SELECT 'known'::text, made;
        RETURN;
    END IF;
    SELECT min(business_day(e.at)) INTO taken FROM parcel_event e
    WHERE e.parcel_id = which AND e.status NOT IN ('created', 'cancelled', 'unknown');
    term := postal_term_of(p.carrier, coalesce(taken, business_day(at)));
    IF taken IS NULL OR term.carrier IS NULL THEN
        RETURN QUERY SELECT 'not_taken'::text, NULL::bigint;
        RETURN;
    END IF;
    IF business_day(at) > (taken + make_interval(months => term.claim_months))::date THEN
        RETURN QUERY SELECT 'too_late'::text, NULL::bigint;
        RETURN;
    END IF;
    INSERT INTO postal_claim (parcel_id, kind, claimed, least, note, opened_at, opened_by, answer_due, legal_basis)
    VALUES (which, of_kind, asked, term.least_times * coalesce(p.fee, p.quoted), words, postal_claim_open.at, actor,
            working_days_after(business_day(at), CASE WHEN p.wish -> 'sender' ->> 'province' = p.wish -> 'receiver' ->> 'province'
                                                      THEN term.answer_inside ELSE term.answer_beyond END), term.legal_basis)
    RETURNING id INTO made;
    PERFORM audit_record(at, actor, 'postal.claim', p.code, jsonb_build_object('claim', made, 'kind', of_kind, 'claimed', asked));
    RETURN QUERY SELECT 'opened'::text, made;
END $$;

-- Records the carrier's answer. 'decided', 'known' (the same answer again), 'no_claim', 'same_person', 'below_least', 'other'.
CREATE FUNCTION postal_claim_decide(at timestamptz, actor text, which bigint, verdict text, sum bigint, words text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    c postal_claim;
BEGIN
    SELECT * INTO c FROM postal_claim WHERE id = which FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'no_claim';
    END IF;
    IF c.state <> 'open' THEN
        RETURN CASE WHEN c.state = verdict AND c.granted IS NOT DISTINCT FROM sum THEN 'known' ELSE 'other' END;
    END IF;
    IF c.opened_by = actor THEN
        RETURN 'same_person';
    END IF;
    IF verdict = 'granted' AND sum < coalesce(c.least, 0) THEN
        RETURN 'below_least';
    END IF;
    UPDATE postal_claim SET state = verdict, granted = sum, why = words, decided_at = at, decided_by = actor WHERE id = which;
    PERFORM audit_record(at, actor, 'postal.claim_decided', which::text, jsonb_build_object('state', verdict, 'granted', sum));
    RETURN 'decided';
END $$;

-- As in 0016, and the ends of above.
CREATE OR REPLACE FUNCTION postal_concerns(wanted date) RETURNS TABLE (concern text, parcel text, dossier text, since date, days integer, amount bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 'late'::text, p.code, p.dossier, d.due, wanted - d.due, p.collect
    FROM parcel p, LATERAL (SELECT parcel_due(p.id) AS due) d
    WHERE p.state = 'booked' AND p.status NOT IN ('delivered', 'returned', 'cancelled', 'lost') AND d.due < wanted
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
    WHERE p.status = 'failed_attempt' AND working_days_after(a.first, coalesce((postal_term_of(p.carrier, business_day(p.created_at))).second_after, 2)) < wanted
    UNION ALL
    -- … or it went back without them.
    SELECT 'returned_early', p.code, p.dossier, business_day(p.status_at), wanted - business_day(p.status_at), p.collect
    FROM parcel p JOIN LATERAL (SELECT min(business_day(e.at)) AS first, max(business_day(e.at)) AS last FROM parcel_event e
                                WHERE e.parcel_id = p.id AND e.status = 'failed_attempt') a ON true
    WHERE p.direction = 'receive' AND p.status IN ('returning', 'returned') AND (a.first IS NULL OR a.last < working_days_after(a.first, coalesce((postal_term_of(p.carrier, business_day(p.created_at))).second_after, 2)))
    UNION ALL
    -- Both invitations failed, and it is not on its way back.
    SELECT 'return_missing', p.code, p.dossier, d.return_by, wanted - d.return_by, p.collect
    FROM parcel p, LATERAL parcel_deadlines(p.id) d WHERE p.status = 'failed_attempt' AND d.return_by < wanted
    UNION ALL
    -- The carrier says itself that it is lost or damaged: the claim is still to be opened …
    SELECT p.status || '_without_claim', p.code, p.dossier, business_day(p.status_at), wanted - business_day(p.status_at), p.collect
    FROM parcel p WHERE p.status IN ('lost', 'damaged') AND business_day(p.status_at) <= wanted
      AND NOT EXISTS (SELECT FROM postal_claim k WHERE k.parcel_id = p.id)
    UNION ALL
    -- … or was, and the carrier has not answered in time.
    SELECT 'claim_unanswered', p.code, p.dossier, k.answer_due, wanted - k.answer_due, k.claimed
    FROM postal_claim k JOIN parcel p ON p.id = k.parcel_id WHERE k.state = 'open' AND k.answer_due < wanted
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

-- As in 0016, and what was lost, damaged and claimed.
CREATE OR REPLACE FUNCTION postal_report(first date, last date) RETURNS TABLE (figure text, service text, amount bigint)
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
    UNION ALL SELECT '05 on the way', l.direction, count(*) FROM letter l WHERE l.status NOT IN ('delivered', 'returned', 'returning', 'cancelled', 'lost') GROUP BY 2
    UNION ALL SELECT '06 postage charged (VND)', l.direction, coalesce(sum(l.fee), 0)::bigint FROM letter l GROUP BY 2
    UNION ALL SELECT '07 collected at the door (VND)', p.direction, sum(c.amount)::bigint FROM postal_collection c JOIN parcel p ON p.id = c.parcel_id
        WHERE business_day(c.collected_at) BETWEEN first AND last GROUP BY 2
    UNION ALL SELECT '08 handed over (VND)', 'all', coalesce(sum(l.settled), 0)::bigint FROM postal_remittance r JOIN postal_remittance_line l
        ON l.remittance_id = r.id WHERE r.paid_on BETWEEN first AND last
    UNION ALL SELECT '09 still at the post office (VND)', 'all', coalesce(sum(a.amount), 0)::bigint FROM postal_ageing(last) a
    UNION ALL SELECT '10 dossiers filed', 'all', count(*) FROM filed
    UNION ALL SELECT '11 dossiers by post', 'all', count(*) FROM filed WHERE by_post
    UNION ALL SELECT '12 dossiers by post, in thousandths', 'all', coalesce(round(1000.0 * count(*) FILTER (WHERE by_post) / nullif(count(*), 0)), 0)::bigint FROM filed
    UNION ALL SELECT '13 lost', l.direction, count(*) FROM letter l WHERE l.lost_at IS NOT NULL GROUP BY 2
    UNION ALL SELECT '14 damaged', l.direction, count(*) FROM letter l WHERE EXISTS (SELECT FROM parcel_event e WHERE e.parcel_id = l.id AND e.status = 'damaged') GROUP BY 2
    UNION ALL SELECT '15 claims opened', p.direction, count(*) FROM postal_claim k JOIN parcel p ON p.id = k.parcel_id
        WHERE business_day(k.opened_at) BETWEEN first AND last GROUP BY 2
    UNION ALL SELECT '16 compensation granted (VND)', p.direction, sum(k.granted)::bigint FROM postal_claim k JOIN parcel p ON p.id = k.parcel_id
        WHERE business_day(k.decided_at) BETWEEN first AND last AND k.state = 'granted' GROUP BY 2
    ORDER BY 1, 2;
END $$;
