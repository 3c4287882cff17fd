-- People as n8n's clients ask for them: the owner of the instance, and whom it has invited. What a key may do depends on
-- its scopes and its project alone; its user is whose it is, and its keys go with a user.

CREATE TABLE users (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email       text NOT NULL CONSTRAINT users_email_is_lower_case CHECK (email = lower(email))
                CONSTRAINT users_email_is_unique UNIQUE,
    first_name  text,
    last_name   text,
    role        text NOT NULL DEFAULT 'global:member'
                CONSTRAINT users_role CHECK (role IN ('global:owner', 'global:member')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX users_have_one_owner ON users (role) WHERE role = 'global:owner';

CREATE TABLE project_members (
    project_id  text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role        text NOT NULL,
    PRIMARY KEY (project_id, user_id)
);

CREATE INDEX project_members_by_user ON project_members (user_id);

-- Null: the owner's.
ALTER TABLE api_keys ADD COLUMN user_id uuid REFERENCES users (id) ON DELETE CASCADE;

CREATE INDEX api_keys_by_user ON api_keys (user_id) WHERE user_id IS NOT NULL;
