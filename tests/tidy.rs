//! The architecture as a test: which room imports which, who owns a dependency, where SQL lies.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The rooms that every room but the leaves may see.
const LEAVES: &[&str] = &["clock", "id", "secret", "store", "text"];

/// Nouns: each with the nouns it may see beside the leaves. A new arrow is argued in its commit.
const NOUNS: &[(&str, &[&str])] = &[
    ("organizations", &["mfa"]), // a policy names the methods it allows
    ("products", &["organizations"]),
    ("attempts", &[]),
    ("counters", &[]),
    ("search", &[]),
    ("portal_sessions", &[]),
    ("settings", &[]),
    ("keys", &["jobs"]),  // rotation and making take a lease
    ("audit", &["jobs"]), // chaining takes a lease
    ("jobs", &[]),
    ("mail", &["jobs"]),
    ("webhooks", &["jobs"]),
    ("clients", &["keys"]), // the algorithm of its tokens
    ("action_tokens", &[]),
    // One way in which links leave: whoever sends one passes here, and is counted here.
    ("mailed_links", &["action_tokens", "attempts", "audit", "mail", "organizations", "users"]),
    ("api_tokens", &["access"]),
    ("access", &["organizations", "products"]),
    ("groups", &["access", "counters", "search", "users"]),
    ("connections", &[]),
    ("custom_resources", &["counters", "search"]),
    // What a connection may do to people at once, and what waits for an administrator: SCIM asks, the API decides.
    // Whoever lets a change through tells webhooks of it as SCIM does.
    (
        "provisioning",
        &[
            "access",
            "audit",
            "connections",
            "groups",
            "mail",
            "organizations",
            "products",
            "sessions",
            "users",
            "webhooks",
        ],
    ),
    ("tokens", &["clients", "keys", "organizations", "users"]),
    // A sign-in that is finished is judged once more by the policy of the product it leads to.
    ("sessions", &["audit", "clients", "jobs", "mfa", "organizations", "products", "tokens", "users"]),
    (
        "mfa",
        &[
            "access",
            "action_tokens",
            "attempts",
            "audit",
            "mail",
            "organizations",
            "products",
            "sessions",
            "tokens",
            "users",
        ],
    ),
    (
        "users",
        &["access", "action_tokens", "audit", "counters", "organizations", "products", "search", "sessions", "tokens"],
    ),
];

/// Protocol rooms: all of them see `app`, `http`, `config` and the nouns; these see a room of their kind.
const PROTOCOLS: &[(&str, &[&str])] = &[
    ("oauth", &[]),
    ("oidc", &["oauth"]),
    ("login", &["oauth"]),
    ("account", &["login", "oauth"]),
    ("scim", &[]),
    ("api", &[]),
    ("operation", &[]),
    ("setup", &[]),
];

/// Arrows of a single file: the token endpoint answers with an ID token, which OpenID Connect makes.
const EXCEPTIONS: &[(&str, &str)] = &[("src/oauth/token/mint.rs", "oidc")];

