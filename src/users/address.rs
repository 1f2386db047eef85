//! Which addresses of e-mail may be a person's (P4): individual accounts only, so that the audit log can
//! say who did what.

use crate::organizations::EffectivePolicy;

/// Why an address cannot be the account's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("This is not an address of e-mail. Write it as name@example.com, one address only.")]
    Malformed,
    #[error(
        "{0}@ is a role address, shared by several people, and this organization allows only personal ones. Use the person's own address."
    )]
    RoleAddress(String),
    #[error("This organization allows only addresses of its own domains: {0}. Use one of these.")]
    ForeignDomain(String),
}

impl Unfit {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed-address",
            Self::RoleAddress(_) => "role-address",
            Self::ForeignDomain(_) => "foreign-domain",
        }
    }
}

/// Names of mailboxes that several people read (RFC 2142 and custom).
const ROLES: &[&str] = &[
    "abuse",
    "accounting",
    "accounts",
    "admin",
    "administrator",
    "all",
    "billing",
    "careers",
    "compliance",
    "contact",
    "customerservice",
    "dev",
    "devops",
    "enquiries",
    "everyone",
    "feedback",
    "finance",
    "hello",
    "help",
    "helpdesk",
    "hostmaster",
    "hr",
    "info",
    "inquiries",
    "invoice",
    "invoices",
    "it",
    "jobs",
    "legal",
    "mail",
    "mailer-daemon",
    "marketing",
    "news",
    "newsletter",
    "no-reply",
    "noc",
    "noreply",
    "office",
    "operations",
    "orders",
    "payroll",
    "postmaster",
    "press",
    "privacy",
    "purchasing",
    "reception",
    "root",
    "sales",
    "security",
    "service",
    "servicedesk",
    "soc",
    "staff",
    "support",
    "sysadmin",
    "team",
    "tech",
    "usenet",
    "webmaster",
];

/// Judges an address by its form and the organization's policy.
///
/// # Errors
/// [`Unfit`], with what to do.
pub fn check(email: &str, policy: &EffectivePolicy) -> Result<(), Unfit> {
    let (local, domain) = parts(email).ok_or(Unfit::Malformed)?;
    if let Some(domains) = &policy.email_domains
        && !domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
    {
        return Err(Unfit::ForeignDomain(domains.join(", ")));
    }
    // support+site@ and Support@ are the same mailbox as support@.
    let bare = local.split('+').next().unwrap_or(local).to_lowercase();
    if !policy.role_addresses_allowed && ROLES.contains(&bare.as_str()) {
        return Err(Unfit::RoleAddress(bare));
    }
    Ok(())
}

/// Local part and domain of one plain address: no quotes, comments, lists or control characters, which
/// mail software reads in more than one way (rows 30, 31).
fn parts(email: &str) -> Option<(&str, &str)> {
    let (local, domain) = email.rsplit_once('@')?;
    let local_fits = (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let domain_fits = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label_fits);
    (local_fits && domain_fits).then_some((local, domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(email: &str) -> Result<(), Unfit> {
        check(email, &EffectivePolicy::default())
    }

    #[test]
    fn personal_addresses_pass() {
        for good in ["mara@brackwater.example", "o'neil+x@a-b.example", "dagný@example.is", "m.l@x.y.example"] {
            assert_eq!(verdict(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn role_addresses_are_refused_whatever_their_spelling() {
        for bad in ["support@x.example", "Support@x.example", "billing+eu@x.example", "no-reply@x.example"] {
            assert!(matches!(verdict(bad), Err(Unfit::RoleAddress(_))), "{bad}");
        }
        let lenient = EffectivePolicy { role_addresses_allowed: true, ..EffectivePolicy::default() };
        assert_eq!(check("support@x.example", &lenient), Ok(()));
    }

    #[test]
    fn what_mail_software_reads_in_two_ways_is_no_address() {
        for bad in [
            "",
            "a",
            "a@",
            "@b.example",
            "a@b",
            "a@b.example,c@d.example",
            "a@b.example;c@d.example",
            "a b@c.example",
            "a@b.example\nBcc: c@d.example",
            "\"a@b\"@c.example",
            "a@[127.0.0.1]",
            "a..b@c.example",
            "<a@b.example>",
            "a@-b.example",
            "a@b..example",
            "a\0@b.example",
        ] {
            assert_eq!(verdict(bad), Err(Unfit::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn only_the_domains_of_the_policy_pass() {
        let policy = EffectivePolicy {
            email_domains: Some(vec!["brackwater.example".to_owned()]),
            ..EffectivePolicy::default()
        };
        assert_eq!(check("mara@Brackwater.example", &policy), Ok(()));
        assert!(matches!(check("mara@sub.brackwater.example", &policy), Err(Unfit::ForeignDomain(_))));
    }
}
