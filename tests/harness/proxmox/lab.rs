//! The lab of the acceptance list: a cluster of two nodes, one of them offline, with three virtual machines (one a template), two
//! containers whose numbers are texts and a shared NFS; and a backup server with two namespaces. Source: pulse specification, 17, 18, 21.2.

use serde_json::{Value, json};

use super::Answers;

/// When the newest backups of the lab were made, seconds since 1970.
pub const BACKUP_S: i64 = 1_754_877_601;

/// The cluster.
pub fn pve() -> Answers {
    let mut answers = Answers::default();
    answers.set("/version", json!({"version":"8.4.9","release":"8.4","repoid":"649acf70aab54798"}));
    answers.set("/nodes", nodes());
    answers.set("/cluster/status", cluster());
    answers.set("/storage", json!([
        {"storage":"local","type":"dir","path":"/var/lib/vz","content":"iso,vztmpl,backup","digest":"aa"},
        {"storage":"nas","type":"nfs","server":"192.0.2.50","export":"/v","path":"/mnt/pve/nas","content":"backup,images","digest":"aa"},
        {"storage":"old","type":"dir","path":"/old","content":"images","disable":1,"nodes":"pve1","digest":"aa"},
    ]));
    answers.set("/nodes/pve1/status", status());
    answers.set("/nodes/pve1/qemu", qemu());
    answers.set("/nodes/pve1/lxc", lxc());
    answers.set("/nodes/pve1/qemu/101/status/current", current());
    answers.set("/nodes/pve1/storage", json!([
        {"storage":"local","type":"dir","content":"vztmpl,iso,backup","active":1,"enabled":1,"shared":0,
         "total":100_861_726_720_i64,"used":18_253_611_008_i64,"avail":77_437_464_576_i64,"used_fraction":0.18097},
        {"storage":"nas","type":"nfs","content":"images,backup","active":"1","enabled":"1","shared":1,
         "total":4_000_000_000_000_i64,"used":1_000_000_000_000_i64,"avail":3_000_000_000_000_i64,"used_fraction":0.25},
        {"storage":"old","type":"dir","content":"images","active":0,"enabled":0,"shared":0},
    ]));
    answers.set(
        "/nodes/pve1/storage/local/content",
        json!([
            {"volid":"local:backup/vzdump-qemu-101-2025_08_11-02_00_01.vma.zst","content":"backup","subtype":"qemu",
             "ctime":BACKUP_S,"format":"vma.zst","size":5_368_709_120_i64,"vmid":101,"notes":"web","protected":1},
            {"volid":"local:iso/debian.iso","content":"iso","ctime":1_700_000_000,"format":"iso","size":400_000_000},
        ]),
    );
    answers.set(
        "/nodes/pve1/storage/nas/content",
        json!([
            {"volid":"nas:backup/vzdump-lxc-201-2025_08_10-02_00_01.tar.zst","content":"backup","ctime":"1754791201",
             "format":"tar.zst","size":"104857600","vmid":"201","protected":0},
        ]),
    );
    answers.set("/nodes/pve1/tasks", json!([
        {"upid":"UPID:pve1:0003A1B2:01C9C380:68994EA1:vzdump:101:root@pam:","node":"pve1","pid":238_002,"pstart":29_999_999,
         "starttime":BACKUP_S,"endtime":1_754_877_880,"type":"vzdump","id":"101","user":"root@pam","status":"OK"},
        {"upid":"UPID:pve1:0003A1B3:01C9C381:68994EA2:vzdump::root@pam:","node":"pve1","pid":238_003,"pstart":29_999_999,
         "starttime":1_754_995_700,"type":"vzdump","id":"","user":"root@pam"},
        {"upid":"UPID:pve1:0003A1B4:01C9C382:68994EA3:vncproxy:101:root@pam:","node":"pve1","starttime":1,"endtime":2,
         "type":"vncproxy","id":"101","user":"root@pam","status":"OK"},
    ]));
    let current =
        json!({"name":"current","description":"You are here!","digest":"aa","running":1,"parent":"before-upgrade"});
    answers.set(
        "/nodes/pve1/qemu/101/snapshot",
        json!([
            {"name":"before-upgrade","description":"pre 8.4","snaptime":1_754_816_400,"vmstate":0,"parent":""}, current,
        ]),
    );
    answers.set("/nodes/pve1/qemu/102/snapshot", json!([current]));
    answers.set(
        "/nodes/pve1/lxc/201/snapshot",
        json!([
            {"name":"fresh","snaptime":"1754816401"}, current,
        ]),
    );
    answers.set("/nodes/pve1/lxc/202/snapshot", json!([current]));
    // Whoever asks a node that is offline hears this.
    for path in ["status", "qemu", "lxc", "storage", "tasks"] {
        answers.refuse(&format!("/nodes/pve2/{path}"), 595, "No route to host");
    }
    answers
}

