-- The exception desk: what a person may do with what does not agree, and who must say so twice.
--
-- Each act is a row of exception_act and stays for ever. What moves or identifies money is proposed by one person and decided by another
-- (the table's own constraint); what a person decided is an input of later runs that the machine never changes.

ALTER TABLE exception_case DROP CONSTRAINT exception_case_reason_check, DROP CONSTRAINT exception_case_resolution_check;
ALTER TABLE exception_case
    ADD CONSTRAINT exception_case_reason_check CHECK (reason IN ('no_reference', 'unknown_reference', 'wrong_amount', 'amount_differs',
        'ambiguous', 'duplicate_line', 'may_be_known', 'reversal', 'bank_charge', 'bank_interest', 'own_transfer', 'refund_out', 'outgoing',
        'zero_amount', 'payment_without_line', 'batch_differs', 'item_without_payment', 'item_amount_differs', 'unmatched')),
    ADD CONSTRAINT exception_case_resolution_check CHECK (resolution IN ('matched', 'explained', 'nothing_moved', 'assigned', 'split',
        'refunded', 'suspense', 'written_off', 'taken_back', 'reimbursed', 'remitted')),
    ADD COLUMN held_by text,
    ADD COLUMN held_at timestamptz;
COMMENT ON COLUMN exception_case.held_at IS 'When a person wrote the sum to suspense; it stays there until an act takes it up.';
CREATE INDEX exception_by_owner ON exception_case (owner) WHERE state <> 'resolved';

CREATE TABLE exception_act (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exception_id bigint      REFERENCES exception_case,
    line_id      bigint      REFERENCES statement_line,     -- of an act 'unmatch'
    act          text        NOT NULL CHECK (act IN ('match', 'explain', 'assign', 'split', 'refund', 'suspense', 'write_off', 'reimburse',
                                                     'unmatch', 'owner')),
    told         jsonb       NOT NULL DEFAULT '{}',
    note         text        NOT NULL DEFAULT '',
    outcome      text        NOT NULL CHECK (outcome IN ('proposed', 'approved', 'refused', 'done')),
    of_act       bigint      UNIQUE REFERENCES exception_act,
    actor        text        NOT NULL,
    at           timestamptz NOT NULL,
    CHECK (num_nonnulls(exception_id, line_id) = 1),
    CHECK ((outcome IN ('approved', 'refused')) = (of_act IS NOT NULL))
);
CREATE INDEX exception_act_of_case ON exception_act (exception_id, id);
CREATE INDEX exception_act_of_line ON exception_act (line_id, id) WHERE line_id IS NOT NULL;
COMMENT ON TABLE exception_act IS 'Every act at the desk, appended: proposals, and their approval or refusal by another person.';
CREATE TRIGGER exception_act_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON exception_act
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE exception_case ADD COLUMN proposed_act bigint REFERENCES exception_act;

CREATE TABLE payment_void (
    payment_id bigint      PRIMARY KEY REFERENCES payment,
    line_id    bigint      NOT NULL REFERENCES statement_line,
    actor      text        NOT NULL,
    at         timestamptz NOT NULL
);
COMMENT ON TABLE payment_void IS 'Payments that were made from a line and lost it when a person took the match back: their money stands in suspense with the line.';
CREATE TRIGGER payment_void_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_void
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE line_remittance (
    line_id   bigint PRIMARY KEY REFERENCES statement_line,
    collector text   NOT NULL,
    document  text   NOT NULL,
    at        timestamptz NOT NULL,
    UNIQUE (collector, document)
);
COMMENT ON TABLE line_remittance IS 'Which line carried which slip of remittance to the treasury.';
CREATE TRIGGER line_remittance_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON line_remittance
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE payer_link (
    id                  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payer_account       text        NOT NULL CHECK (length(payer_account) BETWEEN 4 AND 34),
    payer_name          text        NOT NULL DEFAULT '',
    applicant_name      text        NOT NULL,
    applicant_id_number text,
    learned_from        bigint      REFERENCES exception_act,
    proposed_by         text        NOT NULL,
    proposed_at         timestamptz NOT NULL,
    approved_by         text,
    approved_at         timestamptz,
    ended_by            text,
    ended_at            timestamptz,
    CHECK (approved_by <> proposed_by),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK ((ended_by IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX payer_link_once ON payer_link (payer_account, applicant_name, coalesce(applicant_id_number, '')) WHERE ended_at IS NULL;
COMMENT ON TABLE payer_link IS 'Whose dossiers an account has paid for before. Counts when a second person approved, and only suggests: an account settles nothing.';

CREATE TABLE suspense_rule (
    reason         text    PRIMARY KEY,
    unclaimed_days integer NOT NULL CHECK (unclaimed_days > 0),
    small_max      bigint  NOT NULL CHECK (small_max >= 0),      -- đồng; 0: no sum counts as small
    small_days     integer NOT NULL CHECK (small_days > 0),
    basis          text    NOT NULL
);
COMMENT ON TABLE suspense_rule IS 'How old a sum of a reason must be before a decision may take it out of suspense; data, for the law names no day for fees.';
INSERT INTO suspense_rule
SELECT r, 365, 0, 90, 'Chưa có quy định riêng; 1 năm theo cách của Điều 230 Bộ luật Dân sự 2015, đơn vị quyết định bằng văn bản'
FROM unnest(ARRAY['no_reference', 'unknown_reference', 'wrong_amount', 'amount_differs', 'ambiguous', 'may_be_known', 'duplicate_line',
                  'unmatched']) r;

-- Day from which a decision may take a sum out of suspense; NULL: never.
CREATE FUNCTION suspense_until(of_reason text, sum bigint, since date) RETURNS date
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT since + CASE WHEN abs(sum) <= r.small_max THEN least(r.small_days, r.unclaimed_days) ELSE r.unclaimed_days END
    FROM suspense_rule r WHERE r.reason = of_reason
$$;

CREATE OR REPLACE FUNCTION exception_explain(reason text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN CASE reason
        WHEN 'no_reference' THEN 'Tiền đã về nhưng nội dung chuyển khoản không có mã nộp tiền.'
        WHEN 'unknown_reference' THEN 'Có mã nộp tiền nhưng không khớp yêu cầu nào của tài khoản này.'
        WHEN 'wrong_amount' THEN 'Mã nộp tiền phải sửa mới đọc được và số tiền không khớp.'
        WHEN 'amount_differs' THEN 'Số tiền trên sao kê khác số tiền đã báo.'
        WHEN 'ambiguous' THEN 'Có nhiều cách hiểu, không cách nào chắc chắn hơn.'
        WHEN 'duplicate_line' THEN 'Dòng sao kê giống hệt một dòng đã ghi.'
        WHEN 'may_be_known' THEN 'Có thể là khoản tiền đã ghi mà chưa rõ hồ sơ.'
        WHEN 'reversal' THEN 'Ngân hàng thu hồi một khoản đã ghi.'
        WHEN 'bank_charge' THEN 'Phí ngân hàng.'
        WHEN 'bank_interest' THEN 'Lãi tiền gửi.'
        WHEN 'own_transfer' THEN 'Chuyển giữa các tài khoản của đơn vị.'
        WHEN 'refund_out' THEN 'Tiền hoàn trả người nộp.'
        WHEN 'outgoing' THEN 'Tiền chuyển đi.'
        WHEN 'zero_amount' THEN 'Dòng sao kê có số tiền bằng không.'
        WHEN 'payment_without_line' THEN 'Đã được báo có tiền nhưng sao kê không có dòng này.'
        WHEN 'batch_differs' THEN 'Tiền về theo lô khác số thực nhận của bảng kê.'
        WHEN 'item_without_payment' THEN 'Bảng kê có khoản mà sổ không có.'
        WHEN 'item_amount_differs' THEN 'Số tiền trong bảng kê khác số tiền đã ghi.'
        WHEN 'unmatched' THEN 'Hai người đã gỡ khớp dòng này; chờ quyết định khác.' END;

-- A payment whose line was taken from it is no money any more.
CREATE OR REPLACE VIEW money AS
    SELECT p.id AS payment_id, p.request_id, p.account_id, a.account_number, p.method, p.amount, p.source,
           coalesce(l.booked_on, b.shown_on, business_day(p.paid_at)) AS day,
           CASE WHEN l.id IS NOT NULL THEN 'line' WHEN b.batch_id IS NOT NULL THEN 'batch' ELSE 'none' END AS shown,
           CASE WHEN p.source <> 'statement' THEN p.paid_at END AS told_at,
           CASE WHEN l.id IS NOT NULL THEN concat_ws('/', a.account_number, l.booked_on, left(encode(l.fingerprint, 'hex'), 16), l.occurrence)
                ELSE p.source || '/' || p.external_id END AS key
    FROM payment p JOIN receiving_account a ON a.id = p.account_id
    LEFT JOIN line_match m ON m.payment_id = p.id LEFT JOIN statement_line l ON l.id = m.line_id
    LEFT JOIN LATERAL (SELECT bp.batch_id, (SELECT min(l2.booked_on) FROM line_match m2 JOIN statement_line l2 ON l2.id = m2.line_id
                                            WHERE m2.batch_id = bp.batch_id) AS shown_on
                       FROM batch_payment bp WHERE bp.payment_id = p.id) b ON true
    WHERE NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id) AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = p.id);

CREATE OR REPLACE VIEW line_place AS
    SELECT l.id AS line_id, l.statement_id, l.account_id, l.amount, l.booked_on,
           CASE WHEN m.line_id IS NOT NULL OR v.payment_id IS NOT NULL OR f.line_id IS NOT NULL THEN 'clearing'
                WHEN e.payment_id IS NOT NULL AND e.reason IN ('no_reference', 'unknown_reference', 'wrong_amount') AND e.resolution IS NULL THEN 'clearing'
                WHEN e.reason = 'bank_charge' OR e.resolution = 'reimbursed' THEN 'charges' WHEN e.reason = 'bank_interest' THEN 'interest'
                WHEN e.reason = 'own_transfer' THEN 'transfer' WHEN e.resolution = 'written_off' THEN 'unclaimed'
                WHEN e.resolution = 'remitted' THEN 'treasury'
                ELSE 'suspense' END AS place
    FROM statement_line l LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN exception_case e ON e.line_id = l.id
    LEFT JOIN line_reversal v ON v.line_id = l.id LEFT JOIN line_refund f ON f.line_id = l.id;

-- What left suspense by a decision, or lost its line, cannot be asked back as if it still lay there.
CREATE OR REPLACE FUNCTION refundable(wanted bigint, reason text) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE refund_pot(refundable.reason)
               WHEN 'fee' THEN p.allocated
               WHEN 'unallocated' THEN CASE WHEN p.request_id IS NULL
                    AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = p.id)
                    AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = p.id)
                    AND NOT EXISTS (SELECT FROM exception_case e WHERE e.payment_id = p.id AND e.resolution = 'written_off')
                    THEN p.amount ELSE 0 END
               ELSE p.surplus END
           - coalesce((SELECT sum(f.amount) FROM refund f
                       WHERE f.payment_id = p.id AND refund_pot(f.reason) = refund_pot(refundable.reason)
                         AND f.state NOT IN ('proposed', 'refused', 'failed')), 0)
    FROM payment p WHERE p.id = wanted
$$;

-- What an act is about ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION desk_fault(pointer text, detail text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN jsonb_build_object('state', 'fault', 'pointer', pointer, 'detail', detail);

-- The request a person means: by its reference, or the only unsettled one of a dossier.
CREATE FUNCTION desk_request(part jsonb) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT min(r.id) FROM payment_request r
    WHERE CASE WHEN part ? 'reference' THEN r.reference = part->>'reference'
               ELSE r.dossier = part->>'dossier' AND r.status IN ('pending', 'partly_paid', 'expired') END
    HAVING count(*) = 1
$$;

-- The parts of an assignment or a split, each to one request or one payment.
CREATE FUNCTION desk_parts(e exception_case, told jsonb)
    RETURNS TABLE (n integer, request_id bigint, payment_id bigint, amount bigint, known boolean)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT x.n::integer, CASE WHEN x.part ? 'payment' THEN NULL ELSE desk_request(x.part) END, p.id,
           CASE WHEN told ? 'parts' THEN (x.part->>'amount')::bigint ELSE e.amount END,
           CASE WHEN x.part ? 'payment'
                THEN p.id IS NOT NULL AND p.account_id = e.account_id AND p.amount = (x.part->>'amount')::bigint
                     AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
                     AND NOT EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = p.id)
                     AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = p.id)
                ELSE EXISTS (SELECT FROM payment_request r WHERE r.id = desk_request(x.part)
                             AND (r.account_id = e.account_id OR r.account_id IS NULL)
                             AND r.status NOT IN ('cancelled', 'refunded', 'partly_refunded')) END
    FROM jsonb_array_elements(CASE WHEN told ? 'parts' THEN told->'parts' ELSE jsonb_build_array(told) END) WITH ORDINALITY AS x (part, n)
    LEFT JOIN payment p ON p.id = (x.part->>'payment')::bigint
