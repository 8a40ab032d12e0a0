//! Objects: immutable bytes named by their SHA-256.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::{
    atomic,
    digest::{Digest, ObjectKind, hash_pieces},
    error::StorageError,
    layout::Store,
    object_error::ObjectError,
    tree::{self, Symlinks, TreeFile},
};

/// Files that one folder may hold, unless [`OutputLimits`] says less.
const MAX_FILES: usize = 1_000_000;

/// Something in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name.
    pub digest: Digest,
    /// Bytes; of a folder, of all its files.
    pub size: u64,
}

/// What an output may hold at most. Checked before any byte is hashed, so that a sparse file of a terabyte costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files of a folder.
    pub files: usize,
}

impl Default for OutputLimits {
    fn default() -> Self {
        Self { bytes: u64::MAX, files: MAX_FILES }
    }
}

impl Store {
    /// Moves a file into the store.
    ///
    /// One pass over the bytes, then a rename where the file lies on the same file system, so that a small file costs
    /// a handful of system calls; nothing is synced (see [`Store::make_durable`]). The file must not be written to any
    /// more. It is copied instead of moved where it has other names (hard links), another owner, or lies on another
    /// disk. Afterwards `path` is gone, also where the object existed already.
    pub fn put_file(&self, path: &Path) -> Result<Object, ObjectError> {
        self.put_file_within(path, u64::MAX)
    }

    /// Moves a folder into the store: every file becomes an object, and so does the [listing](crate::tree).
    /// Symbolic links and special files anywhere below are refused before anything is moved.
    pub fn put_dir(&self, folder: &Path) -> Result<Object, ObjectError> {
        self.put_dir_within(folder, OutputLimits::default())
    }

    /// Moves an output (file or folder) that a step wrote to `out_dir/relative` into the store.
    ///
    /// Trusts nothing the step did: a symbolic link on the way, at the end or inside is refused.
    pub fn put_output(
        &self,
        out_dir: &Path,
        relative: &str,
        limits: OutputLimits,
    ) -> Result<Object, ObjectError> {
        if !tree::is_plain(relative) {
            return Err(ObjectError::PathOutside { path: relative.to_owned() });
        }
        let path = out_dir.join(relative);
        for parent in path.ancestors().skip(1).take_while(|parent| *parent != out_dir) {
            let metadata = fs::symlink_metadata(parent).map_err(StorageError::at("look at", parent))?;
            if metadata.is_symlink() {
                return Err(ObjectError::Symlink { path: parent.to_path_buf() });
            }
        }
        match self.put_file_within(&path, limits.bytes) {
            Err(ObjectError::NotAFile { .. }) if is_real_dir(&path) => self.put_dir_within(&path, limits),
            result => result,
        }
    }

    /// Copies a file of the user into the store and leaves it as it is. Symbolic links are followed.
    pub fn put_copy(&self, path: &Path) -> Result<Object, ObjectError> {
        let (mut file, size) = open_data(path)?;
        self.put_reader(&mut file, size, path)
    }

