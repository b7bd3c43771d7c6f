-- Benefits with their evidence, and a channel that only two people change.

CREATE TABLE request_benefit (
    id                 bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id         bigint      NOT NULL REFERENCES payment_request,
    fee                text        NOT NULL,
    rule               text        NOT NULL,        -- code in reductions.csv of the request's catalogue
    category           text,                        -- of the person; NULL: everybody gets it, as for filing online
    amount             bigint      NOT NULL CHECK (amount > 0),   -- đồng it took off
    evidence_needed    text        NOT NULL DEFAULT '',           -- as the catalogue says
    state              text        NOT NULL CHECK (state IN ('claimed', 'verified', 'rejected')),
    source             text        CHECK (source IN ('paper', 'database', 'dossier')),
    document           text,                        -- which paper, or which database
    number             text,
    issued_on          date,
    checked_by         text,
    checked_at         timestamptz,
    reason             text,                        -- why it was rejected
    additional_request bigint      REFERENCES payment_request,    -- what asks for the difference
    UNIQUE NULLS NOT DISTINCT (request_id, fee, rule, category),
    CHECK ((state = 'claimed') = (checked_by IS NULL)),
    CHECK ((checked_by IS NULL) = (checked_at IS NULL)),
    CHECK (state <> 'verified' OR (source IS NOT NULL AND number IS NOT NULL)),
    CHECK ((state = 'rejected') = (reason IS NOT NULL)),
    CHECK (category IS NOT NULL OR state = 'verified'),
    CHECK (additional_request IS NULL OR state = 'rejected')
);
COMMENT ON TABLE request_benefit IS 'Each reduction that counted in a request: what proves it and who looked. A rejected one asks for the difference.';
CREATE INDEX request_benefit_additional ON request_benefit (additional_request) WHERE additional_request IS NOT NULL;

-- What is checked once is not checked otherwise; nothing is deleted.
CREATE FUNCTION request_benefit_steps() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF old.state = 'rejected' OR (old.request_id, old.fee, old.rule, old.amount, old.evidence_needed)
       IS DISTINCT FROM (new.request_id, new.fee, new.rule, new.amount, new.evidence_needed)
       OR old.category IS DISTINCT FROM new.category THEN
        RAISE EXCEPTION 'benefit % is decided', old.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER request_benefit_steps BEFORE UPDATE ON request_benefit
    FOR EACH ROW EXECUTE FUNCTION request_benefit_steps();
