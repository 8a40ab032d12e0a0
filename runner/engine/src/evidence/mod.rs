//! Evidence of a gated run: an in-toto statement about its models, with everything that decided their verdict. Signed, it
//! can be checked anywhere; with the predictions it names, the verdict can be computed again.

mod allow;
mod approval;
mod build;
mod check;
mod policy;
mod replay;
mod statement;
mod version;

pub use allow::Ruling;
pub use approval::{APPROVAL_FILE, Approval};
pub(crate) use build::write;
pub use check::{Doubt, check};
pub use policy::{Policy, policy_of};
pub use replay::replay;
pub use statement::{
    BaselineAlias, IntendedPromotion, JudgedStage, PREDICATE_TYPE, Predicate, RunIdentity, StageEnd,
    Statement, StepIdentity, StepMetric, StepsEnd, Subject,
};

/// Name of the file in the folder of a run.
pub const FILE: &str = "evidence.json";
