//! Messages written, read again, and read as others may write them.

use super::*;

fn of_agent(text: &str) -> FromAgent {
    FromAgent::read(text).unwrap()
}

fn of_edge(text: &str) -> FromEdge {
    FromEdge::read(text).unwrap()
}

#[track_caller]
fn agent_says(message: &FromAgent, text: &str) {
    assert_eq!(message.write().unwrap(), text);
    assert_eq!(&of_agent(text), message);
}

#[track_caller]
fn edge_says(message: &FromEdge, text: &str) {
    assert_eq!(message.write().unwrap(), text);
    assert_eq!(&of_edge(text), message);
}

fn web() -> GuestNow {
    GuestNow {
        vmid: 101,
        kind: GuestKind::Qemu,
        status: GuestStatus::Running,
        cpu: 0.0312,
        mem_used: 3_221_225_472,
        mem_total: 8_589_934_592,
        disk_total: 34_359_738_368,
        net_in: 15_320,
        net_out: 8_211,
        disk_read: NO_RATE,
        disk_write: 40_960,
        uptime_s: 864_000,
        ..GuestNow::default()
    }
}

#[test]
fn a_hello_travels() {
    let local = LocalInstance {
        key: "lab".to_owned(),
        kind: InstanceKind::Pbs,
        name: "Lab".to_owned(),
        host: "https://192.0.2.20:8007".to_owned(),
    };
    let hello = Hello {
        version: VERSION,
        agent_version: "0.1.0".to_owned(),
        run: "00ff".to_owned(),
        sent_at_ms: 1_754_995_749_000,
        local: vec![local],
        reach: Vec::new(),
    };
    agent_says(
        &FromAgent::Hello(hello),
        r#"{"t":"hello","version":1,"agent_version":"0.1.0","run":"00ff","sent_at_ms":1754995749000,"local":[{"key":"lab","kind":"pbs","name":"Lab","host":"https://192.0.2.20:8007"}]}"#,
    );
}

#[test]
fn a_frame_travels_with_guests_and_storages_as_rows() {
    let node = NodeNow {
        name: "pve1".to_owned(),
        status: "online".to_owned(),
        cpu: 0.0731,
        mem_used: 1,
        mem_total: 2,
        load: vec![0.42, 0.39],
        ..NodeNow::default()
    };
    let storage = StorageNow {
        name: "local".to_owned(),
        node: "pve1".to_owned(),
        status: StorageStatus::Available,
        used: 1,
        total: 3,
        avail: 2,
    };
    let dns = GuestNow { vmid: 201, kind: GuestKind::Lxc, lock: "backup".to_owned(), ..GuestNow::default() };
    let poll = Poll {
        at_ms: 1_754_995_749_000,
        took_ms: 412,
        calls: 9,
        nodes: vec![node],
        guests: vec![web(), dns],
        storages: vec![storage],
        ..Poll::default()
    };
    let frame =
        Frame { instance: "i1".to_owned(), n: 17, sent_at_ms: 1_754_995_750_000, dropped: 0, polls: vec![poll] };
    agent_says(
        &FromAgent::Frame(frame),
        concat!(
            r#"{"t":"frame","instance":"i1","n":17,"sent_at_ms":1754995750000,"polls":[{"at_ms":1754995749000,"took_ms":412,"calls":9,"#,
            r#""nodes":[{"name":"pve1","status":"online","cpu":0.0731,"mem_used":1,"mem_total":2,"load":[0.42,0.39]}],"#,
            r#""guests":[[101,0,1,0.0312,3221225472,8589934592,0,34359738368,15320,8211,-1,40960,864000],"#,
            r#"[201,1,0,0.0,0,0,0,0,0,0,0,0,0,"backup"]],"storages":[["local","pve1","available",1,3,2]]}]}"#
        ),
    );
}

