//! The version of a model that a promotion on evidence makes: by the run itself, by an approval or by hand.

use runner_store::{Change, NewVersion};
use serde_json::{Value, json};

use super::{IntendedPromotion, Predicate};

impl Predicate {
    /// The version, with its lineage and metrics as the evidence tells them, and what is to be said of the change.
    #[must_use]
    pub fn version(&self, promotion: &IntendedPromotion, change: Change) -> NewVersion {
        let run = &self.run;
        NewVersion {
            digest: promotion.digest,
            run: Some(run.id.clone()),
            lineage: json!({
                "workflow": run.workflow,
                "file": run.file,
                "workflow_digest": run.workflow_digest,
                "git_commit": run.git_commit,
                "git_branch": run.git_branch,
                "git_dirty": run.git_dirty,
                "run": run.id,
                "stage": promotion.stage,
                "output": promotion.output,
                "path": promotion.path,
                "steps": self.steps,
                "params": self.params,
                "data": self.data,
                "verdict": self.verdict,
            }),
            metrics: self.metrics_of(promotion),
            evidence: json!({
                "digest": change.basis.map(|basis| basis.evidence),
                "policy": self.policy_digest,
                "verdict": self.verdict,
                "judgements": self.stages.iter().flat_map(|stage| &stage.judgements).collect::<Vec<_>>(),
            }),
            keep: promotion.keep,
            change,
        }
    }

    /// What the steps of the stages that the promotion waits for measured.
    fn metrics_of(&self, promotion: &IntendedPromotion) -> Value {
        let awaited =
            |id: &str| self.steps.iter().any(|step| step.id == id && promotion.after.contains(&step.stage));
        json!(self.metrics.iter().filter(|metric| awaited(&metric.step)).collect::<Vec<_>>())
    }
}
