//! What a workflow grants (`allow:`) beside what a plugin asks for.

use runner_engine::executor::ExecutorError;
use runner_workflow::plan::Allow;

use crate::{
    error::{WithHelp as _, denied, environment, usage},
    manifest::{Capability, CapabilityRequest, Manifest},
    paths::inside_workspace,
};

impl Capability {
    /// The key under `allow:`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Read => "read",
            Self::Env => "env",
            Self::Clock => "clock",
            Self::Random => "random",
        }
    }
}

/// The line of a workflow that grants a capability.
pub(crate) fn yaml(capability: Capability, scope: &str) -> String {
    let key = capability.key();
    match capability {
        Capability::Clock | Capability::Random => format!("allow: {{ {key}: true }}"),
        Capability::Net => format!("allow: {{ {key}: [{}] }}", or(scope, "https://HOST")),
        Capability::Read => format!("allow: {{ {key}: [{}] }}", or(scope, "PATH")),
        Capability::Env => format!("allow: {{ {key}: [{}] }}", or(scope, "NAME")),
    }
}

fn or<'a>(scope: &'a str, placeholder: &'a str) -> &'a str {
    if scope.is_empty() { placeholder } else { scope }
}

/// Refuses a step that lacks what its plugin cannot do without, and grants that cannot be given.
pub(crate) fn check(step: &str, manifest: &Manifest, allow: &Allow) -> Result<(), ExecutorError> {
    for path in &allow.read {
        inside_workspace(path).map_err(|reason| {
            usage("plugin::read-outside-workspace", format!("step `{step}`: `allow.read` {reason}"))
        })?;
    }
    for request in manifest.capabilities.iter().filter(|request| request.required) {
        if !granted(request, allow) {
            return Err(not_granted(step, manifest, request));
        }
    }
    if !allow.net.is_empty() {
        let message = format!(
            "step `{step}`: `allow.net` is not available yet: plugins have no network in this version"
        );
        return Err(environment("plugin::net-unavailable", message)
            .with_help("fetch in a `run:` step and hand the file over as an input"));
    }
    Ok(())
}

fn granted(request: &CapabilityRequest, allow: &Allow) -> bool {
    let scope = request.scope.as_str();
    let listed = |grants: &[String]| grants.iter().any(|grant| scope.is_empty() || grant == scope);
    match request.capability {
        Capability::Net => listed(&allow.net),
        Capability::Env => listed(&allow.env),
        Capability::Read => allow.read.iter().any(|grant| scope.is_empty() || covers(grant, scope)),
        Capability::Clock => allow.clock,
        Capability::Random => allow.random,
    }
}

/// Whether a granted path is the wanted one or a folder above it.
fn covers(grant: &str, wanted: &str) -> bool {
    match (inside_workspace(grant), inside_workspace(wanted)) {
        (Ok(grant), Ok(wanted)) => wanted.starts_with(grant),
        _ => false,
    }
}

fn not_granted(step: &str, manifest: &Manifest, request: &CapabilityRequest) -> ExecutorError {
    let key = request.capability.key();
    let scope = if request.scope.is_empty() { String::new() } else { format!(" `{}`", request.scope) };
    let message = format!(
        "step `{step}`: plugin `{}` needs the capability `{key}`{scope}, which the workflow does not grant: {}",
        manifest.name, request.why
    );
    denied("plugin::capability-not-granted", message).with_help(format!(
        "if that is what you want, add to the step: {}",
        yaml(request.capability, &request.scope)
    ))
}

#[cfg(test)]
mod tests {
    use runner_engine::executor::ErrorClass;

    use super::*;

    fn asks(capability: Capability, scope: &str, required: bool) -> Manifest {
        Manifest {
            name: "fetch".into(),
            version: "1.0.0".into(),
            summary: String::new(),
            stages: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            config_schema: true.into(),
            capabilities: vec![CapabilityRequest {
                capability,
                scope: scope.into(),
                why: "to sign in".into(),
                required,
            }],
        }
    }

    #[test]
    fn a_refusal_names_the_line_to_write() {
        let error = check("pull", &asks(Capability::Env, "TOKEN", true), &Allow::default()).unwrap_err();
        assert_eq!((error.class, error.code), (ErrorClass::Denied, "plugin::capability-not-granted"));
        assert!(
            error.message.contains("`fetch`") && error.message.contains("`env` `TOKEN`"),
            "{}",
            error.message
        );
        assert!(error.help.unwrap().ends_with("allow: { env: [TOKEN] }"));
    }

    #[test]
    fn grants_and_optional_requests_pass() {
        let allow = Allow { env: vec!["TOKEN".into()], read: vec!["data".into()], ..Allow::default() };
        check("s", &asks(Capability::Env, "TOKEN", true), &allow).unwrap();
        check("s", &asks(Capability::Env, "", true), &allow).unwrap();
        check("s", &asks(Capability::Read, "data/a.csv", true), &allow).unwrap();
        check("s", &asks(Capability::Clock, "", false), &allow).unwrap();
        check("s", &asks(Capability::Read, "database", true), &allow).unwrap_err();
        check("s", &asks(Capability::Clock, "", true), &allow).unwrap_err();
    }

    #[test]
    fn grants_that_cannot_be_given_are_refused() {
        let manifest = asks(Capability::Clock, "", false);
        let read = |path: &str| Allow { read: vec![path.into()], ..Allow::default() };
        for path in ["../x", "/etc", "a/../../b", ""] {
            check("s", &manifest, &read(path)).unwrap_err();
        }
        let net = Allow { net: vec!["https://example.com".into()], ..Allow::default() };
        assert_eq!(check("s", &manifest, &net).unwrap_err().code, "plugin::net-unavailable");
    }
}
