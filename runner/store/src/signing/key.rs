//! ed25519 keys in PEM files: PKCS#8 (RFC 8410) for the private one, SPKI for the public one.

use std::{fmt, fs, io::Write as _, os::unix::fs::MetadataExt as _, path::Path};

use ed25519_dalek::{
    Signer as _,
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
        spki::der::pem::LineEnding,
    },
};

use super::SigningError;
use crate::{digest::Digest, error::StorageError};

/// A private key.
#[derive(Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key from the randomness of the system.
    pub fn generate() -> Result<Self, SigningError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| SigningError::Random { reason: error.to_string() })?;
        Ok(Self::from(ed25519_dalek::SigningKey::from_bytes(&secret)))
    }

    /// Reads a private key; refused where others can read it.
    pub fn read(path: &Path) -> Result<Self, SigningError> {
        let place = path.display().to_string();
        let metadata = fs::metadata(path).map_err(StorageError::at("look at", path))?;
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SigningError::Exposed { place, mode });
        }
        let text = fs::read_to_string(path).map_err(StorageError::at("read", path))?;
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(&text).map_err(|error| SigningError::BadKey {
            place,
            what: "ed25519 private key",
            reason: error.to_string(),
        })?;
        Ok(Self::from(key))
    }

    /// Writes the private key to a new file that only its owner can read (0600). Never replaces a file.
    pub fn write_new(&self, path: &Path) -> Result<(), SigningError> {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF).map_err(|error| SigningError::BadKey {
            place: path.display().to_string(),
            what: "ed25519 private key",
            reason: error.to_string(),
        })?;
        // Made elsewhere with mode 0600 and then linked to its name, so that nobody reads half a key.
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(StorageError::at("create", path))?;
        file.write_all(pem.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(StorageError::at("write", path))?;
        file.persist_noclobber(path).map_err(|error| StorageError::new("create", path, error.error))?;
        Ok(())
    }

    /// The other half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature (64 bytes). The same message always gives the same one.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl From<ed25519_dalek::SigningKey> for SigningKey {
    fn from(key: ed25519_dalek::SigningKey) -> Self {
        let public = PublicKey { key: key.verifying_key() };
        Self { key, public }
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: ed25519_dalek::VerifyingKey,
}

impl PublicKey {
    /// Reads a public key in PEM.
    pub fn read(path: &Path) -> Result<Self, SigningError> {
        let text = fs::read_to_string(path).map_err(StorageError::at("read", path))?;
        let key = ed25519_dalek::VerifyingKey::from_public_key_pem(&text);
        let key = key.map_err(|error| SigningError::BadKey {
            place: path.display().to_string(),
            what: "ed25519 public key",
            reason: error.to_string(),
        })?;
        Ok(Self { key })
    }

    /// The key in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // Cannot fail for a key that is one.
        self.key.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Its id: the SHA-256 of its DER form, 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        let der = self.key.to_public_key_der();
        der.map(|der| Digest::of_bytes(der.as_bytes()).hex()).unwrap_or_default()
    }

    /// Whether the signature is of this key and over this message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_through_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.pem");
        let key = SigningKey::generate().unwrap();
        key.write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(SigningKey::read(&path).unwrap().public(), key.public());
        assert!(key.write_new(&path).is_err(), "a key is never overwritten");
        let public = folder.path().join("k.pub");
        fs::write(&public, key.public().to_pem()).unwrap();
        assert_eq!(PublicKey::read(&public).unwrap().id(), key.public().id());
        assert_eq!(key.public().id().len(), 64);
        assert!(PublicKey::read(&path).is_err());
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKey::read(&path), Err(SigningError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn nothing_of_the_private_key_is_shown() {
        let key = SigningKey::generate().unwrap();
        let secret: Vec<String> = key.key.to_bytes().iter().map(ToString::to_string).collect();
        assert!(!format!("{key:?}").contains(&secret.join(", ")));
    }
}
