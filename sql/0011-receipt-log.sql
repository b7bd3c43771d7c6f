-- The transparency log of receipts: an append-only Merkle tree (RFC 9162 section 2.1) over every receipt and every change
-- of its status, so that nobody, the province included, can remove, change or backdate one unseen.
--
-- A leaf is SHA-256(00 || entry), an inner node SHA-256(01 || left || right). The entry is seven lines of text:
--   lephi receipt log 1
--   issued | notified | replaced | refunded
--   COLLECTOR/FORM/SYMBOL/NUMBER
--   time of the event, whole seconds, +07:00
--   SHA-256 of the receipt's file, hex
--   detail: '-', the number of the replacement, đồng refunded, or a salted digest of a notice's words
--   salt, hex: SHA-256('lephi receipt log salt 1' LF || SHA-256(lookup code))
-- A bare hash of name, fee and day could be guessed; the lookup code is 128 bits known only to who has the receipt (it
-- stands in the signed file and behind the QR), so the salt travels with the receipt and the leaves tell strangers nothing.

CREATE TABLE receipt_log_leaf (
    leaf_index bigint      PRIMARY KEY CHECK (leaf_index >= 0),
    previous   bigint      REFERENCES receipt_log_leaf,
    position   bigint      NOT NULL REFERENCES feed,
    receipt_id bigint      NOT NULL REFERENCES receipt,
    status     text        NOT NULL CHECK (status IN ('issued', 'notified', 'replaced', 'refunded')),
    at         timestamptz NOT NULL,
    document   bytea       NOT NULL CHECK (length(document) = 32),
    detail     text        NOT NULL CHECK (detail ~ '^[ -~]+$'),
    hash       bytea       NOT NULL CHECK (length(hash) = 32),
    UNIQUE (position, receipt_id, status),
    CHECK (CASE WHEN leaf_index = 0 THEN previous IS NULL ELSE previous IS NOT NULL AND previous = leaf_index - 1 END)
);
CREATE INDEX receipt_log_of_receipt ON receipt_log_leaf (receipt_id, leaf_index);
COMMENT ON TABLE receipt_log_leaf IS 'Leaves in feed order, dense by declaration: each refers to the one before.';
CREATE TRIGGER receipt_log_leaf_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_log_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Complete subtrees only: node (level, index) covers leaves index << level up to (index + 1) << level. About as many rows as
-- leaves, and any root or proof needs at most two a level.
CREATE TABLE receipt_log_node (
    level      smallint NOT NULL CHECK (level BETWEEN 1 AND 62),
    node_index bigint   NOT NULL CHECK (node_index >= 0),
    hash       bytea    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, node_index)
);
COMMENT ON TABLE receipt_log_node IS 'Hashes of complete subtrees, written once when their last leaf comes.';
CREATE TRIGGER receipt_log_node_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_log_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A node is the hash of its two children or it is refused.
CREATE FUNCTION receipt_log_node_holds() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh f
        LEFT JOIN receipt_log_leaf a ON f.level = 1 AND a.leaf_index = f.node_index * 2
        LEFT JOIN receipt_log_leaf b ON f.level = 1 AND b.leaf_index = f.node_index * 2 + 1
        LEFT JOIN receipt_log_node l ON f.level > 1 AND l.level = f.level - 1 AND l.node_index = f.node_index * 2
        LEFT JOIN receipt_log_node r ON f.level > 1 AND r.level = f.level - 1 AND r.node_index = f.node_index * 2 + 1
        WHERE f.hash IS DISTINCT FROM sha256('\x01'::bytea || coalesce(a.hash, l.hash) || coalesce(b.hash, r.hash))) THEN
        RAISE EXCEPTION 'a node of the receipt log is not the hash of its children' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER receipt_log_node_holds AFTER INSERT ON receipt_log_node REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_log_node_holds();

