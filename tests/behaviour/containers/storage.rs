//! Outputs that fill the disk: the step fails, says so, and the store stays whole.

use std::{path::Path, process::Command};

use super::one_step;

/// A small file system in memory, mounted for one test.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: &Path, size: &str) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "runner-test"])
            .arg(at)
            .status()
            .unwrap();
        assert!(mounted.success(), "only root can mount");
        Self(at.to_path_buf())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

on_docker_and_podman! {
    fn an_output_that_fills_the_disk(engine) {
        let workspace = one_step(
            "dd if=/dev/zero of=\"$RUNNER_OUT_BIG\" bs=1M count=100",
            "out: { big: { path: big.bin, kind: any } }",
        );
        let store = workspace.path().join(".runner");
        let small = Small::mount(&store, "20m");
        let seen = engine.run(&workspace, &["run", "workflow.yml"]);
        assert!([1, 6].contains(&seen.code), "{}", seen.snapshot());
        assert!(format!("{}{}", seen.stdout, seen.stderr).to_lowercase().contains("no space"), "{}", seen.snapshot());
        let _ = engine.run(&workspace, &["ls"]).expect_code(0);
        drop(small);
        let _ = super::ran(engine, &one_step("true", ""), 0);
    }

    fn an_output_over_its_limit(engine) {
        let workspace = one_step(
            "head -c 5000000 /dev/zero > \"$RUNNER_OUT_BIG\"",
            "out: { big: { path: big.bin, kind: any } }\nlimits: { output: 1MiB }",
        );
        let seen = engine.run(&workspace, &["run", "workflow.yml"]).expect_code(1);
        assert!(seen.stdout.contains("output"), "{}", seen.snapshot());
    }
}