    /// Stores bytes.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Object, ObjectError> {
        self.put_bytes_as(ObjectKind::File, bytes)
    }

    /// Where the bytes of an object are, or would be. Of a folder: its listing.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let mut path = self.objects_dir().join(&hex[..2]);
        path.push(hex);
        path
    }

    /// Whether the object is there. Does not read it, nor the files of a folder.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Opens an object for reading; of a folder, its listing.
    pub fn read(&self, digest: &Digest) -> Result<File, ObjectError> {
        let path = self.path(digest);
        File::open(&path).map_err(|error| missing_or(*digest, "read", &path, error))
    }

    /// The files of a folder.
    pub fn tree(&self, digest: &Digest) -> Result<Vec<TreeFile>, ObjectError> {
        let mut bytes = Vec::new();
        let path = self.path(digest);
        self.read(digest)?.read_to_end(&mut bytes).map_err(StorageError::at("read", &path))?;
        let files = (digest.kind() == ObjectKind::Tree).then(|| tree::decode(&bytes)).flatten();
        files.ok_or(ObjectError::NotATree { digest: *digest })
    }

    /// Puts an object at `destination`, which must not exist; folders above it are made.
    ///
    /// A file is a hard link to the object, mode 0444: it costs nothing, and whoever gets it must not be able to write to
    /// it. (The superuser is: for steps outside a sandbox that run as root, use [`Store::materialise_copy`].) Where links
    /// are not possible, it is a copy.
    pub fn materialise(&self, digest: &Digest, destination: &Path) -> Result<(), ObjectError> {
        self.place(digest, destination, true)
    }

    /// Like [`Store::materialise`], with bytes of its own: the file system shares them where it can (reflink).
    pub fn materialise_copy(&self, digest: &Digest, destination: &Path) -> Result<(), ObjectError> {
        self.place(digest, destination, false)
    }

    /// Reads the object again, of a folder every file, and compares with the digest.
    ///
    /// A damaged object is moved to `objects/damaged`, so that making it again heals the store. Returns the bytes read.
    pub fn verify(&self, digest: &Digest) -> Result<u64, ObjectError> {
        let path = self.path(digest);
        let mut file = self.read(digest)?;
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let (sha256, mut size) =
            hash_pieces(&mut file, size, |_| Ok(())).map_err(StorageError::at("read", &path))?;
        if sha256 != *digest.sha256() {
            self.set_aside(&path);
            let found = Digest::from_sha256(ObjectKind::File, sha256).hex();
            return Err(ObjectError::Damaged { digest: *digest, found });
        }
        if digest.kind() == ObjectKind::Tree {
            size = 0;
            for file in self.tree(digest)? {
                size += self.verify(&file.digest)?;
            }
        }
        Ok(size)
    }

    /// A file for bytes that come from elsewhere, to be handed to [`Store::adopt`].
    pub(crate) fn temporary(&self) -> Result<tempfile::NamedTempFile, ObjectError> {
        Ok(atomic::temporary_file(self.temporary_dir())?)
    }

    /// Makes a complete temporary file the object it is said to be; refused where its bytes are others.
    pub(crate) fn adopt(
        &self,
        mut temporary: tempfile::NamedTempFile,
        digest: &Digest,
    ) -> Result<(), ObjectError> {
        let path = temporary.path().to_path_buf();
        let read = |error| StorageError::new("read", &path, error);
        let size = temporary.as_file().metadata().map_err(read)?.len();
        temporary.as_file_mut().seek(io::SeekFrom::Start(0)).map_err(read)?;
        let (sha256, size) = hash_pieces(temporary.as_file_mut(), size, |_| Ok(())).map_err(read)?;
        if sha256 != *digest.sha256() {
            let found = Digest::from_sha256(ObjectKind::File, sha256).hex();
            return Err(ObjectError::Damaged { digest: *digest, found });
        }
        temporary
            .as_file()
            .set_permissions(Permissions::from_mode(0o444))
            .and_then(|()| self.publish(&path, digest, size))
            .map_err(StorageError::at("write", &self.path(digest)))?;
        let _ = temporary.into_temp_path().keep();
        Ok(())
    }

    fn put_file_within(&self, path: &Path, limit: u64) -> Result<Object, ObjectError> {
        let (mut file, metadata) = open_output(path)?;
        if metadata.len() > limit {
            return Err(ObjectError::OutputTooLarge {
                path: path.to_path_buf(),
                size: metadata.len(),
                limit,
            });
        }
        // Another name could be used to change the object later: such a file is copied. The same for a file whose
        // owner is somebody else, where the mode cannot be changed.
        let movable = metadata.nlink() == 1 && file.set_permissions(Permissions::from_mode(0o444)).is_ok();
        if movable {
            let (sha256, size) =
                hash_pieces(&mut file, metadata.len(), |_| Ok(())).map_err(StorageError::at("read", path))?;
            let digest = Digest::from_sha256(ObjectKind::File, sha256);
            match self.publish(path, &digest, size) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
                Err(error) => return Err(StorageError::new("move into the store", path, error).into()),
                Ok(()) => return Ok(Object { digest, size }),
            }
            (file, _) = open_output(path)?;
        }
        let object = self.put_reader(&mut file, metadata.len(), path)?;
        fs::remove_file(path).map_err(StorageError::at("remove", path))?;
        Ok(object)
    }

    fn put_dir_within(&self, folder: &Path, limits: OutputLimits) -> Result<Object, ObjectError> {
        let walked = tree::walk(folder, Symlinks::Refuse, limits.files)?;
        let mut files = Vec::with_capacity(walked.len());
        let mut total: u64 = 0;
        for (relative, path) in walked {
            let object = self.put_file_within(&path, limits.bytes - total)?;
            total += object.size;
            files.push(TreeFile { path: relative, size: object.size, digest: object.digest });
        }
        let listing = encode(&mut files, folder)?;
        let object = self.put_bytes_as(ObjectKind::Tree, &listing)?;
        Ok(Object { digest: object.digest, size: total })
    }

    fn put_bytes_as(&self, kind: ObjectKind, bytes: &[u8]) -> Result<Object, ObjectError> {
        let object = self.put_reader(&mut &*bytes, bytes.len() as u64, self.root())?;
        let digest = Digest::from_sha256(kind, *object.digest.sha256());
        Ok(Object { digest, size: object.size })
    }

    /// Copies what `reader` gives into a temporary file and publishes that.
    fn put_reader(&self, reader: &mut impl Read, size: u64, from: &Path) -> Result<Object, ObjectError> {
        let mut temporary = atomic::temporary_file(self.temporary_dir())?;
        let mut write_error = None;
        let hashed = hash_pieces(reader, size, |piece| {
            temporary.write_all(piece).map_err(|error| {
                // Told apart from an error of the reader, because the path to name is another.
                let kind = error.kind();
                write_error = Some(error);
                kind.into()
            })
        });
        if let Some(error) = write_error {
            return Err(StorageError::new("write", temporary.path(), error).into());
        }
        let (sha256, size) = hashed.map_err(StorageError::at("read", from))?;
        let digest = Digest::from_sha256(ObjectKind::File, sha256);
        temporary
            .as_file()
            .set_permissions(Permissions::from_mode(0o444))
            .and_then(|()| self.publish(temporary.path(), &digest, size))
            .map_err(StorageError::at("write", &self.path(&digest)))?;
        // Moved, or removed as a duplicate: nothing is left to remove.
        let _ = temporary.into_temp_path().keep();
        Ok(Object { digest, size })
    }

    /// Makes a complete file visible under its digest, or removes it where the object is there already.
    ///
    /// An existing object is left alone: it may be on the disk already, and the new file is not.
    fn publish(&self, from: &Path, digest: &Digest, size: u64) -> io::Result<()> {
        let to = self.path(digest);
        let mut renamed = atomic::rename_new(from, &to);
        if let (Err(error), Some(folder)) = (&renamed, to.parent())
            && error.kind() == io::ErrorKind::NotFound
        {
            fs::create_dir_all(folder)?;
            renamed = atomic::rename_new(from, &to);
        }
        match renamed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // After a power cut a file may be shorter than it was written: then this one heals it.
                if fs::symlink_metadata(&to).is_ok_and(|there| there.is_file() && there.len() == size) {
                    fs::remove_file(from)
                } else {
                    fs::rename(from, &to)
                }
            }
            other => other,
        }
    }

    fn place(&self, digest: &Digest, destination: &Path, link: bool) -> Result<(), ObjectError> {
        if digest.kind() == ObjectKind::File {
            return self.place_file(digest, destination, link);
        }
        let files = self.tree(digest)?;
        if fs::symlink_metadata(destination).is_ok() {
            return Err(ObjectError::DestinationExists { path: destination.to_path_buf() });
        }
        fs::create_dir_all(destination).map_err(StorageError::at("create the folder", destination))?;
        files.iter().try_for_each(|file| self.place_file(&file.digest, &destination.join(&file.path), link))
    }

    fn place_file(&self, digest: &Digest, destination: &Path, link: bool) -> Result<(), ObjectError> {
        let object = self.path(digest);
        let place = || if link { link_or_copy(&object, destination) } else { copy(&object, destination) };
        let mut placed = place();
        if let (Err(error), Some(folder)) = (&placed, destination.parent())
            && error.kind() == io::ErrorKind::NotFound
        {
            fs::create_dir_all(folder).map_err(StorageError::at("create the folder", folder))?;
            placed = place();
        }
        placed.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return ObjectError::DestinationExists { path: destination.to_path_buf() };
            }
            missing_or(*digest, "write", destination, error)
        })
    }

    /// Best effort: on a read-only disk the report alone has to do.
    fn set_aside(&self, path: &Path) {
        let Some(name) = path.file_name() else { return };
        let _ = fs::create_dir_all(self.damaged_dir());
        let _ = fs::rename(path, self.damaged_dir().join(name));
    }
}

