//! The standard plugins, embedded so that a user needs neither a registry nor a compiler for WebAssembly.
//!
//! `cargo xtask plugins` builds them from `plugins/` into `plugins/dist/`.

/// A plugin inside this binary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Embedded {
    /// `table-check` for `builtin:table-check`.
    pub(crate) name: &'static str,
    /// The component.
    pub(crate) bytes: &'static [u8],
    /// What it says about itself, so that nothing need be compiled to know.
    pub(crate) manifest_json: &'static str,
}

/// Digests as `sha256sum` writes them.
const SHA256SUMS: &str = include_str!("../../../plugins/dist/SHA256SUMS");

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(Embedded {
            name: $name,
            bytes: include_bytes!(concat!("../../../plugins/dist/", $name, ".wasm")),
            manifest_json: include_str!(concat!("../../../plugins/dist/", $name, ".manifest.json")),
        }),+]
    };
}

/// All of them, by name.
pub(crate) const ALL: &[Embedded] =
    embedded!["drift-check", "folder-deploy", "linear-train", "logistic-train", "onnx-score", "table-check"];

impl Embedded {
    /// SHA-256 of the component, hex, as recorded when it was built.
    pub(crate) fn sha256(&self) -> Option<&'static str> {
        SHA256SUMS.lines().find_map(|line| {
            let (digest, file) = line.split_once("  ")?;
            (file.strip_suffix(".wasm") == Some(self.name)).then_some(digest)
        })
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::workflow_file::hex;

    #[test]
    fn recorded_digests_are_those_of_the_bytes() {
        for plugin in ALL {
            assert_eq!(plugin.sha256(), Some(hex(&Sha256::digest(plugin.bytes)).as_str()), "{}", plugin.name);
        }
    }

    #[test]
    fn every_built_plugin_is_embedded() {
        let built = SHA256SUMS.lines().filter_map(|line| line.split_once("  ")?.1.strip_suffix(".wasm"));
        for name in built {
            assert!(
                ALL.iter().any(|plugin| plugin.name == name),
                "{name} is built but not listed in builtins.rs"
            );
        }
    }

    #[test]
    fn names_are_sorted_and_those_of_the_manifests() {
        assert!(ALL.is_sorted_by_key(|plugin| plugin.name));
        for plugin in ALL {
            let manifest: serde_json::Value = serde_json::from_str(plugin.manifest_json).unwrap();
            assert_eq!(manifest["name"], plugin.name);
        }
    }
}
