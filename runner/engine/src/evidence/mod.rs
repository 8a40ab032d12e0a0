//! Evidence of a gated run: an in-toto statement about its models, with everything that decided their verdict. Signed, it
//! can be checked anywhere; with the predictions it names, the verdict can be computed again.

mod build;
mod check;
mod policy;
mod replay;
mod statement;

pub(crate) use build::write;
pub use check::{Doubt, check};
pub use policy::{Policy, policy_of};
pub use replay::replay;
pub use statement::{
    ExpectedVersion, IntendedPromotion, JudgedStage, PREDICATE_TYPE, Predicate, RunIdentity, Statement,
    StepIdentity, Subject,
};

/// Name of the file in the folder of a run.
pub const FILE: &str = "evidence.json";
