//! Images: found or fetched once for each run, in the background, while earlier steps run.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bollard::{
    Docker,
    models::{CreateImageInfo, ImageInspect},
    query_parameters::CreateImageOptionsBuilder,
};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
};
use runner_workflow::plan::{ImageSource, Pull};

use super::{Inner, build, connect::Connection, credentials, failure, reference};
use crate::{
    event::{ImageOrigin, ImageRecord},
    executor::ExecutorError,
};

/// Shortest time between two reports of progress of one image.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// An image that is on its way.
pub(super) type Coming = Shared<BoxFuture<'static, Result<Arc<ImageRecord>, ExecutorError>>>;

/// The images of a run.
#[derive(Default)]
pub(super) struct Images {
    coming: Mutex<HashMap<ImageSource, Coming>>,
}

impl Images {
    /// The image, on its way from now on. Asked again, the same one.
    pub(super) fn fetch(
        &self,
        source: &ImageSource,
        inner: &Arc<Inner>,
        connection: &Arc<Connection>,
    ) -> Coming {
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = coming.get(source) {
            return known.clone();
        }
        let (inner, connection, wanted) = (Arc::clone(inner), Arc::clone(connection), source.clone());
        let work = async move { get(&wanted, &inner, &connection).await.map(Arc::new) };
        let shared = work.boxed().shared();
        coming.insert(source.clone(), shared.clone());
        // Goes on while nobody waits for it.
        tokio::spawn(shared.clone());
        shared
    }

    /// Digest of the image, where it is there.
    pub(super) fn digest(&self, source: &ImageSource) -> Option<String> {
        let coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        Some(coming.get(source)?.peek()?.as_ref().ok()?.id.clone())
    }

    /// Forgets an image that could not be had, so that another attempt tries again.
    pub(super) fn forget(&self, source: &ImageSource) {
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        if coming.get(source).is_some_and(|known| matches!(known.peek(), Some(Err(_)))) {
            coming.remove(source);
        }
    }
}

/// The image as the engine has it; none where it has not.
pub(super) async fn find(docker: &Docker, name: &str) -> Result<Option<ImageInspect>, ExecutorError> {
    match docker.inspect_image(name).await {
        Ok(image) => Ok(Some(image)),
        Err(error) if failure::is_missing(&error) => Ok(None),
        Err(error) => Err(failure::engine(&format!("looking for the image {name}"), &error)),
    }
}

async fn get(
    source: &ImageSource,
    inner: &Arc<Inner>,
    connection: &Connection,
) -> Result<ImageRecord, ExecutorError> {
    let started = Instant::now();
    let record = match source {
        ImageSource::Named { reference, pull } => {
            let name = reference::with_tag(reference);
            let present = find(&connection.docker, &name).await?;
            let (image, origin) = match (present, pull) {
                (Some(image), Pull::Missing | Pull::Never) => (image, ImageOrigin::Present),
                (None, Pull::Never) => return Err(absent(reference)),
                (None, Pull::Missing) | (_, Pull::Always) => {
                    pull_image(reference, &name, inner, connection).await?;
                    let image = find(&connection.docker, &name).await?.ok_or_else(|| absent(reference))?;
                    (image, ImageOrigin::Pulled)
                }
            };
            record(reference, &image, origin)
        }
        ImageSource::Built { context, file, args } => {
            let (image, origin) = build::build(context, file, args, inner, connection).await?;
            record(&source.to_string(), &image, origin)
        }
    }?;
    inner.note(|notes| notes.image(&record, started.elapsed()));
    // What is built is another image whenever its folder is another one: nothing moved.
    if let ImageSource::Named { .. } = source {
        inner.warn_if_moved(&record);
    }
    Ok(record)
}

/// What is refused before anything runs: an image that is not there and may not be fetched.
pub(super) fn absent(reference: &str) -> ExecutorError {
    failure::environment(
        "container::no-image",
        format!("the engine has no image `{reference}`"),
        "pull or build it first, or write `pull: missing`",
    )
}

fn record(name: &str, image: &ImageInspect, origin: ImageOrigin) -> Result<ImageRecord, ExecutorError> {
    let Some(id) = &image.id else {
        return Err(failure::environment(
            "container::image",
            format!("the engine does not say what the image `{name}` is"),
            "",
        ));
    };
    let id = if id.starts_with("sha256:") { id.clone() } else { format!("sha256:{id}") };
    let repository = reference::repository(name);
    let published = image.repo_digests.iter().flatten().find_map(|known| {
        let (of, digest) = known.split_once('@')?;
        (reference::repository(of) == repository).then(|| digest.to_owned())
    });
    Ok(ImageRecord { image: name.to_owned(), id, registry_digest: published, origin })
}

async fn pull_image(
    reference: &str,
    name: &str,
    inner: &Arc<Inner>,
    connection: &Connection,
) -> Result<(), ExecutorError> {
    let refused = |why: &str, help: &str| {
        failure::environment("container::pull", format!("cannot pull the image `{reference}`: {why}"), help)
    };
    let known = credentials::find(&inner.options, reference::registry(reference))
        .await
        .map_err(|why| refused(&why, "log in again with `docker login`"))?;
    let options = CreateImageOptionsBuilder::new().from_image(name).build();
    let mut pulling = Box::pin(connection.patient.create_image(Some(options), None, known));
    let mut progress = Progress::default();
    while let Some(message) = pulling.next().await {
        let message = message.map_err(|error| {
            if failure::is_gone(&error) {
                return failure::engine(&format!("pulling the image `{reference}`"), &error);
            }
            let text = failure::chain(&error);
            let help = if text.contains("unauthorized")
                || text.contains("denied")
                || text.contains("authentication")
            {
                "log in with `docker login`, and check the name"
            } else {
                "check the name and the connection; with `pull: never` only what the engine has is used"
            };
            refused(&text, help)
        })?;
        if let Some((done, total)) = progress.take(&message) {
            inner.note(|notes| notes.image_progress(reference, done, total));
        }
    }
    Ok(())
}

/// Bytes of all layers together.
#[derive(Default)]
struct Progress {
    layers: HashMap<String, (u64, u64)>,
    told: Option<Instant>,
}

impl Progress {
    /// Takes in a message; bytes done and in total if it is time to tell.
    fn take(&mut self, message: &CreateImageInfo) -> Option<(u64, u64)> {
        let detail = message.progress_detail.as_ref()?;
        if message.status.as_deref() != Some("Downloading") {
            return None;
        }
        let bytes = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        let total = bytes(detail.total)?;
        self.layers.insert(message.id.clone()?, (bytes(detail.current)?, total));
        if self.told.is_some_and(|told| told.elapsed() < PROGRESS_EVERY) {
            return None;
        }
        self.told = Some(Instant::now());
        let sum = |pick: fn(&(u64, u64)) -> u64| self.layers.values().map(pick).sum();
        Some((sum(|layer| layer.0), sum(|layer| layer.1)))
    }
}
