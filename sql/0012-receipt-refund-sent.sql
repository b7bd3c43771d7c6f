-- A refund that is on a list for the bank ("sent", 0021) is given back as surely as an approved one: without it a receipt of a lower
-- amount was refused between the list and the bank's answer, and told that 0 đồng were approved.
CREATE OR REPLACE FUNCTION receipt_given_back(wanted_request bigint) RETURNS bigint
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(sum(amount), 0)::bigint FROM refund
    WHERE request_id = wanted_request AND reason IN ('fee_rule', 'correction') AND state IN ('approved', 'sent', 'paid')
$$;
