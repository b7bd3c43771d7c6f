-- Dossiers and what is asked for them.

CREATE TABLE dossier (
    code                text        PRIMARY KEY CHECK (length(code) BETWEEN 3 AND 60),
    procedure           text        NOT NULL,
    agency              text        NOT NULL REFERENCES agency,
    channel             text        NOT NULL CHECK (channel IN ('counter', 'online', 'online_part', 'post')),
    applicant_name      text        NOT NULL,
    applicant_phone     text,
    applicant_email     text,
    applicant_id_number text,
    applicant_address   text,
    applicant_commune   text,
    submitted_at        timestamptz NOT NULL,
    state               text        NOT NULL DEFAULT 'filed'
                        CHECK (state IN ('filed', 'supplement', 'refused', 'withdrawn', 'done')),
    registered_at       timestamptz NOT NULL,
    changed_at          timestamptz NOT NULL
);
COMMENT ON TABLE dossier IS 'A dossier as the one-stop-shop system tells it; channel says how it was filed, never where it is paid.';

CREATE TABLE payment_request (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference         text        NOT NULL UNIQUE CHECK (reference ~ '^[0-9A-HJKMNP-TV-Z]{14}$'),
    dossier           text        NOT NULL REFERENCES dossier,
    stage             text        NOT NULL CHECK (stage IN ('filing', 'additional', 'result')),
    status            text        NOT NULL CHECK (status IN ('nothing_due', 'pending', 'partly_paid', 'paid', 'overpaid', 'expired',
                                                             'cancelled', 'refunded', 'partly_refunded')),
    amount            bigint      NOT NULL CHECK (amount >= 0),
    allocated         bigint      NOT NULL DEFAULT 0 CHECK (allocated BETWEEN 0 AND amount),
    surplus           bigint      NOT NULL DEFAULT 0 CHECK (surplus >= 0),
    account_id        integer     REFERENCES receiving_account,
    collector         text        NOT NULL,            -- tax code
    token_hash        bytea       NOT NULL UNIQUE,
    quote             json        NOT NULL,            -- as it was shown, to the byte, lines and explanations included
    catalogue_version text        NOT NULL,
    priced_on         date        NOT NULL,
    payer             jsonb,                           -- when not the applicant
    vietqr_payload    text,
    created_at        timestamptz NOT NULL,
    created_by        text        NOT NULL,
    expires_at        timestamptz NOT NULL,
    settled_at        timestamptz,                     -- when the last missing đồng was booked
    paid_on           date,                            -- the bank's business day of that đồng
    changed_at        timestamptz NOT NULL,
    CHECK ((status = 'nothing_due') = (amount = 0)),
    CHECK (amount = 0 OR account_id IS NOT NULL),
    CHECK ((settled_at IS NOT NULL) = (amount > 0 AND allocated = amount)),
    CHECK (status NOT IN ('paid', 'overpaid') OR allocated = amount),
    CHECK (status <> 'overpaid' OR surplus > 0),
    CHECK (status <> 'partly_paid' OR (allocated > 0 AND allocated < amount)),
    CHECK (status <> 'pending' OR allocated = 0)
);
CREATE INDEX payment_request_of_dossier ON payment_request (dossier, id);
CREATE INDEX payment_request_to_expire ON payment_request (expires_at) WHERE status = 'pending';
CREATE INDEX payment_request_by_day ON payment_request (paid_on) WHERE paid_on IS NOT NULL;

CREATE TABLE request_line (
    request_id      bigint  NOT NULL REFERENCES payment_request,
    ordinal         integer NOT NULL,
    fee             text    NOT NULL,
    name            text    NOT NULL,
    kind            text    NOT NULL CHECK (kind IN ('phi', 'le_phi', 'postal')),
    gross           bigint  NOT NULL CHECK (gross >= 0),
    reduction       bigint  NOT NULL CHECK (reduction >= 0),
    net             bigint  NOT NULL CHECK (net >= 0),
    document        text    NOT NULL CHECK (document IN ('state_receipt', 'invoice_elsewhere', 'none')),
    legal_basis     text    NOT NULL,
    reduction_basis text,                              -- why it costs less than gross
    PRIMARY KEY (request_id, ordinal),
    CHECK (gross - reduction = net)
);
COMMENT ON TABLE request_line IS 'The fees of a request, frozen when it was made.';
CREATE TRIGGER request_line_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON request_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Makes a request with its lines and its event in one act. Lines: [{fee, name, kind, gross, reduction, net, document,
-- legal_basis, reduction_basis}].
CREATE FUNCTION request_make(
    at timestamptz, new_reference text, new_dossier text, new_stage text, new_amount bigint, new_account integer,
    new_collector text, new_token_hash bytea, new_quote json, new_version text, new_priced_on date, new_payer jsonb,
    new_payload text, new_created_by text, new_expires_at timestamptz, lines jsonb)
    RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
    event_kind text := CASE WHEN new_amount = 0 THEN 'request.nothing_due' ELSE 'request.created' END;
