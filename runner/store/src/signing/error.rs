//! Why a key cannot be used, or a signature is not accepted.

use miette::Diagnostic;
use thiserror::Error;

use crate::error::StorageError;

/// A key cannot be used, or a signature is not accepted.
#[derive(Debug, Error, Diagnostic)]
pub enum SigningError {
    /// The disk did not allow it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Storage(#[from] StorageError),
    /// No key in this file.
    #[error("{place} holds no {what}: {reason}")]
    #[diagnostic(
        code(signing::bad_key),
        help(
            "keys are ed25519 in PEM: PKCS#8 for the private one, SPKI for the public one; `runner key new` makes a pair"
        )
    )]
    BadKey {
        /// The file.
        place: String,
        /// `ed25519 private key` or `ed25519 public key`.
        what: &'static str,
        /// What the reader says.
        reason: String,
    },
    /// Others can read the private key.
    #[error("the private key {place} can be read by others (mode {mode:o})")]
    #[diagnostic(
        code(signing::exposed_key),
        help("`chmod 600` it; if others may have read it, make a new one with `runner key new`")
    )]
    Exposed {
        /// The file.
        place: String,
        /// Its mode.
        mode: u32,
    },
    /// No randomness.
    #[error("the system gives no random bytes for a key: {reason}")]
    #[diagnostic(code(signing::random))]
    Random {
        /// Why.
        reason: String,
    },
    /// Not an envelope.
    #[error("this is no signed evidence: {reason}")]
    #[diagnostic(
        code(evidence::malformed),
        help("evidence is the file `evidence.json` of a run: a Sigstore bundle with a DSSE envelope")
    )]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Signed with no key that is trusted.
    #[error("it is signed with the key {signed_with}, which is not trusted here; trusted: {trusted}")]
    #[diagnostic(
        code(evidence::key),
        help(
            "if you trust the signer, name the public key with `--key FILE`, or put it into the folder of trusted keys (`runner key show` names it)"
        )
    )]
    UntrustedKey {
        /// Ids of the keys it names.
        signed_with: String,
        /// Ids of trusted keys.
        trusted: String,
    },
    /// The signature does not fit.
    #[error("the signature does not fit: the evidence was changed after it was signed with the key {key}")]
    #[diagnostic(
        code(evidence::signature),
        help("do not rely on it; take the evidence from the store of the run, or run again")
    )]
    BadSignature {
        /// Id of the key.
        key: String,
    },
    /// Nothing is trusted.
    #[error("there is no trusted key to check the signature with")]
    #[diagnostic(code(evidence::no_key), help("name the signer's public key with `--key FILE`"))]
    NoTrustedKey,
}
