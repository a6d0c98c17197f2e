//! The commands in the guides, run as they stand there against a fresh deployment.

use std::fs;
use std::path::Path;
use std::process::Command;

use edgewatch_harness::worker::Worker;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../worker/docs/guides");
/// The deployment's address in the guides.
const EXAMPLE: &str = "https://watch.example.com";

/// The commands of a guide that ask the deployment something. What fetches and installs a program is tested by `tests/bootstrap`, and
/// what others wrote by `tests/clients`.
fn commands(guide: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for block in guide.split("```sh").skip(1).filter_map(|part| part.split("```").next()) {
        let lines = block.replace("\\\n", " ");
        let is_asking =
            |line: &&str| line.starts_with("curl ") && !line.contains(" | ") && !line.contains("/download/");
        let asking = lines.lines().map(str::trim).filter(is_asking);
        commands.extend(asking.map(str::to_owned));
    }
    commands
}

#[test]
fn the_commands_in_the_guides_do_what_they_say() {
    let worker = Worker::start();
    let folder = std::env::temp_dir().join(format!("edgewatch-guides-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder can be made");
    let (mut ran, address) = (0, format!("http://{}", worker.address().trim_start_matches("http://")));
    for entry in Path::new(SOURCES).read_dir().expect("the guides").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        for command in commands(&fs::read_to_string(entry.path()).expect("a guide")) {
            // The setup script is written for an address of https alone; only the one that is asked is another.
            let asked = command.replacen(EXAMPLE, &address, 1);
            let strict = if asked.contains("curl -f") { "curl " } else { "curl --fail-with-body -sS " };
            let output = Command::new("sh")
                .args(["-c", &asked.replacen("curl ", strict, 1)])
                .current_dir(&folder)
                .envs([("EDGEWATCH_TOKEN", &worker.token), ("TOKEN", &worker.token)])
                .output()
                .expect("a shell");
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {command}\n{said}");
            ran += 1;
        }
    }
    assert!(ran >= 10, "only {ran} commands were found");
    let script = fs::read_to_string(folder.join("setup.sh")).expect("the setup script");
    assert!(script.starts_with("#!") && script.contains("PULSE_REG_TOKEN"), "{script}");
    fs::remove_dir_all(&folder).expect("the folder can be removed");
}
