//! What the stock agent's files mean to us.

use super::*;

fn parsed(text: &str) -> Result<Settings, ConfigError> {
    parse(text, Path::new("/etc/openitcockpit-agent/config.ini"))
}

/// The values that the stock agent's package ships, comments among them.
const SHIPPED: &str = "\
# configuration of the agent
[default]
address = 0.0.0.0
port = 3333
try-autossl = True
tls-security-level = intermediate
#certfile = /etc/ssl/agent.crt
#autossl-csr-file = /etc/openitcockpit-agent/agent.csr
config-update-mode = False
#auth = user:password
interval = 30
#customchecks = /etc/openitcockpit-agent/customchecks.ini
cpustats = True
memory = True
swap = True
processstats = True
netstats = True
netio = True
diskstats = True
diskio = True
systemdservices = True
winservices = True
wineventlog = False
wineventlog-method = WMI
wineventlog-logtypes = System,Application,Security
wineventlog-age = 3600
sensorstats = True
dockerstats = False
libvirt = False
userstats = True
launchdservices = True
ntp = True

[oitc]
enabled = False
enable-webserver = False
url =
apikey =
verify-server-certificate = False
timeout = 1

[prometheus]
enabled = True

[packagemanager]
enabled = True
enable-update-check = True
enable-alternative-packagemanagers = False
check-interval = 60
limit-description-length = 80
";

#[test]
fn the_shipped_file_is_read() {
    let settings = parsed(SHIPPED).unwrap();
    assert_eq!(settings.listen, Some(Listen { address: "0.0.0.0".to_owned(), port: 3333 }));
    assert!(settings.tls.is_auto && settings.tls.level == Level::Intermediate && settings.tls.own.is_none());
    let at = |name: &str| Some(PathBuf::from("/etc/openitcockpit-agent").join(name));
    assert_eq!(
        [&settings.tls.csr, &settings.tls.certificate, &settings.tls.key, &settings.tls.authority],
        [&at("agent.csr"), &at("agent.crt"), &at("agent.key"), &at("server_ca.crt")]
    );
    assert_eq!(
        (settings.interval, settings.push.clone(), settings.auth.clone()),
        (Duration::from_secs(30), None, None)
    );
    assert!(settings.groups.sensors && !settings.groups.docker && settings.groups.load && settings.has_exporters);
    assert_eq!(
        (settings.checks_file, settings.exporters_file),
        (at("customchecks.ini"), at("prometheus_exporters.ini"))
    );
    assert_eq!(settings.packages.description_bytes, Some(80));
    assert_eq!(settings.packages.interval, Duration::from_hours(1));
    assert_eq!(settings.notes, [""; 0]);
}

#[test]
fn an_empty_file_means_the_defaults() {
    let settings = parsed("[default]\n").unwrap();
    assert_eq!(settings.listen, Some(Listen { address: String::new(), port: 3333 }));
    assert!(!settings.tls.is_auto && settings.tls.level == Level::Lax);
    assert!(!settings.groups.sensors && settings.groups.cpu && !settings.has_exporters && settings.packages.is_enabled);
    assert!(!settings.takes_config && !settings.takes_commands);
}

#[test]
fn a_file_of_version_one_with_blank_values_is_read() {
    let text = "[default]\ninterval =\nport =\naddress =\ncertfile =\nkeyfile =\ntry-autossl = yes\nauth =\n\
         verbose =\nstacktrace = on\nconfig-update-mode =\ntemperature-fahrenheit =\ncustomchecks =\n\
         processstats-including-child-ids =\nautossl-crt-file =\nalfresco-jmxport =\ncpustats =\n\
         [oitc]\nhostuuid =\nurl =\napikey =\ninterval = 60\nenabled =\n";
    let settings = parsed(text).unwrap();
    assert_eq!((settings.interval, settings.listen.map(|listen| listen.port)), (Duration::from_secs(30), Some(3333)));
    assert_eq!((settings.tls.certificate, settings.checks_file), (None, None), "an empty path is no path");
    assert!(settings.tls.is_auto && !settings.groups.cpu);
    assert_eq!(settings.notes.len(), 2, "{:?}", settings.notes);
}

#[test]
fn an_interval_that_the_original_dies_of_becomes_the_shortest() {
    for text in ["0", "1", "4"] {
        let settings = parsed(&format!("[default]\ninterval = {text}\n")).unwrap();
        assert_eq!((settings.interval, settings.notes.len()), (Duration::from_secs(5), 1), "{text}");
    }
}

#[test]
fn passwords_may_hold_what_cuts_other_values_and_are_never_shown() {
    let settings = parsed("[default]\nauth = `u:p#1;2:3`\n").unwrap();
    assert_eq!(settings.auth.as_ref().unwrap().reveal(), "u:p#1;2:3");
    assert!(!format!("{settings:?}").contains("p#1"));
    let error = parsed("[default]\nauth = hunter2\n").unwrap_err().to_string();
    assert!(error.contains("colon") && !error.contains("hunter2"), "{error}");
    let pushes = "[oitc]\nenabled = 1\nurl = https://u:pw@a.example.com\napikey = k3y\n";
    let shown = format!("{:?}", parsed(pushes).unwrap());
    assert!(!shown.contains("k3y") && !shown.contains("pw"), "{shown}");
}

#[test]
fn pushing_turns_the_server_off_unless_it_is_wanted() {
    let push = "[default]\ninterval = 60\n[oitc]\nenabled = True\nurl = https://a.example.com\n";
    let settings = parsed(push).unwrap();
    assert_eq!(settings.listen, None);
    let push_settings = settings.push.unwrap();
    assert_eq!(push_settings.timeout, Duration::from_secs(59));
    assert_eq!(push_settings.auth_file, Path::new("/etc/openitcockpit-agent/auth.json"));
    assert!(parsed(&format!("{push}enable-webserver = true\n")).unwrap().listen.is_some());
    assert_eq!(parsed(&format!("{push}timeout = 1\n")).unwrap().push.unwrap().timeout, Duration::from_secs(1));
    assert!(parsed("[oitc]\nenabled = True\nurl = monitor:8080\n").is_err(), "no scheme");
}

#[test]
fn what_cannot_be_meant_is_an_error_with_its_place() {
    for (text, words) in [
        ("[default]\nport = 70000\n", "[default] port"),
        ("[default]\ncpustats = perhaps\n", "[default] cpustats"),
        ("[default]\nwinservices = perhaps\n", "[default] winservices"),
        ("[oitc]\nenabled = si\n", "[oitc] enabled"),
        ("[packagemanager]\ncheck-interval = often\n", "[packagemanager] check-interval"),
        ("[default]\nnonsense\n", "line 2"),
    ] {
        let error = parsed(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
