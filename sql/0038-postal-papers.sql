-- Papers that go with a parcel: the slip with what lies in the envelope, and the hand-over record that both sides sign.
-- Basis: QĐ 45/2016/QĐ-TTg Điều 6 (phiếu gửi hồ sơ) and Điều 7 khoản 3, 4 (biên bản giao nhận: its signing is the legal filing
-- time of the dossiers on it, not the pick-up).

ALTER TABLE dossier ADD COLUMN handed_over_at timestamptz;
COMMENT ON COLUMN dossier.handed_over_at IS 'Filed by a hand-over record that both sides signed: the first such moment is the filing time, whatever is told later.';

CREATE TABLE postal_slip (
    parcel_id  bigint      PRIMARY KEY REFERENCES parcel,
    contents   jsonb       NOT NULL CHECK (jsonb_typeof(contents) = 'array' AND jsonb_array_length(contents) BETWEEN 1 AND 30),
    made_at    timestamptz NOT NULL,
    made_by    text        NOT NULL
);
COMMENT ON TABLE postal_slip IS 'Phiếu gửi hồ sơ: the papers in the envelope as both sides agreed, [{name, kind, copies}]; never changed.';
CREATE TRIGGER postal_slip_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON postal_slip
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One hand-over between the post office and one agency, in one direction.
CREATE TABLE postal_handover (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    direction  text        NOT NULL CHECK (direction IN ('send', 'receive')), -- send: dossiers to the agency; receive: results to the post
    agency     text        NOT NULL REFERENCES agency,
    carrier    text        NOT NULL,
    place      text        NOT NULL,
    made_at    timestamptz NOT NULL,
    made_by    text        NOT NULL,
    signed_at  timestamptz,                             -- of the second signature
    void_at    timestamptz,                             -- made by mistake and taken back before both had signed
    CHECK (signed_at IS NULL OR void_at IS NULL)
);
COMMENT ON TABLE postal_handover IS 'Biên bản giao nhận: signed_at is the legal filing time of the dossiers handed to the agency.';

CREATE TABLE postal_handover_line (
    handover_id bigint  NOT NULL REFERENCES postal_handover,
    n           integer NOT NULL CHECK (n > 0),
    parcel_id   bigint  NOT NULL REFERENCES parcel,
    PRIMARY KEY (handover_id, n),
    UNIQUE (parcel_id, handover_id)
);
COMMENT ON TABLE postal_handover_line IS 'A slip on a record, in the order it was counted; on one valid record at most (postal_handover_make).';
CREATE TRIGGER postal_handover_line_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON postal_handover_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE postal_signature (
    handover_id bigint      NOT NULL REFERENCES postal_handover,
    side        text        NOT NULL CHECK (side IN ('post', 'agency')),
    name        text        NOT NULL,
    title       text        NOT NULL,
    signed_at   timestamptz NOT NULL,
    recorded_by text        NOT NULL,                   -- the account that entered it
    PRIMARY KEY (handover_id, side)
);
COMMENT ON TABLE postal_signature IS 'Who signed a record for which side, when, and through which account; once a side.';
CREATE TRIGGER postal_signature_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON postal_signature
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Writes the slip once. 'made', 'known' (the same contents), 'other' (there is one that says something else).
CREATE FUNCTION postal_slip_make(at timestamptz, actor text, which bigint, papers jsonb) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO postal_slip VALUES (which, papers, postal_slip_make.at, actor) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM audit_record(at, actor, 'postal.slip', (SELECT code FROM parcel WHERE id = which), jsonb_build_object('contents', papers));
        RETURN 'made';
    END IF;
    RETURN CASE WHEN (SELECT contents = papers FROM postal_slip WHERE parcel_id = which) THEN 'known' ELSE 'other' END;
END $$;

