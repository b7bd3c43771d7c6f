-- The ground floor: time, events, jobs, audit, callers, the province.
--
-- No statement names a schema: one schema is one province. Functions take the time they act at and never ask for it.

CREATE FUNCTION business_day(at timestamptz) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT
    RETURN (at AT TIME ZONE 'UTC' + interval '7 hours')::date;
COMMENT ON FUNCTION business_day IS 'The day of an instant in Asia/Ho_Chi_Minh: a fixed +07:00, Vietnam keeps no summer time.';

CREATE FUNCTION business_month(at timestamptz) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT
    RETURN date_trunc('month', at AT TIME ZONE 'UTC' + interval '7 hours')::date;
COMMENT ON FUNCTION business_month IS 'First day of the business month: the partition key of wide tables.';

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are for ever, % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

-- Events -----------------------------------------------------------------------------------------------------------
-- Acts write events without a position; the sequencer gives committed ones their place in the feed (feed_advance).

CREATE TABLE event (
    booked_month date        NOT NULL,
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    kind         text        NOT NULL CHECK (kind ~ '^[a-z]+\.[a-z_]+$'),
    at           timestamptz NOT NULL,
    dossier      text,
    request_id   bigint,
    body         jsonb       NOT NULL,          -- natural keys and amounts
    PRIMARY KEY (booked_month, id)
);
CREATE INDEX event_of_request ON event (request_id, id) WHERE request_id IS NOT NULL;
COMMENT ON TABLE event IS 'What happened, written in the transaction of the fact itself; never changed.';
CREATE TRIGGER event_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE event_fresh (
    event_id     bigint PRIMARY KEY,
    booked_month date   NOT NULL
);
COMMENT ON TABLE event_fresh IS 'Events that the sequencer has not placed yet.';

CREATE TABLE feed (
    position     bigint PRIMARY KEY,
    event_id     bigint NOT NULL UNIQUE,
    booked_month date   NOT NULL,
    FOREIGN KEY (booked_month, event_id) REFERENCES event (booked_month, id)
);
COMMENT ON TABLE feed IS 'The order of events: dense, given after commit by one sequencer. Readers follow position.';
CREATE TRIGGER feed_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON feed
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE subscription (
    event_kind text NOT NULL,
    job_kind   text NOT NULL,
    PRIMARY KEY (event_kind, job_kind)
);
COMMENT ON TABLE subscription IS 'Which kind of event makes which kind of job; rooms above enter theirs by migration.';

-- Jobs --------------------------------------------------------------------------------------------------------------

CREATE TABLE job (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text        NOT NULL,
    key          text        NOT NULL,          -- natural key: the same work is never queued twice
    body         jsonb       NOT NULL,
    run_at       timestamptz NOT NULL,          -- due, or the end of the lease while somebody works on it
    tries        integer     NOT NULL DEFAULT 0,
    state        text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),
    error        text,
    created_at   timestamptz NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX job_due ON job (run_at) WHERE state = 'waiting';
COMMENT ON TABLE job IS 'Work that must happen, written with the fact that asks for it. Done work is deleted; dead work waits for a person.';

CREATE FUNCTION job_claim(kinds text[], most integer, at timestamptz, lease interval)
    RETURNS TABLE (id bigint, kind text, key text, body jsonb, tries integer)
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    UPDATE job SET run_at = job_claim.at + lease, tries = job.tries + 1
    WHERE job.id IN (SELECT due.id FROM job due
                     WHERE due.state = 'waiting' AND due.run_at <= job_claim.at AND due.kind = ANY (kinds)
                     ORDER BY due.run_at LIMIT most FOR UPDATE SKIP LOCKED)
    RETURNING job.id, job.kind, job.key, job.body, job.tries
$$;
COMMENT ON FUNCTION job_claim IS 'Takes due jobs for the length of a lease; whoever dies with them gives them back by doing nothing.';

