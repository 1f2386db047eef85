//! Rules that give roles, set by somebody: what they may give, and what stands and is not theirs to change.
//!
//! A list of rules is sent whole. A rule that stands is kept as it is, with who set it, if it is sent unchanged;
//! that needs no right. What is new or different is judged, and carries whoever sends it. A rule that the sender
//! could not set is never changed nor left out by them: that is refused, with what to do.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Caller, Invalid, Refusal, standing::Standing};
use crate::{
    api::users::grants::{Faults, ProductRoles, judge_product},
    connections::{DefaultAssignment, GroupRole, Origin, Rule, Settings},
    products::{self, portal},
    store::Db,
};

/// The roles of a group.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRoles {
    /// The group's display name, whatever its case, or its id. It need not be there yet.
    group: String,
    /// The product's slug; never the portal's.
    product: String,
    /// Slugs, at least one.
    roles: Vec<String>,
    /// Whether they cover the organizations below too.
    #[serde(default)]
    subtree: bool,
}

/// The longest name of a group in a rule.
const LONGEST_GROUP: usize = 200;
/// The most rules of one connection.
const MOST_RULES: usize = 500;

/// Somebody at the rules of a connection.
pub struct Hand<'o> {
    standing: Standing<'o>,
    origin: Origin,
}

impl<'o> Hand<'o> {
    pub fn of(standing: Standing<'o>, caller: &Caller) -> Self {
        Self { standing, origin: Origin { by: caller.setter(), at: caller.now } }
    }

    /// Groups give what whoever sets the rule could give (V2).
    pub async fn group_roles(
        &mut self,
        db: &mut Db<'_>,
        before: &[GroupRole],
        asked: &[GroupRoles],
        faults: &mut Faults,
    ) -> Result<Vec<GroupRole>, Refusal> {
        if asked.len() > MOST_RULES {
            faults.invalid.push(Invalid::new("/group_roles", "too-many", "Use at most 500 rules."));
            return Ok(Vec::new());
        }
        let mut left: Vec<&GroupRole> = before.iter().collect();
        let mut rules = Vec::with_capacity(asked.len());
        for (index, rule) in asked.iter().enumerate() {
            let pointer = format!("/group_roles/{index}");
            let wanted = ProductRoles { slug: rule.product.clone(), roles: rule.roles.clone(), subtree: rule.subtree };
            let group = rule.group.trim();
            if let Some(kept) = self.unchanged(db, &mut left, (Some(group), &wanted)).await? {
                rules.push(kept.clone());
                continue;
            }
            if group.is_empty() || group.chars().count() > LONGEST_GROUP {
                let text = "Write the group's name, of at most 200 characters.";
                faults.invalid.push(Invalid::new(format!("{pointer}/group"), "group-name", text));
            }
            let grant = judge_product(db, self.standing.over(), (&pointer, &wanted), faults).await?;
            rules.extend(grant.map(|grant| GroupRole {
                group: group.to_owned(),
                product: grant.product(),
                roles: grant.roles(),
                subtree: rule.subtree,
                origin: Some(self.origin),
            }));
        }
        self.spare(db, "/group_roles", &left, faults).await?;
        Ok(rules)
    }

    /// A tool gives what its maker could give: products that the organization has, never the portal (V2). What the
    /// operator has declared of the portal is nobody's to give or to take here: it stays.
    pub async fn products(
        &mut self,
        db: &mut Db<'_>,
        (name, before): (&str, &[DefaultAssignment]),
        asked: &[ProductRoles],
        faults: &mut Faults,
    ) -> Result<Vec<DefaultAssignment>, Refusal> {
        let portal = products::find_by_slug(db, portal::SLUG).await?.map(|portal| portal.id);
        let (mut of_portal, mut left): (Vec<_>, Vec<_>) =
            before.iter().partition(|listed| Some(listed.product) == portal);
        let mut listed: Vec<DefaultAssignment> = of_portal.iter().copied().cloned().collect();
        for (index, wanted) in asked.iter().enumerate() {
            let pointer = format!("{name}/{index}");
            if self.unchanged(db, &mut of_portal, (None, wanted)).await?.is_some() {
                continue;
            }
            if asked[..index].iter().any(|before| before.slug == wanted.slug) {
                faults.invalid.push(Invalid::new(pointer, "twice", "Each product stands here once."));
                continue;
            }
            if let Some(kept) = self.unchanged(db, &mut left, (None, wanted)).await? {
                listed.push(kept.clone());
                continue;
            }
            let grant = judge_product(db, self.standing.over(), (&pointer, wanted), faults).await?;
            listed.extend(grant.map(|grant| DefaultAssignment {
                product: grant.product(),
                roles: grant.roles(),
                subtree: wanted.subtree,
                origin: Some(self.origin),
            }));
        }
        self.spare(db, name, &left, faults).await?;
        Ok(listed)
    }

