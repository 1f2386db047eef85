//! The portal as a product: built in, since somebody must be able to manage the rest.

use super::{Declaration, Level, ModuleDeclaration, Policy, Product, RoleDeclaration, declare};
use crate::{
    clock::Timestamp,
    id::ProductId,
    organizations::{Branding, MfaRule},
    store::{self, Tx},
};

/// Its slug, and the first part of its permissions.
pub const SLUG: &str = "portal";
/// Sees and edits all (P5).
pub const ADMINISTRATOR: &str = "administrator";
/// Dashboard, contacts, support, and their own account.
pub const BASIC: &str = "basic";
/// Basic plus billing, once the provider has approved it (P6).
pub const ACCOUNTANT: &str = "accountant";

/// The scope that opens `/api/v1` to a client of the portal, in the name of whoever is signed in.
pub const API_SCOPE: &str = "api";

const BASIC_PERMISSIONS: &[&str] = &["dashboard:read", "contacts:read", "support:read", "newsletter:update"];

/// What the portal declares, at the audience of `/api/v1`.
pub fn declaration(audience: String, launch_url: String, now: Timestamp) -> Declaration {
    let modules = modules();
    let all =
        modules.iter().flat_map(|module| module.actions.iter().map(|(action, _)| format!("{}:{action}", module.slug)));
    let all: Vec<String> = all.collect();
    let basic: Vec<String> = BASIC_PERMISSIONS.iter().map(|&name| name.to_owned()).collect();
    let with_billing = basic.iter().cloned().chain(["billing:read".to_owned()]).collect();
    Declaration {
        product: Product {
            id: ProductId::new(now),
            slug: SLUG.to_owned(),
            name: "Partner portal".to_owned(),
            description: "People, access and provisioning".to_owned(),
            audience,
            launch_url: Some(launch_url),
            support: None,
            branding: Branding::default(),
            // M1: the portal always demands a second factor.
            policy: Policy { mfa: Some(MfaRule::Required), phishing_resistant: false },
            hidden: true,
        },
        modules,
        roles: vec![
            role(ADMINISTRATOR, "Administrator", "Sees and edits everything of the organization", all),
            role(BASIC, "Basic", "Sees dashboard, contacts and support; edits only their own account", basic),
            role(ACCOUNTANT, "Accountant", "Basic, and billing", with_billing),
        ],
    }
}

fn modules() -> Vec<ModuleDeclaration> {
    vec![
        ModuleDeclaration::of("dashboard", "Dashboard", &[("read", "See the dashboard")]),
        ModuleDeclaration::of("contacts", "Contacts", &[("read", "See the organization's people to turn to")]),
        ModuleDeclaration::of("support", "Support", &[("read", "Reach the provider's support")]),
        ModuleDeclaration::of("newsletter", "Newsletter", &[("update", "Choose own newsletters")]),
        ModuleDeclaration::of("billing", "Billing", &[("read", "See seats and their prices")]),
        ModuleDeclaration::of(
            "users",
            "Users",
            &[
                ("read", "See users"),
                ("create", "Create and invite users"),
                ("update", "Edit users and their access"),
                ("deactivate", "Deactivate and reactivate users"),
                ("remove", "Remove users for good"),
            ],
        ),
        ModuleDeclaration::of("passwords", "Passwords", &[("reset", "Mail a link that sets a new password")]),
        ModuleDeclaration::of("mfa", "Multi-factor authentication", &[("reset", "Make a user enrol again")]),
        ModuleDeclaration::of(
            "organization",
            "Organization",
            &[
                ("read", "See the organization"),
                ("update", "Edit the organization"),
                ("create", "Create client organizations"),
            ],
        ),
        ModuleDeclaration::of(
            "connections",
            "Provisioning",
            &[("read", "See connections"), ("manage", "Make and change connections")],
        ),
        ModuleDeclaration::of("audit", "Audit", &[("read", "Read the audit log")]),
        ModuleDeclaration::of("products", "Products", &[("manage", "Edit products, roles and permissions")]),
        ModuleDeclaration::of("clients", "Applications", &[("manage", "Edit OAuth clients")]),
        ModuleDeclaration::of("tokens", "API tokens", &[("manage", "Make and revoke API tokens")]),
    ]
}

fn role(slug: &str, name: &str, description: &str, permissions: Vec<String>) -> RoleDeclaration {
    RoleDeclaration {
        slug: slug.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        level: Level::Partner,
        built_in: true,
        permissions,
    }
}

/// Makes the portal product at the first start; later starts find it.
///
/// # Errors
/// The database's.
pub async fn ensure(tx: &mut Tx<'_>, audience: String, launch_url: String, now: Timestamp) -> store::Result<Product> {
    if let Some(product) = super::find_by_slug(tx, SLUG).await? {
        return Ok(product);
    }
    let declaration = declaration(audience, launch_url, now);
    declare(tx, &declaration, now).await?;
    Ok(declaration.product)
}