-- Writes events and the jobs that follow from them. Arrays run in step; dossiers and requests may hold NULL.
CREATE FUNCTION event_record(at timestamptz, kinds text[], dossiers text[], requests bigint[], bodies jsonb[])
    RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH made AS (
        INSERT INTO event (booked_month, kind, at, dossier, request_id, body)
        SELECT business_month(event_record.at), k, event_record.at, d, r, b
        FROM unnest(kinds, dossiers, requests, bodies) WITH ORDINALITY AS u (k, d, r, b, n) ORDER BY n
        RETURNING booked_month, id, kind, dossier, request_id, body
    ), fresh AS (
        INSERT INTO event_fresh (event_id, booked_month) SELECT id, booked_month FROM made
    )
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT s.job_kind, 'event ' || m.id,
           jsonb_build_object('event', m.id, 'kind', m.kind, 'dossier', m.dossier, 'request', m.request_id, 'body', m.body),
           event_record.at, event_record.at
    FROM made m JOIN subscription s ON s.event_kind = m.kind
$$;

-- Audit -------------------------------------------------------------------------------------------------------------

CREATE TABLE audit (
    booked_month date        NOT NULL,
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,          -- 'staff:login', 'system:name', 'citizen', 'machine'
    act          text        NOT NULL,
    subject      text        NOT NULL,          -- natural key of what was touched
    detail       jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (booked_month, id)
);
COMMENT ON TABLE audit IS 'Every act of staff and systems; never changed; chained by audit_chain.';
CREATE TRIGGER audit_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE audit_fresh (
    audit_id     bigint PRIMARY KEY,
    booked_month date   NOT NULL
);

CREATE TABLE audit_chain (
    position     bigint PRIMARY KEY,
    audit_id     bigint NOT NULL UNIQUE,
    booked_month date   NOT NULL,
    hash         bytea  NOT NULL,               -- SHA-256 over the hash before and this row's text
    FOREIGN KEY (booked_month, audit_id) REFERENCES audit (booked_month, id)
);
CREATE TRIGGER audit_chain_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION audit_record(at timestamptz, actor text, act text, subject text, detail jsonb)
    RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH made AS (
        INSERT INTO audit (booked_month, at, actor, act, subject, detail)
        VALUES (business_month(audit_record.at), audit_record.at, audit_record.actor, audit_record.act, audit_record.subject,
                coalesce(audit_record.detail, '{}'))
        RETURNING id, booked_month)
    INSERT INTO audit_fresh (audit_id, booked_month) SELECT id, booked_month FROM made
$$;

CREATE FUNCTION audit_hash(previous bytea, a audit) RETURNS bytea
    LANGUAGE sql STABLE SET search_path FROM CURRENT
    RETURN sha256(previous || convert_to(concat_ws(E'\x1f', (a).id, extract(epoch FROM (a).at), (a).actor, (a).act, (a).subject,
                                                   (a).detail::text), 'UTF8'));

-- The sequencers: one per schema at a time (advisory lock), in batches, over committed rows only.

CREATE FUNCTION feed_advance(most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    last bigint;
    placed integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('feed ' || current_schema())) THEN
        RETURN 0;
    END IF;
    SELECT coalesce(max(position), 0) INTO last FROM feed;
    WITH taken AS (
        DELETE FROM event_fresh WHERE event_id IN (SELECT event_id FROM event_fresh ORDER BY event_id LIMIT most)
        RETURNING event_id, booked_month)
    INSERT INTO feed (position, event_id, booked_month)
    SELECT last + row_number() OVER (ORDER BY event_id), event_id, booked_month FROM taken;
    GET DIAGNOSTICS placed = ROW_COUNT;
    RETURN placed;
END $$;