-- How far the feed has been read. One row; it only goes forward.
CREATE TABLE receipt_log_cursor (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint  NOT NULL
);
INSERT INTO receipt_log_cursor (position) VALUES (0);
CREATE FUNCTION receipt_log_forward() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.position < OLD.position THEN
        RAISE EXCEPTION 'the receipt log only goes forward' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_log_forward BEFORE UPDATE OR DELETE ON receipt_log_cursor
    FOR EACH ROW EXECUTE FUNCTION receipt_log_forward();

CREATE TABLE receipt_log_head (
    day         date        PRIMARY KEY,                -- the business day it closes: it covers at least all of that day
    size        bigint      NOT NULL CHECK (size >= 0),
    root        bytea       NOT NULL CHECK (length(root) = 32),
    at          timestamptz NOT NULL,
    body        text        NOT NULL,                   -- what was signed
    algorithm   text        NOT NULL CHECK (algorithm IN ('rsa-sha256', 'ecdsa-sha256')),
    signature   bytea       NOT NULL,
    certificate text        NOT NULL                    -- base64 of DER
);
COMMENT ON TABLE receipt_log_head IS 'Signed tree heads, one a day; published. Size and day only grow.';
CREATE FUNCTION receipt_log_head_grows() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM receipt_log_head h WHERE h.day > NEW.day OR h.size > NEW.size) THEN
        RAISE EXCEPTION 'heads of the receipt log only grow' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_log_head_grows BEFORE INSERT ON receipt_log_head FOR EACH ROW EXECUTE FUNCTION receipt_log_head_grows();
CREATE TRIGGER receipt_log_head_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_log_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION receipt_log_salt(token_hash bytea) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN encode(sha256(convert_to(E'lephi receipt log salt 1\n', 'UTF8') || token_hash), 'hex');