$$;

-- Is the money of a case still nobody's? A line in suspense without a match, or a payment nobody is told from.
CREATE FUNCTION desk_free(e exception_case) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN e.line_id IS NOT NULL
                THEN NOT EXISTS (SELECT FROM line_match m WHERE m.line_id = e.line_id)
                     AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.of_line = e.line_id OR v.line_id = e.line_id)
                WHEN e.payment_id IS NOT NULL
                THEN EXISTS (SELECT FROM payment p WHERE p.id = e.payment_id AND p.request_id IS NULL)
                     AND NOT EXISTS (SELECT FROM line_reversal v WHERE v.payment_id = e.payment_id)
                     AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = e.payment_id)
                     AND NOT EXISTS (SELECT FROM refund f WHERE f.payment_id = e.payment_id AND f.state NOT IN ('proposed', 'refused', 'failed'))
                ELSE false END
$$;

-- Why an act cannot be done to a case; NULL: it can.
CREATE FUNCTION desk_problem(e exception_case, act text, told jsonb, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    matched boolean := e.line_id IS NOT NULL AND EXISTS (SELECT FROM line_match m WHERE m.line_id = e.line_id);
    part record;
    total numeric := 0;
BEGIN
    IF act = 'explain' THEN
        RETURN CASE WHEN e.reason NOT IN ('bank_charge', 'bank_interest', 'zero_amount', 'duplicate_line', 'own_transfer', 'reversal',
                                          'item_without_payment', 'item_amount_differs', 'payment_without_line')
                    THEN desk_fault('/action', 'Lý do này không giải thích suông được: tiền phải có chỗ.') END;
    ELSIF act = 'match' THEN
        RETURN desk_match_problem(e, told, matched);
    ELSIF e.amount <= 0 THEN
        RETURN desk_fault('/action', 'Chỉ làm được với tiền vào.');
    ELSIF act = 'reimburse' THEN
        RETURN CASE WHEN e.line_id IS NULL OR matched THEN desk_fault('/action', 'Cần một dòng sao kê chưa khớp.') END;
    ELSIF NOT desk_free(e) THEN
        RETURN desk_fault('/action', 'Khoản tiền này đã có chủ.');
    ELSIF act = 'refund' THEN
        RETURN CASE WHEN told->>'account' IS NULL AND desk_payer_account(e) IS NULL
                    THEN desk_fault('/refund/account', 'Không biết tài khoản người chuyển: cần số tài khoản nhận.') END;
    ELSIF act = 'write_off' THEN
        RETURN CASE WHEN suspense_until(e.reason, e.amount, e.booked_on) IS NULL
                    THEN desk_fault('/action', 'Lý do này không được xử lý bằng quyết định.')
                    WHEN suspense_until(e.reason, e.amount, e.booked_on) > business_day(at)
                    THEN desk_fault('/action', 'Chưa đủ thời gian chờ: sớm nhất ngày ' || to_char(suspense_until(e.reason, e.amount, e.booked_on), 'DD/MM/YYYY') || '.')
                    WHEN (told->>'date')::date > business_day(at)
                    THEN desk_fault('/decision/date', 'Ngày quyết định chưa tới.') END;
    ELSIF act = 'suspense' THEN
        RETURN CASE WHEN e.reason IN ('bank_charge', 'bank_interest', 'own_transfer', 'zero_amount') OR e.held_at IS NOT NULL
                    THEN desk_fault('/action', 'Khoản này không thuộc tài khoản chờ xử lý, hoặc đã ghi vào đó.') END;
    END IF;
    IF act = 'split' AND e.line_id IS NULL THEN
        RETURN desk_fault('/action', 'Khoản đã ghi thành một giao dịch không chia được; hãy gán hoặc hoàn trả.');
    END IF;
    FOR part IN SELECT * FROM desk_parts(e, told) LOOP
        IF part.known IS DISTINCT FROM true THEN
            RETURN desk_fault(CASE WHEN act = 'split' THEN '/parts/' || part.n - 1 ELSE '' END,
                              'Không có yêu cầu nộp tiền (hoặc giao dịch chưa khớp) như vậy của tài khoản này, hoặc hồ sơ có nhiều yêu cầu.');
        END IF;
        total := total + part.amount;
    END LOOP;
    RETURN CASE WHEN total <> e.amount THEN desk_fault('/parts', format('Tổng các phần là %s, dòng sao kê là %s.', total, e.amount))
                WHEN (SELECT count(*) <> count(DISTINCT (request_id, payment_id)) FROM desk_parts(e, told))
                THEN desk_fault('/parts', 'Một yêu cầu chỉ đứng một lần.') END;
END $$;

CREATE FUNCTION desk_payer_account(e exception_case) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce((SELECT nullif(t.counterparty_account, '') FROM statement_line l
                     JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date WHERE l.id = e.line_id),
                    (SELECT p.payer_account FROM payment p WHERE p.id = e.payment_id))
$$;

-- A match names the payment of a line that came in, or the refund or the remittance slip of one that went out.
CREATE FUNCTION desk_match_problem(e exception_case, told jsonb, matched boolean) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE
        WHEN e.line_id IS NULL OR matched THEN desk_fault('/action', 'Cần một dòng sao kê chưa khớp.')
        WHEN told ? 'refund' THEN
            CASE WHEN NOT EXISTS (SELECT FROM refund f JOIN payment p ON p.id = f.payment_id
                                  WHERE f.id = (told->>'refund')::bigint AND f.amount = -e.amount AND p.account_id = e.account_id
                                    AND f.state IN ('sent', 'paid') AND NOT EXISTS (SELECT FROM line_refund x WHERE x.refund_id = f.id))
                 THEN desk_fault('/refund', 'Không có lệnh hoàn trả đã gửi nào đúng số tiền này.') END
        WHEN told ? 'document' THEN
            CASE WHEN coalesce((SELECT sum(t.amount) FROM treasury_remittance t WHERE t.document = told->>'document' AND t.collector = told->>'collector'
                                AND t.approved_by IS NOT NULL), 0) <> -e.amount
                      OR EXISTS (SELECT FROM line_remittance x WHERE x.document = told->>'document' AND x.collector = told->>'collector')
                 THEN desk_fault('/remittance', 'Không có giấy nộp tiền đã duyệt nào đúng số tiền này.') END
        WHEN NOT EXISTS (SELECT FROM payment p WHERE p.id = coalesce((told->>'payment')::bigint, e.payment_id)
                         AND p.account_id = e.account_id AND p.amount = e.amount
                         AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
                         AND NOT EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = p.id)
                         AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = p.id))
            THEN jsonb_build_object('state', 'conflict') END
