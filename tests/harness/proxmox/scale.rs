//! A cluster as large as one likes.

use serde_json::{Value, json};

use super::Answers;

/// How large.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Nodes.
    pub nodes: usize,
    /// Guests, seven of ten virtual machines, spread over the nodes.
    pub guests: usize,
    /// Snapshots, spread over the guests.
    pub snapshots: usize,
    /// Backups: three of four on a storage that all nodes share, the others on the nodes' own.
    pub backups: usize,
}

impl Scale {
    /// What an agent must bear. Source: issue 7, "Must reach".
    pub const AIM: Self = Self { nodes: 20, guests: 500, snapshots: 2_000, backups: 20_000 };
}

/// Such a cluster.
pub fn pve(scale: Scale) -> Answers {
    let mut answers = Answers::default();
    let name = |index: usize| format!("node{:02}", index + 1);
    answers.set("/version", json!({"version":"8.4.9","release":"8.4","repoid":"aa"}));
    answers.set("/nodes", (0..scale.nodes).map(|index| node(&name(index), index)).collect());
    answers.set("/cluster/status", cluster(scale.nodes, &name));
    answers.set("/storage", json!([
        {"storage":"local","type":"dir","content":"backup,iso,vztmpl"},{"storage":"vault","type":"nfs","content":"backup,images"},
        {"storage":"fast","type":"lvmthin","content":"images,rootdir"},
    ]));
    let own = scale.backups / 4;
    for index in 0..scale.nodes {
        let node = name(index);
        answers.set(&format!("/nodes/{node}/status"), status());
        answers.set(&format!("/nodes/{node}/storage"), storages());
        answers.set(&format!("/nodes/{node}/tasks"), tasks(&node));
        let mine: Vec<usize> = (0..scale.guests).filter(|guest| guest % scale.nodes == index).collect();
        let (machines, containers): (Vec<usize>, Vec<usize>) = mine.into_iter().partition(|guest| guest % 10 < 7);
        answers.set(&format!("/nodes/{node}/qemu"), machines.iter().map(|guest| qemu(*guest)).collect());
        answers.set(&format!("/nodes/{node}/lxc"), containers.iter().map(|guest| lxc(*guest)).collect());
        for (guests, kind) in [(&machines, "qemu"), (&containers, "lxc")] {
            for guest in guests {
                let base = format!("/nodes/{node}/{kind}/{}", vmid(*guest));
                let count = share(scale.snapshots, scale.guests, *guest);
                answers.set(&format!("{base}/snapshot"), snapshots(count));
                if kind == "qemu" {
                    answers.set(&format!("{base}/status/current"), current(*guest));
                }
            }
        }
        let backups = (0..share(own, scale.nodes, index)).map(|number| backup("local", index, number, scale.guests));
        answers.set(&format!("/nodes/{node}/storage/local/content"), backups.collect());
        answers.set(&format!("/nodes/{node}/storage/vault/content"), json!([]));
    }
    let shared: Value = (0..scale.backups - own).map(|number| backup("vault", 0, number, scale.guests)).collect();
    // Whichever node is asked says the same.
    for index in 0..scale.nodes {
        answers.set(&format!("/nodes/{}/storage/vault/content", name(index)), shared.clone());
    }
    answers
}

/// A backup server with as many guests and backups, all in the root namespace of one datastore.
pub fn pbs(scale: Scale) -> Answers {
    let mut answers = super::lab::pbs();
    answers.set("/admin/datastore", json!([{"store":"main"}]));
    answers.set("/admin/datastore/main/namespace", json!([{"ns":""}]));
    let group = |guest: usize| {
        let count = share(scale.backups, scale.guests, guest);
        json!({"backup-type":"vm","backup-id":vmid(guest).to_string(),"last-backup":1_754_877_601,"backup-count":count,"files":[],"owner":"root@pam!pve"})
    };
    answers.set("/admin/datastore/main/groups", (0..scale.guests).map(group).collect());
    for guest in 0..scale.guests {
        let one = |number: usize| {
            json!({"backup-type":"vm","backup-id":vmid(guest).to_string(),"backup-time":1_754_877_601 - number * 86_400,"comment":"guest",
                "protected":false,"size":34_359_742_464_i64,"owner":"root@pam!pve","files":[
                    {"filename":"drive-scsi0.img.fidx","crypt-mode":"none","size":34_359_738_368_i64},
                    {"filename":"qemu-server.conf.blob","crypt-mode":"none","size":512}],
                "verification":{"state":"ok","upid":"UPID:v"}})
        };
        let path = format!("/admin/datastore/main/snapshots?backup-type=vm&backup-id={}", vmid(guest));
        answers.set(&path, (0..share(scale.backups, scale.guests, guest)).map(one).collect());
    }
    answers
}

fn vmid(guest: usize) -> usize {
    guest + 100
}

/// How much of `all` falls to `one` of `among`.
fn share(all: usize, among: usize, one: usize) -> usize {
    all / among + usize::from(one < all % among)
}

