//! The table that `cargo xtask bench` prints.

use anyhow::Result;
use serde_json::json;

use super::measure::Figures;

/// One figure, beside its peer where there is one.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: Figures,
    pub(crate) peer: Option<(String, Figures)>,
    /// Divides the wall clock, for figures per step.
    pub(crate) per: u32,
    /// What the project aims at, in words.
    pub(crate) aim: &'static str,
}

pub(crate) fn print(rows: &[Row], as_json: bool) -> Result<()> {
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "unit": if row.per > 1 { "s per item" } else { "s" },
                    "ours": figures(&row.ours, row.per),
                    "peer": row.peer.as_ref().map(|(name, peer)| json!({ "name": name, "figures": figures(peer, row.per) })),
                    "ratio": row.peer.as_ref().map(|(_, peer)| ratio(row, peer)),
                    "aim": row.aim,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    println!("{:<34} {:>10} {:>21} {:>8} {:>8}  beside", "benchmark", "median", "min – max", "cpu s", "MiB");
    for row in rows {
        println!("{}", line(&row.name, &row.ours, row.per));
        if let Some((name, peer)) = &row.peer {
            println!("{}  {:.2}×", line(&format!("  {name}"), peer, row.per), ratio(row, peer));
        }
        println!("  aim: {}", row.aim);
    }
    Ok(())
}

/// Ours divided by the peer's: below 1 is faster.
fn ratio(row: &Row, peer: &Figures) -> f64 {
    row.ours.median.wall.as_secs_f64() / peer.median.wall.as_secs_f64()
}

fn line(name: &str, figures: &Figures, per: u32) -> String {
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3 / f64::from(per);
    format!(
        "{name:<34} {:>7.2} ms {:>8.2} – {:>7.2} ms {:>8.2} {:>8.0}",
        ms(figures.median.wall),
        ms(figures.fastest),
        ms(figures.slowest),
        figures.median.cpu.as_secs_f64(),
        mebibytes(figures.median.peak_memory),
    )
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn figures(figures: &Figures, per: u32) -> serde_json::Value {
    let per = f64::from(per);
    json!({
        "median": figures.median.wall.as_secs_f64() / per,
        "min": figures.fastest.as_secs_f64() / per,
        "max": figures.slowest.as_secs_f64() / per,
        "cpu_s": figures.median.cpu.as_secs_f64(),
        "peak_memory_bytes": figures.median.peak_memory,
    })
}
