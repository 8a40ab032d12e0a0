//! A small stateful double of GitHub's API on loopback: comments, checks, statuses, deployments, pull requests, commits, people
//! and tokens of one repository. It refuses what GitHub refuses, also what GitHub's `OpenAPI` description does not say (a
//! completed check without a conclusion, a text that is too long, an unknown commit), and remembers every call. The contract test
//! puts a proxy before it that validates both sides by that description.

mod answer;
mod checks;
mod comments;
mod deployments;
mod identity;
mod people;
mod pulls;
mod server;
mod shapes;
mod state;

pub use identity::{Access, Identity, Permissions};
pub use server::FakeGitHub;
pub use shapes::number_of;
pub use state::{
    Annotation, Call, CheckRun, Comment, CommitStatus, Deployment, DeploymentStatus, PullRequest,
};
