use std::fmt;

/// Why the server does not start: which key, what is wrong with it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key's path in the file, such as `mail.host`.
    pub key: String,
    /// What is wrong. Never holds a secret's value.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Invalid {
    /// Something wrong with `key`.
    pub fn new(key: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { key: key.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }

    /// The variable that sets the same key.
    fn variable(&self) -> String {
        format!("CASTELLAN_{}", self.key.to_uppercase().replace('.', "__"))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: `{}` (or {}): {}. {}", self.key, self.variable(), self.problem, self.remedy)
    }
}

impl std::error::Error for Invalid {}
