//! Counts the memory and tables of one call, and remembers what it refused.

use wasmtime::ResourceLimiter;

use crate::limits::{Caps, INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};

/// The meter of one call. A refused growth is not an error in WebAssembly (the guest sees -1), so what was refused is
/// remembered, to tell a plugin that ran out of memory from one that has a bug.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_limit: usize,
    memory: usize,
    table_elements: usize,
    /// Whether a memory was refused.
    pub(crate) memory_refused: bool,
    /// Whether a table was refused.
    pub(crate) table_refused: bool,
}

impl Meter {
    /// A meter for a call with these caps.
    pub(crate) fn new(caps: &Caps) -> Self {
        Self {
            memory_limit: usize::try_from(caps.memory).unwrap_or(usize::MAX),
            memory: 0,
            table_elements: 0,
            memory_refused: false,
            table_refused: false,
        }
    }

    /// Bytes of all linear memories.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }
}

/// Grows `total` by what a memory or table grows, unless that leads over `limit`.
fn grow(total: &mut usize, current: usize, desired: usize, limit: usize) -> bool {
    match total.checked_add(desired.saturating_sub(current)) {
        Some(sum) if sum <= limit => {
            *total = sum;
            true
        }
        _ => false,
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = grow(&mut self.memory, current, desired, self.memory_limit);
        self.memory_refused |= !granted;
        Ok(granted)
    }

    /// The operating system has no more: to the step that is the same as its limit.
    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_refused = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = grow(&mut self.table_elements, current, desired, TABLE_ELEMENTS);
        self.table_refused |= !granted;
        Ok(granted)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_counted_together() {
        let mut meter = Meter::new(&Caps { memory: 100, ..Caps::default() });
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(!meter.memory_growing(0, 60, None).unwrap(), "a second memory counts too");
        assert!(meter.memory_refused);
        assert!(meter.memory_growing(60, 100, None).unwrap());
        assert_eq!(meter.memory(), 100);
    }

    #[test]
    fn sums_do_not_wrap() {
        let mut meter = Meter::new(&Caps { memory: u64::MAX, ..Caps::default() });
        assert!(meter.memory_growing(0, usize::MAX - 1, None).unwrap());
        assert!(!meter.memory_growing(0, 2, None).unwrap());
    }
}
