//! Objects: identity, deduplication, folders, damage, and outputs that mean harm.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use proptest::prelude::*;
use runner_store::{Digest, ObjectError, ObjectKind, OutputLimits, StorageError, Store, digest_of};
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join(".runner")).unwrap();
    (folder, store)
}

fn code(error: &impl miette::Diagnostic) -> String {
    assert!(error.help().is_some() || error.code().is_some_and(|code| code.to_string() == "store::io"));
    error.code().unwrap().to_string()
}

#[test]
fn a_file_moves_in_and_comes_out_as_a_link() {
    let (folder, store) = store();
    let out = folder.path().join("model.onnx");
    fs::write(&out, b"model").unwrap();
    let object = store.put_file(&out).unwrap();
    assert_eq!(object.digest, Digest::of_bytes(b"model"));
    assert_eq!(object.size, 5);
    assert!(!out.exists(), "it was moved");
    let metadata = store.path(&object.digest).metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o444);

    let place = folder.path().join("new/folder/in.onnx");
    store.materialise(&object.digest, &place).unwrap();
    assert_eq!(place.metadata().unwrap().ino(), metadata.ino());
    assert!(matches!(store.materialise(&object.digest, &place), Err(ObjectError::DestinationExists { .. })));

    let copy = folder.path().join("copy/in.onnx");
    store.materialise_copy(&object.digest, &copy).unwrap();
    assert_ne!(copy.metadata().unwrap().ino(), metadata.ino());
    assert_eq!(fs::read(copy).unwrap(), b"model");
    assert_eq!(store.verify(&object.digest).unwrap(), 5);
}

#[test]
fn equal_bytes_are_stored_once_and_the_first_stays() {
    let (folder, store) = store();
    let first = store.put_bytes(b"same").unwrap();
    let inode = store.path(&first.digest).metadata().unwrap().ino();
    let out = folder.path().join("out");
    fs::write(&out, b"same").unwrap();
    assert_eq!(store.put_file(&out).unwrap(), first);
    assert!(!out.exists());
    assert_eq!(store.path(&first.digest).metadata().unwrap().ino(), inode);
    assert_eq!(fs::read_dir(store.root().join("tmp")).unwrap().count(), 0, "nothing is left over");
}

#[test]
fn a_file_with_another_name_is_copied() {
    let (folder, store) = store();
    let (out, other) = (folder.path().join("out"), folder.path().join("other"));
    fs::write(&out, b"shared").unwrap();
    fs::hard_link(&out, &other).unwrap();
    let object = store.put_file(&out).unwrap();
    assert!(!out.exists());
    fs::write(&other, b"changed").unwrap();
    store.verify(&object.digest).unwrap();
}

#[test]
fn the_users_data_is_left_alone() {
    let (folder, store) = store();
    let data = folder.path().join("data.csv");
    fs::write(&data, b"a,b\n").unwrap();
    symlink(&data, folder.path().join("link.csv")).unwrap();
    let object = store.put_copy(&folder.path().join("link.csv")).unwrap();
    assert_eq!(digest_of(&data).unwrap(), object);
    assert_eq!(data.metadata().unwrap().permissions().mode() & 0o200, 0o200);
    fs::write(&data, b"other").unwrap();
    store.verify(&object.digest).unwrap();
}

#[test]
fn folders_are_objects_too() {
    let (folder, store) = store();
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("a/b")).unwrap();
    fs::create_dir_all(out.join("empty")).unwrap();
    fs::write(out.join("a/b/x"), b"1").unwrap();
    fs::write(out.join("y"), b"22").unwrap();
    let twin = folder.path().join("twin");
    fs::create_dir_all(twin.join("a/b")).unwrap();
    fs::write(twin.join("y"), b"22").unwrap();
    fs::write(twin.join("a/b/x"), b"1").unwrap();
    fs::set_permissions(twin.join("y"), fs::Permissions::from_mode(0o755)).unwrap();

    let expected = digest_of(&twin).unwrap();
    let object = store.put_output(folder.path(), "out", OutputLimits::default()).unwrap();
    assert_eq!(object, expected, "modes and empty folders do not count");
    assert_eq!((object.digest.kind(), object.size), (ObjectKind::Tree, 3));
    store.make_durable(&[object.digest]).unwrap();
    assert_eq!(store.verify(&object.digest).unwrap(), 3);

    let place = folder.path().join("in");
    store.materialise(&object.digest, &place).unwrap();
    assert_eq!(fs::read(place.join("a/b/x")).unwrap(), b"1");
    assert!(matches!(store.materialise(&object.digest, &place), Err(ObjectError::DestinationExists { .. })));
    let paths: Vec<_> = store.tree(&object.digest).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["a/b/x", "y"]);
}