/// The digest that a file or folder of the user would have. Needs no store; follows symbolic links.
pub fn digest_of(path: &Path) -> Result<Object, ObjectError> {
    let hash = |path: &Path| -> Result<Object, ObjectError> {
        let (mut file, size) = open_data(path)?;
        let (sha256, size) =
            hash_pieces(&mut file, size, |_| Ok(())).map_err(StorageError::at("read", path))?;
        Ok(Object { digest: Digest::from_sha256(ObjectKind::File, sha256), size })
    };
    let metadata = fs::metadata(path).map_err(StorageError::at("look at", path))?;
    if !metadata.is_dir() {
        return hash(path);
    }
    let mut files = Vec::new();
    for (relative, path) in tree::walk(path, Symlinks::Follow, MAX_FILES)? {
        let Object { digest, size } = hash(&path)?;
        files.push(TreeFile { path: relative, size, digest });
    }
    let listing = encode(&mut files, path)?;
    let digest = Digest::from_sha256(ObjectKind::Tree, *Digest::of_bytes(&listing).sha256());
    Ok(Object { digest, size: files.iter().map(|file| file.size).sum() })
}

/// Opens an output for reading without following a link or waiting for a pipe.
fn open_output(path: &Path) -> Result<(File, fs::Metadata), ObjectError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => ObjectError::Symlink { path: path.to_path_buf() },
            // A socket cannot be opened at all.
            Ok(metadata) if !metadata.is_file() => ObjectError::NotAFile { path: path.to_path_buf() },
            _ => StorageError::new("read", path, error).into(),
        }
    })?;
    let metadata = file.metadata().map_err(StorageError::at("look at", path))?;
    if !metadata.is_file() {
        return Err(ObjectError::NotAFile { path: path.to_path_buf() });
    }
    Ok((file, metadata))
}

