-- A request that ran out still takes its share of the year: its code can be paid late, or opened again, with the relief it was priced with.
-- Only what was cancelled or rejected gives the year back, and what the same dossier asks for anew.
DROP FUNCTION relief_of_person(timestamptz, text, text);
CREATE FUNCTION relief_of_person(at timestamptz, person text, of_rule text, for_dossier text DEFAULT '') RETURNS TABLE (amount bigint, times bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('relief ' || person || ' ' || of_rule, 0));
    RETURN QUERY SELECT coalesce(sum(b.amount), 0)::bigint, count(*)
    FROM dossier d JOIN payment_request r ON r.dossier = d.code JOIN request_benefit b ON b.request_id = r.id
    WHERE d.applicant_id_number = person AND b.rule = of_rule AND b.state <> 'rejected' AND r.status <> 'cancelled'
      AND NOT (r.status = 'expired' AND r.dossier = for_dossier)
      AND extract(year FROM business_day(r.created_at)) = extract(year FROM business_day(at));
END $$;
COMMENT ON FUNCTION relief_of_person IS 'đồng and times one person got from one yearly limited rule in the calendar year of `at`; locks both.';
