use anyhow::{Context, Result, bail};

use super::{Code, Party, Tokens, totp};
use crate::{
    http::{Browser, Connection, Form, Landing, Target},
    measure::Journey,
    server::User,
};

/// Signs a person in with what the pages ask for, from an authorization request to the code.
pub async fn sign_in(browser: &mut Browser, party: &Party, user: &User) -> Result<Code> {
    let (path, verifier) = party.authorization();
    let mut landing = browser.get(&path).await?;
    for _ in 0..8 {
        let (path, body) = match landing {
            Landing::Away(url) => return Code::of_redirect(&url, verifier),
            Landing::Page { path, body } => (path, body),
        };
        let form = next_form(&body, user)?.with_context(|| {
            format!("a page that the loader does not know, at {path}: {}", body.chars().take(2000).collect::<String>())
        })?;
        landing = browser.submit(&path, &form).await?;
    }
    bail!("eight pages and no code")
}

/// The form that a person would send next, filled in.
fn next_form(page: &str, user: &User) -> Result<Option<Form>> {
    for button in ["login-submit", "code-submit", "method-totp", "consent-allow", "continue"] {
        let Some(mut form) = Form::of_button(page, button)? else { continue };
        if form.has("username") {
            form.set("username", &user.login);
        }
        if form.has("password") {
            form.set("password", user.password.as_deref().context("a password")?);
        }
        if form.has("code") {
            form.set("code", &totp::code(user.totp_secret.as_deref().context("a TOTP secret")?)?);
        }
        return Ok(Some(form));
    }
    Ok(None)
}

/// A whole sign-in in a fresh browser: page, user name, password, code, tokens.
pub struct FullLogin {
    party: Party,
    user: User,
    connection: Connection,
}

impl FullLogin {
    pub fn new(party: &Party, user: &User) -> Self {
        Self { party: party.clone(), user: user.clone(), connection: Connection::new(&party.target) }
    }

    fn target(&self) -> &Target {
        &self.party.target
    }
}

impl Journey for FullLogin {
    async fn step(&mut self) -> Result<bool> {
        let mut browser = Browser::new(self.target());
        let code = sign_in(&mut browser, &self.party, &self.user).await?;
        Tokens::of(self.connection.send(&self.party.code_request(&code)).await?)?;
        Ok(true)
    }
}
