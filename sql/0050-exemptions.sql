-- The register of exemptions and reductions: what was waived, for whom, by which article, on what proof, and who looked at it.

-- One row a reduced fee of a request that took effect: nothing was due, or it was paid. The day: when it was settled, else when it was priced.
CREATE FUNCTION exemption_register(first date, last date)
    RETURNS TABLE (day date, reference text, dossier text, procedure text, agency text, fee text, name text, gross bigint, reduction bigint, net bigint,
                   basis text, category text, proof text, state text, checked_by text)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH effective AS (
        SELECT r.id, r.reference, r.dossier, coalesce(r.paid_on, r.priced_on) AS day FROM payment_request r
        WHERE r.status IN ('nothing_due', 'paid', 'overpaid', 'partly_refunded', 'refunded')
          AND (r.paid_on BETWEEN exemption_register.first AND exemption_register.last
               OR r.paid_on IS NULL AND r.priced_on BETWEEN exemption_register.first AND exemption_register.last)
    )
    SELECT e.day, e.reference, e.dossier, d.procedure, d.agency, l.fee, l.name, l.gross, l.reduction, l.net, coalesce(l.reduction_basis, l.legal_basis),
           coalesce(string_agg(DISTINCT b.category, ', '), ''),
           coalesce(string_agg(DISTINCT concat_ws(' ', b.document, b.number, to_char(b.issued_on, 'DD/MM/YYYY')), '; ') FILTER (WHERE b.number IS NOT NULL), ''),
           CASE WHEN bool_or(b.state = 'rejected') THEN 'rejected' WHEN bool_or(b.state = 'claimed') THEN 'claimed' ELSE 'verified' END,
           coalesce(string_agg(DISTINCT b.checked_by, ', '), '')
    FROM effective e JOIN dossier d ON d.code = e.dossier JOIN request_line l ON l.request_id = e.id AND l.reduction > 0
    LEFT JOIN request_benefit b ON b.request_id = e.id AND b.fee = l.fee
    GROUP BY e.day, e.reference, e.dossier, d.procedure, d.agency, l.ordinal, l.fee, l.name, l.gross, l.reduction, l.net, l.reduction_basis, l.legal_basis
    ORDER BY e.day, e.reference COLLATE "C", l.ordinal
$$;
COMMENT ON FUNCTION exemption_register IS 'A zero price is no exemption and is not here; a rejected claim stays, with its state, beside the request that asked for the difference.';
