//! What the mails say. Short, and each tells what to do if it was not the reader who asked.

use askama::Template;

use super::{Mail, smtp::single_line};
use crate::clock::Timestamp;

/// In whose name a mail is written.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The product, organization or provider that the reader knows.
    pub name: String,
    /// Whom to ask; a telephone number, an address, a desk.
    pub support: Option<String>,
}

/// The parts of a mail, for both forms.
#[derive(Template)]
#[template(path = "mail/pages/letter.html", config = ".config/askama.toml")]
struct Html<'a>(&'a Parts<'a>);

#[derive(Template)]
#[template(path = "mail/pages/letter.txt", config = ".config/askama.toml", escape = "none")]
struct Text<'a>(&'a Parts<'a>);

struct Parts<'a> {
    subject: String,
    brand: &'a str,
    support: Option<&'a str>,
    greeting: String,
    paragraphs: Vec<String>,
    action: Option<(&'a str, &'a str)>,
    code: Option<&'a str>,
    closing: &'a str,
}

/// What differs from mail to mail.
pub(super) struct Content<'a> {
    pub subject: String,
    pub paragraphs: Vec<String>,
    /// A button: its words and its link.
    pub action: Option<(&'a str, &'a str)>,
    pub code: Option<&'a str>,
    pub closing: &'a str,
}

/// Longer names are cut: a mail is no place for somebody else's text.
const LONGEST_NAME: usize = 80;

pub(super) fn letter(brand: &Brand, to: &str, name: &str, content: Content<'_>) -> Mail {
    let brand_name = clean(&brand.name);
    let support = brand.support.as_deref().map(clean);
    let name = clean(name);
    let greeting = if name.is_empty() { "Hello,".to_owned() } else { format!("Hello {name},") };
    let parts = Parts {
        subject: content.subject.replace("{brand}", &brand_name),
        brand: &brand_name,
        support: support.as_deref(),
        greeting,
        paragraphs: content.paragraphs.iter().map(|text| text.replace("{brand}", &brand_name)).collect(),
        action: content.action,
        code: content.code,
        closing: content.closing,
    };
    Mail {
        to: to.to_owned(),
        text: Text(&parts).render().unwrap_or_default(),
        html: Html(&parts).render().unwrap_or_default(),
        links: content.action.iter().map(|(_, link)| (*link).to_owned()).collect(),
        subject: parts.subject,
    }
}