#[test]
fn a_failed_poll_and_a_backup_server_travel() {
    let error = PollError { kind: PollErrorKind::Auth, text: "no such token".to_owned() };
    let failed = Poll { at_ms: 1, took_ms: 2, error: Some(error), ..Poll::default() };
    let broken = DatastoreNow { name: "old".to_owned(), error: Some("gone".to_owned()), ..DatastoreNow::default() };
    let main = DatastoreNow { name: "main".to_owned(), used: 1, total: 4, avail: 3, error: None };
    let pbs = PbsNow {
        status: "online".to_owned(),
        cpu: 0.011,
        uptime_s: 432_000,
        datastores: vec![main, broken],
        ..PbsNow::default()
    };
    let seen = Poll { at_ms: 3, took_ms: 4, pbs: Some(pbs), ..Poll::default() };
    let frame = Frame { instance: "b".to_owned(), n: 1, sent_at_ms: 5, dropped: 3, polls: vec![failed, seen] };
    agent_says(
        &FromAgent::Frame(frame),
        concat!(
            r#"{"t":"frame","instance":"b","n":1,"sent_at_ms":5,"dropped":3,"polls":[{"at_ms":1,"took_ms":2,"error":{"kind":"auth","text":"no such token"}},"#,
            r#"{"at_ms":3,"took_ms":4,"pbs":{"status":"online","cpu":0.011,"uptime_s":432000,"datastores":[{"name":"main","used":1,"total":4,"avail":3},"#,
            r#"{"name":"old","used":0,"total":0,"avail":0,"error":"gone"}]}}]}"#
        ),
    );
}