-- Makes a record of these parcels, or says for each one (by its position) why it cannot stand on it; then nothing is made.
CREATE FUNCTION postal_handover_make(at timestamptz, actor text, way text, at_place text, parcels bigint[])
    RETURNS TABLE (handover bigint, ordinal integer, fault text)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM 1 FROM parcel p WHERE p.id = ANY (parcels) ORDER BY p.id FOR UPDATE;
    RETURN QUERY
    WITH line AS (
        SELECT u.n::integer AS n, u.which, p.direction, p.state, p.carrier, d.agency,
               count(*) OVER (PARTITION BY u.which) AS times, first_value(d.agency) OVER (ORDER BY u.n) AS first_agency,
               first_value(p.carrier) OVER (ORDER BY u.n) AS first_carrier
        FROM unnest(parcels) WITH ORDINALITY AS u (which, n)
        LEFT JOIN parcel p ON p.id = u.which LEFT JOIN dossier d ON d.code = p.dossier
    ), judged AS (
        SELECT line.n, CASE WHEN line.state IS NULL THEN 'unknown'
                            WHEN line.times > 1 THEN 'twice'
                            WHEN line.direction <> way THEN 'direction'
                            WHEN line.state <> 'booked' THEN 'not_booked'
                            WHEN line.agency IS DISTINCT FROM line.first_agency THEN 'other_agency'
                            WHEN line.carrier IS DISTINCT FROM line.first_carrier THEN 'other_carrier'
                            WHEN NOT EXISTS (SELECT FROM postal_slip s WHERE s.parcel_id = line.which) THEN 'no_slip'
                            WHEN EXISTS (SELECT FROM postal_handover_line l JOIN postal_handover h ON h.id = l.handover_id
                                         WHERE l.parcel_id = line.which AND h.void_at IS NULL) THEN 'on_another' END AS why
        FROM line
    )
    SELECT NULL::bigint, judged.n, judged.why FROM judged WHERE judged.why IS NOT NULL ORDER BY judged.n;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO postal_handover (direction, agency, carrier, place, made_at, made_by)
    SELECT way, d.agency, p.carrier, at_place, at, actor FROM parcel p JOIN dossier d ON d.code = p.dossier WHERE p.id = parcels[1]
    RETURNING id INTO made;
    INSERT INTO postal_handover_line SELECT made, u.n, u.which FROM unnest(parcels) WITH ORDINALITY AS u (which, n);
    PERFORM audit_record(at, actor, 'postal.handover', made::text, jsonb_build_object('direction', way, 'parcels', parcels));
    RETURN QUERY SELECT made, NULL::integer, NULL::text;
END $$;

-- One side signs. The second signature completes the record; dossiers handed to the agency are filed at that moment.
-- 'signed', 'complete', 'known' (the same name again), 'other' (this side was signed by somebody else), 'same_person' (the other
-- side has this name), 'void', or NULL when there is no such record.
CREATE FUNCTION postal_handover_sign(at timestamptz, actor text, which bigint, of_side text, who text, as_title text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    h postal_handover;
    before postal_signature;
    filed text[];
BEGIN
    SELECT * INTO h FROM postal_handover WHERE id = which FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF h.void_at IS NOT NULL THEN
        RETURN 'void';
    END IF;
    SELECT * INTO before FROM postal_signature s WHERE s.handover_id = which AND s.side = of_side;
    IF FOUND THEN
        RETURN CASE WHEN before.name = who THEN 'known' ELSE 'other' END;
    END IF;
    IF EXISTS (SELECT FROM postal_signature s WHERE s.handover_id = which AND lower(s.name) = lower(who)) THEN
        RETURN 'same_person';
    END IF;
    INSERT INTO postal_signature VALUES (which, of_side, who, as_title, at, actor);
    PERFORM audit_record(at, actor, 'postal.sign', which::text, jsonb_build_object('side', of_side, 'name', who));
    IF (SELECT count(*) FROM postal_signature s WHERE s.handover_id = which) < 2 THEN
        RETURN 'signed';
    END IF;
    UPDATE postal_handover SET signed_at = at WHERE id = which;
    IF h.direction = 'send' THEN
        WITH changed AS (
            UPDATE dossier d SET submitted_at = at, handed_over_at = at, changed_at = at
            FROM postal_handover_line l JOIN parcel p ON p.id = l.parcel_id
            WHERE l.handover_id = which AND d.code = p.dossier AND d.state IN ('filed', 'supplement') AND d.handed_over_at IS NULL
            RETURNING d.code)
        SELECT array_agg(code ORDER BY code) INTO filed FROM changed;
        IF filed IS NOT NULL THEN
            PERFORM event_record(at, array_fill('dossier.changed'::text, ARRAY[cardinality(filed)]), filed,
                                 array_fill(NULL::bigint, ARRAY[cardinality(filed)]),
                                 (SELECT array_agg(jsonb_build_object('state', d.state, 'submitted_at', at, 'handover', which)
                                                   ORDER BY d.code) FROM dossier d WHERE d.code = ANY (filed)));
        END IF;
    END IF;
    RETURN 'complete';
END $$;
COMMENT ON FUNCTION postal_handover_sign IS 'The second signature is the legal filing time (QĐ 45/2016, Điều 7 khoản 4), told on by dossier.changed.';

-- Takes back a record that was made by mistake. false: both have signed, then it stands; NULL: none such.
CREATE FUNCTION postal_handover_void(at timestamptz, actor text, which bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    h postal_handover;
BEGIN
    SELECT * INTO h FROM postal_handover WHERE id = which FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF h.signed_at IS NOT NULL THEN
        RETURN false;
    END IF;
    IF h.void_at IS NULL THEN
        UPDATE postal_handover SET void_at = at WHERE id = which;
        PERFORM audit_record(at, actor, 'postal.handover_void', which::text, '{}');
    END IF;
    RETURN true;
END $$;
