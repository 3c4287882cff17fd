-- transactional: false
-- Lists by any pair of status, mode, workflow and project from an index, for the price of five indexes a write:
-- the primary key, the three below and the small one of what is in flight.
--
-- Statuses and modes are few, so a list that names neither is put together from one short, ordered range for
-- each pair of them (see app/repository/execution_lists.py), and (workflow, mode, status, id) serves
-- workflow, workflow + mode, workflow + status and all three.
-- A workflow lives in one project, so workflow + project is the workflow's list, filtered.

CREATE INDEX CONCURRENTLY executions_of_mode ON executions (mode, status, id);
CREATE INDEX CONCURRENTLY executions_of_workflow ON executions (workflow_id, mode, status, id);
CREATE INDEX CONCURRENTLY executions_of_project ON executions (project_id, mode, status, id);

-- The queue is status = 'new'.
CREATE INDEX CONCURRENTLY executions_in_flight ON executions (status, id) WHERE status IN ('new', 'running', 'waiting');

DROP INDEX CONCURRENTLY executions_by_status;
DROP INDEX CONCURRENTLY executions_by_workflow;
DROP INDEX CONCURRENTLY executions_by_project;
DROP INDEX CONCURRENTLY executions_by_mode;
DROP INDEX CONCURRENTLY executions_running;

-- Those that waited long in the queue: an execution that is started at once never enters it.
CREATE INDEX CONCURRENTLY executions_started_late ON executions (started_at, id)
    WHERE started_at - created_at > interval '1 minute';

-- From this id on all executions were created at that time or later. Two that are created at the same moment may
-- have their times in the other order than their ids: the second before that moment is left to be looked at.
CREATE FUNCTION first_execution_created_from(moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low   bigint := (SELECT min(e.id) FROM executions AS e);
    high  bigint := (SELECT max(e.id) + 1 FROM executions AS e);
    found record;
BEGIN
    WHILE low < high LOOP
        SELECT e.id, e.created_at INTO found
          FROM executions AS e
         WHERE e.id >= low + (high - low) / 2
         ORDER BY e.id
         LIMIT 1;
        IF found.created_at < moment + interval '1 second' THEN
            low := found.id + 1;
        ELSE
            high := low + (high - low) / 2;
        END IF;
    END LOOP;
    RETURN low;
END
$$;

-- No execution with a lower id was started after that time. (OFFSET 0: or the lowest id is looked for along the
-- primary key.)
CREATE FUNCTION first_execution_started_after(moment timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT least(
        first_execution_created_from(moment - interval '62 seconds'),
        (SELECT min(late.id)
           FROM (SELECT e.id
                   FROM executions AS e
                  WHERE e.started_at > moment AND e.started_at - e.created_at > interval '1 minute'
                  ORDER BY e.started_at
                 OFFSET 0) AS late))
$$;