fn nodes() -> Value {
    json!([
        {"node":"pve1","id":"node/pve1","type":"node","status":"online","cpu":0.0731,"maxcpu":16,"mem":23_622_320_128_i64,
         "maxmem":67_430_604_800_i64,"disk":18_253_611_008_i64,"maxdisk":100_861_726_720_i64,"uptime":1_209_600,"level":"",
         "ssl_fingerprint":"AA:BB:CC"},
        {"node":"pve2","id":"node/pve2","type":"node","status":"offline","level":"","ssl_fingerprint":"CC:DD:EE"},
    ])
}

fn cluster() -> Value {
    json!([
        {"type":"cluster","id":"cluster","name":"lab-cluster","nodes":2,"quorate":1,"version":4},
        {"type":"node","id":"node/pve1","name":"pve1","nodeid":1,"ip":"192.0.2.10","local":1,"online":1,"level":""},
        {"type":"node","id":"node/pve2","name":"pve2","nodeid":2,"ip":"192.0.2.11","local":0,"online":0,"level":""},
    ])
}

fn status() -> Value {
    json!({
        "uptime":1_209_600,"idle":0,"wait":0.0021,"cpu":0.0731,"loadavg":["0.42","0.39","0.35"],
        "kversion":"Linux 6.8.12-13-pve #1 SMP PREEMPT_DYNAMIC PMX 6.8.12-13 (2025-07-22T10:00Z)",
        "pveversion":"pve-manager/8.4.9/649acf70aab54798",
        "current-kernel":{"sysname":"Linux","release":"6.8.12-13-pve","version":"#1 SMP","machine":"x86_64"},
        "boot-info":{"mode":"efi","secureboot":0},
        "cpuinfo":{"model":"Example CPU 8-Core","cores":8,"cpus":16,"sockets":1,"mhz":"3400.000","hvm":"1","user_hz":100,"flags":"fpu vme"},
        "memory":{"total":67_430_604_800_i64,"used":23_622_320_128_i64,"free":12_345_678_848_i64,"available":43_808_284_672_i64},
        "swap":{"total":8_589_930_496_i64,"used":0,"free":8_589_930_496_i64},
        "rootfs":{"total":100_861_726_720_i64,"used":18_253_611_008_i64,"free":82_608_115_712_i64,"avail":77_437_464_576_i64},
        "ksm":{"shared":0},
    })
}

fn qemu() -> Value {
    json!([
        {"vmid":101,"name":"web","status":"running","cpu":0.0312,"cpus":4,"mem":4_294_967_296_i64,"maxmem":8_589_934_592_i64,"disk":0,
         "maxdisk":34_359_738_368_i64,"netin":123_456_789,"netout":98_765_432,"diskread":1_234_567_890,"diskwrite":2_345_678_901_i64,
         "uptime":864_000,"pid":12_345,"template":0,"tags":"prod;web","serial":1},
        {"vmid":102,"status":"stopped","cpu":0.5,"cpus":2,"mem":0,"maxmem":2_147_483_648_i64,"disk":0,"maxdisk":10_737_418_240_i64,
         "netin":0,"netout":0,"diskread":0,"diskwrite":0,"uptime":0},
        {"vmid":9000,"name":"tmpl","status":"stopped","cpu":0,"cpus":2,"mem":0,"maxmem":2_147_483_648_i64,"disk":0,"maxdisk":0,"netin":0,
         "netout":0,"diskread":0,"diskwrite":0,"uptime":0,"template":1},
    ])
}

fn lxc() -> Value {
    json!([
        {"vmid":"201","name":"dns","status":"running","type":"lxc","cpu":"0.002","cpus":"1.5","mem":80_530_636,"maxmem":536_870_912,
         "disk":858_993_459,"maxdisk":4_294_967_296_i64,"swap":0,"maxswap":536_870_912,"netin":"120000","netout":96_000,"diskread":0,
         "diskwrite":0,"uptime":864_001,"tags":"infra, dns"},
        {"vmid":"202","name":"mail","status":"stopped","type":"lxc","cpu":0,"cpus":1,"mem":0,"maxmem":536_870_912,"disk":0,
         "maxdisk":4_294_967_296_i64,"netin":0,"netout":0,"diskread":0,"diskwrite":0,"uptime":0,"lock":"backup"},
    ])
}

