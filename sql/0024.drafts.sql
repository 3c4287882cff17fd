-- While a program that knows no drafts runs beside this one, what it saves of an active workflow is what it registers the
-- triggers of: the published version follows. This program says so (executions.draft) where a save stays a draft.
CREATE OR REPLACE FUNCTION keep_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT NEW.active THEN
        NEW.active_version_id := NULL;
    ELSIF TG_OP = 'UPDATE' AND NEW.version_id <> OLD.version_id
          AND NEW.active_version_id IS NOT DISTINCT FROM OLD.active_version_id
          AND current_setting('executions.draft', true) IS DISTINCT FROM 'on' THEN
        NEW.active_version_id := NEW.version_id;
    ELSE
        NEW.active_version_id := coalesce(NEW.active_version_id, NEW.version_id);
    END IF;
    RETURN NEW;
END
$$;
