//! Evidence that was tampered with, in every way, is refused; each with its own reason.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use runner_store::{
    Digest,
    signing::{Bundle, SigningKey},
};
use runner_tests::{Seen, Workspace};
use serde_json::{Value, json};

/// A promoted model with its evidence, outside of the store.
struct Exhibit {
    workspace: Workspace,
    key: SigningKey,
    evidence: Vec<u8>,
}

impl Exhibit {
    fn new() -> Self {
        let workspace = Workspace::with_examples();
        let _ = workspace.run(&["run", "workflows/champion-challenger.yml", "-p", "c=0.01"]).expect_code(0);
        let _ = workspace.run(&["run", "workflows/champion-challenger.yml", "-p", "c=1.0"]).expect_code(0);
        let version = workspace.read(".runner/registry/tumours/versions/00000002.json");
        let version: Value = serde_json::from_str(&version).unwrap();
        let object = |digest: &Value| {
            let hex = digest.as_str().unwrap().trim_start_matches("sha256:").to_owned();
            std::fs::read(workspace.path().join(format!(".runner/objects/sha256/{}/{hex}", &hex[..2])))
                .unwrap()
        };
        workspace.write("model.onnx", object(&version["digest"]));
        let evidence = object(&version["evidence"]["digest"]);
        workspace.write("evidence.json", &evidence);
        let key = SigningKey::read(&workspace.path().join(".config/runner/keys/signing.pem")).unwrap();
        Self { workspace, key, evidence }
    }

    fn verify(&self, more: &[&str]) -> Seen {
        let arguments = [&["verify", "model.onnx", "--evidence", "evidence.json"], more].concat();
        self.workspace.run(&arguments)
    }

    fn statement(&self) -> Value {
        let statement = Bundle::parse(&self.evidence).unwrap().statement_unverified().unwrap();
        serde_json::from_slice(&statement).unwrap()
    }

    /// The file with one change in its envelope, not signed again.
    fn tamper(&self, change: impl FnOnce(&mut Value)) {
        let mut bundle: Value = serde_json::from_slice(&self.evidence).unwrap();
        change(&mut bundle);
        self.workspace.write("evidence.json", bundle.to_string());
    }

    /// The statement with one change, signed again with the trusted key: what somebody who has the key could do.
    fn forge(&self, change: impl FnOnce(&mut Value)) {
        let mut statement = self.statement();
        change(&mut statement);
        let bundle = Bundle::sign(statement.to_string().as_bytes(), Some(&self.key));
        self.workspace.write("evidence.json", bundle.to_bytes());
    }

    fn object_of_predictions(&self) -> PathBuf {
        let digest =
            &self.statement()["predicate"]["stages"][0]["case"]["candidate"]["predictions"][0]["digest"];
        let hex = digest.as_str().unwrap().trim_start_matches("sha256:").to_owned();
        self.workspace.path().join(format!(".runner/objects/sha256/{}/{hex}", &hex[..2]))
    }
}

type Change = Box<dyn Fn(&mut Value)>;

/// Refused with exit code 5 and this code.
fn refused(seen: Seen, code: &str) {
    let seen = seen.expect_code(5);
    assert!(seen.stderr.contains(&format!("error[{code}]")), "expected {code}\n{}", seen.snapshot());
    assert_eq!(seen.stdout, "", "nothing reads as verified");
}

#[test]
fn what_was_not_tampered_with_is_verified_and_computed_again() {
    let exhibit = Exhibit::new();
    let seen =
        exhibit.verify(&["--replay", "--workflow", "workflows/champion-challenger.yml"]).expect_code(0);
    insta::assert_snapshot!("verified", seen.snapshot());
    let _ = exhibit.workspace.run(&["verify", "registry:tumours@champion", "--replay"]).expect_code(0);
    // Without a store or a network: only the model, the evidence and the public key.
    let elsewhere = Workspace::empty();
    std::fs::remove_dir(elsewhere.path().join(".runner")).unwrap();
    for file in ["model.onnx", "evidence.json"] {
        std::fs::copy(exhibit.workspace.path().join(file), elsewhere.path().join(file)).unwrap();
    }
    elsewhere.write("signer.pub", exhibit.key.public().to_pem());
    let arguments = ["verify", "model.onnx", "--evidence", "evidence.json", "--key", "signer.pub"];
    let _ = elsewhere.run(&arguments).expect_code(0);
    refused(elsewhere.run(&arguments[..4]), "evidence::no_key");
}

