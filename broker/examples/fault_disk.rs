//! An ext4 file system on a disk that loses power on command, for long runs: `fault_disk MEBIBYTES` prints where it is
//! mounted, then obeys lines on standard input, each answered by one line, and takes it all down at their end.
//!
//! `off WRITES`: after so many writes more the power goes, and then the answer comes. `on SEED`: what was written and not
//! flushed is kept, lost or torn as the seed will have it, and the rest is mounted again; whoever used it must be gone.
//! Needs root, /dev/fuse and a loop device.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/disk/device/mod.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod device;

use std::io::{BufRead as _, Write as _};

use device::Machine;
use device::image::Random;

fn main() {
    if let Err(why) = run() {
        println!("failed: {why}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), String> {
    let mebibytes = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let mebibytes: usize = mebibytes.ok_or("how many mebibytes?")?;
    let mut machine = Machine::new(mebibytes << 20)?;
    say(&machine.root().display().to_string());
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let (verb, number) = line.split_once(' ').unwrap_or((&line, ""));
        let number: u64 = number.parse().map_err(|_| format!("no number: {line}"))?;
        match verb {
            "off" => {
                machine.power_off_after(number);
                machine.wait_for_power_off();
                say("off");
            }
            "on" => {
                let loss = machine.power_on(&mut Random(number))?;
                say(&format!(
                    "{} unflushed, {} lost, {} torn",
                    loss.unflushed, loss.lost, loss.torn
                ));
            }
            _ => return Err(format!("neither off nor on: {line}")),
        }
    }
    Ok(())
}

fn say(line: &str) {
    println!("{line}");
    let _ = std::io::stdout().flush();
}
