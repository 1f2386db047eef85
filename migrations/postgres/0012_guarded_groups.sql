-- The mass-change guard and groups: what it undoes comes back with its groups, and what would empty one is held.

-- The groups that the person left by this ending, a list of ids as JSON: whoever is taken back is in them again.
ALTER TABLE connection_endings ADD COLUMN left_groups TEXT;
-- Of a change of a group: who would leave it, a list of ids as JSON, and how many people would lose roles.
ALTER TABLE held_changes ADD COLUMN members TEXT;
ALTER TABLE held_changes ADD COLUMN people BIGINT NULL;
