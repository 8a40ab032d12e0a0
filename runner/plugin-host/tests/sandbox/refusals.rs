//! Files that are not plugins, and plugins that cannot be used.

use std::fs;

use runner_engine::{
    executor::{ErrorClass, Executor as _, ExecutorError},
    outcome::StepOutcome,
};
use runner_plugin_host::{Builtin, HostOptions, PluginHost};
use runner_workflow::plan::Allow;

use crate::stage::{Stage, guest_bytes, step};

/// A component of the world `step` whose `run` calls `$run_core`, defined in `core`.
pub(crate) fn component_with_run(core: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
  (import "runner:plugin/types@0.1.0" (instance $types
    (type $kind' (enum "dataset" "model" "predictions" "metrics" "tests" "report" "any"))
    (export "kind" (type $kind (eq $kind')))
    (type $port' (record (field "name" string) (field "kind" $kind) (field "required" bool)
      (field "default-path" string) (field "summary" string)))
    (export "port" (type $port (eq $port')))
    (type $capability' (enum "net" "read" "env" "clock" "random"))
    (export "capability" (type $capability (eq $capability')))
    (type $request' (record (field "capability" $capability) (field "scope" string) (field "why" string)
      (field "required" bool)))
    (export "capability-request" (type $request (eq $request')))
    (type $manifest' (record (field "name" string) (field "version" string) (field "summary" string)
      (field "stages" (list string)) (field "inputs" (list $port)) (field "outputs" (list $port))
      (field "config-schema" string) (field "capabilities" (list $request))))
    (export "manifest" (type (eq $manifest')))
    (type $binding' (record (field "name" string) (field "kind" $kind) (field "path" string)))
    (export "binding" (type $binding (eq $binding')))
    (type $task' (record (field "step" string) (field "inputs" (list $binding)) (field "outputs" (list $binding))
      (field "config" string) (field "seed" u64)))
    (export "task" (type (eq $task')))
    (type $failure' (variant (case "invalid-config" string) (case "invalid-input" string) (case "failed" string)))
    (export "failure" (type (eq $failure')))))
  (alias export $types "manifest" (type $manifest))
  (alias export $types "task" (type $task))
  (alias export $types "failure" (type $failure))
  (core module $module
    (memory (export "memory") 1)
    ;; The manifest: address and length of its eight strings and lists.
    (data (i32.const 0) "\00\04\00\00\05\00\00\00" "\05\04\00\00\05\00\00\00" "\00\00\00\00\00\00\00\00"
      "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00"
      "\0a\04\00\00\04\00\00\00" "\00\00\00\00\00\00\00\00")
    (data (i32.const 1024) "guest0.1.0true")
    (global $free (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    {core}
    (func (export "describe") (result i32) (i32.const 0))
    (func (export "run") (param i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
      (call $run_core)
      (i32.const 512)))
  (core instance $instance (instantiate $module))
  (func (export "describe") (result $manifest)
    (canon lift (core func $instance "describe") (memory (core memory $instance "memory"))))
  (func (export "run") (param "task" $task) (result (result (error $failure)))
    (canon lift (core func $instance "run") (memory (core memory $instance "memory")) (realloc (core func $instance "realloc")))))"#
    );
    wat::parse_str(text).unwrap()
}

async fn refusal(stage: &Stage, uses: &str) -> ExecutorError {
    let error = stage.host.prepare(&step(uses, Allow::default())).await.unwrap_err();
    assert!(!error.message.contains('\n') || error.message.len() < 2_000, "{error:?}");
    error
}

#[tokio::test]
async fn the_smallest_component_of_the_world_runs() {
    let stage = Stage::new();
    let uses = stage.file("smallest.wasm", &component_with_run("(func $run_core)"));
    let (outcome, _) = stage.execute(stage.request(&uses, 1)).await;
    assert_eq!(outcome.unwrap(), StepOutcome::Succeeded);
}

#[tokio::test]
async fn what_is_not_a_component_is_named() {
    let stage = Stage::new();
    let cases: [(&str, &[u8], &str); 5] = [
        ("garbage.wasm", b"this is not a component", "plugin::not-wasm"),
        ("empty.wasm", b"", "plugin::not-wasm"),
        ("core.wasm", b"\0asm\x01\0\0\0", "plugin::core-module"),
        ("future.wasm", b"\0asm\x63\0\x01\0", "plugin::unknown-version"),
        ("preamble.wasm", b"\0asm\x0d\0\x01\0rest", "plugin::invalid-component"),
    ];
    for (name, bytes, code) in cases {
        let error = refusal(&stage, &stage.file(name, bytes)).await;
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.message.contains(name), "{error:?}");
        let expected =
            if code == "plugin::invalid-component" { ErrorClass::Environment } else { ErrorClass::Usage };
        assert_eq!(error.class, expected, "{error:?}");
    }
}

#[tokio::test]
async fn a_component_cut_off_anywhere_is_an_error() {
    let stage = Stage::new();
    let whole = guest_bytes("echo");
    for part in 1..20 {
        let length = whole.len() * part / 20;
        let error = refusal(&stage, &stage.file(&format!("cut-{part}.wasm"), &whole[..length])).await;
        assert_eq!(
            (error.class, error.code),
            (ErrorClass::Environment, "plugin::invalid-component"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn components_of_other_worlds_are_named() {
    let stage = Stage::new();
    let function = |name: &str| {
        format!(
            r#"(core module $m_{name} (func (export "f") (result i32) (i32.const 1)))
               (core instance $i_{name} (instantiate $m_{name}))
               (func (export "{name}") (result u32) (canon lift (core func $i_{name} "f")))"#
        )
    };
    let cases = [
        ("nothing", String::new(), "plugin::wrong-world", "does not export `describe`"),
        ("half", function("describe"), "plugin::wrong-world", "exports neither `run` nor `apply`"),
        ("types", function("describe") + &function("run"), "plugin::wrong-world", "does not fit its world"),
        (
            "http",
            r#"(import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func))))"#.to_owned(),
            "plugin::unknown-import",
            "wasi:http/outgoing-handler@0.2.0",
        ),
    ];
    for (name, body, code, words) in cases {
        let bytes = wat::parse_str(format!("(component {body})")).unwrap();
        let error = refusal(&stage, &stage.file(&format!("{name}.wasm"), &bytes)).await;
        assert_eq!((error.class, error.code), (ErrorClass::Usage, code), "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinning_in_describe_ends_with_an_error() {
    let stage = Stage::new();
    let uses = stage.guest("spin-in-describe");
    let error = refusal(&stage, &uses).await;
    assert_eq!((error.class, error.code), (ErrorClass::Environment, "plugin::describe-failed"));
    assert!(error.message.contains("did not end within 5000 ms"), "{error:?}");
}

#[tokio::test]
async fn references_that_lead_nowhere_are_named() {
    let stage = Stage::new();
    fs::create_dir(stage.workspace().join("folder")).unwrap();
    let cases = [
        ("https://example.com/plugin.wasm#sha256=00", ErrorClass::Environment, "plugin::remote-unavailable"),
        ("oci://example.com/plugin:1", ErrorClass::Environment, "plugin::remote-unavailable"),
        ("builtin:nothing", ErrorClass::Usage, "plugin::not-found"),
        ("./missing.wasm", ErrorClass::Environment, "plugin::not-found"),
        ("../outside.wasm", ErrorClass::Usage, "plugin::path"),
        ("/etc/passwd", ErrorClass::Usage, "plugin::path"),
        ("./folder", ErrorClass::Usage, "plugin::path"),
    ];
    for (uses, class, code) in cases {
        let error = refusal(&stage, uses).await;
        assert_eq!((error.class, error.code), (class, code), "{uses}: {error:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_plugin_must_stay_in_the_workspace() {
    let stage = Stage::new();
    stage.guest("echo");
    std::os::unix::fs::symlink("echo.wasm", stage.workspace().join("inside.wasm")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", stage.workspace().join("outside.wasm")).unwrap();
    stage.host.prepare(&step("./inside.wasm", Allow::default())).await.unwrap();
    assert_eq!(refusal(&stage, "./outside.wasm").await.code, "plugin::path");
}

#[tokio::test]
async fn a_plugin_whose_needs_are_not_granted_is_refused_before_it_runs() {
    let bytes: &'static [u8] = Box::leak(guest_bytes("echo").into_boxed_slice());
    let builtins: &'static [Builtin] = Box::leak(Box::new([Builtin {
        name: "fetch",
        bytes,
        sha256: "0000000000000000000000000000000000000000000000000000000000000000",
        manifest_json: r#"{ "name": "fetch", "version": "1.0.0", "summary": "Fetches.", "stages": [], "inputs": [],
            "outputs": [], "config_schema": { "type": "object" }, "capabilities": [
            { "capability": "env", "scope": "TOKEN", "why": "to sign in", "required": true } ] }"#,
    }]));
    let folder = tempfile::tempdir().unwrap();
    let host = PluginHost::new(HostOptions {
        cache_dir: folder.path().join("cache"),
        workspace: folder.path().to_owned(),
        builtins,
        environment: std::collections::BTreeMap::new(),
    })
    .unwrap();
    // Known without a runtime and without compiling.
    assert_eq!(host.manifest_blocking("builtin:fetch").unwrap().name, "fetch");
    let error = host.prepare(&step("builtin:fetch", Allow::default())).await.unwrap_err();
    assert_eq!((error.class, error.code), (ErrorClass::Denied, "plugin::capability-not-granted"));
    assert!(error.help.unwrap().ends_with("allow: { env: [TOKEN] }"));
    let granted = Allow { env: vec!["TOKEN".into()], ..Allow::default() };
    host.prepare(&step("builtin:fetch", granted)).await.unwrap();
}

#[test]
fn a_manifest_can_be_asked_for_from_anywhere() {
    let stage = Stage::new();
    let uses = stage.guest("echo");
    let manifest = stage.host.manifest_blocking(&uses).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.inputs[0].name.as_str()), ("echo", "data"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let uses = stage.guest("deploy");
    runtime.block_on(async { assert_eq!(stage.host.manifest_blocking(&uses).unwrap().name, "deploy") });
    let (outcome, _) = runtime.block_on(stage.execute(stage.request(&stage.guest("echo"), 1)));
    assert_eq!(
        outcome.unwrap(),
        StepOutcome::Succeeded,
        "the host still works after another runtime used it"
    );
}
