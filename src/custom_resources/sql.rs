statements! {
    FIND = "
        SELECT id, document, version, created_at, updated_at FROM custom_resources
         WHERE id = $1 AND connection_id = $2 AND resource_type = $3";
    FIND_BY_EXTERNAL_ID = "
        SELECT id, document, version, created_at, updated_at FROM custom_resources
         WHERE connection_id = $1 AND resource_type = $2 AND external_id = $3 ORDER BY id";
    PAGE = "
        SELECT id, document, version, created_at, updated_at FROM custom_resources
         WHERE id IN (SELECT id FROM custom_resources WHERE connection_id = $1 AND resource_type = $2
                       ORDER BY id LIMIT $4 OFFSET $3)
         ORDER BY id";
    COUNT = "SELECT COUNT(*) FROM custom_resources WHERE connection_id = $1 AND resource_type = $2";
    INSERT = "
        INSERT INTO custom_resources (id, connection_id, resource_type, external_id, document, version, created_at,
                                      updated_at)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $6)";
    UPDATE = "
        UPDATE custom_resources SET external_id = $3, document = $4, version = version + 1, updated_at = $5
         WHERE id = $1 AND version = $2";
    DELETE = "DELETE FROM custom_resources WHERE id = $1 AND version = $2";
}
