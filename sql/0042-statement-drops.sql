-- Places banks put statements at (SFTP or HTTPS): every visit, and each file by name, so that a file is asked for again only when it
-- changed. What a drop did not give is "not received", never "no difference".

CREATE TABLE statement_drop_visit (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drop_name  text        NOT NULL,            -- [drop.NAME] of the configuration, which alone knows address and secrets
    account    text        NOT NULL,            -- whose statements it should give; empty: not said
    visited_at timestamptz NOT NULL,
    visited_by text        NOT NULL,
    outcome    text        NOT NULL CHECK (outcome IN ('done', 'partial', 'failed')), -- partial: a file could not be taken
    detail     text        NOT NULL DEFAULT '',
    listed     integer     NOT NULL CHECK (listed >= 0),
    taken      integer     NOT NULL CHECK (taken BETWEEN 0 AND listed)
);
CREATE INDEX statement_drop_visit_by_name ON statement_drop_visit (drop_name, visited_at);
COMMENT ON TABLE statement_drop_visit IS 'Each visit of a drop and what came of it; failed: it could not be reached or would not prove who it is.';
CREATE TRIGGER statement_drop_visit_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_drop_visit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE statement_drop_file (
    drop_name  text        NOT NULL,
    name       text        NOT NULL,            -- as the drop lists it
    size       bigint      NOT NULL,            -- bytes
    modified_s bigint      NOT NULL,            -- as the drop says, seconds since 1970; -1 not said
    sha256     bytea       CHECK (octet_length(sha256) = 32),
    outcome    text        NOT NULL CHECK (outcome IN ('imported', 'known', 'quarantined', 'growing', 'refused', 'unreadable')),
    detail     text        NOT NULL DEFAULT '',
    seen_at    timestamptz NOT NULL,
    PRIMARY KEY (drop_name, name)
);
COMMENT ON TABLE statement_drop_file IS 'The last word on each file of a drop; imported and known ones are not asked for again while size and time stay. The file itself is known by its SHA-256 in statement_file.';

CREATE FUNCTION statement_drop_told(said_drop text, said_name text, said_size bigint, said_modified bigint, said_sha256 bytea, said_outcome text,
                                    said_detail text, at timestamptz) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO statement_drop_file (drop_name, name, size, modified_s, sha256, outcome, detail, seen_at)
    VALUES (said_drop, said_name, said_size, said_modified, said_sha256, said_outcome, said_detail, at)
    ON CONFLICT (drop_name, name) DO UPDATE SET size = excluded.size, modified_s = excluded.modified_s, sha256 = excluded.sha256,
        outcome = excluded.outcome, detail = excluded.detail, seen_at = excluded.seen_at
$$;

-- A drop that did not give what it should is visited again by the service, later and later.
CREATE FUNCTION statement_fetch_again(said_drop text, at timestamptz) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('statement_fetch', said_drop, jsonb_build_object('drop', said_drop), at + interval '5 minutes', at)
    ON CONFLICT (kind, key) DO UPDATE SET state = 'waiting', tries = 0, run_at = excluded.run_at WHERE job.state = 'dead'
$$;

-- Which sources came for a day: a statement of each account, a batch of each source that announced payments, each drop visited since.
CREATE OR REPLACE FUNCTION sources_received(wanted date) RETURNS TABLE (source text, state text, quarantined bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'account ' || a.account_number,
           CASE WHEN EXISTS (SELECT FROM statement s WHERE s.account_id = a.id AND s.state = 'accepted' AND wanted BETWEEN s.first_day AND s.last_day)
                THEN 'received' ELSE 'not received' END,
           (SELECT count(*) FROM statement s WHERE s.account_id = a.id AND s.state = 'quarantined' AND wanted BETWEEN s.first_day AND s.last_day)
    FROM receiving_account a WHERE a.active
    UNION ALL
    SELECT 'settlement ' || p.source,
           CASE WHEN EXISTS (SELECT FROM pay_out b JOIN pay_out_item i ON i.batch_id = b.id
                             WHERE b.current AND b.source = p.source AND i.paid_on = wanted) THEN 'received' ELSE 'not received' END, 0
    FROM (SELECT DISTINCT p.source FROM payment p WHERE business_day(p.paid_at) = wanted AND p.method NOT IN ('vietqr', 'cash')) p
    UNION ALL
    SELECT 'drop ' || v.drop_name,
           CASE WHEN bool_or(v.account = '' AND v.outcome = 'done')
                  OR bool_or(EXISTS (SELECT FROM receiving_account a JOIN statement s ON s.account_id = a.id
                                     WHERE a.account_number = v.account AND s.state = 'accepted' AND wanted BETWEEN s.first_day AND s.last_day))
                THEN 'received' ELSE 'not received' END, 0
    FROM statement_drop_visit v WHERE business_day(v.visited_at) BETWEEN wanted + 1 AND wanted + 31 GROUP BY v.drop_name
    ORDER BY 1
$$;
