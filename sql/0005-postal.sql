-- Parcels: what was booked with a carrier, what the carrier said since, and the money it collected at the door.

-- Booking is an attempt that is committed before the carrier is called: 'wanted' (nothing sent yet), 'sent' (an attempt may
-- have reached the carrier: ask before sending again), then 'booked' or 'refused'. 'cancelling' waits for the carrier's answer.
CREATE TABLE parcel (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code           text        NOT NULL UNIQUE CHECK (code ~ '^[A-Z0-9-]{6,40}$'), -- ours; the carrier stores it with the order
    carrier        text        NOT NULL,
    dossier        text        NOT NULL REFERENCES dossier,
    direction      text        NOT NULL CHECK (direction IN ('send', 'receive')),
    state          text        NOT NULL CHECK (state IN ('wanted', 'sent', 'booked', 'refused', 'cancelling', 'cancelled')),
    wish           jsonb       NOT NULL,                    -- the order as it goes to the carrier
    weight_g       integer     NOT NULL CHECK (weight_g > 0),
    collect        bigint      NOT NULL DEFAULT 0 CHECK (collect >= 0),   -- đồng to collect at the door
    quoted         bigint,                                  -- đồng, by our tariff
    attempts       integer     NOT NULL DEFAULT 0,
    attempted_at   timestamptz,
    item           text        UNIQUE,                      -- S10 identifier
    carrier_id     text,
    fee            bigint,                                  -- đồng, as the carrier charged
    status         text        NOT NULL DEFAULT 'created'
                   CHECK (status IN ('created', 'accepted', 'in_transit', 'out_for_delivery', 'delivered', 'failed_attempt',
                                     'returning', 'returned', 'cancelled', 'unknown')),
    status_at      timestamptz,
    problem        text,                                    -- what the carrier said, for a person
    label          bytea,
    collected_paid bigint,                                  -- đồng the carrier remitted
    settlement     text,                                    -- its list
    created_at     timestamptz NOT NULL,
    created_by     text        NOT NULL,
    changed_at     timestamptz NOT NULL,
    CHECK (state NOT IN ('booked', 'cancelling') OR carrier_id IS NOT NULL),
    CHECK ((collected_paid IS NULL) = (settlement IS NULL))
);
COMMENT ON TABLE parcel IS 'One letter with a dossier or a result; code is what the carrier is asked by when an outcome is unknown.';
CREATE UNIQUE INDEX parcel_open_of_dossier ON parcel (dossier, direction)
    WHERE state IN ('wanted', 'sent', 'booked', 'cancelling') AND status NOT IN ('delivered', 'returned', 'cancelled');
CREATE INDEX parcel_of_dossier ON parcel (dossier, id);

CREATE TABLE parcel_event (
    parcel_id      bigint      NOT NULL REFERENCES parcel,
    at             timestamptz NOT NULL,
    carrier_status text        NOT NULL,
    status         text        NOT NULL,
    name           text        NOT NULL,
    place          text        NOT NULL DEFAULT '',
    learned_from   text        NOT NULL CHECK (learned_from IN ('notice', 'asked')),
    learned_at     timestamptz NOT NULL,
    learned        bigint      GENERATED ALWAYS AS IDENTITY, -- carriers' times are whole seconds: the later learned wins a tie
    PRIMARY KEY (parcel_id, at, carrier_status)
);
COMMENT ON TABLE parcel_event IS 'What the carrier said, once, whether it told us or was asked.';
CREATE TRIGGER parcel_event_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON parcel_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Wants a parcel and queues the booking in one act. NULL: the dossier has an open one in this direction.
CREATE FUNCTION parcel_want(at timestamptz, actor text, new_code text, new_carrier text, of_dossier text, way text, new_wish jsonb,
                            grams integer, to_collect bigint, price bigint)
    RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, collect, quoted, created_at, created_by, changed_at)
    VALUES (new_code, new_carrier, of_dossier, way, 'wanted', new_wish, grams, to_collect, price, parcel_want.at, actor, parcel_want.at)
    ON CONFLICT (dossier, direction) WHERE state IN ('wanted', 'sent', 'booked', 'cancelling')
        AND status NOT IN ('delivered', 'returned', 'cancelled') DO NOTHING
    RETURNING id INTO made;
    IF made IS NOT NULL THEN
        INSERT INTO job (kind, key, body, run_at, created_at)
        VALUES ('postal_book', new_code, jsonb_build_object('parcel', made), parcel_want.at, parcel_want.at);
        PERFORM audit_record(parcel_want.at, actor, 'parcel.want', new_code, jsonb_build_object('dossier', of_dossier, 'direction', way));
    END IF;
    RETURN made;