fn current() -> Value {
    json!({
        "vmid":101,"name":"web","status":"running","qmpstatus":"running","cpu":0.0312,"cpus":4,"mem":4_294_967_296_i64,
        "maxmem":8_589_934_592_i64,"freemem":5_368_709_120_i64,"balloon":8_589_934_592_i64,"balloon_min":4_294_967_296_i64,
        "agent":1,"disk":0,"maxdisk":34_359_738_368_i64,"diskread":1_234_567_890,"diskwrite":2_345_678_901_i64,"netin":123_456_789,
        "netout":98_765_432,"uptime":864_000,"pid":12_345,"ha":{"managed":0},"tags":"prod;web",
    })
}

/// The backup server.
pub fn pbs() -> Answers {
    let mut answers = Answers::default();
    answers.set("/version", json!({"version":"3.4","release":"1","repoid":"aa"}));
    answers.set("/nodes", json!([{"node":"backup1"}]));
    answers.set("/nodes/backup1/status", json!({
        "cpu":0.011,"wait":0.001,"memory":{"total":8_053_063_680_i64,"used":1_803_886_264,"free":6_249_177_416_i64},
        "swap":{"total":0,"used":0,"free":0},"root":{"total":50_000_000_000_i64,"used":9_000_000_000_i64,"avail":41_000_000_000_i64},
        "uptime":432_000,"loadavg":[0.05,0.04,0.01],"kversion":"Linux 6.8.12-13-pve",
        "cpuinfo":{"model":"Example CPU","sockets":1,"cpus":4},"info":{"fingerprint":"aa:bb"},
    }));
    answers.set(
        "/admin/datastore",
        json!([{"store":"main","comment":"all of it","mount-status":"nonremovable"},{"store":"gone"}]),
    );
    answers.set(
        "/admin/datastore/main/status",
        json!({
            "total":4_000_000_000_000_i64,"used":1_000_000_000_000_i64,"avail":3_000_000_000_000_i64,
        }),
    );
    answers.refuse("/admin/datastore/gone/status", 400, "unable to open chunk store 'gone'");
    answers.set("/admin/datastore/main/namespace", json!([{"ns":"prod"},{"ns":"prod/web","comment":"w"}]));
    answers.set("/admin/datastore/main/gc", json!({
        "upid":"UPID:g","index-data-bytes":4_000_000_000_000_i64,"disk-bytes":1_000_000_000_000_i64,"removed-bytes":5_000,"store":"main",
        "schedule":"daily","last-run-state":"OK","last-run-endtime":1_754_877_000,"next-run":1_754_963_400,
    }));
    answers.set("/admin/sync", json!([{"id":"s-1","store":"main","remote":"far","schedule":"daily","last-run-state":"OK","last-run-endtime":5}]));
    answers.set("/admin/verify", json!([]));
    answers.set("/admin/prune", json!([{"id":"p-1","store":"main","schedule":"hourly","next-run":9}]));
    answers.set("/admin/datastore/main/groups", json!([
        {"backup-type":"vm","backup-id":"101","last-backup":BACKUP_S,"backup-count":2,"files":["qemu-server.conf.blob"],
         "owner":"root@pam!pve","comment":"web"},
    ]));
    answers.set("/admin/datastore/main/groups?ns=prod", json!([
        {"backup-type":"host","backup-id":"laptop","last-backup":1_754_877_700,"backup-count":1,"files":["root.pxar.didx"],
         "owner":"root@pam"},
    ]));
    answers.set("/admin/datastore/main/groups?ns=prod%2Fweb", json!([]));
    answers.set("/admin/datastore/main/snapshots?backup-type=vm&backup-id=101", json!([
        {"backup-type":"vm","backup-id":"101","backup-time":BACKUP_S,"comment":"web","protected":false,"size":34_359_742_464_i64,
         "owner":"root@pam!pve","fingerprint":"aa","files":[
            {"filename":"drive-scsi0.img.fidx","crypt-mode":"none","size":34_359_738_368_i64},
            {"filename":"qemu-server.conf.blob","crypt-mode":"none","size":512}],"verification":{"state":"ok","upid":"UPID:v"}},
        {"backup-type":"vm","backup-id":"101","backup-time":"1754791201","protected":true,"owner":"root@pam!pve",
         "files":["drive-scsi0.img.fidx"],"verification":{"state":"failed","upid":"UPID:v"}},
    ]));
    answers.set("/admin/datastore/main/snapshots?ns=prod&backup-type=host&backup-id=laptop", json!([
        {"backup-type":"host","backup-id":"laptop","backup-time":1_754_877_700,"size":5,"owner":"root@pam","files":["root.pxar.didx"]},
    ]));
    answers
}
