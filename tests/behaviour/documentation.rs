//! Every command and every snippet in the documentation works.

use std::fs;

use runner_tests::{Workspace, docs, project};

fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), fs::read_to_string(project().join("README.md")).unwrap())];
    for entry in fs::read_dir(project().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = format!("docs/{}", path.file_name().unwrap().to_string_lossy());
            pages.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    pages.sort();
    pages
}

#[test]
fn every_command_ends_as_the_page_says() {
    for (page, text) in pages() {
        // One workspace a page: later commands see what earlier ones did.
        let workspace = Workspace::with_examples();
        for fence in docs::fences(&text) {
            for (arguments, code) in docs::runner_commands(&fence) {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let seen = workspace.run(&arguments);
                assert_eq!(
                    seen.code,
                    code,
                    "{page}:{}: runner {}\n{}",
                    fence.line,
                    arguments.join(" "),
                    seen.snapshot()
                );
            }
        }
    }
}

#[test]
fn every_workflow_snippet_is_valid() {
    for (page, text) in pages() {
        for fence in docs::fences(&text).into_iter().filter(|fence| fence.info == "yaml") {
            if !fence.text.contains("stages:") {
                continue;
            }
            let workspace = Workspace::with_examples();
            workspace.write("snippet.yml", &fence.text);
            let seen = workspace.run(&["check", "snippet.yml"]);
            // A page about writing a plugin names one that its reader will have built: only that may be missing (6).
            let expected = if fence.text.contains("uses: ./my-plugin/") { 6 } else { 0 };
            assert_eq!(seen.code, expected, "{page}:{}\n{}", fence.line, seen.snapshot());
        }
    }
}
