//! Judging again what evidence says was judged.

use runner_store::{Digest, Store};

use super::{Doubt, Predicate};
use crate::waiver;

/// Computes every metric and verdict again from the stored predictions, and compares bit for bit. Returns how many gates
/// were judged again.
pub fn replay(predicate: &Predicate, store: &Store) -> Result<usize, Doubt> {
    let mut gates = 0;
    for stage in &predicate.stages {
        for output in stage.case.predictions() {
            let digest: Digest = output.digest.parse().map_err(|_| Doubt::Predictions {
                step: output.step.clone(),
                reason: "no digest".to_owned(),
            })?;
            // The bytes are read again: whoever could write to the store could have changed them.
            store.verify(&digest).map_err(|error| Doubt::Predictions {
                step: output.step.clone(),
                reason: error.to_string(),
            })?;
        }
        let mut again = stage.case.judge(store).judgements;
        // Whether they still count is another question.
        waiver::apply(&predicate.waivers, &predicate.run.workflow, &stage.case, &mut again, None);
        for (said, found) in stage.judgements.iter().zip(&again) {
            let same = serde_json::to_string(said).ok() == serde_json::to_string(found).ok();
            if !same {
                return Err(Doubt::Replay {
                    gate: said.id.clone(),
                    said: format!("{}: {}", said.verdict, said.message),
                    found: format!("{}: {}", found.verdict, found.message),
                });
            }
            gates += 1;
        }
        if stage.judgements.len() != again.len() {
            return Err(Doubt::Replay {
                gate: format!("stage {}", stage.case.stage),
                said: format!("{} gates", stage.judgements.len()),
                found: format!("{} gates", again.len()),
            });
        }
    }
    Ok(gates)
}
