-- transactional: false
-- Executions by words of their error's message (app/repository/error_search.py). Only what failed is in this index, so
-- that nothing else pays for it.
--
-- A word is a run of letters and digits, in lower case; longer ones than 200 count as several. The first 2,000
-- characters are searched. Beside the words stand marks of what lists are filtered by, and of the block of ids that an
-- execution belongs to: a list looks at one block after the other, from the newest on, and is never put together from
-- all that match.

-- It calls nothing of ours: while an index is built, only what is PostgreSQL's own is in the search path.
CREATE OR REPLACE FUNCTION error_terms(
    id bigint, workflow_id text, project_id text, mode text, status text, message text
) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN array_to_tsvector(
        array_remove(
            regexp_split_to_array(
                regexp_replace(lower(left(message, 2000)), '([[:alnum:]]{200})', '\1 ', 'g'), '[^[:alnum:]]+'), '')
        || ARRAY['#' || (id >> 14), 'w:' || left(md5(workflow_id), 16), 'p:' || left(md5(project_id), 16),
                 'm:' || mode, 's:' || status]);
END $$;

-- All of the words, told apart as above; null where there is none.
CREATE OR REPLACE FUNCTION error_query(message text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT string_agg('''' || word || '''', ' & ')::tsquery
      FROM unnest(array_remove(
            regexp_split_to_array(
                regexp_replace(lower(left(message, 2000)), '([[:alnum:]]{200})', '\1 ', 'g'), '[^[:alnum:]]+'), ''))
        AS each (word));

-- Few entries wait to be sorted in: every look at a block would read them.
CREATE INDEX CONCURRENTLY executions_by_error
    ON executions USING gin (error_terms(id, workflow_id, project_id, mode, status, error_message))
    WITH (gin_pending_list_limit = 64)
    WHERE error_message IS NOT NULL;
