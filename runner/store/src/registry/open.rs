//! Where a registry is: in the store of the workspace, in a shared folder, or in a bucket.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use miette::Diagnostic;
use object_store::{
    ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path as Location,
    prefix::PrefixStore,
};
use thiserror::Error;

use super::{Registry, RegistryError};
use crate::{error::StorageError, layout::Store};

/// Where a shared registry is. Records lie below `registry/`, the bytes of models below `objects/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `s3://BUCKET/PREFIX`: a bucket of S3, or of a store that speaks its protocol and knows `If-None-Match`.
    Bucket {
        /// Its name.
        bucket: String,
        /// What every key begins with; may be empty.
        prefix: String,
    },
    /// A folder, for example on a network drive.
    Folder(PathBuf),
}

/// Not a place of a registry.
#[derive(Debug, Error, Diagnostic)]
#[error("`{text}` is not a place of a registry: {reason}")]
#[diagnostic(code(registry::place), help("write `s3://BUCKET/PREFIX` or the path of a folder"))]
pub struct PlaceError {
    /// As given.
    pub text: String,
    /// What is wrong.
    pub reason: String,
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let wrong = |reason: &str| PlaceError { text: text.to_owned(), reason: reason.to_owned() };
        match text.split_once("://") {
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(wrong("it names no bucket"));
                }
                let prefix = prefix.trim_matches('/').to_owned();
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix })
            }
            Some(("file", path)) if path.starts_with('/') => Ok(Self::Folder(path.into())),
            Some(("file", _)) => Err(wrong("a path after `file://` begins with `/`")),
            Some((scheme, _)) => Err(wrong(&format!("`{scheme}` is not known"))),
            None if text.is_empty() => Err(wrong("it is empty")),
            None => Ok(Self::Folder(text.into())),
        }
    }
}

impl Registry {
    /// A shared registry. `variables` configure the access to a bucket by the names that AWS tools use (`AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …); others are not looked at. Bytes of models are kept in `objects` too.
    pub fn open(
        place: &Place,
        variables: &BTreeMap<String, String>,
        objects: Store,
    ) -> Result<Self, RegistryError> {
        let root: Arc<dyn ObjectStore> = match place {
            Place::Bucket { bucket, prefix } => {
                let shown = format!("s3://{bucket}");
                let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_retry(patience());
                for (name, value) in variables.iter().filter(|(name, _)| name.starts_with("AWS_")) {
                    // Many AWS variables concern other tools.
                    if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                        if key != AmazonS3ConfigKey::Bucket {
                            builder = builder.with_config(key, value);
                        }
                        // Nobody listens between this machine and itself.
                        if is_loopback(value) && name.starts_with("AWS_ENDPOINT") {
                            builder = builder.with_allow_http(true);
                        }
                    }
                }
                let bucket =
                    builder.build().map_err(|source| RegistryError::access("open", shown, source))?;
                if prefix.is_empty() {
                    Arc::new(bucket)
                } else {
                    Arc::new(PrefixStore::new(bucket, Location::from(prefix.as_str())))
                }
            }
            Place::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(StorageError::at("create the folder", folder))?;
                let folder_store = LocalFileSystem::new_with_prefix(folder)
                    .map_err(|source| RegistryError::access("open", folder.display(), source))?;
                Arc::new(folder_store.with_fsync(true))
            }
        };
        let records = Arc::new(PrefixStore::new(Arc::clone(&root), Location::from("registry")));
        Ok(Self { records, objects, shared: Some(root) })
    }
}

/// Enough for a store that is busy, little enough for one that is not there.
fn patience() -> RetryConfig {
    RetryConfig { max_retries: 5, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() }
}

fn is_loopback(endpoint: &str) -> bool {
    let Some(rest) = endpoint.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let bucket =
            |bucket: &str, prefix: &str| Place::Bucket { bucket: bucket.into(), prefix: prefix.into() };
        for (text, place) in [
            ("s3://models", bucket("models", "")),
            ("s3://models/", bucket("models", "")),
            ("s3://models/team/a/", bucket("models", "team/a")),
            ("file:///mnt/r", Place::Folder("/mnt/r".into())),
            ("../shared", Place::Folder("../shared".into())),
        ] {
            assert_eq!(text.parse::<Place>().unwrap(), place, "{text}");
        }
        for text in ["", "s3://", "gs://b", "file://x"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        assert!(is_loopback("http://127.0.0.1:9000") && is_loopback("http://localhost/x"));
        assert!(!is_loopback("http://127.0.0.1.example.org") && !is_loopback("http://minio:9000"));
        assert!(!is_loopback("https://127.0.0.1"));
    }
}
