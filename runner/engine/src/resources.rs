//! Processors, memory and GPUs of the machine, shared out to the steps that say what they need.

use std::fs;

use runner_workflow::plan::Resources;

/// What a machine has. What is not known is not shared out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Machine {
    /// Processors.
    pub cpu: Option<f64>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// GPUs.
    pub gpu: Option<u32>,
}

impl Machine {
    /// This machine, with so many GPUs.
    #[must_use]
    pub fn this(gpu: u32) -> Self {
        let cpu = std::thread::available_parallelism().ok();
        Self { cpu: cpu.map(|cpu| cpu.get() as f64), memory: memory(), gpu: Some(gpu) }
    }

    /// What a step needs and the machine has not, in words.
    pub(crate) fn lacks(&self, needs: &Resources) -> Option<String> {
        let mut lacks = Vec::new();
        if let (Some(needs), Some(has)) = (needs.cpu, self.cpu)
            && needs > has
        {
            lacks.push(format!("{needs} processors of {has}"));
        }
        if let (Some(needs), Some(has)) = (needs.memory, self.memory)
            && needs > has
        {
            lacks.push(format!("{} MiB of memory of {}", needs >> 20, has >> 20));
        }
        if let (Some(needs), Some(has)) = (needs.gpu, self.gpu)
            && needs > has
        {
            lacks.push(format!("{needs} GPUs of {has}"));
        }
        (!lacks.is_empty()).then(|| lacks.join(" and "))
    }
}

/// Memory of this machine in bytes, as Linux tells it.
fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What is free at the moment.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Thousandths of a processor.
    cpu: u64,
    memory: u64,
    gpu: u64,
}

/// What a step takes, in the units of a [`Pool`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    cpu: u64,
    memory: u64,
    gpu: u64,
}

impl Pool {
    /// Everything that the machine has.
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            cpu: machine.cpu.map_or(u64::MAX, thousandths),
            memory: machine.memory.unwrap_or(u64::MAX),
            gpu: machine.gpu.map_or(u64::MAX, u64::from),
        }
    }

    /// Takes what a step needs; false, and nothing taken, where there is too little.
    pub(crate) fn take(&mut self, share: Share) -> bool {
        let fits = share.cpu <= self.cpu && share.memory <= self.memory && share.gpu <= self.gpu;
        if fits {
            self.cpu -= share.cpu;
            self.memory -= share.memory;
            self.gpu -= share.gpu;
        }
        fits
    }

    /// Takes it back.
    pub(crate) fn give_back(&mut self, share: Share) {
        self.cpu = self.cpu.saturating_add(share.cpu);
        self.memory = self.memory.saturating_add(share.memory);
        self.gpu = self.gpu.saturating_add(share.gpu);
    }
}

impl Share {
    /// What a step declares.
    pub(crate) fn of(needs: &Resources) -> Self {
        Self {
            cpu: needs.cpu.map_or(0, thousandths),
            memory: needs.memory.unwrap_or(0),
            gpu: u64::from(needs.gpu.unwrap_or(0)),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the language allows more than 0 and at most 100,000 processors"
)]
fn thousandths(cpu: f64) -> u64 {
    (cpu * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_something() {
        let machine = Machine::this(0);
        assert!(machine.cpu.unwrap() >= 1.0 && machine.memory.unwrap() > 1 << 20);
        let needs = Resources { cpu: Some(1e5), gpu: Some(1), ..Resources::default() };
        let lacks = machine.lacks(&needs).unwrap();
        assert!(lacks.contains("100000 processors") && lacks.ends_with("1 GPUs of 0"), "{lacks}");
        assert_eq!(Machine::default().lacks(&needs), None);
    }

    #[test]
    fn nothing_is_given_twice() {
        let mut pool = Pool::new(&Machine { cpu: Some(2.0), memory: Some(100), gpu: None });
        let share = Share::of(&Resources { cpu: Some(1.5), memory: Some(60), ..Resources::default() });
        assert!(pool.take(share) && !pool.take(share));
        pool.give_back(share);
        assert!(pool.take(share));
        assert!(pool.take(Share::default()));
    }
}
