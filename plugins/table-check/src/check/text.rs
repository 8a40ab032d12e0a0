//! Rules of text.

use std::collections::HashSet;

use super::{unique::Unique, violations::Violations};
use crate::schema::Text;

/// Holds the values of a column to rules of text.
pub(super) struct TextCheck {
    pub(super) rules: Text,
    members: HashSet<Box<[u8]>, foldhash::fast::FixedState>,
    pub(super) set: Violations,
    pub(super) regex: Violations,
    pub(super) length: Violations,
    pub(super) unique: Option<Unique>,
}

impl TextCheck {
    pub(super) fn new(rules: Text, unique: bool) -> Self {
        Self {
            members: rules.set.iter().map(|member| member.as_bytes().into()).collect(),
            rules,
            set: Violations::default(),
            regex: Violations::default(),
            length: Violations::default(),
            unique: unique.then(Unique::default),
        }
    }

    /// Takes in a text, which is UTF-8.
    #[inline]
    pub(super) fn see(&mut self, row: u64, text: &[u8], budget: &mut usize, show: impl Fn() -> String) {
        if !self.members.is_empty() && !self.members.contains(text) {
            self.set.add(row, &show);
        }
        if self.rules.regex.as_ref().is_some_and(|regex| !regex.is_match(text)) {
            self.regex.add(row, &show);
        }
        if !self.rules.length.is_open() && !self.rules.length.hold(characters(text)) {
            self.length.add(row, &show);
        }
        if let Some(unique) = &mut self.unique {
            unique.text(row, text, budget, &show);
        }
    }
}

/// Unicode scalar values in UTF-8 text: the bytes that continue none.
fn characters(text: &[u8]) -> u64 {
    text.iter().filter(|byte| (**byte & 0xC0) != 0x80).count() as u64
}
