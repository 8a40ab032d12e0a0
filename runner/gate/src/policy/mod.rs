//! Comparing the gates of two revisions of a workflow: may the newer one let something through that the older one stops?
//!
//! A gate of the base is *kept* where the head blocks whenever the base does: for each of its rules the head has, in the
//! same stage, an equal or stricter one at an equal or graver level. Everything that cannot be shown to be so counts as
//! loosened. What this module says is therefore one-sided: *kept* is a proof, *loosened* is not an accusation.

mod implies;
mod meaning;

use std::collections::BTreeMap;

use crate::{
    evidence::Defaults,
    grammar::{Better, Gate, OnMissing, Rule, Settings, Term, Test},
    verdict::Level,
};

/// A gate where it stands, with the defaults that hold there.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyGate {
    /// Name of its stage.
    pub stage: String,
    /// The gate.
    pub gate: Gate,
    /// Defaults of its workflow.
    pub defaults: Defaults,
    /// Declared unit of each metric.
    pub units: BTreeMap<String, String>,
    /// Declared direction of each metric.
    pub better: BTreeMap<String, Better>,
}

impl PolicyGate {
    /// Whether it is the same gate, and judged in the same way.
    fn is(&self, other: &Self) -> bool {
        self.stage == other.stage && self.gate == other.gate && frame_problems(other, self).is_empty()
    }
}

/// One difference between two sets of gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateChange {
    /// Stage of the gate.
    pub stage: String,
    /// Name of the gate of the base; of the head where it is new.
    pub gate: String,
    /// What became of it.
    pub kind: GateChangeKind,
    /// Index among the gates of the base; none where it is new.
    pub base: Option<usize>,
}

/// What became of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateChangeKind {
    /// Nothing in the head stands for it.
    Removed {
        /// As printed.
        base: String,
    },
    /// The head has a gate in its place that cannot be shown to be as strict.
    Loosened {
        /// As printed.
        base: String,
        /// As printed.
        head: String,
        /// In which way, in words.
        how: Vec<String>,
    },
    /// The head says it differently, and at least as strictly.
    Tightened {
        /// As printed.
        base: String,
        /// As printed.
        head: String,
    },
    /// Only the head has it.
    Added {
        /// As printed.
        head: String,
    },
}

impl GateChange {
    /// Whether somebody has to agree with it.
    #[must_use]
    pub fn loosens(&self) -> bool {
        matches!(self.kind, GateChangeKind::Removed { .. } | GateChangeKind::Loosened { .. })
    }
}

/// All differences between the gates of two revisions, in the order of the base, then what is new.
#[must_use]
pub fn compare_policy(base: &[PolicyGate], head: &[PolicyGate]) -> Vec<GateChange> {
    let mut changes = Vec::new();
    let mut used = vec![false; head.len()];
    for (index, old) in base.iter().enumerate() {
        let peers: Vec<usize> = (0..head.len()).filter(|new| head[*new].stage == old.stage).collect();
        let change =
            |kind| GateChange { stage: old.stage.clone(), gate: old.gate.name(), kind, base: Some(index) };
        let same = |new: &&usize| !used[**new] && head[**new].is(old);
        if let Some(same) = peers.iter().find(same).or_else(|| peers.iter().find(|new| head[**new].is(old))) {
            used[*same] = true;
            continue;
        }
        let printed = old.gate.to_string();
        let kept_by = kept_by(old, head, &peers);
        let heir = peers.iter().copied().find(|new| is_heir(&old.gate, &head[*new].gate));
        if let Some(kept_by) = kept_by {
            for new in &kept_by {
                used[*new] = true;
            }
            let texts: Vec<String> = kept_by.iter().map(|new| head[*new].gate.to_string()).collect();
            changes.push(change(GateChangeKind::Tightened { base: printed, head: texts.join("; ") }));
        } else if let Some(heir) = heir {
            used[heir] = true;
            let how = ways(old, &head[heir]);
            let head = head[heir].gate.to_string();
            changes.push(change(GateChangeKind::Loosened { base: printed, head, how }));
        } else {
            changes.push(change(GateChangeKind::Removed { base: printed }));
        }
    }
    for (gate, _) in head.iter().zip(&used).filter(|(_, used)| !**used) {
        changes.push(GateChange {
            stage: gate.stage.clone(),
            gate: gate.gate.name(),
            kind: GateChangeKind::Added { head: gate.gate.to_string() },
            base: None,
        });
    }
    changes
}

/// The gates of the head that together block whenever this one does; none where that cannot be shown.
fn kept_by(old: &PolicyGate, head: &[PolicyGate], peers: &[usize]) -> Option<Vec<usize>> {
    let mut kept_by: Vec<usize> = Vec::new();
    let candidates: Vec<usize> =
        peers.iter().copied().filter(|new| frame_problems(old, &head[*new]).is_empty()).collect();
    for constraint in implies::constraints(&old.gate) {
        let by = candidates.iter().copied().find(|new| {
            implies::constraints(&head[*new].gate).iter().any(|stricter| stricter.implies(&constraint))
        })?;
        if !kept_by.contains(&by) {
            kept_by.push(by);
        }
    }
    Some(kept_by)
}

/// Whether a gate stands where another one stood: the same id, or without ids the same things measured.
fn is_heir(old: &Gate, new: &Gate) -> bool {
    match (&old.id, &new.id) {
        (Some(old), Some(new)) if old == new => true,
        _ => {
            let first = |gate: &Gate| gate.rules.first().map(|rule| (rule.term.clone(), direction(rule)));
            first(old).is_some() && first(old) == first(new)
        }
    }
}