CREATE TRIGGER request_benefit_stays BEFORE DELETE OR TRUNCATE ON request_benefit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Benefits: [{fee, rule, category, amount, evidence_needed}]; evidence: [{category, source, document, number, issued_on}].
-- What everybody gets rests on the dossier itself. Gives the request's number back.
CREATE FUNCTION benefits_keep(at timestamptz, wanted bigint, benefits jsonb, evidence jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO request_benefit (request_id, fee, rule, category, amount, evidence_needed, state, source, document, number,
                                 issued_on, checked_by, checked_at)
    SELECT wanted, b.fee, b.rule, b.category, b.amount, coalesce(b.evidence_needed, ''),
           CASE WHEN b.category IS NULL THEN 'verified' ELSE 'claimed' END,
           CASE WHEN b.category IS NULL THEN 'dossier' ELSE e.source END, e.document,
           CASE WHEN b.category IS NULL THEN r.dossier ELSE e.number END, e.issued_on,
           CASE WHEN b.category IS NULL THEN 'machine' END, CASE WHEN b.category IS NULL THEN at END
    FROM payment_request r,
         jsonb_to_recordset(coalesce(benefits, '[]')) AS b (fee text, rule text, category text, amount bigint, evidence_needed text)
         LEFT JOIN jsonb_to_recordset(coalesce(evidence, '[]'))
             AS e (category text, source text, document text, number text, issued_on date) ON e.category = b.category
    WHERE r.id = wanted
    ON CONFLICT DO NOTHING;
    RETURN wanted;
END $$;

-- Returns 'verified', 'not_found', 'conflict' (decided already) or 'evidence' (neither claim nor checker said what proves it).
CREATE FUNCTION benefit_verify(
    at timestamptz, actor text, of_request bigint, wanted bigint, new_source text, new_document text, new_number text, new_issued_on date)
    RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    b request_benefit;
BEGIN
    SELECT * INTO b FROM request_benefit WHERE id = wanted AND request_id = of_request FOR UPDATE;
    IF b.id IS NULL THEN
        RETURN 'not_found';
    ELSIF b.state <> 'claimed' THEN
        RETURN 'conflict';
    ELSIF coalesce(new_source, b.source) IS NULL OR coalesce(new_number, b.number) IS NULL
          OR coalesce(new_document, b.document) IS NULL OR coalesce(new_issued_on, b.issued_on) IS NULL THEN
        RETURN 'evidence';
    END IF;
    UPDATE request_benefit SET state = 'verified', source = coalesce(new_source, source), document = coalesce(new_document, document),
           number = coalesce(new_number, number), issued_on = coalesce(new_issued_on, issued_on), checked_by = actor, checked_at = at
    WHERE id = wanted;
    PERFORM audit_record(at, actor, 'benefit.verify', (SELECT reference FROM payment_request WHERE id = of_request),
                         jsonb_build_object('fee', b.fee, 'rule', b.rule, 'category', b.category));
    RETURN 'verified';
END $$;

CREATE FUNCTION benefit_reject(at timestamptz, actor text, wanted bigint, why text, additional bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE request_benefit SET state = 'rejected', reason = why, checked_by = actor, checked_at = at, additional_request = additional
    WHERE id = wanted;
    PERFORM audit_record(at, actor, 'benefit.reject', r.reference,
                         jsonb_build_object('fee', b.fee, 'rule', b.rule, 'category', b.category, 'reason', why,
                                            'additional', (SELECT reference FROM payment_request WHERE id = additional)))
    FROM request_benefit b JOIN payment_request r ON r.id = b.request_id WHERE b.id = wanted;
END $$;

-- The channel of a dossier ------------------------------------------------------------------------------------------

CREATE TABLE channel_change (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier     text        NOT NULL REFERENCES dossier,
    before      text        NOT NULL,
    after       text        NOT NULL CHECK (after IN ('counter', 'online', 'online_part', 'post') AND after <> before),
    reason      text        NOT NULL CHECK (length(reason) >= 3),
    asked_by    text        NOT NULL,
    asked_at    timestamptz NOT NULL,
    approved_by text        CHECK (approved_by <> asked_by),
    approved_at timestamptz,
    CHECK ((approved_by IS NULL) = (approved_at IS NULL))
);
CREATE UNIQUE INDEX channel_change_open ON channel_change (dossier) WHERE approved_by IS NULL;
COMMENT ON TABLE channel_change IS 'How a dossier was filed is its own fact; at the desk it is changed with a reason and by two people.';
CREATE TRIGGER channel_change_stays BEFORE DELETE OR TRUNCATE ON channel_change
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Opens a change, or puts another in the place of one that waits. Returns its number, NULL when nothing would change.
CREATE FUNCTION channel_change_ask(at timestamptz, actor text, of_dossier text, wanted text, why text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    d dossier;
    made bigint;
BEGIN
    SELECT * INTO d FROM dossier WHERE code = of_dossier FOR UPDATE;
    IF d.channel = wanted THEN
        RETURN NULL;
    END IF;
    INSERT INTO channel_change (dossier, before, after, reason, asked_by, asked_at)
    VALUES (of_dossier, d.channel, wanted, why, actor, at)
    ON CONFLICT (dossier) WHERE approved_by IS NULL
    DO UPDATE SET before = excluded.before, after = excluded.after, reason = excluded.reason, asked_by = excluded.asked_by,
                  asked_at = excluded.asked_at
    RETURNING id INTO made;
    PERFORM audit_record(at, actor, 'channel.ask', of_dossier, jsonb_build_object('before', d.channel, 'after', wanted, 'reason', why));
    RETURN made;
END $$;

-- The second person. What was asked under the old channel and has no money yet is cancelled; where money came, the channel
-- stays. Returns 'changed', 'not_found', 'second_person', 'paid' or 'conflict' (the dossier says otherwise meanwhile).
CREATE FUNCTION channel_change_approve(at timestamptz, actor text, of_dossier text, wanted bigint) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    c channel_change;
    d dossier;
BEGIN
    SELECT * INTO d FROM dossier WHERE code = of_dossier FOR UPDATE;
    SELECT * INTO c FROM channel_change WHERE id = wanted AND dossier = of_dossier AND approved_by IS NULL FOR UPDATE;
    IF c.id IS NULL THEN
        RETURN 'not_found';
    ELSIF c.asked_by = actor THEN
        RETURN 'second_person';
    ELSIF c.before <> d.channel THEN
        RETURN 'conflict';
    ELSIF EXISTS (SELECT FROM payment_request r WHERE r.dossier = of_dossier
                  AND r.status NOT IN ('pending', 'expired', 'cancelled', 'nothing_due')) THEN
        RETURN 'paid';
    END IF;
    PERFORM request_cancel(at, r.id, actor, 'đổi hình thức nộp: ' || c.reason)
    FROM (SELECT id FROM payment_request WHERE dossier = of_dossier AND status IN ('pending', 'expired') ORDER BY id) r;
    UPDATE dossier SET channel = c.after, changed_at = at WHERE code = of_dossier;
    UPDATE channel_change SET approved_by = actor, approved_at = at WHERE id = wanted;
    PERFORM event_record(at, ARRAY['dossier.changed'], ARRAY[of_dossier], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('state', d.state, 'channel', c.after, 'channel_before', c.before, 'reason', c.reason)]);
    PERFORM audit_record(at, actor, 'channel.change', of_dossier,
                         jsonb_build_object('before', c.before, 'after', c.after, 'reason', c.reason, 'asked_by', c.asked_by));
    RETURN 'changed';
END $$;
