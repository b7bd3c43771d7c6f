-- With the one-stop shop silent the desk goes on: a dossier is registered under a provisional code and tied to the real one later, once.

ALTER TABLE dossier
    ADD COLUMN provisional boolean NOT NULL DEFAULT false,
    ADD COLUMN tied_to text REFERENCES dossier,
    ADD CONSTRAINT dossier_only_provisional_is_tied CHECK (tied_to IS NULL OR (provisional AND tied_to <> code));
CREATE INDEX dossier_provisional_open ON dossier (registered_at) WHERE provisional AND tied_to IS NULL;
CREATE INDEX dossier_of_tie ON dossier (tied_to) WHERE tied_to IS NOT NULL;
COMMENT ON COLUMN dossier.tied_to IS 'The one-stop shop''s own code; requests and parcels have moved there, papers already signed keep the provisional one.';

CREATE FUNCTION dossier_tie_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'dossier % is tied to %', OLD.code, OLD.tied_to USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER dossier_tie_once BEFORE UPDATE OF tied_to ON dossier FOR EACH ROW
    WHEN (OLD.tied_to IS NOT NULL AND NEW.tied_to IS DISTINCT FROM OLD.tied_to) EXECUTE FUNCTION dossier_tie_once();

-- Ties a provisional dossier to the real one, which the one-stop shop has registered. Returns 'tied', 'not_found', 'not_provisional', 'tied_already',
-- 'unknown_code', or 'differs' (procedure, agency or channel: what was priced was another thing).
CREATE FUNCTION dossier_tie(at timestamptz, provisional_code text, real_code text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    p dossier;
    d dossier;
    moved bigint[];
BEGIN
    PERFORM 1 FROM dossier WHERE code IN (provisional_code, real_code) ORDER BY code FOR UPDATE;
    SELECT * INTO p FROM dossier WHERE code = provisional_code;
    SELECT * INTO d FROM dossier WHERE code = real_code;
    IF p.code IS NULL THEN
        RETURN 'not_found';
    ELSIF NOT p.provisional THEN
        RETURN 'not_provisional';
    ELSIF p.tied_to IS NOT NULL THEN
        RETURN CASE WHEN p.tied_to = real_code THEN 'tied' ELSE 'tied_already' END;
    ELSIF d.code IS NULL OR d.provisional THEN
        RETURN 'unknown_code';
    ELSIF (p.procedure, p.agency, p.channel) <> (d.procedure, d.agency, d.channel) THEN
        RETURN 'differs';
    END IF;
    PERFORM 1 FROM payment_request WHERE dossier = p.code ORDER BY id FOR UPDATE;
    WITH gone AS (UPDATE payment_request SET dossier = d.code, changed_at = dossier_tie.at WHERE dossier = p.code RETURNING id)
    SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO moved FROM gone;
    UPDATE parcel SET dossier = d.code, changed_at = dossier_tie.at WHERE dossier = p.code;
    UPDATE outside_payment SET dossier = d.code WHERE dossier = p.code;
    UPDATE dossier SET tied_to = d.code, changed_at = dossier_tie.at WHERE code = p.code;
    PERFORM event_record(dossier_tie.at, ARRAY['dossier.tied'], ARRAY[d.code], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('provisional', p.code, 'payment_requests', to_jsonb(moved))]);
    PERFORM audit_record(dossier_tie.at, actor, 'dossier.tie', p.code, jsonb_build_object('to', d.code, 'requests', cardinality(moved)));
    -- Where the real dossier has ended meanwhile, its end follows for what has come to it.
    INSERT INTO job (kind, key, body, run_at, created_at)
    VALUES ('dossier.life', 'tie ' || p.code, jsonb_build_object('dossier', d.code), dossier_tie.at, dossier_tie.at);
    RETURN 'tied';
END $$;
