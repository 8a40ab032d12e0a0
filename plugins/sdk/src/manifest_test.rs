//! The test that the export macros add to a plugin. It is also how a plugin's manifest is written down beside its
//! component without running it: with `RUNNER_PLUGIN_MANIFEST` set to a path, the manifest goes there as JSON.

#![expect(clippy::expect_used, reason = "the body of a test, in the plugin's crate")]

use crate::Manifest;

/// Fails the test if a host would refuse the manifest; writes it where `RUNNER_PLUGIN_MANIFEST` says.
pub fn check(manifest: &Manifest) {
    assert_eq!(manifest.problems(), Vec::new(), "a host would refuse this manifest");
    if let Some(path) = std::env::var_os("RUNNER_PLUGIN_MANIFEST") {
        let mut text = serde_json::to_string_pretty(manifest).expect("a manifest is plain data");
        text.push('\n');
        std::fs::write(path, text).expect("the path in RUNNER_PLUGIN_MANIFEST can be written");
    }
}
