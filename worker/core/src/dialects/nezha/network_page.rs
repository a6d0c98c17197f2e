//! The page at `/network`: the delays that a server saw in its last day. Source: nezha specification, 5.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::html::escaped;
use crate::failure::Failure;
use crate::model::{Form, Piece};

const DAY_MS: i64 = 86_400_000;
/// The drawing, in its own units.
const WIDTH: f64 = 1_440.0;
const HEIGHT: f64 = 300.0;
/// So many lines differ in colour.
const COLOURS: usize = 6;

/// A server that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerName {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
}

/// The servers that may be chosen: a [`ServerName`] each.
pub static NAMES: Form = Form {
    name: "nezha.names",
    of: |_| true,
    before: "[",
    after: "]",
    write: |host| {
        let name = ServerName { id: host.id.0, name: host.name };
        let json = serde_json::to_string(&name).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(Piece::new(&json, ""))
    },
    seen: |_| String::new(),
};

/// The list in the form [`NAMES`].
///
/// # Errors
/// [`Failure::Internal`] for anything else.
pub fn read_names(list: &[u8]) -> Result<Vec<ServerName>, Failure> {
    serde_json::from_slice(list).map_err(|error| Failure::Internal(format!("names of servers: {error}")))
}

/// The delays of one monitor as the chosen server saw them.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkLine {
    /// What people call the monitor.
    pub name: String,
    /// When each point came, ms since 1970, and its delay, ms; a failure is 0. By time.
    pub points: Vec<(i64, f64)>,
}

/// The inner part of the page: the servers to choose from, and the lines of the chosen one. `now_ms`: the right edge.
pub fn network_page(servers: &[ServerName], chosen: Option<i64>, lines: &[NetworkLine], now_ms: i64) -> String {
    let mut page = String::from("<h2>Network</h2>\n");
    if servers.is_empty() {
        page.push_str("<p class=\"note\">There is no server to show.</p>\n");
        return page;
    }
    page.push_str("<nav class=\"servers\" aria-label=\"Servers\">\n");
    for server in servers {
        let current = if Some(server.id) == chosen { " aria-current=\"page\"" } else { "" };
        let _ = writeln!(page, "<a href=\"/network/{}\"{current}>{}</a>", server.id, escaped(&server.name));
    }
    page.push_str("</nav>\n");
    if lines.is_empty() {
        page.push_str("<p class=\"note\">No ping of this server came in the last day.</p>\n");
        return page;
    }
    write_chart(&mut page, lines, now_ms);
    page.push_str(
        "<table class=\"plain\"><thead><tr><th scope=\"col\">Monitor</th><th scope=\"col\">Mean</th><th scope=\"col\">Least</th>\
         <th scope=\"col\">Most</th><th scope=\"col\">No answer</th></tr></thead>\n<tbody>\n",
    );
    lines.iter().enumerate().for_each(|(index, line)| write_row(&mut page, index, line));
    page.push_str("</tbody></table>\n");
    page
}

#[expect(clippy::cast_precision_loss, reason = "a day has few milliseconds")]
fn write_chart(page: &mut String, lines: &[NetworkLine], now_ms: i64) {
    let most_ms = lines.iter().flat_map(|line| &line.points).map(|(_, delay)| *delay).fold(1.0, f64::max);
    let _ = write!(
        page,
        "<figure class=\"delays\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Delays of the last day, up to {most_ms:.1} ms\">"
    );
    for (index, line) in lines.iter().enumerate() {
        let _ = write!(page, "<polyline class=\"line-{}\" points=\"", index % COLOURS);
        for (at_ms, delay_ms) in &line.points {
            let x = (at_ms - (now_ms - DAY_MS)) as f64 / DAY_MS as f64 * WIDTH;
            let y = HEIGHT - delay_ms / most_ms * HEIGHT;
            let _ = write!(page, "{:.0},{:.1} ", x.clamp(0.0, WIDTH), y.clamp(0.0, HEIGHT));
        }
        let _ = write!(page, "\"><title>{}</title></polyline>", escaped(&line.name));
    }
    let _ =
        writeln!(page, "</svg><figcaption>The last 24 hours; the upper edge is {most_ms:.1} ms</figcaption></figure>");
}

#[expect(clippy::cast_precision_loss, reason = "a day has few points")]
fn write_row(page: &mut String, index: usize, line: &NetworkLine) {
    // Quirk: a failure is a delay of 0.
    let answered: Vec<f64> = line.points.iter().map(|(_, delay)| *delay).filter(|delay| *delay > 0.0).collect();
    let lost = line.points.len() - answered.len();
    let lost = lost as f64 / (line.points.len().max(1)) as f64 * 100.0;
    let mean = answered.iter().sum::<f64>() / answered.len() as f64;
    let least = answered.iter().copied().reduce(f64::min);
    let most = answered.iter().copied().reduce(f64::max);
    let told = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2} ms"));
    let _ = writeln!(
        page,
        "<tr><th scope=\"row\" class=\"line-{}\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{lost:.1} %</td></tr>",
        index % COLOURS,
        escaped(&line.name),
        told(least.map(|_| mean)),
        told(least),
        told(most)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert('1')</script>\"";
    const NOW_MS: i64 = 1_795_361_190_000;

    fn servers() -> Vec<ServerName> {
        vec![ServerName { id: 3, name: HOSTILE.to_owned() }, ServerName { id: 1, name: "fra-1".to_owned() }]
    }

    #[test]
    fn a_server_has_a_line_for_each_monitor_and_its_figures() {
        let points = vec![(NOW_MS - DAY_MS, 10.0), (NOW_MS - DAY_MS / 2, 0.0), (NOW_MS, 20.0)];
        let lines = [
            NetworkLine { name: HOSTILE.to_owned(), points },
            NetworkLine { name: "dead".to_owned(), points: vec![(NOW_MS, 0.0)] },
        ];
        let page = network_page(&servers(), Some(1), &lines, NOW_MS);
        assert!(page.contains("points=\"0,150.0 720,300.0 1440,0.0 \""), "{page}");
        assert!(page.contains("<td>15.00 ms</td><td>10.00 ms</td><td>20.00 ms</td><td>33.3 %</td>"), "{page}");
        assert!(page.contains("<td>–</td><td>–</td><td>–</td><td>100.0 %</td>"), "{page}");
        assert!(page.contains("<a href=\"/network/1\" aria-current=\"page\">fra-1</a>"), "{page}");
        assert!(!page.contains("<script") && !page.contains(" style="), "{page}");
    }

    #[test]
    fn where_there_is_nothing_that_is_said() {
        assert!(network_page(&servers(), Some(3), &[], NOW_MS).contains("No ping of this server"));
        assert!(network_page(&[], None, &[], NOW_MS).contains("no server to show"));
    }
}