END $$;

-- Commits that an attempt is about to be made. Returns what was known before: 'wanted' (send), 'sent' (ask first), or a state
-- in which nothing is to be done.
CREATE FUNCTION parcel_attempt(at timestamptz, which bigint)
    RETURNS TABLE (before text, code text, wish jsonb, last_attempt timestamptz)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RETURN QUERY SELECT p.state, p.code, p.wish, p.attempted_at FROM parcel p WHERE p.id = which FOR UPDATE;
    UPDATE parcel p SET state = 'sent', attempts = p.attempts + 1, attempted_at = parcel_attempt.at, changed_at = parcel_attempt.at
    WHERE p.id = which AND p.state = 'wanted';
END $$;
COMMENT ON FUNCTION parcel_attempt IS 'wanted becomes sent before the network is touched; whoever finds sent asks the carrier first.';

-- The carrier has certainly nothing: the next try may send again.
CREATE FUNCTION parcel_not_there(at timestamptz, which bigint) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    UPDATE parcel SET state = 'wanted', changed_at = parcel_not_there.at WHERE id = which AND state = 'sent'
$$;

CREATE FUNCTION parcel_booked(at timestamptz, which bigint, new_item text, new_carrier_id text, charged bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p parcel;
BEGIN
    UPDATE parcel SET state = 'booked', item = new_item, carrier_id = new_carrier_id, fee = charged, problem = NULL,
                      changed_at = parcel_booked.at
    WHERE id = which AND state = 'sent' RETURNING * INTO p;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM event_record(parcel_booked.at, ARRAY['parcel.booked'], ARRAY[p.dossier], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('parcel', p.code, 'item', p.item, 'carrier', p.carrier, 'direction', p.direction,
                                                  'collect', p.collect, 'fee', p.fee)]);
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('postal_track', p.code || ' 1', jsonb_build_object('parcel', p.id, 'round', 1), parcel_booked.at + interval '6 hours',
            parcel_booked.at);
    RETURN true;
END $$;

CREATE FUNCTION parcel_refused(at timestamptz, which bigint, why text) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    UPDATE parcel SET state = 'refused', problem = why, changed_at = parcel_refused.at WHERE id = which AND state IN ('wanted', 'sent')
$$;

-- Cancelling: what was never sent is cancelled at once, a booked parcel waits for the carrier. Returns the new state, or the
-- unchanged one when it cannot be cancelled; NULL when there is no such parcel.
CREATE FUNCTION parcel_cancel(at timestamptz, actor text, which bigint) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p parcel;
    becomes text;
BEGIN
    SELECT * INTO p FROM parcel WHERE id = which FOR UPDATE;
    becomes := CASE WHEN p.state = 'wanted' THEN 'cancelled'
                    WHEN p.state = 'booked' AND p.status = 'created' THEN 'cancelling' ELSE p.state END;
    IF becomes <> p.state THEN
        UPDATE parcel SET state = becomes, changed_at = parcel_cancel.at,
                          status = CASE WHEN becomes = 'cancelled' THEN 'cancelled' ELSE status END
        WHERE id = which;
        IF becomes = 'cancelling' THEN
            INSERT INTO job (kind, key, body, run_at, created_at)
            VALUES ('postal_cancel', p.code, jsonb_build_object('parcel', which), parcel_cancel.at, parcel_cancel.at)
            ON CONFLICT DO NOTHING;
        END IF;
        PERFORM audit_record(parcel_cancel.at, actor, 'parcel.cancel', p.code, '{}');
    END IF;
    RETURN becomes;
END $$;

