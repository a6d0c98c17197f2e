//! A Proxmox on loopback for scripts and people: prints its URL and serves until it is ended.
//!
//! Usage: `fake-proxmox [pve|pbs] [lab|scale|FILE] [PORT]`; FILE holds recorded answers.

use edgewatch_harness::proxmox::{Answers, FakeProxmox, Product, TOKEN_NAME, TOKEN_SECRET, lab, scale};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    let product = if argument(0) == "pbs" { Product::Pbs } else { Product::Pve };
    let answers = match (argument(1), product) {
        ("" | "lab", Product::Pve) => lab::pve(),
        ("" | "lab", Product::Pbs) => lab::pbs(),
        ("scale", Product::Pve) => scale::pve(scale::Scale::AIM),
        ("scale", Product::Pbs) => scale::pbs(scale::Scale::AIM),
        (file, _) => {
            let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
            Answers::recorded(&text)
        }
    };
    let fake = FakeProxmox::start_at(argument(2).parse().unwrap_or(0), product, answers, None);
    println!("{} token {TOKEN_NAME} {TOKEN_SECRET}", fake.url());
    loop {
        std::thread::park();
    }
}
