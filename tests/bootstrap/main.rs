//! `scripts/nezha_register.sh` against a server that plays its part: nothing of the machine outside a temporary directory is touched.

mod flat_json;
mod installation;
mod machine;
mod real;
mod registration;
mod secrecy;
mod stand_in;

use machine::{Machine, Outcome, TOKEN, sha256};
use stand_in::{Answers, StandIn};

/// Of no other test: command lines of the whole machine are searched for it.
const SECRET: &str = "Bt5SecretOneAaBb01";
const OTHER_SECRET: &str = "Bt5SecretTwoAaBb02";

/// A machine, and a server that registers it with [`SECRET`] and has an agent for it.
fn pair() -> (Machine, StandIn) {
    let machine = Machine::new();
    let agent = machine.agent();
    let checksum = format!("{}  edgewatch-agent-{}-unknown-linux-musl\n", sha256(&agent), std::env::consts::ARCH);
    let server = StandIn::start(Answers {
        register_status: 200,
        register_body: format!("\"{SECRET}\""),
        agent: Some(agent),
        checksum: Some(checksum),
    });
    (machine, server)
}

fn assert_installed(machine: &Machine, outcome: &Outcome) {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(machine.path("usr/local/bin/edgewatch-agent").exists(), "{outcome:?}");
    assert_eq!(machine.read("etc/edgewatch/secret").trim_end(), SECRET);
}

fn assert_not_installed(machine: &Machine, outcome: &Outcome) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(!machine.path("arguments").exists(), "the agent was run: {outcome:?}");
}

fn assert_hidden(outcome: &Outcome) {
    for word in [TOKEN, SECRET, OTHER_SECRET] {
        assert!(!outcome.out.contains(word) && !outcome.err.contains(word), "{word} in {outcome:?}");
    }
}
