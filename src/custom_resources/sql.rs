use crate::search::{Column, Table};

/// What lists of one type's resources read.
pub const TABLE: Table = Table {
    name: "custom_resources",
    scope: "connection_id",
    kind: Some("resource_type"),
    index: "custom_resources_connection",
};
pub const EXTERNAL_ID: Column = Column::text("r.external_id").indexed("custom_resources_external");
pub const CREATED: Column = Column::number("r.created_at").never_null();
pub const UPDATED: Column = Column::number("r.updated_at").never_null();

statements! {
    FIND = "
        SELECT id, document, version, created_at, updated_at FROM custom_resources
         WHERE id = $1 AND connection_id = $2 AND resource_type = $3";
    INSERT = "
        INSERT INTO custom_resources (id, connection_id, resource_type, external_id, document, version, created_at,
                                      updated_at)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $6)";
    UPDATE = "
        UPDATE custom_resources SET external_id = $3, document = $4, version = version + 1, updated_at = $5
         WHERE id = $1 AND version = $2";
    DELETE = "DELETE FROM custom_resources WHERE id = $1 AND version = $2";
}
