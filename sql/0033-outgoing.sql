-- What goes out: signed webhooks to systems, notices to people, and what people said about being written to.

-- Webhooks ------------------------------------------------------------------------------------------------------------

CREATE TABLE webhook (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text        NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{1,39}$'),   -- its secret is configured under it
    url           text        NOT NULL,
    kinds         text[]      NOT NULL,          -- 'request.paid', 'refund.*'; empty: everything
    state         text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    queued_to     bigint      NOT NULL CHECK (queued_to >= 0),   -- the feed up to here has its deliveries
    failures      integer     NOT NULL DEFAULT 0,                -- in a row
    failing_since timestamptz,                                   -- no success since
    pause_until   timestamptz,                                   -- nobody answered: nothing is tried before
    problem       text,
    created_at    timestamptz NOT NULL,
    created_by    text        NOT NULL,
    changed_at    timestamptz NOT NULL
);
COMMENT ON TABLE webhook IS 'Systems that are told of events as they happen. The secret is configuration, never a row.';

CREATE TABLE webhook_delivery (
    webhook_id  bigint      NOT NULL REFERENCES webhook,
    position    bigint      NOT NULL REFERENCES feed,
    lane        text        NOT NULL,            -- the dossier: its events go in order, one after the other
    state       text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    tries       integer     NOT NULL DEFAULT 0,
    replays     integer     NOT NULL DEFAULT 0,
    run_at      timestamptz NOT NULL,
    first_at    timestamptz,                     -- of the tries
    done_at     timestamptz,
    status      integer,                         -- of the last answer
    problem     text,
    duration_ms integer,
    PRIMARY KEY (webhook_id, position)
);
CREATE INDEX webhook_delivery_next ON webhook_delivery (webhook_id, position) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_lane ON webhook_delivery (webhook_id, lane, position) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_done ON webhook_delivery (done_at) WHERE state = 'delivered';
COMMENT ON TABLE webhook_delivery IS 'One row per subscriber and event: at least once, in order per lane. Old delivered rows are purged; a replay makes them again.';

CREATE FUNCTION webhook_wants(kinds text[], kind text) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN cardinality(kinds) = 0 OR kind = ANY (kinds) OR split_part(kind, '.', 1) || '.*' = ANY (kinds);