#[test]
fn a_file_that_looks_like_a_listing_is_not_a_folder() {
    let (folder, store) = store();
    let hostile = br#"{"format":1,"files":[{"path":"../../x","size":1,"sha256":"00"}]}"#;
    let object = store.put_bytes(hostile).unwrap();
    assert!(matches!(store.tree(&object.digest), Err(ObjectError::NotATree { .. })));
    let claimed = Digest::from_sha256(ObjectKind::Tree, *object.digest.sha256());
    let error = store.materialise(&claimed, &folder.path().join("in/deep")).unwrap_err();
    assert_eq!(code(&error), "store::not_a_tree");
    assert!(!folder.path().join("x").exists());
}

#[test]
fn links_pipes_and_ways_out_are_refused() {
    let (folder, store) = store();
    let secret = folder.path().join("secret");
    fs::write(&secret, b"secret").unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("dir/sub")).unwrap();
    fs::write(out.join("dir/fine"), b"fine").unwrap();
    symlink(&secret, out.join("link")).unwrap();
    symlink(folder.path(), out.join("up")).unwrap();
    symlink(&secret, out.join("dir/sub/link")).unwrap();
    symlink("loop", out.join("loop")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        out.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(out.join("socket")).unwrap();
    let refused = |relative: &str| {
        let error = store.put_output(&out, relative, OutputLimits::default()).unwrap_err();
        code(&error)
    };
    for link in ["link", "loop", "up/secret", "dir"] {
        assert_eq!(refused(link), "store::symlink", "{link}");
    }
    for special in ["pipe", "socket"] {
        assert_eq!(refused(special), "store::not_a_file", "{special}");
    }
    for path in ["", "/etc/passwd", "../secret", "dir/../../secret", "./x", "dir//x"] {
        assert_eq!(refused(path), "store::path_outside", "{path}");
    }
    assert_eq!(refused("nothing"), "store::io");
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert!(out.join("dir/fine").exists(), "nothing is moved before all is looked at");
}

#[test]
fn limits_are_checked_before_hashing() {
    let (folder, store) = store();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    // A sparse file of a terabyte, which would take ten minutes to hash.
    fs::File::create(out.join("huge")).unwrap().set_len(1 << 40).unwrap();
    let limits = OutputLimits { bytes: 1 << 20, files: 3 };
    let put = |relative| store.put_output(folder.path(), relative, limits);
    assert!(matches!(put("out/huge"), Err(ObjectError::OutputTooLarge { .. })));
    assert!(matches!(put("out"), Err(ObjectError::OutputTooLarge { .. })));
    fs::remove_file(out.join("huge")).unwrap();
    for name in 0..4 {
        fs::write(out.join(name.to_string()), b"").unwrap();
    }
    assert!(matches!(put("out"), Err(ObjectError::TooManyFiles { limit: 3, .. })));
    let deep: std::path::PathBuf = std::iter::repeat_n("d", 70).collect();
    fs::create_dir_all(folder.path().join("deep").join(deep)).unwrap();
    assert!(matches!(put("deep"), Err(ObjectError::TooDeep { .. })));
}

#[test]
fn damage_is_found_and_healed() {
    let (folder, store) = store();
    let object = store.put_bytes(b"good bytes").unwrap();
    let path = store.path(&object.digest);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, b"evil bytes").unwrap();
    let error = store.verify(&object.digest).unwrap_err();
    assert_eq!(code(&error), "store::object_damaged");
    assert!(!store.contains(&object.digest));
    assert_eq!(code(&store.verify(&object.digest).unwrap_err()), "store::object_missing");
    let error = store.materialise(&object.digest, &folder.path().join("in")).unwrap_err();
    assert_eq!(code(&error), "store::object_missing");
    store.put_bytes(b"good bytes").unwrap();
    store.verify(&object.digest).unwrap();

    // What a power cut can leave: a name with fewer bytes. Storing again heals it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, b"").unwrap();
    store.put_bytes(b"good bytes").unwrap();
    store.verify(&object.digest).unwrap();
}

