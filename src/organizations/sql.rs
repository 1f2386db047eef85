statements! {
    /// One organization.
    FIND = "SELECT name, status FROM organizations WHERE id = $1";
    RENAME = "UPDATE organizations SET name = $2 WHERE id = $1";
}
pub async fn find(
    db: &mut crate::store::Db<'_>,
    id: crate::id::OrganizationId,
) -> crate::store::Result<Option<(String, String)>> {
    fetch_optional!(db, (String, String), FIND, id)
}
pub async fn one(
    db: &mut crate::store::Db<'_>,
    id: crate::id::OrganizationId,
) -> crate::store::Result<(String, String)> {
    fetch_one!(db, (String, String), FIND, id)
}
pub async fn all(
    db: &mut crate::store::Db<'_>,
    id: crate::id::OrganizationId,
) -> crate::store::Result<Vec<(String, String)>> {
    fetch_all!(db, (String, String), FIND, id)
}
pub async fn rename(
    tx: &mut crate::store::Tx<'_>,
    id: crate::id::OrganizationId,
    name: &str,
) -> crate::store::Result<u64> {
    find(tx, id).await?;
    execute!(tx, RENAME, id, name)
}
