-- transactional: false
-- Executions by words of their error's message (app/repository/failure_words.py), so that no failure pays for them when
-- it is recorded: a chore of workers adds many at once, and until then a search looks at each of them.
--
-- A row holds failures of one block of ids that have the problem, and all else that marks say, in common; alike as their
-- messages are, most words are in the index once for all of them. Where all words looked for are among `terms`, each
-- message still has to be looked at: they may be several failures'. So that these are few, and their words fit in a
-- tsvector (1 MiB), a row holds at most 100, or any number with the very same message.

-- The words of a message, of which the caller gives the first 2,000 characters: runs of letters and digits, in lower
-- case. Of more than 200 they count as several, as error_query takes them.
CREATE OR REPLACE FUNCTION error_words(message text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(
    regexp_split_to_array(
        CASE WHEN length(message) <= 200 THEN lower(message)
             ELSE regexp_replace(lower(message), '([[:alnum:]]{200})', '\1 ', 'g') END, '[^[:alnum:]]+'), '');

CREATE TABLE IF NOT EXISTS failure_words (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ids    bigint[] NOT NULL,   -- of executions, which may be gone
    terms  tsvector NOT NULL    -- their words and marks
);

-- Few entries wait to be sorted in: every look at a block would read them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS failure_words_by_term ON failure_words USING gin (terms)
    WITH (gin_pending_list_limit = 64);

-- Failures whose words are still to be added.
CREATE TABLE IF NOT EXISTS failures_to_index (
    ids  bigint[] NOT NULL
);

-- Whoever takes failures from their queue leaves them here, also a program that knows nothing of this table.
CREATE OR REPLACE FUNCTION pass_on_failures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO failures_to_index (ids)
    SELECT array_agg(t.execution_id) FROM taken AS t HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER execution_failures_pass_on
    AFTER DELETE ON execution_failures
    REFERENCING OLD TABLE AS taken
    FOR EACH STATEMENT
    EXECUTE FUNCTION pass_on_failures();

-- What has failed before. What is added twice is found once.
INSERT INTO failure_words (ids, terms)
SELECT array_agg(p.id),
       array_to_tsvector(
           error_words(string_agg(DISTINCT p.message, ' '))
           || ARRAY['#' || p.block, 'w:' || left(md5(p.workflow_id), 16), 'p:' || left(md5(p.project_id), 16),
                    'm:' || p.mode, 's:' || p.status, 'g:' || coalesce(p.problem_id, 0)])
  FROM (SELECT s.*, CASE WHEN s.same IS NULL THEN (row_number() OVER alike - 1) / 100 END AS part
          FROM (SELECT f.*, CASE WHEN count(*) OVER (PARTITION BY f.block, f.workflow_id, f.project_id, f.mode, f.status,
                                                                  f.problem_id, f.message) > 8
                                 THEN f.message END AS same
                  FROM (SELECT e.id, e.id >> 14 AS block, e.workflow_id, e.project_id, e.mode, e.status, e.problem_id,
                               left(e.error_message, 2000) COLLATE "C" AS message
                          FROM executions AS e
                         WHERE e.error_message IS NOT NULL) AS f) AS s
        WINDOW alike AS (PARTITION BY s.block, s.workflow_id, s.project_id, s.mode, s.status, s.problem_id, s.same
                         ORDER BY s.id)) AS p
 GROUP BY p.block, p.workflow_id, p.project_id, p.mode, p.status, p.problem_id, p.same, p.part;

ANALYZE failure_words;

-- A program from before that is still running finds as much without it, and takes longer. error_terms is left to it.
DROP INDEX CONCURRENTLY IF EXISTS executions_by_error;
