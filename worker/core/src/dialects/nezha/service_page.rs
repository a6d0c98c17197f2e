//! The page at `/service`: how monitors fared in thirty days, and what servers transferred. Source: nezha specification, 8.3 and 10.

use std::fmt::Write as _;

use super::html::{bytes, escaped, moment};
use crate::units::UnixSeconds;

const DAY_S: i64 = 86_400;
/// The width of a day's column and its gap, and the height, in the drawing's own units.
const COLUMN: (usize, usize, usize) = (8, 10, 28);

/// A monitor on the page.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceMonitor {
    /// What people call it.
    pub name: String,
    /// `http`, `icmp` or `tcp`.
    pub kind: &'static str,
    /// Its state: `no_data`, `good`, `low` or `down`; and in Nezha's words.
    pub state: (&'static str, &'static str),
    /// The mean delay of the last quarter of an hour, ms.
    pub delay_ms: Option<f64>,
    /// When the certificate ends that was seen last.
    pub tls_expires: Option<UnixSeconds>,
    /// By day, today last: how many results there were, and how many of a hundred were good.
    pub days: Vec<(u64, Option<f64>)>,
}

/// What a server transferred in the running cycle of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceTransfer {
    /// The rule's name.
    pub rule: String,
    /// The server's name.
    pub server: String,
    /// `in`, `out` or `all`.
    pub direction: String,
    /// When the cycle began, and when the next one does.
    pub cycle: (UnixSeconds, UnixSeconds),
    /// Bytes so far.
    pub bytes: u64,
    /// More than this is told to people.
    pub most_bytes: Option<f64>,
}

/// The inner part of the page. `today`: the number of days since 1970.
pub fn service_page(monitors: &[ServiceMonitor], transfers: &[ServiceTransfer], today: i64) -> String {
    let mut page = String::from("<h2>Services</h2>\n");
    if monitors.is_empty() {
        page.push_str("<p class=\"note\">No monitor is shown here. One that is saved with “show in service” is.</p>\n");
    }
    for monitor in monitors {
        write_monitor(&mut page, monitor, today);
    }
    if !transfers.is_empty() {
        page.push_str(
            "<h2>Transfer</h2>\n<table class=\"plain\"><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Server</th>\
             <th scope=\"col\">Transferred</th><th scope=\"col\">Limit</th><th scope=\"col\">Cycle</th></tr></thead>\n<tbody>\n",
        );
        for transfer in transfers {
            write_transfer(&mut page, transfer);
        }
        page.push_str("</tbody></table>\n");
    }
    page
}

fn write_monitor(page: &mut String, monitor: &ServiceMonitor, today: i64) {
    let (state, words) = monitor.state;
    let (name, kind) = (escaped(&monitor.name), monitor.kind);
    let _ = write!(
        page,
        "<article class=\"monitor\"><h3>{name} <span class=\"state\" data-state=\"{state}\">{words}</span></h3>\n<p class=\"facts\">{kind}"
    );
    if let Some(delay_ms) = monitor.delay_ms {
        let _ = write!(page, " · {delay_ms:.1} ms");
    }
    if let Some((results, percent)) = over_all(&monitor.days) {
        let _ = write!(page, " · {percent:.2} % of {results} in {} days", monitor.days.len());
    }
    if let Some(expires) = monitor.tls_expires {
        let _ = write!(page, " · certificate until {}", moment(expires));
    }
    let (width, step, height) = COLUMN;
    let whole = step * monitor.days.len();
    let _ = write!(
        page,
        "</p>\n<svg class=\"days\" viewBox=\"0 0 {whole} {height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Availability by day, today last\">"
    );
    let first = today - i64::try_from(monitor.days.len()).unwrap_or(0) + 1;
    for (index, (number, (results, percent))) in (first..).zip(&monitor.days).enumerate() {
        let date = UnixSeconds(number.saturating_mul(DAY_S)).rfc3339();
        let date = date.get(..10).unwrap_or(&date);
        let told = percent.map_or_else(|| "no results".to_owned(), |percent| format!("{percent} % of {results}"));
        let _ = write!(
            page,
            "<rect class=\"{}\" x=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"2\"><title>{date}: {told}</title></rect>",
            level(*percent),
            index * step
        );
    }
    page.push_str("</svg></article>\n");
}

