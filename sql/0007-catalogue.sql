-- The fee catalogue as published data: every version that was ever proposed, who published it, and what each request
-- was priced from.

CREATE TABLE catalogue_version (
    version    text        PRIMARY KEY CHECK (version ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9a-f]{8}$'),
    sha256     bytea       NOT NULL UNIQUE CHECK (length(sha256) = 32),  -- over the five sheets and their lengths
    fees       bytea       NOT NULL,          -- the sheets as they were given, to the byte
    reductions bytea       NOT NULL,
    categories bytea       NOT NULL,
    procedures bytea       NOT NULL,
    "values"   bytea       NOT NULL,
    stored_at  timestamptz NOT NULL,
    stored_by  text        NOT NULL
);
COMMENT ON TABLE catalogue_version IS 'The sheets of a catalogue, never changed: an old quote is computed again from them to the đồng.';
CREATE TRIGGER catalogue_version_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE catalogue_proposal (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version      text        NOT NULL REFERENCES catalogue_version,
    base_version text        REFERENCES catalogue_version,   -- in force when it was proposed: what the difference is to
    note         text        NOT NULL,
    proposed_by  text        NOT NULL,
    proposed_at  timestamptz NOT NULL
);
COMMENT ON TABLE catalogue_proposal IS 'A draft: somebody wants this version to be in force. The same version may be proposed again, to return to it.';
CREATE INDEX catalogue_proposal_of_version ON catalogue_proposal (version, id);
CREATE TRIGGER catalogue_proposal_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue_proposal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE catalogue_approval (
    proposal_id bigint      NOT NULL REFERENCES catalogue_proposal,
    approved_by text        NOT NULL,
    approved_at timestamptz NOT NULL,
    PRIMARY KEY (proposal_id, approved_by)
);
COMMENT ON TABLE catalogue_approval IS 'Who agreed. Proposer and approvers must be two different members of staff before a version is published.';
CREATE TRIGGER catalogue_approval_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue_approval
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE catalogue_decision (
    proposal_id bigint      PRIMARY KEY REFERENCES catalogue_proposal,
    outcome     text        NOT NULL CHECK (outcome IN ('published', 'withdrawn')),
    ordinal     bigint      UNIQUE,             -- of publications, dense from 1; the highest is in force
    decided_by  text        NOT NULL,
    decided_at  timestamptz NOT NULL,
    reason      text,
    CHECK ((outcome = 'published') = (ordinal IS NOT NULL))
);
COMMENT ON TABLE catalogue_decision IS 'The end of a proposal. The publication with the highest ordinal is in force.';
CREATE TRIGGER catalogue_decision_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION catalogue_in_force() RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT p.version FROM catalogue_decision d JOIN catalogue_proposal p ON p.id = d.proposal_id
    WHERE d.ordinal = (SELECT max(ordinal) FROM catalogue_decision)
$$;

-- One act at a time over the catalogue of a province.
CREATE FUNCTION catalogue_lock() RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT pg_advisory_xact_lock(hashtext('catalogue ' || current_schema()))
$$;

