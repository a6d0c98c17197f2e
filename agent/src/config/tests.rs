use super::*;
use crate::testing::TestDirectory;

fn load(file: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let directory = TestDirectory::new();
    let path = directory.path().join("agent.conf");
    std::fs::write(&path, file).unwrap();
    let mut layer = Layer::default();
    for (key, value) in flags {
        assert!(layer.set(key, (*value).to_owned()));
    }
    Config::load(Some(&path), Path::new("/"), layer, &|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "# of install\nurl = https://file.example.com\nname = \"from file\"\ntag=EU\n\nperiod_s = 30\n";
    let config =
        load(file, &[("EDGEWATCH_NAME", "of env"), ("EDGEWATCH_PERIOD_S", "20")], &[("period_s", "60")]).unwrap();
    assert_eq!(config.server().unwrap().as_str(), "https://file.example.com");
    assert_eq!((config.name.as_deref(), config.tag.as_deref(), config.period_s), (Some("of env"), Some("EU"), 60));
}

#[test]
fn names_of_the_bootstrap_script_are_understood_and_ours_win() {
    let nezha = [("NEZHA_DASHBOARD_URL", "https://a.example.com/"), ("NODE_NAME", "node"), ("NEZHA_TOKEN", "tok")];
    let config = load("", &nezha, &[]).unwrap();
    assert_eq!((config.server().unwrap().as_str(), config.name.as_deref()), ("https://a.example.com", Some("node")));
    assert_eq!(config.token().unwrap().unwrap().reveal(), "tok");
    let both = [nezha[0], ("EDGEWATCH_URL", "https://b.example.com"), nezha[2], ("EDGEWATCH_TOKEN", "ours")];
    let config = load("", &both, &[]).unwrap();
    assert_eq!(config.server().unwrap().as_str(), "https://b.example.com");
    assert_eq!(config.token().unwrap().unwrap().reveal(), "ours");
}

#[test]
fn defaults_are_what_the_manual_says() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!((config.period_s, config.frame_s), (10, 10));
    assert_eq!(config.secret_file, Path::new("/etc/edgewatch/secret"));
    assert_eq!(config.state_dir, Path::new("/var/lib/edgewatch"));
    assert_eq!(config.spool_limits(), spool::Limits { samples: 8_640, bytes: 8 << 20 });
    assert!(config.server().unwrap_err().to_string().contains("EDGEWATCH_URL"));
}

#[test]
fn a_mistake_names_its_line_and_what_is_expected() {
    let words = |file: &str| load(file, &[], &[]).unwrap_err().to_string();
    assert!(words("url = https://a\ninterval = 5\n").contains("line 2: unknown key `interval`"));
    assert!(words("url\n").contains("line 1"));
    assert!(words("secret = abc\n").contains("secret_file"));
    assert!(words("period_s = 0\n").contains("1 to 3600"));
    assert!(words("insecure_http = maybe\n").contains("true or false"));
    assert!(words("transport = udp\n").contains("auto, websocket or post"));
    assert!(words("log_level = loud\n").contains("debug"));
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = Config::load(Some(Path::new("/no/such.conf")), Path::new("/"), Layer::default(), &|_| None);
    assert!(error.unwrap_err().to_string().contains("/no/such.conf"));
}

#[test]
fn a_file_that_was_not_named_lies_below_the_root() {
    let directory = TestDirectory::new();
    let load = || Config::load(None, directory.path(), Layer::default(), &|_| None).unwrap();
    assert_eq!(load().name, None, "this machine's own file is not this root's");
    std::fs::create_dir_all(directory.path().join("etc/edgewatch")).unwrap();
    std::fs::write(directory.path().join("etc/edgewatch/agent.conf"), "name = of the image\n").unwrap();
    assert_eq!(load().name.as_deref(), Some("of the image"));
}

#[test]
fn a_secret_in_the_environment_needs_no_file() {
    let config = load("secret_file = /no/such/file\n", &[("EDGEWATCH_SECRET", "Yejw9jNvi4GJhxTMZg")], &[]).unwrap();
    assert_eq!(config.secret().unwrap().unwrap().reveal(), "Yejw9jNvi4GJhxTMZg");
    assert!(!format!("{config:?}").contains("Yejw"));
}

#[test]
fn an_empty_value_takes_back_what_a_lower_layer_says() {
    let config = load("ca_file = /etc/ca.pem\nname = alpha\n", &[("EDGEWATCH_CA_FILE", "")], &[("name", "")]).unwrap();
    assert_eq!((config.ca_file, config.name), (None, None));
}

#[test]
fn the_transport_is_chosen_by_the_agent_unless_it_is_named() {
    let transport = |file| load(file, &[], &[]).unwrap().transport;
    assert_eq!(transport(""), Transport::Auto);
    assert_eq!(transport("transport = websocket\n"), Transport::WebSocket);
    assert_eq!(load("", &[("EDGEWATCH_TRANSPORT", "post")], &[]).unwrap().transport, Transport::Post);
}

#[test]
fn lists_are_split_at_commas() {
    let config = load("mounts = /, /srv ,\ninterfaces = eth0\n", &[], &[]).unwrap();
    assert_eq!(config.selection.mounts, ["/", "/srv"]);
    assert_eq!(config.selection.interfaces, ["eth0"]);
}

#[test]
fn a_report_is_never_due_more_often_than_a_sample() {
    let config = load("period_s = 60\nframe_s = 10\n", &[], &[]).unwrap();
    assert_eq!(config.frame_s, 60);
}
