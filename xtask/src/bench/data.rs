//! A deterministic table of mixed columns, like an export of customers: about 180 bytes a row.

use std::{
    fs::File,
    io::{BufWriter, Result, Write},
    path::Path,
};

const COUNTRIES: [&str; 8] = ["AT", "BR", "DE", "FR", "IN", "JP", "NG", "US"];
const PLANS: [&str; 4] = ["free", "basic", "team", "enterprise"];
const DEVICES: [&str; 3] = ["phone", "tablet", "desktop"];

/// Writes `rows` rows: an id, eleven numbers, four categories, two times, a flag and an address; some values missing.
pub(super) fn write_table(path: &Path, rows: u64) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(
        out,
        "id,age,tenure,visits,balance,income,ratio,x1,x2,x3,x4,x5,country,plan,device,segment,joined,seen,active,email"
    )?;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for id in 1..=rows {
        write!(out, "{id},{},{},{},", 18 + random.below(72), random.below(240), random.below(10_000))?;
        if random.below(100) < 3 {
            write!(out, ",")?;
        } else {
            write!(out, "{:.2},", random.unit() * 20_000.0 - 2_000.0)?;
        }
        write!(out, "{:.2},{:.6},", 12_000.0 + random.unit() * 150_000.0, random.unit())?;
        for _ in 0..5 {
            write!(out, "{:.6},", random.unit() * 2.0 - 1.0)?;
        }
        write!(
            out,
            "{},{},{},s{:02},",
            random.pick(&COUNTRIES),
            random.pick(&PLANS),
            random.pick(&DEVICES),
            random.below(40)
        )?;
        let (year, month, day) = (2015 + random.below(11), 1 + random.below(12), 1 + random.below(28));
        write!(out, "{year}-{month:02}-{day:02},")?;
        write!(
            out,
            "2026-{:02}-{:02}T{:02}:{:02}:{:02}Z,",
            1 + random.below(11),
            1 + random.below(28),
            random.below(24),
            random.below(60),
            random.below(60)
        )?;
        writeln!(out, "{},user{id}@example.org", if random.below(2) == 0 { "true" } else { "false" })?;
    }
    out.flush()
}

/// xorshift64*: the same table on every machine, without a dependency for it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept, which an f64 holds")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(words.len() as u64)).unwrap_or(0);
        words[index]
    }
}
