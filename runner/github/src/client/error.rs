//! What GitHub did not do, why, and what to do about it.

/// A call that brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 401.
    #[error("GitHub does not accept the token ({what}): {message}")]
    Unauthorized {
        /// Method and path.
        what: String,
        /// What GitHub says.
        message: String,
    },
    /// 403 that is no rate limit.
    #[error("GitHub does not allow {what}: {message}")]
    Forbidden {
        /// Method and path.
        what: String,
        /// What GitHub says.
        message: String,
    },
    /// 404; also what a token may not see.
    #[error("GitHub knows nothing at {what}")]
    NotFound {
        /// Method and path.
        what: String,
    },
    /// 400, 409, 422.
    #[error("GitHub refuses {what}: {message}")]
    Invalid {
        /// Method and path.
        what: String,
        /// What GitHub says.
        message: String,
    },
    /// Too many calls, for longer than there is patience.
    #[error("GitHub allows no more calls ({what}) for {seconds} s: {message}")]
    RateLimited {
        /// Method and path.
        what: String,
        /// How long it asks to wait.
        seconds: u64,
        /// What GitHub says.
        message: String,
    },
    /// 5xx, no connection, no answer in time, an answer that ends too early: after some attempts.
    #[error("GitHub did not answer {what}: {why}")]
    Unreachable {
        /// Method and path.
        what: String,
        /// Why.
        why: String,
    },
    /// The same for a call that must not be repeated: it may have taken effect.
    #[error("it is not known whether GitHub did {what}: {why}")]
    Unclear {
        /// Method and path.
        what: String,
        /// Why.
        why: String,
    },
    /// An answer that is not what GitHub documents.
    #[error("GitHub's answer to {what} is not understood: {why}")]
    Unexpected {
        /// Method and path.
        what: String,
        /// Why.
        why: String,
    },
    /// The client could not be made.
    #[error("cannot talk to GitHub: {0}")]
    Setup(String),
}

impl ApiError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "github::unauthorized",
            Self::Forbidden { .. } => "github::forbidden",
            Self::NotFound { .. } => "github::not-found",
            Self::Invalid { .. } => "github::invalid",
            Self::RateLimited { .. } => "github::rate-limited",
            Self::Unreachable { .. } => "github::unreachable",
            Self::Unclear { .. } => "github::unclear",
            Self::Unexpected { .. } => "github::unexpected",
            Self::Setup(_) => "github::setup",
        }
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => {
                "the token is wrong or has expired; in Actions pass `${{ github.token }}`"
            }
            Self::Forbidden { .. } => {
                "grant the job `permissions: { pull-requests: write, checks: write }`; a pull request of a fork has a \
                 read-only token: write the report with `--report-out` and post it from a `workflow_run` job"
            }
            Self::NotFound { .. } => {
                "check GITHUB_REPOSITORY and GITHUB_API_URL, and that the token may see the repository"
            }
            Self::Invalid { .. } => {
                "this is a defect of runner, unless the commit or pull request is gone; please report it"
            }
            Self::RateLimited { .. } => "run it again later",
            Self::Unreachable { .. } | Self::Unclear { .. } => {
                "see https://www.githubstatus.com; behind a proxy set HTTPS_PROXY"
            }
            Self::Unexpected { .. } => "check GITHUB_API_URL: for GitHub Enterprise it ends with `/api/v3`",
            Self::Setup(_) => "check the token, the key of the App, GITHUB_API_URL and HTTPS_PROXY",
        }
    }

    /// Whether trying something else may do: GitHub understood, and does not let this token.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::NotFound { .. })
    }
}