$$;

-- Doing it ------------------------------------------------------------------------------------------------------------------------

-- One payment out of a line, by the same confirmation as every call-back; wanted NULL: nobody's yet. The bank's reference goes with it
-- when it is the whole line's and not lent already, so that a late call-back is known.
CREATE FUNCTION desk_payment(at timestamptz, line bigint, n integer, of_amount bigint, wanted bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made record;
BEGIN
    SELECT c.* INTO made
    FROM statement_line l JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    JOIN receiving_account a ON a.id = l.account_id LEFT JOIN payment_request r ON r.id = wanted,
         LATERAL confirm(desk_payment.at, ARRAY['statement'],
             ARRAY[concat_ws('/', a.account_number, l.booked_on, encode(l.fingerprint, 'hex'), l.occurrence, 'desk', n,
                             (SELECT 'again ' || count(*) FROM line_unmatch v WHERE v.line_id = l.id HAVING count(*) > 0))],
             ARRAY[sha256(l.fingerprint || int8send(of_amount) || int4send(l.occurrence))], ARRAY[of_amount], ARRAY[a.account_number], ARRAY['vietqr'],
             ARRAY[CASE WHEN of_amount = l.amount AND t.bank_reference <> '' AND NOT EXISTS (
                            SELECT FROM external_transaction o WHERE o.source = 'account ' || a.account_number AND o.external_id = t.bank_reference)
                        THEN t.bank_reference END],
             ARRAY[t.memo], ARRAY[(l.booked_on::timestamp - interval '7 hours') AT TIME ZONE 'UTC'], ARRAY[nullif(t.counterparty, '')],
             ARRAY[nullif(t.counterparty_account, '')], ARRAY[NULL::bytea],
             CASE WHEN wanted IS NULL THEN '{}' ELSE ARRAY[1] END, CASE WHEN wanted IS NULL THEN '{}' ELSE ARRAY[r.reference] END,
             CASE WHEN wanted IS NULL THEN '{}' ELSE ARRAY[0] END) c
    WHERE l.id = line;
    IF made.outcome IS DISTINCT FROM (CASE WHEN wanted IS NULL THEN 'unallocated' ELSE 'booked' END) OR made.request IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'the line became % instead of a payment', made.outcome USING ERRCODE = 'check_violation';
    END IF;
    RETURN made.payment;
END $$;

-- One line to N payments: a batch of its own. A call-back that names the bank's reference later is the money of these.
CREATE FUNCTION desk_split(at timestamptz, e exception_case, told jsonb, actor text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
    part record;
    pay bigint;
BEGIN
    INSERT INTO pay_out (source, batch, version, account_id, day, gross, fees, net, content, taken_at, taken_by)
    SELECT 'desk', concat_ws('/', a.account_number, l.booked_on, encode(l.fingerprint, 'hex'), l.occurrence),
           1 + (SELECT count(*) FROM line_unmatch u WHERE u.line_id = l.id), l.account_id, l.booked_on, l.amount, 0, l.amount, l.fingerprint,
           desk_split.at, actor
    FROM statement_line l JOIN receiving_account a ON a.id = l.account_id WHERE l.id = e.line_id RETURNING id INTO made;
    FOR part IN SELECT * FROM desk_parts(e, told) ORDER BY n LOOP
        pay := coalesce(part.payment_id, desk_payment(at, e.line_id, part.n, part.amount, part.request_id));
        INSERT INTO pay_out_item (batch_id, ordinal, external_id, reference, amount)
        SELECT made, part.n, p.external_id, coalesce(p.reference, ''), part.amount FROM payment p WHERE p.id = pay;
        INSERT INTO batch_payment (payment_id, batch_id, ordinal, rule, actor, at) VALUES (pay, made, part.n, 'person', actor, desk_split.at);
        IF part.n = 1 THEN
            INSERT INTO external_transaction (source, external_id, content, payment_id)
            SELECT 'account ' || a.account_number, t.bank_reference, int8send(l.amount), pay
            FROM statement_line l JOIN receiving_account a ON a.id = l.account_id
            JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
            WHERE l.id = e.line_id AND t.bank_reference <> '' ON CONFLICT DO NOTHING;
        END IF;
    END LOOP;
    INSERT INTO line_match (line_id, batch_id, rule, healed, actor, at) VALUES (e.line_id, made, 'person', false, actor, desk_split.at);
END $$;

CREATE FUNCTION desk_assign(at timestamptz, e exception_case, told jsonb, actor text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    wanted bigint := desk_request(told);
BEGIN
    IF e.line_id IS NOT NULL THEN
        INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at)
        VALUES (e.line_id, desk_payment(at, e.line_id, 1, e.amount, wanted), 'person', true, actor, desk_assign.at);
    ELSIF NOT payment_assign(at, e.payment_id, wanted) THEN
        RAISE EXCEPTION 'the payment is known already, or its request is being refunded' USING ERRCODE = 'check_violation';
    END IF;
END $$;

-- The money goes back the way it came: a payment of nobody's, asked back by the first person and approved by the second.
CREATE FUNCTION desk_refund(at timestamptz, e exception_case, told jsonb, said text, asker text, approver text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    pay bigint := e.payment_id;
    asked record;
BEGIN
    IF e.line_id IS NOT NULL THEN
        pay := desk_payment(at, e.line_id, 1, e.amount, NULL);
        INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at) VALUES (e.line_id, pay, 'person', true, approver, desk_refund.at);
    END IF;
    SELECT * INTO asked FROM refund_request(at, pay, e.amount, 'unallocated', said, told->>'bank_bin', told->>'account', told->>'name', asker);
    IF asked.problem IS NOT NULL OR refund_decide(at, asked.id, 'approved', NULL, approver) <> 'approved' THEN
        RAISE EXCEPTION 'the refund was refused: %', asked.problem USING ERRCODE = 'check_violation';
    END IF;
    RETURN asked.id;
END $$;

CREATE FUNCTION desk_match(at timestamptz, e exception_case, told jsonb, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    chosen payment;
BEGIN
    IF told ? 'refund' THEN
        INSERT INTO line_refund (line_id, refund_id, at) VALUES (e.line_id, (told->>'refund')::bigint, desk_match.at);
        PERFORM refund_close(desk_match.at, f.id, 'paid', coalesce(nullif(t.bank_reference, ''), t.memo), l.booked_on, NULL, actor)
        FROM refund f, statement_line l
        JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
        WHERE f.id = (told->>'refund')::bigint AND f.state = 'sent' AND l.id = e.line_id;
        RETURN 'matched';
    ELSIF told ? 'document' THEN
        INSERT INTO line_remittance (line_id, collector, document, at) VALUES (e.line_id, told->>'collector', told->>'document', desk_match.at);
        RETURN 'remitted';
    END IF;
    SELECT * INTO chosen FROM payment WHERE id = coalesce((told->>'payment')::bigint, e.payment_id);
    INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at)
    VALUES (e.line_id, chosen.id, 'person', chosen.source = 'statement', actor, desk_match.at);
    -- A payment made from the line stands in suspense (as they were made once): it was the chosen payment's money in clearing.
    IF e.payment_id IS NOT NULL AND chosen.id <> e.payment_id THEN
        PERFORM journal_post(at, business_day(at), 'statement_match', chosen.id, chosen.request_id,
                             ARRAY['suspense:' || a.account_number, 'clearing:' || a.account_number], ARRAY[e.amount, -e.amount])
        FROM receiving_account a WHERE a.id = e.account_id;
    END IF;
    RETURN 'matched';
END $$;

-- Does the act; returns the resolution.
CREATE FUNCTION desk_do(at timestamptz, e exception_case, act text, told jsonb, said text, asker text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    resolution text;
BEGIN
    CASE act
    WHEN 'match' THEN resolution := desk_match(at, e, told, actor);
    WHEN 'assign' THEN PERFORM desk_assign(at, e, told, actor); resolution := 'assigned';
    WHEN 'split' THEN PERFORM desk_split(at, e, told, actor); resolution := 'split';
    WHEN 'refund' THEN PERFORM desk_refund(at, e, told, said, asker, actor); resolution := 'refunded';
    WHEN 'reimburse' THEN resolution := 'reimbursed';
    WHEN 'suspense' THEN resolution := 'suspense';
    WHEN 'explain' THEN resolution := 'explained';
    WHEN 'write_off' THEN
        resolution := 'written_off';
        IF e.line_id IS NULL THEN
            PERFORM journal_post(at, business_day(at), 'write_off', e.payment_id, NULL,
                                 ARRAY['suspense:' || a.account_number, 'unclaimed:' || a.account_number], ARRAY[e.amount, -e.amount])
            FROM receiving_account a WHERE a.id = e.account_id;
        END IF;
    END CASE;
    IF e.line_id IS NOT NULL AND act <> 'explain' THEN
        INSERT INTO line_unposted VALUES (e.line_id) ON CONFLICT DO NOTHING;
        PERFORM line_explain(at, ARRAY[e.line_id]);
    END IF;
    RETURN resolution;
END $$;

-- A person's word on a case. What moves or identifies money is 'proposed' first and done when another person says the same, or says
-- 'approve'. Returns {state: proposed | resolved | open | not_found | second_person | conflict | fault (with pointer and detail)}.
CREATE FUNCTION exception_decide(at timestamptz, wanted bigint, actor text, action text, said text, given jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    e exception_case;
    open_act exception_act;
    act text := action;
    told jsonb := given;
    problem jsonb;
    made text;
    act_id bigint;
    meant bigint;                               -- the request of an assignment, while it is still unsettled
    alone boolean;                              -- nothing moves and nobody's money is told: one person is enough
BEGIN
    SELECT * INTO e FROM exception_case WHERE id = wanted FOR UPDATE;
    IF e.id IS NULL THEN
        RETURN jsonb_build_object('state', 'not_found');
    ELSIF e.state = 'resolved' AND e.resolution IS DISTINCT FROM 'suspense' THEN
        RETURN jsonb_build_object('state', 'conflict');
    END IF;
    SELECT * INTO open_act FROM exception_act x WHERE x.id = e.proposed_act AND e.state = 'proposed';
    IF action IN ('approve', 'refuse') THEN
        IF open_act.id IS NULL THEN
            RETURN jsonb_build_object('state', 'conflict');
        END IF;
        act := open_act.act;
        told := open_act.told;
    END IF;
    IF action = 'refuse' THEN
        INSERT INTO exception_act (exception_id, act, told, note, outcome, of_act, actor, at)
        VALUES (wanted, act, told, said, 'refused', open_act.id, actor, exception_decide.at);
        UPDATE exception_case SET proposed_by = NULL, other_payment = NULL, proposed_act = NULL,
            state = CASE WHEN held_at IS NULL THEN 'open' ELSE 'resolved' END, resolution = CASE WHEN held_at IS NULL THEN NULL ELSE 'suspense' END,
            resolved_by = CASE WHEN held_at IS NULL THEN NULL ELSE held_by END, resolved_at = held_at WHERE id = wanted;
        PERFORM audit_record(at, actor, 'exception.refuse', wanted::text, jsonb_build_object('action', act, 'note', said));
        RETURN jsonb_build_object('state', CASE WHEN e.held_at IS NULL THEN 'open' ELSE 'suspense' END);
    END IF;
    alone := act = 'suspense' OR act = 'explain' AND e.reason IN ('bank_charge', 'bank_interest', 'zero_amount', 'duplicate_line', 'own_transfer',
                                                                  'reversal');
    problem := desk_problem(e, act, told, at);
    IF problem IS NOT NULL THEN
        RETURN problem;
    END IF;
    IF NOT alone AND (open_act.id IS NULL OR (open_act.act, open_act.told) IS DISTINCT FROM (act, told)) THEN
        INSERT INTO exception_act (exception_id, act, told, note, outcome, actor, at)
        VALUES (wanted, act, told, said, 'proposed', actor, exception_decide.at) RETURNING id INTO act_id;
        UPDATE exception_case SET state = 'proposed', proposed_by = actor, note = said, other_payment = (told->>'payment')::bigint, proposed_act = act_id,
            resolution = NULL, resolved_by = NULL, resolved_at = NULL WHERE id = wanted;
        PERFORM audit_record(at, actor, 'exception.propose', wanted::text, told || jsonb_build_object('action', act, 'note', said));
        RETURN jsonb_build_object('state', 'proposed');
    ELSIF alone AND open_act.id IS NOT NULL THEN
        RETURN jsonb_build_object('state', 'conflict');         -- what another person proposed is refused or approved first
    ELSIF open_act.actor = actor THEN
        RETURN jsonb_build_object('state', 'second_person');
    END IF;
    meant := CASE WHEN act = 'assign' THEN desk_request(told) END;
    made := desk_do(at, e, act, told, coalesce(nullif(open_act.note, ''), said), open_act.actor, actor);
    INSERT INTO exception_act (exception_id, act, told, note, outcome, of_act, actor, at)
    VALUES (wanted, act, told, said, CASE WHEN open_act.id IS NULL THEN 'done' ELSE 'approved' END, open_act.id, actor, exception_decide.at)
    RETURNING id INTO act_id;
    UPDATE exception_case SET state = 'resolved', resolution = made, resolved_by = actor, resolved_at = exception_decide.at,
        note = CASE WHEN open_act.id IS NULL THEN said ELSE note END,
        held_by = CASE WHEN made = 'suspense' THEN actor END, held_at = CASE WHEN made = 'suspense' THEN exception_decide.at END WHERE id = wanted;
    IF act = 'assign' THEN
        PERFORM payer_link_learn(at, e, meant, act_id, open_act.actor);
    END IF;
    PERFORM audit_record(at, actor, 'exception.resolve', wanted::text, told || jsonb_build_object('action', act, 'note', said));
    PERFORM event_record(at, ARRAY['exception.resolved'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('reason', e.reason, 'resolution', made, 'amount', e.amount, 'booked_on', e.booked_on)]);
    RETURN jsonb_build_object('state', 'resolved', 'resolution', made);
END $$;

-- The older call keeps its meaning.
CREATE OR REPLACE FUNCTION exception_resolve(at timestamptz, wanted bigint, actor text, action text, said text, with_payment bigint) RETURNS text
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN d->>'state' = 'fault' THEN 'conflict' ELSE d->>'state' END
    FROM exception_decide(at, wanted, actor, CASE action WHEN 'explained' THEN 'explain' ELSE action END, said,
                          CASE WHEN with_payment IS NULL THEN '{}' ELSE jsonb_build_object('payment', with_payment) END) d
$$;

-- Who sees to a case; NULL: nobody. Returns 'done', 'not_found' or 'unknown' (no such person).
CREATE FUNCTION exception_own(at timestamptz, wanted bigint, person text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF person IS NOT NULL AND NOT EXISTS (SELECT FROM staff s WHERE s.login = person AND s.disabled_at IS NULL) THEN
        RETURN 'unknown';
    END IF;
    UPDATE exception_case SET owner = person WHERE id = wanted;
    IF NOT FOUND THEN
        RETURN 'not_found';
    END IF;
    INSERT INTO exception_act (exception_id, act, told, outcome, actor, at)
    VALUES (wanted, 'owner', jsonb_build_object('owner', person), 'done', actor, exception_own.at);
    PERFORM audit_record(at, actor, 'exception.owner', wanted::text, jsonb_build_object('owner', person));
    RETURN 'done';
END $$;

-- Taking a match back ---------------------------------------------------------------------------------------------------------------
-- Proposed by one person, done by another. The match goes by record; the line waits in suspense under the reason 'unmatched', which no run
-- looks at again. Payments that had been made from the line are void; one that was announced waits for its line.
CREATE FUNCTION line_unmatch_decide(at timestamptz, wanted bigint, actor text, said text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    l statement_line;
    m line_match;
    open_act exception_act;
    pay bigint;
BEGIN
    SELECT * INTO l FROM statement_line WHERE id = wanted;
    SELECT * INTO m FROM line_match WHERE line_id = wanted FOR UPDATE;
    IF l.id IS NULL THEN
        RETURN jsonb_build_object('state', 'not_found');
    ELSIF m.line_id IS NULL THEN
        RETURN jsonb_build_object('state', 'conflict');
    ELSIF EXISTS (SELECT FROM line_reversal v WHERE v.of_line = wanted) THEN
        RETURN desk_fault('', 'Ngân hàng đã thu hồi khoản này.');
    ELSIF EXISTS (SELECT FROM pay_out b WHERE b.id = m.batch_id AND b.source NOT IN ('desk', 'declared')) THEN
        RETURN desk_fault('', 'Dòng theo bảng kê chỉ sửa bằng bảng kê đính chính.');
    END IF;
    SELECT * INTO open_act FROM exception_act x WHERE x.line_id = wanted AND x.act = 'unmatch' AND x.outcome = 'proposed' AND x.at >= m.at
        AND NOT EXISTS (SELECT FROM exception_act y WHERE y.of_act = x.id) ORDER BY x.id DESC LIMIT 1;
    IF open_act.id IS NULL THEN
        INSERT INTO exception_act (line_id, act, note, outcome, actor, at) VALUES (wanted, 'unmatch', said, 'proposed', actor, line_unmatch_decide.at);
        PERFORM audit_record(at, actor, 'line.unmatch.propose', wanted::text, jsonb_build_object('note', said));
        RETURN jsonb_build_object('state', 'proposed');
    ELSIF open_act.actor = actor THEN
        RETURN jsonb_build_object('state', 'second_person');
    END IF;
    PERFORM match_take_back(at, ARRAY[wanted], actor, said);
    DELETE FROM line_pending WHERE line_id = wanted;
    FOR pay IN SELECT p.id FROM payment p WHERE (p.id = m.payment_id OR p.id IN (SELECT payment_id FROM batch_payment WHERE batch_id = m.batch_id))
               AND p.source = 'statement' ORDER BY p.request_id, p.id LOOP
        IF payment_withdraw(at, pay) IS NULL THEN
            RAISE EXCEPTION 'the money is being refunded' USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO payment_void (payment_id, line_id, actor, at) VALUES (pay, wanted, line_unmatch_decide.actor, line_unmatch_decide.at);
    END LOOP;
    DELETE FROM batch_payment WHERE batch_id = m.batch_id;
    UPDATE pay_out SET current = false WHERE id = m.batch_id;
    INSERT INTO exception_case (reason, line_id, account_id, amount, booked_on, note, opened_at)
    VALUES ('unmatched', wanted, l.account_id, l.amount, l.booked_on, said, line_unmatch_decide.at)
    ON CONFLICT (line_id) DO UPDATE SET reason = 'unmatched', state = 'open', resolution = NULL, resolved_by = NULL, resolved_at = NULL, note = said,
        proposed_by = NULL, proposed_act = NULL, other_payment = NULL, payment_id = NULL, held_at = NULL, held_by = NULL;
    INSERT INTO exception_act (line_id, act, note, outcome, of_act, actor, at)
    VALUES (wanted, 'unmatch', said, 'approved', open_act.id, actor, line_unmatch_decide.at);
    PERFORM audit_record(at, actor, 'line.unmatch', wanted::text, jsonb_build_object('note', said));
    PERFORM event_record(at, ARRAY['exception.opened'], ARRAY[NULL::text], ARRAY[NULL::bigint],
                         ARRAY[jsonb_build_object('reason', 'unmatched', 'amount', l.amount, 'booked_on', l.booked_on)]);
    RETURN jsonb_build_object('state', 'unmatched', 'exception', (SELECT id FROM exception_case WHERE line_id = wanted));
END $$;

-- Learned payers --------------------------------------------------------------------------------------------------------------------

-- What an assignment teaches is only proposed; who proposed the assignment proposed the link.
CREATE FUNCTION payer_link_learn(at timestamptz, e exception_case, request bigint, act bigint, asker text) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO payer_link (payer_account, payer_name, applicant_name, applicant_id_number, learned_from, proposed_by, proposed_at)
    SELECT desk_payer_account(e), coalesce((SELECT t.counterparty FROM statement_line l JOIN statement_line_text t ON t.line_id = l.id
               AND t.booked_month = date_trunc('month', l.booked_on)::date WHERE l.id = e.line_id), ''),
           d.applicant_name, d.applicant_id_number, act, asker, payer_link_learn.at
    FROM payment_request r JOIN dossier d ON d.code = r.dossier
    WHERE r.id = request AND length(desk_payer_account(e)) BETWEEN 4 AND 34
    ON CONFLICT DO NOTHING
$$;

-- Returns the link's id; NULL when it stands already.
CREATE FUNCTION payer_link_propose(at timestamptz, account text, named text, applicant text, id_number text, actor text) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO payer_link (payer_account, payer_name, applicant_name, applicant_id_number, proposed_by, proposed_at)
    VALUES (account, coalesce(named, ''), applicant, id_number, actor, payer_link_propose.at) ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NOT NULL THEN
        PERFORM audit_record(at, actor, 'payer_link.propose', made::text, jsonb_build_object('account', account, 'applicant', applicant));
    END IF;
    RETURN made;
END $$;

CREATE FUNCTION payer_link_decide(at timestamptz, wanted bigint, decision text, actor text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    k payer_link;
BEGIN
    SELECT * INTO k FROM payer_link WHERE id = wanted FOR UPDATE;
    IF k.id IS NULL THEN
        RETURN 'not_found';
    ELSIF k.ended_at IS NOT NULL OR decision = 'approve' AND k.approved_at IS NOT NULL THEN
        RETURN 'conflict';
    ELSIF decision = 'approve' AND k.proposed_by = actor THEN
        RETURN 'second_person';
    END IF;
    IF decision = 'approve' THEN
        UPDATE payer_link SET approved_by = actor, approved_at = payer_link_decide.at WHERE id = wanted;
    ELSE
        UPDATE payer_link SET ended_by = actor, ended_at = payer_link_decide.at WHERE id = wanted;
    END IF;
    PERFORM audit_record(at, actor, 'payer_link.' || decision, wanted::text, jsonb_build_object('account', k.payer_account, 'applicant', k.applicant_name));
    RETURN CASE decision WHEN 'approve' THEN 'approved' ELSE 'ended' END;
END $$;

-- What a person sees of a case ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION exception_brief(e exception_case, at timestamptz) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT jsonb_build_object('id', e.id, 'reason', e.reason, 'explanation', exception_explain(e.reason), 'account', a.account_number,
        'amount', e.amount, 'booked_on', e.booked_on, 'age_days', business_day(at) - e.booked_on, 'owner', e.owner,
        'state', CASE WHEN e.resolution = 'suspense' THEN 'suspense' ELSE e.state END, 'suggestion', e.suggestion,
        'proposed_by', e.proposed_by, 'resolved_by', e.resolved_by, 'resolved_at', e.resolved_at, 'resolution', e.resolution, 'note', e.note,
        'decision_possible_on', CASE WHEN e.amount > 0 THEN suspense_until(e.reason, e.amount, e.booked_on) END,
        'line', CASE WHEN l.id IS NOT NULL THEN jsonb_build_object('id', l.id, 'bank_reference', t.bank_reference, 'memo', t.memo,
            'counterparty', t.counterparty, 'counterparty_account', t.counterparty_account) END,
        'payment', CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'source', p.source, 'external_id', p.external_id,
            'paid_at', p.paid_at, 'memo', p.memo) END)
    FROM receiving_account a LEFT JOIN statement_line l ON l.id = e.line_id LEFT JOIN payment p ON p.id = e.payment_id
    LEFT JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date
    WHERE a.id = e.account_id
$$;

-- Both sides beside each other: what the bank wrote and where it stands in its file; requests and payments it may belong to; what was done.
CREATE FUNCTION exception_evidence(wanted bigint, at timestamptz) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT exception_brief(e, at) || jsonb_build_object(
        'bank', (SELECT jsonb_build_object('line', l.id, 'booked_on', l.booked_on, 'value_on', t.value_on, 'amount', l.amount, 'reversal', t.reversal,
                     'type', t.type, 'bank_reference', t.bank_reference, 'customer_reference', t.customer_reference, 'counterparty', t.counterparty,
                     'counterparty_account', t.counterparty_account, 'memo', t.memo, 'supplementary', t.supplementary, 'statement', s.id,
                     'statement_number', s.number, 'file', f.name, 'page', l.page, 'ordinal', l.ordinal, 'occurrence', l.occurrence, 'place', x.place,
                     'same_account_and_amount', (SELECT count(*) FROM statement_line o WHERE o.account_id = l.account_id AND o.amount = l.amount
                                                 AND o.id <> l.id AND abs(o.booked_on - l.booked_on) <= 10))
                 FROM statement_line l JOIN statement s ON s.id = l.statement_id JOIN statement_file f ON f.id = s.file_id
                 JOIN line_place x ON x.line_id = l.id
                 LEFT JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date WHERE l.id = e.line_id),
        'requests', (SELECT coalesce(jsonb_agg(q ORDER BY q->>'why', (q->>'rank')::integer), '[]') FROM (
                SELECT jsonb_build_object('why', 'memo', 'rank', c.rank, 'edits', c.edits, 'reference', c.reference, 'dossier', r.dossier,
                           'status', r.status, 'amount', r.amount, 'due', r.amount - r.allocated, 'applicant', d.applicant_name,
                           'other_account', r.account_id IS DISTINCT FROM e.account_id) AS q
                FROM line_candidate c LEFT JOIN payment_request r ON r.reference = c.reference LEFT JOIN dossier d ON d.code = r.dossier
                WHERE c.line_id = e.line_id
                UNION ALL
                SELECT jsonb_build_object('why', 'payer_link', 'rank', row_number() OVER (ORDER BY r.created_at), 'edits', 0, 'reference', r.reference,
                           'dossier', r.dossier, 'status', r.status, 'amount', r.amount, 'due', r.amount - r.allocated, 'applicant', d.applicant_name,
                           'other_account', false)
                FROM payer_link k JOIN dossier d ON CASE WHEN k.applicant_id_number IS NOT NULL THEN d.applicant_id_number = k.applicant_id_number
                                                         ELSE d.applicant_name = k.applicant_name END
                JOIN payment_request r ON r.dossier = d.code AND r.account_id = e.account_id AND r.status IN ('pending', 'partly_paid', 'expired')
                WHERE k.payer_account = desk_payer_account(e) AND k.approved_at IS NOT NULL AND k.ended_at IS NULL
                  AND r.amount - r.allocated = e.amount LIMIT 20) x),
        'payments', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'source', p.source, 'external_id', p.external_id, 'method', p.method,
                        'amount', p.amount, 'paid_at', p.paid_at, 'memo', p.memo, 'payer_name', p.payer_name, 'payer_account', p.payer_account,
                        'reference', r.reference, 'dossier', r.dossier) ORDER BY p.paid_at, p.source, p.external_id), '[]')
                     FROM (SELECT * FROM payment p WHERE p.account_id = e.account_id AND p.amount = e.amount
                             AND (p.id = e.payment_id OR abs(business_day(p.paid_at) - e.booked_on) <= 10)
                             AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id)
                             AND NOT EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = p.id)
                             AND NOT EXISTS (SELECT FROM payment_void v WHERE v.payment_id = p.id) ORDER BY p.paid_at LIMIT 20) p
                     LEFT JOIN payment_request r ON r.id = p.request_id),
        'acts', (SELECT coalesce(jsonb_agg(jsonb_build_object('act', x.act, 'told', x.told, 'note', x.note, 'outcome', x.outcome, 'actor', x.actor,
                                                              'at', x.at) ORDER BY x.id), '[]')
                 FROM exception_act x WHERE x.exception_id = e.id OR x.line_id = e.line_id),
        'unmatched', (SELECT coalesce(jsonb_agg(jsonb_build_object('rule', u.rule, 'matched_by', u.matched_by, 'matched_at', u.matched_at, 'at', u.at,
                                                                   'actor', u.actor, 'why', u.why) ORDER BY u.id), '[]')
                      FROM line_unmatch u WHERE u.line_id = e.line_id),
        'closed_days', (SELECT coalesce(jsonb_agg(i.day ORDER BY i.day), '[]') FROM day_close_item i WHERE i.exception_id = e.id))
    FROM exception_case e WHERE e.id = wanted
