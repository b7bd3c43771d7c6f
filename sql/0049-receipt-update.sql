-- Signing a receipt writes no index anew: which receipts wait is told by the jobs that sign them, and each page keeps room for the signed
-- bytes. The index of unsigned receipts made every signature write all nine indexes of the table; its update cost twice as much.
DROP INDEX receipt_unsigned;
ALTER TABLE receipt SET (fillfactor = 50);

-- Frozen documents that wait for a signature, among these; by number, however large the tables are.
CREATE FUNCTION receipt_waiting(wanted bigint[])
    RETURNS TABLE (id bigint, collector text, delegate_tax_code text, xml text)
    LANGUAGE sql STABLE ROWS 256 SET search_path FROM CURRENT SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT r.id, r.collector, g.delegate ->> 'tax_code', convert_from(r.unsigned_xml, 'UTF8')
    FROM receipt r JOIN receipt_number n ON n.book_id = r.book_id AND n.number = r.number JOIN receipt_range g ON g.id = n.range_id
    WHERE r.id = ANY (wanted) AND r.signed_xml IS NULL
$$;