-- The carrier's answer: cancelled, or refused (then the parcel is on its way as before).
CREATE FUNCTION parcel_cancelled(at timestamptz, which bigint, accepted boolean, why text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p parcel;
BEGIN
    UPDATE parcel SET state = CASE WHEN accepted THEN 'cancelled' ELSE 'booked' END, problem = why,
                      status = CASE WHEN accepted THEN 'cancelled' ELSE status END, changed_at = parcel_cancelled.at
    WHERE id = which AND state = 'cancelling' RETURNING * INTO p;
    IF FOUND AND accepted THEN
        PERFORM event_record(parcel_cancelled.at, ARRAY['parcel.status'], ARRAY[p.dossier], ARRAY[NULL::bigint],
                             ARRAY[jsonb_build_object('parcel', p.code, 'item', p.item, 'status', 'cancelled')]);
    END IF;
END $$;

-- Takes in what a carrier said of one parcel; arrays run in step. Repeats change nothing; the status is that of the latest
-- step by the carrier's time, whatever the order in which steps are learned. Returns how many were new.
CREATE FUNCTION parcel_learn(at timestamptz, which bigint, how text, times timestamptz[], carrier_words text[], words text[],
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
        UPDATE parcel SET status = latest.status, status_at = latest.at, changed_at = parcel_learn.at WHERE id = which;
        IF latest.status <> p.status THEN
            PERFORM event_record(parcel_learn.at, ARRAY['parcel.status'], ARRAY[p.dossier], ARRAY[NULL::bigint],
                                 ARRAY[jsonb_build_object('parcel', p.code, 'item', p.item, 'status', latest.status,
                                                          'status_at', latest.at, 'carrier_status', latest.carrier_status)]);
        END IF;
    END IF;
    RETURN fresh;
END $$;

-- Asks again later while the parcel is on its way: six-hourly for 60 days, then a person must look.
CREATE FUNCTION parcel_track_again(at timestamptz, which bigint, done_rounds integer) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT 'postal_track', p.code || ' ' || done_rounds + 1, jsonb_build_object('parcel', p.id, 'round', done_rounds + 1),
           parcel_track_again.at + interval '6 hours', parcel_track_again.at
    FROM parcel p WHERE p.id = which AND p.state IN ('booked', 'cancelling') AND done_rounds < 240
        AND p.status NOT IN ('delivered', 'returned', 'cancelled')
    ON CONFLICT DO NOTHING
$$;

-- Money collected at the door that the carrier hands over, line by line; raises for none. Set-based, first line of a parcel wins.
CREATE FUNCTION parcel_remit(at timestamptz, items text[], amounts bigint[], lists text[])
    RETURNS TABLE (n bigint, outcome text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM 1 FROM parcel p WHERE p.item = ANY (items) OR p.code = ANY (items) ORDER BY p.id FOR UPDATE;
    RETURN QUERY
    WITH line AS (
        SELECT u.ordinality, u.amount, u.list, p.id, p.code, p.item, p.dossier, p.collect, p.settlement, p.collected_paid,
               row_number() OVER (PARTITION BY p.id ORDER BY u.ordinality) AS turn
        FROM unnest(items, amounts, lists) WITH ORDINALITY AS u (item, amount, list, ordinality)
        LEFT JOIN parcel p ON p.item = u.item OR p.code = u.item
    ), judged AS (
        SELECT line.*, CASE WHEN line.id IS NULL THEN 'unknown_parcel'
                            WHEN line.collect = 0 THEN 'not_collected'
                            WHEN line.settlement = line.list AND line.collected_paid = line.amount THEN 'known'
                            WHEN line.settlement IS NOT NULL OR line.turn > 1 THEN 'other_amount'
                            WHEN line.amount <> line.collect THEN 'other_amount'
                            ELSE 'settled' END AS verdict
        FROM line
    ), settled AS (
        UPDATE parcel p SET collected_paid = j.amount, settlement = j.list, changed_at = parcel_remit.at
        FROM judged j WHERE j.id = p.id AND j.verdict = 'settled' RETURNING p.id
    ), told AS (
        SELECT event_record(parcel_remit.at, array_agg('collection.remitted'::text ORDER BY j.ordinality),
                            array_agg(j.dossier ORDER BY j.ordinality), array_agg(NULL::bigint ORDER BY j.ordinality),
                            array_agg(jsonb_build_object('parcel', j.code, 'item', j.item, 'amount', j.amount,
                                                         'settlement', j.list) ORDER BY j.ordinality))
        FROM judged j WHERE j.verdict = 'settled' HAVING count(*) > 0
    )
    SELECT j.ordinality, j.verdict FROM judged j LEFT JOIN told ON true ORDER BY j.ordinality;
END $$;