$$;

-- Candidates of a set that may add up to a line: payments of one channel and requests of its account without a line, near its day. Bounded by
-- the caller, and only ever a suggestion.
CREATE FUNCTION exception_parts(wanted bigint) RETURNS TABLE (kind text, key text, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'payment', p.id::text, p.amount FROM exception_case e JOIN payment p ON p.account_id = e.account_id
    WHERE e.id = wanted AND e.line_id IS NOT NULL AND e.amount > 0 AND p.method = 'vietqr' AND p.source <> 'statement' AND p.amount < e.amount
      AND business_day(p.paid_at) BETWEEN e.booked_on - 3 AND e.booked_on + 1
      AND NOT EXISTS (SELECT FROM line_match m WHERE m.payment_id = p.id) AND NOT EXISTS (SELECT FROM batch_payment m WHERE m.payment_id = p.id)
    ORDER BY p.paid_at, p.source, p.external_id LIMIT 21
$$;

-- What stands in suspense, and what banks and gateways took -----------------------------------------------------------------------------

CREATE FUNCTION suspense_list(wanted date) RETURNS TABLE (reason text, account text, item text, amount bigint, booked_on date, age_days integer,
                                                          owner text, state text, decision_possible_on date)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT * FROM (
        SELECT e.reason, a.account_number, CASE WHEN l.id IS NOT NULL THEN line_key(l) WHEN p.id IS NOT NULL THEN p.source || '/' || p.external_id
                   ELSE b.source || '/' || b.batch || '/' || e.batch_ordinal END, e.amount, e.booked_on, wanted - e.booked_on, e.owner,
               CASE WHEN e.resolution = 'suspense' THEN 'suspense' ELSE e.state END,
               CASE WHEN e.amount > 0 THEN suspense_until(e.reason, e.amount, e.booked_on) END
        FROM exception_case e JOIN receiving_account a ON a.id = e.account_id LEFT JOIN statement_line l ON l.id = e.line_id
        LEFT JOIN payment p ON p.id = e.payment_id LEFT JOIN pay_out b ON b.id = e.batch_id
        WHERE e.booked_on <= wanted AND (e.state <> 'resolved' OR e.resolution = 'suspense')
    ) x (reason, account, item, amount, booked_on, age_days, owner, state, decision_possible_on)
    ORDER BY x.reason COLLATE "C", x.booked_on, x.item COLLATE "C", x.amount
$$;

-- Claims on the operating budget of each collector: what its bank and its gateways took, less what was paid back; interest beside it, which
-- belongs to the fund the account holds. Fees themselves are never less for it.
CREATE FUNCTION charges_list(first date, last date) RETURNS TABLE (kind text, collector text, account text, item text, day date, amount bigint)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT k.kind, g.tax_code, a.account_number, k.item, k.day, k.amount
    FROM (SELECT CASE p.place WHEN 'interest' THEN 'interest' WHEN 'charges' THEN CASE WHEN l.amount < 0 THEN 'bank_charge' ELSE 'reimbursed' END END AS kind,
                 l.account_id, line_key(l) AS item, l.booked_on AS day, CASE p.place WHEN 'interest' THEN l.amount ELSE -l.amount END AS amount
          FROM statement_line l JOIN line_place p ON p.line_id = l.id
          WHERE p.place IN ('charges', 'interest') AND l.booked_on BETWEEN first AND last
          UNION ALL
          SELECT 'gateway_fee', b.account_id, b.source || '/' || b.batch, b.day, b.fees
          FROM pay_out b JOIN batch_journal j ON j.batch_id = b.id WHERE b.fees > 0 AND b.day BETWEEN first AND last) k
    JOIN receiving_account a ON a.id = k.account_id JOIN agency g ON g.code = a.agency
    ORDER BY k.kind COLLATE "C", g.tax_code COLLATE "C", a.account_number COLLATE "C", k.day, k.item COLLATE "C"
$$;
