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
