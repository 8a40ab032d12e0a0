//! One HTTP request with curl, so that the double is tested from outside by a client that is not its own.

use std::process::Command;

use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) link: Option<String>,
    /// The JSON of the body; a string if it was none.
    pub(crate) body: Value,
}

/// Sends one request; a null `body` sends none.
pub(crate) fn request(base: &str, method: &str, path: &str, token: Option<&str>, body: &Value) -> Reply {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--globoff", "--include"]);
    curl.args([
        "--request",
        method,
        "--header",
        "Accept: application/vnd.github+json",
        "--header",
        "Expect:",
    ]);
    if let Some(token) = token {
        curl.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    if !body.is_null() {
        std::io::Write::write_all(&mut file, body.to_string().as_bytes()).unwrap();
        curl.args(["--header", "Content-Type: application/json", "--data-binary"]);
        curl.arg(format!("@{}", file.path().display()));
    }
    let output = curl.arg(format!("{base}{path}")).output().expect("curl starts");
    assert!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, content) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let link = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("link").then(|| value.trim().to_owned())
    });
    let body = serde_json::from_str(content).unwrap_or_else(|_| Value::String(content.to_owned()));
    Reply { status, link, body }
}
