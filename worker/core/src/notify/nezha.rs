//! Requests with placeholders, as Nezha v0's notifications have them. Source: nezha specification, 11.

use std::collections::BTreeMap;

use super::notice::{Letter, request};
use super::settings::Settings;
use super::{OutgoingRequest, words};
use crate::failure::Failure;
use crate::model::Host;

/// Headers that are the connection's own: as in the original, setting them has no effect.
const OWN: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "upgrade"];

/// The request to the channel's address.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked.
pub fn render(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let unchecked = |error: serde_json::Error| Failure::Internal(error.to_string());
    let fill = |text: &str, escape: fn(&str) -> String| filled(text, letter, escape);
    let url = fill(settings.get("url"), words::query_escaped);
    let (method, body) = (settings.get("method"), settings.get("body"));
    let (content_type, body) = match (method, settings.get("body_type")) {
        ("GET", _) => ("", String::new()),
        (_, "form") => {
            let values: BTreeMap<String, String> = serde_json::from_str(body).map_err(unchecked)?;
            let pair = |(name, value): (&String, &String)| {
                format!("{}={}", words::query_escaped(name), words::query_escaped(&fill(value, str::to_owned)))
            };
            ("application/x-www-form-urlencoded", values.iter().map(pair).collect::<Vec<_>>().join("&"))
        }
        _ => ("application/json", fill(body, words::json_escaped)),
    };
    let mut request = request(method, url, letter.key, content_type, body);
    request.secrets.push(request.url.clone());
    if !settings.get("headers").is_empty() {
        let own: BTreeMap<String, String> = serde_json::from_str(settings.get("headers")).map_err(unchecked)?;
        for (name, value) in own {
            if !OWN.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
                request.headers.retain(|(there, _)| !there.eq_ignore_ascii_case(&name));
                request.headers.push((name, value));
            }
        }
    }
    Ok(request)
}

