//! The texts of `--help`.

/// The help for one command, or for all.
pub fn text(command: Option<&str>) -> &'static str {
    match command {
        Some("register") => REGISTER,
        Some("run") => RUN,
        Some("check") => CHECK,
        Some("status") => STATUS,
        Some("install") => INSTALL,
        Some("uninstall") => UNINSTALL,
        _ => ALL,
    }
}

const ALL: &str = "\
edgewatch-agent: measures this host and reports it to an Edgewatch server

usage: edgewatch-agent COMMAND [OPTIONS]     (COMMAND --help tells more)

  register     make this machine a host of the server and keep its secret
  run          report until told to end (SIGTERM, SIGINT)
  check        show one sample, as people or programs (--json) read it
  status       tell how the running agent fares
  install      install the agent as a systemd service, and start it
  uninstall    remove it

configuration: flags win over the environment, that over the file. Every key of
the file (/etc/edgewatch/agent.conf, lines `key = value`) is also a variable
EDGEWATCH_KEY and a flag --key:

  url            the server, such as https://edgewatch.example.com
                 (also NEZHA_DASHBOARD_URL)
  name           what the host is called; its own name by default (also NODE_NAME)
  tag            the group to register in
  secret_file    this host's secret, mode 0600     /etc/edgewatch/secret
  token_file     the token for register and install, mode 0600
  state_dir      unsent samples and the status     /var/lib/edgewatch
  period_s       seconds between two samples (--period); slower than the server
                 wants, never faster               10
  frame_s        seconds between two reports (--frame)
  spool_max_mib  most room for unsent samples      8
  transport      auto, websocket or post: auto reports by a WebSocket, and by
                 POST while something in between refuses one   auto
  ca_file        trust only the certificates in this file
  insecure_http  true allows http:// beyond this machine (--insecure-http)
  mounts         mount points to count, by commas, in place of the rule
  interfaces     network interfaces to count, by commas, in place of the rule
  addresses      addresses to show in place of the one the server sees
  hide_for_guest true hides the host from guests, when it is registered
  log_level      error, warn, info or debug        info
  probes         false asks no targets for the server
  details        false leaves out what the stock Mackerel agent tells once a
                 minute: processors by kind, each disk, interface, file system;
                 and what the host is made of, addresses included
  itcockpit_config FILE
                 the config.ini of a stock openITCOCKPIT agent, whose role is
                 played too (`run --help` tells more)
  proxmox        true polls Proxmox VE and Backup Server for the server, which
                 names them
  proxmox_config FILE
                 those whose credentials stay here (`run --help` tells more)

  --config FILE  another configuration file (also EDGEWATCH_CONFIG, -c)

A secret or token is never taken from a flag: EDGEWATCH_SECRET, EDGEWATCH_TOKEN
(or NEZHA_TOKEN), or a file. HTTPS_PROXY, ALL_PROXY and NO_PROXY are heard.

exit codes: 0 done; 1 failed (status: not reporting); 2 the command line or the
configuration is wrong
";

const REGISTER: &str = "\
usage: edgewatch-agent register [--url URL] [--name NAME] [--tag TAG]
                                [--token-file FILE] [--secret-file FILE]

Makes this machine a host of the server and keeps the secret it is given, in a
file that only its owner can read. Needs a token that may register hosts, in
EDGEWATCH_TOKEN (or NEZHA_TOKEN) or in a file of mode 0600.
Registering again keeps the host: the machine is known by a fingerprint of its
machine id, and the old secret proves that it is the same one.

exit codes: 0 registered; 1 the server refused or cannot be reached; 2 the
command line or the configuration is wrong
";

const RUN: &str = "\
usage: edgewatch-agent run [--url URL] [--secret-file FILE] [--state-dir DIR]
                           [--period SECONDS] [--frame SECONDS] [--ca-file FILE]
                           [--transport auto|websocket|post]
                           [--insecure-http] [--log-level LEVEL]

Measures and reports until SIGTERM or SIGINT; then sends what is left, or leaves
it in the state directory for the next start. Samples that cannot be sent are
kept, for a day at most; older ones are dropped, and `status` counts them.

