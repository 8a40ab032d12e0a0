//! Order: `needs`, and what data and expressions imply. Nothing may wait for itself.

use std::collections::{HashMap, HashSet};

use super::{Context, outline::Outline};
use crate::{diagnostic::Diagnostic, suggest};

/// Circles that are reported of one file.
const CIRCLES: usize = 10;

/// The stages each stage waits for.
pub(crate) fn stage_needs(outline: &Outline<'_>, context: &mut Context<'_>) -> Vec<Vec<usize>> {
    let names: HashMap<&str, usize> =
        outline.stages.iter().enumerate().map(|(index, stage)| (stage.name, index)).collect();
    let mut all = Vec::with_capacity(outline.stages.len());
    for (index, stage) in outline.stages.iter().enumerate() {
        let Some(needs) = &stage.document.needs else {
            all.push(if index > 0 { vec![index - 1] } else { Vec::new() });
            continue;
        };
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for need in &needs.value.0 {
            match names.get(need.value.as_str()) {
                Some(&other) if other == index => {
                    let message = format!("the stage `{}` cannot need itself", stage.name);
                    context.problems.push(Diagnostic::error("order::cycle", need.span.clone(), message));
                }
                Some(&other) if seen.insert(other) => found.push(other),
                Some(_) => {
                    let message = format!("`{}` is needed twice", need.value);
                    context.problems.push(Diagnostic::warning("order::repeated", need.span.clone(), message));
                }
                None => {
                    let message = format!("there is no stage `{}`", need.value);
                    let help = suggest::help(need, outline.stages.iter().map(|stage| stage.name));
                    context.problems.push(
                        Diagnostic::error("reference::unknown-stage", need.span.clone(), message)
                            .maybe_help(help),
                    );
                }
            }
        }
        all.push(found);
    }
    all
}

/// What waits for what, steps without their cells.
pub(crate) struct Order {
    /// Number of steps.
    steps: usize,
    /// For each node, the nodes that wait for it. Nodes: steps, then the start and the end of each stage.
    before: Vec<Vec<usize>>,
    /// How many nodes each node waits for.
    waits: Vec<usize>,
}

impl Order {
    /// The order that stages imply.
    pub(crate) fn new(outline: &Outline<'_>, needs: &[Vec<usize>]) -> Self {
        let nodes = outline.steps.len() + 2 * outline.stages.len();
        let mut order =
            Self { steps: outline.steps.len(), before: vec![Vec::new(); nodes], waits: vec![0; nodes] };
        for (index, stage) in outline.stages.iter().enumerate() {
            for &need in &needs[index] {
                order.add(order.end(need), order.start(index));
            }
            order.add(order.start(index), order.end(index));
            for step in stage.steps.clone() {
                order.add(order.start(index), step);
                order.add(step, order.end(index));
            }
        }
        order
    }

    /// The start of a stage.
    pub(crate) fn start(&self, stage: usize) -> usize {
        self.steps + 2 * stage
    }

    /// The end of a stage.
    pub(crate) fn end(&self, stage: usize) -> usize {
        self.steps + 2 * stage + 1
    }

    /// `later` waits for `earlier`.
    pub(crate) fn add(&mut self, earlier: usize, later: usize) {
        self.before[earlier].push(later);
        self.waits[later] += 1;
    }

    /// Report circles that share nothing, at most [`CIRCLES`].
    pub(crate) fn check(&self, outline: &Outline<'_>, context: &mut Context<'_>) {
        let mut waits = self.waits.clone();
        let mut free: Vec<_> = (0..waits.len()).filter(|node| waits[*node] == 0).collect();
        for _ in 0..CIRCLES {
            while let Some(node) = free.pop() {
                for &later in &self.before[node] {
                    // One of a circle that was reported waits no longer.
                    if waits[later] > 0 {
                        waits[later] -= 1;
                        if waits[later] == 0 {
                            free.push(later);
                        }
                    }
                }
            }
            let circle = self.circle(&waits);
            if circle.is_empty() {
                return;
            }
            self.report(&circle, outline, context);
            for node in circle {
                if std::mem::take(&mut waits[node]) > 0 {
                    free.push(node);
                }
            }
        }
    }

    fn report(&self, circle: &[usize], outline: &Outline<'_>, context: &mut Context<'_>) {
        let stage_of = |node: usize| (node - self.steps) / 2;
        let name = |node: usize| {
            if node < self.steps {
                format!("step `{}`", outline.steps[node].name)
            } else {
                format!("stage `{}`", outline.stages[stage_of(node)].name)
            }
        };
        let span = |node: usize| {
            if node < self.steps {
                outline.steps[node].span.clone()
            } else {
                outline.stages[stage_of(node)].span.clone()
            }
        };
        let mut names: Vec<_> = circle.iter().map(|&node| name(node)).collect();
        names.dedup();
        let Some(&first) = circle.first() else { return };
        let shown = if names.len() > 12 {
            format!(
                "{} → … ({} more) → {}",
                names[..10].join(" → "),
                names.len() - 11,
                names[names.len() - 1]
            )
        } else {
            names.join(" → ")
        };
        let message = match names.as_slice() {
            [name] | [name, _] => format!("{name} waits for itself"),
            _ => format!("these wait for one another: {shown}"),
        };
        let mut problem = Diagnostic::error("order::cycle", span(first), message)
            .help("remove one of the references or `needs` between them");
        let mut shown = vec![span(first)];
        for &node in circle.iter().take(16) {
            if !shown.contains(&span(node)) {
                problem = problem.related(span(node), name(node));
                shown.push(span(node));
            }
        }
        context.problems.push(problem);
    }

    /// A circle among the nodes that still wait, its first node repeated at the end, earlier ones first.
    fn circle(&self, waits: &[usize]) -> Vec<usize> {
        // Every node that waits has, among those that wait, one that it waits for: walk backwards until one repeats.
        let mut earlier = vec![None; waits.len()];
        for (node, laters) in self.before.iter().enumerate() {
            if waits[node] > 0 {
                for &later in laters.iter().filter(|later| waits[**later] > 0) {
                    earlier[later] = Some(node);
                }
            }
        }
        let Some(mut node) = (0..waits.len()).find(|node| waits[*node] > 0) else { return Vec::new() };
        let mut place = HashMap::new();
        let mut path = Vec::new();
        loop {
            if let Some(&start) = place.get(&node) {
                let mut circle: Vec<usize> = path[start..].to_vec();
                circle.reverse();
                // Start at the first in the order of the file.
                let least = circle.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(at, _)| at);
                circle.rotate_left(least);
                circle.push(circle[0]);
                return circle;
            }
            place.insert(node, path.len());
            path.push(node);
            match earlier[node] {
                Some(before) => node = before,
                None => return path,
            }
        }
    }
}
