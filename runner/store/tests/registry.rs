//! The registry: versions, aliases, history, and many who promote at once.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, thread};

use object_store::memory::InMemory;
use runner_store::{Basis, Change, Digest, Expected, NewVersion, Registry, RegistryError, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join(".runner")).unwrap();
    (folder, store)
}

fn version(digest: Digest) -> NewVersion {
    NewVersion {
        digest,
        run: Some("20250101-000000-aaaaaa".into()),
        lineage: json!({"data": "sha256:…"}),
        metrics: json!({"auc": 0.9}),
        evidence: Value::Null,
        keep: Some(5),
        change: Change::default(),
    }
}

#[tokio::test]
async fn a_version_that_is_judged_again_rests_on_the_newer_evidence() {
    let (_folder, store) = store();
    let put = |text: &str| store.put_bytes(text.as_bytes()).unwrap().digest;
    let (model, other, first, second) = (put("model"), put("other"), put("first"), put("second"));
    let by_gates = |evidence| Basis { evidence, approval: None };
    let by_a_person = |evidence| Basis { evidence, approval: Some(put("approval")) };
    let registry = store.registry().unwrap();
    let promote = async |alias, digest, basis: Option<Basis>| {
        let mut new = version(digest);
        new.evidence = json!({ "digest": first });
        new.change.basis = basis;
        registry.promote("churn", alias, new, Expected::Anything).await.unwrap()
    };
    let made = promote("champion", model, None).await;
    let record = registry.version("churn", made.version).await.unwrap();
    let basis = async |alias| registry.basis_of(&record, alias).await.unwrap();
    assert_eq!(basis(Some("champion")).await, Some(by_gates(first)), "what the version was made with");
    let again = promote("champion", model, Some(by_gates(second))).await;
    assert_eq!((again.version, again.previous, again.changed), (1, Some(1), false));
    for alias in [None, Some("champion"), Some("v1"), Some("nobody")] {
        assert_eq!(basis(alias).await, Some(by_gates(second)));
    }
    // The same evidence once more is nothing new; that somebody let it through is.
    promote("champion", model, Some(by_gates(second))).await;
    assert_eq!(registry.history("churn", "champion").await.unwrap().len(), 2);
    promote("champion", model, Some(by_a_person(second))).await;
    assert_eq!(registry.history("churn", "champion").await.unwrap().len(), 3);
    // Judged for another alias later: that alias is asked first.
    promote("canary", model, Some(by_gates(first))).await;
    assert_eq!(basis(Some("champion")).await, Some(by_a_person(second)));
    assert_eq!(basis(Some("canary")).await, Some(by_gates(first)));
    assert_eq!(basis(None).await, Some(by_gates(first)), "the newest");
    // Also after the alias went elsewhere.
    promote("champion", other, Some(by_gates(first))).await;
    assert_eq!(basis(Some("champion")).await, Some(by_a_person(second)));
}

