//! What a hostile step tries, and does not get. Each script succeeds where its escape does, so that the step must fail;
//! a first line says that the script ran at all.

use runner_tests::{Seen, engine::Engine};

use super::one_step;

/// Runs `script`, which exits 0 only if the escape works.
fn refused(engine: &Engine, script: &str, keys: &str) -> Seen {
    let workspace = one_step(&format!("echo trying\n{script}"), keys);
    workspace.write("input.txt", "untouched");
    let seen = super::ran(engine, &workspace, 1);
    assert!(seen.stdout.contains("trying"), "the script did not run: {}", seen.snapshot());
    assert_eq!(workspace.read("input.txt"), "untouched");
    assert!(!workspace.path().join("stolen").exists(), "the workspace was written to");
    seen
}

on_docker_and_podman! {
    fn writing_to_the_workspace(engine) {
        let _ = refused(engine, "echo x > /workspace/stolen", "");
        let _ = refused(engine, "echo x > /workspace/input.txt", "");
        let _ = refused(engine, "rm /workspace/input.txt", "");
        let _ = refused(engine, "mount -o remount,rw /workspace && echo x > /workspace/stolen", "");
    }

    fn writing_to_an_input(engine) {
        let input = "in: { data: ./input.txt }";
        let _ = refused(engine, "echo x > \"$RUNNER_IN_DATA\"", input);
        let _ = refused(engine, "chmod 777 \"$RUNNER_IN_DATA\"", input);
        let _ = refused(engine, "touch \"$(dirname \"$RUNNER_IN_DATA\")/new\"", input);
    }

    /// The root file system is thrown away with the container, and is read-only all the same.
    fn writing_to_the_root_file_system(engine) {
        let _ = refused(engine, "echo x > /etc/stolen", "");
        let _ = refused(engine, "echo x > /bin/stolen", "");
    }

    fn reaching_the_network(engine) {
        let seen = refused(engine, "ls /sys/class/net; ip route; ping -c 1 -W 1 10.213.0.1", "");
        assert!(!seen.stdout.contains("eth0"), "{}", seen.snapshot());
    }

    /// Where a cloud's machine hands out its keys.
    fn reaching_the_metadata_address(engine) {
        let _ = refused(engine, "wget -T 2 -q -O - http://169.254.169.254/latest/meta-data/", "");
        let _ = refused(engine, "ping -c 1 -W 1 169.254.169.254", "");
    }

    fn reaching_the_engine(engine) {
        let _ = refused(engine, "find / -name '*.sock' -type s 2>/dev/null | grep .", "");
        let _ = refused(engine, "ls /var/run/docker.sock || ls /run/docker.sock || ls /run/podman/podman.sock || ls /run/runner-ci", "");
        let _ = refused(engine, "env | grep -E 'DOCKER_HOST|CONTAINER_HOST'", "");
    }

    /// `bin/setuid-id` belongs to root and has the bit set: without no-new-privileges, its caller would be root.
    fn becoming_root_by_a_setuid_binary(engine) {
        let workspace = runner_tests::Workspace::with_workflow(
            "name: t\nstages:\n  one:\n    steps:\n      - id: s\n        container: { image: runner-test/base, user: \"65534\" }\n        run: |\n          \
             test -u /bin/setuid-id; cp /bin/setuid-id /tmp/x || true\n          ln -s /bin/setuid-id /tmp/id; echo \"effective $(/tmp/id -u)\"; grep NoNewPrivs /proc/self/status\n",
        );
        let seen = super::ran(engine, &workspace, 0);
        assert!(seen.stdout.contains("effective 65534"), "{}", seen.snapshot());
        assert!(seen.stdout.contains("NoNewPrivs:\t1"), "{}", seen.snapshot());
    }

    fn having_capabilities(engine) {
        let workspace = one_step("grep -E 'Cap(Eff|Bnd|Prm|Inh|Amb)' /proc/self/status", "");
        let seen = super::ran(engine, &workspace, 0);
        let sets = seen.stdout.lines().filter(|line| line.contains("Cap") && line.contains("0000")).count();
        assert_eq!(sets, 5, "{}", seen.snapshot());
        let none = seen.stdout.lines().filter(|line| line.contains("Cap") && line.contains("0000000000000000")).count();
        assert_eq!(none, 5, "{}", seen.snapshot());
        let _ = refused(engine, "mount -t tmpfs none /tmp", "");
        let _ = refused(engine, "mknod /tmp/disk b 254 0", "");
        let _ = refused(engine, "chroot /proc/1/root /bin/true", "");
        let _ = refused(engine, "hostname stolen", "");
    }

    fn seeing_the_host(engine) {
        // The first process is the step's own, not the machine's.
        let _ = refused(engine, "test \"$(ls -d /proc/[0-9]* | wc -l)\" -gt 20", "");
        let _ = refused(engine, "dd if=/dev/vda of=/dev/null count=1", "");
        let _ = refused(engine, "echo 1 > /proc/sys/kernel/sysrq", "");
        let _ = refused(engine, "cat /workspace/../etc/shadow", "");
    }

    /// A link in an output that leads out of it is not followed on the host.
    fn leading_the_runner_out_of_an_output(engine) {
        let workspace = one_step(
            "ln -s /etc/passwd \"$RUNNER_OUT_FILE\"",
            "out: { file: { path: file.txt, kind: any } }",
        );
        let seen = engine.run(&workspace, &["run", "workflow.yml"]);
        assert_ne!(seen.code, 0, "{}", seen.snapshot());
        let objects = workspace.path().join(".runner/objects");
        let host = std::fs::read("/etc/passwd").unwrap();
        let mut folders = vec![objects];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    assert_ne!(std::fs::read(&path).unwrap(), host, "a file of the host was taken for an output");
                }
            }
        }
    }

    /// What is widened is widened by name, and `runner plan` shows it.
    fn what_is_widened_is_shown(engine) {
        let keys = "allow: { net: \"*\", capabilities: [SYS_PTRACE], write-root: true }\nlimits: { pids: 77 }";
        let workspace = one_step("ls /sys/class/net; touch /etc/new; grep CapEff /proc/self/status", keys);
        let seen = super::ran(engine, &workspace, 0);
        assert!(seen.stdout.contains("eth0") || seen.stdout.contains("tap0"), "{}", seen.snapshot());
        let plan = engine.run(&workspace, &["plan", "workflow.yml"]).expect_code(0);
        for word in ["net", "SYS_PTRACE", "write-root"] {
            assert!(plan.stdout.contains(word), "{word}: {}", plan.snapshot());
        }
    }
}
