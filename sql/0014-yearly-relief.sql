-- What a person already got this year from a relief with a limit per person and year (NQ 66.22/2026/NQ-CP: registration fees, once a year and at
-- most five times the base salary). The person is the dossier's applicant, by the number of the identity card.

CREATE INDEX dossier_of_person ON dossier (applicant_id_number) WHERE applicant_id_number IS NOT NULL;

-- Locks person and rule until the transaction ends, so that two requests at one moment cannot both be the first. What was rejected, cancelled or ran
-- out took nothing off.
CREATE FUNCTION relief_of_person(at timestamptz, person text, of_rule text) RETURNS TABLE (amount bigint, times bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('relief ' || person || ' ' || of_rule, 0));
    RETURN QUERY SELECT coalesce(sum(b.amount), 0)::bigint, count(*)
    FROM dossier d JOIN payment_request r ON r.dossier = d.code JOIN request_benefit b ON b.request_id = r.id
    WHERE d.applicant_id_number = person AND b.rule = of_rule AND b.state <> 'rejected' AND r.status NOT IN ('cancelled', 'expired')
      AND extract(year FROM business_day(r.created_at)) = extract(year FROM business_day(at));
END $$;
COMMENT ON FUNCTION relief_of_person IS 'đồng and times one person got from one yearly limited rule in the calendar year of `at`; locks both.';
