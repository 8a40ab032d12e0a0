//! Memory and processes have limits, and what went over them is told apart from other ends.

use super::one_step;

on_docker_and_podman! {
    fn out_of_memory_is_told_apart(engine) {
        // A string that doubles, in the shell itself.
        let workspace = one_step("echo growing; tail /dev/zero", "resources: { memory: 48MiB }");
        let seen = super::ran(engine, &workspace, 1);
        assert!(seen.stdout.contains("out-of-memory"), "{}", seen.snapshot());
        assert!(seen.stdout.contains("48"), "the limit is named: {}", seen.snapshot());
    }

    /// The same exit code without the memory: somebody else's KILL.
    fn exit_code_137_alone_is_not_out_of_memory(engine) {
        let workspace = one_step("exit 137", "resources: { memory: 64MiB }");
        let seen = super::ran(engine, &workspace, 1);
        assert!(!seen.stdout.contains("out-of-memory"), "{}", seen.snapshot());
        assert!(seen.stdout.contains("137"), "{}", seen.snapshot());
    }

    fn a_retry_may_name_it(engine) {
        let workspace = one_step(
            "echo attempt; tail /dev/zero",
            "resources: { memory: 48MiB }\nretry: { times: 1, delay: 10ms, on: [oom] }",
        );
        let seen = super::ran(engine, &workspace, 1);
        let logs = engine.run(&workspace, &["logs", "latest", "s"]).expect_code(0).stdout;
        assert_eq!(logs.matches("attempt").count(), 2, "{}", seen.snapshot());
    }

    /// Processes that multiply without end: the limit holds, and all of them go with the container.
    fn a_fork_bomb_stays_within_its_limit(engine) {
        let mark = format!("bomb-{}", std::process::id());
        // Counts without a process of its own, for there is none to be had.
        let script = "sh -c 'while :; do sleep 60 & done' 2>/dev/null || true\n\
                      n=0; for p in /proc/[0-9]*; do n=$((n + 1)); done; echo \"seen $n\"";
        let keys = format!("env: {{ MARK: {mark} }}\nlimits: {{ pids: 40 }}\ntimeout: 60s");
        let workspace = one_step(script, &keys);
        let _ = engine.run(&workspace, &["run", "workflow.yml"]);
        let logs = engine.run(&workspace, &["logs", "latest", "s"]).expect_code(0).stdout;
        let seen = logs.lines().find_map(|line| line.strip_prefix("seen ")?.trim().parse::<u32>().ok());
        assert!(seen.is_some_and(|seen| (30..=40).contains(&seen)), "{logs}");
        assert!(engine.containers_with(&mark).is_empty());
        // The engine is well.
        let _ = super::ran(engine, &one_step("true", ""), 0);
    }

    /// Without a word about it there is a limit all the same.
    fn processes_are_limited_by_default(engine) {
        let workspace = one_step("cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null || true", "");
        let seen = super::ran(engine, &workspace, 0);
        let limit = seen.stdout.lines().filter_map(|line| line.trim().rsplit(' ').next()?.parse::<u32>().ok()).max();
        assert!(limit.is_some_and(|limit| limit <= 32_768), "{}", seen.snapshot());
    }

    fn shared_memory_has_the_size_that_was_asked_for(engine) {
        let workspace = one_step(
            "df -k /dev/shm | tail -1; head -c 100000000 /dev/zero > /dev/shm/x; ls -l /dev/shm/x",
            "resources: { shm-size: 128MiB }",
        );
        let _ = super::ran(engine, &workspace, 0);
        let workspace = one_step("head -c 100000000 /dev/zero > /dev/shm/x", "");
        let _ = super::ran(engine, &workspace, 1);
    }

    /// This machine has no accelerator: asking for one is refused before anything runs.
    fn an_accelerator_that_is_not_there_is_refused(engine) {
        let workspace = one_step("echo ran", "resources: { gpu: 1 }");
        let seen = super::ran(engine, &workspace, 6);
        assert!(!seen.stdout.contains("ran\n"), "{}", seen.snapshot());
        assert!(format!("{}{}", seen.stdout, seen.stderr).contains("GPU"), "{}", seen.snapshot());
    }
}
