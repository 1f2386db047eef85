//! What lists of an organization's people sort and search by.

use unicode_normalization::UnicodeNormalization;

use super::User;

/// The text of a person. The display name stands first, so that its order is the list's.
pub(super) fn of(user: &User) -> String {
    let email = user.email.as_deref().unwrap_or_default();
    let parts = [user.name(), &user.given_name, &user.family_name, user.login_name.prepared(), email];
    fold(&parts.join("\n"))
}

/// What was typed, for LIKE with `!` as the escape character.
pub(super) fn pattern(typed: &str) -> String {
    let mut pattern = String::from("%");
    for character in fold(typed.trim()).chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// Case, width and composition do not tell words apart; marks do.
fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}