#[test]
fn tampering_without_the_key_is_refused() {
    let exhibit = Exhibit::new();
    let payload = |bundle: &mut Value, change: &dyn Fn(&mut Vec<u8>)| {
        let envelope = &mut bundle["dsseEnvelope"];
        let mut bytes = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        change(&mut bytes);
        envelope["payload"] = STANDARD.encode(bytes).into();
    };
    // Any byte of the statement.
    let length = exhibit.statement().to_string().len();
    for position in [0, length / 5, length / 3, length / 2, length - 2] {
        exhibit.tamper(|bundle| payload(bundle, &|bytes| bytes[position] ^= 1));
        refused(exhibit.verify(&[]), "evidence::signature");
    }
    exhibit.tamper(|bundle| payload(bundle, &|bytes| bytes.push(b' ')));
    refused(exhibit.verify(&[]), "evidence::signature");
    exhibit.tamper(|bundle| {
        let signature = &mut bundle["dsseEnvelope"]["signatures"][0]["sig"];
        let mut bytes = STANDARD.decode(signature.as_str().unwrap()).unwrap();
        bytes[10] ^= 1;
        *signature = STANDARD.encode(bytes).into();
    });
    refused(exhibit.verify(&[]), "evidence::signature");
    exhibit.tamper(|bundle| bundle["dsseEnvelope"]["signatures"] = json!([]));
    refused(exhibit.verify(&[]), "evidence::malformed");
    exhibit.tamper(|bundle| bundle["dsseEnvelope"]["payloadType"] = "text/plain".into());
    refused(exhibit.verify(&[]), "evidence::malformed");
    exhibit.tamper(|bundle| bundle["mediaType"] = "application/json".into());
    refused(exhibit.verify(&[]), "evidence::malformed");
    exhibit.workspace.write("evidence.json", "{");
    refused(exhibit.verify(&[]), "evidence::malformed");

    // Signed by somebody else, whatever name he gives his key.
    let stranger = SigningKey::generate().unwrap();
    let mut forged = Bundle::sign(exhibit.statement().to_string().as_bytes(), Some(&stranger));
    exhibit.workspace.write("evidence.json", forged.to_bytes());
    refused(exhibit.verify(&[]), "evidence::key");
    forged.dsse_envelope.signatures[0].keyid = exhibit.key.public().id();
    exhibit.workspace.write("evidence.json", forged.to_bytes());
    refused(exhibit.verify(&[]), "evidence::signature");
    exhibit.workspace.write("evidence.json", &exhibit.evidence);
    exhibit.workspace.write("other.pub", stranger.public().to_pem());
    refused(exhibit.verify(&["--key", "other.pub"]), "evidence::key");

    // Names of keys are not signed: it is told whose signature it is, whatever they say.
    let signer = format!("key {}", exhibit.key.public().id());
    exhibit.workspace.write("evidence.json", &exhibit.evidence);
    let genuine = exhibit.verify(&[]).expect_code(0);
    assert!(genuine.stdout.contains(&signer), "{}", genuine.stdout);
    exhibit.tamper(|bundle| bundle["dsseEnvelope"]["signatures"][0]["keyid"] = "deadbeef".into());
    let renamed = exhibit.verify(&[]).expect_code(0);
    assert!(renamed.stdout.contains(&signer), "{}", renamed.stdout);
    exhibit.tamper(|bundle| {
        let signatures = bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
        let mut first = signatures[0].clone();
        first["keyid"] = "alice-the-auditor".into();
        first["sig"] = STANDARD.encode([0; 64]).into();
        signatures.insert(0, first);
    });
    let crowded = exhibit.verify(&[]).expect_code(0);
    assert!(crowded.stdout.contains(&signer) && !crowded.stdout.contains("alice"), "{}", crowded.stdout);

    // The bytes of the model.
    let mut model = std::fs::read(exhibit.workspace.path().join("model.onnx")).unwrap();
    model[100] ^= 1;
    exhibit.workspace.write("model.onnx", model);
    refused(exhibit.verify(&[]), "evidence::subject");
}

#[test]
fn a_statement_that_was_changed_and_signed_again_contradicts_itself() {
    let exhibit = Exhibit::new();
    let gate = "/predicate/stages/0/case/gates/0/line";
    let changes: [(&str, Change); 8] = [
        (
            "evidence::statement",
            Box::new(|statement| statement["predicateType"] = "https://slsa.dev/provenance/v1".into()),
        ),
        ("evidence::statement", Box::new(|statement| statement["predicate"]["format"] = 99.into())),
        (
            "evidence::subject",
            Box::new(|statement| {
                statement["subject"][0]["digest"]["sha256"] = "0".repeat(64).into();
            }),
        ),
        ("evidence::verdict", Box::new(|statement| statement["predicate"]["verdict"] = "warn".into())),
        (
            "evidence::gates",
            Box::new(move |statement| {
                *statement.pointer_mut(gate).unwrap() = "accuracy >= 0.1".into();
            }),
        ),
        (
            "evidence::gates",
            Box::new(|statement| {
                statement["predicate"]["stages"][0]["judgements"].as_array_mut().unwrap().pop();
            }),
        ),
        (
            "evidence::policy",
            Box::new(move |statement| {
                *statement.pointer_mut(gate).unwrap() = "accuracy >= 0.1".into();
                statement["predicate"]["policy"]["gates"]["evaluate"][0]["line"] = "accuracy >= 0.1".into();
            }),
        ),
        (
            "evidence::waiver",
            Box::new(|statement| {
                statement["predicate"]["stages"][0]["judgements"][0]["verdict"] = "waived".into();
                statement["predicate"]["verdict"] = "waived".into();
            }),
        ),
    ];
    for (code, change) in changes {
        exhibit.forge(change);
        refused(exhibit.verify(&[]), code);
    }
}

