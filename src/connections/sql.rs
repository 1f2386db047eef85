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
    DELETE_ASYNCHRONOUS_OPERATIONS = "
        DELETE FROM asynchronous_operations
         WHERE request_id IN (SELECT id FROM asynchronous_requests WHERE connection_id = $1)";
    DELETE_ASYNCHRONOUS_REQUESTS = "DELETE FROM asynchronous_requests WHERE connection_id = $1";
    DELETE = "DELETE FROM connections WHERE id = $1";

    INSERT_TOKEN = "INSERT INTO connection_tokens (id, connection_id, token_hash, hint, created_at, expires_at)
                    VALUES ($1, $2, $3, $4, $5, $6)";
    COUNT_LIVE_TOKENS = "SELECT COUNT(*) FROM connection_tokens
                          WHERE connection_id = $1 AND revoked_at IS NULL AND expires_at > $2";
    /// A live token, with its active connection.
    FIND_BEARER = "
        SELECT t.id AS token_id, t.last_used_at AS token_last_used_at, c.id, c.organization_id, c.name, c.vendor, c.status,
               c.settings, c.created_by, c.created_at, c.updated_at, c.last_used_at
          FROM connection_tokens t JOIN connections c ON c.id = t.connection_id
         WHERE t.token_hash = $2 AND t.connection_id = $1 AND t.revoked_at IS NULL AND t.expires_at > $3
           AND c.status = 'active'";
    /// An active connection, and whether any webhook of its organization is told of its changes.
    FIND_ACTIVE = "
        SELECT id, organization_id, name, vendor, status, settings, created_by, created_at, updated_at, last_used_at,
               EXISTS (SELECT 1 FROM webhooks w
                        WHERE w.organization_id = connections.organization_id AND w.status = 'active') AS has_webhooks
          FROM connections WHERE id = $1 AND status = 'active'";
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

    /// After those that the connection has already; its row is locked.
    DEFER = "
        INSERT INTO asynchronous_requests (id, connection_id, turn, sealed, taken, leased_until, created_at, expires_at)
        VALUES ($1, $2, (SELECT COALESCE(MAX(turn), 0) + 1 FROM asynchronous_requests WHERE connection_id = $2),
                $3, 0, $4, $4, $5)";
    COUNT_DEFERRED = "SELECT COUNT(*) FROM asynchronous_requests WHERE connection_id = $1";
    /// Whether TAKE_DEFERRED would find anything: a read, which costs no other writer anything.
    ANY_DEFERRED = "
        SELECT r.id FROM asynchronous_requests r
         WHERE r.leased_until <= $1
           AND NOT EXISTS (SELECT 1 FROM asynchronous_requests e
                            WHERE e.connection_id = r.connection_id AND e.turn < r.turn)
         LIMIT 1";
    /// Of each connection the oldest, unless it is under way; first those that have waited longest.
    TAKE_DEFERRED = "
        UPDATE asynchronous_requests
           SET leased_until = $2, taken = taken + 1
         WHERE id IN (SELECT r.id FROM asynchronous_requests r
                       WHERE r.leased_until <= $3
                         AND NOT EXISTS (SELECT 1 FROM asynchronous_requests e
                                          WHERE e.connection_id = r.connection_id AND e.turn < r.turn)
                       ORDER BY r.leased_until LIMIT $1)
           AND leased_until <= $3
        RETURNING id, connection_id, sealed, taken, expires_at";
    /// Nothing is written by who is not the last to have begun. The row stays locked until the transaction ends.
    HOLD_DEFERRED = "UPDATE asynchronous_requests SET leased_until = $3 WHERE id = $1 AND taken = $2";
    OPERATIONS = "
        SELECT place, status, resource_id, is_whole, is_told FROM asynchronous_operations
         WHERE request_id = $1 ORDER BY place";
    NOTE_OPERATION = "
        INSERT INTO asynchronous_operations (request_id, place, status, resource_id, is_whole, is_told)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (request_id, place) DO UPDATE SET status = $3, resource_id = $4, is_whole = $5, is_told = $6";
    FORGET_OPERATIONS = "DELETE FROM asynchronous_operations WHERE request_id = $1";
    FORGET = "DELETE FROM asynchronous_requests WHERE id = $1 AND taken = $2";
}
