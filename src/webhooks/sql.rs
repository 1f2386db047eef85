statements! {
    INSERT = "
        INSERT INTO webhooks (id, organization_id, url, events, sealed_secret, status, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    LIST = "
        SELECT id, organization_id, url, status, created_at FROM webhooks WHERE organization_id = $1 ORDER BY id";
    FIND = "SELECT id, organization_id, url, status, created_at FROM webhooks WHERE id = $1";
    SECRET = "SELECT sealed_secret FROM webhooks WHERE id = $1";
    DISABLE = "UPDATE webhooks SET status = 'disabled' WHERE id = $1";
    DELETE = "DELETE FROM webhooks WHERE id = $1 AND organization_id = $2";
}