#[test]
fn a_file_on_another_disk_is_copied() {
    let elsewhere = Path::new("/dev/shm");
    let (folder, store) = store();
    let Ok(other) = tempfile::tempdir_in(elsewhere) else { return };
    if other.path().metadata().unwrap().dev() == folder.path().metadata().unwrap().dev() {
        return;
    }
    let out = other.path().join("out");
    fs::write(&out, b"far away").unwrap();
    let object = store.put_file(&out).unwrap();
    assert!(!out.exists());
    store.verify(&object.digest).unwrap();
    store.materialise(&object.digest, &other.path().join("in")).unwrap();
    assert_eq!(fs::read(other.path().join("in")).unwrap(), b"far away");
}

#[test]
fn the_folder_of_the_store() {
    let (folder, store) = store();
    assert_eq!(fs::read(store.root().join(".gitignore")).unwrap(), b"*\n");
    assert_eq!(fs::read(store.root().join("format")).unwrap(), b"1\n");
    assert!(Store::open_existing(folder.path().join("none")).unwrap().is_none());
    assert!(!folder.path().join("none").exists());

    // Left by a killed process: one long ago, one just now.
    let (old, new) = (store.root().join("tmp/write-old"), store.root().join("tmp/write-new"));
    fs::write(&old, b"x").unwrap();
    fs::write(&new, b"x").unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
    fs::File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    Store::open(store.root()).unwrap();
    assert!(!old.exists() && new.exists());

    fs::write(store.root().join("format"), b"2\n").unwrap();
    let error = Store::open(store.root()).unwrap_err();
    assert_eq!(code(&error), "store::newer_format");
    assert!(error.to_string().contains("format 2"), "{error}");
    for junk in [&b""[..], b"one", b"0", b"\xff"] {
        fs::write(store.root().join("format"), junk).unwrap();
        assert_eq!(code(&Store::open(store.root()).unwrap_err()), "store::not_a_store");
    }
    fs::write(folder.path().join("file"), b"").unwrap();
    assert!(matches!(Store::open(folder.path().join("file")), Err(StorageError::Io { .. })));
}

#[test]
fn errors_of_the_disk_say_what_and_where() {
    use std::io::{Error, ErrorKind};
    for (number, expected) in [
        (28, "store::disk_full"),
        (122, "store::disk_full"),
        (27, "store::file_too_large"),
        (13, "store::permission_denied"),
        (1, "store::permission_denied"),
        (30, "store::read_only"),
    ] {
        let error = StorageError::new("write", Path::new("/data/x"), Error::from_raw_os_error(number));
        assert_eq!(code(&error), expected);
        assert!(error.to_string().contains("/data/x"), "{error}");
    }
    let other = StorageError::new("write", Path::new("/data/x"), ErrorKind::ConnectionReset.into());
    assert_eq!(code(&other), "store::io");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever files a folder holds, it comes out as it went in, and its digest depends on paths and bytes only.
    #[test]
    fn folders_there_and_back(
        files in proptest::collection::btree_map("[a-c]{1,2}\\.f|[a-c]{1,2}/[a-cé ]{1,2}\\.f", any::<Vec<u8>>(), 0..8)
    ) {
        let (folder, store) = store();
        let write = |base: &Path| {
            fs::create_dir_all(base).unwrap();
            for (path, bytes) in &files {
                fs::create_dir_all(base.join(path).parent().unwrap()).unwrap();
                fs::write(base.join(path), bytes).unwrap();
            }
        };
        write(&folder.path().join("one"));
        write(&folder.path().join("two"));
        let one = store.put_dir(&folder.path().join("one")).unwrap();
        prop_assert_eq!(digest_of(&folder.path().join("two")).unwrap(), one);
        store.materialise(&one.digest, &folder.path().join("in")).unwrap();
        prop_assert_eq!(digest_of(&folder.path().join("in")).unwrap(), one);
        prop_assert_eq!(store.verify(&one.digest).unwrap(), one.size);
    }
}