/// The bounds are those of a monitor's state.
fn level(percent: Option<f64>) -> &'static str {
    match percent {
        None => "no_data",
        Some(percent) if percent > 95.0 => "good",
        Some(percent) if percent > 80.0 => "low",
        Some(_) => "down",
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn over_all(days: &[(u64, Option<f64>)]) -> Option<(u64, f64)> {
    let results: u64 = days.iter().map(|(results, _)| results).sum();
    let up: f64 = days.iter().map(|(results, percent)| *results as f64 * percent.unwrap_or(0.0)).sum();
    (results > 0).then(|| (results, up / results as f64))
}

fn write_transfer(page: &mut String, transfer: &ServiceTransfer) {
    let (from, to) = transfer.cycle;
    let (limit, meter) = match transfer.most_bytes {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "shown"
        )]
        Some(most) if most > 0.0 => {
            let percent = (transfer.bytes as f64 / most * 100.0).clamp(0.0, 100.0);
            (bytes(most as u64), format!(" <meter min=\"0\" max=\"100\" value=\"{percent:.1}\">{percent:.1} %</meter>"))
        }
        _ => ("–".to_owned(), String::new()),
    };
    let _ = writeln!(
        page,
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{} ({}){meter}</td><td>{limit}</td><td>{} – {}</td></tr>",
        escaped(&transfer.rule),
        escaped(&transfer.server),
        bytes(transfer.bytes),
        escaped(&transfer.direction),
        moment(from),
        moment(to)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert('1')</script>\"";

    fn monitor() -> ServiceMonitor {
        ServiceMonitor {
            name: HOSTILE.to_owned(),
            kind: "tcp",
            state: ("good", "Good"),
            delay_ms: Some(12.34),
            tls_expires: Some(UnixSeconds(1_900_000_000)),
            days: vec![(0, None), (10, Some(50.0)), (30, Some(100.0)), (7, Some(90.0))],
        }
    }

    #[test]
    fn a_monitor_has_a_column_a_day_and_its_state() {
        let page = service_page(&[monitor()], &[], 20_779);
        let classes: Vec<&str> =
            page.split("<rect class=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
        assert_eq!(classes, ["no_data", "down", "good", "low"]);
        assert!(page.contains("<title>2026-11-22: 90 % of 7</title>"), "{page}");
        assert!(page.contains("data-state=\"good\">Good<") && page.contains("12.3 ms"), "{page}");
        // 5 + 30 + 6.3 of 47.
        assert!(page.contains("87.87 % of 47 in 4 days"), "{page}");
        assert!(!page.contains("<script") && !page.contains(" style="), "{page}");
    }

    #[test]
    fn transfer_is_told_with_its_limit_and_cycle() {
        let transfer = ServiceTransfer {
            rule: HOSTILE.to_owned(),
            server: HOSTILE.to_owned(),
            direction: "all".to_owned(),
            cycle: (UnixSeconds(1_795_361_186), UnixSeconds(1_795_364_786)),
            bytes: 1_610_612_736,
            most_bytes: Some(3_221_225_472.0),
        };
        let unlimited = ServiceTransfer { most_bytes: None, ..transfer.clone() };
        let page = service_page(&[], &[transfer, unlimited], 0);
        assert!(page.contains("1.50 GiB (all) <meter min=\"0\" max=\"100\" value=\"50.0\">50.0 %</meter>"), "{page}");
        assert!(page.contains("<td>3.00 GiB</td>") && page.contains("<td>–</td>"), "{page}");
        assert!(page.contains("No monitor is shown here") && !page.contains("<script"), "{page}");
        assert!(!service_page(&[], &[], 0).contains("Transfer"));
    }
}
