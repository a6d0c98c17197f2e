//! A Worker whose hub says what the test wants: the built one, with another class in the hub's place.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{Builder, Worker};
use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The Worker, and the folder of its changed build.
pub struct Stage {
    /// As it runs.
    pub worker: Worker,
    build: PathBuf,
}

impl Stage {
    /// Starts it with a fleet of no hosts.
    pub fn start() -> Self {
        Self::start_with(Worker::builder())
    }

    /// Starts it with options.
    pub fn start_with(builder: Builder) -> Self {
        let random =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |past| past.as_nanos());
        let build = std::env::temp_dir().join(format!("edgewatch-stage-{}-{random}", std::process::id()));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::create_dir_all(&build).expect("a temporary folder can be made");
        let index = fs::read_to_string(root.join("build/index.js")).expect("the Worker is built");
        fs::write(build.join("index.js"), staged(&index)).expect("the temporary folder can be written");
        fs::copy(root.join("build/index_bg.wasm"), build.join("index_bg.wasm")).expect("likewise");
        Self { worker: builder.build(&build).start(), build }
    }

    /// Sets what the hub knows; `hosts` as in a digest.
    pub fn set(&self, settings: &Value) {
        assert_eq!(self.worker.post("/__hub/set", &[], &settings.to_string()).status, 200);
    }

    /// What the hub was asked, oldest first.
    pub fn watched(&self) -> Vec<Value> {
        self.worker.post("/__hub/watched", &[], "{}").at("/watched").as_array().cloned().unwrap_or_default()
    }

    /// Lets the hub push a digest; how many viewers there were.
    pub fn push(&self, digest: &Value) -> u64 {
        let reply = self.worker.post("/__hub/push", &[], &digest.to_string());
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.at("/viewers").as_u64().expect("a number")
    }

    /// Opens a viewer's socket with the admin's token.
    pub fn look(&self) -> Socket {
        let headers = [("Authorization", self.worker.token.as_str())];
        Socket::open(self.worker.address(), "/live", &headers).expect("the admin may look")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.build);
    }
}

/// A host as a digest has it.
pub fn host(id: u64, name: &str) -> Value {
    json!({ "id": id, "hidden": true, "piece": { "id": id, "name": name, "presence": "online" } })
}

/// The next message, which must come.
pub fn next(socket: &mut Socket) -> Value {
    match socket.next(PATIENCE) {
        Heard::Text(text) => serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")),
        other => panic!("{other:?}"),
    }
}

/// The names of the hosts in a message, in its order.
pub fn names(message: &Value) -> Vec<&str> {
    message["hosts"].as_array().expect("hosts").iter().map(|host| host["name"].as_str().expect("a name")).collect()
}

/// The built script with the staged hub in it and its own, where it has one, hidden.
fn staged(index: &str) -> String {
    let start = index.rfind("export{").expect("the build exports its classes");
    let end = start + index[start..].find('}').expect("the list of exports ends");
    let (mut kept, mut built) = (Vec::new(), "");
    for export in index[start + "export{".len()..end].split(',') {
        match export.trim().split_once(" as ") {
            Some((inner, "default")) => built = inner,
            Some((_, "Hub")) => {}
            _ => kept.push(export),
        }
    }
    let stage = include_str!("stage.mjs").replace("extends Built", &format!("extends {built}"));
    // Its names must not meet those of the built script, which are short.
    let stage = stage.replace("export class Hub", "export class StagedHub").replace("const stage =", "const __stage =");
    let stage = stage.replace("stage.", "__stage.").replace("assign(stage,", "assign(__stage,");
    let stage = stage.replace("export class StagedHub", "class StagedHub");
    format!(
        "{}export{{{}}}{}\n{stage}\nexport{{StagedHub as Hub}};\n",
        &index[..start],
        kept.join(","),
        &index[end + 1..]
    )
}
