//! What the engine is asked for, key by key.

use indexmap::IndexMap;
use runner_workflow::plan::Kind;
use serde_json::{Value, json};

use super::*;

fn request() -> StepRequest {
    let binding = |path: &str, is_dir| Binding { kind: Kind::Any, path: path.into(), is_dir };
    let container = Container::of("python:3.12");
    StepRequest {
        step: "fit[seed=1]".to_owned(),
        stage: "train".to_owned(),
        attempt: 2,
        action: runner_workflow::plan::Action::Container { container: Box::new(container), run: None },
        script_variables: vec![("RUNNER_EXPR_1".to_owned(), "0.1".to_owned())],
        config: Value::Null,
        inputs: [
            ("train-set".to_owned(), binding("/store/in-0/train.csv", false)),
            ("cells".to_owned(), binding("/store/shared/cells", true)),
        ]
        .into_iter()
        .collect(),
        outputs: [("model".to_owned(), binding("/store/out/models/m.onnx", false))].into_iter().collect(),
        out_dir: "/store/out".into(),
        scratch_dir: "/store/tmp".into(),
        workspace: "/home/me/churn".into(),
        env: IndexMap::from([("HOME".to_owned(), "/home/app".to_owned())]),
        timeout: None,
        limits: Limits::default(),
        allow: Allow::default(),
        resources: Resources::default(),
        services: Vec::new(),
        seed: 1,
    }
}

fn facts() -> Facts {
    Facts { limits: true, local: true, processors: 4, memory: 8 << 30, ..Facts::default() }
}

fn around(facts: &Facts) -> Surroundings<'_> {
    Surroundings {
        facts,
        caller: Caller { uid: 1000, gid: 100 },
        image: "sha256:00",
        store: Some(Path::new("/home/me/churn/.runner")),
        network: None,
        gpus: &[],
        labels: HashMap::new(),
    }
}

fn asked(
    request: &StepRequest,
    container: &Container,
    run: Option<&Script>,
    around: &Surroundings<'_>,
) -> Value {
    serde_json::to_value(body(request, container, run, around)).unwrap()
}

#[test]
fn nothing_is_allowed_by_default() {
    let facts = facts();
    let seen = asked(&request(), &Container::of("x"), None, &around(&facts));
    let host = &seen["HostConfig"];
    assert_eq!(host["NetworkMode"], "none");
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert_eq!(host["CapAdd"], Value::Null);
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    assert_eq!(host["Privileged"], false);
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["PidsLimit"], 1024);
    assert_eq!(
        (&host["Memory"], &host["MemorySwap"]),
        (&json!(7_516_192_768_u64), &json!(7_516_192_768_u64))
    );
    assert_eq!(host["NanoCpus"], 4_000_000_000_u64);
    assert_eq!(host["LogConfig"]["Type"], "none");
    assert_eq!(host["Tmpfs"]["/tmp"], "rw,exec,nosuid,nodev,mode=1777");
    assert_eq!(host["Tmpfs"]["/workspace/.runner"], "ro,size=4k,mode=555");
    assert_eq!(host["Binds"], Value::Null);
    let mounts: Vec<_> = host["Mounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| {
            assert_eq!(
                (&mount["Type"], &mount["BindOptions"]["NonRecursive"]),
                (&json!("bind"), &json!(true))
            );
            let text = |key: &str| mount[key].as_str().unwrap().to_owned();
            format!(
                "{} {} {}",
                text("Source"),
                text("Target"),
                if mount["ReadOnly"] == true { "ro" } else { "rw" }
            )
        })
        .collect();
    assert_eq!(
        mounts,
        [
            "/home/me/churn /workspace ro",
            "/store/in-0 /in/train-set ro",
            "/store/shared/cells /in/cells ro",
            "/store/out /out rw",
            "/store/tmp/metrics.jsonl /run/runner/metrics.jsonl rw",
            "/store/tmp/findings.jsonl /run/runner/findings.jsonl rw",
            "/store/tmp/out-of-memory /run/runner/out-of-memory rw",
        ]
    );
    assert_eq!((&seen["User"], &seen["WorkingDir"]), (&json!("1000:100"), &json!("/workspace")));
}

