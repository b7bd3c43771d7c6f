-- Taking jobs and striking them off waits for no disk: what a crash forgets of either is done again, which every job allows. What a job itself
-- writes is committed as ever, before it is struck off. Six waits for 256 receipts were too many.
CREATE OR REPLACE FUNCTION job_claim(wanted text, most integer, at timestamptz, lease interval)
    RETURNS TABLE (id bigint, key text, body jsonb, tries integer)
    LANGUAGE plpgsql ROWS 256 SET search_path FROM CURRENT
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    due bigint[] := ARRAY(SELECT j.id FROM job j WHERE j.state = 'waiting' AND j.kind = wanted AND j.run_at <= job_claim.at
                          ORDER BY j.run_at LIMIT most FOR UPDATE SKIP LOCKED);
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);   -- of this transaction alone
    RETURN QUERY UPDATE job j SET run_at = job_claim.at + lease, tries = j.tries + 1 FROM unnest(due) d (id) WHERE j.id = d.id
                 RETURNING j.id, j.key, j.body, j.tries;
END $$;

CREATE FUNCTION job_done(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM job j WHERE j.id = ANY (ids);
END $$;
COMMENT ON FUNCTION job_done IS 'Strikes finished jobs off, in a transaction of its own: it follows their work and is never before it.';
