-- What lists over SCIM filter and sort by: each value as filters compare it, in a column with an index.
-- A value that no tool has set is null here, also where the account has one of our own making.

ALTER TABLE users ADD COLUMN scim_display_name TEXT COLLATE "C";          -- folded
ALTER TABLE users ADD COLUMN scim_given_name   TEXT COLLATE "C";          -- folded
ALTER TABLE users ADD COLUMN scim_family_name  TEXT COLLATE "C";          -- folded
ALTER TABLE users ADD COLUMN scim_active       BOOLEAN NOT NULL DEFAULT TRUE;  -- whether `active` is shown at all
ALTER TABLE users ADD COLUMN scim_indexed      BOOLEAN NOT NULL DEFAULT FALSE; -- whether these columns are filled
-- By code points, as SQLite and the filters compare.
ALTER TABLE users ALTER COLUMN login_name_prepared TYPE TEXT COLLATE "C";
ALTER TABLE users ALTER COLUMN external_id TYPE TEXT COLLATE "C";

CREATE INDEX users_connection_name ON users (connection_id, login_name_prepared, id) WHERE connection_id IS NOT NULL;
CREATE INDEX users_connection_display_name ON users (connection_id, scim_display_name, id) WHERE connection_id IS NOT NULL;
CREATE INDEX users_connection_created ON users (connection_id, created_at, id) WHERE connection_id IS NOT NULL;
CREATE INDEX users_connection_updated ON users (connection_id, updated_at, id) WHERE connection_id IS NOT NULL;
-- Empty but for the first start after this migration.
CREATE INDEX users_not_indexed ON users (id) WHERE connection_id IS NOT NULL AND NOT scim_indexed;

-- Every address of a provisioned user, not only the preferred one.
CREATE TABLE user_emails (
    user_id       UUID NOT NULL REFERENCES users (id),
    connection_id UUID NOT NULL,
    value         TEXT COLLATE "C" NOT NULL,                     -- folded
    PRIMARY KEY (user_id, value)
);
CREATE INDEX user_emails_value ON user_emails (connection_id, value, user_id);

ALTER TABLE groups ALTER COLUMN display_name_prepared TYPE TEXT COLLATE "C";
ALTER TABLE groups ALTER COLUMN external_id TYPE TEXT COLLATE "C";
CREATE INDEX groups_connection_name ON groups (connection_id, display_name_prepared, id) WHERE connection_id IS NOT NULL;
CREATE INDEX groups_connection_created ON groups (connection_id, created_at, id) WHERE connection_id IS NOT NULL;
CREATE INDEX groups_connection_updated ON groups (connection_id, updated_at, id) WHERE connection_id IS NOT NULL;

-- What exists is counted once, here; afterwards each change keeps the counter.
INSERT INTO counters (owner_id, name, value)
SELECT connection_id, 'users/0', COUNT(*) FROM users WHERE connection_id IS NOT NULL GROUP BY connection_id;
INSERT INTO counters (owner_id, name, value)
SELECT connection_id, 'groups/0', COUNT(*) FROM groups WHERE connection_id IS NOT NULL GROUP BY connection_id;
