//! What the store costs per operation: `cargo run -p runner-store --example measure [FOLDER]`.

#![expect(clippy::print_stdout, reason = "its purpose")]

use std::{error::Error, fs, hint::black_box, io::Write, path::Path, time::Instant};

use runner_store::{Change, Digest, Expected, NewVersion, RunId, Store};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let folder = tempfile::tempdir_in(parent)?;
    let store = Store::open(folder.path().join(".runner"))?;
    chain(&store)?;
    large(&store, folder.path())?;
    promote(&store)
}

/// What a chain of small steps asks of the store.
fn chain(store: &Store) -> Result<(), Box<dyn Error>> {
    const STEPS: usize = 1000;
    let run = store.create_run(&RunId::new())?;
    let names: Vec<String> = (0..STEPS).map(|step| format!("step{step}")).collect();
    let mut folders = Vec::new();
    each("scratch_dir", STEPS, || {
        for name in &names {
            folders.push(run.scratch_dir(name, 1)?);
        }
        Ok(())
    })?;
    for (step, folder) in folders.iter().enumerate() {
        fs::write(folder.join("out.txt"), format!("{step} {}", RunId::new()))?;
    }
    let mut digests = Vec::new();
    each("put_file, 30 bytes", STEPS, || {
        for folder in &folders {
            digests.push(store.put_file(&folder.join("out.txt"))?.digest);
        }
        Ok(())
    })?;
    each("materialise", STEPS, || {
        for (folder, digest) in folders.iter().zip(&digests) {
            store.materialise(digest, &folder.join("in.txt"))?;
        }
        Ok(())
    })?;
    let line = [b"{\"seq\":1,\"kind\":\"".as_slice(), &[b'x'; 180], b"\"}\n"].concat();
    each("append_events, 200 bytes", STEPS, || (0..STEPS).try_for_each(|_| Ok(run.append_events(&line)?)))?;
    each("remove_scratch", STEPS, || names.iter().try_for_each(|name| Ok(run.remove_scratch(name, 1)?)))?;
    each("make_durable, 10 objects", 1, || Ok(store.make_durable(&digests[..10])?))?;
    each("make_durable, 1000 objects", 1, || Ok(store.make_durable(&digests)?))?;
    each("sync_events", 1, || Ok(run.sync_events()?))?;
    each("write_record, durable", 1, || Ok(run.write_record(&"done", true)?))?;
    each("open_run latest", 1, || {
        black_box(store.open_run("latest")?);
        Ok(())
    })?;
    Ok(run.close()?)
}

fn large(store: &Store, folder: &Path) -> Result<(), Box<dyn Error>> {
    const MIB: usize = 256;
    let path = folder.join("large");
    let mut file = fs::File::create(&path)?;
    for number in 0..MIB {
        file.write_all(&vec![u8::try_from(number % 251)?; 1 << 20])?;
    }
    let bytes = vec![7; 64 << 20];
    let start = Instant::now();
    black_box(Digest::of_bytes(&bytes));
    let gigabytes = |bytes: usize, start: Instant| bytes as f64 / 1e9 / start.elapsed().as_secs_f64();
    println!("{:<28} {:>10.2} GB/s", "sha256 in memory", gigabytes(bytes.len(), start));
    let start = Instant::now();
    let object = store.put_file(&path)?;
    println!("{:<28} {:>10.2} GB/s", "put_file, 256 MiB", gigabytes(MIB << 20, start));
    let start = Instant::now();
    store.verify(&object.digest)?;
    println!("{:<28} {:>10.2} GB/s", "verify, 256 MiB", gigabytes(MIB << 20, start));
    Ok(())
}

fn promote(store: &Store) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let registry = store.registry()?;
    for text in ["first", "second", "second"] {
        let digest = store.put_bytes(text.as_bytes())?.digest;
        let (lineage, metrics, evidence) = (Value::Null, Value::Null, Value::Null);
        let new = NewVersion {
            digest,
            run: None,
            lineage,
            metrics,
            evidence,
            keep: None,
            change: Change::default(),
        };
        each(&format!("promote {text}"), 1, || {
            runtime.block_on(registry.promote("model", "champion", new, Expected::Anything))?;
            Ok(())
        })?;
    }
    Ok(())
}

fn each(
    name: &str,
    times: usize,
    work: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    println!("{name:<28} {:>10.1} µs", start.elapsed().as_secs_f64() * 1e6 / times as f64);
    Ok(())
}