fn node(name: &str, index: usize) -> Value {
    json!({"node":name,"id":format!("node/{name}"),"type":"node","status":"online","cpu":0.07,"maxcpu":16,"mem":23_622_320_128_i64,
        "maxmem":67_430_604_800_i64,"disk":18_253_611_008_i64,"maxdisk":100_861_726_720_i64,"uptime":1_209_600 + index,"level":"c",
        "ssl_fingerprint":"AA:BB"})
}

fn cluster(nodes: usize, name: &dyn Fn(usize) -> String) -> Value {
    let head = json!({"type":"cluster","id":"cluster","name":"big","nodes":nodes,"quorate":1,"version":4});
    let rest = (0..nodes).map(|index| {
        json!({"type":"node","id":format!("node/{}", name(index)),"name":name(index),"nodeid":index + 1,
            "ip":format!("192.0.2.{}", index + 10),"local":usize::from(index == 0),"online":1,"level":"c"})
    });
    std::iter::once(head).chain(rest).collect()
}

fn status() -> Value {
    super::lab::pve().data("/nodes/pve1/status").clone()
}

fn storages() -> Value {
    json!([
        {"storage":"local","type":"dir","content":"vztmpl,iso,backup","active":1,"enabled":1,"shared":0,
         "total":100_861_726_720_i64,"used":18_253_611_008_i64,"avail":77_437_464_576_i64,"used_fraction":0.18},
        {"storage":"vault","type":"nfs","content":"images,backup","active":1,"enabled":1,"shared":1,
         "total":4_000_000_000_000_i64,"used":1_000_000_000_000_i64,"avail":3_000_000_000_000_i64,"used_fraction":0.25},
        {"storage":"fast","type":"lvmthin","content":"rootdir,images","active":1,"enabled":1,"shared":0,
         "total":900_000_000_000_i64,"used":300_000_000_000_i64,"avail":600_000_000_000_i64,"used_fraction":0.33},
    ])
}

fn tasks(node: &str) -> Value {
    let one = |number: usize| {
        json!({"upid":format!("UPID:{node}:{number:08X}:01C9C380:68994EA1:vzdump:101:root@pam:"),"node":node,"pid":number,"pstart":1,
            "starttime":1_754_877_601 + number,"endtime":1_754_877_880 + number,"type":"vzdump","id":"101","user":"root@pam","status":"OK"})
    };
    (0..50).map(one).collect()
}

fn qemu(guest: usize) -> Value {
    json!({"vmid":vmid(guest),"name":format!("machine-{guest:03}"),"status":"running","cpu":0.0312,"cpus":4,"mem":4_294_967_296_i64,
        "maxmem":8_589_934_592_i64,"disk":0,"maxdisk":34_359_738_368_i64,"netin":123_456_789 + guest,"netout":98_765_432 + guest,
        "diskread":1_234_567_890,"diskwrite":2_345_678_901_i64,"uptime":864_000 + guest,"pid":12_345 + guest,"tags":"prod;web"})
}

fn lxc(guest: usize) -> Value {
    json!({"vmid":vmid(guest),"name":format!("container-{guest:03}"),"status":"running","type":"lxc","cpu":0.002,"cpus":1,
        "mem":80_530_636,"maxmem":536_870_912,"disk":858_993_459,"maxdisk":4_294_967_296_i64,"swap":0,"maxswap":536_870_912,
        "netin":120_000 + guest,"netout":96_000,"diskread":5,"diskwrite":6,"uptime":864_001})
}

fn current(guest: usize) -> Value {
    let mut all = qemu(guest);
    let more = json!({"qmpstatus":"running","freemem":5_368_709_120_i64,"balloon":8_589_934_592_i64,"ha":{"managed":0},
        "ballooninfo":{"actual":8_589_934_592_i64,"max_mem":8_589_934_592_i64,"total_mem":8_330_715_136_i64,"free_mem":5_368_709_120_i64,
            "mem_swapped_in":0,"mem_swapped_out":0,"major_page_faults":1_000,"minor_page_faults":200_000,"last_update":1_754_995_745},
        "blockstat":{"scsi0":{"rd_bytes":1_234_567_890,"wr_bytes":2_345_678_901_i64,"rd_operations":1_000,"wr_operations":2_000}},
        "nics":{"tap101i0":{"netin":123_456_789,"netout":98_765_432}},"running-machine":"pc-q35-9.2+pve1","running-qemu":"9.2.0"});
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

fn snapshots(count: usize) -> Value {
    let one = |number: usize| json!({"name":format!("daily-{number}"),"description":"made by the night job","snaptime":1_754_816_400 + number,"vmstate":0,"parent":""});
    let here = json!({"name":"current","description":"You are here!","digest":"aa","running":1});
    (0..count).map(one).chain(std::iter::once(here)).collect()
}

fn backup(storage: &str, node: usize, number: usize, guests: usize) -> Value {
    let vmid = vmid(number % guests);
    json!({"volid":format!("{storage}:backup/vzdump-qemu-{vmid}-2025_08_11-{node:02}_{number:05}.vma.zst"),"content":"backup","subtype":"qemu",
        "ctime":1_754_877_601 - number,"format":"vma.zst","size":5_368_709_120_i64 + i64::try_from(number).unwrap_or(0),"vmid":vmid,
        "notes":"machine of the night job","protected":0})
}
