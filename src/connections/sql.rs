statements! {
    /// One connection.
    FIND = "SELECT id, organization_id, name, vendor, status, settings, created_by, created_at, updated_at, last_used_at
              FROM connections WHERE id = $1";
    /// Those of an organization.
    LIST = "SELECT id, organization_id, name, vendor, status, settings, created_by, created_at, updated_at, last_used_at
              FROM connections WHERE organization_id = $1 ORDER BY id";
    INSERT = "INSERT INTO connections (id, organization_id, name, vendor, status, settings, created_by, created_at, updated_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    UPDATE = "UPDATE connections SET name = $2, status = $3, settings = $4, updated_at = $5 WHERE id = $1";
    /// Changes nothing, and keeps the row until the transaction ends.
    LOCK = "UPDATE connections SET updated_at = updated_at WHERE id = $1";
    TOUCH = "UPDATE connections SET last_used_at = $2 WHERE id = $1";

    BIND_CLIENT = "INSERT INTO connection_clients (client_id, connection_id, created_at) VALUES ($1, $2, $3)";
    UNBIND_CLIENT = "DELETE FROM connection_clients WHERE client_id = $1 AND connection_id = $2";
    CLIENTS = "SELECT client_id FROM connection_clients WHERE connection_id = $1 ORDER BY client_id";
    FIND_OF_CLIENT = "
        SELECT id, organization_id, name, vendor, status, settings, created_by, created_at, updated_at, last_used_at
          FROM connections WHERE id = (SELECT connection_id FROM connection_clients WHERE client_id = $1)";
    /// Its people and groups stay, and are managed by hand from here on.
    RELEASE_USERS = "UPDATE users SET connection_id = NULL, external_id = NULL, updated_at = $2, version = version + 1
                      WHERE connection_id = $1";
    RELEASE_GROUPS = "UPDATE groups SET connection_id = NULL, external_id = NULL, updated_at = $2, version = version + 1
                       WHERE connection_id = $1";
    RELEASE_ASSIGNMENTS = "UPDATE assignments SET connection_id = NULL, source = 'direct' WHERE connection_id = $1";
    DELETE_CLIENTS = "DELETE FROM connection_clients WHERE connection_id = $1";
    DELETE_TOKENS = "DELETE FROM connection_tokens WHERE connection_id = $1";
    DELETE_RESOURCES = "DELETE FROM custom_resources WHERE connection_id = $1";
    DELETE_VALUES = "DELETE FROM unique_values WHERE scope_id = $1";
    DELETE_LOG = "DELETE FROM connection_log WHERE connection_id = $1";
    DELETE_HELD = "DELETE FROM held_changes WHERE connection_id = $1";
    DELETE_ENDINGS = "DELETE FROM connection_endings WHERE connection_id = $1";
    DELETE = "DELETE FROM connections WHERE id = $1";

    INSERT_TOKEN = "INSERT INTO connection_tokens (id, connection_id, token_hash, hint, created_at, expires_at)
                    VALUES ($1, $2, $3, $4, $5, $6)";
    COUNT_LIVE_TOKENS = "SELECT COUNT(*) FROM connection_tokens
                          WHERE connection_id = $1 AND revoked_at IS NULL AND expires_at > $2";
    FIND_TOKEN = "SELECT id, hint, created_at, expires_at, revoked_at, last_used_at
                    FROM connection_tokens WHERE token_hash = $2 AND connection_id = $1";
    TOKENS = "SELECT id, hint, created_at, expires_at, revoked_at, last_used_at
                FROM connection_tokens WHERE connection_id = $1 ORDER BY id DESC";
    REVOKE_TOKEN = "UPDATE connection_tokens SET revoked_at = $3
                     WHERE connection_id = $1 AND id = $2 AND revoked_at IS NULL";
    END_TOKENS_BY = "UPDATE connection_tokens SET expires_at = $2
                      WHERE connection_id = $1 AND revoked_at IS NULL AND expires_at > $2";
    TOUCH_TOKEN = "UPDATE connection_tokens SET last_used_at = $2 WHERE id = $1";

    /// Takes a value; nothing is written if another resource has it.
    TAKE = "INSERT INTO unique_values (scope_id, attribute, value, resource_id) VALUES ($1, $2, $3, $4)
            ON CONFLICT (scope_id, attribute, value) DO NOTHING";
    /// Who has a value.
    HOLDER = "SELECT resource_id FROM unique_values WHERE scope_id = $1 AND attribute = $2 AND value = $3";
    /// What a resource has taken.
    TAKEN = "SELECT attribute, value FROM unique_values WHERE resource_id = $1";
    GIVE_BACK = "DELETE FROM unique_values WHERE scope_id = $1 AND attribute = $2 AND value = $3 AND resource_id = $4";
    GIVE_ALL_BACK = "DELETE FROM unique_values WHERE resource_id = $1";

    LOG = "
        INSERT INTO connection_log (id, connection_id, at, method, path, status, resource_id, details, outcome, subject, search)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    /// The latest entries before one; what is empty or null is not asked for.
    LOG_SEARCH = "
        SELECT id, at, method, path, status, outcome, resource_id, subject, details FROM connection_log
         WHERE connection_id = $1 AND at <= $2 AND (at < $2 OR id < $3)
           AND ($4 = '' OR outcome = $4) AND ($5 = '' OR method = $5)
           AND (resource_id = $6 OR $6 IS NULL) AND search LIKE $7 ESCAPE '!'
         ORDER BY at DESC, id DESC LIMIT $8";
    LOG_FIND = "
        SELECT id, at, method, path, status, outcome, resource_id, subject, details FROM connection_log
         WHERE connection_id = $1 AND id = $2";
}
