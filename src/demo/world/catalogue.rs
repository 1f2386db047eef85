//! What the demo's vendor sells: three products and, hidden, one for conformance suites.

use crate::{
    clock::Timestamp,
    id::ProductId,
    organizations::Branding,
    products::{Declaration, Level, ModuleDeclaration, Policy, Product, RoleDeclaration},
};

/// A product app of the demo.
pub struct Listed {
    pub slug: &'static str,
    pub name: &'static str,
    /// What its tile says.
    pub description: &'static str,
    /// What its app says.
    pub tagline: &'static str,
    pub colour: &'static str,
}

/// The products with an app, in the order of their ports.
pub const LISTED: &[Listed] = &[
    Listed {
        slug: "recover",
        name: "Recover",
        description: "Backup and restore",
        tagline: "Image backups of servers and workstations, and every way to get them back.",
        colour: "#0f6468",
    },
    Listed {
        slug: "tandem",
        name: "Tandem",
        description: "File sync and sharing",
        tagline: "Files that are the same on every device, and shared with whom they should be.",
        colour: "#a4501c",
    },
    Listed {
        slug: "loft",
        name: "Loft",
        description: "Cloud backup",
        tagline: "A second home for mailboxes and documents that live in somebody's cloud.",
        colour: "#8a2f4f",
    },
];

/// The hidden product of conformance suites.
pub const CONFORMANCE: &str = "conformance";

/// The audience of a product's access tokens.
pub fn audience(slug: &str) -> String {
    format!("https://{slug}.northwall.example")
}

type Modules = &'static [(&'static str, &'static str, &'static [(&'static str, &'static str)])];
/// (slug, name, description, level, permissions); `*` stands for all of a module's or of the product's.
type Roles = &'static [(&'static str, &'static str, &'static str, Level, &'static [&'static str])];

const RECOVER: Modules = &[
    ("jobs", "Backup jobs", &[("read", "See jobs"), ("edit", "Edit jobs"), ("run", "Run jobs")]),
    ("restores", "Restores", &[("read", "See restores"), ("run", "Restore files and machines")]),
    ("agents", "Agents", &[("read", "See agents"), ("deploy", "Deploy agents")]),
    ("vault", "Vault", &[("read", "See storage"), ("purge", "Delete recovery points")]),
    ("reports", "Reports", &[("read", "Read reports")]),
];
const RECOVER_ROLES: Roles = &[
    ("administrator", "Administrator", "Everything, for the partner and its clients", Level::Partner, &["*"]),
    (
        "restore-operator",
        "Restore operator",
        "Runs jobs and restores",
        Level::Partner,
        &["jobs:read", "jobs:run", "restores:*", "agents:read", "reports:read"],
    ),
    (
        "auditor",
        "Auditor",
        "Sees everything and changes nothing",
        Level::Partner,
        &["jobs:read", "restores:read", "agents:read", "vault:read", "reports:read"],
    ),
    (
        "client-restorer",
        "Restorer",
        "Restores for their own organization",
        Level::Client,
        &["jobs:read", "restores:*", "reports:read"],
    ),
    ("client-viewer", "Viewer", "Sees their own organization's jobs", Level::Client, &["jobs:read", "reports:read"]),
];

const TANDEM: Modules = &[
    ("spaces", "Spaces", &[("read", "See spaces"), ("create", "Create spaces"), ("delete", "Delete spaces")]),
    ("devices", "Devices", &[("read", "See devices"), ("wipe", "Wipe devices")]),
    ("sharing", "Sharing", &[("read", "See shares"), ("manage", "Share outside the organization")]),
];
const TANDEM_ROLES: Roles = &[
    ("manager", "Manager", "Everything, for the partner and its clients", Level::Partner, &["*"]),
    (
        "technician",
        "Technician",
        "Looks after spaces and devices",
        Level::Partner,
        &["spaces:read", "spaces:create", "devices:*", "sharing:read"],
    ),
    ("client-owner", "Owner", "Everything of their own organization", Level::Client, &["*"]),
    ("client-member", "Member", "Uses spaces", Level::Client, &["spaces:read", "devices:read"]),
];

const LOFT: Modules = &[
    ("tenants", "Tenants", &[("read", "See tenants"), ("connect", "Connect tenants")]),
    ("mailboxes", "Mailboxes", &[("read", "See mailboxes"), ("restore", "Restore mail")]),
    ("documents", "Documents", &[("read", "See documents"), ("restore", "Restore documents")]),
    ("retention", "Retention", &[("read", "See retention"), ("edit", "Edit retention")]),
];
const LOFT_ROLES: Roles = &[
    ("administrator", "Administrator", "Everything, for the partner and its clients", Level::Partner, &["*"]),
    (
        "operator",
        "Operator",
        "Restores mail and documents",
        Level::Partner,
        &["tenants:read", "mailboxes:*", "documents:*", "retention:read"],
    ),
    ("client-viewer", "Viewer", "Sees their own organization", Level::Client, &["mailboxes:read", "documents:read"]),
];

const CONFORMANCE_MODULES: Modules = &[("suite", "Suite", &[("run", "Run the suite")])];
const CONFORMANCE_ROLES: Roles = &[("user", "User", "Signs in for the suite", Level::Partner, &["*"])];

/// All products, as declarations. `launch_url` gives the origin of a product's app.
pub fn declarations(launch_url: impl Fn(&str) -> Option<String>, now: Timestamp) -> Vec<Declaration> {
    let listed = LISTED.iter().map(|listed| {
        let (modules, roles) = match listed.slug {
            "recover" => (RECOVER, RECOVER_ROLES),
            "tandem" => (TANDEM, TANDEM_ROLES),
            _ => (LOFT, LOFT_ROLES),
        };
        let mut product = product(listed.slug, listed.name, listed.description, now);
        product.branding = Branding { color: Some(listed.colour.to_owned()), logo_uri: None };
        product.launch_url = launch_url(listed.slug).map(|origin| format!("{origin}/sign-in"));
        declaration(product, modules, roles)
    });
    let mut hidden = product(CONFORMANCE, "Conformance", "For conformance suites", now);
    hidden.hidden = true;
    listed.chain([declaration(hidden, CONFORMANCE_MODULES, CONFORMANCE_ROLES)]).collect()
}

fn product(slug: &str, name: &str, description: &str, now: Timestamp) -> Product {
    Product {
        id: ProductId::new(now),
        slug: slug.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        audience: audience(slug),
        launch_url: None,
        support: Some("help@northwall.example".to_owned()),
        branding: Branding::default(),
        policy: Policy::default(),
        hidden: false,
    }
}

fn declaration(product: Product, modules: Modules, roles: Roles) -> Declaration {
    let all: Vec<String> = modules
        .iter()
        .flat_map(|(module, _, actions)| actions.iter().map(move |(action, _)| format!("{module}:{action}")))
        .collect();
    let holds = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    };
    let roles = roles.iter().map(|(slug, name, description, level, patterns)| RoleDeclaration {
        slug: (*slug).to_owned(),
        name: (*name).to_owned(),
        description: (*description).to_owned(),
        level: *level,
        built_in: false,
        permissions: all.iter().filter(|name| patterns.iter().any(|pattern| holds(pattern, name))).cloned().collect(),
    });
    let modules = modules.iter().map(|(slug, name, actions)| ModuleDeclaration::of(slug, name, actions));
    Declaration { product, modules: modules.collect(), roles: roles.collect() }
}