#[test]
fn a_row_may_be_shorter_longer_or_wrong_in_places() {
    let poll = |guests: &str| {
        let text = format!(r#"{{"t":"frame","instance":"i","n":1,"polls":[{{"at_ms":1,"guests":{guests}}}]}}"#);
        let FromAgent::Frame(frame) = of_agent(&text) else { panic!("{text}") };
        frame.polls[0].guests.clone()
    };
    let full = poll(
        r#"[["101","qemu","running","0.0312",3221225472,"8589934592",null,34359738368.0,15320,8211,-1,40960,864000,null,"of a newer one"]]"#,
    );
    assert_eq!(full, [web()]);
    let short = poll("[[7,1,\"prelaunch\"]]");
    assert_eq!((short[0].vmid, short[0].kind, short[0].status.as_str()), (7, GuestKind::Lxc, "prelaunch"));
    assert_eq!(short[0].mem_used, 0);
    assert_eq!(poll("[5,{},[8]]").iter().map(|guest| guest.vmid).collect::<Vec<_>>(), [8]);
    assert_eq!(poll("null"), []);
}

#[test]
fn only_time_passing_is_no_change() {
    let before = web();
    assert!(GuestNow { uptime_s: 864_010, ..web() }.is_still(&before));
    assert!(!GuestNow { cpu: 0.0313, ..web() }.is_still(&before));
    assert!(!GuestNow { lock: "backup".to_owned(), ..web() }.is_still(&before));
}

#[test]
fn a_section_travels_and_gives_its_rows() {
    let body = r#"[{"guest":{"vmid":101,"kind":0,"node":"pve1","name":"web","cpus":4.0,"tags":["prod"]}}]"#;
    let text =
        format!(r#"{{"t":"section","instance":"i","name":"census","hash":"ab","part":1,"parts":1,"body":{body}}}"#);
    let FromAgent::Section(section) = of_agent(&text) else { panic!("{text}") };
    assert_eq!(FromAgent::Section(section.clone()).write().unwrap(), text);
    let guest = GuestRow {
        vmid: 101,
        node: "pve1".to_owned(),
        name: "web".to_owned(),
        cpus: 4.0,
        tags: vec!["prod".to_owned()],
        ..GuestRow::default()
    };
    assert_eq!(section.rows::<CensusRow>().unwrap(), [CensusRow::Guest(guest)]);
    assert_eq!(serde_json::to_string(&section.rows::<CensusRow>().unwrap()).unwrap(), body);
}

#[test]
fn rows_of_an_unknown_kind_are_left_out() {
    let body = r#"[{"wormhole":{"a":1}},{"node":{"name":"pve1","of_a_newer_one":[1]}},{"storage":3},7]"#;
    let rows: loose::List<CensusRow> = serde_json::from_str(body).unwrap();
    assert_eq!(rows.0, [CensusRow::Node(NodeRow { name: "pve1".to_owned(), ..NodeRow::default() })]);
}

#[test]
fn every_row_is_read_as_it_is_written() {
    fn back<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(row: &T, text: &str) {
        assert_eq!(serde_json::to_string(row).unwrap(), text);
        assert_eq!(&serde_json::from_str::<T>(text).unwrap(), row);
    }
    back(
        &Task { upid: "UPID:a".to_owned(), kind: "vzdump".to_owned(), vmid: 101, start_s: 5, ..Task::default() },
        r#"{"upid":"UPID:a","kind":"vzdump","vmid":101,"start_s":5}"#,
    );
    back(
        &Backup {
            volid: "local:backup/x".to_owned(),
            kind: "lxc".to_owned(),
            vmid: 7,
            at_s: 5,
            size: 6,
            protected: true,
            verification: "failed".to_owned(),
            ..Backup::default()
        },
        r#"{"volid":"local:backup/x","kind":"lxc","vmid":7,"at_s":5,"size":6,"protected":true,"verification":"failed"}"#,
    );
    back(
        &Snapshot {
            vmid: 7,
            kind: GuestKind::Lxc,
            name: "a".to_owned(),
            at_s: 5,
            vmstate: true,
            ..Snapshot::default()
        },
        r#"{"vmid":7,"kind":1,"node":"","name":"a","at_s":5,"vmstate":true}"#,
    );
    back(
        &PbsBackup {
            kind: "vm".to_owned(),
            id: "101".to_owned(),
            at_s: 5,
            files: vec!["drive-scsi0.img.fidx".to_owned()],
            ..PbsBackup::default()
        },
        r#"{"kind":"vm","id":"101","at_s":5,"files":["drive-scsi0.img.fidx"]}"#,
    );
}

#[test]
fn sections_have_names_that_can_be_taken_apart() {
    let pbs = |datastore: &str, namespace: &str, bucket| SectionName::Pbs {
        datastore: datastore.to_owned(),
        namespace: namespace.to_owned(),
        bucket,
    };
    let named = |storage: &str, node: Option<&str>| SectionName::Backups {
        storage: storage.to_owned(),
        node: node.map(str::to_owned),
    };
    for (text, name) in [
        ("census", SectionName::Census),
        ("tasks/pve1", SectionName::Tasks { node: "pve1".to_owned() }),
        ("backups/nas", named("nas", None)),
        ("backups/local/pve1", named("local", Some("pve1"))),
        ("snapshots/15", SectionName::Snapshots { bucket: 15 }),
        ("pbs/main//3", pbs("main", "", 3)),
        ("pbs/main/prod/web/0", pbs("main", "prod/web", 0)),
        ("pbs/main", SectionName::Other("pbs/main".to_owned())),
        ("tasks/", SectionName::Other("tasks/".to_owned())),
        ("clouds/9", SectionName::Other("clouds/9".to_owned())),
    ] {
        assert_eq!(SectionName::parse(text), name);
        assert_eq!(name.to_string(), text);
    }
    let sections = Sections { instance: "i".to_owned(), names: vec![SectionName::Census, pbs("main", "", 3)] };
    agent_says(&FromAgent::Sections(sections), r#"{"t":"sections","instance":"i","names":["census","pbs/main//3"]}"#);
}

#[test]
fn a_welcome_travels() {
    let instance = Instance {
        id: "i1".to_owned(),
        kind: InstanceKind::Pve,
        name: "lab".to_owned(),
        host: "https://192.0.2.10:8006".to_owned(),
        token_name: Some("monitor@pve!t1".to_owned()),
        token_value: Some(Hidden("s3cret".to_owned())),
        ..Instance::default()
    };
    assert!(!format!("{instance:?}").contains("s3cret"));
    let welcome = Welcome {
        now_ms: 1,
        poll_s: 5,
        sweep_s: 600,
        instances: vec![instance],
        have: [("i1".to_owned(), [("census".to_owned(), "ab".to_owned())].into())].into(),
        durable: [("i1".to_owned(), 16)].into(),
    };
    edge_says(
        &FromEdge::Welcome(welcome),
        concat!(
            r#"{"t":"welcome","now_ms":1,"poll_s":5,"sweep_s":600,"instances":[{"id":"i1","kind":"pve","name":"lab","host":"https://192.0.2.10:8006","#,
            r#""token_name":"monitor@pve!t1","token_value":"s3cret","verify_tls":false,"monitor":{"vms":true,"containers":true,"storage":true,"backups":true,"#,
            r#""datastores":true,"sync_jobs":true,"verify_jobs":true,"prune_jobs":true,"garbage_jobs":false}}],"have":{"i1":{"census":"ab"}},"durable":{"i1":16}}"#
        ),
    );
}

#[test]
fn a_welcome_without_more_has_defaults_and_loses_only_what_it_cannot_read() {
    let FromEdge::Welcome(welcome) = of_edge(
        r#"{"t":"welcome","instances":[{"id":"a","kind":"pbs","monitor":{"vms":0}},{"id":"b","kind":"toaster"},{"id":"c","kind":"pve","monitor":null}],"new":1}"#,
    ) else {
        panic!("no welcome")
    };
    let ids: Vec<&str> = welcome.instances.iter().map(|instance| instance.id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
    assert!(!welcome.instances[0].monitor.vms && welcome.instances[0].monitor.backups);
    assert_eq!(welcome.instances[1].monitor, Monitor::default());
    assert_eq!((welcome.poll_s, welcome.have.len(), welcome.durable.len()), (0, 0, 0));
}

#[test]
fn the_edges_short_messages_travel() {
    let kept = Kept { instance: "i".to_owned(), name: SectionName::Snapshots { bucket: 2 }, hash: "ab".to_owned() };
    edge_says(&FromEdge::Kept(kept), r#"{"t":"kept","instance":"i","name":"snapshots/2","hash":"ab"}"#);
    edge_says(
        &FromEdge::Durable(Durable { instance: "i".to_owned(), n: 17 }),
        r#"{"t":"durable","instance":"i","n":17}"#,
    );
    edge_says(&FromEdge::Watch(Watch { for_s: 60 }), r#"{"t":"watch","for_s":60}"#);
    edge_says(
        &FromEdge::Bye(Bye { why: "restart".to_owned(), retry_s: 5 }),
        r#"{"t":"bye","why":"restart","retry_s":5}"#,
    );
}

#[test]
fn pings_are_the_texts_that_the_runtime_compares() {
    agent_says(&FromAgent::Ping, PING);
    edge_says(&FromEdge::Pong, PONG);
}

#[test]
fn jobs_and_their_results_travel() {
    let instance = Instance { id: String::new(), host: "https://192.0.2.1:8006".to_owned(), ..Instance::default() };
    let test = FromEdge::Job(Box::new(Job { job: 7, kind: JobKind::Test { instance: Box::new(instance) } }));
    assert_eq!(of_edge(&test.write().unwrap()), test);
    assert!(test.write().unwrap().starts_with(r#"{"t":"job","job":7,"kind":"test","instance":{"id":"","kind":"pve","#));
    edge_says(
        &FromEdge::Job(Box::new(Job { job: 8, kind: JobKind::Discover { subnet: String::new() } })),
        r#"{"t":"job","job":8,"kind":"discover","subnet":""}"#,
    );
    edge_says(
        &FromEdge::Job(Box::new(Job { job: 9, kind: JobKind::PollSettings { poll_s: 5, sweep_s: 0 } })),
        r#"{"t":"job","job":9,"kind":"poll_settings","poll_s":5,"sweep_s":0}"#,
    );
    let error = PollError { kind: PollErrorKind::Unreachable, text: "no answer".to_owned() };
    agent_says(
        &FromAgent::Done(Done { job: 7, result: JobResult::Error(error) }),
        r#"{"t":"done","job":7,"result":{"error":{"kind":"unreachable","text":"no answer"}}}"#,
    );
    agent_says(
        &FromAgent::Done(Done { job: 9, result: JobResult::PollS(5) }),
        r#"{"t":"done","job":9,"result":{"poll_s":5}}"#,
    );
    let tested = Tested { took_ms: 12, nodes: 2, is_cluster: true, ..Tested::default() };
    agent_says(
        &FromAgent::Done(Done { job: 7, result: JobResult::Tested(tested) }),
        concat!(
            r#"{"t":"done","job":7,"result":{"tested":{"took_ms":12,"version":"","node":"","nodes":2,"is_cluster":true,"cluster_name":"","#,
            r#""datastores":0,"fingerprint":""}}}"#
        ),
    );
}

#[test]
fn a_job_of_a_newer_edge_keeps_its_number() {
    for text in [r#"{"t":"job","job":7,"kind":"shell","command":"id"}"#, r#"{"t":"job","job":7,"kind":"test"}"#] {
        let FromEdge::Job(job) = of_edge(text) else { panic!("{text}") };
        assert_eq!(job.job, 7);
        assert!(matches!(job.kind, JobKind::Unknown(_)));
    }
}

#[test]
fn unknown_messages_are_named_and_broken_ones_refused() {
    assert_eq!(of_agent(r#"{"t":"song","x":[1]}"#), FromAgent::Unknown("song".to_owned()));
    assert_eq!(of_edge(r#"{"t":"","x":1}"#), FromEdge::Unknown(String::new()));
    for text in ["", "ping", "[]", r#"{"x":1}"#, r#"{"t":"frame"}"#, r#"{"t":"frame","instance":"i","n":"#] {
        assert!(FromAgent::read(text).is_err(), "{text}");
    }
    assert!(FromAgent::Unknown("song".to_owned()).write().is_err());
}
