-- The same words as before, found with one look at the message where it is no longer than a word may be.
CREATE OR REPLACE FUNCTION error_terms(
    id bigint, workflow_id text, project_id text, mode text, status text, message text
) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    searched text := lower(left(message, 2000));
BEGIN
    IF length(searched) > 200 THEN
        searched := regexp_replace(searched, '([[:alnum:]]{200})', '\1 ', 'g');
    END IF;
    RETURN array_to_tsvector(
        array_remove(regexp_split_to_array(searched, '[^[:alnum:]]+'), '')
        || ARRAY['#' || (id >> 14), 'w:' || left(md5(workflow_id), 16), 'p:' || left(md5(project_id), 16),
                 'm:' || mode, 's:' || status]);
END $$;