/// `template` with its placeholders filled in. In one pass: what a value holds is never taken for a placeholder. One that is not
/// known stays as it is, and so do those of a server where there is none.
fn filled(template: &str, letter: &Letter<'_>, escape: fn(&str) -> String) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('#') {
        out.push_str(before);
        let value = after.split_once('#').and_then(|(name, behind)| Some((value(name, letter)?, behind)));
        if let Some((value, behind)) = value {
            out.push_str(&escape(&value));
            rest = behind;
        } else {
            out.push('#');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn value(name: &str, letter: &Letter<'_>) -> Option<String> {
    match name {
        "NEZHA" => Some(letter.notice.event.text.clone()),
        // As Go writes a time.
        "DATETIME" => Some(format!("{} +0000 UTC", words::date_time(letter.notice.event.at))),
        _ => of_server(name.strip_prefix("SERVER.")?, letter.notice.host?),
    }
}

/// A server's value. What it never reported is 0 or empty, as in the original.
fn of_server(name: &str, host: &Host) -> Option<String> {
    let (facts, newest) = (host.facts.as_ref(), host.newest.as_ref());
    let count = |value: Option<u64>| value.unwrap_or(0).to_string();
    let six = |value: Option<f64>| format!("{:.6}", value.unwrap_or(0.0));
    Some(match name {
        "NAME" => host.name.clone(),
        "ID" => host.id.0.to_string(),
        "IP" => host.addresses.preferred().to_owned(),
        "IPV4" => host.addresses.v4.clone(),
        "IPV6" => host.addresses.v6.clone(),
        "CPU" => six(newest.and_then(|one| one.cpu_percent)),
        "MEM" | "MEMUSED" => count(newest.and_then(|one| one.mem_used_bytes)),
        "MEMTOTAL" => count(facts.map(|one| one.mem_total_bytes)),
        "SWAP" | "SWAPUSED" => count(newest.and_then(|one| one.swap_used_bytes)),
        "SWAPTOTAL" => count(facts.map(|one| one.swap_total_bytes)),
        "DISK" | "DISKUSED" => count(newest.and_then(|one| one.disk_used_bytes)),
        "DISKTOTAL" => count(facts.map(|one| one.disk_total_bytes)),
        "NETINSPEED" => count(newest.and_then(|one| one.net_in_bytes_per_s)),
        "NETOUTSPEED" => count(newest.and_then(|one| one.net_out_bytes_per_s)),
        "TRANSFERIN" | "NETINTRANSFER" => count(newest.and_then(|one| one.net_in_bytes)),
        "TRANSFEROUT" | "NETOUTTRANSFER" => count(newest.and_then(|one| one.net_out_bytes)),
        "LOAD1" => six(newest.and_then(|one| one.load1)),
        "LOAD5" => six(newest.and_then(|one| one.load5)),
        "LOAD15" => six(newest.and_then(|one| one.load15)),
        "TCPCONNCOUNT" => count(newest.and_then(|one| one.tcp_connections)),
        "UDPCONNCOUNT" => count(newest.and_then(|one| one.udp_connections)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::notify::OutgoingRequest;
    use crate::notify::kinds::Kind;
    use crate::notify::notice::tests::{HOSTILE, event, host, sent};

    fn with(pairs: &[(&str, &str)], name: Option<&str>) -> OutgoingRequest {
        let host = name.map(host);
        sent(Kind::Nezha, pairs, &event("a \"b\" & c"), host.as_ref())
    }

    fn header<'a>(request: &'a OutgoingRequest, name: &str) -> Vec<&'a str> {
        let same = request.headers.iter().filter(|(one, _)| one.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn values_are_escaped_for_where_they_stand() {
        let request = with(&[("url", "https://x/?m=#NEZHA#&n=#SERVER.NAME#")], Some("a b"));
        assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", "https://x/?m=a+%22b%22+%26+c&n=a+b"));
        assert_eq!((request.body.as_str(), header(&request, "content-type").len()), ("", 0));
        let body = r##"{"m":"#NEZHA#"}"##;
        let request = with(&[("url", "https://x/"), ("method", "POST"), ("body", body)], None);
        assert_eq!(request.body, r#"{"m":"a \"b\" & c"}"#);
        assert_eq!(header(&request, "content-type"), ["application/json"]);
        let pairs = [("url", "https://x/"), ("method", "POST"), ("body_type", "form"), ("body", body)];
        let request = with(&pairs, None);
        assert_eq!(request.body, "m=a+%22b%22+%26+c");
        assert_eq!(header(&request, "content-type"), ["application/x-www-form-urlencoded"]);
    }

    #[test]
    fn every_placeholder_has_its_value() {
        let names = "NAME ID IP IPV4 IPV6 CPU MEM MEMUSED MEMTOTAL SWAP SWAPUSED SWAPTOTAL DISK DISKUSED DISKTOTAL NETINSPEED \
             NETOUTSPEED TRANSFERIN TRANSFEROUT NETINTRANSFER NETOUTTRANSFER LOAD1 LOAD5 LOAD15 TCPCONNCOUNT UDPCONNCOUNT";
        let body: Vec<String> = names.split_whitespace().map(|name| format!("#SERVER.{name}#")).collect();
        let body = format!("{} #DATETIME#", body.join(" "));
        let request = with(&[("url", "https://x/"), ("method", "POST"), ("body", &body)], Some("n"));
        assert_eq!(
            request.body,
            "n 3 198.51.100.7 198.51.100.7 2001:db8::7 17.500000 50 50 100 5 5 10 500 500 1000 7 6 9000000000 8 9000000000 8 \
             1.250000 0.000000 0.000000 4 3 2026-11-23 00:01:52 +0000 UTC"
        );
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        let body = "#SERVER.NAME# #NEZHA #SERVER.COLOR# ## #";
        let request = with(&[("url", "https://x/"), ("method", "POST"), ("body", body)], None);
        assert_eq!(request.body, body);
        let request = with(&[("url", "https://x/"), ("method", "POST"), ("body", "##NEZHA##")], None);
        assert_eq!(request.body, "#a \\\"b\\\" & c#");
    }

    #[test]
    fn a_name_is_never_a_placeholder() {
        let request = with(&[("url", "https://x/"), ("method", "POST"), ("body", "#SERVER.NAME#")], Some(HOSTILE));
        assert!(request.body.contains("#SERVER.ID#") && !request.body.contains('\n'), "{}", request.body);
    }

    #[test]
    fn headers_override_ours_but_not_the_connections() {
        let headers = r#"{"Content-Type":"text/plain","X-A":"b","Host":"evil","content-length":"1"}"#;
        let request = with(&[("url", "https://x/"), ("method", "POST"), ("headers", headers)], None);
        assert_eq!((header(&request, "content-type"), header(&request, "x-a")), (vec!["text/plain"], vec!["b"]));
        assert_eq!((header(&request, "host").len(), header(&request, "content-length").len()), (0, 0));
    }
}
