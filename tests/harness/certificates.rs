//! Keys and certificates of a test's own, made by OpenSSL.

use std::{fs, path::Path, process::Command};

/// A private key as GitHub gives one to an App, PEM.
///
/// # Panics
/// Where `openssl` is not installed or fails.
#[must_use]
pub fn rsa_key() -> String {
    String::from_utf8(openssl(&["genrsa", "-traditional", "2048"])).expect("PEM is text")
}

/// Writes `ca.pem`, and `cert.pem` and `key.pem` of `name` signed by it, into `folder`: the names that Docker looks for. The
/// authority's key is kept as `ca-key.pem`, so that a second folder can be signed by the same authority.
///
/// # Panics
/// Where `openssl` is not installed or fails.
pub fn issue(authority: &Path, folder: &Path, name: &str) {
    for folder in [authority, folder] {
        fs::create_dir_all(folder).expect("a folder for certificates");
    }
    let path = |folder: &Path, name: &str| folder.join(name).to_str().expect("a path of text").to_owned();
    let (ca, ca_key) = (path(authority, "ca.pem"), path(authority, "ca-key.pem"));
    if !authority.join("ca.pem").exists() {
        let subject = "/CN=authority of a test";
        openssl(&[
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject, "-keyout",
            &ca_key, "-out", &ca,
        ]);
    }
    if authority != folder {
        fs::copy(&ca, folder.join("ca.pem")).expect("the authority's certificate");
    }
    let (key, request, extensions) =
        (path(folder, "key.pem"), path(folder, "request.pem"), path(folder, "extensions"));
    fs::write(&extensions, "subjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth, clientAuth\n")
        .expect("extensions");
    let subject = format!("/CN={name}");
    openssl(&["req", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", &key, "-out", &request]);
    openssl(&[
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-CAcreateserial",
        "-extfile",
        &extensions,
        "-out",
        &path(folder, "cert.pem"),
    ]);
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
