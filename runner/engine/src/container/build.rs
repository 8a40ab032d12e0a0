//! Images that are built from a folder of the workspace, once for each content.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bollard::{
    models::ImageInspect,
    query_parameters::{BuildImageOptionsBuilder, ListImagesOptionsBuilder},
};
use futures::StreamExt;
use runner_store::Digest;

use super::{Inner, connect::Connection, failure, ignore::Ignore, image};
use crate::{event::ImageOrigin, executor::ExecutorError};

/// What an image was built from: the digest of its folder, recipe and arguments.
const LABEL: &str = "dev.runner.build";
/// Largest folder, in bytes.
const LARGEST: u64 = 1 << 30;
/// Lines of a build's output in an error.
const TAIL: usize = 15;

/// The image of this content, built where the engine has none.
pub(super) async fn build(
    context: &str,
    file: &str,
    args: &[(String, String)],
    inner: &Arc<Inner>,
    connection: &Connection,
) -> Result<(ImageInspect, ImageOrigin), ExecutorError> {
    let packing = {
        let (inner, context) = (Arc::clone(inner), context.to_owned());
        tokio::task::spawn_blocking(move || {
            pack(&inner.options.workspace, &context, inner.options.store.as_deref())
        })
    };
    let refused = |why: String, help: &str| {
        failure::environment("container::build", format!("cannot build `{context}`: {why}"), help)
    };
    let packed = packing.await.map_err(|error| refused(error.to_string(), ""))?;
    let packed =
        packed.map_err(|why| refused(why, "name what the build does not need in `.dockerignore`"))?;
    if !packed.files.iter().any(|known| known == file) {
        let help = "`file:` is relative to `context:`";
        return Err(refused(format!("there is no `{file}` in it that the build could see"), help));
    }
    let mut key = format!("{}\0{file}\0", Digest::of_bytes(&packed.tar).hex());
    for (name, value) in args {
        key.extend([name, "=", value, "\0"]);
    }
    let key = Digest::of_bytes(key.as_bytes()).hex();
    if let Some(image) = built(connection, &key).await? {
        return Ok((image, ImageOrigin::Present));
    }
    let tag = format!("runner-build:{}", &key[..16]);
    let args: HashMap<&str, &str> =
        args.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let labels = HashMap::from([(LABEL, key.as_str())]);
    let options = BuildImageOptionsBuilder::new()
        .dockerfile(file)
        .t(&tag)
        .rm(true)
        .forcerm(true)
        .buildargs(&args)
        .labels(&labels)
        .build();
    let mut building =
        Box::pin(connection.patient.build_image(options, None, Some(bollard::body_full(packed.tar.into()))));
    let mut tail = Vec::new();
    while let Some(message) = building.next().await {
        let message = message.map_err(|error| {
            if failure::is_gone(&error) {
                return failure::engine(&format!("building `{context}`"), &error);
            }
            let said = tail.join(" | ");
            refused(format!("{} (after: {said})", failure::chain(&error)), "")
        })?;
        if let Some(detail) = message.error_detail {
            let said = tail.join(" | ");
            let why = detail.message.unwrap_or_default();
            return Err(refused(format!("{why} (after: {said})"), ""));
        }
        let text = message.stream.unwrap_or_default();
        tail.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }
    let image = built(connection, &key).await?;
    Ok((image.ok_or_else(|| refused("the engine built nothing".to_owned(), ""))?, ImageOrigin::Built))
}

/// The image with this key.
async fn built(connection: &Connection, key: &str) -> Result<Option<ImageInspect>, ExecutorError> {
    let label = format!("{LABEL}={key}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    let images = connection.docker.list_images(Some(options)).await;
    let images = images.map_err(|error| failure::engine("listing images", &error))?;
    match images.into_iter().next() {
        Some(found) => image::find(&connection.docker, &found.id).await,
        None => Ok(None),
    }
}

/// A folder as the engine gets it: the same bytes for the same content.
struct Packed {
    tar: Vec<u8>,
    files: Vec<String>,
}

fn pack(workspace: &Path, context: &str, store: Option<&Path>) -> Result<Packed, String> {
    let at = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let root = workspace.canonicalize().map_err(|error| at(workspace, error))?;
    let folder = root.join(context);
    let folder = folder.canonicalize().map_err(|error| at(&folder, error))?;
    if !folder.starts_with(&root) {
        return Err(format!("{} lies outside of the workspace", folder.display()));
    }
    let ignore = match fs::read_to_string(folder.join(".dockerignore")) {
        Ok(text) => Ignore::parse(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ignore::default(),
        Err(error) => return Err(at(&folder.join(".dockerignore"), error)),
    };
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    archive.follow_symlinks(false);
    let mut files = Vec::new();
    let mut size = 0;
    let mut folders: Vec<PathBuf> = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let entries =
            fs::read_dir(folder.join(&relative)).map_err(|error| at(&folder.join(&relative), error))?;
        let mut names: Vec<_> = entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<_, _>>()
            .map_err(|error| at(&folder, error))?;
        names.sort_unstable();
        for name in names {
            let relative = relative.join(&name);
            let path = folder.join(&relative);
            let shown =
                relative.to_str().ok_or_else(|| format!("{}: its name is not UTF-8", path.display()))?;
            if store.is_some_and(|store| path == store) {
                continue;
            }
            let metadata = fs::symlink_metadata(&path).map_err(|error| at(&path, error))?;
            let hidden = ignore.hides(shown);
            if metadata.is_dir() {
                if hidden && !ignore.has_exceptions() {
                    continue;
                }
                folders.push(relative.clone());
            }
            // The recipe and the rules themselves are seen like everything else.
            if hidden || !(metadata.is_dir() || metadata.is_file() || metadata.is_symlink()) {
                continue;
            }
            size += metadata.len();
            if size > LARGEST {
                return Err(format!("it holds more than {} MiB", LARGEST >> 20));
            }
            archive.append_path_with_name(&path, &relative).map_err(|error| at(&path, error))?;
            if !metadata.is_dir() {
                files.push(shown.to_owned());
            }
        }
    }
    Ok(Packed { tar: archive.into_inner().map_err(|error| error.to_string())?, files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_the_same_bytes() {
        let make = |extra: &str| {
            let workspace = tempfile::tempdir().unwrap();
            let at = |name: &str| workspace.path().join(name);
            fs::create_dir_all(at("app/src")).unwrap();
            fs::create_dir_all(at("app/.runner")).unwrap();
            fs::write(at("app/Dockerfile"), "FROM scratch\n").unwrap();
            fs::write(at("app/src/a.py"), "a").unwrap();
            fs::write(at("app/src/big.bin"), extra).unwrap();
            fs::write(at("app/.dockerignore"), "**/*.bin\n").unwrap();
            std::os::unix::fs::symlink("a.py", at("app/src/link")).unwrap();
            let store = workspace.path().canonicalize().unwrap().join("app/.runner");
            pack(workspace.path(), "app", Some(&store)).unwrap()
        };
        let (one, two) = (make("1"), make("2"));
        assert_eq!(one.files, [".dockerignore", "Dockerfile", "src/a.py", "src/link"]);
        assert_eq!(one.tar, two.tar);
    }

    #[test]
    fn links_do_not_lead_out() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir_all(outer.path().join("secret")).unwrap();
        fs::create_dir_all(&inner).unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), inner.join("app")).unwrap();
        assert!(pack(&inner, "app", None).err().unwrap().contains("outside"));
    }
}
