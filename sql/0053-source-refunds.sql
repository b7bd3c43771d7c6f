-- Refunds that the source itself carries out: a wallet or gateway gives the money back where it came from, asked once under a number that it
-- knows again, so that a call without an answer is never a second refund.

CREATE TABLE refund_source (
    source text PRIMARY KEY
);
COMMENT ON TABLE refund_source IS 'Sources that give back by themselves; the others'' money goes by a list for the bank.';
INSERT INTO refund_source VALUES ('momo'), ('zalopay'), ('vnpay'), ('viettel-money'), ('keypay');

ALTER TABLE refund
    ADD COLUMN source_call text UNIQUE,     -- the number under which the source was asked
    DROP CONSTRAINT refund_sent_is_approved,
    ADD CONSTRAINT refund_sent_is_approved CHECK (state <> 'sent' OR (approved_by IS NOT NULL AND (list_id IS NOT NULL OR source_call IS NOT NULL)));

DO $$
DECLARE
    old text := pg_get_functiondef('refund_request'::regproc);
    new text := replace(old, 'IF account_number IS NULL AND p.payer_account IS NULL THEN',
        'IF account_number IS NULL AND p.payer_account IS NULL AND NOT EXISTS (SELECT FROM refund_source s WHERE s.source = p.source) THEN');
BEGIN
    IF new = old THEN
        RAISE EXCEPTION 'refund_request has changed: the check of the destination is not found';
    END IF;
    EXECUTE new;
    old := pg_get_functiondef('refund_list_make'::regproc);
    new := replace(old, 'AND coalesce(f.to_account, p.payer_account) IS NOT NULL',
        'AND coalesce(f.to_account, p.payer_account) IS NOT NULL
          AND (f.to_account IS NOT NULL OR NOT EXISTS (SELECT FROM refund_source s WHERE s.source = p.source))');
    IF new = old THEN
        RAISE EXCEPTION 'refund_list_make has changed: its condition is not found';
    END IF;
    EXECUTE new;
END $$;

-- An approved refund that goes back where it came from is its source's work.
CREATE FUNCTION refund_to_source() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO job (kind, key, body, run_at, created_at)
    SELECT 'refund.source', 'refund ' || NEW.id, jsonb_build_object('refund', NEW.id), NEW.changed_at, NEW.changed_at
    FROM payment p JOIN refund_source s ON s.source = p.source WHERE p.id = NEW.payment_id;
    RETURN NULL;
END $$;
CREATE TRIGGER refund_to_source AFTER UPDATE ON refund FOR EACH ROW
    WHEN (NEW.state = 'approved' AND OLD.state <> 'approved' AND NEW.to_account IS NULL) EXECUTE FUNCTION refund_to_source();

-- What the source must be told of a refund that waits for it; nothing when it has ended otherwise.
CREATE FUNCTION refund_source_read(wanted bigint)
    RETURNS TABLE (source text, source_account text, order_id text, transaction text, amount bigint, refund bigint, reference text, made_at timestamptz,
                   source_call text, actor text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT p.source, coalesce(a.source_account, ''), coalesce(a.order_id, ''), p.external_id, p.amount, f.amount, coalesce(r.reference, ''),
           coalesce(a.made_at, p.paid_at), f.source_call, f.approved_by
    FROM refund f JOIN payment p ON p.id = f.payment_id LEFT JOIN payment_request r ON r.id = p.request_id
    LEFT JOIN LATERAL (SELECT * FROM payment_attempt x WHERE x.request_id = p.request_id AND x.source = p.source
                       ORDER BY x.transaction_id = p.external_id DESC NULLS LAST, x.state = 'approved' DESC, x.id DESC LIMIT 1) a ON true
    WHERE f.id = wanted AND (f.state = 'approved' OR f.state = 'sent' AND f.source_call IS NOT NULL)
$$;

-- Commits that the source is about to be asked, under this number.
CREATE FUNCTION refund_source_ask(at timestamptz, wanted bigint, call text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE refund SET state = 'sent', source_call = call, changed_at = at WHERE id = wanted AND state = 'approved';
    IF FOUND THEN
        PERFORM refund_tell(at, wanted, 'sent', 'system:refund');
    END IF;
END $$;
