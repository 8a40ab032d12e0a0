//! GPUs of the machine, each in the hands of one step at a time.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Those that are free.
#[derive(Debug, Default)]
pub(super) struct Gpus {
    free: Arc<Mutex<BTreeSet<u32>>>,
}

impl Gpus {
    /// So many, by number from 0.
    pub(super) fn new(count: u32) -> Self {
        Self { free: Arc::new(Mutex::new((0..count).collect())) }
    }

    /// Takes so many. The schedule starts no step that there are too few for.
    pub(super) fn take(&self, count: u32) -> Taken {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut numbers: Vec<u32> = Vec::new();
        while numbers.len() < count as usize
            && let Some(number) = free.pop_first()
        {
            numbers.push(number);
        }
        Taken { numbers, from: Arc::clone(&self.free) }
    }
}

/// GPUs that are free again when this goes out of scope.
#[derive(Debug)]
pub(super) struct Taken {
    numbers: Vec<u32>,
    from: Arc<Mutex<BTreeSet<u32>>>,
}

impl Taken {
    pub(super) fn numbers(&self) -> &[u32] {
        &self.numbers
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.from.lock().unwrap_or_else(PoisonError::into_inner).extend(self.numbers.drain(..));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_gpu_is_given_twice() {
        let gpus = Gpus::new(3);
        let two = gpus.take(2);
        let rest = gpus.take(2);
        assert_eq!((two.numbers(), rest.numbers()), (&[0, 1][..], &[2][..]));
        drop(two);
        assert_eq!(gpus.take(1).numbers(), [0]);
    }
}
