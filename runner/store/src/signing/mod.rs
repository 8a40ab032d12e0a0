//! Signatures under what was decided: ed25519 keys, and statements in signed envelopes.
//!
//! An envelope is DSSE (<https://github.com/secure-systems-lab/dsse>) inside a Sigstore bundle
//! (`application/vnd.dev.sigstore.bundle.v0.3+json`), so that what proves the signer stands beside the envelope: here the
//! name of a public key; with keyless signing a certificate and entries of a transparency log would stand in its place.

mod bundle;
mod error;
mod key;

pub use bundle::{Bundle, Envelope, Signature, VerificationMaterial};
pub use error::SigningError;
pub use key::{PublicKey, SigningKey};