/// Opens a file of the user.
fn open_data(path: &Path) -> Result<(File, u64), ObjectError> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(StorageError::at("read", path))?;
    let metadata = file.metadata().map_err(StorageError::at("look at", path))?;
    if !metadata.is_file() {
        return Err(ObjectError::NotAFile { path: path.to_path_buf() });
    }
    Ok((file, metadata.len()))
}

fn is_real_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn encode(files: &mut [TreeFile], folder: &Path) -> Result<Vec<u8>, StorageError> {
    tree::encode(files).map_err(|error| StorageError::new("list", folder, error.into()))
}

fn missing_or(digest: Digest, action: &'static str, path: &Path, error: io::Error) -> ObjectError {
    if error.kind() == io::ErrorKind::NotFound {
        ObjectError::Missing { digest }
    } else {
        StorageError::new(action, path, error).into()
    }
}

fn link_or_copy(object: &Path, destination: &Path) -> io::Result<()> {
    match fs::hard_link(object, destination) {
        // Another disk, too many links to one file, a system that forbids or does not know links.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::CrossesDevices
                    | io::ErrorKind::TooManyLinks
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::Unsupported
            ) =>
        {
            copy(object, destination)
        }
        result => result,
    }
}

fn copy(object: &Path, destination: &Path) -> io::Result<()> {
    let mut from = File::open(object)?;
    let mut to = File::create_new(destination)?;
    let copied = io::copy(&mut from, &mut to).and_then(|_| to.set_permissions(Permissions::from_mode(0o444)));
    if copied.is_err() {
        // Half a file must not look like an input.
        let _ = fs::remove_file(destination);
    }
    copied
}