CREATE FUNCTION audit_advance(most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    last bigint := 0;
    link bytea := '\x';
    placed integer := 0;
    fresh audit;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('audit ' || current_schema())) THEN
        RETURN 0;
    END IF;
    SELECT coalesce(max(position), 0) INTO last FROM audit_chain;
    SELECT hash INTO link FROM audit_chain WHERE position = last;
    link := coalesce(link, '\x');
    FOR fresh IN
        WITH taken AS (
            DELETE FROM audit_fresh WHERE audit_id IN (SELECT audit_id FROM audit_fresh ORDER BY audit_id LIMIT most)
            RETURNING audit_id, booked_month)
        SELECT a.* FROM taken t JOIN audit a ON a.id = t.audit_id AND a.booked_month = t.booked_month ORDER BY a.id
    LOOP
        last := last + 1;
        link := audit_hash(link, fresh);
        INSERT INTO audit_chain (position, audit_id, booked_month, hash) VALUES (last, fresh.id, fresh.booked_month, link);
        placed := placed + 1;
    END LOOP;
    RETURN placed;
END $$;

-- Callers -----------------------------------------------------------------------------------------------------------

CREATE TABLE api_key (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text        NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9._-]{2,40}$'),
    key_hash   bytea       NOT NULL UNIQUE,     -- SHA-256; the key itself is shown once
    scopes     text[]      NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE staff (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login       text        NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9._-]{2,40}$'),
    name        text        NOT NULL,
    role        text        NOT NULL CHECK (role IN ('cashier', 'supervisor', 'finance', 'auditor', 'admin')),
    password    text        NOT NULL,           -- scrypt verifier
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz
);

CREATE TABLE staff_session (
    token_hash bytea       PRIMARY KEY,
    staff_id   bigint      NOT NULL REFERENCES staff,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);

CREATE TABLE idempotency (
    caller       text        NOT NULL,
    method       text        NOT NULL,
    path         text        NOT NULL,
    key          text        NOT NULL,
    body_hash    bytea       NOT NULL,
    status       integer     NOT NULL,
    content_type text        NOT NULL,
    reply        bytea       NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (caller, method, path, key)
);
COMMENT ON TABLE idempotency IS 'Replies decided by an act, kept 7 days under the caller''s key; sealed, for a reply may carry a citizen''s link.';
CREATE INDEX idempotency_age ON idempotency (at);

-- The province ------------------------------------------------------------------------------------------------------

CREATE TABLE agency (
    code      text PRIMARY KEY CHECK (code ~ '^[A-Z0-9.-]{2,40}$'),
    name_vi   text NOT NULL,
    name_en   text NOT NULL DEFAULT '',
    tax_code  text NOT NULL CHECK (tax_code ~ '^[0-9]{10}(-[0-9]{3})?$'),   -- the collector on receipts
    address   text NOT NULL DEFAULT '',
    phone     text NOT NULL DEFAULT '',
    level     text NOT NULL CHECK (level IN ('province', 'commune', 'central')),
    active    boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE agency IS 'Who receives dossiers; its tax code is the collector of its fees.';

CREATE TABLE receiving_account (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency         text    NOT NULL REFERENCES agency,
    bank_bin       text    NOT NULL CHECK (bank_bin ~ '^[0-9]{6}$'),
    account_number text    NOT NULL UNIQUE CHECK (account_number ~ '^[A-Za-z0-9]{1,19}$'),
    account_name   text    NOT NULL,
    source         text    NOT NULL,            -- which bank service announces its money
    active         boolean NOT NULL DEFAULT true
);
CREATE UNIQUE INDEX receiving_account_of_agency ON receiving_account (agency) WHERE active;

CREATE TABLE calendar_day (
    day   date PRIMARY KEY,
    kind  text NOT NULL CHECK (kind IN ('holiday', 'working')),  -- 'working': a weekend day swapped in
    name  text NOT NULL,
    basis text NOT NULL
);
COMMENT ON TABLE calendar_day IS 'Exceptions to Monday to Friday: Tết, public holidays, swapped days.';

CREATE TABLE commune (
    code     text PRIMARY KEY CHECK (code ~ '^[0-9]{5}$'),
    province text NOT NULL,
    name     text NOT NULL,
    kind     text NOT NULL,
    name_key text NOT NULL                      -- without diacritics, for search
);