/// One line of at most [`LONGEST_NAME`] characters, without marks that turn the direction of text.
pub(super) fn clean(text: &str) -> String {
    let turns = |character: &char| matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    single_line(text)
        .chars()
        .filter(|character| !turns(character))
        .take(LONGEST_NAME)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// A new account: the link sets the first password.
pub fn activation(brand: &Brand, to: &str, (name, login_name): (&str, &str), link: &str, days: u64) -> Mail {
    let life = lasts(days);
    let content = Content {
        subject: "Your account at {brand}".to_owned(),
        paragraphs: vec![
            format!("An account was made for you at {{brand}}. You sign in as {}.", clean(login_name)),
            format!("Set your password to begin. The link works once, for {life}."),
        ],
        action: Some(("Set your password", link)),
        code: None,
        closing: "If you did not expect this, you need not do anything: without a password nobody can sign in.",
    };
    letter(brand, to, name, content)
}

/// Another organization would like an account of ours to join it.
pub fn join(brand: &Brand, to: &str, (name, login_name): (&str, &str), link: &str, days: u64) -> Mail {
    let content = Content {
        subject: "{brand} would like you to join".to_owned(),
        paragraphs: vec![
            format!("{{brand}} would like you to join with the account that you have: {}.", clean(login_name)),
            format!(
                "Sign in to see what it would give you, and to accept or decline. The link works once, for {}.",
                lasts(days)
            ),
        ],
        action: Some(("Look at the invitation", link)),
        code: None,
        closing: "If you do not know who this is, you need not do anything. Until you accept, they learn nothing of \
                  your account.",
    };
    letter(brand, to, name, content)
}

fn lasts(days: u64) -> String {
    if days == 1 { "one day".to_owned() } else { format!("{days} days") }
}

/// A link that sets a new password.
pub fn password_reset(brand: &Brand, to: &str, name: &str, link: &str, minutes: u64) -> Mail {
    let content = Content {
        subject: "Set a new password for {brand}".to_owned(),
        paragraphs: vec![
            "Somebody asked for a new password for your account at {brand}.".to_owned(),
            format!("The link works once, for {minutes} minutes. Until you use it, your password stays as it is."),
        ],
        action: Some(("Set a new password", link)),
        code: None,
        closing: "If it was not you, you need not do anything.",
    };
    letter(brand, to, name, content)
}

/// An administrator has taken away all second factors.
pub fn mfa_reset(brand: &Brand, to: &str, name: &str) -> Mail {
    let content = Content {
        subject: "Your second factors at {brand} were reset".to_owned(),
        paragraphs: vec![
            "An administrator has removed your second factors and ended all your sessions.".to_owned(),
            "The next time you sign in you will be asked to set up a new one.".to_owned(),
        ],
        action: None,
        code: None,
        closing: "If you did not ask for this, tell your administrator now.",
    };
    letter(brand, to, name, content)
}

/// A one-time code.
pub fn email_code(brand: &Brand, to: &str, name: &str, code: &str, minutes: u64) -> Mail {
    let content = Content {
        subject: "Your code for {brand}".to_owned(),
        paragraphs: vec![format!("Type this code where you are signing in. It works once, for {minutes} minutes.")],
        action: None,
        code: Some(code),
        closing: "If you are not signing in, somebody knows your password: change it. Never tell this code to anybody.",
    };
    letter(brand, to, name, content)
}

/// The password is another now.
pub fn password_changed(brand: &Brand, to: &str, name: &str, now: Timestamp) -> Mail {
    let content = Content {
        subject: "Your password at {brand} was changed".to_owned(),
        paragraphs: vec![
            format!("The password of your account was changed on {}.", when(now)),
            "All other sessions were ended.".to_owned(),
        ],
        action: None,
        code: None,
        closing: "If it was not you, ask for a new password on the sign-in page and tell your administrator.",
    };
    letter(brand, to, name, content)
}

/// Too many wrong attempts.
pub fn locked(brand: &Brand, to: &str, name: &str, minutes: u64) -> Mail {
    let content = Content {
        subject: "Sign-in to {brand} is paused".to_owned(),
        paragraphs: vec![
            "There were too many failed attempts to sign in to your account.".to_owned(),
            format!("Signing in with the password is paused. It ends by itself within {minutes} minutes."),
        ],
        action: None,
        code: None,
        closing: "If it was not you, nothing was opened. A passkey still lets you in.",
    };
    letter(brand, to, name, content)
}

/// Something new opens the account.
pub fn factor_added(brand: &Brand, to: &str, name: &str, factor: &str, now: Timestamp) -> Mail {
    let content = Content {
        subject: "A new way to sign in to {brand}".to_owned(),
        paragraphs: vec![format!("{} was added to your account on {}.", clean(factor), when(now))],
        action: None,
        code: None,
        closing: "If it was not you, remove it on your account page, change your password and tell your administrator.",
    };
    letter(brand, to, name, content)
}

pub(super) fn when(now: Timestamp) -> String {
    now.to_chrono().format("%-d %B %Y at %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand() -> Brand {
        Brand { name: "Fernhill IT".to_owned(), support: Some("support@fernhill.example".to_owned()) }
    }

    #[test]
    fn a_link_stands_in_both_forms_and_in_the_list() {
        let link = "https://id.example/activate?token=abc&x=1";
        let mail = activation(&brand(), "anna@example.com", ("Anna", "anna"), link, 7);
        assert!(mail.text.contains(link));
        assert!(mail.html.contains("https://id.example/activate?token=abc&#38;x=1"));
        assert_eq!(mail.links, [link]);
        assert_eq!(mail.subject, "Your account at Fernhill IT");
    }

    /// Rows 114, 119 and 144 of the security programme.
    #[test]
    fn names_stay_text_and_on_one_line() {
        let hostile = "<b>Bob</b>\r\nBcc: x@example.com {{7*7}} ${7*7} {brand}\u{202e}";
        let brand = Brand { name: hostile.to_owned(), support: None };
        let mail = activation(&brand, "bob@example.com", (hostile, hostile), "https://id.example/", 1);
        assert!(!mail.subject.contains('\n') && !mail.subject.contains('\r'));
        assert!(!mail.html.contains("<b>"));
        assert!(!mail.text.contains('\u{202e}'));
        assert!(mail.text.contains("{{7*7}} ${7*7}"));
        assert!(!mail.text.lines().any(|line| line.starts_with("Bcc:")));
    }
}
