//! Any text is a gate or has an error inside it; what is printed is read as the same.
#![no_main]

mod fixed_keys;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match runner_gate::grammar::parse(text) {
        Ok(gate) => {
            let printed = gate.to_string();
            let again = runner_gate::grammar::parse(&printed);
            assert_eq!(again.map(|gate| gate.to_string()).ok(), Some(printed));
        }
        Err(error) => assert!(error.range.start <= error.range.end && error.range.end <= text.len()),
    }
});