    /// Takes out of what stands the rule that is sent as it is.
    async fn unchanged<'r, R: Rule>(
        &mut self,
        db: &mut Db<'_>,
        left: &mut Vec<&'r R>,
        (group, wanted): (Option<&str>, &ProductRoles),
    ) -> Result<Option<&'r R>, Refusal> {
        for index in 0..left.len() {
            let rule = left[index];
            if rule.group() != group || rule.gives().subtree != wanted.subtree {
                continue;
            }
            let Some((product, roles)) = self.standing.named(db, rule.gives()).await? else { continue };
            let is_same =
                roles.len() == wanted.roles.len() && roles.iter().all(|role| wanted.roles.contains(&role.slug));
            if product.slug == wanted.slug && is_same {
                return Ok(Some(left.remove(index)));
            }
        }
        Ok(None)
    }

    /// What was left out or changed must have been the sender's to give.
    async fn spare<R: Rule>(
        &mut self,
        db: &mut Db<'_>,
        pointer: &str,
        left: &[&R],
        faults: &mut Faults,
    ) -> Result<(), Refusal> {
        for rule in left {
            if self.standing.is_yours(db, rule.gives()).await? {
                continue;
            }
            let words = self.standing.words(db, rule.gives()).await?;
            let to = rule.group().map(|group| format!(" to the group {group}")).unwrap_or_default();
            let text = format!(
                "The rule that gives {words}{to} was set by somebody with rights that you do not hold here. Send it \
                 along as it is, or ask an administrator who may give these roles."
            );
            faults.not_yours.push(Invalid::new(pointer, "not-yours-to-change", text));
        }
        Ok(())
    }

    /// What was set and what ended, with who had set it: for the audit log.
    pub async fn words(&mut self, db: &mut Db<'_>, before: &Settings, after: &Settings) -> Result<Value, Refusal> {
        let mut words = json!({});
        let (old, new) = (&before.default_assignments, &after.default_assignments);
        self.differ(db, ("default_products", &mut words), (old, new)).await?;
        self.differ(db, ("assignable", &mut words), (&before.assignable, &after.assignable)).await?;
        self.differ(db, ("group_roles", &mut words), (&before.group_roles, &after.group_roles)).await?;
        Ok(words)
    }

    async fn differ<R: Rule + PartialEq>(
        &mut self,
        db: &mut Db<'_>,
        (name, words): (&str, &mut Value),
        (old, new): (&[R], &[R]),
    ) -> Result<(), Refusal> {
        let (mut set, mut ended) = (Vec::new(), Vec::new());
        for rule in new.iter().filter(|rule| !old.contains(rule)) {
            set.push(self.word(db, rule).await?);
        }
        for rule in old.iter().filter(|rule| !new.contains(rule)) {
            let mut word = self.word(db, rule).await?;
            if let Some(origin) = rule.origin() {
                word["set"] = json!(origin);
            }
            ended.push(word);
        }
        if !set.is_empty() || !ended.is_empty() {
            words[name] = json!({ "set": set, "ended": ended });
        }
        Ok(())
    }

    async fn word<R: Rule>(&mut self, db: &mut Db<'_>, rule: &R) -> Result<Value, Refusal> {
        let named = self.standing.named(db, rule.gives()).await?;
        let (product, roles) = named.map(|(product, roles)| (product.slug, roles)).unwrap_or_default();
        let roles: Vec<String> = roles.into_iter().map(|role| role.slug).collect();
        let mut word = json!({ "product": product, "roles": roles, "subtree": rule.gives().subtree });
        if let Some(group) = rule.group() {
            word["group"] = json!(group);
        }
        Ok(word)
    }
}

/// Whether these settings give, or tell the tool, anything that those before did not.
pub fn give_more(before: &Settings, after: &Settings) -> bool {
    fn grows<R: Rule>(old: &[R], new: &[R]) -> bool {
        let stood = |rule: &R| old.iter().any(|old| old.group() == rule.group() && rule.gives().is_within(old.gives()));
        !new.iter().all(stood)
    }
    grows(&before.group_roles, &after.group_roles)
        || grows(&before.assignable, &after.assignable)
        || grows(&before.default_assignments, &after.default_assignments)
        || (after.account_state && !before.account_state)
}
