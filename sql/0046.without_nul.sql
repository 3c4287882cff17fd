-- PostgreSQL gives out no part of JSON in which a text holds the character NUL, wherever it stands. What is read of a
-- workflow's definition beside those of others is read by way of this, so that one cannot make it fail for all.
CREATE FUNCTION without_nul(document json) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN position('\u0000' IN document::text) = 0 THEN document
                ELSE regexp_replace(document::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g')::json END;
