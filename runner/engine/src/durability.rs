//! Waiting for the disk where something was decided, against power cuts, without the run waiting for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runner_store::Digest;

use crate::attempt::Facilities;

/// What the disk does not have for sure yet. One writer at a time: while it waits, more gathers, so that a run of many
/// short stages does not wait for the disk once for each of them.
#[derive(Debug, Default)]
pub(crate) struct Durability {
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    objects: Vec<Digest>,
    wanted: bool,
    writing: bool,
}

impl Durability {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next objects to write; `None`, and no writer any more, where there is nothing.
    fn next(&self) -> Option<Vec<Digest>> {
        let mut pending = self.lock();
        pending.writing = pending.wanted;
        if !pending.wanted {
            return None;
        }
        pending.wanted = false;
        Some(std::mem::take(&mut pending.objects))
    }
}

/// Starts to make these objects, and the events so far, survive a power cut. The end of the run waits for it.
pub(crate) fn make_durable(facilities: &Arc<Facilities>, objects: impl IntoIterator<Item = Digest>) {
    {
        let mut pending = facilities.durability.lock();
        pending.objects.extend(objects);
        pending.wanted = true;
        if pending.writing {
            return;
        }
        pending.writing = true;
    }
    let facilities = Arc::clone(facilities);
    let background = facilities.background.clone();
    background.spawn_blocking(move || {
        while let Some(objects) = facilities.durability.next() {
            // An error here is one of the record too, and shows there.
            let _ = facilities.stream.commit();
            let stored = facilities.store.make_durable(&objects).map_err(|error| error.to_string());
            let durable =
                stored.and_then(|()| facilities.run_dir.sync_events().map_err(|error| error.to_string()));
            if let Err(error) = durable {
                let message = format!("a power cut could lose results of this run: {error}");
                facilities.stream.warn("engine::durability", message);
            }
        }
    });
}
