//! One attribute of a schema and its characteristics (RFC 7643 §2.2, §7).

use serde::Deserialize;

/// An attribute, as a schema's JSON describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub multi_valued: bool,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub case_exact: bool,
    #[serde(default)]
    pub mutability: Mutability,
    #[serde(default)]
    pub returned: Returned,
    #[serde(default)]
    pub uniqueness: Uniqueness,
    #[serde(default)]
    pub sub_attributes: Vec<Attribute>,
}

/// RFC 7643 §2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// Who may change it, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an answer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    Always,
    Never,
    #[default]
    Default,
    Request,
}

/// Among whom its value is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

impl Attribute {
    /// Whether it can be at all (RFC 7643 §2.1, §2.3.8).
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), &'static str> {
        let mut letters = self.name.chars();
        let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic()) || self.name == "$ref";
        if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err("a name is a letter, then letters, digits, - and _");
        }
        if self.is_complex() == self.sub_attributes.is_empty() {
            return Err("a complex attribute has sub-attributes, and no other");
        }
        for sub in &self.sub_attributes {
            if sub.is_complex() {
                return Err("a sub-attribute is not complex");
            }
            sub.check()?;
        }
        Ok(())
    }

    /// The sub-attribute of that name, whatever its case.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| sub.is(name))
    }

    /// Names compare without case (RFC 7643 §2.1).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether text of it compares exactly. References and binaries always do (RFC 7643 §2.3.6, §2.3.7).
    pub fn is_exact(&self) -> bool {
        self.case_exact || matches!(self.kind, Kind::Reference | Kind::Binary)
    }

    /// Whether a client may not set it.
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }

    /// Whether no answer and no log shows it (RFC 7643 §7: what is write-only is never returned).
    pub fn is_secret(&self) -> bool {
        self.mutability == Mutability::WriteOnly || self.returned == Returned::Never
    }

    /// Whether its values are objects.
    pub fn is_complex(&self) -> bool {
        self.kind == Kind::Complex
    }

    /// Whether values are unique among the resources of a connection.
    pub fn is_unique(&self) -> bool {
        self.uniqueness != Uniqueness::None
    }
}