#[tokio::test]
async fn promote_again_and_back() {
    let (_folder, store) = store();
    let one = store.put_bytes(b"one").unwrap().digest;
    let two = store.put_bytes(b"two").unwrap().digest;
    for registry in [store.registry().unwrap(), Registry::new(Arc::new(InMemory::new()), store.clone())] {
        let promote = async |digest, expected| {
            let promoted = registry.promote("churn", "champion", version(digest), expected).await;
            promoted.map(|promoted| (promoted.version, promoted.previous, promoted.changed))
        };
        assert_eq!(registry.models().await.unwrap(), [""; 0]);
        assert!(matches!(registry.show("churn").await, Err(RegistryError::NoModel { .. })));
        assert_eq!(registry.resolve("churn", "champion").await.unwrap(), None);
        assert_eq!(registry.history("churn", "champion").await.unwrap(), []);

        assert_eq!(promote(one, Expected::Version(None)).await.unwrap(), (1, None, true));
        assert_eq!(promote(one, Expected::Version(None)).await.unwrap(), (1, Some(1), false));
        assert_eq!(promote(two, Expected::Version(Some(1))).await.unwrap(), (2, Some(1), true));
        match promote(one, Expected::Version(Some(1))).await.unwrap_err() {
            RegistryError::Moved { expected, found, .. } => assert_eq!((&*expected, &*found), ("v1", "v2")),
            other => panic!("{other}"),
        }
        assert_eq!(promote(one, Expected::Anything).await.unwrap(), (1, Some(2), true), "no new version");
        let back =
            registry.set_alias("churn", "champion", 2, Expected::Anything, Change::default()).await.unwrap();
        assert_eq!((back.version, back.previous, back.changed), (2, Some(1), true));
        registry.promote("churn", "canary", version(one), Expected::Anything).await.unwrap();

        assert_eq!(registry.models().await.unwrap(), ["churn"]);
        let summary = registry.show("churn").await.unwrap();
        assert_eq!(summary.versions.iter().map(|version| version.version).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(summary.versions[1].metrics, json!({"auc": 0.9}));
        assert_eq!((summary.versions[0].digest, summary.versions[0].size), (one, 3));
        let aliases: Vec<_> = summary.aliases.iter().map(|alias| (&*alias.alias, alias.version)).collect();
        assert_eq!(aliases, [("canary", 1), ("champion", 2)]);
        let history = registry.history("churn", "champion").await.unwrap();
        let moves: Vec<_> =
            history.iter().map(|record| (record.number, record.version, record.previous)).collect();
        assert_eq!(moves, [(1, 1, None), (2, 2, Some(1)), (3, 1, Some(2)), (4, 2, Some(1))]);
        assert_eq!(history[0].keep, Some(5));
        assert_eq!(registry.resolve("churn", "champion").await.unwrap().unwrap().digest, two);
        assert_eq!(registry.resolve("churn", "v1").await.unwrap().unwrap().digest, one);
        assert_eq!(registry.resolve("churn", "v9").await.unwrap(), None);
        assert!(matches!(registry.version("churn", 9).await, Err(RegistryError::NoVersion { .. })));
    }
}

#[tokio::test]
async fn missing_and_damaged_models_are_refused() {
    let (_folder, store) = store();
    let registry = store.registry().unwrap();
    let missing = version(Digest::of_bytes(b"never stored"));
    let error = registry.promote("churn", "champion", missing, Expected::Anything).await.unwrap_err();
    assert!(error.to_string().contains("is not in the store"), "{error}");
    let digest = store.put_bytes(b"model").unwrap().digest;
    fs::set_permissions(store.path(&digest), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(store.path(&digest), b"virus").unwrap();
    let error = registry.promote("churn", "champion", version(digest), Expected::Anything).await.unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(registry.models().await.unwrap(), [""; 0], "nothing was recorded");
}

#[tokio::test]
async fn names_lead_nowhere_else() {
    let (folder, store) = store();
    let registry = store.registry().unwrap();
    let digest = store.put_bytes(b"model").unwrap().digest;
    for name in ["", "..", "../../evil", "/evil", "a/b", ".hidden", "a%2fb", "a\0b", "a\n"] {
        let model = registry.promote(name, "champion", version(digest), Expected::Anything).await;
        assert!(matches!(model, Err(RegistryError::ModelName { .. })), "{name}");
        let alias = registry.promote("churn", name, version(digest), Expected::Anything).await;
        assert!(matches!(alias, Err(RegistryError::AliasName { .. })), "{name}");
        assert!(registry.show(name).await.is_err() && registry.history("churn", name).await.is_err());
        assert!(
            registry.resolve(name, "v1").await.is_err() && registry.resolve("churn", name).await.is_err()
        );
    }
    let alias = registry.promote("churn", "v2", version(digest), Expected::Anything).await;
    assert!(matches!(alias, Err(RegistryError::AliasName { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(registry.models().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn records_of_a_later_format_or_damaged_are_told() {
    let (_folder, store) = store();
    let registry = store.registry().unwrap();
    let digest = store.put_bytes(b"model").unwrap().digest;
    registry.promote("churn", "champion", version(digest), Expected::Anything).await.unwrap();
    let record = store.root().join("registry/churn/aliases/champion/00000001.json");
    // A temporary file that a killed process left, and other things that are no records.
    for name in ["00000002.json#1", "00000002.tmp", "3.json", "notes.txt"] {
        fs::write(record.with_file_name(name), b"half").unwrap();
    }
    assert_eq!(registry.history("churn", "champion").await.unwrap().len(), 1);
    fs::write(&record, br#"{"format":2,"new":true}"#).unwrap();
    let error = registry.resolve("churn", "champion").await.unwrap_err();
    assert!(matches!(error, RegistryError::NewerFormat { found: 2, .. }), "{error}");
    fs::write(&record, b"").unwrap();
    let error = registry.resolve("churn", "champion").await.unwrap_err();
    assert!(matches!(error, RegistryError::Record { .. }), "{error}");
}

#[test]
fn many_threads_promote_at_once() {
    const THREADS: usize = 8;
    const EACH: usize = 6;
    let (_folder, store) = store();
    let changed: usize = thread::scope(|scope| {
        let promoters: Vec<_> = (0..THREADS)
            .map(|who| {
                let store = store.clone();
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    let registry = store.registry().unwrap();
                    let mut changed = 0;
                    for number in 0..EACH {
                        // Some models are the same in all threads, some are not.
                        let text =
                            if number % 2 == 0 { format!("{number}") } else { format!("{who} {number}") };
                        let digest = store.put_bytes(text.as_bytes()).unwrap().digest;
                        let promoted = runtime
                            .block_on(registry.promote("m", "a", version(digest), Expected::Anything))
                            .unwrap();
                        changed += usize::from(promoted.changed);
                    }
                    changed
                })
            })
            .collect();
        promoters.into_iter().map(|promoter| promoter.join().unwrap()).sum()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let registry = store.registry().unwrap();
    let history = runtime.block_on(registry.history("m", "a")).unwrap();
    assert_eq!(history.len(), changed, "exactly one winner for each number");
    let mut before = None;
    for (record, number) in history.iter().zip(1..) {
        assert_eq!((record.number, record.previous), (number, before), "no gaps, each after the one before");
        before = Some(record.version);
    }
    let versions = runtime.block_on(registry.show("m")).unwrap().versions;
    let digests: std::collections::BTreeSet<_> = versions.iter().map(|version| version.digest).collect();
    assert_eq!(versions.len(), digests.len(), "a model has one version, whoever was first");
    assert_eq!(versions.len(), EACH / 2 + THREADS * EACH / 2);
}

#[test]
fn of_those_who_expect_the_same_one_wins() {
    let (_folder, store) = store();
    let results: Vec<_> = thread::scope(|scope| {
        let promoters: Vec<_> = (0..8)
            .map(|who: u8| {
                let store = store.clone();
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    let digest = store.put_bytes(&[who]).unwrap().digest;
                    let registry = store.registry().unwrap();
                    runtime.block_on(registry.promote("m", "a", version(digest), Expected::Version(None)))
                })
            })
            .collect();
        promoters.into_iter().map(|promoter| promoter.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(RegistryError::Moved { .. }))));
}