-- Events of a dossier keep their order; those without one keep it within their room.
CREATE FUNCTION webhook_lane(dossier text, kind text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN coalesce(dossier, '/' || split_part(kind, '.', 1));

-- Gives a subscriber the deliveries of what happened since; how far the feed was read, 0 when there was nothing.
CREATE FUNCTION webhook_queue(at timestamptz, which bigint, most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    w webhook;
    upto bigint;
BEGIN
    SELECT * INTO w FROM webhook WHERE id = which AND state = 'active' FOR UPDATE;
    IF w.id IS NULL THEN
        RETURN 0;
    END IF;
    SELECT max(position) INTO upto
    FROM (SELECT f.position FROM feed f WHERE f.position > w.queued_to ORDER BY f.position LIMIT most) part;
    IF upto IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO webhook_delivery (webhook_id, position, lane, run_at)
    SELECT w.id, f.position, webhook_lane(e.dossier, e.kind), webhook_queue.at
    FROM feed f JOIN event e ON (e.booked_month, e.id) = (f.booked_month, f.event_id)
    WHERE f.position > w.queued_to AND f.position <= upto AND webhook_wants(w.kinds, e.kind)
    ORDER BY f.position
    ON CONFLICT DO NOTHING;
    UPDATE webhook SET queued_to = upto WHERE id = which;
    RETURN upto - w.queued_to;
END $$;

CREATE FUNCTION webhook_delivered(at timestamptz, which bigint, place bigint, answered integer, took_ms integer) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    UPDATE webhook_delivery SET state = 'delivered', tries = tries + 1, first_at = coalesce(first_at, webhook_delivered.at),
           done_at = webhook_delivered.at, status = answered, problem = NULL, duration_ms = took_ms
    WHERE webhook_id = which AND position = place;
    UPDATE webhook SET failures = 0, failing_since = NULL, pause_until = NULL, problem = NULL
    WHERE id = which AND failing_since IS NOT NULL
$$;

-- 2, 4, 8 … seconds, ten minutes at most, spread by a quarter.
CREATE FUNCTION webhook_wait(tries integer, place bigint) RETURNS interval
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN make_interval(secs => (least(2 ^ least(tries, 10), 600) * (1 + (place % 100) / 400.0))::double precision);

-- Notes a failure. `silent`: nobody answered, so nothing else is tried for a while. What fails for longer than `patience` is left:
-- the delivery alone when others of the subscriber go through, else the whole subscriber; a person is told. Returns its state.
CREATE FUNCTION webhook_failed(at timestamptz, which bigint, place bigint, answered integer, why text, took_ms integer, silent boolean,
                               patience interval) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    w webhook;
    d webhook_delivery;
BEGIN
    UPDATE webhook SET failures = failures + 1, failing_since = coalesce(failing_since, webhook_failed.at), problem = why,
           pause_until = CASE WHEN silent THEN webhook_failed.at + webhook_wait(failures + 1, which) END
    WHERE id = which RETURNING * INTO w;
    UPDATE webhook_delivery SET tries = tries + 1, first_at = coalesce(first_at, webhook_failed.at), status = answered, problem = why,
           duration_ms = took_ms, run_at = webhook_failed.at + webhook_wait(tries + 1, position)
    WHERE webhook_id = which AND position = place RETURNING * INTO d;
    IF w.state = 'active' AND webhook_failed.at - w.failing_since >= patience THEN
        UPDATE webhook SET state = 'disabled', changed_at = webhook_failed.at WHERE id = which;
        PERFORM event_record(webhook_failed.at, ARRAY['webhook.disabled'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                             ARRAY[jsonb_build_object('webhook', w.name, 'failing_since', w.failing_since, 'problem', why)]);
        PERFORM audit_record(webhook_failed.at, 'machine', 'webhook.disable', w.name, jsonb_build_object('problem', why));
        PERFORM receipt_concern_open(webhook_failed.at, ARRAY['webhook_disabled'], ARRAY[w.name],
            ARRAY['Hệ thống nhận thông báo không trả lời đúng trong thời gian dài nên đã tạm ngừng gửi. Không sự kiện nào mất: sửa xong, bật lại là gửi tiếp.']);
        RETURN 'disabled';
    ELSIF webhook_failed.at - d.first_at >= patience THEN
        UPDATE webhook_delivery SET state = 'failed', done_at = webhook_failed.at WHERE webhook_id = which AND position = place;
        PERFORM receipt_concern_open(webhook_failed.at, ARRAY['webhook_refused'], ARRAY[w.name || '/' || place],
            ARRAY['Hệ thống nhận thông báo từ chối mãi một sự kiện. Xem lý do trong nhật ký gửi, sửa rồi gửi lại.']);
    END IF;
    RETURN w.state;
END $$;

-- Asks for deliveries again, in order; a bounded number. `upto` NULL: to the end of what was queued. Returns how many, and where the
-- next call goes on (NULL: all done).
CREATE FUNCTION webhook_replay(at timestamptz, actor text, which bigint, since bigint, upto bigint, most integer)
    RETURNS TABLE (queued integer, next_from bigint) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    w webhook;
    last bigint;
BEGIN
    SELECT * INTO w FROM webhook WHERE id = which FOR UPDATE;
    IF w.id IS NULL THEN
        RETURN;
    END IF;
    last := least(coalesce(upto, w.queued_to), w.queued_to, since + most - 1);
    INSERT INTO webhook_delivery AS d (webhook_id, position, lane, run_at, replays)
    SELECT w.id, f.position, webhook_lane(e.dossier, e.kind), webhook_replay.at, 1
    FROM feed f JOIN event e ON (e.booked_month, e.id) = (f.booked_month, f.event_id)
    WHERE f.position BETWEEN since AND last AND (upto = since OR webhook_wants(w.kinds, e.kind))
    ORDER BY f.position
    ON CONFLICT (webhook_id, position) DO UPDATE SET state = 'waiting', tries = 0, run_at = webhook_replay.at, first_at = NULL,
        done_at = NULL, replays = d.replays + 1;
    GET DIAGNOSTICS queued = ROW_COUNT;
    next_from := CASE WHEN last < least(coalesce(upto, w.queued_to), w.queued_to) THEN last + 1 END;
    PERFORM receipt_concern_gone(webhook_replay.at, 'webhook_refused', w.name || '/' || since) WHERE upto = since;
    PERFORM audit_record(webhook_replay.at, actor, 'webhook.replay', w.name,
                         jsonb_build_object('from', since, 'to', last, 'queued', queued));
    RETURN NEXT;
END $$;

-- Switches on or off; NULL when there is none. Switched on, it goes on where it stood.
CREATE FUNCTION webhook_switch(at timestamptz, actor text, which bigint, wanted text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    w webhook;
BEGIN
    UPDATE webhook SET state = wanted, changed_at = webhook_switch.at, failures = 0, failing_since = NULL, pause_until = NULL,
           problem = NULL WHERE id = which RETURNING * INTO w;
    IF w.id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE webhook_delivery SET run_at = webhook_switch.at, first_at = NULL WHERE webhook_id = which AND state = 'waiting';
    PERFORM receipt_concern_gone(webhook_switch.at, 'webhook_disabled', w.name) WHERE wanted = 'active';
    PERFORM audit_record(webhook_switch.at, actor, CASE wanted WHEN 'active' THEN 'webhook.enable' ELSE 'webhook.disable' END, w.name,
                         '{}');
    RETURN w.id;
END $$;

-- Notices to people ---------------------------------------------------------------------------------------------------

CREATE TABLE contact_choice (
    dossier       text        PRIMARY KEY REFERENCES dossier,
    language      text        NOT NULL DEFAULT 'vi' CHECK (language IN ('vi', 'en')),
    channels      text[]      NOT NULL CHECK (channels <@ ARRAY['email', 'sms', 'zalo']),   -- agreed to; empty: do not write
    email         text,                          -- where it is not the applicant's
    phone         text,
    receipt_files boolean     NOT NULL DEFAULT true,   -- XML and PDF with the letter that tells of the receipt
    said_at       timestamptz NOT NULL,
    said_by       text        NOT NULL
);
COMMENT ON TABLE contact_choice IS 'How the people of a dossier agreed to be written to. Without a row the province''s rule holds (notices.channels).';

CREATE TABLE notice (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    occasion    text        NOT NULL,            -- 'event 12', 'reminder 7 2026-12-23 …', 'receipt 5', 'answer …'
    channel     text        NOT NULL CHECK (channel IN ('email', 'sms', 'zalo')),
    kind        text        NOT NULL CHECK (kind IN ('request_made', 'reminder', 'paid', 'shortage', 'refund_made', 'parcel_delivered',
                                                     'parcel_attempted', 'answer')),
    dossier     text        REFERENCES dossier,
    request_id  bigint      REFERENCES payment_request,
    facts       jsonb       NOT NULL DEFAULT '{}',   -- of the event: amounts, natural keys
    language    text        NOT NULL DEFAULT 'vi' CHECK (language IN ('vi', 'en')),
    contact     text        NOT NULL DEFAULT '',     -- masked; the address itself stays where the citizen gave it
    state       text        NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'sent', 'refused', 'unknown', 'cancelled', 'failed')),
    tries       integer     NOT NULL DEFAULT 0,
    run_at      timestamptz NOT NULL,            -- due, or the end of the lease while somebody sends it
    created_at  timestamptz NOT NULL,
    done_at     timestamptz,
    provider_id text,                            -- what the gateway calls it
    problem     text,
    UNIQUE (occasion, channel)
);
CREATE INDEX notice_due ON notice (channel, run_at) WHERE state = 'waiting';
CREATE INDEX notice_of_dossier ON notice (dossier, id);
CREATE INDEX notice_of_request ON notice (request_id) WHERE request_id IS NOT NULL;
COMMENT ON TABLE notice IS 'Once per occasion and channel. unknown: the gateway did not say; it is not sent again by itself, so that nobody is told twice.';

CREATE TABLE notice_cursor (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    position    bigint      NOT NULL,            -- the feed up to here has its notices
    reminded_to timestamptz NOT NULL             -- requests that end until here have their reminder
);
COMMENT ON TABLE notice_cursor IS 'Made at the first start with a channel: what was before is not told.';

CREATE INDEX payment_request_to_remind ON payment_request (expires_at) WHERE status = 'partly_paid';

-- What the receipts room sent by itself, so that one log tells everything. Returns nothing; the same again changes the state.
CREATE FUNCTION notice_note(at timestamptz, new_occasion text, new_channel text, new_kind text, of_request bigint, new_contact text,
                            new_state text, new_problem text) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO notice AS n (occasion, channel, kind, dossier, request_id, contact, state, tries, run_at, created_at, done_at, problem)
    SELECT new_occasion, new_channel, new_kind, r.dossier, r.id, new_contact, new_state, 1, notice_note.at, notice_note.at, notice_note.at,
           new_problem
    FROM payment_request r WHERE r.id = of_request
    ON CONFLICT (occasion, channel) DO UPDATE SET state = excluded.state, tries = n.tries + 1, done_at = excluded.done_at,
        problem = excluded.problem, contact = excluded.contact
$$;

-- Leases due notices of a channel to whoever sends them.
CREATE FUNCTION notice_claim(wanted text, at timestamptz, most integer, lease interval) RETURNS SETOF notice
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    UPDATE notice SET run_at = notice_claim.at + lease, tries = notice.tries + 1
    WHERE notice.id IN (SELECT due.id FROM notice due WHERE due.state = 'waiting' AND due.channel = wanted
                          AND due.run_at <= notice_claim.at
                        ORDER BY due.run_at, due.id LIMIT most FOR UPDATE SKIP LOCKED)
    RETURNING *
$$;

-- Whoever's data were erased is not written to, and the log forgets where it was sent.
CREATE FUNCTION contact_forget() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM contact_choice WHERE dossier = NEW.code;
    UPDATE notice SET contact = '', facts = '{}', state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END
    WHERE dossier = NEW.code;
    RETURN NULL;
END $$;
CREATE TRIGGER contact_forget AFTER UPDATE OF applicant_name ON dossier FOR EACH ROW
    WHEN (NEW.applicant_name = '(đã xóa)' AND OLD.applicant_name <> '(đã xóa)') EXECUTE FUNCTION contact_forget();
