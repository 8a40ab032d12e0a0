//! The key that signs evidence, and the keys that are trusted: the folder `keys` of the user's configuration.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_store::signing::{PublicKey, SigningError, SigningKey};

use crate::{environment::Environment, exit_code::ExitCode, failure::Failure, output, report::visible};

/// The private key.
const PRIVATE: &str = "signing.pem";
/// Its public half; every other file with this extension in the folder is trusted too.
const PUBLIC: &str = "signing.pub";

/// Keys of this user.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Signs evidence.
    pub(crate) signing: Option<Arc<SigningKey>>,
    /// Whose evidence is accepted.
    pub(crate) trusted: Vec<PublicKey>,
}

/// The folder of keys.
pub(crate) fn folder(environment: &Environment) -> Result<PathBuf, Failure> {
    let config = environment.config_dir.as_ref().ok_or_else(|| {
        Failure::environment(
            "cli::no-config-dir",
            "there is no folder for keys: neither HOME nor XDG_CONFIG_HOME is set",
        )
        .help(
            "set RUNNER_CONFIG_DIR to a folder of your own; evidence is signed with a key that is kept there",
        )
    })?;
    Ok(environment.current_dir.join(config).join("keys"))
}

/// The signing key for a run. Where there is no place for one the run goes on and says so: its evidence is not signed, so
/// that nothing will rest on it.
pub(crate) fn for_run(environment: &Environment) -> Result<Keys, Failure> {
    let unsigned = |failure: Failure| {
        output::complain(&format!(
            "warning: the evidence of this run is not signed: {}\n",
            visible::line(&failure.message)
        ));
        Keys::default()
    };
    match for_signing(environment) {
        Err(failure) if matches!(failure.code.as_str(), "cli::no-config-dir" | "cli::keys") => {
            Ok(unsigned(failure))
        }
        keys => keys,
    }
}

/// The signing key, made where there is none, and the trusted keys.
pub(crate) fn for_signing(environment: &Environment) -> Result<Keys, Failure> {
    let folder = folder(environment)?;
    let path = folder.join(PRIVATE);
    let key = if path.exists() { read(&path)? } else { make(&folder)?.0 };
    let mut trusted = trusted(&folder)?;
    // Also where somebody removed the file of the public half.
    if !trusted.contains(key.public()) {
        trusted.push(key.public().clone());
    }
    Ok(Keys { signing: Some(Arc::new(key)), trusted })
}

/// The keys named on the command line, or all that the folder holds where none is named.
pub(crate) fn for_checking(named: &[PathBuf], environment: &Environment) -> Result<Vec<PublicKey>, Failure> {
    if named.is_empty() {
        return trusted(&folder(environment)?);
    }
    let read = |path: &PathBuf| {
        PublicKey::read(&environment.current_dir.join(path)).map_err(|error| from_signing(&error))
    };
    named.iter().map(read).collect()
}

/// A new key where there is none yet; whether it was made, and its file.
pub(crate) fn make(folder: &Path) -> Result<(SigningKey, bool), Failure> {
    let environment = |error: std::io::Error| {
        Failure::environment("cli::keys", format!("cannot keep a key in {}: {error}", folder.display()))
            .help("set RUNNER_CONFIG_DIR to a folder that you can write to")
    };
    fs::create_dir_all(folder).map_err(environment)?;
    let path = folder.join(PRIVATE);
    if path.exists() {
        return Ok((read(&path)?, false));
    }
    let key = SigningKey::generate().map_err(|error| from_signing(&error))?;
    if let Err(error) = key.write_new(&path) {
        // Another process may have been first.
        return if path.exists() { Ok((read(&path)?, false)) } else { Err(from_signing(&error)) };
    }
    fs::write(folder.join(PUBLIC), key.public().to_pem()).map_err(environment)?;
    Ok((key, true))
}

/// Path of the public half of the own key.
pub(crate) fn public_file(folder: &Path) -> PathBuf {
    folder.join(PUBLIC)
}

/// All trusted keys, by the name of their file.
fn trusted(folder: &Path) -> Result<Vec<PublicKey>, Failure> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pub"));
    files.sort();
    files.iter().map(|path| PublicKey::read(path).map_err(|error| from_signing(&error))).collect()
}

fn read(path: &Path) -> Result<SigningKey, Failure> {
    SigningKey::read(path).map_err(|error| from_signing(&error))
}

/// What is wrong with a key is the environment's; what is wrong with a signature is a refusal.
pub(crate) fn from_signing(error: &SigningError) -> Failure {
    let exit = match error {
        SigningError::Storage(_)
        | SigningError::BadKey { .. }
        | SigningError::Exposed { .. }
        | SigningError::Random { .. } => ExitCode::Environment,
        SigningError::Malformed { .. }
        | SigningError::UntrustedKey { .. }
        | SigningError::BadSignature { .. }
        | SigningError::NoTrustedKey => ExitCode::Denied,
    };
    crate::failure::from_diagnostic(error, exit)
}