BEGIN
    INSERT INTO payment_request (reference, dossier, stage, status, amount, account_id, collector, token_hash, quote,
                                 catalogue_version, priced_on, payer, vietqr_payload, created_at, created_by, expires_at, changed_at)
    VALUES (new_reference, new_dossier, new_stage, CASE WHEN new_amount = 0 THEN 'nothing_due' ELSE 'pending' END, new_amount,
            new_account, new_collector, new_token_hash, new_quote, new_version, new_priced_on, new_payer, new_payload, at,
            new_created_by, new_expires_at, at)
    RETURNING id INTO made;
    INSERT INTO request_line (request_id, ordinal, fee, name, kind, gross, reduction, net, document, legal_basis, reduction_basis)
    SELECT made, n, l.fee, l.name, l.kind, l.gross, l.reduction, l.net, l.document, l.legal_basis, l.reduction_basis
    FROM jsonb_array_elements(lines) WITH ORDINALITY AS e (line, n),
         jsonb_to_record(e.line) AS l (fee text, name text, kind text, gross bigint, reduction bigint, net bigint,
                                       document text, legal_basis text, reduction_basis text);
    PERFORM event_record(at, ARRAY[event_kind], ARRAY[new_dossier], ARRAY[made],
                         ARRAY[jsonb_build_object('reference', new_reference, 'amount', new_amount, 'stage', new_stage,
                                                  'lines', lines)]);
    PERFORM audit_record(at, new_created_by, 'request.make', new_reference,
                         jsonb_build_object('dossier', new_dossier, 'amount', new_amount, 'catalogue', new_version));
    RETURN made;
END $$;

-- Cancels what is still open and unpaid. Returns the status afterwards, NULL when there is no such request.
CREATE FUNCTION request_cancel(at timestamptz, wanted bigint, actor text, reason text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r payment_request;
BEGIN
    SELECT * INTO r FROM payment_request WHERE id = wanted FOR UPDATE;
    IF r.id IS NULL OR r.status NOT IN ('pending', 'expired') THEN
        RETURN r.status;
    END IF;
    UPDATE payment_request SET status = 'cancelled', changed_at = at WHERE id = wanted;
    PERFORM event_record(at, ARRAY['request.cancelled'], ARRAY[r.dossier], ARRAY[r.id],
                         ARRAY[jsonb_build_object('reference', r.reference, 'amount', r.amount, 'reason', reason)]);
    PERFORM audit_record(at, actor, 'request.cancel', r.reference, jsonb_build_object('reason', reason));
    RETURN 'cancelled';
END $$;

-- Opens an expired request again under the same reference until the new end.
CREATE FUNCTION request_reopen(at timestamptz, wanted bigint, actor text, new_expires_at timestamptz) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    r payment_request;
BEGIN
    SELECT * INTO r FROM payment_request WHERE id = wanted FOR UPDATE;
    IF r.id IS NULL OR r.status <> 'expired' THEN
        RETURN r.status;
    END IF;
    UPDATE payment_request SET status = 'pending', expires_at = new_expires_at, changed_at = at WHERE id = wanted;
    PERFORM event_record(at, ARRAY['request.reopened'], ARRAY[r.dossier], ARRAY[r.id],
                         ARRAY[jsonb_build_object('reference', r.reference, 'amount', r.amount)]);
    PERFORM audit_record(at, actor, 'request.reopen', r.reference, '{}');
    RETURN 'pending';
END $$;

-- Marks what ran out of time; in id order, a bounded number at a time. Money that comes later is booked all the same.
CREATE FUNCTION request_expire(at timestamptz, most integer) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ids bigint[];
BEGIN
    SELECT array_agg(id) INTO ids
    FROM (SELECT id FROM payment_request WHERE status = 'pending' AND expires_at <= request_expire.at
          ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED) due;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE payment_request SET status = 'expired', changed_at = request_expire.at WHERE id = ANY (ids);
    PERFORM event_record(request_expire.at, array_agg('request.expired'::text), array_agg(dossier), array_agg(id),
                         array_agg(jsonb_build_object('reference', reference, 'amount', amount)))
    FROM payment_request WHERE id = ANY (ids);
    RETURN cardinality(ids);
END $$;