CREATE FUNCTION receipt_log_entry(status text, subject text, at timestamptz, document bytea, detail text, salt text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
    RETURN E'lephi receipt log 1\n' || status || E'\n' || subject || E'\n'
           || to_char(at AT TIME ZONE 'UTC' + interval '7 hours', 'YYYY-MM-DD"T"HH24:MI:SS') || E'+07:00\n'
           || encode(document, 'hex') || E'\n' || detail || E'\n' || salt || E'\n';

-- Every leaf with the entry it stands for.
CREATE VIEW receipt_log_entries AS
    SELECT l.leaf_index, l.receipt_id, l.status, l.at, l.hash,
           receipt_log_entry(l.status, b.collector || '/' || b.form || '/' || b.symbol || '/' || r.number, l.at, l.document, l.detail,
                             receipt_log_salt(r.token_hash)) AS entry
    FROM receipt_log_leaf l JOIN receipt r ON r.id = l.receipt_id JOIN receipt_book b ON b.id = r.book_id;

-- What the events of feed positions seen + 1 to last say about receipts, in feed order. A refund of surplus money touches no
-- receipt: the receipt says what was due, and that was kept.
CREATE FUNCTION receipt_log_changes(seen bigint, last bigint)
    RETURNS TABLE (place bigint, feed_position bigint, receipt bigint, status text, at timestamptz, detail text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH happened AS (
        SELECT f.position, e.kind, date_trunc('second', e.at) AS at, e.request_id, e.body
        FROM feed f JOIN event e ON e.booked_month = f.booked_month AND e.id = f.event_id
        WHERE f.position > seen AND f.position <= last
          AND e.kind IN ('receipt.issued', 'receipt.replaced', 'receipt.notified', 'refund.paid')
    ), named AS (
        SELECT h.*, r.id AS receipt, r.replaces, r.token_hash, b.collector || '/' || b.form || '/' || b.symbol || '/' || r.number AS subject
        FROM happened h
        JOIN receipt_book b ON b.collector = h.body ->> 'collector' AND b.form = h.body ->> 'form' AND b.symbol = h.body ->> 'symbol'
        JOIN receipt r ON r.book_id = b.id AND r.number = (h.body ->> 'number')::integer
        WHERE h.kind LIKE 'receipt.%'
    ), changes AS (
        SELECT position, 1 AS step, receipt, 'issued' AS status, at, '-' AS detail
        FROM named WHERE kind IN ('receipt.issued', 'receipt.replaced')
        UNION ALL
        SELECT position, 2, replaces, 'replaced', at, subject FROM named WHERE kind = 'receipt.replaced' AND replaces IS NOT NULL
        UNION ALL
        SELECT position, 1, receipt, 'notified', at,
               encode(sha256(convert_to(receipt_log_salt(token_hash) || E'\n' || (body ->> 'wrong') || E'\n' || (body ->> 'right'), 'UTF8')), 'hex')
        FROM named WHERE kind = 'receipt.notified'
        UNION ALL
        SELECT h.position, 1, r.id, 'refunded', h.at, h.body ->> 'amount'
        FROM happened h JOIN receipt r ON r.request_id = h.request_id
        WHERE h.kind = 'refund.paid' AND coalesce(h.body ->> 'reason', 'correction') IN ('fee_rule', 'correction')
          AND h.body ->> 'amount' IS NOT NULL
          AND NOT EXISTS (SELECT FROM receipt x WHERE x.replaces = r.id)
    )
    SELECT row_number() OVER (ORDER BY position, step, receipt) - 1, position, receipt, status, at, detail FROM changes
$$;

-- Reads the feed onwards, at most `most` events, and appends their leaves with the subtrees they complete. One at a time:
-- who does not get the cursor leaves the work to who has it. Returns how many events were read.
CREATE FUNCTION receipt_log_advance(most integer) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    seen bigint;
    last bigint;
    old_size bigint;
    new_size bigint;
    height integer := 1;
BEGIN
    SELECT c.position INTO seen FROM receipt_log_cursor c FOR UPDATE SKIP LOCKED;
    SELECT max(f.position) INTO last FROM (SELECT position FROM feed WHERE position > seen ORDER BY position LIMIT most) f;
    IF last IS NULL THEN
        RETURN 0;
    END IF;
    SELECT coalesce(max(leaf_index) + 1, 0) INTO old_size FROM receipt_log_leaf;
    INSERT INTO receipt_log_leaf (leaf_index, previous, position, receipt_id, status, at, document, detail, hash)
    SELECT old_size + c.place, nullif(old_size + c.place, 0) - 1, c.feed_position, c.receipt, c.status, c.at, d.digest, c.detail,
           sha256('\x00'::bytea || convert_to(receipt_log_entry(c.status, b.collector || '/' || b.form || '/' || b.symbol || '/' || r.number,
                                                                c.at, d.digest, c.detail, receipt_log_salt(r.token_hash)), 'UTF8'))
    FROM receipt_log_changes(seen, last) c
    JOIN receipt r ON r.id = c.receipt
    JOIN receipt_book b ON b.id = r.book_id
    CROSS JOIN LATERAL (SELECT sha256(coalesce(r.signed_xml, r.unsigned_xml)) AS digest) d
    ORDER BY c.place;
    SELECT coalesce(max(leaf_index) + 1, 0) INTO new_size FROM receipt_log_leaf;
    WHILE (new_size >> height) > (old_size >> height) LOOP
        IF height = 1 THEN
            INSERT INTO receipt_log_node (level, node_index, hash)
            SELECT 1, a.leaf_index / 2, sha256('\x01'::bytea || a.hash || b.hash)
            FROM receipt_log_leaf a JOIN receipt_log_leaf b ON b.leaf_index = a.leaf_index + 1
            WHERE a.leaf_index >= (old_size >> 1) * 2 AND a.leaf_index < (new_size >> 1) * 2 AND a.leaf_index % 2 = 0;
        ELSE
            INSERT INTO receipt_log_node (level, node_index, hash)
            SELECT height, a.node_index / 2, sha256('\x01'::bytea || a.hash || b.hash)
            FROM receipt_log_node a JOIN receipt_log_node b ON b.level = a.level AND b.node_index = a.node_index + 1
            WHERE a.level = height - 1 AND a.node_index % 2 = 0
              AND a.node_index >= (old_size >> height) * 2 AND a.node_index < (new_size >> height) * 2;
        END IF;
        height := height + 1;
    END LOOP;
    UPDATE receipt_log_cursor SET position = last;
    RETURN last - seen;
END $$;

-- Asks for the work that time and the feed have made due: reading on, and the head of the day that has ended.
CREATE FUNCTION receipt_log_wake(at timestamptz) RETURNS bigint
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH wanted (kind, key) AS (
        SELECT 'receipt.log', 'after ' || c.position FROM receipt_log_cursor c
        WHERE EXISTS (SELECT FROM feed f WHERE f.position > c.position)
        UNION ALL
        SELECT 'receipt.head', 'day ' || (business_day(receipt_log_wake.at) - 1)
        WHERE EXISTS (SELECT FROM receipt_log_leaf l WHERE l.leaf_index = 0 AND business_day(l.at) < business_day(receipt_log_wake.at))
          AND NOT EXISTS (SELECT FROM receipt_log_head h WHERE h.day >= business_day(receipt_log_wake.at) - 1)
    ), made AS (
        INSERT INTO job (kind, key, body, run_at, created_at) SELECT kind, key, '{}', receipt_log_wake.at, receipt_log_wake.at FROM wanted
        ON CONFLICT DO NOTHING RETURNING id)
    SELECT count(*) FROM made
$$;

-- The hashes asked for by (level, index); leaves are level 0. What is not there is left out.
CREATE FUNCTION receipt_log_hashes(levels integer[], indexes bigint[]) RETURNS TABLE (level integer, node_index bigint, hash text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT u.l, u.i, encode(coalesce(leaf.hash, node.hash), 'hex')
    FROM unnest(levels, indexes) AS u (l, i)
    LEFT JOIN receipt_log_leaf leaf ON u.l = 0 AND leaf.leaf_index = u.i
    LEFT JOIN receipt_log_node node ON u.l > 0 AND node.level = u.l AND node.node_index = u.i
    WHERE coalesce(leaf.hash, node.hash) IS NOT NULL
$$;

-- Before a head is signed, and for whoever doubts: leaves since `first` whose entry or document is not what it was.
CREATE FUNCTION receipt_log_audit(first bigint) RETURNS TABLE (leaf bigint, problem text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT e.leaf_index, 'entry' FROM receipt_log_entries e
    WHERE e.leaf_index >= first AND e.hash <> sha256('\x00'::bytea || convert_to(e.entry, 'UTF8'))
    UNION ALL
    -- what retention took the name out of left the digest of what was signed (receipt_erased)
    SELECT l.leaf_index, 'document' FROM receipt_log_leaf l JOIN receipt r ON r.id = l.receipt_id
    LEFT JOIN receipt_erased x ON x.receipt_id = r.id
    WHERE l.leaf_index >= first AND r.signed_xml IS NOT NULL AND l.document <> coalesce(x.signed_sha256, sha256(r.signed_xml))
    ORDER BY 1
$$;

-- RFC 3161 time stamps over signed receipts, beside the frozen bytes: the file stays what was signed.
CREATE TABLE receipt_timestamp (
    receipt_id bigint      PRIMARY KEY REFERENCES receipt,
    at         timestamptz NOT NULL,                    -- as the time-stamping authority says
    stored_at  timestamptz NOT NULL,
    reply      bytea       NOT NULL                     -- TimeStampResp, DER, as it came
);
COMMENT ON TABLE receipt_timestamp IS 'Answers of the time-stamping authority over SHA-256 of the signed file; checked before they are kept.';
CREATE TRIGGER receipt_timestamp_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_timestamp
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- As receipt_store, and a job per receipt that asks for its time stamp, in the same commit.
CREATE FUNCTION receipt_store_for_stamp(at timestamptz, ids bigint[], xmls text[]) RETURNS integer
    LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH asked AS (
        INSERT INTO job (kind, key, body, run_at, created_at)
        SELECT 'receipt.stamp', 'receipt ' || i, jsonb_build_object('receipt', i), receipt_store_for_stamp.at, receipt_store_for_stamp.at
        FROM unnest(ids) AS u (i) ON CONFLICT DO NOTHING)
    SELECT receipt_store(receipt_store_for_stamp.at, ids, xmls)
$$;