Reports go by a WebSocket that stays open, through an HTTP proxy too (by its
CONNECT). Where something on the way refuses it they go by POST; the WebSocket
is tried again after ten minutes, then ever later, up to six hours. `status`
tells which it is.

For Proxmox: with `proxmox` set, the server names the hypervisors and backup
servers to poll, and hands over their credentials. The FILE of `proxmox_config`
holds others, whose credentials stay on this machine, and the networks in which
the server may have others looked for:

  [discover]
  networks = 192.0.2.0/24

  [lab]
  kind = pve
  host = https://192.0.2.10:8006
  token_name = monitor@pve!t1
  secret_file = /etc/edgewatch/lab.secret

kind is pve or pbs. Further keys: name, user (without token_name, secret_file
holds its password), fingerprint, verify_tls, vms, containers, storage, backups,
datastores, sync_jobs, verify_jobs, prune_jobs, garbage_jobs.

As an openITCOCKPIT agent:  edgewatch-agent -c FILE [-v | -d] [-l LOG]
                            [--log-rotate DAYS] [--disable-logfile]
                            [--disable-logrotate]

FILE is a stock agent's config.ini; with `itcockpit_config` set to it, that role
is played beside the reporting. It pushes results, or answers GET / at port 3333
and /packages, /prometheus, /autotls and, where config-update-mode is on,
/config; it runs the custom checks of the file beside it, and nothing that came
by the network unless config-update-commands is on there too. A section
[edgewatch] takes the keys of `--help`: with a `url` both roles are played.
-v and -d say more, LOG takes what is logged too, a new file each day (three
earlier ones stay); without -l there is standard error alone.

exit codes: 0 ended when told to; 1 cannot begin; 2 the command line or the
configuration is wrong
";

const CHECK: &str = "\
usage: edgewatch-agent check [--json] [--mounts LIST] [--interfaces LIST]

Measures for a second and shows what would be reported, with what is told once a
minute (unless `details` is false). Sends nothing and needs no server.

exit codes: 0 done; 2 the command line or the configuration is wrong
";

const STATUS: &str = "\
usage: edgewatch-agent status [--json] [--state-dir DIR]

Tells the server, the way to it, the last answer, what is not yet safe there, and the last
error.

exit codes: 0 the agent reports; 1 it does not; 2 the command line or the
configuration is wrong
";

const INSTALL: &str = "\
usage: edgewatch-agent install --url URL [--name NAME] [--tag TAG]
                               [--token-file FILE] [--no-start]
                               [--prefix DIR] [--root DIR]

Copies this program to /usr/local/bin, makes the user `edgewatch`, writes
/etc/edgewatch/agent.conf, registers this machine when there is no secret yet
(the token in EDGEWATCH_TOKEN or --token-file; a secret in EDGEWATCH_SECRET is
taken as it is), and starts a service without rights of its own. Installing
again upgrades and keeps everything else.

  --no-start     install only
  --prefix DIR   where bin/ lies                   /usr/local
  --root DIR     install below another root: for images; makes no user, starts
                 nothing, takes its agent.conf and not this machine's

exit codes: 0 installed; 1 failed; 2 the command line or the configuration is
wrong
";

const UNINSTALL: &str = "\
usage: edgewatch-agent uninstall [--purge] [--prefix DIR] [--root DIR]

Stops and removes the service and the program.

  --purge        also the configuration, the secret, unsent samples and the user

exit codes: 0 removed; 1 failed; 2 the command line or the configuration is
wrong
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    #[test]
    fn every_key_and_every_command_is_explained() {
        for key in KEYS {
            assert!(ALL.contains(&format!("\n  {key} ")), "{key}");
        }
        for command in ["register", "run", "check", "status", "install", "uninstall"] {
            assert!(text(Some(command)).starts_with(&format!("usage: edgewatch-agent {command}")), "{command}");
            assert!(text(Some(command)).contains("exit codes"), "{command}");
        }
    }
}