CREATE FUNCTION catalogue_publish(at timestamptz, wanted bigint, actor text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p catalogue_proposal;
    before text := catalogue_in_force();
BEGIN
    SELECT * INTO STRICT p FROM catalogue_proposal WHERE id = wanted;
    INSERT INTO catalogue_decision (proposal_id, outcome, ordinal, decided_by, decided_at)
    SELECT wanted, 'published', coalesce(max(ordinal), 0) + 1, actor, at FROM catalogue_decision;
    PERFORM event_record(at, ARRAY['catalogue.published'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('version', p.version, 'before', before, 'note', p.note)]);
    PERFORM audit_record(at, actor, 'catalogue.publish', p.version,
                         jsonb_build_object('before', before, 'proposed_by', p.proposed_by));
END $$;

-- Stores the sheets and opens a draft. Returns 'proposed', 'open' (this version waits already) or 'in_force'.
CREATE FUNCTION catalogue_propose(
    at timestamptz, actor text, wanted text, digest bytea, fees bytea, reductions bytea, categories bytea, procedures bytea,
    named_values bytea, words text)
    RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before text;
BEGIN
    PERFORM catalogue_lock();
    before := catalogue_in_force();
    IF before = wanted THEN
        RETURN 'in_force';
    END IF;
    INSERT INTO catalogue_version SELECT wanted, digest, fees, reductions, categories, procedures, named_values, at, actor
    WHERE NOT EXISTS (SELECT FROM catalogue_version v WHERE v.version = wanted AND v.sha256 = digest);
    IF EXISTS (SELECT FROM catalogue_proposal p WHERE p.version = wanted AND p.base_version IS NOT DISTINCT FROM before
               AND NOT EXISTS (SELECT FROM catalogue_decision d WHERE d.proposal_id = p.id)) THEN
        RETURN 'open';
    END IF;
    INSERT INTO catalogue_proposal (version, base_version, note, proposed_by, proposed_at)
    VALUES (wanted, before, words, actor, at);
    PERFORM audit_record(at, actor, 'catalogue.propose', wanted, jsonb_build_object('base', before, 'note', words));
    RETURN 'proposed';
END $$;

-- The newest open draft of a version.
CREATE FUNCTION catalogue_open_proposal(wanted text) RETURNS catalogue_proposal
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT p FROM catalogue_proposal p WHERE p.version = wanted
    AND NOT EXISTS (SELECT FROM catalogue_decision d WHERE d.proposal_id = p.id) ORDER BY p.id DESC LIMIT 1
$$;

-- One member of staff agrees. Returns 'published', 'approved' (a second member of staff must agree still: the draft was
-- brought in by a system or an operator), 'second_person' (already the proposer or an approver), 'stale' (another version
-- came into force since, the difference that was looked at is no longer the difference), 'not_found'.
CREATE FUNCTION catalogue_approve(at timestamptz, actor text, wanted text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p catalogue_proposal;
    people integer;
BEGIN
    PERFORM catalogue_lock();
    p := catalogue_open_proposal(wanted);
    IF p.id IS NULL THEN
        RETURN 'not_found';
    ELSIF p.base_version IS DISTINCT FROM catalogue_in_force() THEN
        RETURN 'stale';
    ELSIF p.proposed_by = actor OR EXISTS (SELECT FROM catalogue_approval a WHERE a.proposal_id = p.id AND a.approved_by = actor) THEN
        RETURN 'second_person';
    END IF;
    INSERT INTO catalogue_approval (proposal_id, approved_by, approved_at) VALUES (p.id, actor, at);
    SELECT count(DISTINCT who) INTO people
    FROM (SELECT p.proposed_by UNION SELECT approved_by FROM catalogue_approval WHERE proposal_id = p.id) u (who)
    WHERE who LIKE 'staff:%';
    IF people < 2 THEN
        PERFORM audit_record(at, actor, 'catalogue.approve', wanted, '{}');
        RETURN 'approved';
    END IF;
    PERFORM catalogue_publish(at, p.id, actor);
    RETURN 'published';
END $$;

CREATE FUNCTION catalogue_withdraw(at timestamptz, actor text, wanted text, why text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p catalogue_proposal;
BEGIN
    PERFORM catalogue_lock();
    p := catalogue_open_proposal(wanted);
    IF p.id IS NULL THEN
        RETURN 'not_found';
    END IF;
    INSERT INTO catalogue_decision (proposal_id, outcome, decided_by, decided_at, reason) VALUES (p.id, 'withdrawn', actor, at, why);
    PERFORM audit_record(at, actor, 'catalogue.withdraw', wanted, jsonb_build_object('reason', why));
    RETURN 'withdrawn';
END $$;

-- At start: the catalogue that ships with the program is the first version, and follows the program as long as no
-- person published one. Returns the version in force afterwards.
CREATE FUNCTION catalogue_adopt(
    at timestamptz, wanted text, digest bytea, fees bytea, reductions bytea, categories bytea, procedures bytea, named_values bytea)
    RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
    before text;
BEGIN
    PERFORM catalogue_lock();
    before := catalogue_in_force();
    IF before = wanted OR EXISTS (SELECT FROM catalogue_decision WHERE outcome = 'published' AND decided_by LIKE 'staff:%') THEN
        RETURN before;
    END IF;
    INSERT INTO catalogue_version SELECT wanted, digest, fees, reductions, categories, procedures, named_values, at, 'machine'
    WHERE NOT EXISTS (SELECT FROM catalogue_version v WHERE v.version = wanted AND v.sha256 = digest);
    INSERT INTO catalogue_proposal (version, base_version, note, proposed_by, proposed_at)
    VALUES (wanted, before, 'Danh mục kèm theo chương trình', 'machine', at) RETURNING id INTO made;
    PERFORM catalogue_publish(at, made, 'machine');
    RETURN wanted;
END $$;

-- What a request was priced from, narrow: a year of them is replayed under a draft in seconds.
CREATE TABLE request_quote (
    request_id bigint PRIMARY KEY REFERENCES payment_request,
    priced_on  date   NOT NULL,
    version    text   NOT NULL,                -- of the catalogue
    quote_id   text   NOT NULL,                -- everything that was asked, see quote_id_read
    amount     bigint NOT NULL,                -- đồng
    agency     text   NOT NULL,
    commune    text,                           -- of the applicant
    person     bigint NOT NULL                 -- a hash: tells people apart, names nobody
);
COMMENT ON TABLE request_quote IS 'The quote of each request in small, with what a council asks about: agency, commune, person.';
CREATE INDEX request_quote_by_day ON request_quote (priced_on, request_id);
CREATE TRIGGER request_quote_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON request_quote
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

INSERT INTO request_quote
SELECT r.id, r.priced_on, r.catalogue_version, r.quote ->> 'id', r.amount, d.agency, d.applicant_commune,
       hashtextextended(coalesce(d.applicant_id_number, d.code), 0)
FROM payment_request r JOIN dossier d ON d.code = r.dossier WHERE r.quote ->> 'id' LIKE 'q\_%';

CREATE FUNCTION request_quote_keep() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO request_quote
    SELECT n.id, n.priced_on, n.catalogue_version, n.quote ->> 'id', n.amount, d.agency, d.applicant_commune,
           hashtextextended(coalesce(d.applicant_id_number, d.code), 0)
    FROM made n JOIN dossier d ON d.code = n.dossier WHERE n.quote ->> 'id' LIKE 'q\_%';
    RETURN NULL;
END $$;
CREATE TRIGGER request_quote_kept AFTER INSERT ON payment_request REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION request_quote_keep();
