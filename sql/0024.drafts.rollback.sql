CREATE OR REPLACE FUNCTION keep_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.active_version_id := CASE WHEN NEW.active THEN coalesce(NEW.active_version_id, NEW.version_id) END;
    RETURN NEW;
END
$$;
