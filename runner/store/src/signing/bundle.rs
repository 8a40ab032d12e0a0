//! A signed payload.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{PublicKey, SigningError, SigningKey};

/// Media type of a bundle.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Payload type of an in-toto statement.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A signed envelope and what proves its signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// `application/vnd.dev.sigstore.bundle.v0.3+json`.
    pub media_type: String,
    /// What the signature is to be checked with.
    pub verification_material: VerificationMaterial,
    /// The payload and its signatures.
    pub dsse_envelope: Envelope,
}

/// What a signature is to be checked with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationMaterial {
    /// A key that the reader knows, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKeyHint>,
    /// A certificate of keyless signing. Not made and not accepted by this version, which trusts keys only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<serde_json::Value>,
    /// Entries of a transparency log; likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tlog_entries: Vec<serde_json::Value>,
}

/// Names a public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeyHint {
    /// Its id, see [`PublicKey::id`].
    pub hint: String,
}

/// A DSSE envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The payload in Base64.
    pub payload: String,
    /// `application/vnd.in-toto+json`.
    pub payload_type: String,
    /// Its signatures; empty where nobody signed it.
    pub signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Id of the key.
    pub keyid: String,
    /// The signature in Base64.
    pub sig: String,
}

impl Bundle {
    /// Signs an in-toto statement; without a key the envelope has no signature, and nobody will accept it.
    #[must_use]
    pub fn sign(statement: &[u8], key: Option<&SigningKey>) -> Self {
        let message = encoded(IN_TOTO, statement);
        let id = key.map(|key| key.public().id());
        let signatures = key
            .iter()
            .zip(&id)
            .map(|(key, id)| Signature { keyid: id.clone(), sig: STANDARD.encode(key.sign(&message)) });
        Self {
            media_type: BUNDLE.to_owned(),
            verification_material: VerificationMaterial {
                public_key: id.clone().map(|hint| PublicKeyHint { hint }),
                ..VerificationMaterial::default()
            },
            dsse_envelope: Envelope {
                payload: STANDARD.encode(statement),
                payload_type: IN_TOTO.to_owned(),
                signatures: signatures.collect(),
            },
        }
    }

    /// Reads a bundle, or an envelope that stands alone.
    pub fn parse(bytes: &[u8]) -> Result<Self, SigningError> {
        let malformed = |reason: String| SigningError::Malformed { reason };
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if value.get("dsseEnvelope").is_none() && value.get("payload").is_some() {
            let dsse_envelope =
                serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?;
            let verification_material = VerificationMaterial::default();
            return Ok(Self { media_type: BUNDLE.to_owned(), verification_material, dsse_envelope });
        }
        let bundle: Self = serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?;
        if bundle.media_type != BUNDLE {
            return Err(malformed(format!("its media type is `{}`, not `{BUNDLE}`", bundle.media_type)));
        }
        Ok(bundle)
    }

    /// As written to files: JSON with a line end.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Cannot fail: it is made of text.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The statement if one of these keys signed it.
    pub fn verify(&self, trusted: &[PublicKey]) -> Result<Vec<u8>, SigningError> {
        self.verify_signer(trusted).map(|(statement, _)| statement)
    }

    /// The statement, and which of these keys signed it. Names of keys in the envelope are not signed, so they say nothing.
    pub fn verify_signer<'k>(
        &self,
        trusted: &'k [PublicKey],
    ) -> Result<(Vec<u8>, &'k PublicKey), SigningError> {
        let malformed = |reason: &str| SigningError::Malformed { reason: reason.to_owned() };
        let envelope = &self.dsse_envelope;
        let statement = self.statement_unverified()?;
        if trusted.is_empty() {
            return Err(SigningError::NoTrustedKey);
        }
        if envelope.signatures.is_empty() {
            return Err(malformed("it is not signed"));
        }
        let message = encoded(&envelope.payload_type, &statement);
        let mut known = None;
        for signature in &envelope.signatures {
            let bytes =
                STANDARD.decode(&signature.sig).map_err(|_| malformed("a signature is not Base64"))?;
            // The name of the key is a hint only: what counts is whose signature it is.
            if let Some(key) = trusted.iter().find(|key| key.verifies(&message, &bytes)) {
                return Ok((statement, key));
            }
            if trusted.iter().any(|key| key.id() == signature.keyid) {
                known = Some(signature.keyid.clone());
            }
        }
        let ids = |ids: Vec<String>| ids.join(", ");
        Err(match known {
            Some(key) => SigningError::BadSignature { key },
            None => SigningError::UntrustedKey {
                signed_with: ids(envelope.signatures.iter().map(|one| one.keyid.clone()).collect()),
                trusted: ids(trusted.iter().map(PublicKey::id).collect()),
            },
        })
    }

    /// The statement, whoever wrote it. For showing it, never for deciding something.
    pub fn statement_unverified(&self) -> Result<Vec<u8>, SigningError> {
        let malformed = |reason: &str| SigningError::Malformed { reason: reason.to_owned() };
        if self.dsse_envelope.payload_type != IN_TOTO {
            return Err(malformed("its payload is no in-toto statement"));
        }
        STANDARD.decode(&self.dsse_envelope.payload).map_err(|_| malformed("its payload is not Base64"))
    }
}

/// What is signed: the pre-authentication encoding of DSSE, so that the type is signed with the payload.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_one_of_the_specification() {
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(encoded("http://example.com/HelloWorld", b"hello world"), expected);
    }

    #[test]
    fn only_the_signed_bytes_verify() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let bundle = Bundle::sign(b"{}", Some(&key));
        let again = Bundle::parse(&bundle.to_bytes()).unwrap();
        assert_eq!(again, bundle);
        assert_eq!(again.verify(&[other.public().clone(), key.public().clone()]).unwrap(), b"{}");
        let envelope = serde_json::to_vec(&bundle.dsse_envelope).unwrap();
        assert_eq!(Bundle::parse(&envelope).unwrap().verify(&[key.public().clone()]).unwrap(), b"{}");
        assert!(matches!(bundle.verify(&[]), Err(SigningError::NoTrustedKey)));
        let untrusted = bundle.verify(&[other.public().clone()]);
        assert!(matches!(untrusted, Err(SigningError::UntrustedKey { .. })));
        let mut changed = bundle.clone();
        changed.dsse_envelope.payload = STANDARD.encode(b"{ }");
        let refused = changed.verify(&[key.public().clone()]);
        assert!(matches!(refused, Err(SigningError::BadSignature { .. })));
        let mut renamed = Bundle::sign(b"{}", Some(&other));
        renamed.dsse_envelope.signatures[0].keyid = key.public().id();
        assert!(renamed.verify(&[key.public().clone()]).is_err());
        // Whatever the envelope calls the keys, it is told whose signature it is.
        let mut crowded = Bundle::sign(b"{}", Some(&key));
        crowded.dsse_envelope.signatures[0].keyid = "deadbeef".to_owned();
        let first = Signature { keyid: "alice".to_owned(), sig: STANDARD.encode([0; 64]) };
        crowded.dsse_envelope.signatures.insert(0, first);
        let trusted = [other.public().clone(), key.public().clone()];
        assert_eq!(crowded.verify_signer(&trusted).unwrap().1, key.public());
        let unsigned = Bundle::sign(b"{}", None);
        assert!(matches!(unsigned.verify(&[key.public().clone()]), Err(SigningError::Malformed { .. })));
    }
}