/// A rule by what it guards against.
fn direction(rule: &Rule) -> u8 {
    use crate::grammar::{Comparator, Relation};
    match &rule.test {
        Test::Compare { comparator: Comparator::AtLeast | Comparator::Above, .. } => 0,
        Test::Compare { comparator: Comparator::AtMost | Comparator::Below, .. } => 1,
        Test::Compare { comparator: Comparator::Equal, .. } => 2,
        Test::Within { .. } => 3,
        Test::Relative { relation: Relation::NoWorseThan, .. } => 4,
        Test::Relative { relation: Relation::ImproveBy, .. } => 5,
        Test::Relative { relation: Relation::AtMostBetterThan, .. } => 6,
    }
}

/// Why a gate cannot stand for another, whatever their rules say; empty if it can.
fn frame_problems(old: &PolicyGate, new: &PolicyGate) -> Vec<String> {
    let mut problems = Vec::new();
    let (before, after) = (&old.gate.settings, &new.gate.settings);
    if gravity(new.gate.level) < gravity(old.gate.level) {
        problems.push(format!("level {} → {}", old.gate.level.word(), new.gate.level.word()));
    }
    if before.on_missing == OnMissing::Fail && after.on_missing == OnMissing::Warn {
        problems.push("a missing metric only warns".to_owned());
    }
    if before.better != after.better {
        problems.push("the direction of the metric changed".to_owned());
    }
    let samples = (
        before.min_samples.or(old.defaults.min_samples).unwrap_or(0),
        after.min_samples.or(new.defaults.min_samples).unwrap_or(0),
    );
    // More of either is no tightening: what failed can become inconclusive, which is less.
    if samples.1 != samples.0 {
        problems.push(format!("min-samples {} → {}", samples.0, samples.1));
    }
    if old.defaults.confidence != new.defaults.confidence {
        let said = |confidence: Option<f64>| confidence.map_or("none".to_owned(), |value| value.to_string());
        let (before, after) = (said(old.defaults.confidence), said(new.defaults.confidence));
        problems.push(format!("confidence {before} → {after}"));
    }
    if new.defaults.rubber_stamp && !old.defaults.rubber_stamp && meaning::compares(&old.gate) {
        problems.push("a first model needs no baseline".to_owned());
    }
    meaning::problems(old, new, &mut problems);
    slice_problems(before, after, &mut problems);
    let (before_rest, after_rest) = (rest(before), rest(after));
    if before_rest != after_rest {
        problems.push("settings changed that cannot be compared".to_owned());
    } else if before_rest != Settings::default() && before.slices != after.slices {
        // How slices share their errors decides in which direction these count.
        problems.push("slices changed beside settings that depend on them".to_owned());
    }
    problems
}

fn slice_problems(before: &Settings, after: &Settings, problems: &mut Vec<String>) {
    let Some(before) = &before.slices else { return };
    let Some(after) = &after.slices else {
        problems.push("slices are no longer judged".to_owned());
        return;
    };
    for family in before.by.iter().filter(|family| !after.by.contains(family)) {
        problems.push(format!("slices by {} are no longer judged", family.join(" × ")));
    }
    for (column, values) in &after.except {
        let known = |value: &String| {
            before.except.iter().any(|(known, values)| known == column && values.contains(value))
        };
        let new: Vec<&str> = values.iter().filter(|value| !known(value)).map(String::as_str).collect();
        if !new.is_empty() {
            problems.push(format!("slices left out: {column} = {}", new.join(", ")));
        }
    }
    let samples = |settings: Option<u64>| settings.map_or("the gate's".to_owned(), |n| n.to_string());
    match (before.min_samples, after.min_samples) {
        (before, after) if before == after => {}
        (before, after) => {
            problems.push(format!("min-samples of slices {} → {}", samples(before), samples(after)));
        }
    }
}

/// Settings that this module has no order for; they may only stay as they are.
fn rest(settings: &Settings) -> Settings {
    Settings {
        min_samples: None,
        slices: None,
        on_missing: OnMissing::default(),
        better: None,
        why: None,
        ..settings.clone()
    }
}

fn gravity(level: Level) -> u8 {
    match level {
        Level::Info => 0,
        Level::Warn => 1,
        Level::Hold => 2,
        Level::Fail => 3,
    }
}

/// In which ways a gate may be looser than the one it stands for, in words.
fn ways(old: &PolicyGate, new: &PolicyGate) -> Vec<String> {
    let mut ways = frame_problems(old, new);
    let stricter = implies::constraints(&new.gate);
    for rule in &old.gate.rules {
        let kept = implies::constraints_of(rule)
            .iter()
            .all(|constraint| stricter.iter().any(|stricter| stricter.implies(constraint)));
        if !kept {
            let same = new.gate.rules.iter().find(|candidate| candidate.term == rule.term);
            ways.push(match same {
                Some(now) => format!("`{rule}` → `{now}`"),
                None => format!("`{rule}` is gone"),
            });
        }
    }
    ways
}

/// A term in one canonical order of its columns, so that `[a,b]` and `[b,a]` are the same cells.
fn canonical(term: &Term) -> Term {
    let mut term = term.clone();
    term.slices.sort_by(|a, b| a.column.cmp(&b.column));
    term
}

#[cfg(test)]
mod tests;