#[test]
fn numbers_that_are_not_those_of_the_predictions_are_found_by_a_replay() {
    let exhibit = Exhibit::new();
    let observed = "/predicate/stages/0/judgements/0/rules/0/observed";
    exhibit.forge(|statement| *statement.pointer_mut(observed).unwrap() = 0.999.into());
    let _ = exhibit.verify(&[]).expect_code(0);
    refused(exhibit.verify(&["--replay"]), "evidence::replay");
    // A lower threshold, consistently: the policy is another one, and the judgements do not follow from it.
    exhibit.forge(|statement| {
        *statement.pointer_mut("/predicate/stages/0/case/gates/0/line").unwrap() = "accuracy >= 0.1".into();
        let policy = &mut statement["predicate"]["policy"];
        policy["gates"]["evaluate"][0]["line"] = "accuracy >= 0.1".into();
        let digest = Digest::of_bytes(policy.to_string().as_bytes()).to_string();
        statement["predicate"]["policy_digest"] = digest.into();
    });
    refused(exhibit.verify(&["--replay"]), "evidence::replay");
    refused(exhibit.verify(&["--workflow", "workflows/champion-challenger.yml"]), "evidence::other_policy");
    // Numbers of the baseline.
    let of_baseline = "/predicate/stages/0/judgements/1/rules/0/reference/value";
    exhibit.forge(|statement| *statement.pointer_mut(of_baseline).unwrap() = 0.5.into());
    refused(exhibit.verify(&["--replay"]), "evidence::replay");
    // The predictions themselves.
    exhibit.workspace.write("evidence.json", &exhibit.evidence);
    let object = exhibit.object_of_predictions();
    let mut bytes = std::fs::read(&object).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, &bytes).unwrap();
    refused(exhibit.verify(&["--replay"]), "evidence::predictions");
    // Set aside by then.
    refused(exhibit.verify(&["--replay"]), "evidence::predictions");
}

#[test]
fn evidence_that_does_not_tell_how_its_stages_ended_allows_nothing() {
    let exhibit = Exhibit::new();
    exhibit.forge(|statement| {
        statement["predicate"]["format"] = 1.into();
        statement["predicate"].as_object_mut().unwrap().remove("stage_ends");
    });
    refused(exhibit.verify(&[]), "evidence::stage");
}

#[test]
fn a_waiver_that_expired_since_is_refused() {
    let exhibit = Exhibit::new();
    exhibit.forge(|statement| {
        let gate = statement["predicate"]["stages"][0]["judgements"][0]["id"].clone();
        statement["predicate"]["stages"][0]["judgements"][0]["verdict"] = "waived".into();
        statement["predicate"]["verdict"] = "waived".into();
        statement["predicate"]["waivers"] = json!([{
            "workflow": "champion-challenger",
            "gate": gate,
            "finding": format!("sha256:{}", "0".repeat(64)),
            "reason": "r",
            "author": "a",
            "until": "2020-01-01",
        }]);
    });
    refused(exhibit.verify(&[]), "evidence::waiver_expired");
}

#[test]
fn evidence_of_a_refused_model_is_genuine_and_does_not_pass() {
    let workspace = Workspace::with_examples();
    let _ = workspace.run(&["run", "workflows/champion-challenger.yml", "-p", "c=0.01"]).expect_code(0);
    let json = workspace
        .run(&["run", "workflows/champion-challenger.yml", "-p", "c=0.0001", "--json"])
        .expect_code(3);
    let record: Value = serde_json::from_str(&json.stdout).unwrap();
    let hex = record["stages"][0]["steps"][0]["artifacts"][0]["digest"].as_str().unwrap().to_owned();
    let hex = hex.trim_start_matches("sha256:");
    let model = format!(".runner/objects/sha256/{}/{hex}", &hex[..2]);
    let evidence = format!(".runner/runs/{}/evidence.json", record["run_id"].as_str().unwrap());
    let seen = workspace.run(&["verify", &model, "--evidence", &evidence]).expect_code(3);
    assert!(seen.stderr.contains("evidence::not_passing"), "{}", seen.snapshot());
}

#[test]
fn a_private_key_that_others_can_read_signs_nothing() {
    let workspace = Workspace::with_examples();
    insta::assert_snapshot!("key_new", workspace.run(&["key", "new"]).expect_code(0).snapshot());
    let shown = workspace.run(&["key", "show"]).expect_code(0);
    assert!(shown.stdout.contains("BEGIN PUBLIC KEY"), "{}", shown.snapshot());
    let path = workspace.path().join(".config/runner/keys/signing.pem");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let seen = workspace.run(&["run", "workflows/quickstart.yml"]).expect_code(6);
    assert!(seen.stderr.contains("signing::exposed_key"), "{}", seen.snapshot());
}
