//! The bytes of models: in the store of this machine, and in the place of a shared registry.

use std::{io::Write as _, sync::Arc};

use futures::StreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart, path::Path as Location};
use tokio::io::AsyncReadExt as _;

use super::{Basis, Registry, RegistryError};
use crate::{
    digest::{Digest, ObjectKind},
    error::StorageError,
    object_error::ObjectError,
};

/// Bytes sent or read at a time.
const PIECE: usize = 8 << 20;

impl Registry {
    /// Reads the object again and waits until it is on the disk, and in the place of a shared registry. Returns its bytes.
    pub(super) async fn secure(&self, digest: Digest) -> Result<u64, RegistryError> {
        let size = self
            .blocking(move |objects| {
                let size = objects.verify(&digest)?;
                objects.make_durable(&[digest])?;
                Ok(size)
            })
            .await?;
        self.share(&digest).await?;
        Ok(size)
    }

    /// The same for what a change of an alias rests on.
    pub(super) async fn secure_basis(&self, basis: Option<Basis>) -> Result<(), RegistryError> {
        let objects = basis.into_iter().flat_map(|basis| [Some(basis.evidence), basis.approval]);
        for digest in objects.flatten() {
            self.secure(digest).await?;
        }
        Ok(())
    }

    /// Puts an object that is in the store of this machine into the place of a shared registry, unless it is there. Does
    /// nothing for a registry on this machine.
    pub async fn share(&self, digest: &Digest) -> Result<(), RegistryError> {
        let Some(shared) = &self.shared else { return Ok(()) };
        for part in self.parts(digest)? {
            self.send(shared, &part).await?;
        }
        Ok(())
    }

    /// Makes sure that an object is in the store of this machine, whole: reads it from the place of a shared registry where
    /// it is not.
    pub async fn fetch(&self, digest: &Digest) -> Result<(), RegistryError> {
        if let Some(shared) = &self.shared {
            // The listing of a folder comes first: it names the files.
            self.receive(shared, digest).await?;
            for part in self.parts(digest)? {
                self.receive(shared, &part).await?;
            }
        }
        let digest = *digest;
        self.blocking(move |objects| objects.verify(&digest)).await?;
        Ok(())
    }

    /// The files of an object, and last the object itself.
    fn parts(&self, digest: &Digest) -> Result<Vec<Digest>, RegistryError> {
        let object = |source| RegistryError::Object { source: Box::new(source) };
        let mut parts = Vec::new();
        if digest.kind() == ObjectKind::Tree {
            parts.extend(self.objects.tree(digest).map_err(object)?.into_iter().map(|file| file.digest));
        }
        parts.push(*digest);
        Ok(parts)
    }

    async fn send(&self, shared: &Arc<dyn ObjectStore>, digest: &Digest) -> Result<(), RegistryError> {
        let location = location(digest);
        let access = |source| RegistryError::access("write", &location, source);
        let path = self.objects.path(digest);
        let read = |error| RegistryError::Storage(StorageError::new("read", &path, error));
        let mut file = tokio::fs::File::open(&path).await.map_err(read)?;
        let size = file.metadata().await.map_err(read)?.len();
        // Objects are named by their bytes and written whole: one of this size is this one.
        if shared.head(&location).await.is_ok_and(|there| there.size == size) {
            return Ok(());
        }
        if size <= PIECE as u64 {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            file.read_to_end(&mut bytes).await.map_err(read)?;
            shared.put(&location, bytes.into()).await.map_err(access)?;
            return Ok(());
        }
        let upload = shared.put_multipart(&location).await.map_err(access)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE);
        let mut piece = vec![0; PIECE];
        loop {
            let length = file.read(&mut piece).await.map_err(read)?;
            if length == 0 {
                break;
            }
            upload.wait_for_capacity(2).await.map_err(access)?;
            upload.write(&piece[..length]);
        }
        upload.finish().await.map_err(access)?;
        Ok(())
    }

    async fn receive(&self, shared: &Arc<dyn ObjectStore>, digest: &Digest) -> Result<(), RegistryError> {
        if self.objects.contains(digest) {
            return Ok(());
        }
        let location = location(digest);
        let access = |source| RegistryError::access("read", &location, source);
        let got = match shared.get(&location).await {
            Err(object_store::Error::NotFound { .. }) => {
                let source = Box::new(ObjectError::Missing { digest: *digest });
                return Err(RegistryError::Object { source });
            }
            got => got.map_err(access)?,
        };
        let object = |source| RegistryError::Object { source: Box::new(source) };
        let mut temporary = self.objects.temporary().map_err(object)?;
        let mut pieces = got.into_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(access)?;
            let path = temporary.path().to_path_buf();
            temporary.write_all(&piece).map_err(|error| StorageError::new("write", &path, error))?;
        }
        let digest = *digest;
        self.blocking(move |objects| objects.adopt(temporary, &digest)).await
    }

    /// A model may have gigabytes: not on a thread that drives other work, where there is one.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(crate::layout::Store) -> Result<T, ObjectError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let objects = self.objects.clone();
        let done = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let done = runtime.spawn_blocking(move || work(objects)).await;
                done.map_err(|_| RegistryError::Interrupted)?
            }
            Err(_) => work(objects),
        };
        done.map_err(|source| RegistryError::Object { source: Box::new(source) })
    }
}

fn location(digest: &Digest) -> Location {
    let hex = digest.hex();
    Location::from(format!("objects/sha256/{}/{hex}", &hex[..2]))
}
