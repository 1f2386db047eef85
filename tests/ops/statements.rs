//! What `sqlx::query!` would check, for both databases at once.

use castellan::{
    access, action_tokens, api_tokens, attempts, audit, clients, connections, counters, custom_resources, groups, jobs,
    keys, mail, mfa, organizations, portal_sessions, products, provisioning, search, sessions, settings, tokens, users,
    webhooks,
};

use crate::support::Castellan;

/// Every room that has SQL. A room that is missing here fails the last test.
const ROOMS: &[(&str, &[(&str, &str)])] = &[
    ("access", access::STATEMENTS),
    ("action_tokens", action_tokens::STATEMENTS),
    ("api_tokens", api_tokens::STATEMENTS),
    ("attempts", attempts::STATEMENTS),
    ("connections", connections::STATEMENTS),
    ("custom_resources", custom_resources::STATEMENTS),
    ("counters", counters::STATEMENTS),
    ("groups", groups::STATEMENTS),
    ("mfa", mfa::STATEMENTS),
    ("organizations", organizations::STATEMENTS),
    ("portal_sessions", portal_sessions::STATEMENTS),
    ("products", products::STATEMENTS),
    ("search", search::STATEMENTS),
    ("provisioning", provisioning::STATEMENTS),
    ("settings", settings::STATEMENTS),
    ("users", users::STATEMENTS),
    ("webhooks", webhooks::STATEMENTS),
    ("audit", audit::STATEMENTS),
    ("clients", clients::STATEMENTS),
    ("jobs", jobs::STATEMENTS),
    ("keys", keys::STATEMENTS),
    ("mail", mail::STATEMENTS),
    ("sessions", sessions::STATEMENTS),
    ("tokens", tokens::STATEMENTS),
    ("tokens/requests", tokens::requests::STATEMENTS),
    ("users/password", users::password::STATEMENTS),
    ("users/provisioned", users::provisioned::STATEMENTS),
];

/// Each statement is prepared on the migrated database of this run, so a misspelt column fails here
/// and not in a rare branch.
#[tokio::test]
async fn every_statement_prepares() {
    let castellan = Castellan::start().await;
    let mut wrong = Vec::new();
    for (room, statements) in ROOMS {
        for (name, sql) in *statements {
            if let Err(error) = castellan.app.store.prepare(sql).await {
                wrong.push(format!("{room}::{name}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_of_sql_is_listed() {
    let mut files = Vec::new();
    find(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
    let listed: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let missing: Vec<&String> = files.iter().filter(|room| !listed.contains(&room.as_str())).collect();
    assert!(missing.is_empty(), "not prepared by any test: {missing:?}");
}

fn find(folder: &std::path::Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, found);
        } else if path.file_name().is_some_and(|name| name == "sql.rs") {
            let room =
                path.parent().and_then(|room| room.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).ok());
            found.push(room.expect("inside src").display().to_string());
        }
    }
}