#[test]
fn rooms_import_only_along_the_arrows() {
    let mut wrong = Vec::new();
    let nouns: Vec<&str> = NOUNS.iter().map(|(noun, _)| *noun).collect();
    for (room, allowed) in NOUNS {
        for (file, import) in imports(room) {
            if import != *room && !allowed.contains(&import.as_str()) && !LEAVES.contains(&import.as_str()) {
                wrong.push(format!("{file} imports {import}"));
            }
        }
    }
    for (room, allowed) in PROTOCOLS {
        for (file, import) in imports(room) {
            let import = import.as_str();
            let below =
                nouns.contains(&import) || LEAVES.contains(&import) || ["app", "config", "http"].contains(&import);
            let excepted = EXCEPTIONS.contains(&(file.as_str(), import));
            if import != *room && !allowed.contains(&import) && !below && !excepted {
                wrong.push(format!("{file} imports {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point where none may:\n{}", wrong.join("\n"));
}

#[test]
fn the_portal_sees_its_pages_its_session_rows_and_nothing_of_the_server() {
    let allowed = ["portal", "http", "portal_sessions", "clock", "id", "secret"];
    let wrong: Vec<String> = imports("portal")
        .into_iter()
        .filter(|(_, import)| !allowed.contains(&import.as_str()))
        .map(|(file, import)| format!("{file} imports {import}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_product_apps_import_nothing_of_castellan() {
    for (path, text) in sources("demo/apps") {
        assert!(!text.contains("castellan::"), "{}", path.display());
        for line in text.lines().filter(|line| line.contains("crate::")) {
            assert!(line.contains("crate::demo::apps"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn each_dependency_has_one_owner() {
    let owners: &[(&str, &[&str])] = &[
        ("oxide_auth", &["oauth/engine"]),
        ("openidconnect", &["oidc/", "portal/sign_in", "demo/"]),
        ("webauthn_rs", &["mfa/passkeys"]),
        ("totp_rs", &["mfa/totp"]),
        ("lettre", &["config/mail", "jobs/", "mail/"]),
        ("argon2", &["users/password"]),
        ("reqwest", &["http/outbound", "demo/"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources("") {
        let name = path.display().to_string();
        for (dependency, rooms) in owners {
            let used = text
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{dependency}::")));
            if used && !rooms.iter().any(|room| name.starts_with(&format!("src/{room}"))) {
                wrong.push(format!("{name} uses {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sql_lies_in_the_store_and_in_files_called_sql() {
    let mut wrong = Vec::new();
    for (path, text) in sources("") {
        let name = path.display().to_string();
        let home = name.starts_with("src/store/") || name.ends_with("/sql.rs");
        let sql = ["sqlx::query", "SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
        let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        if !home && code.any(|line| sql.iter().any(|word| line.contains(word))) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "SQL outside of sql.rs:\n{}", wrong.join("\n"));
}

#[test]
fn the_migrations_of_both_databases_are_twins() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    assert_eq!(sqlite.len(), postgres.len());
    for ((name, ours), (twin, theirs)) in sqlite.iter().zip(&postgres) {
        assert_eq!(name, twin, "same file names");
        let (ours, theirs) = (columns(ours), columns(theirs));
        let differing: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect();
        assert!(differing.is_empty(), "{name}: other columns or indexes, first {:?}", differing[0]);
        assert_eq!(ours.len(), theirs.len(), "{name}: one has more lines");
    }
}

fn migrations(kind: &str) -> Vec<(String, String)> {
    let folder = root().join("migrations").join(kind);
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .expect("migrations")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read_to_string(&path).expect("text"))
        })
        .collect();
    files.sort();
    files
}

/// Each line of DDL without comments and with one word for each pair of types.
fn columns(ddl: &str) -> Vec<String> {
    ddl.lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .map(|line| {
            let words = line.split_whitespace().map(|word| match word.trim_end_matches(',') {
                "BLOB" | "UUID" | "BYTEA" => "bytes",
                "INTEGER" | "BIGINT" => "integer",
                other => other,
            });
            // SQLite compares bytes; PostgreSQL must be told to where order or prefixes matter.
            words.collect::<Vec<_>>().join(" ").replace(" COLLATE \"C\"", "").replace(") WITHOUT ROWID", ")")
        })
        // A column that is only told to compare bytes stays the column it was.
        .filter(|line| !(line.is_empty() || line.contains(" ALTER COLUMN ") && line.ends_with(" TYPE TEXT;")))
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file of a room: its folder, or its one file.
fn sources(room: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let folder = root().join("src").join(room);
    if folder.is_dir() {
        walk(&folder, &mut found);
    } else if let Ok(text) = fs::read_to_string(folder.with_extension("rs")) {
        found.push((folder.with_extension("rs"), text));
    }
    let mut found: Vec<(PathBuf, String)> =
        found.into_iter().map(|(path, text)| (path.strip_prefix(root()).expect("inside").to_owned(), text)).collect();
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            found.push((path, text));
        }
    }
}

/// The rooms that a room's files name as `crate::room`, or inside `use crate::{room..., room...}`.
fn imports(room: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, text) in sources(room) {
        // Inline tests may reach further: they set a scene.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, _) in code.match_indices("crate::") {
            if code[..index].ends_with('$')
                || code[..index].rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with("//"))
            {
                continue;
            }
            let rest = &code[index + "crate::".len()..];
            let names = if let Some(group) = rest.strip_prefix('{') { top_level(group) } else { vec![word(rest)] };
            found.extend(
                names.into_iter().filter(|name| !name.is_empty()).map(|name| (path.display().to_string(), name)),
            );
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of the comma-separated parts of a `{...}` group, nested groups skipped.
fn top_level(group: &str) -> Vec<String> {
    let (mut depth, mut at_start, mut names) = (0, true, Vec::new());
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            c if at_start && !c.is_whitespace() => {
                names.push(word(&group[index..]));
                at_start = false;
            }
            _ => {}
        }
    }
    names
}