#[test]
fn variables_have_the_paths_of_the_container() {
    let facts = facts();
    let seen = asked(&request(), &Container::of("x"), None, &around(&facts));
    let mut env: Vec<&str> =
        seen["Env"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    env.sort_unstable();
    assert_eq!(
        env,
        [
            "HOME=/home/app",
            "RUNNER_ATTEMPT=2",
            "RUNNER_EXPR_1=0.1",
            "RUNNER_FINDINGS=/run/runner/findings.jsonl",
            "RUNNER_IN_CELLS=/in/cells",
            "RUNNER_IN_TRAIN_SET=/in/train-set/train.csv",
            "RUNNER_METRICS=/run/runner/metrics.jsonl",
            "RUNNER_OUT_MODEL=/out/models/m.onnx",
            "RUNNER_SEED=1",
            "RUNNER_STAGE=train",
            "RUNNER_STEP=fit[seed=1]",
            "TMPDIR=/tmp",
        ]
    );
}

#[test]
fn each_key_widens_one_thing() {
    let facts = facts();
    let before = asked(&request(), &Container::of("x"), None, &around(&facts));
    let differs = |change: &dyn Fn(&mut StepRequest)| {
        let mut request = request();
        change(&mut request);
        let after = asked(&request, &Container::of("x"), None, &around(&facts));
        let (before, after) =
            (before["HostConfig"].as_object().unwrap(), after["HostConfig"].as_object().unwrap());
        let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(value));
        changed.map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>()
    };
    assert_eq!(differs(&|request| request.allow.net = vec!["*".into()]), [r#"NetworkMode: "default""#]);
    assert_eq!(differs(&|request| request.allow.capabilities = vec!["KILL".into()]), [r#"CapAdd: ["KILL"]"#]);
    assert_eq!(differs(&|request| request.allow.write_root = true), ["ReadonlyRootfs: false"]);
    assert_eq!(differs(&|request| request.limits.pids = Some(9)), ["PidsLimit: 9"]);
    assert_eq!(differs(&|request| request.limits.memory = Some(64)), ["Memory: 64", "MemorySwap: 64"]);
    assert_eq!(differs(&|request| request.resources.memory = Some(32)), ["Memory: 32", "MemorySwap: 32"]);
    assert_eq!(differs(&|request| request.resources.cpu = Some(0.5)), ["NanoCpus: 500000000"]);
    assert_eq!(differs(&|request| request.resources.shm_size = Some(1)), ["ShmSize: 1"]);
}

#[test]
fn the_shell_replaces_the_entrypoint_or_follows_it() {
    let facts = facts();
    let script = |shell: Option<&[&str]>| Script {
        text: "echo hello".to_owned(),
        variables: Vec::new(),
        shell: shell.map(|shell| shell.iter().map(|&word| word.to_owned()).collect()),
    };
    let line = |container: &Container, run: Option<&Script>| {
        let seen = asked(&request(), container, run, &around(&facts));
        (seen["Entrypoint"].clone(), seen["Cmd"].clone())
    };
    let plain = Container::of("x");
    assert_eq!(line(&plain, None), (Value::Null, Value::Null));
    let default = line(&plain, Some(&script(None)));
    assert_eq!(default, (json!(["/bin/sh"]), json!(["-c", FIRST_PROCESS, "sh", "echo hello"])));
    let python = line(&plain, Some(&script(Some(&["python", "-c"]))));
    assert_eq!(python, (json!(["python"]), json!(["-c", "echo hello"])));
    let entrypoint = Container { entrypoint: Some(vec!["tini".into(), "--".into()]), ..plain };
    let both = line(&entrypoint, Some(&script(Some(&["python", "-c"]))));
    assert_eq!(both, (json!(["tini", "--"]), json!(["python", "-c", "echo hello"])));
}

#[test]
fn files_come_out_as_the_callers() {
    let rootful = facts();
    let rootless = Facts { rootless: true, podman: true, ..facts() };
    let remapped = Facts { remapped: true, ..facts() };
    let user = |named: Option<&str>, facts: &Facts| super::user(named, &around(facts));
    assert_eq!(user(None, &rootful), ("1000:100".into(), None));
    assert_eq!(user(None, &rootless), ("0:0".into(), None));
    assert_eq!(user(None, &remapped), ("1000:100".into(), Some("host".into())));
    assert_eq!(user(Some("5:6"), &rootless), ("5:6".into(), Some("keep-id:uid=5,gid=6".into())));
    let caller = Caller { uid: 1000, gid: 100 };
    for (named, facts, foreign) in [
        (None, &rootful, false),
        (Some("1000:100"), &rootful, false),
        (Some("0"), &rootful, true),
        (Some("0"), &rootless, false),
        (Some("5"), &rootless, false),
        (Some("postgres"), &rootless, true),
    ] {
        assert_eq!(is_foreign(named, facts, caller), foreign, "{named:?}");
    }
}
